package deploy

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
)

// CI is what this run of CI is for; each part may be empty.
type CI struct {
	Repository  string // its address
	Commit      string // hash
	Ref         string // branch or tag
	PullRequest string // its number
}

// commitLooks are the pauses between looks for the commit of a row that has
// ended: Dokploy asks Git for it only then (docs/dokploy.md, Deployment rows).
func (t target) commitLooks() []time.Duration {
	pauses := []time.Duration{0, 300 * time.Millisecond}
	if t.service.ServerID+t.service.BuildServerID != "" { // over SSH
		pauses = append(pauses, 1500*time.Millisecond)
	}
	return pauses
}

// learnCommit looks for the commit that Dokploy has built, where the row did
// not say it yet when it was seen to have ended.
func (r *run) learnCommit(ctx context.Context) {
	if r.row == nil || !r.row.Terminal() || r.result.Commit != "" || !r.t.service.HasGit() || r.t.o.Prepare.Source != nil || r.t.o.Operation == "redeploy" || r.t.version.Less(0, 25, 7) {
		return
	}
	for _, pause := range r.t.commitLooks() {
		if r.pauseFor(ctx, pause) != nil {
			return
		}
		rows, err := r.t.client.Deployments(ctx, r.t.service.Kind, r.t.service.ID)
		if err != nil {
			return
		}
		i := slices.IndexFunc(rows, func(d dokploy.Deployment) bool { return d.ID == r.row.ID })
		if i < 0 {
			return
		}
		if r.noteCommit(rows[i].Commit()) {
			return
		}
	}
}

// pauseFor waits, unless the run ends before.
func (r *run) pauseFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// noteCommit takes the commit that a row says, and warns where it is not the one
// that CI runs for. It reports whether there is one.
func (r *run) noteCommit(commit string) bool {
	if commit == "" {
		return false
	}
	r.result.Commit = commit
	if f := r.t.o.Follow; f != nil {
		if !strings.HasPrefix(commit, f.Commit) {
			r.t.warn("Dokploy built %.12s, the head of the branch when it was cloned; what started it was the push of %.12s", commit, f.Commit)
		}
		return true
	}
	if other := otherCommit(r.t.o.CI, commit, r.t.service); other != "" && !r.t.o.goingBack {
		r.t.warn("%s", other)
	}
	return true
}

// hashForm is a hash of a commit, or the beginning of one.
var hashForm = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// otherCommit says that Dokploy has built another commit than the one that CI
// runs for; empty if it has not, or if that cannot be told.
func otherCommit(ci CI, built string, s *dokploy.Service) string {
	commit := strings.ToLower(ci.Commit)
	if !hashForm.MatchString(commit) || strings.HasPrefix(built, commit) || !dokploy.SameRepository(ci.Repository, string(s.Repository)) {
		return ""
	}
	runsFor := ci.Ref
	if ci.PullRequest != "" {
		runsFor = "pull request " + ci.PullRequest
	}
	why := "the branch has moved on"
	if runsFor != "" && s.Push.Branch != "" && strings.TrimPrefix(runsFor, "origin/") != s.Push.Branch { // origin/: Jenkins
		why = fmt.Sprintf("the service builds the branch %s, and this run is for %s", text.OneLine(s.Push.Branch), text.OneLine(runsFor))
	}
	return fmt.Sprintf("Dokploy built %.7s, not %.7s: %s", built, commit, why)
}
