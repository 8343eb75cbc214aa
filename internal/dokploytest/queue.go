package dokploytest

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// job is a deployment in the queue. A goroutine runs it while it is active.
// Once dead, that goroutine is only the orphaned build: it writes its log to
// the end and changes nothing else.
type job struct {
	id          string
	number      int // counts all jobs ever, across restarts
	service     *Service
	operation   string // deploy, redeploy
	title       string
	description string
	webhook     bool
	queued      time.Time // the server's clock
	processed   time.Time
	active      bool
	stalled     bool // BullMQ: active for Redis, with no worker
	restarts    int
	dead        bool
	version     Version // what it deploys, once it is active
	row         *row    // QueuedRows: created when it was queued
	rowID       string  // AnswersID: the id of its next row
	promised    string  // AnswersID: the id in the answer
	head        commit  // of the branch, when the job became active

	noDescription bool // it has none, as opposed to an empty one
}

// partition returns the queue of a job: one for the local server and one for
// each remote one. A webhook's job names no server and uses the local queue
// (docs/dokploy.md, Remote servers). BullMQ had one queue for all.
func (s *Server) partition(j *job) string {
	if !s.d.memoryQueue || j.webhook {
		return ""
	}
	return j.service.serverID
}

// enqueueLocked adds a job at the end of the queue.
func (s *Server) enqueueLocked(v *Service, operation, title, description string, webhook bool) *job {
	if title == "" {
		title = "Manual deployment"
		if operation == "redeploy" {
			title = "Rebuild deployment"
		}
	}
	return s.addJobLocked(&job{service: v, operation: operation, title: title, description: description, webhook: webhook})
}

// addJobLocked adds a job at the end of the queue, with an id of its own.
func (s *Server) addJobLocked(j *job) *job {
	s.jobSeq++
	s.jobCount++
	j.id, j.number, j.queued = "job-"+strconv.Itoa(s.jobSeq), s.jobCount, s.now()
	if !s.d.memoryQueue {
		j.id = strconv.Itoa(s.jobSeq)
	}
	if s.opts.AnswersID {
		j.promised = s.newID()
		j.rowID = j.promised
	}
	if s.opts.QueuedRows {
		j.row = s.queuedRowLocked(j)
	}
	s.jobs = append(s.jobs, j)
	s.scheduleLocked()
	return j
}

// scheduleLocked starts what can start: in each queue as many jobs as the
// concurrency allows, but never two of one service (docs/dokploy.md, The
// queue).
func (s *Server) scheduleLocked() {
	if s.down || s.isClosed || time.Now().Before(s.holdUntil) {
		return
	}
	type slot struct {
		partition string
		service   *Service
	}
	busy := map[string]int{}
	taken := map[slot]bool{}
	for _, j := range s.jobs {
		if j.active && !j.stalled {
			busy[s.partition(j)]++
			taken[slot{s.partition(j), j.service.group()}] = true
		}
	}
	for _, j := range s.jobs {
		p := s.partition(j)
		if j.active || busy[p] >= s.concurrency || !s.d.memoryQueue && busy[p] > 0 || taken[slot{p, j.service.group()}] {
			continue
		}
		busy[p]++
		taken[slot{p, j.service.group()}] = true
		s.activateLocked(j)
	}
}

// activateLocked starts a job. It builds the service as it is now: later
// changes are for later jobs.
func (s *Server) activateLocked(j *job) {
	v := j.service
	j.active, j.stalled = true, false
	j.processed = s.now()
	v.status = "running"
	v.builds++
	number, build := v.builds, v.build
	j.version, j.head = v.versionLocked(number), v.head
	s.startLocked(func() { s.run(j, build(number)) })
}

// leaveLocked removes a job from the queue.
func (s *Server) leaveLocked(j *job) {
	s.jobs = slices.DeleteFunc(s.jobs, func(x *job) bool { return x == j })
	s.scheduleLocked()
}

// lastLine returns what Dokploy writes at the end (docs/dokploy.md, Log files).
func lastLine(j *job, b Build) string {
	switch {
	case b.Outcome == "error":
		return "\nError occurred ❌, check the logs for details.\n"
	case j.service.Kind == "compose":
		return "Docker Compose Deployed: ✅\n"
	case j.service.sourceType == "docker":
		return "✅ Pulling image completed.\n"
	}
	return "✅ Docker build completed.\n"
}

// commitTitle overwrites title and description, as a Git source does
// (docs/dokploy.md, Deployment rows).
func (s *Server) commitTitle(j *job, r *row, b Build) {
	if !s.d.commitTitle || !j.service.git() || j.operation != "deploy" || b.CloneFailed || j.service.parent != nil {
		return
	}
	r.Title = cmp.Or(b.CommitTitle, j.head.message, "chore: a commit of "+j.service.Name)
	r.Description = "Commit: " + cmp.Or(b.CommitSHA, j.head.sha, "509b8da0280c757bbbfa4c78df0f15cf5151d1b4")
}

// Enqueue starts a deployment, as somebody else would in the dashboard.
func (s *Server) Enqueue(v *Service, title, description string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enqueueLocked(v, "deploy", title, description, false)
}

// Webhook starts a deployment, as a push to the service's Git repository would.
// On a remote service it may run beside another one (docs/dokploy.md, Remote
// servers).
func (s *Server) Webhook(v *Service) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enqueueLocked(v, "deploy", "chore: pushed to "+v.Name, "Hash: 0123456789abcdef0123456789abcdef01234567", true)
}

// TriggerCount returns how many deployments of a service the API has accepted.
func (s *Server) TriggerCount(v *Service) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return v.triggers
}

// CleanQueue drops the waiting jobs of a service without a trace.
func (s *Server) CleanQueue(v *Service) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs = slices.DeleteFunc(s.jobs, func(j *job) bool {
		drop := j.service.group() == v && !j.active
		if drop && j.row != nil {
			j.row.Status, j.row.FinishedAt = "cancelled", s.now()
		}
		return drop
	})
}

// SetConcurrency sets the number of concurrent builds.
func (s *Server) SetConcurrency(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.concurrency = max(1, n)
	s.scheduleLocked()
}

// Job is an entry of the queue.
type Job struct {
	ID, ServiceID, Title, Description string
	Number                            int // counts all jobs ever; a restored job keeps it
	Active                            bool
	Stalled                           bool // BullMQ: active without a worker, since a restart
}

// Queue lists the jobs, oldest first.
func (s *Server) Queue() []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Job, 0, len(s.jobs))
	for _, j := range s.jobs {
		out = append(out, Job{j.id, j.service.ID, j.title, j.description, j.number, j.active, j.stalled})
	}
	return out
}
