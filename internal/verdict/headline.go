package verdict

import (
	"time"

	"dokploy-deploy/internal/text"
)

// Headline says how a target failed, in one line that follows its name: "failed
// after 41s: Dockerfile:12 …".
func (r *Result) Headline() string {
	return r.Became() + ": " + r.Why()
}

// Became returns the headline without the reason: "failed after 41s".
func (r *Result) Became() string { return r.became() + r.after() }

// Title says in a few words what is wrong if there is no headline.
func (r *Result) Title() string {
	switch r.Reason.Kind {
	case NoSuchTarget, NoneVisible, IsCompose, IsApplication:
		return r.Kind + " not found"
	case SeveralCalled:
		return r.Kind + " not unique"
	case IsCloud:
		return "Dokploy Cloud is not supported"
	case TooOld, NoEnvironments:
		return "this Dokploy is too old"
	}
	switch {
	case r.Status == Unreachable:
		return "not reachable"
	case r.Status == Refused && r.ConcernedInput() == "api-key":
		return "the key is refused"
	case r.Status == Refused:
		return "the key lacks the permission"
	case r.Status == Invalid && r.ConcernedInput() != "":
		return "check the input " + r.ConcernedInput()
	}
	return r.Name + " " + r.Became()
}

func (r *Result) became() string {
	switch r.Status {
	case Unhealthy:
		return r.unhealthy()
	case Skipped:
		return "was skipped"
	case Cancelled:
		return "was cancelled"
	case Lost:
		if r.Reason.NotFollowed() {
			return "was not followed"
		}
		return "was lost"
	case Timeout:
		return "did not finish"
	case Unreachable:
		return "outcome unknown"
	case Refused:
		return "was refused"
	case Invalid:
		return "was not deployed"
	case Interrupted:
		return "was interrupted"
	}
	return "failed"
}

// unhealthy says what is wrong with a deployment that Dokploy called done.
func (r *Result) unhealthy() string {
	switch {
	case r.Reason.Kind == WouldNotBeSeen:
		return "cannot be verified"
	case r.Reason.Overtaken():
		return "was deployed, but something else is running"
	case r.Reason.Stopped():
		return "was deployed, but was stopped"
	case r.Reason.Unasked() && r.Runs():
		return "is running, but its health URL could not be asked"
	case r.Reason.Unasked():
		return "was deployed, but its health URL could not be asked"
	case r.Reason.BadHealth() && r.Runs():
		return "is running but unhealthy"
	case r.Reason.BadHealth():
		return "was deployed but is unhealthy"
	case r.Verified == VerifiedNo:
		return "was deployed but is not running"
	case r.Verified == VerifiedUnchanged:
		return "was deployed but is unchanged"
	}
	return "was deployed but not verified"
}

// Runs reports whether all of it was seen running, new or not.
func (r *Result) Runs() bool {
	return r.Verified == VerifiedYes || r.Verified == VerifiedUnchanged
}

// after returns the time from the trigger to the verdict, and the commit that
// was built.
func (r *Result) after() string {
	took := text.Duration(r.Took)
	switch {
	case r.Reason.NotFollowed():
		return "" // the reason says how long that was waited for
	case r.Took < time.Second && r.DeploymentID == "":
		return "" // nothing was deployed
	case r.Took < time.Second && r.By != ThisJob: // it was over before this run
		return r.ofCommit()
	case r.Status == Unhealthy && r.Commit != "":
		return " (" + took + ", commit " + r.ShortCommit() + ")"
	case r.Status == Unhealthy:
		return " (" + took + ")" // how long it ran does not matter here
	}
	line := " after " + took
	if r.Status == Timeout {
		line = " in " + took
	}
	return line + r.ofCommit()
}

func (r *Result) ofCommit() string {
	if r.Commit == "" {
		return ""
	}
	return " (commit " + r.ShortCommit() + ")"
}

// ShortCommit returns the abbreviated hash of the commit that was built; empty:
// unknown.
func (r *Result) ShortCommit() string { return r.Commit[:min(7, len(r.Commit))] }
