package track

import (
	"slices"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// What the generated histories of property_test.go found; each test is named
// after the promise that was broken.

func active(id, description string, on float64) dokploy.Job {
	return dokploy.Job{ID: id, ServiceID: "api", Description: description, QueuedAt: at(on), Active: true, ProcessedOn: at(on)}
}

func running(id string, start float64, description string) dokploy.Deployment {
	return row(id, start, dokploy.StatusRunning, description)
}

// A lost answer counts as taken if a proxy lets everything through except the
// queue.
func TestALostAnswerBehindABarredQueueCountsAsTaken(t *testing.T) {
	w := play(t, nil)
	w.state = w.state.Answered(Answer{Kind: CutOff})
	w.failing = Queue
	w.wantPending(w.looks(3, 1))
	if d := w.look(1); d.Took != TookYes || !w.state.Unconfirmed() {
		t.Errorf("%+v", d)
	}
}

// The job that shows after a lost answer is remembered, like one that waited.
func TestAJobThatShowsAfterALostAnswerIsRemembered(t *testing.T) {
	w := play(t, nil)
	w.state = w.state.Answered(Answer{Kind: CutOff})
	w.jobs = []dokploy.Job{ourJob(-1)}
	if d := w.look(0.2); d.Took != TookYes {
		t.Errorf("%+v", d)
	}
	w.jobs = nil
	w.wantEnd(w.looks(20, 1), verdict.ForgottenQueued)
}

// A row that shows another's text before the trigger is answered is never ours.
func TestWhatIsAnothersBesideTheTriggerStaysAnothers(t *testing.T) {
	for _, open := range []bool{false, true} {
		w := play(t, nil)
		if open {
			w.state = w.state.Answered(Answer{Kind: CutOff})
		}
		w.rows = []dokploy.Deployment{running("b", 0.2, "x")}
		w.wantPending(w.look(0.5))
		if !open {
			w.taken()
		}
		w.rows = []dokploy.Deployment{commit("b", 0.2)}
		w.wantPending(w.looks(5, 0.5))
	}
}

// The same is true for the row of the job that was seen at work for it.
func TestTheRowOfAJobBesideTheTriggerIsAnothers(t *testing.T) {
	for _, open := range []bool{false, true} {
		w := play(t, nil)
		if open {
			w.state = w.state.Answered(Answer{Kind: CutOff})
		}
		w.jobs = []dokploy.Job{active("job-0", "x", 0.1)}
		w.wantPending(w.look(0.5))
		if !open {
			w.taken()
		}
		w.jobs, w.rows = nil, []dokploy.Deployment{commit("b", 0.2)}
		w.wantPending(w.looks(5, 0.5))
	}
}

// The row with the marker is held, though the queue, which was read before it,
// shows its job as waiting.
func TestItsRowIsHeldWhileItsJobSeemsToWait(t *testing.T) {
	w := play(t, nil).taken()
	w.jobs, w.rows = []dokploy.Job{ourJob(-1)}, []dokploy.Deployment{running("a", 1, ours)}
	w.wantHeld(w.look(1), "a")
}

// No other row is taken for ours once the id of our row is known.
func TestNoOtherRowIsOursOnceItsIDIsKnown(t *testing.T) {
	w := play(t, nil).taken()
	w.jobs, w.rows = []dokploy.Job{ourJob(-1)}, []dokploy.Deployment{{ID: "a", Status: dokploy.StatusQueued, Description: ours}}
	w.look(1)
	// Ours begins, and somebody removes it; another's is over. Ours is not
	// started again.
	w.jobs, w.rows = nil, []dokploy.Deployment{commit("b", 1.5)}
	w.wantEnd(w.looks(20, 1), verdict.Ambiguous)

	// After a restart it may have run with another row.
	w = play(t, nil).taken()
	w.jobs, w.rows = []dokploy.Job{ourJob(-1)}, []dokploy.Deployment{{ID: "a", Status: dokploy.StatusQueued, Description: ours}}
	w.look(1)
	w.outages, w.jobs, w.rows = 1, nil, []dokploy.Deployment{commit("b", 15)}
	w.wantEnd(w.looks(20, 1), verdict.Ambiguous)
}

// A row that shows the marker once is known by its id from then on.
func TestItsRowIsKnownByItsIDOnceItsMarkerWasSeen(t *testing.T) {
	for _, open := range []bool{false, true} {
		w := play(t, nil)
		if open {
			w.state = w.state.Answered(Answer{Kind: CutOff})
		}
		w.rows = []dokploy.Deployment{running("a", 0.2, ours)}
		if d := w.look(0.5); d.Took != TookYes {
			t.Errorf("%+v", d)
		}
		if !open {
			w.taken()
		}
		w.rows = []dokploy.Deployment{commit("a", 0.2), commit("b", 0.4)}
		w.wantHeld(w.look(1), "a")
	}
}

// Ours was cancelled before it began: another's is not taken for it.
func TestAnothersIsNotTakenForWhatWasCancelledBeforeItBegan(t *testing.T) {
	w := play(t, nil).taken()
	w.rows = []dokploy.Deployment{commit("b", 0.1), {ID: "a", Status: dokploy.StatusCancelled, Description: ours}}
	w.wantEnd(w.looks(30, 1), verdict.Ambiguous)
}

// If a row is not there when our job is gone, it is another's, even if it came
// soon after the job's turn.
func TestARowThatIsNotThereWhenTheJobIsGoneIsNotOurs(t *testing.T) {
	w := play(t, func(o *Order) { o.Remote = true }).taken()
	w.jobs, w.rows = []dokploy.Job{ourJob(0.5)}, []dokploy.Deployment{commit("z", -9)}
	w.look(1)
	w.jobs = nil
	w.look(1.5)
	w.rows = append(w.rows, commit("b", 4))
	w.wantEnd(w.looks(20, 1), verdict.Ambiguous)
}

// On a remote server a push runs at the same time as ours: nothing is concluded
// before our job is over, nor after a restart.
func TestAPushBesideOursOnARemoteServer(t *testing.T) {
	remote := func(o *Order) { o.Remote = true }
	w := play(t, remote).taken()
	w.jobs, w.rows = []dokploy.Job{ourJob(0.1)}, []dokploy.Deployment{commit("b", 0.2)}
	w.wantPending(w.look(0.5))
	w.jobs, w.rows = nil, []dokploy.Deployment{commit("b", 0.2), commit("a", 1)}
	w.wantEnd(w.look(2), verdict.Ambiguous)

	w = play(t, remote).taken()
	w.jobs, w.rows = []dokploy.Job{ourJob(0.1)}, []dokploy.Deployment{commit("b", 0.2)}
	w.wantPending(w.look(0.5))
	w.jobs, w.outages = nil, 1
	w.wantEnd(w.look(12), verdict.Ambiguous)
}

// A hidden queue is not empty while a new row of the service is running,
// whatever the service's status says.
func TestAHiddenQueueWithANewRowAtWorkIsNotIdle(t *testing.T) {
	w := play(t, func(o *Order) { o.Queue = QueueHidden }).taken()
	w.rows = []dokploy.Deployment{commit("b", 1), running("c", 1.5, "x")}
	w.wantPending(w.looks(20, 1))
	w.rows = []dokploy.Deployment{commit("b", 1), row("c", 1.5, dokploy.StatusDone, "x")}
	w.wantRow(w.looks(10, 1), "b")

	// Before 0.25.4, a restart since the trigger may have left it like this.
	leaves := func(o *Order) { o.Queue, o.Traits.LeavesRowsRunning = QueueHidden, true }
	w = play(t, leaves).taken()
	w.rows = []dokploy.Deployment{commit("b", 1), running("c", 1.5, "x")}
	w.wantPending(w.looks(20, 1))

	w = play(t, leaves).taken()
	w.outages = 1
	w.rows = []dokploy.Deployment{commit("b", 1), running("c", 1.5, "x")}
	w.wantEnd(w.looks(10, 1), verdict.Ambiguous)
}

// An upload whose row began between the two requests of a look does not count
// twice.
func TestAnUploadThatBeginsWithinALookIsOne(t *testing.T) {
	upload := func(o *Order) { o.Upload, o.Markers, o.LosesMarker = true, nil, false }
	job := dokploy.Job{ID: "job-1", ServiceID: "api", Title: UploadTitle, QueuedAt: at(0)}
	hand := dokploy.Deployment{ID: "a", Title: UploadTitle, StartedAt: at(0.5), Status: dokploy.StatusRunning}

	w := play(t, upload).taken()
	w.jobs, w.rows = []dokploy.Job{job}, []dokploy.Deployment{hand}
	if d := w.look(0.6); d.End != nil || !d.Pace.Now {
		t.Errorf("%+v", d)
	}
	w.jobs[0].Active, w.jobs[0].ProcessedOn = true, at(0.49)
	w.wantHeld(w.look(0.1), "a")

	// Another's ran before it, while ours waits.
	w = play(t, upload).taken()
	w.jobs, w.rows = []dokploy.Job{job}, []dokploy.Deployment{hand}
	w.look(0.6)
	w.wantEnd(w.look(0.1), verdict.WhichUpload)
}

// A row that comes after a look that showed nothing of the upload is not the
// upload's.
func TestWhatComesLaterIsNotTheUpload(t *testing.T) {
	w := play(t, func(o *Order) { o.Upload, o.Markers, o.LosesMarker = true, nil, false }).taken()
	w.wantPending(w.look(0.1))
	w.jobs = []dokploy.Job{{ID: "job-1", ServiceID: "api", Title: UploadTitle, QueuedAt: at(1), Active: true, ProcessedOn: at(1)}}
	w.rows = []dokploy.Deployment{{ID: "b", Title: UploadTitle, StartedAt: at(1.1), Status: dokploy.StatusRunning}}
	w.wantPending(w.look(1))
	w.jobs = nil
	w.rows[0].Status = dokploy.StatusDone
	w.wantEnd(w.looks(30, 1), verdict.WhichUpload)
}

// BullMQ keeps the ids of its jobs in a restart: another's job that was queued
// in the same second is not the upload's.
func TestAnUploadsJobOfBullMQIsKnownByItsID(t *testing.T) {
	upload := func(o *Order) { bullMQ(o); o.Upload, o.Markers, o.LosesMarker = true, nil, false }
	w := play(t, upload).taken()
	w.jobs = []dokploy.Job{{ID: "1", ServiceID: "api", Title: UploadTitle, QueuedAt: at(0)}}
	w.look(0.2)
	w.outages = 1
	w.jobs = []dokploy.Job{{ID: "2", ServiceID: "api", Title: UploadTitle, QueuedAt: at(0.5)}}
	if d := w.look(10); d.Waits {
		t.Errorf("another's: %+v", d)
	}
}

// A later row with the marker is a second run, whatever happened to the first
// one's.
func TestALaterRowWithTheMarkerIsFollowed(t *testing.T) {
	for name, first := range map[string][]dokploy.Deployment{
		"left as running": {running("a", 1, ours)},
		"removed":         nil,
		"done":            {row("a", 1, dokploy.StatusDone, ours)},
	} {
		t.Run(name, func(t *testing.T) {
			w := held(t, bullMQ)
			w.rows = slices.Concat(first, []dokploy.Deployment{running("b", 50, ours)})
			w.wantHeld(w.look(1), "b")
			w.wantTold(RunsAgain)
			w.rows = slices.Concat(first, []dokploy.Deployment{row("b", 50, dokploy.StatusDone, ours)})
			w.wantRow(w.look(1), "b")
		})
	}
}

// Dokploy has abandoned a row without a job, even if its job was never seen.
func TestARowWhoseJobWasNeverSeenMayBeStuck(t *testing.T) {
	w := play(t, nil).taken()
	w.rows = []dokploy.Deployment{running("a", 0.2, ours)}
	w.wantHeld(w.look(0.5), "a")
	w.look(20)
	w.wantEnd(w.looks(12, 1), verdict.StuckUnexplained)

	upload := func(o *Order) { o.Upload, o.Markers, o.LosesMarker = true, nil, false }
	hand := dokploy.Deployment{ID: "a", Title: UploadTitle, StartedAt: at(0.2), Status: dokploy.StatusRunning}
	w = play(t, upload).taken()
	w.rows = []dokploy.Deployment{hand}
	w.wantHeld(w.looks(3, 0.5), "a")
	w.jobs = []dokploy.Job{{ID: "job-1", ServiceID: "api", Title: UploadTitle, QueuedAt: at(0), Active: true, ProcessedOn: at(0.1)}}
	w.look(20)
	w.wantHeld(w.looks(30, 1), "a") // that job may be its job
	w.jobs = nil
	w.look(20)
	w.wantEnd(w.looks(12, 1), verdict.StuckUnexplained)
}

// BullMQ runs again what is in its queue, whatever the service's status says.
func TestWhatWasCancelledAndIsQueuedRunsAgain(t *testing.T) {
	w := held(t, bullMQ)
	w.rows[0] = row("a", 1, dokploy.StatusCancelled, ours)
	w.service.Status = dokploy.StatusDone // the end of another's deployment has set it
	if d := w.look(1); d.End != nil || d.Left != verdict.MayRunAgain {
		t.Errorf("%+v", d)
	}
}

// A second run is not waited for because of a row that nobody works on.
func TestASecondRunDoesNotWaitForARowWithoutAJob(t *testing.T) {
	w := rerunOf(t, bullMQ)
	w.rows = append(w.rows, running("b", 20, "x"))
	w.wantRow(w.looks(130, 1), "a")
	w = rerunOf(t, bullMQ)
	w.rows, w.jobs = append(w.rows, running("b", 20, "x")), []dokploy.Job{active("2", "x", 19)}
	w.wantHeld(w.looks(130, 1), "a")
}

// A deployment that counted as left running, and ends, is judged by its end.
func TestWhatIsLeftRunningMayEnd(t *testing.T) {
	w := held(t, func(o *Order) {
		bullMQ(o)
		o.Remote, o.Traits.LeavesRowsRunning, o.Queue = true, true, QueueHidden
	})
	w.rows = append(w.rows, row("b", 9, dokploy.StatusDone, "a push's"))
	if d := w.look(1); d.Left != verdict.MayRunAgain {
		t.Errorf("%+v", d)
	}
	w.rows[0] = row("a", 1, dokploy.StatusDone, ours)
	w.wantRow(w.look(1), "a")
}

// Of two rows with the same time, the one further down in the list is older.
func TestOfOneMomentTheOlderRowComesFirst(t *testing.T) {
	s := searching(func(s *sight) { s.trail.seen = &dokploy.Job{ID: "1", Active: true, ProcessedOn: at(9)} })
	s.o.Rows = []dokploy.Deployment{commit("b", 9.1), commit("a", 9.1), commit("z", 1)}
	s.classify()
	s.infer()
	if s.held.row == nil || s.held.row.ID != "a" {
		t.Errorf("held %+v", s.held.row)
	}
}

// A row that a restart left as queued, and whose job is gone, is waited for no
// longer than a job that is gone.
func TestAQueuedRowWithoutAJobIsForgotten(t *testing.T) {
	begin := func() *world {
		w := play(t, nil).taken()
		w.jobs, w.rows = []dokploy.Job{ourJob(-1)}, []dokploy.Deployment{{ID: "a", Status: dokploy.StatusQueued, Description: ours}}
		w.look(1)
		w.restarted(0)
		w.jobs = nil
		return w
	}
	w := begin()
	w.wantPending(w.looks(15, 1))
	w.wantEnd(w.look(1), verdict.ForgottenQueued)

	// A job that is brought back, is being built, or belongs to the service may
	// be its job.
	for _, j := range []dokploy.Job{ourJob(-1), {ID: "job-2", ServiceID: "api", Description: "x"}, {ID: "job-2", ServiceID: "web", Active: true, ProcessedOn: at(3)}} {
		w = begin()
		w.wantPending(w.looks(14, 1))
		w.jobs = []dokploy.Job{j}
		w.wantPending(w.look(1))
		w.jobs = nil
		w.wantPending(w.looks(15, 1))
		w.wantEnd(w.look(1), verdict.ForgottenQueued)
	}

	// An outage restarts these seconds, and a hidden queue says nothing.
	w = begin()
	w.wantPending(w.looks(14, 1))
	w.restarted(0)
	w.wantPending(w.looks(14, 1))
	w.wantEnd(w.look(1), verdict.ForgottenQueued)
	w = play(t, func(o *Order) { o.Queue = QueueHidden }).taken()
	w.rows = []dokploy.Deployment{{ID: "a", Status: dokploy.StatusQueued, Description: ours}}
	w.wantPending(w.looks(60, 1))
}

// What the list shows while only the queue cannot be read is remembered.
func TestItsRowIsKnownWhereOnlyTheQueueFailed(t *testing.T) {
	w := play(t, nil).taken()
	w.failing, w.rows = Queue, []dokploy.Deployment{running("a", 1, ours), commit("b", 0.5)}
	w.wantPending(w.look(1))
	w.failing, w.rows = 0, []dokploy.Deployment{commit("b", 0.5)} // somebody has removed ours
	w.wantEnd(w.looks(20, 1), verdict.Ambiguous)
}

// A queue that something in between blocks is not an outage: a deployment that
// was over fast, without its text, is still ours.
func TestABarredQueueIsNoOutage(t *testing.T) {
	for _, answer := range []AnswerKind{Taken, CutOff} {
		w := play(t, nil)
		w.state = w.state.Answered(Answer{Kind: answer})
		w.failing = Queue
		for range 3 {
			if d := w.look(0.5); d.Fault {
				t.Errorf("%+v", d)
			}
		}
		if p := w.state.Pace(); p != paces[w.state.Phase()] {
			t.Errorf("%+v", p)
		}
	}
}

// After a lost answer the row shows that Dokploy has it: it is not started
// again.
func TestARowThatShowedWhereOnlyTheQueueFailedIsTaken(t *testing.T) {
	w := play(t, nil)
	w.state = w.state.Answered(Answer{Kind: CutOff})
	w.failing, w.rows = Queue, []dokploy.Deployment{running("a", 0.2, ours)}
	w.wantPending(w.look(0.5))
	w.failing, w.rows = 0, []dokploy.Deployment{commit("a", 0.2)}
	if d := w.look(0.5); d.Took != TookYes || w.state.Unconfirmed() {
		t.Errorf("%+v", d)
	}
}

// Its row has ended and its job still exists: if a restart comes now, the job
// may come back with the queue.
func TestAJobThatARestartTookAfterItsEndMayComeBack(t *testing.T) {
	for _, back := range []bool{true, false} {
		w := play(t, func(o *Order) { o.Remote, o.LosesMarker = true, false }).taken()
		w.jobs, w.rows = []dokploy.Job{ourJob(0.1)}, []dokploy.Deployment{running("a", 0.7, ours)}
		w.wantHeld(w.look(1), "a")
		w.outages, w.back = 1, w.now
		w.rows = []dokploy.Deployment{row("a", 0.7, dokploy.StatusDone, ours)}
		if d := w.looks(3, 0.2); d.End != nil || w.state.Phase() != Again {
			t.Fatalf("%+v", d)
		}
		w.jobs, w.outages = nil, 2
		w.now = w.now.Add(16 * time.Second)
		w.back = w.now
		if d := w.looks(2, 0.4); d.End != nil {
			t.Fatalf("%+v", d)
		}
		if !back {
			w.wantRow(w.looks(20, 1), "a")
			continue
		}
		w.jobs, w.rows = []dokploy.Job{ourJob(19)}, append(w.rows, running("b", 19, ours))
		w.looks(2, 1)
		w.wantTold(Found, Started, RunsAgain)
	}
}

// A deployment that was queued at almost the same time as an upload is not
// taken for it after a restart that gives the jobs new numbers.
func TestWhatWasSeenBesideAnUploadIsNotTakenForIt(t *testing.T) {
	for _, beside := range []bool{true, false} {
		w := play(t, func(o *Order) { o.Upload, o.Markers, o.LosesMarker = true, nil, false }).taken()
		upload := dokploy.Job{ID: "job-2", ServiceID: "api", Title: UploadTitle, QueuedAt: at(0.1)}
		other := dokploy.Job{ID: "job-3", ServiceID: "api", Title: UploadTitle, QueuedAt: at(0.9)}
		w.jobs = []dokploy.Job{active("job-1", "x", -5), upload}
		w.wantPending(w.look(0.2))
		if beside {
			w.jobs = append(w.jobs, other)
			w.wantPending(w.look(1))
		}
		w.outages, w.back, w.jobs = 1, w.now.Add(time.Second), []dokploy.Job{other}
		w.jobs[0].ID = "job-1"
		d := w.looks(30, 1)
		if beside {
			w.wantEnd(d, verdict.WhichUpload)
		} else if d.End != nil || w.state.Phase() != Accepted {
			t.Errorf("%+v", d)
		}
	}
}
