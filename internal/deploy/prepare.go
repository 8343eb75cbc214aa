package deploy

import (
	"context"
	"errors"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// mayPrepare refuses, before anything is sent, what the key has no right to. If
// the server does not say, one can only try.
func mayPrepare(rights *dokploy.Rights, p *plan) error {
	if rights == nil || rights.CreateServices || len(p.changes) == 0 {
		return nil
	}
	if c := p.changes.needsRight(); c != nil {
		return missingRight(verdict.MissingRight, c.of.input, nil)
	}
	if !rights.Env {
		return missingRight(verdict.MissingEnvRight, p.changes[0].of.input, nil)
	}
	return nil
}

// applied is what was set on a target before its deployment.
type applied struct {
	target target   // with its service as last read
	undo   *plan    // nil: there is nothing to undo
	lines  []string // what was set, for a person
}

// left returns what goes on in Dokploy while nothing was started.
func (a applied) left() verdict.Left {
	if a.undo != nil {
		return verdict.SomethingSet
	}
	return verdict.NothingStarted
}

// prepare sets what the inputs ask for and reads it back: what another pipeline
// set in the meantime is not deployed.
func prepare(ctx context.Context, t target) (applied, error) {
	a := applied{target: t}
	if t.o.Prepare.set() {
		// What was read when the target was found may be outdated.
		s, err := t.readAgain(ctx)
		if err != nil {
			return a, err
		}
		a.target.service = s
	}
	p, err := planFor(t.o, a.target.service, t.version)
	if err != nil {
		return a, err
	}
	t.showPlan(p)
	if len(p.changes) == 0 {
		return a, nil
	}
	if err := t.apply(ctx, p, p.changes.apply()); err != nil {
		if isDefinite(err) {
			return a, err
		}
		a.undo = p // whatever part of it was set is undone
		return a, &brokenOff{err: err, left: verdict.MaybeSet}
	}
	a.undo, a.lines = p, p.lines
	now, err := t.readAgain(ctx)
	if err != nil {
		return a, &brokenOff{err: err, left: a.left()}
	}
	if x := p.drifted(now); x != nil {
		why := verdict.Reason{Kind: verdict.SetByAnother, Name: x.phrase + " " + x.verb("was", "were")}
		return a, &brokenOff{err: why.Err(), left: a.left()}
	}
	a.target.service = now
	return a, nil
}

func (t target) showPlan(p *plan) {
	for _, line := range p.lines {
		t.note("%s", line)
	}
	for _, text := range p.warns {
		t.warn("%s", text)
	}
}

// isDefinite reports whether an error is certain: Dokploy has refused.
func isDefinite(err error) bool {
	var known *verdict.Error
	return errors.As(err, &known) || dokploy.Permanent(err) && !errors.Is(err, context.Canceled)
}

// besideEnv is what the members' call overwrites along with what is set.
var besideEnv = setting{phrase: "what Dokploy saves along with it (environment, build arguments and secrets)"}

// drifted returns a setting that is no longer as it was set; nil: there is
// none.
func (p *plan) drifted(now *dokploy.Service) *setting {
	if c := p.changes.driftedField(now); c != nil {
		return c.of
	}
	if p.member && !p.service.SameBeside(now, p.changes.apply()) {
		return &besideEnv
	}
	return nil
}

// apply sends a change. Settings that a plain member may set go through the
// members' call if the key cannot use the other.
func (t target) apply(ctx context.Context, p *plan, change dokploy.Change) error {
	forbidden := p.changes.needsRight()
	if forbidden == nil && t.rights != nil && !t.rights.CreateServices {
		return t.saveEnv(ctx, p, change)
	}
	err := retry(ctx, t.o, func(ctx context.Context) error { return t.client.Update(ctx, p.service, change) })
	switch {
	case err == nil || !dokploy.Denied(err):
		return err
	case forbidden == nil:
		return t.saveEnv(ctx, p, change)
	}
	return missingRight(verdict.MissingRight, forbidden.of.input, err)
}

func (t target) saveEnv(ctx context.Context, p *plan, change dokploy.Change) error {
	p.member = true
	return retry(ctx, t.o, func(ctx context.Context) error { return t.client.SaveEnvironment(ctx, p.service, change) })
}

// askRights asks once what the key may do; nil if the server does not say.
func askRights(ctx context.Context, o *Options) (*dokploy.Rights, error) {
	var (
		rights dokploy.Rights
		told   bool
	)
	err := retry(ctx, o, func(ctx context.Context) (err error) {
		rights, told, err = o.Client.Rights(ctx)
		if dokploy.Denied(err) {
			return nil
		}
		return err
	})
	if err != nil || !told {
		return nil, err
	}
	return &rights, nil
}
