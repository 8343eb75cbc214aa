package dokploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"dokploy-deploy/internal/text"
)

const (
	// streamQuiet is the silence after which a stream is asked for a sign of
	// life: Dokploy sends none by itself (docs/dokploy.md, The log stream).
	streamQuiet = 30 * time.Second
	// takeOver is how long the stream may bring nothing before the log is read
	// over REST: where its handshake is not answered, or it is open and has
	// brought nothing yet. The first frame of a remote server takes 0.4 to 0.7 s.
	takeOver = 4 * time.Second
	// askAfter is how long a stream that has brought lines may be quiet before
	// REST is asked whether there are more; longer each time it has no more.
	askAfter = 10 * time.Second
	askMost  = time.Minute
	// heldBack is how long text that looks like an error of the stream is
	// kept back: the stream closes right after a real one.
	heldBack = 3 * time.Second
	// streamFailures without a new line in between are enough to read the log
	// over REST.
	streamFailures = 4
	// hanging is as bad as so many of them: a stream that brings nothing while
	// REST has new lines.
	hanging = 2
	// restPause between two reads over REST: for a remote service each opens
	// an SSH connection (docs/dokploy.md, Remote servers).
	restPause = 2 * time.Second
	// restPauseMost is the pause while REST fails.
	restPauseMost = 10 * time.Second
	// noneYet is how long nothing at all may be had before that is said.
	noneYet = 15 * time.Second
	// silentFor is how long a stream may bring nothing from its beginning where
	// REST cannot help: then a new one is tried. One to a remote server that
	// does not answer ends by itself after 20 s.
	silentFor = 25 * time.Second
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

// LogSource says where a deployment's log is.
type LogSource struct {
	DeploymentID string
	Path         string // the row's logPath
	ServerID     string // the build server of the row or the service, else the service's server (docs/dokploy.md, Remote servers)
	// NoREST: deployment.readLogs cannot have this log (a build server's).
	NoREST bool
}

// LogEvents is told what the log brings: of lines from one goroutine, Wake
// comes from others, too.
type LogEvents struct {
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

// logWay is the way to one log. What a server answers stays behind it.
type logWay struct {
	client *Client
	source LogSource
}

// turn waits until a request may be sent.
func (w logWay) turn(ctx context.Context) (context.Context, error) {
	return w.client.ahead(ctx, http.MethodGet)
}

// open opens the stream, which begins with the first line.
func (w logWay) open(ctx context.Context) (*websocket.Conn, error) {
	return w.client.openLog(ctx, w.source)
}

// read reads the last lines over REST.
func (w logWay) read(ctx context.Context, lines int) (string, error) {
	return w.client.ReadLogs(ctx, w.source.DeploymentID, lines)
}

// Log follows the log of one deployment until it is stopped.
//
// One goroutine owns it. It takes what the stream brings, which replays the
// file from its first line each time it is opened, and what REST reads, which
// are the file's last lines, and gives each line away once: lines are known by
// their number (place). REST takes over where the stream does not bring what it
// should.
type Log struct {
	way    logWay
	events LogEvents
	cancel context.CancelFunc
	done   chan struct{}
	final  chan *ending // of Drain
	live   atomic.Bool  // the stream is open, and brings lines

	// Of the goroutine alone:
	place    place
	stream   stream
	rest     rest
	end      *ending   // nil: the deployment goes on
	begun    time.Time // the first turn came
	gave     time.Time // the newest line was given away
	ended    bool      // it was an end line
	afterEnd *time.Timer
	told     map[string]bool
	isOver   bool // nothing is waited for any more

	// Of the goroutine until it has ended, then of who asks:
	outcome LogOutcome
}

// LogOutcome is what became of a log.
type LogOutcome struct {
	Lines int  // given away
	Empty bool // it was read, and nothing is in it
	// Missing says why lines may be missing that were there at the end, or
	// why there are none; empty: all were had.
	Missing string
}

// ending is the end of the deployment: what the log has is given away.
type ending struct {
	limit    time.Duration
	ends     bool // Dokploy's own end is to be seen
	since    time.Time
	deadline time.Time
	tries    int // so often the stream was opened again for the end
	done     chan struct{}
}

// FollowLog starts to follow a log; Stop ends it.
func (c *Client) FollowLog(ctx context.Context, source LogSource, events LogEvents) *Log {
	ctx, cancel := context.WithCancel(ctx)
	l := &Log{
		way: logWay{c, source}, events: events, cancel: cancel, done: make(chan struct{}), final: make(chan *ending, 1),
		place: newPlace(), told: map[string]bool{},
	}
	l.stream.init(l)
	l.rest.init(l, source.NoREST)
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

// Drain waits for what is still coming after the verdict: until the log is
// known to be all there, at most limit, in which the waiting for the turn of a
// request does not count. The stream is never closed by Dokploy. ends says that
// the log has Dokploy's own end, as those of all deployments that were not
// cancelled.
func (l *Log) Drain(ctx context.Context, limit time.Duration, ends bool) {
	e := &ending{limit: limit, ends: ends, done: make(chan struct{})}
	select {
	case l.final <- e:
	case <-l.done:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-e.done:
	case <-l.done:
	case <-ctx.Done():
	}
}

// Stop ends the following and returns when no event comes any more. A last
// line without its newline is given away.
func (l *Log) Stop() LogOutcome {
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
		if l.isOver {
			break
		}
		timer.Reset(time.Until(next))
		k := l.stream.events()
		select {
		case <-ctx.Done():
		case <-timer.C:
		case l.end = <-l.final:
			l.end.since = time.Now()
			l.end.deadline = l.end.since.Add(l.end.limit)
		case <-k.turned:
			l.stream.hasTurn()
		case conn := <-k.opened:
			l.stream.isOpen(conn)
		case p := <-k.frames:
			l.stream.take(p)
		case err := <-k.ended:
			l.stream.broke(err)
		case err := <-k.pong:
			l.stream.answered(err)
		case <-l.rest.turned:
			l.rest.hasTurn()
		case r := <-l.rest.results:
			l.rest.take(r)
		}
	}
	l.close()
}

// schedule keeps the earliest time at which something is to be done.
type schedule struct{ now, next time.Time }

// due reports whether the time has come; else it is waited for.
func (s *schedule) due(at time.Time) bool {
	if !at.After(s.now) {
		return true
	}
	if at.Before(s.next) {
		s.next = at
	}
	return false
}

// act does what is due, and says when it must be called again.
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
	if st.phase == open && !st.heardAny && l.rest.gone != nil && s.due(st.since.Add(silentFor)) {
		st.drop(errSilent, 1)
		s.next = s.now
	}
	if l.place.lines == 0 && l.rest.gone != nil && !l.begun.IsZero() && st.heard.IsZero() && s.due(l.begun.Add(noneYet)) {
		l.say("none", "nothing of the log has come so far: "+st.trouble()+", and "+l.rest.trouble())
	}
	return s.next
}

// readAt is when the log is read over REST while the deployment goes on.
func (l *Log) readAt() (at time.Time, ok bool) {
	st, r := &l.stream, &l.rest
	switch {
	case !r.idle() || r.gone != nil:
		return at, false
	case st.gaveUp:
		return r.next, true
	case l.begun.IsZero() || st.phase == waiting && st.heard.IsZero():
		return at, false // it only waits for its turn
	case st.phase == open && st.heardAny && st.caughtUp():
		return later(st.heard, r.asked).Add(r.askAfter), true
	}
	return later(later(st.heard, l.begun).Add(takeOver), r.next), true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// finish gives away what is there when the deployment has ended, and ends the
// waiting for it.
func (l *Log) finish(ctx context.Context, s *schedule) {
	const (
		quietAfterEnd = 15 * time.Millisecond
		quiet         = 300 * time.Millisecond
		quietAtStart  = 1500 * time.Millisecond // first frame of a remote server: 0.4 to 0.7 s
	)
	e, st, r := l.end, &l.stream, &l.rest
	if st.phase == waiting || r.waiting {
		return // behind other requests, for which the time does not count
	}
	if s.due(e.deadline) {
		l.over(l.whatIsMissing())
		return
	}
	if !r.idle() {
		return
	}
	switch st.phase {
	case open:
		need := quiet
		switch {
		case l.certain():
			need = quietAfterEnd
		case !st.heardAny:
			need = quietAtStart
		}
		if !s.due(st.quietSince().Add(need)) {
			return
		}
	case dialing:
		if !s.due(st.since.Add(quietAtStart)) {
			return
		}
	}
	switch {
	case r.complete, l.certain():
		l.over("")
	case e.tries == 0 && (r.gone != nil || r.err != nil):
		// A connection that begins anew shows all that is there.
		e.tries++
		st.close()
		st.connect(ctx)
	case r.gone == nil:
		if s.due(r.again) {
			r.read(ctx)
		}
	case !e.ends && st.phase == open && !st.since.Before(e.since) && st.heardAny && st.caughtUp() && !st.split.seen:
		l.over("") // as far as can be known
	case st.phase == open, st.phase == closed && (e.tries == maxTries || st.gaveUp || refused(st.why)):
		l.over(l.whatIsMissing())
	case st.phase == closed && s.due(st.redial):
		e.tries++
		st.connect(ctx)
	}
}

// certain reports whether the stream has brought the end of the log. Dokploy
// writes it 2 to 48 ms before it says that the deployment has ended; an end line
// that is older may have others behind it, unless the stream was opened since.
func (l *Log) certain() bool {
	st, ended := &l.stream, l.end.since
	return l.ended && st.phase == open && st.heardAny && st.caughtUp() && (l.gave.After(ended.Add(-time.Second)) || !st.since.Before(ended))
}

// turnCame is told that a request was sent, and since when it has waited for
// that.
func (l *Log) turnCame(since time.Time) {
	now := time.Now()
	if l.begun.IsZero() {
		l.begun = now
	}
	if l.end != nil {
		l.end.deadline = l.end.deadline.Add(now.Sub(later(since, l.end.since)))
	}
}

// whatIsMissing says why the log may not be all there.
func (l *Log) whatIsMissing() string {
	why := l.stream.trouble()
	if l.rest.gone != nil || l.rest.err != nil {
		why += ", and " + l.rest.trouble()
	}
	return why
}

// over ends the waiting at the end, with why something may be missing.
func (l *Log) over(missing string) {
	l.outcome.Missing = missing
	// What does not end in a newline is the last line.
	switch {
	case l.rest.complete && len(l.rest.partial) > 0:
		l.give(l.rest.partial)
	case !l.rest.complete && l.stream.phase == open && l.stream.caughtUp():
		l.stream.split.flush()
	}
	l.isOver = true
	close(l.end.done)
}

// close says what is to be said when it ends.
func (l *Log) close() {
	st := &l.stream
	o := &l.outcome
	if !l.isOver {
		// The deployment goes on, or nobody waits for it any more.
		if st.phase == open && st.caughtUp() && st.split.seen {
			l.say("half", "the last line of the log that is shown may be missing its end")
			st.split.flush()
		}
		if !l.ended && !l.atWork() {
			o.Missing = l.whatIsMissing()
		}
	}
	o.Lines = l.place.lines
	if o.Lines == 0 && l.rest.empty {
		o.Empty, o.Missing = true, ""
	}
	switch {
	case o.Missing == "":
	case l.told["none"] && o.Lines == 0:
	case o.Lines == 0:
		l.say("none", "the log cannot be shown: "+o.Missing)
	default:
		l.say("end", "the end of the log may be missing: "+o.Missing)
	}
}

// atWork reports whether one of the ways brings the log, or has not had the
// time to.
func (l *Log) atWork() bool {
	st, r := &l.stream, &l.rest
	switch {
	case st.phase == open && st.caughtUp() && st.heardAny,
		!r.asked.IsZero() && r.err == nil && time.Since(r.asked) <= 2*restPause:
		return true
	}
	return st.why == nil && (l.begun.IsZero() || time.Since(l.begun) < takeOver)
}

// give gives away the next line.
func (l *Log) give(line []byte) {
	l.place.add(line)
	l.gave = time.Now()
	l.events.Line(line)
	was := l.ended
	l.ended = len(line) > 3 && isEnd(line)
	switch {
	case l.ended:
		l.events.Wake()
		l.afterEnd.Stop()
	case was:
		// Something follows an end: look again when it falls silent.
		l.afterEnd.Reset(300 * time.Millisecond)
	}
}

// say tells of one kind of trouble, once.
func (l *Log) say(kind, text string) {
	if !l.told[kind] {
		l.told[kind] = true
		l.events.Lost(text)
	}
}

// hopeless says that neither way to the log is left while the deployment goes
// on.
func (l *Log) hopeless() {
	if l.stream.gaveUp && l.rest.gone != nil {
		l.say("none", "the log cannot be shown: "+l.stream.trouble()+", and "+l.rest.trouble()+"; the deployment is followed without it")
	}
}

// writtenAnew begins again with a file that another deployment emptied.
func (l *Log) writtenAnew() {
	l.place.forget(true)
	l.say("anew", "the log was emptied and is written anew, as by another deployment of the service that began in the same second: lines may be missing here")
}

// refusedError is a handshake that was answered with something else.
type refusedError int

func (e refusedError) Error() string {
	return fmt.Sprintf("the log stream is answered with %d", int(e))
}

// refused reports a handshake that was answered, and not by a gateway that
// reached nobody: asking again at once changes nothing.
func refused(err error) bool {
	var status refusedError
	return errors.As(err, &status) && !unanswered(err)
}

// unanswered reports failures in which Dokploy was not there at all.
func unanswered(err error) bool {
	var status refusedError
	if errors.As(err, &status) {
		return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
	}
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH)
}

func describe(err error) string { return text.OneLine(err.Error()) }
