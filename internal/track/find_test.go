package track

import (
	"fmt"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

func at(seconds float64) time.Time {
	return time.Unix(1_800_000_000, 0).Add(time.Duration(seconds * 1e9))
}

// searching returns a look at a Git application whose row is searched for,
// while it is at work.
func searching(set func(*sight)) *sight {
	s := &sight{State: Begin(Order{ServiceID: "api", LosesMarker: true, Markers: []string{"[dd-ours]"}, Queue: QueueSeen, SentAt: at(0)})}
	s.enter(Accepted)
	s.o = Observation{Start: at(100), At: at(100), Asked: Queue | Rows, Queue: &dokploy.Queue{}}
	if set != nil {
		set(s)
	}
	return s
}

// commit returns a row of a Git source that has ended: its text is the
// commit's.
func commit(id string, start float64) dokploy.Deployment {
	return dokploy.Deployment{ID: id, StartedAt: at(start), FinishedAt: at(start + 0.1), Status: dokploy.StatusDone, Description: "Commit: 1"}
}

// TestKinds: which rows may be ours, by what they show and by what was seen of
// others. Each case has the name of the rule that it tests.
func TestKinds(t *testing.T) {
	running := func(id string, start float64, description string) dokploy.Deployment {
		return dokploy.Deployment{ID: id, StartedAt: at(start), Status: dokploy.StatusRunning, Description: description}
	}
	upload := func(s *sight) { s.order.Upload, s.order.Markers, s.order.LosesMarker = true, nil, false }
	byHand := dokploy.Deployment{ID: "a", StartedAt: at(10), Status: dokploy.StatusRunning, Title: UploadTitle}
	for _, x := range []struct {
		rule string
		set  func(*sight)
		rows []dokploy.Deployment
		want string // candidates
		ours string
	}{
		{rule: "a commit's text may be ours", rows: []dokploy.Deployment{commit("a", 10)}, want: "a"},
		{rule: "marker", rows: []dokploy.Deployment{commit("a", 10), running("b", 11, "x [dd-ours]")}, want: "a", ours: "b"},
		{rule: "marker: of two the newer", rows: []dokploy.Deployment{running("b", 11, "[dd-ours]"), {ID: "a", StartedAt: at(10), Status: "cancelled", Description: "[dd-ours]"}}, ours: "b"},
		{rule: "known-row", set: func(s *sight) { s.oldRows = ids{"a"} }, rows: []dokploy.Deployment{commit("a", 10)}},
		{rule: "known-row: what is another's stays another's", set: func(s *sight) { s.search.notOurs = ids{"a"} }, rows: []dokploy.Deployment{commit("a", 10)}},
		{rule: "its-row-of-before: it has lost its text", set: func(s *sight) { s.search.itsRow = "a" }, rows: []dokploy.Deployment{commit("a", 10), commit("b", 11)}, ours: "a", want: "b"},
		{rule: "queued-row: with the marker", rows: []dokploy.Deployment{{ID: "a", Status: dokploy.StatusQueued, Description: "[dd-ours]"}}, ours: "a"},
		{rule: "queued-row: another's", rows: []dokploy.Deployment{{ID: "a", Status: dokploy.StatusQueued, Description: "x"}}},
		{rule: "queued-row: what looks like an upload", set: upload, rows: []dokploy.Deployment{{ID: "a", Status: dokploy.StatusQueued, Title: UploadTitle}}},
		{rule: "others-active-job", set: func(s *sight) { s.search.actives = []time.Time{at(9)} }, rows: []dokploy.Deployment{commit("a", 9.1), commit("b", 12)}, want: "b"},
		{rule: "others-active-job: one that came too late is not its", set: func(s *sight) { s.search.actives = []time.Time{at(1)} }, rows: []dokploy.Deployment{commit("a", 9)}, want: "a"},
		{rule: "others-active-job: on a remote server a push stands in no line", set: func(s *sight) { s.search.actives, s.order.Remote = []time.Time{at(9)}, true }, rows: []dokploy.Deployment{commit("a", 9.1)}, want: "a"},
		{rule: "upload-without-a-text", set: upload, rows: []dokploy.Deployment{byHand, commit("b", 11)}, want: "a"},
		{rule: "upload-without-a-text: it was there while ours waited", set: func(s *sight) { upload(s); s.search.before = ids{"a"} }, rows: []dokploy.Deployment{byHand}},
		{rule: "listed-while-ours-waited", set: func(s *sight) { s.search.before = ids{"a"} }, rows: []dokploy.Deployment{commit("a", 10), commit("b", 11)}, want: "b"},
		{rule: "others-text", rows: []dokploy.Deployment{running("a", 10, "Hash: 1"), commit("b", 11)}, want: "b"},
		{rule: "others-text: an image keeps its own, and so does a redeploy", set: func(s *sight) { s.order.LosesMarker = false }, rows: []dokploy.Deployment{commit("a", 10)}},
	} {
		t.Run(x.rule, func(t *testing.T) {
			s := searching(x.set)
			s.o.Rows = x.rows
			s.classify()
			got, id := "", ""
			for _, c := range s.candidates {
				got += c.ID
			}
			if s.ours != nil {
				id = s.ours.ID
			}
			if got != x.want || id != x.ours {
				t.Errorf("candidates %q, ours %q; want %q, %q", got, id, x.want, x.ours)
			}
		})
	}
}

// A row with an unknown status may still be ours, once it is over.
func TestUnknownStatusOfARow(t *testing.T) {
	s := searching(nil)
	s.o.Rows = []dokploy.Deployment{{ID: "a", StartedAt: at(10), Status: "pending", Description: "Hash: 1"}}
	s.classify()
	if len(s.candidates) > 0 || s.ours != nil {
		t.Errorf("%v, %v", s.candidates, s.ours)
	}
	s.o.Rows = []dokploy.Deployment{commit("a", 10)}
	s.classify()
	if len(s.candidates) != 1 {
		t.Errorf("candidates %v", s.candidates)
	}
}

// TestInfer: which of the rows that may be ours is ours. "?" ends the run as
// lost: the row is never guessed.
func TestInfer(t *testing.T) {
	a, b := commit("a", 10), commit("b", 11)
	active := func(on float64) *dokploy.Job {
		return &dokploy.Job{ID: "job-1", ServiceID: "api", Active: true, ProcessedOn: at(on)}
	}
	many := func(n int, from float64) (rows []dokploy.Deployment) {
		for i := range n {
			rows = append(rows, commit(string(rune('A'+i)), from+float64(i)))
		}
		return rows
	}
	hidden := func(s *sight) { s.queue = QueueHidden; s.o.Asked |= Running }
	for _, x := range []struct {
		rule  string
		set   func(*sight)
		rows  []dokploy.Deployment // candidates, and all that is new
		there bool                 // our job is in the queue
		every time.Duration        // between two looks
		want  string               // what each look says: an id, "-" for not yet, "?"
	}{
		{rule: "no-candidate", want: "-"},
		{rule: "no-candidate: and the looks are counted anew", set: func(s *sight) { s.search.soleLooks = 5 }, want: "-"},
		{rule: "first-row-since-the-job", set: func(s *sight) { s.trail.seen = active(9.9) }, rows: []dokploy.Deployment{commit("x", 9), a, b}, want: "a"},
		{rule: "none-since-the-job", set: func(s *sight) { s.trail.seen = active(12) }, rows: []dokploy.Deployment{a, b}, want: "-"},
		{rule: "job-evicted", set: func(s *sight) { s.trail.seen, s.begun = active(9), many(10, 9.5) }, rows: []dokploy.Deployment{a}, want: "?"},
		{rule: "job-may-have-run-twice", set: func(s *sight) {
			s.trail.seen, s.o.Outages, s.order.Traits.QueueSurvivesRestart = active(9.9), 1, true
		}, rows: []dokploy.Deployment{a, b}, want: "?"},
		{rule: "row-too-late", set: func(s *sight) { s.trail.seen = active(4) }, rows: []dokploy.Deployment{a}, want: "?"},
		{rule: "row-too-late: the job is still there", set: func(s *sight) { s.trail.seen = active(4) }, rows: []dokploy.Deployment{a}, there: true, want: "-"},
		{rule: "another-came-first", set: func(s *sight) { s.trail.seen, s.fresh = active(9.4), []dokploy.Deployment{commit("x", 9.5), a} }, rows: []dokploy.Deployment{a}, want: "?"},
		{rule: "remote-side-by-side", set: func(s *sight) { s.trail.seen, s.order.Remote = active(9.9), true }, rows: []dokploy.Deployment{a, b}, want: "?"},
		{rule: "remote-side-by-side: far apart", set: func(s *sight) { s.trail.seen, s.order.Remote = active(9.9), true }, rows: []dokploy.Deployment{a, commit("c", 13)}, want: "a"},
		{rule: "in-the-queue-still", there: true, rows: []dokploy.Deployment{a}, want: "- - - -"},
		{rule: "restart-before-it-was-found", set: func(s *sight) { s.o.Outages = 1 }, rows: []dokploy.Deployment{a}, want: "- - - -"},
		{rule: "restart-before-it-was-found: BullMQ changes its order", set: func(s *sight) {
			s.trail.seen, s.trail.outages = &dokploy.Job{ID: "1", ServiceID: "api"}, 1
			s.trail.stood.clue = clue{from: at(9)}
			s.search.firstList = ids{"a"}
			s.o.Outages, s.order.Traits.QueueSurvivesRestart = 1, true
		}, rows: []dokploy.Deployment{a}, want: "-"},
		{rule: "not-in-the-first-list", set: func(s *sight) { s.search.firstList = ids{"x"} }, rows: []dokploy.Deployment{a}, want: "- - - -"},
		{rule: "not-in-the-first-list: the other one is", set: func(s *sight) { s.search.firstList = ids{"a"} }, rows: []dokploy.Deployment{a, b}, want: "- - a"},
		{rule: "two-candidates", rows: []dokploy.Deployment{a, b}, want: "?"},
		{rule: "unconfirmed-candidate", set: func(s *sight) { s.open.unconfirmed = true }, rows: []dokploy.Deployment{a}, want: "- - ?"},
		{rule: "three-looks-agree", rows: []dokploy.Deployment{a}, want: "- - a"},
		{rule: "only-candidate-evicted", set: func(s *sight) { s.begun = many(10, 1); s.fresh = s.begun }, rows: []dokploy.Deployment{a}, want: "- - ?"},
		{rule: "order-of-the-queue", set: func(s *sight) {
			s.trail.seen, s.trail.stood = &dokploy.Job{ID: "job-1", ServiceID: "api"}, standing{clue: clue{from: at(9), index: 1}}
			s.begun, s.search.firstList = []dokploy.Deployment{a, b}, ids{"a", "b"}
		}, rows: []dokploy.Deployment{a, b}, want: "b"},
		{rule: "hidden-three-looks-agree", set: func(s *sight) { hidden(s); s.search.idleSince = at(0) }, rows: []dokploy.Deployment{a}, every: 500 * time.Millisecond, want: "- - - - - - - - - - a"},
		{rule: "hidden-queue-has-work", set: func(s *sight) { hidden(s); s.o.Running = []string{"web"} }, rows: []dokploy.Deployment{a}, every: 5 * time.Second, want: "- - - -"},
		{rule: "hidden-queue-has-work: a gap between two", set: hidden, rows: []dokploy.Deployment{a}, every: time.Second, want: "- - - - - a"},
		{rule: "hidden-two-candidates", set: hidden, rows: []dokploy.Deployment{a, b}, every: time.Second, want: "- - - - - ?"},
		{rule: "hidden-unconfirmed-candidate", set: func(s *sight) { hidden(s); s.open.unconfirmed = true }, rows: []dokploy.Deployment{a}, every: time.Second, want: "- - - - - ?"},
		{rule: "hidden-after-an-outage", set: func(s *sight) { hidden(s); s.o.Outages = 1 }, rows: []dokploy.Deployment{a}, every: time.Second, want: "- - - - - ?"},
		{rule: "hidden-candidate-evicted", set: func(s *sight) { hidden(s); s.begun = many(10, 1); s.fresh = s.begun }, rows: []dokploy.Deployment{a}, every: time.Second, want: "- - ?"},
	} {
		t.Run(x.rule, func(t *testing.T) {
			s := searching(x.set)
			if s.fresh == nil {
				s.fresh = x.rows
			}
			if s.begun == nil {
				s.begun = x.rows
			}
			if x.there {
				s.job = &dokploy.Job{ID: "job-1", ServiceID: "api"}
			}
			got := ""
			for i := 0; len(got) < len(x.want); i++ {
				s.candidates = x.rows
				said := "-"
				switch d := s.infer(); {
				case d == nil:
				case d.Ask != 0:
					said = fmt.Sprintf("asks %v", d.Ask)
				case d.End != nil && d.End.Reason.Kind == verdict.Ambiguous:
					said = "?"
				case s.held.row != nil:
					said = s.held.row.ID
				default:
					said = "pending"
				}
				if got += said; len(got) < len(x.want) {
					got += " "
				}
				s.o.At = s.o.At.Add(x.every)
			}
			if got != x.want {
				t.Errorf("%q, want %q", got, x.want)
			}
		})
	}
	s := searching(func(s *sight) { s.search.soleLooks = 2 })
	if s.infer(); s.search.soleLooks != 0 {
		t.Error("no-candidate: a candidate that was gone meanwhile counts on")
	}
}

// TestMissing: what it means that our deployment is in neither the queue nor
// the list.
func TestMissing(t *testing.T) {
	waits := &dokploy.Job{ID: "job-1", ServiceID: "api"}
	others := &dokploy.Queue{Jobs: []dokploy.Job{{ID: "job-9", ServiceID: "web", Active: true}}}
	beside := dokploy.Job{ID: "job-7", ServiceID: "web"}
	evicted := func(s *sight) {
		for i := range 10 {
			s.begun = append(s.begun, commit(string(rune('A'+i)), float64(i)))
		}
		s.fresh = s.begun
	}
	hidden := func(s *sight) {
		s.queue, s.o.Queue, s.o.Asked = QueueHidden, nil, Rows|Running
		s.search.idleSince = at(-1000)
	}
	for _, x := range []struct {
		rule  string
		set   func(*sight)
		queue *dokploy.Queue
		rows  []dokploy.Deployment
		want  verdict.Kind // empty: still pending
		asks  Need
	}{
		{rule: "gone-for-long-enough: too few looks", set: func(s *sight) { s.search.missingLooks = 0 }},
		{rule: "gone-for-long-enough: too short", set: func(s *sight) { s.search.missingSince = s.o.At }},
		{rule: "gone-for-long-enough: longer if it was never seen", set: func(s *sight) { s.search.missingSince = s.o.At.Add(-7 * time.Second) }},
		{rule: "gone-for-long-enough: it was seen", set: func(s *sight) { s.trail.seen, s.search.missingSince = waits, s.o.At.Add(-7*time.Second) }, want: verdict.ForgottenQueued},
		{rule: "gone-for-long-enough: it may be brought back after a restart", set: func(s *sight) { s.search.missingSince = s.o.At.Add(-12 * time.Second) }, queue: &dokploy.Queue{}},
		{rule: "gone-for-long-enough: a fault was just now", set: func(s *sight) { s.o.FaultAt = s.o.At.Add(-12 * time.Second) }, queue: &dokploy.Queue{}},
		{rule: "gone-for-long-enough: the worker is at work", set: func(s *sight) { s.search.missingSince = s.o.At.Add(-12 * time.Second) }, want: verdict.ShownNowhereAccepted},
		{rule: "gone-for-long-enough: a row has begun since", set: func(s *sight) {
			s.search.missingSince, s.search.firstList = s.o.At.Add(-12*time.Second), ids{}
			s.begun = []dokploy.Deployment{commit("a", 10)}
		}, queue: &dokploy.Queue{}, want: verdict.ShownNowhereAccepted},
		{rule: "gone-upload-is-unclear", set: func(s *sight) { s.order.Upload = true }, queue: &dokploy.Queue{Jobs: []dokploy.Job{{ID: "job-2", ServiceID: "api", Title: UploadTitle, Active: true}}}, want: verdict.WhichUpload},
		{rule: "gone-but-candidates", rows: []dokploy.Deployment{commit("a", 10)}, want: verdict.Ambiguous},
		{rule: "gone-but-candidates: one that was cancelled before it began is none", rows: []dokploy.Deployment{{ID: "a", Status: dokploy.StatusCancelled}}, set: func(s *sight) { s.trail.seen = waits }, want: verdict.ForgottenQueued},
		{rule: "gone-cancelled-by-restart", set: func(s *sight) { s.search.cancelled, s.trail.seen = true, &dokploy.Job{ID: "job-1", Active: true} }, want: verdict.CancelledByRestart},
		{rule: "gone-evicted", set: func(s *sight) { s.trail.seen = waits; evicted(s) }, want: verdict.PushedOut},
		{rule: "gone-removed-by-somebody", set: func(s *sight) { s.trail.seen, s.trail.stood.beside = waits, ids{beside.Key()} }, queue: &dokploy.Queue{Jobs: []dokploy.Job{beside}}, want: verdict.RemovedFromQueue},
		{rule: "gone-removed-by-somebody: a restart does not leave others", set: func(s *sight) { s.trail.seen, s.trail.stood.beside, s.o.Outages = waits, ids{beside.Key()}, 1 }, queue: &dokploy.Queue{Jobs: []dokploy.Job{beside}}, want: verdict.ForgottenQueued},
		{rule: "gone-removed-or-refused", set: func(s *sight) {
			s.trail.seen, s.trail.stood.beside, s.order.Remote = waits, ids{beside.Key()}, true
			s.o.Rows = make([]dokploy.Deployment, keptRows+1)
		}, queue: &dokploy.Queue{Jobs: []dokploy.Job{beside}}, want: verdict.TakenWithoutTrace},
		{rule: "gone-removed-or-refused: not where the list has room", set: func(s *sight) {
			s.trail.seen, s.trail.stood.beside, s.order.Remote = waits, ids{beside.Key()}, true
			s.o.Rows = make([]dokploy.Deployment, keptRows)
		}, queue: &dokploy.Queue{Jobs: []dokploy.Job{beside}}, want: verdict.RemovedFromQueue},
		{rule: "gone-while-queued", set: func(s *sight) { s.trail.seen = waits }, want: verdict.ForgottenQueued},
		{rule: "gone-in-a-restart", set: func(s *sight) { s.o.Outages = 1 }, want: verdict.ForgottenInRestart},
		{rule: "gone-without-a-trace", set: func(s *sight) { s.trail.seen = &dokploy.Job{ID: "job-1", Active: true} }, want: verdict.TakenWithoutTrace},
		{rule: "shown-nowhere", want: verdict.ShownNowhereAccepted},
		{rule: "hidden-asked-now-and-then", set: func(s *sight) { hidden(s); s.o.Asked = Rows }, asks: Running},
		{rule: "hidden-asked-now-and-then: just now", set: func(s *sight) { hidden(s); s.o.Asked = Rows; s.search.idleAsked = s.o.At.Add(-7 * time.Second) }},
		{rule: "hidden-evicted", set: func(s *sight) { hidden(s); evicted(s); s.search.idleSince = s.o.At.Add(-4 * time.Second) }, want: verdict.HiddenPushedOut},
		{rule: "hidden-evicted: a gap between two", set: func(s *sight) { hidden(s); evicted(s); s.search.idleSince = s.o.At.Add(-2 * time.Second) }},
		{rule: "hidden-unconfirmed", set: func(s *sight) {
			hidden(s)
			s.open.unconfirmed, s.search.idleSince = true, s.o.At.Add(-61*time.Second)
		}, want: verdict.HiddenUnconfirmed},
		{rule: "hidden-idle: not for that long", set: func(s *sight) { hidden(s); s.search.idleSince = s.o.At.Add(-119 * time.Second) }},
		{rule: "hidden-idle: an outage was just now", set: func(s *sight) { hidden(s); s.o.BackAt = s.o.At.Add(-119 * time.Second) }},
		{rule: "hidden-idle: something is built", set: func(s *sight) { hidden(s); s.o.Running = []string{"web"} }},
		{rule: "hidden-idle: what a restart left as running is nothing", set: func(s *sight) { hidden(s); s.o.Running, s.search.stuck = []string{"web"}, ids{"web"} }, want: verdict.HiddenIdle},
		{rule: "hidden-idle", set: hidden, want: verdict.HiddenIdle},
	} {
		t.Run(x.rule, func(t *testing.T) {
			s := searching(nil)
			s.o.Queue = others
			if x.queue != nil {
				s.o.Queue = x.queue
			}
			s.search.missingLooks, s.search.missingSince, s.candidates = 5, at(-3600), x.rows
			if x.set != nil {
				x.set(s)
			}
			d := s.missing()
			if d == nil {
				d = pending()
			}
			got := verdict.Kind("")
			if d.End != nil {
				got = d.End.Reason.Kind
			}
			if got != x.want || d.Ask != x.asks {
				t.Errorf("%q, asks %v; want %q, %v", got, d.Ask, x.want, x.asks)
			}
		})
	}
}

func TestStand(t *testing.T) {
	job := func(id, service string, on float64) dokploy.Job {
		j := dokploy.Job{ID: id, ServiceID: service, QueuedAt: at(0)}
		if on >= 0 {
			j.Active, j.ProcessedOn = true, at(on)
		}
		return j
	}
	remote := func(j dokploy.Job, server string) dokploy.Job {
		j.Remote, j.ServerID = true, server
		return j
	}
	ours := job("job-9", "api", -1)
	for _, c := range []struct {
		name   string
		queue  []dokploy.Job
		last   string // the active jobs at the look before
		bullMQ bool
		want   clue
	}{
		{"nothing else", []dokploy.Job{ours}, "", false, clue{from: at(7), exact: true}},
		{"one of its service builds", []dokploy.Job{job("job-1", "api", 3), ours}, "", false, clue{from: at(3), index: 1}},
		{"and one waits", []dokploy.Job{job("job-1", "api", 3), job("job-2", "api", -1), ours}, "", false, clue{from: at(3), index: 2}},
		{"what waits behind it does not count", []dokploy.Job{job("job-1", "api", 3), ours, job("job-10", "api", -1)}, "", false, clue{from: at(3), index: 1}},
		{"another builds: there may be a free place", []dokploy.Job{job("job-1", "web", 5), job("job-2", "api", -1), ours}, "", false, clue{from: at(7), index: 1, exact: true}},
		{"another builds, as at the look before", []dokploy.Job{job("job-1", "web", 5), job("job-2", "api", -1), ours}, "job-1@1800000000000", false, clue{from: at(7), index: 1}},
		{"another one than at the look before", []dokploy.Job{job("job-1", "web", 5), ours}, "job-0@1800000000000", false, clue{from: at(7), exact: true}},
		{"BullMQ builds one at a time", []dokploy.Job{remote(job("1", "web", 5), ""), ours}, "", true, clue{from: at(7)}},
		{"another server's line is another", []dokploy.Job{remote(job("job-1", "web", 5), "server-1"), ours}, "", false, clue{from: at(7), exact: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := stand(&dokploy.Queue{Jobs: c.queue}, &ours, standing{builds: c.last}, at(7), c.bullMQ)
			if got.clue != c.want {
				t.Errorf("%+v, want %+v", got.clue, c.want)
			}
		})
	}
}

// TestOrderOfTheQueue: which row follows from the order in the queue, and when
// the order says nothing.
func TestOrderOfTheQueue(t *testing.T) {
	row := func(id string, start float64, status string) dokploy.Deployment {
		return dokploy.Deployment{ID: id, StartedAt: at(start), Status: status, Description: "Commit: 1"}
	}
	a, b, c := row("a", 10, "done"), row("b", 11, "error"), row("c", 12, "done")
	var ten []dokploy.Deployment
	for i := range 10 {
		ten = append(ten, row(string(rune('A'+i)), 10+float64(i), "done"))
	}
	stood := func(from float64, index int, exact bool) standing {
		return standing{clue: clue{from: at(from), index: index, exact: exact}}
	}
	active := standing{clue: clue{from: at(9), index: 1}, active: 1}
	for _, x := range []struct {
		rule    string
		stood   standing
		latest  time.Time
		rows    []dokploy.Deployment
		before  string // existed while ours waited
		known   string
		foreign string
		later   string // came after the first look that did not find ours
		remote  bool
		others  bool
		want    string // "-": none yet, "?": cannot be told
	}{
		{rule: "the first", stood: stood(9, 0, false), rows: []dokploy.Deployment{a, b}, want: "a"},
		{rule: "the second", stood: stood(9, 1, false), rows: []dokploy.Deployment{a, b, c}, want: "b"},
		{rule: "order-not-that-far", stood: stood(9, 1, false), rows: []dokploy.Deployment{a}, want: "-"},
		{rule: "not from then on", stood: stood(10.5, 0, false), rows: []dokploy.Deployment{a, b}, want: "b"},
		{rule: "order-must-be-exact", stood: stood(9, 0, true), rows: []dokploy.Deployment{a, b}, want: "?"},
		{rule: "order-must-be-exact: it is", stood: stood(9, 1, true), rows: []dokploy.Deployment{a, b}, want: "b"},
		{rule: "one was there while ours waited", stood: stood(9, 0, true), rows: []dokploy.Deployment{a, b}, before: "a", want: "b"},
		{rule: "one is of the active job, which the order counts", stood: active, rows: []dokploy.Deployment{a, b}, before: "a", want: "b"},
		{rule: "order-names-anothers", stood: stood(9, 0, false), rows: []dokploy.Deployment{a, b}, foreign: "a", want: "?"},
		{rule: "order-names-anothers: it was there before", stood: active, rows: []dokploy.Deployment{a, b}, known: "b", want: "?"},
		{rule: "order-names-anothers: it came after ours was gone", stood: stood(9, 1, false), rows: []dokploy.Deployment{a, b}, later: "b", want: "?"},
		{rule: "order-while-ours-waited", stood: active, latest: at(11.5), rows: []dokploy.Deployment{a, b}, want: "?"},
		{rule: "order-over-a-restart", stood: active, rows: []dokploy.Deployment{row("a", 10, "cancelled"), b}, want: "?"},
		{rule: "order-without-a-time", rows: []dokploy.Deployment{a}, want: "?"},
		{rule: "order-evicted", stood: stood(9, 0, false), rows: ten, want: "?"},
		{rule: "order-of-a-remote-server: alone there", stood: stood(9, 0, false), rows: []dokploy.Deployment{a}, remote: true, want: "a"},
		{rule: "order-of-a-remote-server: a push to it", stood: stood(9, 0, false), rows: []dokploy.Deployment{a, b}, remote: true, want: "?"},
		{rule: "order-of-a-remote-server: others in the queue", stood: stood(9, 0, false), rows: []dokploy.Deployment{a}, remote: true, others: true, want: "?"},
	} {
		t.Run(x.rule, func(t *testing.T) {
			s := searching(func(s *sight) {
				s.order.Remote, s.search.others = x.remote, x.others
				s.trail.seen, s.trail.stood, s.trail.latest = &dokploy.Job{ID: "job-1"}, x.stood, x.latest
				s.begun, s.fresh = x.rows, x.rows
				s.search.before, s.search.notOurs, s.oldRows = ids{x.before}, ids{x.foreign}, ids{x.known}
				for _, id := range idsOf(x.rows) {
					if id != x.later {
						s.search.firstList = s.search.firstList.with(id)
					}
				}
			})
			got := "-"
			switch d := s.orderOfTheQueue(); {
			case d.End != nil:
				got = "?"
			case s.held.row != nil:
				got = s.held.row.ID
			case d != notYet:
				got = "pending"
			}
			if got != x.want {
				t.Errorf("%q, want %q", got, x.want)
			}
		})
	}
}

// Ours begins after everything that Dokploy had written while it waited.
func TestLatest(t *testing.T) {
	ours := dokploy.Job{ID: "job-3", ServiceID: "api", QueuedAt: at(1)}
	s := searching(nil)
	for _, x := range []struct {
		on, want float64
	}{{0, 1}, {4, 4}, {2, 4}} {
		s.remember(&dokploy.Queue{Jobs: []dokploy.Job{{ID: "job-1", ServiceID: "web", Active: true, ProcessedOn: at(x.on)}, ours}}, &ours)
		if !s.trail.latest.Equal(at(x.want)) {
			t.Errorf("%v, want %v", s.trail.latest, at(x.want))
		}
	}
	if !s.QueuedAt().Equal(at(1)) {
		t.Errorf("queued at %v", s.QueuedAt())
	}
	// If it was first seen after a restart, its time may come from a database.
	s = searching(func(s *sight) { s.o.Outages = 1 })
	s.remember(&dokploy.Queue{Jobs: []dokploy.Job{ours}}, &ours)
	if !s.trail.latest.IsZero() || !s.QueuedAt().IsZero() || !s.trail.clock.At(at(5)).IsZero() {
		t.Errorf("%v, %v, %v", s.trail.latest, s.QueuedAt(), s.trail.clock)
	}
}

// Rows of waiting deployments do not hide that newer ones may have pushed ours
// out.
func TestEvicted(t *testing.T) {
	s := searching(nil)
	for i := range keptRows {
		s.o.Rows = append(s.o.Rows, commit(string(rune('a'+i)), float64(10+i)))
	}
	s.o.Rows = append(s.o.Rows, dokploy.Deployment{ID: "q", Status: dokploy.StatusQueued})
	s.classify()
	if !s.mayBeEvicted(at(9)) || s.mayBeEvicted(at(11)) || !s.mayBeEvicted(time.Time{}) {
		t.Errorf("%v, %v, %v", s.mayBeEvicted(at(9)), s.mayBeEvicted(at(11)), s.mayBeEvicted(time.Time{}))
	}
}

// A place is reported where a person would read something else.
func TestPlace(t *testing.T) {
	job := func(id, service, server string, active bool) dokploy.Job {
		return dokploy.Job{ID: id, ServiceID: service, Active: active, Remote: server != "", ServerID: server}
	}
	ours := job("3", "api", "", false)
	q := &dokploy.Queue{Jobs: []dokploy.Job{job("1", "web", "", true), job("9", "far", "s1", true), job("2", "api", "", false), job("8", "far", "s1", false), ours, job("4", "x", "", false)}}
	p := PlaceOf(q, &ours)
	if p.Number != 2 || len(p.Building) != 1 || p.Building[0].ServiceID != "web" {
		t.Errorf("%+v", p)
	}
}
