package rollout

import (
	"fmt"
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// What a rollout that goes well costs in requests is mostly looks at what has
// not changed. While nothing of an application has failed, its tasks alone tell
// all there is to know: a process that ends, a version that Swarm goes back from,
// and in the end a health check that fails, each of them ends a task.

// Glance is a look at the tasks of an application alone.
func Glance(at time.Time, tasks []dokploy.Task) View {
	return View{At: at, Docker: true, Tasks: tasks, TasksOnly: true}
}

// glance takes such a look. It keeps what it shows, and decides nothing.
func (s *service) glance(v View) Verdict {
	l := s.take(v)
	if !s.known.IsZero() { //rule:glance-asks-no-service
		s.known = l.at // nobody asked for Swarm's service
	}
	switch was := s.before; {
	case s.had > 0:
		l.wanted = s.had
	case l.wanted == 0 && was != nil:
		l.wanted = max(0, was.Replicas)
	}
	verdict := s.verdict(&l)
	if verdict.Ready > 0 { //rule:had-by-a-glance
		s.had = l.wanted // they are there because Swarm was to run them
	}
	verdict.Reason = fmt.Sprintf("%d of %d running", verdict.Ready, verdict.Wanted)
	return verdict
}

// StatesHidden reports whether the server does not show how its tasks are
// (before 0.27.0).
func (v View) StatesHidden() bool {
	return slices.ContainsFunc(v.Tasks, func(t dokploy.Task) bool { return t.State == "" })
}

// Uneventful reports whether the tasks of an application show nothing that calls
// for a closer look: all that were not there before come up, or run.
func (v View) Uneventful(before View) bool {
	if len(v.Tasks) == 0 { //rule:glance-at-nothing
		return false
	}
	return !slices.ContainsFunc(v.units(), func(u unit) bool {
		fine := !u.wasUnhealthy && (u.phase == running || u.phase == waiting && u.failure == "")
		return !before.has(u.id) && (!fine || u.desired != "running" && u.desired != "ready")
	})
}

// ChecksHealth reports whether a task that was not there before waits for its
// health check: it was starting at the last look, and still is. A check that fails
// shows in the container, and only for a moment.
func (v View) ChecksHealth(before, last View) bool {
	return slices.ContainsFunc(v.Tasks, func(t dokploy.Task) bool {
		return t.State == "Starting" && !before.has(t.ID) && slices.ContainsFunc(last.Tasks, func(old dokploy.Task) bool {
			return old.ID == t.ID && old.State == "Starting"
		})
	})
}

func (v View) has(taskID string) bool {
	return slices.ContainsFunc(v.Tasks, func(t dokploy.Task) bool { return shortID(t.ID) == shortID(taskID) })
}

// Shows reports whether a container is one of the view, by its own id or as one
// of its tasks.
func (v View) Shows(c dokploy.Container) bool {
	_, _, id, ok := c.Task()
	return ok && v.has(id) || slices.ContainsFunc(v.Containers, func(old dokploy.Container) bool { return old.ID == c.ID })
}

// OneDeploymentSince reports whether exactly one deployment of an application has
// come since another view, and Swarm is done with it and runs nothing else: each
// counts ForceUpdate up. What is new is of that one, then, and no task need be
// asked which one it is of.
func (v View) OneDeploymentSince(before View, name string) bool {
	was, is := before.Services[name], v.Services[name]
	switch {
	case is == nil || !v.Uneventful(before): //rule:one-deployment-uneventful
		return false
	case was == nil:
		// One that was never updated has never been anything else.
		return before.Docker && !before.At.IsZero() && is.UpdateStartedAt == ""
	}
	return is.ForceUpdate == was.ForceUpdate+1 && is.UpdateState == "completed" && is.UpdateStartedAt != was.UpdateStartedAt
}
