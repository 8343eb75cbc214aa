package ci

import "strings"

// NoSecrets says why the host withholds secrets from this run, or may, and what
// to do. It returns "" unless hosts do so in runs like this one.
func (h Host) NoSecrets() string {
	const skip = "; deploy from a push or merge to the repository itself, and skip this step otherwise"
	switch {
	case h.actions && strings.EqualFold(h.get("GITHUB_ACTOR"), "dependabot[bot]"):
		return "a run started by Dependabot gets no Actions secrets; skip this step with `if: github.actor != 'dependabot[bot]'`, or add the key to Dependabot's secrets (Settings → Secrets and variables → Dependabot)"
	case h.actions && h.ofFork():
		return "the pull request comes from a fork, and gets no secrets" + skip + " (`if: github.event.pull_request.head.repo.full_name == github.repository`)"
	case h.name == "GitLab CI" && differ(h.get("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH"), h.get("CI_MERGE_REQUEST_PROJECT_PATH")):
		return "the merge request comes from a fork, and may not get the project's variables" + skip
	case h.name == "GitLab CI" && h.get("CI_COMMIT_REF_PROTECTED") == "false":
		return "if it is a protected variable, it is not set here, because this branch or tag is not protected; protect the branch or tag, or clear \"Protect variable\" under Settings → CI/CD → Variables"
	case h.name == "Woodpecker" && strings.HasPrefix(h.get("CI_PIPELINE_EVENT"), "pull_request"):
		return "this is a pull request, and Woodpecker passes a secret to it only if the secret allows that event" + skip
	case h.name == "Drone" && h.get("DRONE_BUILD_EVENT") == "pull_request":
		return "this is a pull request, and Drone passes a secret to it only if the secret allows pull requests" + skip
	case h.name == "CircleCI" && h.get("CIRCLE_PR_REPONAME") != "": // set for forks only
		return "the pull request comes from a fork, and gets no secrets unless the project passes them" + skip
	}
	return ""
}

// ofFork reports whether the run is for a pull request from another repository.
// With pull_request_target such a run gets secrets nevertheless.
func (h Host) ofFork() bool {
	switch h.get("GITHUB_EVENT_NAME") {
	case "pull_request", "pull_request_review", "pull_request_review_comment":
	default:
		return false
	}
	pr := readEvent(h.get("GITHUB_EVENT_PATH")).PullRequest
	return differ(pr.Head.Repo.FullName, firstOf(pr.Base.Repo.FullName, h.get("GITHUB_REPOSITORY")))
}

// differ reports whether both are known and differ.
func differ(a, b string) bool { return a != "" && b != "" && !strings.EqualFold(a, b) }

// Checkout says how the repository's files get to where the program runs. It
// returns "" if no host provides them.
func (h Host) Checkout() string {
	switch {
	case h.actions:
		return "add the step `actions/checkout` before this one"
	case h.name == "GitLab CI":
		return "the job must not set GIT_STRATEGY to none or empty"
	case h.name == "Woodpecker":
		return "the workflow must not set `skip_clone: true`"
	case h.name == "Drone":
		return "the pipeline must not set `clone: disable: true`"
	case h.name == "Bitbucket Pipelines":
		return "the step must not set `clone: enabled: false`"
	case h.name == "CircleCI":
		return "add the step `checkout` before this one"
	case h.name == "Jenkins":
		return "add the step `checkout scm` before this one"
	}
	return ""
}
