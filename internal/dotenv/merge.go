package dotenv

import (
	"fmt"
	"maps"
	"strings"
)

const bom = "\uFEFF"

// Merge sets the variables of lines in old and keeps everything else of old
// byte for byte. A variable that already has its value is left alone. Others
// are written as given, with a comment on the same line: in place of the last
// assignment, which is the one that counts, or at the end. Comments on lines of
// their own are not taken over.
//
// The server then reads the variables of lines as given, and all others as
// before. If no place makes that possible, Merge says what is in the way.
func Merge(old, lines string) (string, error) {
	given := map[string]assignment{}
	for a := range scan(lines) {
		given[a.name] = a
	}
	var todo []setting
	have := values(old)
	for _, v := range Parse(lines) {
		if value, ok := have[v.Name]; !ok || value != v.Value {
			a := given[v.Name]
			todo = append(todo, setting{v, newlines(lines[a.start:a.end]), a.broken})
		}
	}
	text, stuck := set(old, todo)
	if stuck != nil {
		return "", stuck.inTheWay(old)
	}
	return text, nil
}

// setting is a variable to set, and the text that sets it.
type setting struct {
	Var
	text   string
	broken bool
}

// set sets all of todo in one kind of place if that works, else in parts. stuck
// is the one that it cannot set.
func set(old string, todo []setting) (text string, stuck *setting) {
	want := values(old)
	for _, s := range todo {
		want[s.Name] = s.Value
	}
	for _, p := range []place{{}, {first: true}, {move: true}, {move: true, first: true}} {
		if text := p.write(old, todo); maps.Equal(values(text), want) {
			return text, nil
		}
	}
	if half := len(todo) / 2; half > 0 {
		if text, stuck = set(old, todo[:half]); stuck != nil {
			return "", stuck
		}
		return set(text, todo[half:])
	}
	return "", &todo[0]
}

// inTheWay says why s cannot be set in old.
func (s *setting) inTheWay(old string) error {
	if s.broken {
		return fmt.Errorf("%s cannot be set: the given value begins with a quote that is never closed", s.Name)
	}
	line, pos := 1, 0
	for a := range scan(old) {
		line, pos = line+strings.Count(newlines(old[pos:a.start]), "\n"), a.start
		if a.broken {
			return fmt.Errorf("%s cannot be set: line %d of the stored text begins a value with a quote that is never closed; fix that line first", s.Name, line)
		}
	}
	return fmt.Errorf("%s cannot be set: wherever it is put in the stored text, the server would read other variables differently", s.Name)
}

// place says where variables are written.
type place struct {
	first bool // new ones go first, not last
	move  bool // existing ones are removed and become new ones
}

func (p place) write(old string, todo []setting) string {
	counts := map[string]int{} // offsets of the assignments that count
	for a := range scan(old) {
		counts[a.name] = a.start
	}
	byName := map[string]setting{}
	for _, s := range todo {
		byName[s.Name] = s
	}
	var b strings.Builder
	pos := 0
	for a := range scan(old) {
		s, ok := byName[a.name]
		if !ok || !p.move && counts[a.name] != a.start {
			continue
		}
		b.WriteString(old[pos:a.start])
		if p.move {
			pos = a.end + runeWidth(old[a.end:])
		} else {
			b.WriteString(strings.ReplaceAll(s.text, "\n", newline(old, a.start)))
			pos = a.end
		}
	}
	b.WriteString(old[pos:])
	text := b.String()

	var added []string
	for _, s := range todo {
		if _, ok := counts[s.Name]; !ok || p.move {
			added = append(added, s.text)
		}
	}
	if len(added) == 0 {
		return text
	}
	at := len(text)
	if p.first {
		at = len(text) - len(strings.TrimPrefix(text, bom))
	}
	nl := newline(text, at)
	block := strings.ReplaceAll(strings.Join(added, "\n"), "\n", nl)
	switch {
	case text == "" || text == bom:
	case p.first || strings.HasSuffix(text, "\n"):
		block += nl
	default:
		block = nl + block
	}
	return text[:at] + block + text[at:]
}

// newline returns the line break in use at i: the one before, else the one
// after.
func newline(text string, i int) string {
	j := strings.LastIndexByte(text[:i], '\n')
	if j < 0 {
		j = strings.IndexByte(text, '\n')
	}
	if j > 0 && text[j-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

func values(text string) map[string]string {
	m := map[string]string{}
	for _, v := range Parse(text) {
		m[v.Name] = v.Value
	}
	return m
}

// Diff names the variables whose values differ for the server.
func Diff(old, text string) (added, changed, removed []string) {
	before, after := values(old), values(text)
	for _, v := range Parse(text) {
		if value, ok := before[v.Name]; !ok {
			added = append(added, v.Name)
		} else if value != v.Value {
			changed = append(changed, v.Name)
		}
	}
	for _, v := range Parse(old) {
		if _, ok := after[v.Name]; !ok {
			removed = append(removed, v.Name)
		}
	}
	return added, changed, removed
}
