package track_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
)

// history is a world and what happens in it, chosen by a seed.
type history struct {
	kept string // the numbers of its events, if some are left out
	seed uint64
	setup
	events []event
	push   *push // nil: a trigger is sent
}

// event is something that happens after an anchor.
type event struct {
	from  anchor
	after time.Duration
	what  happening

	service     int // for a deployment; for a removal, the n-th newest row, or ours
	work        work
	webhook     bool
	title, text string
	builds      string // the commit that its row ends as
	leads       bool   // the first push of ours

	lasts time.Duration
	bad   bool // a restart that does not cancel what was running
}

// anchor is a moment that an event is counted from.
type anchor int

const (
	sent     anchor = iota // the trigger
	taken                  // the trigger is in the queue
	atWork                 // its turn has come
	hasRow                 // its row is there
	hasEnded               // the row has ended
	anchors
)

func (a anchor) String() string {
	return [...]string{"sent", "taken", "active", "row", "end"}[a]
}

type happening int

const (
	deployment happening = iota // by somebody else
	restart
	outage  // no request succeeds
	fault   // the same, for less than a second
	clean   // somebody cleans the service's queue
	removal // somebody removes a row
)

// chooser makes the choices of a history.
type chooser struct{ *rand.Rand }

func (c chooser) one(in int) bool { return c.IntN(in) == 0 }

// span returns a time of any order of magnitude, up to most.
func (c chooser) span(most time.Duration) time.Duration {
	d := time.Duration(c.Int64N(int64(most)) + 1)
	for range c.IntN(4) {
		d /= 6
	}
	return d
}

func (c chooser) between(from, to time.Duration) time.Duration {
	return from + time.Duration(c.Int64N(int64(to-from)+1))
}

func generate(seed uint64) *history {
	c := chooser{rand.New(rand.NewPCG(seed, 7))}
	h := &history{seed: seed}
	h.world(c)
	quiet := c.one(4)
	if seed >= pushesFrom {
		h.pushed(c)
	} else {
		h.trigger(c, quiet)
	}
	h.crowd(c)
	if !quiet {
		h.troubles(c)
	}
	h.whatIsBuilt(c)
	sortEvents(h.events)
	return h
}

// world chooses the server and the service.
func (h *history) world(c chooser) {
	s := &h.setup
	switch c.IntN(20) {
	case 0, 1, 2, 3, 4, 5, 6:
		s.queue = bullMQ
		s.hidden = c.one(3)
		s.cancels = !s.hidden || !c.one(3)
		s.commits = s.cancels && (!s.hidden || !c.one(3))
	case 7, 8, 9:
		s.queue, s.cancels, s.commits, s.queuedRows = kept, true, true, c.one(2)
		s.unknown = c.one(3)
	default:
		s.cancels, s.commits = true, true
		s.unknown, s.hidden, s.queuedRows = c.one(6), c.one(8), c.one(8)
	}
	s.barred = s.hidden && s.cancels && s.commits && c.one(4)
	s.knownAs = s.hidden && !s.barred && c.one(2)
	if s.builds = 1; s.queue != bullMQ && c.one(3) {
		s.builds = 2 + c.IntN(2)
	}
	if c.one(3) {
		s.remote = "r1"
	}
	s.builtRemotely = s.remote == "" && c.one(10)
	s.git = !c.one(4)
	s.upload = !s.git && c.one(2)
	s.own = h.work(c, 0)
	s.history = c.IntN(12)
	s.lead = c.between(5*time.Millisecond, 300*time.Millisecond)
	s.latency = c.between(2*time.Millisecond, 300*time.Millisecond)
	s.stream = !c.one(3)
	s.theirs = time.Duration(c.Int64N(int64(48*time.Hour)) - int64(24*time.Hour)).Truncate(time.Millisecond)
	s.ours = time.Duration(c.Int64N(int64(48*time.Hour)) - int64(24*time.Hour))
}

// work returns the work of a deployment of that service.
func (h *history) work(c chooser, service int) work {
	w := work{outcome: dokploy.StatusDone, takes: c.span(30 * time.Second), rowAfter: c.between(2*time.Millisecond, 60*time.Millisecond), textGap: c.between(0, 30*time.Millisecond), leaves: c.between(0, 30*time.Millisecond)}
	if c.one(3) {
		w.outcome = dokploy.StatusError
	}
	if service == 0 && (h.remote != "" || h.builtRemotely) {
		w.rowAfter = c.between(20*time.Millisecond, time.Second)
		w.textGap = c.between(300*time.Millisecond, 800*time.Millisecond)
		if c.one(4) {
			w.leaves = -c.between(0, 900*time.Millisecond)
		}
		if c.one(12) {
			w.odd = noRow + odd(c.IntN(4))
		}
	}
	if w.odd == usual && c.one(15) {
		w.odd, w.outcome = cloneFailed, dokploy.StatusError
	}
	return w
}

func (h *history) trigger(c chooser, quiet bool) {
	s := &h.setup
	s.arrives = c.between(time.Millisecond, 200*time.Millisecond)
	s.answered = s.arrives + c.between(time.Millisecond, 200*time.Millisecond)
	if c.one(6) {
		s.answered += c.span(20 * time.Second)
	}
	if quiet || !c.one(4) {
		return
	}
	s.answer = track.CutOff
	s.lost = c.one(3)
	late := 4 * time.Second
	if c.one(2) {
		s.answer, late = track.GaveUp, 15*time.Second
	}
	switch {
	case c.one(3):
		s.arrives = s.answered + c.span(late)
	case s.queue == bullMQ && s.answer == track.GaveUp && !s.upload && c.one(2):
		s.arrives = s.answered + c.span(10*time.Minute) // Redis is away
	}
}

// crowd adds deployments by others.
func (h *history) crowd(c chooser) {
	if c.one(4) {
		return
	}
	n := 1 + c.IntN(4)
	if c.one(12) {
		n += 12 // they push ours out
	}
	for range n {
		e := event{what: deployment, title: "theirs", text: "by another"}
		if c.one(3) {
			e.service = 1 + c.IntN(len(services)-1)
		}
		e.work = h.work(c, e.service)
		if n > 9 {
			e.work.takes = c.span(300 * time.Millisecond)
		}
		switch c.IntN(4) {
		case 0:
			e.title, e.text = track.UploadTitle, ""
		case 1:
			e.webhook, e.text = h.git, "Hash: 0123456789"
		}
		h.place(c, &e)
		h.events = append(h.events, e)
	}
}

// place puts an event where it may have an effect.
func (h *history) place(c chooser, e *event) {
	switch c.IntN(8) {
	case 0, 1, 2:
		e.after = -c.span(20 * time.Second)
	case 3, 4:
		e.after = c.span(30 * time.Second)
	default:
		e.from = anchor(c.IntN(int(anchors)))
		e.after = c.span(5 * time.Second)
	}
}

func (h *history) troubles(c chooser) {
	for range 1 + c.IntN(2) {
		e := event{}
		h.place(c, &e)
		if e.after < 0 {
			e.after = -e.after
		}
		switch c.IntN(9) {
		case 0, 1, 2, 3:
			e.what, e.lasts = restart, c.between(5*time.Second, 20*time.Second)
			e.bad = c.one(15) && (!h.queuedRows || h.queue == inMemory)
		case 4:
			e.what, e.lasts = outage, c.span(time.Minute)
		case 5:
			e.what, e.lasts = fault, c.span(900*time.Millisecond)
		case 6:
			e.what = clean
		default:
			e.what, e.service = removal, -1
			if c.one(3) {
				e.service = c.IntN(3)
			}
		}
		h.events = append(h.events, e)
	}
}

// order returns what the run sends.
func (h *history) order(b track.Baseline) track.Order {
	o := track.Order{
		ServiceID: services[0].id, Remote: h.remote != "", BuiltRemotely: h.builtRemotely, LosesMarker: h.git,
		Upload: h.upload, Baseline: b, SentAt: at0.Add(h.ours),
	}
	switch {
	case h.push != nil:
		o.Baseline = track.Baseline{} // nobody looked before
		o.Commit, o.StartTimeout = h.push.asks, h.push.within
	case !h.upload:
		o.Markers = []string{ourMarker}
	}
	switch {
	case h.unknown:
		o.Traits.RerunsCancelled = true
	case h.queue == bullMQ:
		o.Traits = dokploy.Traits{QueueSurvivesRestart: true, RerunsCancelled: true, LeavesRowsRunning: !h.cancels, HidesQueue: h.hidden && !h.barred}
	}
	if h.knownAs {
		o.Queue = track.QueueHidden
	}
	return o
}

// has reports whether such a thing happens.
func (h *history) has(kinds ...happening) bool {
	for _, e := range h.events {
		for _, k := range kinds {
			if e.what == k {
				return true
			}
		}
	}
	return false
}

func (h *history) String() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("seed %d", h.seed)
	queue := [...]string{"queue in memory", "BullMQ", "queue in a database"}[h.queue]
	for _, x := range []struct {
		is   bool
		text string
	}{
		{h.hidden && h.knownAs, "known to be hidden"},
		{h.hidden && !h.knownAs && !h.barred, "hidden"},
		{h.barred, "barred"},
		{h.queuedRows, "rows for what waits"},
		{!h.cancels, "leaves rows running"},
		{!h.commits, "leaves texts"},
		{h.unknown, "of an unknown version"},
	} {
		if x.is {
			queue += ", " + x.text
		}
	}
	say("  server   %s, %d at once, %d old rows", queue, h.builds, h.history)
	kind := "an image"
	switch {
	case h.git:
		kind = "a Git source"
	case h.upload:
		kind = "an upload"
	}
	if h.remote != "" {
		kind += " on a remote server"
	}
	if h.builtRemotely {
		kind += " built on a remote server"
	}
	say("  service  %s", kind)
	if h.push != nil {
		say("  follows  %s within %v", h.push.asks, h.push.within)
	} else {
		say("  ours     %v", h.own)
	}
	trigger := fmt.Sprintf("arrives at %v", h.arrives)
	if h.lost {
		trigger = "never arrives"
	}
	say("  trigger  %s, %s at %v; baseline %v before", trigger, [...]string{"answered", "cut off", "given up"}[h.answer], h.answered, h.lead)
	say("  looks    a request takes %v, log stream: %v", h.latency, h.stream)
	for i, e := range h.events {
		say("  %2d %v", i, e)
	}
	return b.String()
}

func (w work) String() string {
	return fmt.Sprintf("row after %v, takes %v, text %v later, leaves %v later, %s%v", w.rowAfter, w.takes, w.textGap, w.leaves, w.outcome, w.odd)
}

func (e event) String() string {
	s := fmt.Sprintf("%s%+v ", e.from, e.after)
	switch e.what {
	case deployment:
		s += "deployment of " + services[e.service].id
		if e.webhook {
			s += " by a webhook"
		}
		if e.builds != "" {
			s += " which builds " + e.builds
		}
		return s + fmt.Sprintf(" (%q): %v", e.text, e.work)
	case restart:
		s += fmt.Sprintf("restart of %v", e.lasts)
		if e.bad {
			s += " that does not cancel"
		}
		return s
	case outage, fault:
		return s + fmt.Sprintf("outage of %v", e.lasts)
	case clean:
		return s + "somebody cleans its queue"
	}
	if e.service < 0 {
		return s + "somebody removes our row"
	}
	return s + fmt.Sprintf("somebody removes row %d", e.service)
}
