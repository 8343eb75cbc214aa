package deploy

import (
	"context"
	"errors"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// brokenOff is an error that ends a deployment before its verdict, with what
// goes on in Dokploy as far as the failing stage knows.
type brokenOff struct {
	err    error
	left   verdict.Left
	detail string // of left: what it waits for, or what was seen of its containers
	stale  bool   // left is from before an outage
}

func (e *brokenOff) Error() string { return e.err.Error() }

func (e *brokenOff) Unwrap() error { return e.err }

// leftBy returns what goes on in Dokploy after an error that ended a stage.
func leftBy(err error) *brokenOff {
	var b *brokenOff
	if errors.As(err, &b) {
		return b
	}
	return &brokenOff{err: err, left: verdict.NothingStarted}
}

// moment is what a run knows when an error ends it.
type moment struct {
	cause  error        // why its context ended; nil: it did not
	found  bool         // its target was found
	left   verdict.Left // what goes on in Dokploy
	detail string       // of left
	stale  bool         // left is from before an outage
	set    string       // what was set, if nothing was deployed
}

// outcomeOf returns the outcome of an error that ends a run.
func outcomeOf(err error, m moment) verdict.Outcome {
	var known *verdict.Error
	if errors.As(err, &known) {
		o := known.Outcome
		if k := o.Reason.Kind; k == verdict.MissingRight || k == verdict.MissingEnvRight {
			o.Left = m.left
		}
		o.Set = m.set
		return o
	}
	var (
		o      = verdict.Outcome{Left: m.left, Detail: m.detail, Stale: m.stale, Set: m.set}
		outage *wait.UnreachableError
	)
	switch {
	case errors.Is(err, ErrInterrupted) && m.found:
		return o.For(verdict.Reason{Kind: verdict.InterruptedRun})
	case errors.Is(err, ErrInterrupted):
		return o.For(verdict.Reason{Kind: verdict.InterruptedEarly})
	case errors.Is(err, errTimeout):
		return o.For(verdict.Reason{Kind: verdict.TimedOut})
	case m.cause != nil:
		return o.For(verdict.Reason{Kind: verdict.GaveUp, Text: m.cause.Error()})
	}
	o.Status = verdict.Unreachable
	o.Reason, o.Hint = explainOutage(err)
	switch {
	case errors.As(err, &outage):
		return o // a key that worked before and is refused now counts as an outage too
	case dokploy.Refused(err):
		o.Status = verdict.Refused
	case dokploy.NotFound(err):
		o.Status = verdict.Invalid
	}
	o.Left = "" // it was Dokploy's answer
	return o
}

// notStarted is the outcome of a target for which nothing was sent yet.
func notStarted(ctx context.Context, err error, found bool) verdict.Outcome {
	m := moment{left: verdict.NothingStarted, found: found}
	if ctx.Err() != nil {
		m.cause = context.Cause(ctx)
	}
	return outcomeOf(err, m)
}

// aboutInput is a problem with an input, found before anything was started. An
// empty input stands for the one that names the target.
func aboutInput(input string, why verdict.Reason) *verdict.Error {
	o := why.Outcome()
	o.Input = input
	return &verdict.Error{Outcome: o}
}

// missingRight is the error for a valid key that may not do what an input asks
// for.
func missingRight(kind verdict.Kind, input string, err error) error {
	o := verdict.Reason{Kind: kind}.Outcome()
	o.Input = input
	return &verdict.Error{Outcome: o, Err: err}
}
