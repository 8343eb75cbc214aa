package dokploytest

import (
	"slices"
	"strconv"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Swarm's delays (docs/dokploy.md, What runs: applications), as recorded.
const (
	monitor       = 5 * time.Second // a task that ends within it fails the update
	restartDelay  = 5 * time.Second
	updateBegins  = 200 * time.Millisecond
	failureSeen   = 300 * time.Millisecond // from a container's end to its task's
	rollbackLater = 500 * time.Millisecond // from the task's end to rollback_started
	stopTakes     = 3 * time.Second
	killTakes     = 13500 * time.Millisecond
	taskHistory   = 5 // tasks that Swarm keeps per slot
)

// spec is what a task runs.
type spec struct {
	version Version
	image   string
	rollout Rollout
	hash    string // of a stack's service, to detect changes
}

// updateStatus is Swarm's UpdateStatus.
type updateStatus struct {
	state, message     string
	started, completed time.Time
}

// swarmService is a Swarm service.
type swarmService struct {
	s        *Server
	owner    *Service
	id, name string
	created  time.Time
	updated  time.Time
	index    int // Version.Index
	force    int // ForceUpdate, which is rolled back with the spec
	replicas int
	spec     *spec
	previous *spec // null after a rollback
	oldForce int
	update   *updateStatus // null on a first deployment
	wentBack bool          // by Swarm itself
	// gen counts updates and rollbacks: what an older one scheduled is void.
	gen   int
	slots []int   // still to be updated
	tasks []*task // newest last
}

// touch records a change of the service.
func (w *swarmService) touch() {
	w.s.swarmIndex += 2
	w.index, w.updated = w.s.swarmIndex, w.s.simulated
}

// after runs f later, unless another update or rollback has started by then.
func (w *swarmService) after(d time.Duration, f func()) {
	gen := w.gen
	w.s.afterLocked(d, func() {
		if w.gen == gen {
			f()
		}
	})
}

func (w *swarmService) stack() bool { return w.owner.Kind == "compose" }

// failureAction and stopFirst are the update's configuration. Docker's defaults
// are pause and stop-first. Dokploy sets rollback and start-first for
// applications without a configuration of their own.
func (w *swarmService) failureAction() string {
	switch {
	case w.spec.rollout.FailureAction != "":
		return w.spec.rollout.FailureAction
	case w.stack():
		return "pause"
	}
	return "rollback"
}

func (w *swarmService) stopFirst() bool {
	switch w.spec.rollout.Order {
	case "start-first":
		return false
	case "stop-first":
		return true
	}
	return w.stack() || w.failureAction() != "rollback"
}

// newSwarmService creates a service that Swarm does not have yet.
func (s *Server) newSwarmService(owner *Service, name string, replicas int, sp *spec) *swarmService {
	w := &swarmService{s: s, owner: owner, id: s.dockerID(false), name: name, created: s.simulated, replicas: replicas, spec: sp}
	w.touch()
	s.swarm[name] = w
	return w
}

// shipApplicationLocked creates or updates an application's service. forced is
// set for every deployment of Dokploy's: it creates new tasks even for the same
// image.
func (s *Server) shipApplicationLocked(v *Service, sp *spec, forced bool) {
	w := s.swarm[v.AppName]
	if w == nil {
		w = s.newSwarmService(v, v.AppName, v.replicas, sp)
		w.begin()
		return
	}
	w.replicas = v.replicas
	w.change(sp, forced)
}

// begin starts the tasks of a new service. There is no update, and nothing is
// monitored.
func (w *swarmService) begin() {
	w.after(updateBegins, func() {
		for slot := 1; slot <= w.replicas; slot++ {
			w.spawn(slot, w.spec, "running")
		}
	})
}

// change updates the service to another spec, task by task.
func (w *swarmService) change(sp *spec, forced bool) {
	w.previous, w.oldForce = w.spec, w.force
	w.spec, w.wentBack = sp, false
	if forced {
		w.force++
	}
	w.gen++
	w.touch()
	w.update = nil
	for _, t := range w.tasks {
		if t.slot > w.replicas {
			t.shut()
		}
	}
	w.slots = nil
	for slot := 1; slot <= w.replicas; slot++ {
		w.slots = append(w.slots, slot)
	}
	if w.replicas == 0 {
		return
	}
	w.update = &updateStatus{state: "updating", message: "update in progress", started: w.s.simulated}
	w.after(updateBegins, w.nextSlot)
}

// live returns the tasks of a slot that Swarm wants to run, now or soon.
func (w *swarmService) live(slot int) []*task {
	var out []*task
	for _, t := range w.tasks {
		if t.slot == slot && (t.desired == "running" || t.desired == "ready") {
			out = append(out, t)
		}
	}
	return out
}

// nextSlot updates the next task.
func (w *swarmService) nextSlot() {
	if len(w.slots) == 0 {
		w.after(monitor, func() { w.complete("completed", "update completed") })
		return
	}
	slot := w.slots[0]
	w.slots = w.slots[1:]
	old := w.live(slot)
	if !w.stopFirst() || len(old) == 0 {
		w.spawn(slot, w.spec, "running")
		return
	}
	t := w.spawn(slot, w.spec, "ready")
	wait := 500 * time.Millisecond
	for _, o := range old {
		wait = max(wait, o.shut()+300*time.Millisecond)
	}
	w.s.afterLocked(wait, t.promote)
}

// settled continues after a task that is running, or whose failure does not
// matter.
func (w *swarmService) settled(t *task) {
	if t.gen != w.gen || t.counted || w.update == nil {
		return
	}
	t.counted = true
	switch w.update.state {
	case "updating":
		w.nextSlot()
	case "rollback_started":
		w.slots = slices.DeleteFunc(w.slots, func(slot int) bool { return slot == t.slot })
		if len(w.slots) == 0 {
			w.after(monitor, func() { w.complete("rollback_completed", "rollback completed") })
		}
	}
}

func (w *swarmService) complete(state, message string) {
	w.update.state, w.update.message, w.update.completed = state, message, w.s.simulated
	w.touch()
}

// watches reports whether a task's end would fail an update.
func (w *swarmService) watches(t *task) bool {
	return w.update != nil && t.gen == w.gen && t.spec == w.spec && w.gen > 0 &&
		(w.update.state == "updating" || w.update.state == "rollback_started") &&
		(t.ran.IsZero() || w.s.simulated.Sub(t.ran) <= monitor)
}

// ended plays what Swarm does about a task that ended by itself.
func (w *swarmService) ended(t *task) {
	if !w.watches(t) {
		t.restart()
		return
	}
	why := "due to failure or early termination of task " + t.id
	switch {
	case w.update.state == "rollback_started":
		w.after(200*time.Millisecond, func() {
			w.update.state, w.update.message = "rollback_paused", "rollback paused "+why
			w.gen++
			w.touch()
		})
	case w.failureAction() == "continue":
		w.settled(t)
	case w.failureAction() == "pause" || w.previous == nil:
		w.after(200*time.Millisecond, func() {
			w.update.state, w.update.message = "paused", "update paused "+why
			w.gen++
			w.touch()
		})
	default:
		w.goBack(t, why)
		return
	}
	t.restart()
}

// goBack rolls the service back. Swarm also creates a replacement for the
// failed task, which turns out not to be needed.
func (w *swarmService) goBack(failed *task, why string) {
	w.gen++
	w.slots = nil
	w.after(rollbackLater, func() {
		w.spec, w.force, w.previous, w.wentBack = w.previous, w.oldForce, nil, true
		w.update.state, w.update.message = "rollback_started", "update rolled back "+why
		spare := w.spawn(failed.slot, w.spec, "ready")
		w.gen++
		w.touch()
		for slot := 1; slot <= w.replicas; slot++ {
			w.backSlot(slot, spare)
		}
		if len(w.slots) == 0 {
			w.after(monitor, func() { w.complete("rollback_completed", "rollback completed") })
		}
	})
}

// backSlot restores a task of the previous version in a slot, unless one is
// still there. A stack's rollback stops first (Docker's default).
func (w *swarmService) backSlot(slot int, spare *task) {
	live := w.live(slot)
	kept := slices.ContainsFunc(live, func(t *task) bool { return t.spec == w.spec && t != spare })
	if kept || w.stack() {
		for _, t := range live {
			if t.spec != w.spec || t == spare {
				t.shut()
			}
		}
	}
	switch {
	case kept:
	case w.stack():
		w.slots = append(w.slots, slot)
		t := w.spawn(slot, w.spec, "ready")
		w.s.afterLocked(2200*time.Millisecond, t.promote)
	default:
		w.slots = append(w.slots, slot)
		w.spawn(slot, w.spec, "running") // once it is running, the others end
	}
}
