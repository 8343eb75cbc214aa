// Package config owns the inputs: their table, the environment variables that
// carry them, and how each is parsed. All problems are reported together,
// before any request is sent.
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
	Head        string // newest commit of its pull request or branch; empty: unknown
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

	c.URL = parse(l, "url", l.parseURL)
	c.APIKey = parse(l, "api-key", l.parseKey)
	c.Applications = l.targets("application")
	c.Composes = l.targets("compose")
	if l.valid("application") && l.valid("compose") && len(c.Applications)+len(c.Composes) == 0 {
		l.problem("application", "nothing to deploy: give application, compose or both, each as an id, name, project/name or project/environment/name")
	}
	c.Operation = parse(l, "operation", oneOf("deploy", "redeploy", follow))
	c.Title = oneLine(l.value("title"))
	c.Description = manyLines(l.value("description"))
	c.Wait = parse(l, "wait", parseWait)
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
	c.Source = parseFile(l, "source", parseSource)
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
