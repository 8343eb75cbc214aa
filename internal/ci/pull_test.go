package ci

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPull: what is known about the pull request of a run, and which commit is
// its newest.
func TestPull(t *testing.T) {
	t.Parallel()
	const merge = "1111111111111111111111111111111111111111"
	outsider := Pull{Base: "main", Outsider: "its author is not a collaborator (CONTRIBUTOR)"}
	for name, tt := range map[string]struct {
		vars  map[string]string
		event string
		head  string
		pull  Pull
	}{
		"GitHub, pull_request": {
			map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_BASE_REF": "main"},
			`{"pull_request":{"number":7,"state":"open","head":{"sha":"` + sha + `","repo":{"full_name":"acme/api"}},"base":{"ref":"main","repo":{"full_name":"acme/api"}},"labels":[{"name":"preview"},{"name":"bug"}],"author_association":"MEMBER"}}`,
			sha, Pull{Base: "main", Labels: []string{"preview", "bug"}},
		},
		"GitHub, no labels": {
			map[string]string{"GITHUB_EVENT_NAME": "pull_request_target"},
			`{"pull_request":{"number":7,"head":{"sha":"` + sha + `"},"base":{"ref":"next"},"labels":[]}}`, sha, Pull{Base: "next", Labels: []string{}},
		},
		"GitHub, merged": {
			map[string]string{"GITHUB_EVENT_NAME": "pull_request"},
			`{"pull_request":{"number":7,"state":"closed","merged":true,"merge_commit_sha":"` + merge + `","head":{"sha":"` + sha + `"}}}`, sha, Pull{Closed: true},
		},
		"GitHub, from a fork": {
			map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REPOSITORY": "acme/api"},
			`{"pull_request":{"number":7,"head":{"sha":"` + sha + `","repo":{"full_name":"bob/api"}}}}`, sha, Pull{Outsider: fromFork},
		},
		"GitHub, no collaborator": {
			map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_BASE_REF": "main"},
			`{"pull_request":{"number":7,"head":{"sha":"` + sha + `"},"author_association":"CONTRIBUTOR"}}`, sha, outsider,
		},
		"Gitea, its base by a variable": {
			map[string]string{"GITEA_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_BASE_REF": "main"},
			`{"pull_request":{"number":7,"head":{"sha":"` + sha + `"}}}`, sha, Pull{Base: "main"},
		},
		"GitHub, a comment":     {map[string]string{"GITHUB_EVENT_NAME": "issue_comment"}, `{"issue":{"number":7,"title":"x","pull_request":{}}}`, "", Pull{}},
		"GitHub, a merge queue": {map[string]string{"GITHUB_EVENT_NAME": "merge_group"}, `{"merge_group":{"head_sha":"` + merge + `","head_ref":"refs/heads/gh-readonly-queue/main/pr-7-x"}}`, "", Pull{}},
		"GitHub, a push":        {map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_BASE_REF": "main"}, `{}`, merge, Pull{}},
		"GitLab": {
			map[string]string{"GITLAB_CI": "true", "CI_COMMIT_SHA": merge, "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": sha, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"},
			"", sha, Pull{Base: "main"},
		},
		"Woodpecker":           {map[string]string{"CI": "woodpecker", "CI_COMMIT_SHA": sha, "CI_COMMIT_PULL_REQUEST": "7", "CI_COMMIT_TARGET_BRANCH": "main"}, "", sha, Pull{Base: "main"}},
		"Drone":                {map[string]string{"DRONE": "true", "DRONE_COMMIT_SHA": sha, "DRONE_PULL_REQUEST": "7", "DRONE_TARGET_BRANCH": "main"}, "", sha, Pull{Base: "main"}},
		"Drone, on a branch":   {map[string]string{"DRONE": "true", "DRONE_COMMIT_SHA": sha, "DRONE_TARGET_BRANCH": "main"}, "", sha, Pull{}},
		"Bitbucket":            {map[string]string{"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_COMMIT": sha, "BITBUCKET_PR_ID": "7", "BITBUCKET_PR_DESTINATION_BRANCH": "main"}, "", sha, Pull{Base: "main"}},
		"CircleCI":             {map[string]string{"CIRCLECI": "true", "CIRCLE_SHA1": sha, "CIRCLE_PULL_REQUEST": "https://github.com/acme/api/pull/7"}, "", sha, Pull{}},
		"CircleCI from a fork": {map[string]string{"CIRCLECI": "true", "CIRCLE_SHA1": sha, "CIRCLE_PULL_REQUEST": "https://github.com/acme/api/pull/7", "CIRCLE_PR_REPONAME": "api"}, "", sha, Pull{Outsider: fromFork}},
		"Jenkins":              {map[string]string{"JENKINS_URL": "x", "GIT_COMMIT": sha, "CHANGE_ID": "7", "CHANGE_TARGET": "main", "CHANGE_FORK": "bob"}, "", sha, Pull{Base: "main", Outsider: fromFork}},
	} {
		if tt.event != "" {
			tt.vars["GITHUB_ACTIONS"], tt.vars["GITHUB_SHA"] = "true", merge
			tt.vars["GITHUB_EVENT_PATH"] = filepath.Join(t.TempDir(), "event.json")
			if err := os.WriteFile(tt.vars["GITHUB_EVENT_PATH"], []byte(tt.event), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		h := Detect(lookup(tt.vars))
		if diff := cmp.Diff(tt.pull, h.Pull()); diff != "" || h.Head() != tt.head {
			t.Errorf("%s: head %s, want %s\n%s", name, h.Head(), tt.head, diff)
		}
	}
}
