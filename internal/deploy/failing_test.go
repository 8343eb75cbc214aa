package deploy

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

const bothAreNew = "services:\n  api:\n    image: acme/api:2\n  web:\n    image: acme/web:2\n"

// deployBoth deploys new versions of two services, one of which behaves as
// given.
func (w *world) deployBoth(kind, failing string, does dokploytest.Rollout) *verdict.Result {
	w.srv.AddCompose(dokploytest.Compose{
		ComposeType: kind, ComposeFile: strings.ReplaceAll(bothAreNew, ":2", ":1"),
		RolloutFunc: func(service string, v dokploytest.Version) dokploytest.Rollout {
			if service == failing && strings.HasSuffix(v.Image, ":2") {
				return does
			}
			return dokploytest.Rollout{Log: []string{service + " runs"}}
		},
	})
	w.set = func(o *Options) {
		verifying(VerifyAuto)(o)
		o.Prepare.ComposeFile, o.Prepare.ComposePath = bothAreNew, "c.yml"
	}
	return w.want(w.deploy("compose stack"), verdict.Unhealthy, 1)
}

// The log that is shown is that of the failed service.
func TestTheLogIsTheFailingServices(t *testing.T) {
	for _, kind := range []string{"docker-compose", "stack"} {
		for _, failing := range []string{"api", "web"} {
			t.Run(kind+"/"+failing, func(t *testing.T) {
				inWorld(t, dokploytest.Options{}, func(w *world) {
					r := w.deployBoth(kind, failing, dokploytest.Rollout{Crash: true, CrashAfter: time.Second, Log: []string{"starting", "the reason"}})
					if !strings.Contains(r.TailOf, failing) || len(r.Tail) == 0 || !strings.HasSuffix(r.Tail[len(r.Tail)-1], "the reason") {
						w.Errorf("%q of %q\n%s", r.Tail, r.TailOf, w.story())
					}
				})
			})
		}
	}
}

// A service whose image is missing has no container, and another's log would
// mislead. Swarm's tries are not a crash loop: nothing has run.
func TestAMissingImage(t *testing.T) {
	for _, failing := range []string{"api", "web"} {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			r := w.deployBoth("stack", failing, dokploytest.Rollout{NoImage: true})
			if !strings.Contains(r.Why(), "_"+failing+": ") || !strings.Contains(r.Why(), "No such image: acme/"+failing+":2") || strings.Contains(r.Why(), "crash") {
				w.Errorf("reason %q", r.Why())
			}
			if len(r.Tail) > 0 {
				w.Errorf("%q of %q", r.Tail, r.TailOf)
			}
			if !strings.Contains(r.Advice(), "the image") {
				w.Errorf("hint %q", r.Advice())
			}
		})
	}
}

// masking hides a secret whose spaces are lost when it is folded.
type masking struct{ Reporter }

func (masking) Mask(text string) string { return strings.ReplaceAll(text, "with  two  spaces", "***") }

// The output of a failing health check is in the reason, masked and on one
// line.
func TestAHealthCheckSaysWhy(t *testing.T) {
	does := dokploytest.Rollout{Health: dokploytest.Unhealthy, HealthOutput: "  % Total\ncurl: (7) no connection with  two  spaces\n"}
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Rollout: does})
		w.set = func(o *Options) { verifying(VerifyAuto)(o); o.Reporter = masking{o.Reporter} }
		if r := w.want(w.deploy("application api"), verdict.Unhealthy, 1); !strings.Contains(r.Why(), "no connection ***)") {
			w.Errorf("reason %q", r.Why())
		}
	})
	want := func(w *world, r *verdict.Result) {
		if !strings.Contains(r.Why(), "(exit code 1: % Total curl: (7) no connection with two spaces)") || strings.Contains(r.Why(), "\n") {
			w.Errorf("reason %q\n%s", r.Why(), w.story())
		}
	}
	for _, kind := range []string{"docker-compose", "stack"} {
		inWorld(t, dokploytest.Options{}, func(w *world) { want(w, w.deployBoth(kind, "api", does)) })
	}
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Rollout: does})
		w.set = verifying(VerifyAuto)
		want(w, w.want(w.deploy("application api"), verdict.Unhealthy, 1))
	})
	inWorld(t, dokploytest.Options{}, func(w *world) { // a member may not see it
		app := w.srv.AddApplication(dokploytest.Application{Rollout: does})
		w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}})
		w.set = verifying(VerifyAuto)
		r := w.want(w.deploy("application "+app.ID), verdict.Unhealthy, 1)
		if !strings.Contains(r.Why(), "its health check fails") || strings.Contains(r.Why(), "exit code") {
			w.Errorf("reason %q", r.Why())
		}
	})
}

// If several fail, the log is of the one that the reason names.
func TestTheLogIsOfTheOneThatIsNamed(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddCompose(dokploytest.Compose{ComposeFile: bothAreNew, NeverDeployed: true, Rollout: dokploytest.Rollout{Crash: true}})
		w.set = verifying(VerifyAuto)
		r := w.want(w.deploy("compose stack"), verdict.Unhealthy, 1)
		if name := strings.TrimPrefix(r.TailOf, "the container "); name == "" || !strings.Contains(r.Why(), name) {
			w.Errorf("reason %q, log of %q", r.Why(), r.TailOf)
		}
	})
}

func TestFailedDependency(t *testing.T) {
	for cause, want := range map[string][2]string{
		"dependency failed to start: container x-db-1 is unhealthy":                                 {"x-db-1", ""},
		"dependency failed to start: container x-db-1 exited (1)":                                   {"x-db-1", ""},
		`service "db" didn't complete successfully: exit 3`:                                         {"", "db"},
		`service "web" has neither an image nor a build context specified: invalid compose project`: {},
		"manifest unknown": {},
	} {
		if container, service := failedDependency(cause); container != want[0] || service != want[1] {
			t.Errorf("%s: %q, %q", cause, container, service)
		}
	}
}

// What docker-compose stopped for is shown: the dependency's own log, and the
// output of its health check.
func TestADependencyIsExplained(t *testing.T) {
	for cause, does := range map[string]dokploytest.Rollout{
		`service "api" didn't complete successfully: exit 1`:           {Crash: true, Log: []string{"starting", "the reason"}},
		"dependency failed to start: container stk-api-1 is unhealthy": {Health: dokploytest.Unhealthy, HealthAfter: time.Millisecond, HealthOutput: "not ready", Log: []string{"the reason"}},
	} {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			w.srv.AddCompose(dokploytest.Compose{
				AppName: "stk", ComposeFile: bothAreNew, RolloutFunc: func(service string, v dokploytest.Version) dokploytest.Rollout {
					if service == "api" {
						return does
					}
					return dokploytest.Rollout{Log: []string{"fine"}}
				},
				BuildFunc: func(int) dokploytest.Build {
					return dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(time.Second, cause, "Error: ❌ Docker command failed")}
				},
			})
			w.set = verifying(VerifyAuto)
			r := w.want(w.deploy("compose stack"), verdict.Failed, 1)
			if len(r.Tail) == 0 || !strings.HasSuffix(r.Tail[len(r.Tail)-1], "the reason") {
				w.Errorf("%q of %q\n%s", r.Tail, r.TailOf, w.story())
			}
		})
	}
}
