package deploy

import (
	"fmt"
	"time"

	"dokploy-deploy/internal/dokploytest"
)

// newerFrom is the first seed whose servers may do what is expected of newer
// ones, separately and together, and whose application has previews of pull
// requests, which share a queue with it and have their own rows.
const newerFrom = 500_000_000_000_000

// newer makes those choices.
func (s *schedule) newer(c chooser) {
	if s.modern(0, 29, 9) {
		s.server.AnswersID = c.one(2)
		s.server.QueuedRows = c.one(2)
		s.server.KeepsQueue = c.one(2)
		if s.server.KeepsQueue && s.server.ReturnsAfter == 0 {
			s.server.ReturnsAfter = pickOf(c, 0, time.Second, 8*time.Second, 14*time.Second)
		}
	}
	if s.kind != "application" || s.source != "git" || !c.one(2) {
		return
	}
	s.previews = &dokploytest.Previews{Build: dokploytest.Build{Steps: dokploytest.Lines(c.span(10*time.Second), "preview")}}
	if c.one(2) { // as fast as those that hide all but their order
		s.previews.Build.Steps = dokploytest.Lines(time.Duration(5+c.IntN(200))*time.Millisecond, "preview")
	}
	for range 1 + c.IntN(4) {
		n := 1 + c.IntN(3)
		from, after := s.moment(c)
		if c.one(2) {
			from, after = atLead, 0
		}
		s.add(from, after, fmt.Sprintf("a push to pull request %d", n), func(w *sim) { w.pull(n) })
	}
}

// pull has GitHub report a push to a pull request. It is not a job of the
// service itself.
func (w *sim) pull(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look()
	w.classify()
	w.srv.PullRequest(dokploytest.PullRequest{Number: n, Repository: "svc"})
}
