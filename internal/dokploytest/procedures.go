package dokploytest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
)

// now returns this machine's time, for the request log.
func now() time.Time { return time.Now() }

// call is a call of a procedure, with its input checked.
type call struct {
	key       *keyState // nil for a public procedure
	in        map[string]any
	ctx       context.Context
	operation string
}

func (c *call) text(name string) string {
	t, _ := c.in[name].(string)
	return t
}

// procedure is a procedure of the API.
type procedure struct {
	mutation  bool
	public    bool // on /api/trpc; /api requires a key
	operation string
	fields    []field
	since     func(dialect) bool
	docker    bool // needs the right "access to Docker" since 0.28.7
	upload    bool // takes a form with a file, on /api/trpc only
	run       func(s *Server, c *call) (any, *apiError)
}

var deployFields = []field{{name: "title", optional: true}, {name: "description", optional: true}}

var procedures = map[string]*procedure{
	"settings.getDokployVersion": {run: func(s *Server, _ *call) (any, *apiError) { return s.d.version, nil }},
	"settings.isCloud":           {run: func(s *Server, _ *call) (any, *apiError) { return s.opts.Cloud, nil }},
	"settings.health":            {public: true, run: (*Server).health},
	"project.all":                {run: (*Server).projectAll},
	"application.one":            {fields: []field{{name: "applicationId"}}, run: one("application")},
	"compose.one":                {fields: []field{{name: "composeId"}}, run: one("compose")},
	"application.deploy":         {mutation: true, operation: "deploy", fields: append([]field{{name: "applicationId"}}, deployFields...), run: deploy("application")},
	"application.redeploy":       {mutation: true, operation: "redeploy", fields: append([]field{{name: "applicationId"}}, deployFields...), run: deploy("application")},
	"compose.deploy":             {mutation: true, operation: "deploy", fields: append([]field{{name: "composeId"}}, deployFields...), run: deploy("compose")},
	"compose.redeploy":           {mutation: true, operation: "redeploy", fields: append([]field{{name: "composeId"}}, deployFields...), run: deploy("compose")},
	"deployment.all":             {fields: []field{{name: "applicationId"}}, run: list("application")},
	"deployment.allByCompose":    {fields: []field{{name: "composeId"}}, run: list("compose")},
	"deployment.queueList":       {since: func(d dialect) bool { return d.queueList }, run: (*Server).queueList},
	"deployment.readLogs": {
		since:  func(d dialect) bool { return d.readLogs },
		fields: []field{{name: "deploymentId"}, {name: "tail", optional: true, number: true}}, run: (*Server).readLogs,
	},
	"application.update":          {mutation: true, fields: updateApplicationFields, run: update("application")},
	"compose.update":              {mutation: true, fields: updateComposeFields, run: update("compose")},
	"application.saveEnvironment": {mutation: true, fields: saveEnvironmentFields, run: save("application", false, nil)},
	"compose.saveEnvironment": {
		mutation: true, fields: saveComposeEnvironmentFields, run: save("compose", false, nil),
		since: func(d dialect) bool { return d.composeSaves },
	},
	"application.saveDockerProvider": {
		mutation: true, fields: saveDockerProviderFields, run: save("application", true, func(v *Service) { v.sourceType = "docker" }),
	},
	"application.dropDeployment": {mutation: true, upload: true},
	"compose.loadServices": {
		fields: []field{{name: "composeId"}, {name: "type", optional: true, oneOf: []string{"fetch", "cache"}}}, run: (*Server).loadServices,
	},
	"rollback.rollback": {
		mutation: true, fields: []field{{name: "rollbackId"}}, run: (*Server).rollBack,
	},
	"deployment.allByType": {
		fields: []field{{name: "id"}, {name: "type", oneOf: deploymentTypes}}, run: (*Server).allByType,
	},
	"previewDeployment.all":    {fields: []field{{name: "applicationId"}}, run: (*Server).previewAll},
	"previewDeployment.one":    {fields: []field{{name: "previewDeploymentId"}}, run: previewCall((*Server).previewOne)},
	"previewDeployment.delete": {mutation: true, fields: []field{{name: "previewDeploymentId"}}, run: previewCall((*Server).previewDelete)},
	"previewDeployment.redeploy": {
		mutation: true, fields: append([]field{{name: "previewDeploymentId"}}, deployFields...), run: previewCall((*Server).previewRedeploy),
	},
	"user.get":                             {run: (*Server).user},
	"user.getPermissions":                  {run: (*Server).permissionsOf, since: func(d dialect) bool { return d.permissions }},
	"docker.getServiceContainersByAppName": {fields: dockerFields("appName"), docker: true, run: (*Server).serviceTasks},
	"docker.getStackContainersByAppName":   {fields: dockerFields("appName"), docker: true, run: (*Server).tasksOfStack},
	"docker.getConfig":                     {fields: dockerFields("containerId"), docker: true, run: (*Server).inspect},
	"docker.getContainersByAppNameMatch": {
		fields: append(dockerFields("appName"), field{name: "appType", optional: true, oneOf: []string{"stack", "docker-compose"}}),
		run:    (*Server).containersByName,
	},
	"application.readLogs": {
		fields: append([]field{{name: "applicationId"}}, logFields...), run: (*Server).applicationLogs,
		since: func(d dialect) bool { return d.containerLogs },
	},
	"compose.readLogs": {
		fields: append([]field{{name: "composeId"}, {name: "containerId", pattern: dockerName, bad: "Invalid container id."}}, logFields...),
		run:    (*Server).composeLogs, since: func(d dialect) bool { return d.containerLogs },
	},
}

// procedure finds a procedure of this version.
func (s *Server) procedure(name string) *procedure {
	p := procedures[name]
	if p == nil || p.since != nil && !p.since(s.d) || s.opts.NoDocker && strings.HasPrefix(name, "docker.") {
		return nil
	}
	return p
}

func notFound(what string) *apiError {
	return &apiError{status: http.StatusNotFound, code: "NOT_FOUND", message: what + " not found"}
}

var noAccess = &apiError{status: http.StatusUnauthorized, code: "UNAUTHORIZED", message: "You don't have access to this service"}

func title(kind string) string {
	if kind == "compose" {
		return "Compose"
	}
	return "Application"
}

func (s *Server) findLocked(kind, id string) *Service {
	i := slices.IndexFunc(s.services, func(v *Service) bool { return v.Kind == kind && v.ID == id })
	if i < 0 {
		return nil
	}
	return s.services[i]
}

func (s *Server) health(*call) (any, *apiError) {
	if !s.d.newOpenAPI {
		return map[string]any{"status": "not_cloud"}, nil
	}
	return map[string]any{"status": "ok"}, nil
}

func (s *Server) projectAll(c *call) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []any{}
	for _, p := range s.projects {
		if v := s.projectJSON(p, c.key); v != nil {
			out = append(out, v)
		}
	}
	return out, nil
}

// serviceOfLocked returns the service that a call names, if the key may use it.
func (s *Server) serviceOfLocked(c *call, kind string) (*Service, *apiError) {
	id := c.text(kind + "Id")
	v := s.findLocked(kind, id)
	switch {
	case !s.mayUse(c.key, id):
		return nil, noAccess
	case v == nil:
		return nil, notFound(title(kind))
	}
	return v, nil
}

func one(kind string) func(*Server, *call) (any, *apiError) {
	return func(s *Server, c *call) (any, *apiError) {
		s.mu.Lock()
		defer s.mu.Unlock()
		v, e := s.serviceOfLocked(c, kind)
		if e != nil {
			return nil, e
		}
		return s.serviceJSON(v, true), nil
	}
}

func list(kind string) func(*Server, *call) (any, *apiError) {
	return func(s *Server, c *call) (any, *apiError) {
		s.mu.Lock()
		defer s.mu.Unlock()
		id := c.text(kind + "Id")
		if !s.mayUse(c.key, id) {
			return nil, noAccess
		}
		v := s.findLocked(kind, id)
		if v == nil && !s.d.permissions {
			return nil, notFound(title(kind))
		}
		out := []any{}
		if v != nil {
			for _, r := range s.rowsOfLocked(v) {
				out = append(out, s.rowJSON(r))
			}
		}
		return out, nil
	}
}

func deploy(kind string) func(*Server, *call) (any, *apiError) {
	return func(s *Server, c *call) (any, *apiError) {
		s.mu.Lock()
		v, e := s.serviceOfLocked(c, kind)
		if e != nil {
			s.mu.Unlock()
			return nil, e
		}
		var promised string
		add := func() { // with s.mu held
			v.triggers++
			promised = s.enqueueLocked(v, c.operation, c.text("title"), c.text("description"), false).promised
		}
		up := s.redisUp
		if up == nil {
			add()
			s.mu.Unlock()
		} else {
			// The request still runs once Redis is back, whether or not anybody
			// waits for the answer, but not in another process.
			done, life := make(chan struct{}), s.life
			s.startLocked(func() {
				defer close(done)
				select {
				case <-up:
					s.mu.Lock()
					defer s.mu.Unlock()
					if s.life == life {
						add()
					}
				case <-s.closed:
				}
			})
			s.mu.Unlock()
			select {
			case <-done:
			case <-s.closed:
				return nil, &apiError{dropped: true}
			case <-c.ctx.Done():
				return nil, &apiError{dropped: true}
			}
		}
		if (kind != "compose" || !s.d.composeBody) && promised == "" {
			return nothing{}, nil
		}
		out := map[string]any{"success": true, "message": "Deployment queued"}
		if s.d.composeID && kind == "compose" {
			out["composeId"] = v.ID
		}
		if promised != "" {
			out["deploymentId"] = promised
		}
		if c.operation == "redeploy" {
			out["message"] = "Redeployment queued"
		}
		return out, nil
	}
}

func (s *Server) queueList(*call) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []any{}
	for i := len(s.jobs) - 1; i >= 0; i-- { // newest first
		out = append(out, s.jobJSON(s.jobs[i]))
	}
	return out, nil
}

// readLogs reads the end of a log (docs/dokploy.md, The log over REST). For a
// build server it looks on the wrong host and finds nothing (docs/dokploy.md,
// Remote servers).
func (s *Server) readLogs(c *call) (any, *apiError) {
	s.mu.Lock()
	i := slices.IndexFunc(s.rows, func(r *row) bool { return r.ID == c.text("deploymentId") })
	if i < 0 {
		s.mu.Unlock()
		return nil, notFound("Deployment")
	}
	r := s.rows[i]
	v := r.service
	host := v.serverID
	if !s.d.readsRemote || v.parent != nil { // a preview's row names no server (docs/dokploy.md, Previews)
		host = ""
	}
	broken := s.sshLocked(host)
	file := s.files[fileKey(host, r.LogPath)]
	allowed := v.parent != nil || s.mayUse(c.key, v.ID)
	s.mu.Unlock()
	switch {
	case !allowed:
		return nil, noAccess
	case r.LogPath == "":
		return "", nil
	case broken != nil:
		if !s.wait(broken.after) {
			return nil, &apiError{dropped: true}
		}
		return nil, &apiError{status: 500, code: "INTERNAL_SERVER_ERROR", message: broken.call}
	case host != "" && !s.wait(400*time.Millisecond): // opening an SSH connection
		return nil, &apiError{dropped: true}
	case file == nil:
		return "\n", nil
	}
	n, ok := c.in["tail"].(int)
	if !ok {
		n = 100
	}
	text := file.tail(n)
	if len(text) > 1<<20 {
		return nil, &apiError{status: 500, code: "INTERNAL_SERVER_ERROR", message: "Command execution failed: stdout maxBuffer length exceeded"}
	}
	return string(utf8Text(text)), nil
}
