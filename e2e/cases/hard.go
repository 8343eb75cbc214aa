package cases

import (
	"fmt"
	"os"
	"strings"
)

// Line returns what a build writes: a hundred bytes and its number.
func Line(i int) string {
	return fmt.Sprintf("line %07d %s end", i, strings.Repeat(".", 83))
}

const flood = 200_000

// longBuild has somebody else's build of the service slow block the queue.
func longBuild(r *Run, seconds int) {
	r.Helper()
	r.Work(r, r.ID("slow"), Work{Seconds: seconds})
	r.Other(r.ID("slow"), "a long one")
	r.AwaitStatus(r.ID("slow"), "running")
}

// wholeLines: each line of the flood is shown once and in order. BuildKit
// leaves out what comes too fast, and cuts lines there: then the whole ones are
// in order, and lastLines shows who cut the others.
func wholeLines(r *Run, o *Outcome) {
	r.Helper()
	next, cut, clipped := 1, 0, strings.Contains(o.Output, "output clipped")
	for line := range strings.Lines(o.Output) {
		i := strings.Index(line, "line 0")
		if i < 0 {
			continue
		}
		var n int
		_, err := fmt.Sscanf(line[i:], "line %d", &n)
		switch whole := err == nil && strings.TrimSpace(line[i:]) == Line(n); {
		case !whole && clipped:
			cut++
		case !whole:
			r.Fatalf("where line %d should come there is %q", next, line)
		case n < next || n > next && !clipped:
			r.Fatalf("line %d comes where %d should", n, next)
		default:
			next = n + 1
		}
	}
	if next <= flood && !clipped {
		r.Errorf("it ends before line %d", next)
	}
	r.Logf("up to line %d, %d bytes; clipped by the builder: %v, with %d lines cut", next-1, len(o.Output), clipped, cut)
}

// lastLines: the last lines of Dokploy's own file are what was shown last, byte
// for byte.
func lastLines(r *Run, o *Outcome, n int) {
	r.Helper()
	var file string
	r.API(fmt.Sprintf("deployment.readLogs?deploymentId=%s&tail=%d", o.Targets[0].DeploymentID, n), nil, &file)
	want := strings.Split(strings.TrimSuffix(file, "\n"), "\n")
	var shown []string
	for line := range strings.Lines(o.Output) {
		if !strings.HasPrefix(line, "› ") && !strings.HasPrefix(line, "✓ ") {
			shown = append(shown, strings.TrimSuffix(line, "\n"))
		}
	}
	if len(shown) < len(want) {
		r.Fatalf("%d lines are shown, Dokploy's file has %d and more", len(shown), len(want))
	}
	for i, line := range shown[len(shown)-len(want):] {
		if line != want[i] {
			r.Fatalf("%d lines before the end %q is shown, Dokploy's file has %q", len(want)-i, line, want[i])
		}
	}
	r.Logf("the last %d lines are those of Dokploy's file", len(want))
}

// hard are the cases with other deployments around, few rights, much text and
// restarts.
var hard = []Case{
	{
		Name: "a busy queue", Services: []Service{{Name: "slow", Built: true}, {Name: "app", Deployed: true}, {Name: "stack", File: GoodFile}},
		Before: func(r *Run) {
			longBuild(r, 12)
			r.Other(r.ID("app"), "first")
			r.Other(r.ID("stack"), "another service")
			r.Other(r.ID("app"), "second")
		},
		Inputs: []string{"application={project}/app", "title=ours"},
		During: func(r *Run, _ *os.Process) {
			r.Await("it is queued", func() bool { return r.Queued(r.ID("app"), "ours") })
			r.Other(r.ID("stack"), "a later one")
		},
		Status: "done", Says: []string{"queued, 4th in line; building now: {project}/production/slow"},
		After: func(r *Run, o *Outcome) {
			if row := r.Row(o); row.Title != "ours" || row.Status != "done" {
				r.Errorf("%+v", row)
			}
			for _, title := range []string{"first", "second", "ours"} {
				if n := r.Titled(r.ID("app"), title); n != 1 {
					r.Errorf("%d deployments titled %q", n, title)
				}
			}
			r.AwaitEnd(r.ID("stack"))
		},
	},
	{
		Name: "another deployment comes right behind", Services: []Service{{Name: "slow", Built: true}, {Name: "app", Deployed: true}},
		Before: func(r *Run) { longBuild(r, 6) },
		Inputs: []string{"application={app}", "title=ours"},
		During: func(r *Run, _ *os.Process) {
			r.Await("it is queued", func() bool { return r.Queued(r.ID("app"), "ours") })
			r.Other(r.ID("app"), "theirs")
		},
		Status: "done", Says: []string{"queued, next in line"},
		After: func(r *Run, o *Outcome) {
			r.AwaitEnd(r.ID("app"))
			if row := r.Row(o); row.Title != "ours" {
				r.Errorf("%+v", row)
			}
			if n := r.Titled(r.ID("app"), "theirs"); n != 1 {
				r.Errorf("%d deployments of the others", n)
			}
		},
	},
	{
		Name: "two builds at once", Services: []Service{{Name: "slow", Built: true}, {Name: "app", Deployed: true}},
		Before: func(r *Run) {
			r.Concurrency(r, 2)
			longBuild(r, 30)
		},
		Inputs: []string{"application={app}"}, Status: "done", Not: []string{"queued"},
		After: func(r *Run, _ *Outcome) {
			if rows := r.Rows(r.ID("slow")); rows[0].Status != "running" {
				r.Errorf("the other one is %s: this shows nothing", rows[0].Status)
			}
			r.AwaitEnd(r.ID("slow"))
		},
	},
	{
		Name: "two builds at once, not of one service", Services: []Service{{Name: "slow", Built: true}},
		Before: func(r *Run) {
			r.Concurrency(r, 2)
			longBuild(r, 6)
		},
		Inputs: []string{"application={slow}", "title=ours"}, Status: "done", Says: []string{"queued, next in line; building now: an earlier deployment of slow"},
		After: func(r *Run, o *Outcome) {
			if row := r.Row(o); row.Title != "ours" {
				r.Errorf("%+v", row)
			}
		},
	},
	{
		Name: "a member's key", Needs: NeedsMember, Services: []Service{{Name: "app", Deployed: true}},
		Before: func(r *Run) { r.Set("key", r.Key(r, Key{Services: []string{r.ID("app")}})) },
		Inputs: []string{"application={app}", "api-key={key}", "env=A=2"}, Status: "done", Says: []string{"application.saveEnvironment 200"},
		After: func(r *Run, _ *Outcome) {
			if got := r.Settings(r.ID("app")); got.Env != "A=2" {
				r.Errorf("environment %q", got.Env)
			}
		},
	},
	{
		Name: "a member's key, compose", Needs: NeedsMember, Services: []Service{{Name: "stack", File: GoodFile, Deployed: true}},
		Before: func(r *Run) { r.Set("key", r.Key(r, Key{Services: []string{r.ID("stack")}})) },
		Inputs: []string{"compose={stack}", "api-key={key}", "env=A=2", "operation=redeploy"},
		Status: "done", Says: []string{"compose.saveEnvironment 200", "compose.redeploy 200"},
		After: func(r *Run, _ *Outcome) {
			if got := r.Settings(r.ID("stack")); got.Env != "A=2" {
				r.Errorf("environment %q", got.Env)
			}
		},
	},
	{
		Name: "a member may not set an image", Needs: NeedsMember, Services: app,
		Before: func(r *Run) { r.Set("key", r.Key(r, Key{Services: []string{r.ID("app")}})) },
		Inputs: []string{"application={app}", "api-key={key}", "image={missing}"},
		Code:   3, Status: "refused", Says: []string{`"create services"`}, Not: []string{"debug: POST"},
	},
	{
		Name: "a member without access", Needs: NeedsMember, Services: []Service{{Name: "app"}, {Name: "other"}},
		Before: func(r *Run) { r.Set("key", r.Key(r, Key{Services: []string{r.ID("app")}})) },
		Inputs: []string{"application={other}", "api-key={key}"},
		Code:   3, Status: "refused", Says: []string{"access"}, Not: []string{"debug: POST"},
	},
	{
		Name: "a member behind what it may not see", Needs: NeedsMember, Services: []Service{{Name: "slow", Built: true}, {Name: "app", Deployed: true}},
		Before: func(r *Run) {
			r.Set("key", r.Key(r, Key{Services: []string{r.ID("app")}}))
			longBuild(r, 8)
		},
		Inputs: []string{"application={app}", "api-key={key}", "title=ours"}, Status: "done", Says: []string{"queued, next in line"},
		After: func(r *Run, o *Outcome) {
			if row := r.Row(o); row.Title != "ours" {
				r.Errorf("%+v", row)
			}
		},
	},
	{
		Name: "a limited key", Services: app,
		Before: func(r *Run) { r.Set("key", r.Key(r, Key{Limit: 10})) },
		Inputs: []string{"application={app}", "api-key={key}", "unreachable-timeout=5s"},
		Code:   3, Status: "refused", Says: []string{"limited to 10 requests a day"},
	},
	{
		Name: "a flood of lines", Services: []Service{{Name: "built", Built: true}},
		Before: func(r *Run) { r.Work(r, r.ID("built"), Work{Lines: flood}) },
		Inputs: []string{"application={built}", "verify=off"}, Status: "done",
		After: func(r *Run, o *Outcome) {
			wholeLines(r, o)
			lastLines(r, o, 4000)
		},
	},
	{
		Name: "a restart while it runs", Needs: NeedsRestart, Services: []Service{{Name: "slow", Built: true}},
		Before: func(r *Run) { r.Work(r, r.ID("slow"), Work{Seconds: 15}) },
		Inputs: []string{"application={slow}"},
		During: func(r *Run, _ *os.Process) {
			r.AwaitSaid("second 1")
			r.Restart(r)
		},
		Code: 1, Status: "cancelled", Says: []string{"Dokploy restarted in the middle of the deployment and cancelled it"},
		After: func(r *Run, o *Outcome) {
			if row := r.Row(o); row.Status != "cancelled" || row.FinishedAt != nil {
				r.Errorf("%+v", row)
			}
		},
	},
	{
		Name: "a restart while it is queued", Needs: NeedsRestart, Services: []Service{{Name: "slow", Built: true}, {Name: "app", Deployed: true}},
		Before: func(r *Run) { longBuild(r, 15) },
		Inputs: []string{"application={app}", "title=ours"},
		During: func(r *Run, _ *os.Process) {
			r.Await("it is queued", func() bool { return r.Queued(r.ID("app"), "ours") })
			r.Restart(r)
		},
		Status: "done",
		After: func(r *Run, o *Outcome) {
			if strings.Count(o.Output, "/api/application.deploy 200") != 2 || r.Titled(r.ID("app"), "ours") != 1 {
				r.Error("it was not started again, once")
			}
		},
	},
	{
		Name: "SSH is cut in the middle", Needs: NeedsRemote, Services: []Service{{Name: "far", Built: true, Remote: true}},
		Before: func(r *Run) { r.Work(r, r.ID("far"), Work{Seconds: 20}) },
		Inputs: []string{"application={far}"},
		During: func(r *Run, _ *os.Process) {
			r.AwaitSaid("second 2")
			r.CutSSH(r)
		},
		Code: 1, Status: "lost", Says: []string{"no longer works on this deployment, but still shows it as running"},
	},
}
