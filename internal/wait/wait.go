// Package wait polls something until it ends. It backs off while nothing
// changes, looks at once when woken, tolerates outages up to a limit, and stops
// with its context. It knows nothing about Dokploy.
package wait

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// State is the result of one look.
type State int

const (
	// Pending means that nothing has changed. The next look may come later.
	Pending State = iota
	// Progress means that something has changed. The backoff starts again.
	Progress
	// Done means that it has ended.
	Done
)

// Loop says how to poll. The zero value of each field except Backoff is usable.
type Loop struct {
	// Backoff yields the pauses between looks while nothing changes.
	Backoff backoff.BackOff
	// Burst, if set, yields the pauses after a wake-up, until they are longer
	// than those of Backoff or it stops.
	Burst backoff.BackOff
	// Wake triggers the next look at once.
	Wake <-chan struct{}
	// PauseFirst: pause, or wait for a wake-up, before the first look, for a
	// caller that has just looked.
	PauseFirst bool
	// Tolerate is the longest outage to tolerate in one stretch, counted from
	// the start of the first look that failed. Zero or less: no failure is
	// tolerated.
	Tolerate time.Duration
	// LookTimeout limits one look; zero: no limit except Tolerate.
	LookTimeout time.Duration
	// Fatal reports whether waiting cannot fix an error. Nil: it always can.
	Fatal func(error) bool
	// Failed is called for every look that failed, with the length of the
	// outage; Recovered for the first one that succeeded again.
	Failed    func(err error, outage time.Duration)
	Recovered func(outage time.Duration)
}

// UnreachableError reports an outage that lasted longer than was tolerated.
type UnreachableError struct {
	For time.Duration // length of the outage
	Err error         // error of the last look
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("unreachable for %s: %v", e.For.Round(time.Second), e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// retryAfter is implemented by errors that carry the pause a server asked for.
type retryAfter interface{ RetryAfter() time.Duration }

// maxRetryAfter limits the pause that a server may ask for.
const maxRetryAfter = time.Minute

// Run looks until look returns Done (it returns nil), an error is fatal (it
// returns that error), an outage lasts too long (*UnreachableError), or ctx
// ends (its cause). The first look comes at once, unless PauseFirst is set. Run
// is not safe for concurrent use.
func (l *Loop) Run(ctx context.Context, look func(context.Context) (State, error)) error {
	l.Backoff.Reset()
	r := &run{loop: l, retry: NewBackoff(500*time.Millisecond, 8*time.Second)}
	if l.PauseFirst {
		if err := r.rest(ctx, r.pause()); err != nil {
			return err
		}
	}
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		started := time.Now()
		state, err := r.look(ctx, look)
		if ctx.Err() != nil && (err != nil || state != Done) {
			return context.Cause(ctx)
		}
		var pause time.Duration
		if err != nil {
			if pause, err = r.failed(err, started); err != nil {
				return err
			}
		} else {
			r.answered()
			switch state {
			case Done:
				return nil
			case Progress:
				l.Backoff.Reset()
			}
			pause = r.pause()
		}
		if err := r.rest(ctx, pause); err != nil {
			return err
		}
	}
}

// run is the state of a [Loop.Run].
type run struct {
	loop        *Loop
	retry       *backoff.ExponentialBackOff
	outageStart time.Time // zero: no outage
	burst       bool
}

// look limits one look by LookTimeout and, during an outage, by what is left of
// the tolerated time.
func (r *run) look(ctx context.Context, look func(context.Context) (State, error)) (State, error) {
	limit := r.loop.LookTimeout
	left := r.loop.Tolerate
	if !r.outageStart.IsZero() {
		// At least a second: the last look must have a chance.
		left = max(r.loop.Tolerate-time.Since(r.outageStart), time.Second)
	}
	if left > 0 && (limit <= 0 || left < limit) {
		limit = left
	}
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	return look(ctx)
}

// failed notes a look that failed, and returns the pause before the next one. Its
// error ends the loop.
func (r *run) failed(err error, started time.Time) (time.Duration, error) {
	if r.loop.Fatal != nil && r.loop.Fatal(err) {
		return 0, err
	}
	if r.outageStart.IsZero() {
		r.outageStart = started
		r.retry.Reset()
	}
	outage := time.Since(r.outageStart)
	if outage >= r.loop.Tolerate {
		return 0, &UnreachableError{For: outage, Err: err}
	}
	if r.loop.Failed != nil {
		r.loop.Failed(err, outage)
	}
	pause := r.retry.NextBackOff()
	var ra retryAfter
	if errors.As(err, &ra) {
		pause = max(pause, min(ra.RetryAfter(), maxRetryAfter))
	}
	// The last look comes right after the tolerated time.
	return min(pause, r.loop.Tolerate-outage), nil
}

// answered ends an outage, if there was one.
func (r *run) answered() {
	if r.outageStart.IsZero() {
		return
	}
	if r.loop.Recovered != nil {
		r.loop.Recovered(time.Since(r.outageStart))
	}
	r.outageStart = time.Time{}
	r.loop.Backoff.Reset()
}

// pause returns the pause after a look that was answered.
func (r *run) pause() time.Duration {
	if r.burst {
		if d := r.loop.Burst.NextBackOff(); d != backoff.Stop {
			return d
		}
		r.burst = false
		r.loop.Backoff.Reset()
	}
	return r.loop.Backoff.NextBackOff()
}

// rest waits for the pause to end, or for Wake, which starts a burst of looks.
func (r *run) rest(ctx context.Context, pause time.Duration) error {
	wake := r.loop.Wake
	if !r.outageStart.IsZero() {
		wake = nil // the log cannot end an outage
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-wake:
		if r.loop.Burst != nil {
			r.loop.Burst.Reset()
			r.burst = true
		}
	case <-timer.C:
	}
	return nil
}

// NewBackoff returns an exponential backoff with jitter that starts at initial,
// grows by a factor of 1.7 up to limit, and never stops by itself.
func NewBackoff(initial, limit time.Duration) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(initial),
		backoff.WithMaxInterval(limit),
		backoff.WithMultiplier(1.7),
		backoff.WithRandomizationFactor(0.15),
		// The default stops after 15 minutes.
		backoff.WithMaxElapsedTime(0),
	)
}

// Steps is a backoff of fixed pauses, then Stop. It is meant for Burst.
type Steps struct {
	Pauses []time.Duration
	next   int
}

// NextBackOff returns the next pause, or backoff.Stop.
func (s *Steps) NextBackOff() time.Duration {
	if s.next >= len(s.Pauses) {
		return backoff.Stop
	}
	s.next++
	return s.Pauses[s.next-1]
}

// Reset starts again with the first pause.
func (s *Steps) Reset() { s.next = 0 }

// Sleep pauses for d. If ctx ends first it returns the cause.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
