package deploy

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

const (
	builtCommit = "9999999888888877777776666666555555544444"
	ofCI        = "abcdef0123456789abcdef0123456789abcdef01"
)

// The built commit is reported for every Git source, whatever happened to the
// deployment.
func TestCommitThatWasBuilt(t *testing.T) {
	// With a log whose end is seen at once, Git is asked for the commit after
	// it.
	built := dokploytest.Build{CommitSHA: builtCommit, Steps: dokploytest.Lines(200*time.Millisecond, lines(4)...)}
	for name, tt := range map[string]struct {
		add     func(*dokploytest.Server) *dokploytest.Service
		compose bool
		set     func(*Options)
		version string
		status  verdict.Status
		want    string
	}{
		"an application": {add: func(s *dokploytest.Server) *dokploytest.Service {
			return s.AddApplication(dokploytest.Application{Name: "x", SourceType: "git", Build: built})
		}, want: builtCommit},
		"one that is verified": {add: func(s *dokploytest.Server) *dokploytest.Service {
			return s.AddApplication(dokploytest.Application{Name: "x", SourceType: "github", Build: built})
		}, set: func(o *Options) { o.Verify, o.StableFor = VerifyAuto, 10*time.Second }, want: builtCommit},
		"a compose service": {add: func(s *dokploytest.Server) *dokploytest.Service {
			return s.AddCompose(dokploytest.Compose{Name: "x", SourceType: "gitea", Build: built})
		}, compose: true, want: builtCommit},
		"on a remote server": {add: func(s *dokploytest.Server) *dokploytest.Service {
			return s.AddApplication(dokploytest.Application{Name: "x", SourceType: "gitlab", ServerID: "far", Build: built})
		}, want: builtCommit},
		"on a build server": {add: func(s *dokploytest.Server) *dokploytest.Service { // found by the schedule 600000000000106
			return s.AddApplication(dokploytest.Application{Name: "x", SourceType: "git", BuildServerID: "builder", Build: built})
		}, want: builtCommit},
		"a build that fails": {add: func(s *dokploytest.Server) *dokploytest.Service {
			return s.AddApplication(dokploytest.Application{Name: "x", SourceType: "git", Build: dokploytest.Build{Outcome: "error", CommitSHA: builtCommit}})
		}, status: verdict.Failed, want: builtCommit},
		"a clone that fails": {add: func(s *dokploytest.Server) *dokploytest.Service {
			return s.AddApplication(dokploytest.Application{Name: "x", SourceType: "git", Build: dokploytest.Build{Outcome: "error", CloneFailed: true}})
		}, status: verdict.Failed},
		"an image": {add: func(s *dokploytest.Server) *dokploytest.Service {
			return s.AddApplication(dokploytest.Application{Name: "x", Build: built})
		}},
		"a raw compose file": {add: func(s *dokploytest.Server) *dokploytest.Service {
			return s.AddCompose(dokploytest.Compose{Name: "x", Build: built})
		}, compose: true},
		"a redeploy": {add: func(s *dokploytest.Server) *dokploytest.Service {
			return s.AddApplication(dokploytest.Application{Name: "x", SourceType: "git", Build: built})
		}, set: func(o *Options) { o.Operation = "redeploy" }},
		"not waited for": {add: func(s *dokploytest.Server) *dokploytest.Service {
			return s.AddApplication(dokploytest.Application{Name: "x", SourceType: "git", Build: built})
		}, set: func(o *Options) { o.Wait = false }, status: verdict.Queued},
		"too old": {add: func(s *dokploytest.Server) *dokploytest.Service {
			return s.AddApplication(dokploytest.Application{Name: "x", SourceType: "git", Build: built})
		}, version: "v0.25.6"},
		"a description that looks like one": {add: func(s *dokploytest.Server) *dokploytest.Service {
			return s.AddApplication(dokploytest.Application{Name: "x", Build: built})
		}, set: func(o *Options) { o.Description = "Commit: " + ofCI }},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{Version: firstOf(tt.version, "v0.30.2")}, func(w *world) {
				tt.add(w.srv)
				w.set = tt.set
				target := "application x"
				if tt.compose {
					target = "compose x"
				}
				report := w.deploy(target)
				r := &report.Results[0]
				if status := verdict.Status(firstOf(string(tt.status), "done")); r.Status != status || r.Commit != tt.want || report.Commit() != tt.want {
					w.Errorf("%s: %q, want %q\n%s", r.Status, r.Commit, tt.want, w.story())
				}
				if !strings.Contains(report.JSON(strings.TrimSpace), `"commit":"`+tt.want+`"`) {
					w.Error(report.JSON(strings.TrimSpace))
				}
			})
		})
	}
}

// The output is that of the first target that has one.
func TestCommitOfSeveralTargets(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Name: "image"})
		w.srv.AddApplication(dokploytest.Application{Name: "two", SourceType: "git", Build: dokploytest.Build{CommitSHA: builtCommit}})
		w.srv.AddCompose(dokploytest.Compose{Name: "three", SourceType: "git", Build: dokploytest.Build{CommitSHA: ofCI}})
		report := w.deploy("application image", "application two", "compose three")
		if report.Commit() != builtCommit || report.Results[2].Commit != ofCI {
			w.Errorf("%q, %q", report.Commit(), report.Results[2].Commit)
		}
	})
}

// A commit other than that of the CI run is reported once, and only for the
// same repository.
func TestTheBranchHasMovedOn(t *testing.T) {
	const warning = "! Dokploy built 9999999, not abcdef0: the branch has moved on"
	for name, tt := range map[string]struct {
		ci     CI
		remote bool
		want   int
	}{
		"the same repository": {ci: CI{Repository: "https://git.example.com/acme/x", Commit: ofCI}, want: 1},
		"on a remote server":  {ci: CI{Repository: "https://git.example.com/acme/x", Commit: ofCI}, remote: true, want: 1},
		"another repository":  {ci: CI{Repository: "https://git.example.com/acme/y", Commit: ofCI}},
		"the same commit":     {ci: CI{Repository: "https://git.example.com/acme/x", Commit: builtCommit}},
		"no CI":               {},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := dokploytest.Application{Name: "x", SourceType: "git", Build: dokploytest.Build{CommitSHA: builtCommit}}
				if tt.remote {
					app.ServerID = "far"
				}
				w.srv.AddApplication(app)
				w.set = func(o *Options) { o.CI = tt.ci }
				w.want(w.deploy("application x"), verdict.Done, 0)
				if n := w.rec.count(warning); n != tt.want || w.rec.count("Dokploy built ") != tt.want {
					w.Errorf("said %d times\n%s", n, w.story())
				}
			})
		})
	}
}

func TestOtherCommit(t *testing.T) {
	const moved = "Dokploy built 9999999, not abcdef0: the branch has moved on"
	s := &dokploy.Service{Repository: "git@github.com:acme/api.git", Push: dokploy.Push{Branch: "main"}}
	const here = "https://github.com/acme/api"
	for name, tt := range map[string]struct {
		ci   CI
		want string
	}{
		"another commit":     {CI{Repository: here, Commit: ofCI}, moved},
		"of the same branch": {CI{Repository: here, Commit: ofCI, Ref: "main"}, moved},
		"as Jenkins says it": {CI{Repository: "ssh://git@github.com/acme/api", Commit: ofCI, Ref: "origin/main"}, moved},
		"of another branch":  {CI{Repository: here, Commit: ofCI, Ref: "feature"}, "Dokploy built 9999999, not abcdef0: the service builds the branch main, and this run is for feature"},
		"of a pull request":  {CI{Repository: here, Commit: ofCI, Ref: "main", PullRequest: "12"}, "Dokploy built 9999999, not abcdef0: the service builds the branch main, and this run is for pull request 12"},
		"the same":           {CI{Repository: here, Commit: builtCommit}, ""},
		"the same, short":    {CI{Repository: here, Commit: builtCommit[:8]}, ""},
		"the same, capitals": {CI{Repository: here, Commit: strings.ToUpper(builtCommit)}, ""},
		"too short":          {CI{Repository: here, Commit: "abcdef"}, ""},
		"no hash":            {CI{Repository: here, Commit: "refs/heads/main"}, ""},
		"no commit":          {CI{Repository: here}, ""},
		"no repository":      {CI{Commit: ofCI}, ""},
		"another repository": {CI{Repository: "https://github.com/acme/web", Commit: ofCI}, ""},
		"another host":       {CI{Repository: "https://gitlab.com/acme/api", Commit: ofCI}, ""},
	} {
		if got := otherCommit(tt.ci, builtCommit, s); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	if got := otherCommit(CI{Repository: here, Commit: ofCI}, builtCommit, &dokploy.Service{}); got != "" {
		t.Errorf("of no repository: %q", got)
	}
}
