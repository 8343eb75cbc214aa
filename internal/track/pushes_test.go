package track_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
)

// Histories in which nothing is sent: the deployment of a commit is followed.
// docs/protocol.md (Deployments that Dokploy starts by itself) says which one
// that is; here, it is found from the world's own lists.

// pushesFrom is the first seed of these histories.
const pushesFrom = 1 << 50

// push is what is followed.
type push struct {
	asks   string // a hash, or its beginning
	within time.Duration
}

const (
	ourCommit   = "3f2a91c0de3f2a91c0de3f2a91c0de3f2a91c0de"
	alikeCommit = "3f2a91c0ff3f2a91c0de3f2a91c0de3f2a91c0de" // begins like our commit
	otherCommit = "9999999888888877777776666666555555544444"
)

// pushed chooses what is followed, and its pushes.
func (h *history) pushed(c chooser) {
	s := &h.setup
	s.upload, s.lost = false, true
	digits := []int{40, 40, 40, 12, 9, 7}[c.IntN(6)]
	h.push = &push{asks: ourCommit[:digits], within: []time.Duration{10 * time.Second, 30 * time.Second, 2 * time.Minute, 2 * time.Minute, 10 * time.Minute}[c.IntN(5)]}
	if c.one(8) {
		return // never
	}
	first := h.hashed(c, ourCommit)
	first.leads = true
	switch c.IntN(4) {
	case 0:
		first.after = -c.span(2 * time.Minute)
	case 1:
		first.after = c.between(-300*time.Millisecond, 300*time.Millisecond)
	case 2:
		first.after = -c.span(10 * time.Second)
	case 3:
		first.after = c.span(h.push.within * 5 / 4)
	}
	h.events = append(h.events, first)
	if !c.one(3) {
		return
	}
	for range 1 + c.IntN(2) { // reported again
		e := h.hashed(c, ourCommit)
		e.after = first.after + c.span(20*time.Second)
		if c.one(3) {
			e.from, e.after = anchor(1+c.IntN(int(anchors-1))), c.span(3*time.Second)
		}
		h.events = append(h.events, e)
	}
}

// hashed returns a push of that commit.
func (h *history) hashed(c chooser, hash string) event {
	e := event{what: deployment, title: "feat: x", text: "Hash: " + hash, webhook: true, work: h.work(c, 0), builds: hash}
	if c.one(6) { // the branch has moved on
		e.builds = []string{ourCommit, alikeCommit, otherCommit}[c.IntN(3)]
	}
	return e
}

// whatIsBuilt chooses what others' deployments build, and turns some of them
// into pushes.
func (h *history) whatIsBuilt(c chooser) {
	if h.push == nil {
		return
	}
	for i := range h.events {
		e := &h.events[i]
		if e.what != deployment || e.service != 0 || e.builds != "" {
			continue
		}
		e.builds = []string{ourCommit, otherCommit, otherCommit, alikeCommit}[c.IntN(4)]
		switch c.IntN(6) {
		case 0:
			e.webhook, e.text = true, "Hash: "+e.builds
		case 1:
			e.webhook, e.text = true, "Hash: "+otherCommit
		case 2:
			e.webhook, e.text = true, []string{"", "Hash: ", "Hash: NEW COMMIT"}[c.IntN(3)]
		}
	}
}

// shown is what one look was shown: the jobs and rows as the world has them.
type shown struct {
	jobs []*job
	rows []*row
}

// isOf reports whether a hash is that of the followed commit.
func (p *push) isOf(hash string) bool { return hash != "" && strings.HasPrefix(hash, p.asks) }

// newest returns the deployment that a look shows as that of the commit, and
// the hashes that it may have; nil: it shows none.
func (p *push) newest(s shown, o *track.Observation) (found *asked, hashes []string) {
	add := func(hash string) bool {
		if p.isOf(hash) && !slices.Contains(hashes, hash) {
			hashes = append(hashes, hash)
		}
		return p.isOf(hash)
	}
	var job *job
	if o.Queue != nil {
		for _, j := range s.jobs {
			if j.service == 0 && add(track.Pushed(j.text)) && (job == nil || !isEarlier(j, job)) {
				job = j
			}
		}
	}
	var waits, begun *row
	for i, r := range s.rows {
		d := o.Rows[len(o.Rows)-1-i] // as it was
		if !add(track.CommitOf(&d)) {
			continue
		}
		switch {
		case d.Status == dokploy.StatusQueued:
			waits = r
		case begun == nil || !r.StartedAt.Before(begun.StartedAt):
			begun = r
		}
	}
	switch {
	case job != nil:
		return job.asked, hashes
	case waits != nil:
		return waits.asked, hashes
	case begun != nil:
		return begun.asked, hashes
	}
	return nil, hashes
}

func isEarlier(a, b *job) bool { return a.said < b.said }

// found is called with each finished look and its decision: the first look that
// shows a deployment of the commit makes that one ours.
func (r *run) found(next track.State, d track.Decision, o *track.Observation) {
	if r.h.push == nil || r.state.Phase() != track.Awaited {
		return
	}
	took := next.Phase() != track.Awaited
	whole := !d.Fault && o.Failed&track.Rows == 0 && (o.Queue != nil || next.Queue() == track.QueueHidden && r.state.Queue() == next.Queue())
	newest, hashes := r.h.push.newest(r.shown, o)
	switch {
	case d.End != nil && d.End.Row == nil && d.End.Reason.Kind == verdict.TwoCommits:
		if len(hashes) < 2 {
			r.bad("two commits: there is one only")
		}
	case took && newest == nil:
		r.bad("found: what is no deployment of the commit")
	case took:
		r.adopt(newest)
	case !whole && newest == nil:
	case newest != nil && whole:
		r.bad("overlooked: a deployment of the commit")
	case d.End != nil && d.End.Reason.Kind == verdict.NoneCame:
		r.noneCame()
	}
}

// adopt makes a deployment ours.
func (r *run) adopt(a *asked) {
	a.ours = true
	r.noRows, r.jobShown, r.cleaned = a.noRow, a.shown, a.cleaned
	for _, x := range r.every {
		if x.asked != a {
			continue
		}
		x.ours = true
		r.mine = append(r.mine, x)
		r.rowShown = r.rowShown || x.listed
		if !x.StartedAt.IsZero() {
			r.builds = append(r.builds, x)
		}
		r.endedAt = max(r.endedAt, x.ended)
		r.removals += count(x.removed)
		r.unseen = r.unseen || x.removed && !x.shown
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// noneCame: its time is over, and there is nothing for the commit.
func (r *run) noneCame() {
	p := r.h.push
	if r.now < p.within {
		r.bad("none came: too early")
	}
	if most := p.within + 3*r.latency + 500*time.Millisecond; !r.hidden && !r.barred && r.outages == 0 && len(r.failures) == 0 && r.now > most {
		r.bad("none came: %v too late", r.now-most)
	}
	there := func(j *job) bool { return j.service == 0 && p.isOf(track.Pushed(j.text)) && j.queued < r.began }
	// What runs at the same time on a remote server overwrites the service's
	// status with its own, and nobody saw a restart that came before.
	if (r.hidden || r.barred) && (r.remote != "" || r.builtRemotely || len(r.restarts) > 0 && r.restarts[0] < 0) {
		return
	}
	if slices.ContainsFunc(r.jobs, there) || slices.ContainsFunc(r.journal, there) {
		r.bad("none came: it is in the queue")
	}
}

// unknowablePush: ours was removed by hand, a restart lost it without a trace,
// or it left no row, and another push of the commit looks the same.
func (r *run) unknowablePush(another *asked) bool {
	same := r.h.push.isOf(track.Pushed(another.text))
	if same && r.queue == bullMQ && len(r.restarts) > 0 && r.restarts[0] < 0 {
		return true // ours ran again after a restart that nobody saw
	}
	return r.tookAway() && (r.git || same) || r.othersGone || same && r.noRows || same && len(r.builds) == 0 && len(r.failures) > 0
}

// foundPushes are the seeds that once ended wrongly; each says how. They count
// from pushesFrom.
var foundPushes = []struct {
	seed uint64
	was  string
}{
	{4, "SSH was silent for 20 s, and the row that came then was not taken"},
	{17, "a row that was queued counted as one of before, and its deployment was lost"},
	{154, "a server that restored its queue: another push of the same second was taken for the second run"},
	{297, "… of one that had not begun yet"},
	{910, "SSH was silent, and another push of the commit had been seen: without a trace"},
	{2005, "ours was over within a look, and another push that showed its hash still was taken for it"},
	{1953, "a row that was cancelled before it began was taken for ours"},
	{3792, "BullMQ: another push that ran while our job had no worker was taken for the second run"},
	{10336, "BullMQ: it ran again after a restart that came before the first look"},
	{41130, "two pushes waited over a restart, and the wrong one was taken"},
	{206618, "built on a remote server: the row of the push ahead came late, and was taken"},
	{218871, "the same with BullMQ"},
	{254916, "a remote server: a row that began in the same millisecond as our job was taken"},
	{430124, "ours was pushed out, and a later push taken for it"},
	{715712, "a server that restored its queue: another push of the same second was taken, as ours had ended as another commit"},
}

func TestFoundPushes(t *testing.T) {
	for _, f := range foundPushes {
		if problems := check(generate(pushesFrom + f.seed)); len(problems) > 0 {
			t.Errorf("%d: %s (%s)", f.seed, problems, f.was)
		}
	}
}
