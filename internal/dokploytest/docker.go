package dokploytest

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// dockerName matches the names that docker.* accepts.
var dockerName = regexp.MustCompile(`^[a-zA-Z0-9.\-_]+$`)

func dockerFields(name string) []field {
	bad := "Invalid app name."
	if name == "containerId" {
		bad = "Invalid container id."
	}
	return []field{{name: name, pattern: dockerName, bad: bad}, {name: "serverId", optional: true}}
}

// onHost locks s.mu, brings the containers up to date, and reports whether the
// host can answer: every SSH error becomes an empty list (docs/dokploy.md,
// Remote servers). e is set if there is no such server.
func (s *Server) onHost(c *call) (host string, ok bool, e *apiError) {
	host = c.text("serverId")
	s.mu.Lock()
	known := host == "" || s.servers[host] != nil
	broken := s.sshLocked(host)
	s.mu.Unlock()
	takes := time.Duration(0)
	switch {
	case !known:
		e = notFound("Server")
	case broken != nil:
		takes = broken.after
	case host != "":
		takes = 400 * time.Millisecond // each opens an SSH connection
	}
	if !s.wait(takes) {
		e = &apiError{dropped: true}
	}
	s.mu.Lock()
	s.advanceLocked()
	return host, e == nil && broken == nil, e
}

// mayLook checks the right "access to Docker", which access to a service does
// not include (docs/dokploy.md, Keys and rights).
func (s *Server) mayLook(k *keyState) *apiError {
	if s.d.permissions && k.Member && !k.Docker {
		return lacks("docker")
	}
	return nil
}

// taskJSON encodes a Swarm task. The empty error of the last one reads
// "Error:", because the parsed text has lost its trailing space.
func (s *Server) taskJSON(t *task, last bool) map[string]any {
	m := map[string]any{"containerId": t.id, "name": t.w.name + "." + itoa(t.slot), "state": t.desired, "node": node(t)}
	if !s.d.taskStates { // docs/dokploy.md, Versions
		m["containerId"] = t.id[:12]
		return m
	}
	m["currentState"], m["error"] = t.state+" "+s.ago(t.since), t.failure
	if t.failure == "" && last {
		m["error"] = "Error:"
	}
	return m
}

func node(t *task) string {
	if t.placed {
		return "vm"
	}
	return ""
}

func (s *Server) tasksJSON(tasks []*task) []any {
	out := []any{}
	for i, t := range tasks {
		out = append(out, s.taskJSON(t, i == len(tasks)-1))
	}
	return out
}

// serviceTasks plays docker service ps for one service.
func (s *Server) serviceTasks(c *call) (any, *apiError) {
	host, ok, e := s.onHost(c)
	defer s.mu.Unlock()
	w := s.swarm[c.text("appName")]
	switch {
	case e != nil:
		return nil, e
	case !ok || w == nil || w.owner.serverID != host:
		return []any{}, nil
	}
	return s.tasksJSON(w.list()), nil
}

// tasksOfStack plays docker stack ps.
func (s *Server) tasksOfStack(c *call) (any, *apiError) {
	host, ok, e := s.onHost(c)
	defer s.mu.Unlock()
	tasks := s.stackTasks(c.text("appName"))
	switch {
	case e != nil:
		return nil, e
	case !ok || len(tasks) == 0 || tasks[0].w.owner.serverID != host:
		return []any{}, nil
	}
	return s.tasksJSON(tasks), nil
}

// containersByName lists the containers whose names start with a text,
// including ended ones; those of a compose project; or a stack's tasks that
// should be running. Any member may ask for any of them.
func (s *Server) containersByName(c *call) (any, *apiError) {
	host, ok, e := s.onHost(c)
	defer s.mu.Unlock()
	name, kind := c.text("appName"), c.text("appType")
	switch {
	case e != nil:
		return nil, e
	case !ok:
		return []any{}, nil
	case kind == "stack" && s.d.runningTasks:
		return s.runningTasks(name, host), nil
	}
	out := []any{}
	for _, x := range s.allContainers(host) {
		if kind == "docker-compose" && x.project != name || kind != "docker-compose" && !strings.HasPrefix(x.name, name) {
			continue
		}
		m := map[string]any{"containerId": x.id[:12], "name": x.name, "state": x.state}
		if s.d.taskStates {
			m["status"] = x.status(s)
		}
		out = append(out, m)
	}
	return out, nil
}

// runningTasks lists a stack's tasks that should be running: a crash loop
// appears and disappears in it (docs/dokploy.md, What runs: stacks). In the
// recording, the last one without an error had an empty one, "(Error:)".
func (s *Server) runningTasks(appName, host string) []any {
	var tasks []*task
	for _, t := range s.stackTasks(appName) {
		if t.desired == "running" && t.w.owner.serverID == host {
			tasks = append(tasks, t)
		}
	}
	out := []any{}
	for i, t := range tasks {
		status := t.state + " " + s.ago(t.since)
		switch {
		case t.failure != "":
			status += " (" + t.failure + ")"
		case i == len(tasks)-1:
			status += " (Error:)"
		}
		id := ""
		if t.c != nil && !t.c.started.IsZero() {
			id = t.c.id[:12]
		}
		out = append(out, map[string]any{
			"containerId": id, "name": t.w.name + "." + itoa(t.slot) + "." + t.id, "node": node(t), "state": strings.ToLower(t.state), "status": status,
		})
	}
	return out
}

// allContainers lists the containers of a host as docker ps does, newest first.
func (s *Server) allContainers(host string) []*container {
	var out []*container
	for _, name := range sortedNames(s.swarm) {
		w := s.swarm[name]
		if w.owner.serverID != host {
			continue
		}
		for _, t := range w.tasks {
			if t.c != nil {
				out = append(out, t.c)
			}
		}
	}
	for _, c := range s.compose {
		if c.v.serverID == host {
			out = append(out, c.container)
		}
	}
	slices.SortStableFunc(out, func(a, b *container) int {
		return cmp.Or(b.created.Compare(a.created), strings.Compare(b.name, a.name))
	})
	return out
}

func sortedNames(m map[string]*swarmService) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Calls that read the logs of containers (docs/dokploy.md, Versions).
var logFields = []field{
	{name: "tail", optional: true, number: true},
	{name: "since", optional: true, pattern: regexp.MustCompile(`^(all|\d+[smhd])$`), bad: "Invalid since format"},
	{name: "search", optional: true, pattern: regexp.MustCompile(`^[a-zA-Z0-9 ._-]{0,500}$`), bad: "Invalid string: must match pattern /^[a-zA-Z0-9 ._-]{0,500}$/"},
}

// applicationLogs returns what the newest running container has written, or
// everything of the service if none is running.
func (s *Server) applicationLogs(c *call) (any, *apiError) {
	v, e := s.logsOf(c, "application")
	if e != nil {
		return nil, e
	}
	defer s.mu.Unlock()
	var all []logLine
	for _, x := range s.allContainers(v.serverID) {
		if !strings.HasPrefix(x.name, v.AppName) {
			continue
		}
		if x.state == "running" {
			return s.logText(c, x.logs)
		}
		if strings.HasPrefix(x.name, v.AppName+".") {
			all = append(all, x.logs...)
		}
	}
	if s.swarm[v.AppName] == nil {
		return nil, internal("No container or service found for: " + v.AppName)
	}
	slices.SortStableFunc(all, func(a, b logLine) int { return a.at.Compare(b.at) })
	return s.logText(c, all)
}

// composeLogs returns what one container has written.
func (s *Server) composeLogs(c *call) (any, *apiError) {
	v, e := s.logsOf(c, "compose")
	if e != nil {
		return nil, e
	}
	defer s.mu.Unlock()
	id := c.text("containerId")
	for _, x := range s.allContainers(v.serverID) {
		if strings.HasPrefix(x.id, id) || x.name == id {
			return s.logText(c, x.logs)
		}
	}
	return "Error response from daemon: No such container: " + id + "\n", nil
}

// logsOf finds the service, and leaves s.mu locked if there is one.
func (s *Server) logsOf(c *call, kind string) (*Service, *apiError) {
	s.mu.Lock()
	v, e := s.serviceOfLocked(c, kind)
	if e != nil {
		s.mu.Unlock()
		return nil, e
	}
	broken := s.sshLocked(v.serverID)
	s.mu.Unlock()
	if broken != nil {
		if !s.wait(broken.after) {
			return nil, &apiError{dropped: true}
		}
		return nil, internal(broken.call)
	}
	s.mu.Lock()
	s.advanceLocked()
	return v, nil
}

// logText plays docker logs --timestamps.
func (s *Server) logText(c *call, lines []logLine) (any, *apiError) {
	tail, ok := c.in["tail"].(int)
	if !ok {
		tail = 100
	}
	lines = lines[max(0, len(lines)-tail):]
	since, _ := time.ParseDuration(strings.Replace(c.text("since"), "d", "h", 1))
	if strings.HasSuffix(c.text("since"), "d") {
		since *= 24
	}
	var b strings.Builder
	for _, l := range lines {
		if since > 0 && s.simulated.Sub(l.at) > since || !strings.Contains(strings.ToLower(l.text), strings.ToLower(c.text("search"))) {
			continue
		}
		b.WriteString(s.dockerTime(l.at) + " " + l.text + "\n")
	}
	if b.Len() > 1<<20 {
		return nil, &apiError{status: http.StatusInternalServerError, code: "INTERNAL_SERVER_ERROR", message: "Command execution failed: stdout maxBuffer length exceeded"}
	}
	return b.String(), nil
}
