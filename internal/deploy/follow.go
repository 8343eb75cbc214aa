package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
)

// follow waits for the deployment of the commit and follows it. It never starts
// anything.
func follow(ctx context.Context, t target, v *verifier, base baseline) (ending, error) {
	what := ""
	if n := t.service.PullRequest; n != 0 {
		what = fmt.Sprintf(" in the preview of pull request %d", n)
	}
	t.note("looking for the deployment that Dokploy itself starts for commit %.7s%s", t.o.Follow.Commit, what)
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
	if why.Kind == verdict.NoneCame || why.Kind == verdict.NoPreview {
		return e, s.brokenOff(noneCame(ctx, t, why))
	}
	return e, s.brokenOff(why.Err())
}

// noneCame ends a run for whose commit Dokploy started nothing, and says what
// in the service's settings explains that.
func noneCame(ctx context.Context, t target, why verdict.Reason) error {
	var previews []dokploy.Preview
	t.service, previews = settingsNow(ctx, t)
	found := t.obstacles(previews)
	reasons := explaining(found)
	why.Name, why.Text = fmt.Sprintf("%.12s", why.Name), verdict.Obstacles(reasons)
	switch {
	case len(reasons) > 0 && why.Kind == verdict.NoPreview:
		why.Kind = verdict.NoPreviewExplained
	case len(reasons) > 0:
		why.Kind = verdict.NoneExplained
	case t.service.PullRequest == 0 && !t.service.HasGit():
		why.Kind, why.Text = verdict.NoneOfNoGit, t.service.SourceType
	}
	o := why.Outcome()
	newest := newestDeployed(t.service.Deployments)
	switch preview := t.service.PullRequest != 0; {
	case len(reasons) > 0 && t.o.Follow.SkipIfNone:
		o.Status = verdict.Skipped
	case why.Kind == verdict.NoneExplained && !preview && t.o.Follow.Pushed.PullRequest != "" && t.service.Previews != nil:
		o.Hint = verdict.UsePreview
	case len(reasons) > 0, why.Kind == verdict.NoneOfNoGit:
	case preview:
		o.Hint = verdict.SeeTheApp
	case newest != nil:
		o.Hint = verdict.MovedOn
	}
	if len(reasons) == 0 && len(found) > 0 {
		o.Hint = verdict.Hint(o.Advice() + ". " + sentence(verdict.Obstacles(found)))
	}
	if newest != nil {
		o.Left = verdict.NewestOther
		o.Detail = fmt.Sprintf("%.12s, done at %s UTC by the server's clock", track.CommitOf(newest), newest.FinishedAt.UTC().Format(time.DateTime))
	}
	return &verdict.Error{Outcome: o}
}

// settingsNow reads the service and the previews of its application again,
// since somebody may have changed them.
func settingsNow(ctx context.Context, t target) (*dokploy.Service, []dokploy.Preview) {
	service := t.service
	if s, err := t.client.Service(ctx, service.Kind, service.ID); err == nil {
		service = s
	}
	n := t.service.PullRequest
	if n == 0 {
		return service, nil
	}
	it := dokploy.Preview{Number: n}
	all, err := t.client.Previews(ctx, service.ID)
	if i := slices.IndexFunc(all, func(p dokploy.Preview) bool { return p.Number == n }); err == nil && i >= 0 {
		it = all[i]
	}
	return it.Of(service), all
}

// sentence begins with a capital letter.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// newestDeployed returns the newest row that is done and names its commit; nil:
// there is none.
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
	v := newVerifier(t)
	w := &watcher{t: t, verifier: v}
	order := newSender(t, v, baseline{}, verdict.NoneYet).order()
	order.SentAt, order.StartTimeout = time.Now(), time.Hour
	var d track.Decision
	state := track.Begin(order)
	err := retry(ctx, t.o, func(ctx context.Context) error {
		s := w.newObservation()
		for {
			next, now := state.See(s.shown)
			if now.Ask != 0 {
				w.observe(ctx, now.Ask, s)
				continue
			}
			state, d = next, now
			if d.Preview != nil {
				w.adopt(d.Preview)
			}
			if d.Fault {
				return s.err
			}
			return nil
		}
	})
	t = w.t
	result := t.result()
	switch {
	case err == nil && d.End != nil:
		err = d.End.Reason.Err()
	case err == nil:
		result.Status = verdict.Done
		t.note("%s", t.lookedText(d, state))
	}
	if err != nil {
		result.Outcome = notStarted(ctx, err, true)
		return result
	}
	noteObstacles(t, w.previews)
	t.note("this key %s", t.mayText())
	if t.o.verifies() && made(t.service) {
		e := t.noteVerification(ctx, end{outcome: result.Outcome})
		if e.done() && t.begunUnseen(d.Held) {
			late := newVerifier(t)
			late.look.docker = t.rights == nil || t.rights.Docker
			e = t.noteBlind(e, late.notVerified(begunBefore), begunBefore)
		}
		result.Outcome, result.Verified = e.outcome, e.verified
	}
	if err := t.noteHealth(); err != nil {
		result.Outcome = notStarted(ctx, err, true)
	}
	return result
}

// begunUnseen reports whether what runs since this deployment cannot be told
// from what ran before, because nobody looked then.
func (t target) begunUnseen(held *dokploy.Deployment) bool {
	if held == nil {
		return false
	}
	mayNot := t.rights != nil && !t.rights.Docker
	if t.service.Kind == dokploy.Compose {
		return mayNot || t.service.ServerID != ""
	}
	return mayNot && held.Terminal()
}

// lookedText says what one look showed.
func (t target) lookedText(d track.Decision, s track.State) string {
	commit, n := t.o.Follow.Commit, t.service.PullRequest
	switch {
	case !made(t.service):
		return fmt.Sprintf("Dokploy has no preview of pull request %d just now", n)
	case d.Held != nil:
		return fmt.Sprintf("the deployment of commit %.7s: %s, %s", commit, d.Held.ID, d.Held.Status)
	case s.Phase() == track.Accepted && d.Left == verdict.StillQueued:
		return fmt.Sprintf("the deployment of commit %.7s is queued", commit)
	case s.Phase() == track.Accepted:
		return fmt.Sprintf("the deployment of commit %.7s is being started", commit)
	}
	return fmt.Sprintf("Dokploy shows no deployment of commit %.7s just now", commit)
}
