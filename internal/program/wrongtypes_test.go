package program

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dokploy-deploy/internal/ci"
	"dokploy-deploy/internal/deploy"
	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// wrong holds values of every type, and values that fit no type.
var wrong = []string{`null`, `7`, `-1e300`, `1e999`, `"x"`, `""`, `[]`, `[null,7,"x",[]]`, `{}`, `{"a":{"b":[]}}`, `true`}

// readFields are the fields of answers that the program reads.
var readFields = strings.Fields(`
	applicationId composeId name applicationStatus composeStatus applications compose projectId environments environmentId
	appName composeType replicas sourceType serverId buildServerId dockerImage env composeFile dropBuildPath rollbackActive project environment
	host https path enabled domains deployments buildArgs buildSecrets createEnvFile
	deploymentId title description status logPath createdAt startedAt finishedAt errorMessage
	id data titleLog descriptionLog server timestamp processedOn state
	containerId currentState error node ID Version Index Spec Mode Replicated Replicas TaskTemplate ForceUpdate ContainerSpec Image RestartPolicy Condition
	UpdateStatus State StartedAt Message ServiceID`)

// place is a field in the answers of a procedure: the names of the objects that
// lead to it, through any lists.
type place struct{ procedure, path string }

// places collects where an answer has the fields that are read.
func places(found map[place]string, procedure, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if slices.Contains(readFields, name) {
				at := path + "/" + name
				found[place{procedure, at}] = kind(value)
				places(found, procedure, at, value)
			}
		}
	case []any:
		for _, value := range v {
			places(found, procedure, path, value)
		}
	}
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case bool:
		return "bool"
	case float64:
		return "number"
	case []any:
		return "list"
	}
	return "object"
}

// put sets the value at a path, in all elements of the lists on the way.
func put(v any, path string, value any) any {
	if list, ok := v.([]any); ok && path != "" {
		for i := range list {
			list[i] = put(list[i], path, value)
		}
		return list
	}
	if path == "" {
		return value
	}
	name, rest, _ := strings.Cut(path[1:], "/")
	if rest != "" {
		rest = "/" + rest
	}
	if m, ok := v.(map[string]any); ok {
		if inner, there := m[name]; there {
			m[name] = put(inner, rest, value)
		}
	}
	return v
}

// huge stands for a number that Go's float64 cannot hold.
const huge = "\"huge-number\""

// pipes is a listener for connections in memory, which a synctest bubble sees.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error   { close(l.closed); return nil }
func (l *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case l.conns <- b:
		return a, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// world is one deployment whose truth is known.
type world struct {
	name    string
	kind    dokploy.Kind
	outcome string
	crashes bool
}

// typed deploys once in virtual time, with answers that change has modified.
func typed(t *testing.T, w world, change func(procedure string, answer any) any) (report *verdict.Report, triggers int) {
	synctest.Test(t, func(t *testing.T) {
		srv := dokploytest.New(dokploytest.Options{})
		srv.Start()
		defer srv.Close()
		build := dokploytest.Build{Outcome: w.outcome, Steps: dokploytest.Lines(2*time.Second, "a", "b", "c")}
		rollout := dokploytest.Rollout{}
		if w.crashes {
			rollout = dokploytest.Rollout{Crash: true, CrashAfter: time.Second}
		}
		var service *dokploytest.Service
		if w.kind == dokploy.Compose {
			service = srv.AddCompose(dokploytest.Compose{Name: "api", Build: build, Rollout: rollout})
		} else {
			service = srv.AddApplication(dokploytest.Application{Name: "api", SourceType: "git", Build: build, Rollout: rollout, Domains: []dokploytest.Domain{{Host: "a.test"}}})
		}
		ln := &pipes{make(chan net.Conn), make(chan struct{})}
		front := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			procedure, ok := strings.CutPrefix(r.URL.Path, "/api/")
			if !ok {
				srv.ServeHTTP(rw, r)
				return
			}
			r.Header.Del("Accept-Encoding")
			rec := httptest.NewRecorder()
			srv.ServeHTTP(rec, r)
			body := rec.Body.Bytes()
			var answer any
			if rec.Code == http.StatusOK && json.Unmarshal(body, &answer) == nil {
				body, _ = json.Marshal(change(procedure, answer))
				body = bytes.ReplaceAll(body, []byte(huge), []byte("1e999"))
			}
			maps.Copy(rw.Header(), rec.Header())
			rw.Header().Del("Content-Length")
			rw.WriteHeader(rec.Code)
			_, _ = rw.Write(body)
		})}
		ended := make(chan struct{})
		go func() { defer close(ended); _ = front.Serve(ln) }()
		defer func() { _ = front.Close(); <-ended }()
		u, err := url.Parse("http://dokploy.test")
		if err != nil {
			t.Fatal(err)
		}
		client := dokploy.New(dokploy.Options{URL: u, Key: srv.Key, Dial: ln.dial})
		defer client.CloseIdle()
		printer := ci.New(ci.Host{}, io.Discard, nil)
		report = deploy.Run(t.Context(), deploy.Options{
			Client: client, Reporter: printer, Targets: []deploy.Target{{Kind: w.kind, Ref: "api"}}, Operation: "deploy", URL: u.String(),
			Wait: true, Timeout: 90 * time.Second, Unreachable: 10 * time.Second, Logs: deploy.LogLive, Verify: deploy.VerifyAuto, StableFor: 3 * time.Second,
		})
		show(printer, report)
		_ = outputs(report, printer.Text)
		_ = printer.Close()
		triggers = srv.TriggerCount(service)
	})
	return report, triggers
}

// TestWrongTypes replaces each field that is read with values of other types.
// The program may then know less, but nothing that is untrue. With
// HOSTILE_ALL=yes it tries every value in every place, otherwise one in six.
func TestWrongTypes(t *testing.T) {
	t.Parallel()
	for _, w := range []world{
		{name: "runs", kind: dokploy.Application, outcome: "done"},
		{name: "breaks", kind: dokploy.Application, outcome: "error"},
		{name: "crashes", kind: dokploy.Application, outcome: "done", crashes: true},
		{name: "compose breaks", kind: dokploy.Compose, outcome: "error"},
	} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			found := map[place]string{}
			var mu sync.Mutex
			plain, _ := typed(t, w, func(procedure string, answer any) any {
				mu.Lock()
				defer mu.Unlock()
				found[place{procedure, ""}] = kind(answer)
				places(found, procedure, "", answer)
				return answer
			})
			truth := plain.Status()
			if want := map[string]verdict.Status{"runs": verdict.Done, "crashes": verdict.Unhealthy}[w.name]; truth != want && (want != "" || truth != verdict.Failed) {
				t.Fatalf("%s: %s", truth, plain.Results[0].Why())
			}
			all := slices.SortedFunc(maps.Keys(found), func(a, b place) int { return strings.Compare(a.procedure+a.path, b.procedure+b.path) })
			oneIn := 6
			if dokploytest.RaceDetector() {
				oneIn = 30
			}
			t.Logf("%d places", len(all))
			for i, at := range all {
				for j, text := range wrong {
					if os.Getenv("HOSTILE_ALL") == "" && (i+j)%oneIn != 0 {
						continue
					}
					var value any
					if json.Unmarshal([]byte(text), &value) != nil {
						value = "huge-number"
					} else if kind(value) == found[at] {
						continue // not a wrong type
					}
					report, triggers := typed(t, w, func(procedure string, answer any) any {
						if procedure == at.procedure {
							return put(answer, at.path, value)
						}
						return answer
					})
					status := report.Status()
					what := fmt.Sprintf("%s%s = %s: %s (%s)", at.procedure, at.path, text, status, report.Results[0].Why())
					switch status {
					case truth, verdict.Unreachable, verdict.Timeout, verdict.Lost, verdict.Invalid:
					case verdict.Done:
						// A service that is not running, but cannot be
						// verified: verify is auto.
						if truth != verdict.Unhealthy || report.Results[0].Verified == verdict.VerifiedYes {
							t.Errorf("%s, but it is %s", what, truth)
						}
					default:
						t.Errorf("%s, but it is %s", what, truth)
					}
					if status != verdict.Done && report.Results[0].Why() == "" {
						t.Errorf("%s: no reason", what)
					}
					if triggers > 2 || len(report.Results[0].Why()) > 5000 {
						t.Errorf("%s: %d triggers", what, triggers)
					}
				}
			}
		})
	}
}
