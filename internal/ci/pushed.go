package ci

import "strings"

// Pushed is what is known of the push of a run's commit. Each part may be empty.
type Pushed struct {
	Ref         string // name of the branch or tag; empty also where that is in a fork
	Tag         bool   // it is a tag
	Either      bool   // it may be a branch or a tag: the host does not say which
	PullRequest string // number of the one that the run is for, if that is not merged
	Message     string // of the commit
}

// Pushed says what was pushed. For a pull request that is the branch that it
// comes from, not the one that it is to be merged into.
func (h Host) Pushed() Pushed {
	c := h.Commit()
	p := Pushed{Ref: c.Ref, Tag: h.tag(), PullRequest: c.PullRequest, Message: h.get(h.message)}
	switch h.name {
	case "":
		return Pushed{}
	case "GitLab CI":
		p.Message = firstOf(h.get("CI_COMMIT_MESSAGE"), p.Message)
		p.comesFrom(h.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"), h.NoSecrets() != "")
	case "Woodpecker":
		p.comesFrom(h.get("CI_COMMIT_SOURCE_BRANCH"), false)
	case "Drone":
		p.comesFrom(h.get("DRONE_SOURCE_BRANCH"), false)
	case "Bitbucket Pipelines":
		p.comesFrom(p.Ref, false)
	case "CircleCI":
		p.comesFrom(p.Ref, h.get("CIRCLE_PR_REPONAME") != "")
	case "Jenkins":
		p.comesFrom(h.get("CHANGE_BRANCH"), h.get("CHANGE_FORK") != "")
		p.Ref = strings.TrimPrefix(p.Ref, "origin/") // of GIT_BRANCH
	default:
		return readEvent(h.get("GITHUB_EVENT_PATH")).pushed(h.get("GITHUB_EVENT_NAME"), p)
	}
	return p
}

// comesFrom sets the branch of a pull request. What its hosts call a message then
// may be its title.
func (p *Pushed) comesFrom(branch string, fork bool) {
	if p.PullRequest == "" {
		return
	}
	if p.Ref, p.Message = branch, ""; fork {
		p.Ref = ""
	}
}

// pushed says what was pushed for an event of that name, where the variables say
// what the workflow runs on.
func (e event) pushed(name string, run Pushed) Pushed {
	of := func(s suite) Pushed {
		either := s.HeadBranch != "" && run.PullRequest == "" // head_branch also names a tag
		return Pushed{Ref: s.HeadBranch, Either: either, PullRequest: run.PullRequest, Message: s.HeadCommit.Message}
	}
	pr := e.PullRequest
	switch name {
	case "push":
		run.Message = e.HeadCommit.Message
	case "workflow_run":
		run = of(e.WorkflowRun.suite)
		if differ(e.WorkflowRun.HeadRepository.FullName, e.Repository.FullName) {
			run.Ref, run.Either = "", false
		}
	case "check_suite":
		run = of(e.CheckSuite)
	case "check_run":
		run = of(e.CheckRun.CheckSuite)
		run.Message = ""
	case "merge_group":
		run = Pushed{Ref: shortRef(e.MergeGroup.HeadRef), PullRequest: run.PullRequest, Message: e.MergeGroup.HeadCommit.Message}
	case "deployment", "deployment_status", "status":
		run = Pushed{} // of any commit
	case "issues", "issue_comment", "discussion", "discussion_comment":
		run.PullRequest = "" // it runs on the default branch
	default:
		switch {
		case pr.Number == 0:
		case pr.Merged:
			run = Pushed{Ref: pr.Base.Ref}
		case differ(pr.Head.Repo.FullName, firstOf(pr.Base.Repo.FullName, e.Repository.FullName)):
			run = Pushed{PullRequest: run.PullRequest}
		default:
			run = Pushed{Ref: pr.Head.Ref, PullRequest: run.PullRequest}
		}
	}
	return run
}

// tag reports whether the run is for a tag, as far as the host says.
func (h Host) tag() bool {
	if h.actions {
		return h.get("GITHUB_REF_TYPE") == "tag"
	}
	for _, name := range []string{"CI_COMMIT_TAG", "DRONE_TAG", "BITBUCKET_TAG", "CIRCLE_TAG", "TAG_NAME"} {
		if h.get(name) != "" {
			return true
		}
	}
	return false
}
