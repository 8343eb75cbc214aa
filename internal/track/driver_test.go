package track_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
)

// run drives the tracker through a history, as package deploy does.
type run struct {
	*world
	h     *history
	c     chooser
	state track.State

	last  track.Decision
	looks int
	shown shown // by the current look
	began time.Duration

	outageStart time.Duration
	inOutage    bool
	retry       time.Duration
	counted     bool
	outages     int
	backAt      time.Time
	faultAt     time.Time
	lastRequest time.Duration
	failures    []time.Duration // when requests failed

	interval    time.Duration
	first       time.Duration
	burst       int
	wokenFor    time.Duration
	problems    []string
	heldIDs     []string
	farBack     bool // others waited ahead of it when it last waited
	unfinished  bool
	unreachable bool
	cutOff      bool // a restart cut off its trigger
	noises      int
	story       *strings.Builder
	said        map[string]string // the last thing of each kind that the story said
	keepSteps   bool
	steps       []step
	begun       track.State
	given       track.Answer
	answeredAt  int // before which step
	keepLooks   bool
	fingerprint []look
}

// step is one call of See.
type step struct {
	before, after track.State
	o             track.Observation
	clone         track.Observation
	d             track.Decision
}

// look is the decision of a look, without its times.
type look struct {
	at    time.Duration
	asked track.Need
	d     track.Decision
	phase track.Phase
}

const (
	longest  = 40 * time.Minute
	mostLook = 3000
	patience = 5 * time.Minute // of an outage
)

func newRun(h *history) *run {
	return &run{world: newWorld(h), h: h, c: chooser{rand.New(rand.NewPCG(h.seed, 8))}}
}

func (r *run) clock() time.Time { return at0.Add(r.ours + r.now) }

func (r *run) bad(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

func (r *run) play() *run {
	r.advance(-r.lead)
	order := r.h.order(r.baseline())
	r.advance(0)
	r.state = track.Begin(order)
	r.begun = r.state
	if h := r.h; h.push == nil {
		r.send()
	} else {
		r.answeredAt, r.last.Pace.Now = -1, true
	}
	for !r.over() {
		r.wait(r.pause())
		if r.looks++; r.looks > mostLook || r.now > longest {
			r.unfinished = true
			break
		}
		r.last = r.look()
		r.outcome()
	}
	return r
}

func (r *run) over() bool {
	return r.last.End != nil || r.last.Took == track.TookNot || r.unreachable || len(r.problems) > 0
}

// send lets the time pass until the trigger is answered.
func (r *run) send() {
	const slow = 500 * time.Millisecond
	answer := track.Answer{Kind: r.answer}
	if r.answered >= slow && !r.upload {
		r.advance(slow)
		for r.now < r.answered && !r.reset() {
			if d := r.look(); d.Took == track.TookYes {
				r.reply(track.Answer{})
				return
			}
			r.advance(r.now + 300*time.Millisecond)
		}
	}
	if !r.cutOff {
		r.advance(max(r.now, r.answered))
	}
	if r.reset() {
		answer.Kind = track.CutOff
	}
	if r.answer == track.Taken && r.ownJob == nil {
		answer.Kind, r.cutOff = track.CutOff, true
	}
	if answer.Kind == track.Taken && r.answered < slow {
		answer.At = r.clock()
	}
	r.reply(answer)
	if r.state.Phase() == track.Open {
		r.last.Pace.Now = true
	}
}

func (r *run) reply(a track.Answer) {
	r.given, r.answeredAt = a, len(r.steps)
	r.state = r.state.Answered(a)
	r.last = track.Decision{Pace: r.state.Pace()}
}

// reset reports whether a restart has cut off the trigger's answer.
func (r *run) reset() bool {
	if r.arrives < r.answered && slices.ContainsFunc(r.restarts, func(at time.Duration) bool { return at > -20*time.Second && at < r.answered }) {
		r.cutOff = true
	}
	return r.cutOff
}

func (r *run) stamp(o *track.Observation) {
	r.count()
	o.At, o.Outages, o.BackAt, o.FaultAt = r.clock(), r.outages, r.backAt, r.faultAt
}

func (r *run) count() {
	if r.inOutage && !r.counted && r.now-r.outageStart >= time.Second {
		r.counted = true
		r.outages++
	}
}

// look takes one look.
func (r *run) look() track.Decision {
	start := r.now
	o := track.Observation{Start: r.clock()}
	r.stamp(&o)
	var asked track.Need
	r.shown = shown{}
	for {
		next, d := r.state.See(o)
		if r.keepSteps {
			r.steps = append(r.steps, step{before: r.state, after: next, o: o, clone: clone(o), d: d})
		}
		if d.Ask == 0 {
			r.found(next, d, &o)
			r.state = next
			r.saw(start, asked, d)
			return d
		}
		if asked&d.Ask != 0 || d.Ask&(d.Ask-1) != 0 || d.Ask > track.Running {
			r.bad("it asks for %d, after %d", d.Ask, asked)
			return d
		}
		asked |= d.Ask
		r.request(&o, d.Ask)
	}
}

func (r *run) saw(start time.Duration, asked track.Need, d track.Decision) {
	if d.Held != nil && d.Held.Status == dokploy.StatusQueued {
		r.bad("held what has not begun: %s", d.Held.ID)
	}
	if d.Waits {
		r.farBack = d.Place.Number > 1
	}
	if d.Held != nil && !slices.Contains(r.heldIDs, d.Held.ID) {
		r.heldIDs = append(r.heldIDs, d.Held.ID)
	}
	if r.keepLooks {
		r.fingerprint = append(r.fingerprint, look{at: start, asked: asked, d: d, phase: r.state.Phase()})
	}
	if r.story != nil {
		what := fmt.Sprintf("asked %04b, phase %d, %q", asked, r.state.Phase(), d.Left)
		if d.Fault {
			what += ", failed"
		}
		if d.Held != nil {
			what += ", holds " + d.Held.ID + " " + d.Held.Status
		}
		if d.Took != 0 {
			what += fmt.Sprintf(", took %d", d.Took)
		}
		if d.End != nil && d.End.Row != nil {
			what += ", END " + d.End.Row.ID + " " + d.End.Row.Status
		} else if d.End != nil {
			what += fmt.Sprintf(", END %q %s", d.End.Reason.Kind, d.End.Reason.Text)
		}
		for _, e := range d.Tell {
			what += fmt.Sprintf(", event %d", e.Kind)
		}
		r.say(start, "look", what)
	}
}

// say adds what is new to the story.
func (r *run) say(at time.Duration, kind, what string) {
	if r.said[kind] != what && what != "" {
		fmt.Fprintf(r.story, "%10v  %s\n", at.Round(time.Millisecond), what)
	}
	r.said[kind] = what
}

// request makes one request, which takes time and may fail.
func (r *run) request(o *track.Observation, n track.Need) {
	r.advance(r.now + r.c.between(r.latency/4, r.latency/2+time.Millisecond))
	o.Asked |= n
	switch {
	case !r.reachable():
		o.Failed |= n
		r.failures = append(r.failures, r.now)
	case n == track.Queue && (r.hidden || r.barred):
		o.Failed |= n
		o.NoQueue = !r.barred
	case n == track.Queue:
		o.Queue = r.queueList()
		r.shown.jobs = slices.Clone(r.jobs)
		r.addNoise(o.Queue)
	case n == track.Rows:
		o.Rows = r.rowList()
		r.shown.rows = slices.Clone(r.rows)
	case n == track.Service:
		o.Service = &dokploy.Service{ID: services[0].id, Status: r.status[0], Deployments: r.rowList()}
	case n == track.Running:
		o.Running = r.runningList()
	}
	if o.Failed&n == 0 || o.NoQueue && n == track.Queue {
		r.lastRequest = r.now
	}
	if r.story != nil && o.Failed&n == 0 {
		r.show(n, o)
	}
	r.advance(r.now + r.c.between(r.latency/4, r.latency/2+time.Millisecond))
	if o.Failed&n != 0 && !o.NoQueue {
		r.faultAt = r.clock()
	}
	r.stamp(o)
}

func (r *run) show(n track.Need, o *track.Observation) {
	at := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.Sub(r.serverTime(0)).String()
	}
	var all []string
	switch n {
	case track.Queue:
		for _, j := range o.Queue.Jobs {
			state := "waits"
			if j.Active {
				state = "active since " + at(j.ProcessedOn)
			}
			all = append(all, fmt.Sprintf("    job %s of %s %q %s", j.ID, j.ServiceID, j.Description, state))
		}
	case track.Rows:
		for i := len(o.Rows) - 1; i >= 0; i-- {
			if d := o.Rows[i]; d.Description != "of long ago" {
				all = append(all, fmt.Sprintf("    row %s %q %s (%s, %s)", d.ID, d.Description, d.Status, at(d.StartedAt), at(d.FinishedAt)))
			}
		}
	default:
		all = append(all, fmt.Sprintf("    running: %v", o.Running))
	}
	if len(all) == 0 {
		all = []string{"    nothing"}
	}
	r.say(r.now, fmt.Sprint(n), strings.Join(all, "\n            "))
}

// addNoise adds a job that waits in its own queue.
func (r *run) addNoise(q *dokploy.Queue) {
	if !r.noise {
		return
	}
	r.noises++
	j := dokploy.Job{ID: fmt.Sprintf("job-9%d", r.noises), ServiceID: "noise", Remote: true, ServerID: "r9", Description: "Commit: 1", Title: track.UploadTitle, QueuedAt: r.serverTime(r.now - time.Minute)}
	q.Jobs = slices.Insert(q.Jobs, r.noises%(len(q.Jobs)+1), j)
}

// outcome does what the loop of package wait does after a look.
func (r *run) outcome() {
	if !r.last.Fault {
		if r.inOutage {
			r.count()
			r.inOutage, r.counted = false, false
			r.backAt = r.clock()
			r.interval = 0
		}
		return
	}
	if !r.inOutage {
		r.inOutage, r.retry = true, 500*time.Millisecond
		r.outageStart = r.began
	}
	r.count()
	r.unreachable = r.now-r.outageStart > patience
}

func (r *run) pause() time.Duration {
	p := r.last.Pace
	switch {
	case r.inOutage:
		d := r.jitter(r.retry)
		r.retry = min(r.retry*17/10, 8*time.Second)
		return d
	case r.burst > 0:
		bursts := [...]time.Duration{30, 60, 120, 250, 500, 1000, 2000}
		d := bursts[len(bursts)-r.burst] * time.Millisecond
		r.burst--
		return d
	case p.Now:
		return 0
	case p.First == p.Most:
		return p.First
	case p.Log && !r.stream:
		return r.c.between(1200*time.Millisecond, 1440*time.Millisecond)
	case p.Restart || r.first != p.First:
		r.interval = 0
	}
	if r.first = p.First; r.interval == 0 {
		r.interval = p.First
	}
	d := r.jitter(min(r.interval, p.Most))
	r.interval = min(r.interval*17/10, p.Most)
	return d
}

func (r *run) jitter(d time.Duration) time.Duration { return r.c.between(d*85/100, d*115/100) }

// wait lets the time pass until the next look. The end of the log wakes it.
func (r *run) wait(d time.Duration) {
	to := r.now + d
	wakes := r.last.Pace.Log && r.stream && !r.inOutage
	for wakes && r.wokenFor >= r.endedAt {
		next := to
		for i := range r.timers {
			next = min(next, r.timers[i].at)
		}
		r.advance(max(next, r.now))
		if r.now >= to {
			break
		}
	}
	if wakes && r.wokenFor < r.endedAt {
		r.wokenFor, r.burst = r.endedAt, 7
		to = min(to, max(r.now, r.endedAt+r.c.between(0, 20*time.Millisecond)))
	}
	r.advance(max(r.now, to))
	r.began = r.now
}

func clone(o track.Observation) track.Observation {
	if o.Queue != nil {
		o.Queue = &dokploy.Queue{Jobs: slices.Clone(o.Queue.Jobs)}
	}
	o.Rows, o.Running = slices.Clone(o.Rows), slices.Clone(o.Running)
	if o.Service != nil {
		s := *o.Service
		s.Deployments = slices.Clone(s.Deployments)
		o.Service = &s
	}
	return o
}

// pure replays what was recorded, from the beginning: the same states and
// observations give the same answers, and neither asking nor judging another
// look changes a state.
func (r *run) pure() {
	state := r.begun
	for i := range r.steps {
		s := &r.steps[i]
		if i == r.answeredAt {
			state = state.Answered(r.given)
		}
		s.before.See(r.steps[(7*i+3)%len(r.steps)].clone)
		next, d := state.See(s.clone)
		switch {
		case !reflect.DeepEqual(s.o, s.clone):
			r.bad("an observation was changed: call %d", i)
		case !reflect.DeepEqual(d, s.d):
			r.bad("another decision the second time: call %d: %+v, %+v", i, s.d, d)
		case !reflect.DeepEqual(state, s.before) || !reflect.DeepEqual(next, s.after):
			r.bad("another state the second time: call %d", i)
		case d.Ask != 0 && !reflect.DeepEqual(state, next):
			r.bad("asking has changed the state: call %d", i)
		case d.Ask != 0 && !reflect.DeepEqual(d, track.Decision{Ask: d.Ask}):
			r.bad("it asks and decides: call %d: %+v", i, d)
		}
		state = next
	}
}
