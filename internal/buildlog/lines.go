package buildlog

import (
	"bytes"
	"fmt"
)

// maxLine bounds one line of a log, so that memory stays flat for any log. The
// rest of a longer one is counted and left out.
const maxLine = 1 << 20

// lineSplitter makes lines of text that comes in pieces cut anywhere, inside a
// character too. Of carriage-return progress only the last state is kept, as a
// terminal would show it.
type lineSplitter struct {
	emit func(line []byte) // must not keep line
	part []byte            // the line so far, after its last carriage return
	cr   bool              // part ends in a carriage return that may belong to \r\n
	cut  int               // bytes left out of this line
	seen bool              // this line has begun
}

// write takes the next piece.
func (s *lineSplitter) write(p []byte) {
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			s.add(p)
			return
		}
		if !s.seen && i <= maxLine {
			// The common case: a whole line in one piece, nothing copied.
			s.emit(lastState(p[:i]))
		} else {
			s.add(p[:i])
			s.flush()
		}
		p = p[i+1:]
	}
}

// add appends a piece without a newline to the line.
func (s *lineSplitter) add(p []byte) {
	if len(p) == 0 {
		return
	}
	s.seen = true
	if s.cr {
		// What follows a carriage return overwrites what stood before it.
		s.cr = false
		if s.cut > 0 || len(bytes.Trim(p, "\r")) > 0 {
			s.part, s.cut = s.part[:0], 0
		}
	}
	for len(p) > 0 && p[len(p)-1] == '\r' {
		p, s.cr = p[:len(p)-1], true
	}
	if i := bytes.LastIndexByte(p, '\r'); i >= 0 {
		s.part, s.cut = s.part[:0], 0
		p = p[i+1:]
	}
	if room := maxLine - len(s.part); len(p) > room {
		s.cut += len(p) - room
		p = p[:room]
	}
	s.part = append(s.part, p...)
}

// flush ends the line, with or without its newline; nothing for one that has
// not begun.
func (s *lineSplitter) flush() {
	if !s.seen {
		return
	}
	if s.cut > 0 {
		s.part = fmt.Appendf(s.part, " [%d more bytes of this line left out]", s.cut)
	}
	s.emit(s.part)
	s.reset()
}

// reset forgets a line that has begun.
func (s *lineSplitter) reset() {
	if cap(s.part) > 64<<10 {
		s.part = nil
	}
	s.part, s.cr, s.cut, s.seen = s.part[:0], false, 0, false
}

// lastState is what a terminal shows of a line with carriage returns.
func lastState(line []byte) []byte {
	if bytes.IndexByte(line, '\r') < 0 {
		return line
	}
	line = bytes.TrimRight(line, "\r")
	return line[bytes.LastIndexByte(line, '\r')+1:]
}

// isEnd reports whether a line is one with which Dokploy ends a build or a
// deployment. More may follow (an upload to a registry), and a log is never a
// witness for a verdict: they only say that a look is worth it.
func isEnd(line []byte) bool {
	if len(line) > 200 {
		return false
	}
	if rest, ok := afterMark(line, "✅"); ok {
		return bytes.HasPrefix(rest, []byte(" ")) && (bytes.HasSuffix(rest, []byte(" completed.")) || bytes.HasSuffix(rest, []byte("Image Pushed")))
	}
	rest, ok := bytes.CutPrefix(line, []byte("Docker Compose Deployed: "))
	if ok {
		_, ok = afterMark(rest, "✅")
	} else if rest, ok = bytes.CutPrefix(line, []byte("Error occurred ")); ok {
		_, ok = afterMark(rest, "❌")
	}
	return ok
}

// afterMark cuts a mark off, also one that Dokploy broke at the border of its
// reads.
func afterMark(line []byte, mark string) (rest []byte, ok bool) {
	if rest, ok := bytes.CutPrefix(line, []byte(mark)); ok {
		return rest, true
	}
	rest = bytes.TrimLeft(line, "\uFFFD")
	broken := (len(line) - len(rest)) / len("\uFFFD")
	return rest, broken >= 1 && broken <= len(mark)
}
