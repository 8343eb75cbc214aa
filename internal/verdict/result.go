package verdict

import (
	"time"

	"dokploy-deploy/internal/reason"
)

// Result is the verdict on one target.
type Result struct {
	Outcome

	Target, Kind string // as the user named it, and its kind
	ID, Service  string // Dokploy's id and name; empty: it was not found
	Name         string // as shown in messages
	URLs         []string
	DashboardURL string
	DeploymentID string        // empty: not known
	Queued       time.Duration // server's clock; negative: not known
	Build        time.Duration // server's clock; negative: not known
	Commit       string        // full hash of what was built, for a Git source; empty: unknown
	Took         time.Duration // from the trigger to the verdict
	Triggered    time.Time     // zero: it never was
	At           time.Time     // of the verdict; zero: nothing was attempted
	Place        reason.Place  // where the build broke, if the log says so
	Tail         []string      // last lines of a failed deployment's log
	TailOf       string        // whose log that is; empty: the deployment's
	Verified     Verified      // empty: nobody looked
	WasSet       []string      // what was set on the service before the deployment, or would be by a dry run, one line each
	WentBack     string        // what the rollback did, and what is running now; empty: nothing
}

// Found reports whether the target was found.
func (r *Result) Found() bool { return r.ID != "" }

// URL returns the first public address; empty: there is none.
func (r *Result) URL() string {
	if len(r.URLs) == 0 {
		return ""
	}
	return r.URLs[0]
}

// Error returns the reason and what was done about it, in one line.
func (r *Result) Error() string {
	if r.WentBack == "" {
		return r.Why()
	}
	return join(r.Why(), "rollback: "+r.WentBack)
}

// ConcernedInput returns the input that an error before the trigger is about;
// empty: none.
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

// Report is the result of a run.
type Report struct {
	Results []Result
	Took    time.Duration // from the first trigger to the last verdict
	DryRun  bool          // nothing was changed
	Follow  bool          // nothing was started: Dokploy does that by itself
}

// Status returns the worst of the results' statuses.
func (r *Report) Status() Status { return worst(r.statuses()...) }

// ExitCode returns the exit code for the results.
func (r *Report) ExitCode() int { return ExitCode(r.statuses()...) }

func (r *Report) statuses() []Status {
	var s []Status
	for i := range r.Results {
		s = append(s, r.Results[i].Status)
	}
	return s
}
