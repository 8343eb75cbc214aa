package neterr

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"
)

// For several nested errors, the outermost one with a meaning counts. (The
// messages are tested where they are shown, in health and dokploy.)
func TestOf(t *testing.T) {
	timeout := &net.DNSError{Err: "i/o timeout", Name: "x", IsTimeout: true}
	dial := &net.OpError{Op: "dial", Err: timeout}
	for _, tt := range []struct {
		err   error
		kind  Kind
		cause error
	}{
		{dial, NoDNS, timeout},
		{&net.OpError{Op: "proxyconnect", Err: dial}, ProxyFailed, dial},
		{fmt.Errorf("%w: %w", context.DeadlineExceeded, timeout), NoDNS, timeout},
		{fmt.Errorf("get: %w", http.ErrSchemeMismatch), PlainHTTP, nil},
		{errors.New("odd"), Other, nil},
	} {
		f := Of(tt.err)
		if f.Kind != tt.kind || tt.cause != nil && f.Cause != tt.cause { //nolint:errorlint // the same error, not a wrapped one
			t.Errorf("%v: %+v", tt.err, f)
		}
	}
}

func TestOnProxyConnectResponse(t *testing.T) {
	at := &url.URL{Scheme: "http", Host: "proxy.example:3128"}
	if err := OnProxyConnectResponse(t.Context(), at, nil, &http.Response{StatusCode: 200}); err != nil {
		t.Error(err)
	}
	err := OnProxyConnectResponse(t.Context(), at, nil, &http.Response{StatusCode: 407})
	if f := Of(fmt.Errorf("get: %w", err)); f.Kind != ProxyRefused || f.Cause.Error() != "the proxy proxy.example:3128 does not let the request through: it answered 407 Proxy Authentication Required" {
		t.Errorf("%+v", f)
	}
}
