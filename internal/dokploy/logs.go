package dokploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coder/websocket"
)

const (
	// streamQuiet is the silence after which a stream is asked for a sign of
	// life: Dokploy sends none by itself (section 4).
	streamQuiet = 30 * time.Second
	// heldBack is how long text that looks like an error of the stream is
	// kept back: the stream closes right after a real one.
	heldBack = 3 * time.Second
	// streamFailures without a new line in between are enough to read the log
	// over REST.
	streamFailures = 4
	// restPause between two reads over REST: for a remote service each opens
	// an SSH connection (remote.md).
	restPause = 2 * time.Second
	// restTail is the first number of lines asked for over REST: few enough
	// to stay under 1 MiB mostly (section 4).
	restTail = 2000
	// maxTail is the most that deployment.readLogs takes.
	maxTail = 10000
	// frameLimit bounds a frame; 65,546 bytes is the largest ever seen.
	frameLimit = 16 << 20
)

// LogSource says where a deployment's log is.
type LogSource struct {
	DeploymentID string
	Path         string // the row's logPath
	ServerID     string // the build server of the row or the service, else the service's server (remote.md)
	// NoREST: deployment.readLogs cannot have this log (a build server's).
	NoREST bool
}

// LogEvents is told what the log brings, from one goroutine.
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

// Log follows the log of one deployment until it is stopped.
type Log struct {
	client *Client
	source LogSource
	events LogEvents
	cancel context.CancelFunc
	done   chan struct{}

	// final asks the reading goroutine for a last read over REST; the channel
	// sent is closed after it.
	final chan chan struct{}

	mu       sync.Mutex
	lastData time.Time
	ended    bool // the newest line was an end line
	open     bool // the stream is being read
	data     bool // and has brought something
	resting  bool // the log is read over REST

	// Of the reading goroutine alone:
	split    lineSplitter
	emitted  int      // complete lines given away
	skip     int      // lines of this connection that were given away before
	fresh    bool     // this connection has brought a new line
	recent   []uint64 // hashes of the newest lines, to align a log over REST
	seed     maphash.Seed
	afterEnd *time.Timer
	told     bool
	restTail int
}

// FollowLog starts to follow a log; Stop ends it.
func (c *Client) FollowLog(ctx context.Context, source LogSource, events LogEvents) *Log {
	ctx, cancel := context.WithCancel(ctx)
	l := &Log{
		client: c, source: source, events: events, cancel: cancel, done: make(chan struct{}),
		final: make(chan chan struct{}), seed: maphash.MakeSeed(), restTail: restTail, lastData: time.Now(),
	}
	l.split.emit = l.line
	l.afterEnd = time.AfterFunc(time.Hour, events.Wake)
	l.afterEnd.Stop()
	go func() {
		defer close(l.done)
		defer l.afterEnd.Stop()
		l.run(ctx)
	}()
	return l
}

// Streaming tells whether the live stream is being read, so that the log's end
// will be seen when it is written.
func (l *Log) Streaming() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// Drain waits for what is still coming after the verdict: until the log has
// shown its end and is silent, at most limit. The stream is never closed by
// Dokploy (section 4).
func (l *Log) Drain(ctx context.Context, limit time.Duration) {
	const (
		quietAfterEnd = 15 * time.Millisecond
		quiet         = 300 * time.Millisecond
		quietAtStart  = 1500 * time.Millisecond // first frame of a remote server: 0.4 to 0.7 s
		step          = 10 * time.Millisecond   // what is still coming changes how long to wait
	)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		l.mu.Lock()
		ended, open, data, resting := l.ended, l.open, l.data, l.resting
		silent := time.Since(l.lastData)
		l.mu.Unlock()
		if resting {
			l.lastRead(ctx)
			return
		}
		need := quiet
		switch {
		case ended:
			need = quietAfterEnd
		case !data:
			need = quietAtStart
		}
		left := need - silent
		switch {
		case !open && !ended:
			// It is being taken up again, with lines that are still missing.
			left = step
		case left <= 0:
			return
		}
		if !sleepUnless(ctx, l.done, min(left, step)) {
			return
		}
	}
}

// sleepUnless is false when ctx or done ended the sleep.
func sleepUnless(ctx context.Context, done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return false
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// lastRead has the log read over REST once more.
func (l *Log) lastRead(ctx context.Context) {
	read := make(chan struct{})
	select {
	case l.final <- read:
	case <-l.done:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-read:
	case <-ctx.Done():
	}
}

// Stop ends the following and returns when no event comes any more. A last
// line without its newline is given away.
func (l *Log) Stop() {
	l.cancel()
	<-l.done
}

// run reads the stream, takes it up again when it breaks, and turns to REST
// when it cannot be had.
func (l *Log) run(ctx context.Context) {
	defer func() {
		if l.skip == 0 {
			l.split.flush()
		}
	}()
	pause := 250 * time.Millisecond
	failures := 0
	var outage time.Time // since when nothing answers at all
	for ctx.Err() == nil {
		l.fresh = false
		opened := time.Now()
		err := l.stream(ctx)
		if l.setOpen(false) {
			l.events.Wake()
		}
		switch {
		case ctx.Err() != nil:
			return
		case l.fresh || time.Since(opened) > streamQuiet:
			failures, pause, outage = 0, 250*time.Millisecond, time.Time{}
		case unanswered(err):
			// A restart of Dokploy takes 20 s: that alone is no reason to
			// give the stream up.
			if outage.IsZero() {
				outage = opened
			}
			if time.Since(outage) > time.Minute {
				failures++
			}
		default:
			failures++
		}
		if failures >= streamFailures {
			l.rest(ctx, err)
			return
		}
		if !sleep(ctx, pause) {
			return
		}
		pause = min(pause*2, 5*time.Second)
	}
}

// refusedError is a handshake that was answered with something else.
type refusedError int

func (e refusedError) Error() string {
	return fmt.Sprintf("the log stream is answered with %d", int(e))
}

// unanswered tells failures in which Dokploy was not there at all.
func unanswered(err error) bool {
	var status refusedError
	if errors.As(err, &status) {
		return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
	}
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH)
}

func sleep(ctx context.Context, d time.Duration) bool { return sleepUnless(ctx, nil, d) }

func (l *Log) setOpen(open bool) (was bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was = l.open
	l.open, l.data, l.lastData = open, false, time.Now()
	return was
}

// streamErrors begin the texts that Dokploy sends as ordinary frames when it
// cannot read the log (section 4, remote.md, listen-deployment.ts).
var streamErrors = [][]byte{
	[]byte("tail error: "), []byte("tail: cannot open "), []byte("tail: no files remaining"), []byte("SSH error: "),
	[]byte("Server not found"), []byte("This feature is not available in the cloud version."),
}

// tailComplains begins what tail says of a file it goes on reading ("file
// truncated": two deployments of one second share a file).
var tailComplains = []byte("tail error: tail: ")

// looksLikeStreamError tells text that is, or may become with its next frame,
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

// stream reads one connection to its end. Dokploy replays the file from its
// first line, so the lines that were given away are skipped.
func (l *Log) stream(ctx context.Context) error {
	q := url.Values{"logPath": {l.source.Path}}
	if l.source.ServerID != "" {
		q.Set("serverId", l.source.ServerID)
	}
	// A wrong path hangs without an answer (section 4).
	dialCtx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	u := strings.Replace(l.client.endpoint("/listen-deployment", q), "http", "ws", 1)
	conn, resp, err := websocket.Dial(dialCtx, u, &websocket.DialOptions{ //nolint:bodyclose // Dial closes it
		HTTPClient: l.client.http, HTTPHeader: l.client.header.Clone(), CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return refusedError(resp.StatusCode)
		}
		return cleanURLError(err)
	}
	defer conn.CloseNow() //nolint:errcheck // it is over either way
	conn.SetReadLimit(frameLimit)

	l.skip = l.emitted
	l.split.reset()
	l.setOpen(true)

	frames := make(chan []byte)
	free := make(chan []byte, 2)
	readErr := make(chan error, 1)
	readCtx, stopRead := context.WithCancel(ctx)
	go func() {
		defer close(frames)
		for {
			buf, err := readFrame(readCtx, conn, free)
			if err != nil {
				readErr <- err
				return
			}
			select {
			case frames <- buf:
			case <-readCtx.Done():
				readErr <- readCtx.Err()
				return
			}
		}
	}()
	defer func() {
		stopRead()
		for range frames { // until the reader has ended
		}
	}()

	var held []byte // text at the start of a frame that looks like an error of the stream
	started := false
	pong := make(chan error, 1)
	lastFrame := time.Now()
	quiet := time.NewTimer(streamQuiet)
	defer quiet.Stop()
	for {
		select {
		case buf, ok := <-frames:
			if !ok {
				if len(held) > 0 {
					return errors.New(oneLine(string(held), 300))
				}
				err := <-readErr
				if status := websocket.CloseStatus(err); status != -1 {
					return fmt.Errorf("the log stream was closed (%d)", status)
				}
				return err
			}
			lastFrame = time.Now()
			quiet.Reset(streamQuiet)
			switch {
			case len(held) > 0 && !started:
				// One error may come in several frames.
				held = append(held, buf...)
				if !looksLikeStreamError(held) {
					l.take(held)
					held, started = nil, true
				} else {
					quiet.Reset(heldBack)
				}
			case len(held) > 0:
				if !bytes.HasPrefix(held, tailComplains) {
					l.take(held)
				}
				held = nil
				fallthrough
			default:
				if looksLikeStreamError(buf) && !l.split.seen {
					held = append(held, buf...)
					quiet.Reset(heldBack)
				} else {
					l.take(buf)
					started = true
				}
			}
			select {
			case free <- buf:
			default:
			}
		case <-quiet.C:
			if len(held) > 0 {
				l.take(held)
				held, started = nil, true
				quiet.Reset(streamQuiet)
				continue
			}
			// Beside the loop: the answer is read only while frames are taken.
			go func() {
				pingCtx, cancelPing := context.WithTimeout(readCtx, 10*time.Second)
				defer cancelPing()
				pong <- conn.Ping(pingCtx)
			}()
		case err := <-pong:
			// A peer that answers no ping but sends is alive.
			if err != nil && time.Since(lastFrame) >= streamQuiet {
				return fmt.Errorf("the log stream gives no sign of life: %w", err)
			}
			quiet.Reset(streamQuiet)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// readFrame reads one frame into a buffer that was used before, if there is one.
func readFrame(ctx context.Context, conn *websocket.Conn, free <-chan []byte) ([]byte, error) {
	_, r, err := conn.Reader(ctx)
	if err != nil {
		return nil, err
	}
	var buf []byte
	select {
	case buf = <-free:
		buf = buf[:0]
	default:
		buf = make([]byte, 0, 4096)
	}
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// take gives text of the log to the splitter.
func (l *Log) take(p []byte) {
	l.split.write(p)
	l.mu.Lock()
	l.data, l.lastData = true, time.Now()
	l.mu.Unlock()
}

// line gets every complete line of a connection.
func (l *Log) line(line []byte) {
	if l.skip > 0 {
		l.skip--
		return
	}
	l.emitted++
	l.fresh = true
	l.remember(line)
	l.events.Line(line)
	end := len(line) > 3 && isEnd(line)
	l.mu.Lock()
	was := l.ended
	l.ended = end
	l.mu.Unlock()
	switch {
	case end:
		l.events.Wake()
		l.afterEnd.Stop()
	case was:
		// Something follows an end: look again when it falls silent.
		l.afterEnd.Reset(300 * time.Millisecond)
	}
}

// aligned is how many lines are remembered to find the place in a log over REST.
const aligned = 64

func (l *Log) remember(line []byte) {
	h := maphash.Bytes(l.seed, line)
	if len(l.recent) < aligned {
		l.recent = append(l.recent, h)
		return
	}
	l.recent[l.emitted%aligned] = h
}

// newest returns the hashes of the newest lines, oldest first.
func (l *Log) newest() []uint64 {
	if len(l.recent) < aligned {
		return l.recent
	}
	i := (l.emitted + 1) % aligned
	return append(append([]uint64(nil), l.recent[i:]...), l.recent[:i]...)
}

// rest reads the log over REST until it is stopped (≥ 0.29.5).
func (l *Log) rest(ctx context.Context, why error) {
	l.skip = 0
	l.split.reset()
	if l.source.NoREST {
		l.lost("the log cannot be shown: " + describe(why) + "; the deployment is followed without it")
		return
	}
	l.mu.Lock()
	l.resting = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.resting = false
		l.mu.Unlock()
	}()
	var asked chan struct{} // closed after the next read
	announced := false
	for first := true; ; first = false {
		if !first {
			t := time.NewTimer(restPause)
			select {
			case asked = <-l.final:
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
				return
			}
			t.Stop()
		}
		text, err := l.client.ReadLogs(ctx, l.source.DeploymentID, l.restTail)
		var e *Error
		switch {
		case ctx.Err() != nil:
			return
		case Unsupported(err):
			l.lost("the log cannot be shown: " + describe(why) + ", and this Dokploy has no other way to read it; the deployment is followed without it")
			return
		case errors.As(err, &e) && e.Status == http.StatusInternalServerError && strings.Contains(e.Message, "maxBuffer") && l.restTail > 1:
			l.restTail = max(1, l.restTail/2)
		case err != nil:
			// An outage: the loop that follows the deployment speaks of it.
		default:
			if !announced {
				announced = true
				l.events.Lost("the live log cannot be had (" + describe(why) + "); it is read every " + restPause.String())
			}
			l.takeTail(text)
		}
		if asked != nil {
			close(asked)
			asked = nil
		}
	}
}

func describe(err error) string {
	if err == nil {
		return "the log stream ended"
	}
	return oneLine(err.Error(), 200)
}

func (l *Log) lost(text string) {
	if !l.told {
		l.told = true
		l.events.Lost(text)
	}
}

// takeTail gives away what is new in the last lines of the log. A last line
// without a newline waits for its rest.
func (l *Log) takeTail(text string) {
	complete := text[:strings.LastIndexByte(text, '\n')+1]
	if complete == "" {
		return
	}
	var lines [][]byte
	whole := lineSplitter{emit: func(line []byte) { lines = append(lines, bytes.Clone(line)) }}
	whole.write([]byte(complete))
	from := 0
	n := strings.Count(text, "\n")
	if len(complete) < len(text) {
		n++
	}
	switch {
	case n < l.restTail:
		// The whole log: the place is known by number.
		from = min(l.emitted, len(lines))
	case l.emitted > 0:
		var found bool
		if from, found = l.align(lines); !found {
			l.lost("some lines of the log may be missing here: more came between two reads than can be read at once")
		}
		l.restTail = min(l.restTail*2, maxTail)
	default:
		l.lost("the beginning of the log is left out: it is longer than can be read at once")
	}
	if from < len(lines) {
		l.mu.Lock()
		l.lastData = time.Now()
		l.mu.Unlock()
	}
	for _, line := range lines[from:] {
		l.line(line)
	}
}

// align finds where the lines given away end in a tail of the log: behind the
// last place where the newest of them stand in a row.
func (l *Log) align(lines [][]byte) (from int, found bool) {
	newest := l.newest()
	hashes := make([]uint64, len(lines))
	for i, line := range lines {
		hashes[i] = maphash.Bytes(l.seed, line)
	}
	best, bestLen := 0, 0
	for end := len(hashes); end > 0; end-- {
		n := 0
		for n < len(newest) && n < end && hashes[end-1-n] == newest[len(newest)-1-n] {
			n++
		}
		if n > bestLen {
			best, bestLen = end, n
		}
		if n == len(newest) {
			break
		}
	}
	return best, bestLen > 0
}
