package deploy

import (
	"context"
	"fmt"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
)

// follow waits for the deployment of the commit and follows it. Nothing is ever
// started.
func follow(ctx context.Context, t target, v *verifier, base baseline) (ending, error) {
	t.note("following what Dokploy starts by itself for commit %.7s", t.o.Follow.Commit)
	s := newSender(t, v, base, verdict.NoneYet)
	s.sent.state = track.Begin(s.order())
	e, err := watch(ctx, t, v, base, s.sent)
	s.learn(e)
	switch {
	case err != nil:
		return e, s.brokenOff(err)
	case e.last.End.Row != nil:
		return e, nil
	}
	why := e.last.End.Reason
	if why.Kind == verdict.NoneCame {
		return e, s.brokenOff(noneCame(ctx, t, why))
	}
	o := why.Outcome()
	if why.Gone() {
		o.Hint = verdict.PushAgain
	}
	return e, s.brokenOff(&verdict.Error{Outcome: o})
}

// noneCame ends a run for whose commit Dokploy has started nothing, with what
// the service's settings say to that.
func noneCame(ctx context.Context, t target, why verdict.Reason) error {
	service := t.service
	if s, err := t.client.Service(ctx, t.service.Kind, t.service.ID); err == nil {
		service = s // somebody may have changed it
	}
	why.Name = fmt.Sprintf("%.12s", why.Name)
	found := obstacles(service, t.o.Follow.Pushed, t.version)
	if len(found) > 0 {
		why.Kind, why.Text = verdict.NoneExplained, verdict.Obstacles(found)
	}
	o := why.Outcome()
	if len(found) > 0 && t.o.Follow.SkipIfNone {
		o.Status = verdict.Skipped
	}
	if newest := newestDeployed(service.Deployments); newest != nil {
		o.Left = verdict.NewestOther
		o.Detail = fmt.Sprintf("%.12s, done at %s UTC by the server's clock", track.CommitOf(newest), newest.FinishedAt.UTC().Format(time.DateTime))
	}
	return &verdict.Error{Outcome: o}
}

// newestDeployed is the row of the newest deployment that is done and names its
// commit; nil: none does.
func newestDeployed(rows []dokploy.Deployment) *dokploy.Deployment {
	var newest *dokploy.Deployment
	for i := range rows {
		row := &rows[i]
		if row.Status == dokploy.StatusDone && track.CommitOf(row) != "" && (newest == nil || row.FinishedAt.After(newest.FinishedAt)) {
			newest = row
		}
	}
	return newest
}

// dryFollow takes one look for a deployment of the commit.
func dryFollow(ctx context.Context, t target) verdict.Result {
	result := t.result()
	v := newVerifier(t)
	w := &watcher{t: t, verifier: v}
	order := newSender(t, v, baseline{}, verdict.NoneYet).order()
	order.SentAt, order.StartTimeout = time.Now(), time.Hour
	var d track.Decision
	state := track.Begin(order)
	err := before(ctx, t.o, func(ctx context.Context) error {
		s := w.newObservation()
		for {
			next, now := state.See(s.shown)
			if now.Ask != 0 {
				w.observe(ctx, now.Ask, s)
				continue
			}
			state, d = next, now
			if d.Fault {
				return s.err
			}
			return nil
		}
	})
	switch {
	case err == nil && d.End != nil:
		err = d.End.Reason.Err()
	case err == nil:
		result.Status = verdict.Done
		t.note("%s", lookedText(t.o.Follow.Commit, d, state))
	}
	if err != nil {
		result.Outcome = notStarted(ctx, err, true)
		return result
	}
	for _, o := range obstacles(t.service, t.o.Follow.Pushed, t.version) {
		t.warn("there may come none: %s", o)
	}
	t.note("this key %s", t.mayText())
	if err := t.noteHealth(); err != nil {
		result.Outcome = notStarted(ctx, err, true)
		return result
	}
	return result
}

// lookedText says what one look has shown.
func lookedText(commit string, d track.Decision, s track.State) string {
	switch {
	case d.Held != nil:
		return fmt.Sprintf("the deployment of commit %.7s: %s, %s", commit, d.Held.ID, d.Held.Status)
	case s.Phase() == track.Accepted && d.Left == verdict.StillQueued:
		return fmt.Sprintf("the deployment of commit %.7s is queued", commit)
	case s.Phase() == track.Accepted:
		return fmt.Sprintf("the deployment of commit %.7s is being started", commit)
	}
	return fmt.Sprintf("Dokploy shows no deployment of commit %.7s just now", commit)
}
