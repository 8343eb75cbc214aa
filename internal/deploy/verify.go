package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/reason"
	"dokploy-deploy/internal/rollout"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// verify verifies that what was deployed is running.
func verify(ctx context.Context, t target, v *verifier, d deployed, e end) (end, error) {
	f, last, err := v.verify(ctx, d)
	if err == nil {
		return e.found(t, f), nil
	}
	e.verified = verdict.VerifiedUnknown
	if last != "" {
		return e, &brokenOff{err: err, left: verdict.DoneBut, detail: last}
	}
	return e, &brokenOff{err: err, left: verdict.DoneUnseen}
}

// found returns the end after a verification, and reports what that found.
func (e end) found(t target, f finding) end {
	e.verified = f.verified
	if f.outcome.Status != "" {
		e.outcome = f.outcome
		e = e.showing(f.log)
	}
	switch {
	case f.note != "" && f.warning:
		t.warn("%s", f.note)
	case f.note != "":
		t.note("%s", f.note)
	}
	return e
}

// verify waits until the new containers are running, or certainly are not. last
// describes the last look if an error ended it.
func (v *verifier) verify(ctx context.Context, d deployed) (f finding, last string, err error) {
	if staysBlind(v.prior.err) { //rule:blind-from-the-beginning
		return v.notVerified(explainBlind(v.prior.err)), "", nil
	}
	if d.row != nil && d.triggered.IsZero() && !v.prior.seen() && v.service.Kind == dokploy.Compose {
		made, ok := v.madeBefore(ctx, d.row.StartedAt)
		if !ok { //rule:nobody-looked-before
			return v.notVerified(begunBefore), "", nil
		}
		v.made = &made
	}
	seen, away, err := v.watch(ctx, d)
	switch {
	case away != "" && seen.State != rollout.Failed: //rule:away-before-the-end
		return v.notVerified(away), "", nil
	case err != nil:
		return f, seen.Reason, err
	case away != "": //rule:failed-though-away
		seen.Reason += " (the rest was not seen: " + away + ")"
	}
	f, err = v.conclude(ctx, d, seen)
	return f, "", err
}

const begunBefore = "it had begun before this run could look at what ran, so its containers cannot be told from earlier ones"

// watch looks until a judge has a verdict. away says what else ended the looks;
// last is then the last verdict there was.
func (v *verifier) watch(ctx context.Context, d deployed) (last rollout.Verdict, away string, err error) {
	judge, err := v.judge(ctx, d)
	if err != nil {
		return last, "", err
	}
	const waiting = "waiting for the new containers"
	v.screen.doing(func() string { return waiting })
	defer v.screen.doing(nil)
	pace := &verifyPace{stable: v.stable}
	loop := v.down.loop(pace)
	// If it is known how to look, nothing runs yet: Swarm starts a second after
	// Dokploy says done.
	loop.PauseFirst = v.look.glances() && v.prior.seen()
	var shown shownProgress
	err = loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		view, whole, err := v.next(ctx, pace.whole())
		switch {
		case dokploy.Unsupported(err), dokploy.NotFound(err):
			away = explainBlind(err)
			return wait.Done, nil
		case err != nil:
			return wait.Pending, err
		}
		if whole {
			v.last = view
		}
		v.down.answers() // before it reports on containers
		last = judge.Look(view)
		pace.saw(last, whole)
		if text := shown.next(last, v.service.Kind); text != "" {
			v.screen.note(text)
		}
		doing := waiting
		if last.Reason != "" {
			doing += ": " + last.Reason
		}
		v.screen.doing(func() string { return doing })
		if last.State != rollout.Undecided && last.Final {
			return wait.Done, nil
		}
		return wait.Pending, nil
	})
	if why := v.onlyDockerIsAway(ctx, err); why != "" {
		return last, why, nil
	}
	return last, away, err
}

// next takes one more look. Unless it must be whole, it is a glance at an
// application's tasks, as long as they show nothing that calls for more.
func (v *verifier) next(ctx context.Context, whole bool) (view rollout.View, isWhole bool, err error) {
	if !whole && v.look.glances() {
		view, err = v.look.glance(ctx, v.prior.view, v.glance)
		switch {
		case errors.Is(err, dokploy.ErrMayNotLook): // the whole look finds out what the key may see
		case err != nil:
			return view, false, err
		case view.Uneventful(v.prior.view):
			v.glance = view
			return view, false, nil
		}
	}
	if view, err = v.look.view(ctx); err != nil {
		return view, true, err
	}
	view.Forces, err = v.forcesOf(ctx, view)
	return view, true, err
}

// forcesOf asks which deployment each new task of an application belongs to,
// unless that is known. What a task was created with never changes.
func (v *verifier) forcesOf(ctx context.Context, view rollout.View) (map[string]uint64, error) {
	if !view.Docker || v.service.Kind != dokploy.Application {
		return nil, nil
	}
	if len(v.forces) == 0 && view.OneDeploymentSince(v.prior.view, v.service.AppName) {
		return nil, nil
	}
	if v.forces == nil {
		v.forces = map[string]uint64{}
	}
	for _, t := range view.Tasks {
		_, known := v.forces[t.ID]
		if known || slices.ContainsFunc(v.prior.view.Tasks, func(old dokploy.Task) bool { return old.ID == t.ID }) {
			continue
		}
		force, ok, err := v.client.ForceOfTask(ctx, t.ID, v.service.ServerID)
		if err != nil {
			return nil, err
		}
		if ok {
			v.forces[t.ID] = force
		}
	}
	return v.forces, nil
}

// judge returns the judge for this kind of service.
func (v *verifier) judge(ctx context.Context, d deployed) (rollout.Judge, error) {
	s := v.service
	before := rollout.Before{View: v.prior.view, Unseen: !v.prior.seen()}
	if before.Unseen {
		before.At = d.triggered
	}
	if v.made != nil {
		before = *v.made
	}
	switch {
	case s.Kind == dokploy.Application:
		return rollout.NewApplication(s.AppName, s.Replicas, before, v.stable), nil
	case s.ComposeType != "stack":
		return rollout.NewCompose(before, startsNothing(d.composeFile), v.stable), nil
	}
	var names []string
	loop := v.down.loop(wait.NewBackoff(time.Second, 5*time.Second))
	err := loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		services, err := v.client.ComposeServices(ctx, s.ID)
		if err != nil && !dokploy.NotFound(err) && !dokploy.Unsupported(err) && !dokploy.Refused(err) {
			return wait.Pending, err
		}
		for _, name := range services {
			names = append(names, s.AppName+"_"+name)
		}
		return wait.Done, nil
	})
	v.look.stack = names
	return rollout.NewStack(names, before, v.stable), err
}

// onlyDockerIsAway says, after an outage that lasted too long, what the problem
// was if Dokploy itself answers. Then it only cannot be seen what is running.
func (v *verifier) onlyDockerIsAway(ctx context.Context, err error) string {
	var outage *wait.UnreachableError
	if !errors.As(err, &outage) {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if _, err := v.client.Rows(ctx, v.service); err != nil {
		return ""
	}
	what, _ := dokploy.Explain(outage.Err)
	return fmt.Sprintf("Dokploy answers, but has not shown what Docker is running for %s: %s", text.Duration(outage.For), what)
}

// conclude ends a verification: it combines the last verdict on what is running
// with what else happened in the meantime.
func (v *verifier) conclude(ctx context.Context, d deployed, last rollout.Verdict) (finding, error) {
	another, err := v.anothers(ctx, d, last)
	switch {
	case err != nil:
		return finding{}, err
	case another != nil:
		return *another, nil
	}
	if last, err = v.unlessStopped(ctx, last); err != nil {
		return finding{}, err
	}
	switch last.State {
	case rollout.Running:
		return finding{verified: verdict.VerifiedYes, note: ranFor(last, v.stable)}, nil
	case rollout.Unchanged:
		return unchanged(last, v.mode, d.back, v.service.ComposeType == "stack"), nil
	case rollout.Failed:
		return v.failed(ctx, last), nil
	default:
		why := last.Reason
		if v.prior.err != nil {
			why += " (" + explainBlind(v.prior.err) + ")"
		}
		return v.notVerified(why), nil
	}
}

// anothers concludes that what is running is not, or may not be, what this run
// has deployed; nil: nothing shows that.
func (v *verifier) anothers(ctx context.Context, d deployed, last rollout.Verdict) (*finding, error) {
	application := v.service.Kind == dokploy.Application
	other := otherImage(d.image, v.last.Services[v.service.AppName])
	if application && other != "" && last.State != rollout.Failed { //rule:another-image
		why := verdict.Reason{Kind: verdict.AnotherImage, Name: other, Text: d.image}
		return &finding{verified: verdict.VerifiedNo, outcome: why.Outcome()}, nil
	}
	kept := keptForRollback(v.last.Services[v.service.AppName], v.service.AppName)
	wentBack := application && kept != "" && d.row != nil && !d.back && last.State != rollout.Failed
	if wentBack {
		own, err := v.versionOf(ctx, d.row.ID)
		switch {
		case err != nil:
			return nil, err
		case own == "": //rule:whose-version-runs
			f := v.notVerified(fmt.Sprintf("Swarm runs %s, which Dokploy keeps for going back, and it cannot be seen of which deployment that is", kept))
			f.warning = true
			return &f, nil
		case own != lastPart(kept): //rule:rolled-back-since
			why := verdict.Reason{Kind: verdict.RolledBackSince, Name: kept}
			return &finding{verified: verdict.VerifiedNo, outcome: why.Outcome()}, nil
		}
	}
	if d.row != nil && !wentBack {
		by, err := v.overtaken(ctx, d)
		switch {
		case err != nil:
			return nil, err
		case by != "": //rule:overtaken
			f := v.notVerified(by)
			f.warning = true
			return &f, nil
		}
	}
	return nil, nil
}

// unlessStopped returns the verdict, or that of a service which somebody has
// stopped in Dokploy: then what the containers show is no failure of theirs.
func (v *verifier) unlessStopped(ctx context.Context, last rollout.Verdict) (rollout.Verdict, error) {
	if bad := last.State == rollout.Failed || last.State == rollout.Unseen; !bad || last.Stopped || last.RolledBack {
		return last, nil
	}
	idle, err := stoppedInDokploy(ctx, v.client, v.service, v.down.loop)
	switch {
	case err != nil:
		return last, err
	case idle: //rule:stopped-in-dokploy
		last = rollout.Verdict{State: rollout.Failed, Final: true, Stopped: true}
	}
	return last, nil
}

// failed ends the verification of something that is not running.
func (v *verifier) failed(ctx context.Context, last rollout.Verdict) finding {
	why := verdict.Reason{Kind: failedAs(last), Text: last.Reason}
	if last.Unhealthy {
		why.Text += v.checkSaid(ctx, last.Service, last.Container)
	}
	why.Text = join(why.Text, last.Serving)
	f := finding{verified: verdict.VerifiedNo, outcome: why.Outcome()}
	f.outcome.Hint = verdict.Hint(reason.Advice(last.Reason))
	f.log = v.containerLog(ctx, last.Service, last.Container)
	return f
}

// failedAs returns the kind of a failure that the containers show.
func failedAs(last rollout.Verdict) verdict.Kind {
	switch {
	case last.RolledBack:
		return verdict.SwarmRolledBack
	case last.Stopped && last.Reason == "":
		return verdict.StoppedThere // the service is idle in Dokploy
	case last.Stopped:
		return verdict.StoppedInSwarm
	}
	return verdict.NotRunning
}

// notVerified ends a verification that cannot see anything.
func (v *verifier) notVerified(why string) finding {
	f := finding{verified: verdict.VerifiedUnknown}
	if v.mode != VerifyRequire {
		f.note = "not verified: " + why
		return f
	}
	f.outcome = verdict.Reason{Kind: verdict.CannotBeSeen, Text: why}.Outcome()
	switch {
	case !v.look.docker, dokploy.Refused(v.prior.err):
		f.outcome.Hint = `give the key's owner the permission "access to Docker", or set verify to auto`
	case dokploy.Unsupported(v.prior.err):
		f.outcome.Hint = "if a proxy in front of Dokploy blocks docker.*, let it through; otherwise set verify to auto"
	default:
		f.outcome.Hint = "look at the service in Dokploy, or set verify to auto"
	}
	return f
}
