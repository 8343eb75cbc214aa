package config

import (
	"maps"
	"slices"
	"strings"

	"dokploy-deploy/internal/secret"
)

// loader looks up inputs and collects problems.
type loader struct {
	env      Environment
	facts    Facts
	config   *Config
	values   map[string]value
	problems []Problem
}

// value is what was given for an input.
type value struct {
	variable string // the environment variable
	text     string
	unusable bool // a problem was reported; nothing to parse
}

func (l *loader) problem(input, text string) {
	l.problems = append(l.problems, Problem{input, text})
}

// note adds a warning for each text that is not empty.
func (l *loader) note(input string, texts ...string) {
	for _, text := range texts {
		if text != "" {
			l.config.Warnings = append(l.config.Warnings, Problem{input, text})
		}
	}
}

func (l *loader) valid(input string) bool {
	return !slices.ContainsFunc(l.problems, func(p Problem) bool { return p.Input == input })
}

// read looks up all inputs. It strips quotes and the like from each value and
// hides whatever may be secret in it.
func (l *loader) read() {
	for _, s := range Settings {
		v, dropped := l.lookup(s)
		if text := unexpanded(s, v.text); text != "" {
			l.problem(s.Name, text)
			v.unusable = true
		}
		l.note(s.Name, dropped...)
		l.values[s.Name] = v
		if s.Form != Text && s.Form != Variables {
			// Problems quote what cannot be parsed, and that may be an address.
			l.config.hidden = append(l.config.hidden, secret.Addresses(v.text)...)
		}
		for _, token := range webhookTokens(v.text) {
			// In free text, and in the health URL, it may be an ordinary word.
			if (s.Form == Plain || s.Form == List) && s.Name != "health-url" || isRandom(token) {
				l.config.hidden = append(l.config.hidden, secret.Key(token)...)
			}
		}
	}
	address, key := l.given("url"), l.given("api-key")
	if (swapped(address, key) || len(address) >= 16) && !looksLikeAddress(address) && !secret.Plain(address) {
		l.hide("url", secret.Key)
	}
	if looksLikeAddress(key) {
		l.hide("api-key", secret.Addresses)
	} else {
		l.hide("api-key", secret.Key)
	}
}

// hide hides the secrets in an input's value, unless the value is a placeholder
// or only asterisks.
func (l *loader) hide(input string, secrets func(string) []string) {
	if v := l.given(input); !placeholder.MatchString(v) && !isStars(v) {
		l.config.hidden = append(l.config.hidden, secrets(v)...)
	}
}

// lookup returns the first value of an input that is not empty.
func (l *loader) lookup(s Setting) (v value, dropped []string) {
	for _, name := range Spellings(s.Name) {
		text, dropped := tidy(s.Form, l.env[name])
		if text != "" {
			return value{variable: name, text: text}, dropped
		}
	}
	return value{}, nil
}

// given returns the value of an input as set in the environment; empty: not
// set.
func (l *loader) given(input string) string { return l.values[input].text }

// value returns the value of an input or its default.
func (l *loader) value(input string) string {
	if v := l.given(input); v != "" {
		return v
	}
	for _, s := range Settings {
		if s.Name == input {
			if s.Required && l.valid(input) {
				text := "is required but not set (looked for " + strings.Join(Spellings(input), ", ") + ")"
				if s.Secret && l.facts.NoSecrets != "" {
					text += ": " + l.facts.NoSecrets
				}
				l.problem(input, text)
			}
			return s.Default
		}
	}
	panic("config: no setting " + input)
}

// finish masks problems and warnings, since a quoted value may contain a secret
// of another input, and sorts them in the order of the table; those that belong
// to no input come first.
func (l *loader) finish() {
	longestFirst := l.config.Secrets()
	slices.SortStableFunc(longestFirst, func(a, b string) int { return len(b) - len(a) })
	l.nameStrays()
	order := map[string]int{}
	for i, s := range Settings {
		order[s.Name] = i + 1
	}
	for _, list := range [][]Problem{l.problems, l.config.Warnings} {
		for i := range list {
			for _, s := range longestFirst {
				list[i].Text = strings.ReplaceAll(list[i].Text, s, "***")
			}
		}
		slices.SortStableFunc(list, func(a, b Problem) int { return order[a.Input] - order[b.Input] })
	}
}

// nameStrays names the DOKPLOY_ variable behind a problem where the host passes
// inputs under another prefix: it may be somebody's own, and nobody would look
// for it. Who sets url or api-key means it.
func (l *loader) nameStrays() {
	other := func(v value) bool { return v.variable != "" && !strings.HasPrefix(v.variable, "DOKPLOY_") }
	if !slices.ContainsFunc(slices.Collect(maps.Values(l.values)), other) {
		return
	}
	for i, p := range l.problems {
		required := slices.ContainsFunc(Settings, func(s Setting) bool { return s.Name == p.Input && s.Required })
		if v := l.values[p.Input].variable; strings.HasPrefix(v, "DOKPLOY_") && !required && !strings.Contains(p.Text, v) {
			l.problems[i].Text += ". The variable " + v + " is read as this input: if it is your own, unset it for this step"
		}
	}
}

// parse parses one input. An empty or unusable value is not parsed and yields
// the zero value.
func parse[T any](l *loader, input string, f func(string) (T, error)) T {
	var zero T
	v := l.value(input)
	if v == "" || l.values[input].unusable {
		return zero
	}
	t, err := f(v)
	if err != nil {
		for text := range strings.SplitSeq(err.Error(), "\n") { // errors.Join
			l.problem(input, text)
		}
	}
	return t
}
