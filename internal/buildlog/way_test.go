package buildlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

// A server that does not answer is no reason to give up its stream; one that
// refuses the stream is not asked again.
func TestUnanswered(t *testing.T) {
	errno := func(op string, e syscall.Errno) error {
		return fmt.Errorf("the log stream cannot be opened: %w", &net.OpError{Op: op, Err: &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", e)}})
	}
	for _, tt := range []struct {
		err                 error
		unanswered, refused bool
	}{
		{Refused(502), true, false},
		{Refused(503), true, false},
		{Refused(504), true, false},
		{Refused(500), false, true},
		{Refused(403), false, true},
		{errno("dial", syscall.ECONNREFUSED), true, false},
		{errno("dial", syscall.EHOSTUNREACH), true, false},
		{errno("dial", syscall.ENETUNREACH), true, false},
		{errno("proxyconnect", syscall.ECONNREFUSED), true, false},
		{errno("proxyconnect", syscall.ECONNRESET), false, false},
		{errno("dial", syscall.ECONNRESET), false, false},
		{errors.New("odd"), false, false},
	} {
		if got := unanswered(tt.err); got != tt.unanswered {
			t.Errorf("%v: unanswered %t", tt.err, got)
		}
		if got := refused(tt.err); got != tt.refused {
			t.Errorf("%v: refused %t", tt.err, got)
		}
	}
}

// Why a stream ended is reported in words that everybody knows.
func TestStreamErrorWords(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("failed to get reader: failed to read frame header: %w", io.EOF), "the log stream broke: the connection was closed early"},
		{fmt.Errorf("failed to ping: %w", context.DeadlineExceeded), "the log stream broke: no answer in time"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, "the log stream broke: the server refuses the TLS connection: handshake failure"},
		{&net.OpError{Op: "proxyconnect", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "the log stream broke: the proxy cannot be used: the connection was refused"},
		{errors.New("odd\nthing"), "the log stream broke: odd thing"},
	} {
		if got := describe(&streamError{"the log stream broke", tt.err}); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
