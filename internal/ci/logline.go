package ci

import (
	"strconv"
	"time"
)

// LogLine shows a line that the server wrote. It does not keep the slice.
func (p *Printer) LogLine(target string, line []byte) {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	room := p.out.room()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !room {
		p.flush()
		p.out.miss()
		p.above = above{}
		return
	}
	p.openFold(target)
	p.above.logLine(target, p.folded && p.host.fold().hides())
	p.heading = false
	p.serverLine(p.prefix(target), line)
	switch {
	case len(p.buf) >= flushSize:
		p.flush()
	case p.armed:
	case p.timer == nil:
		p.armed = true
		p.timer = time.AfterFunc(flushAfter, p.Flush)
	default:
		p.armed = true
		p.timer.Reset(flushAfter)
	}
}

// serverLine appends a line of the server.
func (p *Printer) serverLine(prefix string, text []byte) {
	line, coloured := p.compose(prefix, text, p.screen.colours)
	plain := line
	if coloured {
		plain = p.plain
	} else {
		line = p.disarm(line)
	}
	if p.acts(plain) {
		p.stop()
	}
	if p.logLines == 0 {
		p.flush()
	}
	p.logLines++
	p.append(line)
}

// endLog ends the fold of the log.
func (p *Printer) endLog() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeFold()
}

// gap is the line that stands in the place of lines that were dropped.
func (s screen) gap(lines int) []byte {
	what := "1 line of the log is"
	if lines > 1 {
		what = strconv.Itoa(lines) + " lines of the log are"
	}
	text := "! " + what + " not shown: the output was not read fast enough, and the deployment did not wait for that"
	if s.colours {
		text = yellow.coloured(text)
	}
	return []byte(text + "\n")
}
