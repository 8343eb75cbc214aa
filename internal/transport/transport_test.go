package transport

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"dokploy-deploy/internal/neterr"
)

// Requests to a server with HTTP/2 and its own certificate use HTTP/1.1, and
// only if the certificate is trusted, or checking is off.
func TestNew(t *testing.T) {
	var protocol string
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { protocol = r.Proto }))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	for name, tt := range map[string]struct {
		authorities []*x509.Certificate
		skipVerify  bool
		kind        neterr.Kind
	}{
		"not trusted":      {kind: neterr.UnknownAuthority},
		"trusted":          {authorities: []*x509.Certificate{srv.Certificate()}},
		"without checking": {skipVerify: true},
	} {
		t.Run(name, func(t *testing.T) {
			protocol = ""
			tr := New(tt.authorities, tt.skipVerify)
			defer tr.CloseIdleConnections()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := tr.RoundTrip(req)
			if err != nil {
				if kind := neterr.Of(err).Kind; kind != tt.kind {
					t.Errorf("%v: %d", err, kind)
				}
				return
			}
			_ = resp.Body.Close()
			if tt.kind != neterr.Other || protocol != "HTTP/1.1" {
				t.Errorf("asked in %s", protocol)
			}
		})
	}
	tr := New(nil, false)
	if tr.Proxy == nil {
		t.Error("the proxy of this machine is not used")
	}
	// Custom TLS settings happen to switch HTTP/2 off, too.
	if p := tr.Protocols; p == nil || p.HTTP2() || !p.HTTP1() {
		t.Errorf("speaks %v", p)
	}
}
