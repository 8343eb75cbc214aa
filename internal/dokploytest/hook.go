package dokploytest

import (
	"cmp"
	"net/http"
	"regexp"
	"strings"
)

// hook is a webhook call as Dokploy reads it: by its headers, not by its
// sender. Gitea and Forgejo send GitHub's header besides their own, and where
// that matters they are read as GitHub (docs/dokploy.md, Webhooks).
type hook struct {
	header http.Header
	body   hookBody
}

// hookBody holds the fields of the body that Dokploy reads.
type hookBody struct {
	Ref         string       `json:"ref"`
	After       string       `json:"after"`
	CheckoutSHA string       `json:"checkout_sha"`
	Commits     []hookCommit `json:"commits"`
	HeadCommit  *hookCommit  `json:"head_commit"`
	Push        struct {
		Changes []hookChange `json:"changes"`
	} `json:"push"`
	PushData *struct {
		Tag    string `json:"tag"`
		Pusher string `json:"pusher"`
	} `json:"push_data"`
	Repository *struct {
		Name     string `json:"name"`
		RepoName string `json:"repo_name"`
		Owner    struct {
			Name  string `json:"name"`
			Login string `json:"login"`
		} `json:"owner"`
	} `json:"repository"`
	Package struct {
		Version *hookPackage `json:"package_version"`
	} `json:"registry_package"`
	Installation struct {
		ID any `json:"id"`
	} `json:"installation"`
	Action string    `json:"action"`
	Pull   *hookPull `json:"pull_request"`
}

type hookCommit struct {
	ID       string   `json:"id"`
	Message  string   `json:"message"`
	Added    []string `json:"added"`
	Modified []string `json:"modified"`
	Removed  []string `json:"removed"`
}

// hookChange is Bitbucket's.
type hookChange struct {
	New struct {
		Name   string `json:"name"`
		Target struct {
			Hash    string `json:"hash"`
			Message string `json:"message"`
		} `json:"target"`
	} `json:"new"`
}

// hookPackage is from GitHub's registry.
type hookPackage struct {
	Version  string `json:"version"`
	URL      string `json:"package_url"`
	Metadata struct {
		Tag struct {
			Name string `json:"name"`
		} `json:"tag"`
	} `json:"container_metadata"`
}

type hookPull struct {
	ID     int    `json:"id"`
	Number int    `json:"number"`
	Title  string `json:"title"`
	URL    string `json:"html_url"`
	User   struct {
		Login string `json:"login"`
	} `json:"user"`
	Labels []struct {
		Name string `json:"name"`
	} `json:"labels"`
	Head struct {
		Ref string `json:"ref"`
		SHA string `json:"sha"`
	} `json:"head"`
	Base struct {
		Ref string `json:"ref"`
	} `json:"base"`
}

func (h hook) has(name string) bool { return h.header.Get(name) != "" }

func (h hook) bitbucket() bool { return strings.Contains(h.header.Get("X-Event-Key"), "repo:push") }

// packageVersion returns the package of GitHub's registry; nil for other
// senders.
func (h hook) packageVersion() *hookPackage {
	if h.header.Get("X-Github-Event") != "registry_package" {
		return nil
	}
	return h.body.Package.Version
}

// dockerHub reports whether an image was pushed to Docker Hub, recognised by
// its client alone.
func (h hook) dockerHub() bool {
	return strings.Contains(h.header.Get("User-Agent"), "Go-http-client") && h.body.PushData != nil && h.body.Repository != nil
}

// title returns the deployment's title, a commit's whole message: of the push's
// first commit for GitLab's form and the like, of the last one for GitHub's.
func (h hook) title() string {
	const none = "NEW COMMIT"
	switch p := h.packageVersion(); {
	case p != nil:
		return "Docker GHCR image pushed: " + p.URL
	case h.has("X-Github-Event"):
		if h.body.HeadCommit == nil {
			return none
		}
		return h.body.HeadCommit.Message
	case h.has("X-Gitlab-Event"), h.has("X-Gitea-Event"), h.has("X-Softserve-Event"):
		if len(h.body.Commits) == 0 {
			return none
		}
		return h.body.Commits[0].Message
	case h.bitbucket():
		if len(h.body.Push.Changes) == 0 {
			return none
		}
		return h.body.Push.Changes[0].New.Target.Message
	case h.dockerHub():
		return "DockerHub image pushed: " + h.body.Repository.RepoName + ":" + h.body.PushData.Tag + " by " + h.body.PushData.Pusher
	}
	return "NEW CHANGES"
}

// hash returns the commit that was pushed, "NEW COMMIT", or "".
func (h hook) hash() string {
	const none = "NEW COMMIT"
	switch {
	case h.has("X-Github-Event"):
		if h.body.HeadCommit == nil {
			return ""
		}
		return h.body.HeadCommit.ID
	case h.has("X-Gitlab-Event"):
		if h.body.CheckoutSHA == "" && len(h.body.Commits) > 0 {
			return h.body.Commits[0].ID
		}
		return cmp.Or(h.body.CheckoutSHA, none)
	case h.bitbucket():
		if len(h.body.Push.Changes) == 0 {
			return none
		}
		return h.body.Push.Changes[0].New.Target.Hash
	case h.has("X-Gitea-Event"), h.has("X-Softserve-Event"):
		return cmp.Or(h.body.After, none)
	}
	return ""
}

// branch returns the branch that was pushed to; a tag's ref stays whole.
func (h hook) branch() string {
	switch {
	case h.bitbucket():
		if len(h.body.Push.Changes) > 0 {
			return h.body.Push.Changes[0].New.Name
		}
	case h.has("X-Github-Event"), h.has("X-Gitea-Event"), h.has("X-Gitlab-Event"), strings.Contains(h.header.Get("X-Softserve-Event"), "push"):
		return strings.TrimPrefix(h.body.Ref, "refs/heads/")
	}
	return ""
}

// files returns the files that the push changed; since v0.29.14 including added
// and removed ones.
func (h hook) files(d dialect) []string {
	var out []string
	for _, c := range h.body.Commits {
		out = append(out, c.Modified...)
		if d.watchesAll {
			out = append(append(out, c.Added...), c.Removed...)
		}
	}
	return out
}

// image returns the name and tag in a registry's webhook.
func (h hook) image() (name, tag string) {
	switch p := h.packageVersion(); {
	case p != nil:
		name, tag = cutTag(p.URL)
		if t := p.Metadata.Tag.Name; t != "" && t != p.Version && !strings.HasPrefix(t, "sha256:") {
			tag = t
		}
		return name, tag
	case h.dockerHub():
		return h.body.Repository.RepoName, h.body.PushData.Tag
	}
	return "", ""
}

var port = regexp.MustCompile(`^\d{1,5}(/|$)`)

// cutTag strips an image's tag.
func cutTag(image string) (name, tag string) {
	i := strings.LastIndexByte(image, ':')
	if i < 0 || port.MatchString(image[i+1:]) {
		return image, ""
	}
	return image[:i], image[i+1:]
}

// watched reports whether one of the files matches the watch paths; without any
// it does. As in micromatch, * stops at a slash and skips hidden files, and !
// negates a pattern. Braces and classes are not played.
func watched(paths, files []string) bool {
	if len(paths) == 0 {
		return true
	}
	for _, f := range files {
		for _, p := range paths {
			inner, not := strings.CutPrefix(p, "!")
			if glob(strings.TrimPrefix(inner, "./")).MatchString(f) != not {
				return true
			}
		}
	}
	return false
}

func glob(pattern string) *regexp.Regexp {
	const visible = `[^./][^/]*`
	quoted := regexp.QuoteMeta(pattern)
	for _, r := range [][2]string{
		{`/\*\*/`, `/(?:` + visible + `/)*`}, {`/\*\*$`, `(?:/` + visible + `)*`}, {`^\*\*/`, `(?:` + visible + `/)*`}, {`^\*\*$`, visible + `(?:/` + visible + `)*`},
	} {
		quoted = regexp.MustCompile(strings.NewReplacer(`\*\*`, `\\\*\\\*`).Replace(r[0])).ReplaceAllLiteralString(quoted, r[1])
	}
	quoted = regexp.MustCompile(`(^|/)\\\*`).ReplaceAllString(quoted, `$1(?:[^./][^/]*)?`)
	quoted = strings.NewReplacer(`\*`, `[^/]*`, `\?`, `[^/]`).Replace(quoted)
	return regexp.MustCompile(`^` + quoted + `$`)
}
