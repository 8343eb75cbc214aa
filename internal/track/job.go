package track

import (
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// ourJob finds the order's job in the queue.
func (s *sight) ourJob(q *dokploy.Queue) *dokploy.Job {
	switch {
	case s.order.Upload:
		return s.uploadsJob(q)
	case s.order.Commit != "":
		return s.pushsJob(q)
	}
	for i := range q.Jobs {
		if j := &q.Jobs[i]; j.ServiceID == s.order.ServiceID && s.order.Marked(j.Description) {
			return j
		}
	}
	return nil
}

// uploadJobs returns the service's jobs without a marker that came after the
// upload: one of them may be its.
func (s *sight) uploadJobs(q *dokploy.Queue) (jobs []*dokploy.Job) {
	for i := range q.Jobs {
		j := &q.Jobs[i]
		if j.ServiceID == s.order.ServiceID && !slices.Contains(s.order.Baseline.Jobs, j.Key()) && s.order.mine(j.Title, j.Description) {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// sameJob is how far apart the times of one job may be before and after a
// restart.
const sameJob = time.Second

// uploadsJob returns the upload's job: the only one of those, or the one that
// it was before others came.
func (s *sight) uploadsJob(q *dokploy.Queue) *dokploy.Job {
	jobs, seen := s.uploadJobs(q), s.trail.seen
	switch {
	case s.search.rowCameFirst || s.search.nothingNew:
		return nil
	case seen == nil && len(jobs) == 1:
		return jobs[0]
	case seen == nil, s.renumbered() && s.trail.twin:
		return nil
	}
	return s.sameAs(seen, jobs)
}

// renumbered reports whether jobs may have other ids than when ours was last
// seen.
func (s *sight) renumbered() bool {
	return s.o.Outages > s.trail.outages && !s.order.Traits.QueueSurvivesRestart
}

// sameAs returns the job that was seen before; nil: it is not among them.
func (s *sight) sameAs(seen *dokploy.Job, jobs []*dokploy.Job) *dokploy.Job {
	if i := slices.IndexFunc(jobs, func(j *dokploy.Job) bool { return j.Key() == seen.Key() }); i >= 0 {
		return jobs[i]
	}
	if !s.renumbered() {
		return nil
	}
	// A server that restores its queue after a restart assigns new ids and
	// keeps the times, as its database has them.
	jobs = slices.DeleteFunc(jobs, func(j *dokploy.Job) bool { return j.QueuedAt.Sub(seen.QueuedAt).Abs() > sameJob })
	if len(jobs) == 1 {
		return jobs[0]
	}
	return nil
}

// remember records what the queue shows of our job and those around it.
func (s *sight) remember(q *dokploy.Queue, job *dokploy.Job) {
	t := &s.trail
	if t.seen == nil && s.o.Outages == 0 {
		// After an outage it may come from a database.
		t.queuedAt, t.latest = job.QueuedAt, job.QueuedAt
		t.clock = Clock{job.QueuedAt, s.open.takenAt}
	}
	t.twin = t.twin || s.order.Upload && slices.ContainsFunc(s.uploadJobs(q), func(j *dokploy.Job) bool {
		return j.Key() != job.Key() && j.QueuedAt.Sub(job.QueuedAt).Abs() <= sameJob
	})
	seen := *job
	t.seen, t.outages = &seen, s.o.Outages
	if job.Active {
		return
	}
	if latest := latestOf(q); latest.After(t.latest) {
		t.latest = latest
	}
	t.stood = stand(q, job, t.stood, t.latest, s.order.Traits.QueueSurvivesRestart)
}

// restarted reports whether Dokploy may have restarted since our job was last
// seen in its queue. BullMQ changes its order in a restart, so there it is
// since the trigger.
func (s *sight) restarted() bool {
	return s.o.Outages > s.trail.outages || s.o.Outages > 0 && s.order.Traits.QueueSurvivesRestart
}

// PlaceOf returns our waiting job's position. Jobs on the same server wait for
// each other (docs/dokploy.md, Remote servers).
func PlaceOf(q *dokploy.Queue, job *dokploy.Job) Place {
	p := Place{Number: 1}
	before := true
	for _, j := range q.Jobs {
		switch {
		case j.ID == job.ID:
			before = false
		case j.Remote != job.Remote || j.Remote && j.ServerID != job.ServerID:
		case j.Active:
			p.Building = append(p.Building, j)
		case before:
			p.Number++
		}
	}
	return p
}
