// Package config owns the inputs: their table, the environment variables that
// carry them, and how each is parsed. All problems are reported together,
// before any request is sent.
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

// Config is the parsed inputs.
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
	HealthText    string      // text that the answer must contain; empty: any
	HealthHeaders http.Header // sent to HealthURL only
	Rollback      bool
	DryRun        bool

	// Warnings are about inputs that are accepted but may not mean what they
	// seem to.
	Warnings []Problem

	rejected []string // secret values of headers that were refused
	hidden   []string // other secrets: tokens of webhooks, anything that may be a key
}

// Facts are what the CI host says about the run. Errors in the inputs use them.
type Facts struct {
	NoSecrets   string // why this run gets no secrets from the host, and what to do; empty: it gets them
	Commit      string // commit that the run is about; empty: unknown
	PullRequest string // its number; empty: none
	Checkout    string // how to get the repository's files; empty: not on a CI host
}

// Problem is one thing that is wrong with an input. Its text never shows the
// value of a secret input.
type Problem struct {
	Input string
	Text  string
}

// Error holds all problems with the inputs.
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

// Load reads the inputs from the environment. Its error is an [*Error]. The
// Config is never nil: with an error it holds what could be read, which is
// enough to write the outputs and to mask secrets.
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

// Secrets returns the values that must not be shown: the key and the secret
// parts of headers, including those of inputs that were refused.
func (c *Config) Secrets() []string {
	secrets := append(secret.Key(c.APIKey), c.hidden...)
	for _, v := range c.rejected {
		secrets = append(secrets, secret.Header("", v)...)
	}
	for _, headers := range []http.Header{c.Headers, c.HealthHeaders} {
		for name, values := range headers {
			for _, v := range values {
				if name != "Host" { // its value is an address
					secrets = append(secrets, secret.Header(name, v)...)
				}
			}
		}
	}
	slices.Sort(secrets)
	return slices.Compact(secrets)
}

// loader looks up inputs and collects problems.
type loader struct {
	env      Environment
	facts    Facts
	config   *Config
	values   map[string]value
	problems []Problem
}

// value is what was given for an input.
type value struct {
	variable string // the environment variable
	text     string
	unusable bool // a problem was reported; nothing to parse
}

func (l *loader) problem(input, text string) {
	l.problems = append(l.problems, Problem{input, text})
}

// note adds a warning for each text that is not empty.
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

// read looks up all inputs. It strips quotes and the like from each value and
// hides whatever may be secret in it.
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
			// Problems quote what cannot be parsed, and that may be an address.
			l.config.hidden = append(l.config.hidden, secret.Addresses(v.text)...)
		}
		for _, token := range webhookTokens(v.text) {
			// In free text, and in the health URL, it may be an ordinary word.
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

// hide hides the secrets in an input's value, unless the value is a placeholder
// or only asterisks.
func (l *loader) hide(input string, secrets func(string) []string) {
	if v := l.given(input); !placeholder.MatchString(v) && !isStars(v) {
		l.config.hidden = append(l.config.hidden, secrets(v)...)
	}
}

// lookup returns the first value of an input that is not empty.
func (l *loader) lookup(s Setting) (v value, dropped []string) {
	for _, name := range Spellings(s.Name) {
		text, dropped := tidy(s.Form, strings.TrimSpace(l.env[name]))
		if text != "" {
			return value{variable: name, text: text}, dropped
		}
	}
	return value{}, nil
}

// given returns the value of an input as set in the environment; empty: not
// set.
func (l *loader) given(input string) string { return l.values[input].text }

// value returns the value of an input or its default.
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

// finish sorts problems and warnings in the order of the table; those that
// belong to no input come first. It masks them: a quoted value may contain a
// secret of another input.
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

// parse parses one input. An empty or unusable value is not parsed and yields
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
