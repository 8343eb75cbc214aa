package track

import (
	"slices"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// Other pushes of the commit that is followed: their jobs and rows look like ours.

// noteTwins keeps whether other pushes of the same commit are in the queue, and
// whether they wait before ours: then their rows may be taken for it.
func (s *sight) noteTwins(q *dokploy.Queue, own *dokploy.Job) {
	if s.order.Commit == "" {
		return
	}
	f, ahead := &s.search, true
	f.twins = false
	for _, j := range s.pushes(q) {
		if own != nil && j.ID == own.ID {
			ahead = false
			continue
		}
		f.beside = true
		f.twins = f.twins || ahead && !j.Active || s.onRemote() && j.Active && own != nil && own.Active
	}
}

// onRemote reports whether the service runs or is built on a remote server: its
// rows may begin long after their jobs.
func (s *sight) onRemote() bool { return s.order.Remote || s.order.BuiltRemotely }

// whichPush: a server that brings its queue back numbers it anew, and of two
// pushes of the commit nothing tells which is ours.
func (s *sight) whichPush() *Decision {
	q, seen := s.shown(), s.trail.seen
	if q == nil || seen == nil || s.order.Commit == "" || !s.renumbered() {
		return nil
	}
	jobs := s.pushes(q)
	switch {
	case len(jobs) == 0 || jobs[0].Key() == seen.Key():
		return nil
	case len(jobs) > 1 || s.search.beside:
		return lost(verdict.WhichPush)
	}
	if d := s.need(Rows); d != nil {
		return d
	}
	turn := jobs[0].ProcessedOn
	if !jobs[0].Active {
		turn = latestOf(q) // ours begins after that
	}
	for i := range s.o.Rows {
		row := &s.o.Rows[i]
		other := row.Status != dokploy.StatusQueued && row.Status != dokploy.StatusCancelled && row.StartedAt.Before(turn)
		if other && !s.oldRows.has(row.ID) && (s.order.mine(row.Title, row.Description) || s.order.lostItsText(row)) {
			return lost(verdict.WhichPush)
		}
	}
	return nil
}

// besideOthers: other pushes of the commit stood in the queue where their rows may
// be taken for ours. The order in the queue has to tell.
func (s *sight) besideOthers(row *dokploy.Deployment) bool {
	f, on := &s.search, s.turn()
	// Once its turn was seen, what stood ahead of it has its row.
	late := s.onRemote() && (on.IsZero() || !row.StartedAt.After(on))
	return s.hasHash(row) && (f.twins || f.beside && (late || s.restarted() || s.mayBeEvicted(s.trail.latest)))
}

// hashTooLate: it began long after our job did, as rows do on a remote server
// (docs/dokploy.md, Remote servers), but not where others were seen, or where
// BullMQ keeps a job whose worker a restart has ended.
func (s *sight) hashTooLate(row *dokploy.Deployment) bool {
	on := s.turn()
	return s.hasHash(row) && !on.IsZero() && row.StartedAt.Sub(on) > rowAfter &&
		(s.search.beside || !s.onRemote() || s.restarted() && s.order.Traits.QueueSurvivesRestart)
}

// hashComesLater: a job that is in the queue no more has its row.
func (s *sight) hashComesLater(row *dokploy.Deployment) bool {
	return s.hasHash(row) && s.search.firstList != nil && !s.search.firstList.has(row.ID)
}

// hashBehindACommit: another row began before it that may be ours, too fast to be
// seen with its hash.
func (s *sight) hashBehindACommit(row *dokploy.Deployment) bool {
	return s.hasHash(row) && slices.ContainsFunc(s.begun, func(other dokploy.Deployment) bool {
		return other.StartedAt.Before(row.StartedAt) && !other.StartedAt.Before(s.turn()) && s.order.lostItsText(&other) &&
			!s.isOld(&other) && !s.wasListed(&other) && !s.isOfActive(&other)
	})
}

// secondRunOfPush finds the one new row of the commit whose job was seen again.
// Another push of the commit looks the same: it is unsure where there are two
// rows, or where the job was not seen.
func (s *sight) secondRunOfPush() *Decision {
	if s.job != nil && (!s.jobIsBack() || !s.job.Active) { //rule:second-run-has-not-begun
		return nil
	}
	rows := s.laterPushes()
	fast := slices.DeleteFunc(slices.Clone(s.o.Rows), func(row dokploy.Deployment) bool {
		return s.oldRows.has(row.ID) || row.StartedAt.Before(s.held.row.StartedAt) || !s.order.lostItsText(&row)
	})
	others := s.search.beside || s.hasEnded() && s.renumbered() // its job is known by its time alone
	switch {
	case s.job == nil || s.renumbered():
		others = others || len(fast) > 0
	default:
		rows = slices.DeleteFunc(rows, func(row dokploy.Deployment) bool { return row.StartedAt.Before(s.job.ProcessedOn) })
	}
	if len(rows) == 1 && s.again.returned && !others { //rule:second-run-of-a-push
		if s.job != nil {
			s.remember(s.shown(), s.job)
		}
		return s.beginAgain(&rows[0])
	}
	s.unsure = append(s.unsure, append(rows, fast...)...)
	return nil
}

// laterPushes are the new rows of the commit that began after the held one.
func (s *sight) laterPushes() []dokploy.Deployment {
	return slices.DeleteFunc(slices.Clone(s.o.Rows), func(row dokploy.Deployment) bool {
		return s.order.Commit == "" || s.oldRows.has(row.ID) || row.Status == dokploy.StatusQueued || row.StartedAt.Before(s.held.row.StartedAt) || !s.order.mine(row.Title, row.Description)
	})
}

// pushRunsAgain finds the row of our job where it is at work once more, while the
// held row shows as running still: a restart has left it so.
func (s *sight) pushRunsAgain() *Decision {
	rows := s.laterPushes()
	if s.queue != QueueSeen || s.renumbered() || len(rows) != 1 || s.held.row.Terminal() {
		return nil
	}
	if d := s.need(Queue); d != nil {
		return d
	}
	if s.job = s.ourJob(s.shown()); !s.jobIsBack() || !s.job.Active || rows[0].StartedAt.Before(s.job.ProcessedOn) {
		return nil
	}
	s.remember(s.shown(), s.job)
	return s.beginAgain(&rows[0])
}

// jobIsBack reports whether our job waits or is at work once more, and not for
// the held row still.
func (s *sight) jobIsBack() bool {
	return s.job != nil && (!s.job.Active || s.job.ProcessedOn.After(s.held.row.StartedAt))
}

// oneMayBeOurs reports whether pushes of the commit are in the queue, one of which
// may be ours, whose job was not seen before a restart.
func (s *sight) oneMayBeOurs() bool {
	return s.order.Commit != "" && s.trail.seen == nil && slices.ContainsFunc(s.pushes(s.shown()), s.mayComeBack)
}

// mayComeBack reports whether a job may be that of the held row, which a restart
// has cancelled: one that was queued since is another push's.
func (s *sight) mayComeBack(j *dokploy.Job) bool {
	row := s.held.row
	return row.Status == dokploy.StatusCancelled && !j.QueuedAt.After(row.StartedAt.Add(sameJob))
}

// comesBack reports whether our job in the queue is that of a second run. That of
// a row that has ended may be there for a moment yet.
func (s *sight) comesBack() bool {
	return s.order.Commit == "" || !s.hasEnded() || s.jobIsBack()
}
