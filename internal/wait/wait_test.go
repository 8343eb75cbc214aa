package wait

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
)

var errDown = errors.New("connection refused")

func TestRunBacksOffAndProgressStartsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		l := Loop{Backoff: &Steps{Pauses: []time.Duration{1 * time.Second, 2 * time.Second, 4 * time.Second}}}
		err := l.Run(t.Context(), func(context.Context) (State, error) {
			at = append(at, time.Since(start))
			switch len(at) {
			case 3:
				return Progress, nil
			case 5:
				return Done, nil
			}
			return Pending, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{0, 1 * time.Second, 3 * time.Second, 4 * time.Second, 6 * time.Second}
		for i := range want {
			if at[i] != want[i] {
				t.Fatalf("looks at %v, want %v", at, want)
			}
		}
	})
}

func TestRunWakesIntoBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{}, 1)
		start := time.Now()
		time.AfterFunc(3*time.Second, func() { wake <- struct{}{} })
		var at []time.Duration
		l := Loop{
			Backoff: NewBackoff(time.Minute, time.Minute),
			Burst:   &Steps{Pauses: []time.Duration{50 * time.Millisecond, 100 * time.Millisecond}},
			Wake:    wake,
		}
		err := l.Run(t.Context(), func(context.Context) (State, error) {
			at = append(at, time.Since(start))
			if len(at) == 4 {
				return Done, nil
			}
			return Pending, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{0, 3 * time.Second, 3050 * time.Millisecond, 3150 * time.Millisecond}
		for i := range want {
			if at[i] != want[i] {
				t.Fatalf("looks at %v, want %v", at, want)
			}
		}
	})
}

func TestRunOutlivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var failed int
		var recovered time.Duration
		l := Loop{
			Backoff:   NewBackoff(time.Second, time.Second),
			Tolerate:  5 * time.Minute,
			Failed:    func(error, time.Duration) { failed++ },
			Recovered: func(d time.Duration) { recovered = d },
		}
		err := l.Run(t.Context(), func(context.Context) (State, error) {
			if e := time.Since(start); e > 10*time.Second && e < 60*time.Second {
				return Pending, errDown
			}
			if time.Since(start) > 2*time.Minute {
				return Done, nil
			}
			return Pending, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if failed < 5 || recovered < 45*time.Second || recovered > 65*time.Second {
			t.Fatalf("failed looks %d, recovered after %s", failed, recovered)
		}
	})
}

func TestRunGivesUpExactlyWhenTheToleratedTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		l := Loop{Backoff: NewBackoff(time.Second, time.Second), Tolerate: 30 * time.Second}
		err := l.Run(t.Context(), func(context.Context) (State, error) { return Pending, errDown })
		var ue *UnreachableError
		if !errors.As(err, &ue) || !errors.Is(err, errDown) {
			t.Fatalf("error %v: want an UnreachableError that keeps its cause", err)
		}
		if d := time.Since(start); d != 30*time.Second {
			t.Fatalf("gave up after %s, want 30s", d)
		}
	})
}

func TestRunBoundsALookThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		l := Loop{Backoff: NewBackoff(time.Second, time.Second), Tolerate: 40 * time.Second, LookTimeout: 15 * time.Second}
		err := l.Run(t.Context(), func(ctx context.Context) (State, error) {
			<-ctx.Done()
			return Pending, ctx.Err()
		})
		var ue *UnreachableError
		if !errors.As(err, &ue) {
			t.Fatalf("error %v", err)
		}
		if d := time.Since(start); d < 40*time.Second || d > 42*time.Second {
			t.Fatalf("gave up after %s, want about 40s", d)
		}
	})
}

type busy struct{ error }

func (busy) RetryAfter() time.Duration { return time.Hour }

func TestRunBoundsRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		n := 0
		l := Loop{Backoff: NewBackoff(time.Second, time.Second), Tolerate: 10 * time.Minute}
		err := l.Run(t.Context(), func(context.Context) (State, error) {
			if n++; n == 1 {
				return Pending, busy{errDown}
			}
			return Done, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != maxRetryAfter {
			t.Fatalf("waited %s, want %s", d, maxRetryAfter)
		}
	})
}

func TestRunEndsWithFatalAndWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fatal := errors.New("certificate")
		l := Loop{Backoff: NewBackoff(time.Second, time.Second), Tolerate: time.Hour, Fatal: func(err error) bool { return errors.Is(err, fatal) }}
		if err := l.Run(t.Context(), func(context.Context) (State, error) { return Pending, fatal }); !errors.Is(err, fatal) {
			t.Fatalf("error %v, want the fatal one", err)
		}

		cause := errors.New("SIGTERM")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(cause) })
		err := l.Run(ctx, func(context.Context) (State, error) { return Pending, nil })
		if !errors.Is(err, cause) {
			t.Fatalf("error %v, want the context's cause", err)
		}
	})
}

func TestRunKeepsADoneThatRacesWithTheEndOfItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := Loop{Backoff: NewBackoff(time.Second, time.Second)}
		err := l.Run(ctx, func(context.Context) (State, error) { cancel(); return Done, nil })
		if err != nil {
			t.Fatalf("error %v: the thing had ended", err)
		}
	})
}

func TestNewBackoffNeverStops(t *testing.T) {
	b := NewBackoff(time.Millisecond, 2*time.Millisecond)
	for range 10000 {
		if d := b.NextBackOff(); d == backoff.Stop || d > 3*time.Millisecond {
			t.Fatalf("pause %s", d)
		}
	}
}
