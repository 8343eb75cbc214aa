package ci

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// outletLimit is how many bytes may wait for the reader of the output.
	outletLimit = 4 << 20
	// pieceSize is what is written at a time: each piece that is taken shows
	// that somebody reads.
	pieceSize = 16 << 10
	blockSize = flushSize + pieceSize
	// stalledAfter is how long nothing may be taken until nobody seems to read.
	stalledAfter = time.Second
	// From enough bytes on a log that comes faster than it can be written waits
	// for a reader that is not slow, so that memory stays flat.
	enough    = 4 * flushSize
	slowAfter = 20 * time.Millisecond
)

// How long the end of the output waits for its reader: as long as something is
// taken now and then, and not without end. An interrupted run has no time.
const (
	lastPatience        = 5 * time.Second
	interruptedPatience = time.Second
	lastWait            = time.Minute
)

var errUnread = errors.New("the end of the output was not read")

// outlet takes text at once and writes it as fast as it is read: whoever prints
// never waits for the reader. Text is written whole and in order, until the
// first error of writing.
type outlet struct {
	w    io.Writer
	size atomic.Int64 // bytes that wait, those being written included

	mu      sync.Mutex
	blocks  [][]byte  // waiting, each of whole lines
	spare   [][]byte  // to be used again
	running bool      // write runs
	moved   time.Time // when something was taken last, or write began
	shut    bool      // no room: the reader stalled with the limit reached
	hurried bool
	err     error
	change  chan struct{} // closed when any of this changes; nil: nobody waits
}

// add takes text, however much waits already. It does not keep it.
func (o *outlet) add(text []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil || len(text) == 0 {
		return
	}
	last := len(o.blocks) - 1
	if last < 0 || cap(o.blocks[last])-len(o.blocks[last]) < len(text) {
		o.blocks = append(o.blocks, o.block(len(text)))
		last++
	}
	o.blocks[last] = append(o.blocks[last], text...)
	o.size.Add(int64(len(text)))
	if !o.running {
		o.running, o.moved = true, time.Now()
		go o.write()
	}
}

// block is an empty block for a text of that size.
func (o *outlet) block(size int) []byte {
	if n := len(o.spare); n > 0 && size <= blockSize {
		block := o.spare[n-1]
		o.spare = o.spare[:n-1]
		return block
	}
	return make([]byte, 0, max(blockSize, size))
}

// write writes until nothing waits.
func (o *outlet) write() {
	for {
		o.mu.Lock()
		if o.err != nil || len(o.blocks) == 0 {
			o.running = false
			o.changed()
			o.mu.Unlock()
			return
		}
		block := o.blocks[0]
		o.blocks[0] = nil
		o.blocks = o.blocks[1:]
		o.mu.Unlock()
		for rest := block; len(rest) > 0; {
			n, err := o.w.Write(rest[:piece(rest)])
			// Whoever shares the pipe may have made it non-blocking.
			full := errors.Is(err, syscall.EAGAIN)
			if n == 0 && err == nil {
				err = io.ErrShortWrite
			}
			o.mu.Lock()
			if n > 0 && o.err == nil {
				o.size.Add(int64(-n))
				o.moved = time.Now()
				o.changed()
			}
			if err != nil && !full && o.err == nil {
				o.fail(err)
			}
			failed := o.err != nil
			o.mu.Unlock()
			if failed {
				break
			}
			if full {
				time.Sleep(10 * time.Millisecond)
			}
			rest = rest[n:]
		}
		o.mu.Lock()
		if cap(block) == blockSize && len(o.spare) < 2 {
			o.spare = append(o.spare, block[:0])
		}
		o.mu.Unlock()
	}
}

// piece is how much of a block is written next: whole lines, unless one is
// longer than a piece.
func piece(block []byte) int {
	if len(block) <= pieceSize {
		return len(block)
	}
	if i := bytes.LastIndexByte(block[:pieceSize], '\n'); i >= 0 {
		return i + 1
	}
	return pieceSize
}

// fail ends the writing; with mu held.
func (o *outlet) fail(err error) {
	o.err, o.blocks = err, nil
	o.size.Store(0)
	o.changed()
}

// changed wakes whoever waits; with mu held.
func (o *outlet) changed() {
	if o.change != nil {
		close(o.change)
		o.change = nil
	}
}

// wait waits for a change, at most so long; with mu held, but not meanwhile.
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

// room reports whether there is room for more of what may be left out. It waits
// for some while somebody reads. After there was none, half of it must be free.
func (o *outlet) room() bool {
	if o.size.Load() < enough { // nearly always
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil {
		size := o.size.Load()
		idle := time.Since(o.moved)
		switch {
		case size >= outletLimit || o.shut && size > outletLimit/2:
			if idle >= stalledAfter || o.hurried {
				o.shut = true
				return false
			}
			o.wait(stalledAfter - idle)
		case size >= enough && idle < slowAfter && !o.hurried:
			o.wait(slowAfter - idle)
		default:
			o.shut = false
			return true
		}
	}
	return false
}

// hurry makes everybody wait less: the run is interrupted.
func (o *outlet) hurry() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hurried = true
	o.changed()
}

// close waits until everything is written, as long as the reader takes some of
// it now and then. It gives the first error, after which nothing is written.
func (o *outlet) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	begun := time.Now()
	for o.err == nil && o.size.Load() > 0 {
		patience, most := lastPatience, lastWait
		if o.hurried {
			patience, most = interruptedPatience, interruptedPatience
		}
		left := min(patience-time.Since(later(begun, o.moved)), most-time.Since(begun))
		if left <= 0 {
			o.fail(errUnread)
			break
		}
		o.wait(left)
	}
	return o.err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
