package program

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dokploy-deploy/internal/dokploytest"
)

// In CI, the commit of the run is followed, unless another one is given.
func TestFollowsTheCommitOfTheRun(t *testing.T) {
	t.Parallel()
	const ofRun, another = "509b8da0280c757bbbfa4c78df0f15cf5151d1b4", "79bce2eb5309f72951b21f73d20424ee042c5ef7"
	for name, ci := range map[string][]string{
		"GitLab":     {"GITLAB_CI", "true", "CI_COMMIT_SHA", ofRun, "CI_COMMIT_REF_NAME", "main"},
		"Woodpecker": {"CI", "woodpecker", "CI_COMMIT_SHA", ofRun, "CI_COMMIT_BRANCH", "main"},
		"GitHub":     {"GITHUB_ACTIONS", "true", "GITHUB_SHA", ofRun, "GITHUB_REF_NAME", "main"},
	} {
		for _, given := range []string{"", another} {
			t.Run(name+given, func(t *testing.T) {
				t.Parallel()
				srv, env := standIn(t, dokploytest.Options{})
				app := srv.AddApplication(dokploytest.Application{Name: "api", SourceType: "git"})
				commit := ofRun
				if given != "" {
					commit = given
				}
				if status, text := srv.Deliver(app, dokploytest.Delivery{Form: "gitea", Commit: commit}); status != 200 {
					t.Fatal(status, text)
				}
				c := call{env: with(with(env, ci...), "DOKPLOY_APPLICATION", "shop/api", "DOKPLOY_OPERATION", "follow", "DOKPLOY_COMMIT", given)}
				c.run(t.Context())
				if c.code != 0 || !strings.Contains(c.stdout.String(), "for commit "+commit[:7]) {
					t.Errorf("exit %d\n%s", c.code, &c.stdout)
				}
			})
		}
	}
}

// preview: auto means the preview of the run's pull request, on every host, and
// the commit is its head, whatever was checked out.
func TestFollowsThePullRequestOfTheRun(t *testing.T) {
	t.Parallel()
	const head, merge = "509b8da0280c757bbbfa4c78df0f15cf5151d1b4", "79bce2eb5309f72951b21f73d20424ee042c5ef7"
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(`{"pull_request":{"number":7,"head":{"sha":"`+head+`"},"base":{"ref":"main"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	actions := func(host string) []string {
		return []string{host, "true", "GITHUB_EVENT_NAME", "pull_request", "GITHUB_EVENT_PATH", event, "GITHUB_SHA", merge, "GITHUB_REF_NAME", "7/merge"}
	}
	for name, ci := range map[string][]string{
		"GitHub":     actions("GITHUB_ACTIONS"),
		"Gitea":      actions("GITEA_ACTIONS"),
		"Forgejo":    actions("FORGEJO_ACTIONS"),
		"GitLab":     {"GITLAB_CI", "true", "CI_COMMIT_SHA", merge, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", head, "CI_MERGE_REQUEST_IID", "7", "CI_MERGE_REQUEST_ID", "99"},
		"Woodpecker": {"CI", "woodpecker", "CI_COMMIT_SHA", head, "CI_COMMIT_PULL_REQUEST", "7"},
		"Drone":      {"DRONE", "true", "DRONE_COMMIT_SHA", head, "DRONE_PULL_REQUEST", "7"},
		"Bitbucket":  {"BITBUCKET_BUILD_NUMBER", "1", "BITBUCKET_COMMIT", head, "BITBUCKET_PR_ID", "7"},
		"CircleCI":   {"CIRCLECI", "true", "CIRCLE_SHA1", head, "CIRCLE_PULL_REQUEST", "https://github.com/acme/api/pull/7"},
		"Jenkins":    {"JENKINS_URL", "https://ci.example.com", "GIT_COMMIT", head, "CHANGE_ID", "7"},
	} {
		for _, about := range []bool{true, false} {
			t.Run(fmt.Sprint(name, about), func(t *testing.T) {
				t.Parallel()
				srv, env := standIn(t, dokploytest.Options{NoDocker: true})
				app := srv.AddApplication(dokploytest.Application{Name: "api", SourceType: "github", Previews: &dokploytest.Previews{}})
				srv.PullRequest(dokploytest.PullRequest{Number: 7, Commit: head})
				vars := with(with(env, ci...), "DOKPLOY_APPLICATION", "shop/api", "DOKPLOY_OPERATION", "follow", "DOKPLOY_PREVIEW", "auto")
				want, code := "✓ api (pull request 7) is deployed", 0
				if !about { // a run for a branch
					for _, name := range []string{"GITHUB_EVENT_PATH", "CI_MERGE_REQUEST_IID", "CI_COMMIT_PULL_REQUEST", "DRONE_PULL_REQUEST", "BITBUCKET_PR_ID", "CIRCLE_PULL_REQUEST", "CHANGE_ID"} {
						delete(vars, name)
					}
					want, code = "this run is about none", 2
				}
				c := call{env: vars}
				c.run(t.Context())
				if c.code != code || !strings.Contains(c.stdout.String(), want) {
					t.Errorf("exit %d\n%s", c.code, &c.stdout)
				}
				if row := srv.Deployments(srv.Previews(app)[0]); about && !strings.Contains(c.stdout.String(), "preview-api-") {
					t.Error(row)
				}
				if n := len(srv.Requests()); !about && n != 0 {
					t.Errorf("%d requests", n)
				}
			})
		}
	}
}
