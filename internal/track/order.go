package track

import (
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// Order is what was sent, and what was there before. It never changes.
type Order struct {
	ServiceID string // of a preview its own; empty: Dokploy has not made it yet
	// Remote: it runs on a server of its own, and BuiltRemotely: it is built on
	// one. A Git webhook's jobs stand in no line there.
	Remote, BuiltRemotely bool
	// LosesMarker: at the end a row shows the commit in the place of the marker
	// (Git sources; docs/dokploy.md, Deployment rows).
	LosesMarker bool

	// Markers are those of all triggers that were sent for it: one of them may
	// have arrived though its answer was lost.
	Markers []string
	// Upload: it carries no marker. Its deployment is the one that came after
	// the last byte (docs/dokploy.md, Uploads).
	Upload bool
	// Commit is the hash of a commit, or its beginning, if nothing was sent: what
	// is followed is the deployment that Dokploy starts for it by itself.
	Commit string
	// Preview is the pull request whose preview is deployed; 0: the service
	// itself.
	Preview int
	// StartTimeout is how long that may take to be queued or to begin.
	StartTimeout time.Duration

	Baseline Baseline
	Traits   dokploy.Traits
	Queue    QueueAccess // as far as it is known
	SentAt   time.Time   // our clock, before the first trigger; of a commit, when it was first looked for
}

// Baseline is what was there before, and is never ours.
type Baseline struct {
	Rows []string // their ids
	Jobs []string // of an upload: the keys of the service's jobs
	// Lookalikes is how many of those jobs look like the upload's: their rows
	// will, too.
	Lookalikes int
}

// BeforeUpload is the baseline of an upload: what was there before its last byte
// was sent. The queue was read before the rows; nil: it cannot be read. A job
// that looks like the upload's counts as a lookalike only while its own row is
// still to come.
func BeforeUpload(serviceID string, q *dokploy.Queue, rows []dokploy.Deployment) Baseline {
	b := Baseline{Rows: idsOf(rows)}
	if q == nil {
		return b
	}
	upload := Order{Upload: true}
	for i := range q.Jobs {
		j := &q.Jobs[i]
		if j.ServiceID != serviceID {
			continue
		}
		b.Jobs = append(b.Jobs, j.Key())
		hasRow := j.Active && slices.ContainsFunc(rows, func(row dokploy.Deployment) bool {
			return upload.mine(row.Title, row.Description) && !row.StartedAt.Before(j.ProcessedOn)
		})
		if upload.mine(j.Title, j.Description) && !hasRow {
			b.Lookalikes++
		}
	}
	return b
}

// QueueAccess says whether the queue can be read.
type QueueAccess int

// Whether it can.
const (
	QueueUntried QueueAccess = iota
	QueueSeen
	// QueueHidden: the server is too old for it, or the key may not, or
	// something in between does not let it through.
	QueueHidden
)

// Answer is what became of the trigger.
type Answer struct {
	Kind AnswerKind
	At   time.Time // our clock, when Dokploy took it; zero: not known closely
}

// AnswerKind is the kind of an answer.
type AnswerKind int

// The kinds of answers.
const (
	// Taken: Dokploy has it.
	Taken AnswerKind = iota
	// CutOff: no answer came, and the request is over.
	CutOff
	// GaveUp: somebody on the way waited no longer. It may still be on its way,
	// or held back by a server whose Redis is away.
	GaveUp
)

// UploadTitle is what Dokploy calls the deployment that an upload starts,
// whatever is sent along, and without a description (docs/dokploy.md, Uploads).
const UploadTitle = "Manual deployment"

// Marked reports whether a description carries a marker of the order.
func (o *Order) Marked(description string) bool {
	return slices.ContainsFunc(o.Markers, func(m string) bool { return strings.Contains(description, m) })
}

// mine reports whether the texts of a job or a row are those of the order's.
func (o *Order) mine(title, description string) bool {
	switch {
	case o.Upload:
		return title == UploadTitle && description == ""
	case o.Commit != "":
		return strings.HasPrefix(Pushed(description), o.Commit)
	}
	return o.Marked(description)
}

// lostItsText reports whether a row may be ours and show the commit by now:
// whose trigger made it is not to be seen.
func (o *Order) lostItsText(row *dokploy.Deployment) bool {
	return o.LosesMarker && row.Terminal() && strings.HasPrefix(row.Description, "Commit: ")
}
