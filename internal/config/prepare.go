package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/distribution/reference"
	"go.yaml.in/yaml/v3"

	"dokploy-deploy/internal/dotenv"
)

// maxText is the longest text that Dokploy accepts, in bytes: a request's JSON
// is limited to 1 MB in total (docs/dokploy.md, The API).
const maxText = 1<<20 - 8<<10

// parseImage validates an image reference; Dokploy accepts anything.
func parseImage(v string) (string, error) {
	if _, err := reference.ParseNormalizedNamed(v); err != nil {
		return "", fmt.Errorf("%s is not the name of an image (%s); write one such as ghcr.io/acme/api:1.4.2", quote(v), strings.TrimPrefix(err.Error(), "invalid reference format: "))
	}
	return v, nil
}

// parseEnv validates KEY=VALUE lines, or converts the JSON object into which
// Woodpecker and Drone turn a map. Problems and warnings never show a value.
func parseEnv(v string) (string, error) {
	var object map[string]any
	if strings.HasPrefix(v, "{") && json.Unmarshal([]byte(v), &object) == nil {
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(object)) {
			line, err := dotenvLine(name, object[name])
			if err != nil {
				return v, err
			}
			lines = append(lines, line)
		}
		v = strings.Join(lines, "\n")
	}
	if err := dotenv.Check(v); err != nil {
		return v, err
	}
	if tooLong(v) {
		return v, fmt.Errorf("is larger than Dokploy accepts (%d bytes)", maxText)
	}
	return v, nil
}

// dotenvLine quotes a value so that Dokploy reads exactly that value.
func dotenvLine(name string, value any) (string, error) {
	var text string
	switch value := value.(type) {
	case string:
		text = value
	case nil:
	case map[string]any, []any:
		return "", fmt.Errorf("the value of %s is neither text nor a number", quote(name))
	default:
		raw, _ := json.Marshal(value)
		text = string(raw)
	}
	for _, q := range []string{"", "'", `"`, "`"} {
		line := name + "=" + q + text + q
		if vars := dotenv.Parse(line); len(vars) == 1 && vars[0].Name == name && vars[0].Value == text {
			return line, nil
		}
	}
	return "", fmt.Errorf("the name or value of %s cannot be written in a way that Dokploy reads; give KEY=VALUE lines", quote(name))
}

func tooLong(text string) bool {
	raw, err := json.Marshal(text)
	return err != nil || len(raw) > maxText
}

// ComposeFile is a local compose file.
type ComposeFile struct {
	Path, Text string
}

// parseComposeFile reads a file and checks that it is a compose file.
func parseComposeFile(path string) (*ComposeFile, error) {
	if err := noPath(path, "a compose file"); err != nil {
		return nil, err
	}
	raw, err := readFile(path, maxText)
	if err != nil {
		return nil, err
	}
	text := string(raw)
	switch {
	case strings.TrimSpace(text) == "":
		return nil, fmt.Errorf("%s is empty", quote(path))
	case !utf8.ValidString(text), strings.ContainsRune(text, 0):
		return nil, fmt.Errorf("%s is not text (invalid UTF-8, or a NUL)", quote(path))
	case tooLong(text):
		return nil, fmt.Errorf("%s is larger than Dokploy accepts (%d bytes)", quote(path), maxText)
	}
	if err := checkCompose(text); err != nil {
		return nil, fmt.Errorf("%s %w", quote(path), err)
	}
	return &ComposeFile{Path: path, Text: text}, nil
}

// checkCompose checks that text is YAML with services. It checks structure
// only: what the services mean is up to Docker, and tags such as !reset and
// references such as ${{project.X}} are up to Docker and Dokploy.
func checkCompose(text string) error {
	d := yaml.NewDecoder(strings.NewReader(text))
	var doc yaml.Node
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("contains only comments")
		}
		line, what := yamlError(text, err)
		return fmt.Errorf("is not YAML: line %d: %s", line, what)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("contains more than one YAML document; a compose file is a single one")
	}
	root := resolve(doc.Content[0])
	if root.Kind != yaml.MappingNode {
		return errors.New("is not a compose file: it is not a mapping with services")
	}
	if twice := duplicateKey(root, 0); twice != nil {
		return fmt.Errorf("line %d: the key %s appears twice", twice.Line, quote(twice.Value))
	}
	services := child(root, "services")
	if services == nil || resolve(services).Kind != yaml.MappingNode || len(resolve(services).Content) == 0 {
		return errors.New("is not a compose file: it has no services")
	}
	for i, v := range resolve(services).Content {
		if i%2 == 1 && resolve(v).Kind != yaml.MappingNode && v.Kind != yaml.AliasNode {
			return fmt.Errorf("line %d: the service %s is not a mapping", v.Line, quote(resolve(services).Content[i-1].Value))
		}
	}
	return nil
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func child(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// duplicateKey finds a key that occurs twice in its mapping. Dokploy's YAML
// reader rejects that, but only when it deploys.
func duplicateKey(n *yaml.Node, depth int) *yaml.Node {
	if depth > 100 {
		return nil
	}
	if n.Kind == yaml.MappingNode {
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Kind == yaml.ScalarNode && k.Tag != "!!merge" && seen[k.Value] {
				return k
			}
			seen[k.Value] = true
		}
	}
	for _, c := range n.Content {
		if twice := duplicateKey(c, depth+1); twice != nil {
			return twice
		}
	}
	return nil
}

// together checks inputs that depend on each other.
func (l *loader) together() {
	c := l.config
	given := func(input string) bool { return l.given(input) != "" }
	need := func(input, other, text string) {
		if given(input) && l.valid(input) && l.valid(other) {
			l.problem(input, text)
		}
	}
	one := func(input string, n int, what string) {
		switch {
		case !given(input) || !l.valid(input):
		case n == 0:
			l.problem(input, fmt.Sprintf("is for %s, but none is given", what))
		case n > 1:
			l.problem(input, fmt.Sprintf("is for one service, but %s has %d: deploy them in separate steps", strings.Fields(what)[1], n))
		}
	}
	if len(c.Applications) == 0 {
		need("image", "application", "is for an application, but none is given: a compose service's images are set in its compose file")
	}
	for _, input := range []string{"build-args", "build-secrets"} {
		if len(c.Applications) == 0 {
			what := strings.Replace(strings.ReplaceAll(input, "-", " "), "args", "arguments", 1)
			need(input, "application", fmt.Sprintf("is for an application that is built from a Dockerfile, but none is given: a compose service's %s are set in its compose file", what))
		}
		if given(input) && given("image") {
			l.problem(input, "cannot be combined with image: one builds, the other does not")
		}
	}
	if l.valid("application") {
		one("source", len(c.Applications), "an application")
	}
	if l.valid("compose") {
		one("compose-file", len(c.Composes), "a compose service")
	}
	if !given("health-url") {
		for _, input := range []string{"health-contains", "health-headers"} {
			need(input, "health-url", "is for health-url, which is not set: give the address to ask, or auto")
		}
	}
	if given("source") && given("image") {
		l.problem("source", "cannot be combined with image: one builds, the other does not")
	}
	if given("source") && c.Operation == "redeploy" {
		l.problem("source", "cannot be combined with operation: redeploy; the upload itself starts the deployment")
	}
	if !c.Wait && l.valid("wait") {
		for _, input := range []string{"health-url", "rollback"} {
			if v := l.given(input); v != "" && !strings.EqualFold(v, "false") {
				l.problem(input, "needs wait: true; without it the step ends before anything can be seen")
			}
		}
		if c.Verify == "require" {
			l.problem("verify", "require needs wait: true; without it the step ends before anything can be seen")
		}
	}
	if h := c.HealthURL; h != nil && h.URL != nil && c.URL != nil && strings.EqualFold(h.URL.Host, c.URL.Host) && isWebhook(h.URL.String()) {
		l.problem("health-url", errWebhook.Error())
	}
	l.times()
	switch n := len(c.Applications) + len(c.Composes); {
	case !c.FailFast || !l.valid("application") || !l.valid("compose"):
	case n == 1:
		l.note("fail-fast", "has no effect, since there is only one target")
	case l.valid("max-parallel") && n <= c.MaxParallel:
		l.note("fail-fast", fmt.Sprintf("has no effect, since all %d targets are started at once; set max-parallel to less than that, or to 1 for one at a time", n))
	}
	if given("env-mode") && !given("env") && c.EnvMode == "replace" {
		l.problem("env-mode", "replace without env would empty the environment; give the lines in env")
	}
	if c.Source != nil && (given("title") || given("description")) {
		l.note("title", "title and description are not shown: Dokploy gives an upload its own title")
	}
	l.note("env", dotenv.Warnings(c.Env)...)
	l.note("build-args", dotenv.Warnings(c.BuildArgs)...)
	l.note("build-secrets", dotenv.Warnings(c.BuildSecrets)...)
}

// times checks durations that must fit within another one. Defaults are not
// checked: they are long enough for most, and no reason to refuse a short
// timeout.
func (l *loader) times() {
	c := l.config
	if !l.valid("timeout") || c.Timeout == 0 {
		return
	}
	if l.given("stable-for") != "" && l.valid("stable-for") && c.StableFor >= c.Timeout && c.Wait && c.Verify != "off" {
		l.problem("stable-for", fmt.Sprintf("%s is not less than timeout (%s), within which the containers must keep running that long; shorten it, or give a longer timeout", l.given("stable-for"), l.value("timeout")))
	}
	if l.given("health-timeout") != "" && l.valid("health-timeout") && c.HealthTimeout > c.Timeout {
		l.note("health-timeout", fmt.Sprintf("%s is more than timeout (%s), which cuts it short", l.given("health-timeout"), l.value("timeout")))
	}
}
