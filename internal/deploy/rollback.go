package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
)

// rollBack goes back to what ran before a failed deployment, if there is a way,
// and says what was done. The verdict does not change; its reason says what
// runs now.
func rollBack(ctx context.Context, a attempt) (o verdict.Outcome, wentBack string) {
	o = a.end.outcome
	f := a.failure(ctx)
	w := wayBack(f)
	if w.kind == lookAtHistory {
		f.before = a.history(ctx, &f)
		w = wayBack(f)
	}
	o.Suggest(w.hint)
	switch w.kind {
	case noWay:
		return o, ""
	case notTried:
		return o, "not tried: " + w.why
	case impossible:
		return o, "cannot roll back: " + w.why
	}
	wentBack = a.goBack(ctx, w, f)
	if w.kind == restore && !f.swarmBack && f.ended && o.Status == verdict.Failed {
		o.Hint = "" // wentBack says just that
	}
	if errors.Is(context.Cause(ctx), ErrInterrupted) {
		was := o
		o = verdict.Reason{Kind: verdict.InterruptedGoingBack, Text: was.Why()}.Outcome()
		o.Suggest(verdict.Hint(was.Advice()))
	}
	return o, wentBack
}

// goBack takes the way, and says what was done.
func (a attempt) goBack(ctx context.Context, w way, f failure) string {
	t := a.applied.target
	t.screen.doing(func() string { return "rolling back" })
	defer t.screen.doing(nil)
	said, restored := restoreSettings(ctx, t, a.undo(w.image))
	switch {
	case w.kind == redeploy:
		return redeployPrevious(ctx, t, said, restored)
	case w.kind == dokployOwn:
		return join(said, useDokployRollback(ctx, t, f.before.kept))
	case f.swarmBack && said == "": // else the reason says that Swarm did
		return "Swarm itself rolled back to the previous version, so nothing had to be deployed"
	case !f.swarmBack && f.ended:
		return join("nothing was replaced, so the previous version is still running", said)
	}
	return said
}

// failure gathers what is known without further requests.
func (a attempt) failure(ctx context.Context) failure {
	row, why := a.ending.row, a.end.outcome.Reason
	f := failure{
		status: a.end.outcome.Status, notOurs: notOurs(why), service: a.applied.target.service, asked: a.target.o.Prepare.Image,
		ended: row != nil && row.Terminal(), unchanged: a.end.verified == verdict.VerifiedUnchanged, swarmBack: why.Kind == verdict.SwarmRolledBack,
		swarm: a.imageThatRan(),
	}
	f.mayGoOn = ctx.Err() != nil || a.end.left.MayRun() && !f.ended
	if a.applied.undo != nil {
		f.changes = a.applied.undo.changes
	}
	return f
}

// history asks for what the way back depends on.
func (a attempt) history(ctx context.Context, f *failure) *history {
	switch {
	case f.fixed(): //rule:fixed-asks-what-ran
		return &history{ran: a.ranBefore(ctx)}
	case f.service.Kind == dokploy.Application: //rule:application-asks-for-versions
		return &history{kept: keptVersion(ctx, a.applied.target, a.ending.row)}
	}
	return &history{}
}

// undo returns the plan that undoes what was set, going back to image if that
// is given; nil: there is nothing to undo.
func (a attempt) undo(image string) *plan {
	if image == "" { //rule:set-as-it-was
		return a.applied.undo
	}
	p := plan{service: a.applied.target.service}
	if a.applied.undo != nil {
		p = *a.applied.undo
	}
	p.changes = p.changes.withImage(image, a.applied.target.service.Image)
	return &p
}

// notOurs says why the failure is not this run's to undo; empty: it is.
func notOurs(why verdict.Reason) string {
	switch {
	case why.Overtaken(): //rule:overtaken-is-not-ours
		return "what is running now belongs to another deployment"
	case why.Stopped(): //rule:stopped-is-not-ours
		return "someone has stopped the service, and it stays stopped"
	case why.Unasked(): //rule:unasked-is-not-ours
		return "an address that could not be asked says nothing about the application"
	}
	return ""
}

// restoreSettings sets what this run changed back to what it was, and says so.
// What somebody else has changed since is left alone. restored reports whether
// everything is as it was.
func restoreSettings(ctx context.Context, t target, p *plan) (said string, restored bool) {
	if p == nil {
		return "", true
	}
	names := p.changes.names()
	now, err := t.readAgain(ctx)
	if err == nil {
		if p.changes.nothingApplied(now) && (!p.member || p.service.SameBeside(now, p.changes.apply())) { //rule:was-never-set
			return "", true // it was never set
		}
		if x := p.drifted(now); x != nil { //rule:set-by-others-since
			return fmt.Sprintf("%s %s changed by someone else in the meantime and %s left as %s", x.phrase, x.verb("was", "were"), x.verb("is", "are"), x.verb("it is", "they are")), false
		}
		current := *p
		current.service = now // what is stored beside the environment is as it is now
		err = t.apply(ctx, &current, p.changes.undo())
	}
	if err != nil {
		why, _ := explainOutage(err)
		return fmt.Sprintf("%s could not be restored (%s): restore by hand", names, why), false
	}
	done := names + p.changes.verb(" was restored", " were restored")
	if c := p.changes.image(); c != nil && c.from != "" {
		image, was := string(c.from), p.service.Image
		if sameImage(image, was) {
			done += " (" + text.OneLine(image) + ")"
		} else {
			done = fmt.Sprintf("%s%s restored to what was running before (%s); %s had been set, but was not running",
				names, p.changes.verb(" was", " were"), text.OneLine(image), firstOf(text.OneLine(was), "no image"))
		}
	}
	return done, true
}

// redeployPrevious deploys what was restored; said describes that.
func redeployPrevious(ctx context.Context, t target, said string, restored bool) string {
	if !restored { //rule:not-set-back
		return said + "; the failed version is still in place"
	}
	t.note("rolling back: deploying the previous version again")
	o := *t.o
	o.Prepare, o.Rollback, o.Operation, o.goingBack = Changes{}, false, "deploy", true
	o.Title = "Rollback: " + t.o.Title
	t.screen.doing(nil) // it speaks for itself
	back := deployAndVerify(ctx, t.again(ctx, &o))
	back.target.screen.close()
	result := back.result()
	switch {
	case result.Reason.Unasked():
		return join(said, "it was deployed again and "+runsNow(result)+"; "+result.Why())
	case result.Reason.BadHealth() && result.Runs():
		return join(said, "it was deployed again and "+runsNow(result)+", but "+result.Why())
	case result.Status != verdict.Done:
		return join(said, fmt.Sprintf("deploying it again failed as well (%s): %s", result.Status, result.Why()))
	}
	text := "it was deployed again and " + runsNow(result)
	if s := back.applied.target.service.SourceType; s != "docker" && s != rawSource {
		text += ", built from the current code: Dokploy keeps no previous version of it"
	}
	return join(said, text)
}

// imageThatRan returns the image that Swarm ran of an application before;
// empty: not seen.
func (a attempt) imageThatRan() string {
	if a.target.service.Kind != dokploy.Application {
		return ""
	}
	return imageThatRan(a.verifier.prior.view, a.target.service.AppName)
}

// ranBefore gathers what is known about what ran before.
func (a attempt) ranBefore(ctx context.Context) ran {
	x := ran{image: a.imageThatRan()}
	t, row := a.applied.target, a.ending.row
	rows, err := ask(ctx, t.o, func(ctx context.Context) ([]dokploy.Deployment, error) {
		return t.client.Deployments(ctx, t.service.Kind, t.service.ID)
	})
	if err != nil {
		x.unread = true
		return x
	}
	for i := range rows {
		d := &rows[i]
		switch {
		case row != nil && (d.ID == row.ID || !d.StartedAt.Before(row.StartedAt)), a.ending.sent.state.Marked(d.Description): //rule:ours-is-not-earlier
		case x.earlier == nil || d.StartedAt.After(x.earlier.StartedAt): //rule:newest-of-the-earlier
			x.earlier = d
		}
	}
	prior := a.verifier.prior
	x.nothing = x.earlier == nil && prior.seen() && prior.view.Empty()
	return x
}

func runsNow(result verdict.Result) string {
	switch result.Verified {
	case verdict.VerifiedYes:
		return "is running"
	case verdict.VerifiedUnchanged:
		return "is running; nothing had to be replaced"
	}
	return "is done; whether it is running was not seen"
}

// keptVersion returns the newest version before a deployment that Dokploy can
// restore; nil: there is none.
func keptVersion(ctx context.Context, t target, row *dokploy.Deployment) *dokploy.Rollback {
	if !t.service.RollbackActive {
		return nil
	}
	list, err := ask(ctx, t.o, func(ctx context.Context) ([]dokploy.Rollback, error) {
		return t.client.Rollbacks(ctx, t.service.ID)
	})
	if err != nil {
		what, _ := explainOutage(err)
		t.warn("Dokploy does not show the versions to roll back to: %s", what)
		return nil
	}
	for i := range list {
		// Failed deployments have one too.
		if v := &list[i]; v.Status == dokploy.StatusDone && v.DeploymentID != row.ID && v.StartedAt.Before(row.StartedAt) { //rule:kept-and-done
			return v
		}
	}
	return nil
}

// useDokployRollback makes Dokploy restore an earlier version. That creates no
// row: only the containers show it.
func useDokployRollback(ctx context.Context, t target, kept *dokploy.Rollback) string {
	version := fmt.Sprintf("the version of %s", kept.StartedAt.UTC().Format("2006-01-02 15:04 UTC"))
	t.note("rolling back: Dokploy restores %s", version)
	ctx, cancel := context.WithTimeoutCause(ctx, t.o.Timeout, errTimeout)
	defer cancel()
	o := *t.o
	o.Prepare, o.Rollback, o.goingBack = Changes{}, false, true
	now := t.again(ctx, &o)
	defer now.screen.close()
	back := attempt{target: now, applied: applied{target: now}, verifier: newVerifier(now)}
	back.verifier.lookBefore(ctx)
	if err := t.client.GoBack(ctx, kept.ID); err != nil {
		what, _ := explainOutage(err)
		return fmt.Sprintf("Dokploy could not restore %s: %s; the failed version is still in place", version, what)
	}
	back.began, back.end.outcome.Status = time.Now(), verdict.Done
	return "Dokploy restored " + version + lookAfterRollback(ctx, back)
}

// lookAfterRollback says what became of a version that Dokploy has restored.
func lookAfterRollback(ctx context.Context, back attempt) string {
	const later = "; Dokploy still has the new settings and will use them for the next deployment"
	var err error
	if back.verifier.needed {
		back.end, err = verify(ctx, back.target, back.verifier, back.deployed(), back.end)
		if err != nil && !errors.Is(err, errTimeout) {
			what, _ := explainOutage(leftBy(err).err)
			return fmt.Sprintf("; whether it is running was not seen (%s)", what) + later
		}
	}
	switch {
	case !back.end.done():
		return ", but it is not running either: " + back.end.outcome.Why()
	case back.end.verified == verdict.VerifiedYes && back.target.o.Health != nil:
		back.end, err = checkHealth(ctx, back.target, back.verifier, back.end)
		if back.end.outcome.Reason.Unasked() {
			return " and its containers are running; " + back.end.outcome.Why() + later
		}
		if err != nil || !back.end.done() {
			return " and its containers are running, but the health check did not pass" + later
		}
	}
	return " and it " + runsNow(back.result()) + later
}
