package dokploy

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/time/rate"

	"dokploy-deploy/internal/neterr"
	"dokploy-deploy/internal/transport"
)

// requestTimeout limits one request and its answer. If Redis is down, an old
// server never answers application.deploy (docs/dokploy.md, Triggers).
const requestTimeout = 20 * time.Second

// Options says how to reach a Dokploy server.
type Options struct {
	// URL is the address of the instance, with its sub-path, without "/api".
	URL *url.URL
	// Key is sent as x-api-key, to this host only.
	Key string
	// Header is sent with every request, including the log stream's.
	Header http.Header
	// CACerts are trusted besides the system's.
	CACerts []*x509.Certificate
	// SkipVerify turns off the verification of the server's certificate.
	SkipVerify bool
	// UserAgent is the value of the header User-Agent.
	UserAgent string
	// Trace, if set, is called for every request with its method, path (never
	// the query), status (0: no answer) and duration.
	Trace func(method, path string, status int, took time.Duration)
	// Dial, if set, makes the connections (tests).
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Client talks to one Dokploy server. It is safe for concurrent use.
type Client struct {
	base   *url.URL
	header http.Header
	http   *http.Client // follows redirects by its own rules; has no timeout
	retry  *retryablehttp.Client
	fault  atomic.Int64  // when an answer was last a 5xx or missing, in Unix nanoseconds
	large  chan struct{} // held while a large answer is read
	pace   *rate.Limiter // nil: no limit
}

// New creates a client. It sends nothing.
func New(o Options) *Client {
	tr := transport.New(o.CACerts, o.SkipVerify)
	tr.DialContext = o.Dial
	if o.Dial == nil {
		tr.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	}
	tr.MaxIdleConnsPerHost = 8
	tr.IdleConnTimeout = 4 * time.Second // Dokploy closes after 5 to 6 s (docs/dokploy.md, The API)
	tr.TLSHandshakeTimeout = 10 * time.Second
	tr.MaxResponseHeaderBytes = maxHeader
	c := &Client{base: o.URL, header: http.Header{}, large: make(chan struct{}, 1)}
	for name, values := range o.Header {
		c.header[http.CanonicalHeaderKey(name)] = values
	}
	// With these headers net/http would repeat a POST after part of it was
	// written. Without them, a POST is repeated only if it cannot have arrived
	// or was not carried out: a reused connection took no byte of it
	// (net/http), the connection was never made (checkRetry), or the answer was
	// a redirect (redirector).
	c.header.Del("Idempotency-Key")
	c.header.Del("X-Idempotency-Key")
	c.header.Set("X-Api-Key", o.Key)
	c.header.Set("User-Agent", o.UserAgent)
	c.http = &http.Client{
		Transport: &redirector{next: &tracer{next: tr, told: o.Trace, client: c}},
		// When net/http follows a redirect it keeps x-api-key, and turns POST
		// into GET. Redirects that the redirector does not follow are errors to
		// show.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.retry = &retryablehttp.Client{
		HTTPClient:   c.http,
		RetryWaitMin: 100 * time.Millisecond,
		RetryWaitMax: 400 * time.Millisecond,
		RetryMax:     2,
		CheckRetry:   checkRetry,
		Backoff:      backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	return c
}

// LastFault returns when Dokploy, or something in front of it, last answered
// 5xx or not at all, including requests that were then repeated; zero: never.
// Calls about logs and Docker do not count: they may fail on their own, without
// a restart.
func (c *Client) LastFault() time.Time {
	if at := c.fault.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// CloseIdle closes idle connections.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

// attempt records how far the newest attempt of a request got.
type attempt struct {
	client    *Client
	method    string
	procedure string
	connected atomic.Bool
	hops      int    // redirects followed
	from      string // where the last one led, without the query
}

type attemptKey struct{}

// checkRetry repeats at once only what is certainly harmless: a request whose
// connection was never made, and a GET that a gateway failed to pass on.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	at, _ := ctx.Value(attemptKey{}).(*attempt)
	if at == nil {
		return false, nil
	}
	if (err != nil || resp.StatusCode >= 500) && !strings.HasSuffix(at.procedure, ".readLogs") && !strings.HasPrefix(at.procedure, "docker.") {
		at.client.fault.Store(time.Now().UnixNano())
	}
	if err != nil {
		harmless := at.method == http.MethodGet || !at.connected.Load()
		// A handshake that hung leaves no time for another one.
		hung := neterr.Of(err).Kind == neterr.HandshakeTimeout
		return harmless && !hung && !permanent(err), nil
	}
	if at.method != http.MethodGet {
		return false, nil
	}
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true, nil
	}
	return false, nil
}

func backoff(lo, hi time.Duration, n int, _ *http.Response) time.Duration {
	d := min(lo<<n, hi)
	return d/2 + rand.N(d/2+1)
}

func (c *Client) endpoint(path string, query url.Values) string {
	u := *c.base
	u.Path = strings.TrimRight(u.Path, "/") + path
	u.RawPath = ""
	u.RawQuery = query.Encode()
	return u.String()
}

// do sends one request, with the repeats of checkRetry, and reads the answer.
// Every error is an *Error or a *TransportError.
func (c *Client) do(ctx context.Context, method, procedure string, query url.Values, body []byte) (*answer, error) {
	ctx, err := c.ahead(ctx, method)
	if err != nil {
		return nil, &TransportError{Procedure: procedure, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	at := &attempt{client: c, method: method, procedure: procedure}
	ctx = context.WithValue(ctx, attemptKey{}, at)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { at.connected.Store(true) },
	})
	var rawBody any
	if body != nil {
		rawBody = body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, method, c.endpoint("/api/"+procedure, query), rawBody)
	if err != nil {
		return nil, &TransportError{Procedure: procedure, Err: err}
	}
	c.setHeader(req.Header)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.retry.Do(req)
	if err != nil {
		return nil, &TransportError{Procedure: procedure, Made: at.connected.Load(), Err: cleanURLError(err)}
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, header: resp.Header, hops: at.hops, from: at.from}
	if err := c.take(ctx, procedure, a, resp.Body); err != nil {
		a.release()
		return nil, err
	}
	return a, nil
}

// setHeader sets what every request has.
func (c *Client) setHeader(h http.Header) {
	for name, values := range c.header {
		h[name] = values
	}
	h.Set("Accept", "application/json")
}

// take reads the body of an answer. An answer that says no, or that is more than
// can be taken, is an error.
func (c *Client) take(ctx context.Context, procedure string, a *answer, body io.Reader) error {
	limit, most := limitsOf(procedure)
	good := a.status >= 200 && a.status < 300
	if !good {
		limit = maxErrorBody
	}
	if err := c.read(ctx, a, body, limit); err != nil {
		return &TransportError{Procedure: procedure, Made: true, Err: err}
	}
	a.odd = oddBody(a)
	switch {
	case good && a.large:
		return largeError(procedure, a, "the answer is larger than "+megabytes(limit))
	case good && a.odd == "" && objects(a.body) > most:
		return largeError(procedure, a, fmt.Sprintf("the answer has more than %d objects", most))
	}
	return answerError(procedure, a)
}

// query calls a procedure that reads. Parameters are sent both as plain ones,
// which the REST API reads, and as JSON in input, which the documentation asks
// for (docs/dokploy.md, The API).
func (c *Client) query(ctx context.Context, procedure string, params url.Values, into any) error {
	q := url.Values{}
	if len(params) > 0 {
		input := map[string]any{}
		for name, values := range params {
			if err := longName(procedure, values[0]); err != nil {
				return err
			}
			q[name] = values
			input[name] = values[0]
			if n, err := strconv.Atoi(values[0]); err == nil && name == "tail" {
				input[name] = n
			}
		}
		raw, err := json.Marshal(input)
		if err != nil {
			return err
		}
		q.Set("input", string(raw))
	}
	a, err := c.do(ctx, http.MethodGet, procedure, q, nil)
	if err != nil {
		return err
	}
	defer a.release()
	if err := json.Unmarshal(unwrap(a.body), into); err != nil {
		return unreadable(procedure, a, err)
	}
	return nil
}

// mutate calls a procedure that changes something, and returns its answer.
func (c *Client) mutate(ctx context.Context, procedure string, input any) (*answer, error) {
	body, err := json.Marshal(input)
	if err != nil {
		return nil, err
	}
	a, err := c.do(ctx, http.MethodPost, procedure, nil, body)
	if err == nil {
		a.release()
	}
	return a, err
}

// tracer sits below the redirector, so that it sees every request that is sent.
// It makes a request wait for its turn, records that no connection was made
// yet, and reports the answer.
type tracer struct {
	next   http.RoundTripper
	told   func(method, path string, status int, took time.Duration)
	client *Client
}

func (t *tracer) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := turn(req.Context(), t.client.pace, req.Method); err != nil {
		return nil, err
	}
	if at, ok := req.Context().Value(attemptKey{}).(*attempt); ok {
		at.connected.Store(false)
	}
	start := time.Now()
	resp, err := t.next.RoundTrip(req)
	if t.told != nil {
		status := 0
		if resp != nil {
			status = resp.StatusCode
		}
		t.told(req.Method, req.URL.Path, status, time.Since(start))
	}
	return resp, err
}

func (t *tracer) CloseIdleConnections() { closeIdle(t.next) }

func closeIdle(next http.RoundTripper) {
	if c, ok := next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
