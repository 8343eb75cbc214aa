package deploy

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
)

// A server that brings back its queue after a restart has the waiting jobs
// again some seconds after it answers: ours is not started a second time.
func TestAQueueThatComesBack(t *testing.T) {
	for _, source := range []string{"docker", "git"} {
		for _, after := range []time.Duration{0, time.Second, 8 * time.Second, 14 * time.Second} {
			t.Run(source+" after "+after.String(), func(t *testing.T) {
				inWorld(t, dokploytest.Options{KeepsQueue: true, ReturnsAfter: after}, func(w *world) {
					app := w.srv.AddApplication(dokploytest.Application{SourceType: source, Build: takes(100 * time.Millisecond)})
					other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
					w.srv.Enqueue(other, "another's", "")
					time.AfterFunc(5*time.Second, func() { w.srv.Restart(5 * time.Second) })
					r := w.want(w.deploy("application api"), verdict.Done, 0)
					w.triggers(app, 1)
					w.isLast(r, app)
				})
			})
		}
	}
}

// Each 5xx restarts the time, including those that the client retries at once.
func TestAFaultStartsTheTimeAgain(t *testing.T) {
	for _, status := range []int{500, 502, 503} {
		inWorld(t, dokploytest.Options{KeepsQueue: true, ReturnsAfter: 24 * time.Second}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{Build: takes(100 * time.Millisecond)})
			other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
			w.srv.Enqueue(other, "another's", "")
			time.AfterFunc(5*time.Second, func() { w.srv.Restart(5 * time.Second) })
			time.AfterFunc(22*time.Second, func() {
				w.srv.Fault(dokploytest.Fault{Procedure: "deployment.queueList", Kind: dokploytest.Gateway, Status: status})
			})
			w.want(w.deploy("application api"), verdict.Done, 0)
			w.triggers(app, 1)
		})
	}
}

// A queue that does not come back: 15 s, or as soon as the worker is seen at
// work.
func TestAQueueThatIsGone(t *testing.T) {
	for _, c := range []struct {
		name        string
		atWork      bool
		least, most time.Duration
	}{
		{"idle", false, 15 * time.Second, 17 * time.Second},
		{"at work", true, 5 * time.Second, 7 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{Build: takes(time.Second)})
				other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(40 * time.Second)})
				w.srv.Enqueue(other, "another's", "")
				time.AfterFunc(5*time.Second, func() { w.srv.Restart(5 * time.Second) })
				if c.atWork {
					time.AfterFunc(11*time.Second, func() { w.srv.Enqueue(other, "another's", "") })
				}
				began := time.Now()
				w.want(w.deploy("application api"), verdict.Done, 0)
				w.triggers(app, 2)
				var sent, back time.Time
				for _, r := range w.srv.Requests() {
					switch {
					case r.Procedure == "application.deploy":
						sent = r.At
					case back.IsZero() && r.Procedure == "deployment.queueList" && r.At.After(began.Add(10*time.Second)):
						back = r.At
					}
				}
				if d := sent.Sub(back); d < c.least || d > c.most {
					w.Errorf("started again after %s\n%s", d, w.story())
				}
			})
		})
	}
}

// unreachable-timeout ends where these 15 s begin, and timeout limits both.
func TestTheTimeAfterARestartIsNoOutage(t *testing.T) {
	for _, c := range []struct {
		timeout time.Duration
		want    verdict.Status
	}{{30 * time.Minute, verdict.Done}, {15 * time.Second, verdict.Timeout}} {
		inWorld(t, dokploytest.Options{KeepsQueue: true, ReturnsAfter: 14 * time.Second}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{Build: takes(time.Second)})
			other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
			w.srv.Enqueue(other, "another's", "")
			time.AfterFunc(3*time.Second, func() { w.srv.Restart(5 * time.Second) })
			w.set = func(o *Options) { o.Unreachable, o.Timeout = 10*time.Second, c.timeout }
			r := w.deploy("application api").Results[0]
			if r.Status != c.want {
				w.Errorf("%s: %s\n%s", r.Status, r.Why(), w.story())
			}
			w.triggers(app, 1)
		})
	}
}

// A running deployment is cancelled by the restart, and runs again: the second
// run counts. If none comes, cancelled is final.
func TestWhatRanComesBack(t *testing.T) {
	for _, version := range []string{"v0.30.2", "canary"} {
		for _, keeps := range []bool{true, false} {
			for _, source := range []string{"docker", "git"} {
				inWorld(t, dokploytest.Options{Version: version, KeepsQueue: keeps, ReturnsAfter: 8 * time.Second}, func(w *world) {
					app := w.srv.AddApplication(dokploytest.Application{SourceType: source, Build: takes(10 * time.Second)})
					time.AfterFunc(5*time.Second, func() { w.srv.Restart(5 * time.Second) })
					want, exit := verdict.Done, 0
					if !keeps {
						want, exit = verdict.Cancelled, 1
					}
					r := w.want(w.deploy("application api"), want, exit)
					w.triggers(app, 1)
					w.isLast(r, app)
				})
			}
		}
	}
}

// Others' work after the restart shows that nothing comes back: cancelled is
// final at once.
func TestCancelledIsFinalWhereTheWorkerWorks(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Build: takes(10 * time.Second)})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(time.Minute)})
		time.AfterFunc(5*time.Second, func() { w.srv.Restart(5 * time.Second) })
		time.AfterFunc(10500*time.Millisecond, func() { w.srv.Enqueue(other, "another's", "") })
		r := w.want(w.deploy("application api"), verdict.Cancelled, 1)
		if r.Took > 16*time.Second {
			w.Errorf("after %s\n%s", r.Took, w.story())
		}
	})
}

// A trigger whose answer was lost in the restart may come back with the queue.
func TestATriggerThatARestartAnswered(t *testing.T) {
	inWorld(t, dokploytest.Options{KeepsQueue: true, ReturnsAfter: 12 * time.Second}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{Build: takes(time.Second)})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
		w.srv.Enqueue(other, "another's", "")
		w.srv.Fault(dokploytest.Fault{Procedure: "application.deploy", Kind: dokploytest.Lost, CarriedOut: true})
		w.srv.OnCall("application.deploy", func() { go w.srv.Restart(5 * time.Second) })
		w.want(w.deploy("application api"), verdict.Done, 0)
		w.triggers(app, 1)
	})
}

// Two restarts, the second one before the queue was back.
func TestTwoRestarts(t *testing.T) {
	inWorld(t, dokploytest.Options{KeepsQueue: true, ReturnsAfter: 8 * time.Second}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{Build: takes(10 * time.Second)})
		time.AfterFunc(5*time.Second, func() { w.srv.Restart(5 * time.Second) })
		time.AfterFunc(14*time.Second, func() { w.srv.Restart(5 * time.Second) })
		w.want(w.deploy("application api"), verdict.Done, 0)
		w.triggers(app, 1)
	})
}

// Rows of waiting deployments always exist; one that a restart cancelled before
// it began was lost with the queue, and is started again.
func TestTheRowOfWhatWaitedInARestart(t *testing.T) {
	for _, keeps := range []bool{true, false} {
		inWorld(t, dokploytest.Options{KeepsQueue: keeps, QueuedRows: true, ReturnsAfter: 8 * time.Second}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{Build: takes(time.Second)})
			other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
			w.srv.Enqueue(other, "another's", "")
			time.AfterFunc(5*time.Second, func() { w.srv.Restart(5 * time.Second) })
			r := w.want(w.deploy("application api"), verdict.Done, 0)
			want := 1
			if !keeps {
				want = 2
			}
			w.triggers(app, want)
			if id := w.lastRow(app).ID; r.DeploymentID != id || w.rec.count("started") != want {
				w.Errorf("deployment %s, want %s\n%s", r.DeploymentID, id, w.story())
			}
		})
	}
}

// A deployment that somebody removed from the queue has not been started.
func TestARowThatWasCancelledBeforeItBegan(t *testing.T) {
	inWorld(t, dokploytest.Options{QueuedRows: true}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
		w.srv.Enqueue(other, "another's", "")
		time.AfterFunc(5*time.Second, func() { w.srv.CleanQueue(app) })
		r := w.want(w.deploy("application api"), verdict.Cancelled, 1)
		w.triggers(app, 1)
		if w.rec.said("started") || r.Build >= 0 || r.Reason.Kind != verdict.CancelledEarly {
			w.Errorf("%s, built in %s\n%s", r.Why(), r.Build, w.story())
		}
	})
}

// An upload has no marker: what comes back with its time is the upload, and if
// two may be it, there is no guess.
func TestAnUploadThatComesBack(t *testing.T) {
	for _, c := range []struct {
		name    string
		another time.Duration // when somebody deploys in the dashboard; 0: never
		want    verdict.Status
	}{{"alone", 0, verdict.Done}, {"beside another", 18 * time.Second, verdict.Done}} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{KeepsQueue: true, ReturnsAfter: 8 * time.Second}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{SourceType: "drop", Build: takes(time.Second)})
				other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
				w.srv.Enqueue(other, "another's", "")
				time.AfterFunc(5*time.Second, func() { w.srv.Restart(5 * time.Second) })
				if c.another > 0 {
					time.AfterFunc(c.another, func() { w.srv.Enqueue(app, "Manual deployment", "") })
				}
				w.set = func(o *Options) { o.Prepare.Source, o.Prepare.SourcePath = aSource(), "src" }
				r := w.deploy("application api").Results[0]
				if r.Status != c.want {
					w.Errorf("%s: %s\n%s", r.Status, r.Why(), w.story())
				}
				if w.srv.Calls("application.deploy") != 0 {
					w.Errorf("it was started again\n%s", w.story())
				}
			})
		})
	}
}

// Somebody's deployment from the dashboard after the restart looks like the
// upload: then nothing is started again, and nothing is taken for it.
func TestAnUploadAndSomebodysAfterARestart(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "drop", Build: takes(30 * time.Second)})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
		w.srv.Enqueue(other, "another's", "")
		time.AfterFunc(5*time.Second, func() { w.srv.Restart(5 * time.Second) })
		time.AfterFunc(12*time.Second, func() { w.srv.Enqueue(app, "Manual deployment", "") })
		w.set = func(o *Options) { o.Prepare.Source, o.Prepare.SourcePath = aSource(), "src" }
		r := w.want(w.deploy("application api"), verdict.Lost, 1)
		if w.srv.Calls("application.deploy") != 0 || r.Reason.Kind != verdict.WhichUpload {
			w.Errorf("%s\n%s", r.Why(), w.story())
		}
	})
}

// The restart lost ours, and a push comes as soon as Dokploy is back: that one
// is not ours, whatever the order in the queue was.
func TestAPushAfterTheRestartThatLostOurs(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: takes(50 * time.Millisecond)})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
		w.srv.Enqueue(other, "another's", "")
		time.AfterFunc(5*time.Second, func() { w.srv.Restart(5 * time.Second) })
		time.AfterFunc(10001*time.Millisecond, func() { w.srv.Webhook(app) })
		r := w.want(w.deploy("application api"), verdict.Lost, 1)
		w.triggers(app, 1)
		if r.Reason.Kind != verdict.Ambiguous {
			w.Error(r.Why())
		}
	})
}

// Between the two runs, others deploy their versions: what ended of those is
// not what this run deployed.
func TestOthersBetweenTheTwoRuns(t *testing.T) {
	inWorld(t, dokploytest.Options{Version: "v0.25.11", ClockSkew: -1300 * time.Millisecond}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{ServerID: "server-1", Build: takes(4 * time.Second)})
		time.AfterFunc(3*time.Second, func() {
			for range 4 {
				w.srv.Enqueue(app, "another's", "")
			}
			w.srv.Restart(5 * time.Second)
		})
		w.set = func(o *Options) { o.Operation, o.Verify, o.StableFor = "redeploy", VerifyAuto, 10*time.Second }
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		w.isLast(r, app)
	})
}

// On a remote server the row ends before its job. A restart in between may
// bring back the job and run it again: that run counts.
func TestARestartBetweenTheEndsOfRowAndJob(t *testing.T) {
	for _, keeps := range []bool{true, false} {
		inWorld(t, dokploytest.Options{KeepsQueue: keeps, ReturnsAfter: 8 * time.Second}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{ServerID: "server-1", BuildFunc: func(n int) dokploytest.Build {
				b := takes(100 * time.Millisecond)
				if n == 2 {
					b.Outcome = "error"
				}
				return b
			}})
			// The row ends 0.9 s after the run began, its job 0.5 s later.
			time.AfterFunc(1150*time.Millisecond, func() { w.srv.Restart(5 * time.Second) })
			want, exit := verdict.Done, 0
			if keeps {
				want, exit = verdict.Failed, 1
			}
			w.srv.SetLatency(100 * time.Millisecond)
			w.srv.Fault(dokploytest.Fault{Procedure: "deployment.all", Kind: dokploytest.Lost, Times: 3}) // the end is not seen before
			r := w.want(w.deploy("application api"), want, exit)
			w.triggers(app, 1)
			w.isLast(r, app)
		})
	}
}

// The same job ran again while Dokploy did not answer, and is over: its second
// row counts.
func TestASecondRunDuringTheOutage(t *testing.T) {
	for _, o := range []dokploytest.Options{{Version: "v0.28.8"}, {KeepsQueue: true, ReturnsAfter: 2 * time.Second}} {
		t.Run(o.Version, func(t *testing.T) {
			inWorld(t, o, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{ServerID: "server-1", BuildFunc: func(n int) dokploytest.Build {
					b := takes(100 * time.Millisecond)
					if n == 2 {
						b.Outcome = "error"
					}
					return b
				}})
				w.srv.SetLatency(100 * time.Millisecond)
				time.AfterFunc(900*time.Millisecond, func() {
					w.srv.Fault(dokploytest.Fault{Procedure: "*", Kind: dokploytest.Gateway, Times: -1})
				})
				time.AfterFunc(1250*time.Millisecond, func() { w.srv.Restart(5 * time.Second) })
				time.AfterFunc(2*time.Minute, w.srv.ClearFaults)
				r := w.want(w.deploy("application api"), verdict.Failed, 1)
				w.triggers(app, 1)
				w.isLast(r, app)
			})
		})
	}
}

// Before 0.25.4, a row followed by others' rows was left by a restart, and if
// no second run comes, nobody cancelled it: it is lost.
func TestARowThatStaysRunning(t *testing.T) {
	inWorld(t, dokploytest.Options{Version: "v0.25.0"}, func(w *world) {
		app := w.srv.AddCompose(dokploytest.Compose{ServerID: "server-1", BuildFunc: func(n int) dokploytest.Build {
			b := takes(4 * time.Second)
			if n == 1 {
				b.StayRunning = true
			}
			return b
		}})
		time.AfterFunc(3*time.Second, func() { w.srv.Enqueue(app, "another's", "") })
		r := w.want(w.deploy("compose stack"), verdict.Lost, 1)
		if r.Reason.Kind != verdict.StuckConnection && r.Reason.Kind != verdict.LeftAsRunning {
			w.Error(r.Why())
		}
	})
}

// A run that ends while the fate of the deployment is unknown does not say that
// it goes on.
func TestWhatIsNotSeenIsNotSaid(t *testing.T) {
	for _, c := range []struct {
		timeout time.Duration
		left    verdict.Left
		stale   bool
		waits   bool
	}{
		{timeout: 4 * time.Second, left: verdict.StillQueued, waits: true},
		{timeout: 9 * time.Second, left: verdict.StillQueued, stale: true, waits: true},
		{timeout: 20 * time.Second, left: verdict.ShownNowhere},
		{timeout: 40 * time.Second, left: verdict.StillQueued},
	} {
		inWorld(t, dokploytest.Options{KeepsQueue: true, ReturnsAfter: 14 * time.Second}, func(w *world) {
			w.srv.AddApplication(dokploytest.Application{Build: takes(time.Second)})
			other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(time.Hour)})
			w.srv.Enqueue(other, "another's", "")
			time.AfterFunc(5*time.Second, func() { w.srv.Restart(6 * time.Second) })
			w.set = func(o *Options) { o.Timeout = c.timeout }
			r := w.deploy("application api").Results[0]
			waits := strings.HasPrefix(r.Detail, "shop/production/web, which has been building for ")
			if r.Reason.Kind != verdict.TimedOut || r.Left != c.left || r.Stale != c.stale || c.waits && !waits {
				w.Errorf("after %s: %s: %s\n%s", c.timeout, r.Status, r.Why(), w.story())
			}
		})
	}
}

// TestAnUploadThatARestartCancelled: what somebody deploys by hand after it
// looks the same, and is not its second run.
func TestAnUploadThatARestartCancelled(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "drop", Build: takes(time.Minute)})
		w.set = func(o *Options) { o.Prepare.Source, o.Prepare.SourcePath = aSource(), "src" }
		time.AfterFunc(10*time.Second, func() { w.srv.Restart(5 * time.Second) })
		time.AfterFunc(18*time.Second, func() { w.srv.Enqueue(app, track.UploadTitle, "") })
		r := w.deploy("application api").Results[0]
		if r.Status != verdict.Lost && r.Status != verdict.Cancelled || w.rec.said("Dokploy is running it again") {
			w.Errorf("%s (%s), deployment %s\n%s", r.Status, r.Why(), r.DeploymentID, w.story())
		}
	})
}

// What others have replaced between the two runs was not made by the second
// one, and the look before the first one does not show that.
func TestWhatOthersReplacedBetweenTheTwoRuns(t *testing.T) {
	for _, kind := range []string{"docker-compose", "stack"} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, dokploytest.Options{Version: "v0.28.8"}, func(w *world) {
				stack := w.srv.AddCompose(dokploytest.Compose{ComposeType: kind, ComposeFile: twoServices, BuildFunc: func(n int) dokploytest.Build {
					if n == 1 {
						return takes(20 * time.Second)
					}
					return takes(time.Second)
				}})
				time.AfterFunc(3*time.Second, func() {
					stack.SetComposeFile(oneIsNew)
					w.srv.Enqueue(stack, "another's", "")
					w.srv.Restart(5 * time.Second)
				})
				w.set = verifying(VerifyAuto)
				r := w.want(w.deploy("compose stack"), verdict.Done, 0)
				if id := w.lastRow(stack).ID; r.DeploymentID != id || r.Verified != verdict.VerifiedUnknown || !w.rec.said("Dokploy is running it again") {
					w.Errorf("verified %q\n%s", r.Verified, w.story())
				}
			})
		})
	}
}
