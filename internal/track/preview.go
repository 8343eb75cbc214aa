package track

import (
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// removedAfter is how long a preview's rows may be gone while it is still
// listed: when it is removed it goes last, with SSH some seconds later.
const removedAfter = 15 * time.Second

// previewing is remembered about a pull request's preview.
type previewing struct {
	seen  bool // it has been listed
	looks int  // looks without it since it was last listed
	since time.Time
}

// pickPreview selects the rows of the pull request's preview among those of all
// previews. Until a deployment is found, the preview is identified by the pull
// request's number: a reopened one has a new preview. From then on it is
// identified by its id.
func (s *sight) pickPreview() {
	if s.order.Preview == 0 || !s.o.has(Rows) {
		return
	}
	awaited := s.phase == Awaited
	i := slices.IndexFunc(s.o.Previews, func(p dokploy.Preview) bool {
		if awaited { //rule:preview-by-its-number
			return p.Number == s.order.Preview
		}
		return p.ID == s.order.ServiceID
	})
	s.o.Rows = nil
	switch {
	case i >= 0:
		p := s.o.Previews[i]
		s.itsPreview, s.o.Rows = &p, p.Deployments
		s.order.ServiceID = p.ID
		s.preview = previewing{seen: true}
	case awaited:
		s.order.ServiceID = ""
	}
}

// noPreview: Dokploy creates the preview before it queues its deployment,
// whatever else it is building. One that was removed may come back if its pull
// request is reopened.
func (s *sight) noPreview() *Decision {
	if s.order.Preview == 0 || s.itsPreview != nil {
		return nil
	}
	if d := s.pushHasTime(); d != nil {
		return d
	}
	kind := verdict.NoPreview
	if s.preview.seen { //rule:preview-was-there
		kind = verdict.PreviewGone
	}
	return end(verdict.Reason{Kind: kind, N: s.order.Preview, For: s.order.StartTimeout})
}

// previewGone: a preview is removed with its rows, its log and its containers
// when its pull request is closed, or by hand (docs/dokploy.md, Previews). Its
// job may still be in the queue.
func (s *sight) previewGone() *Decision {
	if s.order.Preview == 0 {
		return nil
	}
	if d := s.want(Rows); d != nil {
		return d
	}
	if !s.o.has(Rows) || s.itsPreview != nil {
		return nil
	}
	g := &s.preview
	if g.looks++; g.looks == 1 {
		g.since = s.o.At
	}
	if g.looks >= 3 && s.o.At.Sub(g.since) >= vanishedAfter { //rule:preview-gone-for-long-enough
		return end(verdict.Reason{Kind: verdict.PreviewGone, N: s.order.Preview})
	}
	s.pace = Pace{First: time.Second, Most: time.Second}
	return pending()
}
