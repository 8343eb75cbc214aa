package deploy

import (
	"strings"
	"testing"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// A dry run that cannot see what is running says so about the real run: nothing
// was deployed, and Dokploy has reported nothing.
func TestDryRunThatCannotSee(t *testing.T) {
	for mode, want := range map[VerifyMode]verdict.Status{VerifyAuto: verdict.Done, VerifyRequire: verdict.Unhealthy, VerifyOff: verdict.Done} {
		t.Run(string(mode), func(t *testing.T) {
			inWorld(t, dokploytest.Options{NoDocker: true}, func(w *world) {
				w.srv.AddApplication(dokploytest.Application{})
				w.set = func(o *Options) { verifying(mode)(o); o.DryRun = true }
				r := w.want(w.deploy("application api"), want, verdict.ExitCode(want))
				if said := w.rec.said("verify: what runs cannot be seen: this Dokploy has no "); said != (mode == VerifyAuto) {
					w.Errorf("said %v\n%s", said, w.story())
				}
				all := w.story()
				if !want.OK() {
					all += r.Headline()
				}
				for _, untrue := range []string{"was deployed", "not verified", "reports done"} {
					if strings.Contains(all, untrue) {
						w.Errorf("%q is said:\n%s", untrue, all)
					}
				}
				if mode == VerifyRequire && r.Became() != "cannot be verified" {
					w.Error(r.Headline())
				}
			})
		})
	}
}
