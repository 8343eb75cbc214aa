// Package ci owns everything that depends on where the program runs: which CI
// host it is, what the run is about, how output is shown, and where the outputs
// go.
package ci

import (
	"strings"

	"dokploy-deploy/internal/text"
)

// Host is a CI host, or a plain shell. Its zero value is a plain shell with an
// empty environment.
type Host struct {
	hostTraits
	lookup func(string) (string, bool)
}

type hostTraits struct {
	name            string // its usual name; empty: a plain shell
	variable, value string // variable that identifies the host; no value: anything but false
	actions         bool   // obeys workflow commands, as GitHub's runner does
	annotations     bool   // shows errors and warnings apart from the log

	// Variables that describe what is built.
	sha, message, author, pullRequest, run string
	repository                             []string // variables with its address; the first one that is set counts
	refs                                   []string // branch or tag, for hosts without a message; the first one that is set counts
}

var githubRefs = []string{"GITHUB_REF_NAME", "GITHUB_REF"}

// hosts is in the order of detection: the more specific host first.
var hosts = []hostTraits{
	{name: "Forgejo Actions", variable: "FORGEJO_ACTIONS", actions: true, sha: "GITHUB_SHA", author: "GITHUB_ACTOR", refs: githubRefs},
	{name: "Gitea Actions", variable: "GITEA_ACTIONS", actions: true, sha: "GITHUB_SHA", author: "GITHUB_ACTOR", refs: githubRefs},
	{name: "GitHub Actions", variable: "GITHUB_ACTIONS", actions: true, annotations: true, sha: "GITHUB_SHA", author: "GITHUB_ACTOR", refs: githubRefs},
	{name: "GitLab CI", variable: "GITLAB_CI", sha: "CI_COMMIT_SHA", message: "CI_COMMIT_TITLE",
		author: "CI_COMMIT_AUTHOR", pullRequest: "CI_MERGE_REQUEST_IID", run: "CI_JOB_URL", repository: []string{"CI_PROJECT_URL"}, refs: []string{"CI_COMMIT_REF_NAME"}},
	{name: "Woodpecker", variable: "CI", value: "woodpecker", sha: "CI_COMMIT_SHA", message: "CI_COMMIT_MESSAGE",
		author: "CI_COMMIT_AUTHOR", pullRequest: "CI_COMMIT_PULL_REQUEST", run: "CI_PIPELINE_URL",
		repository: []string{"CI_REPO_URL", "CI_REPO_LINK", "CI_REPO_CLONE_URL"}, refs: []string{"CI_COMMIT_TAG", "CI_COMMIT_BRANCH", "CI_COMMIT_REF"}},
	{name: "Drone", variable: "DRONE", value: "true", sha: "DRONE_COMMIT_SHA", message: "DRONE_COMMIT_MESSAGE",
		author: "DRONE_COMMIT_AUTHOR", pullRequest: "DRONE_PULL_REQUEST", run: "DRONE_BUILD_LINK",
		repository: []string{"DRONE_REPO_LINK", "DRONE_GIT_HTTP_URL"}, refs: []string{"DRONE_TAG", "DRONE_BRANCH", "DRONE_COMMIT_REF"}},
	{name: "Bitbucket Pipelines", variable: "BITBUCKET_BUILD_NUMBER", sha: "BITBUCKET_COMMIT", pullRequest: "BITBUCKET_PR_ID",
		repository: []string{"BITBUCKET_GIT_HTTP_ORIGIN"}, refs: []string{"BITBUCKET_TAG", "BITBUCKET_BRANCH"}},
	{name: "CircleCI", variable: "CIRCLECI", sha: "CIRCLE_SHA1", author: "CIRCLE_USERNAME",
		pullRequest: "CIRCLE_PULL_REQUEST", run: "CIRCLE_BUILD_URL", repository: []string{"CIRCLE_REPOSITORY_URL"}, refs: []string{"CIRCLE_TAG", "CIRCLE_BRANCH"}},
	{name: "Jenkins", variable: "JENKINS_URL", sha: "GIT_COMMIT", message: "CHANGE_TITLE",
		author: "CHANGE_AUTHOR", pullRequest: "CHANGE_ID", run: "BUILD_URL",
		repository: []string{"GIT_URL"}, refs: []string{"TAG_NAME", "BRANCH_NAME", "GIT_BRANCH"}},
}

// Detect identifies the host by its environment. lookup is like [os.LookupEnv].
func Detect(lookup func(name string) (string, bool)) Host {
	h := Host{lookup: lookup}
	for _, t := range hosts {
		v := h.get(t.variable)
		if v != "" && (v == t.value || t.value == "" && !strings.EqualFold(v, "false")) {
			h.hostTraits = t
			break
		}
	}
	return h
}

func (h Host) get(name string) string {
	if h.lookup == nil || name == "" {
		return ""
	}
	v, _ := h.lookup(name)
	return strings.TrimSpace(v)
}

// Commit describes what a CI run is about. Each field may be empty.
type Commit struct {
	SHA         string
	Message     string // whole message, its subject, or the title of the pull request or release
	Author      string
	PullRequest string // its number
	RunURL      string
	Ref         string // name of the branch or tag
}

// Commit returns what this run is about. On some events that is another commit
// than the one that was checked out.
func (h Host) Commit() Commit {
	c := Commit{
		SHA:         h.get(h.sha),
		Message:     h.get(h.message),
		Author:      h.get(h.author),
		PullRequest: h.get(h.pullRequest),
		RunURL:      h.get(h.run),
	}
	for _, name := range h.refs {
		c.Ref = firstOf(c.Ref, shortRef(h.get(name)))
	}
	// GitLab gives "Name <mail>". CircleCI gives a link that ends in the
	// number.
	c.Author, _, _ = strings.Cut(c.Author, " <")
	c.PullRequest = c.PullRequest[strings.LastIndexByte(c.PullRequest, '/')+1:]
	switch {
	case h.actions:
		about := readEvent(h.get("GITHUB_EVENT_PATH")).about(h.get("GITHUB_EVENT_NAME"))
		c.SHA, c.Message, c.PullRequest = firstOf(about.SHA, c.SHA), about.Message, about.PullRequest
		run := h.get("GITHUB_RUN_ID")
		// Forgejo's pages are addressed by number, GitHub's and Gitea's by id.
		if n := h.get("GITHUB_RUN_NUMBER"); n != "" && h.name == "Forgejo Actions" {
			run = n
		}
		c.RunURL = link(h.get("GITHUB_SERVER_URL"), "/", h.get("GITHUB_REPOSITORY"), "/actions/runs/", run)
	case h.name == "GitLab CI":
		// A pipeline for merged results checks out a merge commit that exists
		// nowhere else.
		if head := h.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"); head != "" && head != c.SHA {
			c.SHA, c.Message = head, firstOf(h.get("CI_MERGE_REQUEST_TITLE"), c.Message)
		}
	case h.name == "Bitbucket Pipelines":
		c.RunURL = link(h.get("BITBUCKET_GIT_HTTP_ORIGIN"), "/pipelines/results/", h.get("BITBUCKET_BUILD_NUMBER"))
	}
	return c
}

// Repository returns the address of the run's repository; empty: unknown.
func (h Host) Repository() string {
	if h.actions {
		return link(h.get("GITHUB_SERVER_URL"), "/", h.get("GITHUB_REPOSITORY"))
	}
	for _, name := range h.repository {
		if address := h.get(name); address != "" {
			return address
		}
	}
	return ""
}

// shortRef strips refs/heads/ or refs/tags/ from the name of a branch or tag.
func shortRef(ref string) string {
	for _, prefix := range []string{"refs/heads/", "refs/tags/", "refs/"} {
		if name, ok := strings.CutPrefix(ref, prefix); ok {
			return name
		}
	}
	return ref
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// link joins the parts of a link. It returns "" if one is missing.
func link(parts ...string) string {
	for _, p := range parts {
		if p == "" {
			return ""
		}
	}
	return strings.Join(parts, "")
}

const maxTitle = 200 // characters

// Title returns the subject line of the message, else the name of the ref;
// empty if there is neither.
func (c Commit) Title() string {
	return text.Cut(firstOf(oneLine(firstLine(c.Message)), oneLine(c.Ref)), maxTitle)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// Description says which commit this is and where it is built, such as "3f2a91c
// by alice · #12 · https://…". Unknown parts are left out.
func (c Commit) Description() string {
	commit := oneLine(c.SHA)
	if len(commit) > 7 {
		commit = strings.ToValidUTF8(commit[:7], "")
	}
	if author := text.Cut(oneLine(c.Author), 100); author != "" {
		commit = strings.TrimSpace(commit + " by " + author)
	}
	var parts []string
	if commit != "" {
		parts = append(parts, commit)
	}
	if pr := text.Cut(oneLine(c.PullRequest), 20); pr != "" {
		parts = append(parts, "#"+pr)
	}
	if run := oneLine(c.RunURL); run != "" {
		parts = append(parts, run)
	}
	return strings.Join(parts, " · ")
}
