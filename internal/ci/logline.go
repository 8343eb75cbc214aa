package ci

import (
	"strconv"
	"time"
)

// LogLine shows a line that the server wrote. It does not keep the slice. While
// the output is read more slowly than the log arrives, it waits.
func (p *Printer) LogLine(target string, line []byte) {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	room := p.out.room()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !room {
		p.missed++
		p.above = above{}
		return
	}
	p.sayMissed()
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
	if coloured {
		p.lineAs(line, p.acts(p.plain))
		return
	}
	p.line(line)
}

// endLog ends the fold of the log.
func (p *Printer) endLog() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sayMissed()
	p.closeFold()
}

// sayMissed says how many lines were dropped, at the place where they are
// missing.
func (p *Printer) sayMissed() {
	if p.missed == 0 {
		return
	}
	what := "1 line of the log is"
	if p.missed > 1 {
		what = strconv.Itoa(p.missed) + " lines of the log are"
	}
	p.missed = 0
	p.print("", part{"! ", what + " not shown: the output was not read for a while, and the deployment did not wait for that", yellow, false})
}
