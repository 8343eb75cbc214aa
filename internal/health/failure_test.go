package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"

	"dokploy-deploy/internal/neterr"
)

// The messages for network errors that the servers of the other tests do not
// all cause.
func TestFailure(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	errno := func(e syscall.Errno) error { return dial(os.NewSyscallError("connect", e)) }
	leaf := &x509.Certificate{Subject: pkix.Name{CommonName: "x"}, DNSNames: []string{"a.example", "b.example"}, RawIssuer: []byte("1"), RawSubject: []byte("2")}
	bad := func(err error) error {
		return &tls.CertificateVerificationError{UnverifiedCertificates: []*x509.Certificate{leaf}, Err: err}
	}
	expired := &x509.Certificate{NotAfter: time.Date(2020, 1, 2, 3, 4, 0, 0, time.UTC)}
	future := &x509.Certificate{NotBefore: time.Date(9000, 1, 2, 3, 4, 0, 0, time.UTC)}
	traefik := &x509.Certificate{Subject: pkix.Name{CommonName: "TRAEFIK DEFAULT CERT"}}
	own := &x509.Certificate{RawIssuer: []byte("1"), RawSubject: []byte("1")}
	const (
		noRoute   = "a private address cannot be reached from a hosted runner, nor an IPv6 address from one without IPv6"
		setDNS    = "create its DNS record; a new one may take a while to spread, and a private name does not resolve everywhere"
		otherPort = "something else is listening on this port"
		proxyHint = "HTTPS_PROXY or HTTP_PROXY in this job's environment names it; hosts in NO_PROXY bypass it"
		noCommon  = "it may have no certificate for this host name, or no TLS settings in common with this program: check the host name, and the domain's certificate"
		ofClient  = "it may require a client certificate, which this program does not send: let this job in some other way"
		noTraefik = "nothing is listening on this port: the server's proxy (Traefik) is not running, or the port is wrong"
	)
	for _, tt := range []struct {
		err        error
		what, hint string
		unasked    bool
	}{
		{dial(&net.DNSError{Err: "no such host", Name: "h.example", IsNotFound: true}), `DNS does not know the host name "h.example"`, setDNS, true},
		{dial(&net.DNSError{Err: "server misbehaving", Name: "h.example"}), `the host name "h.example" cannot be looked up: server misbehaving`, hintDNS, true},
		{dial(&net.DNSError{Err: "i/o timeout", Name: "h.example", IsTimeout: true}), "the host name cannot be looked up: DNS does not answer", hintDNS, true},
		{bad(x509.UnknownAuthorityError{}), "the certificate is signed by an authority that is not trusted here", "pass the authority's certificate in the input ca-cert; a server that does not send its intermediate certificates looks the same", true},
		{&tls.CertificateVerificationError{UnverifiedCertificates: []*x509.Certificate{own}, Err: x509.UnknownAuthorityError{}}, "the certificate is self-signed", "pass it in the input ca-cert, or let Let's Encrypt issue one (in the domain's settings in Dokploy)", true},
		{&tls.CertificateVerificationError{UnverifiedCertificates: []*x509.Certificate{traefik}, Err: x509.HostnameError{Certificate: traefik, Host: "h.example"}}, "the certificate is still being issued", hintIssue, true},
		{bad(x509.HostnameError{Certificate: leaf, Host: "c.example"}), `the certificate is for another host: "a.example, b.example", not "h.example"`, "give the domain a certificate of its own in Dokploy, or use a host name that the certificate covers", true},
		{bad(x509.CertificateInvalidError{Cert: expired, Reason: x509.Expired}), "the certificate expired on 2020-01-02 03:04 UTC", "renew it, or check this machine's clock", true},
		{bad(x509.CertificateInvalidError{Cert: future, Reason: x509.Expired}), "the certificate is not valid before 9000-01-02 03:04 UTC", "check this machine's clock", true},
		{bad(x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}), "the certificate is not valid: x509: certificate is not authorized to sign other certificates", "", true},
		{bad(errors.New("odd")), "the certificate cannot be checked: odd", "", true},
		{tls.RecordHeaderError{RecordHeader: [5]byte{'H', 'T', 'T', 'P', '/'}}, "speaks plain HTTP where TLS was tried", "write http:// or the port that has TLS", false},
		{tls.RecordHeaderError{RecordHeader: [5]byte{'S', 'S', 'H', '-', '2'}}, "does not speak TLS", otherPort, false},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, "the server refuses the TLS connection: handshake failure", noCommon, false},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}, "the server refuses the TLS connection: certificate required", ofClient, true},
		{errors.New("tls: server selected unsupported protocol version 302"), "the TLS connection fails: server selected unsupported protocol version 302", "", false},
		{errno(syscall.ECONNREFUSED), "the connection was refused", noTraefik, false},
		{errno(10061), "the connection was refused", noTraefik, false},
		{errno(syscall.EHOSTUNREACH), "there is no route to the host", noRoute, false},
		{errno(10065), "there is no route to the host", noRoute, false},
		{errno(syscall.ENETUNREACH), "there is no route to the host", noRoute, false},
		{errno(10051), "there is no route to the host", noRoute, false},
		{errno(syscall.ECONNRESET), "the connection was closed before the answer", hintClosed, false},
		{errno(10054), "the connection was closed before the answer", hintClosed, false},
		{errno(syscall.EPIPE), "the connection was closed before the answer", hintClosed, false},
		{fmt.Errorf("odd: %w", io.EOF), "the connection was closed before the answer", hintClosed, false},
		{fmt.Errorf("odd: %w", io.ErrUnexpectedEOF), "the connection was closed before the answer", hintClosed, false},
		{errno(syscall.ETIMEDOUT), "no connection in time", hintFirewall, false},
		{context.DeadlineExceeded, "no connection in time", hintFirewall, false},
		{os.ErrDeadlineExceeded, "no connection in time", hintFirewall, false},
		{&net.OpError{Op: "proxyconnect", Err: errno(syscall.ECONNREFUSED)}, "this machine's proxy (HTTP_PROXY or HTTPS_PROXY) is unreachable: the connection was refused", proxyHint, true},
		{&net.OpError{Op: "proxyconnect", Err: errors.New("odd\n")}, "this machine's proxy (HTTP_PROXY or HTTPS_PROXY) is unreachable: odd?", proxyHint, true},
		{&neterr.ProxyError{Proxy: "p:1", Status: 407}, "the proxy p:1 does not let the request through: it answered 407 Proxy Authentication Required", "it asks for a login: put user and password into its address, as in http://user:password@proxy:3128; " + proxyHint, true},
		{&neterr.ProxyError{Proxy: "p:1", Status: 403}, "the proxy p:1 does not let the request through: it answered 403 Forbidden", "make it allow CONNECT to this host and port; " + proxyHint, true},
		{&neterr.ProxyError{Proxy: "p:1", Status: 504}, "the proxy p:1 does not let the request through: it answered 504 Gateway Timeout", "it cannot reach the server, or is broken; " + proxyHint, true},
		{&net.OpError{Op: "socks connect", Err: errors.New("unknown error connection refused")}, "the SOCKS proxy could not connect: connection refused", proxyHint, false},
		{&net.OpError{Op: "socks connect", Err: errors.New("no acceptable authentication methods")}, "the SOCKS proxy could not connect: no acceptable authentication methods", proxyHint, true},
		{errors.New(`net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15\x03\x01"`), "speaks TLS where plain HTTP was tried", "write https:// or the port without TLS", false},
		{textproto.ProtocolError("odd"), "the answer is not HTTP", otherPort, false},
		{dial(errors.New("odd\x00")), "odd?", "", false},
		{errors.New("odd"), "odd", "", false},
	} {
		if what, hint := failure(tt.err, &url.URL{Scheme: "https", Host: "h.example"}); what != tt.what || hint != tt.hint {
			t.Errorf("%v:\n%s\n%s\nwant\n%s\n%s", tt.err, what, hint, tt.what, tt.hint)
		}
		if got := neverArrived(tt.err); got != tt.unasked {
			t.Errorf("%v: unasked %t", tt.err, got)
		}
	}
}
