package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// prefixes are how the names of variables that carry inputs start.
var prefixes = []string{"INPUT_", "PLUGIN_", "DOKPLOY_"}

// ofEngines are variables that CI engines set for every plugin.
var ofEngines = []string{
	"PLUGIN_ARTIFACT_FILE", "PLUGIN_METADATA_FILE", "PLUGIN_BUILD_TOOL_FILE", "PLUGIN_CACHE_METRICS_FILE", "PLUGIN_CACHE_INTEL_METRICS_FILE",
}

// likeness says how close the name of a variable is to an input's.
type likeness int

const (
	unlike likeness = iota
	near            // a few edits away
	same            // the same but for case and separators
)

// unread reports variables that look like inputs but are not read: the user
// expects them to have an effect. PLUGIN_ variables are meant for this plugin
// alone, so a near miss is an error. Other variables may be correct and belong
// to another program.
func (l *loader) unread() {
	var read []string
	for _, s := range Settings {
		read = append(read, Spellings(s.Name)...)
	}
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		prefix, rest := cutPrefix(name)
		if prefix == "" || squeeze(rest) == "" || slices.Contains(read, name) || slices.Contains(ofEngines, name) || strings.TrimSpace(l.env[name]) == "" {
			continue
		}
		input, like := nearest(rest)
		p := Problem{input, ""}
		if like != unlike {
			p.Text = fmt.Sprintf("the variable %s is not read; the correct name is %s", name, rightName(prefix, input))
		}
		switch {
		case like == same && l.setAsInput(input):
			// The variable may belong to an outer action.
			l.note(p.Input, p.Text)
		case like == same, like == near && prefix == "PLUGIN_":
			p.Text += ": rename it, or unset it if it is not meant for dokploy-deploy"
			l.problems = append(l.problems, p)
		case like == near:
			p.Text += ", if it is meant for dokploy-deploy"
			l.note(p.Input, p.Text)
		case prefix == "PLUGIN_":
			l.note(name, "is not read: there is no such input; dokploy-deploy --help lists them")
		}
	}
}

// nearest returns the input whose name is closest to a variable's.
func nearest(name string) (input string, like likeness) {
	name = squeeze(name)
	least := 3
	for _, s := range Settings {
		other := squeeze(s.Name)
		if other == name {
			return s.Name, same
		}
		most := 1
		if len(other) >= 6 {
			most = 2
		}
		if n := edits(name, other); n <= most && n < least {
			input, like, least = s.Name, near, n
		}
	}
	return input, like
}

// edits returns the edit distance of a and b: insertions, deletions, changes,
// and swaps of neighbours.
func edits(a, b string) int {
	if max(len(a), len(b)) > 100 {
		return 100
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// rightName returns how to write the input wherever variables with that prefix
// come from.
func rightName(prefix, input string) string {
	under := strings.ReplaceAll(input, "-", "_")
	name := prefix + strings.ToUpper(under)
	switch prefix {
	case "INPUT_":
		return fmt.Sprintf("%s (in `with:`, %s)", name, input)
	case "PLUGIN_":
		return fmt.Sprintf("%s (in `settings:`, %s)", name, under)
	}
	return name
}

// setAsInput reports whether an INPUT_ variable carries the input.
func (l *loader) setAsInput(input string) bool {
	return slices.ContainsFunc(Spellings(input), func(name string) bool {
		return strings.HasPrefix(name, "INPUT_") && strings.TrimSpace(l.env[name]) != ""
	})
}

// cutPrefix splits a variable's name into prefix and rest, whatever separates
// them. Both are empty if there is no known prefix.
func cutPrefix(name string) (prefix, rest string) {
	for _, p := range prefixes {
		bare := strings.TrimSuffix(p, "_")
		if rest, ok := strings.CutPrefix(name, bare); ok && rest != "" && strings.Contains(separators, rest[:1]) {
			return p, rest
		}
	}
	return "", ""
}

// separators may stand between the words of a name.
const separators = "_-."

// squeeze drops case and separators from a name.
func squeeze(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(separators, r) {
			return -1
		}
		return r
	}, strings.ToLower(name))
}
