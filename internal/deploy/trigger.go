package deploy

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// newToken returns the marker for one trigger. It stands at the end of the
// description, where the queue and the rows show it.
func newToken() string {
	return "[dd-" + strings.ToLower(rand.Text()[:12]) + "]"
}

// maxTriggers limits how often a trigger is sent if all its answers are lost.
const maxTriggers = 3

// trigger starts a deployment exactly once. If no connection was made it tries
// again; if an answer was lost it first finds out what became of the trigger.
func (s *sender) trigger(ctx context.Context) error {
	if s.t.o.Prepare.Source != nil && s.t.service.Kind == dokploy.Application && !s.uploaded.looked {
		return s.upload(ctx)
	}
	s.uploaded.isUpload = false
	for sent := 1; ; sent++ {
		token := newToken()
		s.tokens = append(s.tokens, token)
		description := strings.TrimSpace(s.t.o.Description + " " + token)
		err := s.send(ctx, description)
		if err == nil {
			s.sent.state = s.sent.state.Answered(track.Answer{Kind: track.Taken, At: s.takenAt})
			s.accepted()
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !answerLost(err) {
			return s.t.rejected(err)
		}
		what, _ := dokploy.Explain(err)
		s.t.warn("no reply to the deploy request (%s); checking whether it arrived", what)
		has, serr := s.resolveLostAnswer(ctx, err)
		switch {
		case serr != nil:
			return serr
		case has:
			s.accepted()
			return nil
		}
		s.sent.left = verdict.NothingStarted
		var e *dokploy.Error
		if sent >= maxTriggers || errors.As(err, &e) && e.Odd == "" {
			// Dokploy would fail in the same way again.
			return s.t.rejected(err)
		}
		s.t.note("it did not arrive: sending it again")
	}
}

// send posts the trigger. It is repeated only while no connection is made, or
// if a proxy answers that there were too many requests.
func (s *sender) send(ctx context.Context, description string) error {
	loop := wait.Loop{
		Backoff:  wait.NewBackoff(time.Second, time.Second),
		Tolerate: s.t.o.beforeTrigger(),
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
		// A request that was sent is not abandoned when the time for trying is
		// over: its answer matters. The limit is longer than the client's own.
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		s.base = s.base.fresh(ctx, s.t)
		if ctx.Err() != nil {
			return wait.Pending, context.Cause(ctx) // not sent
		}
		s.sent.left = verdict.MaybeTaken
		s.sent.state, s.takenAt = track.Begin(s.order()), time.Time{}
		sent := time.Now()
		err := s.post(ctx, description)
		if err != nil && !answerLost(err) {
			s.sent.left = verdict.NothingStarted
		}
		if err != nil {
			return wait.Pending, err
		}
		if time.Since(sent) < slowAnswer {
			s.takenAt = time.Now()
		}
		return wait.Done, nil
	})
}

// slowAnswer is how long the answer to a trigger may take before its marker is
// searched for as well; 50 to 175 ms are usual.
const slowAnswer = 500 * time.Millisecond

// post sends the trigger once. If its answer is slow, the marker may show first
// that Dokploy has it: a Git source that builds fast shows it only for a
// moment.
func (s *sender) post(ctx context.Context, description string) error {
	postCtx, cancel := withGrace(ctx, lastAnswer)
	defer cancel()
	answer := make(chan error, 1)
	go func() {
		answer <- s.t.client.Deploy(postCtx, s.t.service.Kind, s.t.o.Operation, s.t.service.ID, s.t.o.Title, description)
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
	seen := make(chan ending, 1)
	go func() {
		e, _ := watch(watchCtx, s.t, s.verifier, s.base, s.sent)
		seen <- e
	}()
	var (
		e   ending
		err error
	)
	select {
	case err = <-answer:
		stop()
		e = <-seen
	case e = <-seen:
		if e.shows() {
			cancel()
		}
		err = <-answer
	}
	s.learn(e)
	if e.shows() {
		return nil
	}
	return err
}

// lastAnswer is how long the program waits for the answer to a trigger after an
// interrupt. The answer decides what can be said about the deployment.
const lastAnswer = time.Second

// withGrace returns a context that ends some time after its parent.
func withGrace(parent context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		_ = wait.Sleep(ctx, grace)
		cancel()
	})
	return ctx, func() { stop(); cancel() }
}
