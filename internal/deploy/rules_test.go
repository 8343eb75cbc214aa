package deploy

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// found is a finder of a Git application's deployment in the middle of its work.
func found(set func(*finder)) *finder {
	r := &run{
		o: &Options{Operation: "deploy"}, service: &dokploy.Service{ID: "api", SourceType: "git"}, queue: queueSeen,
		known: map[string]bool{}, tokens: []string{"[dd-ours]"}, screen: &screen{}, client: dokploy.New(dokploy.Options{URL: &url.URL{Scheme: "http", Host: "dokploy.test"}}),
	}
	f := &finder{run: r, foreign: map[string]bool{}, before: map[string]bool{}}
	if set != nil {
		set(f)
	}
	return f
}

// commit is a row of a Git source that has ended: its text is the commit's.
func commit(id string, start float64) dokploy.Deployment {
	return dokploy.Deployment{ID: id, StartedAt: at(start), FinishedAt: at(start + 0.1), Status: dokploy.StatusDone, Description: "Commit: 1"}
}

// TestSort: which rows may be this run's, by what they show and by what was seen
// of others'. Each case is named after the rule that holds it.
func TestSort(t *testing.T) {
	for _, x := range []struct {
		rule string
		set  func(*finder)
		rows []dokploy.Deployment
		want string // candidates
		ours string
	}{
		{rule: "a commit's text may be ours", rows: []dokploy.Deployment{commit("a", 10)}, want: "a"},
		{rule: "the marker is ours", rows: []dokploy.Deployment{commit("a", 10), {ID: "b", StartedAt: at(11), Status: "running", Description: "x [dd-ours]"}}, want: "a", ours: "b"},
		{rule: "of two with the marker the newer", rows: []dokploy.Deployment{{ID: "b", StartedAt: at(11), Status: "running", Description: "[dd-ours]"}, {ID: "a", StartedAt: at(10), Status: "cancelled", Description: "[dd-ours]"}}, ours: "b"},
		{rule: "what was there before the trigger is not ours", set: func(f *finder) { f.known["a"] = true }, rows: []dokploy.Deployment{commit("a", 10)}},
		{rule: "others-active-job", set: func(f *finder) { f.actives = []time.Time{at(9)} }, rows: []dokploy.Deployment{commit("a", 9.1), commit("b", 12)}, want: "b"},
		{rule: "others-active-job: one that came too late is not its", set: func(f *finder) { f.actives = []time.Time{at(1)} }, rows: []dokploy.Deployment{commit("a", 9)}, want: "a"},
		{rule: "others-active-job: on a remote server a push stands in no line", set: func(f *finder) { f.actives, f.service.ServerID = []time.Time{at(9)}, "far" }, rows: []dokploy.Deployment{commit("a", 9.1)}, want: "a"},
		{rule: "listed-while-ours-waited", set: func(f *finder) { f.before["a"] = true }, rows: []dokploy.Deployment{commit("a", 10), commit("b", 11)}, want: "b"},
		{rule: "others-text", rows: []dokploy.Deployment{{ID: "a", StartedAt: at(10), Status: "running", Description: "Hash: 1"}, commit("b", 11)}, want: "b"},
		{rule: "others-text: an image keeps its own", set: func(f *finder) { f.service.SourceType = "docker" }, rows: []dokploy.Deployment{commit("a", 10)}},
		{rule: "others-text: a redeploy keeps its own", set: func(f *finder) { f.o.Operation = "redeploy" }, rows: []dokploy.Deployment{commit("a", 10)}},
		{rule: "what is another's stays another's", set: func(f *finder) { f.foreign["a"] = true }, rows: []dokploy.Deployment{commit("a", 10)}},
	} {
		t.Run(x.rule, func(t *testing.T) {
			candidates, ours := found(x.set).sort(x.rows)
			got, id := "", ""
			for _, c := range candidates {
				got += c.ID
			}
			if ours != nil {
				id = ours.ID
			}
			if got != x.want || id != x.ours {
				t.Errorf("candidates %q, ours %q; want %q, %q", got, id, x.want, x.ours)
			}
		})
	}
}

// TestChoose: which of the rows that may be ours it is. "?" ends the run as lost:
// it is never guessed.
func TestChoose(t *testing.T) {
	a, b := commit("a", 10), commit("b", 11)
	job := func(on float64) *dokploy.Job {
		return &dokploy.Job{ID: "job-1", ServiceID: "api", Active: true, ProcessedOn: at(on)}
	}
	many := func(n int, from float64) (rows []dokploy.Deployment) {
		for i := range n {
			rows = append(rows, commit(string(rune('A'+i)), from+float64(i)))
		}
		return rows
	}
	for _, x := range []struct {
		rule  string
		set   func(*finder)
		rows  []dokploy.Deployment // candidates, and all that is new
		there bool                 // our job is in the queue
		want  string               // what each look says: an id, "-" for not yet, "?"
	}{
		{rule: "none", want: "-"},
		{rule: "first-row-since-the-job", set: func(f *finder) { f.job = job(9.9) }, rows: []dokploy.Deployment{commit("x", 9), a, b}, want: "a"},
		{rule: "first-row-since-the-job: none has come", set: func(f *finder) { f.job = job(12) }, rows: []dokploy.Deployment{a, b}, want: "-"},
		{rule: "pushed-out-or-run-twice: ten newer rows", set: func(f *finder) { f.job, f.all = job(9), many(10, 9.5) }, rows: []dokploy.Deployment{a}, want: "?"},
		{rule: "pushed-out-or-run-twice: BullMQ, after a restart", set: func(f *finder) { f.job, f.outages, f.traits.QueueSurvivesRestart = job(9.9), 1, true }, rows: []dokploy.Deployment{a, b}, want: "?"},
		{rule: "row-too-late", set: func(f *finder) { f.job = job(4) }, rows: []dokploy.Deployment{a}, want: "?"},
		{rule: "row-too-late: the job is still there", set: func(f *finder) { f.job = job(4) }, rows: []dokploy.Deployment{a}, there: true, want: "-"},
		{rule: "another-came-first", set: func(f *finder) { f.job, f.new = job(9.4), []dokploy.Deployment{commit("x", 9.5), a} }, rows: []dokploy.Deployment{a}, want: "?"},
		{rule: "remote-side-by-side", set: func(f *finder) { f.job, f.service.ServerID = job(9.9), "far" }, rows: []dokploy.Deployment{a, b}, want: "?"},
		{rule: "remote-side-by-side: far apart", set: func(f *finder) { f.job, f.service.ServerID = job(9.9), "far" }, rows: []dokploy.Deployment{a, commit("c", 13)}, want: "a"},
		{rule: "it waits: none is ours yet", there: true, rows: []dokploy.Deployment{a}, want: "-"},
		{rule: "restart-before-it-was-found", set: func(f *finder) { f.outages = 1 }, rows: []dokploy.Deployment{a}, want: "- - - -"},
		{rule: "not-in-the-first-list", set: func(f *finder) { f.shown = map[string]bool{"x": true} }, rows: []dokploy.Deployment{a}, want: "- - - -"},
		{rule: "not-in-the-first-list: the other one is", set: func(f *finder) { f.shown = map[string]bool{"a": true} }, rows: []dokploy.Deployment{a, b}, want: "- - a"},
		{rule: "two-candidates", rows: []dokploy.Deployment{a, b}, want: "?"},
		{rule: "unconfirmed-candidate", set: func(f *finder) { f.unconfirmed = true }, rows: []dokploy.Deployment{a}, want: "- - ?"},
		{rule: "three-looks-agree", rows: []dokploy.Deployment{a}, want: "- - a"},
		{rule: "only-candidate-pushed-out", set: func(f *finder) { f.all = many(10, 1); f.new = f.all }, rows: []dokploy.Deployment{a}, want: "- - ?"},
		{rule: "order-of-the-queue", set: func(f *finder) {
			f.job, f.stood = &dokploy.Job{ID: "job-1", ServiceID: "api"}, standing{clue: clue{from: at(9), index: 1}}
			f.all, f.shown = []dokploy.Deployment{a, b}, idsOf([]dokploy.Deployment{a, b})
		}, rows: []dokploy.Deployment{a, b}, want: "b"},
	} {
		t.Run(x.rule, func(t *testing.T) {
			f := found(x.set)
			if f.new == nil {
				f.new = x.rows
			}
			if f.all == nil {
				f.all = x.rows
			}
			var there *dokploy.Job
			if x.there {
				there = &dokploy.Job{ID: "job-1", ServiceID: "api"}
			}
			got := ""
			for i := 0; len(got) < len(x.want); i++ {
				row, err := f.choose(t.Context(), x.rows, there)
				said := "-"
				switch {
				case err != nil:
					said = "?"
				case row != nil:
					said = row.ID
				}
				if got += said; len(got) < len(x.want) {
					got += " "
				}
			}
			if got != x.want {
				t.Errorf("%q, want %q", got, x.want)
			}
		})
	}
}

// TestMissing: what it means that a job is in neither the queue nor the list.
func TestMissing(t *testing.T) {
	waiting := &dokploy.Job{ID: "job-1", ServiceID: "api"}
	others := &dokploy.Queue{Jobs: []dokploy.Job{{ID: "job-9", ServiceID: "web", Active: true}}}
	beside := dokploy.Job{ID: "job-7", ServiceID: "web"}
	for _, x := range []struct {
		rule  string
		set   func(*finder)
		queue *dokploy.Queue
		rows  []dokploy.Deployment
		want  verdict.Kind // empty: still pending
	}{
		{rule: "gone-for-long-enough: too few looks", set: func(f *finder) { f.gone = 0 }},
		{rule: "gone-for-long-enough: too short", set: func(f *finder) { f.goneSince = time.Now() }},
		{rule: "gone-for-long-enough: it may be brought back after a restart", set: func(f *finder) { f.goneSince = time.Now().Add(-12 * time.Second) }, queue: &dokploy.Queue{}},
		{rule: "gone-for-long-enough: the worker is at work", set: func(f *finder) { f.goneSince = time.Now().Add(-12 * time.Second) }, want: verdict.ShownNowhereAccepted},
		{rule: "gone-upload-is-unclear", set: func(f *finder) { f.sent.unmarked = true }, queue: &dokploy.Queue{Jobs: []dokploy.Job{{ID: "job-2", ServiceID: "api", Title: uploadTitle, Active: true}}}, want: verdict.WhichUpload},
		{rule: "gone-but-candidates", rows: []dokploy.Deployment{commit("a", 10)}, want: verdict.Ambiguous},
		{rule: "gone-but-candidates: one that was cancelled before it began is none", rows: []dokploy.Deployment{{ID: "a", Status: dokploy.StatusCancelled}}, set: func(f *finder) { f.job = waiting }, want: verdict.ForgottenQueued},
		{rule: "gone-cancelled-by-restart", set: func(f *finder) { f.cancelled, f.job = true, &dokploy.Job{ID: "job-1", Active: true} }, want: verdict.CancelledByRestart},
		{rule: "gone-pushed-out", set: func(f *finder) {
			f.job = waiting
			for i := range 10 {
				f.all = append(f.all, commit(string(rune('A'+i)), float64(i)))
			}
			f.new = f.all
		}, want: verdict.PushedOut},
		{rule: "gone-removed-by-somebody", set: func(f *finder) { f.job, f.stood.beside = waiting, map[string]bool{beside.Key(): true} }, queue: &dokploy.Queue{Jobs: []dokploy.Job{beside}}, want: verdict.RemovedFromQueue},
		{rule: "gone-while-queued", set: func(f *finder) { f.job = waiting }, want: verdict.ForgottenQueued},
		{rule: "gone-in-a-restart", set: func(f *finder) { f.outages = 1 }, want: verdict.ForgottenInRestart},
		{rule: "it left no trace", set: func(f *finder) { f.job = &dokploy.Job{ID: "job-1", Active: true} }, want: verdict.TakenWithoutTrace},
		{rule: "it was never seen", want: verdict.ShownNowhereAccepted},
	} {
		t.Run(x.rule, func(t *testing.T) {
			f := found(nil)
			f.gone, f.goneSince, f.pace = 5, time.Now().Add(-time.Hour), wait.NewBackoff(80*time.Millisecond, 2*time.Second)
			if x.set != nil {
				x.set(f)
			}
			q := x.queue
			if q == nil {
				q = others
			}
			_, err := f.missing(context.Background(), q, x.rows)
			var ended *verdict.Error
			if !errors.As(err, &ended) {
				ended = &verdict.Error{}
			}
			if ended.Reason.Kind != x.want || (err == nil) != (x.want == "") {
				t.Errorf("%v, want %q", err, x.want)
			}
		})
	}
}

// TestAHiddenQueueWithWork: where the queue cannot be seen, ours may still wait
// in it while anything is built, and the only new row be another's.
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

// TestAHiddenQueueThatHasNothing: what is concluded where the queue cannot be
// seen, nothing new of ours comes, and Dokploy has nothing to do.
func TestAHiddenQueueThatHasNothing(t *testing.T) {
	for _, x := range []struct {
		rule, want string
		do         func(w *world, app *dokploytest.Service)
	}{
		{"hidden-idle", "began none while it was idle", func(w *world, app *dokploytest.Service) {
			time.AfterFunc(10*time.Second, func() { w.srv.CleanQueue(app) })
		}},
		{"hidden-unconfirmed", "the answer to the trigger was lost", func(w *world, _ *dokploytest.Service) {
			w.srv.Fault(dokploytest.Fault{Procedure: "application.deploy", Kind: dokploytest.Gateway, Status: 502})
		}},
		{"hidden-pushed-out", "newer ones may have taken its place", func(w *world, app *dokploytest.Service) {
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
				if r := w.want(w.deploy("application api"), verdict.Lost, 1); !strings.Contains(r.Why(), x.want) {
					w.Errorf("%q, want %q\n%s", r.Why(), x.want, w.story())
				}
			})
		})
	}
}

// TestAnUploadThatARestartCancelled: what somebody deploys by hand after it looks
// the same, and is not its second run.
func TestAnUploadThatARestartCancelled(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "drop", Build: takes(time.Minute)})
		w.set = func(o *Options) { o.Prepare.Source, o.Prepare.SourcePath = aSource(), "src" }
		time.AfterFunc(10*time.Second, func() { w.srv.Restart(5 * time.Second) })
		time.AfterFunc(18*time.Second, func() { w.srv.Enqueue(app, uploadTitle, "") })
		r := w.deploy("application api").Results[0]
		if r.Status != verdict.Lost && r.Status != verdict.Cancelled || w.rec.said("Dokploy runs it again") {
			w.Errorf("%s (%s), deployment %s\n%s", r.Status, r.Why(), r.DeploymentID, w.story())
		}
	})
}

// TestASecondRunBehindOthers: where the queue cannot be seen, a second run may
// wait for what another service builds.
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
