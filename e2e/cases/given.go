package cases

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
)

// Given returns the answer of a built service's front: the build argument
// RELEASE, and whether the build secret TOKEN is the right one.
func Given(release, token string) string {
	return fmt.Sprintf("release %s, token %.4x", release, sha256.Sum256([]byte(token)))
}

// Front answers with what it is given; if there is a probe, only to requests
// that have it.
func Front(given func() (text, probe string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, probe := given()
		if probe != "" && r.Header.Get("X-Probe") != probe {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, text)
	})
}

// front sets {front} to the address of the service built.
func front(r *Run) { r.Set("front", r.Front(r, r.ID("built"))) }

// dockerCall matches a debug line about a request that looks at what is
// running.
var dockerCall = regexp.MustCompile(`(?m)^.*debug: GET \S*/api/(?:docker\.\S+|application\.readLogs\S*)`)

// built are the cases in which a built service can be asked what it was given.
var built = []Case{
	{
		Name: "build arguments and secrets arrive", Services: []Service{{Name: "built", Built: true}}, Before: front,
		Inputs: []string{
			"application={built}", "build-args=RELEASE=r-17", "build-secrets=TOKEN=a-token-of-them", "env=PROBE=a-probe-of-them",
			"health-url={front}", "health-contains=" + Given("r-17", "a-token-of-them"), "health-headers=X-Probe: a-probe-of-them", "health-timeout=60s",
		},
		Status: "done", Says: []string{"build-args: adds RELEASE", "build-secrets: adds TOKEN"}, Not: []string{"of-them"},
		After: func(r *Run, _ *Outcome) {
			got := r.Settings(r.ID("built"))
			if got.Env != "PROBE=a-probe-of-them" || got.BuildArgs != "RELEASE=r-17" || got.BuildSecrets != "TOKEN=a-token-of-them" {
				r.Errorf("%+v", got)
			}
		},
	},
	{
		Name: "an answer without the text", Services: []Service{{Name: "built", Built: true}}, Before: front,
		Inputs: []string{"application={built}", "build-args=RELEASE=r-17", "health-url={front}", "health-contains=release r-18", "health-timeout=10s"},
		Code:   1, Status: "unhealthy", Says: []string{"✗ built is running but unhealthy", `release r-18`, "release r-17"},
	},
	{
		Name: "an address that asks for a header", Services: []Service{{Name: "built", Built: true}}, Before: front,
		Inputs: []string{"application={built}", "env=PROBE=a-probe-of-them", "health-url={front}", "health-headers=X-Probe: another", "health-timeout=10s"},
		Code:   1, Status: "unhealthy", Says: []string{"✗ built is running but unhealthy", "401"}, Not: []string{"of-them"},
	},
	{
		Name: "a member's key, build arguments", Needs: NeedsMember, Services: []Service{{Name: "built", Built: true}},
		Before: func(r *Run) {
			front(r)
			r.Set("key", r.Key(r, Key{Services: []string{r.ID("built")}}))
		},
		Inputs: []string{
			"application={built}", "api-key={key}", "env=A=2", "build-args=RELEASE=r-17", "build-secrets=TOKEN=a-token-of-them",
			"health-url={front}", "health-contains=" + Given("r-17", "a-token-of-them"),
		},
		Status: "done", Says: []string{"application.saveEnvironment 200"}, Not: []string{"of-them"},
		After: func(r *Run, _ *Outcome) {
			got := r.Settings(r.ID("built"))
			if got.Env != "A=2" || got.BuildArgs != "RELEASE=r-17" || got.BuildSecrets != "TOKEN=a-token-of-them" {
				r.Errorf("%+v", got)
			}
		},
	},
	{
		Name: "what seeing it run costs", Services: []Service{{Name: "app", Deployed: true}}, Inputs: []string{"application={app}", "verify=require", "stable-for="},
		Status: "done",
		After: func(r *Run, o *Outcome) {
			calls := dockerCall.FindAllString(o.Output, -1)
			if len(calls) == 0 || len(calls) > 12 {
				r.Errorf("%d requests: %q", len(calls), calls)
			}
		},
	},
	{
		Name: "nothing of a compose service is replaced, and that is required", Services: []Service{{Name: "stack", File: GoodFile, Deployed: true}},
		Inputs: []string{"compose={stack}", "verify=require"}, Code: 1, Status: "unhealthy", Says: []string{"✗ stack was deployed but is unchanged"},
		After: func(r *Run, o *Outcome) {
			if o.Targets[0].Verified != "unchanged" {
				r.Errorf("verified %q", o.Targets[0].Verified)
			}
		},
	},
}

// statuses returns the statuses of the targets.
func statuses(o *Outcome) (list []string) {
	for _, t := range o.Targets {
		list = append(list, t.Status)
	}
	return list
}

// ordered are cases with several targets, one started after the other.
var ordered = []Case{
	{
		Name:     "in order up to the first failure",
		Services: []Service{{Name: "first"}, {Name: "bad", Image: "{missing}"}, {Name: "third"}, {Name: "stack", File: GoodFile}},
		Inputs:   []string{"application={first},{bad},{third}", "compose={stack}", "env=A=2", "max-parallel=1", "fail-fast=true"},
		Code:     1, Status: "error", Says: []string{"✗ bad failed"},
		After: func(r *Run, o *Outcome) {
			if got := statuses(o); !slices.Equal(got, []string{"done", "error", "skipped", "skipped"}) {
				r.Errorf("status %v", got)
			}
			for _, name := range []string{"third", "stack"} {
				if got := r.Settings(r.ID(name)); got.Env != "" || len(r.Rows(r.ID(name))) > 0 {
					r.Errorf("%s was touched: %+v", name, got)
				}
			}
		},
	},
	{
		Name:     "in order, each although one has failed",
		Services: []Service{{Name: "bad", Image: "{missing}"}, {Name: "app"}},
		Inputs:   []string{"application={bad},{app}", "max-parallel=1"}, Code: 1, Status: "error",
		After: func(r *Run, o *Outcome) {
			if got := statuses(o); !slices.Equal(got, []string{"error", "done"}) {
				r.Errorf("status %v", got)
			}
		},
	},
}
