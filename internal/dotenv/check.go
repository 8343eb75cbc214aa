package dotenv

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Check reports what is wrong with the given lines, each problem with its line
// number: what the server would drop, or read as something that nobody means.
// It shows the name of a variable only if its value may continue over lines
// that are not assignments, as an unquoted key or JSON does: any other name in
// a broken text may be part of a secret.
func Check(text string) error {
	c := checker{text: newlines(text), line: 1}
	found := false
	for a := range scan(c.text) {
		found = true
		c.assignment(a)
	}
	c.between(len(c.text))
	c.sayLoose()
	c.characters()
	if !found && len(c.problems) == 0 {
		return errors.New("contains no variable; each line is KEY=VALUE")
	}
	return errors.Join(c.problems...)
}

// checker goes through a text and collects what is wrong with it.
type checker struct {
	text      string
	line, pos int // what comes next
	loose     looseLines
	problems  []error
}

func (c *checker) problem(line int, what string) {
	c.problems = append(c.problems, fmt.Errorf("line %d %s", line, what))
}

// advance goes on to an offset.
func (c *checker) advance(end int) {
	c.line, c.pos = c.line+strings.Count(c.text[c.pos:end], "\n"), end
}

// assignment checks an assignment, and the lines before it.
func (c *checker) assignment(a assignment) {
	before := len(c.problems)
	c.between(a.start)
	if a.start < c.loose.until { // base64 may look like an assignment
		c.loose.add(c.line)
		c.advance(a.end)
		return
	}
	below := len(c.problems) > before || c.loose.first > 0
	c.sayLoose()
	value := a.written(c.text)
	// After such a line, the last line of base64 looks like this: hush==
	padding := below && strings.Trim(value, "=") == ""
	if !a.quoted && !a.broken && !padding {
		c.loose.owner, c.loose.until = a.name, pemEnd(c.text, a)
	}
	begin := a.from
	if value != "" {
		begin = skipSpace(c.text, a.from)
	}
	switch {
	case a.name == proto:
		c.problem(c.line, "sets __proto__, which the server drops; choose another name")
	case strings.ContainsFunc(c.text[a.start:begin], isLineEnd):
		c.problem(c.line, "ends before the value; each line is KEY=VALUE")
	case a.broken && !strings.Contains(strings.ReplaceAll(value[1:], `\`+value[:1], ""), value[:1]):
		c.problem(c.line, "begins a value with a quote that is never closed")
	}
	c.advance(a.end)
}

// between checks the lines up to an offset, which belong to no assignment.
func (c *checker) between(end int) {
	for i, l := range strings.Split(c.text[c.pos:end], "\n") {
		l = strings.TrimFunc(l, isSpace)
		switch {
		case l == "" || l[0] == '#':
		case c.loose.owner != "":
			c.loose.add(c.line + i)
		case !strings.Contains(l, "="):
			c.problem(c.line+i, `has no "="; each line is KEY=VALUE`)
		default:
			c.problem(c.line+i, `does not begin with a name (letters, digits, "_", "." and "-") and "="; each line is KEY=VALUE`)
		}
	}
	c.advance(end)
}

// sayLoose reports the loose lines so far.
func (c *checker) sayLoose() {
	if text := c.loose.text(); text != "" {
		c.problems = append(c.problems, errors.New(text))
	}
	c.loose = looseLines{}
}

// characters checks what the lines consist of.
func (c *checker) characters() {
	for i, l := range strings.Split(c.text, "\n") {
		if !utf8.ValidString(l) {
			c.problem(i+1, "is not UTF-8 text")
		}
		if strings.Contains(l, "\x00") {
			c.problem(i+1, "contains a NUL character")
		}
	}
}

// looseLines are lines that are not assignments, after a line that may own
// them.
type looseLines struct {
	owner       string // empty: none
	until       int    // what starts before this offset is one of them
	first, last int    // line numbers; zero: none
}

func (l *looseLines) add(line int) {
	if l.first == 0 {
		l.first = line
	}
	l.last = line
}

func (l *looseLines) text() string {
	const format = "no KEY=VALUE; if the value of %s has several lines, it needs quotes around it: %s='…'"
	switch l.first {
	case 0:
		return ""
	case l.last:
		return fmt.Sprintf("line %d is "+format, l.first, l.owner, l.owner)
	}
	return fmt.Sprintf("lines %d to %d are "+format, l.first, l.last, l.owner, l.owner)
}

// pemEnd returns where the last line of a PEM block starts, if the value of a
// starts one; else zero.
func pemEnd(text string, a assignment) int {
	const begin, end = "-----BEGIN ", "-----END "
	if !strings.HasPrefix(a.value, begin) || strings.Contains(a.value, end) {
		return 0
	}
	return a.to + max(0, strings.Index(text[a.to:], end))
}

// Warnings names the variables that the server reads differently from a person,
// and says how to write them.
func Warnings(text string) []string {
	var warnings []string
	warn := func(format, name string) { warnings = append(warnings, fmt.Sprintf(format, name)) }
	left := map[string]int{}
	for a := range scan(text) {
		left[a.name]++
	}
	twice := map[string]bool{}
	for a := range scan(text) {
		if left[a.name]--; left[a.name] > 0 {
			twice[a.name] = true
			continue
		}
		if twice[a.name] {
			warn("%s is set more than once; the last one counts", a.name)
		}
		value := a.written(text)
		if !a.quoted && strings.HasPrefix(text[a.to:], "#") {
			warn("the value of %s ends before the first #, which begins a comment; put the value in quotes if the # belongs to it", a.name)
		}
		switch {
		case a.broken:
			warn("the value of %s keeps its quotes, because the closing one is not at its end; put quotes of the other kind around all of it", a.name)
		case value == "":
		case isQuote(value[0]) && strings.Contains(a.value, `\`+value[:1]):
			warn("the value of %s keeps the backslashes before its quotes; put quotes of the other kind around it, without backslashes", a.name)
		case value[0] == '"' && (strings.Contains(value, `\\n`) || strings.Contains(value, `\\r`)):
			warn(`the value of %s has \n or \r after a backslash, which still becomes a line break; put it in single quotes`, a.name)
		}
	}
	return warnings
}
