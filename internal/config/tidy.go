package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Form is the syntax of an input's value.
type Form int

// The forms of inputs.
const (
	Plain     Form = iota // one value
	List                  // values separated by newlines or commas
	Headers               // "Name: value" lines
	Variables             // KEY=VALUE lines
	Text                  // free text
)

// tidy strips what people put around a value: a pair of quotes, invisible
// characters and, in lists, the dash of a YAML list. It says what was stripped.
func tidy(form Form, value string) (tidied string, dropped []string) {
	value = strings.TrimSpace(value)
	if form == Variables || form == Text {
		return value, nil
	}
	quotes, dashes, unseen := false, false, ""
	visible := func(s string) string {
		blank := func(r rune) bool { return unicode.IsSpace(r) || invisible(r) }
		left := strings.TrimLeftFunc(s, blank)
		bare := strings.TrimRightFunc(left, blank)
		for _, r := range s[:len(s)-len(left)] + left[len(bare):] {
			if invisible(r) {
				unseen = fmt.Sprintf("%U", r)
			}
		}
		return bare
	}
	unquote := func(s string) string {
		bare, ok := unquoted(visible(s))
		quotes = quotes || ok
		return visible(bare)
	}
	cutDash := func(s string) string {
		bare, ok := strings.CutPrefix(s, "- ")
		dashes = dashes || ok
		return visible(bare)
	}
	switch form {
	case Headers:
		tidied = visible(value)
	case List:
		tidied = unquote(value)
		var entries []string
		for entry := range entriesOf(tidied) {
			if entry = cutDash(unquote(cutDash(entry))); entry != "" {
				entries = append(entries, entry)
			}
		}
		if quotes || dashes || unseen != "" {
			tidied = strings.Join(entries, "\n")
		}
	default:
		tidied = unquote(value)
	}
	if unseen != "" {
		dropped = append(dropped, fmt.Sprintf("the invisible character %s around the value is not part of it and is dropped", unseen))
	}
	if quotes {
		dropped = append(dropped, "the quotes around the value are not part of it and are dropped")
	}
	if dashes {
		dropped = append(dropped, "the dash before an entry is not part of it and is dropped: the list is separated by newlines or commas")
	}
	return tidied, dropped
}

// invisible reports whether r leaves no trace on a screen: byte order marks of
// Windows, zero-width spaces of web pages.
func invisible(r rune) bool { return unicode.Is(unicode.Cf, r) }

// unquoted strips a pair of quotes around s, unless the same quote occurs
// between them.
func unquoted(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' && s[0] != '\'' {
		return s, false
	}
	inner, ok := strings.CutSuffix(s[1:], s[:1])
	if !ok || strings.Contains(inner, s[:1]) {
		return s, false
	}
	return strings.TrimSpace(inner), true
}

// entriesOf yields the entries of a list without surrounding spaces.
func entriesOf(list string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for entry := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
			if entry = strings.TrimSpace(entry); entry != "" && !yield(entry) {
				return
			}
		}
	}
}

var (
	// placeholder matches a value that should have been expanded: from a shell
	// ($NAME, ${NAME}, also with a default), Azure and Jenkins ($(NAME)),
	// PowerShell, cmd, Harness or CircleCI.
	placeholder = regexp.MustCompile(`^(\$\$?[A-Za-z_][A-Za-z0-9_]*|\$\$?\{[A-Za-z_][A-Za-z0-9_]*([^A-Za-z0-9_{}][^{}]*)?\}|\$\([^()]+\)|\$env:[A-Za-z_][A-Za-z0-9_]*|%[A-Za-z_][A-Za-z0-9_]*%|<\+[^<>]+>|<<[^<>]+>>)$`)
	// variableName matches a placeholder that may be shown.
	variableName = regexp.MustCompile(`^\$\{?[A-Z_][A-Z0-9_]*\}?$`)
)

// notExpanded says why a value looks like a placeholder that should have been
// expanded; empty: it does not.
func notExpanded(value string) string {
	switch {
	case strings.Contains(value, "${{"):
		return "contains an expression that was not evaluated (${{ … }}): it works in the workflows of GitHub, Forgejo and Gitea, in `with:` and `env:`"
	case strings.Contains(value, "$[["):
		return "contains an expression that was not evaluated ($[[ … ]]): it works in GitLab's components"
	case placeholder.MatchString(value):
		return "is a variable that was not expanded: it is not set for this job, or nothing replaces variables where it was written (single quotes keep a shell from doing so)"
	}
	return ""
}

// notExpandedHeader is [notExpanded] for a header's value, and for the
// credential after its scheme.
func notExpandedHeader(name, value string) string {
	if strings.EqualFold(name, "Authorization") {
		if _, credential, ok := strings.Cut(value, " "); ok && !strings.Contains(value, "${{") {
			value = strings.TrimSpace(credential)
		}
	}
	return notExpanded(value)
}

// unexpanded is [notExpanded] for an input's value. It shows at most a
// variable's name, and not even that for secret inputs.
func unexpanded(s Setting, value string) string {
	values := func(yield func(string) bool) { yield(value) }
	switch s.Form {
	case Headers, Variables, Text:
		return "" // headers are checked value by value
	case List:
		values = entriesOf(value)
	}
	for v := range values {
		text := notExpanded(v)
		if text != "" && !s.Secret && variableName.MatchString(v) && len(v) < 100 {
			text = v + " " + text
		}
		if text != "" {
			return text
		}
	}
	return ""
}
