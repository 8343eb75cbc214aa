// Package deploy owns one deployment, from its target to its verdict. It sends
// all requests for it, in stages that hand on values. Each file knows only
// those below it, and none knows its callers:
//
//	deploy.go    Run: finds the services (resolve.go), refuses what cannot be
//	             done, and runs each target (parallel.go, run.go)
//	target.go    what all stages of a target read, and none of them changes
//	attempt.go   one deployment, stage after stage, and the verdict on what the
//	             stages have handed on
//	prepare.go   sets what the inputs ask for (settings.go), and reads it back
//	baseline.go  what is there before the trigger
//	trigger.go   triggers once; upload.go does so with a source; follow.go does not
//	watch.go     finds the resulting deployment and follows it to its end
//	             (ending.go): package track decides, observe.go requests what it
//	             needs, act.go acts on the decision
//	end.go       how it ended, and why (reason.go); after an error that ended a
//	             stage, what goes on in Dokploy (outcome.go)
//	verify.go    verifies that what was deployed is running: package rollout
//	             decides, lookout.go requests what it needs
//	health.go    asks an address
//	rollback.go  goes back after a failure: wayback.go decides
//
// It reports through a small interface and knows nothing about the CI host.
package deploy

import (
	"context"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// Run deploys all targets and follows each to its end. Nothing is triggered
// unless every target was found.
func Run(ctx context.Context, o Options) *verdict.Report {
	report := newReport(&o)
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
	found.previews(&o)
	if !identify(ctx, &o, found, report) || !check(ctx, &o, found, report) {
		skipOthers(report.Results)
		return report
	}
	o.Reporter.SetTargets(found.names())
	runAll(ctx, &o, found, report.Results)
	report.Took = took(report.Results)
	return report
}

// newReport has a result for each target, as the user named it.
func newReport(o *Options) *verdict.Report {
	report := &verdict.Report{DryRun: o.DryRun, Follow: o.Follow != nil}
	for _, t := range o.Targets {
		report.Results = append(report.Results, verdict.Result{Target: t.Ref, Kind: string(t.Kind), Name: t.Ref, Queued: -1, Build: -1})
	}
	return report
}

// identify puts the services that were found into the report, and hides what is
// secret in them. It reports whether all were found.
func identify(ctx context.Context, o *Options, found *targets, report *verdict.Report) bool {
	all := true
	for i, f := range found.targets {
		r := &report.Results[i]
		if f.err != nil {
			r.Outcome = notStarted(ctx, f.err, false)
			all = false
			continue
		}
		r.ID, r.Service, r.Name = f.service.ID, f.service.Name, f.name
		r.URLs, r.DashboardURL = f.service.URLs(), o.Client.DashboardURL(f.service)
		o.names = append(o.names, shownOf(r, f.service)...)
	}
	for _, f := range found.targets { // with all names known, which stay readable
		if f.err == nil {
			o.hideService(f.service)
		}
	}
	return all
}

// took returns the time from the first trigger to the last verdict: without
// preparation before it, and without rollbacks after it.
func took(results []verdict.Result) time.Duration {
	var first, last time.Time
	for _, r := range results {
		if r.Triggered.IsZero() {
			continue
		}
		if first.IsZero() || r.Triggered.Before(first) {
			first = r.Triggered
		}
		if r.At.After(last) {
			last = r.At
		}
	}
	return last.Sub(first)
}

// check reports what cannot be prepared, before anything is sent.
func check(ctx context.Context, o *Options, found *targets, report *verdict.Report) bool {
	if o.Prepare.set() || o.DryRun {
		rights, err := askRights(ctx, o)
		if err != nil {
			for i := range report.Results {
				report.Results[i].Outcome = notStarted(ctx, err, true)
			}
			return false
		}
		found.rights = rights
	}
	all := true
	for i, f := range found.targets {
		if err := checkOne(ctx, o, found, f.service); err != nil {
			report.Results[i].Outcome = notStarted(ctx, err, true)
			all = false
		}
	}
	return all
}

// checkOne says why a service cannot be prepared.
func checkOne(ctx context.Context, o *Options, found *targets, service *dokploy.Service) error {
	if err := o.Prepare.fitSource(service); err != nil {
		return err
	}
	p, err := planFor(o, service, found.version)
	if err != nil {
		return err
	}
	if err := mayPrepare(found.rights, p); err != nil {
		return err
	}
	if err := fitPreview(ctx, o, service); err != nil {
		return err
	}
	if o.Health != nil && made(service) {
		_, err = o.healthURL(service.URL())
	}
	return err
}
