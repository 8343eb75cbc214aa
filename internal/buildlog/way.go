package buildlog

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/coder/websocket"

	"dokploy-deploy/internal/neterr"
)

// Way is access to one log. It hides what the server's answers look like.
type Way struct {
	// Path is the path of the log file, as the stream names it in its errors.
	Path string
	// Turn waits until a request may be sent, and returns the context for it.
	Turn func(ctx context.Context) (context.Context, error)
	// Open opens the stream, which starts with the first line. If the handshake
	// was answered, its error is a Refused.
	Open func(ctx context.Context) (*websocket.Conn, error)
	// IsError reports whether text is what the stream sends in place of the
	// log, or may become that with the next frame.
	IsError func(text []byte) bool
	// Read reads the last lines over REST. It returns the errors below; nil:
	// the log cannot be read that way.
	Read func(ctx context.Context, lines int) (string, error)
}

// Refused is the status with which a handshake was answered.
type Refused int

func (e Refused) Error() string {
	return fmt.Sprintf("the log stream was answered with %d", int(e))
}

// Errors of a Way's Read. Any other error is an outage.
var (
	// ErrUnsupported: the server does not have this call.
	ErrUnsupported = errors.New("this Dokploy has no other way to read it")
	// ErrTooLarge: fewer lines may work.
	ErrTooLarge = errors.New("one of its lines is longer than Dokploy can read")
)

// ReadError is a read that was answered with something other than the log.
type ReadError struct {
	What   string // the answer in words
	Denied bool   // it will stay that way
}

func (e *ReadError) Error() string { return "reading it another way failed: " + e.What }

// streamError is a stream that ended because of the network.
type streamError struct {
	what string
	err  error
}

func (e *streamError) Error() string { return e.what + ": " + neterr.Words(e.err) }
func (e *streamError) Unwrap() error { return e.err }

// refused reports whether a handshake was answered, other than by a gateway
// that could not reach the server. Asking again at once changes nothing.
func refused(err error) bool {
	var status Refused
	return errors.As(err, &status) && !unanswered(err)
}

// unanswered reports whether Dokploy was not there at all.
func unanswered(err error) bool {
	var status Refused
	if errors.As(err, &status) {
		return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
	}
	switch f := neterr.Of(err); f.Kind {
	case neterr.Refused, neterr.Unreachable:
		return true
	case neterr.ProxyFailed:
		return unanswered(f.Cause)
	}
	return false
}
