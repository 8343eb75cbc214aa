package dotenv

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Check says what is wrong with given lines, each problem with its line: what
// the server would drop, or read as something that nobody means. It names no
// names either: those in a broken text may be pieces of a secret.
func Check(text string) error {
	text = newlines(text)
	var problems []error
	problem := func(line int, what string) {
		problems = append(problems, fmt.Errorf("line %d %s", line, what))
	}
	line, pos, found := 1, 0, false
	// between looks at the lines that are no part of an assignment.
	between := func(end int) {
		for i, l := range strings.Split(text[pos:end], "\n") {
			l = strings.TrimFunc(l, isSpace)
			switch {
			case l == "" || l[0] == '#':
			case !strings.Contains(l, "="):
				problem(line+i, `has no "="; each line is KEY=VALUE`)
			default:
				problem(line+i, `does not begin with a name (letters, digits, "_", "." and "-") and "="; each line is KEY=VALUE`)
			}
		}
		line, pos = line+strings.Count(text[pos:end], "\n"), end
	}
	for a := range scan(text) {
		found = true
		between(a.start)
		value := a.written(text)
		begin := a.from
		if value != "" {
			begin = skipSpace(text, a.from)
		}
		switch {
		case a.name == proto:
			problem(line, "sets __proto__, which the server drops; choose another name")
		case strings.ContainsFunc(text[a.start:begin], isLineEnd):
			problem(line, "breaks off before the value; each line is KEY=VALUE")
		case a.broken && !strings.Contains(strings.ReplaceAll(value[1:], `\`+value[:1], ""), value[:1]):
			problem(line, "begins a value with a quote that is not closed")
		}
		line, pos = line+strings.Count(text[pos:a.end], "\n"), a.end
	}
	between(len(text))
	i := 0
	for l := range strings.SplitSeq(text, "\n") {
		i++
		if !utf8.ValidString(l) {
			problem(i, "is not UTF-8 text")
		}
		if strings.Contains(l, "\x00") {
			problem(i, "holds a NUL character")
		}
	}
	if !found && len(problems) == 0 {
		return errors.New("holds no variable; each line is KEY=VALUE")
	}
	return errors.Join(problems...)
}

// Warnings names the variables that the server reads otherwise than a person,
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
			warn("the value of %s keeps its quotes, because the closing one is not at its end; put quotes of another kind around all of it", a.name)
		case value == "":
		case isQuote(value[0]) && strings.Contains(a.value, `\`+value[:1]):
			warn("the value of %s keeps the backslashes before its quotes; put quotes of another kind around it, without backslashes", a.name)
		case value[0] == '"' && (strings.Contains(value, `\\n`) || strings.Contains(value, `\\r`)):
			warn(`the value of %s has \n or \r behind a backslash, and still a line break is made of it; put it in single quotes`, a.name)
		}
	}
	return warnings
}
