package ci

import "strings"

// Pull is what a host says of the pull request that a run is about. Each part
// may be empty.
type Pull struct {
	Base string // the branch that it is to go into
	// Labels are those that it had at the event that started the run; nil: not
	// known.
	Labels []string
	// Outsider says why its author may not be able to write to the repository;
	// empty: nothing speaks against it.
	Outsider string
	Closed   bool
}

// bases are the variables with the branch that a pull request is to go into.
var bases = map[string]string{
	"GitLab CI": "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "Woodpecker": "CI_COMMIT_TARGET_BRANCH", "Drone": "DRONE_TARGET_BRANCH",
	"Bitbucket Pipelines": "BITBUCKET_PR_DESTINATION_BRANCH", "Jenkins": "CHANGE_TARGET",
}

// Pull is the pull request's that the run is about; the zero value: it is about
// none.
func (h Host) Pull() Pull {
	if h.Commit().PullRequest == "" {
		return Pull{}
	}
	p := Pull{Base: h.get(bases[h.name])}
	switch {
	case h.actions:
		e := readEvent(h.get("GITHUB_EVENT_PATH")).PullRequest
		p.Base = firstOf(e.Base.Ref, h.get("GITHUB_BASE_REF"))
		p.Closed = e.State == "closed" || e.Merged
		if e.Labels != nil {
			p.Labels = []string{}
			for _, l := range *e.Labels {
				p.Labels = append(p.Labels, l.Name)
			}
		}
		switch strings.ToUpper(e.Association) {
		case "", "OWNER", "MEMBER", "COLLABORATOR":
		default:
			p.Outsider = "its author is not a collaborator (" + oneLine(e.Association) + ")"
		}
		if differ(e.Head.Repo.FullName, firstOf(e.Base.Repo.FullName, h.get("GITHUB_REPOSITORY"))) {
			p.Outsider = firstOf(p.Outsider, fromFork)
		}
	case h.name == "CircleCI" && h.get("CIRCLE_PR_REPONAME") != "", h.name == "Jenkins" && h.get("CHANGE_FORK") != "": // set for forks only
		p.Outsider = fromFork
	}
	return p
}

const fromFork = "this one comes from a fork"

// Head is the newest commit of the branch that the run is for, of a pull request
// that of its own branch, merged or not; empty: the run's event does not say.
func (h Host) Head() string {
	if !h.actions {
		return h.Commit().SHA
	}
	switch name := h.get("GITHUB_EVENT_NAME"); name {
	case "issue_comment", "issues", "discussion", "discussion_comment", "merge_group":
		return "" // GITHUB_SHA is another branch's
	}
	return firstOf(readEvent(h.get("GITHUB_EVENT_PATH")).PullRequest.Head.SHA, h.Commit().SHA)
}
