package deploy

import (
	"fmt"
	"slices"
	"time"

	"dokploy-deploy/internal/dokploytest"
)

// dockerFrom is the first seed in which Docker's routes fail on their own, and
// in which somebody stops the service.
const dockerFrom = 400_000_000_000_000

// dockerRoutes are the routes that a verification requests.
var dockerRoutes = []string{
	"docker.getConfig", "docker.getServiceContainersByAppName", "docker.getStackContainersByAppName", "docker.getContainersByAppNameMatch",
}

// dockersTroubles makes those choices.
func (s *schedule) dockersTroubles(c chooser) {
	from, after := s.moment(c)
	if c.one(2) {
		from, after = atLead, 0
	}
	switch c.IntN(4) {
	case 0: // a temporary fault: less than three tries of a request fail
		n := 1 + c.IntN(3)
		s.fleeting++
		s.add(from, after, fmt.Sprintf("502 from Docker's routes, %d times", n), func(w *sim) { w.dockerFails(n) })
	case 1:
		d := pickOf(c, 5*time.Second, 15*time.Second, time.Minute)
		s.hurts["outage"] = true
		s.add(from, after, fmt.Sprintf("502 from Docker's routes for %s", d), func(w *sim) {
			w.dockerFails(-1)
			w.later(d, "Docker's routes answer again", func() { w.srv.ClearFaults() })
		})
	case 2:
		if after := c.span(12 * time.Second); !s.hurts["outage"] {
			// Together with a restart, an idle service hides that BullMQ runs
			// it again.
			s.add(atEnd, after, "somebody stops the service", func(w *sim) {
				w.mu.Lock()
				w.truth.stopped = append(w.truth.stopped, time.Now())
				w.mu.Unlock()
				w.v.Stop()
			})
		}
	}
}

func (w *sim) dockerFails(times int) {
	for _, p := range dockerRoutes {
		w.srv.Fault(dokploytest.Fault{Procedure: p, Kind: dokploytest.Gateway, Status: 502, Times: times})
	}
}

// stoppedInVain reports whether somebody stopped the service during
// verification, long enough before the verdict to be seen.
func (j *judgement) stoppedInVain() bool {
	row, ok := j.truth.verdict[j.r.DeploymentID]
	if !ok || row.FinishedAt.IsZero() || j.foreign() > 0 { // another's end overwrites its status
		return false
	}
	done := row.FinishedAt.Add(-j.server.ClockSkew)
	if j.follow != nil && (slices.ContainsFunc(j.truth.builds, func(b *build) bool { return !b.own && b.at.Add(j.server.ClockSkew).After(row.StartedAt) }) || !done.After(j.truth.began)) {
		return false
	}
	for _, at := range j.truth.stopped {
		if at.After(done.Add(100*time.Millisecond)) && at.Before(j.truth.ended.Add(-6*time.Second)) {
			return true
		}
	}
	return false
}
