package deploy

import (
	"context"
	"time"

	"dokploy-deploy/internal/buildlog"
	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
)

// run is one target on its way from the trigger to the verdict.
type run struct {
	t      target
	result *verdict.Result
	down   *downtime

	undo *plan // what was set before the trigger; nil: nothing
	sent uploaded

	base      baseline // what was there before
	queue     track.QueueAccess
	tokens    []string // of this run's triggers, the newest last
	triggered time.Time
	takenAt   time.Time   // our clock, when Dokploy took the trigger; zero: not known closely
	tracked   track.State // what is known of the trigger and its deployment

	verifier *verifier           // nil: nobody needs to know what runs
	row      *dokploy.Deployment // once found, it is held
	left     verdict.Left        // what goes on in Dokploy, for timeouts and interrupts
	detail   string              // of that: what it waits for, or what was seen of its containers
	log      *buildlog.Log
	shown    buildlog.Outcome // of that log, when it was stopped
}

func newRun(t target, result *verdict.Result) *run {
	r := &run{t: t, result: result, down: newDowntime(t)}
	if t.traits.HidesQueue {
		r.queue = track.QueueHidden
	}
	if t.o.needsView(t.service) {
		r.verifier = newVerifier(t, r.down)
	}
	return r
}

// needsView reports whether somebody needs to know what runs. Going back does,
// verified or not.
func (o *Options) needsView(s *dokploy.Service) bool {
	return o.Wait && (o.verifies() || o.Rollback && s.Kind == dokploy.Application && o.Prepare.Image != "")
}

func (o *Options) verifies() bool { return o.Verify == VerifyAuto || o.Verify == VerifyRequire }

// run takes the target to its verdict, which settled is told, and back from a
// bad one where that was asked for.
func (r *run) run(ctx context.Context, settled func()) {
	defer r.t.screen.close()
	r.t.o.Reporter.Dashboard(r.t.name, r.result.DashboardURL)
	if r.t.o.DryRun {
		if r.t.o.Follow != nil {
			r.dryFollow(ctx)
		} else {
			r.dryRun(ctx)
		}
		settled()
		return
	}
	start := time.Now()
	r.deployAndVerify(ctx)
	if r.triggered.IsZero() {
		r.triggered = start
	}
	r.result.Took = time.Since(r.triggered)
	r.result.At = time.Now()
	r.learnCommit(ctx)
	settled()
	if r.t.o.Rollback {
		r.rollBack(ctx)
	}
}

// deployAndVerify prepares, triggers, follows and verifies.
func (r *run) deployAndVerify(ctx context.Context) {
	r.left = verdict.NothingStarted
	follows := r.t.o.Follow != nil
	var err error
	if !follows {
		err = r.prepare(ctx)
	}
	if err == nil {
		err = r.takeBaseline(ctx)
	}
	if err != nil {
		r.result.Outcome = outcomeOf(err, r.moment(ctx))
		return
	}
	if r.verifier != nil && !follows {
		r.verifier.lookBefore(ctx)
	}
	r.triggered = time.Now()
	all := ctx // the log outlives the target's time
	ctx, cancel := context.WithTimeoutCause(ctx, r.t.o.Timeout, errTimeout)
	defer cancel()
	if follows {
		err = r.follow(ctx)
	} else {
		err = r.deploy(ctx)
	}
	if r.log != nil {
		// Of a deployment that is done, its end is for those who watch.
		if err == nil && (r.result.Status != verdict.Done || r.t.o.Logs == LogLive) {
			r.log.Drain(all, logsEnd(ctx), r.result.Status != verdict.Cancelled)
		}
		r.shown = r.log.Stop()
	}
	if err != nil {
		m := r.moment(ctx)
		m.stale = r.stale()
		r.result.Outcome = outcomeOf(err, m)
	}
	r.finish()
	if r.result.Status != verdict.Done {
		r.explainDependency(all)
		return
	}
	if r.t.o.verifies() {
		err = r.verify(ctx)
	}
	if err == nil && r.result.Status == verdict.Done && r.t.o.Health != nil {
		err = r.health(ctx)
	}
	if err != nil {
		r.result.Outcome = outcomeOf(err, r.moment(ctx))
	}
}

// logsEnd is how long the end of a log is waited for: 10 s, and little beyond the
// target's time.
func logsEnd(ctx context.Context) time.Duration {
	limit := 10 * time.Second
	if end, ok := ctx.Deadline(); ok {
		limit = min(limit, max(time.Until(end), 3*time.Second))
	}
	return limit
}

// deploy triggers, finds and follows; once more if Dokploy lost the job.
func (r *run) deploy(ctx context.Context) error {
	for try := 1; ; try++ {
		if err := r.trigger(ctx); err != nil {
			return err
		}
		if !r.t.o.Wait && r.tracked.Unconfirmed() && r.queue != track.QueueHidden {
			return verdict.Reason{Kind: verdict.AnswerLost}.Err()
		}
		if !r.t.o.Wait {
			r.result.Status = verdict.Queued
			return nil
		}
		d, err := r.watch(ctx)
		if err != nil {
			return err
		}
		if d.End.Row != nil {
			r.result.Outcome = ended(d.End.Row)
			return nil
		}
		why := d.End.Reason
		switch {
		case why.Gone() && try > 1:
			o := why.Outcome()
			o.Hint = verdict.StartedTwice
			return &verdict.Error{Outcome: o}
		case !why.Again():
			return why.Err()
		}
		r.t.warn("%s; it is started again", why)
		r.down.startAgain()
		if r.verifier != nil {
			r.verifier.lookBefore(ctx)
		}
	}
}

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

// finish makes what a person and the outputs are told of the verdict.
func (r *run) finish() {
	res := r.result
	if row := r.row; row != nil {
		res.DeploymentID = row.ID
		if !row.StartedAt.IsZero() {
			if !row.FinishedAt.IsZero() {
				res.Build = row.FinishedAt.Sub(row.StartedAt)
			}
			if at := r.tracked.QueuedAt(); !at.IsZero() {
				res.Queued = max(0, row.StartedAt.Sub(at))
			}
		}
	}
	if r.row != nil {
		r.noteCommit(r.row.Commit())
	}
	if res.Status == verdict.Done && res.Build >= 0 {
		r.t.note("Dokploy says done after %s", text.Duration(res.Build))
	}
	if res.Status != verdict.Failed && res.Status != verdict.Cancelled && res.Status != verdict.Lost {
		return
	}
	if r.t.o.Logs == LogFailure || res.Status == verdict.Failed {
		r.t.screen.replay() // of which the last lines are quoted
	}
	if res.Status != verdict.Failed {
		return // the log does not tell why
	}
	if r.t.service.ServerID != "" && wentOn(r.t.screen.tail.lines()) {
		if res.Reason.Kind == "" {
			res.Outcome = verdict.Reason{Kind: verdict.ConnectionBroke}.Outcome()
		}
		// What is built over there is tagged as what the service runs.
		res.Suggest(verdict.BrokenOff)
	}
	if r.base.usual > 0 && r.t.service.Kind == dokploy.Application {
		// Only a pull or a build ends so.
		res.Suggest(verdict.StillRuns)
	}
	r.explain()
}

// unexplained is the reason of a failure where neither Dokploy nor what was seen
// of its log says why.
func (r *run) unexplained() verdict.Reason {
	switch {
	case r.log == nil:
		return verdict.Reason{Kind: verdict.NoLog}
	case r.shown.Empty:
		return verdict.Reason{Kind: verdict.EmptyLog}
	case r.shown.Missing == "":
		return verdict.Reason{Kind: verdict.LogSilent}
	case r.shown.Lines > 0:
		return verdict.Reason{Kind: verdict.LogNotReadToEnd, Text: r.shown.Missing}
	}
	return verdict.Reason{Kind: verdict.UnreadLog, Text: r.shown.Missing}
}
