package ci

import (
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sethvargo/go-githubactions"
)

// The rules of the output:
//
//   - Lines of our own carry a mark (› ! ✓ ✗, or error: and hint:) and, where
//     colours show, a colour of their own. Lines of the server stay as written.
//     With several targets, each line about one starts with its name.
//   - Errors say what is wrong, hints say what to do. The reason comes last.
//   - Nothing is said twice. On hosts with annotations, the host's own line
//     about a warning or a reason replaces ours.
//   - Lines of our own are no wider than the screen: text is broken at spaces
//     and keeps its indent; a longer link gets a line of its own.
//   - Everything is text. From elsewhere, names and messages included, only
//     colours get through, and no secrets do.
//   - Text is masked as a whole, and shortened and broken only after that, here
//     and nowhere else. Cutting a secret first would show a part of it.
//   - On hosts with workflow commands, a line that could be one is printed while
//     commands are stopped, under a token that was never shown before. If the
//     host is not recognised, text that could act on any host is disarmed.
//   - The log of a single target is folded where the host can fold. Lines of our
//     own stand outside, except those of debug.
//   - A line is never torn. Lines of the server may be buffered, our own are
//     shown at once.
//   - Nothing waits for the reader of the output before the end. What waits to be
//     read is bounded: when there is no room, lines of the server are dropped
//     before any work is done on them, and one line in their place says how many.
//     When there is no time left at the end, those that still wait are dropped,
//     too. Our own lines and commands to the host are never dropped.

const (
	flushAfter = 100 * time.Millisecond
	flushSize  = 64 << 10
)

// Printer shows progress and results to a person. It is safe for concurrent
// use.
type Printer struct {
	host    Host
	out     outlet
	screen  screen
	secrets masker

	mu       sync.Mutex
	buf      []byte // of our own text, or lines of the server
	logLines int    // how many lines of the server it holds
	scratch  []byte // the line being composed
	plain    []byte // the same line without colours
	timer    *time.Timer
	armed    bool
	folded   bool   // the fold of the log is open
	folds    int    // folds opened so far
	token    string // resumes the host's commands; empty: they are active
	actions  *githubactions.Action
	prefixes map[string]string // by target; nil: no prefixes
	width    int
	above    above
	heading  bool           // the header was shown and nothing below it
	shown    int            // lines that are visible without opening a fold
	links    map[string]int // value of shown when a link was shown
}

// New creates the printer for a host. The secrets are masked in everything that
// is printed; a secret of several lines is masked line by line. The host is
// told about them first. Colours are kept if the output is likely to show them.
func New(host Host, stdout io.Writer, secrets []string) *Printer {
	p := &Printer{host: host, screen: screenOf(host, stdout), secrets: newMasker(secrets)}
	p.out.w, p.out.waiting.gap = stdout, p.screen.gap
	// githubactions panics if its writer fails. This one never does.
	p.actions = githubactions.New(githubactions.WithWriter(ourText{p}))
	if host.actions {
		for _, s := range secretLines(secrets) {
			p.actions.AddMask(s)
		}
		p.flush()
	}
	return p
}

// Hide masks further values from now on. The host is not told about them: it
// would mask them in other steps too, and they are values of a service's
// environment, such as "eu-west-1".
func (p *Printer) Hide(values ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.secrets.learn(values)
}

// SetTargets names the targets. With two or more, each line starts with the
// name of its target.
func (p *Printer) SetTargets(names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prefixes, p.width = map[string]string{}, 0
	for _, n := range names {
		p.width = max(p.width, utf8.RuneCountInString(oneLine(n)))
	}
	for _, n := range names {
		p.prefix(n)
	}
	if len(p.prefixes) < 2 {
		p.prefixes = nil
	}
}

// prefix returns the start of lines about a target.
func (p *Printer) prefix(target string) string {
	if p.prefixes == nil || target == "" {
		return ""
	}
	prefix, ok := p.prefixes[target]
	if !ok {
		name := oneLine(target)
		prefix = name + strings.Repeat(" ", max(0, p.width-utf8.RuneCountInString(name))) + " │ "
		p.prefixes[target] = prefix
	}
	return prefix
}

// Header shows a line about the whole run, without a mark.
func (p *Printer) Header(text string) {
	p.own("", part{text: text})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heading = true
}

// Dashboard shows the link to a target in Dokploy, as part of the header.
func (p *Printer) Dashboard(target, link string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	heading := p.heading && p.prefixes == nil // with one target it follows right below
	p.heading = p.heading && !heading
	p.print(target, dashboard(link))
	p.heading = heading
	if p.links == nil {
		p.links = map[string]int{}
	}
	p.links[link] = p.shown
	p.flush()
}

func dashboard(link string) part { return part{mark: "dashboard: ", text: link, whole: true} }

// linkIsNear is the number of lines within which a link is not repeated.
const linkIsNear = 40

// near reports whether a link was shown a few lines above.
func (p *Printer) near(link string) bool {
	at, ok := p.links[link]
	return ok && p.shown-at <= linkIsNear
}

// Note shows a line of our own about a target, or about the run if target is
// empty.
func (p *Printer) Note(target, text string) { p.own(target, part{"› ", text, dim, false}) }

// Debug shows a line about the program itself. Inside the fold of the log it ends
// no fold: there may be one such line for every few of the log.
func (p *Printer) Debug(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x := part{"› ", "debug: " + text, dim, false}
	if p.folded {
		p.ownLine("", x.mark, x.text, x)
	} else {
		p.print("", x)
	}
	p.flush()
}

// Warn shows a line of our own that matters. The host may show it apart.
func (p *Printer) Warn(target, text string) { p.warn(target, target, text) }

// WarnAbout is [Printer.Warn] about the run. The title says in a few words what
// it is about.
func (p *Printer) WarnAbout(title, text string) { p.warn("", title, text) }

func (p *Printer) warn(target, title, text string) {
	if !p.host.annotations {
		p.own(target, part{"! ", text, yellow, false})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.above.ownLine(target)
	p.annotate("warning", annotation{title: title}, p.prefixed(target, text))
	p.flush()
}

// Success shows that a target was deployed, and its links. The text names the
// target.
func (p *Printer) Success(text string, links ...string) {
	p.endLog()
	defer p.nothingAbove()
	p.mu.Lock()
	defer p.mu.Unlock()
	links = slices.DeleteFunc(slices.Clone(links), p.near)
	line := strings.Join(append([]string{text}, links...), "   ")
	if 2+utf8.RuneCountInString(line) <= p.screen.columns {
		links = nil
	} else {
		line = text
	}
	parts := []part{{"✓ ", line, green, false}}
	for _, link := range links {
		parts = append(parts, part{mark: "  ", text: link, whole: true})
	}
	p.print("", parts...)
	p.flush()
}

// part is a text with a mark in front. Its further lines are indented by the
// width of the mark.
type part struct {
	mark, text string
	style      style
	whole      bool // never broken; for links and quoted lines
}

// own prints lines of our own at once.
func (p *Printer) own(target string, parts ...part) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.print(target, parts...)
	p.flush()
}

// print appends lines of our own, outside any fold. It must be called with mu
// held.
func (p *Printer) print(target string, parts ...part) {
	p.above.ownLine(target)
	p.closeFold()
	p.resume()
	if p.heading {
		p.heading = false
		p.line(nil)
	}
	for _, x := range parts {
		text := strings.TrimRight(x.text, "\n")
		if text == "" && x.mark != "" {
			continue
		}
		mark := x.mark
		for line := range strings.SplitSeq(text, "\n") {
			p.ownLine(p.prefix(target), mark, line, x)
			mark = strings.Repeat(" ", utf8.RuneCountInString(mark))
		}
	}
}

// Flush shows what is buffered.
func (p *Printer) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = false
	p.flush()
}

// Hurry says that there is little time left: from now on hardly anything waits
// for the reader.
func (p *Printer) Hurry() { p.out.hurry() }

// Close shows what is buffered, resumes the host's commands, and waits until
// everything is written: some minutes at most if the output is being read, a few
// seconds if not. It returns the first write error; nothing was written after
// that.
func (p *Printer) Close() error {
	p.end()
	return p.out.close()
}

func (p *Printer) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
		p.armed = false
	}
	p.closeFold()
	p.resume()
	p.flush()
}

// flush passes the buffered lines on in one piece.
func (p *Printer) flush() {
	p.out.add(p.buf, p.logLines)
	p.logLines = 0
	if p.buf = p.buf[:0]; cap(p.buf) > 16*flushSize {
		p.buf = nil
	}
}

// ourText is a writer of our own text.
type ourText struct{ p *Printer }

func (o ourText) Write(text []byte) (int, error) {
	o.p.ours()
	o.p.buf = append(o.p.buf, text...)
	return len(text), nil
}
