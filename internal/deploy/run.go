package deploy

import (
	"context"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
)

// attempt is what became of one deployment: what its stages have handed on.
type attempt struct {
	target   target // as it was found
	applied  applied
	verifier *verifier // knows what ran before
	base     baseline
	began    time.Time // when it was triggered, or would have been
	ending   ending
	commit   string // that was built; empty: not known
	end      end
	endedAt  time.Time
}

// needsView reports whether somebody needs to know what runs. Going back does,
// verified or not.
func (o *Options) needsView(s *dokploy.Service) bool {
	return o.Wait && (o.verifies() || o.Rollback && s.Kind == dokploy.Application && o.Prepare.Image != "")
}

func (o *Options) verifies() bool { return o.Verify == VerifyAuto || o.Verify == VerifyRequire }

// run takes a target to its verdict, which settled is told, and back from a bad
// one where that was asked for.
func run(ctx context.Context, t target, settled func(verdict.Result)) verdict.Result {
	defer t.screen.close()
	t.o.Reporter.Dashboard(t.name, t.client.DashboardURL(t.service))
	if t.o.DryRun {
		look := dryRun
		if t.o.Follow != nil {
			look = dryFollow
		}
		result := look(ctx, t)
		settled(result)
		return result
	}
	a := deployAndVerify(ctx, t)
	a.endedAt = time.Now()
	a.commit = learnCommit(ctx, a)
	result := a.result()
	settled(result)
	if t.o.Rollback {
		result.Outcome, result.WentBack = rollBack(ctx, a)
	}
	return result
}

// deployAndVerify takes a target through the stages of its deployment. Each is
// handed what those before it have come to; the first error ends it.
func deployAndVerify(ctx context.Context, t target) attempt {
	a := attempt{target: t, began: time.Now(), verifier: newVerifier(t)}
	var err error
	a.applied.target = t
	if t.o.Follow == nil {
		if a.applied, err = prepare(ctx, t); err != nil {
			return a.brokenOff(ctx, err)
		}
	}
	now := a.applied.target
	if a.base, err = takeBaseline(ctx, now); err != nil {
		return a.brokenOff(ctx, &brokenOff{err: err, left: a.applied.left()})
	}
	if t.o.Follow == nil {
		a.verifier.lookBefore(ctx)
	}
	a.began = time.Now()
	timed, cancel := context.WithTimeoutCause(ctx, t.o.Timeout, errTimeout)
	defer cancel()
	if t.o.Follow != nil {
		a.ending, err = follow(timed, now, a.verifier, a.base)
	} else {
		a.ending, err = deploy(timed, now, a.verifier, a.base, a.applied.left())
	}
	if err == nil {
		a.end.outcome = a.ending.outcome()
	}
	shown := a.ending.closeLog(ctx, timed, a.end.outcome.Status, t.o.Logs)
	if err != nil {
		a = a.brokenOff(timed, err)
	}
	a.commit = now.noteCommit(a.ending.row)
	a.end = explain(now, a.base, a.ending, shown, a.end)
	if !a.end.done() {
		a.end = explainDependency(ctx, now, a.verifier, a.end)
		return a
	}
	if t.o.verifies() {
		if a.end, err = verify(timed, now, a.verifier, a.deployed(), a.end); err != nil {
			return a.brokenOff(timed, err)
		}
	}
	if t.o.Health != nil && a.end.done() {
		if a.end, err = checkHealth(timed, t, a.verifier, a.end); err != nil {
			return a.brokenOff(timed, err)
		}
	}
	return a
}

// deploy triggers and watches; once more if Dokploy lost the job.
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
		t.warn("%s; it is started again", why)
		v.down.startAgain()
		v.lookBefore(ctx)
	}
}
