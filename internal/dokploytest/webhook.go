package dokploytest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Push says which pushes start a deployment of a service by themselves.
type Push struct {
	AutoDeployOff bool
	// Branch is the branch that is built, "main" if empty.
	Branch string
	// Owner and Repository are those of a Git provider, "acme" and the
	// service's name if empty.
	Owner, Repository string
	// TriggerType is "push" (also if empty) or "tag". It matters only for
	// GitHub's app.
	TriggerType string
	WatchPaths  []string
}

func (p Push) filled(name string) Push {
	p.Branch, p.Owner, p.Repository = cmp.Or(p.Branch, "main"), cmp.Or(p.Owner, "acme"), cmp.Or(p.Repository, name)
	p.TriggerType = cmp.Or(p.TriggerType, "push")
	return p
}

// SetPush sets which pushes start a deployment of the service.
func (v *Service) SetPush(p Push) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.push = p.filled(v.Name)
}

// pushColumns adds a service's settings about pushes, as the API shows them.
func (v *Service) pushColumns(m map[string]any) {
	m["autoDeploy"], m["triggerType"] = !v.push.AutoDeployOff, v.push.TriggerType
	m["watchPaths"] = nil
	if v.push.WatchPaths != nil {
		m["watchPaths"] = v.push.WatchPaths
	}
	switch v.sourceType {
	case "git":
		m["customGitUrl"], m["customGitBranch"] = "https://git.example.com/"+v.push.Owner+"/"+v.push.Repository+".git", v.push.Branch
	case "github":
		m["owner"], m["repository"], m["branch"] = v.push.Owner, v.push.Repository, v.push.Branch
	case "gitlab", "gitea", "bitbucket":
		m[v.sourceType+"Owner"], m[v.sourceType+"Repository"], m[v.sourceType+"Branch"] = v.push.Owner, v.push.Repository, v.push.Branch
	}
}

// message is a webhook's answer. A 301 has no address.
func message(status int, text string) answer {
	return answer{status: status, contentType: "application/json; charset=utf-8", body: encode(map[string]any{"message": text})}
}

// webhookCall answers /api/deploy/….
func (s *Server) webhookCall(r *http.Request, token string, body []byte) answer {
	h := hook{header: r.Header}
	_ = json.Unmarshal(body, &h.body)
	if token == "github" {
		return s.githubCall(h)
	}
	return s.tokenCall(token, h)
}

// tokenCall is a call with a service's refresh token: from a Git host, a
// registry, or anybody who knows the token.
func (s *Server) tokenCall(token string, h hook) answer {
	kind := "application"
	if rest, ok := strings.CutPrefix(token, "compose/"); ok {
		kind, token = "compose", rest
	}
	if h.header.Get("X-Github-Event") == "ping" {
		return message(200, "Ping received, webhook is active")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.services, func(v *Service) bool { return v.Kind == kind && v.refreshToken == token })
	if i < 0 {
		return message(404, title(kind)+" Not Found")
	}
	v := s.services[i]
	if v.push.AutoDeployOff {
		return message(400, "Automatic deployments are disabled for this "+kind)
	}
	s.pushedLocked(v, h)
	if why := s.unfit(v, h); why != "" {
		return message(301, why)
	}
	s.hookLocked(v, h, h.title(), kind == "compose" || !s.d.leavesOutHash)
	return message(200, title(kind)+" deployed successfully")
}

// pushedLocked moves the branch from which the service is built.
func (s *Server) pushedLocked(v *Service, h hook) {
	if sha := h.hash(); h.branch() == v.push.Branch && isHash(sha) {
		v.head = commit{sha: sha, message: h.title()}
		if n := len(h.body.Commits); n > 0 && h.body.Commits[n-1].ID == sha {
			v.head.message = h.body.Commits[n-1].Message
		}
	}
}

// commit is the newest commit of a service's branch.
type commit struct{ sha, message string }

func isHash(s string) bool {
	return len(s) == 40 && strings.Trim(s, "0123456789abcdef") == ""
}

// hookLocked queues a webhook's deployment. always: it has a description even
// without a hash.
func (s *Server) hookLocked(v *Service, h hook, title string, always bool) {
	hash := h.hash()
	j := &job{service: v, operation: "deploy", title: title, description: "Hash: " + hash, webhook: true}
	if hash == "" && !always {
		j.description, j.noDescription = "", true
	}
	s.addJobLocked(j)
}

// unfit says why a push does not start a deployment of the service; "" if it
// does. If there are two reasons, the source decides which one is given.
func (s *Server) unfit(v *Service, h hook) string {
	branch, files := "", ""
	if b := h.branch(); b == "" || b != v.push.Branch {
		branch = "Branch Not Match"
	}
	changed := h.files(s.d)
	if v.sourceType == "git" && (h.provider() == "" || h.provider() == "bitbucket" || h.provider() == "soft-serve" && v.Kind == "compose") {
		changed = nil // nobody asks for them
	}
	if !watched(v.push.WatchPaths, changed) {
		files = "Watch Paths Not Match"
	}
	switch v.sourceType {
	case "docker":
		return v.otherImage(h)
	case "git", "bitbucket":
		return cmp.Or(branch, files)
	case "gitlab", "gitea":
		return cmp.Or(files, branch)
	case "github":
		return cmp.Or(files, branch)
	}
	return ""
}

func (h hook) provider() string {
	switch {
	case h.has("X-Github-Event"):
		return "github"
	case h.has("X-Gitea-Event"):
		return "gitea"
	case h.has("X-Gitlab-Event"):
		return "gitlab"
	case h.bitbucket():
		return "bitbucket"
	case h.has("X-Softserve-Event"):
		return "soft-serve"
	}
	return ""
}

// otherImage says that a registry's webhook is about another image. One that
// names none is accepted.
func (v *Service) otherImage(h hook) string {
	name, tag := h.image()
	own, ownTag := cutTag(v.image)
	ownTag = cmp.Or(ownTag, "latest")
	switch {
	case name == "":
		return ""
	case name != own:
		return "Application Image Name (" + own + ") doesn't match request event payload Image Name (" + name + ")."
	case tag != "" && tag != ownTag:
		return "Application Image Tag (" + ownTag + ") doesn't match request event payload Image Tag (" + tag + ")."
	}
	return ""
}

// skips are words in a commit's message that keep GitHub's app from deploying
// it. Other webhooks ignore them.
var skips = []string{"[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"}

// githubCall is a call from GitHub's app. Only the presence of a signature is
// checked.
func (s *Server) githubCall(h hook) answer {
	event := h.header.Get("X-Github-Event")
	switch {
	case !h.has("X-Hub-Signature-256"):
		return message(401, "Missing signature header")
	case h.body.Installation.ID == nil:
		return message(400, "Github Installation not found")
	case event == "ping":
		return message(200, "Ping received, webhook is active")
	case event != "push" && event != "pull_request":
		return message(400, "We only accept push events or pull_request events")
	case slices.ContainsFunc(skips, func(word string) bool { return strings.Contains(h.title(), word) }):
		return message(200, "Deployment skipped: commit message contains skip keyword")
	case event == "pull_request":
		return s.pullCall(h)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	tag, isTag := strings.CutPrefix(h.body.Ref, "refs/tags/")
	n := 0
	for _, kind := range []string{"application", "compose"} {
		for _, v := range s.services {
			if v.Kind != kind || !v.hasRepository(h) || v.push.AutoDeployOff {
				continue
			}
			switch {
			case isTag && v.push.TriggerType == "tag":
				n++
				s.hookLocked(v, h, "Tag created: "+tag, true)
			case !isTag && v.push.TriggerType == "push" && v.push.Branch == h.branch():
				n++ // counted before files are checked
				s.pushedLocked(v, h)
				if watched(v.push.WatchPaths, h.files(s.d)) {
					s.hookLocked(v, h, h.title(), true)
				}
			}
		}
	}
	switch {
	case isTag && n == 0:
		return message(200, "No apps configured to deploy on tag")
	case isTag:
		return message(200, "Deployed "+strconv.Itoa(n)+" apps based on tag "+tag)
	case n == 0:
		return message(200, "No apps to deploy")
	}
	return message(200, "Deployed "+strconv.Itoa(n)+" apps")
}

// hasRepository reports whether GitHub's event is about the repository that the
// service is built from.
func (v *Service) hasRepository(h hook) bool {
	r := h.body.Repository
	return v.sourceType == "github" && r != nil && r.Name == v.push.Repository && cmp.Or(r.Owner.Name, r.Owner.Login) == v.push.Owner
}

// Delivery is a push that a Git host reports.
type Delivery struct {
	// Form is the sender's: "gitea" (also Forgejo's), "gitlab", "github",
	// "bitbucket" or "soft-serve"; "" is somebody with curl.
	Form string
	// Branch is the branch that was pushed to, "main" if empty; Tag is a tag.
	Branch, Tag string
	// Commit is the hash of the newest commit. A push without commits has none:
	// NoHash.
	Commit  string
	NoHash  bool
	Message string
	// The files of that commit. Bitbucket sends none; Dokploy asks it for them,
	// which is not played.
	Added, Modified, Removed []string
}

// Deliver makes the Git host call the service's webhook, and returns the
// answer.
func (s *Server) Deliver(v *Service, d Delivery) (status int, text string) {
	at := "/api/deploy/" + v.refreshToken
	if v.Kind == "compose" {
		at = "/api/deploy/compose/" + v.refreshToken
	}
	header, body := d.request()
	return s.post(at, header, body)
}

// DeliverGitHub makes GitHub's app report a push to a repository.
func (s *Server) DeliverGitHub(owner, repository string, d Delivery) (status int, text string) {
	d.Form = "github"
	header, body := d.request()
	return s.postGitHub(header, owner, repository, body)
}

func (s *Server) postGitHub(header http.Header, owner, repository string, body map[string]any) (status int, text string) {
	header.Set("X-Hub-Signature-256", "sha256=of-a-secret")
	body["repository"] = map[string]any{"name": repository, "owner": map[string]any{"login": owner}}
	body["installation"] = map[string]any{"id": 42}
	return s.post("/api/deploy/github", header, body)
}

// post plays a webhook call. It does not count among the requests of clients.
// Without an answer the status is 0.
func (s *Server) post(at string, header http.Header, body map[string]any) (status int, text string) {
	s.mu.Lock()
	down := s.down || s.isClosed
	s.mu.Unlock()
	if down {
		return 0, ""
	}
	header.Set("Content-Type", "application/json")
	a := s.webhookCall(&http.Request{Header: header}, strings.TrimPrefix(at, "/api/deploy/"), encode(body))
	var m struct{ Message string }
	_ = json.Unmarshal(a.body, &m)
	return a.status, m.Message
}

// request returns a delivery as its sender writes it.
func (d Delivery) request() (http.Header, map[string]any) {
	sha := cmp.Or(d.Commit, "0123456789abcdef0123456789abcdef01234567")
	c := map[string]any{"id": sha, "message": cmp.Or(d.Message, "feat: pushed"), "added": d.Added, "modified": d.Modified, "removed": d.Removed}
	ref := "refs/heads/" + cmp.Or(d.Branch, "main")
	if d.Tag != "" {
		ref = "refs/tags/" + d.Tag
	}
	body := map[string]any{"ref": ref, "after": sha, "checkout_sha": sha, "commits": []any{c}, "head_commit": c}
	if d.NoHash {
		body = map[string]any{"ref": ref, "commits": []any{}, "head_commit": nil}
	}
	h := http.Header{}
	switch d.Form {
	case "gitea":
		h.Set("X-Gitea-Event", "push")
		h.Set("X-Github-Event", "push")
	case "gitlab":
		h.Set("X-Gitlab-Event", "Push Hook")
	case "github":
		h.Set("X-Github-Event", "push")
	case "soft-serve":
		h.Set("X-Softserve-Event", "push")
	case "bitbucket":
		h.Set("X-Event-Key", "repo:push")
		body = map[string]any{"push": map[string]any{"changes": []any{map[string]any{"new": map[string]any{
			"name": strings.TrimPrefix(ref, "refs/heads/"), "target": map[string]any{"hash": sha, "message": c["message"]},
		}}}}}
		if d.NoHash {
			body = map[string]any{"push": map[string]any{"changes": []any{}}}
		}
	}
	return h, body
}
