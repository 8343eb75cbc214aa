package health

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

// sends answers with a body in this encoding.
func sends(encoding, body string) step {
	return serves(nil, func(w http.ResponseWriter, _ *http.Request) {
		if encoding != "" {
			w.Header().Set("Content-Encoding", encoding)
		}
		io.WriteString(w, body)
	})
}

const commit = "3f2a91c0d1"

// The address is healthy once the text is in the body; until then, what came
// instead is reported.
func TestRunWaitsForAText(t *testing.T) {
	big := strings.Repeat("x", maxSearched-len(commit))
	for name, tt := range map[string]struct {
		steps    []step
		contains string
		seen     string // part of the last message; empty: it becomes healthy
	}{
		"at once":                     {steps: []step{answers(200, `{"commit":"`+commit+`"}`)}},
		"in the third answer":         {steps: []step{answers(200, "old"), answers(502, ""), answers(200, commit)}},
		"compressed":                  {steps: []step{sends("gzip", zipped("it is "+commit))}},
		"at the end of the first MiB": {steps: []step{answers(200, big+commit)}},
		"compressed, behind zeros":    {steps: []step{sends("gzip", zipped(big+commit))}},
		"beyond the first MiB":        {steps: []step{answers(200, big+"x"+commit)}, seen: "answers 200 OK without \"" + commit + "\"; the first MiB of the answer, which is all that is searched, is \"xxx"},
		"a bomb":                      {steps: []step{sends("gzip", zipped(strings.Repeat("0", 64<<20)))}, seen: "is all that is searched"},
		"never":                       {steps: []step{answers(200, "<html>\n <b>old\x1b[31m</b>")}, seen: "answers 200 OK without \"" + commit + "\"; the answer is \"<html> <b>old?[31m</b>\""},
		"empty":                       {steps: []step{answers(200, " \n")}, seen: "the answer is empty"},
		"a secret in it":              {steps: []step{answers(200, "the key is a  secret")}, seen: "the answer is \"the key is ***\""},
		"an encoding nobody reads":    {steps: []step{sends("br", commit[:4]+"\x00\x01")}, seen: "the answer is compressed (br) and cannot be read"},
		"a status that is refused":    {steps: []step{answers(500, commit)}, seen: "answers 500 Internal Server Error"},
		"cut off in the middle":       {steps: []step{says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart of")}, seen: "what came until it broke off is \"part of\""},
		"cut off behind it":           {steps: []step{says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + commit)}},
		"cut off at once":             {steps: []step{says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")}, seen: "closed before anything of its body came"},
		"another text":                {steps: []step{answers(200, "a\nb")}, contains: "a\nb"},
		"not text":                    {steps: []step{answers(200, "\xff\xfe"+strings.Repeat("y", 300))}, seen: "yyy … yyy"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld().at("app.test:80", tt.steps...)
				c := check(t, w, "http://app.test/version")
				c.Contains = commit
				if tt.contains != "" {
					c.Contains = tt.contains
				}
				c.Mask = func(s string) string { return strings.ReplaceAll(s, "a  secret", "***") }
				if tt.seen == "" {
					if got, err := c.Run(t.Context()); err != nil || w.dialled("app.test:80") != len(tt.steps) {
						t.Errorf("%+v after %d attempts: %v", got, w.dialled("app.test:80"), err)
					}
					return
				}
				if e := outcome(t, c); !strings.Contains(e.Reason, tt.seen) || strings.ContainsAny(e.Reason, "\n\x1b") || len(e.Reason) > 400 || e.Unasked {
					t.Errorf("%q", e.Reason)
				}
			})
		})
	}
}

// A text that is split across two pieces is found, even in a stream that never
// ends.
func TestRunFindsATextInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld().at("app.test:80", serves(nil, func(w http.ResponseWriter, r *http.Request) {
			for _, c := range "data: " + commit {
				fmt.Fprintf(w, "%c", c)
				http.NewResponseController(w).Flush()
				time.Sleep(300 * time.Millisecond)
			}
			<-r.Context().Done()
		}))
		c := check(t, w, "http://app.test/")
		c.Contains = commit
		start := time.Now()
		got, err := c.Run(t.Context())
		if took := time.Since(start); err != nil || w.dialled("app.test:80") != 1 || took > 6*time.Second {
			t.Errorf("%+v after %d attempts and %s: %v", got, w.dialled("app.test:80"), took, err)
		}
	})
}

// A body that changes with each answer is not reported each time; the last one
// is.
func TestRunIsNotToldOfEachBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		w := newWorld().at("app.test:80", serves(nil, nil))
		w.at("app.test:80", serves(nil, func(w http.ResponseWriter, _ *http.Request) { n++; fmt.Fprintf(w, "uptime %d", n) }))
		c := check(t, w, "http://app.test/")
		c.Contains = commit
		var told []string
		c.Progress = func(text string) { told = append(told, text) }
		e := outcome(t, c)
		if len(told) != 1 || !strings.HasSuffix(told[0], `the answer is "uptime 1"`) || !strings.HasSuffix(e.Reason, fmt.Sprintf(`"uptime %d"`, n)) {
			t.Errorf("%q, in the end %q", told, e.Reason)
		}
	})
}

// A page of another host with a good status that was not what was requested is
// not an answer of the application.
func TestRunWithATextAndALogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld().at("app.test:80", redirects(302, "http://sso.test/login")).at("sso.test:80", answers(200, "please sign in"))
		c := check(t, w, "http://app.test/")
		c.Contains = commit
		e := outcome(t, c)
		if !e.Unasked || !strings.Contains(e.Error(), "could not be asked") || e.Hint != hintLogin {
			t.Errorf("%+v", e)
		}
	})
}

// Headers are sent only to the host of the address, with its scheme and port.
func TestRunSendsHeadersToItsHostAlone(t *testing.T) {
	for to, sent := range map[string]bool{
		"/in": true, "http://app.test/in": true, "http://APP.test:80/in": true,
		"http://app.test:8080/in": false, "http://other.test/in": false, "https://app.test/in": false, "http://sub.app.test/in": false,
		"//other.test/in": false,
	} {
		t.Run(to, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var (
					mu  sync.Mutex
					got []string
				)
				note := func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, r.Host+" "+r.Header.Get("Authorization")+" "+strings.Join(r.Header["X-A"], "+")+" "+r.Header.Get("User-Agent"))
					if len(got) == 1 {
						w.Header().Set("Location", to)
						w.WriteHeader(302)
					}
				}
				w := newWorld()
				for _, addr := range []string{"app.test:80", "APP.test:80", "app.test:8080", "other.test:80", "sub.app.test:80"} {
					w.at(addr, serves(nil, note))
				}
				srv := serves(newAuthority(t).signs("app.test", nil), note)
				w.at("app.test:443", srv)
				c := check(t, w, "http://app.test")
				c.SkipVerify = true
				c.Headers = http.Header{"Host": {"inner.test"}, "Authorization": {"Bearer abc"}, "X-A": {"1", "2"}, "User-Agent": {"mine"}}
				if _, err := c.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				want := []string{"inner.test Bearer abc 1+2 mine", ""}
				u, _ := url.Parse("http://app.test/")
				u, _ = u.Parse(to)
				want[1] = u.Host + "   test"
				if sent {
					want[1] = want[0]
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
				}
				if c.Headers.Get("X-A") != "1" || len(c.Headers) != 4 {
					t.Errorf("%v", c.Headers)
				}
			})
		})
	}
}

func TestSameOrigin(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"https://h/a", "https://H:443/b?c", true},
		{"http://h", "http://h:80", true},
		{"http://h:8080", "http://h:8080/x", true},
		{"http://[::1]", "http://[::1]:80/", true},
		{"http://h:443", "https://h:443", false},
		{"https://h", "http://h", false},
		{"https://h", "https://h:8443", false},
		{"https://h", "https://x.h", false},
		{"https://h", "https://h.", false},
	} {
		if got := sameOrigin(mustURL(t, tt.a), mustURL(t, tt.b)); got != tt.want {
			t.Errorf("%s and %s: %v", tt.a, tt.b, got)
		}
	}
}
