// Package rollout owns the judgement of what runs after Dokploy said "done":
// from what was seen before the deployment and a sequence of looks after it,
// it says whether the deployed version runs, has failed and why, is not
// decided yet, or cannot be seen. It asks nobody and keeps no clock; looks
// carry their own time.
//
// Its rules rest on what docs/dokploy.md says under What runs: applications, with
// access to Docker and with a member's rights, docker-compose and stacks; servers
// before 0.27.0 show less. An empty list is unknown, never "down".
package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// View is what one look has shown.
type View struct {
	// At is when it was looked.
	At time.Time
	// Docker: the key may look at Docker, so that Tasks are swarm's own list
	// and Services its answers. Views of one judge are all of one kind.
	Docker bool
	// TasksOnly: nothing but the tasks was asked for.
	TasksOnly bool
	// Tasks are swarm's: all of them with access to Docker, and of a stack
	// those that should run now without.
	Tasks []dokploy.Task
	// Services are swarm's, by name; one that is nil or left out does not
	// exist, or could not be seen.
	Services map[string]*dokploy.SwarmService
	// Containers of one host, ended ones included.
	Containers []dokploy.Container
	// Forces are the ForceUpdate that tasks were made with, by their ids. They
	// tell the tasks of an application's newest deployment from those of others
	// that came between the look before and it, or that no look has shown.
	Forces map[string]uint64
}

// Before is what is known of a service from before its deployment.
type Before struct {
	// View is the newest look before the rollout. Where there was none, At is
	// when the deployment was asked for, or zero if that was before this run
	// looked, and nothing else is set.
	View
	// Unseen: there was no look.
	Unseen bool
}

// Empty reports whether a view shows nothing at all: there is nothing, or Docker
// did not answer.
func (v View) Empty() bool { return len(v.Tasks)+len(v.Services)+len(v.Containers) == 0 }

// ServiceNames are the services whose tasks the view shows.
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

// State is what a verdict says.
type State int

// The states of a verdict.
const (
	Undecided State = iota
	Running
	Unchanged // all of it runs, and nothing of it is new
	Failed
	Unseen // it cannot be known, with this key or from this server
)

func (s State) String() string {
	return [...]string{"undecided", "running", "unchanged", "failed", "unseen"}[s]
}

// Verdict is what a judge makes of the looks so far.
type Verdict struct {
	State State
	// Final: no further look changes it. A failure that is not final is
	// certain, but swarm is still about to go back.
	Final bool
	// Reason is for a person: why, or what is still waited for.
	Reason string
	// Service is the one of a stack's, and Container the one of docker-compose's
	// that a failure is of; empty: there is only one.
	Service, Container string
	// Serving says what serves after a failure, where that is known.
	Serving string
	// RolledBack: swarm itself has gone back, or is about to.
	RolledBack bool
	// Unhealthy: it has failed because a health check fails.
	Unhealthy bool
	// Stopped: it ran, and somebody has taken its replicas away.
	Stopped bool
	// Ready of Wanted replicas run, or containers; Wanted 0 is not known.
	Ready, Wanted int
	// New are those that run and were not there before, and Ran those that have
	// ended well and were not. They are set once State is Running: then there is
	// one at least.
	New, Ran int
	// Gone are the containers that were there before and are not any more, of
	// docker-compose.
	Gone int
}

// Judge follows one deployment. What has failed stays failed.
type Judge interface {
	Look(v View) Verdict
}

const (
	beforeUnseen = "what was running before the deployment could not be seen, so what is running now cannot be told from it"
	noReplicas   = "set to 0 replicas, so nothing can run"
)

const (
	// blindFor is how long nothing at all may be shown: with SSH down, a
	// list comes empty after up to 20 s (docs/dokploy.md, Remote servers).
	blindFor = 30 * time.Second
	// placedWithin is how long swarm may have no node for a task, and
	// patience how long nothing may change where swarm's reasons are hidden.
	placedWithin = time.Minute
	patience     = time.Minute
	// goesBackWithin is how long after a failed task swarm may begin to go
	// back, and backWithin how long that may take.
	goesBackWithin = 10 * time.Second
	backWithin     = 2 * time.Minute
	// ageSlack is how much more than the time since the look before something may
	// be in its state and still be of this deployment.
	ageSlack = 5 * time.Second
	// recently is how young a failure before the deployment makes a crash
	// loop of the service.
	recently = time.Minute
	// restartsWithin is how soon after a failure swarm's next try begins: 5 s
	// unless the service is set otherwise.
	restartsWithin = 20 * time.Second
)

// together puts the reasons of several failures into one: the first two, and
// how many there are else.
func together(reasons []string) string {
	text := strings.Join(reasons[:min(len(reasons), 2)], "; ")
	if n := len(reasons) - 2; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return text
}

// worse puts several services' verdicts together: the first failure, then the
// first that is undecided, then the first that cannot be seen. Where all run,
// one that is new makes the whole new.
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
