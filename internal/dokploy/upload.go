package dokploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// Upload sends a zip as the application's new source. That starts a deployment
// by itself, titled "Manual deployment" (docs/dokploy.md, Uploads). It is sent
// once, as a stream: write writes the zip, and is called at most once. Errors
// are those of Deploy, or a StalledError if nothing of it was sent for the
// duration stall. If Dokploy cannot read the zip, it has switched the source
// nevertheless, and the old code is gone.
func (c *Client) Upload(ctx context.Context, s *Service, name string, stall time.Duration, write func(io.Writer) error) error {
	const procedure = "application.dropDeployment"
	body, feed := io.Pipe()
	form := multipart.NewWriter(feed)
	written := make(chan error, 1)
	go func() {
		err := func() error {
			if err := form.WriteField("applicationId", s.ID); err != nil {
				return err
			}
			// Without it the server would set it to "" (docs/dokploy.md,
			// Uploads).
			if s.DropBuildPath != "" {
				if err := form.WriteField("dropBuildPath", s.DropBuildPath); err != nil {
					return err
				}
			}
			part, err := form.CreateFormFile("zip", name)
			if err != nil {
				return err
			}
			if err := write(part); err != nil {
				return &sourceError{err}
			}
			return form.Close()
		}()
		_ = feed.CloseWithError(err) // nil: the end
		written <- err
	}()
	// /api/application.dropDeployment answers 500: it expects JSON.
	err := c.stream(ctx, procedure, body, stall, form.FormDataContentType())
	_ = body.CloseWithError(errors.New("the upload has ended"))
	var broken *sourceError
	if werr := <-written; errors.As(werr, &broken) && !errors.Is(broken.err, io.ErrClosedPipe) {
		var e *Error
		if !errors.As(err, &e) {
			return &TransportError{Procedure: procedure, Made: true, Err: broken}
		}
	}
	return err
}

// sourceError is a failure to read what is uploaded, not to send it.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }

func (e *sourceError) Unwrap() error { return e.err }

// BrokenSource reports whether an upload failed because its source could not be
// read to the end. The server has received a part, and does not treat it as a
// request.
func BrokenSource(err error) bool {
	var e *sourceError
	return errors.As(err, &e)
}

// StalledError means that nothing of an upload was sent for that long.
type StalledError struct{ For time.Duration }

func (e *StalledError) Error() string {
	return fmt.Sprintf("the upload made no progress for %s", e.For)
}

// pieceSize is how much of an upload is sent at a time. If that much is not
// sent in time the upload counts as stalled.
const pieceSize = 4 << 10

// pacedBody measures how long each piece that was read takes to be sent.
type pacedBody struct {
	io.ReadCloser
	stalled *time.Timer
	limit   time.Duration
}

// Read is called once the previous piece was sent.
func (b *pacedBody) Read(p []byte) (int, error) {
	b.stalled.Stop()
	n, err := b.ReadCloser.Read(p[:min(len(p), pieceSize)])
	b.stalled.Reset(b.limit)
	return n, err
}

// answerTimeout limits the time from the last byte of an upload to its answer:
// the server unpacks the zip before it answers.
const answerTimeout = 5 * time.Minute

// stream posts a body of unknown length, which cannot be sent again. It fails
// with a StalledError if a piece is not sent within stall.
func (c *Client) stream(ctx context.Context, procedure string, body io.ReadCloser, stall time.Duration, contentType string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var made atomic.Bool
	patience := time.AfterFunc(requestTimeout, func() { cancel(context.DeadlineExceeded) })
	defer patience.Stop()
	stalled := time.AfterFunc(stall, func() { cancel(&StalledError{stall}) })
	stalled.Stop() // until there is something to send
	defer stalled.Stop()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			made.Store(true)
			patience.Stop() // the upload itself may take any time
		},
		WroteRequest: func(httptrace.WroteRequestInfo) {
			stalled.Stop()
			patience.Reset(answerTimeout)
		},
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint("/api/trpc/"+procedure, nil), &pacedBody{body, stalled, stall})
	if err != nil {
		return &TransportError{Procedure: procedure, Err: err}
	}
	c.setHeader(req.Header)
	req.Header.Set("Content-Type", contentType)
	resp, err := c.http.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return &TransportError{Procedure: procedure, Made: made.Load(), Err: cleanURLError(err)}
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, header: resp.Header}
	defer a.release()
	if err := c.read(ctx, a, resp.Body, maxErrorBody); err != nil {
		return &TransportError{Procedure: procedure, Made: true, Err: err}
	}
	a.odd = oddBody(a)
	return answerError(procedure, a)
}
