// Package dotenv owns the text of environment variables: it parses it as the
// server does (npm's dotenv 16.4.5), checks given lines, and sets variables
// without touching the rest. Its messages never contain a value.
package dotenv

import (
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Var is a variable as the server reads it.
type Var struct{ Name, Value string }

// Parse parses text exactly as npm's dotenv 16.4.5 does: names in the order of
// their first occurrence, with their last value. (JavaScript lists names such
// as 7 before all others; Parse does not.)
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

// proto cannot be set on a JavaScript object.
const proto = "__proto__"

// assignment is one match of dotenv's expression:
//
//	/(?:^|^)\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)
//	 (\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?
//	 \s*(?:#.*)?(?:$|$)/mg
type assignment struct {
	name, value string
	start       int  // of "export" or the name
	from, to    int  // the value as written, with the spaces around it
	end         int  // of the last line, after a comment
	quoted      bool // read as a quoted value, which may span lines
	broken      bool // starts with a quote, but the quotes are not stripped
	next        int  // end of the expression's match
}

// written returns the value as written, with line breaks as the server sees
// them.
func (a *assignment) written(text string) string {
	return strings.TrimFunc(newlines(text[a.from:a.to]), isSpace)
}

// scan finds what dotenv's expression finds, in linear time. It keeps the
// text's own line breaks, while dotenv first turns them into
// : the result differs only after a colon.
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
// blank. The part before the value can match in only one way, and then any
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
	behind := n + 1 // after the = or colon
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

// quoted finds the end of the quoted value at i, as the expression does: the
// first quote without a backslash before it or, going back from there, one with
// a backslash. A comment or the end of a line must follow.
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

// unquote is replace(/^(['"`])([\s\S]*)\1$/mg, "$2"): it works on the lines of
// a value, and U+2028 and U+2029 end lines in unquoted values too.
func unquote(value string) string {
	if !strings.ContainsAny(value, "'\"`") {
		return value
	}
	last := map[byte]int{} // offset of the last of each quote at the end of a line
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

// newlines converts line breaks as dotenv does.
func newlines(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

// runeWidth returns the length of the first character, or of a two-character
// line break.
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

// isSpace is JavaScript's \s, and what its trim strips.
func isSpace(r rune) bool { return r == '\uFEFF' || r != '\u0085' && unicode.IsSpace(r) }

// isLineEnd reports whether JavaScript's ^, $ and . treat r as the end of a
// line.
func isLineEnd(r rune) bool { return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' }

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// isName is JavaScript's [\w.-].
func isName(c byte) bool {
	return c == '_' || c == '.' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
