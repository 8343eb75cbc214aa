package track

import (
	"slices"

	"dokploy-deploy/internal/dokploy"
)

// rule is one of a table's: what it concludes, or nil, and then the next is
// tried. A table holds each rule in a line of its own, which internal/rules takes
// away.
type rule struct {
	name string
	try  func(*sight) *Decision
}

// sight is a state while one look is judged: what is to become of it, and what
// the look shows.
type sight struct {
	State
	o Observation

	itsPreview *dokploy.Preview     // the pull request's; nil: it is not listed, or was not asked for
	job        *dokploy.Job         // ours, in the queue; nil: it is not there
	begun      []dokploy.Deployment // the rows that have begun, by their start
	fresh      []dokploy.Deployment // those of them that were not there before
	ours       *dokploy.Deployment  // the row that shows the marker
	candidates []dokploy.Deployment // rows that may be ours
	eligible   []dokploy.Deployment // those of them that ours can be told among
	guess      guess

	listed     bool                 // the held row is there
	inQueue    bool                 // the job of a second run is
	waitsAgain bool                 // it, or its row, waits
	unsure     []dokploy.Deployment // rows that may be of a second run

	told    []Event
	now     bool // look again at once
	restart bool // the pauses begin again
	waits   bool
}

// See judges a look. It is a pure function: the same state and observation give
// the same answer, and the old state stays what it was.
func (s State) See(o Observation) (State, Decision) {
	look := &sight{State: s, o: o}
	look.pickPreview()
	var d Decision
	if judged := look.judge(); judged != nil {
		d = *judged
	}
	if d.Ask != 0 {
		return s, d
	}
	d.Pace = look.pace
	d.Pace.Now, d.Pace.Restart = look.now, look.restart
	d.Left, d.Doing, d.Place, d.Waits = look.left, look.doing, look.place, look.waits
	d.Tell, d.Held, d.Preview = look.told, look.held.row, look.itsPreview
	return look.State, d
}

func (s *sight) judge() *Decision {
	switch s.phase {
	case Awaited:
		return s.await()
	case Sent:
		return s.showsBesideItsTrigger()
	case Open:
		return s.resolve()
	case Accepted:
		return s.find()
	case Held:
		return s.follow()
	case Confirming:
		return s.confirm()
	}
	return s.lookForSecondRun()
}

func (s *sight) first(rules []rule) *Decision {
	for _, r := range rules {
		if d := r.try(s); d != nil {
			return d
		}
	}
	return nil
}

// pending says that nothing is known yet: the next look comes.
func pending() *Decision { return &Decision{} }

// want asks for something that a look does without if it cannot be had.
func (s *sight) want(n Need) *Decision {
	if s.o.Asked&n == 0 {
		return &Decision{Ask: n}
	}
	return nil
}

// need asks for something without which a look has failed.
func (s *sight) need(n Need) *Decision {
	if d := s.want(n); d != nil {
		return d
	}
	if !s.o.has(n) {
		return &Decision{Fault: true}
	}
	return nil
}

func (s *sight) tell(e Event) { s.told = append(s.told, e) }

// needQueue asks for the queue where it is not hidden.
func (s *sight) needQueue() *Decision {
	if s.queue == QueueHidden {
		return nil
	}
	if d := s.want(Queue); d != nil {
		return d
	}
	if s.o.Failed&Queue != 0 && s.o.NoQueue && s.queue == QueueUntried {
		s.queue = QueueHidden
		return nil
	}
	if d := s.need(Queue); d != nil {
		return d
	}
	s.queue = QueueSeen
	return nil
}

// shown is the queue of this look; nil: it was not asked for, or is hidden.
func (s *sight) shown() *dokploy.Queue {
	if !s.o.has(Queue) {
		return nil
	}
	return s.o.Queue
}

func anyActive(q *dokploy.Queue) bool {
	return q != nil && slices.ContainsFunc(q.Jobs, func(j dokploy.Job) bool { return j.Active })
}
