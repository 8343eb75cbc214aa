package deploy

import (
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/upload"
	"dokploy-deploy/internal/verdict"
)

// What is reported at a timeout depends on what was sent.
func TestATimeoutBeforeAnythingIsSent(t *testing.T) {
	for _, timeout := range []time.Duration{0, 1, time.Microsecond, time.Millisecond} {
		inWorld(t, dokploytest.Options{Latency: 120 * time.Millisecond}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{})
			w.set = func(o *Options) { o.Timeout = timeout }
			r := w.want(w.deploy("application api"), verdict.Timeout, 4)
			if timeout == 0 && w.srv.Calls("application.deploy") > 0 {
				w.Errorf("%s: sent\n%s", timeout, w.story())
			}
			if said := r.Left == verdict.NothingStarted; said != (w.srv.TriggerCount(app) == 0) {
				w.Errorf("%s: %s, with %d triggers", timeout, r.Why(), w.srv.TriggerCount(app))
			}
		})
	}
}

// The same if the time ends while the list before the trigger is read again.
func TestATimeoutRightBeforeTheTrigger(t *testing.T) {
	inWorld(t, dokploytest.Options{Latency: 400 * time.Millisecond}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{})
		w.set = func(o *Options) { o.Timeout, o.Verify = 300*time.Millisecond, VerifyAuto }
		r := w.want(w.deploy("application api"), verdict.Timeout, 4)
		if r.Left != verdict.NothingStarted || w.srv.Calls("deployment.all") != 1 || w.srv.Calls("application.deploy") != 0 {
			w.Errorf("%s\n%s", r.Why(), w.story())
		}
	})
}

// If there was no connection when the time was over, nothing was sent.
func TestATimeoutWhileNothingConnects(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{})
		// The restart comes before the next request, which takes some time.
		w.srv.OnCall("docker.getConfig", func() {
			w.srv.SetLatency(time.Millisecond)
			go w.srv.Restart(time.Minute)
		})
		w.set = func(o *Options) { o.Timeout, o.Verify = 3*time.Second, VerifyAuto }
		r := w.want(w.deploy("application api"), verdict.Timeout, 4)
		w.triggers(app, 0)
		if r.Left != verdict.NothingStarted {
			w.Error(r.Why())
		}
	})
}

// If it was sent and not answered, it may have arrived.
func TestATimeoutWhileTheTriggerIsNotAnswered(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{})
		w.srv.Fault(dokploytest.Fault{Procedure: "application.deploy", Kind: dokploytest.Hang, After: time.Minute})
		w.set = func(o *Options) { o.Timeout = 300 * time.Millisecond }
		r := w.want(w.deploy("application api"), verdict.Timeout, 4)
		if r.Left != verdict.MaybeTaken {
			w.Error(r.Why())
		}
	})
}

// A 404 without a message comes from something in front of Dokploy: no service
// is missing, and while a deployment is followed it is an outage.
func TestA404WithoutAWord(t *testing.T) {
	empty := func(procedure string, times int) dokploytest.Fault {
		return dokploytest.Fault{Procedure: procedure, Kind: dokploytest.Empty, Status: http.StatusNotFound, Times: times}
	}
	t.Run("before the trigger", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{})
			w.srv.Fault(empty("application.one", -1))
			r := w.want(w.deploy("application api"), verdict.Unreachable, 3)
			w.triggers(app, 0)
			if strings.Contains(r.Why(), "not found") || !strings.Contains(r.Why(), "expected Dokploy's API, but got an empty answer") {
				w.Error(r.Why())
			}
		})
	})
	t.Run("to the trigger", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{})
			w.srv.Fault(empty("application.deploy", -1))
			r := w.want(w.deploy("application api"), verdict.Unreachable, 3)
			w.triggers(app, 0)
			if w.srv.Calls("application.deploy") != 1 || !strings.Contains(r.Why(), "application.deploy: 404") {
				w.Errorf("%s\n%s", r.Why(), w.story())
			}
		})
	})
	t.Run("while it is followed", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{Build: takes(20 * time.Second)})
			time.AfterFunc(5*time.Second, func() { w.srv.Fault(empty("*", 4)) })
			w.want(w.deploy("application api"), verdict.Done, 0)
			w.triggers(app, 1)
		})
	})
}

// stuckConn accepts so many bytes and then no more.
type stuckConn struct {
	net.Conn
	left int
	once sync.Once
	over chan struct{}
}

func (c *stuckConn) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		<-c.over
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(p)
}

func (c *stuckConn) Close() error {
	c.once.Do(func() { close(c.over) })
	return c.Conn.Close()
}

// A stalled upload is given up after unreachable-timeout, and nothing was
// started.
func TestAnUploadThatStandsStill(t *testing.T) {
	dir := t.TempDir()
	random := make([]byte, 1<<20)
	_, _ = rand.Read(random)
	if err := os.WriteFile(filepath.Join(dir, "data"), random, 0o644); err != nil {
		t.Fatal(err)
	}
	src, err := upload.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "drop"})
		u, _ := url.Parse(w.srv.URL())
		client := dokploy.New(dokploy.Options{URL: u, Key: w.key, UserAgent: "test", Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := w.srv.Dial(ctx, network, addr)
			return &stuckConn{Conn: c, left: 256 << 10, over: make(chan struct{})}, err
		}})
		defer client.CloseIdle()
		w.set = func(o *Options) {
			o.Client, o.Prepare.Source, o.Prepare.SourcePath, o.Unreachable = client, src, "src", 40*time.Second
		}
		r := w.want(w.deploy("application api"), verdict.Unreachable, 3)
		w.triggers(app, 0)
		if r.Reason != (verdict.Reason{Kind: verdict.UploadStalled, For: 40 * time.Second, Text: "262 kB"}) || r.Left != verdict.NothingStarted || r.Took > 45*time.Second {
			w.Errorf("after %s: %s\n%s", r.Took, r.Why(), w.story())
		}
	})
}

func TestDistinctNames(t *testing.T) {
	service := func(kind dokploy.Kind, id, project, environment, name string) *dokploy.Service {
		return &dokploy.Service{Kind: kind, ID: id, ProjectName: project, Environment: environment, Name: name}
	}
	app, compose := dokploy.Application, dokploy.Compose
	for _, c := range []struct {
		name     string
		services []*dokploy.Service
		want     string
	}{
		{"one", []*dokploy.Service{service(app, "1", "shop", "production", "web")}, "web"},
		{"two names", []*dokploy.Service{service(app, "1", "shop", "production", "web"), service(app, "2", "shop", "production", "api")}, "web, api"},
		{"two environments", []*dokploy.Service{service(app, "1", "shop", "production", "web"), service(app, "2", "shop", "staging", "web")}, "shop/production/web, shop/staging/web"},
		{"two kinds", []*dokploy.Service{service(app, "1", "shop", "production", "web"), service(compose, "2", "shop", "production", "web")}, "web (application), web (compose)"},
		{"two of a kind", []*dokploy.Service{service(app, "1", "shop", "production", "web"), service(app, "2", "shop", "production", "web")}, "web (1), web (2)"},
		{"two kinds, two environments", []*dokploy.Service{
			service(app, "1", "shop", "production", "web"), service(compose, "2", "shop", "production", "web"), service(app, "3", "shop", "staging", "web"),
		}, "shop/production/web (application), shop/production/web (compose), shop/staging/web (application)"},
		{"all of it", []*dokploy.Service{
			service(app, "1", "shop", "production", "web"), service(app, "2", "shop", "production", "web"), service(compose, "3", "shop", "production", "web"), service(app, "4", "shop", "production", "api"),
		}, "web (1), web (2), web (3), api"},
		{"white space", []*dokploy.Service{service(app, "1", "shop", "production", "web "), service(compose, "2", "shop", "production", "web")}, "web (application), web (compose)"},
		{"a name like a path", []*dokploy.Service{
			service(app, "1", "shop", "production", "web"), service(app, "2", "shop", "staging", "web"), service(app, "3", "x", "y", "shop/staging/web"),
		}, "shop/production/web, web (2), shop/staging/web (3)"},
		{"no name", []*dokploy.Service{service(app, "1", "", "", " ")}, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			names := distinctNames(c.services)
			var got []string
			for _, s := range c.services {
				got = append(got, names[s.ID])
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("%s, want %s", strings.Join(got, ", "), c.want)
			}
		})
	}
}
