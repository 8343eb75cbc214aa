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
	retry := NewBackoff(500*time.Millisecond, 8*time.Second)
	var (
		outageStart time.Time // zero: no outage
		burst       bool
		first       = l.PauseFirst
	)
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var (
			started = time.Now()
			pause   time.Duration
			state   State
			err     error
		)
		if !first {
			state, err = l.look(ctx, outageStart, look)
		}
		first = false
		switch {
		case ctx.Err() != nil && (err != nil || state != Done):
			return context.Cause(ctx)
		case err != nil:
			if l.Fatal != nil && l.Fatal(err) {
				return err
			}
			if outageStart.IsZero() {
				outageStart = started
				retry.Reset()
			}
			outage := time.Since(outageStart)
			if outage >= l.Tolerate {
				return &UnreachableError{For: outage, Err: err}
			}
			if l.Failed != nil {
				l.Failed(err, outage)
			}
			pause = retry.NextBackOff()
			var ra retryAfter
			if errors.As(err, &ra) {
				pause = max(pause, min(ra.RetryAfter(), maxRetryAfter))
			}
			// The last look comes right after the tolerated time.
			pause = min(pause, l.Tolerate-outage)
		default:
			if !outageStart.IsZero() {
				if l.Recovered != nil {
					l.Recovered(time.Since(outageStart))
				}
				outageStart = time.Time{}
				l.Backoff.Reset()
			}
			switch state {
			case Done:
				return nil
			case Progress:
				l.Backoff.Reset()
			}
			pause, burst = l.pause(burst)
		}
		wake := l.Wake
		if !outageStart.IsZero() {
			wake = nil // the log cannot end an outage
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-wake:
			timer.Stop()
			if l.Burst != nil {
				l.Burst.Reset()
				burst = true
			}
		case <-timer.C:
		}
	}
}

// look limits one look by LookTimeout and, during an outage, by what is left of
// the tolerated time.
func (l *Loop) look(ctx context.Context, outageStart time.Time, look func(context.Context) (State, error)) (State, error) {
	limit := l.LookTimeout
	left := l.Tolerate
	if !outageStart.IsZero() {
		// At least a second: the last look must have a chance.
		left = max(l.Tolerate-time.Since(outageStart), time.Second)
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

func (l *Loop) pause(burst bool) (time.Duration, bool) {
	if burst {
		if d := l.Burst.NextBackOff(); d != backoff.Stop {
			return d, true
		}
		l.Backoff.Reset()
	}
	return l.Backoff.NextBackOff(), false
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
