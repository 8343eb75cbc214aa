package program

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dokploy-deploy/internal/dokploytest"
)

// TestSecretsAreWhole: servers and builds print secrets at every place and
// width at which texts are, or were, cut: no part of one is ever shown.
func TestSecretsAreWhole(t *testing.T) {
	t.Parallel()
	const stored = "x7Kq2mZ9vW4tR1pL8nB3cF6hJ5sD0gY7uQ2eT9aM4kN1xV8zR3bH6wP5jC0fL7dS2yG"
	// at puts both secrets into a text across a cut at n bytes.
	at := func(key string, n int) string {
		return strings.Repeat("x", n-30) + " " + key + " " + strings.Repeat("x", n) + " " + stored + " " + strings.Repeat("y", n)
	}
	said := func(text string) string {
		b, _ := json.Marshal(map[string]string{"message": text, "code": "BAD_REQUEST"})
		return string(b)
	}
	refused := func(procedure string, status int, body string, header http.Header) dokploytest.Fault {
		return dokploytest.Fault{Procedure: procedure, Kind: dokploytest.Custom, Status: status, Times: -1, Header: header, Body: body}
	}
	asJSON, asText := http.Header{"Content-Type": {"application/json"}}, http.Header{"Content-Type": {"text/plain"}}
	for name, tt := range map[string]func(srv *dokploytest.Server, a *dokploytest.Application, n int){
		"a refusal": func(srv *dokploytest.Server, _ *dokploytest.Application, n int) {
			srv.Fault(refused("application.deploy", 400, said(at(srv.Key, n)), asJSON))
		},
		"field errors": func(srv *dokploytest.Server, _ *dokploytest.Application, n int) {
			b, _ := json.Marshal(map[string]any{"message": "m", "data": map[string]any{"zodError": map[string]any{"fieldErrors": map[string]any{at(srv.Key, 100): []string{at(srv.Key, n)}}}}})
			srv.Fault(refused("application.deploy", 400, string(b), asJSON))
		},
		"an answer that is no JSON": func(srv *dokploytest.Server, _ *dokploytest.Application, n int) {
			srv.Fault(refused("application.deploy", 400, at(srv.Key, n), asText))
		},
		"a redirect": func(srv *dokploytest.Server, _ *dokploytest.Application, n int) {
			srv.Fault(dokploytest.Fault{Procedure: "application.one", Kind: dokploytest.Redirect, Status: 302, Times: -1, Location: "https://login.example.com/" + strings.ReplaceAll(at(srv.Key, n), " ", "/")})
		},
		"errorMessage": func(srv *dokploytest.Server, a *dokploytest.Application, n int) {
			a.Build = dokploytest.Build{Outcome: "error", ErrorMessage: at(srv.Key, n)}
		},
		"the log": func(srv *dokploytest.Server, a *dokploytest.Application, n int) {
			encoded := base64.StdEncoding.EncodeToString([]byte(":" + srv.Key))
			a.Build = dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(0, at(srv.Key, n), encoded, "ERROR: failed to solve: "+at(srv.Key, n))}
		},
		"an instruction": func(srv *dokploytest.Server, a *dokploytest.Application, n int) {
			x := at(srv.Key, n)
			a.Build = dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(0,
				"#5 0.1 "+x, "#5 ERROR: "+x, "------", " > [2/2] RUN "+x+":", "0.1 "+x, "------",
				"Dockerfile:2", "--------------------", "   2 | >>> RUN "+x+" \\", "   3 | >>>   "+x, "--------------------",
				`ERROR: failed to solve: process "/bin/sh -c `+x+`" did not complete successfully: exit code: 3`)}
		},
		"an instruction of the classic builder": func(srv *dokploytest.Server, a *dokploytest.Application, n int) {
			x := at(srv.Key, n)
			a.Build = dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(0,
				"Step 1/1 : RUN "+x, x, "The command '/bin/sh -c "+x+"' returned a non-zero code: 3", "❌ Docker build failed")}
		},
		"a container's log": func(srv *dokploytest.Server, a *dokploytest.Application, n int) {
			a.Rollout = dokploytest.Rollout{Crash: true, Log: []string{at(srv.Key, n)}}
		},
	} {
		for _, n := range []int{100, 200, 280, 400, 500, 1500, 2000, 4000} {
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				t.Parallel()
				srv, env := listening(t, dokploytest.Options{})
				app := dokploytest.Application{Env: "SESSION=" + stored}
				tt(srv, &app, n)
				id := srv.AddApplication(app).ID
				file := filepath.Join(t.TempDir(), "out")
				c := call{env: with(env, "DOKPLOY_APPLICATION", id, "DOKPLOY_OUTPUT_FILE", file, "DOKPLOY_UNREACHABLE_TIMEOUT", "1", "DOKPLOY_STABLE_FOR", "1",
					"GITHUB_OUTPUT", file+"-github", "GITHUB_STEP_SUMMARY", file+"-summary", "GITHUB_ACTIONS", "true")}
				c.run(t.Context())
				all := strings.ReplaceAll(c.stdout.String()+c.stderr.String(), "::add-mask::"+srv.Key+"\n", "")
				for _, f := range []string{file, file + "-github", file + "-summary"} {
					text, err := os.ReadFile(f)
					if err != nil {
						t.Error(err)
					}
					all += string(text)
				}
				if c.code == 0 || n <= 500 && !strings.Contains(all, "***") && name != "an answer that is no JSON" && name != "a redirect" {
					t.Errorf("exit %d: the text is not shown", c.code)
				}
				encoded := base64.StdEncoding.EncodeToString([]byte(":" + srv.Key))
				for what, secret := range map[string]string{"the key": srv.Key, "a secret of the service": stored, "base64 of the key": encoded[4 : len(encoded)-4]} {
					for i := 0; i+6 <= len(secret); i++ {
						// A secret in an environment is not known before it is
						// read.
						if strings.Contains(all, secret[i:i+6]) && (name != "a redirect" || what == "the key") {
							t.Fatalf("of %s %q is shown in\n%s", what, secret[i:i+6], all)
						}
					}
				}
			})
		}
	}
}

// TestOrdinaryWordsStayWhole: a typical environment of a framework changes
// nothing in the output, except for its secrets.
func TestOrdinaryWordsStayWhole(t *testing.T) {
	t.Parallel()
	const stock = `MODE=build
A=failed
B=Dokploy
F=after
X=status
STATUS_WORD=done
TARGET=target
APP_NAME=Laravel
APP_ENV=production
APP_DEBUG=false
APP_URL=http://localhost:8000
LOG_CHANNEL=stack
LOG_LEVEL=debug
DB_CONNECTION=mysql
DB_HOST=127.0.0.1
DB_PORT=3306
DB_DATABASE=laravel
DB_USERNAME=root
DB_PASSWORD=secret
CACHE_DRIVER=file
QUEUE_CONNECTION=database
SESSION_DRIVER=cookie
SESSION_LIFETIME=120
MAIL_MAILER=smtp
MAIL_FROM_ADDRESS="hello@example.com"
AWS_DEFAULT_REGION=us-east-1
RAILS_LOG_TO_STDOUT=enabled
NODE_OPTIONS=--max-old-space-size=4096
IMAGE=ghcr.io/acme/api:1.4.1
GREETING="Welcome to the deployment of 2024"
`
	run := func(env string) (out string, deployments []map[string]any) {
		srv, vars := listening(t, dokploytest.Options{})
		var lines []string
		for line := range strings.Lines(stock) {
			_, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			lines = append(lines, "Step 1/4: "+strings.Trim(value, `"`)+" of the build failed after status")
		}
		srv.AddApplication(dokploytest.Application{Name: "web", Env: env, Build: dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(0, lines...)}})
		file := filepath.Join(t.TempDir(), "out")
		c := call{env: with(vars, "DOKPLOY_APPLICATION", "web", "GITLAB_CI", "true", "DOKPLOY_OUTPUT_FILE", file, "GITHUB_STEP_SUMMARY", file+"-summary")}
		c.run(t.Context())
		if err := json.Unmarshal([]byte(dotenv(t, file)["DOKPLOY_DEPLOYMENTS"]), &deployments); err != nil {
			t.Error(err)
		}
		summary, err := os.ReadFile(file + "-summary")
		if err != nil {
			t.Error(err)
		}
		// Other lines depend on timing.
		for line := range strings.Lines(c.stdout.String() + string(summary)) {
			if strings.Contains(line, "Step 1/4") || strings.Contains(line, "web failed") || strings.Contains(line, "**web**") {
				out += regexp.MustCompile(`[0-9.]+m?s`).ReplaceAllString(line, "N")
			}
		}
		return out, deployments
	}
	want, before := run("NOTHING=1")
	if strings.Count(want, "\n") < 50 {
		t.Errorf("too little to compare:\n%s", want)
	}
	got, after := run(stock)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-without +with the environment):\n%s", diff)
	}
	for name, v := range before[0] {
		if name != "dashboardUrl" && name != "queuedSeconds" && !cmp.Equal(v, after[0][name]) {
			t.Errorf("deployments: %s is %v, without the environment %v", name, after[0][name], v)
		}
	}
}

// TestOutputsStayIntact: secret values that also occur in keys, statuses, names
// and addresses of the outputs are masked only in free text.
func TestOutputsStayIntact(t *testing.T) {
	t.Parallel()
	srv, env := listening(t, dokploytest.Options{})
	srv.AddApplication(dokploytest.Application{
		Name: "web", Env: "A_KEY=status\nB_KEY=deploymentId\nC_KEY=application\nD_KEY=dashboard\nE_TOKEN=hunter22",
		Domains: []dokploytest.Domain{{Host: "web.example.com", HTTPS: true}},
		Build:   dokploytest.Build{Outcome: "error", ErrorMessage: "the status of application hunter22"},
	})
	file := filepath.Join(t.TempDir(), "out")
	c := call{env: with(env, "DOKPLOY_APPLICATION", "web", "DOKPLOY_OUTPUT_FILE", file, "GITHUB_ACTIONS", "true", "GITHUB_OUTPUT", file+"-github")}
	c.run(t.Context())
	out := dotenv(t, file)
	var deployments []map[string]any
	if err := json.Unmarshal([]byte(out["DOKPLOY_DEPLOYMENTS"]), &deployments); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"kind": "application", "name": "web", "status": "error", "url": "https://web.example.com", "error": "the *** of application ***"} {
		if got := deployments[0][name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if id := deployments[0]["deploymentId"]; id == nil || id != out["DOKPLOY_DEPLOYMENT_ID"] || out["DOKPLOY_STATUS"] != "error" || !strings.Contains(out["DOKPLOY_DASHBOARD_URL"], "/dashboard/") {
		t.Errorf("%v", out)
	}
}
