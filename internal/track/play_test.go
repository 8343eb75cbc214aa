package track

import (
	"reflect"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// world is what Dokploy shows to the looks of a play.
type world struct {
	t     *testing.T
	state State
	now   time.Time

	jobs []dokploy.Job
	rows []dokploy.Deployment
	// previews is what a preview's order looks at instead of rows.
	previews []dokploy.Preview
	service  dokploy.Service
	running  []string
	failing  Need // not available right now
	noQueue  bool
	gone     bool
	outages  int
	back     time.Time
	fault    time.Time

	asked []Need // by the last look, in its order
	told  []EventKind
}

// play begins a play of a Git application; set may change the order.
func play(t *testing.T, set func(*Order)) *world {
	o := Order{ServiceID: "api", LosesMarker: true, Markers: []string{"[dd-ours]"}, SentAt: at(0)}
	if set != nil {
		set(&o)
	}
	return &world{t: t, state: Begin(o), now: at(0)}
}

// taken: the trigger was answered.
func (w *world) taken() *world {
	w.state = w.state.Answered(Answer{Kind: Taken, At: w.now})
	return w
}

// look takes one look, some time after the last one.
func (w *world) look(after float64) Decision {
	w.t.Helper()
	w.now = w.now.Add(time.Duration(after * 1e9))
	o := Observation{Start: w.now, At: w.now, Outages: w.outages, BackAt: w.back, FaultAt: w.fault}
	w.asked = nil
	for range 9 {
		old := w.state
		s, d := w.state.See(o)
		if !reflect.DeepEqual(old, w.state) {
			w.t.Fatal("the old state is another one now")
		}
		if d.Ask == 0 {
			w.state = s
			for _, e := range d.Tell {
				w.told = append(w.told, e.Kind)
			}
			return d
		}
		if !reflect.DeepEqual(s, old) {
			w.t.Fatal("a look that asks has changed the state")
		}
		if o.Asked&d.Ask != 0 {
			w.t.Fatalf("it asks for %v again", d.Ask)
		}
		w.answer(&o, d.Ask)
	}
	w.t.Fatal("it asks and asks")
	return Decision{}
}

func (w *world) answer(o *Observation, n Need) {
	w.asked = append(w.asked, n)
	o.Asked |= n
	o.Failed |= n & w.failing
	switch {
	case n == Queue && w.noQueue:
		o.Failed, o.NoQueue = o.Failed|Queue, true
	case n == Rows && w.gone:
		o.Failed, o.Gone = o.Failed|Rows, true
	case o.Failed&n != 0:
	case n == Queue:
		o.Queue = &dokploy.Queue{Jobs: append([]dokploy.Job(nil), w.jobs...)}
	case n == Rows:
		o.Rows = append([]dokploy.Deployment(nil), w.rows...)
		o.Previews = append([]dokploy.Preview(nil), w.previews...)
	case n == Service:
		s := w.service
		o.Service = &s
	case n == Running:
		o.Running = append([]string(nil), w.running...)
	}
}

// looks takes several looks, and ends where the play ends.
func (w *world) looks(n int, every float64) Decision {
	w.t.Helper()
	var d Decision
	for range n {
		if d = w.look(every); d.End != nil || d.Took != TookUnknown {
			return d
		}
	}
	return d
}

func (w *world) wantAsked(needs ...Need) {
	w.t.Helper()
	if !reflect.DeepEqual(w.asked, needs) {
		w.t.Errorf("asked %v, want %v", w.asked, needs)
	}
}

func (w *world) wantEnd(d Decision, k verdict.Kind) {
	w.t.Helper()
	switch {
	case d.End == nil:
		w.t.Errorf("no end, want %q (%v, %v)", k, d.Left, d.Held)
	case d.End.Reason.Kind != k:
		w.t.Errorf("%+v, want %q", d.End, k)
	}
}

func (w *world) wantRow(d Decision, id string) {
	w.t.Helper()
	if d.End == nil || d.End.Row == nil || d.End.Row.ID != id {
		w.t.Errorf("%+v (%v), want the row %s", d.End, d.Left, id)
	}
}

func (w *world) wantHeld(d Decision, id string) {
	w.t.Helper()
	if d.Held == nil || d.Held.ID != id || d.End != nil {
		w.t.Errorf("%+v, held %v, want %s", d, d.Held, id)
	}
}

func (w *world) wantPending(d Decision) {
	w.t.Helper()
	if d.End != nil || d.Fault || d.Held != nil || d.Took != TookUnknown {
		w.t.Errorf("%+v", d)
	}
}

func (w *world) wantTold(kinds ...EventKind) {
	w.t.Helper()
	if !reflect.DeepEqual(w.told, kinds) {
		w.t.Errorf("told %v, want %v", w.told, kinds)
	}
}

// ourJob returns our job in the queue: active since on, or waiting.
func ourJob(on float64) dokploy.Job {
	j := dokploy.Job{ID: "job-1", ServiceID: "api", Description: "x [dd-ours]", QueuedAt: at(0)}
	if on >= 0 {
		j.Active, j.ProcessedOn = true, at(on)
	}
	return j
}

func row(id string, start float64, status, description string) dokploy.Deployment {
	d := dokploy.Deployment{ID: id, StartedAt: at(start), Status: status, Description: description}
	if d.Terminal() {
		d.FinishedAt = at(start + 1)
	}
	return d
}

const ours = "x [dd-ours]"

// Finding a deployment that nothing disturbs costs one request for the queue
// and one for the list, and from then on its list.
func TestAPlayWithoutTrouble(t *testing.T) {
	w := play(t, nil).taken()
	w.jobs = []dokploy.Job{ourJob(-1)}
	d := w.look(0.1)
	w.wantPending(d)
	w.wantAsked(Queue, Rows) // the list: the row of a Git source may lose its text
	if d.Doing != DoingQueued || !d.Waits || d.Place.Number != 1 || d.Left != verdict.StillQueued {
		t.Errorf("%+v", d)
	}
	w.jobs[0] = ourJob(2)
	w.wantPending(w.look(2))
	w.rows = []dokploy.Deployment{row("a", 2.1, "running", ours)}
	w.wantHeld(w.look(0.1), "a")
	w.wantAsked(Rows) // the job was active a moment ago
	w.wantTold(Queued, Found, Started)
	d = w.look(5)
	w.wantHeld(d, "a")
	w.wantAsked(Rows)
	if d.Left != verdict.Running || d.Doing != DoingRunning || !d.Pace.Log {
		t.Errorf("%+v", d)
	}
	w.jobs, w.rows = nil, []dokploy.Deployment{row("a", 2.1, "done", "Commit: 1")}
	w.wantRow(w.look(1), "a")
}

// A deployment that is over at the first look is judged at the next one without
// a request.
func TestAFastOne(t *testing.T) {
	w := play(t, nil).taken()
	w.rows = []dokploy.Deployment{row("a", 0.2, "error", ours)}
	d := w.look(0.1)
	w.wantHeld(d, "a")
	if !d.Pace.Now {
		t.Errorf("%+v", d.Pace)
	}
	w.wantRow(w.look(0), "a")
	w.wantAsked()
}

// What the queue has shown is not forgotten because the list fails.
func TestALookThatFailsHalfWay(t *testing.T) {
	w := play(t, nil).taken()
	w.jobs, w.failing = []dokploy.Job{ourJob(1)}, Rows
	if d := w.look(1); !d.Fault {
		t.Errorf("%+v", d)
	}
	// Then it is over, and its text is gone; so is another's.
	w.jobs, w.failing = nil, 0
	w.rows = []dokploy.Deployment{commit("a", 1.1), commit("b", 3)}
	w.look(1)
	w.wantRow(w.look(0), "a")
}

// The marker may show before its trigger is answered.
func TestBesideTheTrigger(t *testing.T) {
	w := play(t, nil)
	w.wantPending(w.look(0.5))
	w.wantAsked(Queue, Rows)
	w.failing = Queue | Rows
	w.wantPending(w.look(0.3))
	w.failing = 0
	w.rows = []dokploy.Deployment{row("a", 0.2, "running", ours)}
	if d := w.look(0.3); d.Took != TookYes {
		t.Errorf("%+v", d)
	}
	w = play(t, nil)
	w.jobs = []dokploy.Job{ourJob(1)}
	if d := w.look(0.5); d.Took != TookYes {
		t.Errorf("%+v", d)
	}
	w.taken()
	w.jobs, w.rows = nil, []dokploy.Deployment{commit("b", 1.2), commit("c", 3)}
	w.look(0.1)
	w.wantRow(w.look(0), "b") // since the job was seen
}

// TestOpen: what follows from a trigger whose answer was lost.
func TestOpen(t *testing.T) {
	bullMQ := func(o *Order) { o.Traits.QueueSurvivesRestart = true }
	upload := func(o *Order) { o.Upload, o.Markers, o.LosesMarker = true, nil, false }
	byHand := dokploy.Deployment{ID: "u", Title: UploadTitle, StartedAt: at(1), Status: "running"}
	busy := []dokploy.Job{{ID: "job-7", ServiceID: "web", Active: true}}
	for _, x := range []struct {
		rule        string
		set         func(*Order)
		kind        AnswerKind
		do          func(*world)
		looks       int
		took        Took
		end         verdict.Kind
		unconfirmed bool
	}{
		{rule: "hidden-counts-as-taken", set: func(o *Order) { o.Queue = QueueHidden }, kind: CutOff, looks: 1, took: TookYes, unconfirmed: true},
		{rule: "hidden-counts-as-taken: found out now", kind: CutOff, do: func(w *world) { w.noQueue = true }, looks: 1, took: TookYes, unconfirmed: true},
		{rule: "job-shows", kind: CutOff, do: func(w *world) { w.jobs = []dokploy.Job{ourJob(-1)} }, looks: 1, took: TookYes},
		{rule: "row-shows", kind: CutOff, do: func(w *world) { w.rows = []dokploy.Deployment{row("a", 1, "running", ours)} }, looks: 1, took: TookYes},
		{rule: "row-shows: one that was there before is none", set: func(o *Order) { o.Baseline.Rows = []string{"a"} }, kind: CutOff, do: func(w *world) { w.rows = []dokploy.Deployment{row("a", 1, "running", ours)} }, looks: 5, took: TookUnknown, unconfirmed: true},
		{rule: "row-shows: an upload's", set: upload, kind: CutOff, do: func(w *world) { w.rows = []dokploy.Deployment{byHand} }, looks: 1, took: TookYes},
		{rule: "row-shows: of a job that looks like it", set: func(o *Order) { upload(o); o.Baseline.Lookalikes = 1 }, kind: CutOff, do: func(w *world) { w.rows = []dokploy.Deployment{byHand} }, looks: 5, unconfirmed: true},
		{rule: "maybe-its-commit", kind: CutOff, do: func(w *world) { w.rows = []dokploy.Deployment{commit("a", 1)} }, looks: 1, took: TookYes, unconfirmed: true},
		{rule: "not-taken-takes-time: three looks over 6 s", kind: CutOff, do: func(w *world) { w.jobs = busy }, looks: 6, unconfirmed: true},
		{rule: "not-taken-takes-time: 15 s where nothing is at work", kind: CutOff, looks: 14, unconfirmed: true},
		{rule: "not-taken-takes-time: longer where somebody gave up", kind: GaveUp, do: func(w *world) { w.jobs = busy }, looks: 20, unconfirmed: true},
		{rule: "not-taken-takes-time: longest for an upload", set: upload, kind: CutOff, do: func(w *world) { w.jobs = busy }, looks: 59, unconfirmed: true},
		{rule: "not-taken-takes-time: a fault begins it again", kind: CutOff, do: func(w *world) {
			w.jobs = busy
			w.looks(5, 1)
			w.failing = Queue
			w.look(1)
			w.failing = 0
		}, looks: 6, unconfirmed: true},
		{rule: "not-taken", kind: CutOff, do: func(w *world) { w.jobs = busy }, looks: 7, took: TookNot},
		{rule: "not-taken: nothing is at work", kind: CutOff, looks: 16, took: TookNot},
		{rule: "not-taken: somebody gave up", kind: GaveUp, do: func(w *world) { w.jobs = busy }, looks: 21, took: TookNot},
		{rule: "may-be-held-back: for two minutes", set: bullMQ, kind: GaveUp, do: func(w *world) { w.jobs = busy }, looks: 120, unconfirmed: true},
		{rule: "may-be-held-back", set: bullMQ, kind: GaveUp, do: func(w *world) { w.jobs = busy }, looks: 121, end: verdict.HeldByRedis, unconfirmed: true},
	} {
		t.Run(x.rule, func(t *testing.T) {
			w := play(t, x.set)
			w.state = w.state.Answered(Answer{Kind: x.kind})
			if x.do != nil {
				x.do(w)
			}
			d := w.looks(x.looks, 1)
			end := verdict.Kind("")
			if d.End != nil {
				end = d.End.Reason.Kind
			}
			if d.Took != x.took || end != x.end || w.state.Unconfirmed() != x.unconfirmed {
				t.Errorf("took %v, end %q, unconfirmed %v; want %v, %q, %v", d.Took, end, w.state.Unconfirmed(), x.took, x.end, x.unconfirmed)
			}
		})
	}
}

// If something in between blocks the queue, the run does without it.
func TestABarredQueue(t *testing.T) {
	w := play(t, nil).taken()
	w.failing = Queue
	for range 2 {
		w.wantPending(w.look(1)) // it is not an outage
		w.wantAsked(Queue, Rows)
	}
	w.wantPending(w.look(1))
	w.wantTold(QueueUnreadable)
	if w.look(1); w.state.Queue() != QueueHidden {
		t.Error("it is asked for again")
	}
	w.wantAsked(Rows, Running)
	w = play(t, nil).taken()
	w.failing = Queue | Rows
	for range 5 {
		if d := w.look(1); !d.Fault {
			t.Errorf("an outage: %+v", d)
		}
	}
}

// TestUploads: if only one row is new at the first look, it is the upload's.
func TestUploads(t *testing.T) {
	job := func(id string, on float64) dokploy.Job {
		j := dokploy.Job{ID: id, ServiceID: "api", Title: UploadTitle, QueuedAt: at(1)}
		if on >= 0 {
			j.Active, j.ProcessedOn = true, at(on)
		}
		return j
	}
	hand := func(id string, start float64) dokploy.Deployment {
		return dokploy.Deployment{ID: id, Title: UploadTitle, StartedAt: at(start), Status: "running"}
	}
	old := job("job-0", -1)
	old.QueuedAt = at(-9)
	for _, x := range []struct {
		rule       string
		lookalikes int
		jobs       []dokploy.Job
		rows       []dokploy.Deployment
		held       string
		end        verdict.Kind
	}{
		{rule: "its row came first", rows: []dokploy.Deployment{hand("a", 1)}, held: "a"},
		{rule: "its job and its row", jobs: []dokploy.Job{job("job-1", 1)}, rows: []dokploy.Deployment{hand("a", 1.1)}, held: "a"},
		{rule: "its job waits", jobs: []dokploy.Job{job("job-1", -1)}},
		{rule: "what was in the queue before is not it", jobs: []dokploy.Job{old, job("job-1", 1)}, rows: []dokploy.Deployment{hand("a", 1.1)}, held: "a"},
		{rule: "two-may-be-the-upload: jobs", jobs: []dokploy.Job{job("job-1", -1), job("job-2", -1)}, end: verdict.WhichUpload},
		{rule: "two-may-be-the-upload: rows", rows: []dokploy.Deployment{hand("a", 1), hand("b", 2)}, end: verdict.WhichUpload},
		{rule: "two-may-be-the-upload: a row of one that looks like it", lookalikes: 1, rows: []dokploy.Deployment{hand("a", 1)}, end: verdict.WhichUpload},
		{rule: "two-may-be-the-upload: its job beside that row", lookalikes: 1, jobs: []dokploy.Job{job("job-1", -1)}, rows: []dokploy.Deployment{hand("a", 0.5)}},
	} {
		t.Run(x.rule, func(t *testing.T) {
			w := play(t, func(o *Order) {
				o.Upload, o.Markers, o.LosesMarker = true, nil, false
				o.Baseline = Baseline{Jobs: []string{old.Key()}, Lookalikes: x.lookalikes}
			}).taken()
			w.jobs, w.rows = x.jobs, x.rows
			d := w.looks(4, 0.5)
			switch {
			case x.end != "":
				w.wantEnd(d, x.end)
			case x.held != "":
				w.wantHeld(d, x.held)
			default:
				w.wantPending(d)
			}
		})
	}
}

// After a restart, the upload's job is the one with the same time as before.
func TestAnUploadsJobAfterARestart(t *testing.T) {
	job := func(id string, queued float64) dokploy.Job {
		return dokploy.Job{ID: id, ServiceID: "api", Title: UploadTitle, QueuedAt: at(queued)}
	}
	w := play(t, func(o *Order) { o.Upload, o.Markers, o.LosesMarker = true, nil, false }).taken()
	w.jobs = []dokploy.Job{job("job-5", 1)}
	w.look(1)
	w.outages = 1
	w.jobs = []dokploy.Job{job("job-1", -1), job("job-2", 1.4), job("job-3", 9)}
	if d := w.look(1); !d.Waits || d.Place.Number != 2 {
		t.Errorf("%+v", d)
	}
	w.jobs = []dokploy.Job{job("job-7", 9)}
	if d := w.look(1); d.Waits {
		t.Errorf("another's: %+v", d)
	}
}

// A list that was empty for a moment proves nothing: the row that shows later
// may still be ours, and it is not started again.
func TestAnEmptyList(t *testing.T) {
	w := play(t, nil).taken()
	w.jobs = []dokploy.Job{ourJob(-1)}
	w.look(1)
	w.jobs = []dokploy.Job{{ID: "job-9", ServiceID: "web", Active: true, ProcessedOn: at(3)}}
	w.look(1)
	w.rows = []dokploy.Deployment{commit("a", 1.5)}
	w.wantEnd(w.looks(10, 1), verdict.Ambiguous)
}

// A waiting row is ours by its marker, and once it has begun by its id.
func TestARowThatWaits(t *testing.T) {
	w := play(t, func(o *Order) { o.Queue = QueueHidden }).taken()
	w.rows = []dokploy.Deployment{{ID: "a", Status: dokploy.StatusQueued, Description: ours}, commit("b", 1)}
	for range 3 {
		d := w.look(1)
		w.wantPending(d)
		if d.Doing != DoingQueuedRow || d.Left != verdict.StillQueued {
			t.Errorf("%+v", d)
		}
	}
	w.wantTold(QueuedRow)
	w.rows[0] = commit("a", 3) // over already, and its text is gone
	w.wantHeld(w.look(1), "a")
}

// A deployment that a restart cancelled before it began has not ended: it may
// be brought back, or is started again.
func TestCancelledBeforeItBegan(t *testing.T) {
	w := play(t, nil).taken()
	w.jobs = []dokploy.Job{ourJob(-1)}
	w.look(1)
	w.jobs, w.rows = nil, []dokploy.Deployment{{ID: "a", Status: dokploy.StatusCancelled, Description: ours}}
	w.restarted(0)
	w.wantPending(w.looks(13, 1))
	w.wantEnd(w.looks(5, 1), verdict.CancelledByRestart)
	// If cancelled by hand, it has an end.
	w = play(t, nil).taken()
	w.rows = []dokploy.Deployment{{ID: "a", Status: dokploy.StatusCancelled, Description: ours, FinishedAt: at(1)}}
	w.look(1)
	w.wantRow(w.look(0), "a")
}

// A single candidate is looked at again before it counts as missing: until
// then, nothing is reported as missing.
func TestAnOnlyCandidateIsNotMissing(t *testing.T) {
	w := play(t, nil).taken()
	w.rows = []dokploy.Deployment{commit("a", 1)}
	for range 2 {
		d := w.look(1)
		w.wantPending(d)
		if d.Doing == DoingMissing || d.Left != verdict.QueuedThere || w.state.search.missingLooks > 0 {
			t.Errorf("%+v, %d looks", d, w.state.search.missingLooks)
		}
	}
	w.wantHeld(w.look(1), "a")
	// What is in the queue is not missing, either.
	w = play(t, nil).taken()
	w.jobs = []dokploy.Job{ourJob(1)}
	w.looks(30, 2)
	if w.state.search.missingLooks > 0 {
		t.Errorf("%d looks missed it", w.state.search.missingLooks)
	}
}

// A row that is listed while ours waits is not ours if ours still waits at the
// next look. It is worth a request only if a row may lose its text.
func TestWhatIsListedWhileOursWaits(t *testing.T) {
	w := play(t, nil).taken()
	w.jobs, w.rows = []dokploy.Job{ourJob(-1)}, []dokploy.Deployment{commit("a", 1)}
	w.look(1)
	if before := w.state.search.before; len(before) != 0 {
		t.Errorf("%v, though ours may have begun since", before)
	}
	w.look(1)
	w.wantAsked(Queue, Rows)
	if before := w.state.search.before; !before.has("a") {
		t.Errorf("%v lacks a", before)
	}
	w.failing = Rows
	if d := w.look(1); !d.Waits || d.Fault {
		t.Errorf("the queue was read: %+v", d)
	}
	w = play(t, func(o *Order) { o.LosesMarker = false }).taken()
	w.jobs = []dokploy.Job{ourJob(-1)}
	w.look(1)
	w.wantAsked(Queue)
}
