package track

import (
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// search is what is remembered while our row is looked for.
type search struct {
	notOurs ids         // new rows that are certainly another's
	actives []time.Time // processedOn of others' jobs of this service
	others  bool        // such were in the queue when ours was no more

	listed    ids    // the rows at the last look that saw ours waiting
	before    ids    // rows that were there while ours waited
	firstList ids    // the rows at the first look that saw ours in the queue no more; nil: none did
	itsRow    string // id of our row; empty: it was not seen
	twins     bool   // other pushes of the commit stood where their rows may be taken for ours
	beside    bool   // others were seen in the queue at all
	cancelled bool   // our row was cancelled before it began
	// rowCameFirst: the upload had its row at the first look, so no job is it.
	rowCameFirst bool
	nothingNew   bool // the first look showed none of it: what comes later is another's
	lookedTwice  bool // at a row that may be the waiting upload's

	aloneSince   time.Time // since when our row waits and the queue has no job that may be its
	missingSince time.Time
	missingLooks int // that saw neither job nor row
	soleSince    time.Time
	soleLooks    int       // that saw one candidate and nothing else
	workAsked    time.Time // when it was first asked whether a hidden queue has work

	idleAsked time.Time
	idleSince time.Time // since when Dokploy has nothing to do, as far as its services show
	stuck     ids       // services that show as running forever
	notBegun  time.Time // our clock, when it was last seen not to have begun
	said      string    // the row that was said to wait
}

// find looks for the row of what Dokploy has accepted.
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
	if f := &s.finding; s.shown() != nil && s.job == nil && f.firstList == nil && (len(s.o.Rows) > 0 || len(s.known) == 0) {
		f.firstList = idsOf(s.o.Rows)
	}
	return s.first(finding)
}

// inQueue are the rules that the queue alone decides by.
var inQueue = []rule{
	{"preview-gone-while-queued", (*sight).previewGone},
	{"upload-among-what-is-new", (*sight).uploadAmongNew},
	{"which-push", (*sight).whichPush},
	{"job-waits", (*sight).jobWaits},
}

// finding are the rules that decide by the queue and the rows.
var finding = []rule{
	{"queued-row-without-a-job", (*sight).queuedRowWithoutAJob},
	{"queued-row-waits", (*sight).queuedRowWaits},
	{"cancelled-before-it-began", (*sight).cancelledBeforeItBegan},
	{"row-with-the-marker", (*sight).marked},
	{"row-without-a-text", (*sight).infer},
	{"not-decided-yet", (*sight).undecided},
	{"neither-job-nor-row", (*sight).missing},
}

// queueFirst reads the queue: a job that is not in it any more has its row.
func (s *sight) queueFirst() *Decision {
	if seen := s.trail.seen; seen != nil && seen.Active && s.o.Start.Sub(s.trail.activeAt) < time.Second {
		s.job = seen // it has only just been seen
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

// blocked separates a queue that something in between does not let through, while
// everything else can be read, from an outage: the first is done without, and is
// no reason to doubt what is seen later.
func (s *sight) blocked() *Decision {
	if d := s.need(Rows); d != nil {
		return d
	}
	if s.phase != Awaited { // there the newest counts when it is first found
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

// uploadAmongNew tells the upload's job or row at the first look after it was
// taken: it is one of what is new then, and all that comes later is another's.
func (s *sight) uploadAmongNew() *Decision {
	q := s.shown()
	if !s.order.Upload || s.finding.rowCameFirst || s.finding.nothingNew || s.trail.seen != nil || q == nil {
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
		if !s.known.has(row.ID) && row.Status != dokploy.StatusQueued && s.order.mine(row.Title, row.Description) && !ofJob {
			rows++
			// It may have begun since the queue was read.
			perhaps = len(jobs) == 1 && !jobs[0].Active && !row.StartedAt.Before(jobs[0].QueuedAt)
		}
	}
	if perhaps && rows == 1 && !s.finding.lookedTwice { //rule:waiting-upload-may-have-begun
		s.finding.lookedTwice, s.now = true, true
		return pending()
	}
	switch {
	case len(jobs)+max(0, rows-lookalikes) > 1, len(jobs) == 0 && rows > 0 && lookalikes > 0: //rule:two-may-be-the-upload
		return lost(verdict.WhichUpload)
	case len(jobs) == 0 && rows == 1:
		s.finding.rowCameFirst = true
	case len(jobs) == 0: //rule:upload-comes-no-later
		s.finding.nothingNew = true
	}
	return nil
}

// jobWaits: ours is in the queue. While it waits, what is listed is not ours.
func (s *sight) jobWaits() *Decision {
	q := s.shown()
	if q == nil {
		return nil
	}
	s.noteActives(q)
	if s.job = s.ourJob(q); s.job == nil {
		s.finding.beside = s.finding.beside || s.order.Commit != "" && len(s.pushes(q)) > 0
		s.finding.others = s.finding.others || slices.ContainsFunc(q.Jobs, func(j dokploy.Job) bool { return j.ServiceID == s.order.ServiceID })
		return nil
	}
	progressed := s.trail.seen != nil && s.trail.seen.Active != s.job.Active
	s.remember(q, s.job)
	s.noteTwins(q, s.job)
	s.notMissing()
	s.finding.aloneSince = time.Time{}
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

// atPlace: it waits there in the queue.
func (s *sight) atPlace(p Place) {
	s.waits, s.left, s.doing = true, verdict.StillQueued, DoingQueued
	s.pace.Most = 4 * time.Second
	if p.Number == 1 {
		// Its turn may come any moment; less likely so the longer it takes.
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
	f := &s.finding
	f.missingSince, f.missingLooks, f.soleLooks, f.firstList = time.Time{}, 0, 0, nil
}

// noteActives keeps when others' jobs of this service began.
func (s *sight) noteActives(q *dokploy.Queue) {
	f, own := &s.finding, s.ourJob(q)
	for i := range q.Jobs {
		j := &q.Jobs[i]
		if j.ServiceID == s.order.ServiceID && j.Active && !j.ProcessedOn.IsZero() && j != own && !s.order.Marked(j.Description) && !slices.ContainsFunc(f.actives, j.ProcessedOn.Equal) {
			f.actives = append(slices.Clip(f.actives), j.ProcessedOn)
		}
	}
}

// listWhileWaiting keeps what is listed while ours waits: if it still waits at
// the next look, none of that is ours. It is worth a request only where a row
// may hide its marker.
func (s *sight) listWhileWaiting() *Decision {
	f := &s.finding
	f.before = f.before.with(f.listed...)
	f.listed = nil
	if !s.order.Upload && !s.order.LosesMarker && s.order.Commit == "" {
		return nil
	}
	if d := s.want(Rows); d != nil {
		return d
	}
	if !s.o.has(Rows) {
		return nil // the queue was read, and the next look asks again
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

// rowWaits reports whether ours has a row that has not begun.
func (s *sight) rowWaits() bool { return s.ours != nil && s.ours.Status == dokploy.StatusQueued }

// queuedRowWithoutAJob: a restart took its job and left its row. A job that
// somebody builds, or any of this service, may be ours after all.
func (s *sight) queuedRowWithoutAJob() *Decision {
	f, q := &s.finding, s.shown()
	if !s.rowWaits() || q == nil || slices.ContainsFunc(q.Jobs, func(j dokploy.Job) bool { return j.Active || j.ServiceID == s.order.ServiceID }) {
		f.aloneSince = time.Time{}
		return nil
	}
	if f.aloneSince.IsZero() {
		f.aloneSince = s.o.At
	}
	return lostIf(s.o.quiet(f.aloneSince) >= comeback, verdict.ForgottenQueued)
}

func (s *sight) queuedRowWaits() *Decision {
	if !s.rowWaits() {
		return nil
	}
	s.notMissing()
	s.left, s.doing = verdict.StillQueued, DoingQueuedRow
	s.pace.Most = 2 * time.Second
	if s.finding.said != s.ours.ID {
		s.finding.said = s.ours.ID
		s.restart = true
		s.tell(Event{Kind: QueuedRow})
	}
	return pending()
}

// cancelledBeforeItBegan: a restart did that. What it takes it may bring back.
func (s *sight) cancelledBeforeItBegan() *Decision {
	if s.ours != nil && s.ours.Status == dokploy.StatusCancelled && s.ours.StartedAt.IsZero() && s.ours.FinishedAt.IsZero() {
		s.ours, s.finding.cancelled = nil, true
	}
	return nil
}

func (s *sight) marked() *Decision {
	if s.ours == nil {
		return nil
	}
	return s.claim(s.ours)
}

// undecided: it is in the queue, or an only candidate is being looked at again.
func (s *sight) undecided() *Decision {
	s.finding.notBegun = s.o.At
	if s.job != nil || len(s.candidates) > 0 && s.finding.soleLooks > 0 {
		return pending()
	}
	return nil
}

// claim takes a row as ours; from now on its id decides.
func (s *sight) claim(row *dokploy.Deployment) *Decision {
	if s.queue != QueueSeen && s.order.Traits.QueueSurvivesRestart && row.Status == dokploy.StatusRunning {
		// Which services has a restart left as running forever? Such a server
		// builds one at a time, and now ours. Without it the end only takes
		// longer to confirm.
		if d := s.want(Running); d != nil {
			return d
		}
		s.finding.stuck = slices.DeleteFunc(slices.Clone(s.o.Running), func(id string) bool { return id == s.order.ServiceID })
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
