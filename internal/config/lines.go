package config

import (
	"fmt"
	"regexp"
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
	return fmt.Errorf("is one line that reads as a list joined with commas, which are part of a value here; write a map, or one text with one %s a line (`%s: |`)",
		want, strings.ReplaceAll(input, "-", "_"))
}

// parseEnv reads the input env. A variable DOKPLOY_ENV in which there is no
// assignment is taken for somebody's own.
func (l *loader) parseEnv(v string) (string, error) {
	if err := l.joined("env", assignment, "KEY=VALUE"); err != nil {
		return "", err
	}
	env, err := parseEnv(v)
	if err != nil && l.values["env"].variable == "DOKPLOY_ENV" && len(dotenv.Parse(v)) == 0 {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return "", fmt.Errorf("%s. The variable DOKPLOY_ENV is read as this input: if it is one of your own, unset it for this step, or give the lines in INPUT_ENV", first)
	}
	return env, err
}
