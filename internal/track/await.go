package track

import (
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// awaited is remembered while Dokploy has not started a deployment of the
// commit.
type awaited struct {
	idle   time.Duration // hidden queue: how long no service has been deploying
	idleAt time.Time     // our clock, when that was last seen; zero: a service was deploying
	asked  time.Time     // our clock, when it was last asked for
}

// awaiting are the rules that find the deployment of a commit: the newest one
// at the time it is first found.
var awaiting = []rule{
	{"no-preview", (*sight).noPreview},
	{"two-commits", (*sight).twoCommits},
	{"push-in-the-queue", (*sight).pushInQueue},
	{"push-has-a-queued-row", (*sight).pushHasAQueuedRow},
	{"push-has-a-row", (*sight).pushHasARow},
	{"hidden-push-needs-an-idle-server", (*sight).notIdleForLongEnough},
	{"push-has-time", (*sight).pushHasTime},
	{"none-came", (*sight).noneCame},
}

// await looks in the queue first: a job that has left it has a row.
func (s *sight) await() *Decision {
	if d := s.needQueue(); d != nil {
		if d.Fault && s.queue == QueueUntried {
			return s.blocked()
		}
		return d
	}
	if d := s.need(Rows); d != nil {
		return d
	}
	s.doing = DoingAwaited
	return s.first(awaiting)
}

// twoCommits: the abbreviated hash fits two commits.
func (s *sight) twoCommits() *Decision {
	var hashes []string
	add := func(hash string) {
		if s.order.isOfCommit(hash) && !slices.Contains(hashes, hash) {
			hashes = append(hashes, hash)
		}
	}
	if q := s.shown(); q != nil {
		for _, j := range s.pushes(q) {
			add(Pushed(j.Description))
		}
	}
	for i := range s.o.Rows {
		add(CommitOf(&s.o.Rows[i]))
	}
	if len(hashes) < 2 {
		return nil
	}
	slices.Sort(hashes)
	return end(verdict.Reason{Kind: verdict.TwoCommits, Name: s.order.Commit, Text: strings.Join(hashes, ", ")})
}

// found replaces the abbreviated hash by the whole one.
func (s *sight) found(hash string) {
	s.order.Commit = hash
	s.doing = DoingNothing
}

// pushInQueue takes the newest job of the commit.
func (s *sight) pushInQueue() *Decision {
	q := s.shown()
	if q == nil {
		return nil
	}
	jobs := s.pushes(q)
	if len(jobs) == 0 {
		return nil
	}
	job := jobs[len(jobs)-1]
	s.found(Pushed(job.Description))
	s.remember(q, job)
	for i := range s.o.Rows {
		if row := &s.o.Rows[i]; row.Status != dokploy.StatusQueued && row.StartedAt.Before(job.QueuedAt) { //rule:began-before-it-was-queued
			s.oldRows = s.oldRows.with(row.ID)
		}
	}
	s.accept()
	return s.find()
}

// pushHasAQueuedRow: the row exists before the deployment starts, and the job
// cannot be seen.
func (s *sight) pushHasAQueuedRow() *Decision {
	i := slices.IndexFunc(s.o.Rows, func(row dokploy.Deployment) bool {
		return row.Status == dokploy.StatusQueued && s.order.mine(row.Title, row.Description)
	})
	if i < 0 {
		return nil
	}
	row := s.o.Rows[i]
	s.found(Pushed(row.Description))
	for _, other := range s.o.Rows {
		if other.ID != row.ID {
			s.oldRows = s.oldRows.with(other.ID)
		}
	}
	s.search.itsRow = row.ID
	s.accept()
	return s.find()
}

// pushHasARow takes the commit's row that started last, whoever started it.
func (s *sight) pushHasARow() *Decision {
	var newest *dokploy.Deployment
	for i := range s.o.Rows {
		row := &s.o.Rows[i]
		if s.order.isOfCommit(CommitOf(row)) && (newest == nil || row.StartedAt.After(newest.StartedAt)) {
			newest = row
		}
	}
	if newest == nil {
		return nil
	}
	s.found(CommitOf(newest))
	return s.claim(newest)
}

// notIdleForLongEnough: a job in a hidden queue starts when the current builds
// have ended.
func (s *sight) notIdleForLongEnough() *Decision {
	a := &s.awaited
	if s.queue != QueueHidden {
		return nil
	}
	if s.o.Start.Sub(a.asked) < askIdleEvery {
		return pending()
	}
	if d := s.need(Running); d != nil {
		return d
	}
	a.asked = s.o.At
	if len(s.o.Running) > 0 || s.rowRuns() { //rule:hidden-push-behind-a-row
		a.idleAt = time.Time{}
		return pending()
	}
	if !a.idleAt.IsZero() {
		a.idle += s.o.At.Sub(a.idleAt)
	}
	if a.idleAt = s.o.At; a.idle < s.order.StartTimeout {
		return pending()
	}
	return nil
}

// rowRuns reports whether a row of the service runs, and was not left so by a
// restart: another one that ended beside it may have written its own status over
// the service's.
func (s *sight) rowRuns() bool {
	return !s.order.Traits.LeavesRowsRunning && slices.ContainsFunc(s.o.Rows, func(row dokploy.Deployment) bool { return row.Status == dokploy.StatusRunning })
}

// pushHasTime: it may still come or, after a restart, come back.
func (s *sight) pushHasTime() *Decision {
	if left := s.order.StartTimeout - s.o.At.Sub(s.order.SentAt); left > 0 {
		if left < paces[Awaited].Most {
			s.pace.First, s.pace.Most = left, left // exactly then
		}
		return pending()
	}
	back := comeback
	if s.queue == QueueHidden { //rule:hidden-push-may-run-again
		back = secondRun // BullMQ reruns what a restart interrupted
	}
	if s.o.Outages > 0 && s.o.quiet(s.o.BackAt) < back {
		return pending()
	}
	return nil
}

func (s *sight) noneCame() *Decision {
	return end(verdict.Reason{Kind: verdict.NoneCame, Name: s.order.Commit, For: s.order.StartTimeout})
}
