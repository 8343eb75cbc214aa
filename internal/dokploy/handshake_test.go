package dokploy

import (
	"context"
	"io"
	"net"
	"net/url"
	"testing"
	"testing/synctest"
)

// A failed TLS handshake is explained in words that everybody knows.
func TestHandshakes(t *testing.T) {
	for name, tt := range map[string]struct {
		says string // then it closes; "": it takes what comes and is silent
		want string
	}{
		"silence":           {"", "the server accepts the connection but does not answer the TLS handshake"},
		"handshake failure": {"\x15\x03\x03\x00\x02\x02\x28", "the server refuses the TLS connection: handshake failure"},
		"unrecognized name": {"\x15\x03\x03\x00\x02\x02\x70", "the server refuses the TLS connection: unrecognized name"},
		"an old version":    {"\x15\x03\x03\x00\x02\x02\x46", "the server refuses the TLS connection: protocol version not supported"},
		"a certificate":     {"\x15\x03\x03\x00\x02\x02\x74", "the server refuses the TLS connection: certificate required"},
		"another protocol":  {"SSH-2.0-OpenSSH_9.6\r\n", "the server does not speak TLS"},
		"plain HTTP":        {"HTTP/1.1 400 Bad Request\r\n\r\n", "the server speaks plain HTTP where TLS was tried"},
		"half a handshake":  {"\x16\x03\x03\x00\x7a\x02", "the connection was closed early"},
		"an empty greeting": {"\x16\x03\x03\x00\x04\x02\x00\x00\x00", "the TLS connection fails: error decoding message"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := New(Options{URL: &url.URL{Scheme: "https", Host: "dokploy.test"}, Dial: func(context.Context, string, string) (net.Conn, error) {
					near, far := net.Pipe()
					go func() {
						defer far.Close()
						if tt.says == "" {
							_, _ = io.Copy(io.Discard, far)
							return
						}
						_, _ = far.Read(make([]byte, 4096)) // the greeting
						_, _ = io.WriteString(far, tt.says)
					}()
					return near, nil
				}})
				_, err := c.Version(t.Context())
				if what, _ := Explain(err); what != tt.want {
					t.Errorf("%q, want %q (%v)", what, tt.want, err)
				}
			})
		})
	}
}
