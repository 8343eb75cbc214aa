package deploy

import (
	"context"
	"time"

	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
)

// attempt is the record of one deployment: what its stages have handed on.
type attempt struct {
	target   target // as it was found
	applied  applied
	verifier *verifier // knows what was running before
	base     baseline
	began    time.Time // when it was triggered, or would have been
	// triggered is when it was triggered, or when following started; zero:
	// neither happened.
	triggered time.Time
	ending    ending
	commit    string // that was built; empty: unknown
	end       end
	endedAt   time.Time
}

// deployAndVerify takes a target through the stages of its deployment. Each
// stage is handed the results of those before it; the first error ends the
// deployment.
func deployAndVerify(ctx context.Context, t target) attempt {
	a, err := makeReady(ctx, t)
	if err != nil {
		return a.brokenOff(ctx, err)
	}
	timed, cancel := context.WithTimeoutCause(ctx, t.o.Timeout, errTimeout)
	defer cancel()
	if t.o.Follow != nil {
		a.ending, err = follow(timed, a.applied.target, a.verifier, a.base)
		a = a.becomes(a.ending.preview)
	} else {
		a.ending, err = deploy(timed, a.applied.target, a.verifier, a.base, a.applied.left())
	}
	a = a.explained(ctx, timed, err)
	if !a.end.done() {
		return a
	}
	if a.end, err = a.check(timed); err != nil {
		return a.brokenOff(timed, err)
	}
	return a
}

// makeReady does everything that comes before the trigger.
func makeReady(ctx context.Context, t target) (attempt, error) {
	a := attempt{target: t, applied: applied{target: t}, began: time.Now(), verifier: newVerifier(t)}
	var err error
	if t.o.Follow == nil {
		if a.applied, err = prepare(ctx, t); err != nil {
			return a, err
		}
	}
	if a.base, err = takeBaseline(ctx, a.applied.target); err != nil {
		return a, &brokenOff{err: err, left: a.applied.left()}
	}
	if t.o.Follow == nil {
		a.verifier.lookBefore(ctx)
	}
	a.began = time.Now()
	a.triggered = a.began
	return a, nil
}

// becomes returns the attempt once its preview is known.
func (a attempt) becomes(p *preview) attempt {
	if p != nil {
		a.target, a.applied.target, a.base = p.target, p.target, p.base
	}
	return a
}

// explained returns the attempt after its deployment ended, or after an error
// cut it off. The log may outlast the target's time.
func (a attempt) explained(ctx, timed context.Context, err error) attempt {
	t := a.applied.target
	if err == nil {
		a.end.outcome = a.ending.outcome()
	}
	shown := a.ending.closeLog(ctx, timed, a.end.outcome.Status, t.o.Logs)
	if err != nil {
		a = a.brokenOff(timed, err)
	}
	a.commit = t.noteCommit(a.ending.row)
	a.end = explain(t, a.base, a.ending, shown, a.end)
	a.end = explainDependency(ctx, t, a.verifier, a.end)
	return a
}

// check verifies that what was deployed is running and answers.
func (a attempt) check(parent context.Context) (e end, err error) {
	ctx, gone := whilePreview(parent, a.target)
	defer func() {
		if gone() {
			e, err = e.withoutPreview(a.target.service.PullRequest), nil
		}
	}()
	e = a.end
	if a.target.o.verifies() {
		if e, err = verify(ctx, a.applied.target, a.verifier, a.deployed(), e); err != nil {
			return e, err
		}
	}
	if a.target.o.Health != nil && e.done() {
		return checkHealth(ctx, a.target, a.verifier, e)
	}
	return e, nil
}

// deploy triggers and watches, a second time if Dokploy lost the job.
func deploy(ctx context.Context, t target, v *verifier, base baseline, left verdict.Left) (ending, error) {
	s := newSender(t, v, base, left)
	for try := 1; ; try++ {
		if err := s.trigger(ctx); err != nil {
			return ending{sent: s.sent}, s.brokenOff(err)
		}
		if !t.o.Wait && s.sent.state.Unconfirmed() && s.queue != track.QueueHidden {
			return ending{sent: s.sent}, s.brokenOff(verdict.Reason{Kind: verdict.AnswerLost}.Err())
		}
		if !t.o.Wait {
			return ending{sent: s.sent}, nil
		}
		e, err := watch(ctx, t, v, s.base, s.sent)
		s.learn(e)
		if err != nil {
			return e, s.brokenOff(err)
		}
		if e.last.End.Row != nil {
			return e, nil
		}
		why := e.last.End.Reason
		switch {
		case why.Gone() && try > 1:
			o := why.Outcome()
			o.Hint = verdict.StartedTwice
			return e, s.brokenOff(&verdict.Error{Outcome: o})
		case !why.Again():
			return e, s.brokenOff(why.Err())
		}
		t.warn("%s; starting it again", why)
		v.down.startAgain()
		v.lookBefore(ctx)
	}
}

// brokenOff returns the attempt whose last stage ended with an error.
func (a attempt) brokenOff(ctx context.Context, err error) attempt {
	b := leftBy(err)
	m := moment{found: true, left: b.left, detail: b.detail, stale: b.stale}
	if ctx.Err() != nil {
		m.cause = context.Cause(ctx)
	}
	if p := a.applied.undo; p != nil && a.ending.row == nil && !b.left.MayRun() {
		m.set = p.changes.names() + p.changes.verb(" was", " were")
	}
	a.end.outcome, a.end.left = outcomeOf(b.err, m), b.left
	return a
}

// deployed describes what was deployed, for verifying it.
func (a attempt) deployed() deployed {
	t := a.applied.target
	d := deployed{row: a.ending.row, earlier: a.base.ended, triggered: a.began, image: t.o.Prepare.Image, back: t.o.goingBack}
	if t.o.Follow != nil {
		d.triggered = time.Time{} // it may have started before
	}
	if d.composeFile = t.o.Prepare.ComposeFile; d.composeFile == "" && t.service.SourceType == rawSource {
		d.composeFile = string(t.service.ComposeFile)
	}
	return d
}

// result returns the verdict.
func (a attempt) result() verdict.Result {
	r := a.target.result()
	r.Outcome, r.Verified = a.end.outcome, a.end.verified
	switch {
	case a.target.o.Follow == nil:
	case a.target.service.PullRequest != 0:
		r.By = verdict.APullRequest
	default:
		r.By = verdict.APush
	}
	r.Place, r.Tail, r.TailOf = a.end.place, a.end.tail, a.end.tailOf
	r.WasSet, r.Commit = a.applied.lines, a.commit
	if a.ending.row != nil {
		r.DeploymentID = a.ending.row.ID
	}
	r.Queued, r.Build = a.ending.queued(), a.ending.built()
	r.Took, r.At, r.Triggered = a.endedAt.Sub(a.began), a.endedAt, a.triggered
	return r
}
