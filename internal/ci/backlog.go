package ci

import (
	"bytes"
	"os"
)

// chunk is some text that waits: of our own, or lines of the server.
type chunk struct {
	text    []byte // nil: it is in the file
	block   []byte // that text is in
	at      int64  // in the file
	size    int64
	lines   int  // of the server; 0: text of our own, which is never left out
	leftOut bool // these lines are missing, which is to be said in their place
	torn    bool // a part of its first line was handed out
}

// backlog is what waits for the reader of the output, in its order. Lines of the
// server that are too many for memory are in a temporary file.
type backlog struct {
	gap func(lines int) []byte // says that lines of the server were left out

	chunks   []chunk
	size     int64 // of what waits, in bytes
	inMemory int64 // of that
	spare    [][]byte
	used     []byte // the block of which the last text was handed out

	file   *os.File // nil: none was needed yet, or there is none to be had
	noFile bool
	inFile int    // chunks
	end    int64  // of what is in it
	read   []byte // from it
}

const (
	// pieceSize is what is written at a time: each piece that is taken shows
	// that somebody reads.
	pieceSize = 16 << 10
	blockSize = flushSize + pieceSize
	// inMemoryMost is how much waits in memory before lines go to the file.
	inMemoryMost = 4 * flushSize
)

// add takes text: of our own, or so many lines of the server. It does not keep
// it.
func (b *backlog) add(text []byte, lines int) {
	size := int64(len(text))
	b.size += size
	if lines > 0 && b.inMemory >= inMemoryMost && b.toFile(text, lines) {
		return
	}
	b.inMemory += size
	last := b.last()
	if last == nil || last.text == nil || (last.lines > 0) != (lines > 0) || cap(last.text)-len(last.text) < len(text) {
		block := b.newBlock(len(text))
		b.chunks = append(b.chunks, chunk{text: block, block: block})
		last = b.last()
	}
	last.text = append(last.text, text...)
	last.size += size
	last.lines += lines
}

func (b *backlog) last() *chunk {
	if len(b.chunks) == 0 {
		return nil
	}
	return &b.chunks[len(b.chunks)-1]
}

// newBlock is an empty block for a text of that size.
func (b *backlog) newBlock(size int) []byte {
	if n := len(b.spare); n > 0 && size <= blockSize {
		block := b.spare[n-1]
		b.spare = b.spare[:n-1]
		return block
	}
	return make([]byte, 0, max(blockSize, size))
}

// toFile writes lines of the server to the file, and reports whether it could.
func (b *backlog) toFile(text []byte, lines int) bool {
	if b.noFile {
		return false
	}
	if b.file == nil {
		f, err := os.CreateTemp("", "dokploy-deploy-out-")
		if err != nil {
			b.noFile = true
			return false
		}
		// Gone with the process, however it ends (where the system allows it).
		_ = os.Remove(f.Name())
		b.file = f
	}
	if b.inFile == 0 {
		b.end = 0
	}
	if _, err := b.file.WriteAt(text, b.end); err != nil {
		b.noFile = true // the disk is full; what is in the file stays there
		return false
	}
	size := int64(len(text))
	if last := b.last(); last != nil && last.text == nil && !last.leftOut && last.size+size <= flushSize {
		last.size += size
		last.lines += lines
	} else {
		b.chunks = append(b.chunks, chunk{at: b.end, size: size, lines: lines})
		b.inFile++
	}
	b.end += size
	return true
}

// miss takes a line that is left out.
func (b *backlog) miss() {
	if last := b.last(); last != nil && last.leftOut {
		last.lines++
		return
	}
	b.chunks = append(b.chunks, chunk{lines: 1, leftOut: true})
}

// next hands out the next piece of what waits, until the next call; nil: nothing
// waits.
func (b *backlog) next() []byte {
	if cap(b.used) == blockSize && len(b.spare) < 2 {
		b.spare = append(b.spare, b.used[:0])
	}
	b.used = nil
	if len(b.chunks) == 0 {
		return nil
	}
	c := &b.chunks[0]
	text := c.text
	if text == nil && !c.leftOut {
		if text = b.fromFile(c); text == nil {
			b.size -= c.size
			b.inFile--
			*c = chunk{lines: c.lines, leftOut: true}
		}
	}
	if c.leftOut {
		text = b.gap(c.lines)
		b.pop()
		return text
	}
	text = text[:piece(text, int64(len(text)) < c.size)]
	n := int64(len(text))
	b.size -= n
	c.size -= n
	c.torn = text[n-1] != '\n'
	if c.lines > 0 {
		c.lines -= bytes.Count(text, []byte("\n"))
	}
	if c.text != nil {
		b.inMemory -= n
		c.text = c.text[n:]
	} else {
		c.at += n
	}
	if c.size == 0 {
		if b.used = c.block; c.block == nil {
			b.inFile--
		}
		b.pop()
	}
	return text
}

func (b *backlog) pop() {
	b.chunks[0] = chunk{}
	b.chunks = b.chunks[1:]
}

// fromFile reads the beginning of a chunk; nil: it cannot be read.
func (b *backlog) fromFile(c *chunk) []byte {
	if b.read == nil {
		b.read = make([]byte, pieceSize)
	}
	text := b.read[:min(c.size, pieceSize)]
	if n, _ := b.file.ReadAt(text, c.at); n < len(text) {
		return nil
	}
	return text
}

// piece is how much of a text is written next: whole lines, unless one is longer
// than a piece. More: of more there is behind it.
func piece(text []byte, more bool) int {
	if len(text) <= pieceSize && !more {
		return len(text)
	}
	text = text[:min(len(text), pieceSize)]
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		return i + 1
	}
	return len(text)
}

// leaveOut leaves out the lines of the server that wait, but for so many of the
// last bytes, and what is left of a line that was begun.
func (b *backlog) leaveOut(keep int64) {
	from := len(b.chunks) // those from here on stay
	for kept := int64(0); from > 0; from-- {
		if c := b.chunks[from-1]; c.lines > 0 {
			if kept += c.size; kept > keep {
				break
			}
		}
	}
	var rest []chunk
	for i, c := range b.chunks {
		if i < from && c.lines > 0 && !c.leftOut && !c.torn {
			b.size -= c.size
			if c.text != nil {
				b.inMemory -= c.size
			} else {
				b.inFile--
			}
			c = chunk{lines: c.lines, leftOut: true}
		}
		if n := len(rest); n > 0 && c.leftOut && rest[n-1].leftOut {
			rest[n-1].lines += c.lines
			continue
		}
		rest = append(rest, c)
	}
	b.chunks = rest
}

// close forgets all of it.
func (b *backlog) close() {
	b.chunks, b.size, b.inMemory, b.noFile = nil, 0, 0, true
	if b.file != nil {
		_ = b.file.Close()
		_ = os.Remove(b.file.Name())
	}
}
