package deploy

import (
	"context"
	"errors"
	"io"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// maxUploads limits how often an upload that breaks off is started.
const maxUploads = 3

// upload sends the source, which starts a deployment. If it breaks off before
// its end it is started again: the server cannot have accepted it.
func (s *sender) upload(ctx context.Context) error {
	if err := retry(ctx, s.t.o, s.snapshotBeforeUpload); err != nil {
		return err
	}
	for try := 1; ; try++ {
		m, whole, err := s.sendSource(ctx)
		switch {
		case err == nil:
			s.uploaded.isUpload = true
			s.sent.state = track.Begin(s.order()).Answered(track.Answer{Kind: track.Taken, At: time.Now()})
			s.t.note("uploaded %s in %s", size(m.n), text.Duration(time.Since(m.start)))
			s.accepted()
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case whole && answerLost(err):
			return s.settleUpload(ctx, err)
		}
		if ended := s.uploadEnded(err, m.n, try); ended != nil {
			return ended
		}
		what, _ := dokploy.Explain(err)
		s.t.warn("the upload broke off after %s (%s); starting it again", size(m.n), what)
		if err := wait.Sleep(ctx, time.Duration(try)*2*time.Second); err != nil {
			return err
		}
	}
}

// sendSource sends the source once. whole means that the server may have
// received the last byte.
func (s *sender) sendSource(ctx context.Context) (m *meter, whole bool, err error) {
	m = &meter{screen: s.t.screen, start: time.Now(), said: time.Now()}
	s.sent.left = verdict.NothingStarted
	s.t.screen.doing(func() string { return "uploading the source" })
	defer s.t.screen.doing(nil)
	err = s.t.client.Upload(ctx, s.t.service, "source.zip", s.t.o.Unreachable, func(w io.Writer) error {
		m.w = w
		if _, err := s.t.o.Prepare.Source.WriteTo(m); err != nil {
			return err
		}
		// Everything that exists now is not ours: the last byte has not been
		// sent. If that cannot be seen, what was seen before is used.
		lookCtx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_ = s.snapshotBeforeUpload(lookCtx)
		s.sent.left = verdict.MaybeUploaded
		whole = true
		return nil
	})
	return m, whole, err
}

// uploadEnded returns the end that an error of an upload means; nil: it broke
// off, and may be started again.
func (s *sender) uploadEnded(err error, sent int64, try int) error {
	var (
		e       *dokploy.Error
		stalled *dokploy.StalledError
	)
	switch {
	case dokploy.BrokenSource(err):
		s.sent.left = verdict.NothingStarted
		bad := aboutInput("source", verdict.Reason{Kind: verdict.SourceUnread, Text: unwrapped(err)})
		bad.Hint = verdict.RunAgain
		return bad
	case errors.As(err, &stalled):
		// It has used all the time that an outage gets.
		_, hint := dokploy.Explain(err)
		o := verdict.Reason{Kind: verdict.UploadStalled, For: stalled.For, Text: size(sent)}.Outcome()
		o.Hint, o.Left = verdict.Hint(hint), verdict.NothingStarted
		return &verdict.Error{Outcome: o}
	case errors.As(err, &e) || try == maxUploads:
		s.sent.left = verdict.NothingStarted
		return s.t.rejected(err)
	}
	return nil
}

// settleUpload finds out what became of an upload whose answer was lost.
func (s *sender) settleUpload(ctx context.Context, lost error) error {
	what, _ := dokploy.Explain(lost)
	s.t.warn("no reply to the upload (%s); checking whether it arrived", what)
	s.uploaded.isUpload = true
	s.sent.state = track.Begin(s.order())
	has, err := s.resolveLostAnswer(ctx, lost)
	switch {
	case err != nil:
		return err
	case has:
		s.accepted()
		return nil
	}
	s.sent.left = verdict.NoUpload
	ended := s.t.rejected(lost)
	ended.Left, ended.Hint = verdict.NoUpload, verdict.UploadLost
	return ended
}

// snapshotBeforeUpload records which jobs and rows of the service are not ours.
func (s *sender) snapshotBeforeUpload(ctx context.Context) error {
	q, err := s.readQueue(ctx)
	if err != nil {
		return err
	}
	rows, err := s.t.client.Deployments(ctx, s.t.service.Kind, s.t.service.ID)
	if err != nil {
		return err
	}
	there := track.BeforeUpload(s.t.service.ID, q, rows)
	s.uploaded = uploaded{looked: true, jobs: there.Jobs, lookalikes: there.Lookalikes}
	s.base = s.base.with(rows)
	return nil
}

// readQueue returns nil without an error if the queue cannot be read at all.
func (s *sender) readQueue(ctx context.Context) (*dokploy.Queue, error) {
	if s.queue == track.QueueHidden {
		return nil, nil
	}
	q, err := s.t.client.Queue(ctx)
	switch {
	case err == nil:
		s.queue = track.QueueSeen
		return q, nil
	case s.queue == track.QueueUntried && (dokploy.Unsupported(err) || dokploy.Denied(err)):
		s.queue = track.QueueHidden
		return nil, nil
	}
	return nil, err
}

// meter counts what is sent, and reports it now and then.
type meter struct {
	screen *screen
	w      io.Writer
	n      int64
	start  time.Time
	said   time.Time
}

// sayEvery is the pause between two lines about an upload's progress.
const sayEvery = 5 * time.Second

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.n += int64(n)
	if now := time.Now(); now.Sub(m.said) >= sayEvery {
		m.said = now
		m.screen.note(size(m.n) + " sent")
	}
	return n, err
}
