package deploy

import (
	"context"
	"sync"
	"sync/atomic"

	"dokploy-deploy/internal/verdict"
)

// failedTarget is why no further target is started: fail-fast, and this one
// failed.
type failedTarget struct{ name string }

func (f *failedTarget) Error() string { return f.name + " failed" }

// runAll starts the targets in order, at most MaxParallel at a time, and takes
// each one that was started to its end. With fail-fast, none is started after a
// target has failed, even while that target is still being handled.
func runAll(ctx context.Context, o *Options, found *targets, results []verdict.Result) {
	var (
		wg               sync.WaitGroup
		running, waiting atomic.Int64 // targets without a verdict
	)
	waiting.Store(int64(len(found.names())))
	starting, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	settled := func(r verdict.Result) {
		others := running.Add(-1) > 0
		if r.Status.OK() {
			return
		}
		if o.FailFast && !o.DryRun { // a dry run starts nothing, and looks at all
			stop(&failedTarget{r.Name})
		}
		if others || waiting.Load() > 0 && starting.Err() == nil {
			// The others may take long; the full report comes at the end.
			o.Reporter.Note(r.Name, r.Became())
		}
	}
	slots := make(chan struct{}, max(1, o.MaxParallel))
	for i := range results {
		r := &results[i]
		if found.targets[i].same >= 0 {
			continue // named twice
		}
		select {
		case slots <- struct{}{}:
		case <-starting.Done():
		}
		if starting.Err() != nil { // if both were ready
			r.Outcome = notBegun(ctx, context.Cause(starting))
			continue
		}
		running.Add(1)
		waiting.Add(-1)
		wg.Go(func() {
			defer func() { <-slots }()
			*r = run(ctx, found.target(o, i), settled)
		})
	}
	wg.Wait()
	found.shareResults(results)
}

// shareResults gives a target that is the same service as an earlier one its
// result.
func (t *targets) shareResults(results []verdict.Result) {
	for i, x := range t.targets {
		if x.same >= 0 {
			ref := results[i].Target
			results[i] = results[x.same]
			results[i].Target = ref
		}
	}
}

// notBegun is the outcome of a target that was found but not started.
func notBegun(ctx context.Context, cause error) verdict.Outcome {
	if failed, ok := cause.(*failedTarget); ok { //nolint:errorlint // it is the cause itself
		return verdict.Reason{Kind: verdict.AnotherFailed, Name: failed.name}.Outcome()
	}
	return notStarted(ctx, cause, true)
}

// skipOthers gives targets without an outcome the one that applies if another
// target cannot be deployed.
func skipOthers(results []verdict.Result) {
	var other string
	for _, r := range results {
		if r.Status != "" && other == "" {
			other = r.Name
		}
	}
	for i := range results {
		if r := &results[i]; r.Status == "" {
			r.Outcome = verdict.Reason{Kind: verdict.AnotherTarget, Name: other}.Outcome()
		}
	}
}
