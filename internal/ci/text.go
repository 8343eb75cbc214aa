package ci

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"dokploy-deploy/internal/text"
)

// oneLine turns text into one line without control characters.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

// plainText removes everything that acts on a terminal.
func plainText(s string) string {
	plain, _ := appendText(nil, []byte(s), false)
	return string(plain)
}

const (
	esc      = 0x1b
	sgrReset = "\x1b[0m"
)

// appendText appends a line of foreign text to dst so that no terminal and no
// host acts on it. Colours (SGR sequences) stay if colour is set, and end with
// the line. Other escape sequences and control characters, C1 included, are
// removed; line breaks and invalid UTF-8 are replaced.
func appendText(dst, line []byte, colour bool) (text []byte, coloured bool) {
	open := false         // a colour is set
	unterminated := false // the rest of the line has no string terminator
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
			if r >= 0xa0 { // U+FFFD for an invalid byte included
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

// escape returns the length of the escape sequence at the start of s, which is
// not empty, and reports whether it only sets colours. A truncated sequence
// counts as far as it goes. Of a string (OSC, DCS and the like) without an end
// in this line, only the introducer counts: its text stays.
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
		*unterminated = true // so that a line is searched only once
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

// maxText limits a line of our own and each line of a quoted text, in bytes.
const maxText = 2000

// shorten drops the middle of a masked text that is longer than n bytes.
func shorten(masked string, n int) string { return text.Shorten(masked, n, n/4) }

// wrap breaks a masked text into lines.
func wrap(masked string, columns int) []string { return text.Wrap(masked, columns) }
