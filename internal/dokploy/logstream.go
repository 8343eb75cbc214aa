package dokploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/coder/websocket"

	"dokploy-deploy/internal/text"
)

// streamErrors begin the texts that Dokploy sends as ordinary frames when it
// cannot read the log (docs/dokploy.md, The log stream; Remote servers, listen-deployment.ts).
var streamErrors = [][]byte{
	[]byte("tail error: "), []byte("tail: cannot open "), []byte("tail: no files remaining"), []byte("SSH error: "),
	[]byte("Server not found"), []byte("This feature is not available in the cloud version."),
}

// tailComplains begins what tail says of a file it goes on reading ("file
// truncated": two deployments of one second share a file).
var (
	tailComplains = []byte("tail error: tail: ")
	fileTruncated = []byte(": file truncated")
)

// looksLikeStreamError reports whether text is, or may become with its next frame,
// an error of the stream.
func looksLikeStreamError(text []byte) bool {
	for _, e := range streamErrors {
		n := min(len(e), len(text))
		if n > 0 && bytes.Equal(e[:n], text[:n]) {
			return true
		}
	}
	return false
}

// phase is how far a connection is.
type phase int

const (
	closed  phase = iota
	waiting       // for its turn
	dialing
	open
)

// stream is the way to the log that brings each line as it is written. Dokploy
// replays the file from its first line on each connection, so the lines that
// were given away are skipped.
type stream struct {
	log      *Log
	phase    phase
	since    time.Time // of the phase
	link     *link     // nil: closed
	redial   time.Time
	pause    time.Duration
	failures int
	outage   time.Time // since when nothing answers at all
	gaveUp   bool
	why      error     // how the last connection ended; nil: it has brought lines since
	heard    time.Time // text of the log came, over any connection

	// Of this connection:
	split    lineSplitter
	in       intake
	pos      int  // complete lines it has brought
	heardAny bool // it has brought text of the log
	fresh    bool // it has brought a new line
	pinging  bool
	pinged   time.Time
	compared int // lines that came again, and
	differ   int // … that are not the same
}

// link is a connection and who reads it.
type link struct {
	turned chan struct{}
	opened chan *websocket.Conn
	frames chan piece
	free   chan []byte
	ended  chan error
	pong   chan error
	conn   *websocket.Conn
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
}

func (s *stream) init(l *Log) {
	s.log, s.pause = l, firstPause
	s.split.emit = s.line
}

// events are what the connection tells; nothing if there is none.
func (s *stream) events() *link {
	if s.link == nil {
		return &noLink
	}
	return s.link
}

var noLink link

// connect opens a connection when its turn has come.
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
	s.pos, s.heardAny, s.fresh, s.pinging, s.compared, s.differ = 0, false, false, false, 0, 0
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

// run is the life of a connection.
func (k *link) run(way logWay) error {
	ctx, err := way.turn(k.ctx)
	if err != nil {
		return err
	}
	select {
	case k.turned <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	conn, err := way.open(ctx)
	var status refusedError
	switch {
	case err == nil:
	case errors.As(err, &status):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return errNotAnswered
	default:
		return fmt.Errorf("the log stream cannot be opened: %w", err)
	}
	defer conn.CloseNow() //nolint:errcheck // it is over either way
	conn.SetReadLimit(-1) // it is read in pieces
	select {
	case k.opened <- conn:
	case <-ctx.Done():
		return ctx.Err()
	}
	err = readPieces(ctx, conn, k.frames, k.free)
	if status := websocket.CloseStatus(err); status != -1 {
		return fmt.Errorf("the log stream was closed (%d)", status)
	}
	return fmt.Errorf("the log stream broke: %w", err)
}

func (s *stream) enter(p phase) { s.phase, s.since = p, time.Now() }

// quietSince is since when this connection has brought nothing.
func (s *stream) quietSince() time.Time { return later(s.heard, s.since) }

// caughtUp reports whether it has brought all that was given away.
func (s *stream) caughtUp() bool { return s.pos >= s.log.place.lines }

func (s *stream) hasTurn() {
	s.log.turnCame(s.since)
	s.enter(dialing)
}

func (s *stream) isOpen(conn *websocket.Conn) {
	s.link.conn = conn
	s.enter(open)
}

// take gets a frame, or a part of one.
func (s *stream) take(p piece) {
	k := s.link
	s.in.take(p)
	select {
	case k.free <- p.data:
	default:
	}
}

// text gives text of the log to the splitter.
func (s *stream) text(p []byte) {
	s.split.write(p)
	s.heard, s.heardAny = time.Now(), true
	s.log.rest.askAfter = askAfter
	if otherFile(s.compared, s.differ) && s.caughtUp() {
		s.log.writtenAnew()
		s.drop(errWrittenAnew, 0)
		s.redial = s.heard
		return
	}
	if s.caughtUp() {
		s.why = nil
		s.log.live.Store(true)
	}
}

// line gets every complete line of a connection.
func (s *stream) line(line []byte) {
	if before, ok := s.truncated(line); ok {
		// This connection goes on with what is written anew.
		if len(before) > 0 {
			s.line(before)
		}
		s.log.writtenAnew()
		s.pos, s.compared, s.differ = 0, 0, 0
		return
	}
	s.pos++
	place := &s.log.place
	switch same, known := place.same(s.pos, line); {
	case s.pos > place.lines && !otherFile(s.compared, s.differ):
		s.fresh = true
		s.log.give(line)
	case known:
		s.compared++
		if !same {
			s.differ++
		}
	}
}

// truncated reports whether a line is what tail says of a file that was emptied
// under it, and what of the line stood before that.
func (s *stream) truncated(line []byte) (before []byte, ok bool) {
	if !bytes.HasSuffix(line, fileTruncated) {
		return nil, false
	}
	line, ok = bytes.CutSuffix(line[:len(line)-len(fileTruncated)], []byte(s.log.way.source.Path))
	before, is := bytes.CutSuffix(line, tailComplains)
	return before, ok && is
}

// showHeld gives away what was kept back for long enough.
func (s *stream) showHeld(c *schedule) {
	if len(s.in.held) > 0 && c.due(s.in.since.Add(heldBack)) {
		s.in.show()
	}
}

// ping asks for a sign of life. Beside the loop: the answer is read only while
// frames are taken.
func (s *stream) ping(ctx context.Context, limit time.Duration) {
	s.pinging, s.pinged = true, time.Now()
	k := s.link
	go func() {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		k.pong <- k.conn.Ping(ctx)
	}()
}

// answered is told what became of a ping.
func (s *stream) answered(err error) {
	s.pinging = false
	if err != nil && s.quietSince().Before(s.pinged) {
		// A peer that answers no ping but sends is alive.
		s.broke(fmt.Errorf("the log stream gives no sign of life: %w", err))
	}
}

// broke is called when a connection has ended.
func (s *stream) broke(err error) {
	if len(s.in.held) > 0 {
		err = errors.New(text.OneLine(string(s.in.held)))
	}
	failures := 1
	switch {
	case s.fresh || s.phase == open && time.Since(s.since) > streamQuiet:
		s.failures, s.pause, s.outage, failures = 0, firstPause, time.Time{}, 0
	case unanswered(err):
		// A restart of Dokploy takes 20 s: that alone is no reason to give the
		// stream up.
		if s.outage.IsZero() {
			s.outage = s.since
		}
		if time.Since(s.outage) <= time.Minute {
			failures = 0
		}
	}
	s.drop(err, failures)
}

// hangs is called when REST has had lines for some time that the stream does
// not bring.
func (s *stream) hangs() {
	err := errHangs
	if !s.heardAny {
		err = errSilent
	}
	s.drop(err, hanging)
}

var (
	errSilent       = errors.New("the log stream was opened and brings nothing")
	errHangs        = errors.New("the log stream has stopped in the middle")
	errNoEnd        = errors.New("the log stream has not shown the end of the log")
	errNotAnswered  = errors.New("the log stream is not answered")
	errEnded        = errors.New("the log stream ended")
	errWrittenAnew  = errors.New("the log is written anew")
	errNotByNumbers = errors.New("the log stream cannot be taken up where lines were not counted")
)

// firstPause is the pause before the next connection, longer each time.
const firstPause = 250 * time.Millisecond

// drop ends a connection and plans the next one.
func (s *stream) drop(err error, failures int) {
	wasOpen := s.phase == open
	s.close()
	s.why = err
	s.failures += failures
	s.redial = time.Now().Add(s.pause)
	s.pause = min(s.pause*2, 5*time.Second)
	if s.failures >= streamFailures {
		s.gaveUp = true
		s.log.hopeless()
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
	s.in.held = nil // an error of the stream, since it is over
	s.enter(closed)
}

// trouble says why the stream does not bring the log.
func (s *stream) trouble() string {
	switch {
	case s.phase == open && !s.heardAny:
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

// openLog opens the stream of a log.
func (c *Client) openLog(ctx context.Context, source LogSource) (*websocket.Conn, error) {
	q := url.Values{"logPath": {source.Path}}
	if source.ServerID != "" {
		q.Set("serverId", source.ServerID)
	}
	return c.dialStream(ctx, "/listen-deployment", q)
}

// intake gives the text of one connection to the log, and keeps back what looks
// like an error of the stream.
type intake struct {
	stream  *stream
	held    []byte
	since   time.Time // when it was last added to
	started bool      // text of the log has come
}

func (in *intake) take(p piece) {
	switch {
	case len(in.held) > 0 && !in.started:
		// One error may come in several frames.
		in.hold(p.data)
		if !looksLikeStreamError(in.held) || len(in.held) > heldLimit {
			in.show()
		}
		return
	case len(in.held) > 0:
		// The stream goes on, so it was none.
		in.goesOn()
	}
	if p.first && looksLikeStreamError(p.data) && !in.stream.split.seen {
		in.hold(p.data)
		return
	}
	in.started = true
	in.stream.text(p.data)
}

func (in *intake) hold(text []byte) {
	in.held, in.since = append(in.held, text...), time.Now()
}

// goesOn takes what was kept back, since no end followed it.
func (in *intake) goesOn() {
	held := in.held
	in.held = nil
	if !bytes.HasPrefix(held, tailComplains) || bytes.Contains(held, fileTruncated) {
		in.stream.text(held)
	}
}

// show gives away what was kept back.
func (in *intake) show() {
	if len(in.held) > 0 {
		held := in.held
		in.held, in.started = nil, true
		in.stream.text(held)
	}
}

// piece is a frame, or a part of a long one.
type piece struct {
	data  []byte
	first bool
}

// readPieces reads frames until that fails, into buffers that were used
// before, if there are any.
func readPieces(ctx context.Context, conn *websocket.Conn, frames chan<- piece, free <-chan []byte) error {
	for {
		_, r, err := conn.Reader(ctx)
		if err != nil {
			return err
		}
		for first := true; ; first = false {
			var buf []byte
			select {
			case buf = <-free:
			default:
				buf = make([]byte, 0, 4096)
			}
			buf, err = fillPiece(r, buf[:0])
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if len(buf) > 0 || first {
				select {
				case frames <- piece{buf, first}:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
		}
	}
}

// fillPiece reads until the frame ends (io.EOF) or the piece is full.
func fillPiece(r io.Reader, buf []byte) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			if len(buf) >= pieceLimit {
				return buf, nil
			}
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil {
			return buf, err
		}
	}
}
