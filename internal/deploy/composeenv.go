package deploy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dotenv"
)

// composeEnv says what becomes of the variables of lines in a compose service,
// and why they are refused, if they are. It names variables, never values.
//
// docker-compose reads them from .env. Before v0.30.0 Dokploy writes each value
// there as it is; since then, in double quotes with escapes. A stack gets them
// through env_file, which Docker reads without quotes or escapes; Dokploy
// v0.30.0 and v0.30.1 write quotes there too. They are also variables of docker
// stack deploy, so ${NAME} in the stack's file is right.
func composeEnv(composeType string, v dokploy.Version, lines string) (warnings []string, refused string) {
	vars := dotenv.Parse(lines)
	if len(vars) == 0 {
		return nil, ""
	}
	traits := dokploy.TraitsOf(v)
	switch composeType {
	case "docker-compose":
		if !traits.RawDotenv {
			return nil, ""
		}
		return rawDotenv(v, vars)
	case "stack":
		if traits.QuotesDotenv {
			warnings = append(warnings, fmt.Sprintf(
				"Dokploy %s puts values in quotes, and a stack that reads them through env_file keeps the quotes; use ${NAME} in the stack's file, or update Dokploy", v))
		}
		for _, x := range vars {
			if text := envFileText(x); text != "" {
				warnings = append(warnings, text)
			}
		}
	}
	return warnings, ""
}

// noEnvFileText is the warning if Dokploy writes no .env at all.
func noEnvFileText(composeType string) string {
	const off = `"Create Environment File" is off for this service, so Dokploy writes no .env: `
	if composeType == "stack" {
		return off + "the stack gets what env sets only through ${NAME} in its file, not through env_file"
	}
	return off + "docker compose gets none of the variables that env sets"
}

// envFileText says what Docker makes of a multi-line value in an env_file;
// empty for a single line.
func envFileText(x dotenv.Var) string {
	_, later, ok := strings.Cut(x.Value, "\n")
	if !ok {
		return ""
	}
	rest := "the other lines are read as separate variables"
	for line := range strings.SplitSeq(later, "\n") {
		line = strings.TrimLeft(line, " \t")
		name, _, _ := strings.Cut(line, "=")
		if line != "" && line[0] != '#' && (name == "" || strings.ContainsAny(name, " \t")) {
			rest = "and Docker refuses this file, because a later line is not NAME=value"
		}
	}
	return fmt.Sprintf("env_file passes only the first line of %s, %s; use ${%s} in the stack's file to get all of it", x.Name, rest, x.Name)
}

// dokployReference matches what Dokploy itself replaces: ${{project.NAME}} and
// the like.
var dokployReference = regexp.MustCompile(`\$\{\{.*?\}\}`)

// rawFault is what compose misreads in a value that is written to .env as it is.
type rawFault struct {
	what   string // with %s for the names of the variables
	breaks bool   // the file becomes invalid
	has    func(value string) bool
}

// rawFaults has those that break the file first: of a value with one of them,
// the others do not count.
var rawFaults = []rawFault{
	{"line breaks in %s", true, func(s string) bool { return strings.Contains(s, "\n") }},
	{"an unclosed quote at the start of %s", true, isOpen},
	{"a $ in %s, which compose may take for a variable", false, func(s string) bool { return strings.Contains(dokployReference.ReplaceAllString(s, ""), "$") }},
	{"a # in %s, where compose cuts the value off", false, func(s string) bool { return strings.Contains(s, " #") }},
	{"quotes around %s, which compose removes", false, beginsQuoted},
	{"spaces around %s, which compose drops", false, func(s string) bool { return strings.TrimFunc(s, unicode.IsSpace) != s }},
}

// rawDotenv checks values that are written to .env as they are.
func rawDotenv(v dokploy.Version, vars []dotenv.Var) (warnings []string, refused string) {
	names := make([][]string, len(rawFaults))
	for _, x := range vars {
		for i, f := range rawFaults {
			if f.has(x.Value) {
				names[i] = append(names[i], x.Name)
				if f.breaks {
					break
				}
			}
		}
	}
	writes := fmt.Sprintf("Dokploy %s writes values into .env verbatim", v)
	if !v.Known() {
		writes = "this Dokploy does not tell its version, and before v0.30.0 it writes values into .env verbatim"
	}
	for i, f := range rawFaults {
		if len(names[i]) == 0 {
			continue
		}
		text := fmt.Sprintf(f.what, nameList(names[i])) + ": " + writes
		if f.breaks {
			text += ", so compose would misread the file"
		}
		switch {
		case !f.breaks || !v.Known():
			warnings = append(warnings, text)
		case refused == "":
			refused = text
		}
	}
	return warnings, refused
}

// beginsQuoted reports whether compose reads the value as a quoted one.
func beginsQuoted(s string) bool {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	return s != "" && (s[0] == '"' || s[0] == '\'')
}

// isOpen reports whether compose would look for the closing quote of a value in
// the lines after it.
func isOpen(s string) bool {
	if !beginsQuoted(s) {
		return false
	}
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return false
		}
	}
	return true
}

// nameList lists variables, and counts those that are too many to list.
func nameList(names []string) string {
	if n := len(names); n > maxNames {
		names = append(slices.Clone(names[:maxNames]), fmt.Sprintf("and %d more", n-maxNames))
	}
	return strings.Join(names, ", ")
}

// maxNames limits how many variables a line names.
const maxNames = 20
