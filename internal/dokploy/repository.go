package dokploy

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// wireGit are the fields that say where a repository is, besides those of
// wirePush.
type wireGit struct {
	GitLabPath string `json:"gitlabPathNamespace"`
}

// repository returns the address of the repository that a service is built
// from; empty: none, or unknown.
func (w *wireService) repository(p Push) Secret {
	at := func(server string, path ...string) Secret {
		if server == "" || slices.Contains(path, "") {
			return ""
		}
		return Secret(strings.TrimRight(server, "/") + "/" + strings.Trim(strings.Join(path, "/"), "/"))
	}
	switch {
	case w.SourceType == "git":
		return Secret(w.CustomGitURL)
	case w.SourceType == "github":
		return at("https://github.com", p.Owner, p.Repository)
	case w.SourceType == "bitbucket":
		return at("https://bitbucket.org", p.Owner, p.Repository)
	case w.SourceType == "gitea" && w.Gitea != nil:
		return at(w.Gitea.GiteaURL, p.Owner, p.Repository)
	case w.SourceType == "gitlab" && w.GitLab != nil && w.GitLabPath != "":
		return at(w.GitLab.GitLabURL, w.GitLabPath)
	case w.SourceType == "gitlab" && w.GitLab != nil:
		return at(w.GitLab.GitLabURL, p.Owner, p.Repository)
	}
	return ""
}

// HasGit reports whether the service is built from a Git repository.
func (s *Service) HasGit() bool {
	switch s.SourceType {
	case "github", "gitlab", "gitea", "bitbucket", "git":
		return true
	}
	return false
}

// commitForm matches the final description of the row of a Git source.
var commitForm = regexp.MustCompile(`^Commit: ([0-9a-f]{40}|[0-9a-f]{64})$`)

// Commit returns the hash of the commit that was built, which the row contains
// since 0.25.7 once it has ended; else empty (docs/dokploy.md, Deployment
// rows).
func (d *Deployment) Commit() string {
	m := commitForm.FindStringSubmatch(strings.TrimSpace(d.Description))
	if m == nil || !d.Terminal() {
		return ""
	}
	return m[1]
}

// scpForm matches git@host:path, which Git accepts besides URLs.
var scpForm = regexp.MustCompile(`^(?:[^/@]+@)?([^/:@\[\]]+):([^/].*|/[^/].*)$`)

// otherNames are second names of servers that accept SSH on the port of HTTPS.
var otherNames = map[string]string{"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com", "altssh.bitbucket.org": "bitbucket.org"}

// SameRepository reports whether two addresses certainly name the same
// repository, in any form that Git accepts: host and path are the same.
func SameRepository(a, b string) bool {
	x, y := hostAndPath(a), hostAndPath(b)
	return x != "" && x == y
}

// hostAndPath returns both parts of an address; empty: it has no host.
func hostAndPath(address string) string {
	address = strings.TrimSpace(address)
	var host, path string
	if strings.Contains(address, "://") {
		u, err := url.Parse(address)
		if err != nil {
			return ""
		}
		host, path = u.Hostname(), u.Path
	} else if m := scpForm.FindStringSubmatch(address); m != nil {
		host, path = m[1], m[2]
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	host = cmp.Or(otherNames[host], host)
	path = strings.ToLower(strings.TrimSuffix(strings.Trim(path, "/"), ".git"))
	if host == "" || !strings.Contains(path, "/") {
		return ""
	}
	return host + "/" + path
}
