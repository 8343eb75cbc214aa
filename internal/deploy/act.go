package deploy

import (
	"context"
	"slices"
	"time"

	"dokploy-deploy/internal/buildlog"
	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/track"
)

// act acts on a decision: it lets the verifier look, reports what happened, and
// follows the log.
func (w *watcher) act(ctx context.Context, d track.Decision, rows []dokploy.Deployment) {
	e := &w.ending
	if d.Left != "" && d.Left != e.sent.left {
		e.sent.left, e.sent.detail = d.Left, ""
	}
	if d.Preview != nil {
		w.adopt(d.Preview)
	}
	if d.Waits {
		w.lookAhead(ctx, d.Place)
	}
	if d.Held != nil {
		e.row = d.Held
	}
	if d.Doing == track.DoingAwaited && d.End == nil {
		w.awaited(ctx, d)
	}
	for _, event := range d.Tell {
		w.verifier.down.answers()
		w.say(event, rows)
		w.react(ctx, event)
	}
	w.t.screen.doing(w.heartbeat(d))
	if d.Held != nil {
		if d.Held.Terminal() {
			w.stopLate()
		}
		w.followLog(ctx)
	}
}

// lookAhead uses the time while the job waits: it looks at what is running, and
// reports a build ahead that takes far longer than usual.
func (w *watcher) lookAhead(ctx context.Context, at track.Place) {
	w.verifier.lookWhileQueued(ctx)
	p, now := w.t.placeOf(at), at.Clock.At(time.Now())
	late := w.ahead.look(ctx, w.t, w.base.typical, p, now)
	w.ending.sent.detail = p.waitsFor(now)
	if late != "" {
		w.verifier.down.answers()
		w.t.warn("%s", late)
	}
}

// react does what an event in Dokploy asks for.
func (w *watcher) react(ctx context.Context, e track.Event) {
	switch e.Kind {
	case track.Found:
		w.begin(ctx)
	case track.RunsAgain:
		w.verifier.runsAgain(e.Others)
		w.stopLate()
		if w.ending.log != nil {
			w.ending.log.Stop()
			w.ending.log = nil
		}
		w.begin(ctx)
	}
}

// begin starts what runs beside the looks: the warning about a deployment that
// takes far too long, and the look at what is running.
func (w *watcher) begin(ctx context.Context) {
	w.began = time.Now()
	w.verifier.recheckAtStart(ctx, w.ending.row, w.base.lastEnd)
	if w.base.typical > 0 {
		far := farBeyond(w.base.typical)
		w.late = time.AfterFunc(far, func() {
			w.t.warn("it has been running for %s; it usually takes %s", text.Duration(far), text.Duration(w.base.typical))
		})
	}
}

// stopLate stops the warning about a deployment that takes far too long.
func (w *watcher) stopLate() {
	if w.late != nil {
		w.late.Stop()
	}
}

// settleDelay gives Dokploy time to write the end that its log has just shown:
// the last line comes 2 to 48 ms before it, with a median of 14
// (docs/dokploy.md, Log files).
const settleDelay = 12 * time.Millisecond

// followLog follows the log as soon as the row names it.
func (w *watcher) followLog(ctx context.Context) {
	t, row := w.t, w.ending.row
	if w.ending.log != nil || row.LogPath == "" {
		return
	}
	source := dokploy.LogSource{DeploymentID: row.ID, Path: row.LogPath, ServerID: t.service.ServerID}
	if build := firstOf(row.BuildServerID, t.service.BuildServerID); build != "" {
		source.ServerID, source.NoREST = build, true
	}
	// The log may outlast the target's time: what was written is shown.
	w.ending.log = buildlog.Follow(context.WithoutCancel(ctx), t.client.Log(source), buildlog.Events{
		Line: t.screen.line,
		Lost: t.screen.lostLines,
		Wake: func() {
			time.AfterFunc(settleDelay, func() {
				select {
				case w.wake <- struct{}{}:
				default:
				}
			})
		},
	})
}

// awaited is called after a look that showed no deployment of the commit. What
// was seen running before it was there before its rollout.
func (w *watcher) awaited(ctx context.Context, d track.Decision) {
	t := w.t
	if there := t.service.PullRequest == 0 || d.Preview != nil; there {
		w.verifier.lookWhileQueued(ctx)
	} else {
		w.verifier.ranNothing()
	}
	if !w.awaitedSince.IsZero() {
		return
	}
	w.awaitedSince = time.Now()
	w.verifier.down.answers()
	what := "deployment of it"
	if !made(t.service) {
		what = "preview"
	}
	t.note("Dokploy shows no %s yet; waiting up to %s", what, text.Duration(min(t.o.Follow.StartTimeout, t.o.Timeout)))
	noteObstacles(t, w.previews)
}

// adopt makes the listed preview the one that is followed. Its domain may be
// added later.
func (w *watcher) adopt(p *dokploy.Preview) {
	known := w.t.service
	if known.PreviewID == p.ID && slices.Equal(known.Domains, p.Domains) {
		return
	}
	if known.PreviewID != p.ID {
		w.base = newBaseline(p.Deployments)
	}
	w.t.service = p.Of(known)
	w.verifier.turnTo(w.t.service)
	w.ending.preview = &preview{target: w.t, base: w.base}
}
