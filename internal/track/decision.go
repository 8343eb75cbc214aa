package track

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// Decision is the result of a look.
type Decision struct {
	// Ask is what must be requested before the look can be judged. If it is set
	// nothing else is, and the state is unchanged.
	Ask Need
	// Fault: the look failed, because something that it needs could not be
	// read.
	Fault bool

	Pace  Pace
	Left  verdict.Left // what goes on in Dokploy
	Doing Doing        // what the heartbeat line says
	Place Place        // with [DoingQueued]: the job's position
	Waits bool         // its job was just seen waiting
	Tell  []Event      // what happened, in order

	// Took says whether Dokploy has the trigger, as soon as that is known.
	Took Took
	// Preview is the pull request's preview as seen by this look; nil: it was
	// not asked for, or does not exist.
	Preview *dokploy.Preview
	// Held is our row as of now.
	Held *dokploy.Deployment
	End  *End
}

// Took says whether Dokploy has the trigger.
type Took int

// The values of Took.
const (
	TookUnknown Took = iota
	TookYes
	TookNot
)

// Pace says how soon the next look must come, at the latest.
type Pace struct {
	// Pauses grow from First to Most. If both are equal, each pause is exactly
	// that long.
	First, Most time.Duration
	Restart     bool // start with First again
	Now         bool // look again immediately
	// Log: a streaming log shows the end sooner than the next look.
	Log bool
}

// End says how it ended: by the status of its row, or for another reason.
type End struct {
	Row    *dokploy.Deployment // nil: see the reason
	Reason verdict.Reason
}

// Doing is what is going on while nothing new is seen.
type Doing int

// The values of Doing.
const (
	DoingNothing   Doing = iota
	DoingQueued          // its position in the queue is known
	DoingQueuedRow       // its row waits
	DoingMissing         // neither in the queue nor in the list
	DoingUnseen          // none has started, and the queue is hidden
	DoingRunning
	DoingAwaited // none exists for the commit
)

// Event is something that happened.
type Event struct {
	Kind   EventKind
	Place  Place         // of [Queued]
	Waited time.Duration // of [Started]: time in the queue
	Others bool          // of [RunsAgain]: others deployed the service between the two runs
	Status string        // of [UnknownStatus]
}

// EventKind is the kind of an event.
type EventKind int

// The kinds of events.
const (
	// TakenUnseen: the answer was lost and the queue is hidden. The trigger
	// counts as accepted and is not repeated.
	TakenUnseen EventKind = iota
	QueueUnreadable
	Queued    // at a new position
	QueuedRow // its row waits
	Found     // its row is known
	Started   // it has started
	// FoundEnded: the deployment of the commit had already ended when it was
	// first looked for.
	FoundEnded
	RunsAgain
	// CancelledRunsAgain: this version reruns what a restart cancelled.
	// CancelledMayRunAgain: a few servers do.
	CancelledRunsAgain
	CancelledMayRunAgain
	UnknownStatus
)

// Place is a waiting job's position, and what is being built ahead of it.
type Place struct {
	Number   int
	Building []dokploy.Job // active
	Clock    Clock
}

// same reports whether nothing that a person would notice has changed.
func (p Place) same(as Place) bool {
	return p.Number == as.Number && slices.EqualFunc(p.Building, as.Building, func(a, b dokploy.Job) bool { return a.ServiceID == b.ServiceID })
}

// ambiguous ends a run instead of guessing.
func ambiguous(rows []dokploy.Deployment) *Decision {
	var list []string
	for _, row := range rows {
		list = append(list, fmt.Sprintf("%s (%s)", row.ID, row.Status))
	}
	return end(verdict.Reason{Kind: verdict.Ambiguous, Text: strings.Join(list, ", ")})
}

func end(r verdict.Reason) *Decision { return &Decision{End: &End{Reason: r}} }

func lost(k verdict.Kind) *Decision { return end(verdict.Reason{Kind: k}) }
