package dokploy

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"sync"
	"syscall"
	"time"
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
	ServerID     string // the build server of the row or the service, else the service's server (remote.md)
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
	start := time.Now()
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
		case !open && !ended && time.Since(start) > limit/2:
			l.lastRead(ctx)
			return
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
	var broken error // the stream's end; nil: it was being read when this ended
	defer func() {
		switch {
		case broken != nil && !l.ended:
			l.lost("the end of the log may be missing: " + describe(broken) + ", and it could not be taken up again in time")
		case l.skip == 0 && broken == nil:
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
		open := l.setOpen(false)
		if open {
			l.events.Wake()
		}
		if ctx.Err() == nil {
			broken = err
		} else if open && l.skip == 0 {
			broken = nil
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
			broken = nil
			l.rest(ctx, err)
			return
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		case asked := <-l.final:
			// The deployment has ended: what REST has now is all.
			t.Stop()
			if l.readEnd(ctx) {
				broken = nil
			}
			close(asked)
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

func (l *Log) setOpen(open bool) (was bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was = l.open
	l.open, l.data, l.lastData = open, false, time.Now()
	return was
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
