// Package text folds, quotes and shortens texts. A text must be masked before
// it is shortened, or a part of a secret would be shown. OneLine, Printable and
// Quote cut nothing; the functions that cut take masked text.
package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// OneLine folds white space and line breaks into single spaces.
func OneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Printable replaces characters that cannot be printed with question marks.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// maxQuoted is how many characters of a value are shown.
const maxQuoted = 200

// Quote quotes a value. Of a long one it shows only the length: a part of it
// could not be masked. kind is what to call it then, such as "value".
func Quote(s, kind string) string {
	if n := utf8.RuneCountInString(s); n > maxQuoted {
		return fmt.Sprintf("a %s of %d characters", kind, n)
	}
	return strconv.Quote(s)
}

// Shorten drops the middle of a text that is longer than limit bytes and keeps
// its last tail bytes. The text must be masked.
func Shorten(masked string, limit, tail int) string {
	if len(masked) <= limit {
		return masked
	}
	return strings.ToValidUTF8(masked[:limit-tail], "") + " … " + strings.ToValidUTF8(masked[len(masked)-tail:], "")
}

// Middle folds a text and drops its middle if it has more than limit
// characters: the end of an instruction or an error matters as much as its
// start. The text must be masked.
func Middle(masked string, limit int) string {
	s := OneLine(masked)
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	runes := []rune(s)
	head := limit * 2 / 3
	tail := limit - head - 3
	return strings.TrimSpace(string(runes[:head])) + " … " + strings.TrimSpace(string(runes[len(runes)-tail:]))
}

// Cut drops the end of a text that has more than limit characters.
func Cut(masked string, limit int) string {
	if utf8.RuneCountInString(masked) <= limit {
		return masked
	}
	return strings.TrimSpace(string([]rune(masked)[:limit-1])) + "…"
}
