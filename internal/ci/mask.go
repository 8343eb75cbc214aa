package ci

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"dokploy-deploy/internal/text"
)

// masker replaces secrets: as they are, as JSON and URLs spell them, and in
// base64. Each line of a log is searched for all of them. To be fast, the first
// two bytes at a position decide whether a secret may start there, then the
// first four.
type masker struct {
	known map[string]bool
	pairs *[1 << 16]bool // first two bytes of the keys of by; nil: no secrets
	by    map[uint32][]clue
	tiny  []string // shorter than four bytes
}

// form is one spelling of a secret.
type form struct {
	text string
	// least is how many of its bytes in a row are hidden. Base64 is broken into
	// lines by some programs, so pieces of it are hidden too.
	least int32
	// before and after report whether a neighbouring character of base64 mixes
	// bits of the secret with other bits.
	before, after bool
}

// clue is a form and the offset of four bytes in it.
type clue struct {
	*form
	at int32
}

// base64Least is how many characters of a secret's base64 are hidden wherever
// they stand: six bytes of the secret. For very long secrets it is more, which
// bounds the number of clues to base64Clues.
const (
	base64Least = 8
	base64Clues = 1024
	manyClues   = 16 // with the same four bytes, per form
)

// base64Min is the shortest base64 that is searched for. A secret of four bytes
// has at most five characters of its own, which occur everywhere.
const base64Min = 6

func newMasker(secrets []string) masker {
	var m masker
	m.learn(secrets)
	return m
}

// learn adds secrets to be masked.
func (m *masker) learn(secrets []string) {
	lines := secretLines(secrets)
	if len(lines) > 0 && m.pairs == nil {
		m.known, m.pairs, m.by = map[string]bool{}, new([1 << 16]bool), map[uint32][]clue{}
	}
	for _, s := range lines {
		for _, spelling := range spellings(s) {
			m.add(form{text: spelling, least: int32(len(spelling))}) //nolint:gosec // inputs and answers are bounded
		}
		for _, f := range base64Forms(s) {
			m.add(f)
		}
	}
}

// spellings returns the ways a secret may be written: as it is, without
// terminal escapes and with white space folded, and as URLs and JSON spell it.
func spellings(s string) []string {
	all := []string{s, plainText(s), text.OneLine(s)}
	query := url.QueryEscape(s)
	twenty := strings.ReplaceAll(query, "+", "%20")
	component := strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(twenty) // JavaScript's
	for _, escaped := range []string{query, twenty, component, url.PathEscape(s), (&url.URL{Path: s}).EscapedPath()} {
		all = append(all, escaped, lowerEscapes(escaped))
	}
	for _, html := range []bool{false, true} {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(html)
		_ = e.Encode(s)
		text := strings.TrimSuffix(b.String(), "\n")
		all = append(all, text[1:len(text)-1])
	}
	return all
}

// lowerEscapes writes URL escapes in lower case, %2f, as some programs do.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// base64Forms returns the characters that are always the same when a secret is
// part of base64: for each alignment to a group of three bytes, in both
// alphabets.
func base64Forms(s string) []form {
	var forms []form
	for offset := range 3 {
		padded := append(make([]byte, offset), s...)
		from, to := (8*offset+5)/6, 8*len(padded)/6
		if to-from < base64Min {
			continue
		}
		for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := alphabet.EncodeToString(padded)[from:to]
			least := min(max(base64Least, len(text)/base64Clues), len(text))
			f := form{text: text, least: int32(least), before: offset > 0, after: len(padded)%3 > 0} //nolint:gosec // as above
			forms = append(forms, f)
			if escaped := url.QueryEscape(text); escaped != text {
				f.text = escaped
				forms = append(forms, f)
			}
		}
	}
	return forms
}

func (m *masker) add(f form) {
	if len(f.text) == 0 || m.known[f.text] {
		return
	}
	m.known[f.text] = true
	if len(f.text) < 4 {
		m.tiny = append(m.tiny, f.text)
		return
	}
	// One clue for each piece of least bytes.
	for at := 0; at+4 <= len(f.text); at += int(f.least) - 3 {
		key := uint32(f.text[at]) | uint32(f.text[at+1])<<8 | uint32(f.text[at+2])<<16 | uint32(f.text[at+3])<<24
		if n := len(m.by[key]); n >= manyClues && m.by[key][n-manyClues].form == &f {
			continue // the text repeats itself
		}
		m.by[key] = append(m.by[key], clue{&f, int32(at)})
		m.pairs[uint16(f.text[at])|uint16(f.text[at+1])<<8] = true
	}
}

// secretLines splits secrets into lines, since output is masked line by line.
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

type span struct{ from, to int }

// mask replaces every secret in text. Text without one is returned as it is.
// Overlapping secrets are covered together, so that no part of one remains.
func (m masker) mask(text []byte) []byte {
	spans := append(m.find(text), m.findEscaped(text)...)
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

func (m masker) find(text []byte) (spans []span) {
	pairs := m.pairs
	if pairs == nil {
		return nil
	}
	var covered map[*form]int // end of the base64 that was found, by form
	for i := 0; i+4 <= len(text); i++ {
		if !pairs[uint16(text[i])|uint16(text[i+1])<<8] {
			continue
		}
		for _, c := range m.by[binary.LittleEndian.Uint32(text[i:])] {
			if i < covered[c.form] {
				continue
			}
			if s, ok := c.match(text, i); ok {
				spans = append(spans, s)
				if int(c.least) < len(c.text) { // its other clues would find the same
					if covered == nil {
						covered = map[*form]int{}
					}
					covered[c.form] = s.to
				}
			}
		}
	}
	for _, secret := range m.tiny {
		for i := range text {
			if hasPrefix(text[i:], secret) {
				spans = append(spans, span{i, i + len(secret)})
			}
		}
	}
	return spans
}

// match returns the part of text that is the clue's form, if the clue at i
// belongs to one.
func (c clue) match(text []byte, i int) (span, bool) {
	if int(c.least) == len(c.text) && !c.before && !c.after { // at is 0
		return span{i, i + len(c.text)}, hasPrefix(text[i:], c.text)
	}
	s := span{i, i}
	from, to := int(c.at), int(c.at)
	for s.from > 0 && from > 0 && text[s.from-1] == c.text[from-1] {
		s.from, from = s.from-1, from-1
	}
	for s.to < len(text) && to < len(c.text) && text[s.to] == c.text[to] {
		s.to, to = s.to+1, to+1
	}
	if to-from < int(c.least) {
		return s, false
	}
	if c.before && from == 0 && s.from > 0 && isBase64(text[s.from-1]) {
		s.from--
	}
	if c.after && to == len(c.text) && s.to < len(text) && isBase64(text[s.to]) {
		s.to++
	}
	for to >= len(c.text) && s.to < len(text) && text[s.to] == '=' {
		s.to++
	}
	return s, true
}

func hasPrefix(text []byte, prefix string) bool {
	return len(text) >= len(prefix) && string(text[:len(prefix)]) == prefix
}

func isBase64(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '-' || c == '_'
}

// dropBegun drops the end of a truncated text if it may be the start of a
// secret. It is called before the text is masked.
func (m masker) dropBegun(text []byte) []byte {
	begun := 0
	for s := range m.known {
		begun = max(begun, begins(text, s))
	}
	return text[:len(text)-begun]
}

// begins returns the length of the longest proper prefix of secret that text
// ends with. It takes linear time (Knuth–Morris–Pratt).
func begins(text []byte, secret string) int {
	// shorter[n] is the length of the next shorter prefix that the first n
	// bytes end with.
	shorter := make([]int, len(secret)+1)
	extend := func(n int, c byte) int {
		for n > 0 && (n == len(secret) || secret[n] != c) {
			n = shorter[n]
		}
		if secret[n] == c {
			n++
		}
		return n
	}
	for i := 1; i < len(secret); i++ {
		shorter[i+1] = extend(shorter[i], secret[i])
	}
	n := 0
	for _, c := range text[max(0, len(text)-len(secret)+1):] {
		n = extend(n, c)
	}
	return n
}
