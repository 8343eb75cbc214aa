package deploy

import (
	"dokploy-deploy/internal/buildlog"
	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/reason"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
)

// end is how a deployment ended, and what shows why.
type end struct {
	outcome  verdict.Outcome
	left     verdict.Left // what goes on in Dokploy, if it was cut off
	place    reason.Place // where the build broke
	tail     []string     // last lines of a log
	tailOf   string       // whose log; empty: the deployment's
	verified verdict.Verified
}

func (e end) done() bool { return e.outcome.Status == verdict.Done }

// showing returns the end with a container's log that shows why.
func (e end) showing(log containerLog) end {
	if log.name != "" {
		e.tail, e.tailOf = log.lines, "the container "+log.name
	}
	return e
}

// withoutPreview is the end of a deployment whose preview is gone.
func (e end) withoutPreview(number int) end {
	e.outcome = verdict.Reason{Kind: verdict.PreviewGone, N: number}.Outcome()
	e.tail, e.tailOf = nil, ""
	return e
}

// doneBy says what Dokploy did in a deployment that it reports as done.
func (t target) doneBy() string {
	switch {
	case t.service.Kind == dokploy.Compose:
		return "deployed"
	case t.service.SourceType == "docker" && t.o.Prepare.Source == nil:
		return "pulled"
	}
	return "built"
}

// explain says how it ended, and why it failed, as far as its log tells.
func explain(t target, base baseline, d ending, shown buildlog.Outcome, e end) end {
	status := e.outcome.Status
	if took := d.built(); status == verdict.Done && took >= 0 {
		t.note("%s by Dokploy in %s", t.doneBy(), text.Duration(took))
	}
	if status != verdict.Failed && status != verdict.Cancelled && status != verdict.Lost {
		return e
	}
	if t.o.Logs == LogFailure || status == verdict.Failed {
		t.screen.replay() // of which the last lines are quoted
	}
	if status != verdict.Failed {
		return e // the log does not say why
	}
	if t.service.ServerID != "" && continuesAfterError(t.screen.tail.lines()) {
		if e.outcome.Reason.Kind == "" {
			e.outcome = verdict.Reason{Kind: verdict.ConnectionBroke}.Outcome()
		}
		// What is built there is tagged as what the service runs.
		e.outcome.Suggest(verdict.BrokenOff)
	}
	if base.typical > 0 && t.service.Kind == dokploy.Application && (d.row == nil || !base.lastEnd.After(d.row.FinishedAt)) {
		// Only a pull or a build ends like this, and nothing came after it.
		e.outcome.Suggest(verdict.StillRuns)
	}
	why := t.locate(t.screen.why.Reason())
	e.tail = quote(t.screen.tail.lines(), why)
	if e.outcome.Reason.Kind != "" {
		return e // Dokploy itself said it, or the log is not of a single build
	}
	if why.Target == "" { // otherwise it is one of several files of that name
		e.place = why.Place
	}
	e.outcome.Hint = verdict.Hint(join(why.Hint, string(e.outcome.Hint)))
	if e.outcome.Reason = (verdict.Reason{Kind: verdict.LogSays, Text: why.String()}); e.outcome.Reason.Text == "" {
		e.outcome.Reason = unexplained(d.log != nil, shown)
	}
	return e
}

// unexplained is the reason of a failure if neither Dokploy nor the part of the
// log that was seen says why.
func unexplained(hasLog bool, shown buildlog.Outcome) verdict.Reason {
	switch {
	case !hasLog:
		return verdict.Reason{Kind: verdict.NoLog}
	case shown.Empty:
		return verdict.Reason{Kind: verdict.EmptyLog}
	case shown.Missing == "":
		return verdict.Reason{Kind: verdict.LogSilent}
	case shown.Lines > 0:
		return verdict.Reason{Kind: verdict.LogNotReadToEnd, Text: shown.Missing}
	}
	return verdict.Reason{Kind: verdict.UnreadLog, Text: shown.Missing}
}
