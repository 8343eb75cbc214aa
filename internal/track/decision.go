package track

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// Decision is what a look means.
type Decision struct {
	// Ask is what the look needs before it means anything; then nothing else is
	// set, and the state is as before.
	Ask Need
	// Fault: the look failed, since something that it needs could not be had.
	Fault bool

	Pace  Pace
	Left  verdict.Left // what goes on in Dokploy
	Doing Doing        // what a heartbeat says
	Place Place        // with [DoingQueued]: where the job stands
	Waits bool         // its job has just been seen waiting
	Tell  []Event      // what has happened, in its order

	// Took says whether Dokploy has the trigger, once that is known.
	Took Took
	// Preview is the pull request's, as this look has shown it; nil: it was not
	// asked for, or is not there.
	Preview *dokploy.Preview
	// Held is the row that is ours, as of now.
	Held *dokploy.Deployment
	End  *End
}

// Took says whether Dokploy has the trigger.
type Took int

// What is known of it.
const (
	TookUnknown Took = iota
	TookYes
	TookNot
)

// Pace is how soon to look again at the latest.
type Pace struct {
	// The pauses grow from First to Most. Where both are the same, each is that
	// long to the moment.
	First, Most time.Duration
	Restart     bool // begin with First again
	Now         bool // look again at once
	// Log: while the log is streaming it tells of the end sooner than a look.
	Log bool
}

// End is how it ended: by the status of the row, or for a reason of its own.
type End struct {
	Row    *dokploy.Deployment // nil: for the reason
	Reason verdict.Reason
}

// Doing is what goes on while nothing new is seen.
type Doing int

// What may go on.
const (
	DoingNothing   Doing = iota
	DoingQueued          // it stands at a place in the queue
	DoingQueuedRow       // its row waits
	DoingMissing         // neither in the queue nor in the list
	DoingUnseen          // none has begun, and the queue is hidden
	DoingRunning
	DoingAwaited // none has come for the commit
)

// Event is something that has happened.
type Event struct {
	Kind   EventKind
	Place  Place         // of [Queued]
	Waited time.Duration // of [Started]: in the queue
	Others bool          // of [RunsAgain]: others deployed the service between the two runs
	Status string        // of [UnknownStatus]
}

// EventKind is the kind of an event.
type EventKind int

// What may happen.
const (
	// TakenUnseen: the answer was lost and the queue is hidden, so that the
	// trigger counts as accepted and is not repeated.
	TakenUnseen EventKind = iota
	QueueUnreadable
	Queued    // at a new place
	QueuedRow // its row waits
	Found     // its row is known
	Started   // it has begun
	// FoundEnded: the deployment of the commit was over when it was first looked
	// for.
	FoundEnded
	RunsAgain
	// CancelledRunsAgain: this version runs again what a restart has cancelled;
	// CancelledMayRunAgain: a few servers do.
	CancelledRunsAgain
	CancelledMayRunAgain
	UnknownStatus
)

// Place is where a waiting job stands, and what is being built ahead of it.
type Place struct {
	Number   int
	Building []dokploy.Job // active
	Clock    Clock
}

// same reports whether nothing has changed for a person.
func (p Place) same(as Place) bool {
	return p.Number == as.Number && slices.EqualFunc(p.Building, as.Building, func(a, b dokploy.Job) bool { return a.ServiceID == b.ServiceID })
}

// ambiguous ends a run without a guess.
func ambiguous(rows []dokploy.Deployment) *Decision {
	var list []string
	for _, row := range rows {
		list = append(list, fmt.Sprintf("%s (%s)", row.ID, row.Status))
	}
	return end(verdict.Reason{Kind: verdict.Ambiguous, Text: strings.Join(list, ", ")})
}

func end(r verdict.Reason) *Decision { return &Decision{End: &End{Reason: r}} }

func lost(k verdict.Kind) *Decision { return end(verdict.Reason{Kind: k}) }
