package dokploy

import (
	"errors"
	"io"
	"testing"

	"dokploy-deploy/internal/buildlog"
)

// What an answer means for the log, and what is reported about it.
func TestLogError(t *testing.T) {
	for _, tt := range []struct {
		err    error
		is     error
		text   string
		denied bool
	}{
		{err: &Error{Status: 404, Message: "Not found"}, is: buildlog.ErrUnsupported},
		{err: &Error{Status: 500, Message: "stdout maxBuffer length exceeded"}, is: buildlog.ErrTooLarge},
		{err: &Error{Status: 500, Message: "spawn ENOMEM", Procedure: "deployment.readLogs"}, text: "reading it another way failed: Dokploy answered 500 to deployment.readLogs: spawn ENOMEM"},
		{err: &Error{Status: 401, Message: "No access.", Code: "UNAUTHORIZED"}, denied: true, text: "reading it another way failed: Dokploy does not allow this key to do that (401): No access."},
		{err: &Error{Status: 401}, text: "reading it another way failed: Dokploy refuses the key (401)"},
		{err: &TransportError{Procedure: "deployment.readLogs", Err: io.EOF}, text: "reading it another way failed: the connection was closed early"},
	} {
		err := logError(tt.err)
		if tt.is != nil {
			if !errors.Is(err, tt.is) {
				t.Errorf("%v means %v, want %v", tt.err, err, tt.is)
			}
			continue
		}
		var e *buildlog.ReadError
		if !errors.As(err, &e) || e.Denied != tt.denied || err.Error() != tt.text {
			t.Errorf("%v means %+v, want %q", tt.err, err, tt.text)
		}
	}
	if err := logError(nil); err != nil {
		t.Error(err)
	}
}
