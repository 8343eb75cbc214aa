package deploy

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/rollout"
	"dokploy-deploy/internal/verdict"
)

const (
	v1      = "ghcr.io/acme/api:v1"
	v99     = "ghcr.io/acme/api:v99" // cannot be pulled
	crashes = "ghcr.io/acme/api:crash8"
)

func TestImageBack(t *testing.T) {
	row := func(status string) *dokploy.Deployment { return &dokploy.Deployment{Status: status} }
	digest := "@sha256:" + strings.Repeat("a", 64)
	for name, tt := range map[string]struct {
		ran         ran
		set, failed string
		image, why  string
	}{
		"what ran was set":            {ran{image: v1, earlier: row("done")}, v1, "x:2", v1, ""},
		"another was set":             {ran{image: v1, earlier: row("error")}, v99, "x:2", v1, ""},
		"as it was written":           {ran{image: "docker.io/library/nginx:1"}, "nginx:1", "nginx:2", "nginx:1", ""},
		"with swarm's digest":         {ran{image: "nginx:1" + digest}, "nginx:1", "nginx:2", "nginx:1", ""},
		"another's with its digest":   {ran{image: "nginx:1" + digest}, "nginx:9", "nginx:2", "nginx:1" + digest, ""},
		"the same tag":                {ran{image: "x:latest"}, "x:latest", "x:latest", "", "the same tag"},
		"the same tag, not written":   {ran{image: "x"}, "x:latest", "docker.io/library/x:latest", "", "the same tag"},
		"the same tag with a digest":  {ran{image: "x:latest" + digest}, "x:latest", "x:latest", "", "the same tag"},
		"another digest":              {ran{image: "x:1" + digest}, "x:1" + digest, "x:1@sha256:" + strings.Repeat("b", 64), "x:1" + digest, ""},
		"set again what was set":      {ran{image: v1}, v99, v99, v1, ""},
		"what ran is set again":       {ran{image: v1}, v99, v1, "", "the same tag"},
		"unknown, the row is done":    {ran{earlier: row("done")}, v1, "x:2", v1, ""},
		"unknown, no rows":            {ran{}, v1, "x:2", v1, ""},
		"unknown, the row failed":     {ran{earlier: row("error")}, v99, "x:2", "", `ended as "error"`},
		"unknown, it was cancelled":   {ran{earlier: row("cancelled")}, v99, "x:2", "", `ended as "cancelled"`},
		"unknown, it still runs":      {ran{earlier: row("running")}, v99, "x:2", "", `ended as "running"`},
		"unknown, rows not read":      {ran{unread: true}, v1, "x:2", "", "does not show the earlier deployments"},
		"unknown, and the same tag":   {ran{earlier: row("done")}, "x:1", "x:1", "", "the same tag"},
		"nothing ran":                 {ran{nothing: true}, v1, "x:2", "", "nothing was running before"},
		"no image was set":            {ran{}, "", "x:2", "", "nothing was running before"},
		"it ran, though no row is so": {ran{image: v1, unread: true}, v99, "x:2", v1, ""},
	} {
		image, why := imageBack(tt.ran, tt.set, tt.failed)
		if image != tt.image || (why == "") != (tt.why == "") || !strings.Contains(why, tt.why) {
			t.Errorf("%s: %q (%s), want %q (%s)", name, image, why, tt.image, tt.why)
		}
	}
}

func TestImageThatRan(t *testing.T) {
	for state, want := range map[string]string{
		"": v1, "completed": v1, "rollback_completed": v1,
		"updating": "", "paused": "", "rollback_started": "", "rollback_paused": "",
	} {
		view := rollout.View{Services: map[string]*dokploy.SwarmService{"app": {Image: v1, UpdateState: state}}}
		if got := imageThatRan(view, "app"); got != want {
			t.Errorf("%q: %q, want %q", state, got, want)
		}
	}
	if got := imageThatRan(rollout.View{}, "app"); got != "" {
		t.Error(got)
	}
}

// history deploys v1, then fails to deploy v99, which stays set.
func (w *world) history(member, rollback bool) *dokploytest.Service {
	app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage})
	if member {
		w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}, CreateServices: true})
	}
	w.set = goingBack(Changes{Image: v1})
	w.want(w.deploy("application "+app.ID), verdict.Done, 0)
	app.SetBuild(dokploytest.Build{Outcome: "error", ErrorMessage: "manifest unknown"})
	w.set = goingBack(Changes{Image: v99})
	if !rollback {
		w.set = func(o *Options) { goingBack(Changes{Image: v99})(o); o.Rollback = false }
	}
	w.want(w.deploy("application "+app.ID), verdict.Failed, 1)
	app.SetBuild(dokploytest.Build{})
	time.Sleep(time.Minute)
	return app
}

// A rollback restores what was running before, not what an earlier run set in
// vain.
func TestRollbackGoesToWhatRan(t *testing.T) {
	for _, verify := range []VerifyMode{VerifyAuto, VerifyRequire, VerifyOff} {
		t.Run(string(verify), func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.history(false, false)
				if app.Image() != v99 || app.Running().Image != v1 {
					w.Fatalf("set %s, running %s", app.Image(), app.Running().Image)
				}
				w.set = func(o *Options) {
					goingBack(Changes{Image: crashes})(o)
					o.Verify = verify
					if verify == VerifyOff {
						o.Health = w.health(&pages{}, "http://x.example.com/")
						o.Health.Dial = answering(always("502 Bad Gateway", "X: y"), nil)
					}
				}
				r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
				if app.Image() != v1 || app.Running().Image != v1 || w.srv.TriggerCount(app) != 4 {
					w.Errorf("set %s, running %s: %s\n%s", app.Image(), app.Running().Image, r.Error(), w.story())
				}
				if !strings.Contains(r.WentBack, "the image was restored to what was running before ("+v1+"); "+v99+" had been set, but was not running") {
					w.Error(r.WentBack)
				}
			})
		})
	}
}

// The same if this run sets again what an earlier one set in vain.
func TestRollbackOfWhatWasSetAlready(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage, Image: v1})
		app.SetImage(crashes)
		w.set = goingBack(Changes{Image: crashes})
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		if app.Image() != v1 || app.Running().Image != v1 {
			w.Errorf("set %s, running %s: %s\n%s", app.Image(), app.Running().Image, r.Error(), w.story())
		}
	})
}

// If nothing was replaced, or swarm rolled back by itself, the setting follows
// what is running.
func TestRollbackSetsWhatRuns(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.history(false, false)
		app.SetBuild(dokploytest.Build{Outcome: "error"})
		w.set = goingBack(Changes{Image: newImage})
		r := w.want(w.deploy("application api"), verdict.Failed, 1)
		if app.Image() != v1 || w.srv.TriggerCount(app) != 3 {
			w.Errorf("set %s: %s", app.Image(), r.Error())
		}
	})
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.history(false, false)
		w.set = goingBack(Changes{Image: "ghcr.io/acme/api:crash"})
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		if r.Reason.Kind != verdict.SwarmRolledBack || app.Image() != v1 || app.Running().Image != v1 || w.srv.TriggerCount(app) != 3 {
			w.Errorf("set %s, running %s: %s", app.Image(), app.Running().Image, r.Error())
		}
	})
}

// With a member's key, what was running is not known: what was set counts only
// if the deployment before is done.
func TestRollbackWithAMembersKey(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.history(true, false)
		w.set = goingBack(Changes{Image: crashes})
		r := w.want(w.deploy("application "+app.ID), verdict.Unhealthy, 1)
		if app.Image() != crashes || w.srv.TriggerCount(app) != 3 ||
			!strings.Contains(r.WentBack, `cannot roll back: the previous image is not known: the deployment before this one ended as "error"`) {
			w.Errorf("set %s: %s\n%s", app.Image(), r.Error(), w.story())
		}
	})
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage})
		w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}, CreateServices: true})
		w.set = goingBack(Changes{Image: v1})
		w.want(w.deploy("application "+app.ID), verdict.Done, 0)
		time.Sleep(2 * time.Minute)
		w.set = goingBack(Changes{Image: crashes})
		r := w.want(w.deploy("application "+app.ID), verdict.Unhealthy, 1)
		time.Sleep(time.Minute) // a member does not see when it runs
		if app.Image() != v1 || app.Running().Image != v1 {
			w.Errorf("set %s, running %s: %s\n%s", app.Image(), app.Running().Image, r.Error(), w.story())
		}
	})
}

// The same tag would bring back the failed version.
func TestRollbackToTheSameTag(t *testing.T) {
	for _, member := range []bool{false, true} {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{Image: "ghcr.io/acme/api:latest"})
			target := "application " + app.ID
			if member {
				w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}, CreateServices: true})
			}
			w.set = goingBack(Changes{Image: "ghcr.io/acme/api:latest"})
			w.want(w.deploy(target), verdict.Done, 0)
			time.Sleep(2 * time.Minute)
			app.SetRollout(dokploytest.Rollout{Crash: true, CrashAfter: 8 * time.Second})
			r := w.want(w.deploy(target), verdict.Unhealthy, 1)
			w.triggers(app, 2)
			if !strings.Contains(r.WentBack, "cannot roll back: the previous version also ran ghcr.io/acme/api:latest, and deploying the same tag brings back the failed version") {
				w.Error(r.Error())
			}
		})
	}
}

// With another environment, going back to the same tag makes sense.
func TestRollbackOfTheEnvironmentAlone(t *testing.T) {
	for _, image := range []string{"", oldImage} {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage, Env: "A=1"})
			w.set = goingBack(Changes{Image: image, Env: "BAD=1"})
			r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
			w.triggers(app, 2)
			if app.Env() != "A=1" || app.Running().Env != "A=1" || !strings.Contains(r.WentBack, "deployed again and is running") {
				w.Errorf("env %q: %s", app.Env(), r.Error())
			}
		})
	}
}

// What an earlier run set in vain is not restored if nothing shows what was
// running.
func TestNoRollbackToWhatNeverRan(t *testing.T) {
	t.Run("environment", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage, Build: dokploytest.Build{Outcome: "error"}})
			w.set = func(o *Options) { o.Prepare = Changes{Env: "A=1"} }
			w.want(w.deploy("application api"), verdict.Failed, 1)
			app.SetBuild(dokploytest.Build{})
			w.set = goingBack(Changes{Env: "BAD=1"})
			r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
			w.triggers(app, 2)
			if !strings.Contains(r.WentBack, "cannot roll back: the previous version is not known") {
				w.Error(r.Error())
			}
		})
	})
	t.Run("an image that this run has not set", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage})
			app.SetImage("ghcr.io/acme/api:another")
			w.set = goingBack(Changes{Env: "BAD=1"})
			r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
			w.triggers(app, 1)
			if app.Image() != "ghcr.io/acme/api:another" || !strings.Contains(r.WentBack, oldImage+" was running before, but ghcr.io/acme/api:another is set, which this run did not change") {
				w.Error(r.Error())
			}
		})
	})
	for _, kind := range []string{"docker-compose", "stack"} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				const bad = "services: {web: {image: \"acme/web:crash\"}}\n"
				stack := w.srv.AddCompose(dokploytest.Compose{
					ComposeType: kind, ComposeFile: twoServices, Build: dokploytest.Build{Outcome: "error"},
					RolloutFunc: func(_ string, v dokploytest.Version) dokploytest.Rollout { return byImage(v) },
				})
				w.set = func(o *Options) { o.Prepare = Changes{ComposeFile: oneIsNew, ComposePath: "c.yml"} }
				w.want(w.deploy("compose stack"), verdict.Failed, 1)
				stack.SetBuild(dokploytest.Build{})
				w.set = goingBack(Changes{ComposeFile: bad, ComposePath: "c.yml"})
				r := w.want(w.deploy("compose stack"), verdict.Unhealthy, 1)
				w.triggers(stack, 2)
				if !strings.Contains(r.WentBack, "cannot roll back: the previous version is not known") {
					w.Error(r.Error())
				}
			})
		})
	}
}

// Before the first deployment ever, nothing was running.
func TestNoRollbackOfTheFirstDeployment(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{NeverDeployed: true, RolloutFunc: byImage})
		w.set = goingBack(Changes{Image: crashes})
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		w.triggers(app, 1)
		if !strings.Contains(r.WentBack, "nothing was running before") {
			w.Error(r.Error())
		}
	})
}

// A rollback does not fail because it had nothing to replace.
func TestRollbackThatReplacesNothing(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		stack := w.srv.AddCompose(dokploytest.Compose{ComposeFile: twoServices, BuildFunc: func(n int) dokploytest.Build {
			if n == 1 {
				return dokploytest.Build{Outcome: "error"}
			}
			return dokploytest.Build{}
		}})
		w.set = func(o *Options) {
			goingBack(Changes{ComposeFile: oneIsNew, ComposePath: "c.yml"})(o)
			o.Verify = VerifyRequire
		}
		r := w.want(w.deploy("compose stack"), verdict.Failed, 1)
		w.triggers(stack, 2)
		if stack.ComposeFile() != twoServices || strings.Contains(r.WentBack, "failed as well") || !strings.Contains(r.WentBack, "it was deployed again and is running") || w.rec.said("pinned tag") {
			w.Errorf("%s\n%s", r.Error(), w.story())
		}
	})
}

// The time of the verdict does not include the rollback.
func TestTheTimeEndsWithTheVerdict(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage})
		w.set = goingBack(Changes{Image: crashes})
		start := time.Now()
		report := w.deploy("application api")
		r := w.want(report, verdict.Unhealthy, 1)
		if all := time.Since(start); r.Took > 15*time.Second || all < r.Took+8*time.Second || report.Took > r.Took+time.Second {
			w.Errorf("took %s, the report %s, all of it %s", r.Took, report.Took, all)
		}
	})
}

// It begins with the first trigger, however long preparation takes.
func TestTheTimeBeginsWithTheTrigger(t *testing.T) {
	inWorld(t, dokploytest.Options{Latency: 2 * time.Second}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{})
		w.set = func(o *Options) { o.Prepare = Changes{Env: "A=1"} }
		report := w.deploy("application api")
		if r := w.want(report, verdict.Done, 0); report.Took != r.Took || r.Took == 0 {
			w.Errorf("the report says %s, its target %s", report.Took, r.Took)
		}
	})
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	results := []verdict.Result{{At: at(5)}, {Triggered: at(12), At: at(30)}, {Triggered: at(10), At: at(20)}, {}}
	if got := took(results); got != 20*time.Second {
		t.Errorf("%s", got)
	}
	if got := took(results[:1]); got != 0 {
		t.Errorf("nothing was triggered: %s", got)
	}
}

// An application that Dokploy builds is built again from today's code, whatever
// was running before: its environment is set back to what was set.
func TestRollbackOfABuiltApplicationAfterAFailedOne(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", RolloutFunc: byImage, Build: dokploytest.Build{Outcome: "error"}})
		w.set = func(o *Options) { o.Prepare = Changes{Env: "A=1", ReplaceEnv: true} }
		w.want(w.deploy("application api"), verdict.Failed, 1)
		app.SetBuild(dokploytest.Build{})
		w.set = goingBack(Changes{Env: "BAD=1"})
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		w.triggers(app, 3)
		if app.Env() != "A=1" || !strings.Contains(r.WentBack, "built from the current code") {
			w.Errorf("env %q: %s", app.Env(), r.Error())
		}
	})
}

// If it cannot roll back, it says what is in place now and what to do.
func TestNoWayBackSaysWhatStands(t *testing.T) {
	f := failure{
		status: verdict.Unhealthy, ended: true, asked: "x:1", service: &dokploy.Service{Kind: dokploy.Application, SourceType: "docker", Image: "x:1"},
		before: &history{ran: ran{nothing: true}},
	}
	w := wayBack(f)
	if w.kind != impossible || !strings.HasSuffix(w.why, "; the failed version is still in place") || !strings.Contains(string(w.hint), "run it again") {
		t.Errorf("%+v", w)
	}
}
