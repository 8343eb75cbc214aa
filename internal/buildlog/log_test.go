package buildlog_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dokploy-deploy/internal/buildlog"
	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
)

// logWorld is a stand-in with one deployment, whose log is followed.
type logWorld struct {
	t      *testing.T
	srv    *dokploytest.Server
	app    *dokploytest.Service
	client *dokploy.Client

	mu    sync.Mutex
	lines []string
	lost  []string
	wakes int

	stopOnly  bool // the deployment does not end
	cancelled bool
	began     time.Time     // start of following the log
	firstLine time.Duration // after began
	outcome   buildlog.Outcome
}

func inLogWorld(t *testing.T, o dokploytest.Options, a dokploytest.Application, test func(w *logWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &logWorld{t: t, srv: dokploytest.New(o)}
		w.srv.Start()
		defer w.srv.Close()
		w.app = w.srv.AddApplication(a)
		u, err := url.Parse(w.srv.URL())
		if err != nil {
			t.Fatal(err)
		}
		w.client = dokploy.New(dokploy.Options{URL: u, Key: w.srv.Key, UserAgent: "test", Dial: w.srv.Dial})
		defer w.client.CloseIdle()
		test(w)
	})
}

// follow starts a deployment, follows its log until some time after its end,
// and stops.
func (w *logWorld) follow(change func(*dokploy.LogSource), watch time.Duration) {
	w.t.Helper()
	ctx := w.t.Context()
	if err := w.client.Deploy(ctx, dokploy.Application, "deploy", w.app.ID, "t", "d"); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(700 * time.Millisecond)
	rows, err := w.client.Deployments(ctx, dokploy.Application, w.app.ID)
	if err != nil || len(rows) != 1 {
		w.t.Fatalf("%v, %v", rows, err)
	}
	source := dokploy.LogSource{DeploymentID: rows[0].ID, Path: rows[0].LogPath}
	if change != nil {
		change(&source)
	}
	w.began = time.Now()
	log := buildlog.Follow(ctx, w.client.Log(source), buildlog.Events{
		Line: func(line []byte) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.lines = append(w.lines, string(line)); len(w.lines) == 1 {
				w.firstLine = time.Since(w.began)
			}
		},
		Wake: func() { w.mu.Lock(); w.wakes++; w.mu.Unlock() },
		Lost: func(text string) { w.mu.Lock(); w.lost = append(w.lost, text); w.mu.Unlock() },
	})
	time.Sleep(watch)
	if !w.stopOnly {
		log.Drain(ctx, 10*time.Second, !w.cancelled)
	}
	w.outcome = log.Stop()
}

// want compares what was delivered with the log as the server wrote it.
func (w *logWorld) want() {
	w.t.Helper()
	rows := w.srv.Deployments(w.app)
	want := strings.Split(strings.TrimSuffix(w.srv.Log(rows[0].ID), "\n"), "\n")
	for i, line := range want {
		want[i] = line[strings.LastIndexByte(strings.TrimRight(line, "\r"), '\r')+1:]
	}
	if !slices.Equal(w.lines, want) {
		w.t.Fatalf("%d lines, want %d as written; lost: %q\n%s\n---\n%s", len(w.lines), len(want), w.lost, strings.Join(w.lines, "\n"), strings.Join(want, "\n"))
	}
}

func build(n int) dokploytest.Build {
	var steps []dokploytest.Step
	for i := range n {
		steps = append(steps, dokploytest.Step{After: 200 * time.Millisecond, Text: fmt.Sprintf("#7 line %d with ünïcödé ✅\n", i)})
	}
	steps = append(steps,
		dokploytest.Step{Text: "Counting: 10%\rCounting: 50%"},
		dokploytest.Step{After: 50 * time.Millisecond, Text: "\rCounting: 100%\npart of a"},
		dokploytest.Step{After: 50 * time.Millisecond, Text: " line\n"},
	)
	return dokploytest.Build{Steps: steps}
}

func TestStreamGivesEachLineOnce(t *testing.T) {
	t.Run("in any frames", func(t *testing.T) {
		for _, size := range []int{0, 1, 2, 3, 5, 7, 64, 1000} {
			for _, raw := range []bool{true, false} {
				if !raw && size > 0 {
					continue // Dokploy itself breaks the characters then
				}
				inLogWorld(t, dokploytest.Options{FrameSize: size, RawFrames: raw}, dokploytest.Application{Build: build(10)}, func(w *logWorld) {
					w.follow(nil, 5*time.Second)
					w.want()
					if w.wakes == 0 {
						t.Error("the end of the log wakes nobody")
					}
				})
			}
		}
	})
	t.Run("when it is cut after any byte", func(t *testing.T) {
		for cut := 1; cut < 500; cut += 7 {
			inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: build(10)}, func(w *logWorld) {
				w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamCut, Bytes: cut})
				w.follow(nil, 5*time.Second)
				w.want()
			})
		}
	})
	t.Run("when it is cut again and again", func(t *testing.T) {
		inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: build(100)}, func(w *logWorld) {
			for i := range 8 {
				w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamCut, Bytes: 200 + 300*i})
			}
			w.follow(nil, 40*time.Second)
			w.want()
		})
	})
	t.Run("a line of 100 KB", func(t *testing.T) {
		b := dokploytest.Build{Steps: dokploytest.Lines(time.Second, "before", strings.Repeat("x", 100_000), "after")}
		inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: b}, func(w *logWorld) {
			w.follow(nil, 5*time.Second)
			w.want()
		})
	})
}

func TestStreamErrorsAreNoLogLines(t *testing.T) {
	for name, frames := range map[string][]string{
		"no file":           {"tail error: tail: cannot open '/etc/dokploy/logs/x.log' for reading: No such file or directory\ntail: no files remaining\n"},
		"no file, split":    {"tail er", "ror: tail: cannot open '/etc/dokploy/lo", "gs/x.log' for reading: No such file or directory\n", "tail: no files remaining\n"},
		"no file over SSH":  {"tail: cannot open '/x.log' for reading: No such file or directory\ntail: no files remaining\n"},
		"unknown server":    {"Server not found"},
		"SSH refused":       {"SSH error: connect ECONNREFUSED 127.0.0.1:2221"},
		"closed, no answer": nil,
	} {
		t.Run(name, func(t *testing.T) {
			fault := dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamFrames, Frames: frames, Times: 2}
			if frames == nil {
				fault.Kind = dokploytest.StreamClosed
			}
			t.Run("for a while", func(t *testing.T) {
				inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: build(10)}, func(w *logWorld) {
					w.srv.Fault(fault)
					w.follow(nil, 10*time.Second)
					w.want()
				})
			})
			t.Run("for good: over REST", func(t *testing.T) {
				inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: build(100)}, func(w *logWorld) {
					f := fault
					f.Times = -1
					w.srv.Fault(f)
					w.follow(nil, 30*time.Second)
					w.want()
					if len(w.lost) != 1 || !strings.Contains(w.lost[0], "it is read every 2s") {
						t.Errorf("told: %q", w.lost)
					}
				})
			})
			t.Run("for good, and no REST", func(t *testing.T) {
				inLogWorld(t, dokploytest.Options{Version: "v0.28.3"}, dokploytest.Application{Build: build(100)}, func(w *logWorld) {
					f := fault
					f.Times = -1
					w.srv.Fault(f)
					w.follow(nil, 30*time.Second)
					if len(w.lines) != 0 || len(w.lost) != 1 || !strings.Contains(w.lost[0], "followed without it") {
						t.Errorf("lines %q, told %q", w.lines, w.lost)
					}
				})
			})
		})
	}
}

func TestTextLikeAStreamErrorIsShown(t *testing.T) {
	b := dokploytest.Build{Raw: true, Steps: dokploytest.Lines(time.Second, "SSH error: is what this build prints first", "tail: cannot open is what it prints next", "and it goes on")}
	inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: b}, func(w *logWorld) {
		w.follow(nil, 20*time.Second)
		w.want()
	})
}

func TestStreamThatFallsSilent(t *testing.T) {
	for _, kind := range []dokploytest.FaultKind{dokploytest.StreamSilent, dokploytest.StreamHang} {
		t.Run(string(kind), func(t *testing.T) {
			b := build(10)
			b.Steps = append(b.Steps, dokploytest.Step{After: 3 * time.Minute, Text: "late\n"})
			inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: b}, func(w *logWorld) {
				w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: kind})
				w.follow(nil, 4*time.Minute)
				w.want()
				if len(w.lost) > 0 {
					t.Errorf("told: %q", w.lost)
				}
			})
		})
	}
}

func TestQuietStreamIsKept(t *testing.T) {
	b := dokploytest.Build{Steps: dokploytest.Lines(9*time.Minute, "a", "b")}
	inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: b}, func(w *logWorld) {
		w.follow(nil, 20*time.Minute)
		w.want()
		streams := 0
		for _, r := range w.srv.Requests() {
			if r.Procedure == "listen-deployment" {
				streams++
			}
		}
		if streams != 1 {
			t.Errorf("%d streams: each leaks a process on old servers", streams)
		}
	})
}

func TestRemoteLogs(t *testing.T) {
	t.Run("the right server", func(t *testing.T) {
		inLogWorld(t, dokploytest.Options{}, dokploytest.Application{ServerID: "server-1", Build: build(20)}, func(w *logWorld) {
			w.follow(func(s *dokploy.LogSource) { s.ServerID = "server-1" }, 10*time.Second)
			w.want()
		})
	})
	t.Run("a build server whose stream cannot be had", func(t *testing.T) {
		inLogWorld(t, dokploytest.Options{}, dokploytest.Application{BuildServerID: "build-1", Build: build(20)}, func(w *logWorld) {
			w.follow(func(s *dokploy.LogSource) { s.ServerID, s.NoREST = "gone", true }, 20*time.Second)
			if len(w.lines) != 0 || len(w.lost) != 1 || !strings.Contains(w.lost[0], "Server not found") {
				t.Errorf("lines %q, told %q", w.lines, w.lost)
			}
		})
	})
}

func TestLogOverRESTOfMoreThanItTakes(t *testing.T) {
	var steps []dokploytest.Step
	for i := range 60 {
		var b strings.Builder
		for j := range 100 {
			fmt.Fprintf(&b, "line %d.%d %s\n", i, j, strings.Repeat("x", 300))
		}
		steps = append(steps, dokploytest.Step{After: time.Second, Text: b.String()})
	}
	inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: dokploytest.Build{Steps: steps}}, func(w *logWorld) {
		w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamRefused, Status: 403, Times: -1})
		w.follow(nil, 70*time.Second)
		w.want()
	})
}

func TestStopIsQuick(t *testing.T) {
	inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: build(100)}, func(w *logWorld) {
		w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamHang})
		ctx, cancel := context.WithCancel(w.t.Context())
		log := buildlog.Follow(ctx, w.client.Log(dokploy.LogSource{DeploymentID: "x", Path: "/etc/dokploy/logs/x/x.log"}), buildlog.Events{
			Line: func([]byte) {}, Wake: func() {}, Lost: func(string) {},
		})
		time.Sleep(time.Second)
		start := time.Now()
		cancel()
		log.Stop()
		if d := time.Since(start); d > 100*time.Millisecond {
			t.Errorf("took %s", d)
		}
	})
}
