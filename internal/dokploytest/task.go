package dokploytest

import (
	"slices"
	"time"
)

// task is a Swarm task; without a swarmService it is nothing.
type task struct {
	w       *swarmService
	id      string
	slot    int
	spec    *spec
	gen     int
	force   int  // ForceUpdate with which it was created
	counted bool // in the update it belongs to
	created time.Time
	desired string // ready, running, shutdown, remove
	state   string // Pending … Running, Complete, Failed, Rejected, Shutdown
	since   time.Time
	failure string
	placed  bool // on a node
	ran     time.Time
	c       *container
}

func (t *task) set(state string) { t.state, t.since = state, t.w.s.simulated }

func (t *task) wanted() bool { return t.desired == "running" || t.desired == "ready" }

// serves reports whether its container is running and may be healthy.
func (t *task) serves() bool {
	return t.c != nil && t.c.state == "running" && (t.c.health == "" || t.c.health == "healthy")
}

// spawn creates a task, and makes Swarm forget the oldest ones of its slot.
func (w *swarmService) spawn(slot int, sp *spec, desired string) *task {
	t := &task{w: w, id: w.s.dockerID(false), slot: slot, spec: sp, gen: w.gen, force: w.force, created: w.s.simulated, desired: desired}
	t.set("Pending")
	w.tasks = append(w.tasks, t)
	kept := 0
	for i := len(w.tasks) - 1; i >= 0; i-- {
		if o := w.tasks[i]; o.slot == slot {
			kept++
			if kept > taskHistory && !o.wanted() && (o.c == nil || o.c.state != "running") {
				w.tasks = slices.Delete(w.tasks, i, i+1)
			}
		}
	}
	if sp.rollout.Unplaced != "" {
		w.s.afterLocked(100*time.Millisecond, func() { t.failure = sp.rollout.Unplaced })
		return t
	}
	w.s.afterLocked(50*time.Millisecond, func() { t.placed = true; t.set("Assigned") })
	w.s.afterLocked(100*time.Millisecond, func() {
		t.set("Accepted")
		t.reach("Preparing")
	})
	if sp.rollout.NoImage {
		w.s.afterLocked(500*time.Millisecond, t.reject)
		return t
	}
	ready := max(150*time.Millisecond, pick(sp.rollout.StartAfter, 600*time.Millisecond, 0, false)-300*time.Millisecond)
	w.s.afterLocked(ready, func() {
		if t.wanted() {
			t.c = w.s.newContainer(w.name+"."+itoa(slot)+"."+t.id, sp)
			t.reach("Ready")
			t.start()
		}
	})
	return t
}

// reach takes a task one step up, unless it is no longer wanted.
func (t *task) reach(state string) {
	if t.wanted() {
		t.set(state)
	}
}

// start starts a task that is ready, if it should run.
func (t *task) start() {
	if t.desired != "running" || t.state != "Ready" {
		return
	}
	t.set("Starting")
	t.w.s.afterLocked(300*time.Millisecond, func() {
		if t.desired == "running" {
			t.up()
		}
	})
}

// promote lets a task run that had to wait: for the end of the old one
// (stop-first), or for the restart delay.
func (t *task) promote() {
	if t.desired != "ready" {
		return
	}
	t.desired = "running"
	if t.state == "Rejected" {
		t.end("Rejected", t.failure)
		return
	}
	t.w.s.afterLocked(100*time.Millisecond, t.start)
}

// reject ends a task whose image is missing. If it has to wait, Swarm notices
// only when its turn comes.
func (t *task) reject() {
	if !t.wanted() {
		return
	}
	t.set("Rejected")
	t.failure = `"No such image: ` + t.spec.image + `"`
	if t.desired == "running" {
		t.w.s.afterLocked(100*time.Millisecond, func() { t.end("Rejected", t.failure) })
	}
}

// up starts its container.
func (t *task) up() {
	s, c, r := t.w.s, t.c, &t.spec.rollout
	c.start(s, r)
	if r.ends() {
		s.afterLocked(max(r.CrashAfter, 10*time.Millisecond), func() {
			if t.desired != "running" || c.state != "running" {
				return
			}
			c.exit(s, r.exitCode(), r)
			s.afterLocked(failureSeen, func() { t.over(r.exitCode()) })
		})
	}
	switch r.Health {
	case NoHealthCheck:
		if !t.w.watches(t) { // a restart shows at once
			t.running()
		}
		s.afterLocked(150*time.Millisecond, t.running)
	case Healthy:
		s.afterLocked(r.healthAfter(), func() {
			if c.state == "running" && t.desired == "running" {
				c.health = "healthy"
				s.afterLocked(100*time.Millisecond, t.running)
			}
		})
	case Unhealthy:
		// Swarm stops it some 1.8 s after it turned out to be unhealthy. The
		// task then shows Complete.
		s.afterLocked(r.healthAfter(), func() {
			if c.state != "running" || t.desired != "running" {
				return
			}
			c.health = "unhealthy"
			s.afterLocked(1800*time.Millisecond, func() {
				if c.state == "running" && t.desired == "running" {
					c.exit(s, 0, r)
					t.over(0)
				}
			})
		})
	}
}

// running handles a task that is up and, with a health check, healthy. With
// start-first, older ones of its slot may go; one of a newer update stays.
func (t *task) running() {
	if t.desired != "running" || t.c.state != "running" || t.state == "Running" {
		return
	}
	t.set("Running")
	t.ran = t.w.s.simulated
	for _, o := range t.w.live(t.slot) {
		if o.gen < t.gen || o.gen == t.gen && o.spec != t.spec {
			o.shut()
		}
	}
	t.w.settled(t)
}

// over ends a task whose container ended by itself.
func (t *task) over(code int) {
	if !t.wanted() {
		return
	}
	if code == 0 {
		t.end("Complete", "")
		return
	}
	t.end("Failed", `"task: non-zero exit (`+itoa(code)+`)"`)
}

func (t *task) end(state, failure string) {
	if !t.wanted() {
		return
	}
	if t.state != state {
		t.set(state)
	}
	t.desired, t.failure = "shutdown", failure
	t.w.ended(t)
}

// restart makes the next attempt after a task ended.
func (t *task) restart() {
	w := t.w
	if t.spec != w.spec || t.slot > w.replicas || t.spec.rollout.NoRestart || w.s.swarm[w.name] != w {
		return
	}
	delay := 50 * time.Millisecond
	if t.state == "Rejected" {
		delay = 150 * time.Millisecond
	}
	w.s.afterLocked(delay, func() {
		if w.spec != t.spec || t.slot > w.replicas {
			return // another version came in the meantime
		}
		next := w.spawn(t.slot, t.spec, "ready")
		w.s.afterLocked(restartDelay, next.promote)
	})
}

// shut makes Swarm stop a task, and returns how long that takes.
func (t *task) shut() time.Duration {
	if !t.wanted() {
		return 0
	}
	s := t.w.s
	t.desired = "shutdown"
	if t.c == nil || t.c.state != "running" {
		s.afterLocked(2*time.Second, func() { t.stopped() })
		return 2 * time.Second
	}
	takes, code := stopTakes, 0
	if t.spec.rollout.IgnoresSIGTERM {
		takes, code = killTakes, 137
	}
	s.afterLocked(takes, func() {
		if t.c.state == "running" {
			t.c.exit(s, code, nil)
		}
		s.afterLocked(200*time.Millisecond, t.stopped)
	})
	return takes
}

func (t *task) stopped() {
	switch t.state {
	case "Complete", "Failed", "Rejected", "Shutdown":
	default:
		t.set("Shutdown")
	}
}
