package dokploy

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Kind is the kind of a service.
type Kind string

// The two kinds that can be deployed.
const (
	Application Kind = "application"
	Compose     Kind = "compose"
)

// Service is what application.one or compose.one says about a service, without
// credentials and tokens.
type Service struct {
	Kind          Kind
	ID            string
	Name          string
	AppName       string
	ComposeType   string // docker-compose, stack
	Replicas      int    // desired, of an application; negative: unknown
	SourceType    string // docker, git, github, …, raw
	Status        string // idle, running, done, error
	ServerID      string // where it runs; empty: on Dokploy's own host
	BuildServerID string // where it is built (applications)
	ProjectID     string
	ProjectName   string
	EnvironmentID string
	Environment   string
	Domains       []Domain
	Deployments   []Deployment // in no order (docs/dokploy.md, Deployment rows); nil: missing from the answer

	Image          string // of an application with a Docker source
	Env            Secret // dotenv, as stored
	ComposeFile    Secret // of a raw compose service, as stored; may contain passwords
	DropBuildPath  string // of uploaded sources
	RollbackActive bool   // Dokploy keeps the images of earlier deployments
	Build          Build
	Repository     Secret // address of what it is built from; empty: nothing, or unknown
	BuildFile      string // Dockerfile or compose file, as a path in the source; empty: generated, or unknown

	Push     Push
	Previews *PreviewSettings // nil: it cannot have previews
	// PullRequest is set if this is the preview of one, and PreviewID is the
	// preview's id; empty: Dokploy has not made it yet.
	PullRequest int
	PreviewID   string

	// Read only to be masked. SharedEnv is that of the project and of the
	// environment, which the service's may refer to.
	BuildArgs    Secret
	BuildSecrets Secret
	SharedEnv    Secret
	GitURL       Secret // may contain a token, like Repository
	Credentials  []Secret

	// NoBuildSecrets: this Dokploy has none.
	NoBuildSecrets bool

	// beside is what saveEnvironment overwrites along with the environment.
	beside  map[string]any
	preview previewEnv
}

// Build says how an application is built; each field may be empty. Paths are as
// the user set them.
type Build struct {
	Type        string // dockerfile, static, nixpacks, …
	Dockerfile  string // below the build path; empty: Dockerfile
	ContextPath string // of Docker; empty: Dokploy's default
	PublishPath string // below the context, of static sites
}

// Path returns project/environment/name.
func (s *Service) Path() string {
	parts := []string{s.ProjectName, s.Environment, s.Name}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "/")
}

// NoEnvFile reports whether Dokploy says that it writes no .env for the service.
func (s *Service) NoEnvFile() bool { return s.beside["createEnvFile"] == false }

const (
	// maxDomains limits how many domains of a service are kept.
	maxDomains = 1000
	// maxEnv is the most that Dokploy accepts (a body of 1 MB). maxEnvLines is
	// more than anybody writes; each line may hold a secret to search for.
	maxEnv      = 1 << 20
	maxEnvLines = 20_000
)

// Service reads application.one or compose.one.
func (c *Client) Service(ctx context.Context, kind Kind, id string) (*Service, error) {
	procedure := string(kind) + ".one"
	var w wireService
	if err := c.query(ctx, procedure, url.Values{string(kind) + "Id": {id}}, &w); err != nil {
		return nil, err
	}
	s := w.service(kind)
	switch env := string(s.Env + s.SharedEnv + s.BuildArgs + s.BuildSecrets + s.preview.env + s.preview.buildArgs + s.preview.buildSecrets); {
	case len(s.Env) > maxEnv || len(env) > 4*maxEnv || strings.Count(env, "\n") > maxEnvLines:
		return nil, &Error{Procedure: procedure, Status: 200, Odd: oddLarge, Message: fmt.Sprintf("the environment has more than %d kB or %d lines", maxEnv>>10, maxEnvLines)}
	case s.ID == "":
		return nil, &Error{Procedure: procedure, Status: 200, Message: "the answer names no service"}
	}
	if err := longName(procedure, s.ID, s.Name, s.AppName, s.ServerID, s.BuildServerID, s.ProjectID, s.ProjectName, s.EnvironmentID, s.Environment); err != nil {
		return nil, err
	}
	return s, nil
}

// DashboardURL returns the page with the service's deployments
// (docs/dokploy.md, Names, links, domains).
func (c *Client) DashboardURL(s *Service) string {
	u := *c.base
	u.Path = strings.TrimRight(u.Path, "/") + "/dashboard/project/" + s.ProjectID + "/environment/" + s.EnvironmentID +
		"/services/" + string(s.Kind) + "/" + s.ID
	u.RawQuery = "tab=deployments"
	if s.PullRequest != 0 {
		u.RawQuery = "tab=preview-deployments"
	}
	return u.String()
}
