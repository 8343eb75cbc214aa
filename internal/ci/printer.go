package ci

import (
	"crypto/rand"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sethvargo/go-githubactions"
)

// The rules of the output:
//
//   - Lines of our own carry a mark (› ! ✓ ✗, or error: and hint:); lines of
//     the server are as written. With several targets, each line about one
//     begins with its name.
//   - Errors say what is wrong, hints what to do. The reason stands last.
//   - Everything is text. Of what comes from elsewhere, names and messages
//     included, only colours get through, and no secret does.
//   - Texts come whole, are masked, and only then shortened, here and nowhere
//     else: of a secret that is cut before, a part would be shown.
//   - On hosts with workflow commands, all text is printed while the host's
//     commands are stopped, under a token that was never shown before. They
//     are on for our own commands only. Where the host is not recognised, text
//     that would act on one is disarmed.
//   - The log of an only target is folded where the host can fold. The verdict
//     and its reason stand outside, last.
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
	colour  bool
	secrets masker

	mu       sync.Mutex
	buf      buffer
	missed   int    // lines of the server that were left out, not said yet
	plain    []byte // scratch
	timer    *time.Timer
	armed    bool
	folded   bool   // the log's fold is open
	token    string // resumes the host's commands; empty: they are on
	actions  *githubactions.Action
	prefixes map[string]string // by target; nil: no prefixes
	width    int
	above    above
}

// New makes the printer of a host. The secrets are masked in all that is
// printed, a secret of several lines line by line; the host is told of them
// before anything else. Colours are kept where they can be expected to show.
func New(host Host, stdout io.Writer, secrets []string) *Printer {
	p := &Printer{host: host, out: outlet{w: stdout}, colour: colours(host, stdout), secrets: newMasker(secrets)}
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

// colours reports whether colours make sense. Jenkins shows them as garbage
// unless a plugin is there.
func colours(h Host, w io.Writer) bool {
	if h.get("NO_COLOR") != "" || h.name == "Jenkins" {
		return false
	}
	if h.name != "" {
		return true
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
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
func (p *Printer) Header(text string) { p.own("", "", text, nil) }

// Note shows a line of our own about a target; no target: about the run.
func (p *Printer) Note(target, text string) { p.own(target, "› ", text, nil) }

// Warn shows a line of our own that matters, which the host may show apart.
func (p *Printer) Warn(target, text string) {
	p.own(target, "! ", text, func() {
		if target != "" {
			text = target + ": " + text
		}
		p.actions.Warningf("%s", p.clean(text))
	})
}

// Success shows that a target is deployed. The text names the target.
func (p *Printer) Success(_, text string) {
	p.endLog()
	defer p.nothingAbove()
	p.own("", "✓ ", text, nil)
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
	p.line("", "! ", []byte(what+" not shown: the output was not read for a while, and the deployment did not wait for that"), 0)
}

// Failure shows why a target is not deployed: the reason, and what there is to
// say about it. The first line names the target. Where a build broke at a line
// of a file, the annotation points there.
func (p *Printer) Failure(target, file string, line int, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.endLog()
	defer p.nothingAbove()
	p.own("", "✗ ", strings.Join(lines, "\n"), func() {
		title := "Deployment failed"
		if target != "" {
			title = "Deployment of " + p.clean(target) + " failed"
		}
		p.annotateError(title, file, line, lines[0])
	})
}

// Error shows what is wrong, with an input or at all, and what to do about it.
func (p *Printer) Error(input, text, hint string) {
	p.endLog()
	line := text
	if input != "" {
		line = input + ": " + text
	}
	p.own("", "error: ", line, func() {
		if hint != "" {
			text += "\n" + hint
		}
		p.annotateError(input, "", 0, text)
	}, "hint:  ", hint)
}

func (p *Printer) annotateError(title, file string, line int, text string) {
	a := p.actions
	fields := map[string]string{}
	if title != "" {
		fields["title"] = oneLine(plainText(title))
	}
	if file != "" {
		fields["file"], fields["line"] = oneLine(p.clean(file)), strconv.Itoa(line)
	}
	if len(fields) > 0 {
		a = a.WithFieldsMap(fields)
	}
	a.Errorf("%s", p.clean(text))
}

// own prints our own lines at once: text after a mark, then more pairs of both.
// annotate issues a workflow command about them, where there are such.
func (p *Printer) own(target, mark, text string, annotate func(), more ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.above.ownLine(target)
	for more = append([]string{mark, text}, more...); len(more) > 1; more = more[2:] {
		mark, text := more[0], strings.TrimRight(more[1], "\n")
		if text == "" && mark != "" {
			continue
		}
		for line := range strings.SplitSeq(text, "\n") {
			p.line(p.prefix(target), mark, []byte(line), maxText)
			mark = strings.Repeat(" ", utf8.RuneCountInString(mark))
		}
	}
	if annotate != nil && p.host.actions {
		p.resume()
		annotate()
	}
	p.flush()
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
	p.line(p.prefix(target), "", line, 0)
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

// line appends one line of text, while the host's commands are stopped. A
// limit other than 0 shortens the text.
func (p *Printer) line(prefix, mark string, text []byte, limit int) {
	if p.host.actions && p.token == "" {
		p.token = rand.Text()
		p.actions.IssueCommand(&githubactions.Command{Name: "stop-commands", Message: p.token})
	}
	text, rest := p.cutLine(text)
	start := len(p.buf)
	p.buf = append(p.buf, prefix...)
	p.buf = append(p.buf, mark...)
	coloured := false
	p.buf, coloured = appendText(p.buf, text, p.colour)
	p.buf = append(p.buf, rest...)
	shown := p.buf[start:]
	if coloured {
		// A colour inside a secret, or inside what acts, must not hide it.
		p.plain = append(append(p.plain[:0], prefix...), mark...)
		p.plain, _ = appendText(p.plain, text, false)
		p.plain = append(p.plain, rest...)
		shown = p.plain
	}
	changed := p.secrets.mask(shown)
	if limit > 0 && len(changed) > limit {
		changed = []byte(shorten(string(changed), limit))
	}
	if p.host.name == "" {
		changed = disarm(changed)
	}
	if len(changed) > 0 && &changed[0] != &shown[0] {
		p.buf = append(p.buf[:start], changed...)
	}
	p.buf = append(p.buf, '\n')
}

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
