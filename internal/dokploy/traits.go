package dokploy

// Traits are what a version of Dokploy does that decides what may be concluded
// from what it shows (docs/dokploy.md, Versions). What a server shows counts for
// more: a queue that answers is a queue that can be read, and a row that is
// queued waits, whatever the version.
type Traits struct {
	// HidesQueue: there is no deployment.queueList.
	HidesQueue bool
	// QueueSurvivesRestart: jobs that wait, and those that were running, are in
	// the queue again after a restart (BullMQ).
	QueueSurvivesRestart bool
	// RerunsCancelled: a deployment that a restart cancelled may be run again,
	// as another row.
	RerunsCancelled bool
	// LeavesRowsRunning: a restart leaves the rows that were running as they are
	// instead of cancelling them.
	LeavesRowsRunning bool
}

// unknownTraits are those of a version that cannot be read, such as "canary".
// It is taken for a current one, but not trusted to have ended what it cancelled.
var unknownTraits = Traits{RerunsCancelled: true}

// TraitsOf says what a version does.
func TraitsOf(v Version) Traits {
	if !v.Known() {
		return unknownTraits
	}
	return Traits{
		HidesQueue:           v.Less(0, 28, 3),
		QueueSurvivesRestart: v.Less(0, 29, 9),
		RerunsCancelled:      v.Less(0, 29, 9),
		LeavesRowsRunning:    v.Less(0, 25, 4),
	}
}
