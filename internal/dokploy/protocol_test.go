package dokploy

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// TestSpeaksHTTP1 checks that requests use HTTP/1.1 even if the server has
// HTTP/2: for HTTP/2, net/http repeats requests by its own rules.
func TestSpeaksHTTP1(t *testing.T) {
	var protocol string
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol = r.Proto
		_, _ = io.WriteString(w, `"v0.30.2"`)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	base, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{URL: base, Key: "key", CACerts: []*x509.Certificate{srv.Certificate()}})
	if v, err := c.Version(t.Context()); err != nil || !v.Known() {
		t.Fatalf("%v, %v", v, err)
	}
	if protocol != "HTTP/1.1" {
		t.Errorf("asked in %s", protocol)
	}
}
