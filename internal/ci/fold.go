package ci

import (
	"fmt"
	"strconv"
	"time"
)

// fold is how a host folds lines.
type fold int

const (
	noFold  fold = iota
	group        // GitHub family: ::group:: … ::endgroup::
	section      // GitLab: section_start … section_end
)

func (h Host) fold() fold {
	switch {
	case h.actions:
		return group
	case h.name == "GitLab CI":
		return section
	}
	return noFold
}

// hides reports whether folded lines are hidden until somebody opens the fold.
// Groups start closed, sections open.
func (f fold) hides() bool { return f == group }

// sectionName starts the names of our sections. A build cannot end one, since
// its ESC characters are removed.
const sectionName = "dokploy_deploy_log_"

func (p *Printer) sectionName() string { return sectionName + strconv.Itoa(p.folds) }

// openFold starts the fold around the log of a single target. With several
// targets there is none, because their lines mix.
func (p *Printer) openFold(target string) {
	if p.folded || p.prefixes != nil || target == "" || p.host.fold() == noFold {
		return
	}
	p.folds++
	header := "log of " + target
	if p.folds > 1 {
		header += ", continued"
	}
	header = oneLine(p.clean(header))
	p.resume()
	switch p.host.fold() {
	case group:
		p.actions.Group(header)
	case section:
		fmt.Fprintf(ourText{p}, "\x1b[0Ksection_start:%d:%s\r\x1b[0K%s\n", time.Now().Unix(), p.sectionName(), header)
	}
	p.shown++
	p.folded = true
}

// closeFold ends the fold, so that lines of our own stand outside.
func (p *Printer) closeFold() {
	if !p.folded {
		return
	}
	p.folded = false
	p.resume()
	switch p.host.fold() {
	case group:
		p.actions.EndGroup()
	case section:
		fmt.Fprintf(ourText{p}, "\x1b[0Ksection_end:%d:%s\r\x1b[0K\n", time.Now().Unix(), p.sectionName())
	}
}
