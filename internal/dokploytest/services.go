package dokploytest

import (
	"cmp"
	"io"
	"slices"
	"time"
)

// Application is an application to add. Everything is optional.
type Application struct {
	ID          string // 21 characters; made if empty
	Project     string // "shop" if empty
	Environment string // "production" if empty
	Name        string // "api" if empty
	AppName     string // derived from the name if empty
	// SourceType is "docker" (the default), "git", "github", "gitlab",
	// "gitea", "bitbucket" or "drop".
	SourceType    string
	Image         string // of a Docker source
	Env           string // "SECRET-env-…" if empty
	BuildArgs     string
	BuildSecrets  string
	Replicas      int    // 1 if 0
	ServerID      string // runs on this remote server
	BuildServerID string // built on this one
	Domains       []Domain
	// HowBuilt holds columns such as buildType, dockerfile and
	// dockerContextPath.
	HowBuilt      map[string]string
	DropBuildPath string // null if empty
	Build         Build
	// BuildFunc returns what the nth deployment does, from 1, instead of Build.
	BuildFunc func(n int) Build
	// Rollout is what the containers of each deployment do. The version that
	// ran before the first one just runs.
	Rollout Rollout
	// RolloutFunc returns what a version does, instead of Rollout. It is also
	// called for the version that ran before the first (N is 0), but only tasks
	// created later, after a rollback, do what it says.
	RolloutFunc func(Version) Rollout
	// NeverDeployed: nothing runs before the first deployment.
	NeverDeployed bool
	// RollbackActive, with a rollback registry: rows have a rollbackId
	// (docs/dokploy.md, Going back).
	RollbackActive bool
	// Push is what starts a deployment by itself.
	Push Push
	// Previews are the settings for previews; nil: switched off.
	Previews *Previews
}

// Compose is a compose service to add. Everything is optional.
type Compose struct {
	ID          string
	Project     string
	Environment string
	Name        string // "stack" if empty
	AppName     string
	SourceType  string // "raw" (the default), "git", "github", …
	// ComposeType is "docker-compose" (the default) or "stack".
	ComposeType string
	// ComposeFile defines the services, their restart policies, replicas and
	// update_config.
	ComposeFile string
	Env         string
	ServerID    string
	Domains     []Domain
	Build       Build
	BuildFunc   func(n int) Build
	// Rollout is what the containers of every service do from the first
	// deployment on; Rollouts are exceptions by service name.
	Rollout  Rollout
	Rollouts map[string]Rollout
	// RolloutFunc returns what a service of a version does, instead of both. It
	// is also called for what ran before, as for an application.
	RolloutFunc func(service string, v Version) Rollout
	// NeverDeployed: nothing runs before the first deployment.
	NeverDeployed bool
	// Push is what starts a deployment by itself.
	Push Push
}

// Domain is a public address of a service. Its port is the container's.
type Domain struct {
	Host        string
	HTTPS       bool
	Path        string // "/" if empty
	Port        int    // 3000 if 0
	ServiceName string
	Disabled    bool // ≥ 0.30.0
}

// Build is what one deployment of a service does. The zero value is done after
// 200 ms.
type Build struct {
	// Steps are written to the log in order.
	Steps []Step
	// LogWriter writes the log instead of Steps; the build ends when it
	// returns.
	LogWriter func(w io.Writer)
	// Outcome is the row's final status: "done" (also if empty), "error", or an
	// unknown one.
	Outcome string
	// FinishAfter is the time from the last write to finishedAt: 14 ms if 0
	// (docs/dokploy.md, Log files).
	FinishAfter time.Duration
	// TailAfter is the time from finishedAt until the job leaves the queue: 0,
	// and 500 ms for remote services (docs/dokploy.md, Remote servers).
	TailAfter time.Duration
	// StartDelay is the time from the job becoming active to its row appearing:
	// 35 ms if 0, 500 ms for remote services.
	StartDelay time.Duration
	// Raw omits what Dokploy itself writes: the first line ("Initializing
	// deployment") and the last.
	Raw bool
	// CommitTitle and CommitSHA overwrite title and description of a Git source
	// when the deployment ends, but not on redeploy (docs/dokploy.md,
	// Deployment rows). Generated if empty.
	CommitTitle, CommitSHA string
	// CloneFailed: the clone failed, so there is no commit.
	CloneFailed bool
	// ErrorMessage is the row's; null if empty (docs/dokploy.md, Deployment
	// rows).
	ErrorMessage string
	// NoLogPath: the deployment could not be started. The row has status error
	// from the start, logPath "" and ErrorMessage.
	NoLogPath bool
	// NoRow: the job becomes active and leaves the queue after SilentStart (200
	// ms if 0) without a row; the service stays running (docs/dokploy.md,
	// Remote servers).
	NoRow bool
	// SilentStart is how long the job is active without a row, before
	// StartDelay.
	SilentStart time.Duration
	// StayRunning: the job leaves the queue before step LeaveAt (after all of
	// them if 0) and the row stays running forever (docs/dokploy.md, Remote
	// servers). The steps continue.
	StayRunning bool
	LeaveAt     int
	// AfterEnd is written to the log after the end (docs/dokploy.md, Remote
	// servers): the build continues on the remote server.
	AfterEnd []Step
}

// Step is text that is written to the log after a pause. It may contain no
// newline, end inside a character, or be empty.
type Step struct {
	After time.Duration
	Text  string
}

// Lines returns a step for each line, with a pause before each.
func Lines(pause time.Duration, lines ...string) []Step {
	steps := make([]Step, 0, len(lines))
	for _, l := range lines {
		steps = append(steps, Step{After: pause, Text: l + "\n"})
	}
	return steps
}

type project struct {
	id, name string
	created  time.Time
	envs     []*environment
}

type environment struct {
	id, name string
	created  time.Time
	project  *project
}

// Service is an application or a compose service of a Server. The exported
// fields do not change.
type Service struct {
	ID      string
	Kind    string // "application" or "compose"
	Name    string
	AppName string

	s             *Server
	env           *environment
	created       time.Time
	sourceType    string
	image         string
	composeFile   string
	envText       string
	password      string
	refreshToken  string
	serverID      string
	buildServerID string
	domains       []Domain
	domainIDs     []string
	domainBase    int
	build         func(n int) Build
	builds        int // deployments started
	triggers      int
	status        string // idle, running, done, error

	username, registryURL   string
	buildArgs, buildSecrets string
	dropBuildPath           string
	howBuilt                map[string]string
	null                    map[string]bool // columns that are null, not ""
	noEnvFile               bool            // createEnvFile is false
	replicas                int
	rollbackActive          bool
	registry                string // of the rollback registry
	rollbacks               []*rollback
	composeType             string
	fileOnDisk              string // the compose file as the last job wrote it
	rollout                 func(service string, v Version) Rollout
	shipped                 Version // of a compose service
	uploads                 []Upload

	push            Push
	head            commit // of the branch; the zero value is any
	previewSettings *Previews
	settling        bool       // a new preview, without domain and job
	previews        []*Service // oldest first
	parent          *Service   // of a preview: its application
	pull            *pull      // of a preview
	removed         bool       // of a preview
}

// AddApplication adds an application.
func (s *Server) AddApplication(a Application) *Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &Service{
		ID: a.ID, Kind: "application", Name: cmp.Or(a.Name, "api"), AppName: a.AppName,
		sourceType: cmp.Or(a.SourceType, "docker"), image: a.Image, envText: a.Env,
		serverID: a.ServerID, buildServerID: a.BuildServerID, domains: a.Domains, build: a.BuildFunc,
		buildArgs: a.BuildArgs, buildSecrets: a.BuildSecrets, replicas: max(1, a.Replicas), rollbackActive: a.RollbackActive,
		howBuilt: a.HowBuilt, dropBuildPath: a.DropBuildPath, push: a.Push, previewSettings: a.Previews,
	}
	if v.sourceType == "docker" {
		v.image, v.username = cmp.Or(a.Image, "ghcr.io/acme/api:1.4.1"), "deploy"
	}
	if v.build == nil {
		v.build = func(int) Build { return a.Build }
	}
	v.rollout = func(_ string, version Version) Rollout {
		switch {
		case a.RolloutFunc != nil:
			return a.RolloutFunc(version)
		case version.N == 0:
			return Rollout{}
		}
		return a.Rollout
	}
	s.addLocked(v, a.Project, a.Environment)
	if v.rollbackActive {
		v.registry = s.dockerID(false)[:21]
	}
	if !a.NeverDeployed {
		s.ranBefore(v)
	}
	return v
}

// AddCompose adds a compose service.
func (s *Server) AddCompose(c Compose) *Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &Service{
		ID: c.ID, Kind: "compose", Name: cmp.Or(c.Name, "stack"), AppName: c.AppName,
		sourceType: cmp.Or(c.SourceType, "raw"), envText: c.Env, serverID: c.ServerID, domains: c.Domains, build: c.BuildFunc, push: c.Push,
		composeFile: cmp.Or(c.ComposeFile, "services:\n  web:\n    image: ghcr.io/acme/web:1\n    environment:\n      TOKEN: SECRET-compose-file\n"),
	}
	v.composeType = cmp.Or(c.ComposeType, "docker-compose")
	if v.build == nil {
		v.build = func(int) Build { return c.Build }
	}
	v.rollout = func(service string, version Version) Rollout {
		special, ok := c.Rollouts[service]
		switch {
		case c.RolloutFunc != nil:
			return c.RolloutFunc(service, version)
		case version.N == 0:
			return Rollout{}
		case ok:
			return special
		}
		return c.Rollout
	}
	s.addLocked(v, c.Project, c.Environment)
	if !c.NeverDeployed {
		s.ranBefore(v)
	}
	return v
}

func (s *Server) addLocked(v *Service, projectName, environmentName string) {
	v.s = s
	v.push = v.push.filled(v.Name)
	v.null = map[string]bool{}
	for name, text := range map[string]string{
		"dockerImage": v.image, "username": v.username, "buildArgs": v.buildArgs, "buildSecrets": v.buildSecrets, "dropBuildPath": v.dropBuildPath,
	} {
		v.null[name] = text == ""
	}
	v.null["registryUrl"] = v.sourceType != "docker"
	v.null["password"] = v.sourceType != "docker"
	v.ID = cmp.Or(v.ID, s.newID())
	v.AppName = cmp.Or(v.AppName, clean(v.Name)+"-"+clean(s.newID()[:6]))
	v.envText = cmp.Or(v.envText, "SECRET-env-"+v.Name+"=SECRET-env-value")
	if v.sourceType == "docker" {
		v.password = "SECRET-password-" + v.Name
	}
	v.refreshToken = "SECRET-refresh-" + s.newID()
	v.created = s.now()
	v.status = "idle"
	v.env = s.environmentLocked(cmp.Or(projectName, "shop"), cmp.Or(environmentName, "production"))
	for range v.domains {
		v.domainIDs = append(v.domainIDs, s.newID())
	}
	v.domainBase = s.domainN
	s.domainN += len(v.domains)
	for _, id := range []string{v.serverID, v.buildServerID} {
		if id != "" && s.servers[id] == nil {
			s.servers[id] = &remoteServer{id: id, created: s.now()}
		}
	}
	s.services = append(s.services, v)
}

// environmentLocked returns the environment of these names. It creates what is
// missing.
func (s *Server) environmentLocked(projectName, environmentName string) *environment {
	i := slices.IndexFunc(s.projects, func(p *project) bool { return p.name == projectName })
	if i < 0 {
		s.projects = append(s.projects, &project{id: s.newID(), name: projectName, created: s.now()})
		i = len(s.projects) - 1
	}
	p := s.projects[i]
	j := slices.IndexFunc(p.envs, func(e *environment) bool { return e.name == environmentName })
	if j < 0 {
		p.envs = append(p.envs, &environment{id: s.newID(), name: environmentName, created: s.now(), project: p})
		j = len(p.envs) - 1
	}
	return p.envs[j]
}

// SetBuild sets what the next deployments of the service do.
func (v *Service) SetBuild(b Build) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.build = func(int) Build { return b }
}

// SetBuildFunc sets what the nth deployment of the service does.
func (v *Service) SetBuildFunc(f func(n int) Build) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.build = f
}

// Status returns applicationStatus or composeStatus.
func (v *Service) Status() string {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	return v.status
}

// git reports whether the source is cloned.
func (v *Service) git() bool {
	switch v.sourceType {
	case "git", "github", "gitlab", "gitea", "bitbucket":
		return true
	}
	return false
}

// logServer returns the server that has the log file (docs/dokploy.md, Remote
// servers).
func (v *Service) logServer() string { return cmp.Or(v.buildServerID, v.serverID) }
