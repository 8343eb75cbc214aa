package rollout

import (
	"fmt"
	"slices"
	"time"

	"dokploy-deploy/internal/text"
)

// up returns the verdict on a service that has not failed: it is running, or
// what it is waiting for.
func (s *service) up(l *look, v Verdict) Verdict {
	unplaced, since := s.firstUnplaced(l)
	steady, done := s.steady(l)
	switch {
	case l.docker && l.svc == nil || len(l.units) == 0 && (l.wanted > 0 || !l.docker): //rule:nothing-shown-yet
		return v.pending("Docker shows nothing of it yet")
	case (!l.docker || l.legacy) && s.stuck(l): //rule:nothing-changes
		hidden := "without the permission \"access to Docker\" it cannot be seen why"
		if l.docker {
			hidden = "this version of Dokploy does not show why"
		}
		return v.unseen(fmt.Sprintf("nothing has changed for %s, and %s", patience, hidden))
	case unplaced != nil && l.at.Sub(since) >= placedWithin: //rule:never-placed
		s.failedAt = l.at
		v.State, v.Final, v.Reason, v.Serving = Failed, true, "Swarm never placed it: "+text.OneLine(unplaced.failure), s.serving(l)
		return v
	case unplaced != nil:
		return v.pending("Swarm cannot place it yet: " + text.OneLine(unplaced.failure))
	case l.docker && l.fresh && l.update != "completed": //rule:swarm-is-updating
		return v.pending("Swarm is updating it")
	case l.docker && !l.fresh && s.renewed && (l.svc.UpdateStartedAt != "" || s.before != nil && l.svc.ForceUpdate == s.before.ForceUpdate): //rule:swarm-has-not-begun
		return v.pending("Swarm has not started to update it")
	case !l.docker && s.mixed(l): //rule:old-and-new-side-by-side
		return v.pending("old and new containers are running side by side")
	case !l.docker && slices.ContainsFunc(l.news, func(u unit) bool { return u.phase == ended || u.phase == waiting }): //rule:not-all-up
		return v.pending("not all of its containers are up yet")
	case steady+done < max(l.wanted, 1): //rule:not-for-long-enough
		return v.pending(fmt.Sprintf("%d of %d have been running for %s", steady+done, max(l.wanted, 1), s.stable))
	case l.legacy && !s.healthShown(l): //rule:health-not-shown
		return v.unseen(fmt.Sprintf("it has been running for %s, but this version of Dokploy does not show whether a health check passes", s.stable))
	}
	return s.replaced(l, v)
}

// stuck reports whether nothing has changed for so long that nothing more is to
// be expected.
func (s *service) stuck(l *look) bool {
	return l.at.Sub(s.changed) >= max(patience, 2*s.stable) &&
		!slices.ContainsFunc(l.units, func(u unit) bool { return u.phase == waiting && !u.old && u.aged })
}

// firstUnplaced returns the first new task for which Swarm has no node, and since
// when; nil: there is none.
func (s *service) firstUnplaced(l *look) (u *unit, since time.Time) {
	i := slices.IndexFunc(l.news, func(u unit) bool { return !s.unplaced[u.id].IsZero() })
	if i < 0 {
		return nil, since
	}
	return &l.news[i], s.unplaced[l.news[i].id]
}

// replaced completes a verdict on what is running: whether anything of it is
// new. All of an application always is. A stack's unchanged services keep their
// tasks, and Swarm's UpdateStatus is null for them.
func (s *service) replaced(l *look, v Verdict) Verdict {
	v.State, v.Final = Running, true
	if s.renewed {
		v.New = v.Ready
		return v
	}
	for _, u := range l.news {
		switch {
		case u.phase == running && u.desired != "shutdown":
			v.New++
		case u.phase == completed:
			v.Ran++
		}
	}
	updated := l.svc != nil && l.fresh
	switch was := s.before; {
	case v.New+v.Ran == 0: //rule:nothing-new
		v.State = Unchanged
	case s.unseen && !updated: //rule:new-or-not-unseen
		v.State, v.Reason = Unseen, beforeUnseen
	case l.docker && was != nil && l.svc != nil && !updated && was.Replicas == l.svc.Replicas: //rule:started-again-by-swarm
		// Swarm has restarted the same version by itself.
		v.State, v.New, v.Ran = Unchanged, 0, 0
	}
	return v
}

// healthShown reports whether what Swarm did shows that the new task is
// healthy, although health itself is not shown: only then does Swarm complete
// an update and remove the old task.
func (s *service) healthShown(l *look) bool {
	if l.docker {
		return l.fresh
	}
	return s.sawBoth || len(l.news) == 0
}

// mixed reports whether old and new ones are running side by side.
func (s *service) mixed(l *look) bool {
	return l.oldRuns() && (s.renewed || len(l.news) > 0)
}

// steady counts the units that have been running long enough, and those that
// were meant to end and ended well.
func (s *service) steady(l *look) (steady, done int) {
	for _, u := range l.units {
		if s.renewed && u.old { //rule:old-ones-do-not-count
			continue
		}
		switch at, ok := s.upSince[u.id]; {
		case ok && l.at.Sub(at) >= s.stable:
			steady++
		case u.phase == completed && l.job: //rule:job-has-ended
			done++
		case u.phase == completed && l.oneShot && !u.old && l.nothingFollows(u) && l.at.Sub(s.changed) >= s.stable: //rule:one-shot-has-ended
			done++
		case u.phase == completed && l.docker && l.oneShot && u.rank == 0 && l.at.Sub(s.changed) >= s.stable: //rule:one-shot-of-before
			done++
		}
	}
	return steady, done
}
