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

	"dokploy-deploy/internal/ci"
	"dokploy-deploy/internal/dokploytest"
)

// githubStep returns the first step of a workflow's job, with one of the
// services in its matrix.
func githubStep(job, service string) func(*testing.T, node) hostRun {
	return func(t *testing.T, n node) hostRun {
		run := githubRun(t, n.at("jobs", job, "steps", 0))
		for k, v := range run.env {
			run.env[k] = strings.ReplaceAll(v, "${{ matrix.service }}", service)
		}
		return run
	}
}

// githubRun returns the run of a step with our action.
func githubRun(t *testing.T, step node) hostRun {
	if uses := step.at("uses").v; fmt.Sprint(uses) != ours(t)+"@v1" {
		t.Errorf("uses %v", uses)
	}
	return hostRun{env: settings(t, "INPUT_", step.at("with"), true)}
}

// A followExample waits for a deployment that Dokploy starts by itself: it has
// what its host says about the run, and what Dokploy is told.
type followExample struct {
	runs    func(*testing.T, node) hostRun
	ci      map[string]string
	event   string // GitHub's
	pull    bool   // a pull request, not a push
	service string // the service that has a deployment
	ends    []string
}

var (
	pushedTo = map[string]map[string]string{
		"github":     {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_SHA": github["github.sha"], "GITHUB_REF_NAME": "main"},
		"gitlab":     {"GITLAB_CI": "true", "CI_COMMIT_SHA": github["github.sha"], "CI_COMMIT_REF_NAME": "main"},
		"woodpecker": {"CI": "woodpecker", "CI_COMMIT_SHA": github["github.sha"], "CI_COMMIT_BRANCH": "main"},
	}
	// ofPull is the environment of a run for a pull request.
	ofPull    = map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567", "GITHUB_REF_NAME": "12/merge"}
	pullEvent = `{"pull_request":{"number":12,"head":{"sha":"` + github["github.sha"] + `","ref":"feature"},"base":{"ref":"main"},"labels":[],"author_association":"MEMBER"}}`
)

var followExamples = map[string][]followExample{
	"github-follow.yml":  {{runs: githubStep("deploy", ""), ci: pushedTo["github"], service: "api", ends: []string{"✓ api is deployed"}}},
	"github-preview.yml": {{runs: githubStep("preview", ""), ci: ofPull, event: pullEvent, pull: true, service: "web", ends: []string{"✓ web (pull request 12) is deployed"}}},
	"github-monorepo.yml": {
		{runs: githubStep("follow", "api"), ci: pushedTo["github"], service: "api", ends: []string{"✓ api is deployed"}},
		{runs: githubStep("follow", "web"), ci: pushedTo["github"], service: "api", ends: []string{"web was skipped: "}},
	},
	"gitlab-follow.yml": {{runs: func(t *testing.T, n node) hostRun {
		job, later := n.at("production"), n.at("e2e")
		if file := job.at("artifacts", "reports", "dotenv").v; file != job.at("variables", "DOKPLOY_OUTPUT_FILE").v {
			t.Errorf("the outputs are not in the report %v", file)
		}
		if !slices.Equal(later.at("needs").list(), []string{"production"}) || later.at("script", 0).v != `export BASE_URL="$DOKPLOY_DEPLOYED_URL"` {
			t.Error("the later job does not get the outputs")
		}
		return hostRun{env: strs(job.at("variables")), script: job.at("script").list()}
	}, ci: pushedTo["gitlab"], service: "api", ends: []string{"✓ api is deployed"}}},
	"woodpecker-follow.yml": {{runs: func(t *testing.T, n node) hostRun {
		return hostRun{
			env:    settings(t, "PLUGIN_", n.at("steps", 0, "settings"), false),
			script: []string{"dokploy-deploy", fmt.Sprint(n.at("steps", 1, "commands", 0).v), `test "$BASE_URL" = https://api.example.com`},
		}
	}, ci: pushedTo["woodpecker"], service: "api", ends: []string{"✓ api is deployed"}}},
}

// followRecipes are the recipes of the README.
var followRecipes = map[string]followExample{
	"Wait for what a push deploys, then test it": {ci: pushedTo["github"], service: "api", ends: []string{"✓ api is deployed"}},
	"Test the preview of a pull request":         {ci: ofPull, event: pullEvent, pull: true, service: "web", ends: []string{"✓ web (pull request 12) is deployed"}},
	"A monorepo: the services whose files changed": {
		ci: pushedTo["github"], service: "api", ends: []string{"✓ api is deployed", "web was skipped: "},
	},
}

// TestFollowExamples runs each example against a stand-in that was told about a
// push or a pull request.
func TestFollowExamples(t *testing.T) {
	t.Parallel()
	for name, all := range followExamples {
		for _, tt := range all {
			t.Run(name+" "+tt.ends[0], func(t *testing.T) {
				t.Parallel()
				text, err := fs.ReadFile(repository, "examples/"+name)
				if err != nil {
					t.Fatal(err)
				}
				tt.follows(t, tt.runs(t, documents(t, "examples/"+name)[0]), string(text))
			})
		}
	}
}

// follows runs the example, and checks how it ends.
func (e followExample) follows(t *testing.T, run hostRun, text string) {
	t.Helper()
	srv := dokploytest.New(dokploytest.Options{NoDocker: true})
	if _, err := srv.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	services := map[string]*dokploytest.Service{}
	for _, s := range []string{"api", "web"} {
		services[s] = srv.AddApplication(dokploytest.Application{
			Project: "shop", Environment: "production", Name: s, SourceType: "github", Previews: &dokploytest.Previews{},
			Domains: []dokploytest.Domain{{Host: s + ".example.com", HTTPS: true}},
		})
		services[s].SetPush(dokploytest.Push{Repository: "shop", WatchPaths: []string{s + "/**"}})
	}
	tell(t, srv, e.service, e.pull)
	outputsAreThere(t, text)
	env, script := run.against(t, srv, text)
	out := e.run(t, env, script)
	for _, end := range e.ends {
		if !strings.Contains(out, end) {
			t.Errorf("it does not end with %q\n%s", end, out)
		}
	}
	for s, v := range services {
		if n := srv.TriggerCount(v); n != 0 {
			t.Errorf("%s was started %d times", s, n)
		}
	}
}

// tell tells the server, as GitHub's app would, about a push of a service's
// files or about a pull request.
func tell(t *testing.T, srv *dokploytest.Server, service string, pull bool) {
	t.Helper()
	sha := github["github.sha"]
	var status int
	var answer string
	if pull {
		status, answer = srv.PullRequest(dokploytest.PullRequest{Number: 12, Commit: sha, Repository: "shop"})
	} else {
		status, answer = srv.DeliverGitHub("acme", "shop", dokploytest.Delivery{Commit: sha, Modified: []string{service + "/main.go"}})
	}
	if status != 200 {
		t.Fatal(status, answer)
	}
}

// run runs the program, or the script around it, and returns what it printed.
func (e followExample) run(t *testing.T, env map[string]string, script string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "dokploy-deploy")
	if script != "" {
		if runtime.GOOS == "windows" {
			t.Skip("this host has a POSIX shell")
		}
		cmd = exec.CommandContext(t.Context(), "sh", "-e", "-c", script)
	}
	cmd.Dir = t.TempDir()
	// For the skipped ones none comes: there is no need to wait for it.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"), "DOKPLOY_START_TIMEOUT=3s"}
	if e.event != "" {
		file := filepath.Join(cmd.Dir, "event.json")
		if err := os.WriteFile(file, []byte(e.event), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, "GITHUB_EVENT_PATH="+file)
	}
	for _, vars := range []map[string]string{env, e.ci} {
		for k, v := range vars {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

var stepOutput = regexp.MustCompile(`\bsteps\.([\w-]+)\.outputs\.([\w-]+)`)

// outputsAreThere checks that each output that a workflow reads is one of ours,
// from a step with that id.
func outputsAreThere(t *testing.T, text string) {
	t.Helper()
	for _, m := range stepOutput.FindAllStringSubmatch(text, -1) {
		named := regexp.MustCompile(`(?m)^\s*- id: ` + regexp.QuoteMeta(m[1]) + `$`).MatchString(text)
		if !named || !slices.ContainsFunc(ci.OutputTable, func(o ci.Output) bool { return o.Name == m[2] }) {
			t.Errorf("what is %s?", m[0])
		}
	}
}
