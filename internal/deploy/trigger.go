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

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
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
	if r.t.o.Prepare.Source != nil && r.t.service.Kind == dokploy.Application && !r.sent.looked {
		return r.upload(ctx)
	}
	r.sent.isUpload = false
	for sent := 1; ; sent++ {
		token := newToken()
		r.tokens = append(r.tokens, token)
		description := strings.TrimSpace(r.t.o.Description + " " + token)
		err := r.send(ctx, description)
		if err == nil {
			r.tracked = r.tracked.Answered(track.Answer{Kind: track.Taken, At: r.takenAt})
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
		r.t.warn("the answer to the trigger was lost (%s); looking whether Dokploy has it", what)
		has, serr := r.resolveLostAnswer(ctx, err)
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
		r.t.note("Dokploy does not have it: triggering again")
	}
}

func (r *run) accepted() {
	r.left = verdict.QueuedThere
	if r.t.o.Wait {
		r.t.note("Dokploy has accepted the deployment")
	} else {
		r.t.note("Dokploy has accepted the deployment; it is not followed (wait: false)")
	}
}

// send posts the trigger. It is repeated only while no connection is made, or
// a proxy says that it took too many requests.
func (r *run) send(ctx context.Context, description string) error {
	loop := wait.Loop{
		Backoff:  wait.NewBackoff(time.Second, time.Second),
		Tolerate: r.t.o.beforeTrigger(),
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
		r.tracked, r.takenAt = track.Begin(r.order()), time.Time{}
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
		answer <- r.t.client.Deploy(postCtx, r.t.service.Kind, r.t.o.Operation, r.t.service.ID, r.t.o.Title, description)
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
	go func() {
		d, _ := r.watch(watchCtx)
		seen <- d.Took == track.TookYes
	}()
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

// resolveLostAnswer finds out whether Dokploy has a trigger whose answer was lost.
func (r *run) resolveLostAnswer(ctx context.Context, lost error) (has bool, err error) {
	answer := track.Answer{Kind: track.CutOff}
	var (
		e  *dokploy.Error
		te *dokploy.TransportError
	)
	if errors.As(lost, &e) && e.Status == http.StatusGatewayTimeout || errors.As(lost, &te) && (errors.Is(lost, context.DeadlineExceeded) || errors.Is(lost, context.Canceled)) {
		answer.Kind = track.GaveUp
	}
	r.tracked = r.tracked.Answered(answer)
	d, err := r.watch(ctx)
	if err == nil && d.End != nil {
		err = d.End.Reason.Err()
	}
	return d.Took == track.TookYes, err
}

// order is what is sent, and what was there before.
func (r *run) order() track.Order {
	s := r.t.service
	o := track.Order{
		ServiceID: s.ID, Remote: s.ServerID != "", BuiltRemotely: s.BuildServerID != "",
		LosesMarker: r.t.o.Operation != "redeploy" && s.HasGit(),
		Traits:      r.t.traits, Queue: r.queue, SentAt: r.triggered,
	}
	if f := r.t.o.Follow; f != nil {
		o.Commit, o.StartTimeout = f.Commit, f.StartTimeout
		return o
	}
	o.Markers, o.Upload = slices.Clone(r.tokens), r.sent.isUpload
	o.Baseline = track.Baseline{Rows: r.base.ids(), Jobs: r.sent.jobs, Lookalikes: r.sent.lookalikes}
	return o
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
		o = verdict.Reason{Kind: verdict.NoProcedure, Name: fmt.Sprintf("%s.%s", r.t.service.Kind, r.t.o.Operation), Text: r.t.version.String()}.Outcome()
	case dokploy.NotFound(err), errors.As(err, &e) && e.Odd == "" && e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests:
		o.Status = verdict.Invalid
	case errors.As(err, &e) && e.Odd == "" && e.Status < 600 && e.Status != http.StatusTooManyRequests:
		o.Status = verdict.Failed
	}
	return &verdict.Error{Outcome: o}
}
