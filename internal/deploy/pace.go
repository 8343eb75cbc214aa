package deploy

import (
	"math/rand/v2"
	"time"

	"dokploy-deploy/internal/rollout"
)

const (
	// verifyEvery is the pause between two looks at the containers, and
	// steadyEvery the longest one while all of them run and only time has to
	// pass: what crashes then is told that soon.
	verifyEvery = time.Second
	steadyEvery = 2900 * time.Millisecond
	// wholeEvery is how old a whole look may be while not all of them run, and
	// steadyWholeEvery while they do.
	wholeEvery       = 10 * time.Second
	steadyWholeEvery = 30 * time.Second
	// slack lets a look come when they have surely run long enough.
	slack = 50 * time.Millisecond
)

// verifyPace gives the pauses between two looks at containers, and says which of
// them must be whole.
type verifyPace struct {
	stable time.Duration
	began  time.Time // when the looks did
	since  time.Time // all of them run; zero: not yet
	seen   time.Time // the last whole look; zero: none
}

// saw takes the verdict of the newest look.
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

// whole reports whether the next look must be: when it may be the last one, and
// else now and then.
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

// Reset is called when the looks begin, and after an outage.
func (p *verifyPace) Reset() {
	if p.began.IsZero() {
		p.began = time.Now()
	}
}

// NextBackOff is such that a look comes when they have run long enough.
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
