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

// sender sends the trigger of one deployment, and keeps what is known of it until
// Dokploy has it.
type sender struct {
	t        target
	verifier *verifier // looks at what runs while it waits
	base     baseline
	began    time.Time // when the deployment did: before its first trigger
	tokens   []string  // of all its triggers, the newest last
	queue    track.QueueAccess
	uploaded uploaded
	sent     sent
	takenAt  time.Time // our clock, when Dokploy took it; zero: not known closely
}

// sent is what is known of a trigger that was sent, and what goes on in Dokploy.
type sent struct {
	state  track.State
	left   verdict.Left
	detail string // of that: what it waits for
}

func newSender(t target, v *verifier, base baseline, left verdict.Left) *sender {
	s := &sender{t: t, verifier: v, base: base, began: time.Now(), sent: sent{left: left}}
	if t.traits.HidesQueue {
		s.queue = track.QueueHidden
	}
	return s
}

// learn takes what a watch has found out.
func (s *sender) learn(e ending) {
	s.sent, s.queue = e.sent, e.sent.state.Queue()
}

// brokenOff is an error after something may have been sent.
func (s *sender) brokenOff(err error) error {
	return &brokenOff{
		err: err, left: s.sent.left, detail: s.sent.detail,
		// Dokploy may have lost what was last seen in its queue.
		stale: !s.sent.state.Unconfirmed() && s.verifier.down.long(),
	}
}

// trigger starts a deployment exactly once. A connection that was never made
// is tried again; an answer that was lost is settled first.
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
		s.t.warn("the answer to the trigger was lost (%s); looking whether Dokploy has it", what)
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
			// Dokploy's own words about its failure will be the same again.
			return s.t.rejected(err)
		}
		s.t.note("Dokploy does not have it: triggering again")
	}
}

func (s *sender) accepted() {
	s.sent.left = verdict.QueuedThere
	if s.t.o.Wait {
		s.t.note("Dokploy has accepted the deployment")
	} else {
		s.t.note("Dokploy has accepted the deployment; it is not followed (wait: false)")
	}
}

// send posts the trigger. It is repeated only while no connection is made, or
// a proxy says that it took too many requests.
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
		// What has been sent is not given up because the time for trying is
		// over: longer than the client's own limit, the answer matters.
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
// looked for beside it: 50 to 175 ms are usual.
const slowAnswer = 500 * time.Millisecond

// post sends the trigger once. When its answer is slow, the marker may show
// first that Dokploy has it: a Git source that builds fast shows it for a
// moment only.
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
func (s *sender) resolveLostAnswer(ctx context.Context, lost error) (has bool, err error) {
	answer := track.Answer{Kind: track.CutOff}
	var (
		e  *dokploy.Error
		te *dokploy.TransportError
	)
	if errors.As(lost, &e) && e.Status == http.StatusGatewayTimeout || errors.As(lost, &te) && (errors.Is(lost, context.DeadlineExceeded) || errors.Is(lost, context.Canceled)) {
		answer.Kind = track.GaveUp
	}
	s.sent.state = s.sent.state.Answered(answer)
	found, err := watch(ctx, s.t, s.verifier, s.base, s.sent)
	s.learn(found)
	if err == nil && found.last.End != nil {
		err = found.last.End.Reason.Err()
	}
	return found.shows(), err
}

// order is what is sent, and what was there before.
func (s *sender) order() track.Order {
	service := s.t.service
	o := track.Order{
		ServiceID: service.ID, Remote: service.ServerID != "", BuiltRemotely: service.BuildServerID != "",
		LosesMarker: s.t.o.Operation != "redeploy" && service.HasGit(),
		Traits:      s.t.traits, Queue: s.queue, SentAt: s.began,
	}
	if f := s.t.o.Follow; f != nil {
		o.Commit, o.StartTimeout = f.Commit, f.StartTimeout
		return o
	}
	o.Markers, o.Upload = slices.Clone(s.tokens), s.uploaded.isUpload
	o.Baseline = track.Baseline{Rows: s.base.ids(), Jobs: s.uploaded.jobs, Lookalikes: s.uploaded.lookalikes}
	return o
}

// rejected is the outcome of a trigger that Dokploy does not have.
func (t target) rejected(err error) *verdict.Error {
	o := verdict.Outcome{Status: verdict.Unreachable}
	o.Reason, o.Hint = explainOutage(err)
	var e *dokploy.Error
	switch {
	case dokploy.Refused(err):
		o.Status = verdict.Refused
	case dokploy.Unsupported(err):
		o = verdict.Reason{Kind: verdict.NoProcedure, Name: fmt.Sprintf("%s.%s", t.service.Kind, t.o.Operation), Text: t.version.String()}.Outcome()
	case dokploy.NotFound(err), errors.As(err, &e) && e.Odd == "" && e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests:
		o.Status = verdict.Invalid
	case errors.As(err, &e) && e.Odd == "" && e.Status < 600 && e.Status != http.StatusTooManyRequests:
		o.Status = verdict.Failed
	}
	return &verdict.Error{Outcome: o}
}
