package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
)

// goBack goes back to what ran before a deployment that failed, as far as
// there is a way. The verdict stays what it is; its reason says what runs now.
func (r *run) goBack(ctx context.Context) {
	res := r.result
	switch res.Status {
	case Done, Queued, Interrupted:
		return
	}
	if why := notOurs(res); why != "" {
		res.WentBack = "not tried: " + why
		return
	}
	over := r.row != nil && r.row.Terminal()
	if ctx.Err() != nil || r.mayRun && !over {
		if res.Status != Refused && res.Status != Invalid {
			res.WentBack = "not tried, since the deployment may still be going on"
		}
		return
	}
	r.screen.doing(func() string { return "going back" })
	defer r.screen.doing(nil)
	replaced := (res.Status == Unhealthy || res.Status == Timeout || r.service.Kind == dokploy.Compose && over) && res.Verified != VerifiedUnchanged
	var said string
	switch {
	case !over && r.undo == nil:
		return // nothing was changed
	case !over, !replaced, res.RolledBack:
		// What ran before runs: only what this run has set goes back.
		if r.undo != nil && r.undo.back.Image != nil {
			if image := r.imageThatRan(); image != "" && !sameImage(image, *r.undo.back.Image) {
				r.undo.back.Image = &image
			}
		}
		said = r.setBack(ctx)
		switch {
		case res.RolledBack:
			said = join("Swarm itself rolled back to the previous version, nothing had to be deployed", said)
		case over:
			said = join("nothing was replaced, the previous version is still running", said)
			if res.Status == Failed {
				res.Hint = "" // it said just that
			}
		}
	default:
		said = r.deployBack(ctx)
	}
	res.WentBack = said
	if errors.Is(context.Cause(ctx), ErrInterrupted) {
		res.Status, res.Reason = Interrupted, join("interrupted while going back", res.Reason)
	}
}

// notOurs says why what has failed is not this run's to take back; empty: it is.
func notOurs(res *Result) string {
	switch {
	case res.Overtaken:
		return "what another deployment has brought is not this run's to take back"
	case res.Stopped:
		return "somebody has stopped the service, and it stays so"
	case res.Unasked:
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

// setBack sets what this run has changed to what it was, and says so. What
// somebody else has changed since is left alone.
func (r *run) setBack(ctx context.Context) string {
	p := r.undo
	if p == nil {
		return ""
	}
	what := changed(p.back)
	now, err := r.readAgain(ctx)
	if err == nil {
		if untouched(p, now) {
			r.undo = nil // it was never set
			return ""
		}
		if other := differs(p, now); other != "" {
			return other + " was changed by somebody else since and is left as it is"
		}
		current := *p
		current.service = now // what stands beside the environment is as it is now
		err = r.apply(ctx, &current, p.back)
	}
	if err != nil {
		why, _ := explainOutage(err)
		return fmt.Sprintf("%s could not be set back (%s): set it by hand", what, why)
	}
	r.undo = nil
	one := !strings.Contains(what, " and ")
	done := what + number(one, " is set back to what it was", " are set back to what they were")
	if image := p.back.Image; image != nil && *image != "" {
		if was := p.service.Image; sameImage(*image, was) {
			done += " (" + text.OneLine(*image) + ")"
		} else {
			done = fmt.Sprintf("%s%s set back to what ran before (%s); %s was set, but did not run",
				what, number(one, " is", " are"), text.OneLine(*image), firstOf(text.OneLine(was), "no image"))
		}
	}
	r.note("%s", done)
	return done
}

// untouched reports whether nothing of a plan stands: the service is already as
// it is to be again.
func untouched(p *plan, now *dokploy.Service) bool {
	was := *p
	was.want = *p.service
	if p.back.Image != nil {
		was.want.Image = *p.back.Image
	}
	return differs(&was, now) == ""
}

// deployBack brings the previous version back where another one has replaced it.
func (r *run) deployBack(ctx context.Context) string {
	docker := r.service.Kind == dokploy.Application && r.service.SourceType == "docker"
	// An image that is set again is the previous version. A build of today's
	// source is not, whatever its environment.
	fixed := r.undo != nil && r.service.Kind == dokploy.Compose || docker && (r.undo != nil || r.o.Prepare.Image != "")
	if !fixed && r.service.Kind == dokploy.Application {
		if kept := r.keptVersion(ctx); kept != nil {
			return join(r.setBack(ctx), r.dokployBack(ctx, kept))
		}
	}
	if !fixed && r.undo == nil {
		text := "cannot roll back: this run has set nothing that could be set back"
		if r.service.Kind == dokploy.Application {
			text += ", and Dokploy keeps no version of this application to go back to"
			r.result.Hint = firstOf(r.result.Hint, "switch on rollbacks for the application in Dokploy (with a registry), or deploy images and set them with the input image")
		}
		return text
	}
	if why := r.prepareBack(ctx, docker); why != "" {
		r.result.Hint = firstOf(r.result.Hint, "set the version that is to run with the inputs of this job, and run it again")
		return "cannot roll back: " + why + "; the failed version still stands"
	}
	said := r.setBack(ctx)
	if r.undo != nil {
		return said + "; the failed version still stands"
	}
	r.note("rolling back: the previous version is deployed again")
	o := *r.o
	o.Prepare, o.Rollback, o.Operation, o.goingBack = Changes{}, false, "deploy", true
	o.Title = "Rollback: " + r.o.Title
	r.screen.doing(nil) // it speaks for itself
	back, result := r.again(ctx, &o)
	back.ship(ctx)
	back.screen.close()
	switch {
	case result.Unasked:
		return join(said, "it was deployed again and "+runsNow(result)+"; "+result.Reason)
	case result.BadHealth && result.runs():
		return join(said, "it was deployed again and "+runsNow(result)+", but "+result.Reason)
	case result.Status != Done:
		return join(said, fmt.Sprintf("deploying it again failed, too (%s): %s", result.Status, result.Reason))
	}
	text := "it was deployed again and " + runsNow(result)
	if s := result.Service.SourceType; s != "docker" && s != "raw" {
		text += ", with the code of now: Dokploy keeps no version of it to go back to"
	}
	return join(said, text)
}

// prepareBack sees that what is set back is what ran, and says why not if it is
// not known to be.
func (r *run) prepareBack(ctx context.Context, docker bool) string {
	if r.service.Kind == dokploy.Application && !docker {
		return "" // it is built from today's code, and that is said
	}
	x := r.ranBefore(ctx)
	others := r.undo != nil && r.undo.back != (dokploy.Change{Image: r.undo.back.Image})
	if others {
		if ok, why := x.asSet(); !ok {
			return "what ran before is not known: " + why
		}
	}
	if !docker {
		return ""
	}
	set, failed := r.service.Image, r.service.Image
	if r.undo != nil {
		set, failed = r.undo.service.Image, r.undo.want.Image
	}
	if r.o.Prepare.Image == "" {
		// This run was not asked to touch the image. Its environment goes back.
		if x.image != "" && !sameImage(x.image, set) {
			return fmt.Sprintf("%s ran before, but %s is set, which this run has not changed", text.OneLine(x.image), text.OneLine(set))
		}
		return ""
	}
	if others && sameImage(firstOf(x.image, set), failed) {
		return "" // the image is the same, what else was set is not
	}
	image, why := imageBack(x, set, failed)
	switch {
	case why != "":
		return why
	case r.undo == nil:
		p := &plan{service: r.service, want: *r.service}
		p.change.Image, p.needs = &failed, []string{"image"}
		r.undo = p
	case r.undo.change.Image == nil:
		r.undo.change.Image, r.undo.needs = &failed, append(r.undo.needs, "image")
	}
	r.undo.back.Image = &image
	return ""
}

// imageThatRan is what swarm ran of an application before; empty: not seen.
func (r *run) imageThatRan() string {
	if r.verifier == nil || r.service.Kind != dokploy.Application {
		return ""
	}
	return imageThatRan(r.verifier.before, r.service.AppName)
}

// ranBefore gathers what is known of what ran before.
func (r *run) ranBefore(ctx context.Context) ran {
	x := ran{image: r.imageThatRan()}
	var rows []dokploy.Deployment
	err := before(ctx, r.o, func(ctx context.Context) (err error) {
		rows, err = r.client.Deployments(ctx, r.service.Kind, r.service.ID)
		return err
	})
	if err != nil {
		x.unread = true
		return x
	}
	for i := range rows {
		d := &rows[i]
		switch {
		case r.row != nil && (d.ID == r.row.ID || !d.StartedAt.Before(r.row.StartedAt)), r.ours(d.Description):
		case x.earlier == nil || d.StartedAt.After(x.earlier.StartedAt):
			x.earlier = d
		}
	}
	v := r.verifier
	x.nothing = x.earlier == nil && v != nil && !v.before.At.IsZero() && v.before.Empty()
	return x
}

// again is a run of the same service with a result of its own.
func (r *run) again(ctx context.Context, o *Options) (*run, *Result) {
	result := &Result{Target: r.result.Target, Name: r.name, URL: r.result.URL, DashboardURL: r.result.DashboardURL, Queued: -1, Build: -1}
	result.Service = r.service
	if s, err := r.readAgain(ctx); err == nil {
		result.Service = s
	}
	return newRun(o, &targets{version: r.version, paths: r.paths, rights: r.rights}, result), result
}

func runsNow(result *Result) string {
	switch result.Verified {
	case VerifiedYes:
		return "runs"
	case VerifiedUnchanged:
		return "runs; nothing had to be replaced for that"
	}
	return "is done; whether it runs was not seen"
}

// keptVersion is the newest earlier version that Dokploy can put back; nil if
// there is none.
func (r *run) keptVersion(ctx context.Context) *dokploy.Rollback {
	if !r.service.RollbackActive {
		return nil
	}
	var list []dokploy.Rollback
	err := before(ctx, r.o, func(ctx context.Context) (err error) {
		list, err = r.client.Rollbacks(ctx, r.service.ID)
		return err
	})
	if err != nil {
		what, _ := explainOutage(err)
		r.warn("Dokploy does not show the versions to go back to: %s", what)
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

// dokployBack lets Dokploy put an earlier version back. That makes no row:
// only the containers show it.
func (r *run) dokployBack(ctx context.Context, kept *dokploy.Rollback) string {
	version := fmt.Sprintf("the version of %s", kept.StartedAt.UTC().Format("2006-01-02 15:04 UTC"))
	r.note("rolling back: Dokploy puts %s back", version)
	ctx, cancel := context.WithTimeoutCause(ctx, r.o.Timeout, errTimeout)
	defer cancel()
	o := *r.o
	o.Prepare, o.Rollback, o.goingBack = Changes{}, false, true
	back, result := r.again(ctx, &o)
	defer back.screen.close()
	if back.verifier != nil {
		back.verifier.lookBefore(ctx)
	}
	if err := r.client.GoBack(ctx, kept.ID); err != nil {
		what, _ := explainOutage(err)
		return fmt.Sprintf("Dokploy could not put %s back: %s; the failed version still stands", version, what)
	}
	result.Status = Done
	const later = "Dokploy itself still has the new settings and ships them with the next deployment"
	if back.verifier != nil {
		back.triggered = time.Now()
		if err := back.verifier.verify(ctx); err != nil && !errors.Is(err, errTimeout) {
			what, _ := explainOutage(err)
			return fmt.Sprintf("Dokploy put %s back; whether it runs was not seen (%s); %s", version, what, later)
		}
	}
	switch {
	case result.Status != Done:
		return fmt.Sprintf("Dokploy put %s back, but it does not run either: %s", version, result.Reason)
	case result.Verified == VerifiedYes && o.Health != nil:
		err := back.health(ctx)
		if result.Unasked {
			return fmt.Sprintf("Dokploy put %s back and its containers run; %s; %s", version, result.Reason, later)
		}
		if err != nil || result.Status != Done {
			return fmt.Sprintf("Dokploy put %s back and its containers run, but the health URL does not answer as it should; %s", version, later)
		}
	}
	return fmt.Sprintf("Dokploy put %s back and it %s; %s", version, runsNow(result), later)
}
