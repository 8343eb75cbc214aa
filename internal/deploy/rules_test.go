package deploy

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// Each of these tests checks the rule that it is named after, or a few related
// rules: internal/rules switches rules off and runs these tests first.

// A later deployment of the service that has ended may be the one that is
// running.
func TestRuleOvertaken(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{})
		w.answers(app, 1, old(app))
		w.answers(app, 0, fresh(app))
		time.AfterFunc(6*time.Second, func() {
			now := time.Now()
			w.srv.AddRow(app, dokploytest.Row{Title: "another's", Status: "done", CreatedAt: now, StartedAt: now, FinishedAt: now}, "")
		})
		w.set = verifying(VerifyAuto)
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		if r.Verified != verdict.VerifiedUnknown || !w.rec.said("a later deployment of the service has ended, and what is running may be of that one") {
			w.Errorf("verified %q\n%s", r.Verified, w.story())
		}
	})
}

// If the key is refused at Docker's routes, the deployment is done and not
// verified, and the routes are not requested again.
func TestRuleBlindFromTheBeginning(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{})
		routes := []string{"docker.getConfig", "docker.getServiceContainersByAppName", "docker.getContainersByAppNameMatch"}
		for _, p := range routes {
			w.srv.Fault(dokploytest.Fault{Procedure: p, Kind: dokploytest.Unauthorized, Times: -1})
		}
		before := 0
		w.srv.OnCall("application.deploy", func() {
			for _, p := range routes {
				before += w.srv.Calls(p)
			}
		})
		w.set = verifying(VerifyAuto)
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		after := 0
		for _, p := range routes {
			after += w.srv.Calls(p)
		}
		if r.Verified != verdict.VerifiedUnknown || !w.rec.said("not verified: ") || after != before {
			w.Errorf("verified %q, Docker's routes were asked %d times and then %d\n%s", r.Verified, before, after, w.story())
		}
	})
}

// If Docker's routes disappear before anything is certain, only that can be
// reported; what has certainly failed stays failed, and the message says that
// the rest was not seen.
func TestRuleAwayBeforeTheEnd(t *testing.T) {
	for name, fails := range map[string]bool{"away-before-the-end": false, "failed-though-away": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{})
				w.answers(app, 1, old(app))
				view := fresh(app)
				view.update = "updating"
				if fails {
					view.tasks = task(app.AppName, "t2", "Shutdown", "Failed 1 second ago", `"task: non-zero exit (7)"`) + "," + task(app.AppName, "t1", "Running", "Running 5 minutes ago", "Error:")
					view.containers = container(app.AppName, "t2", "exited", "Exited (7) 1 second ago") + "," + container(app.AppName, "t1", "running", "Up 5 minutes")
				}
				w.answers(app, 2, view)
				for _, p := range []string{"docker.getConfig", "docker.getServiceContainersByAppName", "docker.getContainersByAppNameMatch"} {
					w.srv.Fault(dokploytest.Fault{Procedure: p, Kind: dokploytest.Gateway, Status: 404, Times: -1})
				}
				w.set = verifying(VerifyAuto)
				r := w.deploy("application api").Results[0]
				const rest = "the rest was not seen"
				if fails && (r.Status != verdict.Unhealthy || !strings.Contains(r.Why(), "non-zero exit (7)") || !strings.Contains(r.Why(), rest)) {
					w.Errorf("%s: %s\n%s", r.Status, r.Why(), w.story())
				}
				if !fails && (r.Status != verdict.Done || r.Verified != verdict.VerifiedUnknown || !w.rec.said("not verified: ") || w.rec.said(rest)) {
					w.Errorf("%s, verified %q\n%s", r.Status, r.Verified, w.story())
				}
			})
		})
	}
}

// What another deployment replaces while ours is queued was not made by ours.
func TestRuleFreshLookCounts(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		stack := w.srv.AddCompose(dokploytest.Compose{ComposeFile: twoServices, BuildFunc: func(n int) dokploytest.Build {
			if n == 1 {
				return takes(2 * time.Second)
			}
			return takes(time.Second)
		}})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(90 * time.Second)})
		stack.SetComposeFile(oneIsNew)
		w.srv.Enqueue(stack, "another's", "")
		w.srv.Enqueue(other, "somebody's", "")
		w.set = verifying(VerifyAuto)
		r := w.want(w.deploy("compose stack"), verdict.Done, 0)
		if r.Verified != verdict.VerifiedUnchanged {
			w.Errorf("verified %q\n%s", r.Verified, w.story())
		}
	})
}

// What is not this run's to undo.
func TestRuleNotOurs(t *testing.T) {
	for kind, want := range map[verdict.Kind]string{
		verdict.AnotherImage:  "belongs to another deployment",
		verdict.StoppedThere:  "someone has stopped the service",
		verdict.HealthUnasked: "could not be asked",
		verdict.NotRunning:    "",
	} {
		if why := notOurs(verdict.Reason{Kind: kind}); (why == "") != (want == "") || !strings.Contains(why, want) {
			t.Errorf("%v: %q", kind, why)
		}
	}
}

// A reference with a digest and one without are the same if everything else is.
func TestRuleOneDigest(t *testing.T) {
	a, b := "@sha256:"+strings.Repeat("a", 64), "@sha256:"+strings.Repeat("b", 64)
	for _, tt := range []struct {
		x, y string
		same bool
	}{
		{"x:1", "x:1" + a, true},
		{"x:1" + a, "x:1", true},
		{"x:1" + a, "x:1" + b, false},
		{"x:1", "x:2" + a, false},
		{"", "x:1", false},
	} {
		if sameImage(tt.x, tt.y) != tt.same {
			t.Errorf("%s and %s", tt.x, tt.y)
		}
	}
}

// What was set before is what was running only if Dokploy's list says so.
func TestRuleAsSet(t *testing.T) {
	row := func(status string) *dokploy.Deployment { return &dokploy.Deployment{Status: status} }
	for name, tt := range map[string]struct {
		ran ran
		ok  bool
		why string
	}{
		"before-unread":  {ran{unread: true}, false, "does not show"},
		"before-nothing": {ran{nothing: true}, false, "nothing was running before"},
		"before-failed":  {ran{earlier: row("error")}, false, `ended as "error"`},
		"done":           {ran{earlier: row("done")}, true, ""},
		"no row is left": {ran{}, true, ""},
	} {
		if ok, why := tt.ran.asSet(); ok != tt.ok || !strings.Contains(why, tt.why) {
			t.Errorf("%s: %v, %q", name, ok, why)
		}
	}
}

// What could not be set back is not deployed again.
func TestRuleNotSetBack(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage})
		w.srv.Fault(dokploytest.Fault{Procedure: "application.update", Kind: dokploytest.Gateway, Status: 502, Skip: 1, Times: -1})
		w.set = goingBack(Changes{Image: crashes})
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		w.triggers(app, 1)
		if !strings.Contains(r.WentBack, "restore by hand; the failed version is still in place") {
			w.Error(r.Error())
		}
	})
}

// What somebody else has set since is left as it is, and nothing is deployed.
func TestRuleSetByOthersSince(t *testing.T) {
	const theirs = "ghcr.io/acme/api:theirs"
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage})
		time.AfterFunc(4*time.Second, func() { app.SetImage(theirs) })
		w.set = goingBack(Changes{Image: crashes})
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		w.triggers(app, 1)
		if app.Image() != theirs || !strings.Contains(r.WentBack, "the image was changed by someone else in the meantime and is left as it is") {
			w.Errorf("image %s: %s", app.Image(), r.Error())
		}
	})
}

// What was running before is the newest deployment that is older than ours, in
// whatever order Dokploy lists them: not ours, and none that came later.
func TestRuleTheDeploymentBefore(t *testing.T) {
	for name, rows := range map[string]struct {
		earlier, later string // the status of a row
		back           bool
	}{
		"the newest was done":            {earlier: "done", back: true},
		"the newest failed":              {earlier: "error"},
		"one that came later and failed": {earlier: "done", later: "error", back: true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage})
				w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}, CreateServices: true})
				add := func(status string, ago time.Duration) {
					at := time.Now().Add(-ago)
					w.srv.AddRow(app, dokploytest.Row{Title: "another's", Status: status, CreatedAt: at, StartedAt: at, FinishedAt: at.Add(time.Second)}, "")
				}
				other := "done"
				if rows.earlier == "done" {
					other = "error"
				}
				add(other, 2*time.Hour)
				add(rows.earlier, time.Hour)
				if rows.later != "" {
					time.AfterFunc(6*time.Second, func() { add(rows.later, 0) })
				}
				w.set = goingBack(Changes{Image: crashes})
				r := w.want(w.deploy("application "+app.ID), verdict.Unhealthy, 1)
				if back := strings.Contains(r.WentBack, "it was deployed again"); back != rows.back {
					w.Errorf("%s\n%s", r.Error(), w.story())
				}
			})
		})
	}
}
