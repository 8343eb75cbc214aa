package ci

import (
	"fmt"
	"time"
)

// fold is how a host folds lines away.
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

// hides reports whether what is folded is not seen until somebody opens it: a
// group is closed at first, a section is not.
func (f fold) hides() bool { return f == group }

// sectionName is ours alone: a build cannot end it, since no ESC of its gets
// through.
const sectionName = "dokploy_deploy_log"

// openFold begins the fold of the only target's log. With several targets
// there is none: their lines mix.
func (p *Printer) openFold(target string) {
	if p.folded || p.prefixes != nil || target == "" {
		return
	}
	switch p.host.fold() {
	case group:
		p.resume()
		p.actions.Group(oneLine(p.clean("log of " + target)))
	case section:
		header := oneLine(p.clean("log of " + target))
		p.buf = fmt.Appendf(p.buf, "\x1b[0Ksection_start:%d:%s\r\x1b[0K%s\n", time.Now().Unix(), sectionName, header)
	default:
		return
	}
	p.folded = true
}

// closeFold ends it, so that the verdict stands outside.
func (p *Printer) closeFold() {
	if !p.folded {
		return
	}
	p.folded = false
	switch p.host.fold() {
	case group:
		p.resume()
		p.actions.EndGroup()
	case section:
		p.buf = fmt.Appendf(p.buf, "\x1b[0Ksection_end:%d:%s\r\x1b[0K\n", time.Now().Unix(), sectionName)
	}
}
