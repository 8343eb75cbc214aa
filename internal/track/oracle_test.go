package track_test

import (
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
	"dokploy-deploy/internal/verdict"
)

// judge compares what the tracker said with the truth.
func (r *run) judge() []string {
	if len(r.problems) > 0 {
		return r.problems
	}
	if r.noNews() {
		r.liveness()
	}
	end := r.now
	listed := map[string]bool{}
	for _, b := range r.mine {
		listed[b.ID] = r.listedNow(b)
	}
	had := r.has()
	status := map[string]string{}
	for _, b := range r.mine {
		status[b.ID] = b.Status
	}
	r.advance(end + 15*time.Minute) // what is still to come
	for _, id := range r.heldIDs {
		lookalikes := r.upload && r.queue != inMemory && len(r.restarts) > 0 && r.others() > 0
		if r.ofRow(id) == nil && !r.unknowable(id) && !lookalikes {
			r.bad("held another's: %s", id)
		}
	}
	switch {
	case r.unfinished:
		if !r.neverEnds() {
			r.bad("does not end: %v, %q", r.state.Phase(), r.last.Left)
		}
	case r.unreachable:
		r.bad("unreachable: it is not")
	case r.last.Took == track.TookNot:
		if !r.gone() && !r.tookAway() {
			r.bad("not taken: Dokploy had it")
		}
	case r.last.End.Row != nil:
		r.ended(r.last.End.Row, status)
	default:
		r.lostFor(r.last.End.Reason.Kind, end, had, listed, status)
	}
	return r.problems
}

// noNews: nothing unusual happens.
func (r *run) noNews() bool {
	if r.h.push != nil && (r.noRows || len(r.mine) > 0 && r.mine[0].work.odd == breaksOff) {
		return false
	}
	return !r.lostAnswer() && !r.h.has(restart, outage, fault, clean, removal) && r.own.odd != noRow && r.own.odd != breaksOff && (!r.upload || r.own.odd != silent)
}

// liveness: if nothing goes wrong, the end is found, and soon.
func (r *run) liveness() {
	if r.unfinished && r.neverEnds() {
		return
	}
	if r.unfinished || r.unreachable {
		r.bad("does not end, though nothing goes wrong")
		return
	}
	if r.last.End == nil || r.last.End.Row == nil {
		// There may be others whose rows look like ours.
		switch k := verdict.Kind(r.ending()); {
		case k == verdict.NoneCame, k == verdict.TwoCommits:
		case k == verdict.Ambiguous && (r.git || r.upload || r.h.push != nil) && r.others() > 0:
		case k == verdict.WhichUpload && r.upload && r.others() > 0:
		case (k == verdict.PushedOut || k == verdict.HiddenPushedOut || k == verdict.RowVanished || k == verdict.HiddenIdle) && r.others() >= 10:
		default:
			r.bad("not found, though nothing goes wrong: %s", k)
		}
		return
	}
	soon := 3*time.Second + 3*r.latency
	if r.stream {
		soon += 2500 * time.Millisecond
	}
	if r.git || r.remote != "" || r.h.push != nil {
		soon += 10 * time.Second // the text is gone
	}
	if r.farBack {
		soon += 2500 * time.Millisecond // it was not next in the queue at the last look
	}
	if late := r.now - max(r.endedAt, r.answered); late > soon && !r.hidden {
		r.bad("late: %v after the end", late)
	}
}

func (r *run) lostAnswer() bool { return r.answer != track.Taken || r.cutOff }

// others returns the number of others' deployments of the service in the
// history.
func (r *run) others() (n int) {
	if r.h.push != nil {
		n = -1 // ours
	}
	for _, e := range r.events {
		if e.what == deployment && e.service == 0 {
			n++
		}
	}
	return n
}

// unknowable reports what no client can see (docs/protocol.md): ours was
// removed before it was read for the first time, or left no row, and another's
// looks the same.
func (r *run) unknowable(id string) bool {
	i := slices.IndexFunc(r.every, func(x *row) bool { return x.ID == id })
	if i < 0 || r.every[i].ours {
		return false
	}
	another := r.every[i].asked
	if r.h.push != nil && r.unknowablePush(another) {
		return true
	}
	hidden := r.hidden || r.barred
	switch {
	case r.upload:
		return hidden || r.tookAway() || r.othersGone || r.noRows || r.lostAnswer() || len(r.restarts) > 0 || r.outages > 0
	case !r.git:
		return false
	case hidden:
		return r.tookAway() || r.noRows || r.remote != "" && r.pushes()
	}
	return r.unseen || r.cleaned || r.othersGone || r.noRows && (r.remote != "" || !another.shown)
}

// pushes reports whether there are pushes to our service.
func (r *run) pushes() bool {
	return slices.ContainsFunc(r.events, func(e event) bool { return e.what == deployment && e.webhook && e.service == 0 })
}

// tookAway: somebody removed ours from the queue, or its row.
func (r *run) tookAway() bool { return r.cleaned || r.removals > 0 }

// gone: Dokploy lost it, or never had it, and never made a row for it.
func (r *run) gone() bool { return len(r.builds) == 0 && !r.has() }

func (r *run) pushedOut() bool {
	return slices.ContainsFunc(r.builds, func(b *row) bool { return b.pushed })
}

// neverEnds: it waits for something that is stuck, until the target's time is
// over.
func (r *run) neverEnds() bool {
	return r.stuck && (r.hidden || r.barred) || r.badStart && (r.upload || r.hidden || r.barred)
}

func (r *run) ended(said *dokploy.Deployment, status map[string]string) {
	if r.unknowable(said.ID) {
		return
	}
	b := r.ofRow(said.ID)
	switch {
	case b == nil:
		r.bad("another's end: %s", said.ID)
	case said.StartedAt.IsZero() && said.FinishedAt.IsZero() && !r.upload && r.h.push == nil:
		r.bad("cancelled: but it never began")
	case said.Status != status[b.ID] || !said.Terminal():
		r.bad("wrong end: %s, but it is %s", said.Status, status[b.ID])
	case b != r.last1() && !r.mayRunAgainUnseen(b) && !r.tookAway():
		r.bad("first end: it ran again as %s", r.last1().ID)
	}
}

// last1 returns the newest build of ours, or what was cancelled before it
// began.
func (r *run) last1() *row {
	if b := r.world.last(); b != nil {
		return b
	}
	return r.mine[len(r.mine)-1]
}

// mayRunAgainUnseen: it may run again without any client seeing it.
func (r *run) mayRunAgainUnseen(b *row) bool {
	if r.hidden || r.barred {
		return true
	}
	if r.upload && r.queue == kept {
		return true // it looks like anybody's
	}
	if r.git && (r.remote != "" || r.builtRemotely || r.queue == bullMQ) && !slices.ContainsFunc(r.builds, func(again *row) bool { return again.began > b.began && again.shown }) {
		return true // over between two looks, without its text
	}
	if r.h.push != nil && r.queue == kept && (r.remote != "" || r.builtRemotely) {
		return true // another push of the commit looks the same
	}
	for _, at := range r.restarts {
		if at >= r.lastRequest {
			return true // it was over by then
		}
		if r.queue == kept && r.remote == "" && !r.builtRemotely && at-b.ended < 100*time.Millisecond {
			return true // in the moment between the end of the row and that of its job
		}
	}
	return false
}

func (r *run) lostFor(k verdict.Kind, end time.Duration, had bool, listed map[string]bool, status map[string]string) {
	if slices.ContainsFunc(r.heldIDs, func(id string) bool { return r.ofRow(id) == nil }) {
		return // already judged elsewhere
	}
	last := r.world.last()
	away := r.tookAway() || r.pushedOut() || r.othersGone && (r.git || r.h.push != nil)
	hidden := r.hidden || r.barred
	switch k {
	case verdict.ForgottenQueued, verdict.ForgottenInRestart, verdict.CancelledByRestart:
		if !r.gone() && !away {
			r.bad("forgotten: but Dokploy has it")
		}
	case verdict.RemovedFromQueue:
		if !r.tookAway() && !r.noRows && (r.h.push == nil || !r.othersGone) && (!r.upload || !r.lostAnswer()) { // another's may look like it
			r.bad("removed from the queue: but nobody did")
		}
	case verdict.Ambiguous:
		if r.h.push != nil && (r.others() > 0 || len(r.restarts)+len(r.failures) > 0) {
			break
		}
		if !r.git && !r.upload || r.others() == 0 && !r.lostAnswer() && len(r.restarts) == 0 && len(r.failures) == 0 && (!r.upload || r.own.odd != silent) {
			r.bad("ambiguous: but its text tells")
		}
	case verdict.WhichUpload:
		if !r.upload || r.others() == 0 && len(r.restarts) == 0 {
			r.bad("which upload: there is one only")
		}
	case verdict.PushedOut, verdict.HiddenPushedOut:
		if had && !away || last != nil && listed[last.ID] {
			r.bad("pushed out: but it is there")
		}
	case verdict.TakenWithoutTrace, verdict.ShownNowhereAccepted:
		leftList := last != nil && status[last.ID] != dokploy.StatusRunning && !listed[last.ID]
		if !r.gone() && !away && !leftList {
			r.bad("no trace: but Dokploy has it")
		}
	case verdict.HiddenUnconfirmed, verdict.HiddenIdle:
		if !hidden || !r.gone() && !away && last.began < end {
			r.bad("idle: but Dokploy has it")
		}
	case verdict.RowVanished:
		if last != nil && listed[last.ID] && (last.shown || !r.git) && !r.upload && r.removals == 0 && (r.h.push == nil || !r.badStart) {
			r.bad("vanished: but it is there")
		}
	case verdict.StuckConnection, verdict.StuckRestart, verdict.StuckUnexplained:
		if r.upload && r.tookAway() && r.others() > 0 || r.badStart && last != nil && (r.git && !last.shown || r.upload || r.h.push != nil) {
			break // it ran again between two looks, and its text is gone
		}
		if had || last == nil || status[last.ID] != dokploy.StatusRunning {
			r.bad("stuck: but it is at work")
		}
	case verdict.LeftAsRunning:
		if r.cancels && !r.badStart {
			r.bad("left as running: but this version does not")
		}
	case verdict.HeldByRedis:
		if r.queue != bullMQ || r.answer != track.GaveUp || last != nil && last.began < end && !away {
			r.bad("held by Redis: but it is there")
		}
	case verdict.NoneCame, verdict.TwoCommits: // judged when they were reported
	case verdict.WhichPush:
		if r.h.push == nil || r.others() == 0 && len(r.builds) < 2 || len(r.restarts) == 0 && len(r.failures) == 0 {
			r.bad("which push: there is one only")
		}
	default:
		r.bad("a reason that nobody knows: %s", k)
	}
}
