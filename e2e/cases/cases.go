// Package cases owns what the program promises against a Dokploy: the inputs,
// the outcome, and what Dokploy must have afterwards. The same cases run
// against the stand-in (e2e/standin_test.go) and against a real Dokploy
// (e2e/real_test.go), so that both must meet the same expectations.
package cases

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// World is a Dokploy to run the cases against. What it creates, it removes when
// the test that requested it ends.
type World interface {
	Address() (url, key string) // the key is an owner's or admin's without a limit
	Project() string            // the name of the project that the services are in
	Images() Images
	// Lacks says why a case with that need cannot be run here; "" if it can.
	Lacks(need string) string

	Make(t testing.TB, s Service) (id string)
	Work(t testing.TB, id string, w Work) // what the next builds of a built service do
	Crash(t testing.TB, id string)        // what is deployed next exits; a built service only after 8 s, when swarm no longer watches
	// Front returns the address at which a built service answers, from its next
	// deployment on, with what its build was given: Given. If PROBE is in its
	// environment, it only answers requests whose header X-Probe has that
	// value.
	Front(t testing.TB, id string) (url string)
	// Commit adds a commit to the branch that services with a Git source are built from.
	Commit(t testing.TB) (hash string)
	Repository() (url, branch string) // ... which exists
	// PullRequest has GitHub report a pull request, and its end when the test
	// ends.
	PullRequest(t testing.TB, p Pull)
	Key(t testing.TB, k Key) string
	Concurrency(t testing.TB, n int)
	Restart(t testing.TB)
	CutSSH(t testing.TB) // to the remote server, for the rest of the test
}

// What a case may need in addition to a server, a key and an image.
const (
	NeedsMember   = "a member's key"
	NeedsRestart  = "a restart"
	NeedsCrash    = "an image that crashes"
	NeedsRegistry = "a registry for rollbacks"
	NeedsRemote   = "a remote server whose SSH can be cut"
	NeedsGit      = "a Git repository"
	NeedsGitHub   = "a GitHub provider for it"
)

// Images are one that runs, one that does not exist, and one that exits at
// once.
type Images struct{ Good, Missing, Crash string }

// Service is a service to create. It is an application that runs Image, unless:
type Service struct {
	Name     string
	Image    string // {image} if empty
	File     string // a compose service with this file
	Stack    bool   // ... which swarm runs
	Built    bool   // an application that is built from an upload, see Work
	Rollback bool   // Dokploy keeps its images
	Remote   bool   // on the remote server
	Deployed bool   // somebody has deployed it before

	Git   bool     // its source is the Git repository: a Dockerfile, or the compose file if Compose
	Watch []string // ... and these are its watch paths
	// Compose is a compose service with a Git source.
	Compose bool
	// Previews is how many previews of pull requests it may have: its source is
	// then GitHub's; 0: it has none.
	Previews int
}

// Work is what a build does: how long it takes, and how many lines it writes,
// Line(i) for i from 1.
type Work struct{ Seconds, Lines int }

// Key is a key to create. The zero value is an owner's or admin's.
type Key struct {
	Limit    int      // requests a day
	Services []string // a plain member's, with access to these
}

// Case is one promise. In Inputs, Files, Says and Not {name} stands for the id
// of the service with that name, for {project}, {image}, {missing}, {crash},
// {url}, {dir} (where Files are) and what Before has set.
type Case struct {
	Name     string
	Needs    string
	Services []Service
	Files    map[string]string
	Before   func(r *Run)                // what somebody else does before
	Inputs   []string                    // name=value
	CI       []string                    // variables of the CI job: NAME=value
	During   func(r *Run, p *os.Process) // ... and while the program runs
	Code     int                         // exit code
	Status   string                      // output status
	Says     []string                    // the output has each of these
	Not      []string                    // and none of these
	After    func(r *Run, o *Outcome)    // what must hold then
}

// Run is a case that is running.
type Run struct {
	testing.TB
	World
	program  string
	ci       []string
	kinds    map[string]string // by id: application, compose
	names    map[string]string // what {name} stands for
	url, key string
	out      *output // of the program that is running
}

// output is what the program has printed so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// AwaitSaid waits until the program has printed something.
func (r *Run) AwaitSaid(text string) {
	r.Helper()
	r.Await(text, func() bool { return strings.Contains(r.out.String(), text) })
}

// Outcome is how a run of the program ended.
type Outcome struct {
	Code    int
	Output  string
	Values  map[string]string // of output-file
	Targets []Target
}

// Target is one of the output deployments.
type Target struct{ Kind, ID, DeploymentID, Status, Verified, Commit string }

// Do runs a case with the program. One for which the world lacks something is skipped.
func Do(t testing.TB, w World, program string, c Case) {
	t.Helper()
	if why := w.Lacks(c.Needs); c.Needs != "" && why != "" {
		t.Skipf("it needs %s: %s", c.Needs, why)
	}
	r := &Run{TB: t, World: w, program: program, ci: c.CI, kinds: map[string]string{}}
	r.url, r.key = w.Address()
	images := w.Images()
	r.names = map[string]string{
		"project": w.Project(), "image": images.Good, "missing": images.Missing, "crash": images.Crash, "url": r.url, "dir": t.TempDir(),
	}
	r.names["repository"], r.names["branch"] = w.Repository()
	for _, s := range c.Services {
		r.make(s)
	}
	for name, text := range c.Files {
		r.write(name, text)
	}
	if c.Before != nil {
		c.Before(r)
	}
	o := r.Deploy(func(p *os.Process) {
		if c.During != nil {
			c.During(r, p)
		}
	}, c.Inputs...)
	if o.Code != c.Code || o.Values["DOKPLOY_STATUS"] != c.Status {
		t.Errorf("exit %d, status %q, want %d, %q", o.Code, o.Values["DOKPLOY_STATUS"], c.Code, c.Status)
	}
	for _, text := range c.Says {
		if !strings.Contains(o.Output, r.Text(text)) {
			t.Errorf("it does not say %q", r.Text(text))
		}
	}
	for _, text := range c.Not {
		if strings.Contains(o.Output, r.Text(text)) {
			t.Errorf("it says %q", r.Text(text))
		}
	}
	if c.After != nil {
		c.After(r, o)
	}
}

// make makes a service of the case.
func (r *Run) make(s Service) {
	r.Helper()
	s.Image, s.File = cmp.Or(r.Text(s.Image), r.names["image"]), r.Text(s.File)
	id := r.Make(r.TB, s)
	r.names[s.Name], r.kinds[id] = id, "application"
	if s.File != "" || s.Compose {
		r.kinds[id] = "compose"
	}
	if s.Deployed {
		r.Other(id, "before")
		r.AwaitEnd(id)
		r.awaitRunning(id)
	}
}

// write writes a file of the case.
func (r *Run) write(name, text string) {
	r.Helper()
	path := filepath.Join(r.names["dir"], name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(r.Text(text)), 0o600); err != nil {
		r.Fatal(err)
	}
}

// Set lets {name} stand for a value.
func (r *Run) Set(name, value string) { r.names[name] = value }

// ID returns the id of the service with that name.
func (r *Run) ID(name string) string {
	r.Helper()
	id := r.names[name]
	if id == "" {
		r.Fatalf("no service %q", name)
	}
	return id
}

// Text replaces {name} with what it stands for.
func (r *Run) Text(text string) string {
	for name, value := range r.names {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// Deploy runs the program with these inputs.
func (r *Run) Deploy(during func(*os.Process), inputs ...string) *Outcome {
	r.Helper()
	file := filepath.Join(r.TempDir(), "out.env")
	cmd := exec.CommandContext(r.Context(), r.program) //nolint:gosec // the program that is tested
	given := append([]string{"url=" + r.url, "api-key=" + r.key, "output-file=" + file, "debug=true", "stable-for=2s", "timeout=4m"}, inputs...)
	cmd.Env = []string{"COLUMNS=10000"} // messages are searched for in whole lines
	for _, input := range given {
		name, value, _ := strings.Cut(r.Text(input), "=")
		cmd.Env = append(cmd.Env, "DOKPLOY_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+value)
	}
	for _, variable := range r.ci {
		cmd.Env = append(cmd.Env, r.Text(variable))
	}
	out := &output{}
	r.out, cmd.Stdout, cmd.Stderr = out, out, out
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	during(cmd.Process)
	_ = cmd.Wait()
	o := &Outcome{Code: cmd.ProcessState.ExitCode(), Output: out.String(), Values: map[string]string{}}
	text, err := os.ReadFile(file)
	if err != nil {
		r.Fatalf("no outputs: %v\n%s", err, o.Output)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		o.Values[name] = value
	}
	if err := json.Unmarshal([]byte(o.Values["DOKPLOY_DEPLOYMENTS"]), &o.Targets); err != nil {
		r.Errorf("deployments: %v: %s", err, o.Values["DOKPLOY_DEPLOYMENTS"])
	}
	shown := o.Output
	if len(shown) > 20000 { // a flood
		shown = shown[:2000] + "\n…\n" + shown[len(shown)-2000:]
	}
	r.Logf("exit %d\n%s", o.Code, shown)
	return o
}

// Other has somebody else deploy a service.
func (r *Run) Other(id, title string) {
	r.Helper()
	kind := r.kinds[id]
	r.API(kind+".deploy", map[string]string{kind + "Id": id, "title": title}, nil)
}

// Await asks repeatedly until a condition is true.
func (r *Run) Await(what string, is func() bool) {
	r.Helper()
	for end := time.Now().Add(2 * time.Minute); !is(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			r.Fatalf("it does not come to this: %s", what)
		}
	}
}

// AwaitStatus waits until the newest deployment of a service has that status.
func (r *Run) AwaitStatus(id, status string) {
	r.Helper()
	r.Await(status, func() bool { rows := r.Rows(id); return len(rows) > 0 && rows[0].Status == status })
}

// AwaitEnd waits until no deployment of a service is waiting or running.
func (r *Run) AwaitEnd(id string) {
	r.Helper()
	r.Await("an end", func() bool {
		rows := r.Rows(id)
		return len(rows) > 0 && rows[0].Status != "running" && !r.Queued(id, "")
	})
}

// Queued reports whether a deployment of a service, with that title if one is
// given, is in the queue.
func (r *Run) Queued(id, title string) bool {
	r.Helper()
	var jobs []struct {
		Data struct{ ApplicationID, ComposeID, TitleLog string }
	}
	r.API("deployment.queueList", nil, &jobs)
	for _, j := range jobs {
		if (j.Data.ApplicationID == id || j.Data.ComposeID == id) && (title == "" || j.Data.TitleLog == title) {
			return true
		}
	}
	return false
}

// awaitRunning waits until a container of a service is running.
func (r *Run) awaitRunning(id string) {
	r.Helper()
	name := r.Settings(id).AppName
	r.Await("a container", func() bool {
		var containers []struct{ Name, State string }
		r.API("docker.getContainersByAppNameMatch?appName="+url.QueryEscape(name), nil, &containers)
		for _, c := range containers {
			if c.State == "running" {
				return true
			}
		}
		return false
	})
}
