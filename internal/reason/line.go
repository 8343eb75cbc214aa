package reason

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"dokploy-deploy/internal/text"
)

// lineLimit is how much of a line is kept, in bytes. A longer one loses its
// middle: an error has its cause at the end.
const lineLimit = 4000

// plain returns a line of a log as a person sees it: without colours, and
// without what a progress display has overwritten.
func plain(raw []byte) string {
	raw = bytes.TrimRight(raw, "\r\n")
	if i := bytes.LastIndexByte(raw, '\r'); i >= 0 {
		raw = raw[i+1:]
	}
	text := withoutEscapes(raw)
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	return strings.TrimRight(text, " ")
}

// withoutEscapes removes sequences that set colours or move the cursor, and
// other control characters.
func withoutEscapes(s []byte) string {
	if !slices.ContainsFunc(s, control) {
		return string(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\t':
			b.WriteByte(' ')
		case c == 0x1b && i+1 < len(s) && s[i+1] == '[':
			for i += 2; i < len(s) && s[i] >= 0x20 && s[i] <= 0x3f; i++ {
			}
		case c < 0x20 || c == 0x7f:
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func control(c byte) bool { return c < 0x20 || c == 0x7f }

// bounded drops the middle of a masked line that is too long.
func bounded(masked string) string { return text.Shorten(masked, lineLimit, lineLimit/2) }

const (
	ringSize  = 24
	outputMax = 12 // useful lines of an output
)

// ring keeps the newest lines.
type ring struct {
	lines [ringSize]string
	n     int
}

func (r *ring) add(line string) {
	r.lines[r.n%ringSize] = line
	r.n++
}

func (r *ring) size() int { return min(r.n, ringSize) }

// newest returns the i-th newest line, from 0; empty if there is none.
func (r *ring) newest(i int) string {
	if i >= r.size() {
		return ""
	}
	return r.lines[(r.n-1-i)%ringSize]
}

// all returns the lines, oldest first.
func (r *ring) all() []string {
	var lines []string
	for i := min(r.size(), outputMax) - 1; i >= 0; i-- {
		lines = append(lines, r.newest(i))
	}
	return lines
}

// word returns the word after a prefix; false unless there is exactly one.
func word(text, prefix string) (string, bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	return rest, ok && rest != "" && !strings.Contains(rest, " ")
}

// number parses a text of digits; false for anything else.
func number(s string) (int, bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// containsFold is strings.Contains ignoring case, for lower-case words.
func containsFold(s string, words ...string) bool {
	s = strings.ToLower(s)
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
