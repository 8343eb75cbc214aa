package deploy

import (
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
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

// pushes lets Gitea tell of a push of that commit.
func (w *world) pushes(v *dokploytest.Service, commit string) {
	w.Helper()
	if status, text := w.srv.Deliver(v, dokploytest.Delivery{Form: "gitea", Commit: commit, Modified: []string{"src/a"}}); status != 200 {
		w.Fatalf("%d %s", status, text)
	}
}

// The step comes before the push is told of, in the middle, and after the end.
func TestFollowEarlyMiddleLate(t *testing.T) {
	for name, tt := range map[string]struct {
		before time.Duration // how long before the run it is pushed
		said   string
	}{
		"before the webhook": {-30 * time.Second, "Dokploy has started none yet; waiting up to 2m0s"},
		"while it is built":  {3 * time.Second, "started"},
		"after its end":      {time.Minute, "it was deployed before this run looked: at "},
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

// None comes: what the settings say is in the reason.
func TestFollowNone(t *testing.T) {
	on := func(branch string) Pushed { return Pushed{Ref: branch, Message: "feat: x"} }
	for name, tt := range map[string]struct {
		source  string
		push    dokploytest.Push
		pushed  Pushed
		version string
		kind    verdict.Kind
		why     string
	}{
		"nothing explains it": {"git", dokploytest.Push{}, on("main"), "", verdict.NoneCame, "Dokploy has started no deployment of commit 3f2a91c0de3f within 2m00s"},
		"auto-deploy is off":  {"git", dokploytest.Push{AutoDeployOff: true}, on("main"), "", verdict.NoneExplained, "automatic deployments are switched off for the service"},
	} {
		for _, skip := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				inWorld(t, dokploytest.Options{Version: tt.version}, func(w *world) {
					v := w.srv.AddApplication(dokploytest.Application{SourceType: tt.source})
					v.SetPush(tt.push)
					w.follows(Follow{Pushed: tt.pushed, SkipIfNone: skip})
					status, exit := verdict.Lost, 1
					if skip && tt.kind == verdict.NoneExplained {
						status, exit = verdict.Skipped, 0
					}
					r := w.want(w.deploy("application api"), status, exit)
					w.triggers(v, 0)
					if r.Reason.Kind != tt.kind || r.Took < 2*time.Minute || r.Took > 2*time.Minute+10*time.Second {
						w.Errorf("%s after %s", r.Why(), r.Took)
					}
					t.Log(r.Headline(), w.rec.notes)
				})
			})
		}
	}
}
