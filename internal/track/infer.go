package track

import (
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// gapAfter is how long no service may show as running between two deployments
// in one queue: on a remote server a row ends up to a second before its job,
// and appears up to a second after it (docs/dokploy.md, Remote servers).
const gapAfter = 3 * time.Second

// notYet: the rows do not show ours yet, and nothing more can be concluded from
// them.
var notYet = &Decision{}

// inferring are the rules for when the marker is gone: they use new ids, the
// server's own times and the order of the queue, each with its doubts.
var inferring = []rule{
	{"its-row-was-seen", (*sight).itsRowWasSeen},
	{"no-candidate", (*sight).noCandidate},
	{"not-in-the-first-list", (*sight).notInFirstList},
	{"first-row-since-the-job", (*sight).firstSinceTheJob},
	{"in-the-queue-still", (*sight).inTheQueueStill},
	{"restart-before-it-was-found", (*sight).restartBeforeFound},
	{"order-of-the-queue", (*sight).orderOfTheQueue},
	{"only-candidate", (*sight).onlyCandidate},
}

// sinceTheJob are the doubts if the job was seen active.
var sinceTheJob = []rule{
	{"remote-still-active", (*sight).remoteStillActive},
	{"none-since-the-job", (*sight).noneYet},
	{"job-evicted", (*sight).evictedSince},
	{"job-may-have-run-twice", (*sight).mayHaveRunTwice},
	{"row-too-late", (*sight).tooLate},
	{"another-came-first", (*sight).anotherCameFirst},
	{"remote-side-by-side", (*sight).sideBySide},
	{"remote-over-a-restart", (*sight).remoteOverARestart},
}

// inOrder are the doubts if the job was last seen waiting.
var inOrder = []rule{
	{"order-without-a-time", (*sight).withoutATime},
	{"order-evicted", (*sight).evictedSince},
	{"order-of-a-remote-server", (*sight).noLineThere},
	{"order-not-that-far", (*sight).noneYet},
	{"order-must-be-exact", (*sight).notExact},
	{"order-names-anothers", (*sight).namesAnothers},
	{"order-while-ours-waited", (*sight).whileOursWaited},
	{"order-over-a-restart", (*sight).overARestart},
}

// soleCandidate are the doubts if the job was never seen, and soleHidden those if
// the queue is hidden as well.
var (
	soleCandidate = []rule{
		{"two-candidates", (*sight).twoCandidates},
		{"three-looks-agree", (*sight).threeLooks},
		{"unconfirmed-candidate", (*sight).unconfirmed},
		{"only-candidate-evicted", (*sight).evictedSinceTrigger},
	}
	soleHidden = []rule{
		{"hidden-three-looks-agree", (*sight).threeLooksInTwoSeconds},
		{"hidden-queue-has-work", (*sight).hasWork},
		{"hidden-two-candidates", (*sight).twoCandidates},
		{"hidden-unconfirmed-candidate", (*sight).unconfirmed},
		{"hidden-after-an-outage", (*sight).afterAnOutage},
		{"hidden-candidate-evicted", (*sight).evictedSinceTrigger},
	}
)

// infer decides by what is left when the marker is gone. It never guesses.
func (s *sight) infer() *Decision {
	s.eligible = s.candidates
	if d := s.first(inferring); d != notYet {
		return d
	}
	return nil
}

// unless takes the guessed row as ours if there is no doubt.
func (s *sight) unless(doubts []rule) *Decision {
	if d := s.first(doubts); d != nil {
		return d
	}
	return s.claim(s.guess.row)
}

// itsRowWasSeen: its id is known, so no row without a text is ours. If it was
// cancelled before it started, or has been missing since a restart, one of them
// may be a second run.
func (s *sight) itsRowWasSeen() *Decision {
	if s.search.itsRow != "" {
		return notYet
	}
	return nil
}

func (s *sight) noCandidate() *Decision {
	if len(s.eligible) > 0 {
		return nil
	}
	s.search.soleLooks = 0
	return notYet
}

// firstSinceTheJob: the first row that started after our job did. Both times
// are by the clock of one process, so no tolerance is needed. Deployments of
// one service run one after the other, except for a Git webhook's on a remote
// server (docs/dokploy.md, Remote servers).
func (s *sight) firstSinceTheJob() *Decision {
	if s.trail.seen == nil || s.trail.seen.ProcessedOn.IsZero() {
		return nil
	}
	s.guess = clue{from: s.trail.seen.ProcessedOn, within: rowAfter}.of(s.eligible)
	return s.unless(sinceTheJob)
}

// remoteStillActive: a Git webhook's deployment may run beside ours, whose row
// is still to come.
func (s *sight) remoteStillActive() *Decision {
	if s.order.Remote && s.job != nil {
		return notYet
	}
	return nil
}

func (s *sight) noneYet() *Decision {
	if s.guess.row == nil {
		return notYet
	}
	return nil
}

// evictedSince: newer rows may have pushed ours out.
func (s *sight) evictedSince() *Decision { return s.doubt(s.mayBeEvicted(s.guess.from)) }

func (s *sight) doubt(is bool) *Decision {
	if is {
		return ambiguous(s.guess.since)
	}
	return nil
}

// mayHaveRunTwice: BullMQ does so after a restart.
func (s *sight) mayHaveRunTwice() *Decision {
	return s.doubt(len(s.guess.since) > 1 && s.o.Outages > 0 && s.order.Traits.QueueSurvivesRestart)
}

func (s *sight) tooLate() *Decision {
	if s.guess.late() && s.job != nil {
		return notYet // BullMQ will run it again
	}
	return s.doubt(s.guess.late())
}

// anotherCameFirst: another row came right after the job, and ours has left
// none.
func (s *sight) anotherCameFirst() *Decision {
	return s.doubt(!s.order.Remote && clue{from: s.guess.from}.of(s.fresh).row.ID != s.guess.row.ID)
}

func (s *sight) sideBySide() *Decision {
	since := s.guess.since
	return s.doubt(len(since) > 1 && s.order.Remote && (s.order.Commit != "" || since[1].StartedAt.Sub(since[0].StartedAt) < 2*time.Second))
}

// remoteOverARestart: it may have removed ours before it had a row, and left
// the row of a webhook's that ran beside it.
func (s *sight) remoteOverARestart() *Decision { return s.doubt(s.order.Remote && s.restarted()) }

func (s *sight) inTheQueueStill() *Decision {
	if s.job != nil {
		return notYet
	}
	return nil
}

// restartBeforeFound: it may have removed ours and left another's; or ours
// comes back.
func (s *sight) restartBeforeFound() *Decision {
	if s.queue != QueueSeen || !s.restarted() {
		return nil
	}
	s.search.soleLooks = 0
	return notYet
}

// notInFirstList: a job that has left the queue has a row. If ours is among the
// rows, later ones are another's; that does not prove that ours is gone.
func (s *sight) notInFirstList() *Decision {
	if s.queue != QueueSeen || s.search.firstList == nil {
		return nil
	}
	s.eligible = slices.DeleteFunc(slices.Clone(s.candidates), func(d dokploy.Deployment) bool { return !s.search.firstList.has(d.ID) })
	return s.noCandidate()
}

// orderOfTheQueue: the job was last seen waiting, and what started since then
// came in the order of the queue.
func (s *sight) orderOfTheQueue() *Decision {
	if s.trail.seen == nil {
		return nil
	}
	stood := s.trail.stood
	// Rows from before the trigger started before it. But one may belong to an
	// active job, which the order counts.
	rows := slices.DeleteFunc(slices.Clone(s.begun), func(row dokploy.Deployment) bool {
		return stood.active == 0 && (s.oldRows.has(row.ID) || s.search.before.has(row.ID))
	})
	s.guess = stood.of(rows)
	return s.unless(inOrder)
}

func (s *sight) withoutATime() *Decision {
	if s.guess.from.IsZero() {
		return ambiguous(s.fresh)
	}
	return nil
}

// noLineThere: a Git webhook's deployment to a remote server is not in that
// server's queue, and one that is refused by SSH may leave no row
// (docs/dokploy.md, Remote servers).
func (s *sight) noLineThere() *Decision {
	n := len(s.guess.since)
	return s.doubt(s.order.Remote && n > 0 && (s.search.others || n > s.guess.index+1))
}

func (s *sight) notExact() *Decision {
	return s.doubt(s.guess.exact && len(s.guess.since) > s.guess.index+1)
}

func (s *sight) namesAnothers() *Decision {
	id := s.guess.row.ID
	return s.doubt(s.isOld(s.guess.row) || !s.search.firstList.has(id))
}

// whileOursWaited: BullMQ reran another one.
func (s *sight) whileOursWaited() *Decision {
	return s.doubt(s.guess.row.StartedAt.Before(s.trail.latest))
}

// overARestart: a restart removes what waits, or reruns what it cancelled.
func (s *sight) overARestart() *Decision {
	return s.doubt(slices.ContainsFunc(s.guess.since[:s.guess.index], func(d dokploy.Deployment) bool { return d.Status == dokploy.StatusCancelled }))
}

// onlyCandidate: there is one new row, and nothing is known of the job. Another
// row may still appear, so several looks must agree.
func (s *sight) onlyCandidate() *Decision {
	f := &s.search
	s.guess = clue{exact: true}.of(s.eligible)
	if f.soleLooks++; f.soleLooks == 1 {
		f.soleSince, f.workAsked = s.o.At, time.Time{}
	}
	if s.queue == QueueSeen {
		return s.unless(soleCandidate)
	}
	// What waits in a hidden queue shows its marker later.
	return s.unless(soleHidden)
}

func (s *sight) twoCandidates() *Decision { return s.doubt(len(s.guess.since) > 1) }

func (s *sight) threeLooks() *Decision {
	if s.search.soleLooks < 3 {
		return notYet
	}
	return nil
}

func (s *sight) threeLooksInTwoSeconds() *Decision {
	if s.o.At.Sub(s.search.soleSince) < 2*time.Second {
		return notYet
	}
	return s.threeLooks()
}

// unconfirmed: it is unknown whether ours exists at all.
func (s *sight) unconfirmed() *Decision { return s.doubt(s.open.unconfirmed) }

func (s *sight) evictedSinceTrigger() *Decision { return s.doubt(s.mayBeEvicted(time.Time{})) }

func (s *sight) afterAnOutage() *Decision { return s.doubt(s.o.Outages > 0) }

// hasWork: ours may still be waiting, but only while something is being built.
// Only these looks, one per second, count: between looks that are farther
// apart, much can be built.
func (s *sight) hasWork() *Decision {
	s.pace.Most = time.Second
	s.left = verdict.MaybeOurs
	if d := s.need(Running); d != nil {
		return d
	}
	if s.search.workAsked.IsZero() {
		s.search.workAsked = s.o.At
	}
	if min(s.idle(), s.o.At.Sub(s.search.workAsked)) < gapAfter && !s.mayBeEvicted(time.Time{}) {
		return notYet
	}
	return nil
}

// idle returns how long Dokploy has been idle. If that is longer than the gap
// between two deployments, nothing is waiting in its queue either.
func (s *sight) idle() time.Duration {
	f := &s.search
	switch {
	case s.busy(s.o.Running), s.newRowRuns():
		f.idleSince = time.Time{}
		return 0
	case f.idleSince.IsZero():
		f.idleSince = s.o.At
	}
	return s.o.At.Sub(f.idleSince)
}

// newRowRuns reports whether a new row of the service shows as running: another
// one that ran beside it may have overwritten the service's status. A restart
// since the trigger may have left the row so, on a server that does that.
func (s *sight) newRowRuns() bool {
	mayBeLeft := s.order.Traits.LeavesRowsRunning && s.o.Outages > 0
	return !mayBeLeft && slices.ContainsFunc(s.fresh, func(row dokploy.Deployment) bool { return row.Status == dokploy.StatusRunning })
}

// busy reports whether a service is deploying that is not stuck.
func (s *sight) busy(running []string) bool {
	return slices.ContainsFunc(running, func(id string) bool { return !s.search.stuck.has(id) })
}
