package health

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"dokploy-deploy/internal/neterr"
	"dokploy-deploy/internal/text"
)

// Something in front of an application may answer in its place, or fail on the
// way. That says nothing about the application, which was never asked. Only
// answers that certainly did not come from the application count as such; 502,
// 503, 504 and a router's 404 are what an application that is down looks like.

const (
	hintChallenge = "let this runner through with a rule that skips the challenge for this path, or use an address that Cloudflare does not protect"
	hintElsewhere = "another host answers instead of the application: use an address that does not lead there, or let this runner through"
	hintProxy     = "allow this host in this machine's proxy, or add it to NO_PROXY"
)

// neverArrived reports whether a failed attempt ended before it reached the
// application: because of the name, the certificate, or this machine's proxy.
func neverArrived(err error) bool {
	switch f := neterr.Of(err); f.Kind {
	case neterr.ProxyRefused, neterr.ProxyFailed, neterr.UnknownName, neterr.NoDNS:
		return true
	case neterr.RemoteAlert:
		// About a client certificate: the server wants one that we do not have.
		return strings.Contains(f.Cause.Error(), "certificate")
	case neterr.SocksFailed:
		// What the proxy says about the host behind it.
		says := f.Cause.Error()
		return !strings.Contains(says, "refused") && !strings.Contains(says, "unreachable")
	default:
		return f.Kind.Certificate()
	}
}

// fromFront reports whether an answer did not come from the application, and
// why. proxied says that the answer came through this machine's proxy.
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

// leftHost reports whether a chain of redirects ended at another host, or loops
// through one. next is the next address.
func leftHost(way []*url.URL, next *url.URL) bool {
	elsewhere := func(u *url.URL) bool {
		return u != nil && u.Hostname() != "" && !strings.EqualFold(u.Hostname(), way[0].Hostname())
	}
	return elsewhere(way[len(way)-1]) || elsewhere(next)
}
