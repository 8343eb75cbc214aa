package rollout

import (
	"fmt"
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
)

// Most requests of a rollout that goes well are looks at what has not changed.
// As long as nothing of an application has failed, its tasks alone show
// everything: a process that exits, a version that Swarm rolls back and,
// eventually, a failing health check each end a task.

// Glance is a look at only the tasks of an application.
func Glance(at time.Time, tasks []dokploy.Task) View {
	return View{At: at, Docker: true, Tasks: tasks, TasksOnly: true}
}

// glance adds such a look. It records what it shows and decides nothing.
func (s *service) glance(v View) Verdict {
	l := s.take(v)
	if !s.serviceSeen.IsZero() { //rule:glance-asks-no-service
		s.serviceSeen = l.at // nobody asked for Swarm's service
	}
	switch was := s.before; {
	case s.had > 0:
		l.wanted = s.had
	case l.wanted == 0 && was != nil:
		l.wanted = max(0, was.Replicas)
	}
	verdict := s.verdict(&l)
	if verdict.Ready > 0 { //rule:had-by-a-glance
		s.had = l.wanted // tasks exist because Swarm was meant to run them
	}
	verdict.Reason = fmt.Sprintf("%d of %d running", verdict.Ready, verdict.Wanted)
	if verdict.Ready > 0 && verdict.Ready >= verdict.Wanted {
		verdict.Reason += ", must keep running for " + text.Duration(s.stable)
	}
	return verdict
}

// StatesHidden reports whether the server does not show the state of tasks
// (before 0.27.0).
func (v View) StatesHidden() bool {
	return slices.ContainsFunc(v.Tasks, func(t dokploy.Task) bool { return t.State == "" })
}

// Uneventful reports whether nothing in the tasks of an application calls for a
// closer look: all new ones are starting or running.
func (v View) Uneventful(before View) bool {
	if len(v.Tasks) == 0 { //rule:glance-at-nothing
		return false
	}
	return !slices.ContainsFunc(v.units(), func(u unit) bool {
		fine := !u.wasUnhealthy && (u.phase == running || u.phase == waiting && u.failure == "")
		return !before.has(u.id) && (!fine || u.desired != "running" && u.desired != "ready")
	})
}

// ChecksHealth reports whether a new task is waiting for its health check: it
// was starting at the last look, and still is. A failing check shows in the
// container, and only for a moment.
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

// Shows reports whether the view contains a container, by its id or as one of
// its tasks.
func (v View) Shows(c dokploy.Container) bool {
	_, _, id, ok := c.Task()
	return ok && v.has(id) || slices.ContainsFunc(v.Containers, func(old dokploy.Container) bool { return old.ID == c.ID })
}

// OneDeploymentSince reports whether there was exactly one deployment of an
// application since another view, and Swarm is done with it and runs nothing
// else. Each deployment increments ForceUpdate. New tasks then belong to that
// deployment, and need not be asked which one they are of.
func (v View) OneDeploymentSince(before View, name string) bool {
	was, is := before.Services[name], v.Services[name]
	switch {
	case is == nil || !v.Uneventful(before): //rule:one-deployment-uneventful
		return false
	case was == nil:
		// A service that was never updated has only ever run one version.
		return before.Docker && !before.At.IsZero() && is.UpdateStartedAt == ""
	}
	return is.ForceUpdate == was.ForceUpdate+1 && is.UpdateState == "completed" && is.UpdateStartedAt != was.UpdateStartedAt
}
