package health

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/neterr"
	"dokploy-deploy/internal/text"
)

// The stages of a request before its answer.
const (
	stageLookup    = 1
	stageConnect   = 2
	stageConnected = 3
)

const (
	hintClosed     = "the application may crash or restart while it answers: look at its logs"
	hintDNS        = "the DNS of this runner, or of the domain, does not work"
	hintFirewall   = "a firewall may be dropping the connection, or the server is not reachable from this runner"
	hintLogin      = "it looks like a login page: use an address that needs no login, or let this runner through"
	hintSlow       = "the application accepts the connection but hangs or is slow: look at its logs, or use an address that answers quickly"
	hintPort       = "the container is not up yet, or does not listen on the port set for the domain in Dokploy (3000 by default); it must listen on 0.0.0.0, not only on localhost"
	hintIssue      = "Traefik shows its own certificate until Let's Encrypt has issued one: the domain's DNS record must point to this server, port 80 must be open, and the domain must have a certificate set in Dokploy"
	hintNoRouter   = "Traefik answers like this for a host without a route: the domain is not set in Dokploy, or the service was not deployed since it was, or a compose service's container is not running and healthy. (Applications written in Go may answer the same way: then check the path)"
	hintCloudflare = "look the code up in Cloudflare's documentation (525 and 526: the server's certificate, which may not have been issued yet)"
	hintCircle     = "a proxy in front (such as Cloudflare in SSL mode Flexible) may use http to reach Dokploy, which redirects back to https: make it use https"
)

// failure says in plain words why a request got no answer, and what to do about
// it, if anything.
func failure(err error, at *url.URL) (reason, hint string) {
	var (
		dns *net.DNSError
		op  *net.OpError
	)
	f := neterr.Of(err)
	if f.Kind.Certificate() {
		return badCertificate(err, f, at)
	}
	switch f.Kind {
	case neterr.ProxyFailed:
		reason, _ = failure(f.Cause, at)
		return "this machine's proxy (HTTP_PROXY or HTTPS_PROXY) is unreachable: " + reason, f.Hint
	case neterr.UnknownName:
		return f.What, "create its DNS record; a new one may take a while to spread, and a private name does not resolve everywhere"
	case neterr.NoDNS:
		if errors.As(f.Cause, &dns); dns.IsTimeout {
			return timeoutReason(stageLookup, 0)
		}
		return fmt.Sprintf("the host name %s cannot be looked up: %s", quote(dns.Name), text.Printable(dns.Err)), hintDNS
	case neterr.PlainHTTP:
		return "speaks plain HTTP where TLS was tried", "write http:// or the port that has TLS"
	case neterr.NoTLS:
		return "does not speak TLS", "something else is listening on this port"
	case neterr.OnlyTLS:
		return "speaks TLS where plain HTTP was tried", "write https:// or the port without TLS"
	case neterr.NotHTTP:
		return f.What, "something else is listening on this port"
	case neterr.Refused:
		return f.What, "nothing is listening on this port: the server's proxy (Traefik) is not running, or the port is wrong"
	case neterr.Unreachable:
		return f.What, "a private address cannot be reached from a hosted runner, nor an IPv6 address from one without IPv6"
	case neterr.Reset, neterr.Closed:
		return "the connection was closed before the answer", hintClosed
	case neterr.Timeout, neterr.HandshakeTimeout:
		return timeoutReason(stageConnect, 0)
	case neterr.Other:
		if errors.As(err, &op) {
			err = op.Err // op names a port that differs each time
		}
		return text.Printable(err.Error()), ""
	}
	return text.Printable(f.What), f.Hint
}

// timeoutReason says what did not happen in time.
func timeoutReason(stage int32, limit time.Duration) (reason, hint string) {
	within := "in time"
	if limit > 0 {
		within = "within " + limit.String()
	}
	switch stage {
	case stageLookup:
		return "the host name cannot be looked up: DNS does not answer", hintDNS
	case stageConnected:
		return "no answer " + within, hintSlow
	}
	return "no connection " + within, hintFirewall
}

func badCertificate(err error, f neterr.Failure, at *url.URL) (reason, hint string) {
	var (
		whole   *tls.CertificateVerificationError
		invalid x509.CertificateInvalidError
		leaf    = &x509.Certificate{}
	)
	if errors.As(err, &whole) && len(whole.UnverifiedCertificates) > 0 {
		leaf = whole.UnverifiedCertificates[0]
	}
	expired := errors.As(f.Cause, &invalid) && invalid.Reason == x509.Expired
	switch {
	// It is also for another host, and self-signed.
	case leaf.Subject.CommonName == "TRAEFIK DEFAULT CERT":
		return "the certificate is still being issued", hintIssue
	case expired && time.Now().Before(invalid.Cert.NotBefore):
		return "the certificate is not valid before " + date(invalid.Cert.NotBefore), "check this machine's clock"
	case expired:
		return "the certificate expired on " + date(invalid.Cert.NotAfter), "renew it, or check this machine's clock"
	case f.Kind == neterr.OtherHost:
		reason = "the certificate is for another host"
		if names := leaf.DNSNames; len(names) > 0 {
			reason += ": " + quote(strings.Join(names, ", "))
		}
		return reason + ", not " + quote(at.Hostname()), "give the domain a certificate of its own in Dokploy, or use a host name that the certificate covers"
	case f.Kind == neterr.UnknownAuthority && bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		return "the certificate is self-signed", "pass it in the input ca-cert, or let Let's Encrypt issue one (in the domain's settings in Dokploy)"
	case f.Kind == neterr.UnknownAuthority:
		return f.What, "pass the authority's certificate in the input ca-cert; a server that does not send its intermediate certificates looks the same"
	}
	return text.Printable(f.What), ""
}

func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// badStatus describes an answer that is not accepted. It looks for a few known
// texts in the body and shows nothing else of it.
func (c *Check) badStatus(resp *http.Response, at *url.URL, body string) (reason, hint string) {
	status := resp.StatusCode
	reason = "answers " + statusText(status)
	switch {
	case status == http.StatusNotFound && body == "404 page not found":
		return reason + ` ("404 page not found")`, hintNoRouter
	case status == http.StatusNotFound:
		return reason, "the application answers, but not at this path: check the path"
	case status == http.StatusServiceUnavailable && body == "no available server":
		return reason + ` ("no available server")`, "Traefik knows the host, but none of its containers is running and healthy"
	case status == http.StatusServiceUnavailable && body != http.StatusText(status):
		return reason, "the application says that it is not ready, or Traefik cannot reach it: " + hintPort
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return reason, hintPort
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return reason, fmt.Sprintf("the address asks for a login: give one in health-headers, use an address without, or add %d to health-status", status)
	case status == http.StatusBadRequest && at.Scheme == "http" && (strings.Contains(body, "HTTP request to an HTTPS server") || strings.Contains(body, "plain HTTP request was sent to HTTPS port")):
		return reason + " (plain HTTP on a port for TLS)", "write https://"
	case status == http.StatusMethodNotAllowed:
		return reason, "the address does not answer GET: use one that does"
	case status >= 500:
		return reason, "the application failed: look at its logs"
	case status < 400:
		var accepted []string
		for _, r := range c.Accept {
			accepted = append(accepted, r.String())
		}
		return reason, "expected " + strings.Join(accepted, ",") + " (health-status)"
	}
	return reason, ""
}

// statusText formats a status, such as "502 Bad Gateway".
func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// circleReason shows a redirect loop, which ends with the address it starts
// with.
func circleReason(way []*url.URL) (reason, hint string) {
	end := way[len(way)-1]
	way = way[slices.IndexFunc(way, func(u *url.URL) bool { return u.String() == end.String() }):]
	var steps []string
	secure := false
	for _, u := range way {
		steps = append(steps, shown(u))
		secure = secure || u.Scheme == "https"
	}
	if secure {
		hint = hintCircle
	}
	return "redirects in a circle: " + strings.Join(steps, " → "), hint
}

// note describes what is remarkable about the way to a good answer.
func note(way []*url.URL, last sight) string {
	end := way[len(way)-1]
	switch {
	case last.unasked:
		return last.reason + ", so the application was not asked; health-status accepts that"
	case len(way) > 1 && looksLikeLogin(end) && !looksLikeLogin(way[0]):
		return "redirected to " + shown(end) + ", which looks like a login page: that says little about what is behind it"
	case end.Scheme == "http" && slices.ContainsFunc(way, func(u *url.URL) bool { return u.Scheme == "https" }):
		return "redirected from https to plain http: " + shown(end)
	}
	return ""
}

func looksLikeLogin(u *url.URL) bool {
	text := strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(u.Hostname() + u.Path))
	return slices.ContainsFunc(strings.FieldsFunc(text, func(r rune) bool { return r == '.' || r == '/' }), func(word string) bool {
		switch word {
		case "login", "signin", "auth", "oauth", "oauth2", "sso", "authorize", "accounts", "cloudflareaccess":
			return true
		}
		return false
	})
}
