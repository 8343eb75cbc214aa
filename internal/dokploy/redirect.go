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

// maxRedirects bounds how many redirects one request follows.
const maxRedirects = 5

// redirector follows redirects as far as they change nothing that matters, for
// requests and log streams alike:
//
//   - The host stays. So does the port, and the scheme; but http may become
//     https on the same port or on its own, 443. The key and the headers so
//     never go to another server, nor where anybody can read them who could
//     not before.
//   - The method stays, whatever the status. net/http makes a GET of a POST
//     for 301 and 302, which would carry nothing out.
//   - What changes something is sent on by 307 and 308, which mean that, and
//     by 301 and 302 only to the same path (but for slashes): so does what
//     stands in front of a server, before that has the request. After 303, and
//     a 302 to somewhere else, the server may have carried it out, and a
//     trigger is never sent twice.
//   - A body that cannot be sent again (an upload) is not.
//
// Everything else is an answer to show.
type redirector struct {
	next http.RoundTripper
	// secure is the host, with its port, that http was sent to for good.
	secure atomic.Pointer[secureHost]
}

// secureHost says where the requests to a host go that has https.
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
			// net/http makes an error of an address that is none, and it is no
			// broken connection: trying again would not help.
			if _, err := url.Parse(resp.Header.Get("Location")); err != nil {
				resp.Header.Del("Location")
			}
			return resp, nil
		}
		next, err := resend(req, to)
		if err != nil {
			return resp, nil //nolint:nilerr // the redirect is what there is to show
		}
		if permanent := resp.StatusCode == http.StatusMovedPermanently || resp.StatusCode == http.StatusPermanentRedirect; permanent &&
			req.URL.Scheme != to.Scheme && req.URL.RequestURI() == to.RequestURI() {
			learned = &secureHost{req.URL.Host, to.Host}
		}
		// What little there is of a body leaves the connection usable.
		_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
		_ = resp.Body.Close()
		req = next
		at.hops++
		shown := url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}
		at.from = text.OneLine(shown.String())
	}
}

// CloseIdleConnections closes those of the transport below.
func (r *redirector) CloseIdleConnections() { closeIdle(r.next) }

// resend is the same request to another address.
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

// redirectTo is where a request is sent on to; nil if it is not.
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
