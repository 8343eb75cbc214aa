package text

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks a text at spaces into lines of at most that many columns. A word
// that is too long for a line, such as a link, gets a line of its own.
func Wrap(text string, columns int) []string {
	var lines []string
	text = strings.TrimRight(text, " ")
	for utf8.RuneCountInString(text) > columns {
		at := breakAt(text, columns)
		if at < 0 {
			break
		}
		lines = append(lines, text[:at])
		text = strings.TrimLeft(text[at:], " ")
	}
	return append(lines, text)
}

// breakAt returns the space at which to break a text that is too long for one
// line; negative if there is none.
func breakAt(text string, columns int) int {
	best, column, word := -1, 0, false
	for i, r := range text {
		switch {
		case r != ' ':
			word = true
		case word: // leading spaces are no place to break
			if column > columns && best >= 0 {
				return best
			}
			if best = i; column > columns {
				return best
			}
			word = false
		}
		column++
	}
	return best
}
