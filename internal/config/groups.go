package config

import "slices"

// Group is a set of inputs that are documented together.
type Group struct {
	Title  string
	inputs []string
}

// Groups holds all inputs, in the order in which users need them.
var Groups = []Group{
	{"What to deploy", []string{"url", "api-key", "application", "compose", "operation", "commit", "preview", "title", "description"}},
	{"What to change first", []string{"image", "env", "env-mode", "build-args", "build-secrets", "compose-file", "source", "dry-run"}},
	{"Following", []string{"wait", "timeout", "start-timeout", "if-none", "max-parallel", "fail-fast"}},
	{"Verifying", []string{"verify", "stable-for", "health-url", "health-contains", "health-headers", "health-status", "health-timeout", "rollback"}},
	{"Connection", []string{"headers", "ca-cert", "tls-skip-verify", "unreachable-timeout"}},
	{"Output", []string{"logs", "output-file", "debug"}},
}

// Settings returns the inputs of the group.
func (g Group) Settings() []Setting {
	var some []Setting
	for _, name := range g.inputs {
		if i := slices.IndexFunc(Settings, func(s Setting) bool { return s.Name == name }); i >= 0 {
			some = append(some, Settings[i])
		}
	}
	return some
}
