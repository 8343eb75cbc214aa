package program

import (
	"cmp"
	"fmt"
	"time"

	"dokploy-deploy/internal/ci"
	"dokploy-deploy/internal/config"
	"dokploy-deploy/internal/deploy"
	"dokploy-deploy/internal/dokploy"
)

// options returns the options of a run, from its inputs and its CI host.
func (p Program) options(cfg *config.Config, host ci.Host, printer *ci.Printer) deploy.Options {
	commit := host.Commit()
	o := deploy.Options{
		Client: p.client(cfg, printer), Reporter: printer, URL: cfg.URL.String(), Program: p.name(),
		Operation: cfg.Operation, Title: cfg.Title, Description: cfg.Description,
		Wait: cfg.Wait, Timeout: cfg.Timeout, Unreachable: cfg.UnreachableTimeout,
		Logs: deploy.LogMode(cfg.Logs), MaxParallel: cfg.MaxParallel, FailFast: cfg.FailFast,
		Verify: deploy.VerifyMode(cfg.Verify), StableFor: cfg.StableFor, Rollback: cfg.Rollback, DryRun: cfg.DryRun,
		Prepare: deploy.Changes{Image: cfg.Image, Env: cfg.Env, ReplaceEnv: cfg.EnvMode == "replace", Source: cfg.Source, SourcePath: cfg.SourcePath,
			BuildArgs: cfg.BuildArgs, BuildSecrets: cfg.BuildSecrets},
	}
	if f := cfg.ComposeFile; f != nil {
		o.Prepare.ComposeFile, o.Prepare.ComposePath = f.Text, f.Path
	}
	if h := cfg.HealthURL; h != nil {
		o.Health = &deploy.Health{
			URL: h.URL, Path: h.Path, Contains: cfg.HealthText, Headers: cfg.HealthHeaders, Accept: cfg.HealthStatus, Timeout: cfg.HealthTimeout, CACerts: cfg.CACerts, SkipVerify: cfg.TLSSkipVerify,
			UserAgent: p.userAgent(),
		}
	}
	o.CI = deploy.CI{Repository: host.Repository(), Commit: commit.SHA, Ref: commit.Ref, PullRequest: commit.PullRequest}
	if o.Follow = following(cfg.Follow, host); o.Follow != nil {
		o.CI.Commit = o.Follow.Commit
	}
	o.Title = cmp.Or(o.Title, commit.Title(), "Deployed by dokploy-deploy")
	o.Description = cmp.Or(o.Description, commit.Description())
	for _, ref := range cfg.Applications {
		o.Targets = append(o.Targets, deploy.Target{Kind: dokploy.Application, Ref: ref})
	}
	for _, ref := range cfg.Composes {
		o.Targets = append(o.Targets, deploy.Target{Kind: dokploy.Compose, Ref: ref})
	}
	return o
}

// client returns the client of the inputs' Dokploy.
func (p Program) client(cfg *config.Config, printer *ci.Printer) *dokploy.Client {
	o := dokploy.Options{
		URL: cfg.URL, Key: cfg.APIKey, Header: cfg.Headers, CACerts: cfg.CACerts, SkipVerify: cfg.TLSSkipVerify,
		UserAgent: p.userAgent(), Dial: p.Dial,
	}
	if cfg.Debug {
		o.Trace = func(method, path string, status int, took time.Duration) {
			printer.Debug(fmt.Sprintf("%s %s %d %s", method, path, status, took.Round(time.Millisecond)))
		}
	}
	return dokploy.New(o)
}
