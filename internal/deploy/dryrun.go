package deploy

import (
	"context"
	"io"
	"strings"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// dryRun shows what a run would do, and changes nothing.
func (r *run) dryRun(ctx context.Context) {
	p, err := planFor(r.t.o, r.t.service, r.t.version)
	if err != nil {
		r.result.Outcome = notStarted(ctx, err, true)
		return
	}
	r.t.showPlan(p)
	if len(p.changes) == 0 && r.t.o.Prepare.set() {
		r.t.note("nothing to set: all stands as it is asked for")
	}
	r.result.Status = verdict.Done
	switch src := r.t.o.Prepare.Source; {
	case src != nil && r.t.service.Kind == dokploy.Application:
		n, err := src.WriteTo(io.Discard)
		if err != nil {
			r.result.Outcome = notStarted(ctx, aboutInput("source", verdict.Reason{Kind: verdict.SourceUnread, Text: unwrapped(err)}), true)
			return
		}
		r.t.note("would upload %s as zip, which starts a deployment", size(n))
	default:
		r.t.note("would trigger %s.%s", r.t.service.Kind, r.t.o.Operation)
	}
	r.t.note("the key: %s", r.t.mayText())
	if v := r.verifier; r.t.o.verifies() {
		v.lookBefore(ctx)
		if v.prior.err == nil {
			v.lookAtContainers(ctx)
		}
		switch {
		case v.prior.err != nil:
			r.found(v.unseen(explainBlind(v.prior.err)))
		case v.look.docker:
			r.t.note("verify: swarm's tasks and the containers can be seen")
		default:
			r.t.note(`verify: the containers can be seen, swarm's reasons cannot (the key's owner has no right "access to Docker")`)
		}
	}
	if r.t.o.Health != nil {
		u, err := r.t.o.healthURL(r.t.service.URL())
		if err != nil {
			r.result.Outcome = notStarted(ctx, err, true)
			return
		}
		r.t.note("health: would ask %s", plainly(u)+r.t.o.Health.wants(r.t.screen.mask))
	}
}

// mayText says what the key may do.
func (t target) mayText() string {
	if t.rights == nil {
		return "this Dokploy does not say what it may do; only trying tells"
	}
	var may, mayNot []string
	for _, x := range []struct {
		may  bool
		what string
	}{
		{t.rights.Deploy, "deploy"}, {t.rights.Env, "set the environment, build arguments and secrets"},
		{t.rights.CreateServices, "set the image or compose file"}, {t.rights.Docker, "look at Docker"},
	} {
		if x.may {
			may = append(may, x.what)
		} else {
			mayNot = append(mayNot, x.what)
		}
	}
	var parts []string
	if len(may) > 0 {
		parts = append(parts, "may "+strings.Join(may, ", "))
	}
	if len(mayNot) > 0 {
		parts = append(parts, "may not "+strings.Join(mayNot, ", "))
	}
	return strings.Join(parts, "; ")
}
