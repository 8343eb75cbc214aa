package ci

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// oneLine makes any text one line without control characters.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

const (
	esc      = 0x1b
	sgrReset = "\x1b[0m"
)

// appendText appends a line of foreign text to dst so that no terminal and no
// host acts on it. Colours (SGR sequences) stay if colour is set, and end with
// the line; other escape sequences, control characters and C1 are left out,
// line breaks and what is not UTF-8 are replaced.
func appendText(dst, line []byte, colour bool) (text []byte, coloured bool) {
	open := false         // a colour is on
	unterminated := false // no string terminator in the rest of the line
	for i := 0; i < len(line); {
		// The common case first: a run of plain ASCII.
		start := i
		for i < len(line) && (line[i] >= ' ' && line[i] < 0x7f || line[i] == '\t') {
			i++
		}
		dst = append(dst, line[start:i]...)
		if i == len(line) {
			break
		}
		switch c := line[i]; {
		case c == esc:
			n, sgr := escape(line[i:], &unterminated)
			if sgr && colour {
				seq := line[i : i+n]
				dst = append(dst, seq...)
				params := string(seq[2 : n-1])
				open, coloured = params != "" && params != "0", true
			}
			i += n
		case c == '\r' || c == '\n':
			dst = append(dst, ' ')
			i++
		case c < utf8.RuneSelf: // C0, DEL
			i++
		default:
			r, n := utf8.DecodeRune(line[i:])
			if r >= 0xa0 { // U+FFFD for an invalid byte among them
				dst = utf8.AppendRune(dst, r)
			}
			i += n
		}
	}
	if open {
		dst = append(dst, sgrReset...)
	}
	return dst, coloured
}

// escape measures the escape sequence at the beginning of s, which is not
// empty, and says whether it only sets colours. Of a sequence that is broken
// off, what belongs to it counts. A string (OSC, DCS and the like) that has no
// end in this line swallows nothing but its introducer: the text stays.
func escape(s []byte, unterminated *bool) (n int, sgr bool) {
	if len(s) == 1 {
		return 1, false
	}
	switch s[1] {
	case '[':
		n = 2
		for n < len(s) && s[n] >= 0x30 && s[n] <= 0x3f {
			n++
		}
		sgr = len(bytes.Trim(s[2:n], "0123456789;")) == 0 && n < len(s) && s[n] == 'm'
		for n < len(s) && s[n] >= 0x20 && s[n] <= 0x2f {
			n++
		}
		if n < len(s) && s[n] >= 0x40 && s[n] <= 0x7e {
			n++
		}
		return n, sgr
	case ']', 'P', 'X', '^', '_':
		for i := 2; i < len(s) && !*unterminated; i++ {
			switch {
			case s[i] == 0x07:
				return i + 1, false
			case s[i] == esc && i+1 < len(s) && s[i+1] == '\\',
				s[i] == 0xc2 && i+1 < len(s) && s[i+1] == 0x9c:
				return i + 2, false
			}
		}
		*unterminated = true // so that a line is never searched twice
		return 2, false
	}
	n = 1
	for n < len(s) && s[n] >= 0x20 && s[n] <= 0x2f {
		n++
	}
	if n < len(s) && s[n] >= 0x30 && s[n] <= 0x7e {
		n++
	}
	return n, false
}

// masker replaces secrets, as they are and as JSON and URLs write them. An
// environment has hundreds of them, and every line of a log is searched: the
// first two bytes tell where one may begin.
type masker struct {
	known  map[string]bool
	starts *[1 << 16]bool // by the first two bytes; nil: no secret
	by     map[uint16][][]byte
	single [][]byte // of one byte
}

func newMasker(secrets []string) masker { return masker{}.with(secrets) }

// with is a masker of further secrets; the old one stays as it is.
func (m masker) with(secrets []string) masker {
	next := masker{known: map[string]bool{}, by: map[uint16][][]byte{}, starts: new([1 << 16]bool)}
	for s := range m.known {
		next.add(s)
	}
	for _, s := range secretLines(secrets) {
		query := url.QueryEscape(s)
		spellings := []string{s, query, strings.ReplaceAll(query, "+", "%20"), url.PathEscape(s)}
		for _, html := range []bool{false, true} {
			var b strings.Builder
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(html)
			_ = e.Encode(s)
			spellings = append(spellings, strings.Trim(b.String(), "\"\n"))
		}
		for _, spelling := range spellings {
			next.add(spelling)
		}
	}
	if len(next.known) == 0 {
		return masker{}
	}
	return next
}

func (m *masker) add(s string) {
	if m.known[s] || s == "" {
		return
	}
	m.known[s] = true
	if len(s) == 1 {
		m.single = append(m.single, []byte(s))
		return
	}
	start := uint16(s[0])<<8 | uint16(s[1])
	m.starts[start] = true
	m.by[start] = append(m.by[start], []byte(s))
}

// secretLines are the lines of all secrets: output is masked line by line.
func secretLines(secrets []string) []string {
	var lines []string
	seen := map[string]bool{}
	for _, s := range secrets {
		for line := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '\n' || r == '\r' }) {
			if line = strings.TrimSpace(line); line != "" && !seen[line] {
				seen[line] = true
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// mask replaces every secret in a text; a text without one is given back as it
// is. Secrets that overlap are covered together, so that of none a part stays.
func (m masker) mask(text []byte) []byte {
	if m.starts == nil {
		return text
	}
	type span struct{ from, to int }
	var spans []span
	for i := 0; i+1 < len(text); i++ {
		start := uint16(text[i])<<8 | uint16(text[i+1])
		if !m.starts[start] {
			continue
		}
		for _, secret := range m.by[start] {
			if bytes.HasPrefix(text[i:], secret) {
				spans = append(spans, span{i, i + len(secret)})
			}
		}
	}
	for _, secret := range m.single {
		for i := range text {
			if text[i] == secret[0] {
				spans = append(spans, span{i, i + 1})
			}
		}
	}
	if spans == nil {
		return text
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var masked []byte
	end := 0
	for i, s := range spans {
		if i == 0 || s.from >= end {
			masked = append(masked, text[end:s.from]...)
			masked = append(masked, "***"...)
		}
		end = max(end, s.to)
	}
	return append(masked, text[end:]...)
}
