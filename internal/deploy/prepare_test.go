package deploy

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/upload"
	"dokploy-deploy/internal/verdict"
)

const (
	oldImage = "ghcr.io/acme/api:1.4.1"
	newImage = "ghcr.io/acme/api:1.4.2"
)

func changing(c Changes) func(*Options) { return func(o *Options) { o.Prepare = c } }

// sent returns the bodies of the requests of a procedure.
func (w *world) sent(procedure string) []string {
	var bodies []string
	for _, r := range w.srv.Requests() {
		if r.Procedure == procedure {
			bodies = append(bodies, r.Body)
		}
	}
	return bodies
}

// changes counts the requests that may change something other than by
// deploying.
func (w *world) changes() int {
	n := 0
	for _, r := range w.srv.Requests() {
		if r.Method == http.MethodPost && !strings.HasSuffix(r.Procedure, "deploy") {
			n++
		}
	}
	return n
}

func TestImageIsSet(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{Env: "TOKEN=SECRET-token-value"})
		password := app.Password()
		w.set = changing(Changes{Image: newImage})
		w.want(w.deploy("application api"), verdict.Done, 0)
		time.Sleep(20 * time.Second) // done comes before anything runs
		if app.Image() != newImage || app.Running().Image != newImage {
			w.Errorf("image %s, running %s", app.Image(), app.Running().Image)
		}
		if got := w.sent("application.update"); len(got) != 1 || got[0] != `{"applicationId":"`+app.ID+`","dockerImage":"`+newImage+`"}` {
			w.Errorf("sent %q", got)
		}
		if n := w.srv.Calls("application.saveDockerProvider"); n > 0 || app.Password() != password {
			w.Error("the stored credential was touched")
		}
		if !w.rec.said("image: " + oldImage + " → " + newImage) {
			w.Error(w.story())
		}
		w.triggers(app, 1)

		// What is already set is not sent again.
		w.want(w.deploy("application api"), verdict.Done, 0)
		if n := w.srv.Calls("application.update"); n != 1 || !w.rec.said("image: "+newImage+" (unchanged)") {
			w.Errorf("%d updates\n%s", n, w.story())
		}
	})
}

func TestImageOfABuiltApplication(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Name: "web"})
		w.srv.AddApplication(dokploytest.Application{SourceType: "github"})
		w.set = changing(Changes{Image: newImage})
		report := w.deploy("application web", "application api")
		r := &report.Results[1]
		if report.ExitCode() != verdict.ExitInvalid || r.ConcernedInput() != "image" || !strings.Contains(r.Why(), "github") {
			w.Errorf("%q of %q: %s", r.Status, r.ConcernedInput(), r.Why())
		}
		if n := w.changes(); n > 0 || w.srv.Calls("application.deploy") > 0 {
			w.Errorf("%d changes were sent\n%s", n, w.story())
		}
	})
}

func TestEnvIsMerged(t *testing.T) {
	const old = "# keep\r\nA_KEY=1\r\n\r\nB_PASS=\"two words\"\r\nA_KEY=3"
	const want = "# keep\r\nA_KEY=1\r\n\r\nB_PASS=\"two words\"\r\nA_KEY=SECRET-new-value\r\nC='x'"
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
				app := w.srv.AddApplication(dokploytest.Application{Env: old, BuildArgs: "ARG=SECRET-arg", BuildSecrets: "S=SECRET-build"})
				app.SetCreateEnvFile(false)
				if tt.key.Member {
					tt.key.Access = []string{app.ID}
					w.key = w.srv.AddKey(tt.key)
				}
				w.set = changing(Changes{Env: "A_KEY=SECRET-new-value\nC='x'"})
				w.want(w.deploy("application "+app.ID), verdict.Done, 0)
				time.Sleep(20 * time.Second) // done comes before anything runs
				if app.Env() != want || app.Running().Env != want {
					w.Errorf("env %q", app.Env())
				}
				if app.BuildArgs() != "ARG=SECRET-arg" || app.BuildSecrets() != "S=SECRET-build" || app.CreateEnvFile() {
					w.Errorf("what stands beside it: %q %q %v", app.BuildArgs(), app.BuildSecrets(), app.CreateEnvFile())
				}
				if len(w.sent(tt.with)) != 1 || w.changes() != 1 {
					w.Errorf("not sent by %s alone\n%s", tt.with, w.story())
				}
				if !w.rec.said("env: adds C; changes A_KEY; 1 other unchanged") {
					w.Error(w.story())
				}
				for _, want := range []string{"SECRET-new-value", "two words", "SECRET-build", "SECRET-password-api"} {
					if !slices.Contains(w.rec.hidden, want) {
						w.Errorf("%s is not hidden: %q", want, w.rec.hidden)
					}
				}
				if slices.Contains(w.rec.hidden, "SECRET-arg") { // its name does not look secret
					w.Errorf("hidden: %q", w.rec.hidden)
				}
			})
		})
	}
}

func TestEnvIsReplaced(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		stack := w.srv.AddCompose(dokploytest.Compose{Env: "A=1\nB=2"})
		w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{stack.ID}})
		w.set = changing(Changes{Env: "B=3", ReplaceEnv: true})
		w.want(w.deploy("compose "+stack.ID), verdict.Done, 0)
		if stack.Env() != "B=3" || !w.rec.said("env: changes B; removes A") {
			w.Errorf("env %q\n%s", stack.Env(), w.story())
		}
		if got := w.sent("compose.saveEnvironment"); len(got) != 1 {
			w.Error(w.story())
		}
	})
}

func TestEnvThatCannotBeMerged(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{Env: "A=`SECRET-open\nB='SECRET-two\nA=\"SECRET-three"})
		w.set = changing(Changes{Env: "A=1\nB=2\nC=\"x\ny\"\nD='z\n'"})
		report := w.deploy("application api")
		r := &report.Results[0]
		switch r.Status {
		case verdict.Done: // it found a way: then the server reads what it should
			w.triggers(app, 1)
		case verdict.Invalid:
			if r.ConcernedInput() != "env" || w.changes() > 0 || strings.Contains(r.Why(), "SECRET") {
				w.Errorf("%q: %s", r.ConcernedInput(), r.Why())
			}
		default:
			w.Errorf("%q: %s", r.Status, r.Why())
		}
	})
}

func TestMemberMayNotSetTheImage(t *testing.T) {
	// Older servers do not say what a key may do: only trying shows it.
	for _, version := range []string{"v0.30.2", "v0.28.8"} {
		t.Run(version, func(t *testing.T) {
			inWorld(t, dokploytest.Options{Version: version}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{})
				w.key = w.srv.AddKey(dokploytest.Key{Member: true, Access: []string{app.ID}})
				w.set = changing(Changes{Image: newImage, Env: "A=SECRET-a"})
				r := w.want(w.deploy("application "+app.ID), verdict.Refused, 3)
				if r.ConcernedInput() != "image" || r.Reason.Kind != verdict.MissingRight {
					w.Errorf("%q: %s", r.ConcernedInput(), r.Why())
				}
				if app.Image() != oldImage || app.Env() == "A=SECRET-a" {
					w.Error("half of it was set")
				}
				w.triggers(app, 0)
			})
		})
	}
}

func TestComposeFileIsSet(t *testing.T) {
	const file = "services:\n  web:\n    image: ghcr.io/acme/web:2\n"
	for _, source := range []string{"raw", "github"} {
		t.Run(source, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				stack := w.srv.AddCompose(dokploytest.Compose{SourceType: source})
				w.set = changing(Changes{ComposeFile: file, ComposePath: "deploy/compose.yml"})
				w.want(w.deploy("compose stack"), verdict.Done, 0)
				if stack.ComposeFile() != file || stack.SourceType() != "raw" {
					w.Errorf("%s %q", stack.SourceType(), stack.ComposeFile())
				}
				if told := w.rec.said("to raw"); told != (source != "raw") {
					w.Error(w.story())
				}
				w.want(w.deploy("compose stack"), verdict.Done, 0)
				if n := w.srv.Calls("compose.update"); n != 1 || !w.rec.said("compose-file: deploy/compose.yml (unchanged)") {
					w.Errorf("%d updates\n%s", n, w.story())
				}
			})
		})
	}
}

// Another pipeline writes between our write and the trigger.
func TestAnotherWriter(t *testing.T) {
	for what, write := range map[string]func(*dokploytest.Service){
		"the image":       func(v *dokploytest.Service) { v.SetImage("ghcr.io/acme/api:9") },
		"the environment": func(v *dokploytest.Service) { v.SetEnv("A_TOKEN=SECRET-theirs") },
	} {
		t.Run(what, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{Env: "A=SECRET-old"})
				w.srv.OnCall("application.update", func() { write(app) })
				w.set = func(o *Options) {
					o.Prepare, o.Rollback = Changes{Image: newImage, Env: "A=SECRET-ours"}, true
				}
				r := w.want(w.deploy("application api"), verdict.Failed, 1)
				if r.Reason != (verdict.Reason{Kind: verdict.SetByAnother, Name: what + " was"}) || strings.Contains(r.Why(), "SECRET") {
					w.Error(r.Why())
				}
				if what == "the environment" && !slices.Contains(w.rec.hidden, "SECRET-theirs") {
					w.Errorf("hidden: %q", w.rec.hidden)
				}
				w.triggers(app, 0)
				// What the other one has set is not ours to undo.
				if n := w.srv.Calls("application.update"); n != 1 || !strings.Contains(r.WentBack, "left as it is") {
					w.Errorf("%d updates: %s", n, r.WentBack)
				}
			})
		})
	}
}

// Of two settings, the second fails: the message says what was set, and nothing
// is deployed.
func TestHalfPrepared(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	src, err := upload.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, back := range []bool{false, true} {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{SourceType: "drop", Env: "A=SECRET-old"})
			w.srv.Fault(dokploytest.Fault{
				Procedure: "application.dropDeployment", Kind: dokploytest.Custom, Status: 413, Body: "too large", Times: -1,
				Header: http.Header{"Content-Type": {"text/plain"}},
			})
			w.set = func(o *Options) {
				o.Prepare, o.Rollback = Changes{Env: "A=SECRET-new", Source: src, SourcePath: dir}, back
			}
			report := w.deploy("application api")
			r := &report.Results[0]
			if report.ExitCode() == 0 || r.Set != "the environment was" || back && !strings.Contains(r.WentBack, "restored") {
				w.Errorf("%s: %s\n%s", r.Status, r.Why(), w.story())
			}
			want := "A=SECRET-new"
			if back {
				want = "A=SECRET-old"
			}
			if app.Env() != want {
				w.Errorf("env %q", app.Env())
			}
			if rows := w.srv.Deployments(app); len(rows) > 0 {
				w.Errorf("%d deployments", len(rows))
			}
		})
	}
}

func TestSourceIsUploaded(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"Dockerfile": "FROM scratch\n", "a.txt": strings.Repeat("x", 5000), ".dockerignore": "*.log\n", "x.log": "no"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	src, err := upload.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	set := changing(Changes{Source: src, SourcePath: dir})
	for _, others := range []bool{false, true} {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			app := w.srv.AddApplication(dokploytest.Application{SourceType: "drop", Build: slowBuild})
			if others {
				// One of the same service waits before it, one comes after it.
				w.srv.Enqueue(app, "Manual deployment", "")
				time.Sleep(time.Second)
				w.srv.OnCall("application.dropDeployment", func() { w.srv.Enqueue(app, "feat: other", "by curl") })
			}
			w.set = set
			r := w.want(w.deploy("application api"), verdict.Done, 0)
			row := w.srv.Deployments(app)
			i := slices.IndexFunc(row, func(row dokploytest.Row) bool { return row.ID == r.DeploymentID })
			if i < 0 || row[i].Title != "Manual deployment" || others && row[i].StartedAt.Before(time.Now().Add(-45*time.Second)) {
				w.Errorf("deployment %q of %+v", r.DeploymentID, row)
			}
			if w.srv.Calls("application.deploy") > 0 || len(app.Uploads()) != 1 {
				w.Error(w.story())
			}
			var build int
			for _, line := range w.rec.log {
				if strings.Contains(line, "slow build line") {
					build++
				}
			}
			if build != 40 {
				w.Errorf("%d lines of the log", build)
			}
		})
	}
}

func TestUploadWhoseAnswerIsLost(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	src, err := upload.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		fault   dokploytest.Fault
		status  verdict.Status
		uploads int
	}{
		"carried out":     {dokploytest.Fault{Kind: dokploytest.Lost, CarriedOut: true}, verdict.Done, 1},
		"not carried out": {dokploytest.Fault{Kind: dokploytest.Lost}, verdict.Unreachable, 0},
		"a gateway":       {dokploytest.Fault{Kind: dokploytest.Gateway, Status: 502}, verdict.Unreachable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{SourceType: "drop", Build: slowBuild})
				tt.fault.Procedure = "application.dropDeployment"
				w.srv.Fault(tt.fault)
				w.set = changing(Changes{Source: src, SourcePath: dir})
				report := w.deploy("application api")
				r := &report.Results[0]
				if r.Status != tt.status || len(app.Uploads()) != tt.uploads {
					w.Errorf("%s after %d uploads: %s\n%s", r.Status, len(app.Uploads()), r.Why(), w.story())
				}
			})
		})
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{Env: "A=SECRET-old\nB=SECRET-b", Domains: []dokploytest.Domain{{Host: "api.example.com", HTTPS: true}}})
		stack := w.srv.AddCompose(dokploytest.Compose{})
		w.set = func(o *Options) {
			o.DryRun, o.Verify, o.StableFor, o.Rollback = true, VerifyAuto, 10*time.Second, true
			o.Prepare = Changes{Image: newImage, Env: "A=SECRET-new", ComposeFile: "services: {web: {image: a}}", ComposePath: "c.yml"}
		}
		report := w.deploy("application api", "compose stack")
		if report.ExitCode() != 0 || report.Status() != verdict.Done || report.DeploymentIDs() != "" {
			w.Errorf("%s %d", report.Status(), report.ExitCode())
		}
		for _, r := range w.srv.Requests() {
			if r.Method != http.MethodGet {
				w.Errorf("%s %s", r.Method, r.Procedure)
			}
		}
		for _, want := range []string{
			"image: " + oldImage + " → " + newImage, "env: changes A; 1 other unchanged", "compose-file: c.yml (1 line, was",
			"would trigger application.deploy", "would trigger compose.deploy", "this key may deploy, set the environment, build arguments and secrets, set the image or compose file, look at Docker",
		} {
			if !w.rec.said(want) {
				w.Errorf("not said: %q", want)
			}
		}
		if strings.Contains(w.story(), "SECRET") || app.Image() != oldImage || stack.SourceType() != "raw" {
			w.Error(w.story())
		}
	})
}
