package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
)

// followFrom is the first seed in which half of the runs start nothing, and
// follow the deployment of a commit. No earlier fresh seed is as large.
const followFrom = 900_000_000_000_000

// alike is a commit whose hash begins like the followed one's.
const alike = "3f2a91c0ff3f2a91c0de3f2a91c0de3f2a91c0de"

// followed is what a run follows, and what happens to the pushes around it.
type followed struct {
	asks     string // the commit, or its beginning
	within   time.Duration
	skip     bool
	pushed   Pushed // as CI knows it
	settings dokploytest.Push
	quiet    bool // nothing happens but deployments
	pull     int  // the pull request whose preview it is; 0: the service itself

	lead    string // key of the first push's job
	pushes  []told
	cleaned map[string]bool // keys of jobs that somebody removed from the queue
	gone    time.Time       // when the preview was first removed
	built   int             // deployments of previews
	shown   []shown
}

// told is a push that Dokploy was told about and accepted.
type told struct {
	key, hash string
	at        time.Time
}

// shown is what a read has shown: the queue, or the rows.
type shown struct {
	at   time.Time
	jobs []dokploytest.Job
	rows []dokploytest.Row
	list bool
	id   string // of the service or preview; empty: it does not exist
}

// follows makes the choices of a run that follows.
func (s *schedule) follows(c chooser) {
	if c.one(2) {
		return
	}
	f := &followed{cleaned: map[string]bool{}}
	s.follow = f
	f.quiet = len(s.events) == 0 && len(s.hurts) == 0
	s.operation, s.wait, s.prepare, s.rollback = "follow", true, "", false
	if s.upload {
		s.upload, s.source = false, "git"
	}
	if s.kind == "application" && s.previews == nil && s.builder == "" {
		s.source = pickOf(c, "git", "git", "git", "docker")
	}
	if s.kind == "compose" && !c.one(3) {
		s.source = "git"
	}
	if !c.one(3) {
		s.rollout = "good"
	}
	f.asks = pushed[:pickOf(c, 40, 40, 40, 12, 9, 7)]
	f.within = pickOf(c, 10*time.Second, 30*time.Second, 2*time.Minute, 2*time.Minute, 10*time.Minute)
	f.skip = c.one(2)
	f.pushed = Pushed{Ref: pickOf(c, "main", "main", "main", "main", "", "other"), Message: pickOf(c, "feat: x", "feat: x", "feat: x [skip ci]")}
	switch c.IntN(12) {
	case 0:
		f.settings.AutoDeployOff = true
	case 1:
		f.settings.WatchPaths = []string{"src/**"}
	case 2:
		f.settings.Branch = "other"
	}
	s.pushesOfOurs(c)
	s.pushesOfOthers(c)
	if s.kind == "application" && s.builder == "" && c.one(4) {
		s.pullRequests(c)
	}
}

// pushesOfOurs: before, at or after the step's start, or never; once or more
// often.
func (s *schedule) pushesOfOurs(c chooser) {
	if c.one(8) {
		return
	}
	first := s.delivery(c, pushed)
	from, after := atStart, time.Duration(0)
	switch c.IntN(4) {
	case 0: // it comes while CI does other things
		from, s.lead = atLead, c.span(3*time.Minute)
	case 1:
		from, s.lead = atLead, c.span(5*time.Second)
	case 2:
		after = c.span(2 * time.Second)
	case 3:
		after = c.span(s.follow.within * 5 / 4)
	}
	s.add(from, after, fmt.Sprintf("the commit is pushed (%s, %v)", cmp.Or(first.Form, "curl"), first.Modified), func(w *sim) { w.tell(first, true) })
	if !c.one(3) {
		return
	}
	for range 1 + c.IntN(2) {
		again := s.delivery(c, pushed)
		from, after := s.moment(c)
		if c.one(3) {
			from, after = atTrigger, c.span(time.Second) // another webhook of the same Git host
		}
		s.add(from, after, "the commit is told of again", func(w *sim) { w.tell(again, false) })
	}
}

// pushesOfOthers: other commits of the branch, registries, people.
func (s *schedule) pushesOfOthers(c chooser) {
	for range pickOf(c, 0, 0, 1, 1, 2, 3) {
		from, after := s.moment(c)
		if c.one(3) {
			from, after = atLead, 0
		}
		switch c.IntN(5) {
		case 0, 1:
			d := s.delivery(c, pickOf(c, another, another, alike))
			s.add(from, after, fmt.Sprintf("another commit is pushed: %.10s", d.Commit), func(w *sim) { w.tell(d, false) })
		case 2:
			d := s.delivery(c, "")
			d.NoHash = true
			s.add(from, after, "a webhook without a hash", func(w *sim) { w.tell(d, false) })
		case 3:
			s.add(from, after, "somebody deploys it by hand", func(w *sim) { w.enqueue(w.v) })
		case 4:
			s.add(from, after, "another service is deployed", func(w *sim) { w.enqueue(w.web) })
		}
	}
}

// delivery returns a push as a Git host reports it.
func (s *schedule) delivery(c chooser, hash string) dokploytest.Delivery {
	return dokploytest.Delivery{Form: pickOf(c, "gitea", "gitea", "gitlab", "github", "bitbucket"), Commit: hash, Modified: []string{pickOf(c, "src/a", "src/a", "docs/b")}}
}

// tell has the Git host call the webhook.
func (w *sim) tell(d dokploytest.Delivery, lead bool) {
	w.mu.Lock()
	w.look()
	w.classify()
	before := w.srv.Queue()
	status, text := w.srv.Deliver(w.v, d)
	w.note("told of %.10s: %d %s", d.Commit, status, text)
	took := false
	for _, j := range w.srv.Queue() {
		if j.ServiceID == w.v.ID && !slices.ContainsFunc(before, func(x dokploytest.Job) bool { return x.Number == j.Number }) {
			took = true
			w.follow.pushes = append(w.follow.pushes, told{key: w.jobKey(j), hash: d.Commit, at: time.Now()})
			if lead && w.follow.pull == 0 {
				w.follow.lead = w.jobKey(j)
			}
		}
	}
	w.disown()
	w.mu.Unlock()
	if took && lead && w.follow.pull == 0 {
		w.happens(atTrigger)
	}
}

// shows records what a read has shown; with w.mu held.
func (w *sim) shows(list bool) {
	if w.follow == nil {
		return
	}
	x := shown{at: time.Now(), list: list}
	if v := w.followedNow(); list && v != nil {
		x.rows, x.id = w.srv.Deployments(v), v.ID
	} else if !list {
		x.jobs = w.srv.Queue()
	}
	w.follow.shown = append(w.follow.shown, x)
}

// isOf reports whether a hash is that of the followed commit.
func (f *followed) isOf(hash string) bool { return hash != "" && strings.HasPrefix(hash, f.asks) }

// commitOf returns the commit of a row.
func commitOf(r *dokploytest.Row) string {
	if built := track.Built(r.Description); built != "" && r.Status != "running" && r.Status != "queued" {
		return built
	}
	return track.Pushed(r.Description)
}

// newest returns the deployment that a look shows as that of the commit, by the
// key of its job or, if that is not known, its row; empty: it shows none.
func (j *judgement) newest(jobs []dokploytest.Job, rows []dokploytest.Row, id string) (key string, hashes []string) {
	f := j.follow
	is := func(hash string) bool {
		if f.isOf(hash) && !slices.Contains(hashes, hash) {
			hashes = append(hashes, hash)
		}
		return f.isOf(hash)
	}
	for _, q := range jobs { // the newest last, except for those that came back
		if q.ServiceID == id && is(track.Pushed(q.Description)) {
			key = j.jobKey(q)
		}
	}
	var newest *dokploytest.Row
	for i := range rows {
		r := &rows[i]
		if is(commitOf(r)) && (newest == nil || newest.Status != "queued" && (r.Status == "queued" || r.StartedAt.After(newest.StartedAt))) {
			newest = r
		}
	}
	if key == "" && newest != nil {
		if key = "row " + newest.ID; j.truth.ofRow(newest.ID) != nil {
			key = j.truth.ofRow(newest.ID).key
		}
	}
	return key, hashes
}

// looks returns the deployments that the looks of this run have shown, in their
// order: each shows the newest one of the commit, and the first of them counts.
// A look that was disturbed does not count, so that without a disturbance there
// is one, otherwise there may be several.
func (j *judgement) looks() (keys []string, several bool, seen int) {
	var jobs []dokploytest.Job
	read := j.hidden()
	for _, x := range j.follow.shown {
		if !x.list {
			jobs, read = x.jobs, true
			continue
		}
		if !read && !j.hurts["outage"] {
			continue
		}
		key, hashes := j.newest(jobs, x.rows, x.id)
		several = several || len(hashes) > 1
		if key == "" {
			continue
		}
		seen++
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
		if !j.hurts["outage"] && !j.hurts["trigger"] {
			break
		}
	}
	return keys, several, seen
}

// followed judges a run that follows, instead of the rules about triggers.
func (j *judgement) followed() {
	if n := j.srv.TriggerCount(j.v); n > 0 {
		j.bad("%d deployments were started", n)
	}
	keys, several, seen := j.looks()
	r, f := j.r, j.follow
	mine := ""
	if d := j.truth.ofRow(r.DeploymentID); d != nil {
		mine = d.key
		if !slices.Contains(keys, d.key) && !j.unknowablePush() {
			j.bad("deployment %s is not the one that was found: %v", r.DeploymentID, keys)
		}
	} else if len(keys) > 0 {
		mine = keys[0]
	}
	j.mu.Lock() // a build may only just have its row
	for _, b := range j.truth.builds {
		b.own = b.key == mine
	}
	j.mu.Unlock()
	if mine != f.lead {
		j.rollout = "good" // like all except the first push's
	}
	switch r.Reason.Kind {
	case verdict.NoneCame, verdict.NoneExplained, verdict.NoneOfNoGit, verdict.NoPreview, verdict.NoPreviewExplained:
		j.noneCame(keys, seen)
	case verdict.PreviewGone:
		if f.gone.IsZero() || f.gone.After(j.truth.ended) {
			j.bad("the preview is gone, but nobody removed it")
		}
	case verdict.TwoCommits:
		if !several {
			j.bad("two commits, but there is one")
		}
	}
	if r.Status == verdict.Skipped && (r.Reason.Kind != verdict.NoneExplained || !f.skip) {
		j.bad("skipped: %s", r.Reason.Kind)
	}
}

// unknowablePush: ours was removed by hand, lost in a restart before it had a
// row, or left no row, and another push of the same commit looks the same.
func (j *judgement) unknowablePush() bool {
	return j.twins() > 0 && (len(j.truth.removed) > 0 || len(j.follow.cleaned) > 0 || j.own.odd == "NoRow" || j.sshBroke || j.truth.restarts > 0)
}

// twins returns the number of other pushes of the commit.
func (j *judgement) twins() (n int) {
	for _, p := range j.follow.pushes {
		if j.follow.isOf(p.hash) {
			n++
		}
	}
	return n - 1
}

// noneCame: its time is over, and nothing of the commit was shown, except to a
// look that was disturbed.
func (j *judgement) noneCame(keys []string, seen int) {
	r, f := j.r, j.follow
	if r.DeploymentID != "" {
		j.bad("none came, but %s is followed", r.DeploymentID)
	}
	if len(keys) > 0 && (seen > 7 || !j.hurts["outage"] && !j.hurts["trigger"]) {
		j.bad("none came, but %v was shown %d times", keys, seen)
	}
	if r.Took < f.within {
		j.bad("none came, after %s", r.Took)
	}
	if most := f.within + 5*time.Second; r.Took > most && !j.hidden() && len(j.hurts) == 0 {
		j.bad("none came, said after %s", r.Took)
	}
	explained := f.pull == 0 && (f.settings.AutoDeployOff || j.git() && (len(f.settings.WatchPaths) > 0 || f.pushed.Ref != "" && f.pushed.Ref != cmp.Or(f.settings.Branch, "main") ||
		j.previews != nil && strings.Contains(f.pushed.Message, "[skip ci]")))
	if (r.Reason.Kind == verdict.NoneExplained) != explained {
		j.bad("%s: settings explain it: %v", r.Reason.Kind, explained)
	}
	if (r.Reason.Kind == verdict.NoneOfNoGit) != (!explained && !j.git()) {
		j.bad("%s: built from Git: %v", r.Reason.Kind, j.git())
	}
	if (r.Status == verdict.Skipped) != (explained && f.skip) {
		j.bad("%s, with skip: %v", r.Status, f.skip)
	}
}

// lostFollowing: each reason has its own conditions, as in lost.
func (j *judgement) lostFollowing(d *build) {
	t := &j.truth
	away := j.hurts["outage"] || j.hurts["trigger"] || t.restarts > 0
	newest := t.newest()
	gone := newest == nil || newest.row == ""
	taken := len(t.removed) > 0 || len(j.follow.cleaned) > 0 || newest != nil && newest.row != "" && !slices.Contains(t.kept, newest.row)
	switch k := j.r.Reason.Kind; k {
	case verdict.NoneCame, verdict.NoneExplained, verdict.NoneOfNoGit, verdict.NoPreview, verdict.NoPreviewExplained, verdict.PreviewGone, verdict.TwoCommits: // judged in followed
	case verdict.Ambiguous, verdict.WhichPush:
		if j.foreign() == 0 && j.twins() <= 0 && !away {
			j.bad("lost, but there is no other deployment")
		}
	case verdict.ForgottenQueued, verdict.ForgottenInRestart, verdict.CancelledByRestart, verdict.RemovedFromQueue:
		if !taken && (!gone || !away) {
			j.bad("lost as %s, but Dokploy has it", k)
		}
	case verdict.TakenWithoutTrace, verdict.ShownNowhereAccepted, verdict.PushedOut, verdict.HiddenIdle, verdict.HiddenPushedOut:
		noRow := gone && (j.own.odd == "NoRow" || j.sshBroke)
		if !taken && !away && !noRow {
			j.bad("lost as %s, but Dokploy has it", k)
		}
	default:
		j.lost(d, 1)
	}
}

// calmly: if nothing happens but deployments, there is one right status.
func (j *judgement) calmly() {
	f := j.follow
	keys, several, _ := j.looks()
	d := j.truth.newest()
	long := f.within + 10*time.Minute
	if !f.quiet || !f.gone.IsZero() || several || j.timeout < long || j.twins() > 0 {
		return
	}
	switch {
	case len(keys) == 0:
		if !slices.Contains([]verdict.Kind{verdict.NoneCame, verdict.NoneExplained, verdict.NoneOfNoGit, verdict.NoPreview, verdict.NoPreviewExplained}, j.r.Reason.Kind) && j.follow.gone.IsZero() {
			j.bad("%s (%s) in the calm, though none came", j.r.Status, j.r.Reason.Kind)
		}
	case j.r.Reason.Kind == verdict.Ambiguous && j.git() && j.foreign() > 0:
	case d == nil || d.row != j.r.DeploymentID:
		j.bad("%s (%s) of %q in the calm", j.r.Status, j.r.Reason.Kind, j.r.DeploymentID)
	case d.work.odd == "" && (j.truth.verdict[d.row].Status == "error") != (j.r.Status == verdict.Failed):
		j.bad("%s in the calm, but it is %s", j.r.Status, j.truth.verdict[d.row].Status)
	}
}

// builtCommit: the reported commit is the row's.
func (j *judgement) builtCommit() {
	row := j.truth.verdict[j.r.DeploymentID]
	built := track.Built(row.Description)
	switch got := j.r.Commit; {
	case got != "" && got != built:
		j.bad("the commit is said to be %s, not %s", got, built)
	case got == "" && built != "" && j.r.Status == verdict.Done && len(j.hurts) == 0 && !j.truth.removed[row.ID]:
		j.bad("done without a commit")
	}
}

// String describes it for a person.
func (f *followed) String() string {
	if f == nil {
		return "nothing"
	}
	return fmt.Sprintf("%s (pull request %d) within %s, skip %v, CI knows %+v, settings %+v", f.asks, f.pull, f.within, f.skip, f.pushed, f.settings)
}
