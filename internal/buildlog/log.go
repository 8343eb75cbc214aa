// Package buildlog follows the log of one deployment and delivers each of its
// lines once. There are two sources, which fail in different ways: the stream, and
// the last lines over REST (docs/protocol.md, The log). It knows both only through
// a Way, and nothing of what a server answers.
package buildlog

import (
	"context"
	"sync/atomic"
	"time"

	"dokploy-deploy/internal/text"
)

const (
	// streamQuiet is the silence after which a stream is asked for a sign of
	// life: Dokploy sends none by itself (docs/dokploy.md, The log stream).
	streamQuiet = 30 * time.Second
	// takeOverAfter is how long the stream may bring nothing before the log is read
	// over REST: where its handshake is not answered, or it is open and has
	// brought nothing yet. The first frame of a remote server takes 0.4 to 0.7 s.
	takeOverAfter = 4 * time.Second
	// askAfter is how long a stream that has brought lines may be quiet before
	// REST is asked whether there are more; longer each time it has no more.
	askAfter     = 10 * time.Second
	askAfterMost = time.Minute
	// errorHold is how long text that looks like an error of the stream is
	// kept back: the stream closes right after a real one.
	errorHold = 3 * time.Second
	// streamFailures without a new line in between are enough to read the log
	// over REST.
	streamFailures = 4
	// hangFailures is as bad as so many of them: a stream that brings nothing while
	// REST has new lines.
	hangFailures = 2
	// restPause between two reads over REST: for a remote service each opens
	// an SSH connection (docs/dokploy.md, Remote servers).
	restPause = 2 * time.Second
	// restPauseMost is the pause while REST fails.
	restPauseMost = 10 * time.Second
	// warnNothingAfter is how long nothing at all may be had before that is said.
	warnNothingAfter = 15 * time.Second
	// silenceLimit is how long a stream may bring nothing from its beginning where
	// REST cannot help: then a new one is tried. One to a remote server that
	// does not answer ends by itself after 20 s.
	silenceLimit = 25 * time.Second
	// maxTries is how often the stream is opened again at the end, where REST
	// does not help.
	maxTries = 3
	// maxTail is the most that deployment.readLogs takes.
	maxTail = 10000
	// pieceLimit bounds what is taken of a frame at a time, so that memory
	// stays flat for any frame; 65,546 bytes is the largest ever seen.
	pieceLimit = 128 << 10
	// heldLimit bounds text that is kept back: no error is as long.
	heldLimit = 64 << 10
)

// Events are called for what the log brings: Line and Lost by one goroutine, Wake
// by others, too.
type Events struct {
	// Line gets each line once, in order, without its newline. It must not
	// keep line.
	Line func(line []byte)
	// Wake is called when a look at the deployment is worth it: the log shows
	// an end, falls silent after one, or its stream breaks.
	Wake func()
	// Lost is called when lines may be missing or the log cannot be had, with
	// what a person should know.
	Lost func(text string)
}

// Log follows the log of one deployment until it is stopped.
//
// One goroutine owns it. It takes what the stream brings, which replays the
// file from its first line each time it is opened, and what REST reads, which
// are the file's last lines, and delivers each line once: lines are known by
// their number (place). REST takes over where the stream does not bring what it
// should.
type Log struct {
	way    Way
	events Events
	cancel context.CancelFunc
	done   chan struct{}
	final  chan *ending // of Drain
	live   atomic.Bool  // the stream is open, and brings lines

	// Owned by the goroutine:
	place       place
	stream      stream
	rest        rest
	end         *ending   // nil: the deployment is still running
	firstTurn   time.Time // when the first request was sent
	deliveredAt time.Time // the newest line
	lastIsEnd   bool      // the newest line ends a build or a deployment
	afterEnd    *time.Timer
	warned      map[string]bool
	settled     bool // nothing more is awaited

	// Owned by the goroutine until it has ended, then by the caller:
	outcome Outcome
}

// Outcome is what became of a log.
type Outcome struct {
	Lines int  // delivered
	Empty bool // it was read, and nothing is in it
	// Missing says why lines that were there at the end may be missing, or
	// why there are none; empty: nothing is missing.
	Missing string
}

// Follow starts to follow a log; Stop ends it.
func Follow(ctx context.Context, way Way, events Events) *Log {
	ctx, cancel := context.WithCancel(ctx)
	l := &Log{
		way: way, events: events, cancel: cancel, done: make(chan struct{}), final: make(chan *ending, 1),
		place: newPlace(), warned: map[string]bool{},
	}
	l.stream.init(l)
	l.rest.init(l)
	l.afterEnd = time.AfterFunc(time.Hour, events.Wake)
	l.afterEnd.Stop()
	go func() {
		defer close(l.done)
		defer l.afterEnd.Stop()
		l.run(ctx)
	}()
	return l
}

// Streaming reports whether the live stream brings the log, so that its end
// will be seen when it is written.
func (l *Log) Streaming() bool { return l.live.Load() }

// Stop stops following and returns once no more events will come. A last line
// without its newline is delivered.
func (l *Log) Stop() Outcome {
	l.cancel()
	<-l.done
	return l.outcome
}

// run owns the log until it is stopped.
func (l *Log) run(ctx context.Context) {
	defer l.stream.close()
	defer l.rest.wait()
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		next := l.act(work)
		if l.settled {
			break
		}
		timer.Reset(time.Until(next))
		k := l.stream.channels()
		select {
		case <-ctx.Done():
		case <-timer.C:
		case l.end = <-l.final:
			l.end.since = time.Now()
			l.end.deadline = l.end.since.Add(l.end.limit)
		case <-k.turned:
			l.stream.onTurn()
		case conn := <-k.opened:
			l.stream.onOpen(conn)
		case p := <-k.frames:
			l.stream.onFrame(p)
		case err := <-k.ended:
			l.stream.onEnd(err)
		case err := <-k.pong:
			l.stream.onPong(err)
		case <-l.rest.turned:
			l.rest.onTurn()
		case r := <-l.rest.results:
			l.rest.onResult(r)
		}
	}
	l.close()
}

// schedule keeps the earliest time at which something is to be done.
type schedule struct{ now, next time.Time }

// due reports whether the time has come; if not, it is scheduled.
func (s *schedule) due(at time.Time) bool {
	if !at.After(s.now) {
		return true
	}
	if at.Before(s.next) {
		s.next = at
	}
	return false
}

// act does what is due, and returns when it must be called again.
func (l *Log) act(ctx context.Context) (next time.Time) {
	now := time.Now()
	s := &schedule{now, now.Add(time.Hour)}
	l.stream.showHeld(s)
	if l.end != nil {
		l.finish(ctx, s)
		return s.next
	}
	st := &l.stream
	if st.phase == closed && !st.gaveUp && s.due(st.redial) {
		st.connect(ctx)
	}
	if at, ok := l.readAt(); ok && s.due(at) {
		l.rest.read(ctx)
	}
	if st.phase == open && !st.pinging && s.due(later(st.quietSince(), st.pinged).Add(streamQuiet)) {
		st.ping(ctx, 10*time.Second)
	}
	if st.phase == open && !st.gotText && l.rest.unavailable != nil && s.due(st.since.Add(silenceLimit)) {
		st.drop(errSilent, 1)
		s.next = s.now
	}
	if l.place.lines == 0 && l.rest.unavailable != nil && !l.firstTurn.IsZero() && st.lastText.IsZero() && s.due(l.firstTurn.Add(warnNothingAfter)) {
		l.warnOnce("none", "nothing of the log has arrived so far: "+st.problem()+", and "+l.rest.problem())
	}
	return s.next
}

// readAt is when the log is read over REST while the deployment is running.
func (l *Log) readAt() (at time.Time, ok bool) {
	st, r := &l.stream, &l.rest
	switch {
	case !r.idle() || r.unavailable != nil:
		return at, false
	case st.gaveUp:
		return r.next, true
	case l.firstTurn.IsZero() || st.phase == waiting && st.lastText.IsZero():
		return at, false // it is only waiting for its turn
	case st.phase == open && st.gotText && st.caughtUp():
		return later(st.lastText, r.answeredAt).Add(r.askAfter), true
	}
	return later(later(st.lastText, l.firstTurn).Add(takeOverAfter), r.next), true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// deliver hands the next line over.
func (l *Log) deliver(line []byte) {
	l.place.add(line)
	l.deliveredAt = time.Now()
	l.events.Line(line)
	was := l.lastIsEnd
	l.lastIsEnd = len(line) > 3 && isEnd(line)
	switch {
	case l.lastIsEnd:
		l.events.Wake()
		l.afterEnd.Stop()
	case was:
		// Something follows an end: look again when it falls silent.
		l.afterEnd.Reset(300 * time.Millisecond)
	}
}

// warnOnce tells of a kind of problem the first time.
func (l *Log) warnOnce(kind, text string) {
	if !l.warned[kind] {
		l.warned[kind] = true
		l.events.Lost(text)
	}
}

// warnIfHopeless warns if neither source is left while the deployment is running.
func (l *Log) warnIfHopeless() {
	if l.stream.gaveUp && l.rest.unavailable != nil {
		l.warnOnce("none", "the log cannot be shown: "+l.stream.problem()+", and "+l.rest.problem()+"; the deployment is followed without it")
	}
}

// startOver starts over with a file that another deployment emptied.
func (l *Log) startOver() {
	l.place.forget(true)
	l.warnOnce("anew", "the log was emptied and started over, as when another deployment of the service starts in the same second: lines may be missing here")
}

func describe(err error) string { return text.OneLine(err.Error()) }
