package deploy

import (
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// shortestRestart is the shortest outage in which Dokploy may have restarted.
// Restarts of 5 to 20 s were seen, of which up to 4 s may fall into the pause
// between two looks.
const shortestRestart = time.Second

// downtime records when Dokploy did not answer, between trigger and verdict. It
// creates the polling loops of that time, which tolerate and report outages.
type downtime struct {
	screen      *screen
	tolerate    time.Duration
	lookTimeout time.Duration

	outages int       // since the trigger, and long enough for a restart of Dokploy
	since   time.Time // start of the current outage; zero: it answers
	counted bool      // the current outage is counted in outages
	told    bool      // the current outage was reported
	backAt  time.Time // when it last answered again
}

func newDowntime(t target) *downtime {
	return &downtime{screen: t.screen, tolerate: t.o.Unreachable, lookTimeout: t.o.lookTimeout()}
}

// startAgain forgets the outages before another trigger.
func (d *downtime) startAgain() { d.outages, d.since, d.counted = 0, time.Time{}, false }

// long reports whether the current outage is long enough for a restart.
func (d *downtime) long() bool { return !d.since.IsZero() && time.Since(d.since) >= shortestRestart }

// count counts the current outage. It is called as early as possible, so that
// the first look that succeeds again knows about it.
func (d *downtime) count() {
	if !d.counted && d.long() {
		d.counted = true
		d.outages++
	}
}

// begin records a failed look and the length of the outage so far.
func (d *downtime) begin(outage time.Duration) {
	if d.since.IsZero() {
		d.since = time.Now().Add(-outage)
	}
	d.count()
}

// end records the first look that succeeded again.
func (d *downtime) end() {
	d.count()
	d.since, d.counted, d.backAt = time.Time{}, false, time.Now()
}

// answers reports whether Dokploy answers what is needed: the list of projects
// or, if only ids are given, a service.
func (d *downtime) answers() {
	if d.told {
		d.told = false
		d.screen.note("Dokploy is reachable again after " + text.Duration(time.Since(d.since)))
	}
}

// loop returns the polling loop for everything after the trigger. Only one is
// in use at a time.
func (d *downtime) loop(b backoff.BackOff) wait.Loop {
	d.told, d.since, d.counted = false, time.Time{}, false
	d.screen.unreachable(time.Time{})
	return wait.Loop{
		Backoff:     b,
		Tolerate:    d.tolerate,
		LookTimeout: d.lookTimeout,
		Fatal: func(err error) bool {
			var ended *verdict.Error
			return errors.As(err, &ended)
		},
		Failed: func(err error, outage time.Duration) {
			d.begin(outage)
			d.screen.unreachable(d.since)
			if !d.told && outage >= time.Second {
				d.told = true
				what, _ := dokploy.Explain(err)
				d.screen.warn(fmt.Sprintf("Dokploy is unreachable (%s); retrying for up to %s", what, text.Duration(d.tolerate)))
			}
		},
		Recovered: func(time.Duration) {
			d.answers()
			d.end()
			d.screen.unreachable(time.Time{})
		},
	}
}
