package buildlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// fewLines are asked for where the place in the log is known: a few more than
// came since the last read.
const fewLines = 256

// rest is the way to the log that reads its last lines (≥ 0.29.5).
type rest struct {
	log     *Log
	turned  chan struct{}
	results chan readResult
	running sync.WaitGroup

	reading  bool
	waiting  bool      // for its turn
	sent     time.Time // since then
	began    time.Time // the read was sent
	asked    time.Time // the last one was answered
	next     time.Time // not before that, while the deployment goes on
	again    time.Time // not before that, at its end
	pause    time.Duration
	askAfter time.Duration // how long a stream may be quiet until it is asked

	tail     int // how many lines are asked for
	tooLarge int // so many were too many

	gone      error // it can never be had
	err       error // of the last read
	empty     bool  // it was read, and nothing is in it
	complete  bool  // it was read after the deployment had ended
	partial   []byte
	announced bool
}

type readResult struct {
	text string
	tail int
	err  error
}

var (
	errNoREST   = errors.New("a build server's log cannot be read in another way")
	errNoFile   = errors.New("Dokploy finds no log when it is to be read") //nolint:staticcheck // a name
	errUnstable = errors.New("it was read while it was emptied")
)

func (r *rest) init(l *Log) {
	r.log, r.turned, r.results = l, make(chan struct{}), make(chan readResult)
	r.pause, r.askAfter, r.tail = restPause, askAfter, fewLines
	if l.way.Read == nil {
		r.gone = errNoREST
	}
}

func (r *rest) idle() bool { return !r.reading }
func (r *rest) wait()      { r.running.Wait() }

func (r *rest) hasTurn() {
	r.waiting, r.began = false, time.Now()
	r.log.turnCame(r.sent)
}

// read reads the last lines when its turn has come.
func (r *rest) read(ctx context.Context) {
	r.reading, r.waiting, r.sent = true, true, time.Now()
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

// take gets what was read.
func (r *rest) take(result readResult) {
	now := time.Now()
	r.reading, r.waiting, r.asked = false, false, now
	var e *ReadError
	err := result.err
	switch {
	case errors.Is(err, ErrUnsupported), errors.As(err, &e) && e.Denied:
		r.never(err)
	case errors.Is(err, ErrTooLarge) && result.tail > 1:
		r.tooLarge, r.tail = result.tail, result.tail/2
		r.next, r.again = now, now
	case err != nil:
		// An outage: the loop that follows the deployment speaks of it.
		r.failed(err)
	case result.text == "\n":
		// So a file that is not there is answered.
		r.failed(errNoFile)
	case result.text == "" && r.log.place.lines > 0:
		r.failed(errUnstable)
	default:
		r.read1(result)
	}
}

// never gives it up.
func (r *rest) never(why error) {
	r.gone = why
	r.log.hopeless()
}

func (r *rest) failed(err error) {
	now := time.Now()
	r.err, r.empty = err, false
	r.next, r.again = now.Add(r.pause), now.Add(500*time.Millisecond)
	r.pause = min(2*r.pause, restPauseMost)
}

// read1 gives away what is new in the last lines of the log.
func (r *rest) read1(result readResult) {
	l := r.log
	lines, partial, whole := tailLines(result.text, result.tail)
	from, how := l.place.fit(lines, whole)
	if how == unsure || how == apart && !whole {
		if more := r.more(result.tail); more > 0 {
			r.tail, r.next, r.again = more, time.Now(), time.Now()
			return
		}
	}
	behind := l.stream.phase == open && !l.stream.caughtUp()
	switch how {
	case fits:
	case unsure:
		l.say("unsure", "lines of the log repeat, and how many of them came between two reads cannot be counted: some may be missing here and below")
		l.place.forget(false)
	case apart:
		switch {
		case l.place.lines > 0:
			l.say("gap", fmt.Sprintf("lines of the log may be missing here and below: between two reads there came more than the %d that can be read at once", len(lines)))
			l.place.forget(false)
		case !whole:
			l.say("begin", fmt.Sprintf("the beginning of the log is left out: it is longer than the %d lines that can be read at once", len(lines)))
			l.place.forget(false)
		}
	case anew:
		l.writtenAnew()
	}
	for _, line := range lines[from:] {
		l.give(line)
	}
	r.done(len(lines)-from, len(lines) == 0 && len(partial) == 0, partial)
	switch {
	case !l.place.counted && !l.stream.gaveUp:
		l.stream.giveUp(errNotByNumbers)
	case how == anew && l.stream.phase != closed:
		l.stream.drop(errWrittenAnew, 0)
	case behind:
		l.stream.hangs()
	case l.stream.phase == open && !l.stream.caughtUp():
		l.live.Store(false)
		l.events.Wake()
	}
	if l.stream.gaveUp && !r.announced && l.end == nil {
		r.announced = true
		l.say("rest", "the live log cannot be had ("+l.stream.trouble()+"); it is read every "+restPause.String())
	}
}

// done notes a read that went well.
func (r *rest) done(fresh int, empty bool, partial []byte) {
	r.err, r.empty, r.pause = nil, empty, restPause
	r.tail, r.tooLarge = min(max(2*fresh, fewLines), maxTail), 0
	r.next = time.Now().Add(restPause)
	r.askAfter = min(2*r.askAfter, askMost)
	if fresh > 0 {
		r.askAfter = askAfter
	}
	if e := r.log.end; e != nil && !r.began.Before(e.since) {
		r.complete, r.partial = true, partial
	}
}

// more is how many lines to ask for where so many do not tell; 0: no more can
// be read.
func (r *rest) more(tail int) int {
	more := min(8*tail, maxTail)
	if r.tooLarge > 0 && more >= r.tooLarge {
		more = (tail + r.tooLarge) / 2
	}
	if more <= tail+tail/4 {
		return 0
	}
	return more
}

// trouble says why it does not have the log.
func (r *rest) trouble() string {
	switch {
	case r.gone != nil:
		return describe(r.gone)
	case r.err != nil:
		return describe(r.err)
	}
	return "it is not read in another way"
}

// tailLines are the complete lines of what was read, the last one if it is not
// complete, and whether they are all there are.
func tailLines(text string, asked int) (lines [][]byte, partial []byte, whole bool) {
	n := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		n++
	}
	whole = n < asked
	for ; n > asked; n-- { // more than was asked for
		text = text[strings.IndexByte(text, '\n')+1:]
	}
	complete := text[:strings.LastIndexByte(text, '\n')+1]
	// All in one piece, so that the lines are parts of it and stay.
	split := lineSplitter{emit: func(line []byte) { lines = append(lines, line) }}
	split.write([]byte(complete))
	if rest := text[len(complete):]; rest != "" {
		partial = lastState([]byte(rest))
	}
	return lines, partial, whole
}
