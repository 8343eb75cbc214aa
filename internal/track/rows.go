package track

import (
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
)

const (
	// rowAfter is how long after its processedOn a job has its row, at the
	// latest: a few ms were seen, up to a second for remote servers. Later rows
	// are another's.
	rowAfter = 5 * time.Second
	// keptRows is how many of a service's rows Dokploy keeps when it creates
	// another (docs/dokploy.md, Deployment rows).
	keptRows = 10
)

// class says what a row may be.
type class int

const (
	past      class = iota // it was there before, or says nothing yet
	waiting                // it has not started
	anothers               // certainly not ours
	candidate              // it may be ours
	marked                 // it is ours
)

// kind is a rule that classifies a row.
type kind struct {
	name  string
	is    func(*sight, *dokploy.Deployment) bool
	class class
}

// kinds are tried in order; the first that applies to a row decides. A row to
// which none applies may be ours.
var kinds = []kind{
	{"known-row", (*sight).isOld, past},
	{"its-row-of-before", (*sight).isItsRow, marked},
	{"queued-row", (*sight).isQueued, waiting},
	{"others-active-job", (*sight).isOfActive, anothers},
	{"upload-without-a-text", (*sight).mayBeUpload, candidate},
	{"hash-beside-a-twin", (*sight).besideOthers, candidate},
	{"hash-too-late", (*sight).hashTooLate, candidate},
	{"hash-not-in-the-first-list", (*sight).hashComesLater, candidate},
	{"hash-behind-a-commit", (*sight).hashBehindACommit, candidate},
	{"hash-of-the-push", (*sight).hasHash, marked},
	{"marker", (*sight).hasMarker, marked},
	{"listed-while-ours-waited", (*sight).wasListed, anothers},
	{"unknown-status", (*sight).hasUnknownStatus, past},
	{"others-text", (*sight).hasOthersText, anothers},
}

// classify classifies the rows of a look.
func (s *sight) classify() {
	rows := slices.Clone(s.o.Rows)
	slices.Reverse(rows) // they come newest first; of rows with the same time, the older one is first
	slices.SortStableFunc(rows, func(a, b dokploy.Deployment) int { return a.StartedAt.Compare(b.StartedAt) })
	s.begun = make([]dokploy.Deployment, 0, len(rows))
	// A waiting deployment has a row only on some servers, and no position
	// among those that started.
	for _, row := range rows {
		if row.Status == dokploy.StatusQueued {
			continue
		}
		s.begun = append(s.begun, row)
		if !s.oldRows.has(row.ID) {
			s.fresh = append(s.fresh, row)
		}
	}
	for i := range rows {
		s.take(&rows[i], s.classOf(&rows[i]))
	}
	if s.ours != nil {
		s.search.itsRow = s.ours.ID
	}
}

func (s *sight) classOf(row *dokploy.Deployment) class {
	for _, k := range kinds {
		if k.is(s, row) {
			return k.class
		}
	}
	return candidate
}

// take records the class of a row.
func (s *sight) take(row *dokploy.Deployment, c class) {
	f := &s.search
	switch c {
	case waiting:
		if !s.order.Upload && s.order.Marked(row.Description) && s.ours == nil {
			s.ours = row
		}
	case anothers:
		f.notOurs = f.notOurs.with(row.ID)
	case candidate:
		s.candidates = append(s.candidates, *row)
	case marked:
		// After a second run by BullMQ the newest is the one that counts. The
		// row of before it began is ours, whatever it is called by now. Of pushes
		// of one commit ours is the first that is left: later ones stood behind it.
		if s.ours == nil || row.ID == f.itsRow || s.order.Commit == "" && row.StartedAt.After(s.ours.StartedAt) {
			s.ours = row
		}
	}
}

func (s *sight) isOld(row *dokploy.Deployment) bool {
	return s.oldRows.has(row.ID) || s.search.notOurs.has(row.ID)
}

func (s *sight) isItsRow(row *dokploy.Deployment) bool { return row.ID == s.search.itsRow }

func (s *sight) isQueued(row *dokploy.Deployment) bool { return row.Status == dokploy.StatusQueued }

// isOfActive recognises the row of another job that was seen active: the first
// one since that started. On a remote server a push is in no queue.
func (s *sight) isOfActive(row *dokploy.Deployment) bool {
	if s.order.Upload || s.order.Remote || s.order.Marked(row.Description) {
		return false
	}
	own := s.turn()
	return slices.ContainsFunc(s.search.actives, func(on time.Time) bool {
		if on.Before(own) && !row.StartedAt.Before(own) { //rule:ours-began-after-that
			return false
		}
		g := clue{from: on, within: rowAfter}.of(s.begun)
		return g.row != nil && g.row.ID == row.ID && !g.late()
	})
}

func (s *sight) mayBeUpload(row *dokploy.Deployment) bool {
	return s.order.Upload && !s.search.before.has(row.ID) && s.order.mine(row.Title, row.Description)
}

func (s *sight) hasMarker(row *dokploy.Deployment) bool { return s.order.Marked(row.Description) }

func (s *sight) wasListed(row *dokploy.Deployment) bool { return s.search.before.has(row.ID) }

// hasUnknownStatus: nothing is concluded from it yet.
func (s *sight) hasUnknownStatus(row *dokploy.Deployment) bool {
	return row.Status != dokploy.StatusRunning && !row.Terminal()
}

// hasOthersText: it shows another's text, and will keep it.
func (s *sight) hasOthersText(row *dokploy.Deployment) bool {
	return s.order.Upload || !s.order.lostItsText(row)
}

// begunSince returns a new row with the marker that started after that time.
func (s *sight) begunSince(at time.Time) *dokploy.Deployment {
	i := slices.IndexFunc(s.o.Rows, func(row dokploy.Deployment) bool {
		return !s.oldRows.has(row.ID) && row.Status != dokploy.StatusQueued && s.order.Marked(row.Description) && row.StartedAt.After(at)
	})
	if i < 0 {
		return nil
	}
	return &s.o.Rows[i]
}

// mayBeEvicted reports whether newer rows may have pushed out one that started
// at that time; zero: since the trigger.
func (s *sight) mayBeEvicted(at time.Time) bool {
	if len(s.begun) < keptRows {
		return false
	}
	if at.IsZero() {
		return len(s.fresh) == len(s.begun)
	}
	first := slices.IndexFunc(s.begun, func(row dokploy.Deployment) bool { return !row.StartedAt.IsZero() }) // others were cancelled before they began
	return first < 0 || !s.begun[first].StartedAt.Before(at)
}
