package dokploy

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Push says which pushes make Dokploy deploy a service by itself
// (docs/dokploy.md, Webhooks).
type Push struct {
	// AutoDeploy: webhooks start deployments. If the answer does not say so it
	// is true.
	AutoDeploy bool
	// Branch is the branch that is built; empty if the source has none, or if
	// it was never set.
	Branch string
	// OnTag: GitHub's app must report a tag, not a push to the branch. Other
	// webhooks ignore the setting.
	OnTag bool
	// WatchPaths are patterns, one of which must match a changed file. None:
	// all files count.
	WatchPaths []string
	// Owner and Repository are set for Git providers. A source of type "git"
	// has [Service.GitURL] instead.
	Owner, Repository string
}

// PreviewSettings are an application's settings for previews of pull requests
// (docs/dokploy.md, Previews).
type PreviewSettings struct {
	// Limit is how many previews the application may have at a time.
	Limit int
	// Labels: the pull request needs one of them. None: it needs no label.
	Labels []string
	// WritersOnly: its author must have write access to the repository.
	WritersOnly bool
}

// defaultPreviewLimit applies if no limit is set.
const defaultPreviewLimit = 3

// Preview is the preview of one pull request: a deployment of an application
// with its own rows, containers and domain.
type Preview struct {
	ID      string
	Number  int // of the pull request
	AppName string
	Status  string   // like Service.Status
	Domains []Domain // one, or none
	// Deployments are its rows, newest first. They are not in any list of the
	// application, and keep their title and description to the end.
	Deployments []Deployment
}

// Of returns the application as the preview runs it: with the preview's name,
// addresses and environment. A preview is never built on a build server. One that
// has only a number is not there yet.
func (p *Preview) Of(application *Service) *Service {
	s := *application
	s.PullRequest, s.PreviewID = p.Number, p.ID
	s.AppName, s.Status, s.BuildServerID = p.AppName, p.Status, ""
	s.Domains, s.Deployments = p.Domains, p.Deployments
	s.Env, s.BuildArgs, s.BuildSecrets = s.preview.env, s.preview.buildArgs, s.preview.buildSecrets
	return &s
}

// previewEnv is the environment that previews have instead of the
// application's.
type previewEnv struct{ env, buildArgs, buildSecrets Secret }

// wirePush are the settings for all sources. Only one source is used.
type wirePush struct {
	AutoDeploy          *bool          `json:"autoDeploy"`
	TriggerType         string         `json:"triggerType"`
	WatchPaths          listOf[string] `json:"watchPaths"`
	Owner               string         `json:"owner"`
	Repository          string         `json:"repository"`
	Branch              string         `json:"branch"`
	CustomGitBranch     string         `json:"customGitBranch"`
	GitlabOwner         string         `json:"gitlabOwner"`
	GitlabRepository    string         `json:"gitlabRepository"`
	GitlabBranch        string         `json:"gitlabBranch"`
	GiteaOwner          string         `json:"giteaOwner"`
	GiteaRepository     string         `json:"giteaRepository"`
	GiteaBranch         string         `json:"giteaBranch"`
	BitbucketOwner      string         `json:"bitbucketOwner"`
	BitbucketRepository string         `json:"bitbucketRepository"`
	BitbucketSlug       string         `json:"bitbucketRepositorySlug"`
	BitbucketBranch     string         `json:"bitbucketBranch"`

	PreviewsActive      bool           `json:"isPreviewDeploymentsActive"`
	PreviewLimit        *int           `json:"previewLimit"`
	PreviewLabels       listOf[string] `json:"previewLabels"`
	PreviewWritersOnly  *bool          `json:"previewRequireCollaboratorPermissions"`
	PreviewEnv          string         `json:"previewEnv"`
	PreviewBuildArgs    string         `json:"previewBuildArgs"`
	PreviewBuildSecrets string         `json:"previewBuildSecrets"`
}

// push returns the settings of a source.
func (w *wirePush) push(sourceType string) Push {
	p := Push{AutoDeploy: w.AutoDeploy == nil || *w.AutoDeploy, OnTag: w.TriggerType == "tag", WatchPaths: w.WatchPaths}
	switch sourceType {
	case "git":
		p.Branch = w.CustomGitBranch
	case "github":
		p.Owner, p.Repository, p.Branch = w.Owner, w.Repository, w.Branch
	case "gitlab":
		p.Owner, p.Repository, p.Branch = w.GitlabOwner, w.GitlabRepository, w.GitlabBranch
	case "gitea":
		p.Owner, p.Repository, p.Branch = w.GiteaOwner, w.GiteaRepository, w.GiteaBranch
	case "bitbucket":
		p.Owner, p.Repository, p.Branch = w.BitbucketOwner, w.BitbucketRepository, w.BitbucketBranch
		if w.BitbucketSlug != "" { // what its addresses contain
			p.Repository = w.BitbucketSlug
		}
	}
	return p
}

// previews returns nil if the service cannot have previews: only applications
// built from GitHub can.
func (w *wirePush) previews(kind Kind, sourceType string) *PreviewSettings {
	if kind != Application || sourceType != "github" || !w.PreviewsActive {
		return nil
	}
	p := &PreviewSettings{Limit: defaultPreviewLimit, Labels: w.PreviewLabels, WritersOnly: w.PreviewWritersOnly == nil || *w.PreviewWritersOnly}
	if w.PreviewLimit != nil {
		p.Limit = *w.PreviewLimit
	}
	return p
}

// Previews lists the previews of an application with their rows, the most
// recently deployed first. For an unknown application the list is empty.
func (c *Client) Previews(ctx context.Context, applicationID string) ([]Preview, error) {
	const procedure = "previewDeployment.all"
	var wire listOf[struct {
		ID          string                 `json:"previewDeploymentId"`
		Number      string                 `json:"pullRequestNumber"`
		AppName     string                 `json:"appName"`
		Status      string                 `json:"previewStatus"`
		Domain      *wireDomain            `json:"domain"`
		Deployments listOf[wireDeployment] `json:"deployments"`
	}]
	if err := c.query(ctx, procedure, url.Values{"applicationId": {applicationID}}, &wire); err != nil {
		return nil, err
	}
	if wire == nil {
		return nil, noList(procedure)
	}
	out := make([]Preview, 0, len(wire))
	for _, w := range wire {
		number, err := strconv.Atoi(w.Number)
		if err != nil || w.ID == "" {
			continue
		}
		if err := longName(procedure, w.ID, w.AppName); err != nil {
			return nil, err
		}
		p := Preview{ID: w.ID, Number: number, AppName: w.AppName, Status: w.Status, Deployments: rows(w.Deployments)}
		if w.Domain != nil {
			p.Domains = []Domain{w.Domain.domain()}
		}
		out = append(out, p)
	}
	return out, nil
}

// Now reads a service again. Of a preview it reads what is the preview's own, and
// not the application's settings. Its error is NotFound if the service is gone.
func (c *Client) Now(ctx context.Context, s *Service) (*Service, error) {
	if s.PullRequest == 0 {
		return c.Service(ctx, s.Kind, s.ID)
	}
	p, err := c.preview(ctx, s)
	if err != nil {
		return nil, err
	}
	return p.Of(s), nil
}

// Rows lists the deployments of a service or of a preview, newest first.
func (c *Client) Rows(ctx context.Context, s *Service) ([]Deployment, error) {
	if s.PullRequest == 0 {
		return c.Deployments(ctx, s.Kind, s.ID)
	}
	p, err := c.preview(ctx, s)
	if err != nil {
		return nil, err
	}
	return p.Deployments, nil
}

// preview reads a preview with its rows. Only the list of all previews shows rows
// to a plain member (docs/dokploy.md, Previews).
func (c *Client) preview(ctx context.Context, s *Service) (*Preview, error) {
	all, err := c.Previews(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == s.PreviewID {
			return &all[i], nil
		}
	}
	return nil, &Error{Procedure: "previewDeployment.all", Status: http.StatusNotFound, Code: "NOT_FOUND", Message: "the preview is no longer listed"}
}
