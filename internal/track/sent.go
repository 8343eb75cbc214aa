package track

import (
	"slices"

	"dokploy-deploy/internal/dokploy"
)

// beside are the rules while the trigger is unanswered: the marker may show
// first that Dokploy has it. A Git source that builds fast shows it only for a
// moment.
var beside = []rule{
	{"job-shows-beside-its-trigger", (*sight).jobShows},
	{"row-shows-beside-its-trigger", (*sight).rowShows},
}

// showsBesideItsTrigger does without what cannot be read: the answer is still
// to come.
func (s *sight) showsBesideItsTrigger() *Decision { return s.first(beside) }

func (s *sight) jobShows() *Decision {
	if d := s.needQueue(); d != nil && d.Ask != 0 {
		return d
	}
	q := s.shown()
	if q == nil {
		return nil
	}
	s.noteActives(q)
	job := s.ourJob(q)
	if job == nil {
		return nil
	}
	s.remember(q, job)
	return &Decision{Took: TookYes}
}

func (s *sight) rowShows() *Decision {
	if d := s.want(Rows); d != nil {
		return d
	}
	s.classify()
	if slices.ContainsFunc(s.o.Rows, func(row dokploy.Deployment) bool { return s.order.Marked(row.Description) }) {
		return &Decision{Took: TookYes}
	}
	return nil
}
