package deploy

import (
	"context"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
)

// What a waiting job waits for, and what is reported about it when the waiting
// ends.
func TestPlaceLeft(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	job := func(id, service string, since time.Duration) dokploy.Job {
		j := dokploy.Job{ID: id, ServiceID: service, Kind: dokploy.Application}
		if since >= 0 {
			j.Active, j.ProcessedOn = true, now.Add(-since)
		}
		return j
	}
	remote := func(j dokploy.Job) dokploy.Job { j.Remote, j.ServerID = true, "server-1"; return j }
	compose := func(j dokploy.Job) dokploy.Job { j.Kind = dokploy.Compose; return j }
	ours := job("ours", "api", -1)
	for name, tt := range map[string]struct {
		jobs []dokploy.Job
		want string
	}{
		"nothing ahead":                 {[]dokploy.Job{ours}, ""},
		"one builds":                    {[]dokploy.Job{job("1", "web", 72*time.Second), ours}, "web, which has been building for 1m12s"},
		"one has just begun":            {[]dokploy.Job{job("1", "web", 200*time.Millisecond), ours}, "web, which is building"},
		"two build":                     {[]dokploy.Job{job("1", "web", 72*time.Second), job("2", "db", 5*time.Second), ours}, "web, which has been building for 1m12s, and for db, which has been building for 5s"},
		"one builds, one waits":         {[]dokploy.Job{job("1", "web", time.Minute), job("2", "db", -1), ours}, "web, which has been building for 1m00s, and for 1 other ahead of it in line"},
		"two wait":                      {[]dokploy.Job{job("1", "web", -1), job("2", "db", -1), ours}, "2 others ahead of it in line"},
		"an application without a name": {[]dokploy.Job{job("1", "x", time.Minute), ours}, "another application, which has been building for 1m00s"},
		"a compose service without one": {[]dokploy.Job{compose(job("1", "x", time.Minute)), ours}, "another compose service, which has been building for 1m00s"},
		"behind it":                     {[]dokploy.Job{ours, job("2", "db", -1)}, ""},
		"one builds on a remote server": {[]dokploy.Job{remote(job("1", "web", time.Minute)), ours}, ""},
	} {
		r := target{service: &dokploy.Service{ID: "api"}, paths: map[string]string{"web": "web", "db": "db"}}
		p := r.placeOf(track.PlaceOf(&dokploy.Queue{Jobs: tt.jobs}, &ours))
		if got := p.waitsFor(now); got != tt.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	b := building{name: "web", since: now.Add(-10 * time.Minute)}
	for typical, want := range map[time.Duration]string{
		0:               "",
		6 * time.Minute: "",
		5 * time.Minute: "web, which is ahead, has been building for 10m00s; it usually takes 5m00s",
		time.Second:     "web, which is ahead, has been building for 10m00s; it usually takes 1s",
	} {
		if got := b.late(typical, now); got != want {
			t.Errorf("usually %s: %q", typical, got)
		}
	}
}

// A timeout and an interrupt while it is queued name what is building, and
// since when; a build ahead that takes far longer than usual is reported once,
// while it waits.
func TestWhatItWaitedFor(t *testing.T) {
	for _, end := range []string{"timeout", "interrupt"} {
		t.Run(end, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				w.srv.AddApplication(dokploytest.Application{})
				web := w.srv.AddApplication(dokploytest.Application{Name: "web", BuildFunc: func(n int) dokploytest.Build {
					if n == 1 {
						return takes(10 * time.Second)
					}
					return takes(time.Hour)
				}})
				w.srv.Enqueue(web, "another's", "")
				time.Sleep(20 * time.Second)
				w.srv.Enqueue(web, "another's", "")
				status, exit := verdict.Timeout, 4
				if end == "interrupt" {
					ctx, interrupt := context.WithCancelCause(w.ctx)
					w.ctx = ctx
					time.AfterFunc(5*time.Minute, func() { interrupt(ErrInterrupted) })
					status, exit = verdict.Interrupted, 1
				}
				w.set = func(o *Options) { o.Timeout = 6 * time.Minute }
				r := w.want(w.deploy("application api"), status, exit)
				took, _ := strings.CutPrefix(r.Detail, "shop/production/web, which has been building for ")
				late := map[string]time.Duration{"timeout": 6 * time.Minute, "interrupt": 5 * time.Minute}[end]
				if d, err := time.ParseDuration(took); r.Left != verdict.StillQueued || err != nil || d > late || d < late-10*time.Second {
					w.Errorf("%s\n%s", r.Why(), w.story())
				}
				if n := strings.Count(w.story(), "shop/production/web, which is ahead, has been building for 1m1"); n != 1 || !w.rec.said("it usually takes 10s") {
					w.Errorf("said %d times\n%s", n, w.story())
				}
			})
		})
	}
}
