package track

import (
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// Phase is what is known of a trigger.
type Phase int

// The phases, in the order in which they come.
const (
	// Awaited: nothing was sent, and Dokploy has started none for the commit yet.
	Awaited Phase = iota
	Sent
	Open
	Accepted
	Held
	Confirming
	Again
)

// State is what is known of an order by now. It is a value: what is in it is
// replaced, and never changed in its place.
type State struct {
	order       Order
	phase       Phase
	queue       QueueAccess
	queueErrors int // looks at which only the queue could not be read
	known       ids // rows that were there before, and those that were held

	// What is told of it between the looks.
	left  verdict.Left
	doing Doing
	place Place
	pace  Pace

	preview previewing
	awaited awaited
	trail   trail
	open    opened
	finding search
	held    holding
	again   rerun
}

// trail is what was seen of our job in the queue.
type trail struct {
	seen     *dokploy.Job // as last seen; nil: never
	outages  int          // when it was last seen
	activeAt time.Time    // our clock, when it was last seen active
	stood    standing     // when it was last seen waiting
	latest   time.Time    // the newest time that Dokploy had written while it still waited
	queuedAt time.Time    // when Dokploy's process queued it; zero: not known
	clock    Clock
}

// ids are names, each once. Adding one makes a new list.
type ids []string

func (s ids) has(id string) bool { return slices.Contains(s, id) }

func (s ids) with(more ...string) ids {
	for _, id := range more {
		if !s.has(id) {
			s = append(slices.Clip(s), id)
		}
	}
	return s
}

func idsOf(rows []dokploy.Deployment) ids {
	s := make(ids, 0, len(rows))
	for i := range rows {
		s = append(s, rows[i].ID)
	}
	return s
}

// Begin is the state of an order that has just been sent.
func Begin(o Order) State {
	s := State{order: o, queue: o.Queue, known: ids(o.Baseline.Rows).with()}
	s.enter(Sent)
	if o.Commit != "" {
		s.enter(Awaited)
		s.left = verdict.NoneYet
	}
	return s
}

// Answered is the state after the answer to the trigger, or instead of one.
func (s State) Answered(a Answer) State {
	s.open.takenAt = a.At
	if a.Kind == Taken {
		s.accept()
		return s
	}
	// Until the marker is seen, it is not known that Dokploy has it.
	s.open.unconfirmed, s.open.gaveUp = true, a.Kind == GaveUp
	s.enter(Open)
	return s
}

func (s *State) accept() {
	s.left = verdict.QueuedThere
	s.enter(Accepted)
}

// paces are how soon the phases look again.
var paces = map[Phase]Pace{
	Awaited: {First: 500 * time.Millisecond, Most: 3 * time.Second},
	Sent:    {First: 300 * time.Millisecond, Most: 300 * time.Millisecond},
	// Often: a Git source that builds fast shows its marker for a moment only.
	Open: {First: 100 * time.Millisecond, Most: 500 * time.Millisecond},
	// A row appears 140 to 330 ms after the call (docs/dokploy.md, Deployment rows).
	Accepted:   {First: 80 * time.Millisecond, Most: 2 * time.Second},
	Held:       {First: 2500 * time.Millisecond, Most: 20 * time.Second, Log: true},
	Confirming: {First: 2500 * time.Millisecond, Most: 20 * time.Second, Log: true},
	// A Git source that builds fast shows its marker only so long.
	Again: {First: time.Second, Most: time.Second},
}

func (s *State) enter(p Phase) { s.phase, s.pace = p, paces[p] }

// Phase is the state's.
func (s State) Phase() Phase { return s.phase }

// Queue says whether the queue can be read.
func (s State) Queue() QueueAccess { return s.queue }

// Unconfirmed reports whether the answer to the trigger was lost and its marker
// has not been seen.
func (s State) Unconfirmed() bool { return s.open.unconfirmed }

// Marked reports whether a description carries a marker of the order.
func (s State) Marked(description string) bool { return s.order.Marked(description) }

// QueuedAt is when Dokploy's process queued it; zero: not known.
func (s State) QueuedAt() time.Time { return s.trail.queuedAt }

// Left is what goes on in Dokploy.
func (s State) Left() verdict.Left { return s.left }

// Row is the row that is held; nil: none is.
func (s State) Row() *dokploy.Deployment { return s.held.row }

// Clock is that of Dokploy's process, carried on by ours. The zero value is none.
type Clock struct {
	theirs, ours time.Time // of one moment
}

// At is Dokploy's time at a moment of ours; zero: not known.
func (c Clock) At(ours time.Time) time.Time {
	if c.theirs.IsZero() || c.ours.IsZero() {
		return time.Time{}
	}
	return c.theirs.Add(ours.Sub(c.ours))
}

// Pace is how soon to look at first.
func (s State) Pace() Pace { return s.pace }
