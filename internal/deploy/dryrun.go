package deploy

import (
	"context"
	"io"
	"strings"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// dryRun shows what a run would do, and changes nothing.
func dryRun(ctx context.Context, t target) verdict.Result {
	result := t.result()
	e := end{outcome: verdict.Outcome{Status: verdict.Done}}
	would, err := t.noteStart()
	if err == nil {
		t.note("this key %s", t.mayText())
		if t.o.verifies() {
			e = t.noteVerification(ctx, e)
		}
		err = t.noteHealth()
	}
	if err != nil {
		result.Outcome = notStarted(ctx, err, true)
		return result
	}
	result.Outcome, result.Verified, result.WasSet = e.outcome, e.verified, would
	return result
}

// noteStart says what would be set, and how the deployment would be started. It
// returns the lines of what would be set.
func (t target) noteStart() (would []string, err error) {
	p, err := planFor(t.o, t.service, t.version)
	if err != nil {
		return nil, err
	}
	t.showPlan(p)
	if len(p.changes) > 0 {
		would = p.lines
	}
	if len(p.changes) == 0 && p.asked {
		t.note("nothing to set: everything already has the requested value")
	}
	source := t.o.Prepare.Source
	if source == nil || t.service.Kind != dokploy.Application {
		t.note("would trigger %s.%s", t.service.Kind, t.o.Operation)
		return would, nil
	}
	n, err := source.WriteTo(io.Discard)
	if err != nil {
		return would, aboutInput("source", verdict.Reason{Kind: verdict.SourceUnread, Text: unwrapped(err)})
	}
	t.note("would upload %s as a zip, which starts a deployment", size(n))
	return would, nil
}

// noteVerification says what could be seen of what runs.
func (t target) noteVerification(ctx context.Context, e end) end {
	v := newVerifier(t)
	v.lookBefore(ctx)
	if v.prior.err == nil {
		v.lookAtContainers(ctx)
	}
	switch {
	case v.prior.err != nil:
		why := explainBlind(v.prior.err)
		return t.noteBlind(e, v.notVerified(why), why)
	case v.look.docker:
		t.note("verify: Swarm's tasks and the containers are visible")
	default:
		t.note(`verify: the containers are visible, Swarm's reasons are not (the key's owner lacks the permission "access to Docker")`)
	}
	return e
}

// noteBlind says that what runs would not be seen, and why.
func (t target) noteBlind(e end, f finding, why string) end {
	if f.note != "" {
		f.note = "verify: what runs cannot be seen: " + why
	} else {
		f.outcome.Reason.Kind = verdict.WouldNotBeSeen // nothing was deployed
	}
	return e.found(t, f)
}

// mayText says what the key may do.
func (t target) mayText() string {
	if t.rights == nil {
		return "has permissions that this Dokploy does not show; only a real run shows them"
	}
	var may, mayNot []string
	type right struct {
		may  bool
		what string
	}
	asked := []right{{t.rights.Docker, "look at Docker"}}
	if t.o.Follow == nil { // which changes nothing
		asked = append([]right{
			{t.rights.Deploy, "deploy"}, {t.rights.Env, "set the environment, build arguments and secrets"},
			{t.rights.CreateServices, "set the image or compose file"},
		}, asked...)
	}
	for _, x := range asked {
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
