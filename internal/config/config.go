// Package config owns the inputs: their table, where they are looked up, and
// how each is read. Everything that is wrong with them is reported together,
// before anything is sent.
package config

import (
	"crypto/x509"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/health"
	"dokploy-deploy/internal/secret"
	"dokploy-deploy/internal/upload"
)

// Config is what the inputs ask for.
type Config struct {
	URL                *url.URL // without a trailing slash; its path is the sub-path
	APIKey             string
	Applications       []string
	Composes           []string
	Operation          string // deploy or redeploy
	Title              string // one line; empty: from CI
	Description        string // empty: from CI
	Wait               bool
	Timeout            time.Duration
	UnreachableTimeout time.Duration
	Logs               string // live, failure or off
	Headers            http.Header
	CACerts            []*x509.Certificate
	TLSSkipVerify      bool
	MaxParallel        int
	OutputFile         string
	Debug              bool

	Image         string // reference, checked; empty: not to be set
	Env           string // dotenv lines; empty: not to be set
	EnvMode       string // merge or replace
	ComposeFile   *ComposeFile
	Source        *upload.Source
	SourcePath    string
	Verify        string // auto, require or off
	StableFor     time.Duration
	HealthURL     *HealthURL // nil: none
	HealthStatus  []health.Range
	HealthTimeout time.Duration
	Rollback      bool
	DryRun        bool

	// Warnings are about inputs that are accepted, but may not mean what
	// they seem to.
	Warnings []Problem

	rejected []string // secret values of inputs that were not accepted
}

// HealthURL is an address to ask; without a URL it is the service's first
// domain ("auto").
type HealthURL struct{ URL *url.URL }

// Problem is one thing that is wrong with an input. Its text never shows the
// value of a secret input.
type Problem struct {
	Input string
	Text  string
}

// Error is everything that is wrong with the inputs.
type Error struct {
	Problems []Problem
}

func (e *Error) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, p.Input+": "+p.Text)
	}
	return strings.Join(lines, "\n")
}

// Load reads the inputs from the environment. Its error is an [*Error]; the
// Config is never nil, and holds what could be read then too: enough to write
// outputs and to mask secrets.
func Load(env Environment) (*Config, error) {
	l := &loader{env: env}
	c := &Config{}
	l.misspelt(c)

	c.URL = parse(l, "url", parseURL)
	c.APIKey = l.value("api-key")
	if c.APIKey != "" && !printable(c.APIKey) {
		l.problem("api-key", "holds a blank, a line break or another character that cannot be part of a key; give the key alone, without quotes or a scheme")
	}
	c.Applications = parse(l, "application", parseTargets)
	c.Composes = parse(l, "compose", parseTargets)
	if l.valid("application") && l.valid("compose") && len(c.Applications)+len(c.Composes) == 0 {
		l.problem("application", "nothing to deploy: give application, compose or both, each an id, name, project/name or project/environment/name")
	}
	c.Operation = parse(l, "operation", oneOf("deploy", "redeploy"))
	c.Title = oneLine(l.value("title"))
	c.Description = manyLines(l.value("description"))
	c.Wait = parse(l, "wait", parseBool)
	c.Timeout = parse(l, "timeout", parseDuration)
	c.UnreachableTimeout = parse(l, "unreachable-timeout", parseDuration)
	c.Logs = parse(l, "logs", oneOf("live", "failure", "off"))
	c.Headers = parse(l, "headers", func(value string) (http.Header, error) {
		headers, rejected, err := parseHeaders(value)
		c.rejected = rejected
		return headers, err
	})
	c.CACerts = parse(l, "ca-cert", parseCertificates)
	c.TLSSkipVerify = parse(l, "tls-skip-verify", parseBool)
	c.MaxParallel = parse(l, "max-parallel", parseParallel)
	c.OutputFile = parse(l, "output-file", parseOutputFile)
	c.Debug = parse(l, "debug", parseBool)

	c.Image = parse(l, "image", parseImage)
	c.Env = parse(l, "env", parseEnv)
	c.EnvMode = parse(l, "env-mode", oneOf("merge", "replace"))
	c.ComposeFile = parse(l, "compose-file", parseComposeFile)
	c.Source = parse(l, "source", upload.Open)
	c.SourcePath = l.value("source")
	c.Verify = parse(l, "verify", oneOf("auto", "require", "off"))
	c.StableFor = parse(l, "stable-for", parseDuration)
	c.HealthURL = parse(l, "health-url", parseHealthURL)
	c.HealthStatus = parse(l, "health-status", health.ParseStatus)
	c.HealthTimeout = parse(l, "health-timeout", parseDuration)
	c.Rollback = parse(l, "rollback", parseBool)
	c.DryRun = parse(l, "dry-run", parseBool)
	l.together(c)

	l.finish()
	if len(l.problems) > 0 {
		return c, &Error{Problems: l.problems}
	}
	return c, nil
}

// Secrets are the values that must not be shown: the key, and what is secret
// of the headers. Values of inputs that were not accepted are among them.
func (c *Config) Secrets() []string {
	secrets := secret.Key(c.APIKey)
	for _, v := range c.rejected {
		secrets = append(secrets, secret.Header("", v)...)
	}
	for name, values := range c.Headers {
		for _, v := range values {
			secrets = append(secrets, secret.Header(name, v)...)
		}
	}
	slices.Sort(secrets)
	return slices.Compact(secrets)
}

// loader looks inputs up and collects what is wrong with them.
type loader struct {
	env      Environment
	problems []Problem
}

func (l *loader) problem(input, text string) {
	l.problems = append(l.problems, Problem{input, text})
}

func (l *loader) valid(input string) bool {
	return !slices.ContainsFunc(l.problems, func(p Problem) bool { return p.Input == input })
}

// given is the value of an input as the environment has it; empty: not set.
func (l *loader) given(input string) string {
	for _, name := range Spellings(input) {
		if v := l.env[name]; strings.TrimSpace(v) != "" {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// value is the value of an input or its default.
func (l *loader) value(input string) string {
	v := l.given(input)
	if v != "" {
		return v
	}
	for _, s := range Settings {
		if s.Name == input {
			if s.Required && l.valid(input) {
				l.problem(input, "is required and not set (looked for "+strings.Join(Spellings(input), ", ")+")")
			}
			return s.Default
		}
	}
	panic("config: no setting " + input)
}

// finish puts all problems in the order of the table.
func (l *loader) finish() {
	order := map[string]int{}
	for i, s := range Settings {
		order[s.Name] = i
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int { return order[a.Input] - order[b.Input] })
}

// parse reads one input. An empty value is not parsed: it is the zero value.
func parse[T any](l *loader, input string, f func(string) (T, error)) T {
	var zero T
	v := l.value(input)
	if v == "" {
		return zero
	}
	t, err := f(v)
	if err != nil {
		for text := range strings.SplitSeq(err.Error(), "\n") { // errors.Join
			l.problem(input, text)
		}
	}
	return t
}
