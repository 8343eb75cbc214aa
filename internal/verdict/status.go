// Package verdict owns the result of a deployment: how it ended, why, and what
// goes on in Dokploy, as values that can be compared. Their words are made here
// and nowhere else, and no code reads them.
package verdict

import "slices"

// Status is how a deployment ended, as in the output "status".
type Status string

// The statuses, from best to worst.
const (
	Done        Status = "done"
	Queued      Status = "queued"  // accepted, not followed
	Skipped     Status = "skipped" // not started because of another target
	Unhealthy   Status = "unhealthy"
	Cancelled   Status = "cancelled"
	Failed      Status = "error"
	Lost        Status = "lost" // Dokploy lost it, or it cannot be identified
	Timeout     Status = "timeout"
	Unreachable Status = "unreachable"
	Refused     Status = "refused" // the key
	Invalid     Status = "invalid" // the inputs
	Interrupted Status = "interrupted"
)

// ranks orders the statuses for several targets: later is worse.
var ranks = []Status{Done, Queued, Skipped, Unhealthy, Cancelled, Failed, Lost, Timeout, Unreachable, Refused, Invalid, Interrupted}

// worst returns the worst of several statuses; Invalid for none.
func worst(statuses ...Status) Status {
	rank := -1
	for _, s := range statuses {
		rank = max(rank, slices.Index(ranks, s))
	}
	if rank < 0 {
		return Invalid
	}
	return ranks[rank]
}

// OK reports whether nothing is wrong: done, or accepted and not followed.
func (s Status) OK() bool { return s == Done || s == Queued }

// Exit codes. An interrupt exits with 128 plus the signal's number instead.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitInvalid     = 2
	ExitUnreachable = 3
	ExitTimeout     = 4
)

// ExitCode returns the code for several targets: 2, 3, 4, then 1 decide.
// Interrupted counts as failed here, since only the caller knows the signal.
// Skipped has no code of its own.
func ExitCode(statuses ...Status) int {
	order := []int{ExitOK, ExitFailed, ExitTimeout, ExitUnreachable, ExitInvalid}
	worst := 0
	for _, s := range statuses {
		worst = max(worst, slices.Index(order, s.exitCode()))
	}
	return order[worst]
}

func (s Status) exitCode() int {
	switch s {
	case Done, Queued, Skipped:
		return ExitOK
	case Invalid:
		return ExitInvalid
	case Unreachable, Refused:
		return ExitUnreachable
	case Timeout:
		return ExitTimeout
	}
	return ExitFailed
}

// Verified is what was seen of the new containers.
type Verified string

// The values of "verified" in the output "deployments".
const (
	VerifiedYes       Verified = "yes"
	VerifiedNo        Verified = "no"
	VerifiedUnchanged Verified = "unchanged" // all is running, and nothing was replaced
	VerifiedUnknown   Verified = "unknown"
)
