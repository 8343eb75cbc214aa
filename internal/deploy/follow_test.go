package deploy

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
)

const (
	pushed  = "3f2a91c0de3f2a91c0de3f2a91c0de3f2a91c0de"
	another = "9999999888888877777776666666555555544444"
)

// follows makes the next run follow the deployment of a commit.
func (w *world) follows(f Follow) {
	if f.Commit == "" {
		f.Commit = pushed
	}
	if f.StartTimeout == 0 {
		f.StartTimeout = 2 * time.Minute
	}
	w.set = func(o *Options) {
		o.Operation, o.Title, o.Description = "follow", "", ""
		o.Follow = &f
		o.Verify, o.StableFor = VerifyAuto, 10*time.Second
	}
}

// pushes has Gitea report a push of that commit.
func (w *world) pushes(v *dokploytest.Service, commit string) {
	w.Helper()
	if status, text := w.srv.Deliver(v, dokploytest.Delivery{Form: "gitea", Commit: commit, Modified: []string{"src/a"}}); status != 200 {
		w.Fatalf("%d %s", status, text)
	}
}

// The step comes before the push is reported, in the middle, and after the end.
func TestFollowEarlyMiddleLate(t *testing.T) {
	for name, tt := range map[string]struct {
		before time.Duration // how long before the run the push comes
		said   string
	}{
		"before the webhook": {-30 * time.Second, "Dokploy shows no deployment of it yet; waiting up to 2m00s"},
		"while it is built":  {3 * time.Second, "started"},
		"after its end":      {time.Minute, "it is over already: done at "},
	} {
		for _, kind := range []string{"application", "compose"} {
			t.Run(name+", "+kind, func(t *testing.T) {
				inWorld(t, dokploytest.Options{}, func(w *world) {
					builds := func(n int) dokploytest.Build {
						build := takes(10 * time.Second)
						build.CommitSHA = []string{another, pushed}[n-1]
						return build
					}
					v := w.srv.AddApplication(dokploytest.Application{Name: "x", SourceType: "git", BuildFunc: builds})
					if kind == "compose" {
						v = w.srv.AddCompose(dokploytest.Compose{Name: "x", SourceType: "git", BuildFunc: builds})
					}
					w.srv.Enqueue(v, "another's", "")
					time.Sleep(time.Minute)
					if tt.before > 0 {
						w.pushes(v, pushed)
						time.Sleep(tt.before)
					} else {
						time.AfterFunc(-tt.before, func() { w.pushes(v, pushed) })
					}
					w.follows(Follow{})
					r := w.want(w.deploy(kind+" x"), verdict.Done, 0)
					w.triggers(v, 0)
					if id := w.lastRow(v).ID; r.DeploymentID != id || !w.rec.said(tt.said) {
						w.Errorf("deployment %s, want %s\n%s", r.DeploymentID, id, w.story())
					}
					t.Log(r.Verified, w.rec.notes)
					if len(w.rec.log) == 0 {
						w.Error("no log")
					}
				})
			})
		}
	}
}

// None comes: the reason includes what the settings say.
func TestFollowNone(t *testing.T) {
	on := func(branch string) Pushed { return Pushed{Ref: branch, Message: "feat: x"} }
	for name, tt := range map[string]struct {
		source  string
		push    dokploytest.Push
		pushed  Pushed
		version string
		kind    verdict.Kind
		why     string
		// reported at once, for fail and for skip
		fail, skip string
	}{
		"nothing explains it": {"git", dokploytest.Push{}, on("main"), "", verdict.NoneCame, "", "", ""},
		"auto-deploy is off":  {"git", dokploytest.Push{AutoDeployOff: true}, on("main"), "", verdict.NoneExplained, "automatic deployments are off for this service", "! ", "› "},
		"another branch":      {"git", dokploytest.Push{}, on("feature"), "", verdict.NoneExplained, "the service is deployed from the branch main, and this run is for the branch feature", "! ", "› "},
		"watch paths":         {"git", dokploytest.Push{WatchPaths: []string{"api/**"}}, on("main"), "", verdict.NoneExplained, "the service is deployed only when a file changes that matches its watch paths (api/**)", "› ", "› "},
		"an image":            {"docker", dokploytest.Push{}, on("main"), "", verdict.NoneOfNoGit, "the service is not built from a Git repository (its source is docker), and only the webhook of a Git host names a commit", "! ", "! "},
	} {
		for _, skip := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				inWorld(t, dokploytest.Options{Version: tt.version}, func(w *world) {
					v := w.srv.AddApplication(dokploytest.Application{SourceType: tt.source})
					v.SetPush(tt.push)
					w.follows(Follow{Pushed: tt.pushed, SkipIfNone: skip})
					status, exit, became, mark := verdict.Lost, 1, "was not followed", tt.fail
					if skip {
						mark = tt.skip
					}
					if skip && tt.kind == verdict.NoneExplained {
						status, exit, became = verdict.Skipped, 0, "was skipped"
					}
					r := w.want(w.deploy("application api"), status, exit)
					w.triggers(v, 0)
					if r.Reason.Kind != tt.kind || (r.Advice() == "") != (status == verdict.Skipped) || r.Took < 2*time.Minute || r.Took > 2*time.Minute+10*time.Second {
						w.Errorf("%s after %s", r.Why(), r.Took)
					}
					if w.rec.count("waiting for Dokploy to start a deployment of commit 3f2a91c, 1m30s so far") != 1 || w.rec.said("no output") {
						w.Error(w.story())
					}
					want := became + ": Dokploy shows no deployment of commit 3f2a91c0de3f after 2m00s"
					if tt.why != "" {
						want += ": " + tt.why
					}
					if r.Headline() != want {
						w.Errorf("%s, want %s", r.Headline(), want)
					}
					if tt.why != "" && w.rec.count(mark+"a deployment might not come: "+tt.why) != 1 || w.rec.count("might not") > 1 {
						w.Error(w.story())
					}
				})
			})
		}
	}
}

// An image may have a deployment with another commit, started by a Git host's
// webhook: the advice does not change.
func TestFollowNoneOfAnImage(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		v := w.srv.AddApplication(dokploytest.Application{SourceType: "docker"})
		w.pushes(v, another)
		time.Sleep(time.Minute)
		w.follows(Follow{})
		r := w.want(w.deploy("application api"), verdict.Lost, 1)
		if r.Reason.Kind != verdict.NoneOfNoGit || r.Left != verdict.NewestOther || !strings.HasPrefix(r.Advice(), "use operation: deploy") {
			w.Errorf("%s: %q", r.Why(), r.Advice())
		}
	})
}

// A pull request has no deployment of the application itself. If it may have a
// preview, that is what to follow.
func TestFollowPullRequestWithoutPreview(t *testing.T) {
	for name, tt := range map[string]struct {
		previews *dokploytest.Previews
		skip     bool
		begins   string
	}{
		"previews are on":            {&dokploytest.Previews{}, false, "to follow the preview"},
		"previews are on, and skip":  {&dokploytest.Previews{}, true, ""},
		"previews are off":           {nil, false, "change that in Dokploy"},
		"previews are off, and skip": {nil, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				w.srv.AddApplication(dokploytest.Application{SourceType: "github", Previews: tt.previews})
				w.follows(Follow{Pushed: Pushed{Ref: "feature", PullRequest: "12"}, SkipIfNone: tt.skip})
				r := w.deploy("application api").Results[0]
				if r.Reason.Kind != verdict.NoneExplained || !strings.HasPrefix(r.Advice(), tt.begins) || (r.Advice() == "") != tt.skip {
					w.Errorf("%s: %q", r.Why(), r.Advice())
				}
			})
		})
	}
}

// Nobody looked before: what is new in a compose service is known from when it
// was made, if Docker's clock is the row's.
func TestFollowVerifiesWhatWasMadeSince(t *testing.T) {
	for name, tt := range map[string]struct {
		composeType string
		server      string
		member      bool
		same        bool // nothing changes
		want        verdict.Verified
	}{
		"docker-compose":                       {want: verdict.VerifiedYes},
		"docker-compose, nothing was replaced": {same: true, want: verdict.VerifiedUnchanged},
		"docker-compose, with a member's key":  {member: true, want: verdict.VerifiedUnknown},
		"docker-compose, on a remote server":   {server: "far", want: verdict.VerifiedUnknown},
		"a stack":                              {composeType: "stack", want: verdict.VerifiedYes},
		"a stack, nothing was replaced":        {composeType: "stack", same: true, want: verdict.VerifiedUnchanged},
		"a stack, with a member's key":         {composeType: "stack", member: true, want: verdict.VerifiedUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				if tt.server != "" {
					w.srv.AddServer(tt.server)
				}
				v := w.srv.AddCompose(dokploytest.Compose{Name: "x", SourceType: "git", ComposeType: tt.composeType, ServerID: tt.server, ComposeFile: twoServices, BuildFunc: func(n int) dokploytest.Build {
					build := takes(5 * time.Second)
					build.CommitSHA = []string{another, pushed}[n-1]
					return build
				}})
				w.srv.Enqueue(v, "another's", "")
				time.Sleep(10 * time.Minute)
				if !tt.same {
					v.SetComposeFile(oneIsNew)
				}
				w.pushes(v, pushed)
				time.Sleep(time.Minute)
				w.follows(Follow{})
				if tt.member {
					w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{v.ID}})
				}
				r := w.want(w.deploy("compose x"), verdict.Done, 0)
				if r.Verified != tt.want {
					t.Errorf("%s, want %s\n%s", r.Verified, tt.want, w.story())
				}
				if tt.want != verdict.VerifiedUnknown {
					return
				}
				follows := w.set
				w.set = func(o *Options) { follows(o); o.Verify = VerifyRequire }
				r = w.want(w.deploy("compose x"), verdict.Unhealthy, 1)
				if strings.Contains(r.Advice(), `"access to Docker"`) != tt.member {
					t.Errorf("advice %q", r.Advice())
				}
			})
		})
	}
}

// Nothing is ever started, whatever is lost, and nothing is started again.
func TestFollowStartsNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		during func(w *world, v *dokploytest.Service) // while it is queued
		alone  bool                                   // … or runs, as nothing is ahead of it
		set    func(*Options)
		status verdict.Status
		exit   int
		kind   verdict.Kind
		left   verdict.Left
	}{
		"a restart loses it": {
			during: func(w *world, _ *dokploytest.Service) { w.srv.Restart(8 * time.Second) },
			status: verdict.Lost, exit: 1, kind: verdict.ForgottenQueued,
		},
		"somebody cleans the queue": {
			during: func(w *world, v *dokploytest.Service) { w.srv.CleanQueue(v) },
			status: verdict.Lost, exit: 1, kind: verdict.ForgottenQueued,
		},
		"somebody takes it from the queue": {
			during: func(w *world, v *dokploytest.Service) {
				w.srv.Enqueue(w.srv.AddApplication(dokploytest.Application{Name: "web"}), "another's", "")
				time.AfterFunc(20*time.Second, func() { w.srv.CleanQueue(v) })
			},
			status: verdict.Cancelled, exit: 1, kind: verdict.RemovedFromQueue,
		},
		"a restart cancels it": {
			during: func(w *world, _ *dokploytest.Service) { w.srv.Restart(8 * time.Second) }, alone: true,
			status: verdict.Cancelled, exit: 1, kind: verdict.CutOffByRestart,
		},
		"timeout comes first": {
			set:    func(o *Options) { o.Timeout = 30 * time.Second },
			status: verdict.Timeout, exit: 4, kind: verdict.TimedOut, left: verdict.StillQueued,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				v := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: takes(10 * time.Minute)})
				if !tt.alone {
					w.srv.Enqueue(v, "another's", "")
					time.Sleep(time.Second)
				}
				w.pushes(v, pushed)
				if tt.during != nil {
					time.AfterFunc(20*time.Second, func() { tt.during(w, v) })
				}
				w.follows(Follow{})
				if set := w.set; tt.set != nil {
					w.set = func(o *Options) { set(o); tt.set(o) }
				}
				r := w.want(w.deploy("application api"), tt.status, tt.exit)
				w.triggers(v, 0)
				if r.Reason.Kind != tt.kind || r.Left != tt.left {
					w.Errorf("%s (%q, %q)\n%s", r.Why(), r.Reason.Kind, r.Left, w.story())
				}
				if tt.status != verdict.Timeout && !strings.Contains(r.Advice(), "push again; this step starts nothing") {
					w.Errorf("advice %q", r.Advice())
				}
			})
		})
	}
}

// Running the job again would find the deployment that was cut off once more.
func TestFollowCutOffByARestart(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		v := w.srv.AddApplication(dokploytest.Application{SourceType: "git", BuildFunc: func(n int) dokploytest.Build {
			return takes([]time.Duration{6 * time.Second, time.Hour}[n-1])
		}})
		w.pushes(v, another)
		time.Sleep(time.Minute)
		w.pushes(v, pushed)
		time.AfterFunc(50*time.Second, func() { w.srv.Restart(8 * time.Second) })
		w.follows(Follow{})
		r := w.want(w.deploy("application api"), verdict.Cancelled, 1)
		if r.Reason.Kind != verdict.CutOffByRestart || r.Advice() != "deploy it in Dokploy, or push again; this step starts nothing" {
			w.Errorf("%q: %s", r.Reason.Kind, r.Advice())
		}
		if w.rec.said("it has been running for") {
			w.Error(w.story())
		}
	})
}

// While none has come, the clock that ends first decides.
func TestFollowClocks(t *testing.T) {
	for name, tt := range map[string]struct {
		timeout time.Duration
		status  verdict.Status
		exit    int
		left    verdict.Left
	}{
		"start-timeout": {10 * time.Minute, verdict.Lost, 1, ""},
		"timeout":       {time.Minute, verdict.Timeout, 4, verdict.NoneYet},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				w.srv.AddApplication(dokploytest.Application{SourceType: "git"})
				w.follows(Follow{})
				set := w.set
				w.set = func(o *Options) { set(o); o.Timeout = tt.timeout }
				r := w.want(w.deploy("application api"), tt.status, tt.exit)
				want := min(tt.timeout, 2*time.Minute)
				if !w.rec.said("waiting up to " + text.Duration(want)) {
					w.Error(w.story())
				}
				if r.Took < want || r.Took > want+time.Second || r.Left != tt.left {
					w.Errorf("%s after %s, %q", r.Why(), r.Took, r.Left)
				}
				if strings.Contains(r.Why(), "this run started none") != (tt.status == verdict.Timeout) {
					w.Error(r.Why())
				}
			})
		})
	}
}

// A later commit that came instead is named, and nothing is said about whether
// it includes this one.
func TestFollowNamesTheNewest(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		build := takes(5 * time.Second)
		build.CommitSHA = another
		v := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: build})
		w.pushes(v, another)
		time.Sleep(time.Minute)
		w.follows(Follow{})
		r := w.want(w.deploy("application api"), verdict.Lost, 1)
		if !strings.HasPrefix(r.Advice(), "Dokploy builds the head of the branch: ") {
			w.Errorf("advice %q", r.Advice())
		}
		if want := "Dokploy shows no deployment of commit 3f2a91c0de3f after 2m00s; the newest commit that it shows as deployed is 999999988888, done at 2000-01-01 00:00:05 UTC by the server's clock"; r.Why() != want {
			w.Errorf("%s, want %s", r.Why(), want)
		}
	})
}

// Another push came and went before the run looked: what is running is from
// that one, and the message names it.
func TestFollowOvertaken(t *testing.T) {
	for name, tt := range map[string]struct {
		kind, outcome string
		overtaken     bool
	}{
		"application":                   {"application", "", true},
		"compose":                       {"compose", "", true},
		"a failed build replaced none":  {"application", "error", false},
		"a failed compose may have one": {"compose", "error", true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				builds := func(n int) dokploytest.Build {
					build := takes(5 * time.Second)
					build.CommitSHA = []string{pushed, another}[n-1]
					if n == 2 {
						build.Outcome = tt.outcome
					}
					return build
				}
				v := w.srv.AddApplication(dokploytest.Application{Name: "x", SourceType: "git", BuildFunc: builds})
				if tt.kind == "compose" {
					v = w.srv.AddCompose(dokploytest.Compose{Name: "x", SourceType: "git", BuildFunc: builds})
				}
				w.pushes(v, pushed)
				time.Sleep(time.Minute)
				w.pushes(v, another)
				time.Sleep(time.Minute)
				w.follows(Follow{})
				r := w.want(w.deploy(tt.kind+" x"), verdict.Done, 0)
				said := w.rec.said("a later deployment of the service has ended (commit 9999999), and what is running may be of that one")
				if r.Commit != pushed || (r.Verified == verdict.VerifiedUnknown) != tt.overtaken || said != tt.overtaken {
					w.Errorf("%s, verified %q\n%s", r.Commit, r.Verified, w.story())
				}
			})
		})
	}
}

// Somebody has rolled back to an earlier version since: that is what is
// running, not this commit.
func TestRuleRolledBackSince(t *testing.T) {
	for name, tt := range map[string]struct {
		back   bool   // to the first version
		commit string // the commit that is followed
		hidden bool   // the versions are not shown
		status verdict.Status
		exit   int
		// verified is what is seen, unless another version is running.
		verified verdict.Verified
	}{
		"rolled back":                         {back: true, commit: pushed, status: verdict.Unhealthy, exit: 1},
		"rolled back to this one":             {back: true, commit: another, status: verdict.Done, verified: verdict.VerifiedYes},
		"not rolled back":                     {commit: pushed, status: verdict.Done, verified: verdict.VerifiedYes},
		"rolled back, and not shown to which": {back: true, commit: pushed, hidden: true, status: verdict.Done, verified: verdict.VerifiedUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				v := w.srv.AddApplication(dokploytest.Application{SourceType: "git", RollbackActive: true, BuildFunc: func(n int) dokploytest.Build {
					build := takes(5 * time.Second)
					build.CommitSHA = []string{another, pushed}[n-1]
					return build
				}})
				w.pushes(v, another)
				time.Sleep(time.Minute)
				first := w.lastRow(v)
				w.pushes(v, pushed)
				time.Sleep(time.Minute)
				if tt.back {
					u, err := url.Parse(w.srv.URL())
					if err != nil {
						w.Fatal(err)
					}
					client := dokploy.New(dokploy.Options{URL: u, Key: w.key, UserAgent: "test", Dial: w.srv.Dial})
					if err := client.GoBack(w.ctx, first.RollbackID); err != nil {
						w.Fatal(err)
					}
					client.CloseIdle()
				}
				if tt.hidden {
					w.srv.Fault(dokploytest.Fault{Procedure: "deployment.allByType", Kind: dokploytest.Unauthorized, Times: -1})
				}
				time.Sleep(time.Minute)
				w.follows(Follow{Commit: tt.commit})
				r := w.want(w.deploy("application api"), tt.status, tt.exit)
				if tt.exit == 0 && (r.Verified != tt.verified || w.rec.said("it cannot be seen of which deployment that is") != tt.hidden) {
					w.Errorf("verified %q\n%s", r.Verified, w.story())
				}
				if tt.exit == 1 && (r.Reason.Kind != verdict.RolledBackSince || r.Verified != verdict.VerifiedNo || !strings.Contains(r.Why(), ":v1, which Dokploy keeps for rollbacks")) {
					w.Errorf("%q, verified %q: %s", r.Reason.Kind, r.Verified, r.Why())
				}
			})
		})
	}
}

// The name of an image says whether it is one of those that are kept.
func TestRuleKeptForRollback(t *testing.T) {
	for image, kept := range map[string]bool{
		"api-x1:v7": true, "registry.example.com:5000/u/api-x1:v12": true, "u/api-x1:v7@sha256:" + strings.Repeat("a", 64): true,
		"api-x1:latest": false, "api-x1": false, "registry.example.com:5000/u/api-x1:latest": false, "api-x1:v": false, "api-x1:v1.2": false,
		"my-api-x1:v7": false, "ghcr.io/acme/api:v7": false, "": false,
	} {
		if got := keptForRollback(&dokploy.SwarmService{Image: image}, "api-x1"); (got != "") != kept {
			t.Errorf("%q: %q", image, got)
		}
	}
	if got := keptForRollback(nil, "api-x1"); got != "" {
		t.Error(got)
	}
}

// The branch had moved on when it was cloned: both commits are reported, and it
// is still the deployment of this push.
func TestFollowSaysWhatWasBuilt(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		build := takes(5 * time.Second)
		build.CommitSHA = another
		v := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: build})
		w.pushes(v, pushed)
		w.follows(Follow{})
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		if r.Commit != another || !w.rec.said("Dokploy built 999999988888, the head of the branch when it was cloned; it was started by the push of 3f2a91c0de3f") {
			w.Error(r.Commit, w.story())
		}
	})
}

// All services are watched from the start, whatever max-parallel says.
func TestFollowSeveral(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		var services []*dokploytest.Service
		for _, name := range []string{"a", "b", "c"} {
			services = append(services, w.srv.AddApplication(dokploytest.Application{Name: name, SourceType: "git", Build: takes(5 * time.Second)}))
		}
		time.AfterFunc(30*time.Second, func() {
			for _, v := range services[:2] {
				w.pushes(v, pushed)
			}
		})
		w.follows(Follow{})
		set := w.set
		w.set = func(o *Options) { set(o); o.MaxParallel, o.FailFast = 1, true }
		report := w.deploy("application c", "application a", "application b")
		for i, want := range []verdict.Status{verdict.Lost, verdict.Done, verdict.Done} {
			if report.Results[i].Status != want {
				w.Errorf("%d: %s, want %s\n%s", i, report.Results[i].Status, want, w.story())
			}
		}
		if report.ExitCode() != 1 || report.Took > 3*time.Minute {
			w.Errorf("exit %d after %s", report.ExitCode(), report.Took)
		}
	})
}

// A dry run looks once, and waits for nothing.
func TestFollowDryRun(t *testing.T) {
	for name, tt := range map[string]struct {
		before func(w *world, v *dokploytest.Service)
		said   string
	}{
		"none":    {func(*world, *dokploytest.Service) {}, "Dokploy shows no deployment of commit 3f2a91c just now"},
		"one":     {func(w *world, v *dokploytest.Service) { w.pushes(v, pushed); time.Sleep(time.Second) }, "the deployment of commit 3f2a91c: "},
		"waiting": {func(w *world, v *dokploytest.Service) { w.srv.Enqueue(v, "x", ""); w.pushes(v, pushed) }, "the deployment of commit 3f2a91c is queued"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				v := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: takes(time.Minute)})
				v.SetPush(dokploytest.Push{WatchPaths: []string{"src/**"}})
				tt.before(w, v)
				w.follows(Follow{})
				set := w.set
				w.set = func(o *Options) { set(o); o.DryRun = true }
				began := time.Now()
				w.want(w.deploy("application api"), verdict.Done, 0)
				w.triggers(v, 0)
				if w.rec.said("this key may deploy") || !w.rec.said("this key may look at Docker") {
					w.Error(w.story())
				}
				if !w.rec.said(tt.said) || !w.rec.said("a deployment might not come: the service is deployed only when a file changes that matches its watch paths (src/**)") || time.Since(began) > 5*time.Second {
					w.Error(time.Since(began), w.story())
				}
			})
		})
	}
}

// A dry run with a plain member's key says what will not be seen, and does not
// mention rights that following does not need.
func TestFollowDryRunOfAMember(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		v := w.srv.AddApplication(dokploytest.Application{SourceType: "git"})
		w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{v.ID}})
		w.follows(Follow{})
		set := w.set
		w.set = func(o *Options) { set(o); o.DryRun = true }
		w.want(w.deploy("application api"), verdict.Done, 0)
		if !w.rec.said("this key may not look at Docker") || w.rec.said("create services") || w.rec.said("may not set") {
			w.Error(w.story())
		}
	})
}

// A restart that cancels a later deployment leaves the service idle. That is no
// sign that somebody stopped it.
func TestRuleIdleAfterARestart(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		v := w.srv.AddApplication(dokploytest.Application{SourceType: "git", BuildFunc: func(n int) dokploytest.Build {
			build := takes(time.Duration(n*n) * 10 * time.Second)
			build.CommitSHA = []string{pushed, another}[n-1]
			return build
		}})
		w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{v.ID}})
		w.pushes(v, pushed)
		time.Sleep(15 * time.Second)
		w.pushes(v, another)
		time.Sleep(5 * time.Second)
		w.srv.Restart(5 * time.Second)
		time.Sleep(10 * time.Second)
		w.follows(Follow{})
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		if v.Status() != "idle" || r.Verified != verdict.VerifiedUnknown {
			w.Errorf("the service is %s, verified %s", v.Status(), r.Verified)
		}
	})
}

// An outage is tolerated for the whole of unreachable-timeout, even before the
// service is found.
func TestFollowOutlivesOutages(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		v := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: takes(5 * time.Second)})
		w.pushes(v, pushed)
		time.Sleep(10 * time.Second)
		w.srv.Restart(90 * time.Second)
		w.follows(Follow{})
		w.want(w.deploy("application api"), verdict.Done, 0)
	})
}

// It failed, and a later deployment is what runs: nothing is said of the previous
// version.
func TestFollowFailedBeforeALaterOne(t *testing.T) {
	for _, later := range []bool{false, true} {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			v := w.srv.AddApplication(dokploytest.Application{SourceType: "git", BuildFunc: func(n int) dokploytest.Build {
				build := takes(5 * time.Second)
				build.CommitSHA, build.Outcome = []string{another, pushed, another}[n-1], []string{"", "error", ""}[n-1]
				return build
			}})
			commits := []string{another, pushed}
			if later {
				commits = append(commits, another)
			}
			for _, commit := range commits {
				w.pushes(v, commit)
				time.Sleep(time.Minute)
			}
			w.follows(Follow{})
			r := w.want(w.deploy("application api"), verdict.Failed, 1)
			if (r.Hint == verdict.StillRuns) == later {
				w.Errorf("a later one: %t, advice %q", later, r.Advice())
			}
		})
	}
}

// A dry run with verify: require fails where following would fail, as nothing
// can be seen of what runs.
func TestFollowDryRunRequires(t *testing.T) {
	for name, tt := range map[string]struct {
		kind, server string
		noDocker     bool
		member       bool
		late         bool
		exit         int
	}{
		"a proxy blocks it":                          {kind: "application", noDocker: true, exit: 1},
		"all is seen":                                {kind: "application", late: true},
		"a member, none yet":                         {kind: "application", member: true},
		"a member, over":                             {kind: "application", member: true, late: true, exit: 1},
		"a member, a compose service, none yet":      {kind: "compose", member: true},
		"a member, a compose service, over":          {kind: "compose", member: true, late: true, exit: 1},
		"a compose service, over":                    {kind: "compose", late: true},
		"a compose service on a remote one, over":    {kind: "compose", server: "far", late: true, exit: 1},
		"an application on a remote server, is over": {kind: "application", server: "far", late: true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{NoDocker: tt.noDocker}, func(w *world) {
				if tt.server != "" {
					w.srv.AddServer(tt.server)
				}
				build := takes(5 * time.Second)
				build.CommitSHA = pushed
				v := w.srv.AddApplication(dokploytest.Application{Name: "x", SourceType: "git", ServerID: tt.server, Build: build})
				if tt.kind == "compose" {
					v = w.srv.AddCompose(dokploytest.Compose{Name: "x", SourceType: "git", ServerID: tt.server, Build: build})
				}
				if tt.late {
					w.pushes(v, pushed)
					time.Sleep(time.Minute)
				}
				if tt.member {
					w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{v.ID}})
				}
				w.follows(Follow{StartTimeout: 5 * time.Second})
				follows := w.set
				w.set = func(o *Options) { follows(o); o.Verify, o.DryRun = VerifyRequire, true }
				report := w.deploy(tt.kind + " x")
				if r := report.Results[0]; report.ExitCode() != tt.exit || (r.Reason.Kind == verdict.WouldNotBeSeen) != (tt.exit == 1) {
					w.Errorf("exit %d: %q %s\n%s", report.ExitCode(), r.Status, r.Why(), w.story())
				}
				if !tt.late || tt.kind == "compose" && tt.exit == 0 { // which replaced nothing
					return
				}
				w.set = func(o *Options) { follows(o); o.Verify = VerifyRequire }
				if report := w.deploy(tt.kind + " x"); report.ExitCode() != tt.exit {
					w.Errorf("in earnest: exit %d, %s", report.ExitCode(), report.Results[0].Why())
				}
			})
		})
	}
}
