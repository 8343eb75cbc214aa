// Package program is dokploy-deploy without its process: the environment goes
// in, output and exit code come out.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"dokploy-deploy/internal/ci"
	"dokploy-deploy/internal/config"
	"dokploy-deploy/internal/deploy"
	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
)

// Program is what a run has besides its inputs.
type Program struct {
	Version        string // of a release; "": what the build says
	Stdout, Stderr io.Writer
}

// Interrupt is the cause of a context that a signal ended.
type Interrupt struct{ syscall.Signal }

func (i Interrupt) Error() string { return "interrupted by " + i.String() }

// Is makes it an interrupt for package deploy, too.
func (Interrupt) Is(target error) bool { return target == deploy.ErrInterrupted }

// Code is the exit code of a process that the signal ended.
func (i Interrupt) Code() int { return 128 + int(i.Signal) }

// Run runs the program once, and returns its exit code.
func (p Program) Run(ctx context.Context, args []string, env config.Environment) int {
	if len(args) > 0 {
		return p.flags(args)
	}
	host := ci.Detect(env.Lookup)
	cfg, err := config.Load(env, config.Facts{NoSecrets: host.NoSecrets(), Checkout: host.Checkout()})
	printer := ci.New(host, p.Stdout, cfg.Secrets())
	defer context.AfterFunc(ctx, printer.Hurry)()
	defer printer.Close() //nolint:errcheck // nobody is left to be told
	for _, w := range cfg.Warnings {
		printer.Warn("", w.Input+": "+w.Text)
	}
	if err != nil {
		return invalid(host, printer, cfg, err)
	}
	if cfg.TLSSkipVerify {
		printer.Warn("", "tls-skip-verify is on: the server's certificate is not checked, so anybody on the way can read the key")
	}
	report := deploy.Run(ctx, p.options(cfg, host, printer))
	code := report.ExitCode()
	var sig Interrupt
	if errors.As(context.Cause(ctx), &sig) && report.Status() == verdict.Interrupted {
		code = sig.Code()
	}
	show(printer, report)
	write(host, printer, outputs(report, printer.Text), cfg.OutputFile)
	if err := host.WriteSummary(printer, summary(report)); err != nil {
		printer.Warn("", err.Error())
	}
	return code
}

// write writes the outputs.
func write(host ci.Host, printer *ci.Printer, out ci.Outputs, file string) {
	warnings, err := host.WriteOutputs(out, file)
	for _, w := range warnings {
		printer.Warn("", w)
	}
	if err != nil {
		printer.Warn("", err.Error())
	}
}

func (p Program) flags(args []string) int {
	switch {
	case len(args) == 1 && (args[0] == "--help" || args[0] == "-h"):
		Usage(p.Stdout)
	case len(args) == 1 && (args[0] == "--version" || args[0] == "-v"):
		fmt.Fprintln(p.Stdout, p.name())
	default:
		fmt.Fprintf(p.Stderr, "error: dokploy-deploy takes its inputs from the environment and no arguments (given: %s)\nhint:  dokploy-deploy --help lists them\n", strings.Join(args, " "))
		return verdict.ExitInvalid
	}
	return verdict.ExitOK
}

// invalid reports every problem with the inputs; nothing was sent.
func invalid(host ci.Host, printer *ci.Printer, cfg *config.Config, err error) int {
	var problems *config.Error
	if errors.As(err, &problems) {
		for _, p := range problems.Problems {
			printer.Error(p.Input, p.Text, "")
		}
	} else {
		printer.Error("", err.Error(), "")
	}
	out := ci.Outputs{Status: string(verdict.Invalid), Deployments: "[]"}
	write(host, printer, out, cfg.OutputFile)
	return verdict.ExitInvalid
}

func (p Program) options(cfg *config.Config, host ci.Host, printer *ci.Printer) deploy.Options {
	commit := host.Commit()
	o := deploy.Options{
		Reporter: printer, URL: cfg.URL.String(), Program: p.name(),
		Operation: cfg.Operation, Title: cfg.Title, Description: cfg.Description,
		Wait: cfg.Wait, Timeout: cfg.Timeout, Unreachable: cfg.UnreachableTimeout,
		Logs: deploy.LogMode(cfg.Logs), MaxParallel: cfg.MaxParallel,
		Verify: deploy.VerifyMode(cfg.Verify), StableFor: cfg.StableFor, Rollback: cfg.Rollback, DryRun: cfg.DryRun,
		Prepare: deploy.Changes{Image: cfg.Image, Env: cfg.Env, ReplaceEnv: cfg.EnvMode == "replace", Source: cfg.Source, SourcePath: cfg.SourcePath,
			BuildArgs: cfg.BuildArgs, BuildSecrets: cfg.BuildSecrets},
	}
	if f := cfg.ComposeFile; f != nil {
		o.Prepare.ComposeFile, o.Prepare.ComposePath = f.Text, f.Path
	}
	if h := cfg.HealthURL; h != nil {
		o.Health = &deploy.Health{
			URL: h.URL, Path: h.Path, Accept: cfg.HealthStatus, Timeout: cfg.HealthTimeout, CACerts: cfg.CACerts, SkipVerify: cfg.TLSSkipVerify,
			UserAgent: p.userAgent(),
		}
	}
	if o.Title == "" {
		o.Title = commit.Title()
	}
	if o.Title == "" {
		o.Title = "Deployed by dokploy-deploy"
	}
	if o.Description == "" {
		o.Description = commit.Description()
	}
	for _, ref := range cfg.Applications {
		o.Targets = append(o.Targets, deploy.Target{Kind: dokploy.Application, Ref: ref})
	}
	for _, ref := range cfg.Composes {
		o.Targets = append(o.Targets, deploy.Target{Kind: dokploy.Compose, Ref: ref})
	}
	client := dokploy.Options{
		URL: cfg.URL, Key: cfg.APIKey, Header: cfg.Headers, CACerts: cfg.CACerts, SkipVerify: cfg.TLSSkipVerify,
		UserAgent: p.userAgent(),
	}
	if cfg.Debug {
		client.Trace = func(method, path string, status int, took time.Duration) {
			printer.Note("", fmt.Sprintf("debug: %s %s %d %s", method, path, status, took.Round(time.Millisecond)))
		}
	}
	o.Client = dokploy.New(client)
	return o
}

// show ends the output: the successes, then what failed and why, last.
func show(printer *ci.Printer, report *verdict.Report) {
	for _, r := range report.Results {
		switch {
		case r.Status == verdict.Done && report.DryRun:
			printer.Success(r.Name, r.Name+" can be deployed; this was a dry run, nothing was changed")
		case r.Status == verdict.Done:
			line := r.Name + " deployed in " + text.Duration(r.Took)
			for _, url := range r.URLs {
				line += "   " + url
			}
			printer.Success(r.Name, line)
		case r.Status == verdict.Queued:
			printer.Success(r.Name, r.Name+" is accepted by Dokploy, not followed   "+r.DashboardURL)
		}
	}
	type saying struct { // what concerns all targets is said once
		input, name string
		verdict.Outcome
	}
	said := map[saying]bool{}
	for _, r := range report.Results {
		key := saying{input: r.ConcernedInput(), Outcome: r.Outcome}
		if r.Found() {
			key.name = r.Name
		}
		if r.Status.OK() || said[key] {
			continue
		}
		said[key] = true
		if !r.Found() || r.Input != "" {
			printer.Error(r.ConcernedInput(), r.Why(), r.Advice())
			continue
		}
		printer.Failure(r.Name, r.Place.File, r.Place.Line, failure(r, printer.LogIsAbove(r.Name)))
	}
}

// summary is what the host keeps of the run.
func summary(report *verdict.Report) []ci.Row {
	var rows []ci.Row
	for _, r := range report.Results {
		row := ci.Row{
			Target: r.Name, Status: string(r.Status), OK: r.Status.OK(),
			URL: r.URL(), Dashboard: r.DashboardURL, Reason: r.Error(), Tail: r.Tail, Verified: string(r.Verified),
		}
		for cell, d := range map[*string]time.Duration{&row.Queued: r.Queued, &row.Build: r.Build, &row.Took: r.Took} {
			if d >= 0 {
				*cell = text.Duration(d)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// tailShown is how many of the last lines a failure quotes.
const tailShown = 12

// failure says what became of a target. The last lines of its log are quoted
// where they do not stand right above.
func failure(r verdict.Result, logIsAbove bool) []string {
	lines := []string{r.Name + " " + r.Headline()}
	quoted := r.Tail
	if logIsAbove && r.TailOf == "" && r.WentBack == "" {
		quoted = nil // going back may have a log of its own
	}
	var tail []string
	for _, line := range quoted {
		if text := strings.TrimSpace(line); text != "" && !strings.HasPrefix(text, "Error occurred ❌") {
			tail = append(tail, "  "+line)
		}
	}
	if len(tail) > tailShown {
		tail = tail[len(tail)-tailShown:]
	}
	if r.TailOf != "" && len(tail) > 0 {
		lines = append(lines, "last lines of "+r.TailOf+":")
	}
	lines = append(lines, tail...)
	if r.WentBack != "" {
		lines = append(lines, "rollback: "+r.WentBack)
	}
	if hint := r.Advice(); hint != "" {
		lines = append(lines, "hint: "+hint)
	}
	if r.DashboardURL != "" {
		lines = append(lines, "look: "+r.DashboardURL)
	}
	return lines
}

// outputs are those of a run. What a build printed may be quoted in their free
// text, which fit masks and shortens.
func outputs(report *verdict.Report, fit func(string) string) ci.Outputs {
	out := ci.Outputs{
		Status: string(report.Status()), DeploymentID: report.DeploymentIDs(),
		Duration: int(report.Took.Round(time.Second).Seconds()), Deployments: report.JSON(fit),
	}
	if len(report.Results) > 0 {
		out.URL, out.DashboardURL = report.Results[0].URL(), report.Results[0].DashboardURL
	}
	return out
}

// name is the name and the version, as a person reads them.
func (p Program) name() string {
	v := p.Version
	if v == "" {
		if info, ok := debug.ReadBuildInfo(); ok {
			v = info.Main.Version
		}
		if v == "" || v == "(devel)" {
			v = "dev"
		}
	}
	return "dokploy-deploy " + strings.TrimPrefix(v, "v")
}

// userAgent is how servers see it.
func (p Program) userAgent() string { return strings.ReplaceAll(p.name(), " ", "/") }

// Usage is the answer to --help.
func Usage(w io.Writer) {
	fmt.Fprintln(w, "dokploy-deploy deploys a service of a Dokploy server from CI, follows that deployment and ends with the truth.")
	fmt.Fprintln(w)
	config.Usage(w)
	fmt.Fprintln(w, "\nOutputs (GITHUB_OUTPUT; as DOKPLOY_NAME=value lines in output-file and DRONE_OUTPUT,\nwhere url is DOKPLOY_DEPLOYED_URL):")
	for _, o := range ci.OutputTable {
		fmt.Fprintf(w, "  %-15s %s\n", o.Name, o.Meaning)
	}
	fmt.Fprint(w, `
Exit codes:
  0         deployed (or, with wait: false, accepted)
  1         the deployment failed: error, cancelled, unhealthy, lost
  2         the inputs are wrong, or name something that does not exist
  3         Dokploy cannot be reached, or refuses the key
  4         timed out; the deployment may still be going on in Dokploy
  129, 130, 143  interrupted by SIGHUP (unless it is ignored), SIGINT, SIGTERM
`)
}
