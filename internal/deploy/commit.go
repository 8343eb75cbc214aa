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

// commitLooks are the pauses between looks for the commit of an ended row:
// Dokploy asks Git for it only after the end (docs/dokploy.md, Deployment
// rows).
func (t target) commitLooks() []time.Duration {
	pauses := []time.Duration{0, 300 * time.Millisecond}
	if t.service.ServerID+t.service.BuildServerID != "" { // over SSH
		pauses = append(pauses, 1500*time.Millisecond)
	}
	return pauses
}

// learnCommit looks for the commit that Dokploy built, if the row did not
// contain it yet when it was seen to have ended. Empty: unknown.
func learnCommit(ctx context.Context, t target, row *dokploy.Deployment) string {
	if row == nil || !row.Terminal() || !t.service.HasGit() || t.service.PullRequest != 0 || t.o.Prepare.Source != nil || t.o.Operation == "redeploy" || t.traits.RowsNameNoCommit {
		return ""
	}
	for _, pause := range t.commitLooks() {
		if pauseFor(ctx, pause) != nil {
			return ""
		}
		rows, err := t.client.Rows(ctx, t.service)
		if err != nil {
			return ""
		}
		i := slices.IndexFunc(rows, func(d dokploy.Deployment) bool { return d.ID == row.ID })
		if i < 0 {
			return ""
		}
		if commit := t.noteCommit(&rows[i]); commit != "" {
			return commit
		}
	}
	return ""
}

// pauseFor waits, unless the run ends first.
func pauseFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// noteCommit returns the commit in a row, and warns if it is not the one that
// CI runs for; empty: there is none in it.
func (t target) noteCommit(row *dokploy.Deployment) string {
	if row == nil {
		return ""
	}
	commit := row.Commit()
	if commit == "" {
		return ""
	}
	if f := t.o.Follow; f != nil {
		if !strings.HasPrefix(commit, f.Commit) {
			t.warn("Dokploy built %.12s, the head of the branch when it was cloned; it was started by the push of %.12s", commit, f.Commit)
		}
		return commit
	}
	if other := otherCommit(t.o.CI, commit, t.service); other != "" && !t.o.goingBack {
		t.warn("%s", other)
	}
	return commit
}

// hashForm matches a commit hash, whole or abbreviated.
var hashForm = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// otherCommit says that Dokploy built another commit than the one that CI runs
// for; empty if it did not, or if that is unknown.
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
	if runsFor != "" && s.Push.Branch != "" && strings.TrimPrefix(runsFor, "origin/") != s.Push.Branch { // origin/ comes from Jenkins
		why = fmt.Sprintf("the service builds the branch %s, and this run is for %s", text.OneLine(s.Push.Branch), text.OneLine(runsFor))
	}
	return fmt.Sprintf("Dokploy built %.7s, not %.7s: %s", built, commit, why)
}
