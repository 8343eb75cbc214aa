package health

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"dokploy-deploy/internal/neterr"
	"dokploy-deploy/internal/text"
)

// What stands in front of an application may answer, or end the way, in its
// place. That is no verdict on the application: it was never asked. Only what
// shows by itself that it did not come from there counts; a 502, a 503, a 504
// and a router's 404 are what an application that does not run looks like.

const (
	hintChallenge = "let this runner through with a rule that skips the challenge for this path, or use an address that Cloudflare does not protect"
	hintElsewhere = "another host answers instead of the application: use an address that does not lead there, or let this runner through"
	hintProxy     = "allow this host in this machine's proxy, or add it to NO_PROXY"
)

// neverArrived reports whether an attempt without an answer ended before the
// application: the name, the certificate or this machine's proxy is in the way.
func neverArrived(err error) bool {
	switch f := neterr.Of(err); f.Kind {
	case neterr.ProxyRefused, neterr.ProxyFailed, neterr.UnknownName, neterr.NoDNS:
		return true
	case neterr.RemoteAlert:
		// About our certificate: the server wants one that we do not have.
		return strings.Contains(f.Cause.Error(), "certificate")
	case neterr.SocksFailed:
		// What the proxy says of the host behind it is about that host.
		says := f.Cause.Error()
		return !strings.Contains(says, "refused") && !strings.Contains(says, "unreachable")
	default:
		return f.Kind.Certificate()
	}
}

// fromFront reports whether an answer did not come from the application, and
// says so. proxied is an answer that came through the proxy of this machine.
func fromFront(resp *http.Response, proxied bool) (reason, hint string, front bool) {
	status := resp.StatusCode
	switch mitigated := resp.Header.Get("Cf-Mitigated"); {
	case mitigated != "":
		return fmt.Sprintf("Cloudflare answers %s itself (cf-mitigated: %s)", statusText(status), text.Printable(mitigated)), hintChallenge, true
	case proxied && (status == http.StatusProxyAuthRequired || resp.Header.Get("X-Squid-Error") != "" || strings.Contains(resp.Header.Get("Proxy-Status"), "error=")):
		return "this machine's proxy (HTTP_PROXY) answers " + statusText(status) + " itself", hintProxy, true
	case status >= 520 && status <= 530:
		return "Cloudflare answers " + statusText(status) + ": it got no answer from the server", hintCloudflare, true
	}
	return "", "", false
}

// leftHost reports whether a way of redirects has ended at another host, or
// goes round in a circle through one. next is where it would have gone on.
func leftHost(way []*url.URL, next *url.URL) bool {
	elsewhere := func(u *url.URL) bool {
		return u != nil && u.Hostname() != "" && !strings.EqualFold(u.Hostname(), way[0].Hostname())
	}
	return elsewhere(way[len(way)-1]) || elsewhere(next)
}
