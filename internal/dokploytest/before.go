package dokploytest

import "time"

// longAgo is how long ago a service was deployed that was deployed before the
// test.
const longAgo = 72 * time.Hour

// ranBefore gives a service a deployment from long ago: its containers are
// running, with ids of their own, whatever new ones will do.
func (s *Server) ranBefore(v *Service) {
	s.advanceLocked()
	since := s.simulated.Add(-longAgo)
	version := v.versionLocked(0)
	v.shipped, v.fileOnDisk = version, v.composeFile
	swarm := func(name string, replicas int, sp *spec) *swarmService {
		w := s.newSwarmService(v, name, replicas, sp)
		w.created, w.updated = since, since
		for slot := 1; slot <= replicas; slot++ {
			t := &task{
				w: w, id: s.dockerID(false), slot: slot, spec: sp, created: since, desired: "running", state: "Running", since: since,
				placed: true, ran: since,
			}
			t.c = s.newContainer(name+"."+itoa(slot)+"."+t.id, sp)
			t.c.ranSince(since)
			w.tasks = append(w.tasks, t)
		}
		return w
	}
	if v.Kind == "application" {
		w := swarm(v.AppName, v.replicas, &spec{version: version, image: version.Image, rollout: v.rollout("", version)})
		w.force = 1
		w.update = &updateStatus{"completed", "update completed", since, since.Add(6 * time.Second)}
		return
	}
	for _, f := range composeServices(version.ComposeFile, version.Env, v.composeType == "stack") {
		if v.composeType == "stack" {
			swarm(v.AppName+"_"+f.name, f.replicas, s.stackSpec(v, f, version))
			continue
		}
		for n := 1; n <= f.replicas; n++ {
			sp := &spec{version: version, image: f.image, rollout: v.rollout(f.name, f.versionOf(version))}
			c := &composeContainer{
				container: s.newContainer(v.AppName+"-"+f.name+"-"+itoa(n), sp),
				v:         v, service: f.name, number: n, hash: f.hash, restart: f.restart,
			}
			c.project = v.AppName
			c.ranSince(since)
			s.compose = append(s.compose, c)
		}
	}
}

// ranSince makes a container running, and healthy, since then.
func (c *container) ranSince(since time.Time) {
	c.state, c.created, c.started = "running", since, since
	r := &c.spec.rollout
	if r.Health != NoHealthCheck {
		c.health = "healthy"
	}
	for _, l := range r.log(c.spec.image) {
		c.logs = append(c.logs, logLine{since, l})
	}
}
