package deploy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// TestTooOld: a server before v0.25.0 is refused before anything is started.
func TestTooOld(t *testing.T) {
	const bare = `[{"projectId":"p","name":"shop","applications":[{"applicationId":"a","name":"api"}],"compose":[]}]`
	const id = "-8V2kzqBVe00000000000"
	for _, tt := range []struct {
		name, version, list, target string
		want                        string // empty: it is deployed
	}{
		{"before environments", "v0.24.12", "", "application api", "this Dokploy (v0.24.12) is too old: v0.25.0"},
		{"by id, so that nothing is listed", "v0.19.0", "", "application " + id, "this Dokploy (v0.19.0) is too old"},
		{"the first one", "v0.25.0", "", "application api", ""},
		{"a version that is none", "canary", "", "application api", ""},
		{"no environments, unknown version", "canary", bare, "application api", "the projects of this Dokploy (unknown version) have no environments"},
		{"no environments, a newer version", "v0.30.2", bare, "application api", "the projects of this Dokploy (v0.30.2) have no environments"},
		{"environments that are null", "v0.30.2", `[{"projectId":"p","environments":null}]`, "application api", "the projects of this Dokploy (v0.30.2) have no environments"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{Version: tt.version}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{ID: id})
				if tt.list != "" {
					w.srv.Fault(dokploytest.Fault{Procedure: "project.all", Kind: dokploytest.Custom, Status: 200, Body: tt.list})
				}
				if tt.want == "" {
					w.want(w.deploy(tt.target), verdict.Done, 0)
					return
				}
				r := w.want(w.deploy(tt.target), verdict.Invalid, 2)
				if !strings.HasPrefix(r.Why(), tt.want) || !strings.Contains(r.Advice(), "update Dokploy") || r.ConcernedInput() != "url" {
					w.Errorf("%q, %q, about %q", r.Why(), r.Advice(), r.ConcernedInput())
				}
				w.triggers(app, 0)
			})
		})
	}
}

// TestCloudIsRefused: Dokploy Cloud calls what was cancelled done.
func TestCloudIsRefused(t *testing.T) {
	cloud := dokploytest.Options{Cloud: true}
	for _, tt := range []struct {
		name  string
		o     dokploytest.Options
		fault dokploytest.Fault
		cloud bool
	}{
		{"Cloud", cloud, dokploytest.Fault{}, true},
		{"Cloud that answers at the second try", cloud, dokploytest.Fault{Kind: dokploytest.Gateway, Status: 502, Times: 1}, true},
		{"self-hosted", dokploytest.Options{}, dokploytest.Fault{}, false},
		{"no such procedure", dokploytest.Options{}, dokploytest.Fault{Kind: dokploytest.Custom, Status: 404, Body: `{"message":"Not found","code":"NOT_FOUND"}`, Times: -1}, false},
		{"not for this key", dokploytest.Options{}, dokploytest.Fault{Kind: dokploytest.Unauthorized, Times: -1}, false},
		{"something in front", dokploytest.Options{}, dokploytest.Fault{Kind: dokploytest.Page, Times: -1}, false},
		{"an error", dokploytest.Options{}, dokploytest.Fault{Kind: dokploytest.Gateway, Status: 502, Times: -1}, false},
		{"no answer", dokploytest.Options{}, dokploytest.Fault{Kind: dokploytest.Hang, After: time.Hour, Times: -1}, false},
		{"neither true nor false", dokploytest.Options{}, dokploytest.Fault{Kind: dokploytest.Custom, Status: 200, Body: `"true"`, Times: -1}, false},
	} {
		for _, dryRun := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, dry run %v", tt.name, dryRun), func(t *testing.T) {
				inWorld(t, tt.o, func(w *world) {
					app := w.srv.AddApplication(dokploytest.Application{})
					if tt.fault.Kind != "" {
						tt.fault.Procedure = "settings.isCloud"
						w.srv.Fault(tt.fault)
					}
					w.set = func(o *Options) { o.DryRun = dryRun }
					if !tt.cloud {
						w.want(w.deploy("application api"), verdict.Done, 0)
						return
					}
					r := w.want(w.deploy("application api"), verdict.Invalid, 2)
					if !strings.HasPrefix(r.Why(), "this is Dokploy Cloud") || r.ConcernedInput() != "url" {
						w.Errorf("%q about %q", r.Why(), r.ConcernedInput())
					}
					w.triggers(app, 0)
				})
			})
		}
	}
}
