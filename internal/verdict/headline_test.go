package verdict

import (
	"strings"
	"testing"
	"time"
)

// The first line of a failure says what is wrong and how long the verdict took.
func TestHeadlines(t *testing.T) {
	for _, tt := range []struct {
		status Status
		kind   Kind
		r      Result
		want   string
	}{
		{Failed, Answered, Result{DeploymentID: "d", Took: 41 * time.Second}, "failed after 41s"},
		{Failed, Answered, Result{DeploymentID: "d", Took: 380 * time.Millisecond}, "failed after 0.4s"},
		{Failed, Answered, Result{DeploymentID: "d", Took: 30 * time.Millisecond}, "failed after 30ms"},
		{Failed, Answered, Result{Took: 380 * time.Millisecond}, "failed"},
		{Failed, Answered, Result{Outcome: Outcome{By: APush}, DeploymentID: "d", Took: 30 * time.Millisecond, Commit: "3f2a91c0de"}, "failed (commit 3f2a91c)"},
		{Failed, Answered, Result{Outcome: Outcome{By: APush}, DeploymentID: "d", Took: 41 * time.Second, Commit: "3f2a91c0de"}, "failed after 41s (commit 3f2a91c)"},
		{Unhealthy, Answered, Result{Verified: VerifiedNo, DeploymentID: "d", Took: 13 * time.Second}, "was deployed but is not running (13s)"},
		{Unhealthy, BadHealth, Result{Verified: VerifiedYes, DeploymentID: "d", Took: 2 * time.Minute}, "is running but unhealthy (2m00s)"},
		{Unhealthy, HealthUnasked, Result{Verified: VerifiedYes, DeploymentID: "d", Took: 2 * time.Minute}, "is running, but its health URL could not be asked (2m00s)"},
		{Unhealthy, HealthUnasked, Result{Verified: VerifiedUnknown, DeploymentID: "d", Took: 2 * time.Minute}, "was deployed, but its health URL could not be asked (2m00s)"},
		{Unhealthy, Answered, Result{Verified: VerifiedUnknown, DeploymentID: "d", Took: 2 * time.Minute}, "was deployed but not verified (2m00s)"},
		{Unhealthy, Answered, Result{Verified: VerifiedUnchanged, DeploymentID: "d", Took: 12 * time.Second}, "was deployed but is unchanged (12s)"},
		{Unhealthy, BadHealth, Result{Verified: VerifiedUnchanged, DeploymentID: "d", Took: 12 * time.Second}, "is running but unhealthy (12s)"},
		{Unhealthy, BadHealth, Result{Verified: VerifiedUnknown, DeploymentID: "d", Took: 12 * time.Second}, "was deployed but is unhealthy (12s)"},
		{Unhealthy, BadHealth, Result{DeploymentID: "d", Took: 12 * time.Second}, "was deployed but is unhealthy (12s)"},
		{Unhealthy, BadHealthStopped, Result{Verified: VerifiedYes, DeploymentID: "d", Took: 9 * time.Second}, "was deployed, but was stopped (9s)"},
		{Unhealthy, WouldNotBeSeen, Result{Verified: VerifiedUnknown}, "cannot be verified"},
		{Unhealthy, AnotherImage, Result{Verified: VerifiedNo, DeploymentID: "d", Took: 9 * time.Second}, "was deployed, but something else is running (9s)"},
	} {
		tt.r.Status, tt.r.Reason = tt.status, Reason{Kind: tt.kind, Text: "why"}
		if got := tt.r.Headline(); !strings.HasPrefix(got, tt.want+": ") {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// A problem has a title that says what it is, even before there is a headline.
func TestTitles(t *testing.T) {
	for _, tt := range []struct {
		o    Outcome
		kind string
		want string
	}{
		{Reason{Kind: NoSuchTarget}.Outcome(), "application", "application not found"},
		{Reason{Kind: IsApplication}.Outcome(), "compose", "compose not found"},
		{Reason{Kind: SeveralCalled}.Outcome(), "compose", "compose not unique"},
		{Outcome{Reason: Reason{Kind: IsCloud}, Status: Invalid, Input: "url"}, "compose", "Dokploy Cloud is not supported"},
		{Outcome{Reason: Reason{Kind: TooOld}, Status: Invalid, Input: "url"}, "compose", "this Dokploy is too old"},
		{Outcome{Reason: Reason{Kind: NoEnvironments}, Status: Invalid, Input: "url"}, "compose", "this Dokploy is too old"},
		{Outcome{Status: Invalid}, "compose", "check the input compose"},
		{Outcome{Status: Invalid, Input: "source"}, "application", "check the input source"},
		{Reason{Kind: KeyRefused}.Outcome(), "application", "the key is refused"},
		{Reason{Kind: MissingRight}.Outcome(), "application", "the key lacks the permission"},
		{Outcome{Status: Unreachable}, "application", "not reachable"},
		{Outcome{Status: Interrupted}, "application", "api was interrupted"},
		{Outcome{Status: Failed}, "application", "api failed"},
	} {
		r := Result{Outcome: tt.o, Kind: tt.kind, Name: "api"}
		if got := r.Title(); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.o, got, tt.want)
		}
	}
}
