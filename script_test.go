//go:build !windows

// Windows has no SIGTERM, and other paths in the output.

package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"dokploy-deploy/internal/dokploytest"
)

var update = flag.Bool("update", false, "write the golden files")

// TestMain lets the scripts run this test binary as the program. Parallel tests
// wait for rollouts nearly all the time, so there may be more of them than
// processors.
func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "16")
	testscript.Main(m, map[string]func(){"dokploy-deploy": main})
}

// TestScripts runs the program as each CI host does, with the environment that
// was recorded there, and compares what a person sees with golden files. The
// commands of the scripts:
//
//	standin NAME     starts a Dokploy with the services of one scenario
//	push WHEN        adds an application api, and pushes to it. The next program
//	                 comes early: Dokploy is told about the push once the program
//	                 waits for it; in the middle of the build; or late, after its
//	                 end
//	host NAME        sets the environment of testdata/env/NAME.env
//	deploy CODE …    runs the program with these inputs; it must end with CODE.
//	                 The input "signal=" interrupts it while the build is running
//	golden NAME      compares what it printed and wrote with testdata/script/golden
//
// After an intended change: go test . -run TestScripts -update
func TestScripts(t *testing.T) {
	t.Parallel()
	env, err := filepath.Abs(filepath.Join("testdata", "env"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOST_ENVIRONMENTS", env)
			e.Values["meets"] = &meets{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"standin": cmdStandin, "push": cmdPush, "host": cmdHost, "deploy": cmdDeploy, "golden": cmdGolden,
		},
	})
}

// scenarios are the situations that a deployment can meet.
var scenarios = map[string]func(*dokploytest.Server){
	"success": func(s *dokploytest.Server) {
		s.AddApplication(dokploytest.Application{
			Name: "api", SourceType: "git", Domains: []dokploytest.Domain{{Host: "api.example.com", HTTPS: true}},
			Build: dokploytest.Build{Steps: dokploytest.Lines(0, "#1 [internal] load build definition", "\x1b[32m#1 DONE\x1b[0m", "::error::a build may print this", "##[error]and this", "progress 10%\rprogress 100%")},
		})
	},
	"failure": func(s *dokploytest.Server) {
		s.AddApplication(dokploytest.Application{Name: "api", SourceType: "git", Build: dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(0,
			"#7 [4/4] RUN npm run build", "#7 1.204 src/cart.ts(14,7): error TS2322", `#7 ERROR: process "/bin/sh -c npm run build" did not complete successfully: exit code: 2`,
			"------", " > [4/4] RUN npm run build:", "1.204 src/cart.ts(14,7): error TS2322", "------",
			"Dockerfile:12", "--------------------", "  11 |     COPY . .", "  12 | >>> RUN npm run build", "--------------------",
			`ERROR: failed to build: failed to solve: process "/bin/sh -c npm run build" did not complete successfully: exit code: 2`, "❌ Docker build failed")}})
	},
	"endless": func(s *dokploytest.Server) {
		s.AddApplication(dokploytest.Application{Name: "api", SourceType: "git", Build: dokploytest.Build{
			Steps: append(dokploytest.Lines(0, "#1 it goes on"), dokploytest.Lines(time.Hour, "never")...)}})
	},
	"crash": func(s *dokploytest.Server) {
		s.AddApplication(dokploytest.Application{
			Name: "api", Env: "# keep\nLOG_LEVEL=info\nDATABASE_URL=postgres://api:SECRET-password@db/api\n",
			Rollout: dokploytest.Rollout{Crash: true, Log: []string{"connecting to postgres://api:SECRET-password@db/api", "Error: password authentication failed"}},
		})
	},
	// Dokploy was told about a pull request, and its preview is deployed.
	"preview": func(s *dokploytest.Server) {
		app := pullApplication(s, dokploytest.Previews{Build: dokploytest.Build{Steps: dokploytest.Lines(0, "#1 the preview is built")}})
		s.PullRequest(dokploytest.PullRequest{Number: 12, Owner: "acme", Repository: "shop", Commit: "8c0de1f2a3b4c5d6e7f8091a2b3c4d5e6f708192"})
		for rows := s.Deployments(s.Previews(app)[0]); len(rows) == 0 || rows[0].Status != "done"; rows = s.Deployments(s.Previews(app)[0]) {
			time.Sleep(10 * time.Millisecond)
		}
	},
	// It is not deployed, as the application requires a label.
	"no-preview": func(s *dokploytest.Server) {
		pullApplication(s, dokploytest.Previews{Labels: []string{"preview"}})
	},
	"skipped": func(s *dokploytest.Server) {
		s.AddApplication(dokploytest.Application{Name: "api", Build: dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(0, "manifest unknown")}})
		s.AddCompose(dokploytest.Compose{Name: "stack"})
	},
	"empty": func(*dokploytest.Server) {},
	"pushed to main": func(s *dokploytest.Server) {
		s.AddApplication(dokploytest.Application{Name: "api", SourceType: "git"})
	},
	"watch paths": func(s *dokploytest.Server) {
		s.AddApplication(dokploytest.Application{Name: "web", SourceType: "github"}).SetPush(dokploytest.Push{WatchPaths: []string{"web/**", "package.json"}})
	},
	"image": func(s *dokploytest.Server) { s.AddApplication(dokploytest.Application{Name: "api"}) },
	"two": func(s *dokploytest.Server) {
		s.AddApplication(dokploytest.Application{Name: "api", Build: dokploytest.Build{Steps: dokploytest.Lines(0, "the api is built")}})
		s.AddCompose(dokploytest.Compose{Name: "stack", Build: dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(0, "Error response from daemon: manifest unknown")}})
	},
}

// pullApplication adds an application with previews of pull requests.
func pullApplication(s *dokploytest.Server, p dokploytest.Previews) *dokploytest.Service {
	p.HTTPS = true
	app := s.AddApplication(dokploytest.Application{Name: "web", SourceType: "github", Previews: &p, Domains: []dokploytest.Domain{{Host: "shop.example.com", HTTPS: true}}})
	app.SetPush(dokploytest.Push{Owner: "acme", Repository: "shop"})
	return app
}

// meets is what happens during the next program.
type meets struct {
	server  *dokploytest.Server
	moments []moment
}

// moment is what happens once a program has printed a text.
type moment struct {
	text string
	then func()
}

func cmdStandin(ts *testscript.TestScript, _ bool, args []string) {
	// Verifying that containers run takes seconds: one scenario shows it.
	srv := dokploytest.New(dokploytest.Options{Concurrency: 4, NoDocker: args[0] != "crash"})
	scenarios[args[0]](srv)
	url, err := srv.Listen("127.0.0.1:0")
	ts.Check(err)
	ts.Defer(srv.Close)
	ts.Value("meets").(*meets).server = srv
	ts.Setenv("STANDIN_URL", url)
	ts.Setenv("STANDIN_KEY", srv.Key)
}

func cmdPush(ts *testscript.TestScript, _ bool, args []string) {
	m := ts.Value("meets").(*meets)
	mayEnd := make(chan struct{})
	api := m.server.AddApplication(dokploytest.Application{
		Name: "api", SourceType: "git", Domains: []dokploytest.Domain{{Host: "api.example.com", HTTPS: true}},
		Build: dokploytest.Build{LogWriter: func(w io.Writer) {
			fmt.Fprintln(w, "#1 [internal] load build definition")
			<-mayEnd
			fmt.Fprintln(w, "#1 DONE")
		}},
	})
	deliver := func() {
		m.server.Deliver(api, dokploytest.Delivery{Form: "gitea", Commit: pushed})
	}
	until := func(status string) {
		for rows := m.server.Deployments(api); len(rows) == 0 || rows[0].Status != status; rows = m.server.Deployments(api) {
			time.Sleep(10 * time.Millisecond)
		}
	}
	switch args[0] {
	case "early":
		m.moments = []moment{{"waiting up to", deliver}, {"#1 [internal]", func() { close(mayEnd) }}}
	case "middle":
		deliver()
		until("running")
		m.moments = []moment{{"#1 [internal]", func() { close(mayEnd) }}}
	case "late":
		close(mayEnd)
		deliver()
		until("done")
	}
}

// pushed is the commit that the recorded environments are for.
const pushed = "3f2a91c7be01d4a5f60718293a4b5c6d7e8f9012"

func cmdHost(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv("HOST", args[0])
}

// hostEnv reads a recorded environment. The files that it names are next to it
// or are created in the script's folder.
func hostEnv(ts *testscript.TestScript) []string {
	dir := ts.Getenv("HOST_ENVIRONMENTS")
	f, err := os.Open(filepath.Join(dir, ts.Getenv("HOST")+".env"))
	ts.Check(err)
	defer f.Close()
	var env []string
	for scan := bufio.NewScanner(f); scan.Scan(); {
		name, value, ok := strings.Cut(scan.Text(), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		if isInput(name) {
			continue // the script's own inputs are spelled as on the host
		}
		switch name {
		case "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "DRONE_OUTPUT":
			value = ts.MkAbs(strings.ToLower(name))
		case "GITHUB_EVENT_PATH":
			value = filepath.Join(dir, ts.Getenv("HOST")+".event.json")
		}
		env = append(env, name+"="+value)
	}
	return env
}

func isInput(variable string) bool {
	return strings.HasPrefix(variable, "INPUT_") || strings.HasPrefix(variable, "PLUGIN_") || strings.HasPrefix(variable, "DOKPLOY_")
}

// spelled returns the variable in which a host passes an input.
func spelled(host, input string) string {
	upper := strings.ToUpper(input)
	under := strings.ReplaceAll(upper, "-", "_")
	switch host {
	case "github", "github-pull-request", "forgejo", "gitea":
		return "INPUT_" + upper
	case "woodpecker", "drone":
		return "PLUGIN_" + under
	}
	return "DOKPLOY_" + under
}

func cmdDeploy(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	// Where a line is broken depends on the times in it: no line is broken
	// here.
	env := append(hostEnv(ts), "COLUMNS=1000")
	inputs := append([]string{"url=" + ts.Getenv("STANDIN_URL"), "api-key=" + ts.Getenv("STANDIN_KEY"), "output-file=" + ts.MkAbs("outputs.env")}, args[1:]...)
	signal := false
	for _, input := range inputs {
		if input == "signal=" {
			signal = true
			continue
		}
		name, value, _ := strings.Cut(input, "=")
		env = append(env, spelled(ts.Getenv("HOST"), name)+"="+value)
	}
	for _, file := range []string{"github_output", "github_step_summary", "outputs.env", "drone_output"} {
		_ = os.Remove(ts.MkAbs(file))
	}
	program, err := exec.LookPath("dokploy-deploy") // the link to this binary that testscript made
	ts.Check(err)
	cmd := exec.Command(program)
	cmd.Env = env
	m := ts.Value("meets").(*meets)
	out := watched{moments: m.moments}
	m.moments = nil
	cmd.Stdout, cmd.Stderr = &out, &out
	if signal {
		out.moments = []moment{{"it goes on", func() { _ = cmd.Process.Signal(syscall.SIGTERM) }}}
	}
	cmd.WaitDelay = 10 * time.Second
	_ = cmd.Run()
	ts.Check(os.WriteFile(ts.MkAbs("printed"), out.all, 0o644))
	if code := cmd.ProcessState.ExitCode(); code != want {
		ts.Fatalf("exit %d, want %d\n%s", code, want, out.all)
	}
}

// watched is a buffer that notices when it has seen each of several texts, in
// their order.
type watched struct {
	all     []byte
	moments []moment
}

func (w *watched) Write(p []byte) (int, error) {
	w.all = append(w.all, p...)
	for len(w.moments) > 0 && bytes.Contains(w.all, []byte(w.moments[0].text)) {
		w.moments[0].then()
		w.moments = w.moments[1:]
	}
	return len(p), nil
}

func cmdGolden(ts *testscript.TestScript, _ bool, args []string) {
	var got strings.Builder
	for _, file := range []string{"printed", "outputs.env", "drone_output", "github_output", "github_step_summary"} {
		text, err := os.ReadFile(ts.MkAbs(file))
		if err != nil {
			continue
		}
		fmt.Fprintf(&got, "-- %s --\n%s", file, steady(string(text), ts.Getenv("STANDIN_URL")))
	}
	path := filepath.Join(ts.Getenv("HOST_ENVIRONMENTS"), "..", "script", "golden", args[0]+".txt")
	if *update {
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
		ts.Check(os.WriteFile(path, []byte(got.String()), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	ts.Check(err)
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		ts.Fatalf("%s (-want +got):\n%s", args[0], diff)
	}
}

// volatile holds the parts that differ from run to run, and what replaces them.
var volatile = []struct {
	re *regexp.Regexp
	by string
}{
	{regexp.MustCompile(`\x1b\[0m`), "<off>"},
	{regexp.MustCompile(`\x1b\[2m`), "<dim>"},
	{regexp.MustCompile(`\x1b\[31m`), "<red>"},
	{regexp.MustCompile(`\x1b\[32m`), "<green>"},
	{regexp.MustCompile(`\x1b\[33m`), "<yellow>"},
	{regexp.MustCompile(`\x1b`), "ESC"},
	{regexp.MustCompile(`\r`), "CR"},
	{regexp.MustCompile(`\b[A-Z2-7]{26}\b`), "<token>"},                   // stop-commands, delimiters
	{regexp.MustCompile(`::add-mask::[A-Za-z]{64}`), "::add-mask::<key>"}, // the stand-in's key
	{regexp.MustCompile(`(section_(?:start|end)):\d+`), "$1:<unix>"},
	{regexp.MustCompile(`(/(?:project|environment|application|compose)/)[\w-]{21}`), "$1<id>"},
	{regexp.MustCompile(`("(?:id|deploymentId)":")[\w-]{21}`), "$1<id>"},
	{regexp.MustCompile(`(the deployment of commit \w+: )[\w-]{21}`), "$1<id>"},
	{regexp.MustCompile(`(DOKPLOY_DEPLOYMENT_ID=)[\w,-]{21,}`), "$1<id>"},
	{regexp.MustCompile(`(?m)^[\w-]{21}(,[\w-]{21})*$`), "<id>"},
	{regexp.MustCompile(`\b\d+(\.\d)?m?s\b`), "<time>"},
	// What is seen of a rollout on the way depends on the times of the looks.
	{regexp.MustCompile(`(?m)^(?:<dim>)?› (new containers: \d+ of \d+ running|task: .*|Swarm is rolling back .*)(?:<off>)?\n`), ""},
	{regexp.MustCompile(`; the previous version is (still running|running again)`), "; <what serves>"},
	{regexp.MustCompile(`\b\d\d:\d\d:\d\dZ`), "<clock>"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`), "<clock> UTC"},
	{regexp.MustCompile(`\b(preview-web-)[a-z0-9]+-[a-z0-9]+`), "$1<name>"},
	{regexp.MustCompile(`(container \S+\.1\.)\w{25}`), "$1<task>"},
	// Shown from one second on, or only if the job was seen in the queue.
	{regexp.MustCompile(`(started|failed|was interrupted|did not finish) (?:after|in) <time>`), "$1"},
	{regexp.MustCompile(`, followed for <time>`), ""},
	{regexp.MustCompile(`(?m)^(\| (?:api|stack|web[^|]*) \| \S+ \w+ \|).*(\| [^|]*\|)$`), "$1 … $2"},
	{regexp.MustCompile(`("(?:queuedSeconds|buildSeconds)":)(\d+|null)`), "$1<n>"},
	{regexp.MustCompile(`(DOKPLOY_DURATION=)\d+`), "$1<n>"},
	{regexp.MustCompile(`(?m)^\d+$`), "<n>"}, // the output duration
	{regexp.MustCompile(`dokploy-deploy \S+ →`), "dokploy-deploy <version> →"},
}

// steady removes from a text what differs from run to run.
func steady(text, url string) string {
	text = strings.ReplaceAll(text, url, "http://dokploy.test")
	for _, v := range volatile {
		text = v.re.ReplaceAllString(text, v.by)
	}
	return text
}
