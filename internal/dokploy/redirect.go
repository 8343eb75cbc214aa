package dokploy

import (
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"

	"dokploy-deploy/internal/text"
)

// maxRedirects limits how many redirects one request follows.
const maxRedirects = 5

// redirector follows redirects, of requests and log streams alike, as long as
// nothing important changes:
//
//   - The host stays the same. So do the port and the scheme, except that http
//     may become https on the same port or on 443. The key and the headers thus
//     never go to another server, nor to where more people could read them.
//   - The method stays the same, whatever the status. net/http turns a POST into
//     a GET for 301 and 302, and nothing would be carried out.
//   - Requests that change something are resent for 307 and 308, which mean
//     that, and for 301 and 302 only to the same path (except for slashes): that
//     is what a gateway does before the server has the request. After 303, or
//     302 to another path, the server may have carried it out, and a trigger is
//     never sent twice.
//   - A body that cannot be sent again (an upload) is not.
//
// Every other redirect is an error to show.
type redirector struct {
	next http.RoundTripper
	// secure is the host and port to which http was permanently redirected.
	secure atomic.Pointer[secureHost]
}

// secureHost maps a plain host to the one that has https.
type secureHost struct{ plain, host string }

func (r *redirector) RoundTrip(req *http.Request) (*http.Response, error) {
	at, _ := req.Context().Value(attemptKey{}).(*attempt)
	if at == nil {
		at = &attempt{}
	}
	at.hops, at.from = 0, ""
	if s := r.secure.Load(); s != nil && req.URL.Scheme == "http" && req.URL.Host == s.plain {
		u := *req.URL
		u.Scheme, u.Host = "https", s.host
		next, err := resend(req, &u)
		if err != nil {
			return nil, err
		}
		if req.Body != nil && next.GetBody != nil {
			_ = req.Body.Close() // next has its own
		}
		req = next
	}
	var learned *secureHost
	for {
		resp, err := r.next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		to := redirectTo(req, resp)
		if to == nil || at.hops == maxRedirects {
			if learned != nil {
				r.secure.Store(learned)
			}
			// net/http turns an invalid address into an error. It is not a
			// broken connection: trying again would not help.
			if _, err := url.Parse(resp.Header.Get("Location")); err != nil {
				resp.Header.Del("Location")
			}
			return resp, nil
		}
		next, err := resend(req, to)
		if err != nil {
			return resp, nil //nolint:nilerr // the redirect is the error to show
		}
		if permanent := resp.StatusCode == http.StatusMovedPermanently || resp.StatusCode == http.StatusPermanentRedirect; permanent &&
			req.URL.Scheme != to.Scheme && req.URL.RequestURI() == to.RequestURI() {
			learned = &secureHost{req.URL.Host, to.Host}
		}
		// Reading what little body there is keeps the connection usable.
		_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
		_ = resp.Body.Close()
		req = next
		at.hops++
		shown := url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}
		at.from = text.OneLine(shown.String())
	}
}

// CloseIdleConnections closes the idle connections of the transport below.
func (r *redirector) CloseIdleConnections() { closeIdle(r.next) }

// resend returns the same request for another address.
func resend(req *http.Request, to *url.URL) (*http.Request, error) {
	next := req.Clone(req.Context())
	next.URL = to
	if req.Host == req.URL.Host {
		next.Host = to.Host
	}
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		next.Body = body
	}
	return next, nil
}

// redirectTo returns where to resend a request; nil if it must not be.
func redirectTo(req *http.Request, resp *http.Response) *url.URL {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil
	}
	location := resp.Header.Get("Location")
	if location == "" {
		return nil
	}
	from := req.URL
	to, err := from.Parse(location)
	if err != nil || to.User != nil || to.Opaque != "" || !sameServer(from, to) {
		return nil
	}
	to.Fragment, to.RawFragment = "", ""
	if req.Method != http.MethodGet {
		switch resp.StatusCode {
		case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		case http.StatusMovedPermanently, http.StatusFound:
			if path.Clean(from.EscapedPath()) != path.Clean(to.EscapedPath()) {
				return nil
			}
		default:
			return nil
		}
	}
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return nil
	}
	return to
}

// sameServer reports whether the key may go from one address to the other.
func sameServer(from, to *url.URL) bool {
	if to.Hostname() == "" || !strings.EqualFold(from.Hostname(), to.Hostname()) {
		return false
	}
	upgrade := from.Scheme == "http" && to.Scheme == "https"
	if from.Scheme != to.Scheme && !upgrade {
		return false
	}
	return port(from) == port(to) || upgrade && port(to) == "443"
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
