// Package deploy owns one deployment, from its target to its verdict. It is all
// that is asked of Dokploy for it, in stages that hand on values (run.go reads
// like the protocol):
//
//	resolve.go   which services are meant; what all of a target's stages read is
//	             a value that none of them writes (target.go)
//	prepare.go   sets what the inputs ask for, and reads it back
//	baseline.go  what is there before the trigger
//	trigger.go   triggers once; upload.go does so with a source
//	watch.go     finds the deployment that this made, and follows it to its end
//	             (ending.go): package track decides, observe.go asks for what it
//	             needs, act.go does what follows
//	verify.go    sees whether what was deployed runs: package rollout decides
//	health.go    asks an address
//	end.go       how it ended and why; the verdict is made there of what the
//	             stages have handed on, and an error that breaks one off says
//	             what goes on in Dokploy (outcome.go)
//	rollback.go  goes back from a bad end: wayback.go decides
//
// It reports through a small interface and knows nothing of the CI host.
package deploy

import (
	"context"
	"errors"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// Reporter shows a person what happens. Its methods are called from several
// goroutines.
type Reporter interface {
	// Header is told where the deployment goes, once.
	Header(text string)
	// SetTargets names the targets before the first line about one.
	SetTargets(names []string)
	// Dashboard is told where a target is seen in Dokploy.
	Dashboard(target, link string)
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
	Operation   string // deploy, redeploy or follow
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
	Follow      *Follow       // nil: a deployment is started
	Rollback    bool          // on failure, go back to what ran before
	DryRun      bool          // look at everything, change nothing
	names       []string      // names and addresses of the targets that were found
	MaxParallel int
	CI          CI
	FailFast    bool // after a target has failed, start no further one

	goingBack bool // what is deployed is the previous version
}

// preTrigger is the longest outage outlived before anything was started.
const preTrigger = 30 * time.Second

func (o *Options) beforeTrigger() time.Duration {
	if o.Follow != nil {
		return o.Unreachable // nothing is going to be started
	}
	return min(o.Unreachable, preTrigger)
}

// lookTimeout bounds one look. Where several targets share the pace of the
// requests, a look waits behind the others' most of the time.
func (o *Options) lookTimeout() time.Duration {
	limit := 15 * time.Second
	if n := min(o.MaxParallel, len(o.Targets)); n > 1 {
		limit += time.Duration(n) * time.Second
	}
	return limit
}

// ErrInterrupted is the cause of a context that a signal ended.
var ErrInterrupted = errors.New("interrupted")

// errTimeout is the cause of a target's context when its time is over.
var errTimeout = errors.New("timed out")

// Run deploys all targets and follows each to its end. Nothing is triggered
// unless every target was found.
func Run(ctx context.Context, o Options) *verdict.Report {
	report := &verdict.Report{Results: make([]verdict.Result, len(o.Targets)), DryRun: o.DryRun, Follow: o.Follow != nil}
	for i, t := range o.Targets {
		report.Results[i] = verdict.Result{Target: t.Ref, Kind: string(t.Kind), Name: t.Ref, Queued: -1, Build: -1}
	}
	if o.Follow != nil {
		o.MaxParallel, o.FailFast = len(o.Targets), false // all are watched from the start
	}
	o.hideInput()
	if len(o.Targets) > 1 {
		o.Client.Share()
	}
	found, err := resolve(ctx, &o)
	if err != nil {
		for i := range report.Results {
			report.Results[i].Outcome = notStarted(ctx, err, false)
		}
		return report
	}
	broken := false
	for i, f := range found.targets {
		r := &report.Results[i]
		if f.err != nil {
			r.Outcome = notStarted(ctx, f.err, false)
			broken = true
			continue
		}
		r.ID, r.Service, r.Name = f.service.ID, f.service.Name, f.name
		r.URLs, r.DashboardURL = f.service.URLs(), o.Client.DashboardURL(f.service)
		o.names = append(o.names, shownOf(r, f.service)...)
	}
	for _, f := range found.targets {
		if f.err == nil {
			o.hideService(f.service)
		}
	}
	if !broken {
		broken = check(ctx, &o, found, report)
	}
	if broken {
		skipOthers(report.Results)
		return report
	}

	start := time.Now()
	o.Reporter.SetTargets(found.names())
	runAll(ctx, &o, found, report.Results)
	for _, r := range report.Results {
		if !r.At.IsZero() { // what comes after it is going back
			report.Took = max(report.Took, r.At.Sub(start))
		}
	}
	return report
}

// check finds, before anything is sent, what cannot be prepared.
func check(ctx context.Context, o *Options, found *targets, report *verdict.Report) (broken bool) {
	if o.Prepare.set() || o.DryRun {
		rights, err := askRights(ctx, o)
		if err != nil {
			for i := range report.Results {
				report.Results[i].Outcome = notStarted(ctx, err, true)
			}
			return true
		}
		found.rights = rights
	}
	for i := range report.Results {
		service := found.targets[i].service
		err := o.Prepare.fitSource(service)
		var p *plan
		if err == nil {
			p, err = planFor(o, service, found.version)
		}
		if err == nil {
			err = mayPrepare(found.rights, p)
		}
		if err == nil && o.Health != nil {
			_, err = o.healthURL(service.URL())
		}
		if err != nil {
			report.Results[i].Outcome = notStarted(ctx, err, true)
			broken = true
		}
	}
	return broken
}
