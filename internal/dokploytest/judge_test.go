package dokploytest_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/rollout"
)

// looker reads views of a service as a client does.
type looker struct {
	*testing.T
	c      *dokploy.Client
	v      *dokploytest.Service
	stack  bool
	docker bool
}

func (l *looker) view() rollout.View {
	ctx, v := context.Background(), rollout.View{At: time.Now(), Docker: l.docker, Services: map[string]*dokploy.SwarmService{}}
	var err error
	check := func() {
		if err != nil {
			l.Fatal(err)
		}
	}
	inspect := func(name string) {
		s, err := l.c.SwarmService(ctx, name, "")
		if err != nil {
			l.Fatal(err)
		}
		if s != nil {
			v.Services[name] = s
		}
	}
	if l.v.Kind == "compose" && !l.stack {
		v.Containers, err = l.c.Containers(ctx, l.v.AppName, "docker-compose", "")
		check()
		return v
	}
	switch {
	case l.stack && l.docker:
		v.Tasks, err = l.c.StackTasks(ctx, l.v.AppName, "")
		check()
		for _, name := range v.ServiceNames() {
			inspect(name)
		}
	case l.stack:
		v.Tasks, err = l.c.StackTasksShown(ctx, l.v.AppName, "")
	case l.docker:
		inspect(l.v.AppName)
		v.Tasks, err = l.c.Tasks(ctx, l.v.AppName, "")
	}
	check()
	v.Containers, err = l.c.Containers(ctx, l.v.AppName, "", "")
	check()
	return v
}

type rolloutCase struct {
	name     string
	app      *dokploytest.Application
	compose  *dokploytest.Compose
	change   func(*dokploytest.Service) // before the deployment
	want     rollout.State
	reason   string // part of it, with access to Docker
	member   rollout.State
	serving  bool // the previous version serves in the end
	rolledBy bool
}

const stackFile = "services:\n  web:\n    image: acme/web:1\n"

func newWeb(v *dokploytest.Service) {
	v.SetComposeFile(strings.ReplaceAll(v.ComposeFile(), "acme/web:1", "acme/web:2"))
}

func app(r dokploytest.Rollout) *dokploytest.Application {
	return &dokploytest.Application{Rollout: r}
}

func stack(r dokploytest.Rollout) *dokploytest.Compose {
	return &dokploytest.Compose{ComposeType: "stack", ComposeFile: stackFile, Rollout: r}
}

func compose(r dokploytest.Rollout, more string) *dokploytest.Compose {
	return &dokploytest.Compose{ComposeFile: stackFile + more, Rollouts: map[string]dokploytest.Rollout{"web": r, "migrate": {Once: true, CrashAfter: time.Second}}}
}

// The verdicts are those of the recordings of the same cases (docs/dokploy.md,
// What runs: applications; internal/rollout/replay_test.go).
var rolloutCases = []rolloutCase{
	{name: "good", app: app(dokploytest.Rollout{}), want: rollout.Running, member: rollout.Running},
	{name: "good, never deployed", app: &dokploytest.Application{NeverDeployed: true}, want: rollout.Running, member: rollout.Running},
	{name: "good, three replicas", app: &dokploytest.Application{Replicas: 3}, want: rollout.Running, member: rollout.Running},
	{name: "slow to start", app: app(dokploytest.Rollout{StartAfter: 25 * time.Second}), want: rollout.Running, member: rollout.Running},
	{
		name: "old one ignores SIGTERM", want: rollout.Running, member: rollout.Running,
		app: &dokploytest.Application{RolloutFunc: func(dokploytest.Version) dokploytest.Rollout { return dokploytest.Rollout{IgnoresSIGTERM: true} }},
	},
	{name: "crashes at once", app: app(dokploytest.Rollout{Crash: true}), want: rollout.Failed, reason: "task: non-zero exit (1)", member: rollout.Failed, serving: true, rolledBy: true},
	{name: "crashes after 3 s", app: app(dokploytest.Rollout{Crash: true, CrashAfter: 3 * time.Second, ExitCode: 7}), want: rollout.Failed, reason: "task: non-zero exit (7)", member: rollout.Failed, serving: true, rolledBy: true},
	{name: "crashes after 8 s", app: app(dokploytest.Rollout{Crash: true, CrashAfter: 8 * time.Second}), want: rollout.Failed, reason: "task: non-zero exit (1)", member: rollout.Failed},
	{name: "ends with 0", app: app(dokploytest.Rollout{Once: true, CrashAfter: time.Second}), want: rollout.Failed, reason: "exit code 0", member: rollout.Failed, serving: true, rolledBy: true},
	{name: "healthy", app: app(dokploytest.Rollout{Health: dokploytest.Healthy}), want: rollout.Running, member: rollout.Running},
	{name: "unhealthy", app: app(dokploytest.Rollout{Health: dokploytest.Unhealthy}), want: rollout.Failed, reason: "the previous version", member: rollout.Failed, serving: true, rolledBy: true},
	{
		name: "unplaced", want: rollout.Failed, reason: "never placed", member: rollout.Unseen, serving: true,
		app: app(dokploytest.Rollout{Unplaced: "no suitable node (host-mode port already in use on 1 node)"}),
	},
	{name: "pause", app: app(dokploytest.Rollout{Crash: true, FailureAction: "pause"}), want: rollout.Failed, reason: "paused", member: rollout.Failed},
	{name: "continue", app: app(dokploytest.Rollout{Crash: true, FailureAction: "continue"}), want: rollout.Failed, reason: "task: non-zero exit (1)", member: rollout.Failed},
	{name: "first ever crashes", app: &dokploytest.Application{NeverDeployed: true, Rollout: dokploytest.Rollout{Crash: true}}, want: rollout.Failed, reason: "task: non-zero exit (1)", member: rollout.Failed},
	{name: "two replicas crash", app: &dokploytest.Application{Replicas: 2, Rollout: dokploytest.Rollout{Crash: true}}, want: rollout.Failed, reason: "task: non-zero exit (1)", member: rollout.Failed, serving: true, rolledBy: true},
	{name: "three replicas crash after 3 s", app: &dokploytest.Application{Replicas: 3, Rollout: dokploytest.Rollout{Crash: true, CrashAfter: 3 * time.Second}}, want: rollout.Failed, reason: "task: non-zero exit (1)", member: rollout.Failed, serving: true, rolledBy: true},
	{name: "no image on the node", app: app(dokploytest.Rollout{NoImage: true}), want: rollout.Failed, reason: "No such image", member: rollout.Unseen, serving: true, rolledBy: true},
	{name: "no restart", app: app(dokploytest.Rollout{Crash: true, CrashAfter: 8 * time.Second, NoRestart: true}), want: rollout.Failed, reason: "task: non-zero exit (1)", member: rollout.Failed},

	{name: "compose", compose: compose(dokploytest.Rollout{}, ""), change: newWeb, want: rollout.Running, member: rollout.Running},
	{name: "compose, unchanged", compose: compose(dokploytest.Rollout{}, ""), want: rollout.Unchanged, member: rollout.Unchanged},
	{name: "compose crashes", compose: compose(dokploytest.Rollout{Crash: true}, ""), change: newWeb, want: rollout.Failed, member: rollout.Failed},
	{name: "compose crash loop", compose: compose(dokploytest.Rollout{Crash: true, CrashAfter: 3 * time.Second}, "    restart: always\n"), change: newWeb, want: rollout.Failed, member: rollout.Failed},
	{name: "compose crash loop at once", compose: compose(dokploytest.Rollout{Crash: true}, "    restart: always\n"), change: newWeb, want: rollout.Failed, member: rollout.Failed},
	{name: "compose unhealthy", compose: compose(dokploytest.Rollout{Health: dokploytest.Unhealthy}, ""), change: newWeb, want: rollout.Failed, member: rollout.Failed},
	{name: "compose healthy", compose: compose(dokploytest.Rollout{Health: dokploytest.Healthy}, ""), change: newWeb, want: rollout.Running, member: rollout.Running},
	{
		name: "compose with a one-shot", compose: compose(dokploytest.Rollout{}, "  migrate:\n    image: acme/migrate:${V}\n"), want: rollout.Running, member: rollout.Running,
		change: func(v *dokploytest.Service) { newWeb(v); v.SetEnv("V=2") },
	},

	{name: "stack", compose: stack(dokploytest.Rollout{}), change: newWeb, want: rollout.Running, member: rollout.Running},
	{name: "stack, unchanged", compose: stack(dokploytest.Rollout{}), want: rollout.Unchanged, member: rollout.Unchanged},
	{name: "stack crashes", compose: stack(dokploytest.Rollout{Crash: true, CrashAfter: 3 * time.Second}), change: newWeb, want: rollout.Failed, reason: "paused", member: rollout.Failed},
	{name: "stack, missing image", compose: stack(dokploytest.Rollout{NoImage: true}), change: newWeb, want: rollout.Failed, reason: "No such image: acme/web:2", member: rollout.Unseen},
	{
		name: "stack goes back", want: rollout.Failed, reason: "the previous version", member: rollout.Failed, serving: true, rolledBy: true, change: newWeb,
		compose: &dokploytest.Compose{
			ComposeType: "stack", Rollout: dokploytest.Rollout{Crash: true, CrashAfter: 3 * time.Second},
			ComposeFile: stackFile + "    deploy:\n      update_config:\n        failure_action: rollback\n        order: start-first\n",
		},
	},
	{
		name: "stack with a one-shot", want: rollout.Running, member: rollout.Running,
		change: func(v *dokploytest.Service) {
			v.SetComposeFile(stackFile + "  migrate:\n    image: acme/migrate:1\n    deploy:\n      restart_policy:\n        condition: none\n")
		},
		compose: &dokploytest.Compose{ComposeType: "stack", ComposeFile: stackFile, Rollouts: map[string]dokploytest.Rollout{"migrate": {Once: true, CrashAfter: time.Second}}},
	},
}

// TestJudges tests the simulated containers with the judges, which agree with
// the recordings of real ones: at every rhythm they get the true verdict.
func TestJudges(t *testing.T) {
	rhythms := []time.Duration{300 * time.Millisecond, 1200 * time.Millisecond, 5 * time.Second}
	if dokploytest.RaceDetector() {
		rhythms = rhythms[1:] // more of the same looks reveal no more races
	}
	for _, tt := range rolloutCases {
		for _, docker := range []bool{true, false} {
			for _, every := range rhythms {
				t.Run(fmt.Sprintf("%s/docker=%v/%s", tt.name, docker, every), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { tt.run(t, docker, every) })
				})
			}
		}
	}
}

func (tt rolloutCase) run(t *testing.T, docker bool, every time.Duration) {
	srv := dokploytest.New(dokploytest.Options{})
	srv.Start()
	defer srv.Close()
	var v *dokploytest.Service
	if tt.app != nil {
		v = srv.AddApplication(*tt.app)
	} else {
		v = srv.AddCompose(*tt.compose)
	}
	u, _ := url.Parse(srv.URL())
	key := srv.Key
	if !docker {
		key = srv.AddKey(dokploytest.Key{Member: true, Access: []string{v.ID}})
	}
	l := &looker{T: t, v: v, docker: docker, stack: tt.compose != nil && tt.compose.ComposeType == "stack"}
	l.c = dokploy.New(dokploy.Options{URL: u, Key: key, Dial: srv.Dial})
	defer l.c.CloseIdle()
	before := l.view()
	old := v.Running()
	if tt.change != nil {
		tt.change(v)
	}
	srv.Enqueue(v, "t", "")
	for len(srv.Deployments(v)) == 0 || srv.Deployments(v)[0].Status == "running" {
		time.Sleep(50 * time.Millisecond)
	}
	var judge rollout.Judge
	switch {
	case tt.app != nil:
		judge = rollout.NewApplication(v.AppName, max(1, tt.app.Replicas), rollout.Before{View: before}, 10*time.Second)
	case l.stack:
		names, err := l.c.ComposeServices(context.Background(), v.ID)
		if err != nil {
			t.Fatal(err)
		}
		for i := range names {
			names[i] = v.AppName + "_" + names[i]
		}
		judge = rollout.NewStack(names, rollout.Before{View: before}, 10*time.Second)
	default:
		judge = rollout.NewCompose(rollout.Before{View: before}, false, 10*time.Second)
	}
	want := tt.want
	if !docker {
		want = tt.member
	}
	var got rollout.Verdict
	for start := time.Now(); !got.Final && time.Since(start) < 4*time.Minute; time.Sleep(every) {
		got = judge.Look(l.view())
		if got.State != want && got.State != rollout.Undecided {
			t.Fatalf("after %s: %s (%q), want %s", time.Since(start), got.State, got.Reason, want)
		}
	}
	if got.State != want || !got.Final {
		t.Fatalf("%s (%q), final %v, want %s", got.State, got.Reason, got.Final, want)
	}
	if docker && !strings.Contains(got.Reason, tt.reason) {
		t.Errorf("reason %q", got.Reason)
	}
	if docker && got.RolledBack != tt.rolledBy {
		t.Errorf("rolled back %v", got.RolledBack)
	}
	time.Sleep(20 * time.Second)
	switch now := v.Running(); {
	case tt.serving && now != old:
		t.Errorf("%+v serves, want %+v", now, old)
	case want == rollout.Running && now.N != 1:
		t.Errorf("%+v serves", now)
	}
}
