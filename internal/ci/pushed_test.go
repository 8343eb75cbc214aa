package ci

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPushed: which branch or tag the commit of a run was pushed to, and the
// commit's message if the host has it.
func TestPushed(t *testing.T) {
	const (
		push     = `{"head_commit":{"message":"docs [skip ci]"}}`
		pull     = `{"pull_request":{"number":12,"title":"Docs [skip ci]","head":{"ref":"develop","repo":{"full_name":"acme/shop"}},"base":{"ref":"main","repo":{"full_name":"acme/shop"}}}}`
		ofFork   = `{"pull_request":{"number":12,"head":{"ref":"main","repo":{"full_name":"bob/shop"}},"base":{"ref":"main","repo":{"full_name":"acme/shop"}}}}`
		merged   = `{"pull_request":{"number":12,"merged":true,"head":{"ref":"develop"},"base":{"ref":"main"}}}`
		closed   = `{"action":"closed","pull_request":{"number":12,"merged":false,"head":{"ref":"develop"},"base":{"ref":"main"}}}`
		run      = `{"workflow_run":{"head_branch":"feature","head_commit":{"message":"x"},"pull_requests":[{"number":12}],"head_repository":{"full_name":"acme/shop"}},"repository":{"full_name":"acme/shop"}}`
		forksRun = `{"workflow_run":{"head_branch":"main","head_repository":{"full_name":"bob/shop"}},"repository":{"full_name":"acme/shop"}}`
		tagsRun  = `{"workflow_run":{"head_branch":"v1","event":"push","pull_requests":[]}}`
		suite    = `{"check_suite":{"head_branch":"feature","head_commit":{"message":"x"}}}`
		check    = `{"check_run":{"check_suite":{"head_branch":"feature"}}}`
		queue    = `{"merge_group":{"head_ref":"refs/heads/gh-readonly-queue/main/pr-12-3f2a91c","head_commit":{"message":"x"}}}`
		comment  = `{"issue":{"number":12,"title":"Docs [skip ci]","pull_request":{}}}`
	)
	for name, tt := range map[string]struct {
		vars  string
		event string
		want  Pushed
	}{
		"a shell":                                    {"TAG_NAME=v1 BRANCH_NAME=main", "", Pushed{}},
		"GitHub, a push":                             {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=push GITHUB_REF_NAME=main GITHUB_REF_TYPE=branch CI_COMMIT_TAG=v1", push, Pushed{Ref: "main", Message: "docs [skip ci]"}},
		"GitHub, a tag":                              {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=push GITHUB_REF_NAME=v1 GITHUB_REF_TYPE=tag", push, Pushed{Ref: "v1", Tag: true, Message: "docs [skip ci]"}},
		"GitHub, a release":                          {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=release GITHUB_REF_NAME=v1 GITHUB_REF_TYPE=tag", `{"release":{"name":"[skip ci]"}}`, Pushed{Ref: "v1", Tag: true}},
		"GitHub, by hand":                            {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=workflow_dispatch GITHUB_REF_NAME=main", `{}`, Pushed{Ref: "main"}},
		"GitHub, a schedule":                         {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=schedule GITHUB_REF_NAME=main", push, Pushed{Ref: "main"}},
		"GitHub, a pull request":                     {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request GITHUB_REF_NAME=12/merge", pull, Pushed{Ref: "develop", PullRequest: "12"}},
		"GitHub, of a fork":                          {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request_target GITHUB_REF_NAME=main", ofFork, Pushed{PullRequest: "12"}},
		"GitHub, merged":                             {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request GITHUB_REF_NAME=main", merged, Pushed{Ref: "main"}},
		"GitHub, closed":                             {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request GITHUB_REF_NAME=12/merge", closed, Pushed{Ref: "develop", PullRequest: "12"}},
		"GitHub, after a workflow":                   {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=workflow_run GITHUB_REF_NAME=main", run, Pushed{Ref: "feature", PullRequest: "12", Message: "x"}},
		"GitHub, after a fork's":                     {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=workflow_run GITHUB_REF_NAME=main", forksRun, Pushed{}},
		"GitHub, after a suite":                      {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=check_suite GITHUB_REF_NAME=main", suite, Pushed{Ref: "feature", Either: true, Message: "x"}},
		"GitHub, after a tag's workflow":             {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=workflow_run GITHUB_REF_NAME=main GITHUB_REF_TYPE=branch", tagsRun, Pushed{Ref: "v1", Either: true}},
		"GitHub, after a check":                      {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=check_run GITHUB_REF_NAME=main", check, Pushed{Ref: "feature", Either: true}},
		"GitHub, the merge queue":                    {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=merge_group GITHUB_REF_NAME=x", queue, Pushed{Ref: "gh-readonly-queue/main/pr-12-3f2a91c", PullRequest: "12", Message: "x"}},
		"GitHub, a deployment":                       {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=deployment_status GITHUB_REF_NAME=main", `{}`, Pushed{}},
		"GitHub, a comment":                          {"GITHUB_ACTIONS=true GITHUB_EVENT_NAME=issue_comment GITHUB_REF_NAME=main", comment, Pushed{Ref: "main"}},
		"Gitea, a pull request":                      {"GITEA_ACTIONS=true GITHUB_EVENT_NAME=pull_request GITHUB_REF_NAME=12/merge", pull, Pushed{Ref: "develop", PullRequest: "12"}},
		"GitLab, a branch":                           {"GITLAB_CI=true CI_COMMIT_REF_NAME=main CI_COMMIT_TITLE=docs CI_COMMIT_MESSAGE=docs_[skip_ci]", "", Pushed{Ref: "main", Message: "docs_[skip_ci]"}},
		"GitLab, a tag":                              {"GITLAB_CI=true CI_COMMIT_TAG=v1 CI_COMMIT_REF_NAME=v1", "", Pushed{Ref: "v1", Tag: true}},
		"GitLab, a merge request":                    {"GITLAB_CI=true CI_MERGE_REQUEST_IID=12 CI_COMMIT_REF_NAME=refs/merge-requests/12/merge CI_MERGE_REQUEST_SOURCE_BRANCH_NAME=develop CI_COMMIT_MESSAGE=x", "", Pushed{Ref: "develop", PullRequest: "12"}},
		"GitLab, of a fork":                          {"GITLAB_CI=true CI_MERGE_REQUEST_IID=12 CI_COMMIT_REF_NAME=main CI_MERGE_REQUEST_SOURCE_BRANCH_NAME=main CI_MERGE_REQUEST_SOURCE_PROJECT_PATH=bob/shop CI_MERGE_REQUEST_PROJECT_PATH=acme/shop", "", Pushed{PullRequest: "12"}},
		"Woodpecker, a branch":                       {"CI=woodpecker CI_COMMIT_BRANCH=main CI_COMMIT_MESSAGE=x", "", Pushed{Ref: "main", Message: "x"}},
		"Woodpecker, a pull request":                 {"CI=woodpecker CI_COMMIT_BRANCH=main CI_COMMIT_SOURCE_BRANCH=develop CI_COMMIT_PULL_REQUEST=12 CI_COMMIT_MESSAGE=x", "", Pushed{Ref: "develop", PullRequest: "12"}},
		"Drone, a tag":                               {"DRONE=true DRONE_TAG=v1 DRONE_BRANCH=main", "", Pushed{Ref: "v1", Tag: true}},
		"Drone, a pull request":                      {"DRONE=true DRONE_BRANCH=main DRONE_SOURCE_BRANCH=develop DRONE_PULL_REQUEST=12", "", Pushed{Ref: "develop", PullRequest: "12"}},
		"Bitbucket, a pull request":                  {"BITBUCKET_BUILD_NUMBER=1 BITBUCKET_BRANCH=develop BITBUCKET_PR_ID=12", "", Pushed{Ref: "develop", PullRequest: "12"}},
		"CircleCI, a branch that has a pull request": {"CIRCLECI=true CIRCLE_BRANCH=develop CIRCLE_PULL_REQUEST=https://git.example.com/acme/shop/pull/12", "", Pushed{Ref: "develop", PullRequest: "12"}},
		"CircleCI, of a fork":                        {"CIRCLECI=true CIRCLE_BRANCH=pull/12 CIRCLE_PR_REPONAME=shop CIRCLE_PULL_REQUEST=https://git.example.com/acme/shop/pull/12", "", Pushed{PullRequest: "12"}},
		"Jenkins, a branch":                          {"JENKINS_URL=x GIT_BRANCH=origin/main", "", Pushed{Ref: "main"}},
		"Jenkins, a pull request":                    {"JENKINS_URL=x BRANCH_NAME=PR-12 CHANGE_ID=12 CHANGE_BRANCH=develop CHANGE_TITLE=x", "", Pushed{Ref: "develop", PullRequest: "12"}},
		"Jenkins, of a fork":                         {"JENKINS_URL=x BRANCH_NAME=PR-12 CHANGE_ID=12 CHANGE_BRANCH=main CHANGE_FORK=bob", "", Pushed{PullRequest: "12"}},
	} {
		vars := map[string]string{}
		for _, v := range strings.Fields(tt.vars) {
			k, v, _ := strings.Cut(v, "=")
			vars[k] = v
		}
		if tt.event != "" {
			vars["GITHUB_EVENT_PATH"] = filepath.Join(t.TempDir(), "event.json")
			if err := os.WriteFile(vars["GITHUB_EVENT_PATH"], []byte(tt.event), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := Detect(lookup(vars)).Pushed(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}
