package rollout_test

import (
	"testing"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
)

func TestUneventful(t *testing.T) {
	before := docker(nil, task(oldID, "running", "Running"))
	homeless := task(newID, "running", "Pending")
	homeless.Error = "no suitable node"
	for name, tt := range map[string]struct {
		tasks []dokploy.Task
		want  bool
	}{
		"an empty list is unknown":         {nil, false},
		"only the old one":                 {[]dokploy.Task{task(oldID, "running", "Running")}, true},
		"the old one has ended":            {[]dokploy.Task{task(oldID, "shutdown", "Failed")}, true},
		"a new one comes up":               {[]dokploy.Task{task(newID, "running", "Preparing")}, true},
		"a new one is ready":               {[]dokploy.Task{task(newID, "ready", "Ready")}, true},
		"a new one runs":                   {[]dokploy.Task{task(newID, "running", "Running"), task(oldID, "shutdown", "Shutdown")}, true},
		"a new one has failed":             {[]dokploy.Task{task(newID, "shutdown", "Failed")}, false},
		"a new one has ended":              {[]dokploy.Task{task(newID, "shutdown", "Complete")}, false},
		"a new one is told to stop":        {[]dokploy.Task{task(newID, "shutdown", "Running")}, false},
		"a new one finds no place":         {[]dokploy.Task{homeless}, false},
		"it is not shown how a new one is": {[]dokploy.Task{task(newID, "running", "")}, false},
		"one of several has failed":        {[]dokploy.Task{task(third, "running", "Running"), task(newID, "shutdown", "Failed")}, false},
	} {
		if got := rollout.Glance(after(0), tt.tasks).Uneventful(before); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestChecksHealth(t *testing.T) {
	before := docker(nil, task(oldID, "running", "Starting"))
	for state, want := range map[string]bool{"Starting": true, "Running": false, "Preparing": false} {
		v := rollout.Glance(after(0), []dokploy.Task{task(oldID, "running", "Starting"), task(newID, "running", state)})
		if got := v.ChecksHealth(before, v); got != want {
			t.Errorf("%s: %v", state, got)
		}
		if v.ChecksHealth(before, rollout.Glance(after(-1), []dokploy.Task{task(newID, "running", "Preparing")})) {
			t.Errorf("%s: it has only just begun", state)
		}
		v.Containers = []dokploy.Container{container(newID, "running", "Up 3 seconds (unhealthy)")}
		if v.Uneventful(before) {
			t.Errorf("%s: its health check fails", state)
		}
	}
}

func TestOneDeploymentSince(t *testing.T) {
	before := docker(swarm(1, "completed", "a"), task(oldID, "running", "Running"))
	before.At = after(-1)
	none := rollout.View{Docker: true}
	none.At = after(-1)
	runs := task(newID, "running", "Running")
	for name, tt := range map[string]struct {
		before, now rollout.View
		want        bool
	}{
		"one":                          {before, docker(swarm(2, "completed", "b"), runs), true},
		"two":                          {before, docker(swarm(3, "completed", "b"), runs), false},
		"none":                         {before, docker(swarm(1, "completed", "a"), runs), false},
		"Swarm is not done":            {before, docker(swarm(2, "updating", "b"), runs), false},
		"the update is an older one":   {before, docker(swarm(2, "completed", "a"), runs), false},
		"something has failed":         {before, docker(swarm(2, "completed", "b"), runs, task(third, "shutdown", "Failed")), false},
		"the first ever":               {none, docker(swarm(0, "", ""), runs), true},
		"none was seen, not the first": {none, docker(swarm(1, "completed", "b"), runs), false},
		"it was not looked before":     {rollout.View{}, docker(swarm(0, "", ""), runs), false},
		"the service is not seen":      {before, docker(nil, runs), false},
	} {
		if got := tt.now.OneDeploymentSince(tt.before, "app"); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func glance(j rollout.Judge, from, to float64, tasks ...dokploy.Task) rollout.Verdict {
	var v rollout.Verdict
	for s := from; s <= to; s++ {
		v = j.Look(rollout.Glance(after(s), tasks))
	}
	return v
}

// A look at the tasks alone adds to the time that they have been running, and
// decides nothing.
func TestAGlanceDecidesNothing(t *testing.T) {
	j := application(ranBefore)
	runs := task(newID, "running", "Running")
	v := glance(j, 0, 20, runs)
	if v.State != rollout.Undecided || v.Final || v.Ready != 1 || v.Wanted != 1 {
		t.Errorf("%+v", v)
	}
	// All of it is running, so it only waits for time to pass.
	if want := "1 of 1 running, must keep running for " + stableFor.String(); v.Reason != want {
		t.Errorf("%q, want %q", v.Reason, want)
	}
	v, at := looks(j, docker(swarm(2, "completed", "b"), runs), 21, 40)
	want(t, v, rollout.Running, "")
	if at != 21 {
		t.Errorf("at %v: it has run for long", at)
	}
	// One of two is running.
	two := swarm(1, "completed", "a")
	two.Replicas = 2
	j = rollout.NewApplication("app", 2, rollout.Before{View: docker(two)}, stableFor)
	if v := glance(j, 0, 1, runs); v.Ready != 1 || v.Wanted != 2 || v.Reason != "1 of 2 running" {
		t.Errorf("%+v", v)
	}
	// Dokploy does not know how many there should be: as many as before.
	j = rollout.NewApplication("app", -1, rollout.Before{View: docker(two)}, stableFor)
	if v := glance(j, 0, 1, runs); v.Ready != 1 || v.Wanted != 2 {
		t.Errorf("%+v", v)
	}
	// What was running and is set to none was stopped, even if no other look
	// has shown it.
	j = application(ranBefore)
	glance(j, 0, 3, runs)
	gone := swarm(2, "completed", "b")
	gone.Replicas = 0
	v, _ = looks(j, docker(gone, task(newID, "shutdown", "Shutdown")), 4, 4)
	if v.State != rollout.Failed || !v.Stopped {
		t.Errorf("%+v", v)
	}
	// Swarm's service was not requested in between: that does not count as time
	// without it.
	j = application(ranBefore)
	looks(j, docker(swarm(2, "updating", "b"), runs), 0, 0)
	glance(j, 1, 60, runs)
	v, _ = looks(j, docker(nil, runs), 61, 70)
	want(t, v, rollout.Undecided, "")
}

// If Swarm does not report how many replicas there should be, Dokploy's number
// counts: not reported does not mean none.
func TestReplicasThatAreNotSaid(t *testing.T) {
	j := application(ranBefore)
	glance(j, 0, 3, task(newID, "running", "Running"))
	s := swarm(2, "completed", "b")
	s.Replicas = -1
	v, _ := looks(j, docker(s, task(newID, "running", "Running")), 4, 20)
	want(t, v, rollout.Running, "")
	if v.Wanted != 1 {
		t.Errorf("%+v", v)
	}
}
