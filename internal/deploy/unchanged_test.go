package deploy

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/rollout"
	"dokploy-deploy/internal/verdict"
)

const (
	twoServices = "services:\n  web:\n    image: acme/web:1\n  db:\n    image: acme/db:1\n"
	oneIsNew    = "services:\n  web:\n    image: acme/web:2\n  db:\n    image: acme/db:1\n"
)

// forEachCompose runs a test for both types of compose services, with an owner's
// key and a member's.
func forEachCompose(t *testing.T, c dokploytest.Compose, f func(w *world, stack *dokploytest.Service, target string)) {
	for _, kind := range []string{"docker-compose", "stack"} {
		for _, key := range []string{"owner", "member"} {
			t.Run(kind+"/"+key, func(t *testing.T) {
				inWorld(t, dokploytest.Options{}, func(w *world) {
					c := c
					c.ComposeType = kind
					stack := w.srv.AddCompose(c)
					if key == "member" {
						w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{stack.ID}, CreateServices: true})
					}
					f(w, stack, "compose "+stack.ID)
				})
			})
		}
	}
}

// A redeploy that replaces nothing is done, and a warning says so.
func TestNothingIsReplaced(t *testing.T) {
	forEachCompose(t, dokploytest.Compose{ComposeFile: twoServices}, func(w *world, stack *dokploytest.Service, target string) {
		w.set = verifying(VerifyAuto)
		r := w.want(w.deploy(target), verdict.Done, 0)
		if r.Verified != verdict.VerifiedUnchanged || !w.rec.said("containers are running unchanged") ||
			!w.rec.said("a pinned tag") || !w.rec.said("pull_policy") || w.rec.said("new containers") {
			w.Errorf("verified %q\n%s", r.Verified, w.story())
		}
	})
}

// With verify: require it is a failure: what was set is set back, and nothing
// is deployed for that.
func TestNothingIsReplacedThoughItIsRequired(t *testing.T) {
	forEachCompose(t, dokploytest.Compose{ComposeFile: twoServices, Env: "A=1"}, func(w *world, stack *dokploytest.Service, target string) {
		w.set = func(o *Options) {
			verifying(VerifyRequire)(o)
			o.Prepare.Env, o.Rollback = "B=2", true
		}
		r := w.want(w.deploy(target), verdict.Unhealthy, 1)
		if r.Verified != verdict.VerifiedUnchanged || r.Reason.Kind != verdict.NothingReplaced || !strings.Contains(r.Advice(), "pinned tag") {
			w.Errorf("verified %q: %s (%s)\n%s", r.Verified, r.Why(), r.Advice(), w.story())
		}
		w.triggers(stack, 1)
		if stack.Env() != "A=1" || !strings.Contains(r.WentBack, "the environment was restored") || !strings.Contains(r.WentBack, "nothing was replaced") {
			w.Errorf("env %q: %s", stack.Env(), r.WentBack)
		}
	})
	// Nothing was set, either.
	forEachCompose(t, dokploytest.Compose{ComposeFile: twoServices}, func(w *world, stack *dokploytest.Service, target string) {
		w.set = func(o *Options) { verifying(VerifyRequire)(o); o.Rollback = true }
		r := w.want(w.deploy(target), verdict.Unhealthy, 1)
		w.triggers(stack, 1)
		if !strings.Contains(r.WentBack, "nothing was replaced, so the previous version is still running") {
			w.Error(r.Error())
		}
	})
}

func TestOneOfTwoIsReplaced(t *testing.T) {
	forEachCompose(t, dokploytest.Compose{ComposeFile: twoServices}, func(w *world, stack *dokploytest.Service, target string) {
		w.set = func(o *Options) {
			verifying(VerifyRequire)(o)
			o.Prepare.ComposeFile, o.Prepare.ComposePath = oneIsNew, "c.yml"
		}
		r := w.want(w.deploy(target), verdict.Done, 0)
		if r.Verified != verdict.VerifiedYes || !w.rec.said("have been running for 10s, 1 of them new") {
			w.Errorf("verified %q\n%s", r.Verified, w.story())
		}
	})
}

// What is running is called new only if it is.
func TestWhatIsCalledNew(t *testing.T) {
	for want, v := range map[string]rollout.Verdict{
		"new containers: 2 of 2 have been running for 10s":                                                    {Ready: 2, Wanted: 2, New: 2},
		"containers: 2 of 2 have been running for 10s, 1 of them new":                                         {Ready: 2, Wanted: 2, New: 1},
		"new containers: 1 of 1 has been running for 10s; 1 new one has ended with exit code 0":               {Ready: 1, Wanted: 1, New: 1, Ran: 1},
		"containers: 2 of 2 have been running for 10s, 1 of them new; 2 new ones have ended with exit code 0": {Ready: 2, Wanted: 2, New: 1, Ran: 2},
		"containers: 1 of 1 has been running for 10s, none of them new; 1 new one has ended with exit code 0": {Ready: 1, Wanted: 1, Ran: 1},
	} {
		if got := ranFor(v, 10*time.Second); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// If nothing was replaced and the address does not answer, what is running is
// what was running before: the rollback deploys nothing.
func TestUnchangedAndUnhealthy(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		stack := w.srv.AddCompose(dokploytest.Compose{ComposeFile: twoServices, Env: "A=1"})
		w.set = func(o *Options) {
			goingBack(Changes{Env: "B=2"})(o)
			o.Health = w.health(&pages{}, "http://x.example.com/")
			o.Health.Dial = answering(always("502 Bad Gateway", "X: y"), nil)
		}
		r := w.want(w.deploy("compose stack"), verdict.Unhealthy, 1)
		w.triggers(stack, 1)
		if r.Verified != verdict.VerifiedUnchanged || stack.Env() != "A=1" {
			w.Errorf("verified %q, env %q: %s", r.Verified, stack.Env(), r.Error())
		}
	})
}

// dockerIsAway adds a 502 at Docker's routes: during the look before the
// trigger, and until the containers exist.
func (w *world) dockerIsAway(times int, until time.Duration) {
	for _, p := range []string{"docker.getConfig", "docker.getServiceContainersByAppName", "docker.getStackContainersByAppName", "docker.getContainersByAppNameMatch"} {
		w.srv.Fault(dokploytest.Fault{Procedure: p, Kind: dokploytest.Gateway, Status: 502, Times: times})
	}
	if until > 0 {
		time.AfterFunc(until, w.srv.ClearFaults)
	}
}

// A temporary fault does not end the verification.
func TestDockersRoutesAreAwayAtFirst(t *testing.T) {
	for _, kind := range []string{"docker", "git", "member", "docker-compose", "stack"} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				target := "application api"
				changes := Changes{}
				switch kind {
				case "docker":
					w.srv.AddApplication(dokploytest.Application{})
				case "git":
					w.srv.AddApplication(dokploytest.Application{SourceType: "git"})
				case "member":
					app := w.srv.AddApplication(dokploytest.Application{})
					w.key, target = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}}), "application "+app.ID
				default:
					w.srv.AddCompose(dokploytest.Compose{ComposeType: kind, ComposeFile: twoServices})
					target, changes = "compose stack", Changes{ComposeFile: oneIsNew, ComposePath: "c.yml"}
				}
				w.dockerIsAway(3, 0)
				w.set = func(o *Options) { verifying(VerifyRequire)(o); o.Prepare = changes }
				if r := w.want(w.deploy(target), verdict.Done, 0); r.Verified != verdict.VerifiedYes {
					w.Errorf("verified %q\n%s", r.Verified, w.story())
				}
			})
		})
	}
}

// … nor does one that lasts until Dokploy says done, if swarm shows what is
// new.
func TestDockersRoutesAreAwayUntilItIsDone(t *testing.T) {
	for _, kind := range []string{"docker", "git", "crash", "first", "stack", "stack, unchanged", "docker-compose, unchanged"} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				target, changes, want := "application api", Changes{}, verdict.VerifiedYes
				a := dokploytest.Application{Build: takes(5 * time.Second)}
				switch kind {
				case "git":
					a.SourceType = "git"
				case "crash":
					a.Rollout = dokploytest.Rollout{Crash: true, CrashAfter: 8 * time.Second}
					want = verdict.VerifiedNo
				case "first":
					a.NeverDeployed = true
				}
				c := dokploytest.Compose{ComposeFile: twoServices, Build: takes(5 * time.Second)}
				c.ComposeType, _, _ = strings.Cut(kind, ",")
				switch {
				case !strings.Contains(kind, "stack") && !strings.Contains(kind, "compose"):
					w.srv.AddApplication(a)
				case strings.Contains(kind, "unchanged"):
					w.srv.AddCompose(c)
					target, want = "compose stack", verdict.VerifiedUnchanged
				default:
					c.ComposeFile = "services: {web: {image: \"acme/web:1\"}}\n"
					w.srv.AddCompose(c)
					target, changes = "compose stack", Changes{ComposeFile: "services: {web: {image: \"acme/web:2\"}}\n", ComposePath: "c.yml"}
				}
				w.dockerIsAway(-1, 16*time.Second)
				w.set = func(o *Options) { verifying(VerifyAuto)(o); o.Prepare = changes }
				r := w.deploy(target).Results[0]
				if r.Verified != want {
					w.Errorf("verified %q: %s\n%s", r.Verified, r.Why(), w.story())
				}
			})
		})
	}
}

// What cannot be known then is not claimed, and what is known is reported.
func TestUnknownWhereNothingTells(t *testing.T) {
	for _, kind := range []string{"member", "docker-compose"} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				target, changes := "", Changes{}
				if kind == "member" {
					app := w.srv.AddApplication(dokploytest.Application{Build: takes(5 * time.Second)})
					w.key, target = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}}), "application "+app.ID
				} else {
					w.srv.AddCompose(dokploytest.Compose{ComposeFile: twoServices, Build: takes(5 * time.Second)})
					target, changes = "compose stack", Changes{ComposeFile: oneIsNew, ComposePath: "c.yml"}
				}
				w.dockerIsAway(-1, 16*time.Second)
				w.set = func(o *Options) { verifying(VerifyRequire)(o); o.Prepare = changes }
				r := w.want(w.deploy(target), verdict.Unhealthy, 1)
				if r.Verified != verdict.VerifiedUnknown || r.Reason.Kind != verdict.CannotBeSeen || !strings.Contains(r.Why(), "502") {
					w.Errorf("verified %q: %s\n%s", r.Verified, r.Why(), w.story())
				}
			})
		})
	}
}

// Nothing was running before the first deployment ever: that is known, even if
// another one has created the service meanwhile.
func TestTheFirstDeploymentEverIsVerified(t *testing.T) {
	for _, kind := range []string{"docker", "git", "behind another", "after a failed one", "docker-compose", "stack"} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				a := dokploytest.Application{NeverDeployed: true}
				target := "application api"
				var app *dokploytest.Service
				switch kind {
				case "docker-compose", "stack":
					w.srv.AddCompose(dokploytest.Compose{NeverDeployed: true, ComposeType: kind, ComposeFile: twoServices})
					target = "compose stack"
				default:
					if kind == "git" {
						a.SourceType = "git"
					}
					if kind == "after a failed one" {
						a.BuildFunc = func(n int) dokploytest.Build {
							if n == 1 {
								return dokploytest.Build{Outcome: "error"}
							}
							return takes(100 * time.Millisecond)
						}
					}
					if kind == "behind another" {
						a.Build = takes(3 * time.Second)
					}
					app = w.srv.AddApplication(a)
				}
				if kind == "behind another" || kind == "after a failed one" {
					w.srv.Enqueue(app, "another's", "")
					time.Sleep(500 * time.Millisecond)
				}
				w.set = verifying(VerifyRequire)
				if r := w.want(w.deploy(target), verdict.Done, 0); r.Verified != verdict.VerifiedYes {
					w.Errorf("verified %q\n%s", r.Verified, w.story())
				}
			})
		})
	}
}

// With 0 replicas there is nothing to wait for.
func TestNoReplicasIsSaidAtOnce(t *testing.T) {
	const none = "services:\n  web:\n    image: acme/web:1\n    deploy: {replicas: 0}\n"
	for _, kind := range []string{"owner", "member", "git", "git, first", "stack", "docker-compose"} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				var app *dokploytest.Service
				target := "application api"
				if kind == "stack" || kind == "docker-compose" {
					w.srv.AddCompose(dokploytest.Compose{ComposeType: kind, ComposeFile: none})
					target = "compose stack"
				} else {
					a := dokploytest.Application{NeverDeployed: strings.Contains(kind, "first")}
					if strings.HasPrefix(kind, "git") {
						a.SourceType = "git"
					}
					app = w.srv.AddApplication(a)
					app.SetReplicas(0)
					if kind == "member" {
						w.key, target = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}}), "application "+app.ID
					}
				}
				w.set = verifying(VerifyAuto)
				start := time.Now()
				r := w.want(w.deploy(target), verdict.Done, 0)
				if took := time.Since(start); took > 3*time.Second || r.Verified != verdict.VerifiedUnknown || !w.rec.said("0 replicas, so nothing can run") {
					w.Errorf("verified %q after %s\n%s", r.Verified, took, w.story())
				}
			})
		})
	}
}

// A file that only Git has is not seen: only the missing containers show.
func TestNoReplicasInGit(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddCompose(dokploytest.Compose{ComposeType: "docker-compose", SourceType: "git", ComposeFile: "services:\n  web:\n    image: acme/web:1\n    deploy: {replicas: 0}\n"})
		w.set = verifying(VerifyAuto)
		start := time.Now()
		r := w.want(w.deploy("compose stack"), verdict.Done, 0)
		if took := time.Since(start); took > 13*time.Second || r.Verified != verdict.VerifiedUnknown || !w.rec.said("Docker shows no container") {
			w.Errorf("verified %q after %s\n%s", r.Verified, took, w.story())
		}
	})
}

// Somebody stops it during verification: that is not a success, and is not
// undone.
func TestStoppedByHandWhileItIsVerified(t *testing.T) {
	for _, how := range []string{"owner", "member", "scaled", "docker-compose", "docker-compose, killed", "stack", "stack, member", "stack, scaled"} {
		for _, after := range []time.Duration{3 * time.Second, 8 * time.Second} {
			t.Run(how+" after "+after.String(), func(t *testing.T) {
				inWorld(t, dokploytest.Options{}, func(w *world) {
					var v *dokploytest.Service
					kind := "application "
					changes := Changes{Image: newImage}
					if strings.Contains(how, "compose") || strings.Contains(how, "stack") {
						c := dokploytest.Compose{ComposeFile: twoServices}
						c.ComposeType, _, _ = strings.Cut(how, ",")
						c.Rollout.IgnoresSIGTERM = strings.Contains(how, "killed")
						v, kind, changes = w.srv.AddCompose(c), "compose ", Changes{ComposeFile: oneIsNew, ComposePath: "c.yml"}
					} else {
						v = w.srv.AddApplication(dokploytest.Application{})
					}
					if strings.Contains(how, "member") {
						w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{v.ID}, CreateServices: true})
					}
					time.AfterFunc(after, func() {
						switch how {
						case "scaled":
							v.Scale("", 0)
						case "stack, scaled":
							v.Scale("web", 0)
						default:
							v.Stop()
						}
					})
					w.set = goingBack(changes)
					r := w.want(w.deploy(kind+v.ID), verdict.Unhealthy, 1)
					if r.Verified != verdict.VerifiedNo || !r.Reason.Stopped() || !strings.Contains(r.WentBack, "not tried") {
						w.Errorf("verified %q: %s\n%s", r.Verified, r.Error(), w.story())
					}
					w.triggers(v, 1)
				})
			})
		}
	}
}

// The end of an outage is reported before what the first look after it has
// shown.
func TestTheEndOfAnOutageIsSaidFirst(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Build: takes(2 * time.Second)})
		time.AfterFunc(3*time.Second, func() {
			w.srv.Fault(dokploytest.Fault{Procedure: "*", Kind: dokploytest.Gateway, Status: 502, Times: -1})
			time.AfterFunc(20*time.Second, w.srv.ClearFaults)
		})
		w.set = verifying(VerifyAuto)
		w.want(w.deploy("application api"), verdict.Done, 0)
		down, up := -1, -1
		for i, note := range w.rec.notes {
			switch {
			case strings.Contains(note, "Dokploy is unreachable"):
				down = i
			case strings.Contains(note, "is reachable again"):
				up = i
			case down >= 0 && up < 0 && strings.Contains(note, "containers"):
				w.Errorf("%q during the outage", note)
			}
		}
		if down < 0 || up < 0 || !w.rec.said("is reachable again after 2") {
			w.Error("no outage")
		}
	})
}

// If the queue is hidden, the look before is old when our turn comes, and
// others' tasks have come and gone since: each task shows whose it is (seed
// 300000000000748).
func TestOthersTasksSinceTheLookBefore(t *testing.T) {
	inWorld(t, dokploytest.Options{Version: "v0.25.0"}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{BuildFunc: func(n int) dokploytest.Build {
			if n < 4 {
				return takes(20 * time.Second)
			}
			return takes(4 * time.Second)
		}})
		for range 3 {
			w.srv.Enqueue(app, "another's", "")
		}
		w.set = verifying(VerifyAuto)
		if r := w.want(w.deploy("application api"), verdict.Done, 0); r.Verified == verdict.VerifiedNo {
			w.Errorf("verified %q: %s\n%s", r.Verified, r.Why(), w.story())
		}
	})
}

// Somebody stops it while the address is checked.
func TestStoppedByHandWhileTheAddressIsAsked(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{})
		w.set = func(o *Options) {
			goingBack(Changes{Image: newImage})(o)
			o.Health = w.health(&pages{}, "http://x.example.com/")
			o.Health.Dial = answering(always("502 Bad Gateway", "X: y"), nil)
		}
		time.AfterFunc(30*time.Second, app.Stop)
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		w.triggers(app, 1)
		if !strings.Contains(r.Why(), "502") || r.Reason.Kind != verdict.BadHealthStopped || !strings.Contains(r.WentBack, "someone has stopped") {
			w.Error(r.Error())
		}
	})
}

// Docker's routes staying away is not an outage of Dokploy: it is done, and not
// verified.
func TestDockersRoutesStayAway(t *testing.T) {
	for mode, want := range map[VerifyMode]verdict.Status{VerifyAuto: verdict.Done, VerifyRequire: verdict.Unhealthy} {
		t.Run(string(mode), func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				w.srv.AddApplication(dokploytest.Application{})
				w.dockerIsAway(-1, 0)
				w.set = func(o *Options) { verifying(mode)(o); o.Unreachable = 40 * time.Second }
				r := w.want(w.deploy("application api"), want, verdict.ExitCode(want))
				const why = "has not shown what Docker is running for 40s"
				if r.Verified != verdict.VerifiedUnknown || mode == VerifyAuto && !w.rec.said(why) ||
					mode == VerifyRequire && (!strings.Contains(r.Why(), why) || strings.Contains(r.Advice(), "the right")) {
					w.Errorf("verified %q: %s (%s)\n%s", r.Verified, r.Why(), r.Advice(), w.story())
				}
			})
		})
	}
}

// A failure that was seen stays a failure if Docker's routes go away before
// swarm has finished.
func TestDockersRoutesStayAwayAfterAFailure(t *testing.T) {
	for name, fault := range map[string]struct {
		status int
		why    string
	}{
		"502":      {502, "has not shown what Docker is running for 40s"},
		"no route": {404, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{})
				w.answers(app, 1, old(app))
				failed := fresh(app)
				failed.update = "updating"
				failed.tasks = task(app.AppName, "t2", "Shutdown", "Failed 1 second ago", `"task: non-zero exit (7)"`) + "," + task(app.AppName, "t1", "Running", "Running 5 minutes ago", "Error:")
				failed.containers = container(app.AppName, "t2", "exited", "Exited (7) 1 second ago") + "," + container(app.AppName, "t1", "running", "Up 5 minutes")
				w.answers(app, 2, failed)
				for _, p := range []string{"docker.getConfig", "docker.getServiceContainersByAppName", "docker.getContainersByAppNameMatch"} {
					w.srv.Fault(dokploytest.Fault{Procedure: p, Kind: dokploytest.Gateway, Status: fault.status, Times: -1})
				}
				w.set = func(o *Options) { verifying(VerifyAuto)(o); o.Unreachable = 40 * time.Second }
				r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
				if r.Verified != verdict.VerifiedNo || !strings.Contains(r.Why(), "non-zero exit (7)") || !strings.Contains(r.Why(), fault.why) {
					w.Errorf("verified %q: %s\n%s", r.Verified, r.Why(), w.story())
				}
			})
		})
	}
}
