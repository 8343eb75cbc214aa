package ci

import (
	"crypto/rand"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/sethvargo/go-githubactions"
)

// maxLine is how much of a line is shown, in bytes. The rest is dropped while
// the log is read, and the size of the rest is shown in its place.
const maxLine = 1 << 20

var leftOut = regexp.MustCompile(`^ \[\d+ more bytes of this line left out\]$`)

// cutLine truncates a line to maxLine. rest is what to show in place of the
// dropped part.
func (p *Printer) cutLine(text []byte) (line []byte, rest string) {
	if len(text) <= maxLine {
		return text, ""
	}
	rest = " [the rest of this line is left out]"
	if said := text[maxLine:]; leftOut.Match(said) {
		rest = string(said)
	}
	line = text[:maxLine]
	for n := range utf8.UTFMax { // drop a character that was cut
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

// compose prepares prefix and text for printing, in a reused buffer: it masks
// secrets and removes terminal escapes. Colours stay if colours is set and they
// hide nothing; plain then holds the text without them.
func (p *Printer) compose(prefix string, text []byte, colours bool) (line []byte, coloured bool) {
	text, rest := p.cutLine(text)
	p.scratch = append(p.scratch[:0], prefix...)
	p.scratch, coloured = appendText(p.scratch, text, colours)
	p.scratch = append(p.scratch, rest...)
	if !coloured {
		return p.secrets.mask(p.scratch), false
	}
	// A colour inside a secret or an escape must not hide it.
	p.plain = append(p.plain[:0], prefix...)
	p.plain, _ = appendText(p.plain, text, false)
	p.plain = append(p.plain, rest...)
	changed := p.disarm(p.secrets.mask(p.plain))
	if len(changed) == 0 || &changed[0] != &p.plain[0] {
		return changed, false
	}
	return p.scratch, true
}

// ownLine appends a line of our own: masked, then shortened, then broken.
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
	if !ok { // it contains a secret
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

// line appends a line of our own without colours.
func (p *Printer) line(text []byte) { p.lineAs(p.disarm(text), p.acts(text)) }

// lineAs appends a line of our own that is safe except that the host may act on
// it (acts).
func (p *Printer) lineAs(text []byte, acts bool) {
	if acts {
		p.stop()
	}
	p.ours()
	p.append(text)
}

// ours makes buf take our own text: lines of the server may still be dropped, so
// they are passed on apart.
func (p *Printer) ours() {
	if p.logLines > 0 {
		p.flush()
	}
}

// stop makes the host ignore commands until the next line of our own.
func (p *Printer) stop() {
	if p.token == "" {
		p.token = rand.Text()
		p.actions.IssueCommand(&githubactions.Command{Name: "stop-commands", Message: p.token})
	}
}

func (p *Printer) append(line []byte) {
	p.buf = append(append(p.buf, line...), '\n')
	if !p.folded || !p.host.fold().hides() {
		p.shown++
	}
}

// acts reports whether the host may take a line for a command.
func (p *Printer) acts(line []byte) bool { return p.host.actions && mayBeCommand(line) }

// resume makes the host obey commands again.
func (p *Printer) resume() {
	if p.token != "" {
		p.actions.IssueCommand(&githubactions.Command{Name: p.token})
		p.token = ""
	}
}

// clean prepares text for a workflow command: masked, each line shortened.
func (p *Printer) clean(text string) string {
	return p.eachLine(text, func(s string) string { return shorten(s, maxText) })
}

// eachLine masks text line by line, without terminal escapes, and applies fit.
func (p *Printer) eachLine(text string, fit func(masked string) string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		cut, rest := p.cutLine([]byte(line))
		plain, _ := appendText(nil, cut, false)
		lines[i] = fit(string(p.secrets.mask(plain)) + rest)
	}
	return strings.Join(lines, "\n")
}

// Mask masks the secrets in text that will be cut or folded. A colour inside a
// secret does not hide it.
func (p *Printer) Mask(text string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.eachLine(text, func(s string) string { return s })
}

// Text prepares text for an output: without terminal escapes, masked and
// shortened.
func (p *Printer) Text(text string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clean(text)
}
