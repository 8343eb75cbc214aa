package ci

import (
	"crypto/rand"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sethvargo/go-githubactions"
)

// The rules of the output:
//
//   - Lines of our own carry a mark (› ! ✓ ✗, or error: and hint:) and, where
//     colours show, a colour of their own; lines of the server are as written.
//     With several targets, each line about one begins with its name.
//   - Errors say what is wrong, hints what to do. The reason stands last.
//   - Nothing is said twice. On hosts with annotations, the host's own line
//     about a warning or a reason stands in the place of ours.
//   - Lines of our own are no wider than the screen: text is broken at spaces
//     and keeps its indent, a link that is longer has a line of its own.
//   - Everything is text. Of what comes from elsewhere, names and messages
//     included, only colours get through, and no secret does.
//   - Texts come whole, are masked, and only then shortened and broken, here and
//     nowhere else: of a secret that is cut before, a part would be shown.
//   - On hosts with workflow commands, a line that could be one is printed while
//     the host's commands are stopped, under a token that was never shown before.
//     Where the host is not recognised, text that would act on one is disarmed.
//   - The log of an only target is folded where the host can fold. Lines of our
//     own stand outside.
//   - A line is never torn. Lines of the server may wait for others, our own
//     are seen at once.
//   - Nobody waits for the reader of the output but the log, and that only
//     while something is read. What waits is bounded: then lines of the server
//     are left out before anything is made of them, and one line says how many.
//     Our own lines and the commands to the host are never left out.

const (
	flushAfter = 100 * time.Millisecond
	flushSize  = 64 << 10
)

// Printer shows a person what happens. It is safe for concurrent use.
type Printer struct {
	host    Host
	out     outlet
	screen  screen
	secrets masker

	mu       sync.Mutex
	buf      buffer
	missed   int    // lines of the server that were left out, not said yet
	scratch  []byte // a line that is composed
	plain    []byte // the same without colours
	timer    *time.Timer
	armed    bool
	folded   bool   // the log's fold is open
	folds    int    // how many were opened
	token    string // resumes the host's commands; empty: they are on
	actions  *githubactions.Action
	prefixes map[string]string // by target; nil: no prefixes
	width    int
	above    above
	heading  bool           // the header was shown, and nothing below it
	shown    int            // lines that are seen without opening a fold
	links    map[string]int // after how many of them a link was shown
}

// New makes the printer of a host. The secrets are masked in all that is
// printed, a secret of several lines line by line; the host is told of them
// before anything else. Colours are kept where they can be expected to show.
func New(host Host, stdout io.Writer, secrets []string) *Printer {
	p := &Printer{host: host, out: outlet{w: stdout}, screen: screenOf(host, stdout), secrets: newMasker(secrets)}
	// Its writer is ours and never fails, so it does not panic.
	p.actions = githubactions.New(githubactions.WithWriter(&p.buf))
	if host.actions {
		for _, s := range secretLines(secrets) {
			p.actions.AddMask(s)
		}
		p.flush()
	}
	return p
}

// Hide masks further values in all that is shown from now on. The host is not
// told of them: it would mask them in other steps, too, and they are values
// that somebody chose for a service, "eu-west-1" among them.
func (p *Printer) Hide(values ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.secrets.learn(values)
}

// SetTargets names the targets; from two on, each line says which one it is
// about.
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

// prefix is what lines about a target begin with.
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

// Header shows what this run is about, without a mark.
func (p *Printer) Header(text string) {
	p.own("", part{text: text})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heading = true
}

// Dashboard shows where a target is seen in Dokploy. It belongs to the header.
func (p *Printer) Dashboard(target, link string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	heading := p.heading && p.prefixes == nil // one target's stands right below it
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

// linkIsNear is how many lines may stand below a link that is not shown again.
const linkIsNear = 40

// near reports whether a link was shown a few lines above.
func (p *Printer) near(link string) bool {
	at, ok := p.links[link]
	return ok && p.shown-at <= linkIsNear
}

// Note shows a line of our own about a target; no target: about the run.
func (p *Printer) Note(target, text string) { p.own(target, part{"› ", text, dim, false}) }

// Warn shows a line of our own that matters, which the host may show apart.
func (p *Printer) Warn(target, text string) {
	if !p.host.annotations {
		p.own(target, part{"! ", text, yellow, false})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.above.ownLine(target)
	p.annotate("warning", annotation{title: target}, p.prefixed(target, text))
	p.flush()
}

// Success shows that a target is deployed, and where. The text names the target.
func (p *Printer) Success(_, text string, links ...string) {
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

// endLog ends the fold of the log.
func (p *Printer) endLog() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sayMissed()
	p.closeFold()
}

// sayMissed says how many lines were left out where they are missing.
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

// part is one of our own lines: a text behind a mark. Lines of a text after the
// first are indented by the width of the mark.
type part struct {
	mark, text string
	style      style
	whole      bool // never broken, such as a link or a quoted line
}

// own prints lines of our own at once.
func (p *Printer) own(target string, parts ...part) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.print(target, parts...)
	p.flush()
}

// print appends lines of our own, outside of any fold, with mu held.
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

// ownLine appends a line of our own: masked, shortened, and then broken.
func (p *Printer) ownLine(prefix, mark, text string, x part) {
	body, coloured := p.compose(prefix+mark, []byte(text), x.whole && p.screen.colours)
	switch {
	case coloured && len(p.plain) <= maxText:
		p.lineAs(body, p.acts(p.plain))
		return
	case coloured:
		body = p.plain
	}
	whole := shorten(string(body), maxText)
	behind, ok := strings.CutPrefix(whole, prefix+mark)
	if !ok { // there is a secret in it
		p.line([]byte(whole))
		return
	}
	lines := []string{behind}
	if !x.whole {
		used := utf8.RuneCountInString(prefix + mark)
		lines = wrap(behind, max(p.screen.columns-used, fewColumns/2))
	}
	for _, line := range lines {
		p.styled(prefix, mark+line, x.style)
		mark = strings.Repeat(" ", utf8.RuneCountInString(mark))
	}
}

// styled appends a line in colour.
func (p *Printer) styled(head, line string, s style) {
	if !p.screen.colours || s == plain {
		p.line([]byte(head + line))
		return
	}
	safe := string(p.disarm([]byte(head + line)))
	if behind, ok := strings.CutPrefix(safe, head); ok {
		safe = head + s.coloured(behind)
	}
	p.lineAs([]byte(safe), p.acts([]byte(head+line)))
}

// LogLine shows a line that the server wrote. It does not keep it. While the
// output is read, but slower than the log comes, it waits.
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
	p.logLine(p.prefix(target), line)
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

// maxLine is how much of a line is shown, in bytes. More of one is not kept
// when a log is read; how much was left out is said in its place.
const maxLine = 1 << 20

var leftOut = regexp.MustCompile(`^ \[\d+ more bytes of this line left out\]$`)

// cutLine cuts a line at maxLine, and says what to show in place of the rest.
func (p *Printer) cutLine(text []byte) (line []byte, rest string) {
	if len(text) <= maxLine {
		return text, ""
	}
	rest = " [the rest of this line is left out]"
	if said := text[maxLine:]; leftOut.Match(said) {
		rest = string(said)
	}
	line = text[:maxLine]
	for n := range utf8.UTFMax { // a character that is cut is no part of it
		if start := len(line) - 1 - n; utf8.RuneStart(line[start]) {
			if !utf8.FullRune(line[start:]) {
				line = line[:start]
			}
			break
		}
	}
	line, _ = appendText(nil, line, false)
	return p.secrets.dropBegun(line), rest
}

// logLine appends a line of the server.
func (p *Printer) logLine(prefix string, text []byte) {
	line, coloured := p.compose(prefix, text, p.screen.colours)
	if coloured {
		p.lineAs(line, p.acts(p.plain))
		return
	}
	p.line(line)
}

// compose makes a text behind a prefix fit to be printed, in a buffer that is
// used again: masked, and without what acts on a terminal. Colours stay if they
// are wanted and hide nothing; then plain is the text without them.
func (p *Printer) compose(prefix string, text []byte, colours bool) (line []byte, coloured bool) {
	text, rest := p.cutLine(text)
	p.scratch = append(p.scratch[:0], prefix...)
	p.scratch, coloured = appendText(p.scratch, text, colours)
	p.scratch = append(p.scratch, rest...)
	if !coloured {
		return p.secrets.mask(p.scratch), false
	}
	// A colour inside a secret, or inside what acts, must not hide it.
	p.plain = append(p.plain[:0], prefix...)
	p.plain, _ = appendText(p.plain, text, false)
	p.plain = append(p.plain, rest...)
	changed := p.disarm(p.secrets.mask(p.plain))
	if len(changed) == 0 || &changed[0] != &p.plain[0] {
		return changed, false
	}
	return p.scratch, true
}

// line appends a line without colours.
func (p *Printer) line(text []byte) { p.lineAs(p.disarm(text), p.acts(text)) }

// lineAs appends a line that is safe but for the host's commands, which it may
// be one of. They stay stopped until the next line of our own.
func (p *Printer) lineAs(text []byte, acts bool) {
	if acts && p.token == "" {
		p.token = rand.Text()
		p.actions.IssueCommand(&githubactions.Command{Name: "stop-commands", Message: p.token})
	}
	p.buf = append(append(p.buf, text...), '\n')
	if !p.folded || !p.host.fold().hides() {
		p.shown++
	}
}

// acts reports whether the host may take a line for one of its commands.
func (p *Printer) acts(line []byte) bool { return p.host.actions && mayBeCommand(line) }

// clean makes text fit for a workflow command: masked, each line shortened.
func (p *Printer) clean(text string) string {
	return p.eachLine(text, func(s string) string { return shorten(s, maxText) })
}

// eachLine masks text, without what acts on a terminal, line by line.
func (p *Printer) eachLine(text string, fit func(masked string) string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		cut, rest := p.cutLine([]byte(line))
		plain, _ := appendText(nil, cut, false)
		lines[i] = fit(string(p.secrets.mask(plain)) + rest)
	}
	return strings.Join(lines, "\n")
}

// Mask hides the secrets in a text that is going to be cut or folded. A colour
// inside one does not hide it.
func (p *Printer) Mask(text string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.eachLine(text, func(s string) string { return s })
}

// Text makes a text fit to be kept elsewhere, in an output: without what acts
// on a terminal, masked, and shortened.
func (p *Printer) Text(text string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clean(text)
}

// resume makes the host read commands again.
func (p *Printer) resume() {
	if p.token != "" {
		p.actions.IssueCommand(&githubactions.Command{Name: p.token})
		p.token = ""
	}
}

// Flush shows what is waiting.
func (p *Printer) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = false
	p.flush()
}

// Hurry says that there is little time left: from now on hardly anything waits
// for the reader of the output.
func (p *Printer) Hurry() { p.out.hurry() }

// Close shows what is waiting, gives the host its commands back, and waits
// until all is written: for a reader that reads a minute at most, for one that
// does not a few seconds. It gives the first error of writing, after which
// nothing was written any more.
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
	p.sayMissed()
	p.closeFold()
	p.resume()
	p.flush()
}

// flush hands the lines over in one piece.
func (p *Printer) flush() {
	p.out.add(p.buf)
	if p.buf = p.buf[:0]; cap(p.buf) > 16*flushSize {
		p.buf = nil
	}
}

// buffer is a slice that go-githubactions can write to.
type buffer []byte

func (b *buffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}
