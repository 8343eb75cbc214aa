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

// rollBack goes back to what ran before a deployment that failed, as far as
// there is a way. The verdict stays what it is; its reason says what runs now.
func (r *run) rollBack(ctx context.Context) {
	res := r.result
	f := r.failure(ctx)
	w := wayBack(f)
	if w.kind == lookAtHistory {
		f.before = r.history(ctx, &f)
		w = wayBack(f)
	}
	res.Suggest(w.hint)
	switch w.kind {
	case noWay:
		return
	case notTried:
		res.WentBack = "not tried: " + w.why
		return
	case impossible:
		res.WentBack = "cannot roll back: " + w.why
		return
	}
	r.t.screen.doing(func() string { return "going back" })
	defer r.t.screen.doing(nil)
	if w.image != "" {
		r.restoreImage(w.image)
	}
	switch said := r.restoreSettings(ctx); w.kind {
	case redeploy:
		res.WentBack = r.redeployPrevious(ctx, said)
	case dokployOwn:
		res.WentBack = join(said, r.useDokployRollback(ctx, f.before.kept))
	case restore:
		switch {
		case f.swarmBack && said != "": // the reason says that Swarm did
		case f.swarmBack:
			said = "Swarm itself rolled back to the previous version, nothing had to be deployed"
		case f.ended:
			said = join("nothing was replaced, the previous version is still running", said)
			if res.Status == verdict.Failed {
				res.Hint = "" // it said just that
			}
		}
		res.WentBack = said
	}
	if errors.Is(context.Cause(ctx), ErrInterrupted) {
		o := verdict.Reason{Kind: verdict.InterruptedGoingBack, Text: res.Why()}.Outcome()
		o.Suggest(verdict.Hint(res.Advice()))
		res.Outcome = o
	}
}

// failure gathers what is known without asking.
func (r *run) failure(ctx context.Context) failure {
	f := failure{
		status: r.result.Status, notOurs: notOurs(r.result), service: r.t.service, asked: r.t.o.Prepare.Image,
		ended: r.row != nil && r.row.Terminal(), unchanged: r.result.Verified == verdict.VerifiedUnchanged, swarmBack: r.result.Reason.Kind == verdict.SwarmRolledBack,
		swarm: r.imageThatRan(),
	}
	f.mayGoOn = ctx.Err() != nil || r.left.MayRun() && !f.ended
	if r.undo != nil {
		f.changes = r.undo.changes
	}
	return f
}

// history asks for what way back depends on.
func (r *run) history(ctx context.Context, f *failure) *history {
	switch {
	case f.fixed():
		return &history{ran: r.ranBefore(ctx)}
	case f.service.Kind == dokploy.Application:
		return &history{kept: r.keptVersion(ctx)}
	}
	return &history{}
}

// restoreImage lets the settings go back with this image.
func (r *run) restoreImage(image string) {
	p := plan{service: r.t.service}
	if r.undo != nil {
		p = *r.undo
	}
	p.changes = p.changes.withImage(image, r.t.service.Image)
	r.undo = &p
}

// notOurs says why what has failed is not this run's to take back; empty: it is.
func notOurs(res *verdict.Result) string {
	switch {
	case res.Reason.Overtaken():
		return "what another deployment has brought is not this run's to take back"
	case res.Reason.Stopped():
		return "somebody has stopped the service, and it stays so"
	case res.Reason.Unasked():
		return "an address that could not be asked is no verdict on the application"
	}
	return ""
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// restoreSettings sets what this run has changed to what it was, and says so.
// What somebody else has changed since is left alone. It leaves nothing to undo
// where all of it is as it was.
func (r *run) restoreSettings(ctx context.Context) string {
	p := r.undo
	if p == nil {
		return ""
	}
	names := p.changes.names()
	now, err := r.t.readAgain(ctx)
	if err == nil {
		if p.changes.nothingApplied(now) && (!p.member || p.service.SameBeside(now, p.changes.apply())) {
			r.undo = nil // it was never set
			return ""
		}
		if x := p.drifted(now); x != nil {
			return fmt.Sprintf("%s %s changed by somebody else since and %s left as %s", x.phrase, x.verb("was", "were"), x.verb("is", "are"), x.verb("it is", "they are"))
		}
		current := *p
		current.service = now // what stands beside the environment is as it is now
		err = r.t.apply(ctx, &current, p.changes.undo())
	}
	if err != nil {
		why, _ := explainOutage(err)
		return fmt.Sprintf("%s could not be set back (%s): set by hand", names, why)
	}
	r.undo = nil
	done := names + p.changes.verb(" is set back to what it was", " are set back to what they were")
	if c := p.changes.image(); c != nil && c.from != "" {
		image, was := string(c.from), p.service.Image
		if sameImage(image, was) {
			done += " (" + text.OneLine(image) + ")"
		} else {
			done = fmt.Sprintf("%s%s set back to what ran before (%s); %s was set, but did not run",
				names, p.changes.verb(" is", " are"), text.OneLine(image), firstOf(text.OneLine(was), "no image"))
		}
	}
	return done
}

// redeployPrevious deploys what was restored, which said says.
func (r *run) redeployPrevious(ctx context.Context, said string) string {
	if r.undo != nil {
		return said + "; the failed version still stands"
	}
	r.t.note("rolling back: the previous version is deployed again")
	o := *r.t.o
	o.Prepare, o.Rollback, o.Operation, o.goingBack = Changes{}, false, "deploy", true
	o.Title = "Rollback: " + r.t.o.Title
	r.t.screen.doing(nil) // it speaks for itself
	back, result := r.again(ctx, &o)
	back.deployAndVerify(ctx)
	back.t.screen.close()
	switch {
	case result.Reason.Unasked():
		return join(said, "it was deployed again and "+runsNow(result)+"; "+result.Why())
	case result.Reason.BadHealth() && result.Runs():
		return join(said, "it was deployed again and "+runsNow(result)+", but "+result.Why())
	case result.Status != verdict.Done:
		return join(said, fmt.Sprintf("deploying it again failed, too (%s): %s", result.Status, result.Why()))
	}
	text := "it was deployed again and " + runsNow(result)
	if s := back.t.service.SourceType; s != "docker" && s != rawSource {
		text += ", with the code of now: Dokploy keeps no version of it to go back to"
	}
	return join(said, text)
}

// imageThatRan is what swarm ran of an application before; empty: not seen.
func (r *run) imageThatRan() string {
	if r.verifier == nil || r.t.service.Kind != dokploy.Application {
		return ""
	}
	return imageThatRan(r.verifier.prior.view, r.t.service.AppName)
}

// ranBefore gathers what is known of what ran before.
func (r *run) ranBefore(ctx context.Context) ran {
	x := ran{image: r.imageThatRan()}
	var rows []dokploy.Deployment
	err := before(ctx, r.t.o, func(ctx context.Context) (err error) {
		rows, err = r.t.client.Deployments(ctx, r.t.service.Kind, r.t.service.ID)
		return err
	})
	if err != nil {
		x.unread = true
		return x
	}
	for i := range rows {
		d := &rows[i]
		switch {
		case r.row != nil && (d.ID == r.row.ID || !d.StartedAt.Before(r.row.StartedAt)), r.tracked.Marked(d.Description):
		case x.earlier == nil || d.StartedAt.After(x.earlier.StartedAt):
			x.earlier = d
		}
	}
	v := r.verifier
	x.nothing = x.earlier == nil && v != nil && v.prior.seen() && v.prior.view.Empty()
	return x
}

// again is a run of the same service with a result of its own.
func (r *run) again(ctx context.Context, o *Options) (*run, *verdict.Result) {
	t := r.t.again(ctx, o)
	result := t.result()
	return newRun(t, &result), &result
}

func runsNow(result *verdict.Result) string {
	switch result.Verified {
	case verdict.VerifiedYes:
		return "runs"
	case verdict.VerifiedUnchanged:
		return "runs; nothing had to be replaced for that"
	}
	return "is done; whether it runs was not seen"
}

// keptVersion is the newest earlier version that Dokploy can put back; nil if
// there is none.
func (r *run) keptVersion(ctx context.Context) *dokploy.Rollback {
	if !r.t.service.RollbackActive {
		return nil
	}
	var list []dokploy.Rollback
	err := before(ctx, r.t.o, func(ctx context.Context) (err error) {
		list, err = r.t.client.Rollbacks(ctx, r.t.service.ID)
		return err
	})
	if err != nil {
		what, _ := explainOutage(err)
		r.t.warn("Dokploy does not show the versions to go back to: %s", what)
		return nil
	}
	for i := range list {
		// Failed deployments have one, too.
		if v := &list[i]; v.Status == dokploy.StatusDone && v.DeploymentID != r.row.ID && v.StartedAt.Before(r.row.StartedAt) {
			return v
		}
	}
	return nil
}

// useDokployRollback lets Dokploy put an earlier version back. That makes no row:
// only the containers show it.
func (r *run) useDokployRollback(ctx context.Context, kept *dokploy.Rollback) string {
	version := fmt.Sprintf("the version of %s", kept.StartedAt.UTC().Format("2006-01-02 15:04 UTC"))
	r.t.note("rolling back: Dokploy puts %s back", version)
	ctx, cancel := context.WithTimeoutCause(ctx, r.t.o.Timeout, errTimeout)
	defer cancel()
	o := *r.t.o
	o.Prepare, o.Rollback, o.goingBack = Changes{}, false, true
	back, result := r.again(ctx, &o)
	defer back.t.screen.close()
	if back.verifier != nil {
		back.verifier.lookBefore(ctx)
	}
	if err := r.t.client.GoBack(ctx, kept.ID); err != nil {
		what, _ := explainOutage(err)
		return fmt.Sprintf("Dokploy could not put %s back: %s; the failed version still stands", version, what)
	}
	result.Status = verdict.Done
	const later = "Dokploy itself still has the new settings and ships them with the next deployment"
	if back.verifier != nil {
		back.triggered = time.Now()
		if err := back.verify(ctx); err != nil && !errors.Is(err, errTimeout) {
			what, _ := explainOutage(err)
			return fmt.Sprintf("Dokploy put %s back; whether it runs was not seen (%s); %s", version, what, later)
		}
	}
	switch {
	case result.Status != verdict.Done:
		return fmt.Sprintf("Dokploy put %s back, but it does not run either: %s", version, result.Why())
	case result.Verified == verdict.VerifiedYes && o.Health != nil:
		err := back.health(ctx)
		if result.Reason.Unasked() {
			return fmt.Sprintf("Dokploy put %s back and its containers run; %s; %s", version, result.Why(), later)
		}
		if err != nil || result.Status != verdict.Done {
			return fmt.Sprintf("Dokploy put %s back and its containers run, but the health URL does not answer as it should; %s", version, later)
		}
	}
	return fmt.Sprintf("Dokploy put %s back and it %s; %s", version, runsNow(result), later)
}
