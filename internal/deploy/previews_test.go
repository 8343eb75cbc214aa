package deploy

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// withPreviews adds an application whose nth build is slow if the nth duration
// says so, and whose previews build for some time.
func withPreviews(w *world, preview time.Duration, builds ...time.Duration) *dokploytest.Service {
	return w.srv.AddApplication(dokploytest.Application{
		SourceType: "github", Previews: &dokploytest.Previews{Build: takes(preview)},
		BuildFunc: func(n int) dokploytest.Build { return takes(builds[min(n, len(builds))-1]) },
	})
}

// A preview shares the queue with its application and leaves no row in its
// list: a place in the queue is not a place among the rows.
func TestPreviewsAreNoRowsOfTheApplication(t *testing.T) {
	const fast = 20 * time.Millisecond
	for name, set := range map[string]func(w *world) *dokploytest.Service{
		"one waits before ours": func(w *world) *dokploytest.Service {
			app := withPreviews(w, fast, 5*time.Second, fast)
			w.srv.Enqueue(app, "another's", "")
			w.srv.PullRequest(dokploytest.PullRequest{Number: 7})
			return app
		},
		"one is built before ours": func(w *world) *dokploytest.Service {
			app := withPreviews(w, 5*time.Second, fast)
			w.srv.PullRequest(dokploytest.PullRequest{Number: 7})
			return app
		},
		"two wait, and one is built": func(w *world) *dokploytest.Service {
			app := withPreviews(w, 2*time.Second, fast)
			for n := range 3 {
				w.srv.PullRequest(dokploytest.PullRequest{Number: n + 1})
			}
			return app
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := set(w)
				time.Sleep(time.Second)
				ours := ""
				time.AfterFunc(time.Second, func() { // what comes after ours
					for _, j := range w.srv.Queue() {
						if strings.Contains(j.Description, "[dd-") {
							ours = j.Description
						}
					}
					w.srv.Webhook(app)
					w.srv.Webhook(app)
				})
				r := w.want(w.deploy("application api"), verdict.Done, 0)
				w.triggers(app, 1)
				time.Sleep(time.Minute) // until what came after ours has its rows
				rows := w.srv.Deployments(app)
				if id := rows[2].ID; ours == "" || r.DeploymentID != id {
					w.Errorf("deployment %s, want %s of %v\n%s", r.DeploymentID, id, rows, w.story())
				}
			})
		})
	}
}

// What ours waits for is named: a preview of its application.
func TestAPreviewAheadIsNamed(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := withPreviews(w, 30*time.Second, time.Second)
		w.srv.PullRequest(dokploytest.PullRequest{Number: 7})
		time.Sleep(2 * time.Second)
		w.want(w.deploy("application api"), verdict.Done, 0)
		w.triggers(app, 1)
		if !w.rec.said("a preview of ") {
			w.Error(w.story())
		}
	})
}
