package ci

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEvents checks what a run is about, event by event. For most of them
// GITHUB_SHA is the merge of a pull request, or the head of the default branch.
func TestEvents(t *testing.T) {
	const (
		base = "GITHUB_SHA"
		head = pullRequestHead
	)
	for _, tt := range []struct {
		name, event, payload string
		ref                  string
		sha, title, number   string
	}{
		{name: "push", event: "push",
			payload: `{"after":"` + sha + `","head_commit":{"message":"Fix it\n\nbody"}}`, sha: base, title: "Fix it"},
		{name: "push of a tag without commit", event: "push", payload: `{"head_commit":null}`, ref: "v1.2.3", sha: base, title: "v1.2.3"},
		{name: "pull request", event: "pull_request",
			payload: `{"pull_request":{"number":12,"title":"Round once","head":{"sha":"` + head + `"},"merge_commit_sha":"0000000"}}`,
			sha:     head, title: "Round once", number: "12"},
		{name: "pull request target", event: "pull_request_target",
			payload: `{"pull_request":{"number":12,"title":"Round once","head":{"sha":"` + head + `"}}}`, sha: head, title: "Round once", number: "12"},
		{name: "merged pull request", event: "pull_request",
			payload: `{"action":"closed","pull_request":{"number":12,"title":"Round once","merged":true,"head":{"sha":"1111111"},"merge_commit_sha":"` + head + `"}}`,
			sha:     head, title: "Round once", number: "12"},
		{name: "closed pull request", event: "pull_request",
			payload: `{"action":"closed","pull_request":{"number":12,"title":"Round once","merged":false,"head":{"sha":"` + head + `"},"merge_commit_sha":"1111111"}}`,
			sha:     head, title: "Round once", number: "12"},
		{name: "review", event: "pull_request_review",
			payload: `{"review":{},"pull_request":{"number":12,"title":"Round once","head":{"sha":"` + head + `"}}}`, sha: head, title: "Round once", number: "12"},
		{name: "workflow run", event: "workflow_run",
			payload: `{"workflow_run":{"head_sha":"` + head + `","head_commit":{"message":"Fix it\n\nbody"},"display_title":"d","pull_requests":[{"number":7}]}}`,
			sha:     head, title: "Fix it", number: "7"},
		{name: "workflow run of a fork", event: "workflow_run",
			payload: `{"workflow_run":{"head_sha":"` + head + `","head_commit":null,"display_title":"Round once","pull_requests":[]}}`,
			sha:     head, title: "Round once"},
		{name: "workflow run of several pull requests", event: "workflow_run",
			payload: `{"workflow_run":{"head_sha":"` + head + `","display_title":"d","pull_requests":[{"number":7},{"number":8}]}}`, sha: head, title: "d"},
		{name: "merge queue", event: "merge_group",
			payload: `{"merge_group":{"head_sha":"` + head + `","head_ref":"refs/heads/gh-readonly-queue/release/v1-pr-2/pr-12-` + sha + `","head_commit":{"message":"Round once (#12)"}}}`,
			sha:     head, title: "Round once (#12)", number: "12"},
		{name: "merge queue of another kind", event: "merge_group",
			payload: `{"merge_group":{"head_sha":"` + head + `","head_ref":"refs/heads/queue/main/pr-x","head_commit":{"message":"m"}}}`, sha: head, title: "m"},
		{name: "release", event: "release", payload: `{"release":{"name":"Spring","tag_name":"v2.0.0"}}`, ref: "v2.0.0", sha: base, title: "Spring"},
		{name: "release without a name", event: "release", payload: `{"release":{"name":null,"tag_name":"v2.0.0"}}`, sha: base, title: "v2.0.0"},
		{name: "by hand", event: "workflow_dispatch", payload: `{"inputs":{}}`, ref: "main", sha: base, title: "main"},
		{name: "by the API", event: "repository_dispatch", payload: `{"client_payload":{"head_commit":{"message":"no"}},"head_commit":{"message":"no"}}`, ref: "main", sha: base, title: "main"},
		{name: "schedule", event: "schedule", payload: `{"schedule":"0 0 * * *"}`, ref: "main", sha: base, title: "main"},
		{name: "schedule of Gitea, with the push that made it", event: "schedule",
			payload: `{"schedule":"0 0 * * *","after":"1111111","head_commit":{"message":"old"}}`, ref: "main", sha: base, title: "main"},
		{name: "comment on an issue", event: "issue_comment",
			payload: `{"issue":{"number":34,"title":"Totals are wrong"},"comment":{"body":"/deploy"}}`, ref: "main", sha: base, title: "Totals are wrong (#34)"},
		{name: "comment on a pull request", event: "issue_comment",
			payload: `{"issue":{"number":12,"title":"Round once","pull_request":{"url":"x"}}}`, sha: base, title: "Round once (#12)", number: "12"},
		{name: "issue", event: "issues", payload: `{"action":"labeled","issue":{"number":34,"title":"Totals are wrong"}}`, sha: base, title: "Totals are wrong (#34)"},
		{name: "discussion", event: "discussion_comment", payload: `{"discussion":{"number":5,"title":"Ideas"}}`, sha: base, title: "Ideas (#5)"},
		{name: "check suite", event: "check_suite",
			payload: `{"check_suite":{"head_sha":"` + head + `","head_commit":{"message":"Fix it"},"pull_requests":[{"number":7}]}}`, sha: head, title: "Fix it", number: "7"},
		{name: "check run", event: "check_run",
			payload: `{"check_run":{"head_sha":"` + head + `","check_suite":{"pull_requests":[{"number":7}]}}}`, ref: "main", sha: head, title: "main", number: "7"},
		{name: "deployment", event: "deployment_status", payload: `{"deployment":{"sha":"` + head + `"}}`, ref: "main", sha: head, title: "main"},
		{name: "status", event: "status", payload: `{"sha":"` + head + `","commit":{"commit":{"message":"Fix it"}}}`, sha: head, title: "Fix it"},
		{name: "unknown event", event: "gollum", payload: `{"pages":[]}`, ref: "main", sha: base, title: "main"},
		{name: "unknown event about a pull request", event: "new_thing",
			payload: `{"pull_request":{"number":3,"title":"t","head":{"sha":"` + head + `"}}}`, sha: head, title: "t", number: "3"},
		{name: "no name of the event", payload: `{"head_commit":{"message":"m"}}`, sha: base, title: "m"},
		{name: "no name of the event, pull request", payload: `{"head_commit":{"message":"m"},"pull_request":{"number":3,"title":"t"}}`, sha: base, title: "t", number: "3"},
		{name: "wrong types", event: "push", payload: `{"pull_request":{"number":"x","title":["y"]},"head_commit":{"message":"m"}}`, sha: base, title: "m"},
		{name: "nothing of it is there", event: "pull_request", payload: `{"pull_request":null}`, ref: "12/merge", sha: base, title: "12/merge"},
		{name: "negative number", event: "issue_comment", payload: `{"issue":{"number":-1,"title":"t"}}`, sha: base, title: "t"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "event.json")
			if err := os.WriteFile(path, []byte(tt.payload), 0o600); err != nil {
				t.Fatal(err)
			}
			c := Detect(lookup(map[string]string{
				"GITHUB_ACTIONS": "true", "GITHUB_SHA": base, "GITHUB_EVENT_NAME": tt.event, "GITHUB_EVENT_PATH": path, "GITHUB_REF_NAME": tt.ref,
			})).Commit()
			if c.SHA != tt.sha || c.Title() != tt.title || c.PullRequest != tt.number {
				t.Errorf("%q, %q, %q; want %q, %q, %q", c.SHA, c.Title(), c.PullRequest, tt.sha, tt.title, tt.number)
			}
		})
	}
}

// TestEventFile: an event file that cannot be read counts as none.
func TestEventFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const head = `{"head_commit":{"message":"m"}`
	for _, tt := range []struct{ name, path, message string }{
		{"missing", filepath.Join(dir, "nowhere"), ""},
		{"not named", "", ""},
		{"folder", dir, ""},
		{"broken", write("broken", `{"head_commit":`), ""},
		{"empty", write("empty", ``), ""},
		{"null", write("null", `null`), ""},
		{"a list", write("list", `[1]`), ""},
		{"within the limit", write("large", head+strings.Repeat(" ", 1<<20)+"}"), "m"},
		{"huge", write("huge", head+strings.Repeat(" ", maxEvent)+"}"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := readEvent(tt.path).about("push"); got != (Commit{Message: tt.message}) {
				t.Errorf("%+v, want the message %q", got, tt.message)
			}
		})
	}
}

// TestOtherHosts: what a run is about on hosts without an event file.
func TestOtherHosts(t *testing.T) {
	const head = pullRequestHead
	for _, tt := range []struct {
		name, env          string
		vars               map[string]string
		sha, title, number string
	}{
		{"GitLab, merged results", "gitlab-merge-request", map[string]string{
			"CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": head, "CI_MERGE_REQUEST_TITLE": "Round once", "CI_COMMIT_TITLE": "Merge 8c0de1f into 0b9a8c7",
		}, head, "Round once", "12"},
		{"GitLab, detached", "gitlab-merge-request", map[string]string{
			"CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "", "CI_MERGE_REQUEST_TITLE": "Round once",
		}, sha, "Fix the cart total", "12"},
		{"GitLab, no title", "gitlab", map[string]string{"CI_COMMIT_TITLE": "", "CI_COMMIT_REF_NAME": "v1.2.3"}, sha, "v1.2.3", ""},
		{"Woodpecker, a tag without message", "woodpecker", map[string]string{"CI_COMMIT_MESSAGE": "", "CI_COMMIT_TAG": "v1.2.3"}, sha, "v1.2.3", ""},
		{"Woodpecker, by hand", "woodpecker", map[string]string{"CI_COMMIT_MESSAGE": ""}, sha, "main", ""},
		{"Woodpecker, only a ref", "woodpecker", map[string]string{"CI_COMMIT_MESSAGE": "", "CI_COMMIT_BRANCH": "", "CI_COMMIT_REF": "refs/tags/v2"}, sha, "v2", ""},
		{"Drone, promoted without message", "drone", map[string]string{"DRONE_COMMIT_MESSAGE": ""}, sha, "main", ""},
		{"Drone, only a ref", "drone", map[string]string{"DRONE_COMMIT_MESSAGE": "", "DRONE_BRANCH": "", "DRONE_COMMIT_REF": "refs/pull/12/head"}, sha, "pull/12/head", ""},
		{"Bitbucket", "bitbucket", map[string]string{"BITBUCKET_TAG": "v3"}, sha, "v3", "12"},
		{"Jenkins, a branch", "jenkins", map[string]string{"CHANGE_TITLE": "", "CHANGE_ID": "", "BRANCH_NAME": "main"}, sha, "main", ""},
		{"Forgejo, pull request", "forgejo", map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": envDir + "/github-pull-request.event.json"}, head, "Round the cart total once", "12"},
		{"Gitea, by hand", "gitea", map[string]string{"GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_REF": "refs/heads/release/1.x"}, sha, "release/1.x", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			vars := env(t, tt.env)
			maps.Copy(vars, tt.vars)
			c := Detect(lookup(vars)).Commit()
			if c.SHA != tt.sha || c.Title() != tt.title || c.PullRequest != tt.number {
				t.Errorf("%q, %q, %q; want %q, %q, %q", c.SHA, c.Title(), c.PullRequest, tt.sha, tt.title, tt.number)
			}
		})
	}
}
