package deploy

import (
	"context"
	"fmt"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
)

// Follow says which deployment is followed that Dokploy starts by itself.
type Follow struct {
	Commit       string // a hash, or its beginning
	StartTimeout time.Duration
	SkipIfNone   bool // none that a setting explains is no failure
	Pushed       Pushed
}

// Pushed is what is known of the push that starts it. Each part may be empty.
type Pushed struct {
	Ref         string // branch or tag
	Tag         bool   // it is a tag
	PullRequest string // the number of one that is not merged
	Message     string // of the commit
}

// follow waits for the deployment of the commit and follows it. Nothing is ever
// started.
func (r *run) follow(ctx context.Context) error {
	f := r.t.o.Follow
	r.t.note("following what Dokploy starts by itself for commit %.7s", f.Commit)
	r.left = verdict.NoneYet
	r.tracked = track.Begin(r.order())
	d, err := r.watch(ctx)
	switch {
	case err != nil:
		return err
	case d.End.Row != nil:
		r.result.Outcome = ended(d.End.Row)
		return nil
	case d.End.Reason.Kind == verdict.NoneCame:
		return r.noneCame(ctx, d.End.Reason)
	}
	o := d.End.Reason.Outcome()
	if d.End.Reason.Gone() {
		o.Hint = verdict.PushAgain
	}
	return &verdict.Error{Outcome: o}
}

// awaited is called after a look that has shown no deployment of the commit. What
// was looked at before it ran before its rollout.
func (w *watcher) awaited(ctx context.Context) {
	r := w.r
	if r.verifier != nil {
		r.verifier.lookWhileQueued(ctx)
	}
	if w.waits {
		return
	}
	w.waits = true
	r.down.answers()
	r.t.note("Dokploy has started none yet; waiting up to %s", r.t.o.Follow.StartTimeout)
	for _, o := range obstacles(r.t.service, r.t.o.Follow.Pushed, r.t.version) {
		r.t.warn("there may come none: %s", o)
	}
}

// endedText says of a row that it was over when it was found.
func endedText(row *dokploy.Deployment) string {
	line := "it was deployed before this run looked"
	if row.Status != dokploy.StatusDone {
		line = fmt.Sprintf("it had ended before this run looked (%s)", row.Status)
	}
	if !row.FinishedAt.IsZero() {
		line += ": at " + row.FinishedAt.UTC().Format(time.DateTime) + " UTC by the server's clock"
	}
	return line
}

// noneCame ends a run for whose commit Dokploy has started nothing, with what
// the service's settings say to that.
func (r *run) noneCame(ctx context.Context, why verdict.Reason) error {
	service := r.t.service
	if s, err := r.t.client.Service(ctx, r.t.service.Kind, r.t.service.ID); err == nil {
		service = s // somebody may have changed it
	}
	why.Name = fmt.Sprintf("%.12s", why.Name)
	found := obstacles(service, r.t.o.Follow.Pushed, r.t.version)
	if len(found) > 0 {
		why.Kind, why.Text = verdict.NoneExplained, verdict.Obstacles(found)
	}
	o := why.Outcome()
	if len(found) > 0 && r.t.o.Follow.SkipIfNone {
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
func (r *run) dryFollow(ctx context.Context) {
	w := &watcher{r: r}
	order := r.order()
	order.SentAt, order.StartTimeout = time.Now(), time.Hour
	var d track.Decision
	r.tracked = track.Begin(order)
	err := before(ctx, r.t.o, func(ctx context.Context) error {
		s := w.newObservation()
		for {
			next, now := r.tracked.See(s.Observation)
			if now.Ask != 0 {
				w.observe(ctx, now.Ask, s)
				continue
			}
			r.tracked, d = next, now
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
		r.result.Status = verdict.Done
		r.t.note("%s", lookedText(r.t.o.Follow.Commit, d, r.tracked))
	}
	if err != nil {
		r.result.Outcome = notStarted(ctx, err, true)
		return
	}
	for _, o := range obstacles(r.t.service, r.t.o.Follow.Pushed, r.t.version) {
		r.t.warn("there may come none: %s", o)
	}
	r.t.note("the key: %s", r.t.mayText())
	if r.t.o.Health != nil {
		u, err := r.t.o.healthURL(r.t.service.URL())
		if err != nil {
			r.result.Outcome = notStarted(ctx, err, true)
			return
		}
		r.t.note("health: would ask %s", plainly(u)+r.t.o.Health.wants(r.t.screen.mask))
	}
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
