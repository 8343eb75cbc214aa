package buildlog

import (
	"bytes"
	"fmt"
)

// maxLine limits a line of the log, in bytes, so that memory use stays flat.
// The rest of a longer line is counted and dropped.
const maxLine = 1 << 20

// lineSplitter splits text into lines. The text arrives in pieces that may be
// cut anywhere, even inside a character. Of progress that is redrawn with
// carriage returns it keeps the last state, as a terminal shows it.
type lineSplitter struct {
	emit func(line []byte) // must not keep line
	part []byte            // of the line, after its last carriage return
	cr   bool              // part ends in a carriage return that may belong to \r\n
	cut  int               // bytes dropped from this line
	seen bool              // this line has started
}

// write adds the next piece.
func (s *lineSplitter) write(p []byte) {
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			s.add(p)
			return
		}
		if !s.seen && i <= maxLine {
			// The common case: a whole line in one piece needs no copy.
			s.emit(lastState(p[:i]))
		} else {
			s.add(p[:i])
			s.flush()
		}
		p = p[i+1:]
	}
}

// add appends a piece without a newline.
func (s *lineSplitter) add(p []byte) {
	if len(p) == 0 {
		return
	}
	s.seen = true
	if s.cr {
		// Text after a carriage return overwrites the text before it.
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

// flush ends the current line if one has started, with or without a newline.
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

// reset drops the current line.
func (s *lineSplitter) reset() {
	if cap(s.part) > 64<<10 {
		s.part = nil
	}
	s.part, s.cr, s.cut, s.seen = s.part[:0], false, 0, false
}

// lastState returns what a terminal shows of a line with carriage returns.
func lastState(line []byte) []byte {
	if bytes.IndexByte(line, '\r') < 0 {
		return line
	}
	line = bytes.TrimRight(line, "\r")
	return line[bytes.LastIndexByte(line, '\r')+1:]
}

// isEnd reports whether Dokploy ends a build or a deployment with this line.
// More lines may follow (an upload to a registry), and the log never decides a
// verdict: such a line only makes it worth looking.
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

// afterMark strips a mark from the start of line. Dokploy may have broken the
// mark where one of its reads ended.
func afterMark(line []byte, mark string) (rest []byte, ok bool) {
	if rest, ok := bytes.CutPrefix(line, []byte(mark)); ok {
		return rest, true
	}
	rest = bytes.TrimLeft(line, "\uFFFD")
	broken := (len(line) - len(rest)) / len("\uFFFD")
	return rest, broken >= 1 && broken <= len(mark)
}
