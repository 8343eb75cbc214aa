package dokploy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"syscall"
	"testing"

	"dokploy-deploy/internal/neterr"
)

// The messages for network errors that the hostile servers do not all cause.
func TestExplainNetwork(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	errno := func(e syscall.Errno) error { return dial(os.NewSyscallError("connect", e)) }
	bad := func(err error) error { return &tls.CertificateVerificationError{Err: err} }
	alert := func(name string) error { return &net.OpError{Op: "remote error", Err: errors.New("tls: " + name)} }
	const (
		proxyHint = "HTTPS_PROXY or HTTP_PROXY in this job's environment names it; hosts in NO_PROXY bypass it"
		noCommon  = "it may have no certificate for this host name, or no TLS settings in common with this program: check the host name, and the domain's certificate"
		ofClient  = "it may require a client certificate, which this program does not send: let this job in some other way"
		otherPort = "something else is listening on this port"
	)
	for _, tt := range []struct {
		err        error
		what, hint string
		permanent  bool
	}{
		{dial(&net.DNSError{Err: "no such host", Name: "h.example", IsNotFound: true}), `DNS does not know the host name "h.example"`, "check the input url; a private name may resolve on your machine but not where this job runs", true},
		{dial(&net.DNSError{Err: "server misbehaving", Name: "h.example"}), `the name "h.example" cannot be looked up: server misbehaving`, "DNS does not answer on the machine this job runs on", false},
		{dial(&net.DNSError{Err: "i/o timeout", Name: "h.example", IsTimeout: true}), `the name "h.example" cannot be looked up: i/o timeout`, "DNS does not answer on the machine this job runs on", false},
		{bad(x509.UnknownAuthorityError{}), "the certificate is signed by an authority that is not trusted here", "pass the authority's certificate in the input ca-cert; until a domain is set, Dokploy uses a self-signed one", true},
		{bad(x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"a.example"}}, Host: "b.example"}), "the certificate is for another host: x509: certificate is valid for a.example, not b.example", "use a host name that the certificate covers in the input url", true},
		{bad(x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}), "the certificate is not valid: x509: certificate is not authorized to sign other certificates", "check its dates and this machine's clock", true},
		{bad(errors.New("odd")), "the certificate cannot be checked: odd", "", true},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake", RecordHeader: [5]byte{'H', 'T', 'T', 'P', '/'}}, "the server speaks plain HTTP where TLS was tried", "write http:// in the input url (Dokploy's port 3000 has no TLS), or use the domain behind its proxy", true},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake", RecordHeader: [5]byte{'S', 'S', 'H', '-', '2'}}, "the server does not speak TLS", "something else is listening on this port: check the input url", true},
		{http.ErrSchemeMismatch, "the server speaks plain HTTP where TLS was tried", "write http:// in the input url (Dokploy's port 3000 has no TLS), or use the domain behind its proxy", true},
		{alert("handshake failure"), "the server refuses the TLS connection: handshake failure", noCommon, false},
		{alert("unrecognized name"), "the server refuses the TLS connection: unrecognized name", noCommon, false},
		{alert("internal error"), "the server refuses the TLS connection: internal error", noCommon, false},
		{alert("protocol version not supported"), "the server refuses the TLS connection: protocol version not supported", "it may only support TLS versions before 1.2", false},
		{alert("certificate required"), "the server refuses the TLS connection: certificate required", ofClient, false},
		{alert("bad certificate"), "the server refuses the TLS connection: bad certificate", ofClient, false},
		{errors.New("tls: server selected unsupported protocol version 302"), "the TLS connection fails: server selected unsupported protocol version 302", "", false},
		{&net.OpError{Op: "local error", Err: errors.New("tls: bad record MAC")}, "the TLS connection fails: bad record MAC", "", false},
		{errors.New(`net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15\x03\x01\x00"`), "the server speaks TLS where plain HTTP was tried", "write https:// in the input url", true},
		{errors.New(`net/http: HTTP/1.x transport connection broken: malformed HTTP response "220 mail"`), `the answer to project.all is not HTTP: malformed HTTP response "220 mail"`, otherPort, false},
		{textproto.ProtocolError("malformed MIME header: missing colon: \"x\""), `the answer to project.all is not HTTP: malformed MIME header: missing colon: "x"`, otherPort, false},
		{errno(syscall.ECONNREFUSED), "the connection was refused", "Dokploy is not running there, or listens on another port (3000 by default)", false},
		{errno(syscall.ECONNRESET), "the connection was reset", "", false},
		{errno(syscall.EPIPE), "the connection was closed early", "", false},
		{errno(syscall.EHOSTUNREACH), "there is no route to the host", "a private address cannot be reached from a hosted runner", false},
		{errno(syscall.ENETUNREACH), "there is no route to the host", "a private address cannot be reached from a hosted runner", false},
		{errno(syscall.ETIMEDOUT), "no answer in time", "a firewall may be dropping the connection: allow this runner, or run the job on a runner inside the network", false},
		{context.DeadlineExceeded, "no answer in time", "a firewall may be dropping the connection: allow this runner, or run the job on a runner inside the network", false},
		{os.ErrDeadlineExceeded, "no answer in time", "a firewall may be dropping the connection: allow this runner, or run the job on a runner inside the network", false},
		{handshakeTimeout{}, "the server accepts the connection but does not answer the TLS handshake", "the server, or a proxy or firewall in front of it, hangs", false},
		{io.EOF, "the connection was closed early", "", false},
		{fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", io.ErrUnexpectedEOF), "the connection was closed early", "", false},
		{fmt.Errorf("odd: %w", io.EOF), "the connection was closed early", "", false},
		{errors.New("http: server closed idle connection"), "the connection was closed early", "", false},
		{&net.OpError{Op: "proxyconnect", Net: "tcp", Err: errno(syscall.ECONNREFUSED)}, "the proxy cannot be used: the connection was refused", proxyHint, false},
		{&net.OpError{Op: "proxyconnect", Net: "tcp", Err: dial(&net.DNSError{Err: "no such host", Name: "p.example", IsNotFound: true})}, `the proxy cannot be used: DNS does not know the host name "p.example"`, proxyHint, true},
		{&net.OpError{Op: "proxyconnect", Net: "tcp", Err: errors.New("odd")}, "the proxy cannot be used: odd", proxyHint, false},
		{&neterr.ProxyError{Proxy: "p.example:1", Status: 407}, "the proxy p.example:1 does not let the request through: it answered 407 Proxy Authentication Required", "it asks for a login: put user and password into its address, as in http://user:password@proxy:3128; " + proxyHint, false},
		{&neterr.ProxyError{Proxy: "p.example:1", Status: 403}, "the proxy p.example:1 does not let the request through: it answered 403 Forbidden", "make it allow CONNECT to this host and port; " + proxyHint, false},
		{&neterr.ProxyError{Proxy: "p.example:1", Status: 502}, "the proxy p.example:1 does not let the request through: it answered 502 Bad Gateway", "it cannot reach the server, or is broken; " + proxyHint, false},
		{&net.OpError{Op: "socks connect", Err: errors.New("unknown error host unreachable")}, "the SOCKS proxy could not connect: host unreachable", proxyHint, false},
		{&net.OpError{Op: "socks connect", Err: errors.New("no acceptable authentication methods")}, "the SOCKS proxy could not connect: no acceptable authentication methods", proxyHint, false},
		{&brokenAnswer{3, errno(syscall.ECONNRESET)}, "the connection was closed in the middle of the answer to project.all (3 bytes received)", "", false},
		{&brokenAnswer{3, io.ErrUnexpectedEOF}, "the connection was closed in the middle of the answer to project.all (3 bytes received)", "", false},
		{&brokenAnswer{3, context.DeadlineExceeded}, "the answer to project.all did not end in time (3 bytes received)", "the server, or a proxy in front of it, hangs", false},
		{&brokenAnswer{3, os.ErrDeadlineExceeded}, "the answer to project.all did not end in time (3 bytes received)", "the server, or a proxy in front of it, hangs", false},
		{&brokenAnswer{3, errors.New("odd \n thing")}, "the answer to project.all cannot be read: odd thing", "", false},
		{errors.New("odd \n thing"), "project.all: odd thing", "", false},
	} {
		err := &TransportError{Procedure: "project.all", Err: tt.err}
		if what, hint := Explain(err); what != tt.what || hint != tt.hint {
			t.Errorf("%v:\n%s\n%s\nwant\n%s\n%s", tt.err, what, hint, tt.what, tt.hint)
		}
		if got := Permanent(err); got != tt.permanent {
			t.Errorf("%v: permanent %t", tt.err, got)
		}
	}
}

// handshakeTimeout is an error of net/http that it does not export.
type handshakeTimeout struct{}

func (handshakeTimeout) Timeout() bool   { return true }
func (handshakeTimeout) Temporary() bool { return true }
func (handshakeTimeout) Error() string   { return "net/http: TLS handshake timeout" }
