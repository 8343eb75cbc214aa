// Package wait owns waiting: it looks at something again and again until that
// ends, and decides when the next look comes. It backs off while nothing
// happens, looks at once when it is woken, outlives outages up to a limit, and
// stops with its context. It knows nothing of Dokploy.
package wait

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// State is what one look says about the thing waited for.
type State int

const (
	// Pending says that nothing has changed; the next look may come later.
	Pending State = iota
	// Progress says that something has changed; the backoff starts again.
	Progress
	// Done says that it has ended.
	Done
)

// Loop says how to wait. The zero value of each field but Backoff is usable.
type Loop struct {
	// Backoff gives the pauses between looks while nothing changes.
	Backoff backoff.BackOff
	// Burst, if set, gives the pauses after a wake-up, until they are longer
	// than a pause of Backoff would be or until Stop.
	Burst backoff.BackOff
	// Wake makes the next look come at once.
	Wake <-chan struct{}
	// PauseFirst: the first look comes after a pause (or a wake-up), for a
	// caller that has just looked.
	PauseFirst bool
	// Tolerate is the longest outage outlived in one stretch: from the start
	// of the first look that failed. Zero or less: no failure is tolerated.
	Tolerate time.Duration
	// LookTimeout bounds one look; zero: not bounded (but for Tolerate).
	LookTimeout time.Duration
	// Fatal reports the errors that no waiting fixes. Nil: none is.
	Fatal func(error) bool
	// Failed is told of every look that failed, and how long the outage has
	// lasted; Recovered of the first one that worked again.
	Failed    func(err error, outage time.Duration)
	Recovered func(outage time.Duration)
}

// UnreachableError says that an outage lasted longer than was tolerated.
type UnreachableError struct {
	For time.Duration // length of the outage
	Err error         // what the last look failed with
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("unreachable for %s: %v", e.For.Round(time.Second), e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// retryAfter is satisfied by errors that carry the pause a server asked for.
type retryAfter interface{ RetryAfter() time.Duration }

// maxRetryAfter bounds the pause that a server may ask for.
const maxRetryAfter = time.Minute

// Run looks until look says Done (then it returns nil), an error is fatal
// (that error), an outage lasts too long (*UnreachableError) or ctx ends (its
// cause). The first look comes at once, unless PauseFirst. Run is not safe for concurrent use.
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
			// The last look comes when the tolerated time is just over.
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

// look bounds one look: by LookTimeout, and in an outage by what is left of
// the tolerated time.
func (l *Loop) look(ctx context.Context, outageStart time.Time, look func(context.Context) (State, error)) (State, error) {
	limit := l.LookTimeout
	left := l.Tolerate
	if !outageStart.IsZero() {
		// At least a moment: the last look must have a chance.
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

// NewBackoff is an exponential backoff with jitter that starts at initial, grows by
// 1.7 each time up to limit, and never gives up by itself.
func NewBackoff(initial, limit time.Duration) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(initial),
		backoff.WithMaxInterval(limit),
		backoff.WithMultiplier(1.7),
		backoff.WithRandomizationFactor(0.15),
		// The default gives up after 15 minutes.
		backoff.WithMaxElapsedTime(0),
	)
}

// Steps is a backoff of given pauses, one after the other, then Stop. It makes
// a good Burst.
type Steps struct {
	Pauses []time.Duration
	next   int
}

// NextBackOff is the next pause, or backoff.Stop.
func (s *Steps) NextBackOff() time.Duration {
	if s.next >= len(s.Pauses) {
		return backoff.Stop
	}
	s.next++
	return s.Pauses[s.next-1]
}

// Reset starts again with the first pause.
func (s *Steps) Reset() { s.next = 0 }

// Sleep pauses for d or until ctx ends, and then returns its cause.
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
