package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// The oracle knows what happened to every deployment, and compares the
// program's verdict with that. If the contract promises certainty, there is one
// right status; what else is allowed, and when, is at each status in verdict
// and at each reason in lost.

var errTooLong = errors.New("the run does not end")

// truth is everything that happened.
type truth struct {
	old      []string // rows that existed before
	triggers []*trigger
	builds   []*build // every deployment of the service that began
	status   map[string]dokploytest.Row
	removed  map[string]bool // rows that an event removed
	restarts int
	downs    []outage
	keyed    bool        // the key was limited
	blink    bool        // a row of this run was removed before it could be listed
	meddled  bool        // another pipeline changed what this run sets
	stopped  []time.Time // somebody stopped the service

	lists, queues []time.Time // when the rows and the queue were read

	began, ended, interrupted time.Time
	verdict                   map[string]dokploytest.Row // status, when the run ended
	kept                      []string                   // rows that existed then
	atVerdict, later          []dokploytest.Job
	set                       string // what prepare sets, when the run ended
}

type outage struct {
	at   time.Time
	down time.Duration
}

// trigger is one that the server has accepted from this run.
type trigger struct {
	key      string // of its job
	at       time.Time
	rollback bool
	cleaned  bool // somebody removed its job from the queue
	unseen   bool // … before this run had read it
	builds   []*build
}

// build is a deployment that has begun.
type build struct {
	n             int
	key           string
	description   string
	own, rollback bool
	orphan        bool // a restart ended it
	at            time.Time
	work          work
	lines         []string
	row, logPath  string
}

func (t *truth) buildOf(key string) *build {
	for _, b := range slices.Backward(t.builds) {
		if b.key == key {
			return b
		}
	}
	return nil
}

func (t *truth) ofRow(id string) *build {
	for _, b := range t.builds {
		if b.row == id && id != "" {
			return b
		}
	}
	return nil
}

// newest returns this run's newest build; rollbacks do not count for its
// verdict.
func (t *truth) newest() *build {
	for _, b := range slices.Backward(t.builds) {
		if b.own && !b.rollback {
			return b
		}
	}
	return nil
}

// forward returns the triggers that are not rollbacks, or only the rollbacks.
func (t *truth) forward(rollback bool) []*trigger {
	return slices.DeleteFunc(slices.Clone(t.triggers), func(tr *trigger) bool { return tr.rollback != rollback })
}

// among reports whether the trigger's job is in a queue.
func (w *sim) among(queue []dokploytest.Job, tr *trigger) bool {
	return slices.ContainsFunc(queue, func(j dokploytest.Job) bool { return j.ServiceID == w.v.ID && w.jobKey(j) == tr.key })
}

// gone reports whether the server accepted a trigger and lost it forever: it
// never began, a restart came before it had a row, or it ended without one (SSH
// refused while 11 rows are kept), which deploys nothing.
func (w *sim) gone(tr *trigger) bool {
	return !w.among(w.truth.later, tr) && !slices.ContainsFunc(tr.builds, func(b *build) bool { return b.row != "" })
}

type judgement struct {
	*sim
	report   *verdict.Report
	r        *verdict.Result
	problems []string
}

func (w *sim) judge(report *verdict.Report) []string {
	j := &judgement{sim: w, report: report, r: &report.Results[0]}
	if w.follow != nil {
		j.followed()
	}
	j.harmless()
	j.outputs()
	j.once()
	j.verdict()
	j.shown()
	j.settings()
	j.commit()
	j.printed()
	return j.problems
}

func (j *judgement) bad(format string, args ...any) {
	j.problems = append(j.problems, fmt.Sprintf(format, args...))
}

// harmless: nothing is sent that was not requested, and nothing secret is
// shown.
func (j *judgement) harmless() {
	may := strings.Fields("settings.getDokployVersion settings.isCloud project.all deployment.all deployment.allByCompose deployment.queueList deployment.readLogs listen-deployment " +
		j.kind + ".one " + j.trigger())
	if j.verify != VerifyOff || j.rollback && j.prepare == "image" {
		may = append(may, strings.Fields("docker.getServiceContainersByAppName docker.getContainersByAppNameMatch docker.getStackContainersByAppName docker.getConfig "+
			"application.readLogs compose.readLogs compose.loadServices docker-container-logs")...)
	}
	if j.follow != nil && j.follow.pull != 0 {
		may = append(may, "previewDeployment.all", "previewDeployment.one")
	}
	if j.upload {
		may = append(may, "application.deploy") // of what was uploaded, if that was lost
	}
	if j.prepare != "" {
		may = append(may, "user.getPermissions", j.kind+".update")
		if j.prepare == "env" || j.prepare == "build-args" {
			may = append(may, j.kind+".saveEnvironment")
		}
	}
	if j.rollback {
		may = append(may, "deployment.allByType", "rollback.rollback", j.kind+".deploy")
	}
	fields := map[string][]string{"image": {"applicationId", "dockerImage"}, "env": {j.kind + "Id", "env"}, "build-args": {"applicationId", "buildArgs"}, "compose-file": {"composeId", "composeFile", "sourceType"}}
	for _, r := range j.srv.Requests() {
		if !slices.Contains(may, r.Procedure) {
			j.bad("%s %s was called", r.Method, r.Procedure)
		}
		if !strings.HasSuffix(r.Procedure, ".update") {
			continue
		}
		var body map[string]any
		_ = json.Unmarshal([]byte(r.Body), &body)
		for name := range body {
			if !slices.Contains(fields[j.prepare], name) {
				j.bad("%s was sent %s", r.Procedure, name)
			}
		}
	}
	for _, addr := range j.dialed {
		if addr != "dokploy.test:80" {
			j.bad("%s was dialled", addr)
		}
	}
	all := j.report.JSON(strings.TrimSpace) + j.r.Why() + j.r.Advice() + j.r.WentBack + strings.Join(j.r.Tail, "\n") + strings.Join(j.rec.notes, "\n") + strings.Join(j.rec.log, "\n")
	for _, secret := range []string{"SECRET", j.key} {
		if strings.Contains(all, secret) {
			j.bad("a secret is shown")
		}
	}
}

// outputs checks that the outputs are consistent.
func (j *judgement) outputs() {
	r := j.r
	exit, known := map[verdict.Status]int{
		verdict.Done: 0, verdict.Queued: 0, verdict.Skipped: 0, verdict.Unhealthy: 1, verdict.Cancelled: 1, verdict.Failed: 1, verdict.Lost: 1, verdict.Timeout: 4, verdict.Unreachable: 3, verdict.Refused: 3, verdict.Invalid: 2, verdict.Interrupted: 1,
	}[r.Status]
	if !known || exit != j.report.ExitCode() || r.Status == verdict.Skipped && j.follow == nil {
		j.bad("status %q with exit %d", r.Status, j.report.ExitCode())
	}
	if (r.Why() == "") != (r.Status == verdict.Done || r.Status == verdict.Queued) {
		j.bad("status %s with the reason %q", r.Status, r.Why())
	}
	row := j.truth.verdict[r.DeploymentID]
	removed := row.Status == "cancelled" && row.StartedAt.IsZero() && (j.upload && row.Description == "" || strings.Contains(row.Description, "[dd-") || j.follow != nil) // before it began
	if b := j.truth.ofRow(r.DeploymentID); r.DeploymentID != "" && (b == nil || !b.own || b.rollback) && !removed && !j.unknowable() && !j.unconfirmed() {
		j.bad("deployment %s is not this run's", r.DeploymentID)
	}
	switch {
	case r.Verified != "" && (j.verify == VerifyOff || !j.wait),
		r.Verified == verdict.VerifiedYes && r.Status != verdict.Done,
		r.Verified == verdict.VerifiedNo && r.Status != verdict.Unhealthy && (r.Status != verdict.Interrupted || !j.rollback),
		r.Verified == "" && r.Status == verdict.Unhealthy,
		r.Verified == "" && r.Status == verdict.Done && j.verify != VerifyOff,
		(r.Verified == verdict.VerifiedUnknown || r.Verified == verdict.VerifiedUnchanged) && r.Status == verdict.Unhealthy && j.verify != VerifyRequire,
		r.Verified == verdict.VerifiedUnchanged && (r.Status == verdict.Done && j.verify == VerifyRequire || j.kind != "compose"),
		r.Verified == verdict.VerifiedYes && j.same(),
		r.Verified == verdict.VerifiedUnknown && r.Status == verdict.Done && j.verify == VerifyRequire:
		j.bad("status %s with verified %q", r.Status, r.Verified)
	}
	if row, ok := j.truth.verdict[r.DeploymentID]; ok && r.Build >= 0 {
		const ms = time.Millisecond // as the server writes it
		if built := row.FinishedAt.Truncate(ms).Sub(row.StartedAt.Truncate(ms)); r.Build != built {
			j.bad("built in %s, not %s", r.Build, built)
		}
	}
	var out []verdict.Output
	if err := json.Unmarshal([]byte(j.report.JSON(strings.TrimSpace)), &out); err != nil || len(out) != 1 || out[0].Status != r.Status || out[0].DeploymentID != r.DeploymentID || j.report.DeploymentIDs() != r.DeploymentID {
		j.bad("the outputs differ: %s", j.report.JSON(strings.TrimSpace))
	}
}

// once: there are never two deployments of one run, unless the first was really
// lost (a restart, or somebody who cleaned the queue); then one more.
func (j *judgement) once() {
	for _, rollback := range []bool{false, true} {
		triggers := j.truth.forward(rollback)
		if len(triggers) > 2 {
			j.bad("%d deployments were started", len(triggers))
		}
		for i, tr := range triggers {
			// A row that was removed before the run could see it looks the same
			// as one that was lost.
			removed := len(tr.builds) > 0 && j.truth.removed[tr.builds[len(tr.builds)-1].row]
			if i < len(triggers)-1 && !j.gone(tr) && !removed {
				j.bad("deployment %d was started again, though Dokploy had it", i+1)
			}
		}
		if rollback && len(triggers) > 0 && !j.rollback {
			j.bad("it went back unasked")
		}
	}
}

// marked reports whether the deployment carries this run's marker: an upload
// does not. hidden reports whether the server does not show its queue.
func (j *judgement) marked() bool { return !j.upload }
func (j *judgement) hidden() bool { return !j.modern(0, 28, 3) }

// overwrites: a deployment that has ended shows the commit's text instead.
func (j *judgement) overwrites() bool { return j.git() && j.operation == "deploy" }

// slack is how long a deployment may have begun before it has its row.
func (j *judgement) slack() time.Duration {
	if j.remote != "" {
		return time.Second
	}
	return 50 * time.Millisecond
}

// foreign returns the number of others' deployments of the service that have
// come since the run began.
func (j *judgement) foreign() (n int) {
	for _, b := range j.truth.builds {
		if !b.own && b.at.After(j.truth.began.Add(-j.slack())) && !b.at.After(j.truth.ended) {
			n++
		}
	}
	return n
}

// unknowable: neither queue nor marker can be seen, somebody removed this run's
// deployment (from the queue, or its row) or it never had a row, and another's
// is the only one that came. No client can know that; the contract lets the ids
// decide then. The same is true for a Git source whose job or row was removed
// before queue or list were read for the first time.
func (j *judgement) unknowable() bool {
	if j.overwrites() && j.foreign() > 0 && (j.truth.blink || slices.ContainsFunc(j.truth.triggers, func(tr *trigger) bool { return tr.unseen })) {
		return true
	}
	return (!j.marked() || j.hidden() && j.overwrites()) && j.foreign() > 0 && (len(j.truth.removed) > 0 || j.own.odd == "NoRow" || j.sshBroke ||
		slices.ContainsFunc(j.truth.triggers, func(tr *trigger) bool { return tr.cleaned }))
}

// unconfirmed: without a marker, only a look after the end confirms that the
// new id was this run's. A run that gives up before that may have another's
// (and have shown its log).
func (j *judgement) unconfirmed() bool {
	return !j.marked() && j.foreign() > 0 && !slices.Contains([]verdict.Status{verdict.Done, verdict.Unhealthy, verdict.Failed, verdict.Cancelled}, j.r.Status)
}

// same: nothing that docker compose or swarm would replace is changed.
func (j *judgement) same() bool { return j.kind == "compose" && j.prepare != "compose-file" }

// crashes reports whether this run's version has a bad rollout at all: a
// compose file that is not changed starts nothing new.
func (j *judgement) crashes() bool {
	if j.kind == "compose" && !j.stack && j.rollout == "stuck" {
		return false // docker compose does no placement
	}
	return j.rollout != "good" && (j.kind == "application" || j.prepare == "compose-file")
}

func (j *judgement) verdict() {
	r, t := j.r, &j.truth
	d := t.ofRow(r.DeploymentID)
	if j.unknowable() || j.follow != nil && j.unknowablePush() {
		return
	}
	is := func(status string) bool { return d != nil && t.verdict[d.row].Status == status }
	newest := t.newest()
	accepted := len(t.forward(false))
	switch r.Status {
	case verdict.Done:
		// Only the run's newest deployment, which is done.
		switch {
		case !j.wait:
			j.bad("done without having waited")
		case !is("done"):
			j.bad("done, but the row is %q", t.verdict[r.DeploymentID].Status)
		case newest != nil && d != newest && newest.row != "" && newest.at.Before(t.ended) && (newest.key != d.key || !j.hidden() && !j.hurts["queue"] && !j.saidBeforeOutage() && !j.saidAtOnce(d) && !j.unseenAgain(newest)):
			// The same job again: BullMQ kept it in a restart right after the
			// end. Nobody sees that if the queue is hidden or was blocked, or once
			// the end is reported.
			j.bad("done, but build %d is newer", newest.n)
		}
		if r.Verified == verdict.VerifiedYes && j.crashes() && !t.meddled {
			j.bad("verified, but it does not run")
		}
		if r.Verified != "" && j.stoppedInVain() {
			j.bad("done and verified %q, but somebody has stopped it", r.Verified)
		}
	case verdict.Queued:
		if j.wait {
			j.bad("queued, though it was to wait")
		}
		// If the queue is hidden, a lost answer counts as accepted.
		if accepted == 0 && (!j.hidden() || !j.hurts["trigger"]) {
			j.bad("queued, but the server never took it")
		}
	case verdict.Unhealthy:
		if !is("done") {
			j.bad("unhealthy, but the row is %q", t.verdict[r.DeploymentID].Status)
		}
		// Another pipeline's version that came on top is not this run's.
		if r.Verified == verdict.VerifiedNo && !j.crashes() && (!t.meddled || j.prepare != "image") && len(t.stopped) == 0 {
			j.bad("unhealthy, but it runs")
		}
	case verdict.Failed:
		switch {
		case is("error"):
		case d != nil:
			j.bad("error, but the row is %q", t.verdict[d.row].Status)
		case t.meddled && j.prepare != "":
			// Another pipeline came between setting and reading back.
			if accepted > 0 {
				j.bad("nothing was to be deployed")
			}
		case j.hurts["own words"]:
			// Dokploy answered the trigger with 500, and does not have it.
			if accepted > 0 && !j.gone(t.forward(false)[accepted-1]) {
				j.bad("error, but the server has taken it")
			}
		default:
			j.bad("error without a row")
		}
	case verdict.Cancelled:
		switch {
		case is("cancelled"):
			if newest != nil && newest != d {
				// BullMQ runs it again: then the second row is followed.
				j.bad("cancelled, but build %d is newer", newest.n)
			}
		case d == nil && slices.ContainsFunc(t.triggers, func(tr *trigger) bool { return tr.cleaned }):
		case d == nil && j.follow != nil && (len(j.follow.cleaned) > 0 || j.own.odd == "NoRow" || j.sshBroke || t.verdict[r.DeploymentID].Status == "cancelled" && t.verdict[r.DeploymentID].StartedAt.IsZero()):
		case d == nil && newest != nil && newest.row != "" && !slices.Contains(t.kept, newest.row):
			// It began and its row was gone before the run could see it.
		default:
			j.bad("cancelled, but the row is %q", t.verdict[r.DeploymentID].Status)
		}
	case verdict.Lost:
		if j.follow != nil {
			j.lostFollowing(d)
			break
		}
		j.lost(d, accepted)
	case verdict.Timeout:
		j.timedOut(newest)
	case verdict.Unreachable:
		j.unreachable()
	case verdict.Refused:
		if accepted > 0 || !j.hurts["outage"] && !j.hurts["trigger"] {
			j.bad("refused, but the key is good, or was when it was needed")
		}
	case verdict.Interrupted:
		if t.interrupted.IsZero() || t.ended.Sub(t.interrupted) > 2*time.Second {
			j.bad("interrupted %s after the signal", t.ended.Sub(t.interrupted))
		}
	case verdict.Invalid:
		j.bad("invalid, though all inputs are right")
	}
	if !t.interrupted.IsZero() && r.Status != verdict.Interrupted && t.ended.Sub(t.interrupted) > 2*time.Second {
		j.bad("%s, %s after an interrupt", r.Status, t.ended.Sub(t.interrupted))
	}
	if j.follow != nil {
		j.calmly()
		return
	}
	j.left(d, accepted)
	j.calm(newest)
}

// left: what is reported to go on in Dokploy was not known to be otherwise.
func (j *judgement) left(d *build, accepted int) {
	r, t := j.r, &j.truth
	ended := slices.Contains([]verdict.Status{verdict.Timeout, verdict.Interrupted, verdict.Unreachable}, r.Status)
	if r.Left != "" && !ended && r.Left != verdict.NoUpload || r.Left == "" && (r.Status == verdict.Timeout || r.Status == verdict.Interrupted && r.Reason.Kind != verdict.InterruptedGoingBack) {
		j.bad("%s, and left as %q", r.Status, r.Left)
	}
	forward := t.forward(false)
	has := slices.ContainsFunc(forward, func(tr *trigger) bool { return !j.gone(tr) })
	switch r.Left {
	case verdict.NothingStarted, verdict.SomethingSet, verdict.MaybeSet, verdict.NoUpload:
		if has {
			j.bad("%q, but the server has taken it", r.Left)
		}
	case verdict.QueuedThere, verdict.StillQueued, verdict.NotBegun, verdict.BeingStarted, verdict.ShownNowhere:
		// A lost answer may count as accepted.
		if accepted == 0 && !j.hurts["trigger"] {
			j.bad("%q, but the server never took it", r.Left)
		}
		if d != nil {
			j.bad("%q, but it was seen to begin", r.Left)
		}
	case verdict.Running, verdict.MayRunAgain, verdict.CancelledMayRunAgain, verdict.EndedMayRunAgain:
		if d == nil {
			j.bad("%q, but it has not begun", r.Left)
		}
	case verdict.DoneUnseen, verdict.DoneBut, verdict.DoneUnanswered:
		if d == nil || t.verdict[d.row].Status != "done" && !t.removed[d.row] {
			j.bad("%q, but the row is %q", r.Left, t.verdict[r.DeploymentID].Status)
		}
	}
}

// unseenAgain reports whether a build may be a second run that nobody can see:
// its deployment was done before a restart, and it shows its commit's text
// instead of ours before it can be looked at. It may be anybody's
// (protocol.md).
func (j *judgement) unseenAgain(newest *build) bool {
	return j.server.KeepsQueue && j.overwrites() && newest.work.takes < 2*time.Second
}

// saidAtOnce reports whether nothing was requested once the end could be seen:
// it was known before anything that came after it.
func (j *judgement) saidAtOnce(d *build) bool {
	end := j.truth.verdict[d.row].FinishedAt.Add(-j.server.ClockSkew)
	return since(j.truth.lists, end.Add(300*time.Millisecond), j.truth.ended) == 0
}

// saidBeforeOutage reports whether Dokploy was away only after the end was
// reported.
func (j *judgement) saidBeforeOutage() bool {
	has := func(part string) func(string) bool {
		return func(note string) bool { return strings.Contains(note, part) }
	}
	done, outage := slices.IndexFunc(j.rec.notes, has(" by Dokploy in ")), slices.IndexFunc(j.rec.notes, has("Dokploy is unreachable"))
	return done >= 0 && outage > done
}

// lost: each reason has its own conditions.
func (j *judgement) lost(d *build, accepted int) {
	t := &j.truth
	forward := t.forward(false)
	allGone := accepted > 0 && !slices.ContainsFunc(forward, func(tr *trigger) bool { return !j.gone(tr) })
	switch j.r.Reason.Kind {
	case verdict.Ambiguous, verdict.AnswerLost:
		// If there is no marker: with another's deployment around. Otherwise
		// only if a Git source's text is gone by the time it is seen, and
		// another's deployment may be it, or ours may not exist: after a lost
		// answer or an outage.
		if !j.marked() && j.foreign() == 0 && !j.hurts["trigger"] && !j.hurts["outage"] {
			j.bad("lost, but there is no other deployment")
		}
		if j.marked() && (!j.overwrites() || j.foreign() == 0 && !j.hurts["trigger"] && !j.hurts["outage"]) {
			j.bad("lost, but its text tells it apart")
		}
	case verdict.WhichUpload:
		if !j.upload || j.otherN == 0 && (t.restarts == 0 || j.modern(0, 29, 9) && !j.server.KeepsQueue) {
			j.bad("lost, but there is no other deployment")
		}
	case verdict.RowVanished:
		// The row was removed, or newer ones pushed it out.
		if d == nil || slices.Contains(t.kept, d.row) {
			j.bad("lost, but the row is there")
		}
	case verdict.StuckConnection, verdict.StuckRestart, verdict.StuckUnexplained, verdict.LeftAsRunning:
		// A row that has not ended, and no job for it: the schedule says so, or
		// a restart left an unknown status.
		if d == nil || slices.ContainsFunc(t.atVerdict, func(q dokploytest.Job) bool { return j.jobKey(q) == d.key }) ||
			slices.Contains([]string{"done", "error", "cancelled"}, t.verdict[d.row].Status) || d.work.odd != "StayRunning" && !d.orphan {
			j.bad("lost, but it is at work")
		}
	case verdict.TakenWithoutTrace:
		// The job began, and there is no row, or it was removed at once. Or a
		// restart that was too short to be noticed (less than 5 s) ended it.
		// On a remote server with a full list, somebody who cleaned the queue
		// cannot be told from a refused SSH connection.
		cleaned := j.remote != "" && j.history > 10 && slices.ContainsFunc(t.triggers, func(tr *trigger) bool { return tr.cleaned })
		if newest := t.newest(); !cleaned && (newest == nil || !t.removed[newest.row] && (newest.row != "" || newest.work.odd != "NoRow" && !j.sshBroke && !newest.orphan)) {
			j.bad("lost, but it has a row, or should have")
		}
	case verdict.ForgottenQueued, verdict.ForgottenInRestart, verdict.CancelledByRestart:
		// A second time, or as far as anybody can see: its row was removed, or
		// pushed out by others.
		newest := t.newest()
		pushed := newest != nil && newest.row != "" && !slices.Contains(t.kept, newest.row)
		if accepted > 2 || !pushed && (accepted != 2 || !allGone) {
			j.bad("lost, but it was started %d times (all lost: %v)", accepted, allGone)
		}
	case verdict.ShownNowhereAccepted, verdict.PushedOut:
		// A restart that was too short to be noticed, or somebody who cleaned
		// the queue or removed the row before the run could see it.
		newest := t.newest()
		removed := newest != nil && newest.row != "" && !slices.Contains(t.kept, newest.row)
		if !removed && (!allGone || t.restarts == 0 && !forward[0].cleaned && j.own.odd != "NoRow" && !j.sshBroke) {
			j.bad("lost, but Dokploy has it")
		}
	case verdict.HeldByRedis:
		// BullMQ without its Redis accepts a trigger, does not answer, and runs
		// it later: a trigger without an answer must not be repeated.
		newest := t.newest()
		if j.modern(0, 29, 9) || !j.hurts["trigger"] || newest != nil && newest.row != "" && newest.at.Before(t.ended) && !t.removed[newest.row] {
			j.bad("lost, but Dokploy has it, or should have been asked again")
		}
	case verdict.HiddenIdle, verdict.HiddenPushedOut:
		// A hidden queue: somebody removed its job or its row, or others pushed
		// it out.
		newest := t.newest()
		removed := newest != nil && newest.row != "" && !slices.Contains(t.kept, newest.row)
		// A queue that cannot be read, too.
		never := accepted == 0 && j.hurts["trigger"]
		if !j.hidden() && !j.hurts["outage"] || !removed && !allGone && !never {
			j.bad("lost, but Dokploy has it")
		}
	case verdict.HiddenUnconfirmed:
		// A hidden queue: a trigger that was not carried out, or whose job or
		// row somebody removed.
		newest := t.newest()
		removed := newest != nil && newest.row != "" && !slices.Contains(t.kept, newest.row)
		if accepted > 0 && !allGone && !removed || !j.hurts["trigger"] {
			j.bad("lost, but Dokploy has it")
		}
	default:
		j.bad("lost as %q, which the oracle does not know", j.r.Reason.Kind)
	}
}

// timedOut: not before its time, and not if the end could be seen long ago.
func (j *judgement) timedOut(newest *build) {
	t := &j.truth
	if j.r.Took < j.timeout || !j.rollback && j.r.Took > j.timeout+4*time.Second {
		j.bad("timed out after %s", j.r.Took)
	}
	if newest == nil || newest.row == "" || t.removed[newest.row] {
		return
	}
	// An unknown status that a restart left may mean anything.
	if t.restarts > 0 && t.verdict[j.r.DeploymentID].Status == "thinking" {
		return
	}
	// A hidden queue keeps it open while anything is being built.
	if j.hidden() && (j.overwrites() && j.foreign() > 0 || !j.marked() && j.otherN > 0) {
		return
	}
	row := t.verdict[newest.row]
	over := row.FinishedAt.Add(-j.server.ClockSkew)
	if row.FinishedAt.IsZero() || j.verify != VerifyOff {
		return
	}
	if end := t.began.Add(j.timeout); end.Sub(over) > 3*time.Minute && since(t.lists, end.Add(-2*time.Minute), end) > 4 {
		j.bad("timed out, but build %d is %s since %s", newest.n, row.Status, end.Sub(over))
	}
}

func since(times []time.Time, from, to time.Time) (n int) {
	for _, at := range times {
		if at.After(from) && at.Before(to) {
			n++
		}
	}
	return n
}

// unreachable: no complete look can have succeeded in the time that is
// tolerated.
func (j *judgement) unreachable() {
	t := &j.truth
	if !j.hurts["outage"] && !j.hurts["trigger"] {
		j.bad("unreachable, but nothing was in the way")
	}
	// Three triggers whose answers were lost, and that Dokploy does not have,
	// end like this.
	lost := j.hurts["trigger"] && !slices.ContainsFunc(t.triggers, func(tr *trigger) bool { return !j.gone(tr) })
	if lost || j.rollback {
		return
	}
	from := t.ended.Add(-j.limit + 2*time.Second)
	lists, queues := since(t.lists, from, t.ended), since(t.queues, from, t.ended)
	if lists > 2 && !j.hurts["half answers"] && (queues > 2 || j.hidden()) && j.verify == VerifyOff {
		j.bad("unreachable, but %d lists and %d queues were read in the last %s", lists, queues, j.limit)
	}
}

// calm: if nothing happens, there is one right status.
func (j *judgement) calm(newest *build) {
	if len(j.events) > j.fleeting || !j.wait || j.timeout < j.own.takes+2*time.Minute || j.own.odd != "" {
		return
	}
	want := verdict.Done
	switch {
	case j.own.outcome == "error":
		want = verdict.Failed
	case j.verify != VerifyOff && j.crashes() && (j.r.Verified != verdict.VerifiedUnknown || j.verify == VerifyRequire):
		want = verdict.Unhealthy
	case j.verify == VerifyRequire && (j.r.Verified == verdict.VerifiedUnknown || j.same()):
		want = verdict.Unhealthy
	}
	if j.r.Status != want || newest == nil || j.r.DeploymentID != newest.row {
		j.bad("%s in the calm, not %s", j.r.Status, want)
	}
	if j.verify != VerifyOff && want != verdict.Failed && j.r.Verified == verdict.VerifiedUnknown && !j.member && j.modern(0, 27, 0) {
		j.bad("not verified in the calm")
	}
	if j.r.Verified == verdict.VerifiedUnchanged && !j.same() {
		j.bad("unchanged in the calm, but its file is another")
	}
}

// shares reports whether a build's log file is also another's: both began in
// the same second, which Dokploy uses for the file's name.
func (j *judgement) shares(b *build) bool {
	second := func(b *build) time.Time { return b.at.Add(j.server.ClockSkew).Truncate(time.Second) }
	return slices.ContainsFunc(j.truth.builds, func(o *build) bool {
		return o != b && (o.logPath == b.logPath || second(o).Equal(second(b)))
	})
}

// gapNotes say that lines may be missing.
var gapNotes = []string{"may be missing", "is missing", "cannot be shown", "may be incomplete", "writes both logs to one file"}

// shown: each line once and in order, and only this run's.
func (j *judgement) shown() {
	if j.logs == LogOff && len(j.rec.log) > 0 {
		j.bad("a log is shown")
	}
	if j.unknowable() || j.unconfirmed() {
		return
	}
	gaps := slices.ContainsFunc(gapNotes, func(n string) bool { return j.rec.said(n) })
	last := map[int]int{}
	starts, newestShown := 0, 0
	for _, line := range j.rec.log {
		var n, i, of int
		if c, _ := fmt.Sscanf(line, "b%d line %d of %d ", &n, &i, &of); c != 3 {
			switch {
			case line == "Initializing deployment":
				starts++
			case line == "", line == "Building on Build Server", strings.HasPrefix(line, "Error occurred "),
				strings.HasPrefix(line, "Docker Compose Deployed: "), strings.HasSuffix(line, " completed."):
			case gaps:
			default:
				j.bad("the log shows %q", line)
			}
			continue
		}
		b := j.truth.builds[slices.IndexFunc(j.truth.builds, func(b *build) bool { return b.n == n })]
		shared := j.shares(b)
		switch {
		case !b.own && !shared:
			j.bad("line %d of another's build %d is shown", i, n)
		case i <= last[n]:
			j.bad("line %d of build %d comes after line %d", i, n, last[n])
		case i != last[n]+1 && !gaps && !shared:
			j.bad("line %d of build %d comes right after line %d", i, n, last[n])
		case n < newestShown && !shared:
			j.bad("build %d is shown after build %d", n, newestShown)
		}
		last[n], newestShown = i, n
	}
	own, shared := 0, false
	for _, b := range j.truth.builds {
		if b.own && b.row != "" {
			own++
			shared = shared || j.shares(b)
		}
	}
	if starts > own && !gaps && !shared {
		j.bad("the beginning of the log is shown %d times", starts)
	}
	// The log is complete at the end, unless the connection was disturbed.
	d := j.truth.ofRow(j.r.DeploymentID)
	whole := d != nil && (j.r.Status == verdict.Done || j.r.Status == verdict.Failed || j.r.Status == verdict.Unhealthy) && (j.logs == LogLive || j.logs == LogFailure && j.r.Status == verdict.Failed)
	if whole {
		j.logIsAccountedFor(d, last[d.n], gaps)
	}
	j.notEmpty()
}

// settings: what was to be set is set if it was deployed, and set back if that
// is reported.
func (j *judgement) settings() {
	if j.prepare == "" || j.truth.meddled {
		return
	}
	changed := j.truth.set != j.before
	said := j.r.WentBack
	switch {
	case strings.Contains(said, "was restored"), strings.Contains(said, "were restored"):
		if changed {
			j.bad("said to be set back, but it is %q", j.truth.set)
		}
	case (j.r.Status == verdict.Done || j.r.Status == verdict.Queued) && !changed:
		j.bad("%s, but nothing was set", j.r.Status)
	}
}
