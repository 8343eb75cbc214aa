package rollout_test

import (
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
)

// What serves after a failure is reported only if it was seen.
func TestWhatServesAfterAFailure(t *testing.T) {
	failed := task(newID, "shutdown", "Failed")
	failed.Error = "task: non-zero exit (3)"
	runs := task(oldID, "running", "Running")
	paused := docker(swarm(2, "paused", "b"), failed, runs)
	looping := task(third, "shutdown", "Failed")
	looping.Age, looping.Aged = 2*time.Second, true
	wasFailing := docker(swarm(1, "completed", "a"), task(oldID, "ready", "Ready"), looping)
	old := container(oldID, "running", "Up 2 hours")
	ended := container(newID, "exited", "Exited (3) 1 second ago")
	for name, tt := range map[string]struct {
		before, now rollout.View
		at          float64 // of the last look
		serving     string
	}{
		"old-one-runs":            {ranBefore, paused, 0, "the previous version is still running"},
		"serving-not-known":       {wasFailing, docker(swarm(2, "paused", "b"), failed), 0, ""},
		"old-one-may-be-stopping": {shown(old), shown(ended, old), 9, ""},
		"old-container-runs":      {shown(old), shown(ended, old), 10, "a container of the previous version is still running"},
		"a member sees none":      {shown(old), shown(ended), 0, ""},
		"nothing-ran":             {ranBefore, docker(swarm(2, "paused", "b"), failed), 0, "none of it was running"},
	} {
		j := application(tt.before)
		var v rollout.Verdict
		for s := 0.0; s <= tt.at; s++ {
			tt.now.At = after(s)
			v = j.Look(tt.now)
		}
		if v.State != rollout.Failed || v.Serving != tt.serving {
			t.Errorf("%s: %v %q, serving %q, want %q", name, v.State, v.Reason, v.Serving, tt.serving)
		}
	}
}

// A failed task does not count as a failure while Docker does not show its
// service: the service may have been removed with it.
func TestNoFailureWithoutTheService(t *testing.T) {
	failed := task(newID, "shutdown", "Failed")
	v, _ := looks(application(ranBefore), docker(nil, failed), 0, 5)
	want(t, v, rollout.Undecided, "Docker shows nothing of it yet")
}

// How many there should be is not known as long as one service's number is not.
func TestAStackOfWhichOneServiceIsNotShownYet(t *testing.T) {
	view := rollout.View{
		Docker:   true,
		Services: map[string]*dokploy.SwarmService{"s_a": {Mode: "replicated", Replicas: 1, Restart: "any"}},
		Tasks:    []dokploy.Task{{ID: newID, Service: "s_a", Slot: "1", Desired: "running", State: "Running"}},
	}
	v, _ := looks(rollout.NewStack([]string{"s_a", "s_b"}, rollout.Before{View: rollout.View{Docker: true, At: after(-1)}}, stableFor), view, 0, 3)
	if v.State != rollout.Undecided || v.Ready != 1 || v.Wanted != 0 {
		t.Errorf("%+v", v)
	}
}

// A container that ended in an unknown way does not prove that all is well.
func TestComposeThatDoesNotShowHowOneEnded(t *testing.T) {
	view := rollout.View{Containers: []dokploy.Container{
		{ID: "a", Name: "s-a-1", State: "exited"}, {ID: "b", Name: "s-b-1", State: "running", Status: "Up 20 seconds"},
	}}
	v, _ := looks(rollout.NewCompose(rollout.Before{}, false, stableFor), view, 0, 30)
	want(t, v, rollout.Unseen, "s-a-1 has ended, and this version of Dokploy does not show how")
}

// If every container has ended, more may come: that takes time.
func TestComposeOfWhichAllHaveEndedJustNow(t *testing.T) {
	view := rollout.View{Containers: []dokploy.Container{{ID: "a", Name: "s-a-1", State: "exited", Status: "Exited (0) 1 second ago"}}}
	v, at := looks(rollout.NewCompose(rollout.Before{}, false, stableFor), view, 0, 60)
	want(t, v, rollout.Unseen, "every container has ended with exit code 0")
	if at != 10 {
		t.Errorf("after %v s", at)
	}
}
