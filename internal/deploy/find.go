package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

const (
	// goneAfter is how long a job that was seen may be in neither the queue
	// nor the rows: rows of remote servers come up to a second after it.
	goneAfter = 5 * time.Second
	// neverAfter is the same for a job that was never seen in the queue.
	neverAfter = 10 * time.Second
	// idleAfter is how long a server without a queue to look at may be idle
	// with a trigger whose answer was lost and no new deployment.
	idleAfter = time.Minute
)

// comeback is how long Dokploy must have answered after a restart before a job
// that it does not show is forgotten: some servers bring their queue back by
// themselves, within a second or two.
const comeback = 15 * time.Second

// quiet is for how long Dokploy has answered without a fault, at most since that
// moment.
func (r *run) quiet(since time.Time) time.Duration {
	for _, t := range []time.Time{r.back, r.client.LastFault()} {
		if t.After(since) {
			since = t
		}
	}
	return time.Since(since)
}

func anyActive(q *dokploy.Queue) bool {
	return slices.ContainsFunc(q.Jobs, func(j dokploy.Job) bool { return j.Active })
}

// rowAfter is how long after its processedOn a job has its row at the latest: a
// few ms were seen, up to a second for remote servers. Later ones are another's.
const rowAfter = 5 * time.Second

// keptRows are what Dokploy leaves of a service's rows when it makes another
// one (docs/dokploy.md, Deployment rows).
const keptRows = 10

// overwritten tells rows whose text Dokploy replaced with the commit's at the
// end (Git sources, docs/dokploy.md, Deployment rows): whose trigger made them is not to be seen.
func overwritten(row *dokploy.Deployment) bool {
	return row.Terminal() && strings.HasPrefix(row.Description, "Commit: ")
}

// hidesMarker reports whether our row loses its text at its end: a Git source's.
func (r *run) hidesMarker() bool {
	switch r.service.SourceType {
	case "git", "github", "gitlab", "gitea", "bitbucket":
		return r.o.Operation == "deploy"
	}
	return false
}

// overwritten tells such a row that may be this run's.
func (r *run) overwritten(row *dokploy.Deployment) bool {
	return r.hidesMarker() && overwritten(row)
}

// find waits until the deployment that the trigger made has a row, and holds
// it. It ends with a reason that says so when Dokploy has it no more.
func (r *run) find(ctx context.Context) error {
	f := &finder{run: r, foreign: map[string]bool{}}
	pace := wait.NewBackoff(80*time.Millisecond, 2*time.Second)
	f.pace = pace
	loop := r.loop(pace)
	// A row appears 140 to 330 ms after the call (docs/dokploy.md, Deployment rows).
	loop.PauseFirst = true
	return loop.Run(ctx, f.look)
}

// finder is what find remembers between its looks.
type finder struct {
	*run
	pace      *backoff.ExponentialBackOff
	foreign   map[string]bool // new rows that are certainly another's
	actives   []time.Time     // processedOn of others' jobs of this service
	others    bool            // such were in the queue when ours was no more
	goneSince time.Time
	gone      int             // looks that saw neither job nor row
	listed    map[string]bool // the rows at the last look that saw ours waiting
	before    map[string]bool // rows that were there while ours waited
	shown     map[string]bool // the rows at the first look that saw ours in the queue no more; nil: none did
	queuedRow string          // id of our row from before it began; empty: not seen
	cancelled bool            // our row was cancelled before it began
	alone     int             // looks that saw one candidate and nothing else

	aloneSince time.Time
	idleAsked  time.Time
	barred     int                  // looks at which only the queue could not be read
	activeSeen time.Time            // our clock, when the job was last seen active
	all        []dokploy.Deployment // the rows, by their start
	new        []dokploy.Deployment // all rows that were not there before, by their start
	said       string
	ahead      ahead
}

func (f *finder) look(ctx context.Context) (wait.State, error) {
	r := f.run
	// The queue first: a job that is not in it any more has its row.
	var (
		q   *dokploy.Queue
		job *dokploy.Job
		err error
	)
	if r.job != nil && r.job.Active && time.Since(f.activeSeen) < time.Second {
		job = r.job // it has only just been seen
	} else if q, err = r.readQueue(ctx); err != nil {
		return wait.Pending, f.blocked(ctx, err)
	}
	if err := f.firstLook(ctx, q); err != nil {
		return wait.Pending, err
	}
	if q != nil {
		f.noteActives(q)
		if job = r.ourJob(q); job != nil {
			f.goneSince, f.gone, f.alone, f.shown = time.Time{}, 0, 0, nil
			first := r.job == nil
			progressed := first || r.job.Active != job.Active
			r.remember(q, job)
			if !job.Active {
				f.listWhileWaiting(ctx)
				return f.waiting(ctx, q, job), nil
			}
			f.activeSeen = time.Now()
			r.left = verdict.BeingStarted
			if progressed && !first {
				f.pace.Reset()
			}
		} else if slices.ContainsFunc(q.Jobs, func(j dokploy.Job) bool { return j.ServiceID == r.service.ID }) {
			f.others = true
		}
	}
	rows, err := r.client.Deployments(ctx, r.service.Kind, r.service.ID)
	if err != nil {
		return wait.Pending, err
	}
	r.countOutage()
	candidates, row := f.sort(rows)
	if q != nil && job == nil && f.shown == nil && (len(rows) > 0 || len(f.known) == 0) {
		f.shown = idsOf(rows)
	}
	if row != nil && row.Status == dokploy.StatusQueued { //rule:queued-row-waits
		return f.waitingRow(row), nil
	}
	if row != nil && row.Status == dokploy.StatusCancelled && row.StartedAt.IsZero() && row.FinishedAt.IsZero() { //rule:cancelled-before-it-began
		// A restart did that, before it began. What it takes it may bring back.
		row, f.cancelled = nil, true
	}
	if row == nil {
		row, err = f.choose(ctx, candidates, job)
		if err != nil {
			return wait.Pending, err
		}
	}
	if row != nil {
		r.hold(row)
		f.noteStuck(ctx)
		if text := sharedLog(row, rows); text != "" {
			r.warn("%s", text)
		}
		return wait.Done, nil
	}
	r.notBegun = time.Now()
	if job != nil || len(candidates) > 0 && f.undecided() {
		return wait.Pending, nil
	}
	return f.missing(ctx, q, candidates)
}

// blocked tells a queue that something in between does not let through, while
// everything else can be read, from an outage: the first is done without.
func (f *finder) blocked(ctx context.Context, queueErr error) error {
	if f.queue != queueUntried {
		return queueErr
	}
	if _, err := f.client.Deployments(ctx, f.service.Kind, f.service.ID); err != nil {
		return queueErr
	}
	if f.barred++; f.barred >= 3 { //rule:barred-queue
		what, _ := dokploy.Explain(queueErr)
		f.warn("Dokploy's queue cannot be read (%s); going on without it", what)
		f.queue = queueNone
		return nil
	}
	return queueErr
}

// noteActives keeps when others' jobs of this service began.
func (f *finder) noteActives(q *dokploy.Queue) {
	for i := range q.Jobs {
		j := &q.Jobs[i]
		if j.ServiceID == f.service.ID && j.Active && !j.ProcessedOn.IsZero() && !f.ours(j.Description) && !slices.ContainsFunc(f.actives, j.ProcessedOn.Equal) {
			f.actives = append(f.actives, j.ProcessedOn)
		}
	}
}

// ofActive tells the row of another's job that was seen active: the first one
// since that began.
func (f *finder) ofActive(row *dokploy.Deployment) bool {
	return slices.ContainsFunc(f.actives, func(on time.Time) bool {
		i := slices.IndexFunc(f.all, func(d dokploy.Deployment) bool { return !d.StartedAt.Before(on) })
		return i >= 0 && f.all[i].ID == row.ID && row.StartedAt.Sub(on) <= rowAfter
	})
}

// sort tells new rows that are ours by the marker from those that may be.
func (f *finder) sort(rows []dokploy.Deployment) (candidates []dokploy.Deployment, ours *dokploy.Deployment) {
	slices.SortFunc(rows, func(a, b dokploy.Deployment) int { return a.StartedAt.Compare(b.StartedAt) })
	// What waits has a row only on some servers, and no place among those that began.
	started := slices.DeleteFunc(slices.Clone(rows), func(row dokploy.Deployment) bool { return row.Status == dokploy.StatusQueued })
	f.all = started
	f.new = slices.DeleteFunc(slices.Clone(started), func(row dokploy.Deployment) bool { return f.known[row.ID] })
	for i := range rows {
		row := &rows[i]
		switch {
		case f.known[row.ID] || f.foreign[row.ID]:
		case row.ID == f.queuedRow:
			ours = row // whatever it is called by now
		case row.Status == dokploy.StatusQueued:
			if !f.sent.unmarked && f.ours(row.Description) {
				f.queuedRow = row.ID
				if ours == nil {
					ours = row
				}
			}
		case !f.sent.unmarked && f.service.ServerID == "" && !f.ours(row.Description) && f.ofActive(row): //rule:others-active-job
			f.foreign[row.ID] = true
		case f.sent.unmarked && !f.before[row.ID] && f.mine(row.Title, row.Description):
			candidates = append(candidates, *row)
		case f.ours(row.Description):
			// After a second run by BullMQ the newest is the one that counts.
			if ours == nil || row.StartedAt.After(ours.StartedAt) {
				ours = row
			}
		case f.before[row.ID]: //rule:listed-while-ours-waited
			f.foreign[row.ID] = true
		case f.sent.unmarked || !f.overwritten(row): //rule:others-text
			// It shows another's text, and keeps showing it.
			if row.Status == dokploy.StatusRunning || row.Terminal() {
				f.foreign[row.ID] = true
			}
		default:
			candidates = append(candidates, *row)
		}
	}
	return candidates, ours
}

// choose decides by what is left when the marker is gone: new ids, the
// server's own times and the order in the queue. It never guesses.
func (f *finder) choose(ctx context.Context, candidates []dokploy.Deployment, job *dokploy.Job) (*dokploy.Deployment, error) {
	if len(candidates) == 0 {
		f.alone = 0
		return nil, nil
	}
	r := f.run
	// What waits in a queue that is not to be seen shows its marker later.
	hidden := r.queue != queueSeen
	switch {
	case r.job != nil && !r.job.ProcessedOn.IsZero(): //rule:first-row-since-the-job
		// The first row that started after our job did: both by the clock of
		// one process, so no slack is due. Deployments of one service run one
		// after the other, but for a Git webhook's on a remote server
		// (docs/dokploy.md, Remote servers).
		before := func(d dokploy.Deployment) bool { return d.StartedAt.Before(r.job.ProcessedOn) }
		after := slices.DeleteFunc(slices.Clone(candidates), before)
		first := slices.DeleteFunc(slices.Clone(f.new), before)
		switch {
		case len(after) == 0:
			return nil, nil
		case f.pushedOut(r.job.ProcessedOn), len(after) > 1 && r.outages > 0 && r.traits.QueueSurvivesRestart: //rule:pushed-out-or-run-twice
			// Gone, or BullMQ may have run ours twice.
			return nil, cannotTell(after)
		case after[0].StartedAt.Sub(r.job.ProcessedOn) > rowAfter: //rule:row-too-late
			if job != nil {
				return nil, nil // BullMQ will run it again
			}
			return nil, cannotTell(after)
		case r.service.ServerID == "" && first[0].ID != after[0].ID: //rule:another-came-first
			// Another's came right after it: ours has left no row.
			return nil, cannotTell(after)
		case len(after) > 1 && r.service.ServerID != "" && after[1].StartedAt.Sub(after[0].StartedAt) < 2*time.Second: //rule:remote-side-by-side
			return nil, cannotTell(after)
		}
		return &after[0], nil
	case job != nil:
		return nil, nil
	case r.restarted() && r.queue == queueSeen: //rule:restart-before-it-was-found
		// A restart may have lost ours, and left another's; or ours comes back.
		f.alone = 0
		return nil, nil
	}
	if r.queue == queueSeen && f.shown != nil { //rule:not-in-the-first-list
		// A job that is in the queue no more has its row: what comes later is
		// another's.
		candidates = slices.DeleteFunc(slices.Clone(candidates), func(d dokploy.Deployment) bool { return !f.shown[d.ID] })
		if len(candidates) == 0 {
			f.alone = 0
			return nil, nil
		}
	}
	switch {
	case r.job != nil: //rule:order-of-the-queue
		return f.byOrder()
	case len(candidates) > 1 && !hidden: //rule:two-candidates
		return nil, cannotTell(candidates)
	}
	// One new row and nothing known of the job. Another one may still come to
	// light, so a second and a third look must agree.
	if f.alone++; f.alone == 1 {
		f.aloneSince = time.Now()
	}
	switch {
	case r.unconfirmed && f.alone >= 3 && !hidden: //rule:unconfirmed-candidate
		// Whether ours exists at all is not known.
		return nil, cannotTell(candidates)
	case f.alone < 3 || r.queue != queueSeen && time.Since(f.aloneSince) < 2*time.Second: //rule:three-looks-agree
		return nil, nil
	case !hidden && f.pushedOut(time.Time{}): //rule:only-candidate-pushed-out
		return nil, cannotTell(candidates)
	case !hidden:
		return &candidates[0], nil
	}
	// Ours may still wait, but only while something is being built.
	f.pace.MaxInterval = time.Second
	r.left = verdict.MaybeOurs
	idle, err := f.idle(ctx)
	switch {
	case err != nil || idle < gapAfter && !f.pushedOut(time.Time{}): //rule:hidden-queue-has-work
		return nil, err
	case len(candidates) > 1 || r.unconfirmed || r.outages > 0 || f.pushedOut(time.Time{}): //rule:hidden-queue-doubts
		return nil, cannotTell(candidates)
	}
	return &candidates[0], nil
}

// pushedOut reports whether newer rows may have pushed out one that began at that
// time; zero: since the trigger.
func (f *finder) pushedOut(at time.Time) bool {
	if len(f.all) < keptRows {
		return false
	}
	if at.IsZero() {
		return len(f.new) == len(f.all)
	}
	return !f.all[0].StartedAt.Before(at)
}

// gapAfter is how long no service may be running between two deployments of
// one queue: on a remote server a row ends up to a second before its job, and
// comes up to a second after it (docs/dokploy.md, Remote servers).
const gapAfter = 3 * time.Second

// idle tells for how long Dokploy has had nothing to do. Longer than a gap
// between two deployments, and nothing waits in its queue either.
func (r *run) idle(ctx context.Context) (time.Duration, error) {
	projects, err := r.client.Projects(ctx)
	switch {
	case err != nil:
		return 0, err
	case r.busy(running(projects)):
		r.idleSince = time.Time{}
		return 0, nil
	case r.idleSince.IsZero():
		r.idleSince = time.Now()
	}
	return time.Since(r.idleSince), nil
}

// byOrder decides for a job that was last seen waiting: what started since
// then came in the order of the queue.
func (f *finder) byOrder() (*dokploy.Deployment, error) {
	r := f.run
	c := r.stood.clue
	if c.from.IsZero() {
		return nil, cannotTell(f.new)
	}
	var since []dokploy.Deployment
	for _, row := range f.all {
		// Those that were there before the trigger began before it; but one may
		// be the active job's, which the order counts.
		if !row.StartedAt.Before(c.from) && (r.stood.active > 0 || !f.known[row.ID] && !f.before[row.ID]) {
			since = append(since, row)
		}
	}
	switch {
	case f.pushedOut(c.from), r.service.ServerID != "" && len(since) > 0 && (f.others || len(since) > c.index+1): //rule:order-pushed-out-or-remote
		// To a remote server a Git webhook's stands in no line, and one that
		// refuses SSH may leave no row (docs/dokploy.md, Remote servers).
		return nil, cannotTell(since)
	case len(since) <= c.index:
		return nil, nil
	case c.exact && len(since) > c.index+1: //rule:order-must-be-exact
		return nil, cannotTell(since)
	case f.foreign[since[c.index].ID], f.known[since[c.index].ID], !f.shown[since[c.index].ID]: //rule:order-names-anothers
		return nil, cannotTell(since)
	case since[c.index].StartedAt.Before(r.latest): //rule:order-while-ours-waited
		// Ours still waited then: BullMQ ran another one again.
		return nil, cannotTell(since)
	case slices.ContainsFunc(since[:c.index], func(d dokploy.Deployment) bool { return d.Status == dokploy.StatusCancelled }): //rule:order-over-a-restart
		// A restart: it takes what waits, or runs what it cancelled again.
		return nil, cannotTell(since)
	}
	return &since[c.index], nil
}

// listWhileWaiting keeps what is listed while ours waits: if it still waits at
// the next look, none of that is ours. It is worth a request only where a row
// may hide its marker.
func (f *finder) listWhileWaiting(ctx context.Context) {
	r := f.run
	if f.before == nil {
		f.before = map[string]bool{}
	}
	for id := range f.listed {
		f.before[id] = true
	}
	f.listed = nil
	if !r.sent.unmarked && !r.hidesMarker() {
		return
	}
	rows, err := r.client.Deployments(ctx, r.service.Kind, r.service.ID)
	if err != nil {
		return // the queue was read, and the next look asks again
	}
	f.listed = map[string]bool{}
	for i := range rows {
		switch row := &rows[i]; {
		case row.Status != dokploy.StatusQueued:
			f.listed[row.ID] = true
		case r.ours(row.Description):
			f.queuedRow = row.ID
		}
	}
}

// waitingRow waits for a row that is ours and has not begun.
func (f *finder) waitingRow(row *dokploy.Deployment) wait.State {
	f.goneSince, f.gone, f.alone, f.shown = time.Time{}, 0, 0, nil
	f.left, f.detail = verdict.StillQueued, ""
	f.screen.doing(func() string { return "still queued" })
	f.pace.MaxInterval = 2 * time.Second
	if f.said != row.ID {
		f.said = row.ID
		f.note("queued")
		return wait.Progress
	}
	return wait.Pending
}

// undecided: a single candidate is still being looked at again.
func (f *finder) undecided() bool { return f.alone > 0 }

// cannotTell ends the run without a guess.
func cannotTell(rows []dokploy.Deployment) error {
	var list []string
	for _, row := range rows {
		list = append(list, fmt.Sprintf("%s (%s)", row.ID, row.Status))
	}
	return verdict.Reason{Kind: verdict.Ambiguous, Text: strings.Join(list, ", ")}.Err()
}

// remember keeps what the queue shows of our job and those around it.
func (r *run) remember(q *dokploy.Queue, job *dokploy.Job) {
	if r.job == nil && r.outages == 0 {
		// After an outage it may be what a database says.
		r.queuedAt, r.latest = job.QueuedAt, job.QueuedAt
		r.clock = serverClock{job.QueuedAt, r.takenAt}
	}
	seen := *job
	r.job, r.jobOutages = &seen, r.outages
	if job.Active {
		return
	}
	if latest := latestOf(q); latest.After(r.latest) {
		r.latest = latest
	}
	r.stood = stand(q, job, r.stood, r.latest, r.traits.QueueSurvivesRestart)
}

// restarted reports whether Dokploy may have restarted since our job was last
// seen in its queue. BullMQ changes its order, so there it is since the trigger.
func (r *run) restarted() bool {
	return r.outages > r.jobOutages || r.outages > 0 && r.traits.QueueSurvivesRestart
}

// waiting reports the place in the queue.
func (f *finder) waiting(ctx context.Context, q *dokploy.Queue, job *dokploy.Job) wait.State {
	if f.verifier != nil {
		f.verifier.lookWhileQueued(ctx)
	}
	p, clock := placeOf(q, job, f.serviceName), f.clock
	late := f.ahead.look(ctx, f.run, p, clock.now())
	f.left, f.detail = verdict.StillQueued, p.waitsFor(clock.now())
	f.screen.doing(func() string { return "still " + p.text(clock.now()) })
	limit := 4 * time.Second
	if p.number == 1 {
		// Its turn may come any moment; less likely so the longer it takes.
		limit = min(max(time.Since(f.triggered)/60, time.Second), limit)
	}
	f.pace.MaxInterval = limit
	if late != "" {
		f.answers()
		f.warn("%s", late)
	}
	if key := p.text(time.Time{}); key != f.said {
		f.said = key
		f.answers()
		f.note("%s", p.text(clock.now()))
		return wait.Progress
	}
	return wait.Pending
}

// missing counts looks that saw neither job nor row, until that is certain.
func (f *finder) missing(ctx context.Context, q *dokploy.Queue, candidates []dokploy.Deployment) (wait.State, error) {
	r := f.run
	if q == nil {
		return f.missingUnseen(ctx)
	}
	if f.goneSince.IsZero() {
		f.goneSince = time.Now()
	}
	f.gone++
	if f.gone >= 3 { // between two requests it is in neither at times
		f.left = verdict.ShownNowhere
		f.screen.doing(func() string {
			return "waiting for the deployment, which Dokploy shows neither in its queue nor in its list"
		})
	}
	limit := goneAfter
	if r.job == nil {
		limit = neverAfter
	}
	if f.gone < 3 || time.Since(f.goneSince) < limit || !f.removed(q) && !f.atWork(q) && r.quiet(f.goneSince) < comeback { //rule:gone-for-long-enough
		f.pace.MaxInterval = time.Second
		return wait.Pending, nil
	}
	// A row that was cancelled before it began is of no deployment that ran.
	candidates = slices.DeleteFunc(candidates, func(d dokploy.Deployment) bool { return d.Terminal() && d.StartedAt.IsZero() })
	switch {
	case f.sent.unmarked && len(r.unmarkedJobs(q)) > 0: //rule:gone-upload-is-unclear
		// What came back after a restart, or somebody's from the dashboard.
		return wait.Pending, errWhichUpload
	case len(candidates) > 0: //rule:gone-but-candidates
		// One of them may be ours: it is not certain that Dokploy lost it.
		return wait.Pending, cannotTell(candidates)
	case f.cancelled: //rule:gone-cancelled-by-restart
		return wait.Pending, verdict.Reason{Kind: verdict.CancelledByRestart}.Err()
	case f.pushedOut(time.Time{}): //rule:gone-pushed-out
		return wait.Pending, verdict.Reason{Kind: verdict.PushedOut}.Err()
	case f.removed(q): //rule:gone-removed-by-somebody
		return wait.Pending, verdict.Reason{Kind: verdict.RemovedFromQueue}.Err()
	case r.job != nil && !r.job.Active: //rule:gone-while-queued
		return wait.Pending, verdict.Reason{Kind: verdict.ForgottenQueued}.Err()
	case r.outages > 0: //rule:gone-in-a-restart
		return wait.Pending, verdict.Reason{Kind: verdict.ForgottenInRestart}.Err()
	case r.job != nil:
		return wait.Pending, verdict.Reason{Kind: verdict.TakenWithoutTrace}.Err()
	}
	return wait.Pending, verdict.Reason{Kind: verdict.ShownNowhereAccepted}.Err()
}

// removed reports whether somebody took our job from the queue: others that
// waited beside it still do. A restart takes all of them, whoever cleans a queue
// only those of one service.
func (f *finder) removed(q *dokploy.Queue) bool {
	return f.job != nil && !f.job.Active && f.outages == 0 &&
		slices.ContainsFunc(q.Jobs, func(j dokploy.Job) bool { return f.stood.beside[j.Key()] })
}

// atWork reports whether Dokploy's worker runs: a job is active, or a row began
// since ours was first missed. Jobs that a server brings back after a restart
// are in its queue before that.
func (f *finder) atWork(q *dokploy.Queue) bool {
	return anyActive(q) || slices.ContainsFunc(f.all, func(row dokploy.Deployment) bool { return f.shown != nil && !f.shown[row.ID] })
}

// missingUnseen waits on a server whose queue is not to be seen: a deployment
// that waits there is invisible. A server that has nothing to do for long
// enough has lost it.
func (f *finder) missingUnseen(ctx context.Context) (wait.State, error) {
	f.left = verdict.NotBegun
	f.screen.doing(func() string { return "no deployment has begun yet; this Dokploy does not show its queue" })
	f.pace.MaxInterval = 3 * time.Second
	if time.Since(f.idleAsked) < 8*time.Second {
		return wait.Pending, nil
	}
	f.idleAsked = time.Now()
	idle, err := f.idle(ctx)
	switch {
	case err != nil:
		return wait.Pending, err
	case f.pushedOut(time.Time{}) && idle >= gapAfter: //rule:hidden-pushed-out
		return wait.Pending, verdict.Reason{Kind: verdict.HiddenPushedOut}.Err()
	case f.unconfirmed && idle >= idleAfter: //rule:hidden-unconfirmed
		return wait.Pending, verdict.Reason{Kind: verdict.HiddenUnconfirmed, For: idleAfter}.Err()
	case idle >= secondRun && time.Since(f.back) >= secondRun: //rule:hidden-idle
		return wait.Pending, verdict.Reason{Kind: verdict.HiddenIdle, For: secondRun}.Err()
	}
	return wait.Pending, nil
}

// noteStuck notes which services a restart has left as running forever: a
// server with BullMQ builds one at a time, and now ours.
func (r *run) noteStuck(ctx context.Context) {
	if r.queue == queueSeen || !r.traits.QueueSurvivesRestart || r.row.Status != dokploy.StatusRunning {
		return
	}
	// Without it the end only takes longer to confirm.
	if projects, err := r.client.Projects(ctx); err == nil {
		r.stuck = running(projects)
		delete(r.stuck, r.service.ID)
	}
}

// running are the services that are being deployed, as far as they show.
func running(projects []dokploy.Project) map[string]bool {
	ids := map[string]bool{}
	for _, p := range projects {
		for _, e := range p.Environments {
			for _, s := range e.Services {
				if s.Status == dokploy.StatusRunning {
					ids[s.ID] = true
				}
			}
		}
	}
	return ids
}

// busy reports whether a service is being deployed that is not stuck.
func (r *run) busy(running map[string]bool) bool {
	for id := range running {
		if !r.stuck[id] {
			return true
		}
	}
	return false
}

// hold takes a row as ours; from now on its id decides.
func (r *run) hold(row *dokploy.Deployment) {
	held := *row
	r.row = &held
	r.result.DeploymentID = row.ID
	r.known[row.ID] = true
}
