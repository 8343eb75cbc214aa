package deploy

import (
	"os"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/reason"
	"dokploy-deploy/internal/upload"
	"dokploy-deploy/internal/verdict"
)

func TestWentOn(t *testing.T) {
	for log, want := range map[string]bool{
		"second 6\n\nError occurred ❌, check the logs for details.":                    false,
		"second 6\n\nError occurred ❌, check the logs for details.\n \n":               false,
		"second 6\nError occurred ❌, check the logs for details.\nsecond 7\nsecond 8":  true,
		"❌ Docker build failed\nError: ❌ Docker command failed\nError occurred ❌, see": false,
		"all is well\n✅ Docker build completed.":                                       false,
	} {
		if got := continuesAfterError(strings.Split(log, "\n")); got != want {
			t.Errorf("%q: %v", log, got)
		}
	}
}

func TestLocate(t *testing.T) {
	named := reason.Place{File: "prod.Dockerfile", Line: 3}
	app := func(buildType, file string) dokploy.Service {
		return dokploy.Service{Kind: dokploy.Application, SourceType: "git", Build: dokploy.Build{Type: buildType}, BuildFile: file}
	}
	dropped := app("dockerfile", "api/prod.Dockerfile")
	dropped.SourceType = "drop"
	for name, tt := range map[string]struct {
		service dokploy.Service
		why     reason.Reason
		changes Changes
		want    string
	}{
		"a folder":                   {service: app("dockerfile", "docker/prod.Dockerfile"), why: reason.Reason{Place: named}, want: "docker/prod.Dockerfile:3"},
		"another file":               {service: app("dockerfile", "Dockerfile"), why: reason.Reason{Place: named}, want: "prod.Dockerfile:3"},
		"a line only":                {service: app("dockerfile", "docker/Dockerfile"), why: reason.Reason{Step: reason.Dockerfile, Place: reason.Place{Line: 2}}, want: "docker/Dockerfile:2"},
		"settings are not said":      {service: app("", ""), why: reason.Reason{Place: named}, want: "prod.Dockerfile:3"},
		"a static site":              {service: app("static", ""), why: reason.Reason{Place: named}},
		"no place":                   {service: app("dockerfile", "Dockerfile"), why: reason.Reason{Cause: "x"}},
		"an uploaded folder":         {service: dropped, why: reason.Reason{Place: named}, changes: Changes{Source: &upload.Source{}, SourcePath: "./shop/"}, want: "shop/api/prod.Dockerfile:3"},
		"an uploaded zip":            {service: dropped, why: reason.Reason{Place: named}, changes: Changes{Source: &upload.Source{}, SourcePath: "shop.zip"}, want: "prod.Dockerfile:3"},
		"a folder of elsewhere":      {service: dropped, why: reason.Reason{Place: named}, changes: Changes{Source: &upload.Source{}, SourcePath: "/srv/shop"}, want: "prod.Dockerfile:3"},
		"a compose file of Git":      {service: dokploy.Service{Kind: dokploy.Compose, BuildFile: "deploy/compose.yml"}, why: reason.Reason{Step: reason.ComposeFile, Place: reason.Place{Line: 4}}, want: "deploy/compose.yml:4"},
		"an uploaded compose file":   {service: dokploy.Service{Kind: dokploy.Compose}, why: reason.Reason{Step: reason.ComposeFile, Place: reason.Place{Line: 4}}, changes: Changes{ComposeFile: "x", ComposePath: "./compose.yml"}, want: "compose.yml:4"},
		"a compose file of Dokploy":  {service: dokploy.Service{Kind: dokploy.Compose}, why: reason.Reason{Step: reason.ComposeFile, Place: reason.Place{Line: 4}}},
		"a build of a compose file":  {service: dokploy.Service{Kind: dokploy.Compose, BuildFile: "prod.Dockerfile"}, why: reason.Reason{Place: named}, want: "prod.Dockerfile:3"},
		"a Dockerfile, line only":    {service: dokploy.Service{Kind: dokploy.Compose, BuildFile: "compose.yml"}, why: reason.Reason{Step: reason.Dockerfile, Place: reason.Place{Line: 4}}},
		"a compose file of no known": {service: dokploy.Service{Kind: dokploy.Compose}, why: reason.Reason{Step: reason.ComposeFile, Place: reason.Place{Line: 4}}, changes: Changes{ComposeFile: "x", ComposePath: "../compose.yml"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := target{service: &tt.service, o: &Options{Prepare: tt.changes}}
			if got := r.locate(tt.why).Place.String(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestQuote(t *testing.T) {
	tail := []string{"║ a box ║", " web Error manifest for x not found", "Error response from daemon: manifest for x not found", "something else", "❌ Pulling image failed"}
	if got := strings.Join(quote(tail, reason.Reason{Cause: "manifest for x not found"}), "\n"); got != "something else" {
		t.Errorf("%q", got)
	}
	if got := strings.Join(quote(tail, reason.Reason{Output: []string{"its own"}}), "\n"); got != "its own" {
		t.Errorf("%q", got)
	}
}

// TestRecordedFailures plays whole logs to the end of a run.
func TestRecordedFailures(t *testing.T) {
	for name, want := range map[string]struct {
		reason string
		place  reason.Place
		tail   string
	}{
		"nofrom":            {"Dockerfile:1: FROM 127.0.0.1:5000/nosuch:1: not found", reason.Place{File: "Dockerfile", Line: 1}, ""},
		"multirun":          {`Dockerfile:3: RUN set -e; echo "step one"; echo "tests: 3 passed, 1 failed" ; exit 7 → exit code 7`, reason.Place{File: "Dockerfile", Line: 3}, "step one\ntests: 3 passed, 1 failed"},
		"bt-railpack":       {"/bin/sh: 14: railpack: not found", reason.Place{}, "curl: (6) Could not resolve host: railpack.com"},
		"noprov":            {"Github Provider not found", reason.Place{}, ""},
		"cmissing":          {"manifest for 127.0.0.1:5000/app:nosuch not found: manifest unknown: manifest unknown", reason.Place{}, ""},
		"compose-build-two": {`a: Dockerfile:2: RUN echo compiling; echo "bad.ts(3,1): error" >&2; exit 3 → exit code 3`, reason.Place{}, "bad.ts(3,1): error\ncompiling"},
		"long":              {"Dockerfile:2: RUN <<EOF echo line 0 of a long script;", reason.Place{File: "Dockerfile", Line: 2}, "line 80 of a long script"},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile("../reason/testdata/" + name + ".log")
			if err != nil {
				t.Fatal(err)
			}
			inWorld(t, dokploytest.Options{}, func(w *world) {
				lines := strings.Split(string(raw), "\n")
				w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(time.Millisecond, lines[1:len(lines)-3]...)}})
				r := w.want(w.deploy("application api"), verdict.Failed, 1)
				if !strings.HasPrefix(r.Why(), want.reason) || r.Place != want.place {
					w.Errorf("%s: %s\nwant %s: %s", r.Place, r.Why(), want.place, want.reason)
				}
				var tail []string
				for _, line := range r.Tail {
					tail = append(tail, strings.TrimSpace(line))
				}
				if got := strings.Join(tail, "\n"); !strings.HasPrefix(got, want.tail) || want.tail == "" && got != "" {
					w.Errorf("the tail is\n%s\nwant\n%s", got, want.tail)
				}
			})
		})
	}
}

// A log that does not say why is not reported as empty.
func TestALogThatDoesNotSayWhy(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(time.Second, "#1 [internal] load build definition", "#2 [1/2] RUN x")}})
		if r := w.want(w.deploy("application api"), verdict.Failed, 1); r.Reason.Kind != verdict.LogSilent {
			w.Errorf("reason %q", r.Why())
		}
	})
}
