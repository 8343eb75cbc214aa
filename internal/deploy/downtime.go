package deploy

import (
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// shortestRestart tells an outage in which Dokploy may have restarted from a
// hiccup on the way: 5 to 20 s were seen, of which up to 4 s may lie in the
// pause between two looks.
const shortestRestart = time.Second

// downtime is when Dokploy did not answer.
type downtime struct {
	outages int       // since the trigger, long enough for a restart of Dokploy
	since   time.Time // since when it does not answer; zero: it answers
	counted bool      // that is among outages
	backAt  time.Time // when it last answered again
}

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

// loop is the waiting of everything after the trigger: outages are outlived
// and spoken of.
func (r *run) loop(b backoff.BackOff) wait.Loop {
	told := false // of this outage
	r.down.since, r.down.counted = time.Time{}, false
	r.screen.unreachable(time.Time{})
	r.answers = func() {
		if told {
			told = false
			r.note("Dokploy answers again after %s", text.Duration(time.Since(r.down.since)))
		}
	}
	return wait.Loop{
		Backoff:     b,
		Tolerate:    r.o.Unreachable,
		LookTimeout: r.o.lookTimeout(),
		Fatal: func(err error) bool {
			var ended *verdict.Error
			return errors.As(err, &ended)
		},
		Failed: func(err error, outage time.Duration) {
			r.down.begin(outage)
			r.screen.unreachable(r.down.since)
			if !told && outage >= time.Second {
				told = true
				what, _ := dokploy.Explain(err)
				r.warn("Dokploy cannot be reached (%s); trying for %s", what, text.Duration(r.o.Unreachable))
			}
		},
		Recovered: func(time.Duration) {
			r.answers()
			r.down.end()
			r.screen.unreachable(time.Time{})
		},
	}
}
