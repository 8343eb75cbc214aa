//go:build !windows

// Windows has no SIGTERM.

// Package e2e owns the proof of the program as it is against a Dokploy: the
// same cases against the stand-in and, with -tags e2e, against a real one.
package e2e

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dokploy-deploy/e2e/cases"
	"dokploy-deploy/internal/dokploytest"
)

var dir string // of this run

func TestMain(m *testing.M) {
	flag.Parse()
	// The tests wait for rollouts nearly all the time.
	_ = flag.Set("test.parallel", "64")
	os.Exit(func() int {
		var err error
		if dir, err = os.MkdirTemp("", "e2e"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		return m.Run()
	}())
}

var built = sync.OnceValues(func() (string, error) {
	path := filepath.Join(dir, "dokploy-deploy")
	if out, err := exec.Command("go", "build", "-o", path, "dokploy-deploy").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// program returns the path of the program as it is built.
func program(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// standIn is a stand-in as a world, one for each case.
type standIn struct {
	srv *dokploytest.Server
	url string

	mu       sync.Mutex
	services map[string]*dokploytest.Service
	remote   map[string]bool // their ids
}

const (
	goodImage    = "registry.example.test/app:1"
	missingImage = "registry.invalid/no/such:image"
	crashImage   = "registry.example.test/app:crash"
	remoteServer = "a-remote-server"
)

func newStandIn(t *testing.T) *standIn {
	t.Helper()
	w := &standIn{srv: dokploytest.New(dokploytest.Options{}), services: map[string]*dokploytest.Service{}, remote: map[string]bool{}}
	url, err := w.srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.url = url
	t.Cleanup(w.srv.Close)
	return w
}

func (w *standIn) Address() (url, key string) { return w.url, w.srv.Key }
func (w *standIn) Project() string            { return "shop" }
func (w *standIn) Images() cases.Images {
	return cases.Images{Good: goodImage, Missing: missingImage, Crash: crashImage}
}
func (w *standIn) Lacks(string) string { return "" }

func (w *standIn) service(t testing.TB, id string) *dokploytest.Service {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.services[id] == nil {
		t.Fatalf("no service %s", id)
	}
	return w.services[id]
}

// crashes is the rollout of the image that crashes.
func crashes(v dokploytest.Version) dokploytest.Rollout {
	return dokploytest.Rollout{Crash: v.Image == crashImage, Log: []string{"starting", "boom: cannot reach the database"}}
}

// brokenBuilds is what BuildKit writes about the builds that fail, by service.
var brokenBuilds = map[string][]dokploytest.Step{
	"broken": dokploytest.Lines(50*time.Millisecond,
		"------", " > [2/2] RUN set -e;     echo \"3 passed, 1 failed\";     exit 7:", "0.048 3 passed, 1 failed", "------", "Dockerfile:2", "--------------------",
		"   1 |     FROM "+goodImage, `   2 | >>> RUN set -e; \`, `   3 | >>>     echo "3 passed, 1 failed"; \`, "   4 | >>>     exit 7", "--------------------",
		`ERROR: failed to build: failed to solve: process "/bin/sh -c set -e;     echo \"3 passed, 1 failed\";     exit 7" did not complete successfully: exit code: 7`, "❌ Docker build failed"),
	"imageless": dokploytest.Lines(50*time.Millisecond,
		"Dockerfile:1", "--------------------", "   1 | >>> FROM "+missingImage, "--------------------",
		"ERROR: failed to build: failed to solve: "+missingImage+": failed to resolve source metadata for "+missingImage+": failed to do request: Head \"https://registry.invalid/v2/no/such/manifests/image\": dial tcp: lookup registry.invalid: no such host", "❌ Docker build failed"),
}

func (w *standIn) Make(t testing.TB, s cases.Service) string {
	var v *dokploytest.Service
	// A real server fails when it pulls the image.
	build := func(int) dokploytest.Build {
		if strings.Contains(v.Image()+v.ComposeFile(), missingImage) {
			return dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(50*time.Millisecond,
				"Pulling "+missingImage, `Error response from daemon: Get "https://registry.invalid/v2/": no such host`)}
		}
		if steps := brokenBuilds[s.Name]; steps != nil {
			return dokploytest.Build{Outcome: "error", Steps: steps}
		}
		return dokploytest.Build{}
	}
	push := dokploytest.Push{Repository: "app", WatchPaths: s.Watch}
	if s.File != "" || s.Compose {
		c := dokploytest.Compose{Name: s.Name, ComposeFile: s.File, BuildFunc: build, NeverDeployed: true,
			RolloutFunc: func(_ string, version dokploytest.Version) dokploytest.Rollout { return crashes(version) }}
		if s.Stack {
			c.ComposeType = "stack"
		}
		if s.Git {
			c.SourceType, c.ComposeFile, c.Push = "git", strings.ReplaceAll(cases.GoodFile, "{image}", goodImage), push
		}
		v = w.srv.AddCompose(c)
	} else {
		a := dokploytest.Application{Name: s.Name, Image: s.Image, BuildFunc: build, NeverDeployed: !s.Built, RollbackActive: s.Rollback, RolloutFunc: crashes}
		if s.Built {
			a.SourceType, a.Image = "drop", ""
			a.HowBuilt = map[string]string{"buildType": "dockerfile"}
		}
		if s.Git {
			a.SourceType, a.Image, a.Push = "git", "", push
			a.HowBuilt = map[string]string{"buildType": "dockerfile"}
		}
		if s.Previews > 0 {
			a.SourceType, a.Previews = "github", &dokploytest.Previews{Limit: s.Previews, AnyAuthor: true}
		}
		if s.Remote {
			a.ServerID = remoteServer
		}
		v = w.srv.AddApplication(a)
	}
	v.SetEnv("")
	if s.Previews > 0 {
		push.Owner = "acme"
		v.SetPush(push)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.services[v.ID], w.remote[v.ID] = v, s.Remote
	return v.ID
}

func (w *standIn) Repository() (url, branch string) {
	return "https://git.example.com/acme/app", "main"
}

func (w *standIn) Commit(testing.TB) string {
	sum := sha256.Sum256([]byte(rand.Text()))
	hash := hex.EncodeToString(sum[:20])
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range w.services {
		if v.SourceType() == "git" {
			v.SetBuild(dokploytest.Build{CommitSHA: hash})
		}
	}
	return hash
}

func (w *standIn) PullRequest(t testing.TB, p cases.Pull) {
	t.Helper()
	status, text := w.srv.PullRequest(dokploytest.PullRequest{Number: p.Number, Action: p.Action, Owner: "acme", Repository: "app", Commit: p.Commit, Base: p.Base})
	if status != http.StatusOK {
		t.Fatalf("the webhook answers %d %s", status, text)
	}
}

func (w *standIn) Front(t testing.TB, id string) string {
	var mu sync.Mutex
	var given, probe string
	w.service(t, id).SetRolloutFunc(func(v dokploytest.Version) dokploytest.Rollout {
		mu.Lock()
		defer mu.Unlock()
		given = cases.Given(strings.TrimPrefix(v.BuildArgs, "RELEASE="), strings.TrimPrefix(v.BuildSecrets, "TOKEN="))
		_, probe, _ = strings.Cut(v.Env, "PROBE=")
		return dokploytest.Rollout{}
	})
	server := httptest.NewServer(cases.Front(func() (string, string) {
		mu.Lock()
		defer mu.Unlock()
		return given, probe
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func (w *standIn) Work(t testing.TB, id string, work cases.Work) {
	v := w.service(t, id)
	if w.remote[id] { // its connection will be cut: the job leaves the queue then
		var lines []string
		for i := range work.Seconds {
			lines = append(lines, fmt.Sprint("second ", i+1))
		}
		v.SetBuild(dokploytest.Build{Steps: dokploytest.Lines(time.Second, lines...), StayRunning: true, LeaveAt: 4})
		return
	}
	v.SetBuild(dokploytest.Build{LogWriter: func(out io.Writer) {
		for i := 1; i <= work.Lines; i++ {
			fmt.Fprintln(out, cases.Line(i))
		}
		for i := range work.Seconds {
			fmt.Fprintln(out, "second", i+1)
			time.Sleep(time.Second)
		}
	}})
}

func (w *standIn) Crash(t testing.TB, id string) {
	v := w.service(t, id)
	built := v.SourceType() == "drop"
	before := len(w.srv.Deployments(v)) // versions up to here keep running, also when restored
	v.SetRolloutFunc(func(version dokploytest.Version) dokploytest.Rollout {
		r := dokploytest.Rollout{Crash: version.N > before}
		if built {
			r.CrashAfter = 8 * time.Second
		}
		return r
	})
}

func (w *standIn) Key(_ testing.TB, k cases.Key) string {
	return w.srv.AddKey(dokploytest.Key{Limit: k.Limit, Member: k.Services != nil, Access: k.Services})
}

func (w *standIn) Concurrency(_ testing.TB, n int) { w.srv.SetConcurrency(n) }
func (w *standIn) Restart(testing.TB)              { w.srv.Restart(3 * time.Second) }

func (w *standIn) CutSSH(testing.TB) { w.srv.SetSSH(remoteServer, dokploytest.SSHRefused) }

func TestStandIn(t *testing.T) {
	if dokploytest.RaceDetector() {
		t.Skip("the program that it runs is not built with the race detector; go test without -race runs it")
	}
	program := program(t)
	var made calls
	t.Run("cases", func(t *testing.T) {
		for _, c := range cases.All {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				w := newStandIn(t)
				cases.Do(t, w, program, c)
				made.take(w.srv.Requests())
			})
		}
		// A real server's stream cannot be broken through its API.
		t.Run("the log over REST", func(t *testing.T) {
			t.Parallel()
			w := newStandIn(t)
			w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamRefused, Status: 403, Times: -1})
			cases.Do(t, w, program, cases.Case{
				Services: []cases.Service{{Name: "slow", Built: true}}, Inputs: []string{"application={slow}"}, Status: "done",
				Before: func(r *cases.Run) { r.Work(r, r.ID("slow"), cases.Work{Seconds: 5}) },
				Says:   []string{"the live log is not available", "\nsecond 1\nsecond 2\n"},
			})
			made.take(w.srv.Requests())
		})
		t.Run("a service on a remote server", func(t *testing.T) {
			t.Parallel()
			w := newStandIn(t)
			app := w.srv.AddApplication(dokploytest.Application{ServerID: remoteServer})
			stack := w.srv.AddCompose(dokploytest.Compose{ServerID: remoteServer, ComposeType: "stack"})
			cases.Do(t, w, program, cases.Case{Inputs: []string{"application=" + app.ID, "compose=" + stack.ID}, Status: "done"})
			made.take(w.srv.Requests())
		})
	})
	if !t.Failed() && flag.Lookup("test.run").Value.String() == "" {
		made.check(t)
	}
}
