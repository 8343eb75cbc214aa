package dokploytest

import (
	"slices"
	"strconv"
	"time"
)

// BullMQ's delays after a restart (docs/dokploy.md, Restarts).
const (
	resumeWaiting = 2500 * time.Millisecond
	resumeStalled = 45 * time.Second
	redisComeback = 17 * time.Second
)

// Restart stops the server's process and starts it again after down. It returns
// as soon as the server is gone: existing connections are reset, new ones
// refused. What happens to the queue and the rows depends on the version
// (docs/dokploy.md, Restarts).
func (s *Server) Restart(down time.Duration) {
	s.goDown()
	s.mu.Lock()
	defer s.mu.Unlock()
	var stalled []*job
	for i, j := range s.jobs {
		if !j.active {
			continue
		}
		if j.stalled { // still waiting for its second run
			stalled = append(stalled, j)
			continue
		}
		j.dead = true // its build continues as an orphan
		again := *j
		again.dead, again.stalled = false, true
		if again.row != nil && again.row.Status != "queued" {
			again.row = nil
		}
		again.restarts++
		s.jobs[i] = &again
		stalled = append(stalled, &again)
	}
	if s.d.memoryQueue {
		if s.opts.KeepsQueue {
			s.journal = append(s.journal, s.jobs...)
		}
		s.jobs, s.jobSeq = nil, 0
	}
	life := s.life
	s.startLocked(func() {
		if !s.wait(down) {
			return
		}
		s.mu.Lock()
		if s.life != life { // stopped again in the meantime
			s.mu.Unlock()
			return
		}
		s.cancelRowsLocked()
		switch {
		case !s.d.memoryQueue:
			s.holdUntil = time.Now().Add(resumeWaiting)
		case s.opts.KeepsQueue:
			s.holdUntil = time.Now().Add(s.opts.ReturnsAfter)
		}
		s.mu.Unlock()
		s.comeUp(life)
		switch {
		case !s.d.memoryQueue:
			s.resume(stalled)
		case s.opts.KeepsQueue:
			s.bringBack(life)
		}
	})
}

// bringBack puts the jobs from before the restart in front of newer ones, and
// starts the worker.
func (s *Server) bringBack(life int) {
	if !s.wait(s.opts.ReturnsAfter) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life != life {
		return // stopped again in the meantime
	}
	var back []*job
	for _, j := range s.journal {
		again := *j
		again.active, again.dead, again.stalled, again.processed = false, false, false, time.Time{}
		s.jobSeq++
		again.id = "job-" + strconv.Itoa(s.jobSeq)
		if s.opts.QueuedRows && (j.row == nil || j.row.Status != "queued") {
			again.row = s.queuedRowLocked(&again)
		}
		back = append(back, &again)
	}
	s.jobs, s.journal = append(back, s.jobs...), nil
	s.scheduleLocked()
}

// cancelRowsLocked plays what a starting Dokploy does to rows that were
// running. Only versions with the in-memory queue set the services to idle.
func (s *Server) cancelRowsLocked() {
	if !s.d.cancels {
		return
	}
	for _, r := range s.rows {
		if r.Status == "running" || r.Status == "queued" && !s.opts.KeepsQueue {
			r.Status = "cancelled"
			if s.d.memoryQueue && r.service.parent == nil { // a preview stays running
				r.service.status = "idle"
			}
		}
	}
}

// resume makes BullMQ continue its queue: first what was waiting, then the
// stalled jobs, once each.
func (s *Server) resume(stalled []*job) {
	if !s.wait(resumeWaiting) {
		return
	}
	s.mu.Lock()
	s.scheduleLocked()
	s.mu.Unlock()
	if !s.wait(resumeStalled - resumeWaiting) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.scheduleLocked()
	for _, j := range stalled {
		switch {
		case s.down || !j.stalled || j.dead || !slices.Contains(s.jobs, j):
		case j.restarts > 1:
			s.leaveLocked(j) // no third run; the status stays running
		default:
			// It waits again, ahead of newer jobs.
			j.active, j.stalled = false, false
		}
	}
}

// RedisDown takes Redis away from a server with BullMQ for d: the request for a
// deployment hangs without an answer, and runs 17 s after Redis is back
// (docs/dokploy.md, Triggers).
func (s *Server) RedisDown(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.d.memoryQueue || s.redisUp != nil {
		return
	}
	up := make(chan struct{})
	s.redisUp = up
	s.startLocked(func() {
		s.wait(d + redisComeback)
		s.mu.Lock()
		defer s.mu.Unlock()
		close(up)
		s.redisUp = nil
	})
}
