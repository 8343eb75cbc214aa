package dokploy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTraitsOf(t *testing.T) {
	for version, want := range map[string]Traits{
		"canary":   {RerunsCancelled: true},
		"v0.25.0":  {HidesQueue: true, QueueSurvivesRestart: true, RerunsCancelled: true, LeavesRowsRunning: true},
		"v0.25.3":  {HidesQueue: true, QueueSurvivesRestart: true, RerunsCancelled: true, LeavesRowsRunning: true},
		"v0.25.4":  {HidesQueue: true, QueueSurvivesRestart: true, RerunsCancelled: true},
		"v0.28.2":  {HidesQueue: true, QueueSurvivesRestart: true, RerunsCancelled: true},
		"v0.28.3":  {QueueSurvivesRestart: true, RerunsCancelled: true},
		"v0.29.8":  {QueueSurvivesRestart: true, RerunsCancelled: true},
		"v0.29.9":  {},
		"v0.30.10": {},
		"v1.0.0":   {},
	} {
		v, _ := ParseVersion(version)
		if diff := cmp.Diff(want, TraitsOf(v)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", version, diff)
		}
	}
}
