package dokploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dokploy-deploy/internal/dokploytest"
)

// reads calls every procedure that reads; each returns its result as text.
var reads = map[string]func(context.Context, *Client) (any, error){
	"settings.getDokployVersion": func(ctx context.Context, c *Client) (any, error) { return c.Version(ctx) },
	"settings.isCloud":           func(ctx context.Context, c *Client) (any, error) { return c.IsCloud(ctx) },
	"project.all":                func(ctx context.Context, c *Client) (any, error) { return c.Projects(ctx) },
	"application.one":            func(ctx context.Context, c *Client) (any, error) { return c.Service(ctx, Application, "x") },
	"compose.one":                func(ctx context.Context, c *Client) (any, error) { return c.Service(ctx, Compose, "x") },
	"deployment.all":             func(ctx context.Context, c *Client) (any, error) { return c.Deployments(ctx, Application, "x") },
	"deployment.allByCompose":    func(ctx context.Context, c *Client) (any, error) { return c.Deployments(ctx, Compose, "x") },
	"deployment.queueList":       func(ctx context.Context, c *Client) (any, error) { return c.Queue(ctx) },
	"deployment.readLogs":        func(ctx context.Context, c *Client) (any, error) { return c.readLogs(ctx, "x", 100) },
	"deployment.allByType":       func(ctx context.Context, c *Client) (any, error) { return c.Rollbacks(ctx, "x") },
	"user.getPermissions": func(ctx context.Context, c *Client) (any, error) {
		r, ok, err := c.Rights(ctx)
		return []any{r, ok}, err
	},
	"docker.getServiceContainersByAppName": func(ctx context.Context, c *Client) (any, error) { return c.Tasks(ctx, "x", "") },
	"docker.getStackContainersByAppName":   func(ctx context.Context, c *Client) (any, error) { return c.StackTasks(ctx, "x", "") },
	"docker.getContainersByAppNameMatch": func(ctx context.Context, c *Client) (any, error) {
		return c.Containers(ctx, "x", "docker-compose", "")
	},
	"docker.getConfig": func(ctx context.Context, c *Client) (any, error) {
		s, err := c.SwarmService(ctx, "x", "")
		if err != nil {
			return s, err
		}
		_, err = c.ServiceOfTask(ctx, "x", "")
		return s, err
	},
	"compose.loadServices": func(ctx context.Context, c *Client) (any, error) { return c.ComposeServices(ctx, "x") },
	"application.readLogs": func(ctx context.Context, c *Client) (any, error) {
		return c.ReadContainerLogs(ctx, Application, "x", "", 100)
	},
	"application.deploy": func(ctx context.Context, c *Client) (any, error) {
		return nil, c.Deploy(ctx, Application, "deploy", "x", "t", "d")
	},
}

// roundTrip answers without a connection.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// given returns a client that gets the same answer to every request.
func given(t testing.TB, status int, header http.Header, body func() io.Reader) *Client {
	t.Helper()
	u, err := url.Parse("http://dokploy.test")
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{URL: u, Key: "key-123", UserAgent: "test"})
	c.http.Transport = &redirector{next: roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: header.Clone(), Body: io.NopCloser(body()), Request: r, ProtoMajor: 1, ProtoMinor: 1}, nil
	})}
	return c
}

func TestLargeAnswers(t *testing.T) {
	procedures := []string{"project.all", "application.one", "deployment.all", "deployment.queueList", "docker.getConfig", "user.getPermissions", "compose.loadServices"}
	if dokploytest.RaceDetector() {
		procedures = procedures[:1] // no goroutine reads the answer
	}
	endless := func(head, more string) func() io.Reader {
		return func() io.Reader {
			return io.MultiReader(strings.NewReader(head), &repeat{text: strings.Repeat(more, 1000)})
		}
	}
	times := func(head, more string, n int, foot string) func() io.Reader {
		return func() io.Reader {
			return io.MultiReader(strings.NewReader(head), io.LimitReader(&repeat{text: strings.Repeat(more, 1000)}, int64(n*len(more))), strings.NewReader(foot))
		}
	}
	for name, tt := range map[string]struct {
		body func() io.Reader
		want string // part of every error; empty: not checked
	}{
		"endless text":    {endless(`"`, "x"), "is larger than"},
		"endless list":    {endless(`[`, `{"deploymentId":"x"},`), "is larger than"},
		"endless space":   {endless(``, " "), "is larger than"},
		"many objects":    {times(`[{}`, `,{}`, 200_000, `]`), "objects"},
		"a deep list":     {times(``, `[`, 100_000, strings.Repeat("]", 100_000)), ""},
		"a deep object":   {times(``, `{"a":`, 100_000, "1"+strings.Repeat("}", 100_000)), ""},
		"many empty ones": {times(`[null`, `,null`, 1_000_000, `]`), ""},
		"many texts":      {times(`[""`, `,""`, 1_000_000, `]`), ""},
		"many numbers":    {times(`[0`, `,0`, 1_000_000, `]`), ""},
	} {
		for _, procedure := range procedures {
			c := given(t, 200, http.Header{}, tt.body)
			_, err := reads[procedure](t.Context(), c)
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), procedure+": ")) {
				t.Errorf("%s, %s: %v", name, procedure, err)
			}
			var e *Error
			if tt.want != "" && (!errors.As(err, &e) || e.Odd == "" || !Permanent(err)) {
				t.Errorf("%s, %s: not an odd answer: %#v", name, procedure, err)
			}
			if len(c.large) != 0 {
				t.Fatalf("%s, %s: the turn is kept", name, procedure)
			}
		}
	}
}

// repeat is an endless text.
type repeat struct {
	text string
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	for n := 0; n < len(p); {
		k := copy(p[n:], r.text[r.at:])
		n += k
		r.at = (r.at + k) % len(r.text)
	}
	return len(p), nil
}

// TestOneLargeAnswerAtATime: many large answers at once are all read, one after
// the other.
func TestOneLargeAnswerAtATime(t *testing.T) {
	log := strings.Repeat("x", 2<<20)
	body, _ := json.Marshal(log)
	c := given(t, 200, http.Header{}, func() io.Reader { return strings.NewReader(string(body)) })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if s, err := c.readLogs(t.Context(), "x", 100); err != nil || s != log {
				t.Errorf("%d bytes, %v", len(s), err)
			}
		})
	}
	wg.Wait()
	if len(c.large) != 0 {
		t.Error("the turn is kept")
	}
}

func TestWrongTypesAreSaidByName(t *testing.T) {
	for body, want := range map[string]string{
		`{"applicationId":7}`:                "application.one: 200 the answer cannot be read: applicationId is a number, expected text",
		`{"applicationId":"a","domains":{}}`: "domains is an object, expected a list",
		`[]`:                                 "it is an array, expected an object",
		`"x"`:                                "it is a string, expected an object",
		`{"replicas":1e400}`:                 "replicas is a number out of range, expected a number",
		``:                                   "application.one: 200 the answer is empty",
		`{`:                                  "unexpected end of JSON input",
		`null`:                               "the answer names no service",
	} {
		c := given(t, 200, http.Header{}, func() io.Reader { return strings.NewReader(body) })
		_, err := c.Service(t.Context(), Application, "a")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

// An empty answer may come from any program: it is not attributed to Dokploy.
func TestAnEmptyAnswerIsNobodys(t *testing.T) {
	for _, body := range []string{"", " \n"} {
		c := given(t, 200, http.Header{}, func() io.Reader { return strings.NewReader(body) })
		_, err := c.Service(t.Context(), Application, "a")
		if what, hint := Explain(err); what != "expected Dokploy's API, but got an empty answer (application.one: 200)" || hint != notDokploy {
			t.Errorf("%q: %q, %q", body, what, hint)
		}
	}
}

func TestBrokenAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  string
		want string
	}{
		"too short":        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,2", "the connection was closed in the middle of the answer to deployment.all (4 bytes received)"},
		"half a chunk":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n[1,2", "the connection was closed in the middle of the answer to deployment.all (4 bytes received)"},
		"no chunk":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "the answer to deployment.all cannot be read: invalid byte in chunk length"},
		"no gzip":          {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 30\r\n\r\n[1,2,3,4,5,6,7,8,9,10,11,12,13", "the answer to deployment.all cannot be read: gzip: invalid header"},
		"another encoding": {"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\n\x1b\x00\x01", "expected Dokploy's API, but got something other than JSON (deployment.all: 200)"},
		"no HTTP":          {"SSH-2.0-OpenSSH_9.6\r\n", `the answer to deployment.all is not HTTP: malformed HTTP response "SSH-2.0-OpenSSH_9.6"`},
		"a head too long":  {"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", maxHeader) + "\r\n\r\n[]", "the answer to deployment.all has more than 256 kB of headers"},
		"two lengths":      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]", "deployment.all: http: message cannot contain multiple Content-Length headers"},
	} {
		t.Run(name, func(t *testing.T) {
			c := serving(t, func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, tt.raw)
				_ = conn.Close()
			})
			_, err := c.Deployments(t.Context(), Application, "x")
			if what, _ := Explain(err); !strings.HasPrefix(what, tt.want) {
				t.Errorf("%s, want %s", what, tt.want)
			}
		})
	}
}

func TestAnswerThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		c := given(t, 200, nil, func() io.Reader { return io.MultiReader(strings.NewReader("[1"), endless{ctx}) })
		_, err := c.Deployments(ctx, Application, "x")
		if what, _ := Explain(err); what != "the answer to deployment.all did not end in time (2 bytes received)" {
			t.Error(what)
		}
	})
}

// endless returns nothing until its context ends.
type endless struct{ context.Context }

func (e endless) Read([]byte) (int, error) {
	<-e.Done()
	return 0, e.Err()
}

func TestOddNumbers(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"Up 9999999999 years": 100 * 365 * 24 * time.Hour, "Up 99999999999999 seconds": 100_000 * time.Second, "Up 99999999999999999999 seconds": -1, "Up 5 seconds": 5 * time.Second,
		"Up 999999999 hours": 100_000*time.Hour - 30*time.Minute, "Up 999999999 months": 1200 * 30 * 24 * time.Hour, "Up 999999999 weeks": 5000 * 7 * 24 * time.Hour,
	} {
		if got, ok := age(text); ok != (want >= 0) || ok && got != want {
			t.Errorf("%s: %s, %v", text, got, ok)
		}
	}
	for _, ms := range []float64{-1, 0, 1e14, 1e300} {
		if got := millis(ms); !got.IsZero() {
			t.Errorf("%g: %s", ms, got)
		}
	}
	if got := parseRetryAfter("Fri, 31 Dec 9999 23:59:59 GMT"); got != time.Hour {
		t.Error(got)
	}
}

// TestErrorsOfAnyType: an error some of whose parts have wrong types keeps the
// other parts. Its texts are whole: a text that was cut could not be masked.
func TestErrorsOfAnyType(t *testing.T) {
	long := strings.Repeat("y", 100_000)
	for body, want := range map[string]string{
		`{"message":7,"code":"NOT_FOUND"}`:                                          "application.one: 404 Not Found",
		`{"message":"gone","code":7,"data":"x","issues":{}}`:                        "application.one: 404 gone",
		`{"error":{"json":{"message":"gone","code":-32004,"data":{"zodError":7}}}}`: "application.one: 404 gone",
		`{"message":"` + long + `"}`:                                                "application.one: 404 " + long,
		`[` + strings.Repeat("[", 20_000):                                           "application.one: 404 " + strings.Repeat("[", 20_001),
	} {
		c := given(t, 404, http.Header{}, func() io.Reader { return strings.NewReader(body) })
		_, err := c.Service(t.Context(), Application, "x")
		if err == nil || err.Error() != want {
			t.Errorf("%.60s: %v", body, err)
		}
	}
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, `"f%d":["%s"],`, i, long[:20])
	}
	c := given(t, 400, http.Header{}, func() io.Reader {
		return strings.NewReader(`{"message":"m","data":{"zodError":{"fieldErrors":{` + b.String() + `"z":[]}}}}`)
	})
	_, err := c.Service(t.Context(), Application, "x")
	var e *Error
	if !errors.As(err, &e) || len(e.Fields) != maxFields {
		t.Errorf("%d bytes, %d fields", len(err.Error()), len(e.Fields))
	}
}

func TestEnvironmentsAreBounded(t *testing.T) {
	for _, env := range []string{strings.Repeat("A=1\n", 30_000), strings.Repeat("x", maxEnv+1)} {
		body, _ := json.Marshal(map[string]string{"applicationId": "a", "env": env})
		c := given(t, 200, http.Header{}, func() io.Reader { return strings.NewReader(string(body)) })
		if _, err := c.Service(t.Context(), Application, "a"); err == nil || !strings.Contains(err.Error(), "environment has more than") {
			t.Error(err)
		}
	}
}

// TestLongNames: what cannot be a name is not sent back to a server.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("n", maxName+1)
	body, _ := json.Marshal(map[string]string{"applicationId": "a", "appName": long})
	c := given(t, 200, http.Header{}, func() io.Reader { return strings.NewReader(string(body)) })
	sent := c.http.Transport
	if _, err := c.Service(t.Context(), Application, "a"); err == nil || !strings.Contains(err.Error(), "4097 bytes are too many for a name or id") || len(err.Error()) > 300 {
		t.Error(err)
	}
	c.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		t.Errorf("sent: %.100s", r.URL)
		return sent.RoundTrip(r)
	})
	if _, err := c.Tasks(t.Context(), long, ""); err == nil {
		t.Error("taken for the name of a service")
	}
	if _, err := c.dialStream(t.Context(), "/listen-deployment", url.Values{"logPath": {long}}); err == nil {
		t.Error("taken for a path")
	}
}

// FuzzAnswers: whatever the answer, every procedure returns a result or an
// error of this package that can be explained.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		``, `null`, `[]`, `{}`, `"v0.30.2"`, `[null]`, `[{}]`, `[0]`, `["a"]`, `{"result":{"data":{"json":[{"deploymentId":"x"}]}}}`, `<!DOCTYPE html>`,
		`[{"projectId":"p","name":"n","environments":[{"environmentId":"e","name":"n","applications":[{"applicationId":"a","name":"n","applicationStatus":"done"}],"compose":[]}]}]`,
		`{"applicationId":"a","name":"n","replicas":1,"domains":[{"host":"h","https":true,"path":"/","enabled":null}],"deployments":[{"deploymentId":"d","status":"done","startedAt":"2026-01-01T00:00:00.000Z"}],"buildArgs":null,"createEnvFile":true,"environment":{"environmentId":"e","project":{"projectId":"p"}}}`,
		`[{"id":"job-1","data":{"applicationId":"a","server":false},"timestamp":1,"processedOn":2,"state":"active"},{"id":7,"timestamp":1e300}]`,
		`[{"containerId":"c","name":"a.1.x","state":"running","currentState":"Running 3 hours ago","status":"Up 3 seconds (health: starting)","error":"\"x\""}]`,
		`{"ID":"x","Version":{"Index":7},"Spec":{"Name":"n","Mode":{"Replicated":{"Replicas":-1}},"TaskTemplate":{"ContainerSpec":{"Image":"i"}}},"UpdateStatus":{"State":"completed"}}`,
		`{"service":{"create":true},"docker":null,"envVars":{"write":1}}`,
		`{"message":"Input validation failed","code":"BAD_REQUEST","data":{"code":"x","zodError":{"formErrors":["f"],"fieldErrors":{"a":["b"]}}},"issues":[{"path":["a",1],"message":"m"}]}`,
		`{"error":{"json":{"message":"m","code":-32004,"data":{"code":"NOT_FOUND"}}}}`, `{"success":false,"message":"m"}`,
	} {
		f.Add([]byte(body), 200, "", "")
		f.Add([]byte(body), 404, "application/json", "")
	}
	f.Add([]byte(`x`), 308, "text/html", "/a/")
	f.Add([]byte(`x`), 503, "", "http://[::1")
	f.Fuzz(func(t *testing.T, body []byte, status int, contentType, location string) {
		if status < 200 || status > 599 || status == 502 || status == 503 || status == 504 {
			return // these requests are repeated after a pause
		}
		header := http.Header{}
		if contentType != "" {
			header.Set("Content-Type", contentType)
		}
		if location != "" {
			header.Set("Location", location)
		}
		if json.Valid(body) {
			walk(t, body)
			unwrap(body)
		}
		for procedure, read := range reads {
			c := given(t, status, header, func() io.Reader { return strings.NewReader(string(body)) })
			_, err := read(t.Context(), c)
			if len(c.large) != 0 {
				t.Fatalf("%s: the turn is kept", procedure)
			}
			if err == nil {
				if status >= 300 {
					t.Fatalf("%s: %d is taken for an answer", procedure, status)
				}
				continue
			}
			var e *Error
			var te *TransportError
			var old *NoEnvironmentsError
			if !errors.As(err, &e) && !errors.As(err, &te) && !errors.As(err, &old) {
				t.Fatalf("%s: %T", procedure, err)
			}
			what, hint := Explain(err)
			if what == "" || len(what)+len(hint) > 20_000 {
				t.Fatalf("%s: said in %d bytes: %.200s", procedure, len(what), what)
			}
			if e != nil && e.Procedure != procedure {
				t.Fatalf("%s: the error is of %s", procedure, e.Procedure)
			}
		}
	})
}
