package health

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
)

// with answers with a status and a header.
func with(status int, name, value string) step {
	return serves(nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(name, value)
		w.WriteHeader(status)
	})
}

// What is in front of the application gives no verdict on it; what looks
// similar and comes from the application does.
func TestRunTellsWhatNeverReachedTheApplication(t *testing.T) {
	proxyOf := func(address string) func(*http.Request) (*url.URL, error) {
		return func(*http.Request) (*url.URL, error) { return url.Parse(address) }
	}
	through := func(s step) map[string]step { return map[string]step{"proxy.test:3128": s} }
	direct := func(s step) map[string]step { return map[string]step{"app.test:80": s, "app.test:443": s} }
	toLogin := func(s step) map[string]step {
		return map[string]step{"app.test:80": redirects(302, "https://login.test/?back=secret"), "login.test:443": s, "login.test:80": s}
	}
	for name, tt := range map[string]struct {
		url     string
		proxy   string
		steps   map[string]step
		unasked bool
		reason  string // part of it
	}{
		"a challenge":                  {steps: direct(with(403, "cf-mitigated", "challenge")), unasked: true, reason: "Cloudflare answers 403 Forbidden itself (cf-mitigated: challenge)"},
		"a challenge with 503":         {steps: direct(with(503, "CF-Mitigated", "challenge")), unasked: true, reason: "Cloudflare answers 503"},
		"403 of its own":               {steps: direct(with(403, "Server", "cloudflare")), reason: "answers 403 Forbidden"},
		"502 of a tunnel":              {steps: direct(with(502, "Server", "cloudflare")), reason: "answers 502 Bad Gateway"},
		"520":                          {steps: direct(answers(520, "")), unasked: true, reason: "Cloudflare answers 520"},
		"530":                          {steps: direct(answers(530, "")), unasked: true, reason: "Cloudflare answers 530"},
		"a router's 404":               {steps: direct(answers(404, "404 page not found\n")), reason: "answers 404"},
		"a login that refuses":         {steps: map[string]step{"app.test:80": redirects(302, "http://login.test/?back=secret"), "login.test:80": answers(403, "")}, unasked: true, reason: "answers 403 Forbidden (after a redirect to http://login.test/, another host)"},
		"a login that is broken":       {steps: map[string]step{"app.test:80": redirects(302, "http://login.test/?back=secret"), "login.test:80": answers(502, "")}, unasked: true, reason: "another host"},
		"a login that is refused":      {steps: toLogin(errno(syscall.ECONNREFUSED)), unasked: true, reason: "the connection was refused (after a redirect to https://login.test/, another host)"},
		"a circle through a login":     {steps: map[string]step{"app.test:80": redirects(302, "http://login.test/"), "login.test:80": redirects(302, "http://app.test/?token=secret")}, unasked: true, reason: "redirects in a circle"},
		"back from a login":            {steps: map[string]step{"app.test:80": backFrom("http://login.test/"), "login.test:80": redirects(302, "http://app.test/in")}, reason: "answers 502 Bad Gateway (after a redirect to http://app.test/in)"},
		"another spelling of the host": {steps: map[string]step{"app.test:80": redirects(302, "http://APP.test/x"), "APP.test:80": answers(403, "")}, reason: "answers 403 Forbidden (after a redirect to http://APP.test/x)"},
		"another port of the host":     {steps: map[string]step{"app.test:80": redirects(302, "http://app.test:8080/"), "app.test:8080": answers(502, "")}, reason: "answers 502 Bad Gateway (after a redirect to http://app.test:8080/)"},
		"no such name":                 {steps: direct(fails(&net.DNSError{Err: "no such host", Name: "app.test", IsNotFound: true})), unasked: true, reason: "DNS does not know the host name"},
		"refused":                      {steps: direct(errno(syscall.ECONNREFUSED)), reason: "the connection was refused"},
		"a client certificate":         {url: "https://app.test", steps: direct(says("\x15\x03\x03\x00\x02\x02\x74")), unasked: true, reason: "certificate required"},
		"another TLS alert":            {url: "https://app.test", steps: direct(says("\x15\x03\x03\x00\x02\x02\x70")), reason: "unrecognized name"},
		"the proxy cannot be reached":  {proxy: "http://proxy.test:3128", steps: through(errno(syscall.ECONNREFUSED)), unasked: true, reason: "this machine's proxy (HTTP_PROXY or HTTPS_PROXY) is unreachable"},
		"the proxy refuses a tunnel":   {url: "https://app.test", proxy: "http://proxy.test:3128", steps: through(answers(403, "")), unasked: true, reason: "the proxy proxy.test:3128 does not let the request through: it answered 403 Forbidden"},
		"the proxy has no way":         {url: "https://app.test", proxy: "http://proxy.test:3128", steps: through(answers(502, "")), unasked: true, reason: "it answered 502 Bad Gateway"},
		"the proxy wants a password":   {proxy: "http://proxy.test:3128", steps: through(answers(407, "")), unasked: true, reason: "this machine's proxy (HTTP_PROXY) answers 407 Proxy Authentication Required itself"},
		"a page of Squid":              {proxy: "http://proxy.test:3128", steps: through(with(403, "X-Squid-Error", "ERR_ACCESS_DENIED 0")), unasked: true, reason: "HTTP_PROXY"},
		"a page of another proxy":      {proxy: "http://proxy.test:3128", steps: through(with(502, "Proxy-Status", "edge; error=http_request_denied")), unasked: true, reason: "HTTP_PROXY"},
		"502 through the proxy":        {proxy: "http://proxy.test:3128", steps: through(with(502, "Via", "1.1 proxy")), reason: "answers 502 Bad Gateway"},
		"Squid without this machine's": {steps: direct(with(403, "X-Squid-Error", "ERR_ACCESS_DENIED 0")), reason: "answers 403 Forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				for addr, s := range tt.steps {
					w.at(addr, s)
				}
				if tt.url == "" {
					tt.url = "http://app.test/"
				}
				c := check(t, w, tt.url)
				if tt.proxy != "" {
					c.proxy = proxyOf(tt.proxy)
				}
				e := outcome(t, c)
				verb := "did not become healthy"
				if tt.unasked {
					verb = "could not be asked"
				}
				if e.Unasked != tt.unasked || !strings.Contains(e.Error(), verb) || !strings.Contains(e.Reason, tt.reason) {
					t.Errorf("unasked %v: %s", e.Unasked, e)
				}
			})
		})
	}
}

// backFrom redirects to a login, and answers with an error to requests that
// come back from there.
func backFrom(login string) step {
	return serves(nil, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/in" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		http.Redirect(w, r, login, http.StatusFound)
	})
}

// What was seen last decides: a challenge that comes after a 502 hides the
// application, a 502 after a challenge shows it.
func TestRunGoesByTheLastAnswer(t *testing.T) {
	challenge := with(403, "cf-mitigated", "challenge")
	for _, tt := range []struct {
		steps   []step
		unasked bool
	}{
		{[]step{answers(502, ""), challenge}, true},
		{[]step{challenge, answers(502, "")}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			if e := outcome(t, check(t, newWorld().at("app.test:80", tt.steps...), "http://app.test")); e.Unasked != tt.unasked {
				t.Error(e)
			}
		})
	}
}

// A lookup that hangs is an attempt without an answer, too.
func TestRunWithALookupThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld().at("app.test:80", func(ctx context.Context) (net.Conn, error) {
			lookup(ctx)
			return hangs(ctx)
		})
		if e := outcome(t, check(t, w, "http://app.test")); !e.Unasked {
			t.Error(e)
		}
	})
}

// A status that health-status accepts is healthy; the message says whose status
// it was.
func TestRunAcceptsAChallengeThatIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := check(t, newWorld().at("app.test:80", with(403, "cf-mitigated", "challenge")), "http://app.test/")
		c.Accept = []Range{{200, 403}}
		a, err := c.Run(t.Context())
		if err != nil || a.Status != 403 || !strings.Contains(a.Note, "the application was not asked") {
			t.Errorf("%+v, %v", a, err)
		}
	})
}
