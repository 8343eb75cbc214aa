package deploy

import (
	"context"
	"errors"
	"time"

	"dokploy-deploy/internal/buildlog"
	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/track"
)

// errBetween is why what ran before a second run is not known.
var errBetween = errors.New("others deployed the service between the two runs of this deployment")

// act does what follows from a decision: the verifier looks, a person is told,
// the log is followed.
func (w *watcher) act(ctx context.Context, d track.Decision, rows []dokploy.Deployment) {
	if d.Left != "" && d.Left != w.left {
		w.left, w.detail = d.Left, ""
	}
	if d.Waits {
		w.lookAhead(ctx, d.Place)
	}
	w.queue = w.tracked.Queue()
	if d.Held != nil {
		w.row = d.Held
		w.result.DeploymentID = d.Held.ID
	}
	for _, e := range d.Tell {
		w.answers()
		w.tell(ctx, e, rows)
	}
	w.screen.doing(w.heartbeat(d))
	if d.Held != nil {
		w.followLog(ctx)
	}
}

// lookAhead uses the time while the job waits: what runs is looked at, and a
// build ahead that takes far longer than usual is spoken of.
func (w *watcher) lookAhead(ctx context.Context, at track.Place) {
	if w.verifier != nil {
		w.verifier.lookWhileQueued(ctx)
	}
	p, now := w.placeOf(at), at.Clock.At(time.Now())
	late := w.ahead.look(ctx, w.run, p, now)
	w.detail = p.waitsFor(now)
	if late != "" {
		w.answers()
		w.warn("%s", late)
	}
}

// tell says what has happened, and does what belongs to it.
func (w *watcher) tell(ctx context.Context, e track.Event, rows []dokploy.Deployment) {
	switch e.Kind {
	case track.Found:
		if text := sharedLog(w.row, rows); text != "" {
			w.warn("%s", text)
		}
	case track.Started:
		w.note("%s", w.startText(e.Waited))
	case track.RunsAgain:
		w.note("Dokploy runs it again")
		if e.Others && w.verifier != nil {
			// What ran before is from before those. It is looked at again now.
			w.verifier.blind = errBetween
		}
		w.stopLate()
		if w.log != nil {
			w.log.Stop()
			w.log = nil
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
	if w.verifier != nil {
		w.verifier.lookAtBeginning(ctx)
	}
	if w.usual > 0 {
		far := farBeyond(w.usual)
		w.late = time.AfterFunc(far, func() {
			w.warn("it has been running for %s; it usually takes %s", text.Duration(far), text.Duration(w.usual))
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
	r := w.run
	if r.log != nil || r.row.LogPath == "" {
		return
	}
	source := dokploy.LogSource{DeploymentID: r.row.ID, Path: r.row.LogPath, ServerID: r.service.ServerID}
	if build := firstOf(r.row.BuildServerID, r.service.BuildServerID); build != "" {
		source.ServerID, source.NoREST = build, true
	}
	// The log outlives the target's time: what was written is shown.
	r.log = buildlog.Follow(context.WithoutCancel(ctx), r.client.Log(source), buildlog.Events{
		Line: r.screen.line,
		Lost: r.screen.lostLines,
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
