// Package program is dokploy-deploy without the process: it takes the
// environment, and returns output and an exit code.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"dokploy-deploy/internal/ci"
	"dokploy-deploy/internal/config"
	"dokploy-deploy/internal/deploy"
	"dokploy-deploy/internal/verdict"
)

// Program is what a run needs besides its inputs.
type Program struct {
	Version        string // of a release; "": what the build says
	Stdout, Stderr io.Writer

	// Dial, if set, makes the connections to Dokploy (tests).
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Interrupt is the cause of a context that a signal ended.
type Interrupt struct{ syscall.Signal }

func (i Interrupt) Error() string { return "interrupted by " + i.String() }

// Is makes it match package deploy's ErrInterrupted.
func (Interrupt) Is(target error) bool { return target == deploy.ErrInterrupted }

// Code returns the exit code of a process that the signal ended.
func (i Interrupt) Code() int { return 128 + int(i.Signal) }

// Run runs the program once and returns its exit code.
func (p Program) Run(ctx context.Context, args []string, env config.Environment) int {
	if len(args) > 0 {
		return p.flags(args)
	}
	host := ci.Detect(env.Lookup)
	run := host.Commit()
	cfg, err := config.Load(env, config.Facts{NoSecrets: host.NoSecrets(), Checkout: host.Checkout(), Commit: run.SHA, Head: host.Head(), PullRequest: run.PullRequest})
	printer := ci.New(host, p.Stdout, cfg.Secrets())
	defer context.AfterFunc(ctx, printer.Hurry)()
	defer printer.Close() //nolint:errcheck // nobody is left to be told
	for _, w := range cfg.Warnings {
		printer.WarnAbout(check(w.Input), w.Input+": "+w.Text)
	}
	if err != nil {
		return invalid(host, printer, cfg, err)
	}
	if cfg.TLSSkipVerify {
		printer.WarnAbout("check the input tls-skip-verify", "tls-skip-verify is on: the server's certificate is not checked, so anyone on the network path can read the key")
	}
	report := deploy.Run(ctx, p.options(cfg, host, printer))
	code := report.ExitCode()
	var sig Interrupt
	if errors.As(context.Cause(ctx), &sig) && report.Status() == verdict.Interrupted {
		code = sig.Code()
	}
	show(printer, report)
	write(host, printer, outputs(report, printer.Text), cfg.OutputFile)
	summarise(host, printer, summary(report), nil)
	return code
}

// write writes the outputs.
func write(host ci.Host, printer *ci.Printer, out ci.Outputs, file string) {
	warnings, err := host.WriteOutputs(out, file)
	for _, w := range warnings {
		printer.WarnAbout("the outputs", w)
	}
	if err != nil {
		printer.WarnAbout("the outputs", err.Error())
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

// invalid reports all problems with the inputs. Nothing was sent.
func invalid(host ci.Host, printer *ci.Printer, cfg *config.Config, err error) int {
	var wrong *config.Error
	problems := []ci.Problem{{Text: err.Error(), Title: "wrong inputs"}}
	if errors.As(err, &wrong) {
		problems = nil
		for _, p := range wrong.Problems {
			problems = append(problems, ci.Problem{Title: check(p.Input), Input: p.Input, Text: p.Text})
		}
	}
	for _, p := range problems {
		printer.Error(p)
	}
	out := ci.Outputs{Status: string(verdict.Invalid), Deployments: "[]"}
	write(host, printer, out, cfg.OutputFile)
	summarise(host, printer, nil, problems)
	return verdict.ExitInvalid
}

// check is the title of what is wrong with an input, or with a variable that
// looks like one: no input has a _ in its name.
func check(input string) string {
	if strings.Contains(input, "_") {
		return "check the variable " + input
	}
	return "check the input " + input
}

// summarise writes the step summary, where the host has one.
func summarise(host ci.Host, printer *ci.Printer, rows []ci.Row, problems []ci.Problem) {
	if err := host.WriteSummary(printer, rows, problems); err != nil {
		printer.WarnAbout("the summary", err.Error())
	}
}

// outputs returns the outputs of a run. Their free text may quote what a build
// printed; fit masks and shortens it.
func outputs(report *verdict.Report, fit func(string) string) ci.Outputs {
	out := ci.Outputs{
		Status: string(report.Status()), DeploymentID: report.DeploymentIDs(), Commit: report.Commit(),
		Duration: int(report.Took.Round(time.Second).Seconds()), Deployments: report.JSON(fit),
	}
	if len(report.Results) > 0 {
		out.URL, out.DashboardURL = report.Results[0].URL(), report.Results[0].DashboardURL
	}
	return out
}

// name returns the name and version for people.
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

// userAgent returns the name and version for servers.
func (p Program) userAgent() string { return strings.ReplaceAll(p.name(), " ", "/") }
