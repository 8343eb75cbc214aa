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
	// outletLimit is how many bytes may wait to be written.
	outletLimit = 4 << 20
	// pieceSize is how much is written at a time. Each piece that is accepted
	// shows that the reader is alive.
	pieceSize = 16 << 10
	blockSize = flushSize + pieceSize
	// stalledAfter is how long the reader may accept nothing before it counts
	// as stalled.
	stalledAfter = time.Second
	// Once this many bytes wait, a log that comes faster than it is read is
	// slowed down, so that memory stays flat.
	enough    = 4 * flushSize
	slowAfter = 20 * time.Millisecond
)

// How long the program waits for the reader at the end: as long as it keeps
// reading, up to a limit. An interrupted run has no time.
const (
	lastPatience        = 5 * time.Second
	interruptedPatience = time.Second
	lastWait            = time.Minute
)

var errUnread = errors.New("the end of the output was not read")

// outlet accepts text at once and writes it as fast as it is read, so that
// printing never waits for the reader. Text is written whole and in order,
// until the first write error.
type outlet struct {
	w    io.Writer
	size atomic.Int64 // bytes waiting, including those being written

	mu      sync.Mutex
	blocks  [][]byte  // waiting; each holds whole lines
	spare   [][]byte  // for reuse
	running bool      // the goroutine write is running
	moved   time.Time // when the reader last accepted something, or write started
	shut    bool      // full: the reader stalled while the limit was reached
	hurried bool
	err     error
	change  chan struct{} // closed when any of this changes; nil: nobody waits
}

// add queues text, even if the limit is reached. It does not keep the slice.
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

// block returns an empty block with room for size bytes.
func (o *outlet) block(size int) []byte {
	if n := len(o.spare); n > 0 && size <= blockSize {
		block := o.spare[n-1]
		o.spare = o.spare[:n-1]
		return block
	}
	return make([]byte, 0, max(blockSize, size))
}

// write writes until nothing is waiting.
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
			// Another process that shares the pipe may have made it
			// non-blocking.
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

// piece returns how much of block to write next: whole lines, unless a line is
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

// fail stops writing. It must be called with mu held.
func (o *outlet) fail(err error) {
	o.err, o.blocks = err, nil
	o.size.Store(0)
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

// room reports whether there is room for text that may be left out. It waits
// for room while somebody reads. Once the outlet was full, half of it must be
// free again.
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

// hurry shortens all waits: the run is being interrupted.
func (o *outlet) hurry() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hurried = true
	o.changed()
}

// close waits until everything is written, as long as the reader keeps reading.
// It returns the first write error; nothing was written after that.
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
