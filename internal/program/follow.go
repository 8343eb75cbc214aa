package program

import (
	"strconv"
	"strings"

	"dokploy-deploy/internal/ci"
	"dokploy-deploy/internal/config"
	"dokploy-deploy/internal/deploy"
)

// following says what is followed; nil: a deployment is started. What the run of
// CI is about says something of the commit only if it is the same one.
func following(f *config.Follow, host ci.Host) *deploy.Follow {
	if f == nil {
		return nil
	}
	out := &deploy.Follow{Commit: f.Commit, Preview: f.Preview, StartTimeout: f.StartTimeout, SkipIfNone: f.SkipIfNone}
	run := host.Commit()
	if strings.HasPrefix(strings.ToLower(run.SHA), f.Commit) {
		out.Pushed = deploy.Pushed(host.Pushed())
	}
	if f.Preview != 0 && run.PullRequest == strconv.Itoa(f.Preview) {
		out.Pull = deploy.Pull(host.Pull())
	}
	return out
}
