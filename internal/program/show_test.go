package program

import (
	"testing"

	"dokploy-deploy/internal/verdict"
)

// The summary leaves its cell empty where nobody looked, as after a failed build;
// what was looked for and not seen is unknown.
func TestSummaryVerified(t *testing.T) {
	report := &verdict.Report{Results: []verdict.Result{
		{Outcome: verdict.Outcome{Status: verdict.Failed}},
		{Outcome: verdict.Outcome{Status: verdict.Done}, Verified: verdict.VerifiedUnknown},
		{Outcome: verdict.Outcome{Status: verdict.Done}, Verified: verdict.VerifiedYes},
	}}
	for i, want := range []string{"", "unknown", "yes"} {
		if got := summary(report)[i].Verified; got != want {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
	}
}
