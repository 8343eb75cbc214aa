package program

import (
	"strings"
	"testing"

	"dokploy-deploy/internal/dokploytest"
)

// In CI the commit of the run is the one that is followed, unless another is
// given.
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

// A preview of "auto" is that of the run's pull request.
func TestFollowsThePullRequestOfTheRun(t *testing.T) {
	t.Parallel()
	_, env := standIn(t, dokploytest.Options{})
	c := call{env: with(env, "DOKPLOY_APPLICATION", "shop/api", "DOKPLOY_OPERATION", "follow", "DOKPLOY_PREVIEW", "auto",
		"CI", "woodpecker", "CI_COMMIT_SHA", "509b8da0280c757bbbfa4c78df0f15cf5151d1b4", "CI_COMMIT_PULL_REQUEST", "17")}
	c.run(t.Context())
	if strings.Contains(c.stdout.String(), "this run is about none") {
		t.Errorf("exit %d\n%s", c.code, &c.stdout)
	}
}
