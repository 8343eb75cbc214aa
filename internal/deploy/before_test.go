package deploy

import (
	"errors"
	"testing"
	"time"

	"dokploy-deploy/internal/rollout"
)

// A look that fails changes nothing of what was seen; where nothing was, it says
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
