package program

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
)

// A failed deployment's last lines are quoted if they are not right above, and
// only then.
func TestLastLinesAreQuotedOnce(t *testing.T) {
	t.Parallel()
	const line = "#1 one of the last lines"
	for name, c := range map[string]struct {
		env    []string
		others int // services that are deployed along with it
		want   int // how often the line is shown
	}{
		"live, a terminal":                   {nil, 0, 1},
		"failure, a terminal":                {[]string{"DOKPLOY_LOGS", "failure"}, 0, 1},
		"off, a terminal":                    {[]string{"DOKPLOY_LOGS", "off"}, 0, 1},
		"live, GitLab":                       {[]string{"GITLAB_CI", "true"}, 0, 1},
		"failure, GitLab":                    {[]string{"GITLAB_CI", "true", "DOKPLOY_LOGS", "failure"}, 0, 1},
		"live, GitHub, which folds it away":  {[]string{"GITHUB_ACTIONS", "true"}, 0, 2},
		"failure, GitHub":                    {[]string{"GITHUB_ACTIONS", "true", "DOKPLOY_LOGS", "failure"}, 0, 2},
		"off, GitHub":                        {[]string{"GITHUB_ACTIONS", "true", "DOKPLOY_LOGS", "off"}, 0, 1},
		"live, another is deployed after it": {nil, 1, 2},
		"failure, the same":                  {[]string{"DOKPLOY_LOGS", "failure"}, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, env := standIn(t, dokploytest.Options{Concurrency: 4})
			srv.AddApplication(dokploytest.Application{Name: "web", Build: dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(0, line, "fatal: the reason")}})
			targets := "web"
			for range c.others {
				srv.AddApplication(dokploytest.Application{Name: "slow", Build: dokploytest.Build{Steps: dokploytest.Lines(700*time.Millisecond, "#1 a", "#2 b")}})
				targets += ",slow"
			}
			run := call{env: with(with(env, "DOKPLOY_APPLICATION", targets), c.env...)}
			run.run(t.Context())
			if n := strings.Count(run.stdout.String(), line); run.code != 1 || n != c.want {
				t.Errorf("exit %d, seen %d times, want %d:\n%s", run.code, n, c.want, &run.stdout)
			}
		})
	}
}
