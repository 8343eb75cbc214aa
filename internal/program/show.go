package program

import (
	"strings"
	"time"

	"dokploy-deploy/internal/ci"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
)

// show ends the output: successes first, then what failed and why.
func show(printer *ci.Printer, report *verdict.Report) {
	for _, r := range report.Results {
		if r.Status.OK() {
			success(printer, report, r)
		}
	}
	for _, r := range report.Results {
		switch {
		case r.Status == verdict.Skipped && report.Follow: // as was asked for
			printer.Note("", r.Name+" "+r.Headline())
		case r.Status == verdict.Skipped:
			printer.WarnAbout(r.Name+" was skipped", r.Name+" "+r.Headline())
		}
	}
	said := map[saying]bool{}
	for _, r := range report.Results {
		key := saying{input: r.ConcernedInput(), Outcome: r.Outcome}
		if r.Found() {
			key.name = r.Name
		}
		if r.Status.OK() || r.Status == verdict.Skipped || said[key] {
			continue
		}
		said[key] = true
		if !r.Found() || r.Input != "" {
			printer.Error(ci.Problem{Title: r.Title(), Input: r.ConcernedInput(), Text: r.Why(), Hint: r.Advice()})
			continue
		}
		printer.Failure(failure(r, printer.LogIsAbove(r.Name)))
	}
}

// success shows a target that was deployed, or can be.
func success(printer *ci.Printer, report *verdict.Report, r verdict.Result) {
	switch {
	case r.Status == verdict.Queued:
		printer.Success(r.Name+" was accepted by Dokploy and is not followed", r.DashboardURL)
		return
	case report.DryRun && report.Follow:
		printer.Success(r.Name + " can be followed; this was a dry run, nothing was waited for")
		return
	case report.DryRun:
		printer.Success(r.Name + " can be deployed; this was a dry run, nothing was changed")
		return
	}
	line := r.Name + " deployed in " + text.Duration(r.Took)
	if report.Follow { // it may have been deployed before
		line = r.Name + " is deployed"
	}
	if r.Commit != "" {
		line += " (commit " + r.ShortCommit() + ")"
	}
	if report.Follow && r.Took >= time.Second {
		line += ", followed for " + text.Duration(r.Took)
	}
	printer.Success(line, r.URLs...)
}

// saying is a failure that was shown. What concerns all targets is shown once.
type saying struct {
	input, name string
	verdict.Outcome
}

// tailShown is how many of the last log lines a failure quotes.
const tailShown = 12

// failure describes why a target failed. It quotes the last lines of the log
// unless they stand right above.
func failure(r verdict.Result, logIsAbove bool) ci.Failure {
	f := ci.Failure{
		Verdict: r.Name + " " + r.Became(), Reason: r.Why(), File: r.Place.File, Line: r.Place.Line,
		QuotedOf: r.TailOf, Rollback: r.WentBack, Hint: r.Advice(), Dashboard: r.DashboardURL,
	}
	if logIsAbove && r.TailOf == "" && r.WentBack == "" {
		return f // the rollback may have a log of its own
	}
	for _, line := range r.Tail {
		if said := strings.TrimSpace(line); said != "" && !strings.HasPrefix(said, "Error occurred ❌") {
			f.Quoted = append(f.Quoted, line)
		}
	}
	f.Quoted = f.Quoted[max(0, len(f.Quoted)-tailShown):]
	return f
}

// summary returns the rows of the step summary.
func summary(report *verdict.Report) []ci.Row {
	var rows []ci.Row
	for _, r := range report.Results {
		row := ci.Row{
			Target: r.Name, Status: string(r.Status), OK: r.Status.OK(), Skipped: r.Status == verdict.Skipped,
			URL: r.URL(), Dashboard: r.DashboardURL, Verified: string(r.Verified), Set: r.WasSet,
			Reason: r.Why(), Rollback: r.WentBack, Hint: r.Advice(), Tail: r.Tail,
		}
		row.DryRun = report.DryRun
		switch {
		case report.DryRun && row.OK && report.Follow:
			row.Status = "can be followed"
		case report.DryRun && row.OK:
			row.Status = "can be deployed" // done, it would say
		}
		for cell, d := range map[*string]time.Duration{&row.Queued: r.Queued, &row.Build: r.Build, &row.Total: r.Took} {
			if d >= 0 && !r.At.IsZero() { // else nothing was attempted
				*cell = text.Duration(d)
			}
		}
		if r.Commit != "" {
			row.Build = strings.TrimSpace(row.Build + " (commit " + r.ShortCommit() + ")")
		}
		rows = append(rows, row)
	}
	return rows
}
