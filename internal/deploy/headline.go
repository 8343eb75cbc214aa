package deploy

import (
	"time"

	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
)

// Headline says how a target failed, in one line behind its name: "failed after
// 41s: Dockerfile:12 …".
func (r *Result) Headline() string {
	return r.outcome() + r.after() + ": " + r.Reason
}

func (r *Result) outcome() string {
	switch r.Status {
	case verdict.Unhealthy:
		return r.unhealthy()
	case verdict.Cancelled:
		return "was cancelled"
	case verdict.Lost:
		return "is lost"
	case verdict.Timeout:
		return "is not done"
	case verdict.Unreachable:
		return "is not known to be done"
	case verdict.Refused:
		return "was refused"
	case verdict.Invalid:
		return "was not deployed"
	case verdict.Interrupted:
		return "was interrupted"
	}
	return "failed"
}

// unhealthy says what is wrong with a deployment that Dokploy called done.
func (r *Result) unhealthy() string {
	switch {
	case r.Overtaken:
		return "was deployed, but something else is running"
	case r.Stopped:
		return "was deployed, but was stopped"
	case r.Unasked && r.runs():
		return "is running, but its health URL could not be asked"
	case r.Unasked:
		return "was deployed, but its health URL could not be asked"
	case r.BadHealth && r.runs():
		return "is running but unhealthy"
	case r.BadHealth:
		return "was deployed but is unhealthy"
	case r.Verified == verdict.VerifiedNo:
		return "was deployed but is not running"
	case r.Verified == verdict.VerifiedUnchanged:
		return "was deployed but is unchanged"
	}
	return "was deployed, but is not known to run"
}

// runs reports whether all of it was seen to run, new or not.
func (r *Result) runs() bool {
	return r.Verified == verdict.VerifiedYes || r.Verified == verdict.VerifiedUnchanged
}

// after is the time from the trigger to the verdict.
func (r *Result) after() string {
	switch text := text.Duration(r.Took); {
	case r.Took < time.Second && r.DeploymentID == "":
		return "" // nothing was deployed
	case r.Status == verdict.Unhealthy:
		return " (" + text + ")" // how long it ran is not what that says
	default:
		return " after " + text
	}
}
