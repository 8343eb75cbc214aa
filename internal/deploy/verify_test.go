package deploy

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// swarmView is one look at an application's swarm service, in the form of
// v0.30.2's answers.
type swarmView struct {
	forceUpdate int
	update      string // UpdateStatus.State; empty: null
	tasks       string // JSON of docker.getServiceContainersByAppName
	containers  string // JSON of docker.getContainersByAppNameMatch
}

func task(app, id, desired, current, failure string) string {
	return fmt.Sprintf(`{"containerId":%q,"name":"%s.1","state":%q,"currentState":%q,"node":"n","error":%q}`, id, app, desired, current, failure)
}

func container(app, id, state, status string) string {
	return fmt.Sprintf(`{"containerId":"c-%s","name":"%s.1.%s","state":%q,"status":%q}`, id, app, id, state, status)
}

// answers has the stand-in show a view for so many looks (0: for good).
func (w *world) answers(app *dokploytest.Service, times int, v swarmView) {
	if times == 0 {
		times = -1
	}
	update := "null"
	if v.update != "" {
		update = fmt.Sprintf(`{"State":%q,"StartedAt":"2026-11-23T10:00:%02dZ","Message":"m"}`, v.update, v.forceUpdate)
	}
	service := fmt.Sprintf(`{"ID":"s","Version":{"Index":%d},"Spec":{"Name":%q,"Mode":{"Replicated":{"Replicas":1}},"TaskTemplate":{"ForceUpdate":%d,"ContainerSpec":{"Image":"i","Env":["TOKEN=SECRET-inspect"]}}},"UpdateStatus":%s}`,
		10+v.forceUpdate, app.AppName, v.forceUpdate, update)
	for procedure, body := range map[string]string{
		"docker.getConfig": service, "docker.getServiceContainersByAppName": "[" + v.tasks + "]", "docker.getContainersByAppNameMatch": "[" + v.containers + "]",
	} {
		w.srv.Fault(dokploytest.Fault{
			Procedure: procedure, Kind: dokploytest.Custom, Status: http.StatusOK, Body: body, Times: times,
			Header: http.Header{"Content-Type": {"application/json"}},
		})
	}
}

// old and fresh are the views before and after a successful rollout.
func old(app *dokploytest.Service) swarmView {
	return swarmView{1, "", task(app.AppName, "t1", "Running", "Running 5 minutes ago", "Error:"), container(app.AppName, "t1", "running", "Up 5 minutes")}
}

func fresh(app *dokploytest.Service) swarmView {
	return swarmView{2, "completed",
		task(app.AppName, "t2", "Running", "Running 4 seconds ago", "Error:") + "," + task(app.AppName, "t1", "Shutdown", "Shutdown 3 seconds ago", "Error:"),
		container(app.AppName, "t2", "running", "Up 4 seconds") + "," + container(app.AppName, "t1", "exited", "Exited (0) 3 seconds ago")}
}

func verifying(mode VerifyMode) func(*Options) {
	return func(o *Options) { o.Verify, o.StableFor = mode, 10*time.Second }
}

func TestVerifyRuns(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{})
		w.answers(app, 1, old(app))
		w.answers(app, 0, fresh(app))
		w.set = verifying(VerifyRequire)
		start := time.Now()
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		if r.Verified != verdict.VerifiedYes {
			w.Errorf("verified %q\n%s", r.Verified, w.story())
		}
		if d := time.Since(start); d < 10*time.Second || d > 13*time.Second {
			w.Errorf("took %s with 10 s to be stable", d)
		}
	})
}

func TestVerifyRolledBack(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{})
		w.answers(app, 1, old(app))
		back := fresh(app)
		back.update = "rollback_completed"
		back.tasks = task(app.AppName, "t2", "Shutdown", "Failed 9 seconds ago", `"task: non-zero exit (1)"`) + "," + task(app.AppName, "t1", "Running", "Running 5 minutes ago", "Error:")
		w.answers(app, 0, back)
		w.srv.Fault(dokploytest.Fault{Procedure: "application.readLogs", Kind: dokploytest.Custom, Status: http.StatusOK, Body: `"line one\nthe reason\n"`, Times: -1})
		w.set = verifying(VerifyAuto)
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		if r.Verified != verdict.VerifiedNo || r.Reason.Kind != verdict.SwarmRolledBack || !strings.Contains(r.Reason.Text, "still running") {
			w.Errorf("%+v", r)
		}
		if len(r.Tail) != 2 || r.Tail[1] != "the reason" || r.TailOf == "" {
			w.Errorf("the container's log is not kept: %q of %q", r.Tail, r.TailOf)
		}
		if strings.Contains(fmt.Sprintf("%+v", *r)+w.story(), "SECRET-inspect") {
			w.Error("an environment value is kept")
		}
	})
}

func TestVerifyThatCannotSee(t *testing.T) {
	for mode, want := range map[VerifyMode]verdict.Status{VerifyAuto: verdict.Done, VerifyRequire: verdict.Unhealthy, VerifyOff: verdict.Done} {
		t.Run(string(mode), func(t *testing.T) {
			inWorld(t, dokploytest.Options{NoDocker: true}, func(w *world) {
				w.srv.AddApplication(dokploytest.Application{})
				w.set = verifying(mode)
				r := w.want(w.deploy("application api"), want, verdict.ExitCode(want))
				if said := w.rec.said("not verified: "); said != (mode == VerifyAuto) {
					w.Errorf("said %v\n%s", said, w.story())
				}
				if mode == VerifyRequire && (r.Verified != verdict.VerifiedUnknown || r.Reason.Kind != verdict.CannotBeSeen) {
					w.Errorf("%+v", r)
				}
				// No right of the key's owner shows what does not exist.
				if mode == VerifyRequire && (!strings.Contains(r.Advice(), "proxy") || strings.Contains(r.Advice(), "owner")) {
					w.Errorf("hint %q", r.Advice())
				}
			})
		})
	}
}

func TestVerifyOutlivesAnOutageAndItsTimeIsBounded(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{})
		w.answers(app, 1, old(app))
		w.srv.Fault(dokploytest.Fault{Procedure: "docker.getConfig", Kind: dokploytest.Gateway, Status: 502, Skip: 2, Times: 20})
		w.answers(app, 0, fresh(app))
		w.set = verifying(VerifyAuto)
		if r := w.want(w.deploy("application api"), verdict.Done, 0); r.Verified != verdict.VerifiedYes {
			w.Errorf("%+v", r)
		}
	})
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{})
		w.answers(app, 1, old(app))
		pending := fresh(app)
		pending.update = "updating"
		pending.tasks = task(app.AppName, "t2", "Running", "Preparing 4 seconds ago", "Error:") + "," + task(app.AppName, "t1", "Running", "Running 5 minutes ago", "Error:")
		pending.containers = container(app.AppName, "t1", "running", "Up 5 minutes")
		w.answers(app, 0, pending)
		w.set = func(o *Options) { verifying(VerifyAuto)(o); o.Timeout = 30 * time.Second }
		r := w.want(w.deploy("application api"), verdict.Timeout, 4)
		if r.Left != verdict.DoneUnseen && r.Left != verdict.DoneBut {
			w.Errorf("reason %q", r.Why())
		}
	})
}

func TestErrorIsNotVerified(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{Build: dokploytest.Build{Outcome: "error"}})
		w.answers(app, 0, old(app))
		w.set = verifying(VerifyRequire)
		if r := w.want(w.deploy("application api"), verdict.Failed, 1); r.Verified != "" {
			w.Errorf("%+v", r)
		}
		if n := w.srv.Calls("docker.getConfig"); n != 1 {
			w.Errorf("looked %d times", n)
		}
	})
}

// A healthy service is verified soon after swarm's own verdict, at the latest
// when its containers have been running for stable-for since then.
func TestVerifyIsSoonOver(t *testing.T) {
	for _, kind := range []string{"docker", "git", "health check", "member"} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				a := dokploytest.Application{}
				if kind == "git" {
					a.SourceType = "git"
				}
				if kind == "health check" {
					a.Rollout.Health = dokploytest.Healthy
				}
				app := w.srv.AddApplication(a)
				if kind == "member" {
					w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}})
				}
				w.set = verifying(VerifyRequire)
				r := w.want(w.deploy("application "+app.ID), verdict.Done, 0)
				end := time.Now()
				row := w.lastRow(app)
				// Swarm says completed some 6 s after a start, or after the
				// health check has passed (docs/dokploy.md, What runs:
				// applications).
				healthy := row.FinishedAt.Add(7 * time.Second)
				if kind == "health check" {
					healthy = healthy.Add(6 * time.Second)
				}
				if took := end.Sub(healthy); r.Verified != verdict.VerifiedYes || took > 12*time.Second {
					w.Errorf("verified %q, %s after swarm\n%s", r.Verified, took, w.story())
				}
			})
		})
	}
}

// On a remote server, Docker is queried there: without its id a list is empty.
func TestVerifyOnARemoteServer(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{ServerID: "server-1", Rollout: dokploytest.Rollout{Crash: true, Log: []string{"boom over there"}}})
		w.set = verifying(VerifyRequire)
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		if r.Verified != verdict.VerifiedNo || len(r.Tail) == 0 || !strings.Contains(r.Tail[0], "boom over there") {
			w.Errorf("verified %q: %s; %q\n%s", r.Verified, r.Why(), r.Tail, w.story())
		}
	})
}

// If SSH is down, nothing can be seen: that is unknown, not a failure.
func TestVerifyWithSSHDown(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{ServerID: "server-1", BuildFunc: func(int) dokploytest.Build {
			return dokploytest.Build{Steps: []dokploytest.Step{{After: 2 * time.Second, Text: "built\n"}}}
		}})
		go func() {
			time.Sleep(3500 * time.Millisecond)
			w.srv.SetSSH("server-1", dokploytest.SSHRefused)
		}()
		w.set = verifying(VerifyAuto)
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		if r.Verified != verdict.VerifiedUnknown || !w.rec.said("not verified") {
			w.Errorf("verified %q\n%s", r.Verified, w.story())
		}
	})
}

// What runs before is looked at again at the beginning of the build if the look
// before the trigger took too long or is old.
func TestWhatRunsBeforeIsLookedAtAgain(t *testing.T) {
	t.Run("too slow at first", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			w.srv.AddApplication(dokploytest.Application{Build: takes(time.Minute)})
			w.srv.Fault(dokploytest.Fault{Procedure: "docker.getConfig", Kind: dokploytest.Hang, Times: 1})
			w.set = verifying(VerifyRequire)
			if r := w.want(w.deploy("application api"), verdict.Done, 0); r.Verified != verdict.VerifiedYes {
				w.Errorf("verified %q\n%s", r.Verified, w.story())
			}
		})
	})
	t.Run("it ends in the middle of that look", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{Build: takes(2 * time.Second)})
			w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}}) // it does not see what swarm knows
			w.srv.Fault(dokploytest.Fault{Procedure: "docker.getContainersByAppNameMatch", Kind: dokploytest.Hang, Times: 2})
			w.set = verifying(VerifyRequire)
			start := time.Now()
			r := w.want(w.deploy("application "+app.ID), verdict.Unhealthy, 1)
			if r.Verified != verdict.VerifiedUnknown || time.Since(start) > 20*time.Second {
				w.Errorf("verified %q after %s\n%s", r.Verified, time.Since(start), w.story())
			}
		})
	})
}

// A look at what runs before that takes so long that the rollout begins
// meanwhile shows what is new: it does not count as a look before.
func TestASlowLookWhileQueuedDoesNotCount(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Build: takes(100 * time.Millisecond)})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
		w.srv.Enqueue(other, "another's", "")
		time.AfterFunc(10*time.Second, func() {
			w.srv.Fault(dokploytest.Fault{Procedure: "docker.getConfig", Kind: dokploytest.Hang, After: 9 * time.Second, Late: true, Times: 1})
		})
		w.set = verifying(VerifyRequire)
		if r := w.want(w.deploy("application api"), verdict.Done, 0); r.Verified != verdict.VerifiedYes {
			w.Errorf("verified %q\n%s", r.Verified, w.story())
		}
	})
}
