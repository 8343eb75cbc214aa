package deploy

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"

	"dokploy-deploy/internal/buildlog"
	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

const (
	// vanishedAfter is how long a held row must be missing: one odd answer
	// is no verdict.
	vanishedAfter = 3 * time.Second
	// stuckAfter is how long a job may be gone while its row runs: the row
	// ends up to a second before or after its job (docs/dokploy.md, Remote servers).
	stuckAfter = 10 * time.Second
	// askQueueEvery is how often the queue is asked beside a running row.
	askQueueEvery = 20 * time.Second
	// secondRun is how long BullMQ (≤ 0.29.8) takes to run a job again that
	// a restart interrupted: 30 to 60 s were seen (docs/dokploy.md, Restarts).
	secondRun = 2 * time.Minute
	// settleDelay lets Dokploy write the end that its log has just shown: the
	// last line comes 2 to 48 ms before it, 14 in the median (docs/dokploy.md, Log files).
	settleDelay = 12 * time.Millisecond
)

// follow watches the held row to its end.
func (r *run) follow(ctx context.Context) error {
	fl := &follower{run: r, started: time.Now(), asked: time.Now(), wake: make(chan struct{}, 1)}
	defer fl.stopTimers()
	r.announce()
	fl.begin(ctx)
	if v := r.verifier; v != nil {
		defer v.leaveBeginning()
	}
	if r.row.Terminal() {
		// What went wrong with it is looked at again, and outlived, in the loop.
		if done, err := fl.judge(ctx, r.row); done {
			return err
		}
	}
	loop := r.loop(&followPace{fl, wait.NewBackoff(2500*time.Millisecond, 20*time.Second)})
	loop.Wake = fl.wake
	loop.PauseFirst = r.row.Status == dokploy.StatusRunning // it has just been seen
	loop.Burst = &wait.Steps{Pauses: []time.Duration{
		30 * time.Millisecond, 60 * time.Millisecond, 120 * time.Millisecond, 250 * time.Millisecond,
		500 * time.Millisecond, time.Second, 2 * time.Second,
	}}
	return loop.Run(ctx, fl.look)
}

// announce says that it has begun.
func (r *run) announce() {
	if r.row.StartedAt.IsZero() && r.row.Terminal() {
		return // it ended before it began
	}
	line := "started"
	if !r.queuedAt.IsZero() {
		if queued := r.row.StartedAt.Sub(r.queuedAt); queued >= time.Second {
			line += " after " + text.Duration(queued)
		}
	} else if waited := r.notBegun.Sub(r.triggered); waited >= 5*time.Second {
		line += " after " + text.Duration(waited)
	}
	if r.usual >= time.Second {
		line += "; usually takes " + text.Duration(r.usual)
	}
	r.note("%s", line)
}

// follower is what follow remembers between its looks.
type follower struct {
	*run
	started time.Time // our clock, when the row was found
	wake    chan struct{}
	late    *time.Timer

	asked       time.Time // when the queue was last asked
	missing     int
	missingFrom time.Time
	jobGone     time.Time // since when the job is not in the queue
	goneLooks   int
	unknown     string        // the unknown status that was spoken of
	again       time.Time     // since when a second run by Dokploy is looked for
	patience    time.Duration // how long it is
	returned    bool          // its job was in the queue again
}

// followPace is slow while the log will tell of the end, and steady where it
// cannot: then only a look can see it.
type followPace struct {
	*follower
	exp *backoff.ExponentialBackOff
}

func (p *followPace) Reset() { p.exp.Reset() }

func (p *followPace) NextBackOff() time.Duration {
	switch {
	case p.missing > 0 || !p.jobGone.IsZero():
		return 2 * time.Second
	case !p.again.IsZero():
		return time.Second // a Git source that builds fast shows its marker only so long
	case p.log != nil && (p.log.Streaming() || time.Since(p.started) < time.Second):
		return p.exp.NextBackOff()
	}
	d := 1200 * time.Millisecond
	switch running := time.Since(p.started); {
	case running > 30*time.Minute:
		d = 4 * time.Second
	case running > 10*time.Minute:
		d = 2 * time.Second
	}
	return d + rand.N(d/5)
}

// begin starts what goes beside the looks: the log, the heartbeat, the warning
// about a deployment that takes far too long.
func (fl *follower) begin(ctx context.Context) {
	r := fl.run
	if r.verifier != nil {
		r.verifier.lookAtBeginning(ctx)
	}
	r.left = verdict.Running
	r.screen.doing(func() string { return text.Duration(time.Since(fl.started)) + ", still running" })
	if r.usual > 0 {
		far := farBeyond(r.usual)
		fl.late = time.AfterFunc(far, func() {
			r.warn("it has been running for %s; it usually takes %s", text.Duration(far), text.Duration(r.usual))
		})
	}
	fl.followLog(ctx)
}

// followLog follows the log, once the row names it.
func (fl *follower) followLog(ctx context.Context) {
	r := fl.run
	if r.log != nil || r.row.LogPath == "" {
		return
	}
	source := dokploy.LogSource{DeploymentID: r.row.ID, Path: r.row.LogPath, ServerID: r.service.ServerID}
	if build := firstOf(r.row.BuildServerID, r.service.BuildServerID); build != "" {
		source.ServerID, source.NoREST = build, true
	}
	// The log outlives the target's time: what was written is shown.
	r.log = buildlog.Follow(context.WithoutCancel(ctx), r.client.Log(source), buildlog.Events{
		Line: r.screen.line,
		Lost: r.screen.lostLines,
		Wake: func() {
			time.AfterFunc(settleDelay, func() {
				select {
				case fl.wake <- struct{}{}:
				default:
				}
			})
		},
	})
}

func (fl *follower) stopTimers() {
	if fl.late != nil {
		fl.late.Stop()
	}
	fl.screen.doing(nil)
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (fl *follower) look(ctx context.Context) (wait.State, error) {
	r := fl.run
	if !fl.again.IsZero() {
		return fl.lookForSecondRun(ctx)
	}
	// The row is the verdict; the queue tells, now and then, whether
	// anything is still at work for it. It is asked first, so that a job that
	// is gone is one whose row has had its last word.
	gone := false
	if r.job != nil && r.queue == queueSeen && (time.Since(fl.asked) >= askQueueEvery || !fl.jobGone.IsZero()) {
		fl.asked = time.Now()
		q, err := r.readQueue(ctx)
		if err != nil {
			return wait.Pending, err
		}
		gone = r.ourJob(q) == nil
		if !gone {
			fl.jobGone, fl.goneLooks = time.Time{}, 0
		}
	}
	rows, err := r.client.Deployments(ctx, r.service.Kind, r.service.ID)
	switch {
	case dokploy.NotFound(err):
		rows = nil // the service is gone, and its rows with it (≤ 0.28.6)
	case err != nil:
		return wait.Pending, err
	}
	for i := range rows {
		if rows[i].ID != r.row.ID {
			continue
		}
		fl.missing, fl.missingFrom = 0, time.Time{}
		if !rows[i].Terminal() && gone { //rule:row-without-a-job
			return fl.stuck()
		}
		done, err := fl.judge(ctx, &rows[i])
		if done {
			return wait.Done, err
		}
		if err == nil {
			fl.noticeRestart(rows, &rows[i])
		}
		return wait.Pending, err
	}
	if fl.missing++; fl.missing == 1 {
		fl.missingFrom = time.Now()
	}
	if fl.missing >= 3 && time.Since(fl.missingFrom) >= vanishedAfter { //rule:row-vanished
		return wait.Pending, verdict.Reason{Kind: verdict.RowVanished, Name: r.row.ID}.Err()
	}
	return wait.Pending, nil
}

// stuck counts looks at a row that runs without a job. Dokploy forgets such a
// row forever, when the connection to a remote server broke (docs/dokploy.md, Remote servers).
func (fl *follower) stuck() (wait.State, error) {
	if fl.goneLooks++; fl.goneLooks == 1 {
		fl.jobGone = time.Now()
	}
	if fl.goneLooks >= 3 && time.Since(fl.jobGone) >= stuckAfter && (fl.outages == 0 || fl.quiet(fl.jobGone) >= comeback) { //rule:stuck-for-long-enough
		if fl.outages > 0 && fl.service.ServerID == "" {
			return wait.Pending, verdict.Reason{Kind: verdict.StuckRestart}.Err()
		}
		return wait.Pending, verdict.Reason{Kind: verdict.StuckConnection}.Err()
	}
	return wait.Pending, nil
}

// noticeRestart notices one that left our row running (before 0.25.4): the queue
// goes on, and BullMQ runs one deployment of a service at a time.
func (fl *follower) noticeRestart(rows []dokploy.Deployment, ours *dokploy.Deployment) {
	if !fl.traits.LeavesRowsRunning || !slices.ContainsFunc(rows, func(d dokploy.Deployment) bool { return d.StartedAt.After(ours.StartedAt) }) {
		return
	}
	fl.lookAgain(secondRun)
	fl.left = verdict.MayRunAgain
}

// lookAgain lets a second run by Dokploy be looked for.
func (fl *follower) lookAgain(patience time.Duration) {
	fl.again, fl.patience = time.Now(), patience
}

// judge makes the verdict of the row, if it has one.
func (fl *follower) judge(ctx context.Context, row *dokploy.Deployment) (done bool, err error) {
	r := fl.run
	held := *row
	r.row = &held
	r.countOutage()
	fl.followLog(ctx)
	switch row.Status {
	case dokploy.StatusRunning, dokploy.StatusQueued:
		return false, nil
	case dokploy.StatusDone, dokploy.StatusError:
		if again, err := fl.stillQueued(ctx); err != nil || again { //rule:ended-but-still-queued
			return false, err
		}
		fl.final()
		return true, nil
	case dokploy.StatusCancelled:
		return fl.cancelled(ctx)
	}
	if fl.unknown != row.Status {
		fl.unknown = row.Status
		r.answers()
		r.warn("Dokploy says %q, a status this program does not know; waiting for one it knows", text.OneLine(row.Status))
	}
	return false, nil
}

// cancelled is final, unless Dokploy runs the job again by itself: up to 0.29.8
// it does, and leaves the service running until then. Later ones do where they
// bring their queue back after a restart.
func (fl *follower) cancelled(ctx context.Context) (bool, error) {
	r := fl.run
	if r.traits.RerunsCancelled {
		s, err := r.client.Service(ctx, r.service.Kind, r.service.ID)
		if err != nil {
			return false, err
		}
		// Another deployment of the service writes its own status over it.
		later := slices.ContainsFunc(s.Deployments, func(d dokploy.Deployment) bool {
			return d.ID != r.row.ID && !d.StartedAt.Before(r.row.StartedAt)
		})
		if s.Status == dokploy.StatusRunning || later { //rule:cancelled-runs-again
			fl.lookAgain(secondRun)
			r.left = verdict.MayRunAgain
			r.answers()
			r.warn("Dokploy restarted and cancelled the deployment; this version runs it again by itself: waiting for that")
			return false, nil
		}
	}
	if r.row.FinishedAt.IsZero() && !r.traits.QueueSurvivesRestart { //rule:cancelled-may-come-back
		fl.lookAgain(comeback)
		r.left = verdict.CancelledMayRunAgain
		r.note("Dokploy restarted and cancelled the deployment; looking whether it runs it again by itself")
		return false, nil
	}
	fl.final()
	return true, nil
}

// stillQueued reports whether a deployment has ended and its job is in the queue:
// on a remote server the row ends before its job, and where a restart came in
// between, a server that keeps its queue runs it again.
func (fl *follower) stillQueued(ctx context.Context) (bool, error) {
	r := fl.run
	if r.outages == 0 || r.queue != queueSeen {
		return false, nil
	}
	q, err := r.readQueue(ctx)
	if err != nil {
		return false, err
	}
	if r.ourJob(q) == nil {
		// It may have run again, and be over.
		rows, err := r.client.Deployments(ctx, r.service.Kind, r.service.ID)
		switch {
		case err != nil:
			return false, err
		case slices.ContainsFunc(rows, func(row dokploy.Deployment) bool {
			return !r.known[row.ID] && r.ours(row.Description) && row.StartedAt.After(r.row.StartedAt)
		}):
			fl.lookAgain(secondRun)
			return true, nil
		case !r.traits.QueueSurvivesRestart: //rule:ended-may-have-left-its-job
			return fl.mayHaveLeftItsJob(q), nil
		}
		rows = slices.DeleteFunc(rows, func(row dokploy.Deployment) bool {
			return r.known[row.ID] || !r.overwritten(&row) || row.StartedAt.Before(r.row.StartedAt)
		})
		if len(rows) > 0 {
			return false, cannotTell(append(rows, *r.row))
		}
		return false, nil
	}
	fl.lookAgain(secondRun)
	r.left = verdict.EndedMayRunAgain
	return true, nil
}

// mayHaveLeftItsJob reports whether a restart may have come between the end of
// the row and that of its job, and the job may still come back: on a remote
// server that is half a second and more.
func (fl *follower) mayHaveLeftItsJob(q *dokploy.Queue) bool {
	r := fl.run
	if r.service.ServerID == "" && r.service.BuildServerID == "" || r.outages == 0 || r.quiet(r.back) >= comeback || anyActive(q) {
		return false
	}
	fl.lookAgain(comeback)
	r.left = verdict.EndedMayRunAgain
	return true
}

// final takes the status of the row as the verdict.
func (fl *follower) final() { fl.result.Outcome = ended(fl.row) }

// ended is the outcome of a row that has ended.
func ended(row *dokploy.Deployment) verdict.Outcome {
	why := verdict.Reason{Kind: verdict.CancelledThere}
	switch {
	case row.Status == dokploy.StatusDone:
		return verdict.Outcome{Status: verdict.Done}
	case row.Status == dokploy.StatusError && text.OneLine(row.ErrorMessage) == "":
		return verdict.Outcome{Status: verdict.Failed} // its log may say why
	case row.Status == dokploy.StatusError:
		why = verdict.Reason{Kind: verdict.DokployError, Text: text.OneLine(row.ErrorMessage)}
	case row.StartedAt.IsZero():
		why.Kind = verdict.CancelledEarly
	case row.FinishedAt.IsZero():
		why.Kind = verdict.CutOffByRestart
	}
	return why.Outcome()
}

// lookForSecondRun waits for a new row with the marker of this run.
func (fl *follower) lookForSecondRun(ctx context.Context) (wait.State, error) {
	r := fl.run
	ended := r.row.Status == dokploy.StatusDone || r.row.Status == dokploy.StatusError
	queued, inQueue, atWork := false, false, false
	if r.queue == queueSeen {
		q, err := r.readQueue(ctx)
		if err != nil {
			return wait.Pending, err
		}
		inQueue, atWork = r.ourJob(q) != nil, anyActive(q)
		queued, fl.returned = inQueue, fl.returned || inQueue
	}
	rows, err := r.client.Deployments(ctx, r.service.Kind, r.service.ID)
	if err != nil {
		return wait.Pending, err
	}
	var unsure []dokploy.Deployment
	for i := range rows {
		row := &rows[i]
		switch {
		case r.known[row.ID]:
			continue
		case row.Status == dokploy.StatusQueued:
			queued = queued || !r.sent.unmarked && r.ours(row.Description)
			continue
		case row.StartedAt.Before(r.row.StartedAt): //rule:second-run-is-later
			continue
		case r.sent.unmarked && r.mine(row.Title, row.Description) && !fl.returned && !r.traits.QueueSurvivesRestart: //rule:second-run-of-an-upload
			// Somebody's from the dashboard looks the same.
			unsure = append(unsure, *row)
			continue
		case r.mine(row.Title, row.Description):
		case r.overwritten(row): //rule:second-run-too-fast
			// Ours that was too fast to be seen, or another's.
			unsure = append(unsure, *row)
			continue
		default:
			continue
		}
		r.answers()
		r.note("Dokploy runs it again")
		others := slices.ContainsFunc(rows, func(d dokploy.Deployment) bool {
			return !r.known[d.ID] && !r.mine(d.Title, d.Description) && d.StartedAt.After(r.row.StartedAt)
		})
		if others && r.verifier != nil {
			// What ran before is from before those. It is looked at again now.
			r.verifier.blind = errBetween
		}
		r.hold(row)
		fl.again, fl.returned = time.Time{}, false
		fl.stopTimers()
		if r.log != nil {
			r.log.Stop()
			r.log = nil
		}
		fl.begin(ctx)
		done, err := fl.judge(ctx, row)
		if done {
			return wait.Done, err
		}
		return wait.Progress, err
	}
	// It waits for its turn like any other. What began before it and still shows
	// as running was left so by a restart.
	if queued || slices.ContainsFunc(rows, func(row dokploy.Deployment) bool {
		return row.Status == dokploy.StatusRunning && row.StartedAt.After(r.row.StartedAt)
	}) {
		fl.again = time.Now()
	}
	over := ended && !inQueue && (fl.patience == secondRun || fl.returned) // and its row would be there
	if over || r.quiet(fl.again) >= fl.patience || fl.patience == comeback && atWork && !queued {
		if waits, err := fl.behindOthers(ctx); waits || err != nil { //rule:second-run-behind-others
			return wait.Pending, err
		}
		if len(unsure) > 0 && (!ended || fl.patience == secondRun || fl.returned) { //rule:second-run-unsure
			return wait.Pending, cannotTell(unsure)
		}
		if !r.row.Terminal() { //rule:left-as-running
			return wait.Pending, verdict.Reason{Kind: verdict.LeftAsRunning}.Err()
		}
		fl.final()
		return wait.Done, nil
	}
	return wait.Pending, nil
}

// errBetween is why what ran before a second run is not known.
var errBetween = errors.New("others deployed the service between the two runs of this deployment")

// behindOthers reports whether a second run may wait for other services' builds,
// where the queue is hidden. A restart may also have left those as running for
// ever, so that is believed for some time only.
func (fl *follower) behindOthers(ctx context.Context) (bool, error) {
	r := fl.run
	if r.queue == queueSeen || time.Since(r.back) >= 5*secondRun {
		return false, nil
	}
	projects, err := r.client.Projects(ctx)
	if err != nil {
		return false, err
	}
	others := running(projects)
	delete(others, r.service.ID)
	if !r.busy(others) {
		return false, nil
	}
	fl.again = time.Now().Add(10*time.Second - fl.patience)
	return true, nil
}
