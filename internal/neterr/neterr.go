// Package neterr says what a network error means. Dokploy's API, its logs and
// the health check use it. What to do about an error mostly depends on who was
// asked, so most hints are theirs.
package neterr

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
	"net/url"
	"strings"
	"syscall"

	"dokploy-deploy/internal/text"
)

// Kind is the kind of a network error.
type Kind int

// The kinds that are distinguished.
const (
	Other                Kind = iota // anything else: use the error's own words
	ProxyRefused                     // this machine's proxy answered in place of the host
	ProxyFailed                      // no connection to that proxy; Cause says why
	SocksFailed                      // this machine's SOCKS proxy cannot connect; Cause says why
	UnknownName                      // DNS has no such name
	NoDNS                            // DNS does not answer, or answers with a failure
	UnknownAuthority                 // the certificate's issuer is not trusted
	OtherHost                        // the certificate is for another host
	InvalidCertificate               // the certificate's dates or purpose are wrong
	UncheckedCertificate             // the certificate cannot be checked for another reason
	PlainHTTP                        // plain HTTP where TLS was expected
	NoTLS                            // neither TLS nor HTTP
	RemoteAlert                      // the server ended the TLS handshake with an alert
	BadTLS                           // this side ended the TLS handshake
	HandshakeTimeout                 // the TLS handshake took too long
	OnlyTLS                          // TLS where plain HTTP was expected
	NotHTTP                          // the answer is neither HTTP nor TLS
	Refused                          // the connection was refused
	Unreachable                      // no route to the host or its network
	Reset                            // the connection was reset
	Closed                           // the connection was closed too early, without a reset
	Timeout                          // of a connection or a context
)

// Failure is the meaning of an error.
type Failure struct {
	Kind Kind
	// What describes it in words that fit whoever was asked, and contains
	// nothing that a server sent; empty: there are none for this kind.
	What string
	// Hint says what to do, where that is the same for whoever was asked.
	Hint string
	// Cause is the part of the error that shows it.
	Cause error
}

// Certificate reports whether the server's certificate was rejected.
func (k Kind) Certificate() bool { return k >= UnknownAuthority && k <= UncheckedCertificate }

// Of returns the meaning of err.
func Of(err error) Failure {
	var (
		refused   *ProxyError
		op        *net.OpError
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		unchecked *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		protocol  textproto.ProtocolError
		timeout   net.Error
	)
	isOp := errors.As(err, &op)
	switch {
	case errors.As(err, &refused):
		return Failure{Kind: ProxyRefused, What: refused.Error(), Hint: refused.hint(), Cause: refused}
	case isOp && op.Op == "proxyconnect":
		return Failure{Kind: ProxyFailed, Hint: proxyHint, Cause: op.Err}
	case isOp && op.Op == "socks connect":
		says := strings.TrimPrefix(op.Err.Error(), "unknown error ")
		return Failure{Kind: SocksFailed, What: "the SOCKS proxy could not connect: " + text.OneLine(says), Hint: proxyHint, Cause: op.Err}
	case errors.As(err, &dns) && dns.IsNotFound:
		return Failure{Kind: UnknownName, What: fmt.Sprintf("DNS does not know the host name %q", dns.Name), Cause: dns}
	case dns != nil:
		return Failure{Kind: NoDNS, What: fmt.Sprintf("the name %q cannot be looked up: %s", dns.Name, dns.Err), Cause: dns}
	case errors.As(err, &authority):
		return Failure{Kind: UnknownAuthority, What: "the certificate is signed by an authority that is not trusted here", Cause: authority}
	case errors.As(err, &hostname):
		return Failure{Kind: OtherHost, What: "the certificate is for another host: " + hostname.Error(), Cause: hostname}
	case errors.As(err, &invalid):
		return Failure{Kind: InvalidCertificate, What: "the certificate is not valid: " + invalid.Error(), Cause: invalid}
	case errors.As(err, &unchecked):
		return Failure{Kind: UncheckedCertificate, What: "the certificate cannot be checked: " + unchecked.Err.Error(), Cause: unchecked.Err}
	case errors.As(err, &record) && !strings.HasPrefix(string(record.RecordHeader[:]), "HTTP/"):
		return Failure{Kind: NoTLS, What: "the server does not speak TLS", Cause: record}
	case errors.As(err, &record), strings.Contains(err.Error(), http.ErrSchemeMismatch.Error()):
		return Failure{Kind: PlainHTTP, What: "the server speaks plain HTTP where TLS was tried", Cause: err}
	case isOp && op.Op == "remote error":
		alert := strings.TrimPrefix(op.Err.Error(), "tls: ")
		return Failure{Kind: RemoteAlert, What: "the server refuses the TLS connection: " + alert, Hint: alertHint(alert), Cause: op.Err}
	case strings.Contains(err.Error(), "TLS handshake timeout"): // net/http does not export it
		return Failure{Kind: HandshakeTimeout, What: "the server accepts the connection but does not answer the TLS handshake", Cause: err}
	case ownTLS(err) != "":
		return Failure{Kind: BadTLS, What: "the TLS connection fails: " + ownTLS(err), Cause: err}
	case strings.Contains(err.Error(), `malformed HTTP response "\x15\x03`): // a TLS alert
		return Failure{Kind: OnlyTLS, What: "the server speaks TLS where plain HTTP was tried", Cause: err}
	case errors.As(err, &protocol), strings.Contains(err.Error(), "malformed"):
		return Failure{Kind: NotHTTP, What: "the answer is not HTTP", Cause: err}
	case isErrno(err, syscall.ECONNREFUSED, 10061):
		return Failure{Kind: Refused, What: "the connection was refused", Cause: err}
	case isErrno(err, syscall.ECONNRESET, 10054):
		return Failure{Kind: Reset, What: "the connection was reset", Cause: err}
	case isErrno(err, syscall.EHOSTUNREACH, 10065), isErrno(err, syscall.ENETUNREACH, 10051):
		return Failure{Kind: Unreachable, What: "there is no route to the host", Cause: err}
	case errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		strings.Contains(err.Error(), "server closed idle connection"): // net/http does not export it
		return Failure{Kind: Closed, What: "the connection was closed early", Cause: err}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return Failure{Kind: Timeout, What: "no answer in time", Cause: err}
	}
	return Failure{Kind: Other, Cause: err}
}

// Words describes an error, in its own words if there are no better ones.
func Words(err error) string {
	f := Of(err)
	switch {
	case f.Kind == ProxyFailed:
		return "the proxy cannot be used: " + Words(f.Cause)
	case f.What != "":
		return f.What
	}
	return text.OneLine(err.Error())
}

// ownTLS says why this side ended a TLS handshake; empty: it did not.
func ownTLS(err error) string {
	for ; err != nil; err = errors.Unwrap(err) {
		why := strings.TrimPrefix(err.Error(), "local error: ")
		if why, ok := strings.CutPrefix(why, "tls: "); ok {
			return why
		}
	}
	return ""
}

// alertHint says what to do about a TLS alert.
func alertHint(alert string) string {
	switch {
	case strings.Contains(alert, "certificate"):
		return "it may require a client certificate, which this program does not send: let this job in some other way"
	case strings.Contains(alert, "protocol version"):
		return "it may only support TLS versions before 1.2"
	}
	return "it may have no certificate for this host name, or no TLS settings in common with this program: check the host name, and the domain's certificate"
}

// isErrno reports whether err is one of two error numbers: Windows sockets have
// their own.
func isErrno(err error, unix, windows syscall.Errno) bool {
	return errors.Is(err, unix) || errors.Is(err, windows)
}

// ProxyError is what a proxy answered when it did not connect to the server.
type ProxyError struct {
	Proxy  string
	Status int
}

func (e *ProxyError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the proxy %s does not let the request through: it answered %d %s", e.Proxy, e.Status, http.StatusText(e.Status)))
}

// proxyHint says where the proxy is configured.
const proxyHint = "HTTPS_PROXY or HTTP_PROXY in this job's environment names it; hosts in NO_PROXY bypass it"

func (e *ProxyError) hint() string {
	switch e.Status {
	case http.StatusProxyAuthRequired:
		return "it asks for a login: put user and password into its address, as in http://user:password@proxy:3128; " + proxyHint
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return "it cannot reach the server, or is broken; " + proxyHint
	}
	return "make it allow CONNECT to this host and port; " + proxyHint
}

// OnProxyConnectResponse is for the field of that name of http.Transport.
// Without it net/http reports only the proxy's status text.
func OnProxyConnectResponse(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &ProxyError{proxy.Host, resp.StatusCode}
	}
	return nil
}
