package deploy

import (
	"fmt"
	"slices"
	"time"

	"dokploy-deploy/internal/dokploytest"
)

// pullRequests has the run follow the preview of a pull request instead. Pushes
// to the application's branch deploy the application at the same time.
func (s *schedule) pullRequests(c chooser) {
	f := s.follow
	f.pull, f.settings = 1, dokploytest.Push{}
	s.source, s.rollout = "git", "good"
	s.previews = &dokploytest.Previews{AnyAuthor: true}
	add := func(from anchor, after time.Duration, p dokploytest.PullRequest, lead bool) {
		p.Repository = "svc"
		s.add(from, after, fmt.Sprintf("pull request %d is %s at %.10s", p.Number, p.Action, p.Commit), func(w *sim) { w.tellPull(p, lead) })
	}
	action := func() string { return pickOf(c, "opened", "synchronize", "reopened") }
	if !c.one(8) {
		from, after := atStart, time.Duration(0)
		switch c.IntN(3) {
		case 0:
			from = atLead
		case 1:
			after = c.span(2 * time.Second)
		case 2:
			after = c.span(f.within * 5 / 4)
		}
		add(from, after, dokploytest.PullRequest{Number: 1, Action: action(), Commit: pushed}, true)
	}
	for range pickOf(c, 0, 1, 1, 2, 3) {
		from, after := s.moment(c)
		if c.one(3) {
			from, after = atLead, 0
		}
		switch c.IntN(7) {
		case 0:
			add(from, after, dokploytest.PullRequest{Number: 1, Action: "synchronize", Commit: pushed}, false)
		case 1:
			add(from, after, dokploytest.PullRequest{Number: 1, Action: "synchronize", Commit: pickOf(c, another, alike)}, false)
		case 2:
			add(from, after, dokploytest.PullRequest{Number: 2, Action: action(), Commit: pushed}, false)
		case 3:
			add(from, after, dokploytest.PullRequest{Number: 2, Action: action(), Commit: another}, false)
		case 4:
			add(from, after, dokploytest.PullRequest{Number: 1, Action: "closed"}, false)
		case 5:
			add(from, after, dokploytest.PullRequest{Number: 1, Action: "closed"}, false)
			add(from, after+c.span(20*time.Second), dokploytest.PullRequest{Number: 1, Action: "reopened", Commit: pushed}, false)
		case 6:
			s.add(from, after, "somebody removes the preview", func(w *sim) { w.removePreview() })
		}
	}
}

// followedNow returns the service whose rows count, as it is now; nil: it does
// not exist.
func (w *sim) followedNow() *dokploytest.Service {
	if w.follow == nil || w.follow.pull == 0 {
		return w.v
	}
	all := w.srv.Previews(w.v)
	if i := slices.IndexFunc(all, func(p *dokploytest.Service) bool { return p.PullRequest() == w.follow.pull }); i >= 0 {
		return all[i]
	}
	return nil
}

// allRows returns the rows of the service and, if one is followed, of its
// previews.
func (w *sim) allRows() []dokploytest.Row {
	rows := w.srv.Deployments(w.v)
	if w.follow == nil || w.follow.pull == 0 {
		return rows
	}
	for _, p := range w.srv.Previews(w.v) {
		rows = append(rows, w.srv.Deployments(p)...)
	}
	return rows
}

// tellPull has GitHub report a pull request.
func (w *sim) tellPull(p dokploytest.PullRequest, lead bool) {
	w.mu.Lock()
	w.look()
	w.classify()
	before, was := w.srv.Queue(), w.followedNow()
	status, text := w.srv.PullRequest(p)
	w.note("told of pull request %d: %d %s", p.Number, status, text)
	if was != nil && w.followedNow() != was {
		w.follow.went()
	}
	took := false
	for _, j := range w.srv.Queue() {
		if !slices.ContainsFunc(before, func(x dokploytest.Job) bool { return x.Number == j.Number }) {
			took = true
			if p.Number == w.follow.pull {
				w.follow.pushes = append(w.follow.pushes, told{key: w.jobKey(j), hash: p.Commit, at: time.Now()})
			}
			if lead {
				w.follow.lead = w.jobKey(j)
			}
		}
	}
	w.disown()
	w.mu.Unlock()
	if took && lead {
		w.happens(atTrigger)
	}
}

func (w *sim) removePreview() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look()
	if v := w.followedNow(); v != nil {
		w.srv.RemovePreview(v)
		w.follow.went()
	}
}

func (f *followed) went() {
	if f.gone.IsZero() {
		f.gone = time.Now()
	}
}

// buildOfPreview is buildOf for a preview, whose own count is ignored.
func (w *sim) buildOfPreview(int) dokploytest.Build {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look()
	w.follow.built++
	b := &build{n: 1000 + w.follow.built, at: time.Now()}
	if k := len(w.truth.downs); k > 0 && w.truth.downs[k-1].at.Equal(b.at) {
		b.orphan = true
	}
	for _, again := range []bool{false, true} { // first what never began
		for _, j := range w.srv.Queue() {
			before := w.truth.buildOf(w.jobKey(j))
			if b.key == "" && j.ServiceID != w.v.ID && j.ServiceID != w.web.ID && j.Active && !j.Stalled && (before == nil) != again && (before == nil || before.orphan) {
				b.key, b.description = w.jobKey(j), j.Description
			}
		}
	}
	b.own = b.key == w.follow.lead
	if b.work = w.others[b.n%len(w.others)]; b.own {
		b.work = w.own
	}
	w.truth.builds = append(w.truth.builds, b)
	w.note("build %d of a preview begins (%s; this run's: %v)", b.n, b.description, b.own)
	return w.realBuild(b)
}
