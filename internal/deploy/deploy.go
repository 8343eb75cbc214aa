// Package deploy owns one deployment, from its target to its verdict: it
// resolves the target, triggers once, finds the deployment that this trigger
// made, follows it with its log, and says how it ended. It reports through a
// small interface and knows nothing of the CI host.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// Reporter shows a person what happens. Its methods are called from several
// goroutines.
type Reporter interface {
	// Header is told where the deployment goes, once.
	Header(text string)
	// SetTargets names the targets before the first line about one.
	SetTargets(names []string)
	// Note is a line of our own about a target; Warn one that matters.
	Note(target, text string)
	Warn(target, text string)
	// LogLine is a line that the server wrote. It must not be kept.
	LogLine(target string, line []byte)
	// Hide keeps values out of all that is shown from now on.
	Hide(values ...string)
	// Mask hides them in a text, which must come before it is folded or cut.
	Mask(text string) string
}

// Target is a service as the user named it.
type Target struct {
	Kind dokploy.Kind
	Ref  string // id, name, project/name or project/environment/name
}

// LogMode says when the log is shown.
type LogMode string

// The values of the input "logs".
const (
	LogLive    LogMode = "live"
	LogFailure LogMode = "failure"
	LogOff     LogMode = "off"
)

// Options says what to deploy and how to follow it.
type Options struct {
	Client      *dokploy.Client
	Reporter    Reporter
	URL         string // as shown to a person
	Program     string // name and version, as shown to a person
	Targets     []Target
	Operation   string // deploy or redeploy
	Title       string
	Description string // the run's marker is appended
	Wait        bool
	Timeout     time.Duration // from a trigger to its verdict
	Unreachable time.Duration // longest outage while a deployment is followed
	Logs        LogMode
	Verify      VerifyMode    // empty: off
	StableFor   time.Duration // how long the new containers must run
	Prepare     Changes       // before the trigger
	Health      *Health       // nil: no address is asked
	Rollback    bool          // on failure, go back to what ran before
	DryRun      bool          // look at everything, change nothing
	names       []string      // names and addresses of the targets that were found
	MaxParallel int

	goingBack bool // what is deployed is the previous version
}

// preTrigger is the longest outage outlived before anything was started.
const preTrigger = 30 * time.Second

func (o *Options) beforeTrigger() time.Duration { return min(o.Unreachable, preTrigger) }

// lookTimeout bounds one look. Where several targets share the pace of the
// requests, a look waits behind the others' most of the time.
func (o *Options) lookTimeout() time.Duration {
	limit := 15 * time.Second
	if n := min(o.MaxParallel, len(o.Targets)); n > 1 {
		limit += time.Duration(n) * time.Second
	}
	return limit
}

// Result is the verdict on one target.
type Result struct {
	Target         Target
	Service        *dokploy.Service // nil: was not resolved
	Name           string           // as shown to a person
	DeploymentID   string           // empty: not known
	Status         verdict.Status
	URL            string
	DashboardURL   string
	Queued         time.Duration    // server's clock; negative: not known
	Build          time.Duration    // server's clock; negative: not known
	Took           time.Duration    // from the trigger to the verdict
	verdictAt      time.Time        // zero: nothing was tried
	Reason         string           // what happened, one line; empty on success
	Hint           string           // what to do next
	input          string           // the input that the error is about, if it is none of the target's
	Place          Place            // where the build broke, if the log names it
	refusedService bool             // the key is good, but not for this
	Tail           []string         // last lines of the log of a failed deployment
	TailOf         string           // whose log that is; empty: the deployment's
	Verified       verdict.Verified // empty: not looked at
	RolledBack     bool             // Swarm itself went back to the previous version
	Overtaken      bool             // another deployment has replaced this one
	Stopped        bool             // somebody has stopped it while it was verified
	BadHealth      bool             // the health URL did not become healthy
	Unasked        bool             // the health URL could not be asked: what stands in front answered, or nothing did
	WentBack       string           // what was done to go back, and what runs now; empty: nothing
}

// Report is what became of a run.
type Report struct {
	Results []Result
	Took    time.Duration // from the first trigger to the last verdict
	DryRun  bool          // nothing was changed
}

// Status is the worst of the results.
func (r *Report) Status() verdict.Status {
	return verdict.Worst(r.statuses()...)
}

// ExitCode is the exit code the results make.
func (r *Report) ExitCode() int { return verdict.ExitCode(r.statuses()...) }

func (r *Report) statuses() []verdict.Status {
	var s []verdict.Status
	for _, res := range r.Results {
		s = append(s, res.Status)
	}
	return s
}

// ErrInterrupted is the cause of a context that a signal ended.
var ErrInterrupted = errors.New("interrupted")

const nothingStarted = "nothing was started"

// errTimeout is the cause of a target's context when its time is over.
var errTimeout = errors.New("timed out")

// Run deploys all targets and follows each to its end. Nothing is triggered
// unless every target was found.
func Run(ctx context.Context, o Options) *Report {
	report := &Report{Results: make([]Result, len(o.Targets)), DryRun: o.DryRun}
	for i, t := range o.Targets {
		report.Results[i] = Result{Target: t, Name: t.Ref, Queued: -1, Build: -1}
	}
	o.hideInput()
	if len(o.Targets) > 1 {
		o.Client.Share()
	}
	found, err := resolve(ctx, &o)
	if err != nil {
		for i := range report.Results {
			report.Results[i].fail(ctx, err, nothingStarted)
		}
		return report
	}
	broken := false
	for i, f := range found.targets {
		r := &report.Results[i]
		if f.err != nil {
			r.fail(ctx, f.err, nothingStarted)
			broken = true
			continue
		}
		r.Service, r.Name = f.service, f.name
		r.URL, r.DashboardURL = f.service.URL(), o.Client.DashboardURL(f.service)
	}
	for i := range report.Results {
		if r := &report.Results[i]; r.Service != nil {
			o.names = append(o.names, r.names()...)
		}
	}
	for i := range report.Results {
		if s := report.Results[i].Service; s != nil {
			o.hideService(s)
		}
	}
	if !broken {
		broken = check(ctx, &o, found, report)
	}
	if broken {
		for i := range report.Results {
			if r := &report.Results[i]; r.Status == "" {
				r.Status = verdict.Invalid
				r.Reason = "not deployed, because another target cannot be"
			}
		}
		return report
	}

	start := time.Now()
	o.Reporter.SetTargets(found.names())
	slots := make(chan struct{}, max(1, o.MaxParallel))
	var (
		wg   sync.WaitGroup
		left atomic.Int64 // targets without a verdict
	)
	left.Store(int64(len(found.names())))
	for i := range report.Results {
		r := &report.Results[i]
		if j := found.targets[i].same; j >= 0 {
			continue // named twice; its result is copied below
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			r.fail(ctx, context.Cause(ctx), nothingStarted)
			continue
		}
		if ctx.Err() != nil {
			<-slots
			r.fail(ctx, context.Cause(ctx), nothingStarted)
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			newRun(&o, found, r).run(ctx)
			if left.Add(-1) > 0 && !r.Status.OK() {
				// The others may take long; what there is to say of it comes at the end.
				o.Reporter.Note(r.Name, r.Headline())
			}
		})
	}
	wg.Wait()
	for i, f := range found.targets {
		if f.same >= 0 {
			target := report.Results[i].Target
			report.Results[i] = report.Results[f.same]
			report.Results[i].Target = target
		}
	}
	for _, r := range report.Results {
		if !r.verdictAt.IsZero() { // what comes after it is going back
			report.Took = max(report.Took, r.verdictAt.Sub(start))
		}
	}
	return report
}

// check finds, before anything is sent, what cannot be prepared.
func check(ctx context.Context, o *Options, found *targets, report *Report) (broken bool) {
	if o.Prepare.set() || o.DryRun {
		rights, err := askRights(ctx, o)
		if err != nil {
			for i := range report.Results {
				report.Results[i].fail(ctx, err, nothingStarted)
			}
			return true
		}
		found.rights = rights
	}
	for i := range report.Results {
		r := &report.Results[i]
		err := o.Prepare.fitSource(r.Service)
		var p *plan
		if err == nil {
			p, err = planFor(o, r.Service, found.version)
		}
		if err == nil {
			err = mayPrepare(found.rights, p)
		}
		if err == nil && o.Health != nil {
			_, err = o.healthURL(r.URL)
		}
		if err != nil {
			r.fail(ctx, err, nothingStarted)
			broken = true
		}
	}
	return broken
}

// Error is the reason and what was done about it, in one line.
func (r *Result) Error() string {
	if r.WentBack == "" {
		return r.Reason
	}
	return join(r.Reason, "rollback: "+r.WentBack)
}

// Input is the input that an error before the trigger is about; empty if it
// is about none.
func (r *Result) Input() string {
	switch {
	case r.input != "":
		return r.input
	case r.Status == verdict.Unreachable:
		return "url"
	case r.Status == verdict.Refused && !r.refusedService:
		return "api-key"
	case r.Status == verdict.Refused, r.Status == verdict.Invalid:
		return string(r.Target.Kind)
	}
	return ""
}

// AboutInput reports whether it is a problem with an input, found before
// anything was started.
func (r *Result) AboutInput() bool { return r.input != "" }

// fail sets the verdict that an error means. what says in what state the
// deployment is, for the verdicts after which it may go on.
func (r *Result) fail(ctx context.Context, err error, what string) {
	var (
		inputs *inputError
		ended  *verdictError
		right  *rightError
		outage *wait.UnreachableError
	)
	switch {
	case errors.As(err, &right):
		r.Status, r.refusedService, r.input = verdict.Refused, true, right.input
		r.Reason, r.Hint = right.what+"; "+what, right.hint
	case errors.As(err, &ended):
		r.Status, r.Reason, r.Hint = ended.status, ended.reason, ended.hint
	case errors.As(err, &inputs):
		r.Status, r.Reason, r.Hint = verdict.Invalid, inputs.what, inputs.hint
		r.input = inputs.input
	case errors.Is(err, ErrInterrupted):
		r.Status, r.Reason = verdict.Interrupted, what
		if r.Service == nil {
			r.Reason = "interrupted; " + what
		}
	case errors.Is(err, errTimeout):
		r.Status, r.Reason = verdict.Timeout, "timed out; "+what
	case ctx.Err() != nil:
		r.Status, r.Reason = verdict.Interrupted, fmt.Sprintf("stopped (%v); %s", context.Cause(ctx), what)
	case errors.As(err, &outage):
		// A key that worked before and is refused now is one, too.
		r.Status = verdict.Unreachable
		r.Reason, r.Hint = explainOutage(err)
		r.Reason += "; " + what
	case dokploy.Refused(err):
		r.Status = verdict.Refused
		r.refusedService = dokploy.Denied(err)
		r.Reason, r.Hint = dokploy.Explain(err)
	case dokploy.NotFound(err):
		r.Status = verdict.Invalid
		r.Reason, r.Hint = dokploy.Explain(err)
	default:
		r.Status = verdict.Unreachable
		r.Reason, r.Hint = explainOutage(err)
	}
}

// verdictError ends a run with a status that is already known.
type verdictError struct {
	status       verdict.Status
	reason, hint string
}

func (e *verdictError) Error() string { return string(e.status) + ": " + e.reason }
