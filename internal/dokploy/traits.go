package dokploy

// Traits are the differences between versions that decide what may be concluded
// from what a server shows, and what is said of it (docs/dokploy.md, Versions).
// What it shows counts
// for more: if the queue can be read it is not hidden, and a row with status
// queued is waiting, whatever the version.
type Traits struct {
	// HidesQueue: there is no deployment.queueList.
	HidesQueue bool
	// QueueSurvivesRestart: after a restart, jobs that were waiting or running
	// are in the queue again (BullMQ).
	QueueSurvivesRestart bool
	// RerunsCancelled: a deployment that a restart cancelled may run again,
	// with a new row.
	RerunsCancelled bool
	// LeavesRowsRunning: a restart does not cancel the rows that were running.
	LeavesRowsRunning bool
	// RowsNameNoCommit: a row never says which commit was built.
	RowsNameNoCommit bool
	// BuildValuesAsWritten: values of build arguments and secrets reach the build
	// without passing through a shell.
	BuildValuesAsWritten bool
	// RawDotenv: the values of a compose service are written into .env verbatim,
	// as far as is known.
	RawDotenv bool
	// QuotesDotenv: they are written in quotes there, for stacks too.
	QuotesDotenv bool
	// WatchesModifiedOnly: watch paths are compared with the modified files of a
	// push, not with those that it adds or removes.
	WatchesModifiedOnly bool
	// LimitsAllPreviews: the limit may be exceeded by one preview, and then those
	// that exist are not deployed either.
	LimitsAllPreviews bool
}

// unknownTraits apply to a version that cannot be parsed, such as "canary". It
// counts as current, but what it cancelled may still run again, and it may write
// .env as older ones do.
var unknownTraits = Traits{RerunsCancelled: true, RawDotenv: true}

// TraitsOf returns the traits of a version.
func TraitsOf(v Version) Traits {
	if !v.Known() {
		return unknownTraits
	}
	return Traits{
		HidesQueue:           v.Less(0, 28, 3),
		QueueSurvivesRestart: v.Less(0, 29, 9),
		RerunsCancelled:      v.Less(0, 29, 9),
		LeavesRowsRunning:    v.Less(0, 25, 4),
		RowsNameNoCommit:     v.Less(0, 25, 7),
		BuildValuesAsWritten: v.Less(0, 25, 9),
		RawDotenv:            v.Less(0, 30, 0),
		QuotesDotenv:         !v.Less(0, 30, 0) && v.Less(0, 30, 2),
		WatchesModifiedOnly:  v.Less(0, 29, 14),
		LimitsAllPreviews:    v.Less(0, 30, 2),
	}
}
