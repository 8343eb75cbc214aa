package track

import (
	"time"

	"dokploy-deploy/internal/dokploy"
)

// Need is what a rule wants to see. Several make a set.
type Need uint8

// What a look may need.
const (
	Queue   Need = 1 << iota // deployment.queueList
	Rows                     // the service's list of deployments
	Service                  // the service itself, with its status
	Running                  // which services are being deployed
)

// Observation is what one look has shown by now. The times are of our clock.
type Observation struct {
	Start time.Time // when the look began
	At    time.Time // now: when the newest answer came

	Outages int       // since the trigger, long enough for a restart of Dokploy
	BackAt  time.Time // when Dokploy last answered again after an outage
	FaultAt time.Time // when a request last failed

	Asked  Need // what was asked for in this look
	Failed Need // what of it could not be had

	// NoQueue: the queue failed since this server or key has none.
	NoQueue bool
	// Gone: the rows failed since the service is not there any more.
	Gone bool

	Queue *dokploy.Queue
	Rows  []dokploy.Deployment
	// Previews are all of the application, with their rows: of a preview they
	// come in the place of Rows.
	Previews []dokploy.Preview
	Service  *dokploy.Service
	Running  []string // ids
}

// has reports whether it was asked for and could be had.
func (o *Observation) has(n Need) bool { return o.Asked&n != 0 && o.Failed&n == 0 }

// quiet is for how long Dokploy has answered without a fault, at most since that
// moment.
func (o *Observation) quiet(since time.Time) time.Duration {
	for _, t := range []time.Time{o.BackAt, o.FaultAt} {
		if t.After(since) {
			since = t
		}
	}
	return o.At.Sub(since)
}
