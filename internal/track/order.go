package track

import (
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// Order is what was sent, and what was there before. It never changes.
type Order struct {
	ServiceID string // of a preview its own; empty: Dokploy has not created it yet
	// Remote: it runs on a server of its own. BuiltRemotely: it is built on
	// one. A Git webhook's jobs are not in that server's queue.
	Remote, BuiltRemotely bool
	// LosesMarker: when the deployment ends, the commit replaces the marker in
	// its row (Git sources; docs/dokploy.md, Deployment rows).
	LosesMarker bool

	// Markers are those of all triggers that were sent: one may have arrived
	// although its answer was lost.
	Markers []string
	// Upload: there is no marker. Its deployment is the one that came after the
	// last byte (docs/dokploy.md, Uploads).
	Upload bool
	// Commit is set if nothing was sent: the hash, whole or abbreviated, of the
	// commit whose deployment Dokploy starts by itself.
	Commit string
	// Preview is the pull request whose preview is deployed; 0: the service
	// itself.
	Preview int
	// StartTimeout is how long that deployment may take to be queued or to
	// start.
	StartTimeout time.Duration

	Baseline Baseline
	Traits   dokploy.Traits
	Queue    QueueAccess // as far as known
	SentAt   time.Time   // our clock, before the first trigger; for a commit, when it was first looked for
}

// Baseline is what was there before, and is never ours.
type Baseline struct {
	Rows []string // their ids
	Jobs []string // of an upload: keys of the service's jobs
	// Lookalikes is how many of those jobs look like the upload's: so will
	// their rows.
	Lookalikes int
}

// BeforeUpload returns the baseline of an upload: what was there before its
// last byte was sent. The queue was read before the rows; nil: it cannot be
// read. A job that looks like the upload's counts as a lookalike only while its
// own row is still to come.
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

// The values of QueueAccess.
const (
	QueueUntried QueueAccess = iota
	QueueSeen
	// QueueHidden: the server is too old for it, the key may not read it, or
	// something in between blocks it.
	QueueHidden
)

// Answer is what became of the trigger.
type Answer struct {
	Kind AnswerKind
	At   time.Time // our clock, when Dokploy accepted it; zero: not known closely
}

// AnswerKind is the kind of an answer.
type AnswerKind int

// The kinds of answers.
const (
	// Taken: Dokploy has it.
	Taken AnswerKind = iota
	// CutOff: no answer came, and the request is over.
	CutOff
	// GaveUp: something in between stopped waiting. The request may still be on
	// its way, or held up by a server whose Redis is down.
	GaveUp
)

// UploadTitle is the title that Dokploy gives the deployment of an upload,
// whatever is sent along. It has no description (docs/dokploy.md, Uploads).
const UploadTitle = "Manual deployment"

// Marked reports whether a description contains a marker of the order.
func (o *Order) Marked(description string) bool {
	return slices.ContainsFunc(o.Markers, func(m string) bool { return strings.Contains(description, m) })
}

// mine reports whether the texts of a job or a row are the order's.
func (o *Order) mine(title, description string) bool {
	switch {
	case o.Upload:
		return title == UploadTitle && description == ""
	case o.Commit != "":
		return strings.HasPrefix(Pushed(description), o.Commit)
	}
	return o.Marked(description)
}

// lostItsText reports whether a row may be ours and show the commit by now, so
// that it no longer shows whose trigger started it.
func (o *Order) lostItsText(row *dokploy.Deployment) bool {
	return o.LosesMarker && row.Terminal() && strings.HasPrefix(row.Description, "Commit: ")
}
