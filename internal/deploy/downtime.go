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

// downtime is whether Dokploy answers.
type downtime struct {
	outages   int       // since the trigger, long enough for a restart of Dokploy
	downSince time.Time // since when Dokploy has not answered; zero: it answers
	counted   bool      // among outages
	back      time.Time // when Dokploy last answered again after one
}

// shortestRestart tells an outage in which Dokploy may have restarted from a
// hiccup on the way: 5 to 20 s were seen, of which up to 4 s may lie in the
// pause between two looks.
const shortestRestart = time.Second

// loop is the waiting of everything after the trigger: outages are outlived
// and spoken of.
func (r *run) loop(b backoff.BackOff) wait.Loop {
	told := false // of this outage
	r.downSince, r.counted = time.Time{}, false
	r.screen.unreachable(time.Time{})
	r.answers = func() {
		if told {
			told = false
			r.note("Dokploy answers again after %s", text.Duration(time.Since(r.downSince)))
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
			if r.downSince.IsZero() {
				r.downSince = time.Now().Add(-outage)
			}
			r.screen.unreachable(r.downSince)
			r.countOutage()
			if !told && outage >= time.Second {
				told = true
				what, _ := dokploy.Explain(err)
				r.warn("Dokploy cannot be reached (%s); trying for %s", what, text.Duration(r.o.Unreachable))
			}
		},
		Recovered: func(time.Duration) {
			r.answers()
			r.countOutage()
			r.downSince, r.counted = time.Time{}, false
			r.screen.unreachable(time.Time{})
			r.back = time.Now()
		},
	}
}

// countOutage notes that Dokploy may have restarted. It is called as soon as
// that is known, so that the first look that works again knows of it.
func (r *run) countOutage() {
	if !r.counted && !r.downSince.IsZero() && time.Since(r.downSince) >= shortestRestart {
		r.counted = true
		r.outages++
	}
}
