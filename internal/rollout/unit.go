package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// phase is where a task or container is in its life.
type phase int

const (
	hidden  phase = iota // there is such a task, but its state is not shown
	waiting              // not up yet, or its health is not known yet
	running
	unhealthy
	completed // ended by itself, with exit code 0
	broken    // ended otherwise, or could not be started
	ended     // ended; unknown how
	stopped   // by Swarm, as intended
)

func (p phase) over() bool { return p == completed || p == broken || p == ended }

// unit is one task, with what its container adds.
type unit struct {
	id           string // the first 12 characters, which is all that servers before 0.27 show
	service      string
	slot         string
	phase        phase
	desired      string // empty: not shown
	failure      string // in Docker's words
	wasUnhealthy bool   // its container is or was unhealthy
	rank         int    // in its slot; 0 is the newest
	age          time.Duration
	aged         bool
	force        uint64 // ForceUpdate with which it was created
	forced       bool   // force is known
	old          bool   // it was there before the deployment
	refused      bool   // it never ran: Swarm rejected it, as with a missing image
}

func shortID(id string) string { return id[:min(len(id), 12)] }

func taskPhase(state string) phase {
	switch state {
	case "":
		return hidden
	case "Running":
		return running
	case "Complete":
		return completed
	case "Failed", "Rejected", "Orphaned":
		return broken
	case "Shutdown", "Remove":
		return stopped
	}
	return waiting
}

func containerPhase(c dokploy.Container) phase {
	switch c.State {
	case "running":
		switch c.Health() {
		case "starting":
			return waiting
		case "unhealthy":
			return unhealthy
		}
		return running
	case "exited", "dead":
		code, known := c.ExitCode()
		switch {
		case c.State == "dead", known && code != 0:
			return broken
		case known:
			return completed
		}
		return ended
	case "removing":
		return stopped
	}
	return waiting
}

// units merges the tasks and containers of a view, the newest of each slot
// first, in which order Docker lists both.
func (v View) units() []unit {
	units := v.tasks()
	index := map[string]int{}
	for i, u := range units {
		index[u.id] = i
	}
	for _, c := range v.Containers {
		service, slot, id, ok := c.Task()
		if !ok {
			continue
		}
		switch i, known := index[shortID(id)]; {
		case known:
			units[i].add(c, v.Docker)
		case v.Docker: //rule:forgotten-task
			// Swarm has forgotten the task.
		default:
			p := containerPhase(c)
			u := unit{id: shortID(id), service: service, slot: slot, phase: p, wasUnhealthy: p == unhealthy, failure: exitText(c)}
			u.age, u.aged = c.Age()
			units = append(units, u)
		}
	}
	ranks := map[string]int{}
	for i := range units {
		key := units[i].service + "." + units[i].slot
		units[i].rank = ranks[key]
		ranks[key]++
	}
	return units
}

// tasks returns the tasks of a view, without what their containers add.
func (v View) tasks() []unit {
	var units []unit
	for _, t := range v.Tasks {
		if v.Docker && t.Desired == "remove" { //rule:removed-task
			continue
		}
		u := unit{
			id: shortID(t.ID), service: t.Service, slot: t.Slot, phase: taskPhase(t.State),
			desired: t.Desired, failure: t.Error, age: t.Age, aged: t.Aged, refused: t.State == "Rejected",
		}
		u.force, u.forced = v.Forces[t.ID]
		units = append(units, u)
	}
	return units
}

// add adds to a task what its container shows.
func (u *unit) add(c dokploy.Container, docker bool) {
	p := containerPhase(c)
	u.wasUnhealthy = p == unhealthy
	switch {
	case u.phase == hidden: //rule:container-tells-more
		u.phase = p
		if p == completed || p == broken { //rule:ended-somehow
			u.phase = ended // by itself or by Swarm: not shown
		}
	case docker: //rule:swarm-knows-better
		// Swarm knows better; only the container's health counts.
	case u.phase != broken:
		u.phase = p
		u.age, u.aged = c.Age()
		u.failure = cmp.Or(u.failure, exitText(c))
	}
}

func exitText(c dokploy.Container) string {
	if code, known := c.ExitCode(); known && code != 0 {
		return fmt.Sprintf("the container ended with exit code %d", code)
	}
	return ""
}

// of returns the units of one service.
func of(units []unit, service string) []unit {
	return slices.DeleteFunc(slices.Clone(units), func(u unit) bool { return u.service != service })
}

// crashLooping reports whether a service is in a crash loop: one of its tasks
// ended recently, and nothing of its slot is running, or only what came right
// after. A task that has been running since before that, or that started much
// later, belongs to a deployment. A stack's service may be meant to end
// (onceOnly).
func crashLooping(units []unit, onceOnly bool) bool {
	return slices.ContainsFunc(units, func(u unit) bool {
		if !u.phase.over() || !u.aged || u.age >= recently { //rule:ended-long-ago
			return false
		}
		if onceOnly && u.phase == completed && u.rank == 0 { //rule:once-only
			return false
		}
		up, next := false, false
		for _, o := range units {
			if o.slot == u.slot && (o.phase == running || o.phase == unhealthy) && o.desired != "shutdown" {
				up = true
				next = next || o.rank == u.rank-1 && o.age <= u.age && u.age-o.age <= restartsWithin
			}
		}
		if up { //rule:up-again
			// Unless Swarm says so, a task that ended with code 0 may have been
			// stopped.
			return next && (u.phase != completed || u.desired != "")
		}
		return u.desired == "" || current(units, u.slot)
	})
}

// current reports whether Swarm wants something in the slot: after a stop it
// does not.
func current(units []unit, slot string) bool {
	return slices.ContainsFunc(units, func(u unit) bool {
		return u.slot == slot && (u.desired == "running" || u.desired == "ready")
	})
}
