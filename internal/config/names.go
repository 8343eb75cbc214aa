package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// prefixes begin the names of the variables that carry inputs.
var prefixes = []string{"INPUT_", "PLUGIN_", "DOKPLOY_"}

// ofEngines are variables that CI engines give every plugin.
var ofEngines = []string{
	"PLUGIN_ARTIFACT_FILE", "PLUGIN_METADATA_FILE", "PLUGIN_BUILD_TOOL_FILE", "PLUGIN_CACHE_METRICS_FILE", "PLUGIN_CACHE_INTEL_METRICS_FILE",
}

// likeness is how near the name of a variable is to that of an input.
type likeness int

const (
	unlike likeness = iota
	near            // some letters away
	same            // but for case and separators
)

// unread looks at the variables that look as if they should carry an input and
// that nothing reads: what they should have kept from happening would happen.
// Settings of plugins are nobody else's, so that a near one is an error there.
// The names of other variables may be right, and another program's.
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
			// It may be an outer action's.
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

// nearest is the input whose name is nearest to that of a variable.
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

// edits is how many letters have to be added, left out, changed, or swapped
// with their neighbour to make one text of the other.
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

// rightName is how a person writes the input where variables with that prefix
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

// cutPrefix takes the prefix off the name of a variable, whatever separates
// the two; without a prefix both are empty.
func cutPrefix(name string) (prefix, rest string) {
	for _, p := range prefixes {
		bare := strings.TrimSuffix(p, "_")
		if rest, ok := strings.CutPrefix(name, bare); ok && rest != "" && strings.Contains(separators, rest[:1]) {
			return p, rest
		}
	}
	return "", ""
}

// separators are what may stand between the words of a name.
const separators = "_-."

// squeeze is a name without case and separators.
func squeeze(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(separators, r) {
			return -1
		}
		return r
	}, strings.ToLower(name))
}
