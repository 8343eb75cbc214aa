package verdict

import (
	"time"

	"dokploy-deploy/internal/reason"
)

// Result is the verdict on one target.
type Result struct {
	Outcome

	Target, Kind string // as the user named it, and what it is
	ID, Service  string // Dokploy's id and name of it; empty: it was not found
	Name         string // as shown to a person
	URLs         []string
	DashboardURL string
	DeploymentID string        // empty: not known
	Queued       time.Duration // server's clock; negative: not known
	Build        time.Duration // server's clock; negative: not known
	Commit       string        // full hash of what was built, of a Git source; empty: not known
	Took         time.Duration // from the trigger to the verdict
	Triggered    time.Time     // zero: it never was
	At           time.Time     // of the verdict; zero: nothing was tried
	Place        reason.Place  // where the build broke, if the log names it
	Tail         []string      // last lines of the log of a failed deployment
	TailOf       string        // whose log that is; empty: the deployment's
	Verified     Verified      // empty: not looked at
	WasSet       []string      // of the service before the deployment, a line each
	WentBack     string        // what was done to go back, and what runs now; empty: nothing
}

// Found reports whether the target is known to be a service.
func (r *Result) Found() bool { return r.ID != "" }

// URL is the first public one; empty if there is none.
func (r *Result) URL() string {
	if len(r.URLs) == 0 {
		return ""
	}
	return r.URLs[0]
}

// Error is the reason and what was done about it, in one line.
func (r *Result) Error() string {
	if r.WentBack == "" {
		return r.Why()
	}
	return join(r.Why(), "rollback: "+r.WentBack)
}

// ConcernedInput is the input that an error before the trigger is about; empty
// if it is about none.
func (r *Result) ConcernedInput() string {
	switch {
	case r.Input != "":
		return r.Input
	case r.Status == Unreachable:
		return "url"
	case r.Status == Refused && r.Reason.Kind != KeyDenied && r.Reason.Kind != MissingRight:
		return "api-key"
	case r.Status == Refused, r.Status == Invalid:
		return r.Kind
	}
	return ""
}

// Report is what became of a run.
type Report struct {
	Results []Result
	Took    time.Duration // from the first trigger to the last verdict
	DryRun  bool          // nothing was changed
	Follow  bool          // nothing was started, Dokploy did that by itself
}

// Status is the worst of the results.
func (r *Report) Status() Status { return worst(r.statuses()...) }

// ExitCode is the exit code that the results make.
func (r *Report) ExitCode() int { return ExitCode(r.statuses()...) }

func (r *Report) statuses() []Status {
	var s []Status
	for i := range r.Results {
		s = append(s, r.Results[i].Status)
	}
	return s
}
