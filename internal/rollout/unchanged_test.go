package rollout_test

import (
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
)

// How many of the running ones are new, according to the recordings.
func TestReplayCountsWhatIsNew(t *testing.T) {
	counts := map[string][4]int{ // new, running, gone, new and ended successfully
		"compose-01-first": {1, 1, 0, 0}, "compose-02-unchanged": {0, 1, 0, 0}, "compose-03-v2": {1, 1, 0, 0},
		"compose-09-oneshot+web": {1, 1, 0, 1}, "compose-12-web-x2+restored": {2, 2, 0, 0}, "compose-13-one-of-two": {1, 2, 0, 0},
		"stack-01-first": {1, 1, 0, 0}, "stack-02-unchanged": {0, 1, 0, 0}, "stack-03-v2": {1, 1, 0, 0}, "stack-07-oneshot": {0, 1, 0, 1},
		"app-02-same-image-redeploy": {1, 1, 0, 0}, "two-02-v2-over-v1": {2, 2, 0, 0},
	}
	for _, rec := range recorded(t) {
		n, ok := counts[rec.name]
		if !ok {
			continue
		}
		v, _ := rec.replay(t, owner, expectations[rec.name], time.Second, 0)
		if v.New != n[0] || v.Ready != n[1] || v.Gone != n[2] || v.Ran != n[3] {
			t.Errorf("%s: %d new of %d running, %d gone, %d ended, want %v", rec.name, v.New, v.Ready, v.Gone, v.Ran, n)
		}
	}
}

func TestComposeThatReplacesNothing(t *testing.T) {
	web, db := named("a", "p-web-1", "running", "Up 3 weeks"), named("b", "p-db-1", "running", "Up 2 hours")
	for name, tt := range map[string]struct {
		before, now []dokploy.Container
		state       rollout.State
		fresh, gone int
	}{
		"nothing":                   {[]dokploy.Container{web, db}, []dokploy.Container{web, db}, rollout.Unchanged, 0, 0},
		"one of two":                {[]dokploy.Container{named("c", "p-web-1", "running", "Up 3 weeks"), db}, []dokploy.Container{named("a", "p-web-1", "running", "Up 20 seconds"), db}, rollout.Running, 1, 1},
		"only started again":        {[]dokploy.Container{named("a", "p-web-1", "exited", "Exited (0) 2 days ago"), db}, []dokploy.Container{named("a", "p-web-1", "running", "Up 20 seconds"), db}, rollout.Unchanged, 0, 0},
		"restarted by itself":       {[]dokploy.Container{web}, []dokploy.Container{named("a", "p-web-1", "running", "Up 20 seconds")}, rollout.Unchanged, 0, 0},
		"one removed":               {[]dokploy.Container{web, db}, []dokploy.Container{db}, rollout.Unchanged, 0, 1},
		"one added":                 {[]dokploy.Container{db}, []dokploy.Container{named("a", "p-web-1", "running", "Up 20 seconds"), db}, rollout.Running, 1, 0},
		"a one-shot of before":      {[]dokploy.Container{web, named("m", "p-migrate-1", "exited", "Exited (0) 3 weeks ago")}, []dokploy.Container{web, named("m", "p-migrate-1", "exited", "Exited (0) 3 weeks ago")}, rollout.Unchanged, 0, 0},
		"a one-shot again":          {[]dokploy.Container{web, named("m", "p-migrate-1", "exited", "Exited (0) 3 weeks ago")}, []dokploy.Container{web, named("m", "p-migrate-1", "exited", "Exited (0) 1 second ago")}, rollout.Unchanged, 0, 0},
		"a new one-shot":            {[]dokploy.Container{web, named("m", "p-migrate-1", "exited", "Exited (0) 3 weeks ago")}, []dokploy.Container{web, named("n", "p-migrate-1", "exited", "Exited (0) 1 second ago")}, rollout.Running, 0, 1},
		"a new one, and a one-shot": {[]dokploy.Container{db, named("m", "p-migrate-1", "exited", "Exited (0) 3 weeks ago")}, []dokploy.Container{db, named("a", "p-web-1", "running", "Up 20 seconds"), named("n", "p-migrate-1", "exited", "Exited (0) 1 second ago")}, rollout.Running, 1, 1},
		"nothing ran":               {nil, []dokploy.Container{named("a", "p-web-1", "running", "Up 10 seconds")}, rollout.Running, 1, 0},
		"an empty list that lied":   {nil, []dokploy.Container{web, db}, rollout.Unchanged, 0, 0},
		"a run by hand is no part":  {[]dokploy.Container{web, named("r", "p-web-run-0123456789ab", "running", "Up 1 second")}, []dokploy.Container{web}, rollout.Unchanged, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			v, _ := looks(compose(tt.before...), shown(tt.now...), 0, 30)
			if v.State != tt.state || !v.Final || v.New != tt.fresh || v.State == rollout.Unchanged && v.Gone != tt.gone {
				t.Errorf("%+v", v)
			}
		})
	}
}

// Without a look before the deployment, what is older than the deployment is
// unchanged, and for what is younger it is not known whether it is new.
func TestComposeThatWasNotSeenBefore(t *testing.T) {
	unseen := rollout.Before{View: rollout.View{At: after(-20)}, Unseen: true}
	old, young := named("a", "p-web-1", "running", "Up 3 weeks"), named("b", "p-db-1", "running", "Up 10 seconds")
	v, _ := looks(rollout.NewCompose(unseen, false, stableFor), shown(old), 0, 30)
	want(t, v, rollout.Unchanged, "")
	v, _ = looks(rollout.NewCompose(unseen, false, stableFor), shown(old, young), 0, 30)
	want(t, v, rollout.Unseen, "1 of 2 containers were started after the deployment began, but what was running before could not be seen")
	v, _ = looks(rollout.NewCompose(unseen, false, stableFor), shown(old, named("b", "p-db-1", "exited", "Exited (1) 1 second ago")), 0, 30)
	want(t, v, rollout.Failed, "exit code 1")
}

func stackTask(service, id, state string, age time.Duration) dokploy.Task {
	return dokploy.Task{ID: id, Service: service, Slot: "1", Desired: "running", State: state, Age: age, Aged: true}
}

func stackView(at float64, services map[string]*dokploy.SwarmService, tasks ...dokploy.Task) rollout.View {
	return rollout.View{At: after(at), Docker: true, Services: services, Tasks: tasks}
}

func TestStackThatReplacesNothing(t *testing.T) {
	s := func(update, started string) *dokploy.SwarmService { return swarm(0, update, started) }
	before := stackView(-1, map[string]*dokploy.SwarmService{"st_web": s("", ""), "st_db": s("", "")},
		stackTask("st_web", oldID, "Running", time.Hour), stackTask("st_db", third, "Running", time.Hour))
	names := []string{"st_db", "st_web"}
	for name, tt := range map[string]struct {
		now   rollout.View
		state rollout.State
		fresh int
	}{
		"nothing": {stackView(0, map[string]*dokploy.SwarmService{"st_web": s("", ""), "st_db": s("", "")},
			stackTask("st_web", oldID, "Running", time.Hour), stackTask("st_db", third, "Running", time.Hour)), rollout.Unchanged, 0},
		"one of two": {stackView(0, map[string]*dokploy.SwarmService{"st_web": s("completed", "b"), "st_db": s("", "")},
			stackTask("st_web", newID, "Running", 0), stackTask("st_db", third, "Running", time.Hour)), rollout.Running, 1},
		"swarm has started it again, by itself": {stackView(0, map[string]*dokploy.SwarmService{"st_web": s("", ""), "st_db": s("", "")},
			stackTask("st_web", newID, "Running", 0), stackTask("st_db", third, "Running", time.Hour)), rollout.Unchanged, 0},
	} {
		t.Run(name, func(t *testing.T) {
			v, _ := looks(rollout.NewStack(names, rollout.Before{View: before}, stableFor), tt.now, 0, 30)
			if v.State != tt.state || v.New != tt.fresh || v.Ready != 2 || v.Wanted != 2 {
				t.Errorf("%+v", v)
			}
		})
	}
}

// Without a look before the deployment, swarm shows which services it has
// updated: its UpdateStatus is null for those that have not changed, and for
// new ones.
func TestStackThatWasNotSeenBefore(t *testing.T) {
	unseen := rollout.Before{View: rollout.View{At: after(-20)}, Unseen: true}
	judge := func(update, started string, age time.Duration) rollout.Verdict {
		v, _ := looks(rollout.NewStack([]string{"st_web"}, unseen, stableFor),
			stackView(0, map[string]*dokploy.SwarmService{"st_web": swarm(0, update, started)}, stackTask("st_web", newID, "Running", age)), 0, 30)
		return v
	}
	want(t, judge("completed", "b", 0), rollout.Running, "")
	want(t, judge("", "", time.Hour), rollout.Unchanged, "")
	want(t, judge("", "", 0), rollout.Unseen, "what was running before the deployment could not be seen")
}

func TestNothingIsToRun(t *testing.T) {
	none := func() *dokploy.SwarmService { s := swarm(0, "", ""); s.Replicas = 0; return s }
	v, at := looks(rollout.NewStack([]string{"st_a", "st_b"}, rollout.Before{View: rollout.View{At: after(-1), Docker: true}}, stableFor),
		stackView(0, map[string]*dokploy.SwarmService{"st_a": none(), "st_b": none()}), 0, 60)
	want(t, v, rollout.Unseen, "every service of the stack is set to 0 replicas")
	if at > 0 {
		t.Errorf("said after %v s", at)
	}
	// One of two: the other one counts.
	v, _ = looks(rollout.NewStack([]string{"st_a", "st_b"}, rollout.Before{View: rollout.View{At: after(-1), Docker: true}}, stableFor),
		stackView(0, map[string]*dokploy.SwarmService{"st_a": none(), "st_b": swarm(0, "", "")}, stackTask("st_b", newID, "Running", 0)), 0, 60)
	if v.State != rollout.Running || v.Wanted != 1 {
		t.Errorf("%+v", v)
	}
	// Dokploy's own number, if swarm's is not seen.
	for _, view := range []rollout.View{docker(nil), shown(), shown(container(oldID, "running", "Up 2 hours"))} {
		before := rollout.Before{View: shown(container(oldID, "running", "Up 2 hours"))}
		before.At = after(-1)
		v, at = looks(rollout.NewApplication("app", 0, before, stableFor), view, 0, 60)
		want(t, v, rollout.Unseen, "in Dokploy the application is set to 0 replicas")
		if at > 0 {
			t.Errorf("said after %v s", at)
		}
	}
	// An unknown number is not zero.
	v, _ = looks(rollout.NewApplication("app", -1, rollout.Before{View: rollout.View{At: after(-1)}}, stableFor), shown(container(newID, "running", "Up 1 second")), 0, 20)
	want(t, v, rollout.Running, "")
}

// Somebody stops it by hand during verification.
func TestStoppedByHand(t *testing.T) {
	stopped := swarm(2, "", "")
	stopped.Replicas = 0
	j := application(ranBefore)
	looks(j, docker(swarm(2, "updating", "b"), task(newID, "running", "Running")), 0, 3)
	v, _ := looks(j, docker(stopped, task(newID, "shutdown", "Running")), 4, 4)
	want(t, v, rollout.Failed, "it was stopped: someone set its replicas in Swarm from 1 to 0")
	if !v.Final || !v.Stopped {
		t.Errorf("%+v", v)
	}
	j = rollout.NewStack([]string{"app"}, rollout.Before{View: rollout.View{At: after(-1), Docker: true}}, stableFor)
	looks(j, docker(swarm(0, "", ""), task(newID, "running", "Running")), 0, 3)
	v, _ = looks(j, docker(stopped), 4, 4)
	want(t, v, rollout.Failed, "it was stopped")
	if !v.Final || !v.Stopped {
		t.Errorf("%+v", v)
	}
}

// If no look before the rollout worked, each task shows which deployment it
// belongs to.
func TestSwarmTellsWhatIsNew(t *testing.T) {
	unseen := rollout.Before{View: rollout.View{At: after(-20)}, Unseen: true}
	young := func(id, desired, state string) dokploy.Task {
		t := task(id, desired, state)
		t.Age, t.Aged = 2*time.Second, true // the last try of a crash loop is no older
		return t
	}
	view := func(s *dokploy.SwarmService, forces map[string]uint64, tasks ...dokploy.Task) rollout.View {
		v := docker(s, tasks...)
		v.Forces = forces
		return v
	}
	judge := func(v rollout.View) rollout.Verdict {
		got, _ := looks(rollout.NewApplication("app", 1, unseen, stableFor), v, 0, 30)
		return got
	}
	forces := map[string]uint64{oldID: 4, newID: 5}
	want(t, judge(view(swarm(5, "completed", "x"), forces, young(newID, "running", "Running"), young(oldID, "shutdown", "Failed"))), rollout.Running, "")
	want(t, judge(view(swarm(5, "completed", "x"), forces, young(oldID, "running", "Running"))), rollout.Undecided, "0 of 1")
	want(t, judge(view(swarm(4, "rollback_completed", "x"), forces, young(newID, "shutdown", "Failed"), young(oldID, "running", "Running"))), rollout.Failed, "Swarm rolled back")
	want(t, judge(view(swarm(5, "completed", "x"), nil, young(newID, "running", "Running"))), rollout.Unseen, "what was running before")
	// A member does not see any of that.
	got, _ := looks(rollout.NewApplication("app", 1, unseen, stableFor), shown(container(newID, "running", "Up 2 seconds")), 0, 60)
	want(t, got, rollout.Unseen, "what was running before")
}

// Nothing existed before a first deployment, and another deployment may have
// come between the look and ours.
func TestTheFirstDeploymentEver(t *testing.T) {
	first := rollout.Before{View: rollout.View{At: after(-1), Docker: true}}
	v, _ := looks(rollout.NewApplication("app", 1, first, stableFor), docker(swarm(0, "", ""), task(newID, "running", "Running")), 0, 30)
	want(t, v, rollout.Running, "")
	second := docker(swarm(1, "completed", "x"), task(newID, "running", "Running"), task(oldID, "shutdown", "Failed"))
	second.Forces = map[string]uint64{newID: 1, oldID: 0}
	v, _ = looks(rollout.NewApplication("app", 1, first, stableFor), second, 0, 30)
	want(t, v, rollout.Running, "")
}
