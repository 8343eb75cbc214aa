package track_test

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
)

// A small Dokploy: its queue, the rows of one service, and what happens to them
// (docs/dokploy.md). It has no connection and no goroutine; the driver says how
// time passes. Times count from when the trigger was sent.

type queueKind int

const (
	inMemory queueKind = iota // since 0.29.9
	bullMQ                    // before
	kept                      // in a database, as some servers do
)

// setup is what stays the same in a history.
type setup struct {
	queue      queueKind
	hidden     bool // the queue cannot be read, and the server says so
	barred     bool // the queue cannot be read, and that looks like an outage
	knownAs    bool // hidden, and this is known from the beginning
	queuedRows bool // there is a row from the moment it is queued
	cancels    bool // a restart cancels the rows that were running
	commits    bool // a Git source's row ends with the commit's text
	unknown    bool // its version cannot be read
	builds     int  // builds at the same time in one queue

	git, upload   bool
	remote        string // the server of the service
	builtRemotely bool
	own           work

	history  int           // old rows
	lead     time.Duration // from the baseline to the trigger
	arrives  time.Duration // time until the trigger arrives
	lost     bool          // the trigger never arrives
	answered time.Duration // when its answer comes, or the wait for it ends
	answer   track.AnswerKind

	latency time.Duration // of a request, in each direction
	stream  bool          // a log wakes the look at the end

	theirs, ours time.Duration // how far the two clocks are off
	noise        bool          // the queue has unrelated jobs
}

// work is what one deployment does.
type work struct {
	rowAfter time.Duration // from its turn to its row
	takes    time.Duration
	textGap  time.Duration // from its end to the commit's text
	leaves   time.Duration // from there to the end of its job; negative: before its row's end
	outcome  string
	odd      odd
}

// odd is what may go wrong in a deployment to a remote server (docs/dokploy.md,
// Remote servers).
type odd int

const (
	usual       odd = iota
	noRow           // SSH is refused while 11 rows are kept
	refused         // SSH is refused at the start
	silent          // SSH is silent at the start
	breaksOff       // the connection breaks, and the row stays running
	cloneFailed     // so there is no commit
)

func (o odd) String() string {
	return [...]string{"", ", no row", ", refused", ", silent", ", breaks off", ", no clone"}[o]
}

// job is a job in the queue.
type job struct {
	*asked
	id        string
	number    int
	queued    time.Duration
	said      time.Duration // what the server reports as queued
	processed time.Duration
	active    bool
	stalled   bool // BullMQ: nobody has worked on it since a restart
	dead      bool // its process has ended
	restarts  int
	row       *row
	leaving   bool
}

// asked is a deployment that somebody requested.
type asked struct {
	work
	ours        bool
	leads       bool // events are counted from it
	service     int
	webhook     bool
	title, text string
	builds      string // the commit that its row ends as; empty: any
	shown       bool   // the run was shown its job
	noRow       bool   // it left no row
	cleaned     bool   // somebody removed its job from the queue
}

type row struct {
	asked *asked
	dokploy.Deployment
	ours    bool
	work    work
	text    string // the text that it was created with
	began   time.Duration
	ended   time.Duration
	listed  bool // the run was shown it
	shown   bool // the run was shown it with its own text
	removed bool // by hand
	pushed  bool // by newer ones
}

// services are ours and three others, one of them on each of two remote
// servers.
var services = [...]struct{ id, server string }{{"api", ""}, {"web", ""}, {"far", "r1"}, {"off", "r2"}}

// Timers.
type deed int

const (
	doEvent deed = iota
	doArrive
	doRow
	doEnd
	doText
	doLeave
	doUp
	doReturn
	doResume
	doStalled
	doSchedule
)

type timer struct {
	at   time.Duration
	seq  int
	do   deed
	job  *job
	life int
	n    int
}

type world struct {
	*setup
	events []event
	now    time.Duration
	timers []timer
	seq    int

	jobs    []*job
	journal []*job
	rows    []*row
	status  [len(services)]string
	stuck   bool // a service shows as running though nothing is at work
	number  int
	ids     int
	life    int
	down    bool
	hold    time.Duration
	outage  time.Duration // no request succeeds until then
	fault   time.Duration

	// The truth about ours.
	ownJob     *job // as it was queued
	builds     []*row
	every      []*row // including others'
	mine       []*row // including those that never began
	active     int    // how often it has had its turn
	cleaned    bool
	unseen     bool // something of ours was removed before the run could see it
	fired      [anchors]bool
	endedAt    time.Duration // of its last build
	restarts   []time.Duration
	removals   int
	othersGone bool // somebody removed a new row that was not ours
	badStart   bool
	noRows     bool

	jobShown, rowShown bool // shown to the run
}

// at0 is when the trigger is sent, on a correct clock.
var at0 = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)

func (w *world) serverTime(at time.Duration) time.Time {
	return at0.Add(w.theirs + at).Truncate(time.Millisecond)
}

const ourMarker = "[dd-ours]"

func newWorld(h *history) *world {
	w := &world{setup: &h.setup, events: h.events, now: -time.Hour, hold: -time.Hour, outage: -time.Hour, fault: -time.Hour}
	for i := range w.history {
		at := -time.Hour - time.Duration(w.history-i)*time.Minute
		w.rows = append(w.rows, &row{Deployment: dokploy.Deployment{
			ID: w.newID(), Title: "old", Description: "of long ago", Status: dokploy.StatusDone,
			StartedAt: w.serverTime(at), FinishedAt: w.serverTime(at + time.Second),
		}, began: at, ended: at + time.Second})
	}
	for i := range w.events {
		if e := &w.events[i]; e.from == sent {
			w.timer(timer{at: e.after, do: doEvent, n: i})
		}
	}
	if !w.lost {
		w.timer(timer{at: w.arrives, do: doArrive})
	}
	return w
}

func (w *world) newID() string {
	w.ids++
	return "r" + strconv.Itoa(w.ids)
}

func (w *world) timer(t timer) {
	w.seq++
	t.seq = w.seq
	w.timers = append(w.timers, t)
}

// advance lets time pass until that moment.
func (w *world) advance(to time.Duration) {
	for {
		next := -1
		for i := range w.timers {
			if t := &w.timers[i]; t.at <= to && (next < 0 || t.at < w.timers[next].at || t.at == w.timers[next].at && t.seq < w.timers[next].seq) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		t := w.timers[next]
		w.timers[next] = w.timers[len(w.timers)-1]
		w.timers = w.timers[:len(w.timers)-1]
		w.now = max(w.now, t.at)
		w.fire(t)
	}
	w.now = max(w.now, to)
}

func (w *world) fire(t timer) {
	if t.job != nil && t.job.dead {
		return
	}
	switch t.do {
	case doEvent:
		w.happen(w.events[t.n])
	case doArrive:
		// What BullMQ holds back while its Redis is missing is lost in a
		// restart.
		held := w.arrives > w.answered+20*time.Second && slices.ContainsFunc(w.restarts, func(at time.Duration) bool { return at > 0 })
		if !w.down && !held {
			a := &asked{work: w.own, ours: true, leads: true, title: "a deployment", text: "by the run " + ourMarker}
			if w.upload {
				a.title, a.text = track.UploadTitle, ""
			}
			w.ownJob = w.enqueue(a)
			w.anchor(taken)
		}
	case doRow:
		w.begin(t.job)
	case doEnd:
		w.end(t.job)
	case doText:
		w.commit(t.job)
	case doLeave:
		w.leave(t.job)
	case doSchedule:
		w.schedule()
	case doUp:
		w.up(t.life)
	case doReturn:
		w.bringBack(t.life)
	case doResume:
		if t.life == w.life {
			w.schedule()
		}
	case doStalled:
		w.resume(t.life)
	}
}

func (w *world) anchor(a anchor) {
	if w.fired[a] {
		return
	}
	w.fired[a] = true
	for i := range w.events {
		if e := &w.events[i]; e.from == a {
			w.timer(timer{at: w.now + e.after, do: doEvent, n: i})
		}
	}
}

func (w *world) happen(e event) {
	switch e.what {
	case deployment:
		if !w.down {
			w.enqueue(&asked{work: e.work, leads: e.leads, service: e.service, webhook: e.webhook, title: e.title, text: e.text, builds: e.builds})
			if e.leads {
				w.anchor(taken)
			}
		}
	case restart:
		w.restart(e)
	case outage:
		w.outage = max(w.outage, w.now+e.lasts)
	case fault:
		w.fault = max(w.fault, w.now+e.lasts)
	case clean:
		w.clean()
	case removal:
		w.remove(e.service)
	}
}

func (w *world) server(service int) string {
	if service == 0 {
		return w.remote
	}
	return services[service].server
}

// line returns the queue in which a job waits: a webhook's job names no server,
// and BullMQ has one queue.
func (w *world) line(j *job) string {
	if w.queue == bullMQ || j.webhook {
		return ""
	}
	return w.server(j.service)
}

func (w *world) enqueue(a *asked) *job {
	w.number++
	w.seq++
	j := &job{asked: a, id: w.jobID(), number: w.seq, queued: w.now, said: w.now}
	if w.queuedRows && a.service == 0 {
		j.row = w.queuedRow(j)
	}
	w.jobs = append(w.jobs, j)
	w.schedule()
	return j
}

func (w *world) jobID() string {
	if w.queue == bullMQ {
		return strconv.Itoa(w.number)
	}
	return "job-" + strconv.Itoa(w.number)
}

func (w *world) schedule() {
	if w.down || w.now < w.hold {
		return
	}
	for _, j := range w.jobs {
		if j.active {
			continue
		}
		line, busy, taken := w.line(j), 0, false
		for _, o := range w.jobs {
			if o.active && !o.stalled && w.line(o) == line {
				busy++
				taken = taken || o.service == j.service
			}
		}
		if most := w.setup.builds; busy < most && (w.queue != bullMQ || busy == 0) && !taken {
			w.activate(j)
		}
	}
}

func (w *world) activate(j *job) {
	j.active, j.stalled, j.processed = true, false, w.now
	w.status[j.service] = dokploy.StatusRunning
	after := j.rowAfter
	switch j.odd {
	case noRow:
		if j.row != nil || len(w.rows) <= 10 {
			w.timer(timer{at: w.now + after, do: doRow, job: j})
			break
		}
		w.timer(timer{at: w.now + 200*time.Millisecond, do: doLeave, job: j})
		w.stuck = true // its service shows as running
		j.noRow = true
		if j.ours {
			w.noRows = true
		}
	case silent:
		after = 20 * time.Second
		fallthrough
	default:
		w.timer(timer{at: w.now + after, do: doRow, job: j})
	}
	if j.ours {
		w.active++
	}
	if j.leads {
		w.anchor(atWork)
	}
}

func (w *world) queuedRow(j *job) *row {
	r := &row{Deployment: dokploy.Deployment{ID: w.newID(), Title: j.title, Description: j.text, Status: dokploy.StatusQueued}, asked: j.asked, ours: j.ours, work: j.work, text: j.text}
	w.add(r)
	return r
}

func (w *world) add(r *row) {
	w.rows, w.every = append(w.rows, r), append(w.every, r)
	if r.ours {
		w.mine = append(w.mine, r)
	}
}

// begin creates the row of a job, or begins the one that it has.
func (w *world) begin(j *job) {
	if j.service != 0 { // nobody looks at those rows
		w.timer(timer{at: w.now + j.takes, do: doEnd, job: j})
		return
	}
	w.trim()
	r := j.row
	if r == nil {
		r = &row{Deployment: dokploy.Deployment{ID: w.newID(), Title: j.title, Description: j.text}, asked: j.asked, ours: j.ours, work: j.work, text: j.text}
		w.add(r)
		j.row = r
	}
	r.Status, r.StartedAt, r.began = dokploy.StatusRunning, w.serverTime(w.now), w.now
	r.LogPath = "/log"
	if j.ours {
		w.builds = append(w.builds, r)
	}
	if j.leads {
		w.anchor(hasRow)
	}
	if j.odd == refused || j.odd == silent || j.odd == noRow {
		r.Status, r.FinishedAt, r.ended, r.LogPath = dokploy.StatusError, r.StartedAt, w.now, ""
		w.status[0] = dokploy.StatusError
		w.ends(j)
		w.timer(timer{at: w.now + 3*time.Millisecond, do: doLeave, job: j})
		return
	}
	w.timer(timer{at: w.now + j.takes, do: doEnd, job: j})
	if j.leaves < 0 && j.odd == usual {
		w.timer(timer{at: w.now + max(j.takes/2, j.takes+j.leaves, 5*time.Millisecond), do: doLeave, job: j})
	}
}

// trim leaves ten rows that have begun.
func (w *world) trim() {
	begun := 0
	for _, r := range slices.Backward(w.rows) {
		if r.Status == dokploy.StatusQueued {
			continue
		}
		if begun++; begun > 10 {
			r.pushed = true
		}
	}
	w.rows = slices.DeleteFunc(w.rows, func(r *row) bool { return r.pushed })
}

func (w *world) ends(j *job) {
	if j.ours {
		w.endedAt = w.now
	}
	if j.leads {
		w.anchor(hasEnded)
	}
}

func (w *world) end(j *job) {
	w.ends(j)
	if j.odd == breaksOff {
		w.stuck = true
		w.leave(j)
		return
	}
	if r := j.row; r != nil {
		r.Status, r.FinishedAt, r.ended = j.outcome, w.serverTime(w.now), w.now
	}
	w.status[j.service] = j.outcome
	w.timer(timer{at: w.now + j.textGap, do: doText, job: j})
}

func (w *world) commit(j *job) {
	if r := j.row; r != nil && w.git && w.commits && j.odd != cloneFailed {
		r.Title, r.Description = "fix: it", "Commit: "+cmp.Or(j.builds, "509b8da")
	}
	w.timer(timer{at: w.now + max(0, j.leaves), do: doLeave, job: j})
}

// leave removes a job from the queue. Its process continues to write.
func (w *world) leave(j *job) {
	if j.leaving {
		return
	}
	j.leaving = true
	w.jobs = slices.DeleteFunc(w.jobs, func(o *job) bool { return o == j })
	w.timer(timer{at: w.now, do: doSchedule})
}

func (w *world) clean() {
	w.jobs = slices.DeleteFunc(w.jobs, func(j *job) bool {
		drop := j.service == 0 && !j.active
		if drop && j.row != nil && j.row.Status == dokploy.StatusQueued {
			j.row.Status, j.row.FinishedAt = dokploy.StatusCancelled, w.serverTime(w.now)
		}
		j.cleaned = j.cleaned || drop
		if drop && j.ours {
			w.cleaned, w.unseen = true, w.unseen || !w.jobShown
		}
		return drop
	})
}

// remove removes the n-th newest row, or ours.
func (w *world) remove(n int) {
	i := len(w.rows) - 1 - n
	if n < 0 {
		i = slices.IndexFunc(w.rows, func(r *row) bool { return r.ours })
	}
	if i < 0 || i >= len(w.rows) || w.rows[i].Status == dokploy.StatusQueued {
		return
	}
	w.rows[i].removed = true
	w.othersGone = w.othersGone || !w.rows[i].ours && w.rows[i].began > -w.lead-time.Minute/2
	if w.rows[i].ours {
		w.removals++
		w.unseen = w.unseen || !w.rows[i].shown
	}
	w.rows = slices.Delete(w.rows, i, i+1)
}

func (w *world) restart(e event) {
	w.life++
	w.down = true
	w.restarts = append(w.restarts, w.now)
	for i, j := range w.jobs {
		if !j.active || j.stalled {
			continue
		}
		j.dead = true
		again := *j
		again.dead, again.stalled, again.leaving = false, true, false
		again.row = nil
		again.restarts++
		if j.row != nil && j.row.Status == dokploy.StatusQueued { // its turn, but no row yet
			again.row = j.row
		}
		w.jobs[i] = &again
	}
	if w.queue != bullMQ {
		if w.queue == kept {
			w.journal = append(w.journal, w.jobs...)
		}
		w.jobs, w.number = nil, 0
	}
	w.badStart = w.badStart || e.bad
	w.timer(timer{at: w.now + e.lasts, do: doUp, life: w.life})
}

func (w *world) up(life int) {
	if life != w.life {
		return
	}
	w.down = false
	for _, r := range w.rows {
		queued := r.Status == dokploy.StatusQueued && w.queue != kept
		if w.cancels && !w.badStart && (r.Status == dokploy.StatusRunning || queued) {
			r.Status = dokploy.StatusCancelled
		}
	}
	for i, s := range w.status {
		if s != dokploy.StatusRunning {
			continue
		}
		if w.cancels && !w.badStart && w.queue != bullMQ {
			w.status[i] = "idle"
		} else {
			w.stuck = true
		}
	}
	switch w.queue {
	case inMemory:
	case bullMQ:
		w.hold = w.now + 2500*time.Millisecond
		w.timer(timer{at: w.hold, do: doResume, life: life})
		w.timer(timer{at: w.now + 45*time.Second, do: doStalled, life: life})
	case kept:
		w.hold = w.now + 1500*time.Millisecond
		w.timer(timer{at: w.hold, do: doReturn, life: life})
	}
}

// resume does what BullMQ does once it has noticed that nobody works on a job.
func (w *world) resume(life int) {
	if life != w.life {
		return
	}
	w.jobs = slices.DeleteFunc(w.jobs, func(j *job) bool { return j.stalled && j.restarts > 1 })
	for _, j := range w.jobs {
		if j.stalled {
			j.active, j.stalled = false, false
		}
	}
	w.schedule()
}

// bringBack puts the jobs from before a restart ahead of those since.
func (w *world) bringBack(life int) {
	if life != w.life {
		return
	}
	var back []*job
	for _, j := range w.journal {
		again := *j
		again.active, again.stalled, again.dead, again.processed = false, false, false, 0
		w.number++
		again.id = w.jobID()
		again.said += 137 * time.Millisecond // as in its database
		if w.queuedRows && again.service == 0 && again.row == nil {
			again.row = w.queuedRow(&again)
		}
		back = append(back, &again)
	}
	w.jobs, w.journal = append(back, w.jobs...), nil
	w.schedule()
}

// What the run sees.

func (w *world) reachable() bool { return !w.down && w.now >= w.outage && w.now >= w.fault }

func (w *world) queueList() *dokploy.Queue {
	q := &dokploy.Queue{Jobs: make([]dokploy.Job, 0, len(w.jobs))}
	for _, j := range w.jobs {
		server := w.server(j.service)
		d := dokploy.Job{
			ID: j.id, Kind: dokploy.Application, ServiceID: services[j.service].id, Title: j.title, Description: j.text,
			Remote: server != "", ServerID: server, Active: j.active, QueuedAt: w.serverTime(j.said),
		}
		if j.webhook {
			d.ServerID = ""
		}
		if j.active {
			d.ProcessedOn = w.serverTime(j.processed)
		}
		q.Jobs = append(q.Jobs, d)
		w.jobShown = w.jobShown || j.ours
		j.shown = true
	}
	slices.SortStableFunc(q.Jobs, func(a, b dokploy.Job) int { return a.QueuedAt.Compare(b.QueuedAt) })
	return q
}

func (w *world) rowList() []dokploy.Deployment {
	out := make([]dokploy.Deployment, 0, len(w.rows))
	for _, r := range slices.Backward(w.rows) {
		out = append(out, r.Deployment)
		r.listed, r.shown = true, r.shown || r.Description == r.text
		w.rowShown = w.rowShown || r.ours
	}
	return out
}

func (w *world) runningList() (ids []string) {
	for i, s := range w.status {
		if s == dokploy.StatusRunning {
			ids = append(ids, services[i].id)
		}
	}
	return ids
}

// The truth.

// has reports whether our job is in the queue, or will be again.
func (w *world) has() bool {
	mine := func(j *job) bool { return j.ours }
	return slices.ContainsFunc(w.jobs, mine) || slices.ContainsFunc(w.journal, mine)
}

// last returns the newest build of ours; nil: none had a row.
func (w *world) last() *row {
	if len(w.builds) == 0 {
		return nil
	}
	return w.builds[len(w.builds)-1]
}

func (w *world) ofRow(id string) *row {
	for _, r := range w.mine {
		if r.ID == id {
			return r
		}
	}
	return nil
}

func (w *world) listedNow(r *row) bool { return slices.Contains(w.rows, r) }

// baseline returns what is listed at that moment.
func (w *world) baseline() (b track.Baseline) {
	for _, r := range w.rows {
		b.Rows = append(b.Rows, r.ID)
	}
	if w.upload && !w.hidden && !w.barred {
		for _, j := range w.jobs {
			if j.service == 0 {
				d := dokploy.Job{ID: j.id, QueuedAt: w.serverTime(j.said)}
				b.Jobs = append(b.Jobs, d.Key())
				if j.title == track.UploadTitle && j.text == "" && j.row == nil { // its row is still to come
					b.Lookalikes++
				}
			}
		}
	}
	return b
}

func sortEvents(events []event) {
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.after, b.after)) })
}
