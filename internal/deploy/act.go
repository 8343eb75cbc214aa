package deploy

import (
	"context"
	"time"

	"dokploy-deploy/internal/buildlog"
	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/track"
)

// act does what follows from a decision: the verifier looks, a person is told,
// the log is followed.
func (w *watcher) act(ctx context.Context, d track.Decision, rows []dokploy.Deployment) {
	if d.Left != "" && d.Left != w.r.left {
		w.r.left, w.r.detail = d.Left, ""
	}
	if d.Waits {
		w.lookAhead(ctx, d.Place)
	}
	w.r.queue = w.r.tracked.Queue()
	if d.Held != nil {
		w.r.row = d.Held
		w.r.result.DeploymentID = d.Held.ID
	}
	if d.Doing == track.DoingAwaited && d.End == nil {
		w.awaited(ctx)
	}
	for _, e := range d.Tell {
		w.r.down.answers()
		w.tell(ctx, e, rows)
	}
	w.r.t.screen.doing(w.heartbeat(d))
	if d.Held != nil {
		w.followLog(ctx)
	}
}

// lookAhead uses the time while the job waits: what runs is looked at, and a
// build ahead that takes far longer than usual is spoken of.
func (w *watcher) lookAhead(ctx context.Context, at track.Place) {
	if w.r.verifier != nil {
		w.r.verifier.lookWhileQueued(ctx)
	}
	p, now := w.r.t.placeOf(at), at.Clock.At(time.Now())
	late := w.ahead.look(ctx, w.r, p, now)
	w.r.detail = p.waitsFor(now)
	if late != "" {
		w.r.down.answers()
		w.r.t.warn("%s", late)
	}
}

// tell says what has happened, and does what belongs to it.
func (w *watcher) tell(ctx context.Context, e track.Event, rows []dokploy.Deployment) {
	switch e.Kind {
	case track.Found:
		if text := sharedLog(w.r.row, rows); text != "" {
			w.r.t.warn("%s", text)
		}
	case track.Started:
		w.r.t.note("%s", w.startText(e.Waited))
	case track.FoundEnded:
		w.r.t.note("%s", endedText(w.r.row))
	case track.RunsAgain:
		w.r.t.note("Dokploy runs it again")
		if e.Others && w.r.verifier != nil { //rule:others-between-the-runs
			// What ran before is from before those. It is looked at again now.
			w.r.verifier.forget(errBetween)
		}
		w.stopLate()
		if w.r.log != nil {
			w.r.log.Stop()
			w.r.log = nil
		}
	default:
		w.say(e)
	}
	if e.Kind == track.RunsAgain || e.Kind == track.Found {
		w.begin(ctx)
	}
}

// begin starts what goes beside the looks: the warning about a deployment that
// takes far too long, and the look at what runs.
func (w *watcher) begin(ctx context.Context) {
	w.began = time.Now()
	if w.r.verifier != nil {
		w.r.verifier.lookAtBeginning(ctx, w.r.row, w.r.base.lastEnd)
	}
	if w.r.base.usual > 0 {
		far := farBeyond(w.r.base.usual)
		w.late = time.AfterFunc(far, func() {
			w.r.t.warn("it has been running for %s; it usually takes %s", text.Duration(far), text.Duration(w.r.base.usual))
		})
	}
}

func (w *watcher) stopLate() {
	if w.late != nil {
		w.late.Stop()
	}
}

// followLog follows the log, once the row names it.
func (w *watcher) followLog(ctx context.Context) {
	r := w.r
	if r.log != nil || r.row.LogPath == "" {
		return
	}
	source := dokploy.LogSource{DeploymentID: r.row.ID, Path: r.row.LogPath, ServerID: r.t.service.ServerID}
	if build := firstOf(r.row.BuildServerID, r.t.service.BuildServerID); build != "" {
		source.ServerID, source.NoREST = build, true
	}
	// The log outlives the target's time: what was written is shown.
	r.log = buildlog.Follow(context.WithoutCancel(ctx), r.t.client.Log(source), buildlog.Events{
		Line: r.t.screen.line,
		Lost: r.t.screen.lostLines,
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

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
