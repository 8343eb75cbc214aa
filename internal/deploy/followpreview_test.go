package deploy

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// pullApp adds an application with previews whose builds take this long.
func (w *world) pullApp(name string, build time.Duration, set ...func(*dokploytest.Application)) *dokploytest.Service {
	w.Helper()
	a := dokploytest.Application{
		Name: name, SourceType: "github", Build: takes(build), Domains: []dokploytest.Domain{{Host: name + ".example.com", HTTPS: true}},
		Previews: &dokploytest.Previews{Build: takes(build), HTTPS: true},
	}
	for _, s := range set {
		s(&a)
	}
	app := w.srv.AddApplication(a)
	app.SetPush(dokploytest.Push{Repository: "api"})
	return app
}

// pulls has GitHub report a pull request.
func (w *world) pulls(p dokploytest.PullRequest) {
	w.Helper()
	if p.Commit == "" {
		p.Commit = pushed
	}
	if status, text := w.srv.PullRequest(p); status != 200 {
		w.Fatalf("%d %s", status, text)
	}
}

// followsPreview makes the next run follow the preview of pull request 7.
func (w *world) followsPreview(f Follow, set ...func(*Options)) {
	f.Preview = 7
	w.follows(f)
	follow := w.set
	w.set = func(o *Options) {
		follow(o)
		for _, s := range set {
			s(o)
		}
	}
}

// previewOf returns the application's preview of a pull request.
func (w *world) previewOf(app *dokploytest.Service, number int) *dokploytest.Service {
	w.Helper()
	for _, p := range w.srv.Previews(app) {
		if p.PullRequest() == number {
			return p
		}
	}
	w.Fatalf("no preview of %d", number)
	return nil
}

// The step comes before the preview is created, while its deployment waits,
// while it is built, and after its end.
func TestFollowPreviewEarlyMiddleLate(t *testing.T) {
	for name, tt := range map[string]struct {
		before time.Duration // how long before the run the pull request is reported
		queued bool          // another build is ahead
		member bool
		said   string
	}{
		"before the webhook":                     {before: -30 * time.Second, said: "Dokploy shows no preview yet; waiting up to 2m00s"},
		"before the webhook, a member's key":     {before: -30 * time.Second, member: true, said: "Dokploy shows no preview yet; waiting up to 2m00s"},
		"while it waits":                         {before: time.Second, queued: true, said: "queued, next in line; building now: api"},
		"while it is built":                      {before: 3 * time.Second, said: "started"},
		"while it is built, with a member's key": {before: 3 * time.Second, member: true, said: "started"},
		"after its end":                          {before: time.Minute, said: "it is over already: done at "},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				build := 20 * time.Second
				if tt.before < 0 { // it is over before a look at its beginning would count
					build = 2 * time.Second
				}
				app := w.pullApp("api", build)
				if tt.queued {
					w.srv.Enqueue(app, "another's", "Hash: "+pushed)
				}
				if tt.member {
					w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}})
				}
				tell := func() { w.pulls(dokploytest.PullRequest{Number: 7}) }
				if tt.before > 0 {
					tell()
					time.Sleep(tt.before)
				} else {
					time.AfterFunc(-tt.before, tell)
				}
				w.followsPreview(Follow{}, func(o *Options) { o.Verify = VerifyRequire })
				r := w.want(w.deploy("application api"), verdict.Done, 0)
				w.triggers(app, 0)
				preview := w.previewOf(app, 7)
				row := w.lastRow(preview)
				if r.DeploymentID != row.ID || r.Verified != verdict.VerifiedYes || !w.rec.said(tt.said) || len(w.rec.log) == 0 {
					w.Errorf("deployment %s, want %s; %s\n%s", r.DeploymentID, row.ID, r.Verified, w.story())
				}
				if want := "https://" + preview.AppName + ".preview.example.com"; r.URL() != want || r.ID != app.ID || r.Service != "api" || r.Name != "api (pull request 7)" {
					w.Errorf("%s %s %s %s, want %s", r.URL(), r.ID, r.Service, r.Name, want)
				}
				if u, _ := url.Parse(r.DashboardURL); u.RawQuery != "tab=preview-deployments" || !strings.Contains(u.Path, app.ID) {
					w.Error(r.DashboardURL)
				}
				if r.Commit != "" || r.Build != row.FinishedAt.Sub(row.StartedAt) {
					w.Errorf("commit %q, built in %s", r.Commit, r.Build)
				}
			})
		})
	}
}

// A preview that is removed while it is followed, at any stage, is lost. The
// message says what is seen: it is gone.
func TestFollowPreviewRemoved(t *testing.T) {
	for name, tt := range map[string]struct {
		after  time.Duration // how long after the run began
		queued bool          // another build is ahead for a minute
		set    func(*Options)
		within time.Duration // how soon after that it must be known
	}{
		"while it waits":       {after: 20 * time.Second, queued: true, within: 15 * time.Second},
		"while it is built":    {after: 20 * time.Second, within: 30 * time.Second},
		"while it is verified": {after: 43 * time.Second, within: 20 * time.Second},
		"while it is asked": {after: 65 * time.Second, within: 20 * time.Second, set: func(o *Options) {
			o.Health.Dial = answering(func(string) string {
				return "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
			}, nil)
		}},
		// As soon as it is gone, its address may show another page.
		"as it answers": {after: 52500 * time.Millisecond, within: 10 * time.Second, set: func(o *Options) {
			o.Health.Dial = answering(func(string) string {
				time.Sleep(2 * time.Second)
				return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
			}, nil)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.pullApp("api", 40*time.Second, func(a *dokploytest.Application) { a.Previews.HTTPS = false })
				if tt.queued {
					w.srv.Enqueue(app, "another's", "")
				}
				w.pulls(dokploytest.PullRequest{Number: 7})
				gone := time.Now().Add(tt.after)
				time.AfterFunc(tt.after, func() { w.pulls(dokploytest.PullRequest{Number: 7, Action: "closed"}) })
				w.followsPreview(Follow{}, func(o *Options) {
					if tt.set != nil {
						o.Health = w.health(&pages{}, "http://x.example.com/")
						o.Health.URL = nil
						tt.set(o)
					}
				})
				r := w.want(w.deploy("application api"), verdict.Lost, 1)
				w.triggers(app, 0)
				if r.Reason.Kind != verdict.PreviewGone || r.At.Before(gone) || r.At.Sub(gone) > tt.within {
					w.Errorf("%s, %s after it was removed\n%s", r.Why(), r.At.Sub(gone), w.story())
				}
				if want := "the preview of pull request 7 is gone from Dokploy: the pull request was closed or merged, or someone removed the preview"; r.Why() != want {
					w.Error(r.Why())
				}
			})
		})
	}
}

// A preview that is removed while no deployment of this commit has come may
// come back: the pull request is reopened.
func TestFollowPreviewOpenedAgain(t *testing.T) {
	const never = time.Hour
	for name, tt := range map[string]struct {
		after  time.Duration // when the pull request is closed
		member bool
	}{
		"some time later":              {after: 20 * time.Second},
		"at once":                      {},
		"at once, with a member's key": {member: true},
		"later, with a member's key":   {after: 5 * time.Second, member: true},
		"never":                        {after: never},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.pullApp("api", 2*time.Second)
				if tt.member {
					w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}})
				}
				w.pulls(dokploytest.PullRequest{Number: 7, Commit: another})
				time.Sleep(time.Minute)
				time.AfterFunc(20*time.Second, func() {
					w.pulls(dokploytest.PullRequest{Number: 7, Action: "closed"})
					if tt.after == 0 {
						w.pulls(dokploytest.PullRequest{Number: 7, Action: "reopened"})
					}
				})
				status, exit := verdict.Done, 0
				switch tt.after {
				case 0:
				case never:
					status, exit = verdict.Lost, 1
				default:
					time.AfterFunc(20*time.Second+tt.after, func() { w.pulls(dokploytest.PullRequest{Number: 7, Action: "reopened"}) })
				}
				w.followsPreview(Follow{}, func(o *Options) { o.Verify = VerifyRequire })
				r := w.want(w.deploy("application api"), status, exit)
				switch {
				case status == verdict.Lost && (r.Reason.Kind != verdict.PreviewGone || r.Took < 2*time.Minute):
					w.Error(r.Why(), r.Took)
				case status == verdict.Done && (r.DeploymentID != w.lastRow(w.previewOf(app, 7)).ID || r.URL() != "https://"+w.previewOf(app, 7).AppName+".preview.example.com"):
					w.Error(r.DeploymentID, r.URL(), w.story())
				}
			})
		})
	}
}

// None comes: the reason includes what the settings say, but not what does not
// matter for previews.
func TestFollowPreviewNone(t *testing.T) {
	const none = "Dokploy shows no preview of pull request 7 after 2m00s"
	// Settings that explain why a push starts nothing.
	noPush := dokploytest.Push{Repository: "api", AutoDeployOff: true, TriggerType: "tag", WatchPaths: []string{"src/**"}}
	for name, tt := range map[string]struct {
		version  string
		previews *dokploytest.Previews
		pull     Pull
		tell     dokploytest.PullRequest
		before   func(w *world, app *dokploytest.Service)
		why      string
		warned   string // at once
		skips    bool
		hint     string
	}{
		"nothing explains it": {previews: &dokploytest.Previews{AnyAuthor: true}, why: none, hint: "Recent Deliveries)"},
		"an author who may not be known": {
			previews: &dokploytest.Previews{}, why: none, hint: "Recent Deliveries). Only authors who may write to the repository get a preview",
		},
		"an author from outside": {
			previews: &dokploytest.Previews{}, pull: Pull{Outsider: "this one comes from a fork"}, skips: true, tell: dokploytest.PullRequest{Author: "bob"},
			why: none + ": only authors who may write to the repository get a preview, and this one comes from a fork", warned: "only authors who",
		},
		"an author from outside, where any may": {previews: &dokploytest.Previews{AnyAuthor: true}, pull: Pull{Outsider: "this one comes from a fork"}, why: none},
		"switched off":                          {why: none + ": preview deployments are off for this application", warned: "preview deployments are off", skips: true, tell: dokploytest.PullRequest{Number: 7}},
		"another base": {
			previews: &dokploytest.Previews{}, pull: Pull{Base: "next"}, tell: dokploytest.PullRequest{Number: 7, Base: "next"}, skips: true,
			why: none + ": the application is deployed from the branch main, and the pull request is for next", warned: "the pull request is for next",
		},
		"the same base": {previews: &dokploytest.Previews{AnyAuthor: true}, pull: Pull{Base: "main"}, why: none},
		"the limit": {
			previews: &dokploytest.Previews{AnyAuthor: true, Limit: 2}, tell: dokploytest.PullRequest{Number: 7}, skips: true,
			before: func(w *world, _ *dokploytest.Service) {
				w.pulls(dokploytest.PullRequest{Number: 1, Commit: another})
				w.pulls(dokploytest.PullRequest{Number: 2, Commit: another})
			},
			why: none + ": the application already has 2 previews, and its limit is 2", warned: "its limit is 2",
		},
		"the limit before 0.30.2": {
			version: "v0.30.1", previews: &dokploytest.Previews{AnyAuthor: true, Limit: 1}, tell: dokploytest.PullRequest{Number: 7}, skips: true,
			before: func(w *world, _ *dokploytest.Service) {
				w.pulls(dokploytest.PullRequest{Number: 1, Commit: another})
				w.pulls(dokploytest.PullRequest{Number: 2, Commit: another})
			},
			why: none + ": the application has 2 previews, more than its limit of 1: this Dokploy then deploys none of them", warned: "more than its limit",
		},
		"the limit before 0.30.2, not exceeded": {
			version: "v0.30.1", previews: &dokploytest.Previews{AnyAuthor: true, Limit: 1}, why: none,
			before: func(w *world, _ *dokploytest.Service) { w.pulls(dokploytest.PullRequest{Number: 1, Commit: another}) },
		},
		"a label that is not known": {
			previews: &dokploytest.Previews{AnyAuthor: true, Labels: []string{"preview", "qa"}}, tell: dokploytest.PullRequest{Number: 7}, skips: true,
			why: none + ": only pull requests with one of the labels preview, qa get a preview", warned: "one of the labels preview, qa",
		},
		"a label that is missing": {
			previews: &dokploytest.Previews{AnyAuthor: true, Labels: []string{"preview"}}, pull: Pull{Labels: []string{"bug"}}, tell: dokploytest.PullRequest{Number: 7, Labels: []string{"bug"}}, skips: true,
			why: none + ": the application requires one of the labels preview, and the pull request had none of them when this run began", warned: "had none of them",
		},
		"a label that is there": {previews: &dokploytest.Previews{AnyAuthor: true, Labels: []string{"preview"}}, pull: Pull{Labels: []string{"bug", "preview"}}, why: none},
		"a closed pull request": {
			previews: &dokploytest.Previews{AnyAuthor: true}, pull: Pull{Closed: true}, skips: true,
			why: none + ": the pull request is closed, and Dokploy removes its preview then", warned: "is closed",
		},
		"a preview, and none of the commit": {
			previews: &dokploytest.Previews{AnyAuthor: true}, before: func(w *world, _ *dokploytest.Service) { w.pulls(dokploytest.PullRequest{Number: 7, Commit: another}) },
			why: "Dokploy shows no deployment of commit 3f2a91c0de3f after 2m00s; the newest commit that it shows as deployed is 999999988888, done at 2000-01-01 00:00:00 UTC by the server's clock",
		},
		"a preview of an application that makes none any more": {
			previews: &dokploytest.Previews{AnyAuthor: true}, skips: true, tell: dokploytest.PullRequest{Number: 7},
			before: func(w *world, app *dokploytest.Service) {
				w.pulls(dokploytest.PullRequest{Number: 7, Commit: another})
				time.Sleep(time.Minute)
				app.SetPreviews(nil)
			},
			why:    "Dokploy shows no deployment of commit 3f2a91c0de3f after 2m00s: preview deployments are off for this application; the newest commit that it shows as deployed is 999999988888, done at 2000-01-01 00:00:00 UTC by the server's clock",
			warned: "preview deployments are off",
		},
		"a full application whose preview is there": {
			previews: &dokploytest.Previews{AnyAuthor: true, Limit: 1}, before: func(w *world, _ *dokploytest.Service) { w.pulls(dokploytest.PullRequest{Number: 7, Commit: another}) },
			why: "Dokploy shows no deployment of commit 3f2a91c0de3f after 2m00s; the newest commit that it shows as deployed is 999999988888, done at 2000-01-01 00:00:00 UTC by the server's clock",
		},
	} {
		for _, skip := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				inWorld(t, dokploytest.Options{Version: tt.version}, func(w *world) {
					w.srv.Stranger("bob")
					app := w.srv.AddApplication(dokploytest.Application{SourceType: "github", Previews: tt.previews})
					app.SetPush(noPush)
					if tt.before != nil {
						tt.before(w, app)
						time.Sleep(time.Minute)
					}
					if tt.tell.Number != 0 {
						time.AfterFunc(time.Minute, func() { w.pulls(tt.tell) })
					}
					w.followsPreview(Follow{SkipIfNone: skip, Pull: tt.pull, Pushed: Pushed{Ref: "feature", Message: "x [skip ci]"}})
					status, exit := verdict.Lost, 1
					if skip && tt.skips {
						status, exit = verdict.Skipped, 0
					}
					r := w.want(w.deploy("application api"), status, exit)
					if r.Why() != tt.why || r.Took < 2*time.Minute || r.Took > 2*time.Minute+time.Second || !strings.Contains(r.Advice(), tt.hint) {
						w.Errorf("%s after %s; %s\nwant %s; %s", r.Why(), r.Took, r.Advice(), tt.why, tt.hint)
					}
					if warned := w.rec.said("a deployment might not come: "); warned != (tt.warned != "") || !w.rec.said(tt.warned) {
						w.Error(w.story())
					}
					w.triggers(app, 0)
				})
			})
		}
	}
}

// With other deployments around, another's is never taken.
func TestFollowPreviewBesideOthers(t *testing.T) {
	for name, tt := range map[string]struct {
		set func(w *world, app *dokploytest.Service) // what is reported, ours among it
	}{
		"the application's own deployment of the commit": {func(w *world, app *dokploytest.Service) {
			w.pushes(app, pushed)
			w.pulls(dokploytest.PullRequest{Number: 7})
			w.pushes(app, pushed)
		}},
		"another pull request's preview of the commit": {func(w *world, app *dokploytest.Service) {
			w.pulls(dokploytest.PullRequest{Number: 8})
			w.pulls(dokploytest.PullRequest{Number: 7})
			w.pulls(dokploytest.PullRequest{Number: 77})
		}},
		"a later head": {func(w *world, app *dokploytest.Service) {
			w.pulls(dokploytest.PullRequest{Number: 7})
			w.pulls(dokploytest.PullRequest{Number: 7, Commit: another})
		}},
		"an earlier head": {func(w *world, app *dokploytest.Service) {
			w.pulls(dokploytest.PullRequest{Number: 7, Commit: another})
			w.pulls(dokploytest.PullRequest{Number: 7})
		}},
	} {
		for _, wait := range []time.Duration{0, 12 * time.Second, 25 * time.Second, 5 * time.Minute} {
			t.Run(name+" "+wait.String(), func(t *testing.T) {
				inWorld(t, dokploytest.Options{}, func(w *world) {
					app := w.pullApp("api", 20*time.Second)
					tt.set(w, app)
					time.Sleep(wait)
					w.followsPreview(Follow{})
					r := w.want(w.deploy("application api"), verdict.Done, 0)
					for _, row := range w.srv.Deployments(w.previewOf(app, 7)) {
						if row.Description == "Hash: "+pushed && row.ID == r.DeploymentID {
							return
						}
					}
					w.Errorf("deployment %s\n%s", r.DeploymentID, w.story())
				})
			})
		}
	}
}

// Each application has its own preview, and all are watched from the start.
func TestFollowSeveralPreviews(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		web, api := w.pullApp("web", 20*time.Second), w.pullApp("api", 20*time.Second)
		off := w.srv.AddApplication(dokploytest.Application{Name: "off", SourceType: "github"})
		time.AfterFunc(30*time.Second, func() { w.pulls(dokploytest.PullRequest{Number: 7}) })
		w.followsPreview(Follow{SkipIfNone: true})
		report := w.deploy("application api", "application off", "application web")
		for i, app := range []*dokploytest.Service{api, nil, web} {
			r := report.Results[i]
			if app == nil {
				if r.Status != verdict.Skipped || r.URL() != "" || r.DeploymentID != "" {
					w.Errorf("%s, %s: %s", off.Name, r.Status, r.URL())
				}
				continue
			}
			if p := w.previewOf(app, 7); r.Status != verdict.Done || r.DeploymentID != w.lastRow(p).ID || !strings.Contains(r.URL(), p.AppName) {
				w.Errorf("%s: %s, %s", app.Name, r.DeploymentID, r.URL())
			}
		}
		if report.ExitCode() != 0 || report.Took > 4*time.Minute {
			w.Errorf("exit %d after %s\n%s", report.ExitCode(), report.Took, w.story())
		}
	})
}

// An application whose source has no previews is refused before the run waits
// for anything, unless Dokploy shows one.
func TestFollowPreviewOfAnotherSource(t *testing.T) {
	for _, source := range []string{"gitlab", "gitea", "bitbucket", "git", "docker", "drop"} {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			w.srv.AddApplication(dokploytest.Application{SourceType: source})
			w.followsPreview(Follow{})
			began := time.Now()
			r := w.want(w.deploy("application api"), verdict.Invalid, 2)
			if want := "api has no previews: Dokploy makes them for applications whose provider is GitHub, and this one's is " + source; r.Why() != want || r.ConcernedInput() != "preview" || time.Since(began) > time.Second {
				w.Error(r.Why(), r.ConcernedInput(), time.Since(began))
			}
		})
	}
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.pullApp("api", time.Second)
		w.pulls(dokploytest.PullRequest{Number: 7})
		time.Sleep(time.Minute)
		app.SetSourceType("gitea")
		w.followsPreview(Follow{})
		w.want(w.deploy("application api"), verdict.Done, 0)
	})
}

// A restart while it waits loses it: nothing is started. A restart before one
// has come only costs time.
func TestFollowPreviewOverARestart(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.pullApp("api", 2*time.Minute)
		w.srv.Enqueue(app, "another's", "")
		w.pulls(dokploytest.PullRequest{Number: 7})
		time.AfterFunc(20*time.Second, func() { w.srv.Restart(8 * time.Second) })
		w.followsPreview(Follow{})
		r := w.want(w.deploy("application api"), verdict.Lost, 1)
		if r.Reason.Kind != verdict.ForgottenQueued || r.Advice() != "check the service's deployments in the dashboard, then push to the pull request again; this step starts nothing" {
			w.Error(r.Why(), r.Advice())
		}
		w.triggers(app, 0)
	})
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.pullApp("api", 20*time.Second)
		time.AfterFunc(10*time.Second, func() { w.srv.Restart(30 * time.Second) })
		time.AfterFunc(time.Minute, func() { w.pulls(dokploytest.PullRequest{Number: 7}) })
		w.followsPreview(Follow{})
		w.want(w.deploy("application api"), verdict.Done, 0)
	})
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.pullApp("api", time.Minute)
		w.pulls(dokploytest.PullRequest{Number: 7})
		time.AfterFunc(20*time.Second, func() { w.srv.Restart(8 * time.Second) })
		w.followsPreview(Follow{})
		if r := w.want(w.deploy("application api"), verdict.Cancelled, 1); r.Reason.Kind != verdict.CutOffByRestart {
			w.Error(r.Why())
		}
	})
}

// If the queue is hidden, only its rows tell.
func TestFollowPreviewWithoutAQueue(t *testing.T) {
	for name, set := range map[string]func(w *world, app *dokploytest.Service){
		"early": func(w *world, _ *dokploytest.Service) {
			time.AfterFunc(30*time.Second, func() { w.pulls(dokploytest.PullRequest{Number: 7}) })
		},
		"in the middle": func(w *world, _ *dokploytest.Service) {
			w.pulls(dokploytest.PullRequest{Number: 7})
			time.Sleep(5 * time.Second)
		},
		"late": func(w *world, _ *dokploytest.Service) {
			w.pulls(dokploytest.PullRequest{Number: 7})
			time.Sleep(time.Minute)
		},
		"behind another": func(w *world, app *dokploytest.Service) {
			app.SetBuild(takes(5 * time.Minute))
			w.srv.Enqueue(app, "x", "")
			w.pulls(dokploytest.PullRequest{Number: 7})
		},
		"behind another preview": func(w *world, app *dokploytest.Service) {
			app.SetPreviews(&dokploytest.Previews{Build: takes(5 * time.Minute)})
			w.pulls(dokploytest.PullRequest{Number: 8})
			app.SetPreviews(&dokploytest.Previews{Build: takes(20 * time.Second)})
			w.pulls(dokploytest.PullRequest{Number: 7})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{Version: "v0.27.1"}, func(w *world) {
				app := w.pullApp("api", 20*time.Second)
				set(w, app)
				w.followsPreview(Follow{})
				r := w.want(w.deploy("application api"), verdict.Done, 0)
				if id := w.lastRow(w.previewOf(app, 7)).ID; r.DeploymentID != id {
					w.Error(r.DeploymentID, id, w.story())
				}
			})
		})
	}
	inWorld(t, dokploytest.Options{Version: "v0.27.1"}, func(w *world) {
		app := w.pullApp("api", 20*time.Second)
		app.SetBuild(takes(10 * time.Minute))
		w.srv.Enqueue(app, "x", "") // Dokploy creates a preview whatever it is building
		w.followsPreview(Follow{})
		if r := w.want(w.deploy("application api"), verdict.Lost, 1); r.Reason.Kind != verdict.NoPreview || r.Took > 2*time.Minute+time.Second {
			w.Error(r.Why(), r.Took)
		}
	})
}

// Its address is checked, and reported if there is one.
func TestFollowPreviewHealth(t *testing.T) {
	for name, tt := range map[string]struct {
		path, want string
		https      bool
	}{
		"auto":      {"", "/", false},
		"with path": {"/healthz?x=1", "/healthz", false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.pullApp("api", 10*time.Second, func(a *dokploytest.Application) { a.Previews.HTTPS, a.Domains = tt.https, nil })
				time.AfterFunc(30*time.Second, func() { w.pulls(dokploytest.PullRequest{Number: 7}) })
				var hosts []string
				w.followsPreview(Follow{}, func(o *Options) {
					o.Health = w.health(&pages{}, "http://x.example.com/")
					o.Health.URL, o.Health.Path = nil, tt.path
					o.Health.Dial = answering(func(host string) string { hosts = append(hosts, host); return always("200 OK", "A: b")(host) }, nil)
				})
				w.want(w.deploy("application api"), verdict.Done, 0)
				host := w.previewOf(app, 7).AppName + ".preview.example.com"
				if len(hosts) == 0 || hosts[0] != host || !w.rec.said("health: http://"+host+tt.path[:max(0, strings.Index(tt.path, "?"))]) {
					w.Error(hosts, w.story())
				}
			})
		})
	}
}

// A dry run looks once: whether the preview exists, whether there is a
// deployment of the commit, and what would keep one from coming.
func TestFollowPreviewDryRun(t *testing.T) {
	for name, tt := range map[string]struct {
		tell dokploytest.PullRequest
		said []string
		url  bool
	}{
		"no preview": {said: []string{"Dokploy has no preview of pull request 7 just now", "health: would request the preview's address"}},
		"another's":  {tell: dokploytest.PullRequest{Number: 8}, said: []string{"Dokploy has no preview of pull request 7 just now"}},
		"none of it": {tell: dokploytest.PullRequest{Number: 7, Commit: another}, said: []string{"Dokploy shows no deployment of commit 3f2a91c just now"}, url: true},
		"one of it":  {tell: dokploytest.PullRequest{Number: 7}, said: []string{"the deployment of commit 3f2a91c: ", "health: would request http://preview-api-"}, url: true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.pullApp("api", time.Minute, func(a *dokploytest.Application) { a.Previews.HTTPS = false })
				if tt.tell.Number != 0 {
					w.pulls(tt.tell)
					time.Sleep(5 * time.Second)
				}
				w.followsPreview(Follow{Pull: Pull{Base: "next"}}, func(o *Options) {
					o.DryRun, o.Health = true, w.health(&pages{}, "http://x.example.com/")
					o.Health.URL = nil
				})
				began := time.Now()
				r := w.want(w.deploy("application api"), verdict.Done, 0)
				for _, said := range append(tt.said, "a deployment might not come: the application is deployed from the branch main, and the pull request is for next") {
					if !w.rec.said(said) {
						w.Errorf("%q is not said\n%s", said, w.story())
					}
				}
				if time.Since(began) > 5*time.Second || (r.URL() != "") != tt.url || w.rec.said("only authors who") {
					w.Error(time.Since(began), r.URL(), w.story())
				}
				w.triggers(app, 0)
			})
		})
	}
}

// A new preview is listed before it has a domain and a deployment.
func TestFollowPreviewThatSettles(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.pullApp("api", 10*time.Second, func(a *dokploytest.Application) { a.Previews.Settles = 5 * time.Second })
		w.pulls(dokploytest.PullRequest{Number: 7})
		w.followsPreview(Follow{}, func(o *Options) { o.Verify = VerifyRequire })
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		if want := "https://" + w.previewOf(app, 7).AppName + ".preview.example.com"; r.URL() != want || r.Verified != verdict.VerifiedYes {
			w.Error(r.URL(), r.Verified, w.story())
		}
	})
}

// Secrets in the environment of the application, and in that of its previews,
// are hidden.
func TestFollowPreviewHidesBoth(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.pullApp("api", 10*time.Second, func(a *dokploytest.Application) {
			a.Env, a.Previews.Env = "API_TOKEN=of-the-application", "API_TOKEN=of-the-previews"
		})
		w.pulls(dokploytest.PullRequest{Number: 7})
		w.followsPreview(Follow{})
		w.want(w.deploy("application api"), verdict.Done, 0)
		for _, value := range []string{"of-the-application", "of-the-previews"} {
			if !slices.Contains(w.rec.hidden, value) {
				w.Errorf("%s is not hidden: %v", value, w.rec.hidden)
			}
		}
	})
}

// Its first build fails: nothing of it was running before, whatever the
// application has.
func TestFollowPreviewFails(t *testing.T) {
	for _, earlier := range []bool{false, true} {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			broken := dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(time.Second, "#7 compiling", "ERROR: no such file")}
			app := w.pullApp("api", 10*time.Second)
			w.srv.Enqueue(app, "an earlier one", "")
			if earlier {
				w.pulls(dokploytest.PullRequest{Number: 7, Commit: another})
			}
			time.Sleep(time.Minute)
			app.SetPreviews(&dokploytest.Previews{Build: broken})
			if earlier {
				w.previewOf(app, 7).SetBuild(broken)
			}
			w.pulls(dokploytest.PullRequest{Number: 7})
			w.followsPreview(Follow{})
			r := w.want(w.deploy("application api"), verdict.Failed, 1)
			if still := strings.Contains(r.Advice(), string(verdict.StillRuns)); still != earlier || !strings.Contains(strings.Join(w.rec.log, "\n"), "no such file") {
				w.Errorf("%s; %s\n%s", r.Why(), r.Advice(), w.story())
			}
		})
	}
}

// A key that may not read the application's previews is refused at once.
func TestFollowPreviewWithoutTheRight(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.pullApp("api", 10*time.Second)
		w.srv.Fault(dokploytest.Fault{Procedure: "previewDeployment.all", Kind: dokploytest.Unauthorized, Times: -1})
		w.followsPreview(Follow{})
		began := time.Now()
		if r := w.want(w.deploy("application api"), verdict.Refused, 3); time.Since(began) > time.Second {
			w.Error(r.Why(), time.Since(began))
		}
	})
}

// For a preview on a remote server, Dokploy's REST API finds no log, which is
// not the same as an empty one.
func TestFollowPreviewOnARemoteServer(t *testing.T) {
	for _, refused := range []bool{false, true} {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			w.srv.AddServer("far")
			w.pullApp("api", time.Second, func(a *dokploytest.Application) {
				a.ServerID = "far"
				a.Previews.Build = dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(time.Second, "#7 compiling", "ERROR: no such file")}
			})
			if refused {
				w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamRefused, Status: 403, Times: -1})
			}
			time.AfterFunc(10*time.Second, func() { w.pulls(dokploytest.PullRequest{Number: 7}) })
			w.followsPreview(Follow{})
			want := verdict.LogSays
			if refused {
				want = verdict.UnreadLog
			}
			if r := w.want(w.deploy("application api"), verdict.Failed, 1); r.Reason.Kind != want {
				w.Errorf("%q: %s\n%s", r.Reason.Kind, r.Why(), w.story())
			}
		})
	}
}
