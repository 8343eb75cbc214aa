package dokploytest

import "time"

// container is a Docker container.
type container struct {
	id       string // 64 digits; lists show 12
	name     string
	spec     *spec
	project  string // of docker compose
	created  time.Time
	started  time.Time
	finished time.Time
	state    string // created, running, restarting, exited, removing
	health   string // starting, healthy, unhealthy
	code     int
	restarts int
	logs     []logLine
}

type logLine struct {
	at   time.Time
	text string
}

func (s *Server) newContainer(name string, sp *spec) *container {
	return &container{id: s.dockerID(true), name: name, spec: sp, created: s.simulated, state: "created"}
}

// start runs the container. If its log has several lines, the last one comes
// when it ends.
func (c *container) start(s *Server, r *Rollout) {
	c.state, c.started, c.health = "running", s.simulated, ""
	if r.Health != NoHealthCheck {
		c.health = "starting"
	}
	lines := r.log(c.spec.image)
	if r.ends() && len(lines) > 1 {
		lines = lines[:len(lines)-1]
	}
	for _, l := range lines {
		c.logs = append(c.logs, logLine{s.simulated, l})
	}
}

// exit ends the container; r is nil if it was told to stop.
func (c *container) exit(s *Server, code int, r *Rollout) {
	c.state, c.finished, c.code = "exited", s.simulated, code
	if r == nil || !r.ends() {
		return
	}
	if lines := r.log(c.spec.image); len(lines) > 1 {
		c.logs = append(c.logs, logLine{s.simulated, lines[len(lines)-1]})
	}
}

// status returns its state in the words of docker ps.
func (c *container) status(s *Server) string {
	ago := func(t time.Time) string { return human(s.simulated.Sub(t)) + " ago" }
	switch c.state {
	case "created":
		return "Created"
	case "running":
		text := "Up " + human(s.simulated.Sub(c.started))
		switch c.health {
		case "":
		case "starting":
			text += " (health: starting)"
		default:
			text += " (" + c.health + ")"
		}
		return text
	case "restarting":
		return "Restarting (" + itoa(c.code) + ") " + ago(c.finished)
	case "exited":
		return "Exited (" + itoa(c.code) + ") " + ago(c.finished)
	}
	return "Removal In Progress"
}
