// Package health checks that an address answers as it should: it asks until an
// answer is accepted, and reports what it sees. Its texts never show a query,
// which may contain a token. Of a body they show only what came in place of a
// required text.
package health

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"dokploy-deploy/internal/transport"
	"dokploy-deploy/internal/wait"
)

const (
	// attemptTimeout limits one attempt, including redirects and the body.
	attemptTimeout = 10 * time.Second
	// bodyTimeout and maxBody limit how much of a body is read: a stream of
	// events has no end, and its status is enough.
	bodyTimeout  = 2 * time.Second
	maxBody      = 64 << 10
	maxRedirects = 10
	// maxSearched is how much of a body is searched for the required text.
	maxSearched = 1 << 20
)

// Check describes an address and what it must answer.
type Check struct {
	URL *url.URL
	// Accept are the status codes of a good answer. Redirects are followed and
	// the last answer counts, unless a range within 300-399 ("302", "301-308")
	// accepts the redirect itself, which is then not followed.
	Accept []Range
	// Contains is a text that the body must contain; empty: any body is
	// accepted.
	Contains string
	// Headers are sent to the host of URL only.
	Headers http.Header
	// Mask, if set, masks secrets in what came in place of Contains.
	Mask func(string) string
	// Timeout limits the whole check.
	Timeout time.Duration
	// CACerts are trusted besides the system's.
	CACerts []*x509.Certificate
	// SkipVerify turns off the verification of certificates.
	SkipVerify bool
	UserAgent  string
	// Dial, if set, makes the connections, without any proxy (tests).
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Progress, if set, is called with one short line whenever what is seen
	// changes, such as "answers 502 Bad Gateway".
	Progress func(text string)

	proxy func(*http.Request) (*url.URL, error) // for tests
}

// Answer is the answer that was accepted.
type Answer struct {
	Status int
	URL    string // where it came from, after redirects
	// Note is a remark although all is well: the redirects led from https to
	// http, or to what looks like a login page.
	Note string
}

// Error reports that no answer was accepted in time.
type Error struct {
	URL    string
	Reason string // what was seen last
	Hint   string // what to do; may be empty
	For    time.Duration
	// Unasked: what was seen last did not come from the application.
	Unasked bool
}

func (e *Error) Error() string {
	what := "did not become healthy"
	if e.Unasked {
		what = "could not be asked"
	}
	return fmt.Sprintf("%s %s within %s: %s", e.URL, what, e.For.Round(time.Second), e.Reason)
}

// sight is what one attempt saw.
type sight struct {
	status       int
	accepted     bool
	reason, hint string
	came         string // in place of the required text; empty: does not apply
	unasked      bool   // it did not come from the application
}

// why returns the reason, with what came in place of the required text.
func (s sight) why() string {
	if s.came == "" {
		return s.reason
	}
	return s.reason + "; " + s.came
}

// Run returns when an answer is accepted (one is enough), when Timeout is over
// (*Error) or when ctx ends (its cause).
func (c *Check) Run(ctx context.Context) (Answer, error) {
	var (
		start    = time.Now()
		tr       = c.transport()
		last     = sight{reason: "there was no time left to ask"}
		way      []*url.URL
		attempts int
	)
	whole, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	loop := wait.Loop{Backoff: wait.NewBackoff(500*time.Millisecond, 5*time.Second), LookTimeout: attemptTimeout}
	err := loop.Run(whole, func(look context.Context) (wait.State, error) {
		attempts++
		var s sight
		s, way = c.attempt(look, tr)
		if s.accepted {
			last = s
			return wait.Done, nil
		}
		// An attempt cut off by the timeout says less than the one before.
		if whole.Err() != nil && attempts > 1 {
			return wait.Pending, nil
		}
		known := s.reason == last.reason
		last = s
		if c.Progress != nil && !known && whole.Err() == nil {
			c.Progress(s.why())
		}
		return wait.Pending, nil
	})
	switch {
	case err == nil:
		return Answer{Status: last.status, URL: shown(way[len(way)-1]), Note: note(way, last)}, nil
	case ctx.Err() != nil:
		return Answer{}, context.Cause(ctx)
	}
	return Answer{}, &Error{URL: shown(c.URL), Reason: last.why(), Hint: last.hint, For: time.Since(start), Unasked: last.unasked}
}

// attempt asks once and follows redirects. way lists all addresses that were
// asked.
func (c *Check) attempt(ctx context.Context, tr *http.Transport) (s sight, way []*url.URL) {
	at := c.URL
	for {
		way = append(way, at)
		var next *url.URL
		s, next = c.get(ctx, tr, at)
		if next != nil {
			circle := slices.ContainsFunc(way, func(u *url.URL) bool { return u.String() == next.String() })
			switch {
			case circle:
				s.reason, s.hint = circleReason(append(way, next))
			case len(way) > maxRedirects:
				s.reason = fmt.Sprintf("redirects more than %d times, finally to %s", maxRedirects, shown(next))
			case next.Scheme != "http" && next.Scheme != "https" || next.Hostname() == "":
				s.reason = "redirects to an address that cannot be followed: " + shown(next)
			default:
				at = next
				continue
			}
		}
		if !s.accepted && len(way) > 1 {
			other := ""
			if leftHost(way, next) {
				s.unasked, other = true, ", another host"
				if s.status >= 400 || s.came != "" {
					s.hint = hintElsewhere
				}
			}
			s.reason += " (after a redirect to " + shown(at) + other + ")"
			if (s.status >= 400 && s.status < 500 || s.came != "") && looksLikeLogin(at) {
				s.hint = hintLogin
			}
		}
		return s, way
	}
}

// get sends one request. next is set if the answer is a redirect to follow.
func (c *Check) get(ctx context.Context, tr *http.Transport, at *url.URL) (s sight, next *url.URL) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var stage atomic.Int32
	req := c.request(ctx, at, &stage)
	// Not with an http.Client, which would send the query of one address to the
	// next one as the referrer.
	resp, err := tr.RoundTrip(req)
	if err != nil {
		if ctx.Err() != nil {
			s.reason, s.hint = timeoutReason(stage.Load(), min(attemptTimeout, c.Timeout))
			s.unasked = stage.Load() == stageLookup
		} else {
			s.reason, s.hint = failure(err, at)
			s.unasked = neverArrived(err)
		}
		return s, nil
	}
	defer resp.Body.Close()
	s.status = resp.StatusCode
	switch {
	case isRedirect(resp) && !c.meansRedirect(s.status):
		next, err := resp.Location()
		if err != nil { // its text contains the address
			s.reason = fmt.Sprintf("answers %s with a Location that is not a URL", statusText(s.status))
			return s, nil
		}
		next.Fragment, next.RawFragment = "", ""
		return s, next
	case s.status == http.StatusSwitchingProtocols:
		// Nobody asked for an upgrade. Its body is the connection, and no
		// context ends it.
		s.reason = "answers " + statusText(s.status)
		return s, nil
	}
	if !c.searches(s.status) {
		defer time.AfterFunc(bodyTimeout, cancel).Stop()
	}
	return c.judge(ctx, resp, proxied(tr, req)), nil
}

// request makes the request, which records how far it gets.
func (c *Check) request(ctx context.Context, at *url.URL, stage *atomic.Int32) *http.Request {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { stage.Store(stageLookup) },
		DNSDone:           func(httptrace.DNSDoneInfo) { stage.Store(stageConnect) },
		TLSHandshakeStart: func() { stage.Store(stageConnected) },
		GotConn:           func(httptrace.GotConnInfo) { stage.Store(stageConnected) },
	})
	// A cache in between does not know about the deployment.
	req := (&http.Request{Method: http.MethodGet, URL: at, Host: at.Host, Header: http.Header{
		"User-Agent": {c.UserAgent}, "Accept": {"*/*"}, "Cache-Control": {"no-cache"},
	}}).WithContext(ctx)
	c.addHeaders(req)
	return req
}

// searches reports whether the text is looked for in an answer.
func (c *Check) searches(status int) bool { return c.Contains != "" && c.accepts(status) }

// judge reads the body of an answer and says whether it is a good one. proxied:
// it may be the proxy's own.
func (c *Check) judge(ctx context.Context, resp *http.Response, proxied bool) sight {
	s := sight{status: resp.StatusCode}
	var (
		body  []byte
		found = true
		err   error
	)
	if c.searches(s.status) {
		body, found, err = search(resp.Body, c.Contains)
	} else {
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody))
	}
	reason, hint, unasked := fromFront(resp, proxied)
	switch {
	case (!found || !c.accepts(s.status)) && unasked:
		s.reason, s.hint, s.unasked = reason, hint, true
	case !found:
		s.reason, s.hint = "answers "+statusText(s.status)+" without "+c.wanted(), hintContains
		s.came = c.instead(resp, body, err)
	case !c.accepts(s.status):
		s.reason, s.hint = c.badStatus(resp, resp.Request.URL, strings.TrimSpace(string(body)))
	case err != nil && ctx.Err() == nil:
		s.reason = fmt.Sprintf("answers %s, but the connection was closed in the middle of the answer", statusText(s.status))
		s.hint = hintClosed
	default:
		s.accepted = true
		s.reason, s.unasked = reason, unasked
	}
	return s
}

// proxied reports whether a request went through this machine's proxy in plain
// text, so that the answer may be the proxy's own.
func proxied(tr *http.Transport, req *http.Request) bool {
	if tr.Proxy == nil || req.URL.Scheme != "http" {
		return false
	}
	proxy, err := tr.Proxy(req)
	return err == nil && proxy != nil
}

func (c *Check) transport() *http.Transport {
	tr := transport.New(c.CACerts, c.SkipVerify)
	dial := (&net.Dialer{}).DialContext
	if c.Dial != nil {
		tr.Proxy, dial = c.proxy, c.Dial
	}
	// A dial does not end with its request, and neither does a handshake.
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, attemptTimeout+time.Second)
		defer cancel()
		return dial(ctx, network, addr)
	}
	tr.TLSHandshakeTimeout = attemptTimeout + time.Second
	// A new connection each time shows what the load balancer does now.
	tr.DisableKeepAlives = true
	// A text is searched for in the body as net/http decodes it.
	tr.DisableCompression = c.Contains == ""
	return tr
}

func (c *Check) accepts(status int) bool {
	return slices.ContainsFunc(c.Accept, func(r Range) bool { return r.has(status) })
}

// meansRedirect reports whether a redirect with this code is itself an accepted
// answer.
func (c *Check) meansRedirect(status int) bool {
	return slices.ContainsFunc(c.Accept, func(r Range) bool { return r.From >= 300 && r.To <= 399 && r.has(status) })
}

func isRedirect(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}
