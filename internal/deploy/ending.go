package deploy

import (
	"context"
	"time"

	"dokploy-deploy/internal/buildlog"
	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
)

// ending is the result of a watch, or what was known when an error ended it.
type ending struct {
	sent sent
	last track.Decision
	row  *dokploy.Deployment // nil: not found
	log  *buildlog.Log       // of that row; nil: it has none yet
	// preview is what is followed, once Dokploy has made it; nil: it has not, or
	// it is none.
	preview *preview
}

// shows reports whether Dokploy has shown that it has the trigger.
func (e ending) shows() bool { return e.last.Took == track.TookYes }

// outcome returns the outcome of a deployment that no error ended.
func (e ending) outcome() verdict.Outcome {
	if e.last.End == nil {
		return verdict.Outcome{Status: verdict.Queued} // it is not followed
	}
	return ended(e.last.End.Row)
}

// queued and built return how long it waited and was built, by the server's
// clock; negative: unknown.
func (e ending) queued() time.Duration {
	at := e.sent.state.QueuedAt()
	if e.row == nil || e.row.StartedAt.IsZero() || at.IsZero() {
		return -1
	}
	return max(0, e.row.StartedAt.Sub(at))
}

func (e ending) built() time.Duration {
	if e.row == nil || e.row.StartedAt.IsZero() || e.row.FinishedAt.IsZero() {
		return -1
	}
	return e.row.FinishedAt.Sub(e.row.StartedAt)
}

// closeLog stops following the log. It waits for the log's end if that is
// useful: for a deployment that is done, only if somebody watches; for one
// without a status, nobody knows when the end comes. The log may outlast the
// target's time.
func (e ending) closeLog(ctx, timed context.Context, status verdict.Status, mode LogMode) buildlog.Outcome {
	if e.log == nil {
		return buildlog.Outcome{}
	}
	if status != "" && (status != verdict.Done || mode == LogLive) {
		e.log.Drain(ctx, logsEnd(timed), status != verdict.Cancelled)
	}
	return e.log.Stop()
}

// logsEnd returns how long to wait for the end of a log: 10 s, and little
// beyond the target's time.
func logsEnd(ctx context.Context) time.Duration {
	limit := 10 * time.Second
	if end, ok := ctx.Deadline(); ok {
		limit = min(limit, max(time.Until(end), 3*time.Second))
	}
	return limit
}

// ended returns the outcome of a row that has ended.
func ended(row *dokploy.Deployment) verdict.Outcome {
	why := verdict.Reason{Kind: verdict.CancelledThere}
	switch {
	case row.Status == dokploy.StatusDone:
		return verdict.Outcome{Status: verdict.Done}
	case row.Status == dokploy.StatusError && text.OneLine(row.ErrorMessage) == "":
		return verdict.Outcome{Status: verdict.Failed} // its log may say why
	case row.Status == dokploy.StatusError:
		why = verdict.Reason{Kind: verdict.DokployError, Text: text.OneLine(row.ErrorMessage)}
	case row.StartedAt.IsZero():
		why.Kind = verdict.CancelledEarly
	case row.FinishedAt.IsZero():
		why.Kind = verdict.CutOffByRestart
	}
	return why.Outcome()
}

// sent is what is known about a trigger that was sent, and what goes on in
// Dokploy.
type sent struct {
	state  track.State
	left   verdict.Left
	detail string // of left: what it waits for
}
