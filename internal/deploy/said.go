package deploy

import (
	"fmt"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/track"
)

// say reports what happened in Dokploy.
func (w *watcher) say(e track.Event, rows []dokploy.Deployment) {
	switch e.Kind {
	case track.Found:
		if text := sharedLog(w.ending.row, rows); text != "" {
			w.t.warn("%s", text)
		}
	case track.Started:
		w.t.note("%s", w.startText(e.Waited))
	case track.FoundEnded:
		w.t.note("%s", endedText(w.ending.row))
	case track.RunsAgain:
		w.t.note("Dokploy is running it again")
	case track.TakenUnseen:
		w.t.warn("this Dokploy does not show its queue: the deploy request counts as accepted and is not repeated")
	case track.QueueUnreadable:
		w.t.warn("Dokploy's queue cannot be read (%s); continuing without it", w.unread)
	case track.Queued:
		p := w.t.placeOf(e.Place)
		if key := p.text(time.Time{}); key != w.placed {
			w.placed = key
			w.t.note("%s", p.text(e.Place.Clock.At(time.Now())))
		}
	case track.QueuedRow:
		w.t.note("queued")
	case track.CancelledRunsAgain:
		w.t.warn("Dokploy restarted and cancelled the deployment; this version runs it again on its own: waiting for that")
	case track.CancelledMayRunAgain:
		w.t.note("Dokploy restarted and cancelled the deployment; checking whether it runs it again on its own")
	case track.UnknownStatus:
		w.t.warn("Dokploy reports the status %q, which this program does not know; waiting for one that it knows", text.OneLine(e.Status))
	}
}

// startText says that it has started.
func (w *watcher) startText(waited time.Duration) string {
	line := "started"
	if waited >= time.Second {
		line += " after " + text.Duration(waited)
	}
	if w.base.typical >= time.Second {
		line += "; usually takes " + text.Duration(w.base.typical)
	}
	return line
}

// heartbeat says what is going on while nothing new is seen; nil: nothing.
func (w *watcher) heartbeat(d track.Decision) func() string {
	began := w.began
	switch d.Doing {
	case track.DoingQueued:
		p := w.t.placeOf(d.Place)
		return func() string { return "still " + p.text(d.Place.Clock.At(time.Now())) }
	case track.DoingQueuedRow:
		return func() string { return "still queued" }
	case track.DoingMissing:
		return func() string {
			return "waiting for the deployment, which is neither in Dokploy's queue nor in its list"
		}
	case track.DoingUnseen:
		return func() string { return "no deployment has started yet; this Dokploy does not show its queue" }
	case track.DoingAwaited:
		commit, since := w.t.o.Follow.Commit, w.awaitedSince
		if !made(w.t.service) {
			n := w.t.service.PullRequest
			return func() string {
				return fmt.Sprintf("waiting for Dokploy to make the preview of pull request %d, %s so far", n, text.Duration(time.Since(since)))
			}
		}
		return func() string {
			return fmt.Sprintf("waiting for Dokploy to start a deployment of commit %.7s, %s so far", commit, text.Duration(time.Since(since)))
		}
	case track.DoingRunning:
		return func() string { return "still running after " + text.Duration(time.Since(began)) + w.t.screen.silence() }
	}
	return nil
}

// endedText says that a row had already ended when it was found.
func endedText(row *dokploy.Deployment) string {
	line := "it is over already: done"
	if row.Status != dokploy.StatusDone {
		line = "it is over already: " + row.Status
	}
	if !row.FinishedAt.IsZero() {
		line += " at " + row.FinishedAt.UTC().Format(time.DateTime) + " UTC by the server's clock"
	}
	return line
}
