package config

import (
	"runtime"
	"strings"
)

// Environment maps the names of environment variables to their values.
type Environment map[string]string

// ReadEnvironment parses lines as [os.Environ] returns them.
func ReadEnvironment(lines []string) Environment {
	e := Environment{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, "=")
		if runtime.GOOS == "windows" { // names are not case-sensitive there
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
