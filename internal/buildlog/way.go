package buildlog

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/coder/websocket"

	"dokploy-deploy/internal/neterr"
)

// Way is how one log is had. What a server answers stays behind it.
type Way struct {
	// Path is where the log is, as the stream names it when it complains.
	Path string
	// Turn waits until a request may be sent, and returns the context for it.
	Turn func(ctx context.Context) (context.Context, error)
	// Open opens the stream, which begins with the first line. Its error is a
	// Refused where the handshake was answered.
	Open func(ctx context.Context) (*websocket.Conn, error)
	// IsError reports whether text is, or may become with its next frame, what
	// the stream says in the place of the log.
	IsError func(text []byte) bool
	// Read reads the last lines over REST, with the errors below; nil: the log
	// cannot be read so.
	Read func(ctx context.Context, lines int) (string, error)
}

// Refused is a handshake of the stream that was answered with this status.
type Refused int

func (e Refused) Error() string {
	return fmt.Sprintf("the log stream was answered with %d", int(e))
}

// Errors of a Way's Read. Any other one is an outage.
var (
	// ErrUnsupported: the server has no such way.
	ErrUnsupported = errors.New("this Dokploy has no other way to read it")
	// ErrTooLarge: fewer lines may be had.
	ErrTooLarge = errors.New("one of its lines is longer than Dokploy can read")
)

// ReadError is a read that was answered with something else than the log.
type ReadError struct {
	What   string // in words
	Denied bool   // it will always be
}

func (e *ReadError) Error() string { return "reading it another way failed: " + e.What }

// streamError is the end of a stream that the network brought.
type streamError struct {
	what string
	err  error
}

func (e *streamError) Error() string { return e.what + ": " + neterr.Words(e.err) }
func (e *streamError) Unwrap() error { return e.err }

// refused reports a handshake that was answered, and not by a gateway that
// reached nobody: asking again at once changes nothing.
func refused(err error) bool {
	var status Refused
	return errors.As(err, &status) && !unanswered(err)
}

// unanswered reports failures in which Dokploy was not there at all.
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
