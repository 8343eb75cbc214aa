package track

import (
	"time"

	"dokploy-deploy/internal/dokploy"
)

// Need is what a rule needs to see. Needs combine to a set.
type Need uint8

// The needs.
const (
	Queue   Need = 1 << iota // deployment.queueList
	Rows                     // the service's list of deployments
	Service                  // the service itself, with its status
	Running                  // which services are being deployed
)

// Observation is what one look has shown so far. Times are by our clock.
type Observation struct {
	Start time.Time // start of the look
	At    time.Time // now: time of the newest answer

	Outages int       // since the trigger, long enough for a restart of Dokploy
	BackAt  time.Time // when Dokploy last answered again after an outage
	FaultAt time.Time // when a request last failed

	Asked  Need // what was requested in this look
	Failed Need // what of it could not be read

	// NoQueue: the queue failed because this server or key has none.
	NoQueue bool
	// Gone: the rows failed because the service no longer exists.
	Gone bool

	Queue *dokploy.Queue
	Rows  []dokploy.Deployment
	// Previews are all previews of the application, with their rows. For a
	// preview they replace Rows.
	Previews []dokploy.Preview
	Service  *dokploy.Service
	Running  []string // ids
}

// has reports whether n was requested and could be read.
func (o *Observation) has(n Need) bool { return o.Asked&n != 0 && o.Failed&n == 0 }

// quiet returns how long Dokploy has answered without a fault, counted from
// since at the earliest.
func (o *Observation) quiet(since time.Time) time.Duration {
	for _, t := range []time.Time{o.BackAt, o.FaultAt} {
		if t.After(since) {
			since = t
		}
	}
	return o.At.Sub(since)
}
