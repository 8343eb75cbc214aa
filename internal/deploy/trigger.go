package deploy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// newToken is the marker of one trigger. It travels at the end of the
// description, where the queue and the rows show it.
func newToken() string {
	return "[dd-" + strings.ToLower(rand.Text()[:12]) + "]"
}

// maxTriggers bounds how often one trigger is sent whose answers are all lost.
const maxTriggers = 3

// trigger starts a deployment exactly once. A connection that was never made
// is tried again; an answer that was lost is settled first.
func (r *run) trigger(ctx context.Context) error {
	if r.o.Prepare.Source != nil && r.service.Kind == dokploy.Application && r.sent.jobs == nil {
		return r.upload(ctx)
	}
	r.sent.unmarked = false
	for sent := 1; ; sent++ {
		token := newToken()
		r.tokens = append(r.tokens, token)
		description := strings.TrimSpace(r.o.Description + " " + token)
		err := r.send(ctx, description)
		if err == nil {
			r.accepted()
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !answerLost(err) {
			return r.rejected(err)
		}
		what, _ := dokploy.Explain(err)
		r.warn("the answer to the trigger was lost (%s); looking whether Dokploy has it", what)
		has, serr := r.settle(ctx, err)
		switch {
		case serr != nil:
			return serr
		case has:
			r.accepted()
			return nil
		}
		r.left = verdict.NothingStarted
		var e *dokploy.Error
		if sent >= maxTriggers || errors.As(err, &e) && e.Odd == "" {
			// Dokploy's own words about its failure will be the same again.
			return r.rejected(err)
		}
		r.note("Dokploy does not have it: triggering again")
	}
}

func (r *run) accepted() {
	r.left = verdict.QueuedThere
	if r.o.Wait {
		r.note("Dokploy has accepted the deployment")
	} else {
		r.note("Dokploy has accepted the deployment; it is not followed (wait: false)")
	}
}

// send posts the trigger. It is repeated only while no connection is made, or
// a proxy says that it took too many requests.
func (r *run) send(ctx context.Context, description string) error {
	loop := wait.Loop{
		Backoff:  wait.NewBackoff(time.Second, time.Second),
		Tolerate: r.o.beforeTrigger(),
		Fatal: func(err error) bool {
			var e *dokploy.Error
			if errors.As(err, &e) {
				return e.Status != http.StatusTooManyRequests
			}
			var te *dokploy.TransportError
			return !errors.As(err, &te) || te.Made || dokploy.Permanent(err)
		},
	}
	return loop.Run(ctx, func(context.Context) (wait.State, error) {
		// What has been sent is not given up because the time for trying is
		// over: longer than the client's own limit, the answer matters.
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		r.refreshBaseline(ctx)
		if ctx.Err() != nil {
			return wait.Pending, context.Cause(ctx) // not sent
		}
		r.left = verdict.MaybeTaken
		sent := time.Now()
		err := r.post(ctx, description)
		if err != nil && !answerLost(err) {
			r.left = verdict.NothingStarted
		}
		if err != nil {
			return wait.Pending, err
		}
		if time.Since(sent) < slowAnswer {
			r.takenAt = time.Now()
		}
		return wait.Done, nil
	})
}

// slowAnswer is how long the answer to a trigger may take before its marker is
// looked for beside it: 50 to 175 ms are usual.
const slowAnswer = 500 * time.Millisecond

// post sends the trigger once. When its answer is slow, the marker may show
// first that Dokploy has it: a Git source that builds fast shows it for a
// moment only.
func (r *run) post(ctx context.Context, description string) error {
	postCtx, cancel := withGrace(ctx, lastAnswer)
	defer cancel()
	answer := make(chan error, 1)
	go func() {
		answer <- r.client.Deploy(postCtx, r.service.Kind, r.o.Operation, r.service.ID, r.o.Title, description)
	}()
	patience := time.NewTimer(slowAnswer)
	defer patience.Stop()
	select {
	case err := <-answer:
		return err
	case <-patience.C:
	}
	watchCtx, stop := context.WithCancel(ctx)
	defer stop()
	seen := make(chan bool, 1)
	go func() { seen <- r.markerShows(watchCtx) }()
	select {
	case err := <-answer:
		stop()
		if <-seen {
			return nil
		}
		return err
	case shows := <-seen:
		if shows {
			cancel()
		}
		err := <-answer
		if shows {
			return nil
		}
		return err
	}
}

// markerShows looks for the marker until it shows; false when ctx ends.
func (r *run) markerShows(ctx context.Context) bool {
	for {
		if q, err := r.readQueue(ctx); err == nil && q != nil {
			if job := r.ourJob(q); job != nil {
				r.remember(q, job)
				return true
			}
		}
		rows, err := r.client.Deployments(ctx, r.service.Kind, r.service.ID)
		if err == nil && slices.ContainsFunc(rows, func(row dokploy.Deployment) bool { return r.ours(row.Description) }) {
			return true
		}
		if wait.Sleep(ctx, 300*time.Millisecond) != nil {
			return false
		}
	}
}

// lastAnswer is how long the answer to a trigger is still waited for after an
// interrupt: it decides what can be said of the deployment.
const lastAnswer = time.Second

// withGrace is a context that ends some time after its parent.
func withGrace(parent context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		_ = wait.Sleep(ctx, grace)
		cancel()
	})
	return ctx, func() { stop(); cancel() }
}

// answerLost: Dokploy may have the trigger all the same.
func answerLost(err error) bool {
	var e *dokploy.Error
	if errors.As(err, &e) {
		return e.Status >= 500 || e.Status == http.StatusRequestTimeout || e.Status < 300 && e.Odd != ""
	}
	var te *dokploy.TransportError
	return errors.As(err, &te) && te.Made
}

// rejected is the outcome of a trigger that Dokploy does not have.
func (r *run) rejected(err error) *verdict.Error {
	o := verdict.Outcome{Status: verdict.Unreachable}
	o.Reason, o.Hint = explainOutage(err)
	var e *dokploy.Error
	switch {
	case dokploy.Refused(err):
		o.Status = verdict.Refused
	case dokploy.Unsupported(err):
		o = verdict.Reason{Kind: verdict.NoProcedure, Name: fmt.Sprintf("%s.%s", r.service.Kind, r.o.Operation), Text: r.version.String()}.Outcome()
	case dokploy.NotFound(err), errors.As(err, &e) && e.Odd == "" && e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests:
		o.Status = verdict.Invalid
	case errors.As(err, &e) && e.Odd == "" && e.Status < 600 && e.Status != http.StatusTooManyRequests:
		o.Status = verdict.Failed
	}
	return &verdict.Error{Outcome: o}
}

// heldBack is how long a trigger without an answer is looked for where it may
// be held back: Redis itself took 17 s to be used again.
const heldBack = 2 * time.Minute

// settle finds out whether Dokploy has a trigger whose answer was lost.
func (r *run) settle(ctx context.Context, lost error) (has bool, err error) {
	if r.queue == queueNone {
		r.unconfirmed = true
		r.warn("this Dokploy does not show its queue: the trigger counts as accepted, and is not repeated")
		return true, nil
	}
	// A request that a gateway gave up on may still be on its way through.
	const shortly = 6 * time.Second
	window := shortly
	var (
		e  *dokploy.Error
		te *dokploy.TransportError
	)
	if errors.As(lost, &e) && e.Status == http.StatusGatewayTimeout || errors.As(lost, &te) && (errors.Is(lost, context.DeadlineExceeded) || errors.Is(lost, context.Canceled)) {
		window = 20 * time.Second
	}
	// BullMQ without its Redis takes a trigger, does not answer, and runs it
	// when Redis is back (before 0.29.9; docs/dokploy.md, Triggers).
	held := window > shortly && r.traits.QueueSurvivesRestart
	if held {
		window = heldBack
	}
	if r.sent.unmarked {
		window = time.Minute // it is unpacked first
	}
	var (
		reachable time.Time // since when Dokploy answers again
		looks     int
	)
	// Often: a Git source that builds fast shows its marker for a moment only.
	loop := r.loop(wait.NewBackoff(100*time.Millisecond, 500*time.Millisecond))
	failed := loop.Failed
	loop.Failed = func(err error, outage time.Duration) {
		reachable, looks = time.Time{}, 0
		failed(err, outage)
	}
	// Until the marker is seen, it is not known that Dokploy has it.
	r.unconfirmed = true
	err = loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		q, err := r.readQueue(ctx)
		if err != nil {
			return wait.Pending, err
		}
		if q == nil {
			has = true
			return wait.Done, nil
		}
		if r.ourJob(q) != nil {
			r.unconfirmed = false
			has = true
			return wait.Done, nil
		}
		rows, err := r.client.Deployments(ctx, r.service.Kind, r.service.ID)
		if err != nil {
			return wait.Pending, err
		}
		alike := r.sent.alike // others', whose rows are still to come
		for _, row := range rows {
			if !r.known[row.ID] && r.mine(row.Title, row.Description) {
				if r.sent.unmarked && alike > 0 {
					alike--
					continue
				}
				r.unconfirmed, has = false, true
				return wait.Done, nil
			}
			if !r.known[row.ID] && r.overwritten(&row) {
				// It may be ours, gone by too fast: then it is not certain
				// that Dokploy does not have it.
				has = true
				return wait.Done, nil
			}
		}
		if reachable.IsZero() {
			reachable = time.Now()
		}
		// Dokploy may have restarted, and bring it back.
		looks++
		if looks >= 3 && time.Since(reachable) >= window && (anyActive(q) || r.quiet(reachable) >= comeback) {
			return wait.Done, nil
		}
		return wait.Pending, nil
	})
	if err == nil && !has && held {
		return false, verdict.Reason{Kind: verdict.HeldByRedis}.Err()
	}
	if !has {
		r.unconfirmed = false
	}
	return has, err
}

// ours reports whether a description carries the marker of this run.
func (r *run) ours(description string) bool {
	for _, t := range r.tokens {
		if strings.Contains(description, t) {
			return true
		}
	}
	return false
}

func (r *run) ourJob(q *dokploy.Queue) *dokploy.Job {
	if r.sent.unmarked {
		return r.unmarkedJob(q)
	}
	for i := range q.Jobs {
		if q.Jobs[i].ServiceID == r.service.ID && r.ours(q.Jobs[i].Description) {
			return &q.Jobs[i]
		}
	}
	return nil
}

// readQueue is nil without an error where the queue cannot be read at all.
func (r *run) readQueue(ctx context.Context) (*dokploy.Queue, error) {
	if r.queue == queueNone {
		return nil, nil
	}
	q, err := r.client.Queue(ctx)
	switch {
	case err == nil:
		r.queue = queueSeen
		return q, nil
	case r.queue == queueUntried && (dokploy.Unsupported(err) || dokploy.Denied(err)):
		r.queue = queueNone
		return nil, nil
	}
	return nil, err
}

// shortestRestart tells an outage in which Dokploy may have restarted from a
// hiccup on the way: 5 to 20 s were seen, of which up to 4 s may lie in the
// pause between two looks.
const shortestRestart = time.Second

// loop is the waiting of everything after the trigger: outages are outlived
// and spoken of.
func (r *run) loop(b backoff.BackOff) wait.Loop {
	told := false // of this outage
	r.downSince, r.counted = time.Time{}, false
	r.screen.unreachable(time.Time{})
	r.answers = func() {
		if told {
			told = false
			r.note("Dokploy answers again after %s", text.Duration(time.Since(r.downSince)))
		}
	}
	return wait.Loop{
		Backoff:     b,
		Tolerate:    r.o.Unreachable,
		LookTimeout: r.o.lookTimeout(),
		Fatal: func(err error) bool {
			var ended *verdict.Error
			return errors.As(err, &ended)
		},
		Failed: func(err error, outage time.Duration) {
			if r.downSince.IsZero() {
				r.downSince = time.Now().Add(-outage)
			}
			r.screen.unreachable(r.downSince)
			r.countOutage()
			if !told && outage >= time.Second {
				told = true
				what, _ := dokploy.Explain(err)
				r.warn("Dokploy cannot be reached (%s); trying for %s", what, text.Duration(r.o.Unreachable))
			}
		},
		Recovered: func(time.Duration) {
			r.answers()
			r.countOutage()
			r.downSince, r.counted = time.Time{}, false
			r.screen.unreachable(time.Time{})
			r.back = time.Now()
		},
	}
}

// countOutage notes that Dokploy may have restarted. It is called as soon as
// that is known, so that the first look that works again knows of it.
func (r *run) countOutage() {
	if !r.counted && !r.downSince.IsZero() && time.Since(r.downSince) >= shortestRestart {
		r.counted = true
		r.outages++
	}
}
