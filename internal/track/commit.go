package track

import (
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
)

func hashAfter(label, description string) string {
	hash, ok := strings.CutPrefix(description, label)
	if !ok || len(hash) < 7 || len(hash) > 64 || strings.Trim(hash, "0123456789abcdefABCDEF") != "" {
		return ""
	}
	return strings.ToLower(hash)
}

// Pushed returns the commit whose push started the deployment with this
// description; empty: none is named (docs/dokploy.md, Webhooks).
func Pushed(description string) string { return hashAfter("Hash: ", description) }

// Built returns the commit that was built, which the final description of a Git
// source's row names; empty: none is named (docs/dokploy.md, Deployment rows).
func Built(description string) string { return hashAfter("Commit: ", description) }

// CommitOf returns the commit of a row: the one that was built or, failing
// that, the one that was pushed.
func CommitOf(row *dokploy.Deployment) string {
	if built := Built(row.Description); built != "" && row.Terminal() {
		return built
	}
	return Pushed(row.Description)
}

// isOfCommit reports whether a hash is the order's commit.
func (o *Order) isOfCommit(hash string) bool { return hash != "" && strings.HasPrefix(hash, o.Commit) }

// pushes returns the service's jobs of the order's commit, oldest first.
func (s *sight) pushes(q *dokploy.Queue) (jobs []*dokploy.Job) {
	for i := range q.Jobs {
		if j := &q.Jobs[i]; j.ServiceID == s.order.ServiceID && s.order.mine(j.Title, j.Description) {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// pushsJob is the job that was first found. Where the row was found first, it is
// the one that was at work when that began.
func (s *sight) pushsJob(q *dokploy.Queue) *dokploy.Job {
	jobs := s.pushes(q)
	if seen := s.trail.seen; seen != nil {
		return s.sameAs(seen, jobs)
	}
	row := s.held.row
	if i := slices.IndexFunc(jobs, func(j *dokploy.Job) bool { return row != nil && j.Active && !j.ProcessedOn.After(row.StartedAt) }); i >= 0 { //rule:job-of-the-held-row
		s.remember(q, jobs[i])
		return jobs[i]
	}
	if s.phase == Again && len(jobs) == 1 && s.mayComeBack(jobs[0]) { //rule:only-job-after-a-restart
		return jobs[0]
	}
	return nil
}

// turn returns when our job became active, as last seen; zero: it was not seen
// active.
func (s *sight) turn() time.Time {
	if seen := s.trail.seen; seen != nil {
		return seen.ProcessedOn
	}
	return time.Time{}
}

// hasHash: it shows the commit that was pushed, and began when ours can have. On a
// remote server that is up to 20 s after its job did (docs/dokploy.md, Remote servers).
func (s *sight) hasHash(row *dokploy.Deployment) bool {
	switch {
	case s.order.Commit == "" || !s.order.mine(row.Title, row.Description) || s.search.before.has(row.ID):
		return false
	case row.StartedAt.Before(s.turn()), row.StartedAt.Before(s.trail.latest): //rule:hash-at-its-time
		return false
	}
	return true
}
