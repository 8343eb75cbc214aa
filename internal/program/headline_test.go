package program

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/deploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
)

// The first line of a failure says what is wrong and how long the verdict took.
func TestHeadlines(t *testing.T) {
	for _, tt := range []struct {
		r    deploy.Result
		want string
	}{
		{deploy.Result{Status: verdict.Failed, DeploymentID: "d", Took: 41 * time.Second}, "api failed after 41s: why"},
		{deploy.Result{Status: verdict.Failed, DeploymentID: "d", Took: 380 * time.Millisecond}, "api failed after 0.4s: why"},
		{deploy.Result{Status: verdict.Failed, DeploymentID: "d", Took: 30 * time.Millisecond}, "api failed after 30ms: why"},
		{deploy.Result{Status: verdict.Failed, Took: 380 * time.Millisecond}, "api failed: why"},
		{deploy.Result{Status: verdict.Unhealthy, Verified: verdict.VerifiedNo, DeploymentID: "d", Took: 13 * time.Second}, "api was deployed but is not running (13s): why"},
		{deploy.Result{Status: verdict.Unhealthy, Verified: verdict.VerifiedYes, BadHealth: true, DeploymentID: "d", Took: 2 * time.Minute}, "api is running but unhealthy (2m00s): why"},
		{deploy.Result{Status: verdict.Unhealthy, Verified: verdict.VerifiedYes, Unasked: true, DeploymentID: "d", Took: 2 * time.Minute}, "api is running, but its health URL could not be asked (2m00s): why"},
		{deploy.Result{Status: verdict.Unhealthy, Verified: verdict.VerifiedUnknown, Unasked: true, DeploymentID: "d", Took: 2 * time.Minute}, "api was deployed, but its health URL could not be asked (2m00s): why"},
		{deploy.Result{Status: verdict.Unhealthy, Verified: verdict.VerifiedUnknown, DeploymentID: "d", Took: 2 * time.Minute}, "api was deployed, but is not known to run (2m00s): why"},
		{deploy.Result{Status: verdict.Unhealthy, Verified: verdict.VerifiedUnchanged, DeploymentID: "d", Took: 12 * time.Second}, "api was deployed but is unchanged (12s): why"},
		{deploy.Result{Status: verdict.Unhealthy, Verified: verdict.VerifiedUnchanged, BadHealth: true, DeploymentID: "d", Took: 12 * time.Second}, "api is running but unhealthy (12s): why"},
		{deploy.Result{Status: verdict.Unhealthy, Verified: verdict.VerifiedUnknown, BadHealth: true, DeploymentID: "d", Took: 12 * time.Second}, "api was deployed but is unhealthy (12s): why"},
		{deploy.Result{Status: verdict.Unhealthy, BadHealth: true, DeploymentID: "d", Took: 12 * time.Second}, "api was deployed but is unhealthy (12s): why"},
		{deploy.Result{Status: verdict.Unhealthy, Verified: verdict.VerifiedYes, BadHealth: true, Stopped: true, DeploymentID: "d", Took: 9 * time.Second}, "api was deployed, but was stopped (9s): why"},
		{deploy.Result{Status: verdict.Unhealthy, Verified: verdict.VerifiedNo, Overtaken: true, DeploymentID: "d", Took: 9 * time.Second}, "api was deployed, but something else is running (9s): why"},
	} {
		tt.r.Name, tt.r.Reason = "api", "why"
		if got := failure(tt.r, false)[0]; got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

func TestShortDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Microsecond: "1ms", 49 * time.Millisecond: "49ms", 100 * time.Millisecond: "0.1s",
		940 * time.Millisecond: "0.9s", 960 * time.Millisecond: "1s",
	} {
		if got := text.Duration(d); got != want || strings.Contains(got, "0.0") {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
