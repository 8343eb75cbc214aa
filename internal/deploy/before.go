package deploy

import (
	"context"
	"errors"
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
	"dokploy-deploy/internal/wait"
)

const (
	// refreshBefore is how old the look before the rollout may get while the
	// deployment is queued.
	refreshBefore = 15 * time.Second
	// updateBeforeEnd is how long before the end of its row an application's
	// Swarm service may have been updated, even on a busy machine.
	updateBeforeEnd = 5 * time.Second
	// settlesIn is how long containers of an ended deployment may still come
	// and go.
	settlesIn = 30 * time.Second
)

// seen reports whether there was a look.
func (p prior) seen() bool { return !p.view.At.IsZero() }

// newer returns the result of one more look. A look that failed does not change
// what was seen.
func (p prior) newer(view rollout.View, err error) prior {
	switch {
	case err == nil:
		return prior{view: view}
	case p.seen(): //rule:failed-look-changes-nothing
		return p
	}
	return prior{err: err}
}

// good reports whether the look is good enough, so that none is needed at the
// start of the build. lastEnd is when the last deployment before ended, began
// when this one started: if the former had just ended, its rollout was still
// going on.
func (p prior) good(now, lastEnd, began time.Time) bool {
	return p.err == nil && now.Sub(p.view.At) < refreshBefore && began.Sub(lastEnd) > settlesIn
}

// lookBefore records what runs before the rollout. It retries for a short time.
// A lasting fault does not stop the deployment: there is only less to compare
// with.
func (v *verifier) lookBefore(ctx context.Context) {
	if !v.needed {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, min(v.look.patience(), max(v.beforeTrigger, time.Second)))
	defer cancel()
	loop := wait.Loop{Backoff: wait.NewBackoff(time.Second, time.Second), Tolerate: v.look.patience(), Fatal: staysBlind}
	var last error // the context's own error says less
	err := loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		view, err := v.look.briefly(ctx)
		if err != nil {
			if last == nil || ctx.Err() == nil {
				last = err
			}
			return wait.Pending, err
		}
		v.prior = v.prior.newer(view, nil)
		return wait.Done, nil
	})
	if err != nil {
		v.prior = v.prior.newer(rollout.View{}, last)
	}
}

// lookAtContainers adds the containers to what was seen before.
func (v *verifier) lookAtContainers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, v.look.patience())
	defer cancel()
	if _, err := v.look.containers(ctx); err != nil {
		v.prior.err = err
	}
}

// lookWhileQueued keeps the look before the rollout fresh. It is called when
// the queue has just shown that the job is waiting, so the look before this one
// was before the rollout.
func (v *verifier) lookWhileQueued(ctx context.Context) {
	if !v.needed {
		return
	}
	if v.fresh != nil { //rule:fresh-look-counts
		v.prior, v.fresh = v.prior.newer(*v.fresh, nil), nil
	}
	if time.Since(v.prior.view.At) < refreshBefore {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, v.look.patience())
	defer cancel()
	if view, err := v.look.briefly(ctx); err == nil {
		v.fresh = &view
	} else {
		v.prior = v.prior.newer(view, err)
	}
}

// Why it is unknown what ran before a second run.
var (
	errBetween = errors.New("someone else deployed the service between the two runs of this deployment")
	errFirst   = errors.New("what ran between the two runs of this deployment was not seen")
)

// runsAgain discards what was seen before if containers from between the two
// runs cannot be told from those of the second run: others' containers and,
// unless Swarm says so, those of the first run.
func (v *verifier) runsAgain(others bool) {
	switch {
	case others: //rule:others-between-the-runs
		v.prior, v.fresh = prior{err: errBetween}, nil
	case !v.look.docker && v.service.Kind == dokploy.Application: //rule:first-run-cannot-be-told
		v.prior, v.fresh = prior{err: errFirst}, nil
	}
}

// recheckAtStart looks again, beside the build that has just started as row, if
// the look before is old (hidden queue, second run), failed for a reason that
// may have passed, or came right after another deployment, the last of which
// ended at lastEnd. What it sees counts only if the build is still going on
// some seconds later: an application's Swarm service is updated right before
// its row ends. A compose service's containers are replaced at any time.
func (v *verifier) recheckAtStart(ctx context.Context, row *dokploy.Deployment, lastEnd time.Time) {
	v.endRecheck()
	if !v.needed || v.prior.good(time.Now(), lastEnd, row.StartedAt) || staysBlind(v.prior.err) ||
		v.service.Kind == dokploy.Compose || row.Status != dokploy.StatusRunning {
		return
	}
	// Independent of the look that found it, whose time is over sooner.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), v.look.patience())
	v.beginning = &beginning{stop: cancel, saw: make(chan *rollout.View, 1)}
	go v.beginning.look(ctx, v.look, row.ID)
}

// endRecheck ends that look. Once the build has ended it shows nothing.
func (v *verifier) endRecheck() {
	if v.beginning == nil {
		return
	}
	v.beginning.stop()
	if view := <-v.beginning.saw; view != nil {
		v.prior = v.prior.newer(*view, nil)
		v.look.docker = view.Docker
	}
	v.beginning = nil
}

// look runs the check with a lookout of its own.
func (b *beginning) look(ctx context.Context, l lookout, id string) {
	view, err := l.briefly(ctx)
	if err != nil || wait.Sleep(ctx, updateBeforeEnd) != nil {
		b.saw <- nil
		return
	}
	rows, err := l.client.Rows(ctx, l.service)
	if err != nil || !slices.ContainsFunc(rows, func(d dokploy.Deployment) bool { return d.ID == id && d.Status == dokploy.StatusRunning }) {
		b.saw <- nil
		return
	}
	b.saw <- &view
}
