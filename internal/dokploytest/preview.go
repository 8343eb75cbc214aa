package dokploytest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Previews are an application's settings for previews of pull requests. The
// application's source must be "github".
type Previews struct {
	Limit  int      // 3 if 0
	Labels []string // the pull request needs one of them, if there are any
	// AnyAuthor: the author needs no write access to the repository.
	AnyAuthor bool
	Wildcard  string // of the domains, "*.preview.example.com" if empty
	HTTPS     bool
	Path      string // "/" if empty
	Env       string // in the place of the application's
	// Settles is how long a new preview has neither a domain nor a job: Dokploy
	// writes a comment at GitHub first.
	Settles time.Duration
	// Build and Rollout are what each deployment of a preview does. BuildFunc
	// comes before Build, if it is set; n counts the preview's deployments.
	Build     Build
	BuildFunc func(n int) Build
	Rollout   Rollout
}

// pull is the pull request of a preview.
type pull struct {
	id, number         int
	title, url, branch string
	touched            time.Time // createdAt, which each deployment updates
}

// PullRequest is an event that GitHub's app sends about a pull request.
type PullRequest struct {
	Number            int
	Action            string // "synchronize" if empty
	Owner, Repository string // "acme", "api" if empty
	Commit            string // the head's hash
	Branch, Base      string // "feature", "main" if empty
	Author            string // "ann" if empty
	Labels            []string
}

// PullRequest makes GitHub's app send an event about a pull request.
func (s *Server) PullRequest(p PullRequest) (status int, text string) {
	labels := []any{}
	for _, l := range p.Labels {
		labels = append(labels, map[string]any{"name": l})
	}
	n := strconv.Itoa(p.Number)
	body := map[string]any{
		"action": cmp.Or(p.Action, "synchronize"), "number": p.Number,
		"pull_request": map[string]any{
			"id": 9000 + p.Number, "number": p.Number, "title": "PR " + n, "html_url": "https://git.example.com/acme/api/pull/" + n,
			"user": map[string]any{"login": cmp.Or(p.Author, "ann")}, "labels": labels,
			"head": map[string]any{"ref": cmp.Or(p.Branch, "feature"), "sha": cmp.Or(p.Commit, "0123456789abcdef0123456789abcdef01234567")},
			"base": map[string]any{"ref": cmp.Or(p.Base, "main")},
		},
	}
	return s.postGitHub(http.Header{"X-Github-Event": {"pull_request"}}, cmp.Or(p.Owner, "acme"), cmp.Or(p.Repository, "api"), body)
}

// Stranger takes somebody's write access to the repositories away.
func (s *Server) Stranger(login string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strangers = append(s.strangers, login)
}

// pullCall creates, builds or removes the previews of a pull request
// (docs/dokploy.md, Previews).
func (s *Server) pullCall(h hook) answer {
	p := h.body.Pull
	if p == nil {
		return message(400, "PR author information missing")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	creates := false
	switch h.body.Action {
	case "closed":
		for _, v := range s.services {
			for _, preview := range slices.Clone(v.previews) {
				if preview.pull.id == p.ID {
					s.removePreviewLocked(preview)
				}
			}
		}
		return message(200, "Preview Deployment Closed")
	case "opened", "synchronize", "reopened":
		creates = true
	case "labeled":
		creates = s.d.labeled
	case "unlabeled":
	default:
		return message(400, "No Actions matched")
	}
	for _, v := range s.services {
		set := v.previewSettings
		switch {
		case set == nil || v.Kind != "application" || !v.hasRepository(h) || p.Base.Ref != v.push.Branch:
			continue
		case !set.AnyAuthor && slices.Contains(s.strangers, p.User.Login):
			continue
		case len(set.Labels) > 0 && !slices.ContainsFunc(p.Labels, func(l struct {
			Name string `json:"name"`
		}) bool {
			return slices.Contains(set.Labels, l.Name)
		}):
			continue
		}
		i := slices.IndexFunc(v.previews, func(x *Service) bool { return x.pull.id == p.ID })
		limit := cmp.Or(set.Limit, 3)
		switch {
		case i < 0 && (!creates || s.d.limitsNewOnly && len(v.previews) >= limit), !s.d.limitsNewOnly && len(v.previews) > limit:
			continue
		case i < 0:
			s.addPreviewLocked(v, *p)
			i = len(v.previews) - 1
		}
		preview := v.previews[i]
		add := func() {
			preview.settling = false
			s.addJobLocked(&job{service: preview, operation: "deploy", title: "Preview Deployment", description: "Hash: " + p.Head.SHA, webhook: true})
		}
		if !preview.settling {
			add()
			continue
		}
		time.AfterFunc(set.Settles, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			add()
		})
	}
	return message(200, "Apps Deployed")
}

// addPreviewLocked adds a preview. It is a service of its own, except that it
// queues together with its application.
func (s *Server) addPreviewLocked(v *Service, p hookPull) *Service {
	name := "preview-" + v.AppName + "-" + clean(s.newID()[:6])
	set := *v.previewSettings
	if set.BuildFunc == nil {
		set.BuildFunc = func(int) Build { return set.Build }
	}
	preview := &Service{
		ID: s.newID(), Kind: v.Kind, Name: v.Name, AppName: name, s: s, env: v.env, created: s.now(), sourceType: v.sourceType, envText: v.envText,
		serverID: v.serverID, build: set.BuildFunc, status: "idle", null: map[string]bool{}, replicas: v.replicas, parent: v,
		rollout: func(string, Version) Rollout { return set.Rollout }, push: v.push,
		settling: set.Settles > 0,
		pull:     &pull{id: p.ID, number: p.Number, title: p.Title, url: p.URL, branch: p.Head.Ref, touched: s.now()},
		domains: []Domain{{
			Host: strings.Replace(cmp.Or(set.Wildcard, "*.preview.example.com"), "*", name, 1), HTTPS: set.HTTPS, Path: set.Path,
		}},
		domainIDs: []string{s.newID()}, domainBase: s.domainN,
	}
	s.domainN++
	v.previews = append(v.previews, preview)
	return preview
}

// removePreviewLocked removes a preview with its rows, logs and containers. A
// build in progress continues, and ends without a trace.
func (s *Server) removePreviewLocked(preview *Service) {
	preview.removed = true
	for _, r := range s.rowsOfLocked(preview) {
		delete(s.files, fileKey(preview.logServer(), r.LogPath))
		s.removeRowLocked(r)
	}
	s.advanceLocked()
	delete(s.swarm, preview.AppName)
	preview.parent.previews = slices.DeleteFunc(preview.parent.previews, func(x *Service) bool { return x == preview })
}

// Previews lists an application's previews, the oldest first. Deployments lists
// the rows of one.
func (s *Server) Previews(v *Service) []*Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(v.previews)
}

// PullRequest returns the number of the one that this is a preview of; 0: none.
func (v *Service) PullRequest() int {
	if v.pull == nil {
		return 0
	}
	return v.pull.number
}

// SetPreviews changes an application's preview settings; nil turns previews off.
// Existing ones stay.
func (v *Service) SetPreviews(p *Previews) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.previewSettings = p
}

// RemovePreview removes a preview, as somebody would in the dashboard.
func (s *Server) RemovePreview(preview *Service) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removePreviewLocked(preview)
}

// group returns the service whose queue it shares: a preview's application,
// else itself.
func (v *Service) group() *Service {
	if v.parent != nil {
		return v.parent
	}
	return v
}

func (s *Server) findPreviewLocked(id string) *Service {
	for _, v := range s.services {
		for _, preview := range v.previews {
			if preview.ID == id {
				return preview
			}
		}
	}
	return nil
}

func (s *Server) previewJSON(v *Service) map[string]any {
	return map[string]any{
		"previewDeploymentId": v.ID, "branch": v.pull.branch, "pullRequestId": strconv.Itoa(v.pull.id), "pullRequestNumber": strconv.Itoa(v.pull.number),
		"pullRequestURL": v.pull.url, "pullRequestTitle": v.pull.title, "pullRequestCommentId": "1001", "previewStatus": v.status, "appName": v.AppName,
		"applicationId": v.parent.ID, "domainId": v.domainIDs[0], "createdAt": stamp(v.pull.touched), "expiresAt": nil,
	}
}

// newestPreviews returns an application's previews, most recently deployed
// first.
func (v *Service) newestPreviews() []*Service {
	out := slices.Clone(v.previews)
	slices.Reverse(out)
	slices.SortStableFunc(out, func(a, b *Service) int { return b.pull.touched.Compare(a.pull.touched) })
	return out
}

func (s *Server) previewAll(c *call) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := c.text("applicationId")
	if !s.mayUse(c.key, id) {
		return nil, noAccess
	}
	out := []any{}
	v := s.findLocked("application", id)
	if v == nil {
		return out, nil
	}
	for _, preview := range v.newestPreviews() {
		m := s.previewJSON(preview)
		rows := []any{}
		for _, r := range s.rowsOfLocked(preview) {
			rows = append(rows, s.rowJSON(r))
		}
		m["deployments"], m["domain"] = rows, s.domainsJSON(preview)[0]
		if preview.settling {
			m["domain"], m["domainId"] = nil, nil
		}
		out = append(out, m)
	}
	return out, nil
}

// previewCall wraps a call about one preview.
func previewCall(f func(s *Server, c *call, preview *Service) any) func(*Server, *call) (any, *apiError) {
	return func(s *Server, c *call) (any, *apiError) {
		s.mu.Lock()
		defer s.mu.Unlock()
		preview := s.findPreviewLocked(c.text("previewDeploymentId"))
		switch {
		case preview == nil:
			return nil, notFound("Preview Deployment")
		case !s.mayUse(c.key, preview.parent.ID):
			return nil, noAccess
		}
		return f(s, c, preview), nil
	}
}

func (s *Server) previewOne(_ *call, preview *Service) any {
	m := s.previewJSON(preview)
	m["domain"] = s.domainsJSON(preview)[0]
	m["application"] = map[string]any{"applicationId": preview.parent.ID, "serverId": orNull(preview.serverID)}
	return m
}

func (s *Server) previewDelete(_ *call, preview *Service) any {
	s.removePreviewLocked(preview)
	return true
}

func (s *Server) previewRedeploy(c *call, preview *Service) any {
	s.addJobLocked(&job{service: preview, operation: "redeploy", title: cmp.Or(c.text("title"), "Rebuild Preview Deployment"), description: c.text("description")})
	return true
}
