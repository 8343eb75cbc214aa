package track

import (
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// clue identifies a job's row if no text does: among the rows that started at
// from or later, the one with index rows before it.
type clue struct {
	from   time.Time // a time written by Dokploy's own process; zero: count from the first row
	index  int
	within time.Duration // it must have started within this time after from; zero: any time
	// exact: it is unknown whether other rows of the service started between
	// from and this look. The clue then counts only if there are exactly
	// index+1 rows.
	exact bool
}

// guess is a clue applied to rows.
type guess struct {
	clue
	since []dokploy.Deployment // the rows that started at from or later
	row   *dokploy.Deployment  // the row that the clue means; nil: it has not appeared
}

// of applies a clue to rows, which are ordered by their start.
func (c clue) of(rows []dokploy.Deployment) guess {
	g := guess{clue: c}
	for _, row := range rows {
		if !row.StartedAt.Before(c.from) {
			g.since = append(g.since, row)
		}
	}
	if c.index < len(g.since) {
		g.row = &g.since[c.index]
	}
	return g
}

// late reports whether the row started later than the job's would have.
func (g *guess) late() bool { return g.within > 0 && g.row.StartedAt.Sub(g.from) > g.within }

// standing is what one look at the queue shows about our waiting job.
type standing struct {
	clue
	active int    // active jobs of its service
	ahead  int    // waiting jobs of its service ahead of it
	beside ids    // other services' waiting jobs
	builds string // active jobs of its queue
}

// stand computes it. Jobs on the same server wait for each other; with BullMQ
// all jobs do. A Git webhook's job for a remote server names no server and
// waits in the local queue. last is the standing at the previous look, latest
// the newest time that Dokploy had written by then: whatever is waiting starts
// after that.
func stand(q *dokploy.Queue, job *dokploy.Job, last standing, latest time.Time, bullMQ bool) standing {
	var (
		s      standing
		since  time.Time // start of the first active job of its service
		builds []string
	)
	before := true // jobs are in queue order
	for i := range q.Jobs {
		j := &q.Jobs[i]
		switch {
		case j.ID == job.ID:
			before = false
		case j.Active:
			if j.ServiceID == job.ServiceID {
				s.active++
				if since.IsZero() || j.ProcessedOn.Before(since) {
					since = j.ProcessedOn
				}
			}
			if bullMQ || j.ServerID == job.ServerID {
				builds = append(builds, j.Key())
			}
		case j.ServiceID != job.ServiceID:
			s.beside = s.beside.with(j.Key())
		case before:
			s.ahead++
		}
	}
	slices.Sort(builds)
	s.builds = strings.Join(builds, " ")
	if !since.IsZero() {
		// Two jobs of one service never run at the same time in one queue: none
		// has started since that one did.
		s.clue = clue{from: since, index: s.active + s.ahead}
		return s
	}
	// Whatever started after the last of the active jobs is active too, unless
	// the queue has a free slot at the moment. It has none if two looks show
	// the same active jobs and ours is waiting. BullMQ has one slot.
	full := s.builds != "" && (bullMQ || s.builds == last.builds)
	s.clue = clue{from: latest, index: s.ahead, exact: !full}
	return s
}

// latestOf returns the newest time in the queue that Dokploy's process wrote.
func latestOf(q *dokploy.Queue) (latest time.Time) {
	for i := range q.Jobs {
		if on := q.Jobs[i].ProcessedOn; on.After(latest) {
			latest = on
		}
	}
	return latest
}
