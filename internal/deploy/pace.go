package deploy

import (
	"math/rand/v2"
	"time"

	"dokploy-deploy/internal/rollout"
)

const (
	// verifyEvery is the pause between two looks at the containers. steadyEvery
	// is the longest pause while all of them are running and only time has to
	// pass: a crash is reported that soon.
	verifyEvery = time.Second
	steadyEvery = 2900 * time.Millisecond
	// wholeEvery is how old the last whole look may be while not all of them
	// are running, and steadyWholeEvery while they are.
	wholeEvery       = 10 * time.Second
	steadyWholeEvery = 30 * time.Second
	// slack makes sure that they have been running long enough by the time of
	// the look.
	slack = 50 * time.Millisecond
)

// verifyPace yields the pauses between looks at containers, and says which
// looks must be whole.
type verifyPace struct {
	stable time.Duration
	began  time.Time // start of the looks
	since  time.Time // since when all are running; zero: not yet
	seen   time.Time // the last whole look; zero: none
}

// saw records the verdict of the newest look.
func (p *verifyPace) saw(v rollout.Verdict, whole bool) {
	now := time.Now()
	switch {
	case v.Wanted == 0 || v.Ready < v.Wanted:
		p.since = time.Time{}
	case p.since.IsZero():
		p.since = now
	}
	if whole {
		p.seen = now
	}
}

// whole reports whether the next look must be whole: if it may be the last, and
// otherwise now and then.
func (p *verifyPace) whole() bool {
	age := time.Since(later(p.seen, p.began))
	if p.since.IsZero() {
		return age >= wholeEvery
	}
	return time.Since(p.since) >= p.stable || age >= steadyWholeEvery
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Reset is called when the looks start, and after an outage.
func (p *verifyPace) Reset() {
	if p.began.IsZero() {
		p.began = time.Now()
	}
}

// NextBackOff times a look for when they have been running long enough.
func (p *verifyPace) NextBackOff() time.Duration {
	pause := verifyEvery + rand.N(verifyEvery/5)
	if p.since.IsZero() {
		return pause
	}
	left := p.stable - time.Since(p.since) + slack
	if left <= 0 { // Swarm is not done with it yet
		return pause
	}
	return left / ((left + steadyEvery - 1) / steadyEvery)
}
