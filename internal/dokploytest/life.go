package dokploytest

import (
	"cmp"
	"time"
)

// run plays a deployment from the moment its job is active.
func (s *Server) run(j *job, b Build) {
	if !s.wait(b.SilentStart) || s.makesNoRow(j, b) {
		return
	}
	r := s.begin(j, b)
	if r == nil || !s.writeLog(j, r, b) || !s.wait(cmp.Or(b.FinishAfter, 14*time.Millisecond)) {
		return
	}
	remote := j.service.logServer() != ""
	s.finish(j, r, b)
	if !s.wait(pick(b.TailAfter, 0, 500*time.Millisecond, remote)) {
		return
	}
	s.mu.Lock()
	if !j.dead {
		if remote {
			s.commitTitle(j, r, b)
		}
		j.dead = true
		s.leaveLocked(j)
	}
	s.mu.Unlock()
	for _, step := range b.AfterEnd {
		if !s.wait(step.After) {
			return
		}
		_, _ = r.log.Write([]byte(step.Text))
	}
}

// pick returns d, or its default if it is not set.
func pick(d, local, remote time.Duration, isRemote bool) time.Duration {
	if d == 0 {
		if isRemote {
			return remote
		}
		return local
	}
	return d
}

// makesNoRow ends a job that never gets a row. It reports whether this is one.
func (s *Server) makesNoRow(j *job, b Build) bool {
	s.mu.Lock()
	gone := j.service.removed
	s.mu.Unlock()
	if !b.NoRow && !gone {
		return false
	}
	if b.SilentStart == 0 && !s.wait(200*time.Millisecond) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !j.dead {
		s.leaveLocked(j) // the service's status does not change
	}
	return true
}

// begin creates the row of a job; nil: the job ended before it had begun.
func (s *Server) begin(j *job, b Build) *row {
	v := j.service
	s.mu.Lock()
	broken := s.sshLocked(v.logServer())
	opened := s.now()
	s.mu.Unlock()
	if broken != nil {
		b.NoLogPath, b.ErrorMessage, b.StartDelay = true, cmp.Or(b.ErrorMessage, "An error have occurred: "+broken.call), broken.after
	}
	if !s.wait(pick(b.StartDelay, 35*time.Millisecond, 500*time.Millisecond, v.logServer() != "")) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.dead {
		return nil
	}
	if broken != nil && len(s.rowsOfLocked(v)) > maxRows {
		// Removing the old logs fails before a row is created (docs/dokploy.md,
		// Remote servers).
		s.leaveLocked(j)
		return nil
	}
	s.trimLocked(v)
	if b.NoLogPath {
		now := s.now()
		r := j.row
		if r == nil {
			r = s.addRowLocked(j)
		}
		r.Status, r.StartedAt, r.FinishedAt = "error", now, now
		r.ErrorMessage = cmp.Or(b.ErrorMessage, "An error have occurred: could not be started")
		v.status = "error"
		s.leaveLocked(j)
		return nil
	}
	r := s.newRowLocked(v, j, opened, b)
	v.fileOnDisk = j.version.ComposeFile
	if v.pull != nil {
		v.pull.touched = s.now()
	}
	s.keepRollbackLocked(v, r, j.version)
	return r
}

// writeLog writes a build's log; false if the server was closed.
func (s *Server) writeLog(j *job, r *row, b Build) bool {
	leave := func(i int) {
		at := b.LeaveAt
		if at <= 0 {
			at = len(b.Steps)
		}
		if !b.StayRunning || i != at {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if !j.dead {
			j.dead = true
			s.leaveLocked(j)
		}
	}
	switch {
	case b.LogWriter != nil:
		b.LogWriter(r.log)
	case len(b.Steps) == 0 && !s.wait(150*time.Millisecond):
		return false
	}
	for i, step := range b.Steps {
		leave(i)
		if !s.wait(step.After) {
			return false
		}
		if step.Text != "" {
			_, _ = r.log.Write([]byte(step.Text))
		}
	}
	leave(len(b.Steps))
	if !b.Raw {
		_, _ = r.log.Write([]byte(lastLine(j, b)))
	}
	select {
	case <-s.closed:
		return false
	default:
		return true
	}
}

// finish ends the row of a job, and lets what was built run.
func (s *Server) finish(j *job, r *row, b Build) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.dead {
		return
	}
	v := j.service
	r.Status = cmp.Or(b.Outcome, "done")
	r.FinishedAt = s.now()
	r.ErrorMessage = b.ErrorMessage
	v.status = r.Status
	if r.Status == "done" && !v.removed {
		v.shipLocked(j.version)
	}
	if v.logServer() == "" {
		s.commitTitle(j, r, b)
	}
}
