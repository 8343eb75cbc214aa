package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dokploy-deploy/internal/dotenv"
)

var (
	assignment = regexp.MustCompile(`^\s*(export\s+)?[A-Za-z_][A-Za-z0-9_.-]*\s*=`)
	headerLine = regexp.MustCompile("^\\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+:\\s")
)

// joined detects a list that Woodpecker or Drone joined with commas: a single
// line in which each piece matches line.
func (l *loader) joined(input string, line *regexp.Regexp, want string) error {
	v := l.values[input]
	pieces := strings.Split(v.text, ",")
	if !strings.HasPrefix(v.variable, "PLUGIN_") || len(pieces) < 2 || strings.ContainsAny(v.text, "\r\n") {
		return nil
	}
	for _, piece := range pieces {
		if !line.MatchString(piece) {
			return nil
		}
	}
	return fmt.Errorf("is a single line that looks like a list joined with commas, but commas are part of a value here; write a map, or a text with one %s per line (`%s: |`)",
		want, strings.ReplaceAll(input, "-", "_"))
}

// linesOf parses an input of KEY=VALUE lines.
func (l *loader) linesOf(input string) func(v string) (string, error) {
	return func(v string) (string, error) {
		if err := l.joined(input, assignment, "KEY=VALUE"); err != nil {
			return "", err
		}
		return parseLines(v)
	}
}

// shellName matches the names that a build secret can have: Dokploy passes it
// to docker as a shell variable (docs/dokploy.md, Build arguments and secrets).
var shellName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// parseBuildSecrets parses the input build-secrets. It shows no names: in a
// broken line a name may be part of a secret.
func (l *loader) parseBuildSecrets(v string) (string, error) {
	lines, err := l.linesOf("build-secrets")(v)
	if err != nil {
		return lines, err
	}
	var misnamed, empty []string
	for i, x := range dotenv.Parse(lines) {
		number := strconv.Itoa(i + 1)
		switch {
		case !shellName.MatchString(x.Name):
			misnamed = append(misnamed, number)
		case x.Value == "":
			empty = append(empty, number)
		}
	}
	if len(empty) > 0 {
		l.note("build-secrets", fmt.Sprintf("variable %s has no value, and Dokploy does not pass it to the build", strings.Join(empty, ", ")))
	}
	if len(misnamed) > 0 {
		return lines, fmt.Errorf(`variable %s has a name that would break the build: Dokploy turns it into a shell variable, so use only letters, digits and "_", and do not begin with a digit`, strings.Join(misnamed, ", "))
	}
	return lines, nil
}

// parseEnv parses the input env. If DOKPLOY_ENV contains no assignment it is
// taken to be somebody else's variable.
func (l *loader) parseEnv(v string) (string, error) {
	env, err := l.linesOf("env")(v)
	if err != nil && l.values["env"].variable == "DOKPLOY_ENV" && len(dotenv.Parse(v)) == 0 {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return "", fmt.Errorf("%s. The variable DOKPLOY_ENV is read as this input: if it is your own, unset it for this step, or give the lines in INPUT_ENV", first)
	}
	return env, err
}

// parseLines validates KEY=VALUE lines, or converts the JSON object into which
// Woodpecker and Drone turn a map. Problems and warnings never show a value.
func parseLines(v string) (string, error) {
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
	return "", fmt.Errorf("the name or value of %s cannot be written in a way that Dokploy can read; give KEY=VALUE lines", quote(name))
}
