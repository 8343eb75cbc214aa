package track

import (
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// clue says which row is a job's where no text tells: the one with so many rows
// before it, of those that began at from or later.
type clue struct {
	from   time.Time // a time that Dokploy's own process wrote; zero: from the first on
	index  int
	within time.Duration // how long after from it must have begun; zero: any time
	// exact: whether others of the service began between from and the look is
	// not known. Then the clue tells only where index+1 rows are all there are.
	exact bool
}

// guess is what a clue says of rows.
type guess struct {
	clue
	since []dokploy.Deployment // the rows that began at from or later
	row   *dokploy.Deployment  // the one that the clue means; nil: it has not come
}

// of applies a clue to rows, which come by their start.
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

// late reports whether the row began later than the job's would have.
func (g *guess) late() bool { return g.within > 0 && g.row.StartedAt.Sub(g.from) > g.within }

// standing is what one look at the queue tells of a job that waits in it.
type standing struct {
	clue
	active int    // jobs of its service that were active
	ahead  int    // waiting jobs of its service before it
	beside ids    // other services' waiting jobs
	builds string // the active jobs of its line
}

// stand finds it. Jobs of one server wait for each other, those of BullMQ all
// do; a Git webhook's to a remote server names no server and stands in the
// local line. last is how it stood at the look before, latest the newest time
// that Dokploy had written by now: whatever waits begins after it.
func stand(q *dokploy.Queue, job *dokploy.Job, last standing, latest time.Time, bullMQ bool) standing {
	var (
		s      standing
		since  time.Time // when the first of its service's began
		builds []string
	)
	before := true // the jobs come in the order of the queue
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
		// Two of one service never run beside each other in a line: none has
		// begun since that one did.
		s.clue = clue{from: since, index: s.active + s.ahead}
		return s
	}
	// What began after the last of those that are active now is active, too,
	// unless the line has a free place just now. It has none where the same
	// jobs are active at two looks and ours waits; BullMQ has one place.
	full := s.builds != "" && (bullMQ || s.builds == last.builds)
	s.clue = clue{from: latest, index: s.ahead, exact: !full}
	return s
}

// latestOf is the newest time in the queue that Dokploy's process wrote.
func latestOf(q *dokploy.Queue) (latest time.Time) {
	for i := range q.Jobs {
		if on := q.Jobs[i].ProcessedOn; on.After(latest) {
			latest = on
		}
	}
	return latest
}
