package track

import (
	"time"

	"dokploy-deploy/internal/verdict"
)

const (
	// A request that was cut off has arrived within this time, or never will.
	// One whose caller gave up may still be on its way.
	cutOffFor = 6 * time.Second
	gaveUpFor = 20 * time.Second
	// uploadFor is longer, because an upload is unpacked first.
	uploadFor = time.Minute
	// redisFor is how long to look for a trigger without an answer if it may be
	// held up: Redis took 17 s to be usable again.
	redisFor = 2 * time.Minute
)

// opened is remembered about a trigger whose answer was lost.
type opened struct {
	unconfirmed bool      // the answer was lost and its marker was not seen
	gaveUp      bool      // the caller gave up waiting for the answer
	takenAt     time.Time // our clock, when Dokploy accepted it; zero: not known closely
	since       time.Time // since when Dokploy has been answering again
	looks       int
}

// opening are the rules that find out whether Dokploy has the trigger.
var opening = []rule{
	{"hidden-counts-as-taken", (*sight).hiddenCountsAsTaken},
	{"job-shows", (*sight).openJob},
	{"row-shows", (*sight).openRow},
	{"maybe-its-commit", (*sight).openCommit},
	{"not-taken-takes-time", (*sight).openTooShort},
	{"may-be-held-back", (*sight).redisDelay},
	{"not-taken", (*sight).notTaken},
}

func (s *sight) resolve() *Decision {
	d := s.first(opening)
	if d.Fault {
		s.open.since, s.open.looks = time.Time{}, 0
	}
	return d
}

// hiddenCountsAsTaken: with a hidden queue the trigger is not repeated.
func (s *sight) hiddenCountsAsTaken() *Decision {
	wasHidden := s.queue == QueueHidden
	if d := s.needQueue(); d != nil {
		if d.Fault && s.queue == QueueUntried {
			return s.blocked()
		}
		return d
	}
	if s.queue != QueueHidden {
		return nil
	}
	if wasHidden {
		s.tell(Event{Kind: TakenUnseen})
	}
	return s.took()
}

func (s *sight) took() *Decision {
	s.accept()
	return &Decision{Took: TookYes}
}

func (s *sight) openJob() *Decision {
	s.noteActives(s.shown())
	job := s.ourJob(s.shown())
	if job == nil {
		return nil
	}
	s.remember(s.shown(), job)
	s.open.unconfirmed = false
	return s.took()
}

func (s *sight) openRow() *Decision {
	if d := s.need(Rows); d != nil {
		return d
	}
	s.classify()
	if s.search.itsRow != "" { // its marker was seen, now or at a look whose queue failed
		s.open.unconfirmed = false
		return s.took()
	}
	lookalikes := s.order.Baseline.Lookalikes // others', whose rows are still to come
	for i := range s.o.Rows {
		row := &s.o.Rows[i]
		if s.oldRows.has(row.ID) || !s.order.mine(row.Title, row.Description) {
			continue
		}
		if s.order.Upload && lookalikes > 0 {
			lookalikes--
			continue
		}
		s.open.unconfirmed = false
		return s.took()
	}
	return nil
}

// openCommit: a row may be ours, over too fast to show the marker. Then it is
// not certain that Dokploy does not have the trigger.
func (s *sight) openCommit() *Decision {
	if len(s.candidates) > 0 && !s.order.Upload {
		return s.took()
	}
	return nil
}

// openTooShort: it may be on its way, or Dokploy may have restarted and bring
// it back.
func (s *sight) openTooShort() *Decision {
	if s.open.since.IsZero() {
		s.open.since = s.o.At
	}
	window := cutOffFor
	switch {
	case s.order.Upload:
		window = uploadFor
	case s.mayBeHeld():
		window = redisFor
	case s.open.gaveUp:
		window = gaveUpFor
	}
	s.open.looks++
	if s.open.looks < 3 || s.o.At.Sub(s.open.since) < window || !anyActive(s.shown()) && s.o.quiet(s.open.since) < comeback {
		return pending()
	}
	return nil
}

// mayBeHeld: BullMQ without its Redis accepts a trigger, does not answer, and
// runs it when Redis is back (before 0.29.9; docs/dokploy.md, Triggers).
func (s *sight) mayBeHeld() bool { return s.open.gaveUp && s.order.Traits.QueueSurvivesRestart }

func (s *sight) redisDelay() *Decision { return lostIf(s.mayBeHeld(), verdict.HeldByRedis) }

func (s *sight) notTaken() *Decision {
	s.open.unconfirmed = false
	return &Decision{Took: TookNot}
}
