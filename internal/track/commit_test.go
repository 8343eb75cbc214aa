package track

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

const (
	sha   = "3f2a91c0de3f2a91c0de3f2a91c0de3f2a91c0de"
	other = "3f2a91cffffff2a91c0de3f2a91c0de3f2a91c0d" // begins like the commit
)

// awaits begins a play that waits for a commit of a Git application; set may
// change the order.
func awaits(t *testing.T, set func(*Order)) *world {
	return play(t, func(o *Order) {
		o.Markers, o.Commit, o.StartTimeout = nil, sha[:12], 2*time.Minute
		if set != nil {
			set(o)
		}
	})
}

// push returns a webhook's job, queued at this time; active since on, unless
// that is negative.
func push(id string, queued, on float64) dokploy.Job {
	j := dokploy.Job{ID: id, ServiceID: "api", Description: "Hash: " + sha, QueuedAt: at(queued)}
	if on >= 0 {
		j.Active, j.ProcessedOn = true, at(on)
	}
	return j
}

func hashRow(id string, start float64, status string) dokploy.Deployment {
	return row(id, start, status, "Hash: "+sha)
}

func built(id string, start float64) dokploy.Deployment {
	return row(id, start, dokploy.StatusDone, "Commit: "+sha)
}

func TestHashes(t *testing.T) {
	for text, want := range map[string]string{
		"Hash: " + sha:                     sha,
		"Hash: " + strings.ToUpper(sha):    sha,
		"Hash: " + sha[:7]:                 sha[:7],
		"Hash: " + strings.Repeat("a", 64): strings.Repeat("a", 64),
		"Hash: " + sha[:6]:                 "",
		"Hash: " + strings.Repeat("a", 65): "",
		"Hash: ":                           "",
		"Hash: NEW COMMIT":                 "",
		"Hash: " + sha + " by ann":         "",
		"x Hash: " + sha:                   "",
		"Commit: " + sha:                   "",
		"":                                 "",
	} {
		if got := Pushed(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Built("Commit: " + sha); got != sha {
		t.Errorf("built %q", got)
	}
	running := row("a", 1, dokploy.StatusRunning, "Commit: "+sha) // somebody wrote this text
	if got := CommitOf(&running); got != "" {
		t.Errorf("a row that runs is of %q", got)
	}
}

// The job of the commit is followed from the queue to its end.
func TestAPushFromTheQueueToItsEnd(t *testing.T) {
	w := awaits(t, nil)
	w.rows = []dokploy.Deployment{commit("old", -60)}
	d := w.look(0)
	w.wantPending(d)
	w.wantAsked(Queue, Rows)
	if d.Doing != DoingAwaited || d.Left != verdict.NoneYet {
		t.Errorf("%+v", d)
	}
	w.jobs = []dokploy.Job{push("job-1", 2, -1)}
	if d = w.look(2); !d.Waits || d.Left != verdict.StillQueued || d.Doing != DoingQueued {
		t.Errorf("%+v", d)
	}
	w.jobs = []dokploy.Job{push("job-1", 2, 4)}
	w.rows = append([]dokploy.Deployment{hashRow("a", 4.01, dokploy.StatusRunning)}, w.rows...)
	w.wantHeld(w.look(2), "a")
	w.wantTold(Queued, Found, Started)
	w.jobs, w.rows[0] = nil, row("a", 4.01, dokploy.StatusDone, "Commit: "+other) // the branch has moved on
	w.wantRow(w.look(3), "a")
}

// What is awaited, by the rules that find it.
func TestAwaiting(t *testing.T) {
	for _, tt := range []struct {
		rule   string
		set    func(*Order)
		jobs   []dokploy.Job
		rows   []dokploy.Deployment
		after  float64 // time of the look, since the beginning
		end    verdict.Kind
		held   string
		accept bool
	}{
		{rule: "push-in-the-queue: it waits", jobs: []dokploy.Job{push("job-1", 1, -1)}, accept: true},
		{rule: "push-in-the-queue: newer than what has a row", jobs: []dokploy.Job{push("job-1", 1, -1)}, rows: []dokploy.Deployment{built("a", -9)}, accept: true},
		{rule: "push-in-the-queue: of another service", jobs: []dokploy.Job{{ID: "job-1", ServiceID: "web", Description: "Hash: " + sha, QueuedAt: at(1)}}},
		{rule: "push-in-the-queue: of another commit", jobs: []dokploy.Job{{ID: "job-1", ServiceID: "api", Description: "Hash: " + other, QueuedAt: at(1)}}},
		{rule: "push-in-the-queue: without a hash", jobs: []dokploy.Job{{ID: "job-1", ServiceID: "api", Description: "Hash: NEW COMMIT", QueuedAt: at(1)}}},
		{rule: "push-has-a-row: it runs", rows: []dokploy.Deployment{hashRow("a", -9, dokploy.StatusRunning), commit("b", -20)}, held: "a"},
		{rule: "push-has-a-row: it was built, whoever started it", rows: []dokploy.Deployment{commit("b", -5), built("a", -9)}, held: "a"},
		{rule: "push-has-a-row: the newest", rows: []dokploy.Deployment{hashRow("b", -9, dokploy.StatusError), built("a", -20)}, held: "b"},
		{rule: "push-has-a-row: what was pushed and became another", rows: []dokploy.Deployment{row("a", -9, dokploy.StatusDone, "Commit: "+other)}},
		{rule: "push-has-a-row: of somebody who writes the same", rows: []dokploy.Deployment{row("a", -9, dokploy.StatusRunning, "Commit: "+sha)}},
		{rule: "push-has-a-queued-row", set: func(o *Order) { o.Queue = QueueHidden }, rows: []dokploy.Deployment{{ID: "a", Status: dokploy.StatusQueued, Description: "Hash: " + sha}, built("b", -9)}, accept: true},
		{rule: "two-commits: built", set: func(o *Order) { o.Commit = sha[:7] }, rows: []dokploy.Deployment{built("a", -9), row("b", -20, dokploy.StatusDone, "Commit: "+other)}, end: verdict.TwoCommits},
		{rule: "two-commits: in the queue", set: func(o *Order) { o.Commit = sha[:7] }, jobs: []dokploy.Job{push("job-1", 1, -1)}, rows: []dokploy.Deployment{row("b", -20, dokploy.StatusDone, "Commit: "+other)}, end: verdict.TwoCommits},
		{rule: "two-commits: one of them twice", set: func(o *Order) { o.Commit = sha[:7] }, jobs: []dokploy.Job{push("job-1", 1, -1)}, rows: []dokploy.Deployment{built("a", -9)}, accept: true},
		{rule: "push-has-time", after: 119},
		{rule: "none-came", after: 120, rows: []dokploy.Deployment{commit("b", -5)}, end: verdict.NoneCame},
		{rule: "none-came: found at the last moment", after: 120, jobs: []dokploy.Job{push("job-1", 119, -1)}, accept: true},
		{rule: "hidden-push-needs-an-idle-server", set: func(o *Order) { o.Queue = QueueHidden }, after: 300},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			w := awaits(t, tt.set)
			w.jobs, w.rows = tt.jobs, tt.rows
			d := w.look(tt.after)
			switch {
			case tt.end != "":
				w.wantEnd(d, tt.end)
			case tt.held != "":
				w.wantHeld(d, tt.held)
			case tt.accept:
				w.wantPending(d)
				if w.state.Phase() != Accepted {
					t.Errorf("phase %d", w.state.Phase())
				}
			default:
				w.wantPending(d)
				if w.state.Phase() != Awaited {
					t.Errorf("phase %d", w.state.Phase())
				}
			}
		})
	}
}

// If the queue is hidden, only the time when no service is being deployed
// counts.
func TestAwaitingWithoutAQueue(t *testing.T) {
	w := awaits(t, nil)
	w.noQueue, w.running = true, []string{"web"}
	w.wantPending(w.looks(100, 3))
	w.running = nil
	w.wantPending(w.looks(39, 3))
	w.wantEnd(w.looks(6, 3), verdict.NoneCame)
}

// A restart may bring back what waited.
func TestAwaitingOverARestart(t *testing.T) {
	w := awaits(t, nil)
	w.wantPending(w.look(118))
	w.restarted(2)
	w.wantPending(w.look(10))
	w.wantEnd(w.looks(3, 4), verdict.NoneCame)
}

// Another push of the same commit is another deployment.
func TestTwinsOfAPush(t *testing.T) {
	for name, tt := range map[string]struct {
		first  []dokploy.Job // at the first look
		jobs   []dokploy.Job // later
		rows   []dokploy.Deployment
		remote bool
		held   string
		end    verdict.Kind
	}{
		"one that comes behind ours": {
			first: []dokploy.Job{push("job-1", 1, -1)}, jobs: []dokploy.Job{push("job-2", 2, 9)},
			rows: []dokploy.Deployment{hashRow("b", 9, dokploy.StatusRunning), hashRow("a", 3, dokploy.StatusError)}, held: "a",
		},
		"one that is at work before ours": {
			first: []dokploy.Job{push("job-1", 1, 2), push("job-2", 3, -1)}, jobs: []dokploy.Job{push("job-2", 3, 8)},
			rows: []dokploy.Deployment{hashRow("b", 8.01, dokploy.StatusRunning), hashRow("a", 2.01, dokploy.StatusError)}, held: "b",
		},
		"one that was at work before ours, both over": {
			first: []dokploy.Job{push("job-1", 1, 2), push("job-2", 3, -1)},
			rows:  []dokploy.Deployment{hashRow("b", 8.01, dokploy.StatusError), hashRow("a", 2.01, dokploy.StatusError)}, held: "b",
		},
		"hash-beside-a-twin: one waited before ours, both over": {
			first: []dokploy.Job{{ID: "job-0", ServiceID: "api", Active: true, QueuedAt: at(0), ProcessedOn: at(0)}, push("job-1", 1, -1), push("job-2", 3, -1)},
			rows:  []dokploy.Deployment{hashRow("b", 8.01, dokploy.StatusError), hashRow("a", 6, dokploy.StatusError), row("x", 0.01, dokploy.StatusDone, "by hand")}, held: "b",
		},
		"hash-beside-a-twin: beside each other on a remote server": {
			remote: true, first: []dokploy.Job{push("job-1", 1, 4), push("job-2", 3, 4.5)},
			jobs: []dokploy.Job{push("job-1", 1, 4), push("job-2", 3, 4.5)},
			rows: []dokploy.Deployment{hashRow("b", 5.1, dokploy.StatusRunning), hashRow("a", 5, dokploy.StatusRunning)},
		},
		"hash-at-its-time: ours left no row, and a later one did": {
			first: []dokploy.Job{push("job-1", 1, 4)}, jobs: []dokploy.Job{push("job-2", 5, 12)},
			rows: []dokploy.Deployment{hashRow("b", 12.01, dokploy.StatusRunning)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := awaits(t, func(o *Order) { o.Remote = tt.remote })
			w.jobs = tt.first
			w.wantPending(w.look(5))
			w.jobs, w.rows = tt.jobs, tt.rows
			d := w.look(9)
			if tt.held == "" {
				w.wantPending(d)
				return
			}
			w.wantHeld(d, tt.held)
		})
	}
}

// A row that began before ours was queued is not ours, whatever it says.
func TestWhatBeganBeforeAPushWasQueued(t *testing.T) {
	w := awaits(t, nil)
	w.jobs = []dokploy.Job{push("job-9", 5, -1)}
	for i := range 11 {
		w.rows = append(w.rows, commit("old"+string(rune('a'+i)), float64(-60-i)))
	}
	w.wantPending(w.look(6))
	w.jobs, w.rows = nil, append([]dokploy.Deployment{hashRow("a", 7, dokploy.StatusError)}, w.rows[:10]...)
	w.wantHeld(w.look(3), "a")
	// Nor do such rows matter when our job is gone.
	w = awaits(t, nil)
	w.jobs = []dokploy.Job{push("job-9", 5, -1)}
	for i := range 11 {
		w.rows = append(w.rows, commit("old"+string(rune('a'+i)), float64(-60-i)))
	}
	w.wantPending(w.look(6))
	w.jobs = nil
	w.restarted(1)
	w.wantEnd(w.looks(30, 1), verdict.ForgottenQueued)
}

// A held row stays ours, whatever else comes for the commit.
func TestAHeldPushStaysOurs(t *testing.T) {
	w := awaits(t, nil)
	w.rows = []dokploy.Deployment{hashRow("a", -9, dokploy.StatusRunning)}
	w.wantHeld(w.look(0), "a")
	w.rows = []dokploy.Deployment{hashRow("b", 5, dokploy.StatusRunning), hashRow("a", -9, dokploy.StatusError)}
	w.wantRow(w.look(6), "a")
}

// A running row is looked up in the queue by its hash.
func TestAPushWhoseRowCameFirst(t *testing.T) {
	w := awaits(t, nil)
	w.rows = []dokploy.Deployment{hashRow("a", 1, dokploy.StatusRunning)}
	w.wantHeld(w.look(2), "a")
	w.jobs = []dokploy.Job{push("job-1", 0, 1)}
	if d := w.looks(10, 21); d.End != nil {
		t.Errorf("%+v", d.End)
	}
	w.jobs = nil
	w.wantEnd(w.looks(12, 21), verdict.StuckUnexplained)
}

// A deployment that a restart cancelled may run again; another push of the
// commit looks the same.
func TestASecondRunOfAPush(t *testing.T) {
	bull := func(o *Order) { o.Traits = dokploy.Traits{QueueSurvivesRestart: true, RerunsCancelled: true} }
	begin := func(more ...dokploy.Job) *world {
		w := awaits(t, bull)
		w.jobs = []dokploy.Job{push("1", 0, 1)}
		w.rows = []dokploy.Deployment{hashRow("a", 1, dokploy.StatusRunning)}
		w.wantHeld(w.look(2), "a")
		w.jobs = append(w.jobs, more...)
		w.rows[0].Status, w.rows[0].FinishedAt = dokploy.StatusCancelled, time.Time{}
		w.service.Status = dokploy.StatusRunning
		w.restarted(8)
		w.looks(2, 3)
		return w
	}
	again := []dokploy.Deployment{hashRow("b", 50, dokploy.StatusRunning), {ID: "a", StartedAt: at(1), Status: dokploy.StatusCancelled, Description: "Hash: " + sha}}
	w := begin()
	w.jobs, w.rows = []dokploy.Job{push("1", 0, 49.9)}, again
	w.wantHeld(w.look(1), "b")
	w = begin(push("2", 1, -1))
	w.rows = again
	if d := w.looks(3, 1); d.Held.ID != "a" || d.End != nil {
		t.Errorf("%+v", d)
	}
	w.jobs, w.rows[0] = nil, hashRow("b", 50, dokploy.StatusDone)
	w.wantEnd(w.looks(400, 1), verdict.Ambiguous)
}
