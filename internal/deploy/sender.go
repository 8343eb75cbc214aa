package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
)

// sender sends the trigger of one deployment, and keeps what is known about it
// until Dokploy has it.
type sender struct {
	t        target
	verifier *verifier // looks at what is running while it waits
	base     baseline
	began    time.Time // start of the deployment, before its first trigger
	tokens   []string  // of all its triggers, newest last
	queue    track.QueueAccess
	uploaded uploaded
	sent     sent
	takenAt  time.Time // when Dokploy accepted it, by our clock; zero: not known closely
}

func newSender(t target, v *verifier, base baseline, left verdict.Left) *sender {
	s := &sender{t: t, verifier: v, base: base, began: time.Now(), sent: sent{left: left}}
	if t.traits.HidesQueue {
		s.queue = track.QueueHidden
	}
	return s
}

// learn records the result of a watch.
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

// order returns what was sent, and what was there before.
func (s *sender) order() track.Order {
	service := s.t.service
	o := track.Order{
		ServiceID: service.ID, Remote: service.ServerID != "", BuiltRemotely: service.BuildServerID != "",
		LosesMarker: s.t.o.Operation != "redeploy" && service.HasGit(),
		Traits:      s.t.traits, Queue: s.queue, SentAt: s.began,
	}
	if f := s.t.o.Follow; f != nil {
		o.Commit, o.StartTimeout = f.Commit, f.StartTimeout
		if service.PullRequest != 0 {
			o.Preview, o.ServiceID, o.LosesMarker = service.PullRequest, service.PreviewID, false
		}
		return o
	}
	o.Markers, o.Upload = slices.Clone(s.tokens), s.uploaded.isUpload
	o.Baseline = track.Baseline{Rows: s.base.ids(), Jobs: s.uploaded.jobs, Lookalikes: s.uploaded.lookalikes}
	return o
}

func (s *sender) accepted() {
	s.sent.left = verdict.QueuedThere
	if s.t.o.Wait {
		s.t.note("Dokploy accepted the deployment")
	} else {
		s.t.note("Dokploy accepted the deployment; not following it (wait: false)")
	}
}

// answerLost reports whether Dokploy may have the trigger although there was an
// error.
func answerLost(err error) bool {
	var e *dokploy.Error
	if errors.As(err, &e) {
		return e.Status >= 500 || e.Status == http.StatusRequestTimeout || e.Status < 300 && e.Odd != ""
	}
	var te *dokploy.TransportError
	return errors.As(err, &te) && te.Made
}

// resolveLostAnswer finds out whether Dokploy has a trigger whose answer was
// lost.
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

// uploaded is what is known about a source that was sent. Its deployment has no
// marker: it is the only one that came after the upload's last byte.
type uploaded struct {
	isUpload   bool     // this run's deployment is an upload's
	looked     bool     // what was there before that byte was read
	jobs       []string // keys of the service's jobs before it
	lookalikes int      // those that cannot be distinguished from the upload's
}
