package deploy

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/reason"
	"dokploy-deploy/internal/verdict"
)

// recorder is a Reporter that records everything.
type recorder struct {
	mu     sync.Mutex
	header string
	names  []string
	notes  []string // "› text" and "! text"
	log    []string
	hidden []string
}

func (r *recorder) Header(text string)        { r.add(func() { r.header = text }) }
func (r *recorder) SetTargets(names []string) { r.add(func() { r.names = names }) }
func (r *recorder) Dashboard(_, link string) {
	r.add(func() { r.notes = append(r.notes, "dashboard: "+link) })
}
func (r *recorder) Note(_, text string)     { r.add(func() { r.notes = append(r.notes, "› "+text) }) }
func (r *recorder) Warn(_, text string)     { r.add(func() { r.notes = append(r.notes, "! "+text) }) }
func (r *recorder) Hide(values ...string)   { r.add(func() { r.hidden = append(r.hidden, values...) }) }
func (r *recorder) Mask(text string) string { return text }
func (r *recorder) LogLine(_ string, b []byte) {
	s := string(b)
	r.add(func() { r.log = append(r.log, s) })
}
func (r *recorder) add(f func())          { r.mu.Lock(); defer r.mu.Unlock(); f() }
func (r *recorder) said(part string) bool { return r.count(part) > 0 }
func (r *recorder) count(part string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, note := range r.notes {
		if strings.Contains(note, part) {
			n++
		}
	}
	return n
}

// world is a stand-in and its client, in one bubble.
type world struct {
	*testing.T
	srv *dokploytest.Server
	rec *recorder
	ctx context.Context
	key string
	// options of the next run
	set func(*Options)
}

// inWorld runs a test in a bubble with a started stand-in.
func inWorld(t *testing.T, o dokploytest.Options, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, srv: dokploytest.New(o), rec: &recorder{}, ctx: t.Context()}
		w.srv.Start()
		w.key = w.srv.Key
		defer w.srv.Close()
		test(w)
	})
}

// deploy runs the program's core on targets like "application api".
func (w *world) deploy(targets ...string) *verdict.Report {
	w.Helper()
	u, err := url.Parse(w.srv.URL())
	if err != nil {
		w.Fatal(err)
	}
	client := dokploy.New(dokploy.Options{URL: u, Key: w.key, UserAgent: "test", Dial: w.srv.Dial})
	defer client.CloseIdle()
	o := Options{
		Client: client, Reporter: w.rec, URL: u.String(), Program: "test", Operation: "deploy",
		Title: "feat: a title", Description: "3f2a91c by alice", Wait: true,
		Timeout: 30 * time.Minute, Unreachable: 5 * time.Minute, Logs: LogLive, MaxParallel: 4,
	}
	for _, t := range targets {
		kind, ref, _ := strings.Cut(t, " ")
		o.Targets = append(o.Targets, Target{dokploy.Kind(kind), ref})
	}
	if w.set != nil {
		w.set(&o)
	}
	return Run(w.ctx, o)
}

// want checks the verdict on one target.
func (w *world) want(report *verdict.Report, status verdict.Status, exit int) *verdict.Result {
	w.Helper()
	if len(report.Results) != 1 {
		w.Fatalf("%d results", len(report.Results))
	}
	r := &report.Results[0]
	if r.Status != status || report.ExitCode() != exit {
		w.Fatalf("status %q, exit %d (%s), want %q, %d\n%s", r.Status, report.ExitCode(), r.Why(), status, exit, w.story())
	}
	return r
}

func (w *world) story() string {
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	var b strings.Builder
	fmt.Fprintln(&b, strings.Join(w.rec.notes, "\n"))
	fmt.Fprintln(&b, strings.Join(w.rec.log, "\n"))
	for _, r := range w.srv.Requests() {
		fmt.Fprintf(&b, "%s %s %d\n", r.At.Format("05.000"), r.Procedure, r.Status)
	}
	return b.String()
}

func (w *world) triggers(v *dokploytest.Service, want int) {
	w.Helper()
	if n := w.srv.TriggerCount(v); n != want {
		w.Fatalf("%d triggers reached the server, want %d\n%s", n, want, w.story())
	}
}

// lastRow returns the row of the deployment that began last.
func (w *world) lastRow(v *dokploytest.Service) dokploytest.Row {
	w.Helper()
	rows := w.srv.Deployments(v)
	if len(rows) == 0 {
		w.Fatal("no rows")
	}
	return slices.MaxFunc(rows, func(a, b dokploytest.Row) int { return a.StartedAt.Compare(b.StartedAt) })
}

// isLast checks that a result is about the deployment that began last.
func (w *world) isLast(r *verdict.Result, v *dokploytest.Service) {
	w.Helper()
	if id := w.lastRow(v).ID; r.DeploymentID != id {
		w.Errorf("deployment %s, want %s\n%s", r.DeploymentID, id, w.story())
	}
}

var slowBuild = dokploytest.Build{Steps: dokploytest.Lines(time.Second, lines(40)...)}

func lines(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("#7 %d.0 slow build line %d of %d", i, i+1, n))
	}
	return out
}

func TestDeploysAndShowsTheLog(t *testing.T) {
	for _, source := range []string{"docker", "git"} {
		t.Run(source, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{
					SourceType: source, Build: slowBuild,
					Domains: []dokploytest.Domain{{Host: "api.example.com", HTTPS: true}},
				})
				r := w.want(w.deploy("application api"), verdict.Done, 0)
				w.triggers(app, 1)
				row := w.lastRow(app)
				if r.DeploymentID != row.ID {
					w.Errorf("deployment %s, want %s", r.DeploymentID, row.ID)
				}
				if r.URL() != "https://api.example.com" {
					w.Errorf("url %q", r.URL())
				}
				var build []string
				for _, line := range w.rec.log {
					if strings.Contains(line, "slow build line") {
						build = append(build, line)
					}
				}
				if !slices.Equal(build, lines(40)) {
					w.Errorf("the log is not as written:\n%s", strings.Join(w.rec.log, "\n"))
				}
				if got := row.FinishedAt.Sub(row.StartedAt); r.Build != got {
					w.Errorf("built in %s, want the server's own %s", r.Build, got)
				}
				if n := len(w.srv.Requests()); n > 16 {
					w.Errorf("%d requests for a 41 s build\n%s", n, w.story())
				}
			})
		})
	}
}

func TestAFailedBuildSaysWhyLast(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: dokploytest.Build{
			Outcome: "error", Steps: dokploytest.Lines(100*time.Millisecond,
				"#5 compiling...", "------", " > [4/4] RUN npm run build:", "0.1 cart.ts: error", "------", "Dockerfile:12", "--------------------", "  12 | >>> RUN npm run build", "--------------------",
				"ERROR: failed to solve: process \"/bin/sh -c npm run build\" did not complete successfully: exit code: 1", "❌ Docker build failed"),
		}})
		r := w.want(w.deploy("application shop/production/api"), verdict.Failed, 1)
		if r.Advice() != "" {
			w.Errorf("hint %q on a first deployment", r.Advice())
		}
		if want := "Dockerfile:12: RUN npm run build → exit code 1"; r.Why() != want {
			w.Errorf("reason %q, want %q", r.Why(), want)
		}
		if r.Place != (reason.Place{File: "Dockerfile", Line: 12}) {
			w.Errorf("place %+v", r.Place)
		}
		if len(r.Tail) != 1 || r.Tail[0] != "cart.ts: error" {
			w.Errorf("the tail is %q", r.Tail)
		}
	})
}

func TestAFailedBuildSaysWhatStillRuns(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{Build: dokploytest.Build{Outcome: "error"}})
		at := time.Now().Add(-time.Hour)
		w.srv.AddRow(app, dokploytest.Row{Status: "done", CreatedAt: at, StartedAt: at, FinishedAt: at.Add(time.Minute)}, "")
		if r := w.want(w.deploy("application api"), verdict.Failed, 1); r.Hint != verdict.StillRuns {
			w.Errorf("hint %q", r.Advice())
		}
	})
}

// A deploy request that Dokploy answers with an error has no deployment, whatever
// was deployed before.
func TestRefusedAfterEarlierDeployments(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{})
		at := time.Now().Add(-time.Hour)
		w.srv.AddRow(app, dokploytest.Row{Status: "done", CreatedAt: at, StartedAt: at, FinishedAt: at.Add(time.Minute)}, "")
		w.srv.Fault(dokploytest.Fault{Procedure: "application.deploy", Kind: dokploytest.ServerError, Body: "the disk is full", Times: -1})
		r := w.want(w.deploy("application api"), verdict.Failed, 1)
		if r.Why() != "Dokploy answered 500 to application.deploy: the disk is full" {
			w.Error(r.Why())
		}
	})
}

func TestCompose(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		stack := w.srv.AddCompose(dokploytest.Compose{})
		r := w.want(w.deploy("compose stack"), verdict.Done, 0)
		if r.DeploymentID != w.lastRow(stack).ID {
			w.Errorf("deployment %s", r.DeploymentID)
		}
		if want := "/services/compose/" + stack.ID + "?tab=deployments"; !strings.HasSuffix(r.DashboardURL, want) {
			w.Errorf("dashboard %s, want …%s", r.DashboardURL, want)
		}
	})
}

func TestItsOwnDeploymentAmongOthers(t *testing.T) {
	// The others' outcome is the opposite of ours, so that a mix-up shows.
	for _, source := range []string{"docker", "git"} {
		for _, took := range []time.Duration{5 * time.Millisecond, 400 * time.Millisecond, 3 * time.Second, 40 * time.Second} {
			for _, ourN := range []int{1, 2, 3} {
				t.Run(fmt.Sprintf("%s/%s/%d", source, took, ourN), func(t *testing.T) {
					inWorld(t, dokploytest.Options{}, func(w *world) {
						app := w.srv.AddApplication(dokploytest.Application{SourceType: source, BuildFunc: func(n int) dokploytest.Build {
							b := dokploytest.Build{Steps: []dokploytest.Step{{After: took, Text: "building\n"}}}
							if n == ourN {
								b.Outcome = "error"
							}
							return b
						}})
						for i := 1; i < ourN; i++ {
							w.srv.Enqueue(app, fmt.Sprintf("other %d", i), "somebody else's")
						}
						// And some after ours.
						time.AfterFunc(300*time.Millisecond, func() {
							w.srv.Enqueue(app, "late", "somebody else's")
							w.srv.Enqueue(app, "later", "somebody else's")
						})
						r := w.deploy("application api").Results[0]
						switch {
						case r.Status == verdict.Failed:
						case r.Reason.Kind == verdict.Ambiguous:
							// Unsure is allowed only if nothing is left that
							// identifies it.
							if took > 10*time.Millisecond || source == "docker" {
								w.Fatalf("unsure: %s\n%s", r.Why(), w.story())
							}
						default:
							w.Fatalf("status %s (%s)\n%s", r.Status, r.Why(), w.story())
						}
					})
				})
			}
		}
	}
}

func TestASharedLogIsSpokenOf(t *testing.T) {
	shared := func(w *world, app *dokploytest.Service) {
		if rows := w.srv.Deployments(app); rows[0].LogPath != rows[1].LogPath {
			w.Errorf("%s, %s: the two did not begin in one second, this test shows nothing", rows[0].LogPath, rows[1].LogPath)
		}
	}
	t.Run("the other had ended", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{})
			w.srv.Enqueue(app, "another's", "")
			w.want(w.deploy("application api"), verdict.Done, 0)
			shared(w, app)
			if w.rec.said("same second") {
				w.Errorf("nothing was mixed\n%s", w.story())
			}
		})
	})
	t.Run("both run", func(t *testing.T) {
		// On a remote server a webhook's deployment does not wait in the queue.
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{ServerID: "far", Build: slowBuild})
			w.srv.AddServer("far")
			w.srv.Webhook(app)
			w.want(w.deploy("application api"), verdict.Done, 0)
			shared(w, app)
			if !w.rec.said("their lines are mixed") {
				w.Errorf("nothing is said\n%s", w.story())
			}
		})
	})
}

func TestQueuePositionIsShown(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		web := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: slowBuild})
		w.srv.AddApplication(dokploytest.Application{Name: "api"})
		w.srv.Enqueue(web, "first", "")
		w.srv.Enqueue(web, "second", "")
		time.Sleep(10 * time.Second)
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		if !w.rec.said("queued, 2nd in line; building now: shop/production/web, for 10s") || !w.rec.said("queued, next in line; building now: shop/production/web") {
			w.Errorf("the queue is not shown:\n%s", w.story())
		}
		if r.Queued < 60*time.Second || r.Queued > 80*time.Second {
			w.Errorf("queued for %s", r.Queued)
		}
		if !w.rec.said("started after 1m") {
			w.Errorf("the start is not shown:\n%s", w.story())
		}
	})
}

// A deployment that is found late may have begun long before.
func TestAStartThatNobodySawHasNoTime(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{Build: takes(time.Second)})
		for _, p := range []string{"deployment.queueList", "deployment.all"} {
			w.srv.Fault(dokploytest.Fault{Procedure: p, Kind: dokploytest.Gateway, Status: 502, Times: -1})
		}
		time.AfterFunc(20*time.Second, w.srv.ClearFaults)
		w.want(w.deploy("application api"), verdict.Done, 0)
		w.triggers(app, 1)
		if !w.rec.said("started") || w.rec.said("started after") {
			w.Errorf("%s", w.story())
		}
	})
}

func TestALongQueueIsAskedLessOften(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		web := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: dokploytest.Build{Steps: []dokploytest.Step{{After: 20 * time.Minute, Text: "at last\n"}}}})
		w.srv.AddApplication(dokploytest.Application{Name: "api"})
		w.srv.Enqueue(web, "", "")
		w.want(w.deploy("application api"), verdict.Done, 0)
		if n := w.srv.Calls("deployment.queueList"); n > 600 {
			w.Errorf("the queue was asked %d times in 20 minutes", n)
		}
	})
}

func TestALostAnswerIsSettled(t *testing.T) {
	type faults []dokploytest.Fault
	trigger := func(kind dokploytest.FaultKind, carriedOut bool) dokploytest.Fault {
		return dokploytest.Fault{Procedure: "application.deploy", Kind: kind, CarriedOut: carriedOut}
	}
	gateway := func(status int, carriedOut bool) dokploytest.Fault {
		f := trigger(dokploytest.Gateway, carriedOut)
		f.Status = status
		return f
	}
	for name, tt := range map[string]struct {
		faults faults
		build  dokploytest.Build
	}{
		"lost, carried out":           {faults: faults{trigger(dokploytest.Lost, true)}, build: slowBuild},
		"lost, carried out, fast":     {faults: faults{trigger(dokploytest.Lost, true)}},
		"lost, not carried out":       {faults: faults{trigger(dokploytest.Lost, false)}},
		"lost in the body":            {faults: faults{trigger(dokploytest.LostInBody, true)}},
		"502, carried out":            {faults: faults{gateway(502, true)}},
		"502, not carried out":        {faults: faults{gateway(502, false)}},
		"503, not carried out, twice": {faults: faults{gateway(503, false), gateway(503, false)}},
		"504, carried out":            {faults: faults{gateway(504, true)}},
		"504, not carried out":        {faults: faults{gateway(504, false)}},
		"page, carried out":           {faults: faults{trigger(dokploytest.Page, true)}},
		"hangs, carried out late": {faults: faults{{
			Procedure: "application.deploy", Kind: dokploytest.Hang, After: 30 * time.Second, Late: true,
		}}, build: slowBuild},
		"hangs, carried out at once": {faults: faults{{
			Procedure: "application.deploy", Kind: dokploytest.Hang, After: time.Minute, CarriedOut: true,
		}}, build: slowBuild},
		"429, then taken": {faults: faults{{Procedure: "application.deploy", Kind: dokploytest.TooMany, After: 5 * time.Second}}},
	} {
		for _, source := range []string{"docker", "git"} {
			t.Run(name+", "+source, func(t *testing.T) {
				inWorld(t, dokploytest.Options{}, func(w *world) {
					app := w.srv.AddApplication(dokploytest.Application{SourceType: source, Build: tt.build})
					for _, f := range tt.faults {
						w.srv.Fault(f)
					}
					r := w.want(w.deploy("application api"), verdict.Done, 0)
					w.triggers(app, 1)
					w.isLast(r, app)
				})
			})
		}
	}
}

func TestATriggerIsNotRepeatedWhereTheQueueIsHidden(t *testing.T) {
	for name, carriedOut := range map[string]bool{"carried out": true, "not carried out": false} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{Version: "v0.25.11"}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{})
				w.srv.Fault(dokploytest.Fault{Procedure: "application.deploy", Kind: dokploytest.Lost, CarriedOut: carriedOut})
				report := w.deploy("application api")
				if carriedOut {
					w.want(report, verdict.Done, 0)
					w.triggers(app, 1)
				} else {
					w.want(report, verdict.Lost, 1)
					w.triggers(app, 0)
				}
			})
		})
	}
}

func TestARestartWhileQueuedStartsItAgainOnce(t *testing.T) {
	for name, down := range map[string]time.Duration{"20 s": 20 * time.Second, "at once": 0} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				web := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: slowBuild})
				api := w.srv.AddApplication(dokploytest.Application{Name: "api"})
				w.srv.Enqueue(web, "busy", "")
				time.AfterFunc(10*time.Second, func() { w.srv.Restart(down) })
				r := w.want(w.deploy("application api"), verdict.Done, 0)
				w.triggers(api, 2)
				if r.DeploymentID != w.lastRow(api).ID {
					w.Errorf("deployment %s", r.DeploymentID)
				}
				if !w.rec.said("starting it again") {
					w.Errorf("not said:\n%s", w.story())
				}
			})
		})
	}
	t.Run("a second loss is lost", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			web := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: slowBuild})
			api := w.srv.AddApplication(dokploytest.Application{Name: "api"})
			busy := func() { w.srv.Enqueue(web, "busy", "") }
			busy()
			time.AfterFunc(10*time.Second, func() { w.srv.Restart(5 * time.Second); busy() })
			time.AfterFunc(40*time.Second, func() { w.srv.Restart(5 * time.Second); busy() })
			w.want(w.deploy("application api"), verdict.Lost, 1)
			w.triggers(api, 2)
		})
	})
}

func TestASlowAnswerIsNotWaitedFor(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: slowBuild})
		w.srv.Fault(dokploytest.Fault{Procedure: "application.deploy", Kind: dokploytest.Hang, After: time.Minute, CarriedOut: true})
		start := time.Now()
		w.want(w.deploy("application api"), verdict.Done, 0)
		w.triggers(app, 1)
		if d := time.Since(start); d > 45*time.Second {
			w.Errorf("took %s, the build 40 s", d)
		}
		if w.rec.said("was lost") {
			w.Errorf("nothing was lost:\n%s", w.story())
		}
	})
}

// TestARestartThatLeavesAnothers: ours was lost while it waited, and another
// deployment of the service came and went before the next look.
func TestARestartThatLeavesAnothers(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		web := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: slowBuild})
		api := w.srv.AddApplication(dokploytest.Application{Name: "api", SourceType: "git", Build: dokploytest.Build{Steps: dokploytest.Lines(0, "quick")}})
		w.srv.Enqueue(web, "busy", "")
		time.AfterFunc(10*time.Second, func() {
			w.srv.Restart(5 * time.Second)
			time.AfterFunc(5*time.Second+time.Millisecond, func() { w.srv.Enqueue(api, "another's", "") })
		})
		r := w.want(w.deploy("application api"), verdict.Lost, 1)
		w.triggers(api, 1)
		if r.Reason.Kind != verdict.Ambiguous {
			w.Errorf("reason %q", r.Why())
		}
	})
}

func TestACleanedQueueIsNotStartedAgain(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		web := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: slowBuild})
		api := w.srv.AddApplication(dokploytest.Application{Name: "api"})
		w.srv.Enqueue(web, "busy", "")
		w.srv.Enqueue(web, "busy", "")
		time.AfterFunc(10*time.Second, func() { w.srv.CleanQueue(api) })
		r := w.want(w.deploy("application api"), verdict.Cancelled, 1)
		w.triggers(api, 1)
		if r.Reason.Kind != verdict.RemovedFromQueue {
			w.Errorf("reason %q", r.Why())
		}
	})
}

func TestARestartInTheMiddle(t *testing.T) {
	t.Run("is cancelled for good since 0.29.9", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: slowBuild})
			time.AfterFunc(15*time.Second, func() { w.srv.Restart(20 * time.Second) })
			start := time.Now()
			r := w.want(w.deploy("application api"), verdict.Cancelled, 1)
			w.triggers(app, 1)
			if r.Reason.Kind != verdict.CutOffByRestart || !w.rec.said("Dokploy is unreachable") || !w.rec.said("Dokploy is reachable again") {
				w.Errorf("reason %q\n%s", r.Why(), w.story())
			}
			// Dokploy is back after 35 s. Then come a wait of at most 6 s until
			// that is seen, 15 s for a second run, and the last wait.
			if d := time.Since(start); d > (35+6+15+6)*time.Second {
				w.Errorf("took %s", d)
			}
		})
	})
	t.Run("is run again by BullMQ", func(t *testing.T) {
		inWorld(t, dokploytest.Options{Version: "v0.25.11"}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: slowBuild})
			time.AfterFunc(15*time.Second, func() { w.srv.Restart(20 * time.Second) })
			r := w.want(w.deploy("application api"), verdict.Done, 0)
			w.triggers(app, 1)
			rows := w.srv.Deployments(app)
			if len(rows) != 2 || r.DeploymentID != w.lastRow(app).ID {
				w.Errorf("deployment %s of %+v", r.DeploymentID, rows)
			}
		})
	})
}

func TestOutagesAreOutlived(t *testing.T) {
	for name, fault := range map[string]dokploytest.Fault{
		"502":         {Kind: dokploytest.Gateway, Status: 502},
		"page":        {Kind: dokploytest.Page},
		"reset":       {Kind: dokploytest.Lost},
		"cut JSON":    {Kind: dokploytest.Truncated},
		"empty":       {Kind: dokploytest.Empty},
		"429":         {Kind: dokploytest.TooMany, After: 3 * time.Second},
		"401":         {Kind: dokploytest.Unauthorized},
		"500":         {Kind: dokploytest.ServerError, Body: "boom"},
		"cloudflare":  {Kind: dokploytest.Cloudflare, Status: 522},
		"redirect":    {Kind: dokploytest.Redirect, Status: 301, Location: "https://elsewhere.example/login"},
		"hang":        {Kind: dokploytest.Hang, After: time.Minute},
		"404 JSON":    {Kind: dokploytest.Custom, Status: 404, Body: `{"message":"Not found","code":"NOT_FOUND"}`},
		"[] for once": {Kind: dokploytest.Custom, Status: 200, Body: `[]`},
		"null":        {Kind: dokploytest.Custom, Status: 200, Body: `null`},
		"an object":   {Kind: dokploytest.Custom, Status: 200, Body: `{"ok":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: slowBuild})
				// Once it is followed, four reads in a row fail.
				time.AfterFunc(3*time.Second, func() {
					for _, p := range []string{"deployment.all", "deployment.queueList"} {
						f := fault
						f.Procedure, f.Times = p, 2
						if name == "[] for once" {
							f.Times = 1
							if p == "deployment.queueList" {
								f.Times = 2
							}
						}
						w.srv.Fault(f)
					}
				})
				r := w.want(w.deploy("application api"), verdict.Done, 0)
				w.triggers(app, 1)
				if r.DeploymentID != w.lastRow(app).ID {
					w.Errorf("deployment %s", r.DeploymentID)
				}
			})
		})
	}
}

func TestUnreachableForTooLong(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Build: slowBuild})
		time.AfterFunc(5*time.Second, func() { w.srv.Restart(time.Hour) })
		start := time.Now()
		r := w.want(w.deploy("application api"), verdict.Unreachable, 3)
		if d := time.Since(start); d < 5*time.Minute || d > 6*time.Minute {
			w.Errorf("gave up after %s", d)
		}
		if r.DeploymentID == "" || r.Reason.Kind != verdict.NotReachable || r.Reason.For.Round(time.Second) != 5*time.Minute {
			w.Errorf("%+v", r)
		}
		// Meanwhile it is not known whether it is still running there.
		if w.rec.said("still running; nothing new") || !w.rec.said("Dokploy has not answered for") {
			w.Errorf("the heartbeat of an outage\n%s", w.story())
		}
	})
}

func TestAKeyThatIsRefusedLaterIsAnOutage(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{Build: slowBuild})
		w.key = w.srv.AddKey(dokploytest.Key{Limit: 10, CostPerCall: 2, Window: 24 * time.Hour})
		r := w.want(w.deploy("application api"), verdict.Unreachable, 3)
		w.triggers(app, 1)
		if r.Reason.Kind != verdict.KeyRefusedLater || r.Reason.For.Round(time.Second) != 5*time.Minute || !r.Stale || !strings.Contains(r.Advice(), "10 requests a day") {
			w.Errorf("%q, %q", r.Why(), r.Advice())
		}
	})
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{})
		w.key = w.srv.AddKey(dokploytest.Key{Member: true})
		r := w.want(w.deploy("application api"), verdict.Invalid, 2)
		if !strings.Contains(r.Advice(), "can see no application at all") {
			w.Errorf("%q, %q", r.Why(), r.Advice())
		}
	})
}

func TestBeforeTheTriggerPatienceIsShort(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{})
		w.srv.Restart(time.Hour)
		time.Sleep(time.Second)
		start := time.Now()
		r := w.want(w.deploy("application api"), verdict.Unreachable, 3)
		if d := time.Since(start); d < 29*time.Second || d > 32*time.Second {
			w.Errorf("gave up after %s", d)
		}
		if !strings.Contains(r.Why(), "the connection was refused") {
			w.Errorf("reason %q", r.Why())
		}
	})
}

func TestRowsThatNoLongerMove(t *testing.T) {
	t.Run("running without a job is lost", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			b := slowBuild
			b.StayRunning, b.LeaveAt = true, 10
			w.srv.AddApplication(dokploytest.Application{SourceType: "git", ServerID: "srv", Build: b})
			start := time.Now()
			r := w.want(w.deploy("application api"), verdict.Lost, 1)
			if r.Reason.Kind != verdict.StuckConnection {
				w.Errorf("reason %q", r.Why())
			}
			if d := time.Since(start); d > 2*time.Minute {
				w.Errorf("took %s", d)
			}
		})
	})
	t.Run("a vanished row is lost", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{Build: slowBuild})
			time.AfterFunc(10*time.Second, func() { w.srv.RemoveRow(w.lastRow(app).ID) })
			r := w.want(w.deploy("application api"), verdict.Lost, 1)
			if r.Reason != (verdict.Reason{Kind: verdict.RowVanished, Name: r.DeploymentID}) {
				w.Errorf("reason %q", r.Why())
			}
		})
	})
	t.Run("no row ever is lost and not started again", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{ServerID: "srv", Build: dokploytest.Build{NoRow: true}})
			w.want(w.deploy("application api"), verdict.Lost, 1)
			w.triggers(app, 1)
		})
	})
	t.Run("a silent start is waited for", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			w.srv.AddApplication(dokploytest.Application{ServerID: "srv", Build: dokploytest.Build{
				SilentStart: 20 * time.Second, NoLogPath: true, ErrorMessage: "An error have occurred: Timed out while waiting for handshake",
			}})
			r := w.want(w.deploy("application api"), verdict.Failed, 1)
			if r.Reason.Kind != verdict.DokployError {
				w.Errorf("reason %q", r.Why())
			}
		})
	})
	t.Run("an unknown status goes on", func(t *testing.T) {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{Build: slowBuild})
			time.AfterFunc(10*time.Second, func() { w.srv.SetRowStatus(w.lastRow(app).ID, "thinking") })
			w.want(w.deploy("application api"), verdict.Done, 0)
			if n := w.rec.count(`Dokploy reports the status "thinking"`); n != 1 {
				w.Errorf("said %d times", n)
			}
		})
	})
}

func TestTimeout(t *testing.T) {
	for name, tt := range map[string]struct {
		busy bool
		left verdict.Left
	}{
		"while it runs":      {false, verdict.Running},
		"while it is queued": {true, verdict.StillQueued},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				w.srv.AddApplication(dokploytest.Application{Build: slowBuild})
				if tt.busy {
					web := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: slowBuild})
					w.srv.Enqueue(web, "", "")
				}
				w.set = func(o *Options) { o.Timeout = 20 * time.Second }
				start := time.Now()
				r := w.want(w.deploy("application api"), verdict.Timeout, 4)
				if d := time.Since(start); d < 20*time.Second || d > 22*time.Second {
					w.Errorf("ended after %s", d)
				}
				if r.Left != tt.left {
					w.Errorf("reason %q", r.Why())
				}
			})
		})
	}
}

func TestInterrupt(t *testing.T) {
	for name, tt := range map[string]struct {
		at   time.Duration
		left []verdict.Left
	}{
		"at once":                   {time.Millisecond, []verdict.Left{verdict.NothingStarted}},
		"while the trigger is sent": {50 * time.Millisecond, []verdict.Left{verdict.QueuedThere}},
		"while it is found":         {100 * time.Millisecond, []verdict.Left{verdict.QueuedThere, verdict.BeingStarted, verdict.Running}},
		"while it runs":             {10 * time.Second, []verdict.Left{verdict.Running}},
	} {
		at := tt.at
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.srv.AddApplication(dokploytest.Application{Build: slowBuild})
				ctx, cancel := context.WithCancelCause(w.ctx)
				w.ctx = ctx
				time.AfterFunc(at, func() { cancel(ErrInterrupted) })
				start := time.Now()
				report := w.deploy("application api")
				if d := time.Since(start) - at; d > time.Second {
					w.Errorf("took %s to end", d)
				}
				r := report.Results[0]
				if r.Status != verdict.Interrupted || !slices.Contains(tt.left, r.Left) {
					w.Errorf("%s: %q", r.Status, r.Why())
				}
			})
		})
	}
}

func TestInterruptWhileNothingAnswers(t *testing.T) {
	for _, procedure := range []string{"project.all", "application.deploy", "deployment.queueList", "listen-deployment"} {
		t.Run(procedure, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				w.srv.AddApplication(dokploytest.Application{Build: slowBuild})
				kind := dokploytest.Hang
				if procedure == "listen-deployment" {
					kind = dokploytest.StreamHang
				}
				w.srv.Fault(dokploytest.Fault{Procedure: procedure, Kind: kind, After: 30 * time.Second, Times: -1})
				ctx, cancel := context.WithCancelCause(w.ctx)
				w.ctx = ctx
				time.AfterFunc(5*time.Second, func() { cancel(ErrInterrupted) })
				start := time.Now()
				report := w.deploy("application api")
				if d := time.Since(start); d > 6500*time.Millisecond {
					w.Errorf("took %s to end", d-5*time.Second)
				}
				if report.Status() != verdict.Interrupted {
					w.Errorf("%+v", report.Results[0])
				}
			})
		})
	}
}

func TestWaitFalse(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{Build: slowBuild})
		w.set = func(o *Options) { o.Wait = false }
		start := time.Now()
		w.want(w.deploy("application api"), verdict.Queued, 0)
		w.triggers(app, 1)
		if d := time.Since(start); d > time.Second {
			w.Errorf("took %s", d)
		}
	})
}

func TestSeveralTargets(t *testing.T) {
	inWorld(t, dokploytest.Options{Concurrency: 4}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Name: "api", Build: slowBuild})
		w.srv.AddApplication(dokploytest.Application{Name: "web", Build: dokploytest.Build{Outcome: "error"}})
		w.srv.AddCompose(dokploytest.Compose{Name: "stack"})
		report := w.deploy("application api", "application web", "compose stack", "application shop/api")
		var got []verdict.Status
		for _, r := range report.Results {
			got = append(got, r.Status)
		}
		if !slices.Equal(got, []verdict.Status{verdict.Done, verdict.Failed, verdict.Done, verdict.Done}) {
			w.Fatalf("%v\n%s", got, w.story())
		}
		// The failed one is reported at once, not when the slow one has ended.
		story := w.story()
		failed, ended := strings.Index(story, "› failed after"), strings.Index(story, " by Dokploy in 40s")
		if failed < 0 || ended < failed {
			w.Errorf("the failure is at %d, the end of the slow one at %d\n%s", failed, ended, story)
		}
		if report.Status() != verdict.Failed || report.ExitCode() != 1 {
			w.Errorf("%s, %d", report.Status(), report.ExitCode())
		}
		if a, b := report.Results[0], report.Results[3]; a.DeploymentID != b.DeploymentID {
			w.Error("one service that was named twice was deployed twice")
		}
		if want := []string{"api", "web", "stack"}; !slices.Equal(w.rec.names, want) {
			w.Errorf("names %v, want %v", w.rec.names, want)
		}
	})
}

func TestNothingIsTriggeredUnlessAllAreFound(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		api := w.srv.AddApplication(dokploytest.Application{Name: "api"})
		report := w.deploy("application api", "application nope")
		if report.Status() != verdict.Invalid || report.ExitCode() != 2 {
			w.Errorf("%s, %d", report.Status(), report.ExitCode())
		}
		w.triggers(api, 0)
	})
}

func TestUsualDurationHeartbeatAndTooLate(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{})
		for i := range 3 {
			at := time.Now().Add(-time.Duration(i+1) * time.Hour)
			w.srv.AddRow(app, dokploytest.Row{Status: "done", CreatedAt: at, StartedAt: at, FinishedAt: at.Add(65 * time.Second)}, "")
		}
		app.SetBuild(dokploytest.Build{Steps: []dokploytest.Step{{Text: "quiet now\n"}, {After: 4 * time.Minute, Text: "done\n"}}})
		w.want(w.deploy("application api"), verdict.Done, 0)
		if !w.rec.said("usually takes 1m05s") || !w.rec.said("it has been running for 2m10s; it usually takes 1m05s") {
			w.Errorf("the usual duration is not spoken of:\n%s", w.story())
		}
		if n := w.rec.count("still running after "); n < 5 || n > 8 || !w.rec.said("still running after 1m00s; no output for 30s") {
			w.Errorf("%d heartbeats in 4 minutes\n%s", n, w.story())
		}
	})
}

func TestLogModes(t *testing.T) {
	for _, tt := range []struct {
		mode    LogMode
		outcome string
		shown   bool
	}{
		{LogLive, "done", true}, {LogFailure, "done", false}, {LogFailure, "error", true}, {LogOff, "error", false},
	} {
		t.Run(string(tt.mode)+" "+tt.outcome, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				b := slowBuild
				b.Outcome = tt.outcome
				w.srv.AddApplication(dokploytest.Application{Build: b})
				w.set = func(o *Options) { o.Logs = tt.mode }
				report := w.deploy("application api")
				if shown := slices.Contains(w.rec.log, lines(40)[0]); shown != tt.shown {
					w.Errorf("the log is shown: %v, want %v", shown, tt.shown)
				}
				if r := report.Results[0]; tt.outcome == "error" && len(r.Tail) == 0 {
					w.Error("the failure quotes no line")
				}
			})
		})
	}
}

func TestOneProcedureIsBlocked(t *testing.T) {
	for name, fault := range map[string]dokploytest.Fault{
		"the queue by a proxy":   {Procedure: "deployment.queueList", Kind: dokploytest.Page},
		"the queue for this key": {Procedure: "deployment.queueList", Kind: dokploytest.Unauthorized},
		"the version":            {Procedure: "settings.getDokployVersion", Kind: dokploytest.Unauthorized},
		"the version by a proxy": {Procedure: "settings.getDokployVersion", Kind: dokploytest.Page},
		"the version, 502":       {Procedure: "settings.getDokployVersion", Kind: dokploytest.Gateway, Status: 502},
		"the version, 500":       {Procedure: "settings.getDokployVersion", Kind: dokploytest.ServerError, Body: "boom"},
		"the version, empty 404": {Procedure: "settings.getDokployVersion", Kind: dokploytest.Custom, Status: 404},
		"the version, silent":    {Procedure: "settings.getDokployVersion", Kind: dokploytest.Hang, After: time.Hour},
	} {
		for _, byID := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, by id %v", name, byID), func(t *testing.T) {
				inWorld(t, dokploytest.Options{}, func(w *world) {
					app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: slowBuild})
					fault.Times = -1
					w.srv.Fault(fault)
					target := "application api"
					if byID {
						target = "application " + app.ID
					}
					r := w.want(w.deploy(target), verdict.Done, 0)
					w.triggers(app, 1)
					if r.DeploymentID != w.lastRow(app).ID {
						w.Errorf("deployment %s", r.DeploymentID)
					}
				})
			})
		}
	}
}

func TestRedeploy(t *testing.T) {
	for _, version := range []string{"v0.30.2", "v0.25.11"} {
		inWorld(t, dokploytest.Options{Version: version}, func(w *world) {
			w.srv.AddApplication(dokploytest.Application{SourceType: "git"})
			w.srv.AddCompose(dokploytest.Compose{})
			w.set = func(o *Options) { o.Operation = "redeploy" }
			w.want(w.deploy("application api"), verdict.Done, 0)
			w.want(w.deploy("compose stack"), verdict.Done, 0)
			if w.srv.Calls("application.redeploy") != 1 || w.srv.Calls("compose.redeploy") != 1 || w.srv.Calls("application.deploy") != 0 {
				t.Errorf("other calls than asked for\n%s", w.story())
			}
		})
	}
}

func TestTargets(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.set = func(o *Options) { o.Wait = false }
		a := w.srv.AddApplication(dokploytest.Application{Name: "api", ID: "-8V2kzqBVe00000000000"})
		w.srv.AddApplication(dokploytest.Application{Name: "api", Environment: "staging", ID: "_9V2kzqBVe00000000000"})
		w.srv.AddApplication(dokploytest.Application{Name: "a/b c", Project: "other"})
		w.srv.AddCompose(dokploytest.Compose{Name: "stack"})
		for target, want := range map[string]string{
			"application -8V2kzqBVe00000000000": "", "application _9V2kzqBVe00000000000": "", "application shop/staging/api": "",
			"application other/production/a/b c": "", "application a/b c": "", "compose STACK": "",
			"application api":                   "2 services are called \"api\": shop/production/api (id -8V2kzqBVe00000000000), shop/staging/api (id _9V2kzqBVe00000000000)",
			"application stack":                 "name it in the input compose",
			"compose " + a.ID:                   "name it in the input application",
			"application nobody":                "this key can see: other/production/a/b c, shop/production/api, shop/staging/api",
			"application 000000000000000000000": "this key can see: other/",
		} {
			r := w.deploy(target).Results[0]
			got := r.Why() + " " + r.Advice()
			switch {
			case want == "" && r.Status != verdict.Queued, want != "" && (r.Status != verdict.Invalid || !strings.Contains(got, want)):
				w.Errorf("%s: %s %q, want %q", target, r.Status, got, want)
			}
		}
	})
}

func TestOlderAndDocumentedServers(t *testing.T) {
	for _, o := range []dokploytest.Options{
		{Version: "v0.25.0"}, {Version: "v0.25.4"}, {Version: "v0.25.11"}, {Version: "v0.28.0"}, {Version: "v0.29.5"}, {Documented: true},
		{ClockSkew: 26 * time.Hour}, {ClockSkew: -26 * time.Hour}, {SubPath: "/paas"},
	} {
		for _, kind := range []string{"docker", "git", "compose"} {
			for _, b := range []dokploytest.Build{{}, slowBuild} {
				t.Run(fmt.Sprintf("%+v/%s/%d", o, kind, len(b.Steps)), func(t *testing.T) {
					inWorld(t, o, func(w *world) {
						var v *dokploytest.Service
						target := "application shop/svc"
						if kind == "compose" {
							v = w.srv.AddCompose(dokploytest.Compose{Name: "svc", Build: b})
							target = "compose shop/svc"
						} else {
							v = w.srv.AddApplication(dokploytest.Application{Name: "svc", SourceType: kind, Build: b})
						}
						r := w.want(w.deploy(target), verdict.Done, 0)
						w.triggers(v, 1)
						if r.DeploymentID != w.lastRow(v).ID {
							w.Errorf("deployment %s", r.DeploymentID)
						}
						if len(b.Steps) > 0 && !slices.Contains(w.rec.log, lines(40)[39]) {
							w.Errorf("the log is missing:\n%s", w.story())
						}
					})
				})
			}
		}
	}
}

// TestNeverAnotherVerdict surrounds our deployment with others that have the
// opposite outcome, on servers that show less and less. Unsure is allowed if a
// server hides what would identify ours; a wrong verdict never is.
func TestNeverAnotherVerdict(t *testing.T) {
	unsure := map[string]int{}
	runs := 0
	for _, version := range []string{"v0.30.2", "v0.28.0", "v0.25.11", "v0.25.0"} {
		for _, source := range []string{"docker", "git"} {
			for _, took := range []time.Duration{5 * time.Millisecond, 700 * time.Millisecond, 5 * time.Second} {
				for _, ahead := range []int{0, 1, 2} {
					for _, behind := range []time.Duration{-1, 0, 50 * time.Millisecond, 2 * time.Second} {
						for _, busy := range []bool{false, true} {
							name := fmt.Sprintf("%s %s %s, %d ahead, behind %s, busy %v", version, source, took, ahead, behind, busy)
							inWorld(t, dokploytest.Options{Version: version}, func(w *world) {
								app := w.srv.AddApplication(dokploytest.Application{SourceType: source, BuildFunc: func(n int) dokploytest.Build {
									b := dokploytest.Build{Steps: []dokploytest.Step{{After: took, Text: "building\n"}}}
									if n == ahead+1 {
										b.Outcome = "error"
									}
									return b
								}})
								if busy {
									web := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: slowBuild})
									w.srv.Enqueue(web, "", "")
								}
								for range ahead {
									w.srv.Enqueue(app, "Manual deployment", "")
								}
								if behind >= 0 {
									time.AfterFunc(behind+time.Millisecond, func() { w.srv.Enqueue(app, "Manual deployment", "") })
								}
								runs++
								r := w.deploy("application api").Results[0]
								switch {
								case r.Status == verdict.Failed:
								case r.Reason.Kind == verdict.Ambiguous:
									unsure[version]++
								default:
									t.Errorf("%s: status %s (%s)\n%s", name, r.Status, r.Why(), w.story())
								}
								if n := w.srv.TriggerCount(app); n != 1 {
									t.Errorf("%s: %d triggers", name, n)
								}
							})
						}
					}
				}
			}
		}
	}
	t.Logf("unsure in %v of %d runs of each version", unsure, runs/4)
	if unsure["v0.30.2"] > 6 {
		t.Errorf("unsure %d times where the queue and the marker can be seen", unsure["v0.30.2"])
	}
}

// A failed start of Dokploy cancels nothing: seen on v0.30.2, when its database
// did not answer in time.
func TestARestartThatLeavesItRunning(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{Build: takes(time.Minute)})
		time.AfterFunc(5*time.Second, func() {
			w.srv.Restart(5 * time.Second)
			time.AfterFunc(5*time.Second+time.Microsecond, func() { w.srv.SetRowStatus(w.lastRow(app).ID, "running") })
		})
		r := w.want(w.deploy("application api"), verdict.Lost, 1)
		if r.Reason.Kind != verdict.StuckRestart {
			w.Errorf("%s | %s\n%s", r.Why(), r.Advice(), w.story())
		}
		w.triggers(app, 1)
	})
}
