package deploy

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// costs deploys a target with and without verifying it. It returns how many
// requests the verification took, including the look before, and how long after
// Dokploy's own end.
func costs(t *testing.T, key string, add func(*dokploytest.Server) *dokploytest.Service) (requests int, took time.Duration) {
	for _, mode := range []VerifyMode{VerifyOff, VerifyRequire} {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := add(w.srv)
			target := "application " + app.ID
			if app.ComposeFile() != "" {
				target = "compose " + app.ID
			}
			if key == "member" {
				w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}})
			}
			w.set = func(o *Options) {
				verifying(mode)(o)
				if mode == VerifyRequire && app.ComposeFile() != "" {
					o.Prepare.ComposeFile, o.Prepare.ComposePath = oneIsNew, "c.yml"
				}
			}
			start := time.Now()
			w.want(w.deploy(target), verdict.Done, 0)
			requests, took = len(w.srv.Requests())-requests, time.Since(start)-took
		})
	}
	return requests, took
}

// What it takes to see that a healthy version is running: for an application,
// with a key that sees Docker, at most 12 requests; the verdict comes 10 s
// after a look that shows it running, and there is one each second.
func TestWhatVerifyingCosts(t *testing.T) {
	application := func(a dokploytest.Application) func(*dokploytest.Server) *dokploytest.Service {
		return func(s *dokploytest.Server) *dokploytest.Service { return s.AddApplication(a) }
	}
	compose := func(kind string) func(*dokploytest.Server) *dokploytest.Service {
		return func(s *dokploytest.Server) *dokploytest.Service {
			return s.AddCompose(dokploytest.Compose{ComposeType: kind, ComposeFile: twoServices})
		}
	}
	for name, tt := range map[string]struct {
		key    string
		add    func(*dokploytest.Server) *dokploytest.Service
		most   int
		within time.Duration
	}{
		"docker":           {"", application(dokploytest.Application{}), 12, 12 * time.Second},
		"docker, first":    {"", application(dokploytest.Application{NeverDeployed: true}), 12, 12 * time.Second},
		"git":              {"", application(dokploytest.Application{SourceType: "git"}), 12, 12 * time.Second},
		"git, first":       {"", application(dokploytest.Application{SourceType: "git", NeverDeployed: true}), 12, 12 * time.Second},
		"two replicas":     {"", application(dokploytest.Application{Replicas: 2}), 12, 13 * time.Second},
		"an old one stays": {"", application(dokploytest.Application{Rollout: dokploytest.Rollout{IgnoresSIGTERM: true}}), 12, 12 * time.Second},
		"health check":     {"", application(dokploytest.Application{Rollout: dokploytest.Rollout{Health: dokploytest.Healthy}}), 24, 19 * time.Second},
		"remote":           {"", application(dokploytest.Application{ServerID: "server-1"}), 12, 15 * time.Second},
		"member":           {"member", application(dokploytest.Application{}), 11, 13 * time.Second},
		"member, remote":   {"member", application(dokploytest.Application{ServerID: "server-1"}), 11, 15 * time.Second},
		"docker-compose":   {"", compose("docker-compose"), 14, 13 * time.Second},
		"stack":            {"", compose("stack"), 60, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			requests, took := costs(t, tt.key, tt.add)
			t.Logf("%d requests, %s", requests, took)
			if requests > tt.most || took > tt.within {
				t.Errorf("%d requests in %s, want at most %d in %s", requests, took, tt.most, tt.within)
			}
		})
	}
}

// listener records when something was first reported.
type listener struct {
	*recorder
	part string
	at   time.Time
}

func (l *listener) Note(target, text string) {
	if l.at.IsZero() && strings.Contains(text, l.part) {
		l.at = time.Now()
	}
	l.recorder.Note(target, text)
}

// A crash while only time has to pass is reported within 3 s.
func TestACrashIsToldSoon(t *testing.T) {
	for after := 500 * time.Millisecond; after < 10*time.Second; after += 250 * time.Millisecond {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{})
			w.answers(app, 1, old(app))
			w.answers(app, 0, fresh(app))
			broken := fresh(app)
			broken.tasks = task(app.AppName, "t3", "Running", "Preparing 1 second ago", "") + "," +
				task(app.AppName, "t2", "Shutdown", "Failed 1 second ago", `"task: non-zero exit (3)"`) + "," + task(app.AppName, "t1", "Shutdown", "Shutdown 8 seconds ago", "Error:")
			time.AfterFunc(after, func() { w.srv.ClearFaults(); w.answers(app, 0, broken) })
			w.set = verifying(VerifyAuto)
			heard := &listener{recorder: w.rec, part: "non-zero exit (3)"}
			set := w.set
			w.set = func(o *Options) { set(o); o.Reporter = heard }
			start := time.Now()
			w.want(w.deploy("application api"), verdict.Unhealthy, 1)
			if late := heard.at.Sub(start) - after; heard.at.IsZero() || late > 3*time.Second {
				w.Errorf("crashed after %s, told %s later\n%s", after, late, w.story())
			}
		})
	}
}
