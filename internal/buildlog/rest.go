package buildlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// fewLines is how many lines are read if the position in the log is known:
// somewhat more than usually arrive between two reads.
const fewLines = 256

// rest is the source that reads the last lines of the log (≥ 0.29.5).
type rest struct {
	log     *Log
	turned  chan struct{}
	results chan readResult
	running sync.WaitGroup

	reading    bool
	waiting    bool      // for its turn
	queuedAt   time.Time // when it started to wait
	sentAt     time.Time // when the read was sent
	answeredAt time.Time // when the last read was answered
	next       time.Time // earliest next read while the deployment is running
	nextAtEnd  time.Time // earliest next read after its end
	pause      time.Duration
	askAfter   time.Duration // how long the stream may be quiet before REST is asked

	tail     int // lines to ask for
	tooLarge int // number of lines that was too large

	unavailable error // why it can never be read
	failure     error // error of the last read
	empty       bool  // it was read, and is empty
	complete    bool  // it was read after the deployment had ended
	partial     []byte
	announced   bool
}

type readResult struct {
	text string
	tail int
	err  error
}

var (
	errNoREST   = errors.New("a build server's log cannot be read any other way")
	errNoFile   = errors.New("Dokploy finds no log to read") //nolint:staticcheck // a name
	errUnstable = errors.New("it was read while it was emptied")
)

func (r *rest) init(l *Log) {
	r.log, r.turned, r.results = l, make(chan struct{}), make(chan readResult)
	r.pause, r.askAfter, r.tail = restPause, askAfter, fewLines
	if l.way.Read == nil {
		r.unavailable = errNoREST
	}
}

func (r *rest) idle() bool { return !r.reading }
func (r *rest) wait()      { r.running.Wait() }

func (r *rest) onTurn() {
	r.waiting, r.sentAt = false, time.Now()
	r.log.gotTurn(r.queuedAt)
}

// read reads the last lines once its turn has come.
func (r *rest) read(ctx context.Context) {
	r.reading, r.waiting, r.queuedAt = true, true, time.Now()
	if r.log.place.lines == 0 && r.tooLarge == 0 {
		r.tail = maxTail
	}
	tail, way := r.tail, r.log.way
	r.running.Go(func() {
		result := readResult{tail: tail}
		ctx, err := way.Turn(ctx)
		if err == nil {
			select {
			case r.turned <- struct{}{}:
			case <-ctx.Done():
				return
			}
			result.text, result.err = way.Read(ctx, tail)
		} else {
			result.err = err
		}
		select {
		case r.results <- result:
		case <-ctx.Done():
		}
	})
}

// onResult handles the result of a read.
func (r *rest) onResult(result readResult) {
	now := time.Now()
	r.reading, r.waiting, r.answeredAt = false, false, now
	var e *ReadError
	err := result.err
	switch {
	case errors.Is(err, ErrUnsupported), errors.As(err, &e) && e.Denied:
		r.giveUp(err)
	case errors.Is(err, ErrTooLarge) && result.tail > 1:
		r.tooLarge, r.tail = result.tail, result.tail/2
		r.next, r.nextAtEnd = now, now
	case err != nil:
		// An outage: whoever follows the deployment reports it.
		r.failed(err)
	case result.text == "\n":
		// What Dokploy answers if the file does not exist.
		r.failed(errNoFile)
	case result.text == "" && r.log.place.lines > 0:
		r.failed(errUnstable)
	default:
		r.deliverNew(result)
	}
}

// giveUp stops reading over REST.
func (r *rest) giveUp(why error) {
	r.unavailable = why
	r.log.warnIfHopeless()
}

func (r *rest) failed(err error) {
	now := time.Now()
	r.failure, r.empty = err, false
	r.next, r.nextAtEnd = now.Add(r.pause), now.Add(500*time.Millisecond)
	r.pause = min(2*r.pause, restPauseMost)
}

// deliverNew delivers the new lines among those read.
func (r *rest) deliverNew(result readResult) {
	l := r.log
	lines, partial, whole := tailLines(result.text, result.tail)
	from, how := l.place.fit(lines, whole)
	if how == unsure || how == apart && !whole {
		if more := r.moreLines(result.tail); more > 0 {
			r.tail, r.next, r.nextAtEnd = more, time.Now(), time.Now()
			return
		}
	}
	behind := l.stream.phase == open && !l.stream.caughtUp()
	l.warnOfGap(how, whole, len(lines))
	for _, line := range lines[from:] {
		l.deliver(line)
	}
	r.done(len(lines)-from, len(lines) == 0 && len(partial) == 0, partial)
	switch {
	case !l.place.counted && !l.stream.gaveUp:
		l.stream.giveUp(errNotByNumbers)
	case how == rewritten && l.stream.phase != closed:
		l.stream.drop(errWrittenAnew, 0)
	case behind:
		l.stream.dropHanging()
	case l.stream.phase == open && !l.stream.caughtUp():
		l.live.Store(false)
		l.events.Wake()
	}
	if l.stream.gaveUp && !r.announced && l.end == nil {
		r.announced = true
		l.warnOnce("rest", "the live log is not available ("+l.stream.problem()+"); it is read every "+restPause.String())
	}
}

// warnOfGap says what is missing where the n lines that were read do not follow
// those before.
func (l *Log) warnOfGap(how fitting, whole bool, n int) {
	switch {
	case how == unsure:
		l.warnOnce("unsure", "lines of the log repeat, so those that came between two reads cannot be counted: some may be missing here and below")
		l.place.forget(false)
	case how == apart && l.place.lines > 0:
		l.warnOnce("gap", fmt.Sprintf("lines of the log may be missing here and below: more came between two reads than the %d that can be read at once", n))
		l.place.forget(false)
	case how == apart && !whole:
		l.warnOnce("begin", fmt.Sprintf("the beginning of the log is missing: it is longer than the %d lines that can be read at once", n))
		l.place.forget(false)
	case how == rewritten:
		l.startOver()
	}
}

// done records a successful read.
func (r *rest) done(fresh int, empty bool, partial []byte) {
	r.failure, r.empty, r.pause = nil, empty, restPause
	r.tail, r.tooLarge = min(max(2*fresh, fewLines), maxTail), 0
	r.next = time.Now().Add(restPause)
	r.askAfter = min(2*r.askAfter, askAfterMost)
	if fresh > 0 {
		r.askAfter = askAfter
	}
	if e := r.log.end; e != nil && !r.sentAt.Before(e.since) {
		r.complete, r.partial = true, partial
	}
}

// moreLines returns how many lines to ask for if tail lines were not enough; 0:
// no more can be read.
func (r *rest) moreLines(tail int) int {
	more := min(8*tail, maxTail)
	if r.tooLarge > 0 && more >= r.tooLarge {
		more = (tail + r.tooLarge) / 2
	}
	if more <= tail+tail/4 {
		return 0
	}
	return more
}

// problem says why REST does not deliver the log.
func (r *rest) problem() string {
	switch {
	case r.unavailable != nil:
		return describe(r.unavailable)
	case r.failure != nil:
		return describe(r.failure)
	}
	return "it is not read any other way"
}

// tailLines returns the complete lines of text, the incomplete last one, and
// whether these are all lines of the log.
func tailLines(text string, asked int) (lines [][]byte, partial []byte, whole bool) {
	n := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		n++
	}
	whole = n < asked
	for ; n > asked; n-- { // it returned more than was asked for
		text = text[strings.IndexByte(text, '\n')+1:]
	}
	complete := text[:strings.LastIndexByte(text, '\n')+1]
	// In one piece, so that the lines are slices of it and stay valid.
	split := lineSplitter{emit: func(line []byte) { lines = append(lines, line) }}
	split.write([]byte(complete))
	if rest := text[len(complete):]; rest != "" {
		partial = lastState([]byte(rest))
	}
	return lines, partial, whole
}
