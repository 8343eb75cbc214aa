package track

import (
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

const (
	// vanishedAfter is how long a held row must be missing: one odd answer
	// decides nothing.
	vanishedAfter = 3 * time.Second
	// stuckAfter is how long a job may be gone while its row is running: the
	// row ends up to a second before or after its job (docs/dokploy.md, Remote
	// servers).
	stuckAfter = 10 * time.Second
	// askQueueEvery is how often the queue is read while the row is running.
	askQueueEvery = 20 * time.Second
)

// holding is remembered while a row is held.
type holding struct {
	row   *dokploy.Deployment // nil: none
	fresh bool                // it has not been read again since it was found

	queueAsked   time.Time // when the queue was last read
	missingLooks int
	missingSince time.Time
	jobGone      time.Time // since when the job has been missing from the queue
	goneLooks    int
	unknown      string // the unknown status that was reported
}

// begin holds a row that was just found.
func (s *sight) begin(row *dokploy.Deployment) {
	found := *row
	s.oldRows = s.oldRows.with(row.ID)
	s.held = holding{row: &found, fresh: true, queueAsked: s.o.At}
	s.enter(Held)
	s.left, s.doing = verdict.Running, DoingRunning
	// A row that was found running was seen a moment ago.
	s.restart, s.now = true, row.Status != dokploy.StatusRunning
}

// waited returns how long it waited to start; zero if that was not seen.
func (s *sight) waited(row *dokploy.Deployment) time.Duration {
	if !s.trail.queuedAt.IsZero() {
		return row.StartedAt.Sub(s.trail.queuedAt)
	}
	if waited := s.search.notBegun.Sub(s.order.SentAt); waited >= 5*time.Second {
		return waited
	}
	return 0
}

// watching are the rules that decide whether a held row is still alive, judging
// those that judge it by its status, which is the verdict.
var watching = []rule{
	{"preview-gone", (*sight).previewGone},
	{"runs-again-beside", (*sight).runsAgainBeside},
	{"push-runs-again-beside", (*sight).pushRunsAgain},
	{"row-vanished", (*sight).vanished},
	{"row-without-a-job", (*sight).stuck},
}

var judging = []rule{
	{"runs", (*sight).runs},
	{"unknown-status-is-waited-for", (*sight).unknownStatus},
	{"cancelled-runs-again", (*sight).cancelledRunsAgain},
	{"cancelled-may-come-back", (*sight).cancelledMayComeBack},
	{"ended-in-a-restart", (*sight).endedInARestart},
	{"ended-beside-its-job", (*sight).endedBesideItsJob},
	{"ended", (*sight).ended},
}

// watchRow looks at the held row. The queue tells, now and then, whether anything
// is still at work for it. It is asked first, so that a job that is gone is one
// whose row has had its last word.
func (s *sight) watchRow() *Decision {
	h := &s.held
	if h.fresh && h.row.Terminal() {
		h.fresh = false // it is judged as found
		return s.first(judging)
	}
	h.fresh = false
	if d := s.queueNowAndThen(); d != nil {
		return d
	}
	if d := s.need(Rows); d != nil && (!d.Fault || !s.o.Gone) {
		return d
	}
	// If the service is gone, so are its rows (up to 0.28.6).
	if s.listed = s.listHeld(); s.listed {
		h.missingLooks, h.missingSince = 0, time.Time{}
	}
	d := s.first(watching)
	if d == nil {
		d = s.first(judging)
	}
	s.pace = paces[s.phase]
	if s.phase == Held && (h.missingLooks > 0 || s.preview.looks > 0 || !h.jobGone.IsZero()) {
		s.pace = Pace{First: 2 * time.Second, Most: 2 * time.Second}
	}
	return d
}

// listHeld takes the current version of the held row from the list; false: it
// is missing.
func (s *sight) listHeld() bool {
	i := slices.IndexFunc(s.o.Rows, func(row dokploy.Deployment) bool { return row.ID == s.held.row.ID })
	if i < 0 {
		return false
	}
	row := s.o.Rows[i]
	s.held.row = &row
	return true
}

func (s *sight) queueNowAndThen() *Decision {
	h := &s.held
	if s.queue != QueueSeen || s.o.Start.Sub(h.queueAsked) < askQueueEvery && h.jobGone.IsZero() {
		return nil
	}
	h.queueAsked = s.o.At
	if d := s.need(Queue); d != nil {
		return d
	}
	s.job = s.ourJob(s.shown())
	s.noteTwins(s.shown(), s.job)
	if jobs := s.uploadJobs(s.shown()); s.order.Upload && s.trail.seen == nil && len(jobs) > 0 {
		s.job = jobs[0] // its row was found first: any job that looks like it may be it
	}
	if s.job != nil {
		h.jobGone, h.goneLooks = time.Time{}, 0
	}
	return nil
}

// runsAgainBeside: a later row with the marker is a second run, whatever became
// of the first one's row.
func (s *sight) runsAgainBeside() *Decision {
	if row := s.begunSince(s.held.row.StartedAt); row != nil {
		return s.beginAgain(row)
	}
	return nil
}

// vanished: rows are removed only by hand, or by ten newer ones.
func (s *sight) vanished() *Decision {
	h := &s.held
	if s.listed {
		return nil
	}
	if h.missingLooks++; h.missingLooks == 1 {
		h.missingSince = s.o.At
	}
	limit := vanishedAfter
	if s.order.Preview != 0 { //rule:rows-go-before-their-preview
		limit = removedAfter
	}
	if h.missingLooks >= 3 && s.o.At.Sub(h.missingSince) >= limit { //rule:vanished-for-long-enough
		return end(verdict.Reason{Kind: verdict.RowVanished, Name: h.row.ID})
	}
	return pending()
}

// stuck counts looks at a running row without a job. Dokploy leaves such a row
// forever when the connection to a remote server broke (docs/dokploy.md, Remote
// servers).
func (s *sight) stuck() *Decision {
	h := &s.held
	if h.row.Terminal() || s.shown() == nil || s.job != nil {
		return nil
	}
	if h.goneLooks++; h.goneLooks == 1 {
		h.jobGone = s.o.At
	}
	if h.goneLooks >= 3 && s.o.At.Sub(h.jobGone) >= stuckAfter && (s.o.Outages == 0 || s.o.quiet(h.jobGone) >= comeback) { //rule:stuck-for-long-enough
		if rows := s.laterPushes(); len(rows) > 0 { //rule:stuck-or-ran-again
			return ambiguous(append(rows, *h.row))
		}
		return end(s.stuckAs())
	}
	return pending()
}

// stuckAs says how a row without a job is reported, and what may have caused
// it.
func (s *sight) stuckAs() verdict.Reason {
	r := verdict.Reason{Kind: verdict.StuckUnexplained, Name: s.held.row.Status}
	switch {
	case s.order.Remote:
		r.Kind = verdict.StuckConnection
	case s.o.Outages > 0:
		r.Kind = verdict.StuckRestart
	}
	return r
}

// runs: it is still running. A restart that leaves rows running (before 0.25.4)
// shows by a later row: the queue continues, and BullMQ runs one deployment of
// a service at a time.
func (s *sight) runs() *Decision {
	h := &s.held
	if h.row.Status != dokploy.StatusRunning && h.row.Status != dokploy.StatusQueued {
		return nil
	}
	s.leftRunning()
	return pending()
}

func (s *sight) leftRunning() {
	later := func(d dokploy.Deployment) bool { return d.StartedAt.After(s.held.row.StartedAt) }
	if s.order.Traits.LeavesRowsRunning && slices.ContainsFunc(s.o.Rows, later) { //rule:left-running-by-a-restart
		s.lookAgain(secondRun, verdict.MayRunAgain)
	}
}

func (s *sight) unknownStatus() *Decision {
	h := &s.held
	if h.row.Terminal() {
		return nil
	}
	if h.unknown != h.row.Status {
		h.unknown = h.row.Status
		s.tell(Event{Kind: UnknownStatus, Status: h.row.Status})
	}
	s.leftRunning()
	return pending()
}

// cancelledRunsAgain: up to 0.29.8 Dokploy reruns by itself what a restart
// cancelled, and leaves the service running until then. Another deployment of
// the service overwrites that status.
func (s *sight) cancelledRunsAgain() *Decision {
	row := s.held.row
	if row.Status != dokploy.StatusCancelled || !s.order.Traits.RerunsCancelled {
		return nil
	}
	if s.queue == QueueSeen {
		if d := s.need(Queue); d != nil {
			return d
		}
	}
	if d := s.need(Service); d != nil {
		return d
	}
	queued := s.shown() != nil && s.ourJob(s.shown()) != nil
	later := slices.ContainsFunc(s.o.Service.Deployments, func(d dokploy.Deployment) bool {
		return d.ID != row.ID && !d.StartedAt.Before(row.StartedAt)
	})
	if s.o.Service.Status != dokploy.StatusRunning && !later && !queued {
		return nil
	}
	s.lookAgain(secondRun, verdict.MayRunAgain)
	s.tell(Event{Kind: CancelledRunsAgain})
	return pending()
}

// cancelledMayComeBack: newer servers do so if they restore their queue after a
// restart.
func (s *sight) cancelledMayComeBack() *Decision {
	row := s.held.row
	if row.Status != dokploy.StatusCancelled || !row.FinishedAt.IsZero() || s.order.Traits.QueueSurvivesRestart {
		return nil
	}
	s.lookAgain(comeback, verdict.CancelledMayRunAgain)
	s.tell(Event{Kind: CancelledMayRunAgain})
	return pending()
}

// endedInARestart: its job may still be in the queue. On a remote server the
// row ends before its job; if a restart comes in between, a server that keeps
// its queue runs the job again.
func (s *sight) endedInARestart() *Decision {
	if s.held.row.Status == dokploy.StatusCancelled || s.o.Outages == 0 || s.queue != QueueSeen {
		return nil
	}
	s.enter(Confirming)
	s.now = true
	return pending()
}

// endedBesideItsJob: a push whose job was there a moment ago may run again
// after a restart that came before it was looked for.
func (s *sight) endedBesideItsJob() *Decision {
	if s.order.Commit == "" || s.held.row.Status == dokploy.StatusCancelled || s.queue != QueueSeen || s.o.Start.Sub(s.trail.activeAt) >= time.Second {
		return nil
	}
	s.enter(Confirming)
	s.now = true
	return pending()
}

func (s *sight) ended() *Decision { return &Decision{End: &End{Row: s.held.row}} }

// confirming are the rules for a row that ended after a restart.
var confirming = []rule{
	{"ended-but-still-queued", (*sight).endedButQueued},
	{"ended-and-ran-again", (*sight).endedAndRanAgain},
	{"ended-may-have-left-its-job", (*sight).mayHaveLeftItsJob},
	{"ended-with-another", (*sight).endedWithAnother},
	{"ended-for-good", (*sight).ended},
}

func (s *sight) confirm() *Decision {
	if d := s.need(Queue); d != nil {
		return d
	}
	return s.first(confirming)
}

func (s *sight) endedButQueued() *Decision {
	if s.ourJob(s.shown()) == nil {
		return nil
	}
	s.lookAgain(secondRun, verdict.EndedMayRunAgain)
	return pending()
}

// endedAndRanAgain: it may have run again and have ended.
func (s *sight) endedAndRanAgain() *Decision {
	if d := s.need(Rows); d != nil {
		return d
	}
	if !slices.ContainsFunc(s.o.Rows, func(row dokploy.Deployment) bool {
		return !s.oldRows.has(row.ID) && s.order.Marked(row.Description) && row.StartedAt.After(s.held.row.StartedAt)
	}) {
		return nil
	}
	s.lookAgain(secondRun, s.left)
	return pending()
}

// mayHaveLeftItsJob: a restart may have come between the end of the row and
// that of its job, and the job may still come back. On a remote server the two
// are half a second or more apart.
func (s *sight) mayHaveLeftItsJob() *Decision {
	if s.order.Traits.QueueSurvivesRestart || !s.order.Remote && !s.order.BuiltRemotely || s.o.quiet(s.o.BackAt) >= comeback || anyActive(s.shown()) {
		return nil
	}
	s.lookAgain(comeback, verdict.EndedMayRunAgain)
	return pending()
}

// endedWithAnother: a row may be the second run, over too fast to be seen.
func (s *sight) endedWithAnother() *Decision {
	if !s.order.Traits.QueueSurvivesRestart {
		return nil
	}
	rows := slices.DeleteFunc(slices.Clone(s.o.Rows), func(row dokploy.Deployment) bool {
		return s.oldRows.has(row.ID) || !s.order.lostItsText(&row) || row.StartedAt.Before(s.held.row.StartedAt)
	})
	if len(rows) > 0 {
		return ambiguous(append(rows, *s.held.row))
	}
	return nil
}
