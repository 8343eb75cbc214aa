package track

import (
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// Which rows that show the commit are ours: each case has the name of the rule
// that it tests. Our job has been at work since 10, and the row begins at 10.1.
func TestKindsOfHashes(t *testing.T) {
	for _, tt := range []struct {
		rule  string
		start float64 // of the row; zero: 10.1
		set   func(*sight)
		begun []dokploy.Deployment // others
		want  class
	}{
		{rule: "hash-of-the-push", want: marked},
		{rule: "hash-at-its-time: it began before our job", start: 9.9, want: anothers},
		{rule: "hash-at-its-time: it began while ours waited", start: 9, set: func(s *sight) {
			s.trail.seen.Active, s.trail.seen.ProcessedOn, s.trail.latest = false, time.Time{}, at(9.5)
		}, want: anothers},
		{rule: "hash-at-its-time: it never began", start: -1, want: anothers},
		{rule: "hash-beside-a-twin: one waited before ours", set: func(s *sight) { s.search.twins = true }, want: candidate},
		{rule: "hash-of-the-push: one waited behind it", set: func(s *sight) { s.search.beside = true }, want: marked},
		{rule: "hash-of-the-push: on a remote server, in its turn", set: func(s *sight) { s.search.beside, s.order.Remote = true, true }, want: marked},
		{rule: "hash-beside-a-twin: on a remote server, in the same millisecond", start: 10, set: func(s *sight) { s.search.beside, s.order.Remote = true, true }, want: candidate},
		{rule: "hash-beside-a-twin: on a remote server, its turn was not seen", set: func(s *sight) {
			s.search.beside, s.order.Remote, s.trail.seen.Active, s.trail.seen.ProcessedOn = true, true, false, time.Time{}
		}, want: candidate},
		{rule: "hash-beside-a-twin: built on a remote server", set: func(s *sight) {
			s.search.beside, s.order.BuiltRemotely, s.trail.seen.Active, s.trail.seen.ProcessedOn = true, true, false, time.Time{}
		}, want: candidate},
		{rule: "hash-beside-a-twin: over a restart", set: func(s *sight) { s.search.beside, s.o.Outages = true, 1 }, want: candidate},
		{rule: "hash-beside-a-twin: ours may be pushed out", set: func(s *sight) { s.search.beside = true }, begun: rowsFrom(11, 9), want: candidate},
		{rule: "hash-too-late", start: 15.1, want: candidate},
		{rule: "hash-of-the-push: not too late", start: 14.9, want: marked},
		{rule: "hash-of-the-push: SSH was silent for 20 s", start: 30, set: func(s *sight) { s.order.Remote = true }, want: marked},
		{rule: "hash-too-late: BullMQ keeps the job over a restart", start: 30, set: func(s *sight) {
			s.order.Remote, s.order.Traits.QueueSurvivesRestart, s.o.Outages = true, true, 1
		}, want: candidate},
		{rule: "hash-not-in-the-first-list", set: func(s *sight) { s.search.firstList = ids{"x"} }, want: candidate},
		{rule: "hash-behind-a-commit", begun: []dokploy.Deployment{commit("c", 10.05)}, want: candidate},
		{rule: "hash-of-the-push: what began before our job is another's", begun: []dokploy.Deployment{commit("c", 9)}, want: marked},
		{rule: "hash-of-the-push: a later commit is of another's", begun: []dokploy.Deployment{commit("c", 10.2)}, want: marked},
		{rule: "hash-behind-a-commit: on a remote server it may be another's that ran beside it", set: func(s *sight) { s.order.Remote = true }, begun: []dokploy.Deployment{commit("c", 10.05)}, want: candidate},
		{rule: "ours-began-after-that", set: func(s *sight) { s.search.actives = []time.Time{at(7)} }, want: marked},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			s := &sight{State: Begin(Order{ServiceID: "api", Commit: sha, LosesMarker: true})}
			s.trail.seen = &dokploy.Job{ID: "1", ServiceID: "api", Active: true, ProcessedOn: at(10)}
			s.trail.latest = at(0)
			if tt.set != nil {
				tt.set(s)
			}
			start := tt.start
			if start == 0 {
				start = 10.1
			}
			row := hashRow("a", start, dokploy.StatusRunning)
			if start < 0 {
				row.StartedAt, row.Status = time.Time{}, dokploy.StatusCancelled
			}
			s.o.Rows = append([]dokploy.Deployment{row}, tt.begun...)
			s.classify()
			s.search.itsRow, s.search.notOurs = "", nil
			if got := s.classOf(&row); got != tt.want {
				t.Errorf("class %d, want %d", got, tt.want)
			}
		})
	}
}

// rowsFrom returns that many rows of others, the newest first.
func rowsFrom(start float64, n int) (rows []dokploy.Deployment) {
	for i := range n {
		rows = append(rows, row("o"+string(rune('a'+i)), start+float64(n-i), dokploy.StatusDone, "by hand"))
	}
	return rows
}

// The row of a waiting deployment has no time of its own that says when it was
// queued.
func TestAPushWhoseRowIsQueued(t *testing.T) {
	w := awaits(t, nil)
	w.jobs = []dokploy.Job{push("job-1", 1, -1)}
	w.rows = []dokploy.Deployment{{ID: "a", Status: dokploy.StatusQueued, Description: "Hash: " + sha}}
	w.wantPending(w.look(2))
	w.jobs = []dokploy.Job{push("job-1", 1, 3)}
	w.rows[0].Status, w.rows[0].StartedAt = dokploy.StatusRunning, at(3.1)
	w.wantHeld(w.look(2), "a")
}

// Rows that were cancelled before they began are older than all others, and do
// not hide that ours may have been pushed out.
func TestEvictedBesideWhatNeverBegan(t *testing.T) {
	s := searching(nil)
	s.o.Rows = append(rowsFrom(20, 10), dokploy.Deployment{ID: "x", Status: dokploy.StatusCancelled, Description: "by hand"})
	s.classify()
	if !s.mayBeEvicted(at(20)) || s.mayBeEvicted(at(22)) {
		t.Errorf("at 20: %v, at 22: %v", s.mayBeEvicted(at(20)), s.mayBeEvicted(at(22)))
	}
}

// A server that brings back its queue gives the jobs new numbers: a job of the
// same second is ours, unless it may be another push of the commit.
func TestWhichPush(t *testing.T) {
	twin := func() dokploy.Job { j := push("job-1", 1.1, -1); return j }
	for name, tt := range map[string]struct {
		first, then []dokploy.Job
		rows        []dokploy.Deployment
		end         verdict.Kind
	}{
		"its job alone":                    {first: []dokploy.Job{push("job-7", 1, -1)}, then: []dokploy.Job{twin()}},
		"two of them":                      {first: []dokploy.Job{push("job-7", 1, -1)}, then: []dokploy.Job{twin(), push("job-2", 1.2, -1)}, end: verdict.WhichPush},
		"another one was there":            {first: []dokploy.Job{push("job-6", 0.5, -1), push("job-7", 1, -1)}, then: []dokploy.Job{twin()}, end: verdict.WhichPush},
		"one is over already":              {first: []dokploy.Job{push("job-7", 1, -1)}, then: []dokploy.Job{push("job-1", 1.1, 20)}, rows: []dokploy.Deployment{hashRow("b", 15, dokploy.StatusDone)}, end: verdict.WhichPush},
		"one is over already, as a commit": {first: []dokploy.Job{push("job-7", 1, -1)}, then: []dokploy.Job{push("job-1", 1.1, 20)}, rows: []dokploy.Deployment{built("b", 15)}, end: verdict.WhichPush},
		"its own first run":                {first: []dokploy.Job{push("job-7", 1, -1)}, then: []dokploy.Job{push("job-1", 1.1, 20)}, rows: []dokploy.Deployment{hashRow("b", 3, dokploy.StatusCancelled)}},
	} {
		t.Run(name, func(t *testing.T) {
			w := awaits(t, nil)
			w.jobs = tt.first
			w.wantPending(w.look(2))
			w.restarted(10)
			w.jobs, w.rows = tt.then, tt.rows
			d := w.look(10)
			if tt.end != "" {
				w.wantEnd(d, tt.end)
				return
			}
			w.wantPending(d)
			if w.state.trail.seen.ID != "job-1" {
				t.Errorf("%+v", w.state.trail.seen)
			}
		})
	}
}

// Once it was seen after a restart, its id identifies it.
func TestAPushOfTheSameSecondIsAnother(t *testing.T) {
	w := awaits(t, nil)
	w.jobs = []dokploy.Job{push("job-7", 1, -1)}
	w.wantPending(w.look(2))
	w.restarted(10)
	w.jobs = []dokploy.Job{push("job-1", 1.1, -1)}
	w.wantPending(w.look(10))
	w.jobs = []dokploy.Job{push("job-2", 1.2, -1)}
	w.wantPending(w.look(3))
	if w.state.trail.seen.ID != "job-1" {
		t.Errorf("%+v", w.state.trail.seen)
	}
}

// BullMQ keeps a job whose worker was ended by a restart, and what begins
// before that job's turn comes again is another's.
func TestASecondRunThatHasNotBegun(t *testing.T) {
	w := awaits(t, func(o *Order) { o.Traits = dokploy.Traits{QueueSurvivesRestart: true, RerunsCancelled: true} })
	w.jobs = []dokploy.Job{push("1", 0, 1)}
	w.rows = []dokploy.Deployment{hashRow("a", 1.1, dokploy.StatusRunning)}
	w.wantHeld(w.look(2), "a")
	w.restarted(8)
	w.service.Status = dokploy.StatusRunning
	w.rows = []dokploy.Deployment{hashRow("b", 20, dokploy.StatusError), {ID: "a", StartedAt: at(1.1), Status: dokploy.StatusCancelled, Description: "Hash: " + sha}}
	if d := w.looks(5, 3); d.Held.ID != "a" || d.End != nil {
		t.Errorf("%+v", d)
	}
	w.jobs = []dokploy.Job{push("1", 0, 50)}
	w.rows = append([]dokploy.Deployment{hashRow("c", 50.1, dokploy.StatusRunning)}, w.rows...)
	w.wantHeld(w.look(1), "c")
}

// A failed restart leaves the row running; its job may run again.
func TestAPushThatRunsAgainBesideItsRow(t *testing.T) {
	begin := func() *world {
		w := awaits(t, func(o *Order) { o.Traits = dokploy.Traits{QueueSurvivesRestart: true} })
		w.jobs = []dokploy.Job{push("1", 0, 1)}
		w.rows = []dokploy.Deployment{hashRow("a", 1.1, dokploy.StatusRunning)}
		w.wantHeld(w.look(2), "a")
		w.restarted(8)
		return w
	}
	w := begin()
	w.jobs = []dokploy.Job{push("1", 0, 50)}
	w.rows = append([]dokploy.Deployment{hashRow("b", 50.1, dokploy.StatusRunning)}, w.rows...)
	w.wantHeld(w.look(1), "b")

	w = begin() // its second run was not seen
	w.jobs = nil
	w.rows = append([]dokploy.Deployment{hashRow("b", 50.1, dokploy.StatusDone)}, w.rows...)
	w.wantEnd(w.looks(20, 3), verdict.Ambiguous)
}

// After a restart before it was looked for, BullMQ still has its job, next to a
// row that has ended.
func TestAPushThatRunsAgainAfterARestartOfBefore(t *testing.T) {
	begin := func() *world {
		w := awaits(t, func(o *Order) { o.Traits = dokploy.Traits{QueueSurvivesRestart: true} })
		w.jobs = []dokploy.Job{push("1", 0, 1)}
		w.rows = []dokploy.Deployment{hashRow("a", 1.1, dokploy.StatusDone)}
		w.wantHeld(w.look(20), "a")
		w.wantHeld(w.look(0), "a")
		return w
	}
	w := begin()
	w.wantHeld(w.look(0.1), "a")
	w.jobs = []dokploy.Job{push("1", 0, 50)}
	w.rows = append([]dokploy.Deployment{hashRow("b", 50.1, dokploy.StatusRunning)}, w.rows...)
	w.wantHeld(w.look(31), "b")

	w = begin() // its job was only about to leave
	w.jobs = nil
	w.wantRow(w.look(0.1), "a")

	w = begin() // the same, and another push of the commit came right after it
	w.wantHeld(w.looks(2, 0.1), "a")
	w.jobs, w.rows = nil, append([]dokploy.Deployment{hashRow("b", 21, dokploy.StatusRunning)}, w.rows...)
	w.wantEnd(w.looks(2, 1), verdict.Ambiguous)
}

// BullMQ runs again what a restart has interrupted; if the queue is hidden,
// nothing shows that it will.
func TestAHiddenPushMayRunAgain(t *testing.T) {
	w := awaits(t, func(o *Order) { o.Queue, o.StartTimeout = QueueHidden, 10*time.Second })
	w.wantPending(w.look(0))
	w.restarted(8)
	w.wantPending(w.looks(12, 9))
	w.wantEnd(w.looks(3, 9), verdict.NoneCame)
}

// On a remote server a deployment by hand runs at the same time as a push, and
// shows its commit as ours does.
func TestACommitBesideAPushOnARemoteServer(t *testing.T) {
	w := awaits(t, func(o *Order) { o.Remote = true })
	w.jobs = []dokploy.Job{push("1", 0, 1)}
	w.wantPending(w.look(1.5))
	w.jobs, w.rows = nil, []dokploy.Deployment{built("b", 5), built("a", 2)}
	w.wantEnd(w.look(9), verdict.Ambiguous)
}

// With a hidden queue, the server is not idle while a row of the service is
// running: what ended at the same time on a remote server has overwritten the
// service's status with its own.
func TestAHiddenPushWaitsBehindARow(t *testing.T) {
	w := awaits(t, func(o *Order) { o.Queue, o.StartTimeout, o.Remote = QueueHidden, 10*time.Second, true })
	w.rows = []dokploy.Deployment{row("b", -5, dokploy.StatusRunning, "by hand")}
	w.wantPending(w.looks(9, 9))
	w.rows[0] = row("b", -5, dokploy.StatusDone, "by hand")
	w.wantEnd(w.looks(3, 9), verdict.NoneCame)
}

// A server that restores its queue may show what it had cancelled before: its
// job is the only one of the commit.
func TestAPushThatComesBackAfterItsRowWasFound(t *testing.T) {
	begin := func() *world {
		w := awaits(t, nil)
		w.failing = Queue | Rows
		w.look(1)
		w.failing = 0
		w.restarted(10)
		w.rows = []dokploy.Deployment{{ID: "a", StartedAt: at(1), Status: dokploy.StatusCancelled, Description: "Hash: " + sha}}
		w.wantHeld(w.look(1), "a")
		w.wantHeld(w.looks(2, 0.1), "a")
		return w
	}
	w := begin()
	w.jobs = []dokploy.Job{push("job-1", 0.5, 20)}
	w.wantHeld(w.look(1), "a")
	w.rows = append([]dokploy.Deployment{hashRow("b", 20.1, dokploy.StatusRunning)}, w.rows...)
	w.wantHeld(w.look(1), "b")

	w = begin() // another push has come since
	w.jobs = []dokploy.Job{push("job-1", 13, 20)}
	w.rows = append([]dokploy.Deployment{hashRow("b", 20.1, dokploy.StatusRunning)}, w.rows...)
	w.wantEnd(w.look(8), verdict.Ambiguous)

	w = begin() // there are two of them
	w.jobs = []dokploy.Job{push("job-1", 0.5, 20), push("job-2", 0.6, -1)}
	w.wantHeld(w.look(1), "a")
	w.jobs, w.rows = w.jobs[1:], append([]dokploy.Deployment{hashRow("b", 20.1, dokploy.StatusDone)}, w.rows...)
	w.wantHeld(w.look(1), "a")
	w.jobs = nil
	w.wantEnd(w.looks(30, 1), verdict.Ambiguous)
}
