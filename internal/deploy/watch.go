package deploy

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/wait"
)

// errEnded ends the loop. The decision says what ended it.
var errEnded = errors.New("ended")

// watch polls until it is known whether Dokploy has the trigger, or how the
// deployment ended.
func watch(ctx context.Context, t target, v *verifier, base baseline, s sent) (ending, error) {
	w := &watcher{t: t, verifier: v, base: base, ending: ending{sent: s}, wake: make(chan struct{}, 1)}
	w.ending.last.Pace = s.state.Pace()
	defer w.leave()
	loop := v.down.loop(w)
	loop.PauseFirst = s.state.Phase() == track.Accepted
	loop.Wake = w.wake
	loop.Burst = &wait.Steps{Pauses: []time.Duration{
		30 * time.Millisecond, 60 * time.Millisecond, 120 * time.Millisecond, 250 * time.Millisecond,
		500 * time.Millisecond, time.Second, 2 * time.Second,
	}}
	fatal := loop.Fatal
	loop.Fatal = func(err error) bool { return errors.Is(err, errEnded) || fatal(err) }
	err := loop.Run(ctx, w.look)
	if errors.Is(err, errEnded) {
		err = nil
	}
	return w.ending, err
}

func (w *watcher) leave() {
	w.stopLate()
	w.t.screen.doing(nil)
	w.verifier.endRecheck()
}

// look takes one look: it requests what the tracker needs, and acts on the
// decision.
func (w *watcher) look(ctx context.Context) (wait.State, error) {
	s := w.newObservation()
	for {
		next, d := w.ending.sent.state.See(s.shown)
		if d.Ask != 0 {
			w.observe(ctx, d.Ask, s)
			continue
		}
		w.ending.sent.state, w.ending.last = next, d
		w.act(ctx, d, s.shown.Rows)
		switch {
		case d.Fault:
			return wait.Pending, s.err
		case d.End != nil && d.End.Row == nil:
			return wait.Pending, errEnded
		case d.End != nil || d.Took != track.TookUnknown:
			return wait.Done, nil
		case d.Pace.Restart:
			return wait.Progress, nil
		}
		return wait.Pending, nil
	}
}

// Reset and NextBackOff yield the pauses between looks.
func (w *watcher) Reset() {
	if w.growing != nil {
		w.growing.Reset()
	}
}

// NextBackOff is slow while the log will show the end, and steady if it cannot:
// then only a look can.
func (w *watcher) NextBackOff() time.Duration {
	p := w.ending.last.Pace
	switch {
	case p.Now:
		return 0
	case p.First == p.Most:
		return p.First
	case p.Log && (w.ending.log == nil || !w.ending.log.Streaming() && time.Since(w.began) >= time.Second):
		return w.steady()
	}
	if w.growing == nil || w.first != p.First {
		w.growing, w.first = wait.NewBackoff(p.First, p.Most), p.First
	}
	w.growing.MaxInterval = p.Most
	return w.growing.NextBackOff()
}

func (w *watcher) steady() time.Duration {
	d := 1200 * time.Millisecond
	switch running := time.Since(w.began); {
	case running > 30*time.Minute:
		d = 4 * time.Second
	case running > 10*time.Minute:
		d = 2 * time.Second
	}
	return d + rand.N(d/5)
}
