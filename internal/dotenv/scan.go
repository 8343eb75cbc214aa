// Package dotenv owns the text of environment variables: it reads it as the
// server does (npm's dotenv 16.4.5), says what is wrong with lines that were
// given, and sets variables in a text without touching the rest of it. Nothing
// it says holds a value.
package dotenv

import (
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Var is one variable as the server reads it.
type Var struct{ Name, Value string }

// Parse reads text exactly as npm's dotenv 16.4.5 does: each name at its first
// place, with its last value. (JavaScript lists names such as 7 before all
// others; that order is not followed.)
func Parse(text string) []Var {
	var vars []Var
	at := map[string]int{}
	for a := range scan(text) {
		if a.name == proto {
			continue
		}
		i, ok := at[a.name]
		if !ok {
			i = len(vars)
			at[a.name] = i
			vars = append(vars, Var{Name: a.name})
		}
		vars[i].Value = a.value
	}
	return vars
}

// proto is a name that a JavaScript object does not take.
const proto = "__proto__"

// assignment is one match of dotenv's expression:
//
//	/(?:^|^)\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)
//	 (\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?
//	 \s*(?:#.*)?(?:$|$)/mg
type assignment struct {
	name, value string
	start       int  // of "export" or the name
	from, to    int  // the value as it is written, with the spaces around it
	end         int  // of the last line, behind a comment
	quoted      bool // read as a quoted value, which may have several lines
	broken      bool // begins with a quote, and the quotes are not taken off
	next        int  // where the expression's match ends
}

// written is the value as it is written, line breaks as the server sees them.
func (a *assignment) written(text string) string {
	return strings.TrimFunc(newlines(text[a.from:a.to]), isSpace)
}

// scan finds what dotenv's expression finds, in linear time. It reads the text
// with its own line breaks, which dotenv makes \n first: they differ only
// behind a colon.
func scan(text string) iter.Seq[assignment] {
	return func(yield func(assignment) bool) {
		for i := skipSpace(text, 0); i < len(text); i = skipSpace(text, i) {
			a, ok := match(text, i)
			switch {
			case !ok:
				i = lineEnd(text, i)
			case !yield(a):
				return
			default:
				i = a.next
			}
		}
	}
}

// match matches the expression at i, the first character of a line that is not
// blank. What comes before the value can match in one way only, and with it any
// value does.
func match(text string, i int) (a assignment, ok bool) {
	a.start = i
	if strings.HasPrefix(text[i:], "export") {
		if j := skipSpace(text, i+len("export")); j > i+len("export") && j < len(text) && isName(text[j]) {
			i = j
		}
	}
	n := i
	for n < len(text) && isName(text[n]) {
		n++
	}
	a.name = text[i:n]
	behind := n + 1 // the = or colon
	switch j := skipSpace(text, n); {
	case n == i || n == len(text):
		return a, false
	case j < len(text) && text[j] == '=':
		behind = j + 1
		a.from = behind
	case text[n] == ':' && skipSpace(text, n+1) > n+1:
		a.from = behind + runeWidth(text[behind:])
	default:
		return a, false
	}
	if j := skipSpace(text, a.from); j < len(text) && isQuote(text[j]) {
		a.to, a.next, a.quoted = quoted(text, j)
	}
	if !a.quoted {
		a.to = len(text)
		if j := strings.IndexAny(text[a.from:], "#\r\n"); j >= 0 {
			a.to = a.from + j
		}
		a.next, _ = rest(text, a.to)
	}
	a.end = lineEnd(text, a.to)
	value := a.written(text)
	if value == "" {
		a.end = lineEnd(text, behind)
		return a, true
	}
	a.value = unquote(value)
	a.broken = isQuote(value[0]) && a.value == value
	if value[0] == '"' {
		a.value = strings.ReplaceAll(a.value, `\n`, "\n")
		a.value = strings.ReplaceAll(a.value, `\r`, "\r")
	}
	return a, true
}

// quoted finds the end of the quoted value that begins at i, as the expression
// does: the first quote without a backslash before it or, going back from
// there, one with; a comment or a line's end must follow.
func quoted(text string, i int) (to, next int, ok bool) {
	var candidates []int
	for j := i + 1; j < len(text); j++ {
		if text[j] != text[i] {
			continue
		}
		candidates = append(candidates, j)
		if text[j-1] != '\\' {
			break
		}
	}
	for _, j := range slices.Backward(candidates) {
		if next, ok := rest(text, j+1); ok {
			return j + 1, next, true
		}
	}
	return 0, 0, false
}

// rest matches what may follow a value, \s*(?:#.*)?$.
func rest(text string, i int) (end int, ok bool) {
	j := skipSpace(text, i)
	if j == len(text) || text[j] == '#' {
		return lineEnd(text, j), true
	}
	j = strings.LastIndexFunc(text[i:j], isLineEnd)
	return i + j, j >= 0
}

// unquote is replace(/^(['"`])([\s\S]*)\1$/mg, "$2"): the lines of a value
// count, and U+2028 and U+2029 end lines in values without quotes too.
func unquote(value string) string {
	if !strings.ContainsAny(value, "'\"`") {
		return value
	}
	last := map[byte]int{} // the last place of each quote at the end of a line
	var b strings.Builder
	for i := 0; i < len(value); {
		q := value[i]
		if _, ok := last[q]; !ok && isQuote(q) {
			last[q] = -1
			for j := len(value) - 1; j > i && last[q] < 0; j-- {
				if value[j] == q && lineEnd(value, j+1) == j+1 {
					last[q] = j
				}
			}
		}
		if j := last[q]; j > i {
			b.WriteString(value[i+1 : j])
			i = j + 1
		}
		next := lineEnd(value, i)
		next += runeWidth(value[next:])
		b.WriteString(value[i:next])
		i = next
	}
	return b.String()
}

// newlines makes line breaks what dotenv makes them.
func newlines(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

// runeWidth is the length of the first character, or of a line break of two.
func runeWidth(text string) int {
	if strings.HasPrefix(text, "\r\n") {
		return 2
	}
	_, width := utf8.DecodeRuneInString(text)
	return width
}

func skipSpace(text string, i int) int {
	return len(text) - len(strings.TrimLeftFunc(text[i:], isSpace))
}

func lineEnd(text string, i int) int {
	if j := strings.IndexFunc(text[i:], isLineEnd); j >= 0 {
		return i + j
	}
	return len(text)
}

// isSpace is \s of JavaScript, and what its trim takes off.
func isSpace(r rune) bool { return r == '\uFEFF' || r != '\u0085' && unicode.IsSpace(r) }

// isLineEnd reports whether ^, $ and . of JavaScript see the end of a line.
func isLineEnd(r rune) bool { return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' }

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// isName is [\w.-] of JavaScript.
func isName(c byte) bool {
	return c == '_' || c == '.' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
