package rollout

import (
	"fmt"
	"slices"

	"dokploy-deploy/internal/text"
)

// up sets the verdict on a service that has not failed: it is running, or what
// it is waiting for.
func (s *service) up(l *look, v *Verdict) {
	wait := func(format string, args ...any) { v.Reason = fmt.Sprintf(format, args...) }
	if l.docker && l.svc == nil || len(l.units) == 0 && (l.wanted > 0 || !l.docker) { //rule:nothing-shown-yet
		wait("Docker shows nothing of it yet")
		return
	}
	if !l.docker || l.legacy {
		if l.at.Sub(s.changed) >= max(patience, 2*s.stable) && !slices.ContainsFunc(l.units, func(u unit) bool { return u.phase == waiting && !s.old[u.id] && u.aged }) { //rule:nothing-changes
			v.State, v.Final = Unseen, true
			v.Reason = fmt.Sprintf("nothing has changed for %s, and without the permission \"access to Docker\" it cannot be seen why", patience)
			if l.docker {
				v.Reason = fmt.Sprintf("nothing has changed for %s, and this version of Dokploy does not show why", patience)
			}
			return
		}
	}
	for _, u := range l.news {
		if at, ok := s.unplaced[u.id]; ok {
			if l.at.Sub(at) >= placedWithin { //rule:never-placed
				s.failedAt = l.at
				v.State, v.Final, v.Reason, v.Serving = Failed, true, "Swarm never placed it: "+text.OneLine(u.failure), s.serving(l)
				return
			}
			wait("Swarm cannot place it yet: %s", text.OneLine(u.failure))
			return
		}
	}
	if l.docker {
		switch {
		case l.fresh && l.update != "completed": //rule:swarm-is-updating
			wait("Swarm is updating it")
			return
		case !l.fresh && s.renewed && (l.svc.UpdateStartedAt != "" || s.before != nil && l.svc.ForceUpdate == s.before.ForceUpdate): //rule:swarm-has-not-begun
			wait("Swarm has not started to update it")
			return
		}
	}
	steady, done := s.steady(l)
	wanted := max(l.wanted, 1)
	switch {
	case !l.docker && s.mixed(l): //rule:old-and-new-side-by-side
		wait("old and new containers are running side by side")
	case !l.docker && slices.ContainsFunc(l.news, func(u unit) bool { return u.phase == ended || u.phase == waiting }): //rule:not-all-up
		wait("not all of its containers are up yet")
	case steady+done < wanted: //rule:not-for-long-enough
		wait("%d of %d have been running for %s", steady+done, wanted, s.stable)
	case l.legacy && !s.healthShown(l): //rule:health-not-shown
		v.State, v.Final = Unseen, true
		v.Reason = fmt.Sprintf("it has been running for %s, but this version of Dokploy does not show whether a health check passes", s.stable)
	default:
		s.replaced(l, v)
	}
}

// replaced completes a verdict on what is running: whether anything of it is
// new. All of an application always is. A stack's unchanged services keep their
// tasks, and Swarm's UpdateStatus is null for them.
func (s *service) replaced(l *look, v *Verdict) {
	v.State, v.Final = Running, true
	if s.renewed {
		v.New = v.Ready
		return
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
}

// healthShown reports whether what Swarm did shows that the new task is
// healthy, although health itself is not shown: only then does Swarm complete
// an update and remove the old task.
func (s *service) healthShown(l *look) bool {
	if l.docker {
		return l.fresh
	}
	return s.pair || len(l.news) == 0
}

// mixed reports whether old and new ones are running side by side.
func (s *service) mixed(l *look) bool {
	old := l.runs(s.old, true) > 0
	if s.renewed {
		return old
	}
	return old && len(l.news) > 0
}

// steady counts the units that have been running long enough, and those that
// were meant to end and ended well.
func (s *service) steady(l *look) (steady, done int) {
	for _, u := range l.units {
		if s.renewed && s.old[u.id] { //rule:old-ones-do-not-count
			continue
		}
		switch at, ok := s.since[u.id]; {
		case ok && l.at.Sub(at) >= s.stable:
			steady++
		case u.phase == completed && l.job: //rule:job-has-ended
			done++
		case u.phase == completed && l.oneShot && !s.old[u.id] && s.alone(l, u) && l.at.Sub(s.changed) >= s.stable: //rule:one-shot-has-ended
			done++
		case u.phase == completed && l.docker && l.oneShot && u.rank == 0 && l.at.Sub(s.changed) >= s.stable: //rule:one-shot-of-before
			done++
		}
	}
	return steady, done
}
