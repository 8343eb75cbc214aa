package deploy

import (
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// TestAHiddenQueueWithWork: if the queue is hidden, ours may still be waiting
// in it while anything is built, and the only new row may be another's.
func TestAHiddenQueueWithWork(t *testing.T) {
	inWorld(t, dokploytest.Options{Version: "v0.28.0"}, func(w *world) {
		web := w.srv.AddApplication(dokploytest.Application{Name: "web", BuildFunc: func(n int) dokploytest.Build {
			if n == 1 {
				return takes(3 * time.Second)
			}
			return slowBuild
		}})
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", BuildFunc: func(n int) dokploytest.Build {
			b := takes(5 * time.Millisecond)
			if n == 1 {
				b.Outcome = "error"
			}
			return b
		}})
		w.srv.Enqueue(web, "", "")
		w.srv.Enqueue(app, "another's", "")
		w.srv.Enqueue(web, "", "")
		r := w.deploy("application api").Results[0]
		if r.Status != verdict.Done && r.Status != verdict.Lost || r.Status == verdict.Done && r.DeploymentID != w.lastRow(app).ID {
			w.Errorf("%s (%s), deployment %s\n%s", r.Status, r.Why(), r.DeploymentID, w.story())
		}
		w.triggers(app, 1)
	})
}

// TestAHiddenQueueThatHasNothing: what follows if the queue is hidden, nothing
// new of ours comes, and Dokploy has nothing to do.
func TestAHiddenQueueThatHasNothing(t *testing.T) {
	for _, x := range []struct {
		rule string
		want verdict.Kind
		do   func(w *world, app *dokploytest.Service)
	}{
		{"hidden-idle", verdict.HiddenIdle, func(w *world, app *dokploytest.Service) {
			time.AfterFunc(10*time.Second, func() { w.srv.CleanQueue(app) })
		}},
		{"hidden-unconfirmed", verdict.HiddenUnconfirmed, func(w *world, _ *dokploytest.Service) {
			w.srv.Fault(dokploytest.Fault{Procedure: "application.deploy", Kind: dokploytest.Gateway, Status: 502})
		}},
		{"hidden-pushed-out", verdict.HiddenPushedOut, func(w *world, app *dokploytest.Service) {
			time.AfterFunc(10*time.Second, func() {
				w.srv.CleanQueue(app)
				for range 11 {
					w.srv.AddRow(app, dokploytest.Row{Title: "another's", Status: "done"}, "")
				}
			})
		}},
	} {
		t.Run(x.rule, func(t *testing.T) {
			inWorld(t, dokploytest.Options{Version: "v0.28.0"}, func(w *world) {
				web := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
				app := w.srv.AddApplication(dokploytest.Application{})
				w.srv.Enqueue(web, "", "")
				x.do(w, app)
				if r := w.want(w.deploy("application api"), verdict.Lost, 1); r.Reason.Kind != x.want {
					w.Errorf("%q, want %q\n%s", r.Why(), x.want, w.story())
				}
			})
		})
	}
}

// TestASecondRunBehindOthers: if the queue is hidden, a second run may be
// waiting for what another service builds.
func TestASecondRunBehindOthers(t *testing.T) {
	inWorld(t, dokploytest.Options{Version: "v0.28.0"}, func(w *world) {
		web := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(5 * time.Minute)})
		app := w.srv.AddApplication(dokploytest.Application{Build: takes(time.Minute)})
		time.AfterFunc(5*time.Second, func() { w.srv.Enqueue(web, "", "") })
		time.AfterFunc(10*time.Second, func() { w.srv.Restart(5 * time.Second) })
		if r := w.want(w.deploy("application api"), verdict.Done, 0); r.DeploymentID != w.lastRow(app).ID {
			w.Errorf("deployment %s\n%s", r.DeploymentID, w.story())
		}
		w.triggers(app, 1)
	})
}
