package dokploytest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   Fault
		carried bool
		status  int // 0: no answer
		body    string
		header  string // "Name: value"
	}{
		{"lost before", Fault{Kind: Lost}, false, 0, "", ""},
		{"lost after", Fault{Kind: Lost, CarriedOut: true}, true, 0, "", ""},
		{"lost in the body", Fault{Kind: LostInBody, CarriedOut: true}, true, 0, "", ""},
		{"502", Fault{Kind: Gateway}, false, 502, "502 Bad Gateway", "Content-Type: text/html"},
		{"504 after", Fault{Kind: Gateway, Status: 504, CarriedOut: true}, true, 504, "504 Gateway Timeout", ""},
		{"hang", Fault{Kind: Hang}, false, 0, "", ""},
		{"hang, carried out first", Fault{Kind: Hang, After: time.Second, CarriedOut: true}, true, 200, "success", ""},
		{"hang, carried out late", Fault{Kind: Hang, After: time.Second, Late: true}, true, 200, "success", ""},
		{"hang, carried out too late for the answer", Fault{Kind: Hang, After: 2 * time.Minute, Late: true}, true, 0, "", ""},
		{"page", Fault{Kind: Page}, false, 200, "<!DOCTYPE html>", "Content-Type: text/html; charset=utf-8"},
		{"429", Fault{Kind: TooMany, After: 7 * time.Second}, false, 429, "", "Retry-After: 7"},
		{"401", Fault{Kind: Unauthorized}, false, 401, `{"message":"Unauthorized"}`, ""},
		{"challenge", Fault{Kind: Cloudflare}, false, 403, "Just a moment", "Cf-Mitigated: challenge"},
		{"522", Fault{Kind: Cloudflare, Status: 522}, false, 522, "Connection timed out", "Server: cloudflare"},
		{"redirect", Fault{Kind: Redirect, Location: "https://elsewhere.test/"}, false, 301, "", "Location: https://elsewhere.test/"},
		{"500", Fault{Kind: ServerError, Body: "boom"}, false, 500, `"message":"boom"`, ""},
		{"truncated", Fault{Kind: Truncated}, true, 200, "", ""},
		{"empty", Fault{Kind: Empty}, false, 200, "", ""},
		{"custom", Fault{Kind: Custom, Status: 418, Body: "tea", Header: http.Header{"X-Tea": {"green"}}}, false, 418, "tea", "X-Tea: green"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
				v := s.AddCompose(Compose{})
				tt.fault.Procedure = "compose.deploy"
				s.Fault(tt.fault)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Second)
				defer cancel()
				req, _ := http.NewRequestWithContext(ctx, "POST", s.URL()+"/api/compose.deploy", strings.NewReader(`{"composeId":"`+v.ID+`"}`))
				req.Header.Set("X-Api-Key", s.Key)
				req.Header.Set("Content-Type", "application/json")
				resp, err := c.http.Do(req)
				var body []byte
				if err == nil {
					body, err = io.ReadAll(resp.Body)
					resp.Body.Close()
				}
				switch {
				case tt.status == 0:
					if err == nil {
						t.Errorf("answered: %d %s", resp.StatusCode, body)
					}
				case err != nil:
					t.Errorf("not answered: %v", err)
				case resp.StatusCode != tt.status || !strings.Contains(string(body), tt.body):
					t.Errorf("answered: %d %s", resp.StatusCode, body)
				default:
					name, value, _ := strings.Cut(tt.header, ": ")
					if name != "" && resp.Header.Get(name) != value {
						t.Errorf("headers %v", resp.Header)
					}
				}
				time.Sleep(2 * time.Minute)
				if got := s.TriggerCount(v) == 1; got != tt.carried {
					t.Errorf("carried out: %v", got)
				}
				if tt.name == "truncated" && string(body) != (`{"composeId":"` + v.ID + `","message":"Deployment queued","success":true}`)[:41] {
					t.Errorf("truncated to %s", body)
				}
				c.deploy(v, "the next one") // works again
			})
		})
	}
}

func TestFaultCounts(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		s.Fault(Fault{Procedure: "settings.getDokployVersion", Kind: Gateway, Status: 503, Skip: 1, Times: 2})
		s.Fault(Fault{Procedure: "*", Kind: Gateway, Skip: 2, Times: -1})
		var got []int
		for range 6 {
			status, _ := c.do("GET", "/api/settings.getDokployVersion", "")
			got = append(got, status)
		}
		// The first one passes both; the second and third meet the first fault,
		// and the rest the other one.
		same(t, "statuses", got, []int{200, 503, 503, 200, 502, 502})
		s.ClearFaults()
		if status, _ := c.do("GET", "/api/settings.getDokployVersion", ""); status != 200 {
			t.Errorf("cleared: %d", status)
		}
		reqs := s.Requests()
		if len(reqs) != 7 || reqs[1].Status != 503 || reqs[1].Procedure != "settings.getDokployVersion" || reqs[1].Host != "dokploy.test" {
			t.Errorf("requests %+v", reqs)
		}
	})
}

func TestStreamFaults(t *testing.T) {
	const log = "one\ntwo ✅\nthree\n"
	dial := func(s *Server, c *client, path string) (*websocket.Conn, error) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		conn, _, err := websocket.Dial(ctx, "ws://dokploy.test/listen-deployment?logPath="+path, &websocket.DialOptions{
			HTTPClient: c.http, HTTPHeader: http.Header{"X-Api-Key": {c.key}},
		})
		return conn, err
	}
	for _, tt := range []struct {
		name   string
		fault  Fault
		opens  bool
		frames string
		code   websocket.StatusCode // 0: stays open
		again  bool                 // the next stream has everything
	}{
		{"refused", Fault{Kind: StreamRefused, Status: 403}, false, "", 0, true},
		{"never answered", Fault{Kind: StreamHang}, false, "", 0, true},
		{"closed at once", Fault{Kind: StreamClosed}, true, "", 1005, true},
		{"closed later", Fault{Kind: StreamClosed, Bytes: 6}, true, "one\ntw", 1005, true},
		{"cut", Fault{Kind: StreamCut, Bytes: 6}, true, "one\ntw", -1, true},
		{"cut for good", Fault{Kind: StreamCut, Bytes: 6, NoResume: true}, true, "one\ntw", -1, false},
		{"frames", Fault{Kind: StreamFrames, Frames: []string{"tail error: tail: cannot", " open 'x'"}}, true, "tail error: tail: cannot open 'x'", 1005, true},
		{"silent", Fault{Kind: StreamSilent}, true, "", 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
				r := s.AddRow(s.AddApplication(Application{}), Row{Status: "running"}, log)
				tt.fault.Procedure = "listen-deployment"
				s.Fault(tt.fault)
				conn, err := dial(s, c, r.LogPath)
				if (err == nil) != tt.opens {
					t.Fatalf("open: %v", err)
				}
				if err == nil {
					frames, code, err := read(conn, time.Minute)
					conn.CloseNow()
					if got := strings.Join(frames, ""); got != tt.frames || code != tt.code {
						t.Errorf("%q, %v (%v)", frames, code, err)
					}
				}
				conn, err = dial(s, c, r.LogPath)
				if (err == nil) != tt.again {
					t.Fatalf("the next one: %v", err)
				}
				if err == nil {
					defer conn.CloseNow()
					if frames, _, _ := read(conn, time.Second); strings.Join(frames, "") != log {
						t.Errorf("the next one: %q", frames)
					}
				}
			})
		})
	}
}

func TestPing(t *testing.T) {
	for name, f := range map[string]Fault{"answered": {}, "silent": {Kind: StreamSilent}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
				r := s.AddRow(s.AddApplication(Application{}), Row{Status: "running"}, "x\n")
				if f.Kind != "" {
					f.Procedure = streamProcedure
					s.Fault(f)
				}
				conn := c.open(r.LogPath, "")
				defer conn.CloseNow()
				frames := make(chan struct{})
				go func() { // only a reader sees a pong
					defer close(frames)
					_, _, _ = read(conn, time.Minute)
				}()
				defer func() {
					conn.CloseNow()
					<-frames
				}()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if err := conn.Ping(ctx); (err == nil) != (f.Kind == "") {
					t.Errorf("ping: %v", err)
				}
			})
		})
	}
}

func TestFrames(t *testing.T) {
	const log = "a✅b\n"
	for _, tt := range []struct {
		name string
		o    Options
		want []string
	}{
		{"whole", Options{}, []string{"a✅b\n"}},
		{"as Node shows the halves", Options{FrameSize: 3}, []string{"a\uFFFD", "\uFFFDb\n"}},
		{"as bytes", Options{FrameSize: 3, RawFrames: true}, []string{"a\xe2\x9c", "\x85b\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, tt.o, func(t *testing.T, s *Server, c *client) {
				r := s.AddRow(s.AddApplication(Application{}), Row{Status: "running"}, log)
				conn := c.open(r.LogPath, "")
				defer conn.CloseNow()
				frames, _, err := read(conn, time.Second)
				same(t, "frames", frames, tt.want)
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestBigLog streams more than a server that discards logs keeps.
func TestBigLog(t *testing.T) {
	for name, o := range map[string]Options{"kept": {}, "discarded": {DiscardLogs: true}} {
		t.Run(name, func(t *testing.T) {
			s := New(o)
			url, err := s.Listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			c := newClient(t, s)
			chunk := bytes.Repeat([]byte("0123456789abcdef0123456789abcde\n"), 2048)
			const chunks = 320 // 20 MiB
			app := s.AddApplication(Application{Build: Build{Raw: true, LogWriter: func(w io.Writer) {
				for range chunks {
					if _, err := w.Write(chunk); err != nil {
						return
					}
				}
			}}})
			s.Enqueue(app, "big", "")
			for len(s.Deployments(app)) == 0 {
				time.Sleep(5 * time.Millisecond)
			}
			row := s.Deployments(app)[0]
			conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(url, "http")+"/listen-deployment?logPath="+row.LogPath, &websocket.DialOptions{
				HTTPClient: c.http, HTTPHeader: http.Header{"X-Api-Key": {s.Key}},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.CloseNow()
			conn.SetReadLimit(-1)
			left := chunks * len(chunk)
			for left > 0 {
				_, data, err := conn.Read(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if len(data) > maxFrame {
					t.Fatalf("a frame of %d bytes", len(data))
				}
				left -= len(data)
			}
			if left != 0 {
				t.Errorf("%d bytes too many", -left)
			}
			for s.Deployments(app)[0].Status == "running" {
				time.Sleep(5 * time.Millisecond)
			}
			if kept := len(s.Log(row.ID)); (kept < chunks*len(chunk)) != o.DiscardLogs {
				t.Errorf("%d bytes are kept", kept)
			}
		})
	}
}

func TestTCPRestart(t *testing.T) {
	s := New(Options{})
	url, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := newClient(t, s)
	health := func() error {
		_, _, err := c.try(t.Context(), "GET", "/api/health", "")
		return err
	}
	if err := health(); err != nil || s.URL() != url {
		t.Fatalf("%v at %s", err, s.URL())
	}
	s.goDown()
	if err := health(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("while it is down: %v", err)
	}
	s.comeUp(s.life)
	if err := health(); err != nil || s.URL() != url {
		t.Errorf("back: %v at %s", err, s.URL())
	}
}

func TestTLS(t *testing.T) {
	s := New(Options{})
	url, pem, err := s.ListenTLS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := http.Get(url + "/api/health"); err == nil {
		t.Error("its certificate is trusted by everybody")
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	defer tr.CloseIdleConnections()
	c := &client{t: t, s: s, key: s.Key, http: &http.Client{Transport: tr}}
	if status, _ := c.do("GET", "/api/health", ""); status != 200 || !strings.HasPrefix(url, "https://") {
		t.Errorf("%d at %s", status, url)
	}
	r := s.AddRow(s.AddApplication(Application{}), Row{Status: "running"}, "x\n")
	conn := c.open(r.LogPath, "")
	defer conn.CloseNow()
	if _, data, err := conn.Read(t.Context()); err != nil || string(data) != "x\n" {
		t.Errorf("stream: %q, %v", data, err)
	}
}

func TestTooLarge(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		if status, body := c.do("POST", "/api/application.deploy", `{"title":"`+strings.Repeat("x", 1<<20)+`"}`); status != 413 {
			t.Errorf("%d %s", status, body)
		}
	})
}

func TestSubPath(t *testing.T) {
	bubble(t, Options{SubPath: "/dokploy"}, func(t *testing.T, s *Server, c *client) {
		if status, _ := c.do("GET", "/api/health", ""); status != 200 {
			t.Errorf("below it: %d", status)
		}
		resp, err := c.http.Get("http://dokploy.test/api/health")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Errorf("beside it: %d", resp.StatusCode)
		}
		if _, err := c.http.Get("http://elsewhere.test/"); err == nil {
			t.Error("another host answers")
		}
	})
}
