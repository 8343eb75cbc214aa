package rollout_test

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
)

// What no recording has. The ids are longer than the part that v0.25 shows.
const (
	oldID = "old0000000000000000000000"
	newID = "new0000000000000000000000"
	third = "third00000000000000000000"
)

func after(s float64) time.Time { return t0.Add(time.Duration(s * float64(time.Second))) }

func task(id, desired, state string) dokploy.Task {
	return dokploy.Task{ID: id, Service: "app", Slot: "1", Desired: desired, State: state}
}

func container(id, state, status string) dokploy.Container {
	return dokploy.Container{ID: id[:3], Name: "app.1." + id, State: state, Status: status}
}

func swarm(force uint64, update, started string) *dokploy.SwarmService {
	return &dokploy.SwarmService{Mode: "replicated", Replicas: 1, Restart: "any", ForceUpdate: force, UpdateState: update, UpdateStartedAt: started}
}

func docker(s *dokploy.SwarmService, tasks ...dokploy.Task) rollout.View {
	return rollout.View{Docker: true, Services: map[string]*dokploy.SwarmService{"app": s}, Tasks: tasks}
}

func shown(containers ...dokploy.Container) rollout.View {
	return rollout.View{Containers: containers}
}

// looks shows a judge one view every second until a time, and returns the last
// verdict, or the first final one.
func looks(j rollout.Judge, v rollout.View, from, to float64) (rollout.Verdict, float64) {
	var verdict rollout.Verdict
	for s := from; ; s++ {
		v.At = after(s)
		verdict = j.Look(v)
		if verdict.Final || s+1 > to {
			return verdict, s
		}
	}
}

func want(t *testing.T, v rollout.Verdict, state rollout.State, reason string) {
	t.Helper()
	if v.State != state || !strings.Contains(v.Reason, reason) {
		t.Errorf("%v %q, want %v with %q", v.State, v.Reason, state, reason)
	}
}

var ranBefore = docker(swarm(1, "completed", "a"), task(oldID, "running", "Running"))

func application(before rollout.View) rollout.Judge {
	before.At = after(-1)
	return rollout.NewApplication("app", 1, rollout.Before{View: before}, stableFor)
}

func TestAnEmptyListIsUnknown(t *testing.T) {
	j := application(ranBefore)
	good := docker(swarm(2, "completed", "b"), task(newID, "running", "Running"))
	looks(j, good, 0, 4)
	v, _ := looks(j, docker(nil), 5, 8)
	want(t, v, rollout.Undecided, "")
	v, at := looks(j, good, 9, 20)
	want(t, v, rollout.Running, "")
	if at > 10 {
		t.Errorf("confirmed after %v s: an empty list is no reason to count again", at)
	}
	// A moment without an answer, late: no reason to give up.
	j = application(ranBefore)
	looks(j, docker(swarm(2, "updating", "b"), task(newID, "running", "Starting")), 0, 60)
	v, _ = looks(j, docker(nil, task(newID, "running", "Starting")), 61, 80)
	want(t, v, rollout.Undecided, "")
	v, _ = looks(j, docker(nil, task(newID, "running", "Starting")), 81, 100)
	want(t, v, rollout.Unseen, "does not show the Swarm service")

	v, at = looks(application(ranBefore), docker(nil), 0, 100)
	want(t, v, rollout.Unseen, "Docker shows nothing")
	if at < 30 {
		t.Errorf("given up after %v s: a list can be empty for 20 s", at)
	}
	v, _ = looks(rollout.NewCompose(rollout.Before{}, false, stableFor), rollout.View{}, 0, 100)
	want(t, v, rollout.Unseen, "Docker shows no container")
	v, _ = looks(rollout.NewStack(nil, rollout.Before{}, stableFor), rollout.View{}, 0, 100)
	want(t, v, rollout.Unseen, "Docker shows nothing")
}

func TestAnotherDeploymentOnTop(t *testing.T) {
	j := application(ranBefore)
	looks(j, docker(swarm(2, "updating", "b"), task(newID, "running", "Starting")), 0, 3)
	v, _ := looks(j, docker(swarm(3, "completed", "c"), task(third, "running", "Running"), task(newID, "shutdown", "Shutdown")), 4, 30)
	want(t, v, rollout.Unseen, "another deployment")
}

func TestWithoutABaselineNothingIsSaid(t *testing.T) {
	blind := docker(nil)
	v, _ := looks(application(blind), docker(swarm(5, "completed", "x"), task(oldID, "running", "Running")), 0, 30)
	want(t, v, rollout.Unseen, "what was running before")
	// What itself reports to be older than the deployment does not belong to
	// it.
	old := task(oldID, "running", "Running")
	old.Age, old.Aged = time.Hour, true
	v, _ = looks(application(blind), docker(swarm(0, "", ""), old), 0, 60)
	want(t, v, rollout.Undecided, "0 of 1")
	v, _ = looks(application(rollout.View{}), shown(container(oldID, "running", "Up 2 days")), 0, 40)
	want(t, v, rollout.Undecided, "")
	v, _ = looks(application(rollout.View{}), shown(container(oldID, "running", "Up 2 days")), 0, 100)
	want(t, v, rollout.Unseen, "nothing has changed")
}

func TestNoReplicas(t *testing.T) {
	s := swarm(2, "", "")
	s.Replicas = 0
	v, _ := looks(application(ranBefore), docker(s), 0, 30)
	want(t, v, rollout.Unseen, "0 replicas")
}

func TestPlacedAfterAWhile(t *testing.T) {
	j := application(ranBefore)
	pending := task(newID, "running", "Pending")
	pending.Error = "no suitable node (insufficient resources on 1 node)"
	v, _ := looks(j, docker(swarm(2, "updating", "b"), pending), 0, 50)
	want(t, v, rollout.Undecided, "no suitable node")
	v, _ = looks(j, docker(swarm(2, "completed", "b"), task(newID, "running", "Running")), 51, 70)
	want(t, v, rollout.Running, "")
}

// The old version keeps failing while the new one starts: its last try is a new
// task, too.
func TestOverACrashLoop(t *testing.T) {
	failed := task(third, "shutdown", "Failed")
	failed.Age, failed.Aged = 2*time.Second, true
	before := docker(swarm(1, "completed", "a"), task(oldID, "ready", "Ready"), failed)
	j := application(before)
	late := task("late000000000000000000000", "shutdown", "Failed")
	v, _ := looks(j, docker(swarm(2, "updating", "b"), task(newID, "running", "Running"), late), 0, 5)
	want(t, v, rollout.Undecided, "")
	v, _ = looks(j, docker(swarm(2, "completed", "b"), task(newID, "running", "Running"), late), 6, 30)
	want(t, v, rollout.Running, "")
	// A version that was not failing does not fail by itself.
	v, _ = looks(application(ranBefore), docker(swarm(2, "completed", "b"), task(newID, "running", "Running"), late), 0, 30)
	want(t, v, rollout.Failed, "")
}

func TestMemberWaitsForTheOldOneToGo(t *testing.T) {
	before := shown(container(oldID, "running", "Up 2 hours"))
	j := application(before)
	v, _ := looks(j, shown(container(newID, "running", "Up 1 second"), container(oldID, "running", "Up 2 hours")), 0, 25)
	want(t, v, rollout.Undecided, "side by side")
	v, _ = looks(j, shown(container(newID, "running", "Up 30 seconds"), container(oldID, "exited", "Exited (137) 1 second ago")), 26, 27)
	want(t, v, rollout.Running, "")
}

func TestServing(t *testing.T) {
	failed := task(newID, "shutdown", "Failed")
	failed.Error = "task: non-zero exit (3)"
	j := application(ranBefore)
	v, _ := looks(j, docker(swarm(1, "rollback_started", "b"), failed, task(oldID, "running", "Running")), 0, 0)
	if v.State != rollout.Failed || v.Final || !v.RolledBack {
		t.Errorf("%+v: swarm is still going back", v)
	}
	v, _ = looks(j, docker(swarm(1, "rollback_completed", "b"), task(third, "running", "Running"), failed), 1, 1)
	if !v.Final || !v.RolledBack || v.Serving != "the previous version is running again" {
		t.Errorf("%+v", v)
	}
	// What has failed stays failed, with the same reason.
	v, _ = looks(j, docker(swarm(1, "rollback_completed", "b"), task(third, "running", "Running")), 2, 100)
	want(t, v, rollout.Failed, "Swarm rolled back to the previous version")
}

// The version that swarm went back to may start a moment after swarm has
// finished.
func TestServingOnceItIsUpAgain(t *testing.T) {
	failed := task(newID, "shutdown", "Failed")
	failed.Error = "task: non-zero exit (3)"
	back := swarm(1, "rollback_completed", "b")
	for serving, tt := range map[string]struct {
		next rollout.View
		at   float64
	}{
		"the previous version is running again": {docker(back, task(third, "running", "Running"), failed), 1},
		"none of it was running":                {docker(back, failed), 10},
	} {
		j := application(ranBefore)
		v, _ := looks(j, docker(back, task(third, "running", "Starting"), failed), 0, 0)
		if v.State != rollout.Failed || v.Final || !v.RolledBack {
			t.Errorf("%+v: nothing runs yet", v)
		}
		v, at := looks(j, tt.next, 1, 60)
		if !v.Final || !v.RolledBack || v.Serving != serving || at != tt.at {
			t.Errorf("%+v after %v s, want %q after %v", v, at, serving, tt.at)
		}
	}
}

func TestJobsAreMadeToEnd(t *testing.T) {
	s := swarm(2, "", "")
	s.Mode = "replicated-job"
	v, _ := looks(application(docker(nil)), docker(s, task(newID, "shutdown", "Complete")), 0, 30)
	want(t, v, rollout.Running, "")
}

func TestStackServiceThatIsNotThere(t *testing.T) {
	v := docker(swarm(2, "", ""), task(newID, "running", "Running"))
	j := rollout.NewStack([]string{"app", "worker"}, rollout.Before{View: rollout.View{At: after(-1), Docker: true}}, stableFor)
	got, at := looks(j, v, 0, 100)
	want(t, got, rollout.Unseen, "worker: ")
	if at < 29 {
		t.Errorf("given up after %v s", at)
	}
}

func compose(before ...dokploy.Container) rollout.Judge {
	return rollout.NewCompose(rollout.Before{View: rollout.View{At: after(-1), Containers: before}}, false, stableFor)
}

func named(id, name, state, status string) dokploy.Container {
	return dokploy.Container{ID: id, Name: name, State: state, Status: status}
}

func TestComposeLeavesOthersAlone(t *testing.T) {
	web := named("a", "p-web-1", "running", "Up 15 seconds")
	stray := named("b", "p-tool-1", "exited", "Exited (1) 3 hours ago")
	once := named("c", "p-web-run-0123456789ab", "exited", "Exited (1) 2 seconds ago")
	v, _ := looks(compose(stray), shown(web, stray, once), 0, 30)
	want(t, v, rollout.Running, "")
	// The same container, started by the deployment and ended again.
	v, _ = looks(compose(stray), shown(web, named("b", "p-tool-1", "exited", "Exited (1) 1 second ago")), 0, 30)
	want(t, v, rollout.Failed, "p-tool-1 ended with exit code 1")
}

func TestComposeRestartsBetweenTwoLooks(t *testing.T) {
	j := compose()
	for i, status := range []string{"Up 1 second", "Up 5 seconds", "Up 9 seconds"} {
		v, _ := looks(j, shown(named("a", "p-web-1", "running", status)), float64(4*i), 0)
		want(t, v, rollout.Undecided, "")
	}
	v, _ := looks(j, shown(named("a", "p-web-1", "running", "Up 4 seconds")), 12, 12)
	want(t, v, rollout.Failed, "crash loop: p-web-1 has restarted")

	// The same age at each look: it was restarted every time.
	j = compose()
	v, _ = looks(j, shown(named("a", "p-web-1", "running", "Up 2 seconds")), 0, 60)
	want(t, v, rollout.Undecided, "0 of 1")
}

func TestComposeThatOnlyEnds(t *testing.T) {
	v, _ := looks(compose(), shown(named("a", "p-job-1", "exited", "Exited (0) 1 second ago")), 0, 30)
	want(t, v, rollout.Unseen, "exit code 0")
}

// The monitor is set to minutes: the judge waits for swarm's result.
func TestNotBeforeSwarmSaysCompleted(t *testing.T) {
	j := application(ranBefore)
	v, _ := looks(j, docker(swarm(2, "updating", "b"), task(newID, "running", "Running")), 0, 120)
	want(t, v, rollout.Undecided, "Swarm is updating it")
	v, _ = looks(j, docker(swarm(2, "completed", "b"), task(newID, "running", "Running")), 121, 121)
	want(t, v, rollout.Running, "")
}

// The old version was restarted while the new one was built.
func TestANewTaskOfTheOldVersion(t *testing.T) {
	v, _ := looks(application(ranBefore), docker(swarm(1, "completed", "a"), task(newID, "running", "Running")), 0, 60)
	want(t, v, rollout.Undecided, "Swarm has not started")
	never := docker(swarm(1, "", ""), task(oldID, "running", "Running"))
	v, _ = looks(application(never), docker(swarm(1, "", ""), task(newID, "running", "Running")), 0, 60)
	want(t, v, rollout.Undecided, "Swarm has not started")
}

func TestATaskThatIsBeingStoppedDoesNotCount(t *testing.T) {
	v, _ := looks(application(ranBefore), docker(swarm(2, "completed", "b"), task(newID, "shutdown", "Running")), 0, 30)
	want(t, v, rollout.Undecided, "0 of 1")
}

func TestUnhealthyIsSaidOfTheContainer(t *testing.T) {
	look := docker(swarm(2, "updating", "b"), task(newID, "running", "Starting"), task(oldID, "running", "Running"))
	look.Containers = []dokploy.Container{container(newID, "running", "Up 40 seconds (unhealthy)")}
	j := application(ranBefore)
	v, _ := looks(j, look, 0, 0)
	want(t, v, rollout.Failed, "unhealthy")
	// Swarm stops it, and its exit code says less.
	v, _ = looks(j, docker(swarm(1, "rollback_completed", "b"), task(newID, "shutdown", "Complete"), task(oldID, "running", "Running")), 1, 1)
	want(t, v, rollout.Failed, "the previous version: unhealthy")
}

func TestAOneShotOfAStackIsNoCrashLoop(t *testing.T) {
	web := dokploy.Container{ID: "w", Name: "st_web.1." + oldID, State: "running", Status: "Up 15 seconds"}
	once := dokploy.Container{ID: "o", Name: "st_once.1." + third, State: "exited", Status: "Exited (0) 14 seconds ago"}
	before := shown(web, once)
	before.At = after(-1)
	j := rollout.NewStack([]string{"st_web", "st_once"}, rollout.Before{View: before}, stableFor)
	again := once
	again.Name, again.Status = "st_once.1."+newID, "Exited (0) 1 second ago"
	v, _ := looks(j, shown(web, again, once), 0, 30)
	want(t, v, rollout.Running, "")
}

func TestComposeHealthMustLast(t *testing.T) {
	j := compose()
	v, _ := looks(j, shown(named("a", "p-web-1", "running", "Up 5 seconds (health: starting)")), 0, 20)
	want(t, v, rollout.Undecided, "health of p-web-1")
	v, at := looks(j, shown(named("a", "p-web-1", "running", "Up 21 seconds (healthy)")), 21, 60)
	want(t, v, rollout.Running, "")
	if at < 30 {
		t.Errorf("confirmed at %v s", at)
	}
}

// A task that swarm rejects never ran: trying it again is not a crash loop.
func TestRejectedIsNoCrashLoop(t *testing.T) {
	rejected := func(id, state string) dokploy.Task {
		t := task(id, "shutdown", state)
		t.Error = "No such image: acme/app:2"
		return t
	}
	judge := func(tasks ...dokploy.Task) rollout.Verdict {
		before := docker(swarm(1, "", ""))
		before.At = after(0)
		j := rollout.NewApplication("app", 1, rollout.Before{View: before}, 10*time.Second)
		v, _ := looks(j, docker(swarm(2, "updating", "t"), tasks...), 1, 30)
		return v
	}
	v := judge(rejected(newID, "Rejected"), rejected(third, "Rejected"))
	want(t, v, rollout.Failed, "No such image: acme/app:2")
	if strings.Contains(v.Reason, "loop") {
		t.Errorf("reason %q", v.Reason)
	}
	want(t, judge(rejected(newID, "Failed"), rejected(third, "Failed")), rollout.Failed, "crash loop: No such image")
}

// Swarm kills what is unhealthy: the exit code does not mean a lack of memory.
func TestUnhealthyIsSaid(t *testing.T) {
	killed := task(newID, "shutdown", "Failed")
	killed.Error = "task: non-zero exit (137): dockerexec: unhealthy container"
	before := docker(swarm(1, "", ""))
	before.At = after(0)
	j := rollout.NewApplication("app", 1, rollout.Before{View: before}, 10*time.Second)
	v, _ := looks(j, docker(swarm(2, "rollback_completed", "t"), killed), 1, 30)
	want(t, v, rollout.Failed, "unhealthy: its health check fails")
	if !v.Unhealthy {
		t.Error("not said to be unhealthy")
	}
}

// If several fail in one look, none hides the others.
func TestSeveralThatFail(t *testing.T) {
	exited := func(name, status string) dokploy.Container {
		return dokploy.Container{ID: name, Name: name, State: "exited", Status: status}
	}
	sick := dokploy.Container{ID: "d", Name: "s-d-1", State: "running", Status: "Up 20 seconds (unhealthy)"}
	for _, tt := range []struct {
		containers []dokploy.Container
		reason     string
	}{
		{[]dokploy.Container{exited("s-a-1", "Exited (3) 1 second ago")}, "s-a-1 ended with exit code 3"},
		{[]dokploy.Container{exited("s-a-1", "Exited (3) 1 second ago"), sick}, "s-a-1 ended with exit code 3; unhealthy: the health check of s-d-1 fails"},
		{[]dokploy.Container{exited("s-a-1", "Exited (3) 1 second ago"), exited("s-b-1", "Exited (4) 1 second ago"), exited("s-c-1", "Exited (0) 1 second ago"), sick},
			"s-a-1 ended with exit code 3; s-b-1 ended with exit code 4; and 1 more"},
	} {
		v, _ := looks(rollout.NewCompose(rollout.Before{}, false, stableFor), rollout.View{Containers: tt.containers}, 0, 0)
		if v.State != rollout.Failed || v.Reason != tt.reason || v.Container != "s-a-1" || v.Unhealthy {
			t.Errorf("%+v, want %q", v, tt.reason)
		}
	}
	failed := func(service string) dokploy.Task {
		return dokploy.Task{ID: service + "000000000000", Service: service, Slot: "1", Desired: "shutdown", State: "Failed", Error: "exit of " + service}
	}
	services := map[string]*dokploy.SwarmService{}
	for _, name := range []string{"s_a", "s_b"} {
		services[name] = &dokploy.SwarmService{Mode: "replicated", Replicas: 1, Restart: "any"}
	}
	v, _ := looks(rollout.NewStack([]string{"s_a", "s_b"}, rollout.Before{View: rollout.View{Docker: true, At: after(-1)}}, stableFor),
		rollout.View{Docker: true, Services: services, Tasks: []dokploy.Task{failed("s_a"), failed("s_b")}}, 0, 0)
	if v.State != rollout.Failed || v.Reason != "s_a: exit of s_a; s_b: exit of s_b" || v.Service != "s_a" {
		t.Errorf("%+v", v)
	}
}

// "docker compose up" has created its containers when it ends: if SSH cannot be
// in the way, they are not waited for longer than they would have to run.
func TestComposeWithoutContainers(t *testing.T) {
	for _, tt := range []struct {
		local       bool
		shows       rollout.View // at first
		least, most float64
	}{
		{true, rollout.View{}, stableFor.Seconds(), stableFor.Seconds() + 1},
		{false, rollout.View{}, 30, 31},
		{true, rollout.View{Containers: []dokploy.Container{{ID: "a", Name: "s-a-1", State: "created"}}}, 33, 35}, // Docker may have been restarted
	} {
		j := rollout.NewCompose(rollout.Before{}, false, stableFor)
		tt.shows.Local = tt.local
		looks(j, tt.shows, 0, 3)
		v, at := looks(j, rollout.View{Local: tt.local}, 4, 100)
		want(t, v, rollout.Unseen, "Docker shows no container")
		if float64(at) < tt.least || float64(at) > tt.most {
			t.Errorf("%+v: after %v s", tt, at)
		}
	}
}

// If every service is set to no replicas, there is nothing to wait for;
// anything that is there all the same is judged.
func TestComposeThatIsSetToNone(t *testing.T) {
	v, at := looks(rollout.NewCompose(rollout.Before{}, true, stableFor), rollout.View{}, 0, 100)
	want(t, v, rollout.Unseen, "set to 0 replicas")
	if at != 0 {
		t.Errorf("after %v s", at)
	}
	runs := rollout.View{Containers: []dokploy.Container{{ID: "a", Name: "s-a-1", State: "running", Status: "Up 1 second"}}}
	v, _ = looks(rollout.NewCompose(rollout.Before{}, true, stableFor), runs, 0, 3)
	want(t, v, rollout.Undecided, "")
}
