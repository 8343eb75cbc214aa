package track

import (
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// search is remembered while our row is searched for.
type search struct {
	notOurs ids         // new rows that certainly are not ours
	actives []time.Time // processedOn of other jobs of this service
	others  bool        // some were in the queue when ours was gone

	listed    ids    // rows at the last look that saw ours waiting
	before    ids    // rows that existed while ours waited
	firstList ids    // rows at the first look that no longer saw ours in the queue; nil: there was none
	itsRow    string // our row's id; empty: not seen
	twins     bool   // other pushes of the commit stood where their rows may be taken for ours
	beside    bool   // others were seen in the queue at all
	cancelled bool   // our row was cancelled before it started
	// rowCameFirst: the upload had its row at the first look, so it is none of
	// the jobs.
	rowCameFirst bool
	nothingNew   bool // the first look showed nothing of it: whatever comes later is another's
	lookedTwice  bool // at a row that may be the waiting upload's

	rowAloneSince time.Time // since when our row waits although no job in the queue can be its
	missingSince  time.Time
	missingLooks  int // looks that saw neither job nor row
	soleSince     time.Time
	soleLooks     int       // looks that saw one candidate and nothing else
	workAsked     time.Time // when it was first asked whether a hidden queue is busy

	idleAsked time.Time
	idleSince time.Time // since when Dokploy has been idle, as its services show
	stuck     ids       // services that show as running forever
	notBegun  time.Time // our clock, when it was last seen not started
	said      string    // id of the row reported as waiting
}

// find looks for the row of an accepted trigger.
func (s *sight) find() *Decision {
	if d := s.queueFirst(); d != nil {
		return d
	}
	if d := s.first(inQueue); d != nil {
		return d
	}
	if d := s.need(Rows); d != nil {
		return d
	}
	s.classify()
	if f := &s.search; s.shown() != nil && s.job == nil && f.firstList == nil && (len(s.o.Rows) > 0 || len(s.oldRows) == 0) {
		f.firstList = idsOf(s.o.Rows)
	}
	return s.first(finding)
}

// inQueue are the rules that need only the queue.
var inQueue = []rule{
	{"preview-gone-while-queued", (*sight).previewGone},
	{"upload-among-what-is-new", (*sight).uploadAmongNew},
	{"which-push", (*sight).whichPush},
	{"job-waits", (*sight).jobWaits},
}

// finding are the rules that need the queue and the rows.
var finding = []rule{
	{"queued-row-without-a-job", (*sight).queuedRowWithoutAJob},
	{"queued-row-waits", (*sight).queuedRowWaits},
	{"cancelled-before-it-began", (*sight).cancelledBeforeItBegan},
	{"row-with-the-marker", (*sight).marked},
	{"row-without-a-text", (*sight).infer},
	{"not-decided-yet", (*sight).undecided},
	{"neither-job-nor-row", (*sight).missing},
}

// queueFirst reads the queue before the rows: a job that has left it has a row.
func (s *sight) queueFirst() *Decision {
	if seen := s.trail.seen; seen != nil && seen.Active && s.o.Start.Sub(s.trail.activeAt) < time.Second {
		s.job = seen // it was seen a moment ago
		return nil
	}
	if d := s.needQueue(); d != nil {
		if d.Fault && s.queue == QueueUntried {
			return s.blocked()
		}
		return d
	}
	return nil
}

// blocked distinguishes an outage from a queue that something in between blocks
// while everything else can be read. The latter is done without, and later
// observations are not doubted because of it.
func (s *sight) blocked() *Decision {
	if d := s.need(Rows); d != nil {
		return d
	}
	if s.phase != Awaited { // there, the newest at the time of finding counts
		s.classify()
	}
	s.pace = Pace{First: 500 * time.Millisecond, Most: 500 * time.Millisecond}
	if s.queueErrors++; s.queueErrors >= 3 { //rule:barred-queue
		s.tell(Event{Kind: QueueUnreadable})
		s.queue = QueueHidden
		s.enter(s.phase)
	}
	return pending()
}

// uploadAmongNew identifies the upload's job or row at the first look after it
// was accepted: it is among what is new at that look, and whatever comes later
// is another's.
func (s *sight) uploadAmongNew() *Decision {
	q := s.shown()
	if !s.order.Upload || s.search.rowCameFirst || s.search.nothingNew || s.trail.seen != nil || q == nil {
		return nil
	}
	if d := s.need(Rows); d != nil {
		return d
	}
	jobs, lookalikes := s.uploadJobs(q), s.order.Baseline.Lookalikes
	rows, perhaps := 0, false
	for i := range s.o.Rows {
		row := &s.o.Rows[i]
		ofJob := slices.ContainsFunc(jobs, func(j *dokploy.Job) bool { return j.Active && !row.StartedAt.Before(j.ProcessedOn) })
		if !s.oldRows.has(row.ID) && row.Status != dokploy.StatusQueued && s.order.mine(row.Title, row.Description) && !ofJob {
			rows++
			// It may have started since the queue was read.
			perhaps = len(jobs) == 1 && !jobs[0].Active && !row.StartedAt.Before(jobs[0].QueuedAt)
		}
	}
	if perhaps && rows == 1 && !s.search.lookedTwice { //rule:waiting-upload-may-have-begun
		s.search.lookedTwice, s.now = true, true
		return pending()
	}
	switch {
	case len(jobs)+max(0, rows-lookalikes) > 1, len(jobs) == 0 && rows > 0 && lookalikes > 0: //rule:two-may-be-the-upload
		return lost(verdict.WhichUpload)
	case len(jobs) == 0 && rows == 1:
		s.search.rowCameFirst = true
	case len(jobs) == 0: //rule:upload-comes-no-later
		s.search.nothingNew = true
	}
	return nil
}

// jobWaits: our job is in the queue. While it waits, no listed row is ours.
func (s *sight) jobWaits() *Decision {
	q := s.shown()
	if q == nil {
		return nil
	}
	s.noteActives(q)
	if s.job = s.ourJob(q); s.job == nil {
		s.search.beside = s.search.beside || s.order.Commit != "" && len(s.pushes(q)) > 0
		s.search.others = s.search.others || slices.ContainsFunc(q.Jobs, func(j dokploy.Job) bool { return j.ServiceID == s.order.ServiceID })
		return nil
	}
	progressed := s.trail.seen != nil && s.trail.seen.Active != s.job.Active
	s.remember(q, s.job)
	s.noteTwins(q, s.job)
	s.notMissing()
	s.search.rowAloneSince = time.Time{}
	if s.job.Active {
		s.trail.activeAt = s.o.At
		s.left = verdict.BeingStarted
		s.restart = progressed
		return nil
	}
	if d := s.listWhileWaiting(); d != nil {
		return d
	}
	if row := s.begunSince(time.Time{}); row != nil { //rule:began-within-the-look
		return s.claim(row)
	}
	s.atPlace(PlaceOf(q, s.job))
	return pending()
}

// atPlace records that it waits at this position.
func (s *sight) atPlace(p Place) {
	s.waits, s.left, s.doing = true, verdict.StillQueued, DoingQueued
	s.pace.Most = 4 * time.Second
	if p.Number == 1 {
		// Its turn may come at any moment; the longer it takes, the less
		// likely.
		s.pace.Most = min(max(s.o.At.Sub(s.order.SentAt)/60, time.Second), s.pace.Most)
	}
	p.Clock = s.trail.clock
	if !p.same(s.place) {
		s.restart = true
		s.tell(Event{Kind: Queued, Place: p})
	}
	s.place = p
}

func (s *sight) notMissing() {
	f := &s.search
	f.missingSince, f.missingLooks, f.soleLooks, f.firstList = time.Time{}, 0, 0, nil
}

// noteActives records when other jobs of this service started.
func (s *sight) noteActives(q *dokploy.Queue) {
	f, own := &s.search, s.ourJob(q)
	for i := range q.Jobs {
		j := &q.Jobs[i]
		if j.ServiceID == s.order.ServiceID && j.Active && !j.ProcessedOn.IsZero() && j != own && !s.order.Marked(j.Description) && !slices.ContainsFunc(f.actives, j.ProcessedOn.Equal) {
			f.actives = append(slices.Clip(f.actives), j.ProcessedOn)
		}
	}
}

// listWhileWaiting records which rows are listed while our job waits: if it
// still waits at the next look, none of them is ours. That is worth a request
// only if a row may hide its marker.
func (s *sight) listWhileWaiting() *Decision {
	f := &s.search
	f.before = f.before.with(f.listed...)
	f.listed = nil
	if !s.order.Upload && !s.order.LosesMarker && s.order.Commit == "" {
		return nil
	}
	if d := s.want(Rows); d != nil {
		return d
	}
	if !s.o.has(Rows) {
		return nil // the queue was read; the next look asks again
	}
	for i := range s.o.Rows {
		switch row := &s.o.Rows[i]; {
		case row.Status != dokploy.StatusQueued:
			f.listed = f.listed.with(row.ID)
		case s.order.Marked(row.Description):
			f.itsRow = row.ID
		}
	}
	return nil
}

// rowWaits reports whether our row exists but has not started.
func (s *sight) rowWaits() bool { return s.ours != nil && s.ours.Status == dokploy.StatusQueued }

// queuedRowWithoutAJob: a restart removed its job and left its row. An active
// job, or any job of this service, may still be ours.
func (s *sight) queuedRowWithoutAJob() *Decision {
	f, q := &s.search, s.shown()
	if !s.rowWaits() || q == nil || slices.ContainsFunc(q.Jobs, func(j dokploy.Job) bool { return j.Active || j.ServiceID == s.order.ServiceID }) {
		f.rowAloneSince = time.Time{}
		return nil
	}
	if f.rowAloneSince.IsZero() {
		f.rowAloneSince = s.o.At
	}
	return lostIf(s.o.quiet(f.rowAloneSince) >= comeback, verdict.ForgottenQueued)
}

func (s *sight) queuedRowWaits() *Decision {
	if !s.rowWaits() {
		return nil
	}
	s.notMissing()
	s.left, s.doing = verdict.StillQueued, DoingQueuedRow
	s.pace.Most = 2 * time.Second
	if s.search.said != s.ours.ID {
		s.search.said = s.ours.ID
		s.restart = true
		s.tell(Event{Kind: QueuedRow})
	}
	return pending()
}

// cancelledBeforeItBegan: a restart did that, and what it removes it may bring
// back.
func (s *sight) cancelledBeforeItBegan() *Decision {
	if s.ours != nil && s.ours.Status == dokploy.StatusCancelled && s.ours.StartedAt.IsZero() && s.ours.FinishedAt.IsZero() {
		s.ours, s.search.cancelled = nil, true
	}
	return nil
}

func (s *sight) marked() *Decision {
	if s.ours == nil {
		return nil
	}
	return s.claim(s.ours)
}

// undecided: it is in the queue, or there is one candidate and it is looked at
// again.
func (s *sight) undecided() *Decision {
	s.search.notBegun = s.o.At
	if s.job != nil || len(s.candidates) > 0 && s.search.soleLooks > 0 {
		return pending()
	}
	return nil
}

// claim takes a row as ours. From now on its id identifies it.
func (s *sight) claim(row *dokploy.Deployment) *Decision {
	if s.queue != QueueSeen && s.order.Traits.QueueSurvivesRestart && row.Status == dokploy.StatusRunning {
		// Which services did a restart leave as running forever? Such a server
		// builds one at a time, and that is now ours. Without an answer it only
		// takes longer to confirm the end.
		if d := s.want(Running); d != nil {
			return d
		}
		s.search.stuck = slices.DeleteFunc(slices.Clone(s.o.Running), func(id string) bool { return id == s.order.ServiceID })
	}
	late := s.phase == Awaited && row.Terminal()
	s.tell(Event{Kind: Found})
	s.begin(row)
	switch {
	case late:
		s.tell(Event{Kind: FoundEnded})
	case !row.StartedAt.IsZero() || !row.Terminal():
		s.tell(Event{Kind: Started, Waited: s.waited(row)})
	}
	return pending()
}
