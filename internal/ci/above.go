package ci

// above tracks whose log stands right above the next line.
type above struct {
	target string // empty: nobody's
	hidden bool   // it is inside a fold
}

func (a *above) logLine(target string, hidden bool) { a.target, a.hidden = target, hidden }

// ownLine notes a line of our own, about a target or about the whole run. A
// line about the run does not separate a target from its log.
func (a *above) ownLine(target string) {
	if target != "" && target != a.target {
		*a = above{}
	}
}

// LogIsAbove reports whether the last lines of a target's log stand right above
// the next line: they were shown, are not folded away, and no line about
// another target came in between.
func (p *Printer) LogIsAbove(target string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return target != "" && p.above.target == target && !p.above.hidden
}

// nothingAbove resets it, after the verdict on a target.
func (p *Printer) nothingAbove() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.above = above{}
}
