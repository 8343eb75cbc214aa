package track

import (
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// Phase is the stage that an order is in.
type Phase int

// The phases, in order.
const (
	// Awaited: nothing was sent, and Dokploy has not started a deployment of
	// the commit.
	Awaited Phase = iota
	Sent
	Open
	Accepted
	Held
	Confirming
	Again
)

// State is what is known about an order so far. It is a value: its parts are
// replaced, never changed in place.
type State struct {
	order       Order
	phase       Phase
	queue       QueueAccess
	queueErrors int // looks at which only the queue could not be read
	oldRows     ids // rows that were there before, and those that were held

	// Reported between looks.
	left  verdict.Left
	doing Doing
	place Place
	pace  Pace

	preview previewing
	awaited awaited
	trail   trail
	open    opened
	search  search
	held    holding
	again   rerun
}

// trail is what was seen of our job in the queue.
type trail struct {
	seen     *dokploy.Job // as last seen; nil: never
	outages  int          // when it was last seen
	twin     bool         // another that looks like it was queued within a moment of it
	activeAt time.Time    // our clock, when it was last seen active
	stood    standing     // when it was last seen waiting
	latest   time.Time    // the newest time that Dokploy had written while it was still waiting
	queuedAt time.Time    // when Dokploy's process queued it; zero: unknown
	clock    Clock
}

// ids is a set of ids. Adding one creates a new slice.
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

// Begin returns the state of an order that was just sent.
func Begin(o Order) State {
	s := State{order: o, queue: o.Queue, oldRows: ids(o.Baseline.Rows).with()}
	s.enter(Sent)
	if o.Commit != "" {
		s.enter(Awaited)
		s.left = verdict.NoneYet
	}
	return s
}

// Answered returns the state after the trigger's answer, or after the lack of
// one.
func (s State) Answered(a Answer) State {
	s.open.takenAt = a.At
	if a.Kind == Taken {
		s.accept()
		return s
	}
	// Until the marker is seen, it is unknown whether Dokploy has it.
	s.open.unconfirmed, s.open.gaveUp = true, a.Kind == GaveUp
	s.enter(Open)
	return s
}

func (s *State) accept() {
	s.left = verdict.QueuedThere
	s.enter(Accepted)
}

// paces says how soon each phase looks again.
var paces = map[Phase]Pace{
	Awaited: {First: 500 * time.Millisecond, Most: 3 * time.Second},
	Sent:    {First: 300 * time.Millisecond, Most: 300 * time.Millisecond},
	// Often: a Git source that builds fast shows its marker only for a moment.
	Open: {First: 100 * time.Millisecond, Most: 500 * time.Millisecond},
	// A row appears 140 to 330 ms after the call (docs/dokploy.md, Deployment rows).
	Accepted:   {First: 80 * time.Millisecond, Most: 2 * time.Second},
	Held:       {First: 2500 * time.Millisecond, Most: 20 * time.Second, Log: true},
	Confirming: {First: 2500 * time.Millisecond, Most: 20 * time.Second, Log: true},
	// A Git source that builds fast shows its marker only this long.
	Again: {First: time.Second, Most: time.Second},
}

func (s *State) enter(p Phase) { s.phase, s.pace = p, paces[p] }

// Phase returns the phase.
func (s State) Phase() Phase { return s.phase }

// Queue says whether the queue can be read.
func (s State) Queue() QueueAccess { return s.queue }

// Unconfirmed reports whether the trigger's answer was lost and its marker has
// not been seen.
func (s State) Unconfirmed() bool { return s.open.unconfirmed }

// Marked reports whether a description contains a marker of the order.
func (s State) Marked(description string) bool { return s.order.Marked(description) }

// QueuedAt returns when Dokploy's process queued it; zero: unknown.
func (s State) QueuedAt() time.Time { return s.trail.queuedAt }

// Clock is the clock of Dokploy's process, extrapolated with ours. The zero
// value is unknown.
type Clock struct {
	theirs, ours time.Time // of the same moment
}

// At returns Dokploy's time at a moment of our clock; zero: unknown.
func (c Clock) At(ours time.Time) time.Time {
	if c.theirs.IsZero() || c.ours.IsZero() {
		return time.Time{}
	}
	return c.theirs.Add(ours.Sub(c.ours))
}

// Pace returns how soon the first look comes.
func (s State) Pace() Pace { return s.pace }
