package deploy

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// What an error means: what may go on there is mentioned only if the run ends
// before its deployment does.
func TestOutcomeOf(t *testing.T) {
	answered := func(status int) error { return &dokploy.Error{Status: status, Procedure: "application.one"} }
	outage := func(err error, d time.Duration) error { return &wait.UnreachableError{Err: err, For: d} }
	running := moment{found: true, left: verdict.Running}
	early := moment{left: verdict.NothingStarted}
	set := moment{found: true, left: verdict.NothingStarted, set: "the image was"}
	gaveUp := running
	gaveUp.cause = errors.New("the test is over")
	for name, tt := range map[string]struct {
		err    error
		at     moment
		status verdict.Status
		kind   verdict.Kind
		left   verdict.Left
	}{
		"an interrupt":                {ErrInterrupted, running, verdict.Interrupted, verdict.InterruptedRun, verdict.Running},
		"one before it was found":     {ErrInterrupted, early, verdict.Interrupted, verdict.InterruptedEarly, verdict.NothingStarted},
		"the time is over":            {fmt.Errorf("x: %w", errTimeout), running, verdict.Timeout, verdict.TimedOut, verdict.Running},
		"a context that ended":        {context.Canceled, gaveUp, verdict.Interrupted, verdict.GaveUp, verdict.Running},
		"a signal beats that":         {ErrInterrupted, gaveUp, verdict.Interrupted, verdict.InterruptedRun, verdict.Running},
		"an outage":                   {outage(answered(502), 5*time.Minute), running, verdict.Unreachable, verdict.NotReachable, verdict.Running},
		"one at once":                 {outage(answered(502), 0), running, verdict.Unreachable, verdict.Answered, verdict.Running},
		"a key that was good before":  {outage(answered(401), time.Minute), running, verdict.Unreachable, verdict.KeyRefusedLater, verdict.Running},
		"a key that is refused":       {answered(401), early, verdict.Refused, verdict.KeyRefused, ""},
		"what is not there":           {answered(404), early, verdict.Invalid, verdict.Answered, ""},
		"any other answer":            {answered(500), early, verdict.Unreachable, verdict.Answered, ""},
		"a problem with an input":     {aboutInput("image", verdict.Reason{Kind: verdict.NotAnImage}), early, verdict.Invalid, verdict.NotAnImage, ""},
		"a right that is missing":     {missingRight(verdict.MissingRight, "image", answered(403)), set, verdict.Refused, verdict.MissingRight, verdict.NothingStarted},
		"an end that is known":        {verdict.Reason{Kind: verdict.RowVanished}.Err(), running, verdict.Lost, verdict.RowVanished, ""},
		"that, whatever the context":  {verdict.Reason{Kind: verdict.RowVanished}.Err(), gaveUp, verdict.Lost, verdict.RowVanished, ""},
		"that, in an error around it": {fmt.Errorf("x: %w", verdict.Reason{Kind: verdict.Ambiguous}.Err()), running, verdict.Lost, verdict.Ambiguous, ""},
	} {
		o := outcomeOf(tt.err, tt.at)
		if o.Status != tt.status || o.Reason.Kind != tt.kind || o.Left != tt.left || o.Set != tt.at.set {
			t.Errorf("%s: %s, %q, left as %q, set %q", name, o.Status, o.Reason.Kind, o.Left, o.Set)
		}
	}
	if o := outcomeOf(aboutInput("image", verdict.Reason{Kind: verdict.EnvUnfit, Name: "web", Text: "it is bad"}), early); o.Input != "image" || o.Why() != "web: it is bad" || o.Advice() == "" {
		t.Errorf("%+v", o)
	}
}
