package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"dokploy-deploy/internal/dotenv"
)

var (
	assignment = regexp.MustCompile(`^\s*(export\s+)?[A-Za-z_][A-Za-z0-9_.-]*\s*=`)
	headerLine = regexp.MustCompile("^\\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+:\\s")
)

// joined sees whether a value is a list that Woodpecker or Drone joined with
// commas: one line, in which every piece is what a line should be.
func (l *loader) joined(input string, line *regexp.Regexp, want string) error {
	v := l.values[input]
	pieces := strings.Split(v.text, ",")
	if !strings.HasPrefix(v.variable, "PLUGIN_") || len(pieces) < 2 || strings.ContainsAny(v.text, "\r\n") {
		return nil
	}
	for _, piece := range pieces {
		if !line.MatchString(piece) {
			return nil
		}
	}
	return fmt.Errorf("is a single line that looks like a list joined with commas, but commas are part of a value here; write a map, or a text with one %s per line (`%s: |`)",
		want, strings.ReplaceAll(input, "-", "_"))
}

// linesOf reads an input of KEY=VALUE lines.
func (l *loader) linesOf(input string) func(v string) (string, error) {
	return func(v string) (string, error) {
		if err := l.joined(input, assignment, "KEY=VALUE"); err != nil {
			return "", err
		}
		return parseEnv(v)
	}
}

// shellName is what a build secret may be called: Dokploy gives it to docker as
// a variable of a shell (docs/dokploy.md, Build arguments and secrets).
var shellName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// parseBuildSecrets reads the input build-secrets. It shows no names: of lines
// that are broken they may be pieces of a secret.
func (l *loader) parseBuildSecrets(v string) (string, error) {
	lines, err := l.linesOf("build-secrets")(v)
	if err != nil {
		return lines, err
	}
	var misnamed, empty []string
	for i, x := range dotenv.Parse(lines) {
		number := strconv.Itoa(i + 1)
		switch {
		case !shellName.MatchString(x.Name):
			misnamed = append(misnamed, number)
		case x.Value == "":
			empty = append(empty, number)
		}
	}
	if len(empty) > 0 {
		l.note("build-secrets", fmt.Sprintf("variable %s has no value, and Dokploy does not pass it to the build", strings.Join(empty, ", ")))
	}
	if len(misnamed) > 0 {
		return lines, fmt.Errorf(`variable %s has a name that would break the build: Dokploy turns it into a shell variable, so use only letters, digits and "_", and do not begin with a digit`, strings.Join(misnamed, ", "))
	}
	return lines, nil
}

// parseEnv reads the input env. A variable DOKPLOY_ENV in which there is no
// assignment is taken for somebody's own.
func (l *loader) parseEnv(v string) (string, error) {
	env, err := l.linesOf("env")(v)
	if err != nil && l.values["env"].variable == "DOKPLOY_ENV" && len(dotenv.Parse(v)) == 0 {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return "", fmt.Errorf("%s. The variable DOKPLOY_ENV is read as this input: if it is your own, unset it for this step, or give the lines in INPUT_ENV", first)
	}
	return env, err
}
