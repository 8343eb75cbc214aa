package dokploy

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dokploy-deploy/internal/text"
)

// Kind is what a service is.
type Kind string

// The two kinds that can be deployed.
const (
	Application Kind = "application"
	Compose     Kind = "compose"
)

// Version of a server; the zero value is an unknown one.
type Version struct{ Major, Minor, Patch int }

// ParseVersion reads "v0.30.2"; ok is false for anything else ("canary").
func ParseVersion(s string) (v Version, ok bool) {
	s, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(s), "v"), "-")
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return Version{}, false
	}
	for i, into := range []*int{&v.Major, &v.Minor, &v.Patch} {
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < 0 {
			return Version{}, false
		}
		*into = n
	}
	return v, true
}

// Known reports whether the server has said its version.
func (v Version) Known() bool { return v != Version{} }

// Less orders versions; an unknown one is taken for a current one.
func (v Version) Less(major, minor, patch int) bool {
	if !v.Known() {
		return false
	}
	return cmp.Or(cmp.Compare(v.Major, major), cmp.Compare(v.Minor, minor), cmp.Compare(v.Patch, patch)) < 0
}

func (v Version) String() string {
	if !v.Known() {
		return "unknown version"
	}
	return "v" + strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) + "." + strconv.Itoa(v.Patch)
}

// Project is one of project.all.
type Project struct {
	Name         string
	Environments []Environment
}

// Environment holds services.
type Environment struct {
	Name     string
	Services []ServiceRef
}

// ServiceRef is a service as project.all lists it.
type ServiceRef struct {
	Kind   Kind
	ID     string
	Name   string
	Status string // idle, running, done, error
}

// Service is what application.one or compose.one says of a service, without
// credentials and tokens.
type Service struct {
	Kind          Kind
	ID            string
	Name          string
	AppName       string
	ComposeType   string // docker-compose, stack
	Replicas      int    // wanted, of an application; negative: not said
	SourceType    string // docker, git, github, …, raw
	Status        string // idle, running, done, error
	ServerID      string // where it runs; empty: on Dokploy's own host
	BuildServerID string // where it is built (applications)
	ProjectID     string
	ProjectName   string
	EnvironmentID string
	Environment   string
	Domains       []Domain
	Deployments   []Deployment // in no order (docs/dokploy.md, Deployment rows); nil: the answer had none

	Image          string // of an application with a Docker source
	Env            Secret // dotenv, as stored
	ComposeFile    Secret // of a raw compose service, as stored; it may hold passwords
	DropBuildPath  string // of uploaded sources
	RollbackActive bool   // Dokploy keeps the images of earlier deployments
	Build          Build
	Repository     Secret // address of what it is built from; empty: nothing, or not said
	BuildFile      string // Dockerfile or compose file, as a path in the source; empty: it is in none, or not said

	Push     Push
	Previews *PreviewSettings // nil: there are none

	// What is read in order to be hidden. SharedEnv is that of the project and
	// of the environment, which a service's may refer to.
	BuildArgs    Secret
	BuildSecrets Secret
	SharedEnv    Secret
	GitURL       Secret // it may hold a token, as Repository may
	Credentials  []Secret

	// NoBuildSecrets: this Dokploy keeps none.
	NoBuildSecrets bool

	// beside is what saveEnvironment overwrites along with the environment.
	beside  map[string]any
	preview previewEnv
}

// Build says how an application is built; each part may be empty. The paths are
// as a person has set them.
type Build struct {
	Type        string // dockerfile, static, nixpacks, …
	Dockerfile  string // below the build path; empty: Dockerfile
	ContextPath string // of Docker; empty: Dokploy's default
	PublishPath string // below the context, of static ones
}

// Secret is text that is never to be shown: printing it by accident shows
// nothing.
type Secret string

func (Secret) String() string { return "(secret)" }

// GoString is for %#v.
func (Secret) GoString() string { return "(secret)" }

// Path is project/environment/name.
func (s *Service) Path() string {
	return joinPath(s.ProjectName, s.Environment, s.Name)
}

func joinPath(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "/")
}

// Domain is one of a service's public addresses. The port that Dokploy keeps
// with it is the container's, so it is not here (docs/dokploy.md, Names, links, domains).
type Domain struct {
	Host    string
	HTTPS   bool
	Path    string
	Enabled bool // always, before 0.30.0
}

// URL is the domain's public address.
func (d Domain) URL() string {
	u := url.URL{Scheme: "http", Host: d.Host, Path: d.Path}
	if d.HTTPS {
		u.Scheme = "https"
	}
	if u.Path == "/" {
		u.Path = ""
	}
	return u.String()
}

// URL is the first public address of the service; empty if it has none.
func (s *Service) URL() string {
	if urls := s.URLs(); len(urls) > 0 {
		return urls[0]
	}
	return ""
}

// URLs are all public addresses of the service, each once.
func (s *Service) URLs() []string {
	var urls []string
	seen := map[string]bool{}
	for _, d := range s.Domains {
		if u := d.URL(); d.Enabled && d.Host != "" && !seen[u] {
			seen[u] = true
			urls = append(urls, u)
		}
	}
	return urls
}

// Statuses of a deployment row.
const (
	// StatusQueued is that of a row which is made when a deployment is queued,
	// as newer servers and forks do; it has no startedAt.
	StatusQueued    = "queued"
	StatusRunning   = "running"
	StatusDone      = "done"
	StatusError     = "error"
	StatusCancelled = "cancelled" // since 0.25.4
)

// Deployment is a deployment row. All times are of the server's clock.
type Deployment struct {
	ID            string
	Title         string
	Description   string
	Status        string
	LogPath       string    // empty: could not even be started (docs/dokploy.md, Deployment rows)
	StartedAt     time.Time // zero: it has not begun
	FinishedAt    time.Time // zero: not finished, or cancelled by a restart
	ErrorMessage  string
	BuildServerID string
}

// Terminal reports whether the status ends a deployment.
func (d *Deployment) Terminal() bool {
	return d.Status == StatusDone || d.Status == StatusError || d.Status == StatusCancelled
}

// Job is an entry of deployment.queueList (≥ 0.28.3). ProcessedOn is of the
// clock of Dokploy's process, as a row's times are. So is QueuedAt, but for jobs
// that a server brought back after a restart: those have what its database says.
type Job struct {
	ID   string
	Kind Kind
	// ServiceID is what is built: a service, or a preview, whose row is in no list
	// of its application's (docs/dokploy.md, Previews).
	ServiceID   string
	PreviewOf   string // a preview's application, in whose line it stands; else empty
	Title       string
	Description string
	Remote      bool   // runs in the queue of a remote server
	ServerID    string // which; not known for jobs of a Git webhook (docs/dokploy.md, Remote servers)
	Active      bool   // false: waiting
	QueuedAt    time.Time
	ProcessedOn time.Time // zero while it waits
}

// Queue is what deployment.queueList shows at one moment, oldest job first.
type Queue struct {
	Jobs []Job
}

// Version asks for the server's version.
func (c *Client) Version(ctx context.Context) (Version, error) {
	var s string
	if err := c.query(ctx, "settings.getDokployVersion", nil, &s); err != nil {
		return Version{}, err
	}
	v, _ := ParseVersion(s)
	return v, nil
}

type wireRef struct {
	ApplicationID     string `json:"applicationId"`
	ComposeID         string `json:"composeId"`
	Name              string `json:"name"`
	ApplicationStatus string `json:"applicationStatus"`
	ComposeStatus     string `json:"composeStatus"`
}

type wireServices struct {
	Applications listOf[wireRef] `json:"applications"`
	Compose      listOf[wireRef] `json:"compose"`
}

func (w wireServices) refs() []ServiceRef {
	var refs []ServiceRef
	for _, a := range w.Applications {
		refs = append(refs, ServiceRef{Application, a.ApplicationID, listedName(a.Name), a.ApplicationStatus})
	}
	for _, s := range w.Compose {
		refs = append(refs, ServiceRef{Compose, s.ComposeID, listedName(s.Name), s.ComposeStatus})
	}
	return refs
}

// IsCloud reports whether the server is Dokploy Cloud (docs/dokploy.md, Dokploy
// Cloud).
func (c *Client) IsCloud(ctx context.Context) (bool, error) {
	var is bool
	err := c.query(ctx, "settings.isCloud", nil, &is)
	return is && err == nil, err
}

// NoEnvironmentsError says that the projects of a server have no environments:
// it is older than v0.25.0 (docs/dokploy.md, Versions).
type NoEnvironmentsError struct{}

func (*NoEnvironmentsError) Error() string {
	return "the projects of this Dokploy have no environments"
}

// listedName is a name in a list of many, which is sent back and shown: what is
// too long for one is left out whole.
func listedName(s string) string {
	if len(s) > maxName {
		return fmt.Sprintf("(a name of %d bytes)", len(s))
	}
	return s
}

// Projects lists all that the key may see. It fails with a
// [NoEnvironmentsError] on servers before v0.25.0.
func (c *Client) Projects(ctx context.Context) ([]Project, error) {
	type environment struct {
		EnvironmentID string `json:"environmentId"`
		Name          string `json:"name"`
		wireServices
	}
	var wire listOf[struct {
		ProjectID    string              `json:"projectId"`
		Name         string              `json:"name"`
		Environments listOf[environment] `json:"environments"`
	}]
	if err := c.query(ctx, listProcedure, nil, &wire); err != nil {
		return nil, err
	}
	if wire == nil {
		return nil, noList(listProcedure)
	}
	projects := make([]Project, 0, len(wire))
	for _, w := range wire {
		p := Project{Name: listedName(w.Name)}
		if w.Environments == nil {
			return nil, &NoEnvironmentsError{}
		}
		for _, e := range w.Environments {
			p.Environments = append(p.Environments, Environment{Name: listedName(e.Name), Services: e.refs()})
		}
		projects = append(projects, p)
	}
	return projects, nil
}

type wireProject struct {
	ProjectID string `json:"projectId"`
	Name      string `json:"name"`
	Env       string `json:"env"`
}

type wireDomain struct {
	Host    string `json:"host"`
	HTTPS   bool   `json:"https"`
	Path    string `json:"path"`
	Enabled *bool  `json:"enabled"`
}

func (d *wireDomain) domain() Domain {
	return Domain{Host: d.Host, HTTPS: d.HTTPS, Path: d.Path, Enabled: d.Enabled == nil || *d.Enabled}
}

type wireService struct {
	wireRef
	wirePaths
	wirePush
	AppName       string `json:"appName"`
	ComposeType   string `json:"composeType"`
	Replicas      *int   `json:"replicas"`
	SourceType    string `json:"sourceType"`
	ServerID      string `json:"serverId"`
	BuildServerID string `json:"buildServerId"`
	Image         string `json:"dockerImage"`
	Env           string `json:"env"`
	ComposeFile   string `json:"composeFile"`
	DropBuildPath string `json:"dropBuildPath"`
	Rollbacks     bool   `json:"rollbackActive"`
	BuildType     string `json:"buildType"`
	Dockerfile    string `json:"dockerfile"`
	ContextPath   string `json:"dockerContextPath"`
	PublishPath   string `json:"publishDirectory"`
	Environment   struct {
		EnvironmentID string      `json:"environmentId"`
		Name          string      `json:"name"`
		Env           string      `json:"env"`
		Project       wireProject `json:"project"`
	} `json:"environment"`
	Domains     listOf[wireDomain]     `json:"domains"`
	Deployments listOf[wireDeployment] `json:"deployments"`

	// Not there in older versions, and null where nothing was ever set.
	BuildArgs     json.RawMessage `json:"buildArgs"`
	BuildSecrets  json.RawMessage `json:"buildSecrets"`
	CreateEnvFile json.RawMessage `json:"createEnvFile"`

	wireCredentials
	wireGit
}

// NoEnvFile reports whether Dokploy says that it writes no .env for the service.
func (s *Service) NoEnvFile() bool { return s.beside["createEnvFile"] == false }

// beside is what application.saveEnvironment wants along with the environment,
// as far as this version has it. It takes no null.
func (w *wireService) beside() map[string]any {
	m := map[string]any{}
	for name, raw := range map[string]json.RawMessage{"buildArgs": w.BuildArgs, "buildSecrets": w.BuildSecrets} {
		var text string
		if raw != nil && json.Unmarshal(raw, &text) == nil {
			m[name] = text // "" for null
		}
	}
	var on bool
	if w.CreateEnvFile != nil && json.Unmarshal(w.CreateEnvFile, &on) == nil {
		m["createEnvFile"] = on
	}
	return m
}

const (
	// maxDomains bounds the domains of a service that are kept.
	maxDomains = 1000
	// maxEnv is the most that Dokploy takes (a body of 1 MB); maxEnvLines is
	// more than anybody writes, and each line may hold a secret to look for.
	maxEnv      = 1 << 20
	maxEnvLines = 20_000
)

// Service reads application.one or compose.one.
func (c *Client) Service(ctx context.Context, kind Kind, id string) (*Service, error) {
	var w wireService
	if err := c.query(ctx, string(kind)+".one", url.Values{string(kind) + "Id": {id}}, &w); err != nil {
		return nil, err
	}
	s := &Service{
		Kind: kind, ID: cmp.Or(w.ApplicationID, w.ComposeID), Name: w.Name, AppName: w.AppName,
		SourceType: w.SourceType, Status: cmp.Or(w.ApplicationStatus, w.ComposeStatus),
		ServerID: w.ServerID, BuildServerID: w.BuildServerID,
		ProjectID: w.Environment.Project.ProjectID, ProjectName: w.Environment.Project.Name,
		EnvironmentID: w.Environment.EnvironmentID, Environment: w.Environment.Name,
		ComposeType: w.ComposeType, Replicas: -1,
		Image: w.Image, Env: Secret(w.Env), ComposeFile: Secret(w.ComposeFile),
		DropBuildPath: w.DropBuildPath, RollbackActive: w.Rollbacks,
		BuildFile: w.file(),
		Build:     Build{Type: w.BuildType, Dockerfile: w.Dockerfile, ContextPath: w.ContextPath, PublishPath: w.PublishPath},
		Push:      w.push(w.SourceType), Previews: w.previews(kind, w.SourceType),
		beside:  w.beside(),
		preview: previewEnv{Secret(w.PreviewEnv), Secret(w.PreviewBuildArgs), Secret(w.PreviewBuildSecrets)},
	}
	for name, to := range map[string]*Secret{"buildArgs": &s.BuildArgs, "buildSecrets": &s.BuildSecrets} {
		text, _ := s.beside[name].(string)
		*to = Secret(text)
	}
	if _, ok := s.beside[string(FieldBuildSecrets)]; !ok {
		s.NoBuildSecrets = true
	}
	s.Credentials = w.list()
	s.GitURL = Secret(w.CustomGitURL)
	s.Repository = w.repository(s.Push)
	s.SharedEnv = Secret(w.Environment.Env + "\n" + w.Environment.Project.Env)
	if w.Replicas != nil {
		s.Replicas = *w.Replicas
	}
	for _, d := range w.Domains[:min(len(w.Domains), maxDomains)] {
		s.Domains = append(s.Domains, d.domain())
	}
	if w.Deployments != nil {
		s.Deployments = rows(w.Deployments)
	}
	switch env := w.Env + string(s.SharedEnv+s.BuildArgs+s.BuildSecrets+s.preview.env+s.preview.buildArgs+s.preview.buildSecrets); {
	case len(w.Env) > maxEnv || len(env) > 4*maxEnv || strings.Count(env, "\n") > maxEnvLines:
		return nil, &Error{Procedure: string(kind) + ".one", Status: 200, Odd: oddLarge, Message: fmt.Sprintf("the environment has more than %d kB or %d lines", maxEnv>>10, maxEnvLines)}
	case s.ID == "":
		return nil, &Error{Procedure: string(kind) + ".one", Status: 200, Message: "the answer names no service"}
	}
	if err := longName(string(kind)+".one", s.ID, s.Name, s.AppName, s.ServerID, s.BuildServerID, s.ProjectID, s.ProjectName, s.EnvironmentID, s.Environment); err != nil {
		return nil, err
	}
	return s, nil
}

type wireDeployment struct {
	DeploymentID  string `json:"deploymentId"`
	Title         string `json:"title"`
	Description   string `json:"description"`
	Status        string `json:"status"`
	LogPath       string `json:"logPath"`
	StartedAt     string `json:"startedAt"`
	FinishedAt    string `json:"finishedAt"`
	ErrorMessage  string `json:"errorMessage"`
	BuildServerID string `json:"buildServerId"`
}

func rows(wire listOf[wireDeployment]) []Deployment {
	out := make([]Deployment, 0, len(wire))
	for _, w := range wire {
		if w.DeploymentID == "" {
			continue
		}
		out = append(out, w.deployment())
	}
	return out
}

func (w *wireDeployment) deployment() Deployment {
	return Deployment{
		ID: w.DeploymentID, Title: w.Title, Description: w.Description, Status: w.Status, LogPath: w.LogPath,
		StartedAt: parseTime(w.StartedAt), FinishedAt: parseTime(w.FinishedAt),
		ErrorMessage: w.ErrorMessage, BuildServerID: w.BuildServerID,
	}
}

// parseTime reads the server's times; zero for what is none.
func parseTime(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s)
	return t
}

// Deployments lists the kept rows of a service, at most 11 (docs/dokploy.md, Deployment rows). An
// unknown service is an empty list since 0.28.7, and NotFound before.
func (c *Client) Deployments(ctx context.Context, kind Kind, id string) ([]Deployment, error) {
	procedure := "deployment.all"
	if kind == Compose {
		procedure = "deployment.allByCompose"
	}
	// A null or an object in its place is an odd answer, not an empty list.
	var wire listOf[wireDeployment]
	if err := c.query(ctx, procedure, url.Values{string(kind) + "Id": {id}}, &wire); err != nil {
		return nil, err
	}
	if wire == nil {
		return nil, noList(procedure)
	}
	return rows(wire), nil
}

// Queue lists the waiting and active jobs of the whole server.
func (c *Client) Queue(ctx context.Context) (*Queue, error) {
	var wire listOf[struct {
		ID   json.RawMessage `json:"id"`
		Data struct {
			ApplicationID  string `json:"applicationId"`
			ComposeID      string `json:"composeId"`
			PreviewID      string `json:"previewDeploymentId"`
			TitleLog       string `json:"titleLog"`
			DescriptionLog string `json:"descriptionLog"`
			Server         bool   `json:"server"`
			ServerID       string `json:"serverId"`
		} `json:"data"`
		Timestamp   float64 `json:"timestamp"`
		ProcessedOn float64 `json:"processedOn"`
		State       string  `json:"state"`
	}]
	const procedure = "deployment.queueList"
	if err := c.query(ctx, procedure, nil, &wire); err != nil {
		return nil, err
	}
	if wire == nil {
		return nil, noList(procedure)
	}
	q := &Queue{}
	for _, w := range wire {
		switch w.State {
		case "completed", "failed":
			continue // BullMQ may list them (before 0.29.9)
		}
		j := Job{
			ID: strings.Trim(string(w.ID), `"`), Kind: Application, ServiceID: w.Data.ApplicationID,
			Title: w.Data.TitleLog, Description: w.Data.DescriptionLog,
			Remote: w.Data.Server, ServerID: w.Data.ServerID, Active: w.State == "active",
			QueuedAt: millis(w.Timestamp), ProcessedOn: millis(w.ProcessedOn),
		}
		if w.Data.ComposeID != "" {
			j.Kind, j.ServiceID = Compose, w.Data.ComposeID
		}
		if w.Data.PreviewID != "" {
			j.ServiceID, j.PreviewOf = w.Data.PreviewID, w.Data.ApplicationID
		}
		q.Jobs = append(q.Jobs, j)
	}
	// The server lists the newest first; of one millisecond, the ids tell.
	slices.SortStableFunc(q.Jobs, func(a, b Job) int {
		return cmp.Or(a.QueuedAt.Compare(b.QueuedAt), cmp.Compare(a.number(), b.number()))
	})
	return q, nil
}

// Key tells jobs apart, those of before a restart included: ids start again
// at job-1 then (docs/dokploy.md, The queue).
func (j *Job) Key() string {
	return j.ID + "@" + strconv.FormatInt(j.QueuedAt.UnixMilli(), 10)
}

// number is the count in a job's id: 25 in "job-25" and in "25".
func (j *Job) number() int {
	digits := strings.TrimLeftFunc(j.ID, func(r rune) bool { return r < '0' || r > '9' })
	n, _ := strconv.Atoi(digits)
	return n
}

// millis is zero for what is no time of these centuries, too.
func millis(ms float64) time.Time {
	if ms <= 0 || ms > 1e13 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms))
}

// Deploy triggers application.deploy, compose.deploy or redeploy. It is sent
// once: an error whose request may have arrived (a TransportError that was
// Made, or an Error of status 500 and above) leaves open whether Dokploy has it.
func (c *Client) Deploy(ctx context.Context, kind Kind, operation, id, title, description string) error {
	input := map[string]string{string(kind) + "Id": id, "title": title, "description": description}
	procedure := string(kind) + "." + operation
	a, err := c.mutate(ctx, procedure, input)
	if err != nil {
		return err
	}
	var said struct {
		Success *bool  `json:"success"`
		Message string `json:"message"`
	}
	if json.Unmarshal(unwrap(a.body), &said) == nil && said.Success != nil && !*said.Success {
		return &Error{Procedure: procedure, Status: a.status, Message: text.OneLine(said.Message)}
	}
	return nil
}

// DashboardURL is where a person sees the service's deployments (docs/dokploy.md, Names, links, domains).
func (c *Client) DashboardURL(s *Service) string {
	u := *c.base
	u.Path = strings.TrimRight(u.Path, "/") + "/dashboard/project/" + s.ProjectID + "/environment/" + s.EnvironmentID +
		"/services/" + string(s.Kind) + "/" + s.ID
	u.RawQuery = "tab=deployments"
	return u.String()
}
