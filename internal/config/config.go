// Package config owns the inputs: their table, where they are looked up, and
// how each is read. Everything that is wrong with them is reported together,
// before anything is sent.
package config

import (
	"crypto/x509"
	"errors"
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
	Operation          string  // deploy, redeploy or follow
	Follow             *Follow // with follow
	Title              string  // one line; empty: from CI
	Description        string  // empty: from CI
	Wait               bool
	Timeout            time.Duration
	UnreachableTimeout time.Duration
	Logs               string // live, failure or off
	Headers            http.Header
	CACerts            []*x509.Certificate
	TLSSkipVerify      bool
	MaxParallel        int
	FailFast           bool
	OutputFile         string
	Debug              bool

	Image         string // reference, checked; empty: not to be set
	Env           string // dotenv lines; empty: not to be set
	EnvMode       string // merge or replace
	BuildArgs     string // dotenv lines; empty: not to be set
	BuildSecrets  string // dotenv lines; empty: not to be set
	ComposeFile   *ComposeFile
	Source        *upload.Source
	SourcePath    string
	Verify        string // auto, require or off
	StableFor     time.Duration
	HealthURL     *HealthURL // nil: none
	HealthStatus  []health.Range
	HealthTimeout time.Duration
	HealthText    string      // that the answer must contain; empty: any
	HealthHeaders http.Header // for HealthURL alone
	Rollback      bool
	DryRun        bool

	// Warnings are about inputs that are accepted, but may not mean what
	// they seem to.
	Warnings []Problem

	rejected []string // secret values of headers that were not accepted
	hidden   []string // other secrets: the tokens of webhooks, what may be a key
}

// Facts are what a run knows of its CI host when its inputs are wrong.
type Facts struct {
	NoSecrets   string // why the host gives this run no secrets, and what to do; empty: it gives them
	Commit      string // what the run is about; empty: not known
	PullRequest string // its number; empty: none
	Checkout    string // how files of the repository get there; empty: not on a CI host
}

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
func Load(env Environment, facts Facts) (*Config, error) {
	c := &Config{}
	l := &loader{env: env, facts: facts, config: c, values: map[string]value{}}
	l.unread()
	l.read()

	c.URL = parse(l, "url", func(v string) (*url.URL, error) {
		if swapped(v, l.given("api-key")) {
			return nil, errors.New("is not an address, but api-key is: the two are swapped")
		}
		base, note, err := parseURL(v)
		l.note("url", note)
		return base, err
	})
	c.APIKey = parse(l, "api-key", func(v string) (string, error) {
		if text := keyProblem(v, l.given("url")); text != "" {
			return "", errors.New(text)
		}
		return v, nil
	})
	targets := func(input string) []string {
		return parse(l, input, func(v string) ([]string, error) {
			list, notes, err := parseTargets(v, input, c.URL)
			l.note(input, notes...)
			return list, err
		})
	}
	c.Applications = targets("application")
	c.Composes = targets("compose")
	if l.valid("application") && l.valid("compose") && len(c.Applications)+len(c.Composes) == 0 {
		l.problem("application", "nothing to deploy: give application, compose or both, each an id, name, project/name or project/environment/name")
	}
	c.Operation = parse(l, "operation", oneOf("deploy", "redeploy", follow))
	c.Title = oneLine(l.value("title"))
	c.Description = manyLines(l.value("description"))
	c.Wait = parse(l, "wait", parseBool)
	c.Timeout = parse(l, "timeout", parseDuration)
	c.UnreachableTimeout = parse(l, "unreachable-timeout", parseDuration)
	c.Logs = parse(l, "logs", oneOf("live", "failure", "off"))
	c.Headers = l.headers("headers", refusedHeader)
	c.CACerts = parseFile(l, "ca-cert", parseCertificates)
	c.TLSSkipVerify = parse(l, "tls-skip-verify", parseBool)
	c.MaxParallel = parse(l, "max-parallel", parseParallel)
	c.FailFast = parse(l, "fail-fast", parseBool)
	c.OutputFile = parse(l, "output-file", parseOutputFile)
	c.Debug = parse(l, "debug", parseBool)

	c.Image = parse(l, "image", parseImage)
	c.Env = parse(l, "env", l.parseEnv)
	c.EnvMode = parse(l, "env-mode", oneOf("merge", "replace"))
	c.ComposeFile = parseFile(l, "compose-file", parseComposeFile)
	c.Source = parseFile(l, "source", func(path string) (*upload.Source, error) {
		if err := noPath(path, "a directory or a .zip"); err != nil {
			return nil, err
		}
		return upload.Open(path)
	})
	c.SourcePath = l.value("source")
	c.BuildArgs = parse(l, "build-args", l.linesOf("build-args"))
	c.BuildSecrets = parse(l, "build-secrets", l.parseBuildSecrets)
	c.Verify = parse(l, "verify", oneOf("auto", "require", "off"))
	c.StableFor = parse(l, "stable-for", parseDuration)
	c.HealthURL = parse(l, "health-url", parseHealthURL)
	c.HealthStatus = parse(l, "health-status", health.ParseStatus)
	c.HealthTimeout = parse(l, "health-timeout", parseDuration)
	c.HealthText = l.value("health-contains")
	c.HealthHeaders = l.headers("health-headers", refusedHealthHeader)
	c.Rollback = parse(l, "rollback", parseBool)
	c.DryRun = parse(l, "dry-run", parseBool)
	c.Follow = l.following()
	l.together()

	l.finish()
	if len(l.problems) > 0 {
		return c, &Error{Problems: l.problems}
	}
	return c, nil
}

// Secrets are the values that must not be shown: the key, and what is secret
// of the headers. Values of inputs that were not accepted are among them.
func (c *Config) Secrets() []string {
	secrets := append(secret.Key(c.APIKey), c.hidden...)
	for _, v := range c.rejected {
		secrets = append(secrets, secret.Header("", v)...)
	}
	for _, headers := range []http.Header{c.Headers, c.HealthHeaders} {
		for name, values := range headers {
			for _, v := range values {
				if name != "Host" { // an address
					secrets = append(secrets, secret.Header(name, v)...)
				}
			}
		}
	}
	slices.Sort(secrets)
	return slices.Compact(secrets)
}

// loader looks inputs up and collects what is wrong with them.
type loader struct {
	env      Environment
	facts    Facts
	config   *Config
	values   map[string]value
	problems []Problem
}

// value is what was given for an input.
type value struct {
	variable string // that carries it
	text     string
	unusable bool // a problem already, and nothing to parse
}

func (l *loader) problem(input, text string) {
	l.problems = append(l.problems, Problem{input, text})
}

// note warns about what was guessed; empty texts are none.
func (l *loader) note(input string, texts ...string) {
	for _, text := range texts {
		if text != "" {
			l.config.Warnings = append(l.config.Warnings, Problem{input, text})
		}
	}
}

func (l *loader) valid(input string) bool {
	return !slices.ContainsFunc(l.problems, func(p Problem) bool { return p.Input == input })
}

// read looks all inputs up. What was written around a value is dropped, and
// what may be a secret in it is hidden from here on.
func (l *loader) read() {
	for _, s := range Settings {
		v, dropped := l.lookup(s)
		if text := unexpanded(s, v.text); text != "" {
			l.problem(s.Name, text)
			v.unusable = true
		}
		l.note(s.Name, dropped...)
		l.values[s.Name] = v
		if s.Form != Text && s.Form != Variables {
			// What cannot be read is quoted, and may be an address.
			l.config.hidden = append(l.config.hidden, secret.Addresses(v.text)...)
		}
		for _, token := range webhookTokens(v.text) {
			// In a text of the user's own, or the address of an application, it
			// may be a word.
			if (s.Form == Plain || s.Form == List) && s.Name != "health-url" || isRandom(token) {
				l.config.hidden = append(l.config.hidden, secret.Key(token)...)
			}
		}
	}
	address, key := l.given("url"), l.given("api-key")
	if (swapped(address, key) || len(address) >= 16) && !looksLikeAddress(address) && !secret.Plain(address) {
		l.hide("url", secret.Key)
	}
	if looksLikeAddress(key) {
		l.hide("api-key", secret.Addresses)
	} else {
		l.hide("api-key", secret.Key)
	}
}

// hide hides what is secret in the value of an input, unless that is a
// placeholder or nothing but asterisks.
func (l *loader) hide(input string, secrets func(string) []string) {
	if v := l.given(input); !placeholder.MatchString(v) && !isStars(v) {
		l.config.hidden = append(l.config.hidden, secrets(v)...)
	}
}

// lookup is the first value of an input that is not empty.
func (l *loader) lookup(s Setting) (v value, dropped []string) {
	for _, name := range Spellings(s.Name) {
		text, dropped := tidy(s.Form, strings.TrimSpace(l.env[name]))
		if text != "" {
			return value{variable: name, text: text}, dropped
		}
	}
	return value{}, nil
}

// given is the value of an input as the environment has it; empty: not set.
func (l *loader) given(input string) string { return l.values[input].text }

// value is the value of an input or its default.
func (l *loader) value(input string) string {
	if v := l.given(input); v != "" {
		return v
	}
	for _, s := range Settings {
		if s.Name == input {
			if s.Required && l.valid(input) {
				text := "is required but not set (looked for " + strings.Join(Spellings(input), ", ") + ")"
				if s.Secret && l.facts.NoSecrets != "" {
					text += ": " + l.facts.NoSecrets
				}
				l.problem(input, text)
			}
			return s.Default
		}
	}
	panic("config: no setting " + input)
}

// finish puts all problems and warnings in the order of the table; those about
// no input come first. A value that one of them quotes may hold what is secret
// in another input.
func (l *loader) finish() {
	secrets := l.config.Secrets()
	slices.SortStableFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	for _, list := range [][]Problem{l.problems, l.config.Warnings} {
		for i := range list {
			for _, s := range secrets {
				list[i].Text = strings.ReplaceAll(list[i].Text, s, "***")
			}
		}
	}
	order := map[string]int{}
	for i, s := range Settings {
		order[s.Name] = i + 1
	}
	for _, list := range [][]Problem{l.problems, l.config.Warnings} {
		slices.SortStableFunc(list, func(a, b Problem) int { return order[a.Input] - order[b.Input] })
	}
}

// parse reads one input. A value that is empty or unusable is not parsed: it is
// the zero value.
func parse[T any](l *loader, input string, f func(string) (T, error)) T {
	var zero T
	v := l.value(input)
	if v == "" || l.values[input].unusable {
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
