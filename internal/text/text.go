// Package text folds, quotes and shortens texts from elsewhere. A text is masked
// before it is shortened: of a secret that is cut, a part would be shown. So
// OneLine, Printable and Quote cut nothing, and what shortens is for those who mask.
package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// OneLine folds white space, line breaks among it.
func OneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Printable puts a question mark in the place of what cannot be printed.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// maxQuoted is how many characters of a given value are shown.
const maxQuoted = 200

// Quote shows a given value, of a long one its length: what is cut could not
// be masked. kind is what it is called then, such as "value".
func Quote(s, kind string) string {
	if n := utf8.RuneCountInString(s); n > maxQuoted {
		return fmt.Sprintf("a %s of %d characters", kind, n)
	}
	return strconv.Quote(s)
}

// Shorten leaves out the middle of a text that is longer than limit bytes, and
// keeps tail of them at its end. The text must have been masked.
func Shorten(masked string, limit, tail int) string {
	if len(masked) <= limit {
		return masked
	}
	return strings.ToValidUTF8(masked[:limit-tail], "") + " … " + strings.ToValidUTF8(masked[len(masked)-tail:], "")
}

// Middle folds a text and leaves out its middle if it has more than limit
// characters: the end of an instruction or an error says as much as its
// beginning. The text must have been masked.
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

// Cut leaves out the end of a text that has more than limit characters.
func Cut(masked string, limit int) string {
	if utf8.RuneCountInString(masked) <= limit {
		return masked
	}
	return strings.TrimSpace(string([]rune(masked)[:limit-1])) + "…"
}
