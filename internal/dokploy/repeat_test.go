package dokploy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// scripted is a server whose connections read each request and do what is
// scripted for its procedure: a connection without an answer is closed.
type scripted struct {
	mu    sync.Mutex
	posts int
	wrap  func(net.Conn) net.Conn
}

func (s *scripted) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		r := bufio.NewReader(far)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			if req.Method == http.MethodPost {
				s.mu.Lock()
				s.posts++
				first := s.posts == 1
				s.mu.Unlock()
				if first && s.wrap == nil {
					return // without an answer
				}
			}
			_, _ = io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]")
		}
	}()
	if s.wrap != nil {
		return s.wrap(near), nil
	}
	return near, nil
}

// A POST that was written and not answered is sent once, whatever headers are
// set: net/http repeats one with Idempotency-Key.
func TestNoLayerRepeatsAPost(t *testing.T) {
	for _, name := range []string{"", "Idempotency-Key", "idempotency-key", "X-Idempotency-Key", "X-IDEMPOTENCY-KEY"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &scripted{}
				u, _ := url.Parse("http://dokploy.test")
				o := Options{URL: u, Key: "key-123", UserAgent: "test", Dial: s.dial}
				if name != "" {
					o.Header = http.Header{name: {"x"}}
				}
				c := New(o)
				defer c.CloseIdle()
				if _, err := c.Queue(t.Context()); err != nil { // from here on the connection has been used
					t.Fatal(err)
				}
				err := c.Deploy(t.Context(), Application, "deploy", "app-1", "title", "description")
				var te *TransportError
				if !errors.As(err, &te) || !te.Made {
					t.Errorf("%v", err)
				}
				if s.posts != 1 {
					t.Errorf("%d POSTs", s.posts)
				}
			})
		})
	}
}

// deaf is a connection that accepts nothing more once it is told so.
type deaf struct {
	net.Conn
	now *atomic.Bool
}

func (d deaf) Write(p []byte) (int, error) {
	if d.now.CompareAndSwap(true, false) {
		return 0, net.ErrClosed
	}
	return d.Conn.Write(p)
}

// A POST of which nothing was written is sent again, and arrives once.
func TestAPostThatWasNotWrittenIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now atomic.Bool
		s := &scripted{wrap: func(c net.Conn) net.Conn { return deaf{c, &now} }}
		u, _ := url.Parse("http://dokploy.test")
		c := New(Options{URL: u, Key: "key-123", UserAgent: "test", Dial: s.dial})
		defer c.CloseIdle()
		if _, err := c.Queue(t.Context()); err != nil {
			t.Fatal(err)
		}
		now.Store(true)
		if err := c.Deploy(t.Context(), Application, "deploy", "app-1", "title", "description"); err != nil || s.posts != 1 {
			t.Errorf("%v, %d POSTs", err, s.posts)
		}
	})
}

// A refusal without a message, or not in Dokploy's words, comes from another
// program: it says nothing about the service.
func TestAnswersOfOtherPrograms(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		odd    Odd
	}{
		{404, "", oddEmpty},
		{404, " \r\n", oddEmpty},
		{401, "", oddEmpty},
		{403, "", oddEmpty},
		{400, "", oddEmpty},
		{500, "", oddEmpty},
		{502, "", oddEmpty},
		{404, `{}`, oddOther},
		{404, `{"detail":"Not Found"}`, oddOther},
		{404, `{"message":"no Route matched with those values"}`, oddOther},
		{404, `{"message":"Not Found"}`, oddOther},
		{404, `{"error":"not found"}`, oddOther},
		{404, `"not found"`, oddOther},
		{401, `{"error":"unauthorized"}`, oddOther},
		{404, `404 page not found`, oddText},
		{404, `{"message":"Application not found","code":"NOT_FOUND"}`, ""},
		{404, `{"error":{"message":"Application not found","code":"NOT_FOUND"}}`, ""},
		{404, `{"error":{"json":{"message":"Not found","code":-32004,"data":{"code":"NOT_FOUND","httpStatus":404}}}}`, ""},
		{401, `{"message":"Unauthorized"}`, ""},
		{400, `Invalid JSON`, ""},
		{200, "", ""},
	} {
		client := given(t, c.status, http.Header{}, func() io.Reader { return strings.NewReader(c.body) })
		err := client.Deploy(t.Context(), Application, "deploy", "app-1", "title", "description")
		if c.status == 200 {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.Odd != c.odd {
			t.Errorf("%d %q: %+v, want odd %q", c.status, c.body, e, c.odd)
		}
		if what, hint := Explain(err); c.odd == oddEmpty && (strings.Contains(what, "a proxy in front") || hint == "") {
			t.Errorf("%d %q: %s | %s", c.status, c.body, what, hint)
		}
		if c.odd != "" && (NotFound(err) || Unsupported(err) || Refused(err)) {
			t.Errorf("%d %q is taken for Dokploy's", c.status, c.body)
		}
	}
}
