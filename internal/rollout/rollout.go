// Package rollout judges what runs after Dokploy said "done". From what was
// there before the deployment and a sequence of looks after it, it decides
// whether the deployed version is running, has failed and why, is still
// undecided, or cannot be seen. It sends no requests and reads no clock; looks
// carry their own time.
//
// Its rules rest on what docs/dokploy.md says under What runs: applications, with
// access to Docker and with a member's rights, docker-compose and stacks.
// Servers before 0.27.0 show less. An empty list means unknown, never "down".
package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// View is what one look showed.
type View struct {
	// At is the time of the look.
	At time.Time
	// Docker: the key may look at Docker, so Tasks and Services come from
	// Swarm. All views of one judge are of the same kind.
	Docker bool
	// Local: Dokploy's own host was asked, not one over SSH.
	Local bool
	// TasksOnly: only the tasks were asked for.
	TasksOnly bool
	// Tasks are Swarm's tasks: all of them with access to Docker; without,
	// those of a stack that should be running now.
	Tasks []dokploy.Task
	// Services are Swarm's services by name. One that is nil or missing does
	// not exist or could not be seen.
	Services map[string]*dokploy.SwarmService
	// Containers are those of one host, including ended ones.
	Containers []dokploy.Container
	// Forces are the values of ForceUpdate with which tasks were created, by
	// task id. They distinguish the tasks of an application's newest deployment
	// from those of deployments that no look has shown.
	Forces map[string]uint64
}

// Before is what is known about a service from before its deployment.
type Before struct {
	// View is the last look before the rollout. If there was none, only At is
	// set: to when the deployment was requested, or zero if that was before
	// this run.
	View
	// Unseen: there was no look.
	Unseen bool
}

// Empty reports whether a view shows nothing at all: there is nothing, or
// Docker did not answer.
func (v View) Empty() bool { return len(v.Tasks)+len(v.Services)+len(v.Containers) == 0 }

// ServiceNames returns the services whose tasks the view shows.
func (v View) ServiceNames() []string {
	var names []string
	for _, t := range v.Tasks {
		if t.Desired != "remove" && !slices.Contains(names, t.Service) {
			names = append(names, t.Service)
		}
	}
	slices.Sort(names)
	return names
}

// State is the state that a verdict states.
type State int

// The states of a verdict.
const (
	Undecided State = iota
	Running
	Unchanged // all of it is running, and none of it is new
	Failed
	Unseen // it cannot be known, with this key or from this server
)

func (s State) String() string {
	return [...]string{"undecided", "running", "unchanged", "failed", "unseen"}[s]
}

// Verdict is a judge's conclusion from the looks so far.
type Verdict struct {
	State State
	// Final: no further look will change it. A failure that is not final is
	// certain, but Swarm may still roll back.
	Final bool
	// Reason says why, or what it is still waiting for.
	Reason string
	// Service is the service of a stack that failed, Container the container of
	// a docker-compose service; empty: there is only one.
	Service, Container string
	// Serving says what is running after a failure, if that is known.
	Serving string
	// RolledBack: Swarm itself has rolled back, or is about to.
	RolledBack bool
	// Unhealthy: it failed because a health check fails.
	Unhealthy bool
	// Stopped: it ran, and somebody then set its replicas to 0.
	Stopped bool
	// Ready of Wanted replicas or containers are running; Wanted 0: unknown.
	Ready, Wanted int
	// New counts those that are running and were not there before, Ran those
	// that ended well and were not there before. They are set once State is
	// Running; at least one of them is then above 0.
	New, Ran int
	// Gone counts the containers of docker-compose that were there before and
	// no longer are.
	Gone int
}

// pending returns an undecided verdict: what it is waiting for.
func (v Verdict) pending(what string) Verdict {
	v.Reason = what
	return v
}

// unseen returns a final verdict: why it cannot be known.
func (v Verdict) unseen(why string) Verdict {
	v.State, v.Final, v.Reason = Unseen, true, why
	return v
}

// Judge judges one deployment. Once failed, it stays failed.
type Judge interface {
	Look(v View) Verdict
}

const (
	beforeUnseen = "what was running before the deployment could not be seen, so what is running now cannot be told from it"
	noReplicas   = "set to 0 replicas, so nothing can run"
)

const (
	// blindFor is how long the server may show nothing at all: if SSH is down,
	// a list comes back empty after up to 20 s (docs/dokploy.md, Remote
	// servers).
	blindFor = 30 * time.Second
	// placedWithin is how long Swarm may have no node for a task, and patience
	// how long nothing may change if Swarm's reasons are hidden.
	placedWithin = time.Minute
	patience     = time.Minute
	// goesBackWithin is how long after a failed task Swarm may start to roll
	// back, and backWithin how long that may take.
	goesBackWithin = 10 * time.Second
	backWithin     = 2 * time.Minute
	// ageSlack is how much older than the look before something may be and
	// still belong to this deployment.
	ageSlack = 5 * time.Second
	// recently is how recent a failure before the deployment must be for the
	// service to count as crash-looping.
	recently = time.Minute
	// restartsWithin is how soon after a failure Swarm tries again: 5 s unless
	// the service is configured otherwise.
	restartsWithin = 20 * time.Second
)

// together joins the reasons of several failures: the first two, and the number
// of the rest.
func together(reasons []string) string {
	text := strings.Join(reasons[:min(len(reasons), 2)], "; ")
	if n := len(reasons) - 2; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return text
}

// worse combines the verdicts on several services: the first failure, else the
// first that is undecided, else the first that cannot be seen. If all are
// running, one that is new makes the whole new.
func worse(verdicts []Verdict) Verdict {
	all := Verdict{State: Unchanged, Final: true}
	known := true
	for _, want := range []State{Failed, Undecided, Unseen, Running} {
		if i := slices.IndexFunc(verdicts, func(v Verdict) bool { return v.State == want }); i >= 0 {
			all = verdicts[i]
			break
		}
	}
	if all.State == Failed {
		var reasons []string
		for _, v := range verdicts {
			if v.State == Failed {
				reasons = append(reasons, v.Reason)
			}
		}
		all.Reason = together(reasons)
	}
	all.Ready, all.Wanted, all.New, all.Ran = 0, 0, 0, 0
	for _, v := range verdicts {
		all.Ready += v.Ready
		all.Wanted += v.Wanted
		all.New += v.New
		all.Ran += v.Ran
		known = known && v.Wanted > 0
	}
	if !known { //rule:stack-wanted-not-known
		all.Wanted = 0
	}
	return all
}
