package config

import (
	"runtime"
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
