package ci

import (
	"strconv"
	"strings"
)

// about starts the title of each annotation: a run's page lists the annotations
// of all steps.
const about = "Dokploy"

// annotation is a message that a host shows apart from the log.
type annotation struct {
	title string // behind "Dokploy: "; may be empty
	file  string
	line  int // of file
}

// annotate issues an annotation in place of a line of our own. The level is
// "warning" or "error". It must be called with mu held.
func (p *Printer) annotate(level string, a annotation, text string) {
	p.closeFold()
	p.resume()
	p.heading = false
	fields := map[string]string{"title": about}
	if title := oneLine(plainText(p.clean(a.title))); title != "" {
		fields["title"] += ": " + title
	}
	if a.file != "" {
		fields["file"], fields["line"] = oneLine(p.clean(a.file)), strconv.Itoa(a.line)
	}
	actions := p.actions.WithFieldsMap(fields)
	switch text = p.clean(text); level {
	case "warning":
		actions.Warningf("%s", text)
	default:
		actions.Errorf("%s", text)
	}
	p.shown++
}

// Problem is something wrong with an input, or with what the input names.
type Problem struct {
	Title string // of the annotation: "application not found"
	Input string // empty: not about one input
	Text  string
	Hint  string // what to do
}

// Error shows what is wrong and what to do about it.
func (p *Printer) Error(x Problem) {
	p.endLog()
	p.mu.Lock()
	defer p.mu.Unlock()
	text := x.Text
	if x.Input != "" {
		text = x.Input + ": " + text
	}
	p.above.ownLine("")
	if p.host.annotations {
		p.annotate("error", annotation{title: x.Title}, text)
	} else {
		p.print("", part{"error: ", text, red, false})
	}
	p.print("", part{"hint:  ", x.Hint, plain, false})
	p.flush()
}

// Failure describes why a target failed.
type Failure struct {
	Verdict   string // "api failed after 41s"
	Reason    string
	File      string // file in which a build broke; empty: unknown
	Line      int
	Quoted    []string // lines that a build or a container wrote
	QuotedOf  string   // "the container x"; empty: it needs no saying
	Rollback  string   // what the rollback did; empty: nothing
	Hint      string
	Dashboard string
}

// Failure shows a failure. On hosts with annotations, one of them carries the
// reason and points to where the build broke.
func (p *Printer) Failure(f Failure) {
	p.endLog()
	defer p.nothingAbove()
	p.mu.Lock()
	defer p.mu.Unlock()
	near := p.near(f.Dashboard)
	switch {
	case f.Reason == "":
		p.print("", part{"✗ ", f.Verdict, red, false})
	case p.host.annotations:
		p.print("", part{"✗ ", f.Verdict, red, false})
		p.annotate("error", annotation{f.Verdict, f.File, f.Line}, f.Reason)
	default:
		p.print("", part{"✗ ", f.Verdict + ": " + f.Reason, red, false})
	}
	var parts []part
	if f.QuotedOf != "" && len(f.Quoted) > 0 {
		parts = append(parts, part{mark: "  ", text: "last lines of " + f.QuotedOf + ":"})
	}
	for _, line := range f.Quoted {
		parts = append(parts, part{mark: "    ", text: line, whole: true})
	}
	parts = append(parts, part{mark: "  rollback: ", text: f.Rollback}, part{mark: "  hint: ", text: f.Hint})
	if !near && f.Dashboard != "" {
		link := dashboard(f.Dashboard)
		link.mark = "  " + link.mark
		parts = append(parts, link)
	}
	p.print("", parts...)
	p.flush()
}

// prefixed puts the target's name in front of text if there are several
// targets.
func (p *Printer) prefixed(target, text string) string {
	if p.prefixes == nil || target == "" {
		return text
	}
	return target + ": " + strings.TrimSpace(text)
}
