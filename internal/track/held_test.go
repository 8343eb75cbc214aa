package track

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// held begins a play whose row "a" is held: it began at 1, and the job is
// active.
func held(t *testing.T, set func(*Order)) *world {
	w := play(t, set).taken()
	w.jobs = []dokploy.Job{ourJob(0.9)}
	w.rows = []dokploy.Deployment{row("a", 1, "running", ours)}
	w.wantHeld(w.look(1), "a")
	w.told = nil
	return w
}

// restarted: Dokploy was away for a while, and has been answering for this
// long.
func (w *world) restarted(since float64) {
	w.now = w.now.Add(10 * time.Second)
	w.outages++
	w.back = w.now.Add(-time.Duration(since * 1e9))
}

func bullMQ(o *Order) { o.Traits = dokploy.Traits{QueueSurvivesRestart: true, RerunsCancelled: true} }

// TestHeld: what ends a held row.
func TestHeld(t *testing.T) {
	cancelled := func(finished bool) dokploy.Deployment {
		d := row("a", 1, "cancelled", ours)
		if !finished {
			d.FinishedAt = time.Time{}
		}
		return d
	}
	for _, x := range []struct {
		rule  string
		set   func(*Order)
		do    func(*world)
		looks int // a second apart
		end   verdict.Kind
		row   bool // its row ends it
		left  verdict.Left
		tells EventKind // the last event; zero: none
	}{
		{rule: "runs", looks: 30, left: verdict.Running},
		{rule: "runs: or waits again", do: func(w *world) { w.rows[0].Status = dokploy.StatusQueued }, looks: 30, left: verdict.Running},
		{rule: "row-vanished: two looks", do: func(w *world) { w.rows = nil }, looks: 2, left: verdict.Running},
		{rule: "row-vanished: too short", do: func(w *world) { w.rows = nil; w.looks(3, 0.5) }, looks: 1, left: verdict.Running},
		{rule: "row-vanished", do: func(w *world) { w.rows = nil }, looks: 4, end: verdict.RowVanished},
		{rule: "row-vanished: with its service", do: func(w *world) { w.gone = true }, looks: 4, end: verdict.RowVanished},
		{rule: "row-vanished: it came back", do: func(w *world) {
			rows := w.rows
			w.rows = nil
			w.looks(3, 0.9)
			w.rows = rows
			w.look(1)
			w.rows = nil
		}, looks: 3, left: verdict.Running},
		{rule: "row-without-a-job: not asked for", do: func(w *world) { w.jobs = nil }, looks: 18, left: verdict.Running},
		{rule: "row-without-a-job: too short", do: func(w *world) { w.jobs = nil; w.look(20) }, looks: 9, left: verdict.Running},
		{rule: "row-without-a-job", do: func(w *world) { w.jobs = nil; w.look(20) }, looks: 10, end: verdict.StuckUnexplained},
		{rule: "row-without-a-job: its job is back", do: func(w *world) {
			jobs := w.jobs
			w.jobs = nil
			w.look(20)
			w.look(1)
			w.jobs = jobs
			w.look(1)
		}, looks: 10, left: verdict.Running},
		{rule: "row-without-a-job: after a restart it takes longer", do: func(w *world) { w.jobs = nil; w.restarted(0); w.look(10) }, looks: 14, left: verdict.Running},
		{rule: "row-without-a-job: a restart that went wrong", do: func(w *world) { w.jobs = nil; w.restarted(0); w.look(10) }, looks: 15, end: verdict.StuckRestart},
		{rule: "row-without-a-job: on a remote server", set: func(o *Order) { o.Remote = true }, do: func(w *world) { w.jobs = nil; w.restarted(0); w.look(10) }, looks: 15, end: verdict.StuckConnection},
		{rule: "unknown-status-is-waited-for", do: func(w *world) { w.rows[0].Status = "pausing" }, looks: 3, left: verdict.Running, tells: UnknownStatus},
		{rule: "left-running-by-a-restart", set: func(o *Order) { o.Traits.LeavesRowsRunning = true }, do: func(w *world) { w.rows = append(w.rows, row("b", 9, "running", "x")) }, looks: 1, left: verdict.MayRunAgain},
		{rule: "left-running-by-a-restart: not by one that cancels", do: func(w *world) { w.rows = append(w.rows, row("b", 9, "running", "x")) }, looks: 1, left: verdict.Running},
		{rule: "cancelled-runs-again", set: bullMQ, do: func(w *world) { w.rows[0] = cancelled(false); w.service.Status = "running" }, looks: 1, left: verdict.MayRunAgain, tells: CancelledRunsAgain},
		{rule: "cancelled-runs-again: another has written its status", set: bullMQ, do: func(w *world) {
			w.rows[0] = cancelled(false)
			w.service.Status, w.service.Deployments = "done", []dokploy.Deployment{w.rows[0], row("b", 2, "done", "x")}
		}, looks: 1, left: verdict.MayRunAgain, tells: CancelledRunsAgain},
		{rule: "cancelled-runs-again: not where the service is idle", set: bullMQ, do: func(w *world) { w.rows[0], w.jobs = cancelled(false), nil }, looks: 1, row: true},
		{rule: "cancelled-may-come-back", do: func(w *world) { w.rows[0] = cancelled(false) }, looks: 1, left: verdict.CancelledMayRunAgain, tells: CancelledMayRunAgain},
		{rule: "cancelled-may-come-back: not by hand", do: func(w *world) { w.rows[0] = cancelled(true) }, looks: 1, row: true},
		{rule: "ended", do: func(w *world) { w.rows[0] = row("a", 1, "done", ours) }, looks: 1, row: true},
	} {
		t.Run(x.rule, func(t *testing.T) {
			w := held(t, x.set)
			if x.do != nil {
				x.do(w)
			}
			d := w.looks(x.looks, 1)
			switch {
			case x.row:
				w.wantRow(d, "a")
			case x.end != "":
				w.wantEnd(d, x.end)
			case d.End != nil || d.Left != x.left:
				t.Errorf("end %+v, left %q; want %q", d.End, d.Left, x.left)
			}
			if x.tells == 0 && len(w.told) > 0 || x.tells != 0 && (len(w.told) != 1 || w.told[0] != x.tells) {
				t.Errorf("told %v, want %v", w.told, x.tells)
			}
		})
	}
}

// TestStuck: for a row without a job, the message says what was seen: its
// status, and a lost connection only if there is one to lose.
func TestStuck(t *testing.T) {
	for _, x := range []struct {
		name   string
		status string
		remote bool
		want   verdict.Reason
	}{
		{"here", dokploy.StatusRunning, false, verdict.Reason{Kind: verdict.StuckUnexplained, Name: "running"}},
		{"there", dokploy.StatusRunning, true, verdict.Reason{Kind: verdict.StuckConnection, Name: "running"}},
		{"queued", dokploy.StatusQueued, false, verdict.Reason{Kind: verdict.StuckUnexplained, Name: "queued"}},
		{"unknown", "paused", false, verdict.Reason{Kind: verdict.StuckUnexplained, Name: "paused"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := held(t, func(o *Order) { o.Remote = x.remote })
			w.rows[0].Status, w.jobs = x.status, nil
			w.look(20)
			if d := w.looks(12, 1); d.End == nil || d.End.Reason != x.want {
				t.Errorf("%+v, want %+v", d.End, x.want)
			}
		})
	}
}

// TestConfirming: what follows from a row that has ended if Dokploy was away.
func TestConfirming(t *testing.T) {
	for _, x := range []struct {
		rule  string
		set   func(*Order)
		do    func(*world)
		then  func(*world) // before the second look
		end   verdict.Kind
		row   bool
		left  verdict.Left
		phase Phase
	}{
		{rule: "ended-but-still-queued", set: bullMQ, left: verdict.EndedMayRunAgain, phase: Again},
		{rule: "ended-and-ran-again", set: bullMQ, do: func(w *world) { w.jobs = nil }, then: func(w *world) { w.rows = append(w.rows, row("b", 5, "done", ours)) }, left: verdict.Running, phase: Again},
		{rule: "ended-may-have-left-its-job", set: func(o *Order) { o.Remote = true }, do: func(w *world) { w.jobs = nil }, left: verdict.EndedMayRunAgain, phase: Again},
		{rule: "ended-may-have-left-its-job: built there", set: func(o *Order) { o.BuiltRemotely = true }, do: func(w *world) { w.jobs = nil }, left: verdict.EndedMayRunAgain, phase: Again},
		{rule: "ended-may-have-left-its-job: long after the restart", set: func(o *Order) { o.Remote = true }, do: func(w *world) { w.jobs = nil; w.back = w.now.Add(-20 * time.Second) }, row: true},
		{rule: "ended-may-have-left-its-job: another is built already", set: func(o *Order) { o.Remote = true }, do: func(w *world) { w.jobs = []dokploy.Job{{ID: "job-1", ServiceID: "web", Active: true}} }, row: true},
		{rule: "ended-with-another", set: bullMQ, do: func(w *world) { w.jobs = nil; w.rows = append(w.rows, commit("b", 5)) }, end: verdict.Ambiguous},
		{rule: "ended-with-another: one of before", set: bullMQ, do: func(w *world) { w.jobs = nil; w.rows = append(w.rows, commit("b", 0.5)) }, row: true},
		{rule: "ended-for-good", do: func(w *world) { w.jobs = nil }, row: true},
	} {
		t.Run(x.rule, func(t *testing.T) {
			w := held(t, x.set)
			w.restarted(3)
			w.rows[0] = row("a", 1, "done", ours)
			if x.do != nil {
				x.do(w)
			}
			d := w.look(1)
			if d.End != nil || !d.Pace.Now {
				t.Errorf("%+v", d)
			}
			if x.then != nil {
				x.then(w)
			}
			switch d = w.look(0); {
			case x.row:
				w.wantRow(d, "a")
			case x.end != "":
				w.wantEnd(d, x.end)
			case d.End != nil || d.Left != x.left || w.state.Phase() != x.phase:
				t.Errorf("%+v, phase %v; want %q, %v", d, w.state.Phase(), x.left, x.phase)
			}
			if w.asked[0] != Queue {
				t.Errorf("asked %v", w.asked)
			}
		})
	}
	// Without an outage nothing is requested.
	w := held(t, bullMQ)
	w.rows[0] = row("a", 1, "done", ours)
	w.wantRow(w.look(1), "a")
	w.wantAsked(Rows)
}

// rerunOf begins a play whose first run was cancelled by a restart.
func rerunOf(t *testing.T, set func(*Order)) *world {
	w := held(t, set)
	w.restarted(0)
	w.jobs = nil
	w.rows[0] = row("a", 1, "cancelled", ours)
	w.rows[0].FinishedAt = time.Time{}
	w.service.Status = "running"
	w.look(1)
	if w.state.Phase() != Again {
		t.Fatalf("phase %v", w.state.Phase())
	}
	w.told = nil
	return w
}

// TestAgain: whether Dokploy runs it once more.
func TestAgain(t *testing.T) {
	upload := func(o *Order) { o.Upload, o.Markers, o.LosesMarker = true, nil, false }
	hidden := func(o *Order) { bullMQ(o); o.Traits.HidesQueue, o.Queue = true, QueueHidden }
	uploadBullMQ := func(o *Order) { bullMQ(o); upload(o) }
	queued := dokploy.Job{ID: "job-1", ServiceID: "api", Title: UploadTitle, QueuedAt: at(0)}
	stalled, later, again := queued, queued, queued
	stalled.Active, stalled.ProcessedOn = true, at(0.9)
	later.Active, later.ProcessedOn = true, at(25)
	again.Active, again.ProcessedOn = true, at(19.9)
	hand := dokploy.Deployment{ID: "b", Title: UploadTitle, StartedAt: at(20), Status: "running"}
	for _, x := range []struct {
		rule  string
		set   func(*Order)
		do    func(*world)
		looks int
		end   verdict.Kind
		row   string // the row that ends it
		held  string
	}{
		{rule: "second-run", set: bullMQ, do: func(w *world) { w.rows = append(w.rows, row("b", 20, "running", ours)) }, looks: 1, held: "b"},
		{rule: "second-run: of a server that brings its queue back", do: func(w *world) { w.rows = append(w.rows, row("b", 20, "running", ours)) }, looks: 1, held: "b"},
		{rule: "second-run-is-later", set: bullMQ, do: func(w *world) { w.rows = append(w.rows, row("b", 0.5, "done", ours)) }, looks: 3, held: "a"},
		{rule: "second-run-has-time", set: bullMQ, looks: 119, held: "a"},
		{rule: "second-run-has-time: a fault begins it again", set: bullMQ, do: func(w *world) { w.looks(60, 1); w.fault = w.now }, looks: 119, held: "a"},
		{rule: "first-end-is-final", set: bullMQ, looks: 121, row: "a"},
		{rule: "second-run-has-time: less where a few servers do it", looks: 13, held: "a"},
		{rule: "first-end-is-final: there", looks: 16, row: "a"},
		{rule: "first-end-is-final: at once where the worker is at work", do: func(w *world) { w.jobs = []dokploy.Job{{ID: "job-1", ServiceID: "web", Active: true}} }, looks: 1, row: "a"},
		{rule: "second-run-has-time: its job waits", do: func(w *world) {
			w.jobs = []dokploy.Job{{ID: "job-9", ServiceID: "web", Active: true}, ourJob(-1)}
			w.looks(60, 1)
		}, looks: 1, held: "a"},
		{rule: "second-run-has-time: its row waits", do: func(w *world) {
			w.rows = append(w.rows, dokploy.Deployment{ID: "b", Status: dokploy.StatusQueued, Description: ours})
			w.looks(60, 1)
		}, looks: 1, held: "a"},
		{rule: "second-run-after-others", set: bullMQ, do: func(w *world) {
			w.rows, w.jobs = append(w.rows, row("b", 20, "running", "x")), []dokploy.Job{active("9", "x", 20)}
			w.looks(200, 1)
		}, looks: 1, held: "a"},
		{rule: "second-run-behind-others", set: hidden, do: func(w *world) { w.running = []string{"web"}; w.looks(200, 1) }, looks: 1, held: "a"},
		{rule: "second-run-behind-others: for some time only", set: hidden, do: func(w *world) { w.running = []string{"web"}; w.looks(600, 1) }, looks: 20, row: "a"},
		{rule: "second-run-behind-others: its own is none", set: hidden, do: func(w *world) { w.running = []string{"api"} }, looks: 121, row: "a"},
		{rule: "second-run-too-fast", set: bullMQ, do: func(w *world) { w.rows = append(w.rows, commit("b", 20)) }, looks: 121, end: verdict.Ambiguous},
		{rule: "second-run-of-an-upload", set: upload, do: func(w *world) { w.rows = append(w.rows, hand) }, looks: 10, held: "a"},
		{rule: "second-run-is-its-jobs: an upload's waits", set: uploadBullMQ, do: func(w *world) { w.rows, w.jobs = append(w.rows, hand), []dokploy.Job{queued} }, looks: 10, held: "a"},
		{rule: "second-run-is-its-jobs: an upload's is stalled", set: uploadBullMQ, do: func(w *world) { w.rows, w.jobs = append(w.rows, hand), []dokploy.Job{stalled} }, looks: 10, held: "a"},
		{rule: "second-run-is-its-jobs: an upload's began later", set: uploadBullMQ, do: func(w *world) { w.rows, w.jobs = append(w.rows, hand), []dokploy.Job{later} }, looks: 10, held: "a"},
		{rule: "second-run: an upload's", set: uploadBullMQ, do: func(w *world) { w.rows, w.jobs = append(w.rows, hand), []dokploy.Job{again} }, looks: 2, held: "b"},
		{rule: "second-run-unsure", set: upload, do: func(w *world) { w.rows = append(w.rows, hand); w.rows[1].Status = "done" }, looks: 30, end: verdict.Ambiguous},
	} {
		t.Run(x.rule, func(t *testing.T) {
			start := rerunOf
			if strings.Contains(x.rule, "upload") || x.rule == "second-run-unsure" {
				start = uploadRerun
			}
			w := start(t, x.set)
			if x.do != nil {
				x.do(w)
			}
			d := w.looks(x.looks, 1)
			switch {
			case x.row != "":
				w.wantRow(d, x.row)
			case x.end != "":
				w.wantEnd(d, x.end)
			default:
				w.wantHeld(d, x.held)
			}
		})
	}
}

// uploadRerun does the same for an upload.
func uploadRerun(t *testing.T, set func(*Order)) *world {
	w := play(t, set).taken()
	w.jobs = []dokploy.Job{{ID: "job-1", ServiceID: "api", Title: UploadTitle, QueuedAt: at(0), Active: true, ProcessedOn: at(0.9)}}
	w.rows = []dokploy.Deployment{{ID: "a", Title: UploadTitle, StartedAt: at(1), Status: "running"}}
	w.wantHeld(w.look(1), "a")
	w.restarted(0)
	w.jobs, w.rows[0].Status = nil, "cancelled"
	w.look(1)
	return w
}

// A second run is followed like the first, from its own beginning.
func TestTheSecondRunIsFollowed(t *testing.T) {
	w := rerunOf(t, bullMQ)
	w.rows = append(w.rows, row("x", 15, "done", "another's"), row("b", 20, "running", ours))
	d := w.look(1)
	w.wantHeld(d, "b")
	w.wantTold(RunsAgain)
	if len(d.Tell) != 1 || !d.Tell[0].Others || !d.Pace.Restart || d.Left != verdict.Running {
		t.Errorf("%+v", d)
	}
	w.rows[2] = row("b", 20, "error", ours)
	w.look(1) // Dokploy was away: the end is confirmed
	w.wantRow(w.look(0), "b")
}

// A restart that leaves rows running does not cancel them.
func TestLeftAsRunning(t *testing.T) {
	w := held(t, func(o *Order) { bullMQ(o); o.Traits.LeavesRowsRunning, o.Queue = true, QueueHidden })
	w.jobs = nil
	w.rows = append(w.rows, row("b", 9, "done", "another's"))
	w.wantEnd(w.looks(130, 1), verdict.LeftAsRunning)
}
