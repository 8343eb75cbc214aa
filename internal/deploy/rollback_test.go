package deploy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/health"
	"dokploy-deploy/internal/verdict"
)

// byImage has an image whose name ends in a word do what the word says.
func byImage(v dokploytest.Version) dokploytest.Rollout {
	switch {
	case strings.HasSuffix(v.Image, ":crash"):
		return dokploytest.Rollout{Crash: true, Log: []string{"boom: no database"}}
	case strings.HasSuffix(v.Image, ":crash8"):
		return dokploytest.Rollout{Crash: true, CrashAfter: 8 * time.Second, Log: []string{"boom: after a while"}}
	case strings.HasSuffix(v.Image, ":stuck"):
		return dokploytest.Rollout{Unplaced: "no suitable node (insufficient resources on 1 node)"}
	case strings.Contains(v.Env, "BAD=1"):
		return dokploytest.Rollout{Crash: true, CrashAfter: 8 * time.Second}
	}
	return dokploytest.Rollout{}
}

func goingBack(c Changes) func(*Options) {
	return func(o *Options) {
		o.Prepare, o.Rollback, o.Verify, o.StableFor = c, true, VerifyAuto, 10*time.Second
	}
}

func TestSwarmWentBackByItself(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage})
		w.set = goingBack(Changes{Image: "ghcr.io/acme/api:crash"})
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		if r.Reason.Kind != verdict.SwarmRolledBack || strings.Contains(r.WentBack, "Swarm") || !strings.Contains(r.Error(), "the image was restored ("+oldImage+")") {
			w.Error(r.Error())
		}
		w.triggers(app, 1) // nothing is deployed again
		if app.Image() != oldImage || app.Running().Image != oldImage {
			w.Errorf("image %s, running %+v", app.Image(), app.Running())
		}
		if len(r.Tail) == 0 || !strings.HasSuffix(r.Tail[len(r.Tail)-1], "boom: no database") {
			w.Errorf("the container's last lines: %q", r.Tail)
		}
	})
}

func TestRollbackDeploysTheOldImage(t *testing.T) {
	for _, image := range []string{"crash8", "stuck"} {
		t.Run(image, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage, Env: "A=SECRET-a"})
				w.set = goingBack(Changes{Image: "ghcr.io/acme/api:" + image, Env: "B=SECRET-b"})
				r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
				if strings.Contains(r.Error(), "runs now") { // it is reported after the rollback
					w.Error(r.Error())
				}
				if !strings.Contains(r.Error(), "the image and the environment were restored") || !strings.Contains(r.Error(), "it was deployed again and is running") {
					w.Error(r.Error())
				}
				w.triggers(app, 2)
				if app.Image() != oldImage || app.Running().Image != oldImage || app.Env() != "A=SECRET-a" || app.Running().Env != app.Env() {
					w.Errorf("image %s, running %+v", app.Image(), app.Running())
				}
				if row := w.lastRow(app); row.ID == r.DeploymentID || !strings.HasPrefix(row.Title, "Rollback: ") {
					w.Errorf("%+v", row)
				}
				if r.Verified != verdict.VerifiedNo {
					w.Errorf("verified %q", r.Verified)
				}
			})
		})
	}
}

func TestRollbackOfAFailedPull(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{Build: dokploytest.Build{Outcome: "error"}})
		w.set = goingBack(Changes{Image: newImage})
		r := w.want(w.deploy("application api"), verdict.Failed, 1)
		if !strings.Contains(r.Error(), "nothing was replaced") || app.Image() != oldImage {
			w.Errorf("%s: %s", app.Image(), r.Error())
		}
		w.triggers(app, 1)
	})
}

func TestRollbackThatFailsToo(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage, BuildFunc: func(n int) dokploytest.Build {
			if n > 1 {
				return dokploytest.Build{Outcome: "error", ErrorMessage: "the registry is gone"}
			}
			return dokploytest.Build{}
		}})
		w.set = goingBack(Changes{Image: "ghcr.io/acme/api:crash8"})
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		if !strings.Contains(r.Error(), "deploying it again failed as well (error): the registry is gone") {
			w.Error(r.Error())
		}
		w.triggers(app, 2)
	})
}

// A service with nothing to go back to says so.
func TestNoWayBack(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Rollout: dokploytest.Rollout{Crash: true, CrashAfter: 8 * time.Second}})
		w.set = goingBack(Changes{})
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		if !strings.Contains(r.Error(), "cannot roll back") || !strings.Contains(r.Advice(), "rollbacks") {
			w.Errorf("%s (%s)", r.Error(), r.Advice())
		}
		w.triggers(app, 1)
	})
}

func TestDokploysOwnRollback(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", RollbackActive: true, Env: "A=1"})
		w.set = goingBack(Changes{})
		w.want(w.deploy("application api"), verdict.Done, 0)
		first := app.Running()
		// A deployment that fails by itself has a version, too, but not one to
		// go back to.
		app.SetBuild(dokploytest.Build{Outcome: "error"})
		w.want(w.deploy("application api"), verdict.Failed, 1)
		app.SetBuild(dokploytest.Build{})
		app.SetRolloutFunc(func(v dokploytest.Version) dokploytest.Rollout {
			if v.N == 3 {
				return dokploytest.Rollout{Crash: true, CrashAfter: 8 * time.Second}
			}
			return dokploytest.Rollout{}
		})
		w.set = goingBack(Changes{Env: "A=SECRET-new"})
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		if !strings.Contains(r.Error(), "restored the version of ") || !strings.Contains(r.Error(), "and it is running") {
			w.Errorf("%s\n%s", r.Error(), w.story())
		}
		if got := app.Running(); got.Env != first.Env || app.Env() != "A=1" {
			w.Errorf("running %+v, first %+v, env %q", got, first, app.Env())
		}
		w.triggers(app, 3)
		if n := w.srv.Calls("rollback.rollback"); n != 1 {
			w.Errorf("%d rollbacks", n)
		}
	})
}

func TestRollbackOfACompose(t *testing.T) {
	const good, bad = "services: {web: {image: \"acme/web:1\"}}\n", "services: {web: {image: \"acme/web:crash\"}}\n"
	for _, kind := range []string{"docker-compose", "stack"} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				stack := w.srv.AddCompose(dokploytest.Compose{
					ComposeType: kind, ComposeFile: good, RolloutFunc: func(_ string, v dokploytest.Version) dokploytest.Rollout { return byImage(v) },
				})
				w.set = goingBack(Changes{ComposeFile: bad, ComposePath: "c.yml"})
				r := w.want(w.deploy("compose stack"), verdict.Unhealthy, 1)
				if stack.ComposeFile() != good || !strings.Contains(r.Error(), "it was deployed again and is running") {
					w.Errorf("%q: %s\n%s", stack.ComposeFile(), r.Error(), w.story())
				}
				w.triggers(stack, 2)
			})
		})
	}
}

// pages answers health checks inside a bubble.
type pages struct {
	conns chan net.Conn
}

func (p *pages) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve answers each request with what status says.
func (p *pages) serve(w *world, status func() int) (stop func()) {
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case conn := <-p.conns:
				buf := make([]byte, 4096)
				_, _ = conn.Read(buf)
				code := status()
				_, _ = io.WriteString(conn, fmt.Sprintf("HTTP/1.1 %d x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", code))
				_ = conn.Close()
			}
		}
	}()
	return func() { close(done) }
}

func (w *world) health(p *pages, address string) *Health {
	h := &Health{Accept: []health.Range{{From: 200, To: 299}}, Timeout: time.Minute, Dial: p.dial}
	if address != "auto" {
		u, err := url.Parse(address)
		if err != nil {
			w.Fatal(err)
		}
		h.URL = u
	}
	return h
}

func TestHealthURL(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{Domains: []dokploytest.Domain{{Host: "api.example.com"}}})
		p := &pages{conns: make(chan net.Conn)}
		start := time.Now()
		var asked time.Time
		stop := p.serve(w, func() int {
			if asked.IsZero() {
				asked = time.Now()
			}
			if time.Since(start) < 20*time.Second {
				return 502
			}
			return 204
		})
		defer stop()
		w.set = func(o *Options) {
			o.Verify, o.StableFor, o.Health = VerifyAuto, 10*time.Second, w.health(p, "auto")
		}
		w.want(w.deploy("application api"), verdict.Done, 0)
		if !w.rec.said("health: http://api.example.com answered 204") || w.rec.said("may still be the previous version") {
			w.Error(w.story())
		}
		// The old version is never checked: the new containers run first.
		if asked.Sub(start) < 10*time.Second {
			w.Errorf("asked after %s", asked.Sub(start))
		}
		w.triggers(app, 1)
	})
}

func TestHealthURLThatFails(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage, Rollout: dokploytest.Rollout{Log: []string{"listening on 8080"}}})
		p := &pages{conns: make(chan net.Conn)}
		stop := p.serve(w, func() int {
			if app.Running().Image == oldImage && w.srv.TriggerCount(app) > 1 {
				return 200
			}
			return 502
		})
		defer stop()
		w.set = func(o *Options) {
			goingBack(Changes{Image: newImage})(o)
			o.Health = w.health(p, "https://x.example.com/health?token=SECRET-token")
			o.Health.URL.Scheme = "http"
		}
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		if !strings.Contains(r.Why(), "502") || strings.Contains(r.Error()+r.Advice()+w.story(), "SECRET") || r.Verified != verdict.VerifiedYes {
			w.Errorf("%s (%s)\n%s", r.Error(), r.Advice(), w.story())
		}
		if !strings.Contains(r.Error(), "it was deployed again and is running") || app.Running().Image != oldImage {
			w.Error(r.Error())
		}
		if len(r.Tail) == 0 || r.TailOf == "" {
			w.Errorf("no container log: %q", r.Tail)
		}
	})
}

func TestHealthURLWithoutADomain(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{})
		w.set = func(o *Options) { o.Health = w.health(&pages{}, "auto") }
		r := w.want(w.deploy("application api"), verdict.Invalid, 2)
		if r.ConcernedInput() != "health-url" {
			w.Errorf("%q: %s", r.ConcernedInput(), r.Error())
		}
		w.triggers(app, 0)
	})
}

// If it cannot be seen whether the new version is running, an answer is not
// attributed to it.
func TestHealthURLUnverified(t *testing.T) {
	inWorld(t, dokploytest.Options{NoDocker: true}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{})
		p := &pages{conns: make(chan net.Conn)}
		defer p.serve(w, func() int { return 200 })()
		w.set = func(o *Options) {
			o.Verify, o.StableFor, o.Health = VerifyAuto, 10*time.Second, w.health(p, "http://x.example.com")
		}
		w.want(w.deploy("application api"), verdict.Done, 0)
		if !w.rec.said("this may still be the previous version") {
			w.Error(w.story())
		}
	})
}

// Another pipeline deploys another image during our verification: what is
// running then is not what was requested.
func TestAnotherImageRuns(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{})
		w.set = func(o *Options) {
			goingBack(Changes{Image: newImage})(o)
		}
		go func() {
			time.Sleep(4 * time.Second)
			app.SetImage("ghcr.io/acme/api:theirs")
			w.srv.Enqueue(app, "theirs", "of another pipeline")
		}()
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		if r.Verified != verdict.VerifiedNo || r.Reason != (verdict.Reason{Kind: verdict.AnotherImage, Name: "ghcr.io/acme/api:theirs", Text: newImage}) {
			w.Errorf("%q: %s\n%s", r.Verified, r.Why(), w.story())
		}
		if app.Image() != "ghcr.io/acme/api:theirs" || !strings.Contains(r.WentBack, "not tried") {
			w.Errorf("image %s: %s", app.Image(), r.WentBack)
		}
		w.triggers(app, 1) // theirs was not triggered through the API
	})
}

func TestImagesAreCompared(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("a", 64)
	for _, tt := range []struct {
		asked, runs string
		same        bool
	}{
		{"nginx", "nginx:latest", true},
		{"nginx:1", "docker.io/library/nginx:1", true},
		{"nginx:1", "nginx:1" + digest, true},
		{"nginx" + digest, "nginx" + digest, true},
		{"nginx:1" + digest, "nginx:1" + digest, true},
		{"nginx:1", "nginx:2", false},
		{"nginx" + digest, "nginx@sha256:" + strings.Repeat("b", 64), false},
		{"nginx:1", "", true},
	} {
		if other := otherImage(tt.asked, &dokploy.SwarmService{Image: tt.runs}); (other == "") != tt.same {
			t.Errorf("asked %s, runs %s: %q", tt.asked, tt.runs, other)
		}
	}
}

// What was never set is not reported as set back, nor as somebody else's.
func TestNothingWasSet(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{})
		w.srv.Fault(dokploytest.Fault{Procedure: "application.update", Kind: dokploytest.Gateway, Status: 502, Times: -1})
		w.set = goingBack(Changes{Image: newImage})
		r := w.want(w.deploy("application api"), verdict.Unreachable, 3)
		if r.WentBack != "" || r.Left != verdict.MaybeSet || r.Set != "the image was" {
			w.Errorf("%s (%s)", r.Why(), r.WentBack)
		}
		w.triggers(app, 0)
	})
}

// An interrupt also ends a rollback, and counts as an interrupt.
func TestInterruptedWhileGoingBack(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage, BuildFunc: func(n int) dokploytest.Build {
			if n > 1 {
				return slowBuild
			}
			return dokploytest.Build{}
		}})
		ctx, interrupt := context.WithCancelCause(w.ctx)
		w.ctx = ctx
		go func() {
			for w.srv.TriggerCount(app) < 2 {
				time.Sleep(time.Second)
			}
			interrupt(ErrInterrupted)
		}()
		w.set = goingBack(Changes{Image: "ghcr.io/acme/api:crash8"})
		r := w.want(w.deploy("application api"), verdict.Interrupted, 1)
		if r.Reason.Kind != verdict.InterruptedGoingBack || !strings.Contains(r.WentBack, "continues there") {
			w.Errorf("%s (%s)", r.Why(), r.WentBack)
		}
	})
}
