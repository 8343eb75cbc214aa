package ci

// above is whose log stands right above what is printed next.
type above struct {
	target string // empty: nobody's
	hidden bool   // it is folded away
}

func (a *above) logLine(target string, hidden bool) { a.target, a.hidden = target, hidden }

// ownLine is a line of our own about a target, or about the run as a whole,
// which parts nothing.
func (a *above) ownLine(target string) {
	if target != "" && target != a.target {
		*a = above{}
	}
}

// LogIsAbove reports whether the last lines of a target's log stand right above
// what is printed next: they were shown, are not folded away, and no line about
// another target came since.
func (p *Printer) LogIsAbove(target string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return target != "" && p.above.target == target && !p.above.hidden
}

// nothingAbove is called after the verdict on a target.
func (p *Printer) nothingAbove() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.above = above{}
}
