package track

import (
	"slices"

	"dokploy-deploy/internal/dokploy"
)

// rule is a row of a table: it returns a conclusion, or nil, and then the next
// rule is tried. Each rule is on a line of its own, so that internal/rules can
// take it away.
type rule struct {
	name string
	try  func(*sight) *Decision
}

// sight is a state while a look is judged: what it will become, and what the
// look shows.
type sight struct {
	State
	o Observation

	itsPreview *dokploy.Preview     // the pull request's; nil: not listed, or not asked for
	job        *dokploy.Job         // ours, in the queue; nil: not there
	begun      []dokploy.Deployment // rows that have started, by their start
	fresh      []dokploy.Deployment // those of begun that were not there before
	ours       *dokploy.Deployment  // the row with the marker
	candidates []dokploy.Deployment // rows that may be ours
	eligible   []dokploy.Deployment // those of candidates that ours is chosen from
	guess      guess

	listed     bool                 // the held row is listed
	jobQueued  bool                 // the job of a second run is in the queue
	waitsAgain bool                 // it, or its row, is waiting
	unsure     []dokploy.Deployment // rows that may be a second run's

	told    []Event
	now     bool // look again immediately
	restart bool // pauses start again
	waits   bool
}

// See judges a look. It is a pure function: the same state and observation give
// the same result, and the old state is unchanged.
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
		return s.watchRow()
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

// pending says that nothing is known yet.
func pending() *Decision { return &Decision{} }

// want requests something that the look can do without.
func (s *sight) want(n Need) *Decision {
	if s.o.Asked&n == 0 {
		return &Decision{Ask: n}
	}
	return nil
}

// need requests something without which the look fails.
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

// needQueue requests the queue unless it is hidden.
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

// shown returns this look's queue; nil: not requested, or hidden.
func (s *sight) shown() *dokploy.Queue {
	if !s.o.has(Queue) {
		return nil
	}
	return s.o.Queue
}

func anyActive(q *dokploy.Queue) bool {
	return q != nil && slices.ContainsFunc(q.Jobs, func(j dokploy.Job) bool { return j.Active })
}
