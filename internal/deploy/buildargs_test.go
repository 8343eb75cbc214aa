package deploy

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

var fromDockerfile = map[string]string{"buildType": "dockerfile"}

func buildsDockerfile(a dokploytest.Application) dokploytest.Application {
	a.SourceType, a.HowBuilt = "git", fromDockerfile
	return a
}

func TestBuildArgumentsAndSecrets(t *testing.T) {
	for name, tt := range map[string]struct {
		key  dokploytest.Key
		with string
	}{
		"owner":          {with: "application.update"},
		"member":         {key: dokploytest.Key{Member: true}, with: "application.saveEnvironment"},
		"member who may": {key: dokploytest.Key{Member: true, CreateServices: true}, with: "application.update"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(buildsDockerfile(dokploytest.Application{Env: "E=1", BuildArgs: "# keep\nVERSION=1\nMODE=x", BuildSecrets: "NPM_TOKEN=SECRET-old"}))
				stack := w.srv.AddCompose(dokploytest.Compose{Env: "F=1"})
				app.SetCreateEnvFile(false)
				if tt.key.Member {
					tt.key.Access = []string{app.ID, stack.ID}
					w.key = w.srv.AddKey(tt.key)
				}
				w.set = changing(Changes{BuildArgs: "VERSION=2\nDB_PASSWORD=SECRET-arg", BuildSecrets: "NPM_TOKEN=SECRET-new\nOTHER=SECRET-other"})
				report := w.deploy("application "+app.ID, "compose "+stack.ID)
				if report.ExitCode() != 0 {
					w.Fatal(w.story())
				}
				time.Sleep(20 * time.Second) // done comes before anything runs
				const args, secrets = "# keep\nVERSION=2\nMODE=x\nDB_PASSWORD=SECRET-arg", "NPM_TOKEN=SECRET-new\nOTHER=SECRET-other"
				if ran := app.Running(); app.BuildArgs() != args || app.BuildSecrets() != secrets || ran.BuildArgs != args || ran.BuildSecrets != secrets {
					w.Errorf("%q, %q; built with %+v", app.BuildArgs(), app.BuildSecrets(), ran)
				}
				if app.Env() != "E=1" || app.CreateEnvFile() || stack.Env() != "F=1" {
					w.Errorf("what was not asked for: %q %v %q", app.Env(), app.CreateEnvFile(), stack.Env())
				}
				if len(w.sent(tt.with)) != 1 || w.changes() != 1 {
					w.Errorf("not sent by %s alone\n%s", tt.with, w.story())
				}
				for _, want := range []string{"build-args: adds DB_PASSWORD; changes VERSION; 1 other unchanged", "build-secrets: adds OTHER; changes NPM_TOKEN"} {
					if !w.rec.said(want) {
						w.Errorf("not said: %q\n%s", want, w.story())
					}
				}
				// Secrets are secret by declaration, arguments by evidence.
				for _, want := range []string{"SECRET-arg", "SECRET-new", "SECRET-other", "SECRET-old"} {
					if !slices.Contains(w.rec.hidden, want) {
						w.Errorf("%s is not hidden: %q", want, w.rec.hidden)
					}
				}

				// What is already set is not sent again.
				report = w.deploy("application "+app.ID, "compose "+stack.ID)
				if report.ExitCode() != 0 || w.changes() != 1 || !w.rec.said("build-args: 3 variables (unchanged)") {
					w.Error(w.story())
				}
			})
		})
	}
}

// Arguments that no build would get are refused before anything is sent.
func TestBuildArgumentsThatNoBuildGets(t *testing.T) {
	for name, tt := range map[string]struct {
		app     dokploytest.Application
		change  Changes
		version string
		want    string
	}{
		"another build type": {dokploytest.Application{SourceType: "git", HowBuilt: map[string]string{"buildType": "nixpacks"}}, Changes{BuildArgs: "A=1"}, "", "web is built by nixpacks, and Dokploy passes build arguments to Dockerfile builds only"},
		"a Docker source":    {dokploytest.Application{HowBuilt: fromDockerfile}, Changes{BuildSecrets: "A=1"}, "", "web runs an image, so nothing is built with build secrets"},
		"too old":            {buildsDockerfile(dokploytest.Application{}), Changes{BuildSecrets: "A=1"}, "v0.25.5", "this version of Dokploy has no build secrets"},
		"cannot be merged":   {buildsDockerfile(dokploytest.Application{BuildArgs: "A='SECRET"}), Changes{BuildArgs: "A=\"1\nB\"\nC='\n'\nD=`\n`"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{Version: firstOf(tt.version, "v0.30.2")}, func(w *world) {
				tt.app.Name = "web"
				w.srv.AddApplication(buildsDockerfile(dokploytest.Application{}))
				w.srv.AddApplication(tt.app)
				w.set = changing(tt.change)
				report := w.deploy("application api", "application web")
				r := &report.Results[1]
				if tt.want == "" && r.Status == verdict.Done {
					return // it found a way
				}
				if report.ExitCode() != verdict.ExitInvalid || !strings.HasPrefix(r.ConcernedInput(), "build-") || !strings.Contains(r.Why(), tt.want) || strings.Contains(r.Why(), "SECRET") || r.Advice() == "" {
					w.Errorf("%q of %q: %s (%s)", r.Status, r.ConcernedInput(), r.Why(), r.Advice())
				}
				if n := w.changes(); n > 0 || w.srv.Calls("application.deploy") > 0 {
					w.Errorf("%d changes were sent\n%s", n, w.story())
				}
			})
		})
	}
}

// Another pipeline writes between our write and the trigger.
func TestAnotherWriterOfBuildArguments(t *testing.T) {
	for what, tt := range map[string]struct {
		member bool
		write  func(*dokploytest.Service)
	}{
		"the build arguments were set":               {false, func(v *dokploytest.Service) { v.SetBuildArgs("A=SECRET-theirs") }},
		"the build secrets were set":                 {true, func(v *dokploytest.Service) { v.SetBuildSecrets("A_TOKEN=SECRET-theirs") }},
		"what Dokploy saves along with it (environm": {true, func(v *dokploytest.Service) { v.SetEnv("A=1") }},
	} {
		t.Run(what, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(buildsDockerfile(dokploytest.Application{BuildArgs: "A=SECRET-old", Env: "E=1"}))
				with := "application.update"
				if tt.member {
					with = "application.saveEnvironment"
					w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}})
				}
				w.srv.OnCall(with, func() { tt.write(app) })
				w.set = func(o *Options) {
					o.Prepare, o.Rollback = Changes{BuildArgs: "A=SECRET-ours", BuildSecrets: "B=SECRET-ours"}, true
				}
				r := w.want(w.deploy("application "+app.ID), verdict.Failed, 1)
				if !strings.HasPrefix(r.Why(), what) || strings.Contains(r.Why(), "SECRET") || strings.Contains(r.Why(), "set before") {
					w.Error(r.Why())
				}
				w.triggers(app, 0)
				if n := w.srv.Calls(with); n != 1 || !strings.Contains(r.WentBack, "left as") {
					w.Errorf("%d writes: %s", n, r.WentBack)
				}
			})
		})
	}
}

// They are rolled back like the environment, with a member's key too.
func TestRollbackOfBuildArguments(t *testing.T) {
	for _, member := range []bool{false, true} {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(buildsDockerfile(dokploytest.Application{Env: "E=1", BuildArgs: "V=1", BuildSecrets: "S=SECRET-1", RolloutFunc: func(v dokploytest.Version) dokploytest.Rollout {
				if strings.Contains(v.BuildArgs, "V=bad") {
					return dokploytest.Rollout{Crash: true, CrashAfter: 8 * time.Second}
				}
				return dokploytest.Rollout{}
			}}))
			if member {
				w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}})
			}
			w.set = goingBack(Changes{BuildArgs: "V=bad", BuildSecrets: "S=SECRET-2"})
			r := w.want(w.deploy("application "+app.ID), verdict.Unhealthy, 1)
			time.Sleep(time.Minute)
			w.triggers(app, 2)
			if app.BuildArgs() != "V=1" || app.BuildSecrets() != "S=SECRET-1" || app.Env() != "E=1" || app.Running().BuildArgs != "V=1" {
				w.Errorf("%q %q %q, running %+v", app.BuildArgs(), app.BuildSecrets(), app.Env(), app.Running())
			}
			if !strings.Contains(r.WentBack, "the build arguments and the build secrets were restored; it was deployed again and") {
				w.Error(r.WentBack)
			}
		})
	}
}

func TestDryRunOfBuildArguments(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(buildsDockerfile(dokploytest.Application{BuildArgs: "A=SECRET-old"}))
		w.srv.AddCompose(dokploytest.Compose{}) // for which nothing is requested
		w.set = func(o *Options) {
			o.DryRun, o.Prepare = true, Changes{BuildArgs: "A=SECRET-new", BuildSecrets: "B=SECRET-b"}
		}
		if report := w.deploy("application api", "compose stack"); statuses(report) != "done done" || w.rec.said("nothing to set") {
			w.Error(w.story())
		}
		for _, r := range w.srv.Requests() {
			if r.Method != http.MethodGet {
				w.Errorf("%s %s", r.Method, r.Procedure)
			}
		}
		if !w.rec.said("build-args: changes A") || !w.rec.said("build-secrets: adds B") || strings.Contains(w.story(), "SECRET") {
			w.Error(w.story())
		}
	})
}

func TestShellWarnings(t *testing.T) {
	current, old := dokploy.Version{Minor: 30, Patch: 2}, dokploy.Version{Minor: 25, Patch: 8}
	for _, tt := range []struct {
		lines   string
		version dokploy.Version
		secrets bool
		want    string
	}{
		{`A="it's!"`, current, false, "! in A"},
		{`A="it's!"`, current, true, "! in A"},
		{`A="it's!"`, dokploy.Version{}, true, "! in A"},
		{`A="it's!"`, old, true, ""},
		{`A=its!`, current, true, ""},
		{`A="it's"`, current, true, ""},
		{`A=~`, current, true, "~ at the start of A"},
		{`A=~/x`, current, true, "~ at the start of A"},
		{`A=~/x`, current, false, ""}, // not a shell assignment
		{`A="~ x"`, current, true, ""},
		{`A=x~`, current, true, ""},
	} {
		got := strings.Join(shellWarnings(tt.lines, tt.version, tt.secrets), "\n")
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s (%s, %v): %q", tt.lines, tt.version, tt.secrets, got)
		}
	}
}

// A custom role may lack what plain members have.
func TestRoleWithoutEnvVars(t *testing.T) {
	for input, change := range map[string]Changes{"env": {Env: "A=1"}, "build-args": {BuildArgs: "A=1"}, "build-secrets": {BuildSecrets: "A=1"}} {
		for _, dry := range []bool{false, true} {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(buildsDockerfile(dokploytest.Application{}))
				w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}, NoEnvVars: true})
				w.set = func(o *Options) { o.Prepare, o.DryRun = change, dry }
				r := w.want(w.deploy("application "+app.ID), verdict.Refused, 3)
				if r.ConcernedInput() != input || !strings.Contains(r.Why(), "Service Env Vars") || w.changes() > 0 {
					w.Errorf("%q: %s\n%s", r.ConcernedInput(), r.Why(), w.story())
				}
				w.triggers(app, 0)
			})
		}
	}
}
