// Package rollout owns the judgement of what runs after Dokploy said "done":
// from what was seen before the deployment and a sequence of looks after it,
// it says whether the deployed version runs, has failed and why, is not
// decided yet, or cannot be seen. It asks nobody and keeps no clock; looks
// carry their own time.
//
// Its rules are those of rollout.md, sections 2 (applications, with access to
// Docker and with a member's rights) and 3 (docker-compose and stacks), and of
// older.md, item 7 (servers that show less). An empty list is unknown there,
// never "down".
package rollout

import (
	"slices"
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
	// Tasks are swarm's: all of them with access to Docker, and of a stack
	// those that should run now without.
	Tasks []dokploy.Task
	// Services are swarm's, by name; one that is nil or left out does not
	// exist, or could not be seen.
	Services map[string]*dokploy.SwarmService
	// Containers of one host, ended ones included.
	Containers []dokploy.Container
}

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
	Failed
	Unseen // it cannot be known, with this key or from this server
)

func (s State) String() string {
	return [...]string{"undecided", "running", "failed", "unseen"}[s]
}

// Verdict is what a judge makes of the looks so far.
type Verdict struct {
	State State
	// Final: no further look changes it. A failure that is not final is
	// certain, but swarm is still about to go back.
	Final bool
	// Reason is for a person: why, or what is still waited for.
	Reason string
	// Serving says what serves after a failure, where that is known.
	Serving string
	// RolledBack: swarm itself has gone back, or is about to.
	RolledBack bool
	// Ready of Wanted replicas run, or containers; Wanted 0 is not known.
	Ready, Wanted int
}

// Judge follows one deployment. Failed is for ever.
type Judge interface {
	Look(v View) Verdict
}

const (
	// blindFor is how long nothing at all may be shown: with SSH down, a
	// list comes empty after up to 20 s (remote.md, Containers).
	blindFor = 30 * time.Second
	// placedWithin is how long swarm may have no node for a task, and
	// patience how long nothing may change where swarm's reasons are hidden.
	placedWithin = time.Minute
	patience     = time.Minute
	// goesBackWithin is how long after a failed task swarm may begin to go
	// back, and backWithin how long that may take.
	goesBackWithin = 10 * time.Second
	backWithin     = 2 * time.Minute
	// recently is how young a failure before the deployment makes a crash
	// loop of the service.
	recently = time.Minute
	// restartsWithin is how soon after a failure swarm's next try begins: 5 s
	// unless the service is set otherwise.
	restartsWithin = 20 * time.Second
)

// worse puts several services' verdicts together: the first failure, then the
// first that is undecided, then the first that cannot be seen.
func worse(verdicts []Verdict) Verdict {
	all := Verdict{State: Running, Final: true}
	known := true
	for _, want := range []State{Failed, Undecided, Unseen} {
		if i := slices.IndexFunc(verdicts, func(v Verdict) bool { return v.State == want }); i >= 0 {
			all = verdicts[i]
			break
		}
	}
	all.Ready, all.Wanted = 0, 0
	for _, v := range verdicts {
		all.Ready += v.Ready
		all.Wanted += v.Wanted
		known = known && v.Wanted > 0
	}
	if !known {
		all.Wanted = 0
	}
	return all
}
