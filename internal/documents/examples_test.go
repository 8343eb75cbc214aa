package documents

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"dokploy-deploy/internal/config"
	"dokploy-deploy/internal/dokploytest"
)

// hostRun is an example as its host runs it: the variables that it sets and, if
// the host runs a shell, the script.
type hostRun struct {
	env    map[string]string
	script []string // nil: the image's entry point
}

// settings returns variables as plugins and actions get them.
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
		// Variables of the project, and leftovers of an earlier job: none of
		// them is an input of this job, and most would be an error.
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
	"Jenkinsfile": nil, // not YAML
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

// TestExamples runs every example against a stand-in. Only Dokploy's address
// and the key are not the example's.
func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := fs.ReadDir(repository, "examples")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(examples) + len(followExamples); len(files) != n {
		t.Errorf("%d files in examples, %d of them are tested", len(files), n)
	}
	for name, host := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := dokploytest.New(dokploytest.Options{NoDocker: true})
			if _, err := srv.Listen("127.0.0.1:0"); err != nil {
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
			sets, script := run.against(t, srv, string(text))
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

// against returns a run with the address and key of a stand-in instead of the
// example's; text is the example's.
func (run hostRun) against(t *testing.T, srv *dokploytest.Server, text string) (env map[string]string, script string) {
	t.Helper()
	key, url := false, false
	env = map[string]string{}
	for k, v := range run.env {
		if v == "https://dokploy.example.com" {
			v, url = srv.URL(), true
		}
		if strings.HasSuffix(k, "API-KEY") || strings.HasSuffix(k, "API_KEY") {
			v, key = srv.Key, true
		}
		env[k] = v
	}
	if !key && strings.Contains(text, "DOKPLOY_API_KEY is") { // the host sets the key
		env["DOKPLOY_API_KEY"], key = srv.Key, true
	}
	script = strings.ReplaceAll(strings.Join(run.script, "\n"), "=https://dokploy.example.com", "="+srv.URL())
	if !key || !url && !strings.Contains(script, srv.URL()) {
		t.Fatalf("no address or no key: %v", run)
	}
	return env, script
}

// execute runs a job's command in its own folder. The program in PATH is this
// test binary, put there by TestMain.
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
