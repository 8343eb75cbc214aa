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

// shortestRestart separates an outage in which Dokploy may have restarted from a
// hiccup on the way: 5 to 20 s were seen, of which up to 4 s may lie in the
// pause between two looks.
const shortestRestart = time.Second

// downtime is when Dokploy did not answer, from the trigger to the verdict. It
// makes the loops of that time, which outlive outages and speak of them.
type downtime struct {
	screen      *screen
	tolerate    time.Duration
	lookTimeout time.Duration

	outages int       // since the trigger, long enough for a restart of Dokploy
	since   time.Time // since when it does not answer; zero: it answers
	counted bool      // that is among outages
	told    bool      // that was said
	backAt  time.Time // when it last answered again
}

func newDowntime(t target) *downtime {
	return &downtime{screen: t.screen, tolerate: t.o.Unreachable, lookTimeout: t.o.lookTimeout()}
}

// startAgain forgets the outages that were before another trigger.
func (d *downtime) startAgain() { d.outages, d.since, d.counted = 0, time.Time{}, false }

// long reports whether it does not answer for long enough to be a restart.
func (d *downtime) long() bool { return !d.since.IsZero() && time.Since(d.since) >= shortestRestart }

// count notes that Dokploy may have restarted. It is called as soon as that is
// known, so that the first look that works again knows of it.
func (d *downtime) count() {
	if !d.counted && d.long() {
		d.counted = true
		d.outages++
	}
}

// begin notes a look that failed; the outage has lasted for so long.
func (d *downtime) begin(outage time.Duration) {
	if d.since.IsZero() {
		d.since = time.Now().Add(-outage)
	}
	d.count()
}

// end notes the first look that worked again.
func (d *downtime) end() {
	d.count()
	d.since, d.counted, d.backAt = time.Time{}, false, time.Now()
}

// answers says the end of an outage, before what a look has shown is said.
func (d *downtime) answers() {
	if d.told {
		d.told = false
		d.screen.note("Dokploy is reachable again after " + text.Duration(time.Since(d.since)))
	}
}

// loop is the waiting of everything after the trigger. There is one at a time.
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
