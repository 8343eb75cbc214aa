package documents

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"dokploy-deploy/internal/config"
	"dokploy-deploy/internal/dokploytest"
)

// node walks through YAML; a step that does not exist fails the test.
type node struct {
	t *testing.T
	v any
}

func documents(t *testing.T, file string) []node {
	t.Helper()
	text, err := fs.ReadFile(repository, file)
	if err != nil {
		t.Fatal(err)
	}
	var out []node
	if filepath.Ext(file) == ".md" { // its front matter
		text, _, _ = bytes.Cut(text, []byte("\n---\n"))
	}
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var v any
		if err := dec.Decode(&v); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, node{t, v})
	}
}

func (n node) at(path ...any) node {
	n.t.Helper()
	for _, p := range path {
		ok := false
		switch p := p.(type) {
		case string:
			var m map[string]any
			if m, ok = n.v.(map[string]any); ok {
				n.v, ok = m[p]
			}
		case int:
			var l []any
			if l, ok = n.v.([]any); ok && p < len(l) {
				n.v = l[p]
			}
		}
		if !ok {
			n.t.Fatalf("there is no %v", path)
		}
	}
	return n
}

func (n node) keys() []string {
	m, _ := n.v.(map[string]any)
	return slices.Sorted(maps.Keys(m))
}

func (n node) list() []string {
	var out []string
	l, _ := n.v.([]any)
	for _, v := range l {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// each calls f with every map in the document.
func (n node) each(f func(map[string]any)) {
	switch v := n.v.(type) {
	case map[string]any:
		f(v)
		for _, w := range v {
			node{n.t, w}.each(f)
		}
	case []any:
		for _, w := range v {
			node{n.t, w}.each(f)
		}
	}
}

// An example as its host runs it: the variables it sets and, where the host
// runs a shell, the script.
type hostRun struct {
	env    map[string]string
	script []string // none: the image's entry point
}

// settings are variables as plugins and actions get them.
func settings(t *testing.T, prefix string, n node, hyphens bool) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, name := range n.keys() {
		if !slices.ContainsFunc(config.Settings, func(s config.Setting) bool {
			return s.Name == name || !hyphens && underscored(s.Name) == name
		}) {
			t.Errorf("there is no input %q", name)
		}
		value := fmt.Sprint(n.at(name).v)
		if m, ok := n.at(name).v.(map[string]any); ok {
			value = "secret " + fmt.Sprint(m["from_secret"])
		}
		env[prefix+strings.ToUpper(name)] = value
	}
	return env
}

func strs(n node) map[string]string {
	env := map[string]string{}
	for _, k := range n.keys() {
		env[k] = fmt.Sprint(n.at(k).v)
	}
	return env
}

var examples = map[string]func(*testing.T, node) hostRun{
	"github.yml": func(t *testing.T, n node) hostRun {
		step := n.at("jobs", "deploy", "steps", 0)
		if uses := step.at("uses").v; fmt.Sprint(uses) != ours(t)+"@v1" {
			t.Errorf("uses %v", uses)
		}
		return hostRun{env: settings(t, "INPUT_", step.at("with"), true)}
	},
	"github-native.yml": func(t *testing.T, n node) hostRun {
		step := n.at("jobs", "deploy", "steps", 0)
		if uses := step.at("uses").v; fmt.Sprint(uses) != ours(t)+"/native@v1" {
			t.Errorf("uses %v", uses)
		}
		return hostRun{env: settings(t, "INPUT_", step.at("with"), true)}
	},
	"gitlab.yml": func(t *testing.T, n node) hostRun {
		job := n.at("deploy")
		if entry := job.at("image", "entrypoint").list(); !slices.Equal(entry, []string{""}) {
			t.Errorf("entrypoint %q: GitLab could not start a shell", entry)
		}
		return hostRun{env: strs(job.at("variables")), script: job.at("script").list()}
	},
	"gitlab-component.yml": func(t *testing.T, n node) hostRun {
		inputs := n.at("include", 0, "inputs")
		docs := documents(t, "templates/deploy.yml")
		spec := docs[0].at("spec", "inputs")
		values := map[string]string{}
		for _, name := range spec.keys() {
			if m := spec.at(name).v.(map[string]any); m["default"] != nil {
				values[name] = fmt.Sprint(m["default"])
			}
		}
		for _, name := range inputs.keys() {
			spec.at(name)
			values[name] = fmt.Sprint(inputs.at(name).v)
		}
		job := docs[1].at("$[[ inputs.job-name ]]")
		env := strs(job.at("variables"))
		for name, value := range env {
			env[name] = regexp.MustCompile(`\$\[\[ inputs\.([a-z-]+) \]\]`).ReplaceAllStringFunc(value, func(ref string) string {
				input := strings.TrimSuffix(strings.TrimPrefix(ref, "$[[ inputs."), " ]]")
				if _, ok := values[input]; !ok {
					t.Errorf("the input %s is required, and the example has none", input)
				}
				return values[input]
			})
		}
		// Variables of the project, and what an earlier job has left: none of them
		// is an input of this job, and most would be an error.
		for _, s := range config.Settings {
			for _, name := range config.Spellings(s.Name) {
				if strings.HasPrefix(name, "DOKPLOY_") {
					env[name] = "$an-earlier-job"
				}
			}
		}
		return hostRun{env: env, script: job.at("script").list()}
	},
	"woodpecker.yml": func(t *testing.T, n node) hostRun {
		return hostRun{env: settings(t, "PLUGIN_", n.at("steps", 0, "settings"), false)}
	},
	"drone.yml": func(t *testing.T, n node) hostRun {
		return hostRun{env: settings(t, "PLUGIN_", n.at("steps", 0, "settings"), false)}
	},
	"bitbucket-pipelines.yml": func(_ *testing.T, n node) hostRun {
		return hostRun{env: map[string]string{}, script: n.at("pipelines", "branches", "main", 0, "step", "script").list()}
	},
	"circleci.yml": func(_ *testing.T, n node) hostRun {
		job := n.at("jobs", "deploy")
		return hostRun{env: strs(job.at("environment")), script: []string{fmt.Sprint(job.at("steps", 0, "run", "command").v)}}
	},
	"Jenkinsfile": nil, // no YAML
}

func jenkins(t *testing.T, text string) hostRun {
	run := hostRun{env: map[string]string{}}
	if strings.Count(text, "{") != strings.Count(text, "}") || strings.Count(text, "'")%2 != 0 {
		t.Error("something is not closed")
	}
	if !strings.Contains(text, "args '--entrypoint='") {
		t.Error("Jenkins could not start a shell")
	}
	for _, m := range regexp.MustCompile(`(?m)^\s*(DOKPLOY_\w+) = (?:credentials\()?'([^']*)'\)?$`).FindAllStringSubmatch(text, -1) {
		run.env[m[1]] = m[2]
	}
	for _, m := range regexp.MustCompile(`(?m)^\s*sh '([^']*)'$`).FindAllStringSubmatch(text, -1) {
		run.script = append(run.script, m[1])
	}
	return run
}

// TestExamples runs every example against a stand-in. Only the address of
// Dokploy and the key are not the example's.
func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := fs.ReadDir(repository, "examples")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(examples) {
		t.Errorf("%d files in examples, %d of them are tested", len(files), len(examples))
	}
	for name, host := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := dokploytest.New(dokploytest.Options{NoDocker: true})
			address, err := srv.Listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer srv.Close()
			for _, name := range []string{"api", "web"} {
				srv.AddApplication(dokploytest.Application{Project: "shop", Environment: "production", Name: name, SourceType: "git",
					Domains: []dokploytest.Domain{{Host: name + ".example.com", HTTPS: true}}})
			}
			file := "examples/" + name
			text, err := fs.ReadFile(repository, file)
			if err != nil {
				t.Fatal(err)
			}
			var run hostRun
			if host == nil {
				run = jenkins(t, string(text))
			} else {
				run = host(t, documents(t, file)[0])
			}
			key, url := false, false
			sets := map[string]string{}
			for k, v := range run.env {
				if v == "https://dokploy.example.com" {
					v, url = address, true
				}
				if strings.HasSuffix(k, "API-KEY") || strings.HasSuffix(k, "API_KEY") {
					v, key = srv.Key, true
				}
				sets[k] = v
			}
			if !key && strings.Contains(string(text), "DOKPLOY_API_KEY is") { // the host sets it
				sets["DOKPLOY_API_KEY"], key = srv.Key, true
			}
			script := strings.ReplaceAll(strings.Join(run.script, "\n"), "=https://dokploy.example.com", "="+address)
			if !key || !url && !strings.Contains(script, address) {
				t.Fatalf("no address or no key: %v", run)
			}
			if script == "" {
				execute(t, sets, "dokploy-deploy")
			} else {
				execute(t, sets, "sh", "-e", "-c", script)
			}
			if srv.Calls("application.deploy") == 0 {
				t.Error("nothing was deployed")
			}
		})
	}
}

// execute runs what a job runs in a folder of its own. The program in PATH is
// this test binary, as TestMain has put it there.
func execute(t *testing.T, env map[string]string, name string, args ...string) {
	t.Helper()
	if name == "sh" && runtime.GOOS == "windows" {
		t.Skip("these hosts have a POSIX shell")
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, ok := env["INPUT_OUTPUT_FILE"]; !ok {
		return
	}
	outputs, err := os.ReadFile(filepath.Join(cmd.Dir, "dokploy-deploy.env"))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(string(outputs), "\n")
	inherits := func(line string) bool {
		name, _, _ := strings.Cut(line, "=")
		return slices.ContainsFunc(config.Settings, func(s config.Setting) bool { return slices.Contains(config.Spellings(s.Name), name) })
	}
	if slices.ContainsFunc(got, inherits) || !slices.Contains(got, "DOKPLOY_DEPLOYED_URL=https://api.example.com") {
		t.Errorf("a later job would get %q", got)
	}
}

// TestComponent: every input of the component is used, and none that does not exist.
func TestComponent(t *testing.T) {
	text, err := fs.ReadFile(repository, "templates/deploy.yml")
	if err != nil {
		t.Fatal(err)
	}
	docs := documents(t, "templates/deploy.yml")
	if len(docs) != 2 {
		t.Fatalf("%d documents", len(docs))
	}
	_, jobs, _ := strings.Cut(string(text), "\n---\n")
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$\[\[ inputs\.([a-z-]+) \]\]`).FindAllStringSubmatch(jobs, -1) {
		used[m[1]] = true
	}
	if diff := cmp.Diff(docs[0].at("spec", "inputs").keys(), slices.Sorted(maps.Keys(used))); diff != "" {
		t.Errorf("inputs, and what is used of them:\n%s", diff)
	}
	job := docs[1].at("$[[ inputs.job-name ]]")
	file := job.at("artifacts", "reports", "dotenv").v
	if file != job.at("variables", "INPUT_OUTPUT_FILE").v || job.at("artifacts", "when").v != "always" || job.at("environment", "url").v != "$DOKPLOY_DEPLOYED_URL" {
		t.Error("the outputs do not reach the report or the environment")
	}
	// Without rules GitLab would run the job for every branch and tag.
	rules := docs[0].at("spec", "inputs", "job-rules")
	if job.at("rules").v != "$[[ inputs.job-rules ]]" || rules.at("type").v != "array" {
		t.Error("the job does not have the rules of its input")
	}
	if diff := cmp.Diff(documents(t, "examples/gitlab.yml")[0].at("deploy", "rules").v, rules.at("default").v); diff != "" {
		t.Errorf("the rules of the job in examples/gitlab.yml, and of the component:\n%s", diff)
	}
	if keys := docs[1].keys(); len(keys) != 1 {
		t.Errorf("a component sets nothing but its job: %q", keys)
	}
}

// TestActionsAndWorkflows: what runs is pinned to a commit, and no expression
// becomes part of a script.
func TestActionsAndWorkflows(t *testing.T) {
	files, err := fs.Glob(repository, ".github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	pinned := regexp.MustCompile(`^\s*(?:- )?uses: (?:\./\S*|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$`)
	for _, file := range append(files, "action.yml", "native/action.yml") {
		text, err := fs.ReadFile(repository, file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if strings.Contains(line, "uses: ") && !pinned.MatchString(line) {
				t.Errorf("%s:%d: not pinned: %s", file, i+1, line)
			}
		}
		doc := documents(t, file)[0]
		doc.each(func(m map[string]any) {
			if script, ok := m["run"].(string); ok && strings.Contains(script, "${{") {
				t.Errorf("%s: an expression in a script: %s", file, script)
			}
		})
		if strings.HasPrefix(file, ".github") {
			if permissions, ok := doc.at("permissions").v.(map[string]any); !ok || len(permissions) != 0 {
				t.Errorf("%s: permissions are given to the whole workflow", file)
			}
		}
	}
}

// TestImage: the rules for an image that GitHub, GitLab and the plugin hosts run.
func TestImage(t *testing.T) {
	text, err := fs.ReadFile(repository, "Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	last := string(text[bytes.LastIndex(text, []byte("\nFROM ")):])
	for _, no := range []string{"\nUSER ", "\nWORKDIR "} {
		if strings.Contains(last, no) {
			t.Errorf("the image sets%s", strings.ReplaceAll(no, "\n", " "))
		}
	}
	if !strings.Contains(last, "\nENTRYPOINT [\"/bin/dokploy-deploy\"]\n") {
		t.Error("the entry point is not in exec form: a shell would drop names with hyphens")
	}
}

// TestListing: the Marketplace cuts descriptions of 125 characters and more, and
// knows the names of these icons and colours only.
func TestListing(t *testing.T) {
	action := documents(t, "action.yml")[0]
	if n := len(fmt.Sprint(action.at("description").v)); n >= 125 {
		t.Errorf("the description has %d characters", n)
	}
	if action.at("branding", "icon").v != "upload-cloud" || action.at("branding", "color").v != "blue" {
		t.Error("look whether the Marketplace knows that icon and colour")
	}
}

// TestPluginIndex: docs.md has what Woodpecker's plugin index shows.
func TestPluginIndex(t *testing.T) {
	head := documents(t, "docs.md")[0]
	want := []string{"author", "containerImage", "containerImageUrl", "description", "icon", "name", "tags", "url"}
	if diff := cmp.Diff(want, head.keys()); diff != "" {
		t.Error(diff)
	}
}

// ours is the name of this repository.
func ours(t *testing.T) string {
	t.Helper()
	name, err := fs.ReadFile(repository, ".ci/repository")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(name))
}

// repositoryForm is how documents and packages name a repository of this
// program, whatever it is called, or its image.
var repositoryForm = regexp.MustCompile(`(ghcr\.io/|//github\.com/|githubusercontent\.com/|uses: |_FQDN/|--repo )([\w$.{}-]+/[\w$.{}-]+)`)

// named checks that files name no repository of this program but one: as it is
// spelled, and in lower case where it is an image. Those of others are known.
func named(t *testing.T, files fs.FS, want string) (mentions int) {
	t.Helper()
	others := []string{"actions/", "marketplace/", "docker/", "acme/", "actions-", "sigstore/", "$"}
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(path, ".git") && path != ".github" || path == "testdata" || path == "dist" || path == "internal" || path == "e2e") {
			return fs.SkipDir
		}
		if d.IsDir() || !slices.Contains([]string{".yml", ".md", ""}, filepath.Ext(path)) || strings.HasPrefix(path, ".") {
			return nil
		}
		text, err := fs.ReadFile(files, path)
		for _, m := range repositoryForm.FindAllStringSubmatch(string(text), -1) {
			if slices.ContainsFunc(others, func(o string) bool { return strings.HasPrefix(m[2], o) }) {
				continue
			}
			mentions++
			expected := want
			if m[1] == "ghcr.io/" && want != "OWNER/dokploy-deploy" {
				expected = strings.ToLower(want)
			}
			if m[2] != expected {
				t.Errorf("%s names %s in %q, want %s", path, m[2], m[0], expected)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return mentions
}

// TestRepositoryName: one place says which repository this is, any name will do,
// and where it was written before it can be written again.
func TestRepositoryName(t *testing.T) {
	if named(t, repository, ours(t)) < 20 {
		t.Error("the documents do not name this repository")
	}
	bash, err := exec.LookPath("bash")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("needs bash and GNU sed")
	}
	dir := t.TempDir()
	for _, name := range []string{".ci", "docs", "templates", "examples"} {
		sub, err := fs.Sub(repository, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(dir, name), sub); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"README.md", "docs.md", "SECURITY.md", "CONTRIBUTING.md", "action.yml"} {
		text, err := fs.ReadFile(repository, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), bash, append([]string{filepath.Join(dir, ".ci", "release")}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, name := range []string{".ci/engines", ".ci/try"} {
		if text := read(name); strings.Contains(text, ours(t)) {
			t.Errorf("%s names %s, and is not written again when the repository gets another name", name, ours(t))
		}
	}
	for _, name := range []string{"Acme-Inc/My.Deploy", "acme-inc/my.deploy", "Some1/else", "Acme-Inc/Deploy_2"} {
		run("name", name)
		if named(t, os.DirFS(dir), name) < 20 {
			t.Errorf("%s: it is hardly named", name)
		}
		if strings.Contains(read("README.md"), "OWNER") {
			t.Errorf("%s: the README still says OWNER", name)
		}
		owner, repo, _ := strings.Cut(name, "/")
		for _, want := range []string{"\nauthor: " + owner + "\n", "/" + name + "/pkgs/container/" + strings.ToLower(repo) + "\n"} {
			if !strings.Contains(read("docs.md"), want) {
				t.Errorf("%q is missing in docs.md", want)
			}
		}
	}
	for range 2 { // a second release changes nothing more
		run("released")
		text := read("README.md")
		if strings.Contains(text, "released yet") || strings.Count(text, "badge.svg") != 1 || strings.Count(text, "/Acme-Inc/Deploy_2/releases/latest") != 1 {
			t.Errorf("the README of a release begins with\n%.1200s", text)
		}
	}
}

// TestNativeGet: the composite action takes the binary that its commit names,
// and no other one.
func TestNativeGet(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("needs bash")
	}
	const good = "#!/bin/sh\necho this is it\n"
	body := good
	releases := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1.2.3/dokploy-deploy-linux-arm64" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, body)
	}))
	defer releases.Close()
	script, err := fs.ReadFile(repository, "native/get")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("get", string(script))
	write("release.txt", releases.URL+"/v1.2.3\n")
	const sum = "f2ca1bb6c7e907d06dafe4687e579fce76b37e4e93b7605022da52e6ccc26fd2" // of another text
	get := func(arch string) (string, error) {
		cmd := exec.CommandContext(t.Context(), bash, filepath.Join(dir, "get"))
		cmd.Env = append(os.Environ(), "RUNNER_OS=Linux", "RUNNER_ARCH="+arch, "RUNNER_TEMP="+dir, "GITHUB_OUTPUT="+filepath.Join(dir, "output"), "DOKPLOY_DEPLOY_DOWNLOADS=")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}

	write("checksums.txt", sum+"  dokploy-deploy-linux-arm64\n")
	if out, err := get("ARM64"); err == nil || !strings.Contains(out, "is not the binary of this release") {
		t.Errorf("another binary was taken: %v %s", err, out)
	}
	if out, err := get("X64"); err == nil || !strings.Contains(out, "this release has no binary for linux/amd64") {
		t.Errorf("no binary: %v %s", err, out)
	}
	if out, err := get("S390X"); err == nil || !strings.Contains(out, "there is no binary for S390X") {
		t.Errorf("no such platform: %v %s", err, out)
	}
	write("checksums.txt", fmt.Sprintf("%x  dokploy-deploy-linux-arm64\n", sha256.Sum256([]byte(good))))
	if out, err := get("ARM64"); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	releases.Close() // the second time nothing is downloaded
	if out, err := get("ARM64"); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	output, err := os.ReadFile(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	binary := strings.TrimPrefix(strings.SplitN(string(output), "\n", 2)[0], "binary=")
	if out, err := exec.CommandContext(t.Context(), binary).CombinedOutput(); err != nil || string(out) != "this is it\n" {
		t.Errorf("%q: %v %s", binary, err, out)
	}
}
