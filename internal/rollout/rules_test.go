package rollout_test

import (
	"testing"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
)

func ofStack(service, id, desired, state string) dokploy.Task {
	return dokploy.Task{ID: id, Service: service, Slot: "1", Desired: desired, State: state}
}

func viewOf(restart string, tasks ...dokploy.Task) rollout.View {
	v := rollout.View{Docker: true, Services: map[string]*dokploy.SwarmService{}, Tasks: tasks}
	for _, t := range tasks {
		v.Services[t.Service] = &dokploy.SwarmService{Mode: "replicated", Replicas: 1, Restart: restart}
	}
	return v
}

// A task that is to be removed is not a failure, nor is a container whose task
// Swarm has forgotten.
func TestWhatSwarmHasDoneWith(t *testing.T) {
	good := docker(swarm(2, "completed", "b"), task(newID, "running", "Running"))
	for name, change := range map[string]func(*rollout.View){
		"removed-task": func(v *rollout.View) { v.Tasks = append(v.Tasks, task(third, "remove", "Failed")) },
		"forgotten-task": func(v *rollout.View) {
			v.Containers = append(v.Containers, container(third, "exited", "Exited (1) 1 second ago"))
		},
	} {
		v := good
		change(&v)
		verdict, _ := looks(application(ranBefore), v, 0, 20)
		if verdict.State != rollout.Running {
			t.Errorf("%s: %+v", name, verdict)
		}
	}
}

// If a job's task has ended successfully, nothing more is needed, at once.
func TestJobHasEnded(t *testing.T) {
	view := viewOf("none", ofStack("s_a", newID, "shutdown", "Complete"))
	view.Services["s_a"].Mode = "replicated-job"
	v, at := looks(rollout.NewStack([]string{"s_a"}, rollout.Before{View: rollout.View{Docker: true, At: after(-1)}}, stableFor), view, 0, 30)
	if v.State != rollout.Running || v.Ran != 1 || at != 0 {
		t.Errorf("%+v after %v s", v, at)
	}
}

// A one-shot service of a stack that ended before the deployment, and is the
// same, has nothing to do.
func TestOneShotOfBefore(t *testing.T) {
	before := viewOf("none", ofStack("s_a", oldID, "shutdown", "Complete"))
	before.At = after(-1)
	v, _ := looks(rollout.NewStack([]string{"s_a"}, rollout.Before{View: before}, stableFor), before, 0, 30)
	want(t, v, rollout.Unchanged, "")
}

// A service that is removed from a stack whose file is not known is no longer
// waited for.
func TestRemovedFromTheStack(t *testing.T) {
	both := viewOf("any", ofStack("s_a", newID, "running", "Running"), ofStack("s_b", third, "running", "Running"))
	j := rollout.NewStack(nil, rollout.Before{View: rollout.View{Docker: true, At: after(-1)}}, stableFor)
	looks(j, both, 0, 2)
	v, _ := looks(j, viewOf("any", ofStack("s_a", newID, "running", "Running")), 3, 30)
	want(t, v, rollout.Running, "")
}

// If Docker does not show the state of a task, its container does. How a
// container ended does not mean that it failed: Swarm may have stopped it.
func TestWhatTheContainerTells(t *testing.T) {
	up := docker(swarm(2, "completed", "b"), task(newID, "running", ""))
	up.Containers = []dokploy.Container{container(newID, "running", "Up 2 seconds")}
	v, _ := looks(application(ranBefore), up, 0, 30)
	want(t, v, rollout.Running, "")

	ended := docker(swarm(2, "updating", "b"), task(newID, "shutdown", ""))
	ended.Containers = []dokploy.Container{container(newID, "exited", "Exited (137) 1 second ago")}
	v, _ = looks(application(ranBefore), ended, 0, 5)
	want(t, v, rollout.Undecided, "")
}
