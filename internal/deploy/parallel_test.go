package deploy

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// statuses returns the statuses of the targets, in their order.
func statuses(report *verdict.Report) string {
	var all []string
	for _, r := range report.Results {
		all = append(all, string(r.Status))
	}
	return strings.Join(all, " ")
}

var failingBuild = dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(5*time.Second, "one", "two")}

// After a target has failed, no further one is started, and none of its
// settings is changed.
func TestFailFast(t *testing.T) {
	for name, tt := range map[string]struct {
		parallel int
		off, dry bool
		queued   bool // wait: false
		want     string
		triggers [4]int
	}{
		"one after the other": {parallel: 1, want: "done error skipped skipped", triggers: [4]int{1, 1, 0, 0}},
		"two at a time":       {parallel: 2, want: "done error done skipped", triggers: [4]int{1, 1, 1, 0}}, // the first is done before the second has failed
		"all at once":         {parallel: 4, want: "done error done done", triggers: [4]int{1, 1, 1, 1}},
		"without":             {parallel: 1, off: true, want: "done error done done", triggers: [4]int{1, 1, 1, 1}},
		"a dry run":           {parallel: 1, dry: true, want: "done done done done"},
		"not waited for":      {parallel: 1, queued: true, want: "queued queued queued queued", triggers: [4]int{1, 1, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				var services [4]*dokploytest.Service
				for i, name := range []string{"a", "b", "c"} {
					app := dokploytest.Application{Name: name, Env: "OLD=1"}
					switch name {
					case "b":
						app.Build, app.ServerID = failingBuild, "far" // it builds at the same time as the others
					case "c":
						app.Build = slowBuild
					}
					services[i] = w.srv.AddApplication(app)
				}
				services[3] = w.srv.AddCompose(dokploytest.Compose{Name: "d", Env: "OLD=1"})
				w.set = func(o *Options) {
					o.MaxParallel, o.FailFast, o.DryRun, o.Wait = tt.parallel, !tt.off, tt.dry, !tt.queued
					o.Prepare = Changes{Env: "NEW=2"}
				}
				report := w.deploy("application a", "application b", "application c", "compose d")
				if got := statuses(report); got != tt.want {
					w.Fatalf("%s, want %s\n%s", got, tt.want, w.story())
				}
				for i, s := range services {
					r := &report.Results[i]
					if n := w.srv.TriggerCount(s); n != tt.triggers[i] || tt.triggers[i] == 0 && s.Env() != "OLD=1" {
						w.Errorf("%s: %d triggers, env %q", r.Name, n, s.Env())
					}
					if r.Status != verdict.Skipped {
						continue
					}
					if r.Headline() != "was skipped: not started, because b failed (fail-fast)" || r.Verified != "" || r.DeploymentID != "" || r.Took != 0 || !r.At.IsZero() {
						w.Errorf("%s: %s: %+v", r.Name, r.Headline(), r)
					}
				}
				if failed := strings.Contains(tt.want, "error"); report.ExitCode() == 0 == failed || failed && report.Status() != verdict.Failed {
					w.Errorf("exit %d, %s", report.ExitCode(), report.Status())
				}
			})
		})
	}
}

// A failure is reported at once if others continue or follow, otherwise only at
// the end.
func TestAFailureIsSaidAtOnceBesideOthers(t *testing.T) {
	for name, tt := range map[string]struct {
		parallel int
		failFast bool
		last     string
		want     bool
	}{
		"nothing follows":             {parallel: 1, failFast: true, last: "good"},
		"another follows":             {parallel: 1, last: "good", want: true},
		"it is the last":              {parallel: 1, last: "bad"},
		"another goes on":             {parallel: 2, failFast: true, last: "slow", want: true},
		"another goes on, none waits": {parallel: 2, last: "slow", want: true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				w.srv.AddApplication(dokploytest.Application{Name: "bad", ServerID: "far", Build: failingBuild})
				w.srv.AddApplication(dokploytest.Application{Name: "good"})
				w.srv.AddApplication(dokploytest.Application{Name: "slow", Build: slowBuild})
				w.set = func(o *Options) { o.MaxParallel, o.FailFast = tt.parallel, tt.failFast }
				targets := []string{"application bad", "application " + tt.last}
				if tt.last == "bad" {
					targets = []string{"application good", "application bad"}
				}
				w.deploy(targets...)
				if got := slices.ContainsFunc(w.rec.notes, func(n string) bool { return strings.HasPrefix(n, "› failed after") }); got != tt.want {
					t.Errorf("said: %t\n%s", got, w.story())
				}
			})
		})
	}
}

// A target has failed when its verdict is known, not after its rollback; and
// that is reported at once.
func TestFailFastDoesNotWaitForTheRollback(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Name: "a", RolloutFunc: byImage, BuildFunc: func(n int) dokploytest.Build {
			if n > 1 { // the rollback takes long
				return slowBuild
			}
			return dokploytest.Build{}
		}})
		w.srv.AddApplication(dokploytest.Application{Name: "b", ServerID: "far", Build: dokploytest.Build{Steps: dokploytest.Lines(time.Second, lines(20)...)}})
		c := w.srv.AddApplication(dokploytest.Application{Name: "c"})
		w.set = func(o *Options) {
			goingBack(Changes{Image: crashes})(o)
			o.MaxParallel, o.FailFast = 2, true
		}
		report := w.deploy("application a", "application b", "application c")
		if got := statuses(report); !strings.HasPrefix(got, "unhealthy ") || !strings.HasSuffix(got, " skipped") {
			w.Errorf("%s\n%s", got, w.story())
		}
		said := slices.IndexFunc(w.rec.notes, func(n string) bool { return strings.HasPrefix(n, "› was deployed but is not running") })
		back := slices.IndexFunc(w.rec.notes, func(n string) bool { return strings.HasPrefix(n, "› rolling back") })
		if said < 0 || back < said {
			w.Errorf("%d, %d\n%s", said, back, w.story())
		}
		w.triggers(c, 0)
		if c.Image() != oldImage {
			w.Errorf("image %s", c.Image())
		}
	})
}

// Any status except done and queued is a failure.
func TestEveryFailureIsOne(t *testing.T) {
	for status, after10s := range map[verdict.Status]func(*world){
		verdict.Timeout:   func(*world) {},
		verdict.Cancelled: func(w *world) { w.srv.Restart(5 * time.Second) },
		verdict.Unreachable: func(w *world) {
			w.srv.Fault(dokploytest.Fault{Procedure: "*", Kind: dokploytest.Gateway, Status: 502, Times: -1})
		},
	} {
		t.Run(string(status), func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				w.srv.AddApplication(dokploytest.Application{Name: "a", Build: slowBuild})
				b := w.srv.AddApplication(dokploytest.Application{Name: "b"})
				go func() {
					time.Sleep(10 * time.Second)
					after10s(w)
				}()
				w.set = func(o *Options) {
					o.MaxParallel, o.FailFast = 1, true
					if status == verdict.Timeout {
						o.Timeout = 20 * time.Second
					}
				}
				if got := statuses(w.deploy("application a", "application b")); got != string(status)+" skipped" {
					w.Errorf("%s\n%s", got, w.story())
				}
				w.triggers(b, 0)
			})
		})
	}
}

// If one service is named twice, both targets say the same.
func TestSkippedAndNamedTwice(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Name: "a", Build: failingBuild})
		b := w.srv.AddApplication(dokploytest.Application{Name: "b"})
		w.set = func(o *Options) { o.MaxParallel, o.FailFast = 1, true }
		report := w.deploy("application a", "application b", "application shop/b", "application a")
		if got := statuses(report); got != "error skipped skipped error" {
			w.Error(got)
		}
		w.triggers(b, 0)
	})
}

// A target that an interrupt keeps from being started is interrupted, not
// skipped.
func TestInterruptedBeforeItsTurn(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Name: "a", Build: slowBuild})
		b := w.srv.AddApplication(dokploytest.Application{Name: "b"})
		ctx, interrupt := context.WithCancelCause(w.ctx)
		w.ctx = ctx
		go func() {
			time.Sleep(10 * time.Second)
			interrupt(ErrInterrupted)
		}()
		w.set = func(o *Options) { o.MaxParallel, o.FailFast = 1, true }
		if got := statuses(w.deploy("application a", "application b")); got != "interrupted interrupted" {
			w.Error(got)
		}
		w.triggers(b, 0)
	})
}

// A dry run starts nothing: it looks at every target.
func TestDryRunWithFailFast(t *testing.T) {
	inWorld(t, dokploytest.Options{NoDocker: true}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Name: "a"})
		w.srv.AddApplication(dokploytest.Application{Name: "b"})
		w.set = func(o *Options) { o.MaxParallel, o.FailFast, o.DryRun, o.Verify = 1, true, true, VerifyRequire }
		if got := statuses(w.deploy("application a", "application b")); got != "unhealthy unhealthy" {
			w.Error(got)
		}
	})
}

// A target that was never started because of another one is skipped; the exit
// code is that of the other one.
func TestSkippedBecauseOfAnother(t *testing.T) {
	for name, tt := range map[string]struct {
		targets []string
		member  bool
		set     Changes
		want    string
		exit    int
		reason  string
	}{
		"not found":     {targets: []string{"application api", "application none"}, want: "skipped invalid", exit: 2, reason: "not started, because none cannot be deployed"},
		"two not found": {targets: []string{"application one", "application api", "application two"}, want: "invalid skipped invalid", exit: 2, reason: "not started, because one cannot be deployed"},
		"ambiguous":     {targets: []string{"application twin", "compose stack"}, want: "invalid skipped", exit: 2, reason: "not started, because twin cannot be deployed"},
		"an image":      {targets: []string{"application api", "application built", "compose stack"}, set: Changes{Image: newImage}, want: "skipped invalid skipped", exit: 2, reason: "not started, because built cannot be deployed"},
		"a right":       {targets: []string{"application api", "compose stack"}, member: true, set: Changes{Image: newImage}, want: "refused skipped", exit: 3, reason: "not started, because api cannot be deployed"},
		"an id that is none of the key's": {targets: []string{"application api", "application 123456789012345678901"}, member: true, want: "skipped refused", exit: 3,
			reason: "not started, because 123456789012345678901 cannot be deployed"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				api := w.srv.AddApplication(dokploytest.Application{})
				w.srv.AddApplication(dokploytest.Application{Name: "built", SourceType: "git"})
				w.srv.AddApplication(dokploytest.Application{Name: "twin"})
				w.srv.AddApplication(dokploytest.Application{Name: "twin"})
				stack := w.srv.AddCompose(dokploytest.Compose{})
				if tt.member {
					w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{api.ID, stack.ID}})
				}
				w.set = func(o *Options) { o.Prepare = tt.set }
				report := w.deploy(tt.targets...)
				if got := statuses(report); got != tt.want || report.ExitCode() != tt.exit {
					w.Fatalf("%s, exit %d, want %s, %d\n%s", got, report.ExitCode(), tt.want, tt.exit, w.story())
				}
				for i := range report.Results {
					if r := &report.Results[i]; r.Status == verdict.Skipped && r.Why() != tt.reason {
						w.Errorf("%s: %s", r.Name, r.Why())
					}
				}
				if w.changes() > 0 || w.srv.TriggerCount(api)+w.srv.TriggerCount(stack) > 0 {
					w.Error(w.story())
				}
			})
		})
	}
}
