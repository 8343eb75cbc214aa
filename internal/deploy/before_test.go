package deploy

import (
	"errors"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
)

// A failed look does not change what was seen; if nothing was seen, it says
// why.
func TestPriorNewer(t *testing.T) {
	failed := errors.New("502")
	seen := rollout.View{At: time.Unix(1, 0)}
	if p := (prior{view: seen}).newer(rollout.View{}, failed); !p.seen() || p.err != nil {
		t.Errorf("%+v", p)
	}
	if p := (prior{}).newer(rollout.View{}, failed); p.seen() || !errors.Is(p.err, failed) {
		t.Errorf("%+v", p)
	}
	if p := (prior{err: failed}).newer(seen, nil); !p.seen() || p.err != nil {
		t.Errorf("%+v", p)
	}
}

// What came between two runs can be distinguished from the second run's if
// Swarm says which deployment a container belongs to, or containers keep their
// ids.
func TestRuleRunsAgain(t *testing.T) {
	for _, tt := range []struct {
		kind   dokploy.Kind
		docker bool
		others bool
		want   error
	}{
		{dokploy.Application, true, false, nil},
		{dokploy.Application, false, false, errFirst},
		{dokploy.Compose, false, false, nil},
		{dokploy.Application, true, true, errBetween},
		{dokploy.Application, false, true, errBetween},
		{dokploy.Compose, true, true, errBetween},
	} {
		v := &verifier{service: &dokploy.Service{Kind: tt.kind}, look: lookout{docker: tt.docker}, prior: prior{view: rollout.View{At: time.Unix(1, 0)}}}
		v.runsAgain(tt.others)
		if !errors.Is(v.prior.err, tt.want) || v.prior.seen() != (tt.want == nil) {
			t.Errorf("%+v: %+v", tt, v.prior)
		}
	}
}
