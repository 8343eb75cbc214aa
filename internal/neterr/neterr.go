// Package neterr says what an error of the network means. Dokploy's API and the
// health check ask it; what a person can do about it is theirs to say, as it
// depends on who was asked.
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
	"net/url"
	"strings"
	"syscall"
)

// Kind is what went wrong on the way.
type Kind int

// The kinds, as far as they are told apart.
const (
	Other                Kind = iota // anything else: the error's own words have to do
	ProxyRefused                     // the proxy of this machine answered in the host's place
	ProxyFailed                      // there is no connection to that proxy; Cause says why
	UnknownName                      // DNS has no such name
	NoDNS                            // DNS does not answer, or with a failure
	UnknownAuthority                 // of the certificate
	OtherHost                        // that the certificate is for
	InvalidCertificate               // its dates, or what it may be used for
	UncheckedCertificate             // it cannot be checked for another reason
	PlainHTTP                        // where TLS was tried
	NoTLS                            // nor HTTP
	RemoteAlert                      // the server ended the TLS handshake
	Refused                          // the connection
	Unreachable                      // no route to the host or its network
	Reset                            // the connection
	Closed                           // the connection, too early but without a reset
	Timeout                          // of a connection or a context
	OtherTimeout                     // such as net/http's for the TLS handshake
)

// Failure is the meaning of an error.
type Failure struct {
	Kind Kind
	// What says it in words that fit whoever was asked; empty: the kind has none.
	What string
	// Cause is the part of the error that says it.
	Cause error
}

// Certificate reports whether the server's certificate was not accepted.
func (k Kind) Certificate() bool { return k >= UnknownAuthority && k <= UncheckedCertificate }

// Of finds out what an error means.
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
		timeout   net.Error
	)
	isOp := errors.As(err, &op)
	switch {
	case errors.As(err, &refused):
		return Failure{ProxyRefused, "", refused}
	case isOp && op.Op == "proxyconnect":
		return Failure{ProxyFailed, "", op.Err}
	case errors.As(err, &dns) && dns.IsNotFound:
		return Failure{UnknownName, fmt.Sprintf("the host name %q is not known to DNS", dns.Name), dns}
	case dns != nil:
		return Failure{NoDNS, fmt.Sprintf("the name %q cannot be looked up: %s", dns.Name, dns.Err), dns}
	case errors.As(err, &authority):
		return Failure{UnknownAuthority, "the certificate is signed by an authority that is not trusted here", authority}
	case errors.As(err, &hostname):
		return Failure{OtherHost, "the certificate is for another host: " + hostname.Error(), hostname}
	case errors.As(err, &invalid):
		return Failure{InvalidCertificate, "the certificate is not valid: " + invalid.Error(), invalid}
	case errors.As(err, &unchecked):
		return Failure{UncheckedCertificate, "", unchecked.Err}
	case errors.As(err, &record) && !strings.HasPrefix(string(record.RecordHeader[:]), "HTTP/"):
		return Failure{NoTLS, "", record}
	case errors.As(err, &record), strings.Contains(err.Error(), http.ErrSchemeMismatch.Error()):
		return Failure{PlainHTTP, "the server speaks plain HTTP where TLS was tried", err}
	case isOp && op.Op == "remote error":
		return Failure{RemoteAlert, "", op.Err}
	case isErrno(err, syscall.ECONNREFUSED, 10061):
		return Failure{Refused, "the connection is refused", err}
	case isErrno(err, syscall.ECONNRESET, 10054):
		return Failure{Reset, "the connection was reset", err}
	case isErrno(err, syscall.EHOSTUNREACH, 10065), isErrno(err, syscall.ENETUNREACH, 10051):
		return Failure{Unreachable, "there is no route to the host", err}
	case errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Failure{Closed, "", err}
	case errors.Is(err, context.DeadlineExceeded), isOp && op.Timeout():
		return Failure{Timeout, "no answer in time", err}
	case errors.As(err, &timeout) && timeout.Timeout():
		return Failure{OtherTimeout, "", err}
	}
	return Failure{Other, "", err}
}

// isErrno knows the number that Windows' sockets use, too.
func isErrno(err error, unix, windows syscall.Errno) bool {
	return errors.Is(err, unix) || errors.Is(err, windows)
}

// ProxyError is what a proxy says that makes no way to the server.
type ProxyError struct {
	Proxy  string
	Status int
}

func (e *ProxyError) Error() string { return fmt.Sprintf("the proxy %s answers %d", e.Proxy, e.Status) }

// OnProxyConnectResponse is for the http.Transport of that name: without it
// net/http gives the proxy's words only.
func OnProxyConnectResponse(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &ProxyError{proxy.Host, resp.StatusCode}
	}
	return nil
}
