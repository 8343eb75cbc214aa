package buildlog

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/coder/websocket"

	"dokploy-deploy/internal/text"
)

// phase is the state of a connection.
type phase int

const (
	closed  phase = iota
	waiting       // for its turn
	dialing
	open
)

// stream is the source that delivers each line as it is written. Dokploy
// replays the file from its first line on each connection, so lines that were
// already delivered are skipped.
type stream struct {
	log      *Log
	phase    phase
	since    time.Time // start of the phase
	link     *link     // nil: closed
	redial   time.Time
	pause    time.Duration
	failures int
	outage   time.Time // since when nothing answers at all
	gaveUp   bool
	why      error     // how the last connection ended; nil: lines have come since
	lastText time.Time // when text of the log last came, over any connection

	// Of the current connection:
	split      lineSplitter
	in         intake
	pos        int  // complete lines received
	gotText    bool // text of the log has come
	gotNewLine bool // a new line has come
	pinging    bool
	pinged     time.Time
	compared   int // lines received again
	differ     int // lines among them that differ
}

func (s *stream) init(l *Log) {
	s.log, s.pause = l, firstPause
	s.split.emit = s.line
}

// channels returns the connection, or one with nil channels if there is none.
func (s *stream) channels() *link {
	if s.link == nil {
		return &noLink
	}
	return s.link
}

var noLink link

// connect opens a connection once its turn has come.
func (s *stream) connect(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	k := &link{
		turned: make(chan struct{}), opened: make(chan *websocket.Conn), frames: make(chan piece), free: make(chan []byte, 2),
		ended: make(chan error), pong: make(chan error, 1), ctx: ctx, cancel: cancel, done: make(chan struct{}),
	}
	s.link = k
	s.enter(waiting)
	s.split.reset()
	s.in = intake{stream: s}
	s.pos, s.gotText, s.gotNewLine, s.pinging, s.compared, s.differ = 0, false, false, false, 0, 0
	way := s.log.way
	go func() {
		defer close(k.done)
		err := k.run(way)
		select {
		case k.ended <- err:
		case <-ctx.Done():
		}
	}()
}

func (s *stream) enter(p phase) { s.phase, s.since = p, time.Now() }

// quietSince returns when this connection last brought something.
func (s *stream) quietSince() time.Time { return later(s.lastText, s.since) }

// caughtUp reports whether it has brought everything that was delivered.
func (s *stream) caughtUp() bool { return s.pos >= s.log.place.lines }

func (s *stream) onTurn() {
	s.log.gotTurn(s.since)
	s.enter(dialing)
}

func (s *stream) onOpen(conn *websocket.Conn) {
	s.link.conn = conn
	s.enter(open)
}

// onFrame handles a frame, or a part of one.
func (s *stream) onFrame(p piece) {
	k := s.link
	s.in.take(p)
	select {
	case k.free <- p.data:
	default:
	}
}

// text passes text of the log to the splitter.
func (s *stream) text(p []byte) {
	s.split.write(p)
	s.lastText, s.gotText = time.Now(), true
	s.log.rest.askAfter = askAfter
	if otherFile(s.compared, s.differ) && s.caughtUp() {
		s.log.startOver()
		s.drop(errWrittenAnew, 0)
		s.redial = s.lastText
		return
	}
	if s.caughtUp() {
		s.why = nil
		s.log.live.Store(true)
	}
}

// line receives every complete line of a connection.
func (s *stream) line(line []byte) {
	if before, ok := s.truncated(line); ok {
		// This connection continues with the new content.
		if len(before) > 0 {
			s.line(before)
		}
		s.log.startOver()
		s.pos, s.compared, s.differ = 0, 0, 0
		return
	}
	s.pos++
	place := &s.log.place
	switch same, known := place.same(s.pos, line); {
	case s.pos > place.lines && !otherFile(s.compared, s.differ):
		s.gotNewLine = true
		s.log.deliver(line)
	case known:
		s.compared++
		if !same {
			s.differ++
		}
	}
}

// truncated reports whether a line contains tail's report of an emptied file,
// and returns the part of the line before it.
func (s *stream) truncated(line []byte) (before []byte, ok bool) {
	if !bytes.HasSuffix(line, fileTruncated) {
		return nil, false
	}
	line, ok = bytes.CutSuffix(line[:len(line)-len(fileTruncated)], []byte(s.log.way.Path))
	before, is := bytes.CutSuffix(line, tailComplains)
	return before, ok && is
}

// showHeld passes on text that was held long enough.
func (s *stream) showHeld(c *schedule) {
	if len(s.in.held) > 0 && c.due(s.in.since.Add(errorHold)) {
		s.in.show()
	}
}

// ping pings the server outside the loop, since the answer is read only while
// frames are.
func (s *stream) ping(ctx context.Context, limit time.Duration) {
	s.pinging, s.pinged = true, time.Now()
	k := s.link
	go func() {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		k.pong <- k.conn.Ping(ctx)
	}()
}

// onPong handles the result of a ping.
func (s *stream) onPong(err error) {
	s.pinging = false
	if err != nil && s.quietSince().Before(s.pinged) {
		// A peer that sends data is alive even if it does not answer pings.
		s.onEnd(&streamError{"the log stream has gone silent", err})
	}
}

// onEnd handles the end of a connection.
func (s *stream) onEnd(err error) {
	if len(s.in.held) > 0 {
		err = errors.New(text.OneLine(string(s.in.held)))
	}
	failures := 1
	switch {
	case s.gotNewLine || s.phase == open && time.Since(s.since) > streamQuiet:
		s.failures, s.pause, s.outage, failures = 0, firstPause, time.Time{}, 0
	case unanswered(err):
		// A restart of Dokploy takes 20 s. That alone is no reason to give up.
		if s.outage.IsZero() {
			s.outage = s.since
		}
		if time.Since(s.outage) <= time.Minute {
			failures = 0
		}
	}
	s.drop(err, failures)
}

// dropHanging is called when REST has had lines for some time that the stream
// has not.
func (s *stream) dropHanging() {
	err := errHangs
	if !s.gotText {
		err = errSilent
	}
	s.drop(err, hangFailures)
}

var (
	errSilent       = errors.New("the log stream was opened but brings nothing")
	errHangs        = errors.New("the log stream stopped in the middle")
	errNoEnd        = errors.New("the log stream has not shown the end of the log")
	errNotAnswered  = errors.New("the log stream gets no answer")
	errEnded        = errors.New("the log stream ended")
	errWrittenAnew  = errors.New("the log was started over")
	errNotByNumbers = errors.New("the log stream cannot be resumed where lines were not counted")
)

// firstPause is the pause before the next connection. It grows with each
// failure.
const firstPause = 250 * time.Millisecond

// drop ends a connection and schedules the next one.
func (s *stream) drop(err error, failures int) {
	wasOpen := s.phase == open
	s.close()
	s.why = err
	s.failures += failures
	s.redial = time.Now().Add(s.pause)
	s.pause = min(s.pause*2, 5*time.Second)
	if s.failures >= streamFailures {
		s.gaveUp = true
		s.log.warnIfHopeless()
	}
	if wasOpen {
		s.log.events.Wake()
	}
}

// giveUp leaves the log to REST.
func (s *stream) giveUp(why error) {
	s.close()
	s.gaveUp = true
	if s.why == nil {
		s.why = why
	}
}

// close ends the connection.
func (s *stream) close() {
	s.log.live.Store(false)
	if k := s.link; k != nil {
		k.cancel()
		<-k.done
		s.link = nil
	}
	s.in.held = nil // an error of the stream, since it has ended
	s.enter(closed)
}

// problem says why the stream does not deliver the log.
func (s *stream) problem() string {
	switch {
	case s.phase == open && !s.gotText:
		return errSilent.Error()
	case s.why != nil:
		return describe(s.why)
	case s.phase == open:
		return errNoEnd.Error()
	case s.phase == dialing:
		return errNotAnswered.Error()
	}
	return errEnded.Error()
}
