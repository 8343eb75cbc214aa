package ci

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// With a temporary file so many bytes may wait for the reader of the output,
	// and without one as many as memory has room for.
	inFileLimit   = 1 << 30
	inMemoryLimit = 4 << 20
	// slowAfter is how long nothing may be taken until a log that finds no room
	// stops waiting for some.
	slowAfter = 20 * time.Millisecond
)

// How long the end of the output waits for its reader, as long as something is
// taken now and then. An interrupted run has no time.
const (
	lastPatience        = 5 * time.Second
	interruptedPatience = 500 * time.Millisecond
	// logWait is for all, lastWait for what is left without the log.
	logWait  = 10 * time.Minute
	lastWait = time.Minute
	// keptAtLast are the last bytes of a log that has no time any more.
	keptAtLast = 4 * flushSize
)

var errUnread = errors.New("the end of the output was not read")

// outlet accepts text at once and writes it as fast as it is read, so that
// printing never waits for the reader. Text is written whole and in order,
// until the first write error.
type outlet struct {
	w    io.Writer
	size atomic.Int64 // bytes waiting, including those being written

	mu      sync.Mutex
	waiting backlog
	writing int       // bytes
	running bool      // write runs
	moved   time.Time // when something was taken last, or write began
	shut    bool      // no room: the limit was reached
	err     error
	change  chan struct{} // closed when any of this changes; nil: nobody waits

	hurriedAt time.Time // zero: there is time
}

// add takes text: of our own, however much waits already, or so many lines of
// the server. It does not keep it.
func (o *outlet) add(text []byte, lines int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil && len(text) > 0 {
		o.waiting.add(text, lines)
		o.start()
	}
}

// miss takes a line of the server for which there is no room.
func (o *outlet) miss() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.waiting.miss()
		o.start()
	}
}

// start has it written; with mu held.
func (o *outlet) start() {
	o.count()
	if !o.running {
		o.running, o.moved = true, time.Now()
		go o.write()
	}
}

// count counts what waits; with mu held.
func (o *outlet) count() { o.size.Store(o.waiting.size + int64(o.writing)) }

// write writes until nothing is waiting.
func (o *outlet) write() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil {
		text := o.waiting.next()
		if text == nil {
			break
		}
		for o.writing = len(text); o.writing > 0 && o.err == nil; {
			o.count()
			o.mu.Unlock()
			n, err := o.w.Write(text)
			// Whoever shares the pipe may have made it non-blocking.
			full := errors.Is(err, syscall.EAGAIN)
			if full {
				time.Sleep(10 * time.Millisecond)
			}
			o.mu.Lock()
			if text = text[n:]; n > 0 && o.err == nil {
				o.writing, o.moved = len(text), time.Now()
				o.count()
				o.changed()
			}
			switch {
			case o.err != nil || full:
			case err != nil:
				o.fail(err)
			case n == 0:
				o.fail(io.ErrShortWrite)
			}
		}
	}
	o.running = false
	o.changed()
}

// fail stops writing. It must be called with mu held.
func (o *outlet) fail(err error) {
	o.err = err
	o.waiting.close()
	o.writing = 0
	o.count()
	o.changed()
}

// changed wakes the waiters. It must be called with mu held.
func (o *outlet) changed() {
	if o.change != nil {
		close(o.change)
		o.change = nil
	}
}

// wait waits for a change, at most that long. It must be called with mu held,
// and releases it meanwhile.
func (o *outlet) wait(most time.Duration) {
	if o.change == nil {
		o.change = make(chan struct{})
	}
	change := o.change
	o.mu.Unlock()
	defer o.mu.Lock()
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-change:
	case <-t.C:
	}
}

// room reports whether there is room for more lines of the server. Where there
// is none it waits for some, but for a reader that is slow: then half of it must
// be free again.
func (o *outlet) room() bool {
	if o.size.Load() < inMemoryMost { // nearly always
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil {
		limit := int64(inFileLimit)
		if o.waiting.noFile {
			limit = inMemoryLimit
		}
		size, idle := o.size.Load(), time.Since(o.moved)
		switch {
		case size < limit && (!o.shut || size <= limit/2):
			o.shut = false
			return true
		case idle >= slowAfter || !o.hurriedAt.IsZero():
			o.shut = true
			return false
		}
		o.wait(slowAfter - idle)
	}
	return false
}

// hurry shortens all waits: the run is being interrupted.
func (o *outlet) hurry() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hurriedAt = time.Now()
	o.changed()
}

// close waits until everything is written, as long as the reader takes some of
// it now and then; where that takes too long, without the log but for its end. It
// gives the first error, after which nothing is written.
func (o *outlet) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	begun := time.Now()
	if !o.drain(begun, false) {
		keep := int64(keptAtLast)
		if !o.hurriedAt.IsZero() {
			keep = 0
		}
		o.waiting.leaveOut(keep)
		o.count()
		if !o.drain(begun, true) {
			o.fail(errUnread)
		}
	}
	o.waiting.close()
	return o.err
}

// drain waits until nothing waits any more or, with false, until there is no
// time left for that; with mu held, but not meanwhile.
func (o *outlet) drain(begun time.Time, withoutLog bool) bool {
	for o.err == nil && o.running {
		start, patience, limit, more := begun, lastPatience, logWait, lastWait
		if !o.hurriedAt.IsZero() {
			start, limit, more = later(begun, o.hurriedAt), interruptedPatience, interruptedPatience
			patience = limit + more
		}
		if withoutLog {
			limit += more
		}
		left := min(patience-time.Since(later(start, o.moved)), limit-time.Since(start))
		if left <= 0 {
			return false
		}
		o.wait(left)
	}
	return true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
