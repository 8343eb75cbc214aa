package deploy

import (
	"net/http"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// dates are Date headers that something in between may write.
var dates = map[string]func(now time.Time) string{
	"none":         func(time.Time) string { return "" },
	"constant":     func(time.Time) string { return "Tue, 03 Nov 2026 10:00:00 GMT" },
	"5 s behind":   func(now time.Time) string { return now.Add(-5 * time.Second).UTC().Format(http.TimeFormat) },
	"5 s ahead":    func(now time.Time) string { return now.Add(5 * time.Second).UTC().Format(http.TimeFormat) },
	"a day behind": func(now time.Time) string { return now.Add(-24 * time.Hour).UTC().Format(http.TimeFormat) },
	"a day ahead":  func(now time.Time) string { return now.Add(24 * time.Hour).UTC().Format(http.TimeFormat) },
}

// inEachDate runs a test with each of them, and with the server's own.
func inEachDate(t *testing.T, o dokploytest.Options, test func(w *world)) {
	t.Helper()
	inWorld(t, o, test)
	for name, date := range dates {
		t.Run(name, func(t *testing.T) {
			o.Date = date
			inWorld(t, o, test)
		})
	}
}

// Between two builds of another service, a push deploys ours, and fails fast;
// then this run deploys it, and is done as fast.
func TestOursBehindAPushAndOthers(t *testing.T) {
	inEachDate(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", BuildFunc: func(n int) dokploytest.Build {
			b := takes(50 * time.Millisecond)
			if n == 1 {
				b.Outcome = "error"
			}
			return b
		}})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(9 * time.Second)})
		w.srv.Enqueue(other, "another's", "")
		w.srv.Webhook(app)
		w.srv.Enqueue(other, "another's", "")
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		w.triggers(app, 1)
		w.isLast(r, app)
	})
}

// What comes right after ours is not taken for it, either.
func TestOursBeforeAPush(t *testing.T) {
	inEachDate(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", BuildFunc: func(n int) dokploytest.Build {
			b := takes(50 * time.Millisecond)
			if n == 2 {
				b.Outcome = "error"
			}
			return b
		}})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(9 * time.Second)})
		w.srv.Enqueue(other, "another's", "")
		time.AfterFunc(3*time.Second, func() { w.srv.Webhook(app) })
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		if rows := w.srv.Deployments(app); r.DeploymentID != rows[len(rows)-1].ID {
			w.Errorf("deployment %s of %v", r.DeploymentID, rows)
		}
	})
}

// A single deployment that is over before the first look is ours.
func TestAnOnlyFastDeployment(t *testing.T) {
	for _, source := range []string{"git", "docker"} {
		t.Run(source, func(t *testing.T) {
			inEachDate(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{SourceType: source, Build: takes(20 * time.Millisecond)})
				r := w.want(w.deploy("application api"), verdict.Done, 0)
				w.triggers(app, 1)
				w.isLast(r, app)
			})
		})
	}
}

// What a push deploys after a look that no longer saw ours in the queue is not
// ours: ours left no row.
func TestAPushAfterOursWasRemoved(t *testing.T) {
	inEachDate(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: takes(20 * time.Millisecond)})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(7500 * time.Millisecond)})
		w.srv.Enqueue(other, "another's", "")
		time.AfterFunc(5*time.Second, func() { w.srv.CleanQueue(app) })
		time.AfterFunc(6500*time.Millisecond, func() { w.srv.Webhook(app) })
		r := w.deploy("application api").Results[0]
		switch triggers := w.srv.TriggerCount(app); {
		case r.Reason.Kind == verdict.Ambiguous && triggers == 1:
		case r.Status == verdict.Done && triggers == 2 && r.DeploymentID == w.lastRow(app).ID: // the push's build was seen
		default:
			w.Errorf("%s (%s), %d triggers\n%s", r.Status, r.Why(), triggers, w.story())
		}
	})
}

// How long another has been building is measured by Dokploy's clock alone.
func TestTheTimeOfAnotherBuildIsDokploys(t *testing.T) {
	inEachDate(t, dokploytest.Options{ClockSkew: -26 * time.Hour}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Build: takes(time.Second)})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(5 * time.Minute)})
		w.srv.Enqueue(other, "another's", "")
		time.Sleep(time.Minute)
		w.want(w.deploy("application api"), verdict.Done, 0)
		if !w.rec.said("queued, next in line; building now: shop/production/web, for 1m00s") || !w.rec.said("building now: shop/production/web, for 1m30s") {
			w.Error(w.story())
		}
	})
}

// A row that is created when a deployment is queued is a waiting one, whatever
// the version says.
func TestARowOfWhatWaits(t *testing.T) {
	for _, version := range []string{"v0.30.2", "v0.28.8", "canary"} {
		for _, source := range []string{"git", "docker"} {
			t.Run(version+" "+source, func(t *testing.T) {
				inWorld(t, dokploytest.Options{Version: version, QueuedRows: true}, func(w *world) {
					app := w.srv.AddApplication(dokploytest.Application{SourceType: source, Build: takes(100 * time.Millisecond)})
					other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
					w.srv.Enqueue(other, "another's", "")
					w.srv.Enqueue(app, "another's", "")
					r := w.want(w.deploy("application api"), verdict.Done, 0)
					w.triggers(app, 1)
					if rows := w.srv.Deployments(app); r.DeploymentID != rows[0].ID {
						w.Errorf("deployment %s of %v", r.DeploymentID, rows)
					}
					if w.rec.said("does not know") || w.rec.said("may be this run's") {
						w.Error(w.story())
					}
				})
			})
		}
	}
}

// The same if the queue cannot be read: only the row tells.
func TestARowOfWhatWaitsWithoutAQueue(t *testing.T) {
	inWorld(t, dokploytest.Options{QueuedRows: true}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: takes(100 * time.Millisecond)})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
		w.srv.Fault(dokploytest.Fault{Procedure: "deployment.queueList", Kind: dokploytest.Custom, Status: 404, Body: `{"message":"Not found","code":"NOT_FOUND"}`, Times: -1})
		w.srv.Enqueue(other, "another's", "")
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		if id := w.lastRow(app).ID; r.DeploymentID != id || w.rec.count("queued") != 1 || w.rec.count("started") != 1 {
			w.Errorf("deployment %s, want %s\n%s", r.DeploymentID, id, w.story())
		}
	})
}
