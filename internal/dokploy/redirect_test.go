package dokploy

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRedirects: which redirects are followed, what is sent along, and which
// are not followed.
func TestRedirects(t *testing.T) {
	for name, tt := range map[string]struct {
		from, to string
		method   string
		status   int
		followed bool
	}{
		"a trailing slash":               {"http://d.test/api/a", "/api/a/", "GET", 308, true},
		"a moved path":                   {"http://d.test/api/a", "/panel/api/a", "GET", 302, true},
		"the same place in full":         {"http://d.test/api/a", "http://D.TEST/api/a/", "GET", 301, true},
		"TLS":                            {"http://d.test/api/a", "https://d.test/api/a", "GET", 301, true},
		"TLS, a POST":                    {"http://d.test/api/a", "https://d.test/api/a", "POST", 301, true},
		"TLS, a POST, for now":           {"http://d.test/api/a", "https://d.test/api/a", "POST", 302, true},
		"TLS on the same port":           {"http://d.test:3000/api/a", "https://d.test:3000/api/a", "POST", 308, true},
		"TLS on its own port":            {"http://d.test:3000/api/a", "https://d.test/api/a", "POST", 307, true},
		"slashes, a POST":                {"http://d.test//api/a", "/api/a", "POST", 308, true},
		"a moved path, a POST, 308":      {"http://d.test/api/a", "/panel/api/a", "POST", 308, true},
		"a moved path, a POST, 302":      {"http://d.test/api/a", "/login", "POST", 302, false},
		"after a POST was carried out":   {"http://d.test/api/a", "/api/a", "POST", 303, false},
		"another host":                   {"http://d.test/api/a", "http://e.test/api/a", "GET", 301, false},
		"another host by //":             {"http://d.test/api/a", "//e.test/api/a", "GET", 301, false},
		"a host below":                   {"http://d.test/api/a", "http://x.d.test/api/a", "GET", 301, false},
		"a host that begins alike":       {"http://d.test/api/a", "http://d.test.evil.test/api/a", "GET", 301, false},
		"a host behind a user":           {"http://d.test/api/a", "http://d.test@e.test/api/a", "GET", 301, false},
		"a user":                         {"http://d.test/api/a", "http://u:p@d.test/api/a", "GET", 301, false},
		"another port":                   {"http://d.test/api/a", "http://d.test:3000/api/a", "GET", 301, false},
		"TLS on another port":            {"http://d.test/api/a", "https://d.test:8443/api/a", "GET", 301, false},
		"TLS on another port, from 3000": {"http://d.test:3000/api/a", "https://d.test:3001/api/a", "GET", 301, false},
		"no TLS any more":                {"https://d.test/api/a", "http://d.test/api/a", "GET", 301, false},
		"no TLS on the same port":        {"https://d.test/api/a", "http://d.test:443/api/a", "GET", 308, false},
		"another scheme":                 {"http://d.test/api/a", "ftp://d.test/api/a", "GET", 301, false},
		"no place":                       {"http://d.test/api/a", "", "GET", 301, false},
		"no host":                        {"http://d.test/api/a", "http:///api/a", "GET", 301, false},
		"what is no place":               {"http://d.test/api/a", "http://[::1", "GET", 301, false},
		"no redirect":                    {"http://d.test/api/a", "/api/a/", "GET", 304, false},
	} {
		t.Run(name, func(t *testing.T) {
			var seen []*http.Request
			var bodies []string
			r := &redirector{next: roundTrip(func(req *http.Request) (*http.Response, error) {
				seen = append(seen, req)
				if req.Body != nil {
					body, _ := io.ReadAll(req.Body)
					bodies = append(bodies, string(body))
				}
				resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: req}
				if len(seen) == 1 {
					resp.StatusCode = tt.status
					resp.Header.Set("Location", tt.to)
				}
				return resp, nil
			})}
			var body io.Reader
			if tt.method == http.MethodPost {
				body = strings.NewReader("the body")
			}
			req, err := http.NewRequestWithContext(t.Context(), tt.method, tt.from, body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Api-Key", "key-123")
			resp, err := r.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if (len(seen) == 2) != tt.followed || (resp.StatusCode == 200) != tt.followed {
				t.Fatalf("%d requests, status %d", len(seen), resp.StatusCode)
			}
			for _, s := range seen {
				if s.Method != tt.method || s.Header.Get("X-Api-Key") != "key-123" || s.Host != s.URL.Host {
					t.Errorf("%s %s for %s, %v", s.Method, s.URL, s.Host, s.Header)
				}
			}
			for _, b := range bodies {
				if b != "the body" {
					t.Errorf("body %q", b)
				}
			}
		})
	}
}

// TestRedirectsEnd: redirects in a circle, and with a body that cannot be sent
// again.
func TestRedirectsEnd(t *testing.T) {
	var posts int
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		posts++
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Location", r.URL.Path+"/")
		w.WriteHeader(http.StatusPermanentRedirect)
	})
	err := c.Deploy(t.Context(), Application, "deploy", "x", "t", "d")
	if what, _ := Explain(err); posts != 1+maxRedirects || !strings.Contains(what, "keeps redirecting") {
		t.Errorf("%d requests: %s", posts, what)
	}
	posts = 0
	err = c.Upload(t.Context(), &Service{ID: "x"}, "x.zip", time.Minute, func(w io.Writer) error { _, err := io.WriteString(w, "zip"); return err })
	var e *Error
	if !errors.As(err, &e) || e.Location == "" || posts != 1 {
		t.Errorf("%d uploads: %v", posts, err)
	}
}

// A redirect to something that is not an address is an answer to show, not a
// broken connection to retry.
func TestRedirectToNowhere(t *testing.T) {
	asked := 0
	c := given(t, 302, http.Header{"Location": {"http://[::1"}}, func() io.Reader {
		asked++
		return strings.NewReader("moved")
	})
	_, err := c.Version(t.Context())
	var e *Error
	if !errors.As(err, &e) || e.Status != 302 || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

// TestSecureHostIsRemembered: after a permanent redirect to TLS, the key is not
// sent unencrypted again.
func TestSecureHostIsRemembered(t *testing.T) {
	for _, status := range []int{301, 302, 307, 308} {
		plain := 0
		r := &redirector{next: roundTrip(func(req *http.Request) (*http.Response, error) {
			resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: req}
			if req.URL.Scheme == "http" {
				plain++
				resp.StatusCode = status
				resp.Header.Set("Location", "https://d.test"+req.URL.RequestURI())
			} else if body, _ := io.ReadAll(req.Body); req.Method != http.MethodPost || string(body) != "b" || req.URL.Host != "d.test" || req.Host != "d.test" {
				t.Errorf("%s %s, %q", req.Method, req.URL, body)
			}
			return resp, nil
		})}
		for range 3 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://d.test:3000/api/a?b=c", strings.NewReader("b"))
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := r.RoundTrip(req); err != nil || resp.StatusCode != 200 {
				t.Fatal(resp, err)
			}
		}
		want := 3
		if status == 301 || status == 308 {
			want = 1
		}
		if plain != want {
			t.Errorf("%d: %d requests in the clear, want %d", status, plain, want)
		}
	}
}

// TestRedirectToAPage: a login page on the same host is reported as one.
func TestRedirectToAPage(t *testing.T) {
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/oauth2/") {
			http.Redirect(w, r, "/oauth2/sign_in?rd=secret", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>Sign in</title>")
	})
	_, err := c.Projects(t.Context())
	what, hint := Explain(err)
	if !strings.Contains(what, "/oauth2/sign_in, which answered with an HTML page (200)") || !strings.Contains(hint, "login page") || strings.Contains(what, "rd=") {
		t.Errorf("%s\n%s", what, hint)
	}
}

// TestStreamFollowsARedirect: a log stream follows redirects too, with the key.
func TestStreamFollowsARedirect(t *testing.T) {
	paths := []string{}
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path+" "+r.Header.Get("X-Api-Key")+" "+r.Header.Get("Upgrade"))
		if r.URL.Path == "/listen-deployment" {
			http.Redirect(w, r, "/panel/listen-deployment?"+r.URL.RawQuery, http.StatusPermanentRedirect)
			return
		}
		http.NotFound(w, r)
	})
	_, err := c.dialStream(t.Context(), "/listen-deployment", url.Values{"logPath": {"x"}})
	if diff := cmp.Diff([]string{"/listen-deployment key-123 websocket", "/panel/listen-deployment key-123 websocket"}, paths); diff != "" || err == nil {
		t.Errorf("%v\n%s", err, diff)
	}
}
