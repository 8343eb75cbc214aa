package deploy

import (
	"slices"
	"testing"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// What is part of a name or an address that is shown anyway is not hidden,
// whichever target it belongs to.
func TestShownAnyway(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Name: "web", Env: "A_KEY=api.example\nB_KEY=SECRET-b"})
		w.srv.AddApplication(dokploytest.Application{Name: "api", Domains: []dokploytest.Domain{{Host: "api.example.com"}}})
		w.deploy("application web", "application api")
		if slices.Contains(w.rec.hidden, "api.example") || !slices.Contains(w.rec.hidden, "SECRET-b") {
			w.Errorf("hidden: %q", w.rec.hidden)
		}
	})
}

// Evidence decides what is hidden.
func TestOrdinaryValuesAreNotHidden(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Env: "MODE=build\nA=failed\nB=Dokploy\nF=after\nX=status\nD=done", BuildArgs: "E=deployed\nNPM_TOKEN=SECRET-npm"})
		w.want(w.deploy("application api"), verdict.Done, 0)
		for _, v := range w.rec.hidden {
			if slices.Contains([]string{"build", "failed", "Dokploy", "after", "status", "done", "deployed"}, v) {
				w.Errorf("%s is hidden", v)
			}
		}
		if !slices.Contains(w.rec.hidden, "SECRET-npm") {
			w.Errorf("hidden: %q", w.rec.hidden)
		}
	})
}
