package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// check returns a check of an address in the world. Its query must never be
// seen in a text.
func check(t *testing.T, w *world, address string) *Check {
	// Dials and the end of TLS connections outlast their request.
	t.Cleanup(func() { time.Sleep(time.Minute) })
	return &Check{
		URL: mustURL(t, address+"?token=secret"), Accept: []Range{{200, 399}}, Timeout: time.Minute, UserAgent: "test", Dial: w.dial,
	}
}

// outcome runs a check that fails, and checks that it ends when its time is
// over.
func outcome(t *testing.T, c *Check) *Error {
	t.Helper()
	start := time.Now()
	_, err := c.Run(t.Context())
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want an *Error", err)
	}
	if took := time.Since(start); took != c.Timeout || e.For != c.Timeout {
		t.Errorf("ended after %s and says %s, want %s", took, e.For, c.Timeout)
	}
	if text := e.Error() + e.Hint; strings.Contains(text, "secret") || strings.ContainsAny(text, "\n\x00") {
		t.Errorf("shows too much: %q", text)
	}
	return e
}

func TestRunTellsWhatChangesUntilItIsHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		notFound := fails(&net.DNSError{Err: "no such host", Name: "app.test", IsNotFound: true})
		w := newWorld().at("app.test:80",
			notFound, notFound, errno(syscall.ECONNREFUSED), answers(404, "404 page not found\n"), answers(502, "Bad Gateway"), answers(502, "Bad Gateway"), answers(204, ""))
		c := check(t, w, "http://app.test/healthz")
		var seen []string
		c.Progress = func(text string) { seen = append(seen, text) }
		got, err := c.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := Answer{Status: 204, URL: "http://app.test/healthz"}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		wantSeen := []string{
			`DNS does not know the host name "app.test"`,
			"the connection was refused",
			`answers 404 Not Found ("404 page not found")`,
			"answers 502 Bad Gateway",
		}
		if d := cmp.Diff(wantSeen, seen); d != "" {
			t.Error(d)
		}
		if n := w.dialled("app.test:80"); n != 7 {
			t.Errorf("%d connections, want one for each of 7 attempts", n)
		}
	})
}

func TestRunWaitsLongerAndLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		w := newWorld().at("app.test:80", func(ctx context.Context) (net.Conn, error) {
			at = append(at, time.Since(start))
			return answers(503, "")(ctx)
		})
		outcome(t, check(t, w, "http://app.test"))
		if len(at) < 2 || at[0] != 0 {
			t.Fatalf("asked at %s", at)
		}
		// Each pause is within the jitter, around a value that starts at 500 ms
		// and grows by 1.7 each time, up to 5 s.
		due := 500 * time.Millisecond
		for i := range len(at) - 1 {
			pause := at[i+1] - at[i]
			if pause < due*84/100 || pause > due*116/100 {
				t.Errorf("pause %d is %s, want about %s", i+1, pause, due)
			}
			due = min(due*17/10, 5*time.Second)
		}
	})
}

func TestRunSaysWhyItIsNotHealthy(t *testing.T) {
	const url = "http://app.test/healthz"
	for name, tt := range map[string]struct {
		url          string // url if empty
		accept       []Range
		step         step
		reason, hint string
		unasked      bool
	}{
		"DNS does not answer":   {unasked: true, step: fails(&net.DNSError{Err: "i/o timeout", Name: "app.test", IsTimeout: true}), reason: "the host name cannot be looked up: DNS does not answer", hint: hintDNS},
		"DNS fails":             {unasked: true, step: fails(&net.DNSError{Err: "server misbehaving", Name: "app.test", IsTemporary: true}), reason: `the host name "app.test" cannot be looked up: server misbehaving`, hint: hintDNS},
		"refused":               {step: errno(syscall.ECONNREFUSED), reason: "the connection was refused", hint: "nothing is listening on this port"},
		"refused on Windows":    {step: errno(10061), reason: "the connection was refused", hint: "nothing is listening on this port"},
		"no route":              {step: errno(syscall.EHOSTUNREACH), reason: "there is no route to the host", hint: "a private address"},
		"no route to a network": {step: errno(syscall.ENETUNREACH), reason: "there is no route to the host", hint: "IPv6"},
		"time-out of a system":  {step: errno(syscall.ETIMEDOUT), reason: "no connection in time", hint: hintFirewall},
		"another system error":  {step: errno(syscall.EACCES), reason: "connect: permission denied"},
		"an unknown error":      {step: fails(errors.New("some\x00thing\nelse")), reason: "some?thing?else"},
		"closed at once":        {step: says(""), reason: "the connection was closed before the answer", hint: hintClosed},
		"closed in the head":    {step: says("HTTP/1.1 200 OK\r\nServer: x"), reason: "the connection was closed before the answer", hint: hintClosed},
		"closed in the body":    {step: says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsecret"), reason: "answers 200 OK, but the connection was closed in the middle of the answer", hint: hintClosed},
		"not HTTP":              {step: says("SSH-2.0-secret\r\n"), reason: "the answer is not HTTP", hint: "something else is listening"},
		"not quite HTTP":        {step: says("HTTP/1.1 200 OK\r\nsecret\r\n\r\n"), reason: "the answer is not HTTP", hint: "something else is listening"},
		"TLS on plain HTTP":     {step: says("\x15\x03\x01\x00\x02\x02\x46"), reason: "speaks TLS where plain HTTP was tried", hint: "https://"},

		"Traefik 404":         {step: answers(404, "404 page not found\n"), reason: `answers 404 Not Found ("404 page not found")`, hint: hintNoRouter},
		"404 of its own":      {step: answers(404, "secret"), reason: "answers 404 Not Found", hint: "not at this path"},
		"502":                 {step: answers(502, "Bad Gateway"), reason: "answers 502 Bad Gateway", hint: hintPort},
		"504":                 {step: answers(504, "Gateway Timeout"), reason: "answers 504 Gateway Timeout", hint: hintPort},
		"Traefik 503":         {step: answers(503, "no available server\n"), reason: `answers 503 Service Unavailable ("no available server")`, hint: "none of its containers"},
		"503 of a proxy":      {step: answers(503, "Service Unavailable"), reason: "answers 503 Service Unavailable", hint: hintPort},
		"503 of its own":      {step: answers(503, "secret"), reason: "answers 503 Service Unavailable", hint: "says that it is not ready"},
		"500":                 {step: answers(500, "secret"), reason: "answers 500 Internal Server Error", hint: "look at its logs"},
		"Cloudflare":          {unasked: true, step: answers(526, "secret"), reason: "Cloudflare answers 526: it got no answer from the server", hint: hintCloudflare},
		"before Cloudflare's": {step: answers(519, "secret"), reason: "answers 519", hint: "look at its logs"},
		"after Cloudflare's":  {step: answers(531, "secret"), reason: "answers 531", hint: "look at its logs"},
		"401":                 {step: answers(401, "secret"), reason: "answers 401 Unauthorized", hint: "give one in health-headers, use an address without, or add 401 to health-status"},
		"403":                 {step: answers(403, "secret"), reason: "answers 403 Forbidden", hint: "give one in health-headers, use an address without, or add 403 to health-status"},
		"405":                 {step: answers(405, ""), reason: "answers 405 Method Not Allowed", hint: "does not answer GET"},
		"418":                 {step: answers(418, "secret"), reason: "answers 418 I'm a teapot"},
		"good, but not so":    {accept: []Range{{204, 204}, {301, 302}}, step: answers(200, "secret"), reason: "answers 200 OK", hint: "expected 204,301-302 (health-status)"},
		"HTTP on a TLS one":   {step: says("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"), reason: "answers 400 Bad Request (plain HTTP on a port for TLS)", hint: "write https://"},
		"400":                 {step: answers(400, "secret"), reason: "answers 400 Bad Request"},

		"TLS at a plain port":   {url: "https://app.test/", step: answers(200, ""), reason: "speaks plain HTTP where TLS was tried", hint: "http://"},
		"TLS at something else": {url: "https://app.test/", step: says("SSH-2.0-secret\r\n"), reason: "does not speak TLS", hint: "something else is listening"},
		"TLS refused":           {url: "https://app.test/", step: says("\x15\x03\x03\x00\x02\x02\x70"), reason: "the server refuses the TLS connection: unrecognized name", hint: "no certificate for this host name"},
		"TLS closed":            {url: "https://app.test/", step: says(""), reason: "the connection was closed before the answer", hint: hintClosed},

		"circle": {step: redirects(302, "/healthz?token=secret#x"), reason: "redirects in a circle: http://app.test/healthz → http://app.test/healthz"},
		"circle of another": {url: "http://app.test/a", step: serves(nil, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, map[string]string{"/a": "/b", "/b": "/c?x=secret", "/c": "/b"}[r.URL.Path], http.StatusMovedPermanently)
		}), reason: "redirects in a circle: http://app.test/b → http://app.test/c → http://app.test/b (after a redirect to http://app.test/c)"},
		"redirects without end": {step: serves(nil, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/x?secret="+r.URL.Query().Get("secret")+"x")
			w.WriteHeader(303)
		}), reason: "redirects more than 10 times, finally to http://app.test/x (after a redirect to http://app.test/x)"},
		"redirect to a broken address": {step: redirects(301, "http://app.test/%zz?secret"), reason: "answers 301 Moved Permanently with a Location that is not a URL"},
		"redirect to an app":           {step: redirects(301, "app:secret"), reason: "redirects to an address that cannot be followed: app://"},
		"redirect to nowhere":          {step: redirects(308, "https:///x?secret"), reason: "redirects to an address that cannot be followed: https:///x"},
		"redirect to an unknown host":  {unasked: true, step: redirects(302, "https://me:secret@old.test/x?secret"), reason: `DNS does not know the host name "old.test" (after a redirect to https://old.test/x, another host)`, hint: "DNS record"},
		"redirect to a bad answer": {step: serves(nil, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/x" {
				http.Redirect(w, r, "/x", http.StatusTemporaryRedirect)
				return
			}
			w.WriteHeader(404)
		}), reason: "answers 404 Not Found (after a redirect to http://app.test/x)", hint: "not at this path"},
		"redirect to a login page": {step: serves(nil, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/users/sign_in" {
				http.Redirect(w, r, "/users/sign_in", http.StatusFound)
				return
			}
			w.WriteHeader(403)
		}), reason: "answers 403 Forbidden (after a redirect to http://app.test/users/sign_in)", hint: hintLogin},
		"redirect to a login page that is down": {step: serves(nil, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/login" {
				http.Redirect(w, r, "/login", http.StatusFound)
				return
			}
			w.WriteHeader(502)
		}), reason: "answers 502 Bad Gateway (after a redirect to http://app.test/login)", hint: hintPort},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := "app.test:80"
				if tt.url == "" {
					tt.url = url
				} else if strings.HasPrefix(tt.url, "https") {
					host = "app.test:443"
				}
				c := check(t, newWorld().at(host, tt.step), tt.url)
				if tt.accept != nil {
					c.Accept = tt.accept
				}
				e := outcome(t, c)
				if e.Reason != tt.reason || e.URL != tt.url {
					t.Errorf("%s: %q\nwant %s: %q", e.URL, e.Reason, tt.url, tt.reason)
				}
				if !strings.Contains(e.Hint, tt.hint) || tt.hint == "" && e.Hint != "" {
					t.Errorf("hint %q, want %q", e.Hint, tt.hint)
				}
				verb := " did not become healthy"
				if tt.unasked {
					verb = " could not be asked"
				}
				if want := tt.url + verb + " within 1m0s: " + tt.reason; e.Error() != want || e.Unasked != tt.unasked {
					t.Errorf("error %q, want %q", e, want)
				}
			})
		})
	}
}

func TestRunTellsCertificatesApart(t *testing.T) {
	day := 24 * time.Hour
	for name, tt := range map[string]struct {
		conf         func(*testing.T, *authority) *tls.Config
		reason, hint string
	}{
		"Traefik's default": {
			conf: func(t *testing.T, _ *authority) *tls.Config {
				return selfSigned(t, "TRAEFIK DEFAULT CERT", "abc.traefik.default")
			},
			reason: "the certificate is still being issued", hint: hintIssue,
		},
		"self-signed": {
			conf:   func(t *testing.T, _ *authority) *tls.Config { return selfSigned(t, "me", "app.test") },
			reason: "the certificate is self-signed", hint: "ca-cert",
		},
		"unknown authority": {
			conf:   func(t *testing.T, _ *authority) *tls.Config { return newAuthority(t).signs("app.test", nil) },
			reason: "the certificate is signed by an authority that is not trusted here", hint: "intermediate",
		},
		"another host": {
			conf:   func(_ *testing.T, a *authority) *tls.Config { return a.signs("other.test", nil) },
			reason: `the certificate is for another host: "other.test", not "app.test"`, hint: "give the domain a certificate",
		},
		"expired": {
			conf: func(_ *testing.T, a *authority) *tls.Config {
				return a.signs("app.test", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
			},
			reason: "the certificate expired on 1999-12-31 23:59 UTC", hint: "renew it",
		},
		"not yet valid": {
			conf: func(_ *testing.T, a *authority) *tls.Config {
				return a.signs("app.test", func(c *x509.Certificate) { c.NotBefore = time.Now().Add(day) })
			},
			reason: "the certificate is not valid before 2000-01-02 00:00 UTC", hint: "clock",
		},
		"for clients": {
			conf: func(_ *testing.T, a *authority) *tls.Config {
				return a.signs("app.test", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
			},
			reason: "the certificate is not valid: x509: certificate specifies an incompatible key usage",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ca := newAuthority(t)
				w := newWorld().at("app.test:443", serves(tt.conf(t, ca), reply(200, "")))
				c := check(t, w, "https://app.test/")
				c.CACerts = []*x509.Certificate{ca.cert}
				e := outcome(t, c)
				if e.Reason != tt.reason || !e.Unasked || !strings.Contains(e.Hint, tt.hint) || tt.hint == "" && e.Hint != "" {
					t.Errorf("%q, hint %q\nwant %q, hint %q", e.Reason, e.Hint, tt.reason, tt.hint)
				}
				c.SkipVerify = true
				if a, err := c.Run(t.Context()); err != nil || a.Status != 200 {
					t.Errorf("unverified: %v, error %v", a, err)
				}
			})
		})
	}
}

func TestRunWaitsForACertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t)
		own := serves(selfSigned(t, "TRAEFIK DEFAULT CERT", "abc.traefik.default"), reply(404, "404 page not found\n"))
		w := newWorld().at("app.test:443", own, own, serves(ca.signs("app.test", nil), reply(200, "")))
		c := check(t, w, "https://app.test/")
		c.CACerts = []*x509.Certificate{ca.cert}
		var seen []string
		c.Progress = func(text string) { seen = append(seen, text) }
		got, err := c.Run(t.Context())
		want := Answer{Status: 200, URL: "https://app.test/"}
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Error(err, d)
		}
		if n := w.dialled("app.test:443"); n != 3 {
			t.Errorf("%d attempts, want 3", n)
		}
		if d := cmp.Diff([]string{"the certificate is still being issued"}, seen); d != "" {
			t.Error(d)
		}
	})
}

func TestRunFollowsRedirects(t *testing.T) {
	hop := serves(nil, func(w http.ResponseWriter, r *http.Request) {
		var n int
		fmt.Sscanf(r.URL.Path, "/%d", &n)
		if n == 0 {
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/%d?token=secret", n-1), http.StatusFound)
	})
	for name, tt := range map[string]struct {
		url    string
		accept []Range
		steps  map[string]step
		want   Answer
	}{
		"ten of them":               {url: "http://app.test/10", steps: map[string]step{"app.test:80": hop}, want: Answer{Status: 200, URL: "http://app.test/0"}},
		"the last answer counts":    {url: "http://app.test/1", accept: []Range{{200, 399}, {404, 404}}, steps: map[string]step{"app.test:80": hop}, want: Answer{Status: 200, URL: "http://app.test/0"}},
		"a code of its own":         {url: "http://app.test/9", accept: []Range{{200, 200}, {302, 302}}, steps: map[string]step{"app.test:80": hop}, want: Answer{Status: 302, URL: "http://app.test/9"}},
		"another code":              {url: "http://app.test/9", accept: []Range{{200, 200}, {301, 301}}, steps: map[string]step{"app.test:80": hop}, want: Answer{Status: 200, URL: "http://app.test/0"}},
		"a redirect without target": {url: "http://app.test/", steps: map[string]step{"app.test:80": answers(302, "")}, want: Answer{Status: 302, URL: "http://app.test/"}},
		"not modified":              {url: "http://app.test/", steps: map[string]step{"app.test:80": redirects(304, "/x")}, want: Answer{Status: 304, URL: "http://app.test/"}},
		"a login page elsewhere": {
			url:   "http://app.test/",
			steps: map[string]step{"app.test:80": redirects(302, "//auth.test/?back=secret"), "auth.test:80": answers(200, "")},
			want:  Answer{Status: 200, URL: "http://auth.test/", Note: "redirected to http://auth.test/, which looks like a login page: that says little about what is behind it"},
		},
		"a login page that was asked for": {url: "http://auth.test/1", steps: map[string]step{"auth.test:80": hop}, want: Answer{Status: 200, URL: "http://auth.test/0"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				for addr, s := range tt.steps {
					w.at(addr, s)
				}
				c := check(t, w, tt.url)
				if tt.accept != nil {
					c.Accept = tt.accept
				}
				got, err := c.Run(t.Context())
				if d := cmp.Diff(tt.want, got); d != "" || err != nil {
					t.Error(err, d)
				}
			})
		})
	}
}

func TestRunNotesPlainHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t)
		w := newWorld().at("app.test:443", serves(ca.signs("app.test", nil), func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://app.test/x?token=secret", http.StatusFound)
		})).at("app.test:80", answers(200, ""))
		c := check(t, w, "https://app.test/")
		c.CACerts = []*x509.Certificate{ca.cert}
		got, err := c.Run(t.Context())
		want := Answer{Status: 200, URL: "http://app.test/x", Note: "redirected from https to plain http: http://app.test/x"}
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Error(err, d)
		}
		w.at("app.test:80", redirects(301, "https://app.test/?token=secret"))
		if e := outcome(t, c); e.Reason != "redirects in a circle: https://app.test/ → http://app.test/x → https://app.test/ (after a redirect to http://app.test/x)" || e.Hint != hintCircle {
			t.Errorf("%q, hint %q", e.Reason, e.Hint)
		}
	})
}

func TestRunSendsNothingBesides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var got []string
		note := func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, fmt.Sprint(r.Proto, " ", r.Method, " ", r.Host, r.RequestURI, " ", r.Header))
			if len(got) == 1 {
				http.Redirect(w, r, "http://me:pass@other.test/x?y=1#z", http.StatusFound)
			}
		}
		w := newWorld().at("app.test:80", serves(nil, note)).at("other.test:80", serves(nil, note))
		if _, err := check(t, w, "http://app.test").Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		const header = "map[Accept:[*/*] Cache-Control:[no-cache] Connection:[close] User-Agent:[test]]"
		want := []string{"HTTP/1.1 GET app.test/?token=secret " + header, "HTTP/1.1 GET other.test/x?y=1 " + header}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

// lookup does what a dial does during a DNS lookup.
func lookup(ctx context.Context) {
	httptrace.ContextClientTrace(ctx).DNSStart(httptrace.DNSStartInfo{Host: "app.test"})
}

func TestRunBoundsWhatHangs(t *testing.T) {
	dns := func(ctx context.Context) (net.Conn, error) {
		lookup(ctx)
		return hangs(ctx)
	}
	found := func(ctx context.Context) (net.Conn, error) {
		lookup(ctx)
		httptrace.ContextClientTrace(ctx).DNSDone(httptrace.DNSDoneInfo{})
		return hangs(ctx)
	}
	silent := serves(nil, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	handshake := func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go io.Copy(io.Discard, far)
		return near, nil
	}
	for name, tt := range map[string]struct {
		url          string
		step         step
		timeout      time.Duration
		attempts     int
		reason, hint string
	}{
		// An attempt of 10 s, a pause of about 0.5 s, and what is left.
		"DNS":            {step: dns, timeout: 20 * time.Second, attempts: 2, reason: "the host name cannot be looked up: DNS does not answer", hint: hintDNS},
		"connection":     {step: found, timeout: 20 * time.Second, attempts: 2, reason: "no connection within 10s", hint: hintFirewall},
		"TLS handshake":  {url: "https://app.test/", step: handshake, timeout: 20 * time.Second, attempts: 2, reason: "no answer within 10s", hint: hintSlow},
		"answer":         {step: silent, timeout: 20 * time.Second, attempts: 2, reason: "no answer within 10s", hint: hintSlow},
		"a short time":   {step: silent, timeout: 1500 * time.Millisecond, attempts: 1, reason: "no answer within 1.5s", hint: hintSlow},
		"no time at all": {step: silent, reason: "there was no time left to ask"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if tt.url == "" {
					tt.url = "http://app.test/"
				}
				w := newWorld().at("app.test:80", tt.step).at("app.test:443", tt.step)
				c := check(t, w, tt.url)
				c.Timeout = tt.timeout
				told := 0
				c.Progress = func(string) { told++ }
				e := outcome(t, c)
				attempts := w.dialled("app.test:80") + w.dialled("app.test:443")
				if told != max(tt.attempts-1, 0) {
					t.Errorf("told %d times, want nothing at the end: the error says it", told)
				}
				if e.Reason != tt.reason || e.Hint != tt.hint || attempts != tt.attempts {
					t.Errorf("%d attempts: %q, hint %q\nwant %d: %q, hint %q", attempts, e.Reason, e.Hint, tt.attempts, tt.reason, tt.hint)
				}
			})
		})
	}
}

// A response that switches protocols has no body: the body is the connection,
// and no context ends reading it.
func TestRunIsNotHeldByASwitchOfProtocols(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld().at("app.test:80", func(context.Context) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				_, _ = far.Read(make([]byte, 4096))
				_, _ = io.WriteString(far, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
				_, _ = io.Copy(io.Discard, far)
			}()
			return near, nil
		})
		c := check(t, w, "http://app.test/")
		c.Timeout = 5 * time.Second
		if e := outcome(t, c); e.Reason != "answers 101 Switching Protocols" {
			t.Errorf("%q", e.Reason)
		}
	})
}

func TestRunKeepsWhatWasSeenBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := serves(nil, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		c := check(t, newWorld().at("app.test:80", answers(502, "Bad Gateway"), silent), "http://app.test/")
		c.Timeout = 9 * time.Second
		var seen []string
		c.Progress = func(text string) { seen = append(seen, text) }
		e := outcome(t, c)
		want := Error{URL: "http://app.test/", Reason: "answers 502 Bad Gateway", Hint: hintPort, For: 9 * time.Second}
		if d := cmp.Diff(&want, e); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"answers 502 Bad Gateway"}, seen); d != "" {
			t.Error(d)
		}
	})
}

func TestRunReadsLittleOfABody(t *testing.T) {
	for name, tt := range map[string]struct {
		pause time.Duration // between two pieces
		took  time.Duration
		limit int64
	}{
		"long":        {took: 0, limit: maxBody + 32<<10},
		"without end": {pause: 300 * time.Millisecond, took: bodyTimeout, limit: 16 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sent int64
				ended := make(chan struct{})
				w := newWorld().at("app.test:80", serves(nil, func(w http.ResponseWriter, _ *http.Request) {
					defer close(ended)
					for {
						n, err := w.Write(make([]byte, 1<<10))
						if err == nil {
							err = http.NewResponseController(w).Flush()
						}
						if err != nil {
							return
						}
						sent += int64(n)
						time.Sleep(tt.pause)
					}
				}))
				start := time.Now()
				got, err := check(t, w, "http://app.test/").Run(t.Context())
				want := Answer{Status: 200, URL: "http://app.test/"}
				if d := cmp.Diff(want, got); d != "" || err != nil {
					t.Error(err, d)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("it took %s, want %s", took, tt.took)
				}
				<-ended
				if sent > tt.limit {
					t.Errorf("%d bytes were taken, want at most %d", sent, tt.limit)
				}
			})
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := errors.New("the job was cancelled")
		for _, s := range []step{errno(syscall.ECONNREFUSED), serves(nil, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })} {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(7*time.Second, func() { cancel(stopped) })
			start := time.Now()
			_, err := check(t, newWorld().at("app.test:80", s), "http://app.test/").Run(ctx)
			if took := time.Since(start); !errors.Is(err, stopped) || took != 7*time.Second {
				t.Errorf("error %v after %s, want %v after 7s", err, took, stopped)
			}
		}
	})
}

func TestRunGoesThroughAProxy(t *testing.T) {
	var asked []string
	answer := func(status int) step {
		return serves(nil, func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.Method+" "+r.RequestURI)
			w.WriteHeader(status)
		})
	}
	for name, tt := range map[string]struct {
		url    string
		step   step
		reason string
		asked  string
	}{
		"plain":                  {url: "http://app.test/", step: answer(502), reason: "answers 502 Bad Gateway", asked: "GET http://app.test/?token=secret"},
		"TLS is not let through": {url: "https://app.test/", step: answer(403), reason: "the proxy proxy.test:3128 does not let the request through: it answered 403 Forbidden", asked: "CONNECT app.test:443"},
		"not there":              {url: "https://app.test/", step: errno(syscall.ECONNREFUSED), reason: "this machine's proxy (HTTP_PROXY or HTTPS_PROXY) is unreachable: the connection was refused"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked = nil
				c := check(t, newWorld().at("proxy.test:3128", tt.step), tt.url)
				c.proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.test:3128", User: url.UserPassword("me", "secret")})
				if e := outcome(t, c); e.Reason != tt.reason {
					t.Errorf("%q, want %q", e.Reason, tt.reason)
				}
				if tt.asked != "" && (len(asked) == 0 || asked[0] != tt.asked) {
					t.Errorf("asked %q, want %q", asked, tt.asked)
				}
			})
		})
	}
}

// net/http reads the environment once per process: no other test lets it do so.
func TestRunTakesTheProxyOfTheEnvironment(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"} {
		t.Setenv(name, "")
	}
	t.Setenv("HTTPS_PROXY", "http://proxy.test:3128")
	c := &Check{URL: mustURL(t, "https://app.test/")}
	u, err := c.transport().Proxy(&http.Request{URL: c.URL})
	if err != nil || u == nil || u.Host != "proxy.test:3128" {
		t.Errorf("proxy %v, error %v", u, err)
	}
}
