package verdict

// Left is what goes on in Dokploy if a run ends before its deployment does:
// after a timeout, an interrupt or an outage. The zero value says nothing.
type Left string

// The values of Left.
const (
	NothingStarted Left = "nothing started"
	// SomethingSet and MaybeSet: [Outcome.Set] was set, or may have been, and
	// nothing was started.
	SomethingSet Left = "set, nothing started"
	MaybeSet     Left = "maybe set, nothing started"
	// MaybeTaken and MaybeUploaded: no answer has come yet.
	MaybeTaken    Left = "maybe taken"
	MaybeUploaded Left = "maybe uploaded"
	// NoUpload: an upload whose answer was lost started no deployment.
	NoUpload Left = "no upload"
	// NoneYet: Dokploy has started none for the commit. NewestOther: the same,
	// and [Outcome.Detail] is the newest commit that it has deployed.
	NoneYet     Left = "none yet"
	NewestOther Left = "newest is another"
	QueuedThere Left = "queued"
	// StillQueued: it was seen waiting. [Outcome.Detail] is what for, if known.
	StillQueued Left = "still queued"
	// NotBegun: accepted by a server that hides its queue.
	NotBegun Left = "not begun"
	// MaybeOurs: a new deployment may be this run's, and Dokploy is building.
	MaybeOurs Left = "maybe ours"
	// ShownNowhere: it is neither in the queue nor in the list.
	ShownNowhere Left = "shown nowhere"
	BeingStarted Left = "being started"
	Running      Left = "running"
	// MayRunAgain: a restart ended it, or left it as running.
	MayRunAgain Left = "may run again"
	// CancelledMayRunAgain: a restart cancelled it, on a server that usually
	// forgets what it cancels.
	CancelledMayRunAgain Left = "cancelled, may run again"
	EndedMayRunAgain     Left = "ended, may run again"
	// DoneUnseen: done, and no look has shown yet whether it is running.
	DoneUnseen Left = "done, not seen"
	// DoneBut: done, and [Outcome.Detail] is what was seen of its containers.
	DoneBut Left = "done, but"
	// DoneUnanswered: done, and the health URL has not answered as it should
	// yet.
	DoneUnanswered Left = "done, not answering"
)

// MayRun reports whether Dokploy may have a deployment of this run that has not
// ended.
func (l Left) MayRun() bool {
	switch l {
	case "", NothingStarted, SomethingSet, MaybeSet, NoUpload, NoneYet, NewestOther:
		return false
	}
	return true
}

var leftWords = map[Left]string{
	NothingStarted:       "nothing was started",
	SomethingSet:         "{set} set; nothing was started",
	MaybeSet:             "it is not known whether {set} set; nothing was started",
	MaybeTaken:           "it is not known whether Dokploy received the deploy request; check the dashboard",
	MaybeUploaded:        "it is not known whether Dokploy received the upload; check the dashboard",
	NoUpload:             "Dokploy shows no deployment of the upload",
	NoneYet:              "Dokploy shows no deployment of the commit, and this run started none",
	NewestOther:          "the newest commit that it shows as deployed is {detail}",
	QueuedThere:          "it is queued in Dokploy and continues there",
	StillQueued:          "it is still queued in Dokploy and will be deployed there",
	NotBegun:             "Dokploy accepted it and, as far as it shows, has not started it; it may still start",
	MaybeOurs:            "a new deployment may be this run's or someone else's, which cannot be told while Dokploy is building; check the dashboard",
	ShownNowhere:         "it is neither in Dokploy's queue nor in its list; whether it will be deployed is not known",
	BeingStarted:         "it is starting in Dokploy and continues there",
	Running:              "it is still running in Dokploy and continues there",
	MayRunAgain:          "Dokploy restarted and may run it again on its own",
	CancelledMayRunAgain: "Dokploy restarted and cancelled it; some servers run it again on their own",
	EndedMayRunAgain:     "it has ended, but Dokploy restarted and may run it again on its own",
	DoneUnseen:           "Dokploy reports done; whether the new containers are running was not seen yet",
	DoneBut:              "Dokploy reports done, but: {detail}",
	DoneUnanswered:       "Dokploy reports done; the health check has not passed yet",
}
