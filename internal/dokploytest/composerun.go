package dokploytest

import (
	"slices"
	"time"
)

// composeContainer is a container of docker compose (docs/dokploy.md, What
// runs: docker-compose).
type composeContainer struct {
	*container
	v       *Service
	service string
	number  int
	hash    string
	restart string
	life    int // counts its starts
	gone    bool
}

// shipComposeLocked plays docker compose up: containers of unchanged services
// stay as they are, or are started again if they had ended; others are
// recreated, and orphans removed.
func (s *Server) shipComposeLocked(v *Service, version Version) {
	v.shipped = version
	var kept []*composeContainer
	for _, f := range composeServices(version.ComposeFile, version.Env, false) {
		for n := 1; n <= f.replicas; n++ {
			i := slices.IndexFunc(s.compose, func(c *composeContainer) bool {
				return c.v == v && !c.gone && c.service == f.name && c.number == n
			})
			if i >= 0 && s.compose[i].hash == f.hash {
				c := s.compose[i]
				c.spec.version = version
				kept = append(kept, c)
				if c.state == "exited" {
					c.up()
				}
				continue
			}
			sp := &spec{version: version, image: f.image, rollout: v.rollout(f.name, f.versionOf(version))}
			c := &composeContainer{
				container: s.newContainer(v.AppName+"-"+f.name+"-"+itoa(n), sp),
				v:         v, service: f.name, number: n, hash: f.hash, restart: f.restart,
			}
			c.project = v.AppName
			kept = append(kept, c)
			s.compose = append(s.compose, c)
			if d := sp.rollout.StartAfter; d > 0 {
				s.afterLocked(d, c.up)
			} else {
				c.up()
			}
		}
	}
	s.compose = slices.DeleteFunc(s.compose, func(c *composeContainer) bool {
		c.gone = c.gone || c.v == v && !slices.Contains(kept, c)
		return c.gone
	})
}

// up starts the container, for the first time or again.
func (c *composeContainer) up() {
	if c.gone || c.state == "running" {
		return
	}
	s, r := c.v.s, &c.spec.rollout
	c.start(s, r)
	c.life++
	life := c.life
	later := func(d time.Duration, f func()) {
		s.afterLocked(d, func() {
			if !c.gone && c.life == life && c.state == "running" {
				f()
			}
		})
	}
	switch r.Health {
	case Healthy:
		later(r.healthAfter(), func() { c.health = "healthy" })
	case Unhealthy: // it stays that way: docker compose does nothing about it
		later(r.healthAfter(), func() { c.health = "unhealthy" })
	}
	if r.ends() {
		later(max(r.CrashAfter, 15*time.Millisecond), func() {
			c.exit(s, r.exitCode(), r)
			c.again()
		})
	}
}

// again restarts the container if its policy says so, after a delay that
// doubles unless it had run for 10 s.
func (c *composeContainer) again() {
	switch c.restart {
	case "always", "unless-stopped":
	case "on-failure":
		if c.code == 0 {
			return
		}
	default:
		return
	}
	s := c.v.s
	if c.finished.Sub(c.started) >= 10*time.Second {
		c.restarts = 0
	}
	c.state = "restarting"
	life := c.life
	delay := 300*time.Millisecond + 100*time.Millisecond<<min(c.restarts, 10)
	c.restarts++
	s.afterLocked(min(delay, time.Minute), func() {
		if !c.gone && c.life == life && c.state == "restarting" {
			c.up()
		}
	})
}
