package track

import (
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

const (
	// goneAfter is how long a job that was seen may be in neither the queue nor
	// the rows: on remote servers a row appears up to a second later.
	goneAfter = 5 * time.Second
	// neverAfter is the same for a job that was never seen in the queue.
	neverAfter = 10 * time.Second
	// comeback is how long Dokploy must have answered after a restart before a
	// missing job counts as lost: some servers restore their queue by
	// themselves, within a second or two.
	comeback = 15 * time.Second
	// idleAfter is how long a server with a hidden queue may be idle after a
	// trigger whose answer was lost, without a new deployment.
	idleAfter = time.Minute
	// askIdleEvery is how often to ask whether it is idle.
	askIdleEvery = 8 * time.Second
)

// neitherShown are the rules for when there is neither a job in the queue nor a
// row in the list.
var neitherShown = []rule{
	{"gone-for-long-enough", (*sight).notLongEnough},
	{"gone-upload-is-unclear", (*sight).goneUploadIsUnclear},
	{"gone-but-candidates", (*sight).goneButCandidates},
	{"gone-cancelled-by-restart", (*sight).goneCancelled},
	{"gone-evicted", (*sight).goneEvicted},
	{"gone-removed-or-refused", (*sight).goneOrRefused},
	{"gone-removed-by-somebody", (*sight).goneRemoved},
	{"gone-while-queued", (*sight).goneWhileQueued},
	{"gone-in-a-restart", (*sight).goneInARestart},
	{"gone-without-a-trace", (*sight).goneWithoutATrace},
	{"shown-nowhere", (*sight).shownNowhere},
}

// whileHidden are the rules for a hidden queue: what waits in it is invisible. A
// server that has been idle for long enough has lost it.
var whileHidden = []rule{
	{"hidden-asked-now-and-then", (*sight).askedJustNow},
	{"hidden-evicted", (*sight).unseenEvicted},
	{"hidden-unconfirmed", (*sight).unseenUnconfirmed},
	{"hidden-idle", (*sight).unseenIdle},
}

// missing: this look saw neither a job nor a row.
func (s *sight) missing() *Decision {
	f := &s.search
	if s.queue != QueueSeen {
		s.left, s.doing = verdict.NotBegun, DoingUnseen
		s.pace.Most = 3 * time.Second
		return s.first(whileHidden)
	}
	if f.missingSince.IsZero() {
		f.missingSince = s.o.At
	}
	if f.missingLooks++; f.missingLooks >= 3 { // it may be in neither between two requests
		s.left, s.doing = verdict.ShownNowhere, DoingMissing
	}
	return s.first(neitherShown)
}

func (s *sight) notLongEnough() *Decision {
	f := &s.search
	limit := goneAfter
	if s.trail.seen == nil {
		limit = neverAfter
	}
	if f.missingLooks < 3 || s.o.At.Sub(f.missingSince) < limit || !s.removed() && !s.atWork() && s.o.quiet(f.missingSince) < comeback {
		s.pace.Most = time.Second
		return pending()
	}
	return nil
}

// removed reports whether somebody removed our job from the queue: others that
// waited with it are still waiting. A restart removes all of them, cleaning a
// queue only those of one service.
func (s *sight) removed() bool {
	return s.trail.seen != nil && !s.trail.seen.Active && s.o.Outages == 0 &&
		slices.ContainsFunc(s.shown().Jobs, func(j dokploy.Job) bool { return s.trail.stood.beside.has(j.Key()) })
}

// atWork reports whether Dokploy's worker is running: a job is active, or a row
// started since ours was first missed. Jobs that a server restores after a
// restart are in its queue before that.
func (s *sight) atWork() bool {
	first := s.search.firstList
	return anyActive(s.shown()) || first != nil && slices.ContainsFunc(s.begun, func(row dokploy.Deployment) bool { return !first.has(row.ID) })
}

// goneUploadIsUnclear: a row may be what came back after a restart, or what
// somebody started in the dashboard.
func (s *sight) goneUploadIsUnclear() *Decision {
	if !s.order.Upload {
		return nil
	}
	late := s.search.nothingNew && slices.ContainsFunc(s.fresh, func(row dokploy.Deployment) bool { return s.order.mine(row.Title, row.Description) })
	return lostIf(late || len(s.uploadJobs(s.shown())) > 0, verdict.WhichUpload)
}

// goneButCandidates: one of them may be ours, so it is not certain that Dokploy
// lost it. A row that was cancelled before it started belongs to no deployment
// that ran.
func (s *sight) goneButCandidates() *Decision {
	ran := slices.DeleteFunc(slices.Clone(s.candidates), func(d dokploy.Deployment) bool { return d.Terminal() && d.StartedAt.IsZero() })
	if len(ran) > 0 {
		return ambiguous(ran)
	}
	return nil
}

func lostIf(is bool, k verdict.Kind) *Decision {
	if is {
		return lost(k)
	}
	return nil
}

func (s *sight) goneCancelled() *Decision {
	return lostIf(s.search.cancelled, verdict.CancelledByRestart)
}

func (s *sight) goneEvicted() *Decision {
	return lostIf(s.mayBeEvicted(time.Time{}), verdict.PushedOut)
}

// goneOrRefused: a server that refuses SSH leaves no row while the list is full, so
// that ours may have had its turn.
func (s *sight) goneOrRefused() *Decision {
	return lostIf(s.removed() && s.order.Remote && len(s.o.Rows) > keptRows, verdict.TakenWithoutTrace)
}

func (s *sight) goneRemoved() *Decision { return lostIf(s.removed(), verdict.RemovedFromQueue) }

func (s *sight) goneWhileQueued() *Decision {
	return lostIf(s.trail.seen != nil && !s.trail.seen.Active, verdict.ForgottenQueued)
}

func (s *sight) goneInARestart() *Decision {
	return lostIf(s.o.Outages > 0, verdict.ForgottenInRestart)
}

func (s *sight) goneWithoutATrace() *Decision {
	return lostIf(s.trail.seen != nil, verdict.TakenWithoutTrace)
}

func (s *sight) shownNowhere() *Decision { return lost(verdict.ShownNowhereAccepted) }

func (s *sight) askedJustNow() *Decision {
	f := &s.search
	if s.o.Start.Sub(f.idleAsked) < askIdleEvery {
		return pending()
	}
	f.idleAsked = s.o.At
	return s.need(Running)
}

func (s *sight) unseenEvicted() *Decision {
	return lostIf(s.idle() >= gapAfter && s.mayBeEvicted(time.Time{}), verdict.HiddenPushedOut)
}

func (s *sight) unseenUnconfirmed() *Decision {
	if s.open.unconfirmed && s.idle() >= idleAfter {
		return end(verdict.Reason{Kind: verdict.HiddenUnconfirmed, For: idleAfter})
	}
	return nil
}

func (s *sight) unseenIdle() *Decision {
	if s.idle() >= secondRun && s.o.At.Sub(s.o.BackAt) >= secondRun {
		return end(verdict.Reason{Kind: verdict.HiddenIdle, For: secondRun})
	}
	return nil
}
