package config

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
)

// Environment holds environment variables by their names.
type Environment map[string]string

// ReadEnvironment reads the lines of [os.Environ].
func ReadEnvironment(lines []string) Environment {
	e := Environment{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, "=")
		if runtime.GOOS == "windows" { // where case does not count
			name = strings.ToUpper(name)
		}
		if _, twice := e[name]; ok && name != "" && !twice {
			e[name] = value
		}
	}
	return e
}

// Lookup is like [os.LookupEnv].
func (e Environment) Lookup(name string) (string, bool) {
	v, ok := e[name]
	return v, ok
}

// prefixes begin the names of the variables that carry inputs.
var prefixes = []string{"INPUT_", "PLUGIN_", "DOKPLOY_"}

// misspelt finds the variables that are named as an input but for the
// separators, such as DOKPLOY_DRYRUN. Nothing reads them, and what they should
// have kept from happening would happen. Where the input is set as INPUT_, the
// other one may be an outer action's, and is only warned about.
func (l *loader) misspelt(c *Config) {
	inputs := map[string]string{}
	var proper []string
	for _, s := range Settings {
		inputs[squeeze(s.Name)] = s.Name
		proper = append(proper, Spellings(s.Name)...)
	}
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		prefix, rest := cutPrefix(name)
		input := inputs[squeeze(rest)]
		if prefix == "" || input == "" || slices.Contains(proper, name) || strings.TrimSpace(l.env[name]) == "" {
			continue
		}
		p := Problem{input, fmt.Sprintf("the variable %s is not read; the right name is %s", name, rightName(prefix, input))}
		if l.setAsInput(input) {
			c.Warnings = append(c.Warnings, p)
			continue
		}
		p.Text += ": rename it, or unset it if it is not meant for dokploy-deploy"
		l.problems = append(l.problems, p)
	}
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
