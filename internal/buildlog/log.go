// Package buildlog follows the log of one deployment and delivers each line
// once. It has two sources, which fail in different ways: a live stream, and
// the last lines over REST (docs/protocol.md, The log). It reaches both through
// a Way, and does not know what the server's answers look like.
package buildlog

import (
	"context"
	"sync/atomic"
	"time"

	"dokploy-deploy/internal/text"
)

const (
	// streamQuiet is the silence after which the stream is pinged. Dokploy
	// sends no pings itself (docs/dokploy.md, The log stream).
	streamQuiet = 30 * time.Second
	// takeOverAfter is how long the stream may bring nothing, because its
	// handshake is unanswered or no frame has come, before the log is read over
	// REST. The first frame from a remote server takes 0.4 to 0.7 s.
	takeOverAfter = 4 * time.Second
	// askAfter is how long a stream that has brought lines may be quiet before
	// REST is asked for more. It grows each time REST has no more.
	askAfter     = 10 * time.Second
	askAfterMost = time.Minute
	// errorHold is how long text that looks like an error of the stream is held
	// back. After a real error the stream closes at once.
	errorHold = 3 * time.Second
	// streamFailures is the number of failures without a new line in between
	// after which the log is read over REST.
	streamFailures = 4
	// hangFailures is how many failures it counts as when a stream brings
	// nothing while REST has new lines.
	hangFailures = 2
	// restPause is the pause between reads over REST. For a remote service each
	// read opens an SSH connection (docs/dokploy.md, Remote servers).
	restPause = 2 * time.Second
	// restPauseMost is the longest pause while REST fails.
	restPauseMost = 10 * time.Second
	// warnNothingAfter is how long the log may be unavailable without a
	// warning.
	warnNothingAfter = 15 * time.Second
	// silenceLimit is how long a new stream may bring nothing before it is
	// replaced, if REST cannot help. A stream to a remote server that does not
	// answer ends by itself after 20 s.
	silenceLimit = 25 * time.Second
	// maxTries is how often the stream is reopened at the end, if REST does not
	// help.
	maxTries = 3
	// maxTail is the most lines that deployment.readLogs accepts.
	maxTail = 10000
	// pieceLimit is how much of a frame is read at a time, in bytes, so that
	// memory use stays flat. The largest frame seen had 65,546 bytes.
	pieceLimit = 128 << 10
	// heldLimit limits text that is held back, in bytes. No error is that long.
	heldLimit = 64 << 10
)

// Events are the callbacks of a Log. One goroutine calls Line and Lost; Wake
// may be called from others.
type Events struct {
	// Line receives each line once, in order, without its newline. It must not
	// keep line.
	Line func(line []byte)
	// Wake is called when it is worth looking at the deployment: the log shows
	// an end, falls silent after one, or the stream breaks.
	Wake func()
	// Lost is called with an explanation when lines may be missing or the log
	// cannot be read.
	Lost func(text string)
}

// Log follows the log of one deployment until it is stopped.
//
// One goroutine owns it. The stream replays the file from its first line each
// time it is opened; REST returns the last lines of the file. Lines are
// identified by their number (place), and each is delivered once. REST takes
// over when the stream does not deliver.
type Log struct {
	way    Way
	events Events
	cancel context.CancelFunc
	done   chan struct{}
	final  chan *ending // of Drain
	live   atomic.Bool  // the stream is open and delivers

	// Owned by the goroutine:
	place       place
	stream      stream
	rest        rest
	end         *ending   // nil: the deployment is still running
	firstTurn   time.Time // when the first request was sent
	deliveredAt time.Time // when the newest line was delivered
	lastIsEnd   bool      // the newest line ends a build or a deployment
	afterEnd    *time.Timer
	warned      map[string]bool
	settled     bool // nothing more is expected

	// Owned by the goroutine until it ends, then by the caller:
	outcome Outcome
}

// Outcome says how following a log ended.
type Outcome struct {
	Lines int  // lines delivered
	Empty bool // the log was read, and is empty
	// Missing says why lines may be missing, or why there are none; empty: the
	// log is complete.
	Missing string
}

// Follow starts following a log. Stop ends it.
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

// Streaming reports whether the live stream delivers the log, so that its last
// line will arrive when it is written.
func (l *Log) Streaming() bool { return l.live.Load() }

// Stop stops following and waits until no more events will come. A last line
// without a newline is delivered.
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

// schedule finds the earliest time at which something is due.
type schedule struct{ now, next time.Time }

// due reports whether at has passed; if not, it is scheduled.
func (s *schedule) due(at time.Time) bool {
	if !at.After(s.now) {
		return true
	}
	if at.Before(s.next) {
		s.next = at
	}
	return false
}

// act does what is due, and returns when to call it again.
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

// readAt returns when to read the log over REST while the deployment is
// running.
func (l *Log) readAt() (at time.Time, ok bool) {
	st, r := &l.stream, &l.rest
	switch {
	case !r.idle() || r.unavailable != nil:
		return at, false
	case st.gaveUp:
		return r.next, true
	case l.firstTurn.IsZero() || st.phase == waiting && st.lastText.IsZero():
		return at, false // it is already waiting for its turn
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

// deliver delivers the next line.
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
		// Lines follow an end line: wake again when they stop.
		l.afterEnd.Reset(300 * time.Millisecond)
	}
}

// warnOnce reports a kind of problem the first time it occurs.
func (l *Log) warnOnce(kind, text string) {
	if !l.warned[kind] {
		l.warned[kind] = true
		l.events.Lost(text)
	}
}

// warnIfHopeless warns if neither source works while the deployment is running.
func (l *Log) warnIfHopeless() {
	if l.stream.gaveUp && l.rest.unavailable != nil {
		l.warnOnce("none", "the log cannot be shown: "+l.stream.problem()+", and "+l.rest.problem()+"; the deployment is followed without it")
	}
}

// startOver starts over after another deployment emptied the file.
func (l *Log) startOver() {
	l.place.forget(true)
	l.warnOnce("anew", "the log was emptied and started over, as when another deployment of the service starts in the same second: lines may be missing here")
}

func describe(err error) string { return text.OneLine(err.Error()) }
