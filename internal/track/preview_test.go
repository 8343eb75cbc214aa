package track

import (
	"testing"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// awaitsPreview begins a play of the commit's deployment in the preview of pull
// request 7.
func awaitsPreview(t *testing.T, set func(*Order)) *world {
	return awaits(t, func(o *Order) {
		o.ServiceID, o.Preview, o.LosesMarker = "", 7, false
		if set != nil {
			set(o)
		}
	})
}

func preview(id string, number int, rows ...dokploy.Deployment) dokploy.Preview {
	return dokploy.Preview{ID: id, Number: number, Deployments: rows}
}

// ofPreview returns the job of a preview of api.
func ofPreview(id, preview string, queued, on float64) dokploy.Job {
	j := push(id, queued, on)
	j.ServiceID, j.PreviewOf = preview, "api"
	return j
}

// What is awaited for a preview.
func TestAwaitingAPreview(t *testing.T) {
	for _, tt := range []struct {
		rule     string
		set      func(*Order)
		jobs     []dokploy.Job
		previews []dokploy.Preview
		after    float64
		end      verdict.Kind
		held     string
		accept   bool
	}{
		{rule: "no-preview: it has time", after: 119},
		{rule: "no-preview: it has had it", after: 120, end: verdict.NoPreview},
		{rule: "no-preview: where the queue is hidden, too", set: func(o *Order) { o.Queue = QueueHidden }, after: 120, end: verdict.NoPreview},
		{rule: "no-preview: another's is none", after: 120, previews: []dokploy.Preview{preview("p8", 8, hashRow("a", 1, dokploy.StatusRunning))}, end: verdict.NoPreview},
		{rule: "no-preview: a job without a service is not its", after: 120, jobs: []dokploy.Job{ofPreview("job-1", "", 1, -1)}, end: verdict.NoPreview},
		{rule: "none-came: the preview is there", after: 120, previews: []dokploy.Preview{preview("p7", 7)}, end: verdict.NoneCame},
		{rule: "preview-by-its-number: its job", jobs: []dokploy.Job{ofPreview("job-1", "p7", 1, -1)}, previews: []dokploy.Preview{preview("p7", 7)}, accept: true},
		{rule: "preview-by-its-number: its application's job", jobs: []dokploy.Job{push("job-1", 1, -1)}, previews: []dokploy.Preview{preview("p7", 7)}},
		{rule: "preview-by-its-number: another's job", jobs: []dokploy.Job{ofPreview("job-1", "p8", 1, -1)}, previews: []dokploy.Preview{preview("p8", 8), preview("p7", 7)}},
		{
			rule: "preview-by-its-number: its row", held: "b",
			previews: []dokploy.Preview{preview("p8", 8, hashRow("a", 1, dokploy.StatusRunning)), preview("p7", 7, hashRow("b", 1, dokploy.StatusRunning))},
		},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			w := awaitsPreview(t, tt.set)
			w.jobs, w.previews = tt.jobs, tt.previews
			w.rows = []dokploy.Deployment{hashRow("of the application", 1, dokploy.StatusRunning)}
			d := w.look(tt.after)
			switch {
			case tt.end != "":
				w.wantEnd(d, tt.end)
				if d.End.Reason.Kind == verdict.NoPreview && d.End.Reason.N != 7 {
					t.Error(d.End.Reason)
				}
			case tt.held != "":
				w.wantHeld(d, tt.held)
			default:
				w.wantPending(d)
				if accepted := w.state.Phase() == Accepted; accepted != tt.accept {
					t.Errorf("phase %d", w.state.Phase())
				}
			}
		})
	}
}

// A preview that is removed before a deployment of the commit came may be
// created again, with another id; otherwise the message says that it existed.
func TestAPreviewThatComesAgain(t *testing.T) {
	w := awaitsPreview(t, nil)
	w.previews = []dokploy.Preview{preview("old", 7, row("x", -9, dokploy.StatusDone, "Hash: "+other))}
	d := w.look(1)
	if w.wantPending(d); d.Preview == nil || d.Preview.ID != "old" {
		t.Error(d.Preview)
	}
	w.previews = nil
	if d = w.looks(10, 5); d.Preview != nil || d.End != nil {
		t.Errorf("%+v", d)
	}
	gone := w.state
	w.previews = []dokploy.Preview{preview("new", 7, hashRow("b", 60, dokploy.StatusRunning))}
	if d = w.look(9); d.Preview == nil || d.Preview.ID != "new" {
		t.Error(d.Preview)
	}
	w.wantHeld(d, "b")
	w.state, w.previews = gone, nil
	w.wantEnd(w.look(60), verdict.PreviewGone)
}

// When a preview is gone, so is the deployment that is followed.
func TestAPreviewIsGone(t *testing.T) {
	row := func(status string) dokploy.Deployment { return hashRow("a", 3, status) }
	for name, tt := range map[string]struct {
		set    func(*Order)
		before func(w *world) // before it is removed
		every  float64
		looks  int
	}{
		"while its job waits": {before: func(w *world) { w.look(1) }, every: 2, looks: 3},
		"while it is started": {before: func(w *world) {
			w.look(1)
			w.jobs = []dokploy.Job{ofPreview("job-1", "p7", 1, 2)}
			w.look(1)
		}, every: 2, looks: 3},
		"while it runs": {before: func(w *world) {
			w.previews[1].Deployments = []dokploy.Deployment{row(dokploy.StatusRunning)}
			w.jobs = []dokploy.Job{ofPreview("job-1", "p7", 1, 2)}
			w.wantHeld(w.look(4), "a")
		}, every: 2, looks: 3},
		"before it ran again": {set: bullMQ, before: func(w *world) {
			w.previews[1].Deployments = []dokploy.Deployment{row(dokploy.StatusRunning)}
			w.jobs = []dokploy.Job{ofPreview("job-1", "p7", 1, 2)}
			w.wantHeld(w.look(4), "a")
			w.previews[1].Deployments = []dokploy.Deployment{row(dokploy.StatusCancelled)}
			w.service.Status = dokploy.StatusRunning
			w.looks(2, 2)
			if w.state.Phase() != Again {
				w.t.Fatal(w.state.Phase())
			}
		}, every: 2, looks: 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := awaitsPreview(t, tt.set)
			w.previews = []dokploy.Preview{preview("p8", 8), preview("p7", 7)}
			w.jobs = []dokploy.Job{ofPreview("job-1", "p7", 1, -1)}
			tt.before(w)
			// A preview of a reopened pull request is a new one.
			here, there := w.previews, []dokploy.Preview{preview("p8", 8), preview("again", 7, hashRow("z", 50, dokploy.StatusRunning))}
			w.previews = there
			w.look(tt.every)
			w.previews = here
			if d := w.look(tt.every); d.End != nil {
				t.Fatalf("%+v", d) // one odd answer
			}
			w.previews = there
			d := w.looks(tt.looks-1, tt.every)
			if d.End != nil {
				t.Fatalf("%+v", d)
			}
			if d = w.looks(1, tt.every); d.End == nil || d.End.Reason.N != 7 {
				t.Errorf("%+v", d)
			}
			w.wantEnd(d, verdict.PreviewGone)
		})
	}
}

// Over SSH it takes time until the preview itself is gone, after its rows.
func TestRowsGoBeforeTheirPreview(t *testing.T) {
	for _, goes := range []bool{true, false} {
		w := awaitsPreview(t, nil)
		w.previews = []dokploy.Preview{preview("p7", 7, hashRow("a", 3, dokploy.StatusRunning))}
		w.wantHeld(w.look(4), "a")
		w.previews[0].Deployments = nil
		if d := w.looks(7, 2); d.End != nil {
			t.Fatalf("%+v", d)
		}
		if goes {
			w.previews = nil
			w.wantEnd(w.looks(3, 2), verdict.PreviewGone)
			continue
		}
		w.wantEnd(w.looks(2, 2), verdict.RowVanished)
	}
}
