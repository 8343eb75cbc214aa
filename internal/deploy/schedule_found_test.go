package deploy

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// The worst that schedules found, each as small as possible.

// takes returns a build that does nothing for some time.
func takes(d time.Duration) dokploytest.Build {
	return dokploytest.Build{Steps: []dokploytest.Step{{After: d, Text: "building\n"}}}
}

// The build ahead of ours had its row before the run began, and ours was over
// between two looks: that is not a lost deployment (seed 2209).
func TestAFastGitBuildBehindAKnownOneIsNotStartedAgain(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", BuildFunc: func(n int) dokploytest.Build {
			if n == 1 {
				return takes(3 * time.Minute)
			}
			return takes(20 * time.Millisecond)
		}})
		w.srv.Enqueue(app, "another's", "")
		time.Sleep(time.Second)
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		w.triggers(app, 1)
		w.isLast(r, app)
	})
}

// The time in the queue's answer is cut to the second, and in that second
// others of the service had begun and ended before ours was triggered.
func TestOursAfterOthersOfTheSameSecond(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: takes(20 * time.Millisecond)})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(150 * time.Millisecond)})
		for range 3 {
			w.srv.Enqueue(app, "another's", "")
			time.Sleep(100 * time.Millisecond)
		}
		w.srv.Enqueue(other, "another's", "")
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		w.triggers(app, 1)
		w.isLast(r, app)
	})
}

// After a restart BullMQ runs ours again; what another deploys meanwhile is not
// that second run (seeds 57 and 97).
func TestTheSecondRunIsOurs(t *testing.T) {
	for _, source := range []string{"docker", "git"} {
		t.Run(source, func(t *testing.T) {
			inWorld(t, dokploytest.Options{Version: "v0.25.11"}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{SourceType: source, BuildFunc: func(n int) dokploytest.Build {
					if n == 2 { // another's
						b := takes(10 * time.Millisecond)
						b.Outcome = "error"
						return b
					}
					return takes(10 * time.Second)
				}})
				time.AfterFunc(5*time.Second, func() {
					w.srv.Enqueue(app, "another's", "")
					w.srv.Restart(5 * time.Second)
				})
				r := w.want(w.deploy("application api"), verdict.Done, 0)
				w.triggers(app, 1)
				w.isLast(r, app)
			})
		})
	}
}

// Without its Redis, BullMQ holds a trigger back and runs it later: it is not
// sent again (seed 203; docs/dokploy.md, Triggers).
func TestATriggerThatRedisHoldsBackIsNotRepeated(t *testing.T) {
	inWorld(t, dokploytest.Options{Version: "v0.29.5"}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{})
		w.srv.RedisDown(40 * time.Second)
		w.want(w.deploy("application api"), verdict.Done, 0)
		w.triggers(app, 1)
	})
}

// A stream that cannot be resumed at the end leaves no half line, and the
// missing rest is reported (seed 329).
func TestTheEndOfABrokenStream(t *testing.T) {
	for _, version := range []string{"v0.30.2", "v0.28.8"} {
		t.Run(version, func(t *testing.T) {
			inWorld(t, dokploytest.Options{Version: version}, func(w *world) {
				w.srv.AddApplication(dokploytest.Application{Build: dokploytest.Build{
					Outcome: "error", Steps: dokploytest.Lines(50*time.Millisecond, "first line", "second line", "ERROR: the reason"),
				}})
				w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamCut, Bytes: 40, NoResume: true})
				r := w.want(w.deploy("application api"), verdict.Failed, 1)
				whole := version == "v0.30.2" // this version has readLogs
				if all := strings.Join(w.rec.log, "|"); strings.Contains(all, "ERROR: the reason") != whole || w.rec.said("may be missing") == whole ||
					strings.Contains(all, "|second|") || strings.HasSuffix(all, "secon") {
					w.Errorf("%q: %s\n%s", all, r.Why(), w.story())
				}
			})
		})
	}
}

// TestAnUploadThatIsRemovedFromTheQueue: if what waits has a row, that row is
// cancelled with it, and is not a deployment that could be another's.
func TestAnUploadThatIsRemovedFromTheQueue(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		inWorld(t, dokploytest.Options{QueuedRows: true, KeepsQueue: keeps}, func(w *world) {
			web := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: slowBuild})
			api := w.srv.AddApplication(dokploytest.Application{Name: "api", SourceType: "drop"})
			w.srv.Enqueue(web, "busy", "")
			w.srv.Enqueue(web, "busy", "")
			w.set = func(o *Options) { o.Prepare.Source, o.Prepare.SourcePath = aSource(), "src" }
			time.AfterFunc(10*time.Second, func() { w.srv.CleanQueue(api) })
			r := w.want(w.deploy("application api"), verdict.Cancelled, 1)
			if r.Reason.Kind != verdict.RemovedFromQueue {
				w.Errorf("reason %q", r.Why())
			}
		})
	}
}

// TestTwoRestartsThatLeaveItRunning: before 0.25.4, a restart leaves a row as
// it is, and after a second one BullMQ does not run the job again.
func TestTwoRestartsThatLeaveItRunning(t *testing.T) {
	inWorld(t, dokploytest.Options{Version: "v0.25.3"}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{Build: takes(time.Minute)})
		time.AfterFunc(5*time.Second, func() { w.srv.Restart(5 * time.Second) })
		time.AfterFunc(70*time.Second, func() {
			w.srv.Restart(5 * time.Second)
			time.AfterFunc(30*time.Second, func() { w.srv.Enqueue(app, "another's", "") })
		})
		r := w.want(w.deploy("application api"), verdict.Lost, 1)
		if r.Reason.Kind != verdict.LeftAsRunning {
			w.Errorf("%s\n%s", r.Why(), w.story())
		}
		w.triggers(app, 1)
	})
}

// TestALogThatCannotBeReadKeepsNothingOpen: after an outage, Dokploy must have
// been answering for a while. A problem with the log alone does not count.
func TestALogThatCannotBeReadKeepsNothingOpen(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddServer("server-1")
		app := w.srv.AddApplication(dokploytest.Application{ServerID: "server-1", Build: takes(25 * time.Second)})
		w.srv.Fault(dokploytest.Fault{Procedure: "deployment.readLogs", Kind: dokploytest.ServerError, Body: "spawn ENOMEM", Times: -1})
		w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.Gateway, Status: 502, Times: -1})
		time.AfterFunc(2*time.Second, func() {
			w.srv.Fault(dokploytest.Fault{Procedure: "deployment.all", Kind: dokploytest.Unauthorized, Times: 8})
			w.srv.Fault(dokploytest.Fault{Procedure: "deployment.queueList", Kind: dokploytest.Unauthorized, Times: 8})
		})
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		if r.Took > 5*time.Minute {
			w.Errorf("%s after %s\n%s", r.Status, r.Took, w.story())
		}
		w.triggers(app, 1)
	})
}

// TestTheEndOfALogHasLittleTimeBeyondTheTargets: a log that does not come
// delays neither the verdict nor the report of a timeout.
func TestTheEndOfALogHasLittleTimeBeyondTheTargets(t *testing.T) {
	inWorld(t, dokploytest.Options{Latency: 120 * time.Millisecond}, func(w *world) {
		web := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(17 * time.Second)})
		w.srv.AddApplication(dokploytest.Application{Build: takes(40 * time.Millisecond)})
		w.srv.Fault(dokploytest.Fault{Procedure: "deployment.readLogs", Kind: dokploytest.ServerError, Body: "spawn ENOMEM", Times: -1})
		w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamBuffered, Bytes: 4096, Times: -1})
		w.srv.Enqueue(web, "", "")
		w.set = func(o *Options) { verifying(VerifyRequire)(o); o.Timeout, o.Logs = 20*time.Second, LogLive }
		r := w.want(w.deploy("application api"), verdict.Timeout, 4)
		if r.Took > 24*time.Second {
			w.Errorf("after %s\n%s", r.Took, w.story())
		}
	})
}
