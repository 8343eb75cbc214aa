package rollout

import (
	"cmp"
	"slices"
	"strings"

	"dokploy-deploy/internal/text"
)

const (
	unknownFailure = "the new task failed"
	checkFails     = "unhealthy: its health check fails"
)

// failure says why the deployment failed, if this look shows that it did.
func (s *service) failure(l *look) string {
	if l.docker && l.svc == nil { //rule:no-failure-without-the-service
		return ""
	}
	f := s.failures(l)
	if f.why != "" {
		s.checkFailed = f.why == checkFails
	}
	why := text.OneLine(f.why)
	switch {
	case strings.HasPrefix(l.update, "rollback_"), l.update == "paused" && !f.someMeantToEnd: //rule:swarm-gave-up
		return cmp.Or(why, unknownFailure)
	case !f.definite: //rule:not-certain-yet
		return ""
	case f.crashes > 1: //rule:crash-loop
		return "crash loop: " + why
	}
	return why
}

// failures is what the new tasks of one look show of a failure.
type failures struct {
	why            string
	definite       bool // it is this deployment's, and no task that Swarm has stopped
	crashes        int  // the most in one slot
	someMeantToEnd bool
}

func (s *service) failures(l *look) (f failures) {
	perSlot, crashes := map[string]int{}, map[string]int{}
	for _, u := range l.news {
		switch {
		case u.phase == unhealthy || u.wasUnhealthy: //rule:health-check-fails
			f.definite = true
			f.why = cmp.Or(f.why, checkFails)
		case u.phase == completed && l.oneShot && l.nothingFollows(u): //rule:made-to-end
			f.someMeantToEnd = true
		case u.phase == broken, u.phase == completed, u.phase == ended: //rule:task-has-ended
			perSlot[u.slot]++
			if !u.refused { //rule:crashes-are-no-refusals
				crashes[u.slot]++
				f.crashes = max(f.crashes, crashes[u.slot])
			}
			if strings.Contains(u.failure, "unhealthy container") { //rule:killed-for-its-health
				u.failure = checkFails
			}
			f.why = cmp.Or(u.failure, f.why, endText(u))
			f.definite = f.definite || perSlot[u.slot] > 1 || s.isOurs(l, u)
		}
	}
	return f
}

// isOurs reports whether a new task that ended is certainly this deployment's
// failure. A service that was failing before keeps starting new tasks, and if
// the server does not show how a task ended, Swarm may have stopped it.
func (s *service) isOurs(l *look, u unit) bool {
	if u.phase != ended { //rule:shown-how-it-ended
		return !s.crashLooping
	}
	// The old task beside it is still running: nothing has replaced the new
	// one.
	return !l.docker && slices.ContainsFunc(l.units, func(o unit) bool {
		return o.slot == u.slot && o.phase == running && o.old
	})
}

// nothingFollows reports whether no other new task came in the slot of one that
// ended with code 0. It was then meant to end.
func (l *look) nothingFollows(u unit) bool {
	return !slices.ContainsFunc(l.news, func(o unit) bool { return o.slot == u.slot && o.id != u.id })
}

func endText(u unit) string {
	switch u.phase {
	case completed:
		return "the process ended with exit code 0"
	case ended:
		return "the process ended"
	}
	return "the task failed"
}

// fail turns a verdict into a failure, and keeps watching what Swarm does about
// it.
func (s *service) fail(l *look, v Verdict, reason string) Verdict {
	if s.failedAt.IsZero() {
		s.failedAt = l.at
	}
	waited := l.at.Sub(s.failedAt)
	v.State, v.Unhealthy = Failed, s.checkFailed
	v.Final = waited >= goesBackWithin
	told := v.Final || reason != unknownFailure // the tasks may be from a moment earlier
	switch l.update {
	case "rollback_completed":
		// The version it went back to may be about to start.
		v.Final, v.RolledBack = v.Final || told && l.anyRuns(), true
		reason = "Swarm rolled back to the previous version: " + reason
	case "rollback_started":
		v.Final, v.RolledBack = waited >= backWithin, true
		reason = "Swarm is rolling back to the previous version: " + reason
	case "rollback_paused":
		v.Final, v.RolledBack = told, true
		reason = "Swarm tried to roll back to the previous version, and failed: " + reason
	case "paused":
		v.Final = told
		reason = "Swarm paused the update: " + reason
	case "updating":
	default:
		// Unless Swarm says so, an old container may just be stopping.
		v.Final = v.Final || l.docker && l.svc != nil || !l.docker && !l.oldRuns()
	}
	s.reason = cmp.Or(reason, s.reason)
	v.Reason = s.reason
	v.Serving = s.serving(l)
	return v
}

// anyRuns reports whether any task or container is running.
func (l *look) anyRuns() bool {
	return slices.ContainsFunc(l.units, func(u unit) bool { return u.phase == running })
}

// serving says what is running after a failure, if that is known.
func (s *service) serving(l *look) string {
	if s.crashLooping || len(l.units) == 0 { //rule:serving-not-known
		return ""
	}
	oldRuns := slices.ContainsFunc(l.units, func(u unit) bool {
		return u.old && u.phase == running && u.desired != "shutdown"
	})
	switch {
	case oldRuns && !l.docker && l.at.Sub(s.failedAt) < goesBackWithin: //rule:old-one-may-be-stopping
		return ""
	case oldRuns && !l.docker: //rule:old-container-runs
		return "a container of the previous version is still running"
	case oldRuns: //rule:old-one-runs
		return "the previous version is still running"
	case l.update == "rollback_completed" && l.anyRuns(): //rule:runs-again
		return "the previous version is running again"
	case !l.anyRuns() && l.docker && !l.legacy: //rule:nothing-ran
		return "none of it was running" // it may be running again by the time this is read
	}
	return ""
}
