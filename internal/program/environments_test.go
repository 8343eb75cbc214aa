package program

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
)

// The environments in these tests have values with these names; credentials
// that Dokploy shows begin with the same text.
const secretEnv = "# by hand\nTOKEN=SECRET-token-value\nDATABASE_URL=postgres://api:SECRET-password@db/api\nMULTI_KEY=\"SECRET-first line\nSECRET-second line\"\nLOG_LEVEL=info\n"

// spills is the output of a container that shows its environment to everybody.
var spills = []string{
	"connecting to postgres://api:SECRET-password@db/api", "token SECRET-token-value", "SECRET-first line", "and SECRET-second line",
	"given SECRET-given-value", "level info", "boom",
}

// TestEnvironmentsAreNotShown deploys on every path that prepares, verifies and
// rolls back, with all output switched on, and searches for the values of the
// environment and for the credentials that the API shows.
func TestEnvironmentsAreNotShown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := filepath.Join(dir, "app")
	if err := os.MkdirAll(source, 0o755); err != nil {
		t.Fatal(err)
	}
	compose := filepath.Join(dir, "compose.yml")
	for path, text := range map[string]string{
		filepath.Join(source, "Dockerfile"): "FROM scratch\n",
		compose:                             "services:\n  web:\n    image: acme/web:crash\n    environment:\n      TOKEN: SECRET-in-the-file\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sick := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "SECRET-of-a-page")
	}))
	t.Cleanup(sick.Close) // not before the parallel tests have used it
	rollout := func(v dokploytest.Version) dokploytest.Rollout {
		switch {
		case strings.HasSuffix(v.Image, ":crash"):
			return dokploytest.Rollout{Crash: true, Log: spills}
		case strings.HasSuffix(v.Image, ":crash8"):
			return dokploytest.Rollout{Crash: true, CrashAfter: 8 * time.Second, Log: spills}
		}
		return dokploytest.Rollout{Log: spills}
	}
	echo := func(outcome string) dokploytest.Build {
		return dokploytest.Build{Outcome: outcome, ErrorMessage: strings.Join(spills, " "), Steps: dokploytest.Lines(0, spills...)}
	}
	raw := "Failed query: update application set env = $1 params: " + strings.ReplaceAll(secretEnv, "\n", "\\n") + "GIVEN_TOKEN=SECRET-given-value"
	for name, tt := range map[string]struct {
		env   []string
		app   dokploytest.Application
		key   *dokploytest.Key
		fault *dokploytest.Fault
		code  int
	}{
		"image and env":      {env: []string{"IMAGE", "acme/api:2"}},
		"replaced":           {env: []string{"ENV_MODE", "replace"}},
		"a member":           {key: &dokploytest.Key{Member: true}},
		"dry-run":            {env: []string{"DRY_RUN", "true", "IMAGE", "acme/api:2"}},
		"a build that fails": {app: dokploytest.Application{Build: echo("error")}, env: []string{"ROLLBACK", "true", "LOGS", "failure"}, code: 1},
		"a crash":            {env: []string{"IMAGE", "acme/api:crash", "ROLLBACK", "true"}, code: 1},
		"a late crash":       {env: []string{"IMAGE", "acme/api:crash8", "ROLLBACK", "true"}, code: 1},
		"a health URL":       {env: []string{"IMAGE", "acme/api:2", "HEALTH_URL", sick.URL + "/?token=SECRET-in-the-query", "HEALTH_TIMEOUT", "2"}, code: 1},
		"a server that spills": {
			fault: &dokploytest.Fault{Procedure: "application.update", Kind: dokploytest.ServerError, Body: raw, Times: -1}, env: []string{"UNREACHABLE_TIMEOUT", "1"}, code: 3,
		},
		"a server that refuses": {
			fault: &dokploytest.Fault{
				Procedure: "application.update", Kind: dokploytest.Custom, Status: 400, Times: -1, Header: http.Header{"Content-Type": {"application/json"}},
				Body: `{"message":` + fmt.Sprintf("%q", raw) + `,"code":"BAD_REQUEST"}`,
			}, code: 3,
		},
		"an upload": {
			app: dokploytest.Application{SourceType: "drop", Build: echo("done"), RolloutFunc: func(dokploytest.Version) dokploytest.Rollout {
				return dokploytest.Rollout{Crash: true, Log: spills}
			}},
			env: []string{"SOURCE", source, "ROLLBACK", "true"}, code: 1,
		},
		"a compose file": {env: []string{"COMPOSE", "stack", "COMPOSE_FILE", compose, "APPLICATION", "", "ROLLBACK", "true"}, code: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, env := listening(t, dokploytest.Options{})
			tt.app.Env, tt.app.RollbackActive = secretEnv, true
			if tt.app.RolloutFunc == nil {
				tt.app.RolloutFunc = rollout
			}
			app := srv.AddApplication(tt.app)
			srv.AddCompose(dokploytest.Compose{Env: secretEnv, RolloutFunc: func(_ string, v dokploytest.Version) dokploytest.Rollout {
				return dokploytest.Rollout{Crash: strings.Contains(v.ComposeFile, "crash"), Log: spills}
			}})
			if tt.key != nil {
				tt.key.Access = []string{app.ID}
				env["DOKPLOY_API_KEY"] = srv.AddKey(*tt.key)
			}
			if tt.fault != nil {
				srv.Fault(*tt.fault)
			}
			github := filepath.Join(t.TempDir(), "github")
			env = with(env, "DOKPLOY_APPLICATION", app.ID, "DOKPLOY_DEBUG", "true", "DOKPLOY_ENV", "GIVEN_TOKEN=SECRET-given-value",
				"DOKPLOY_STABLE_FOR", "10", "GITHUB_OUTPUT", github, "GITHUB_STEP_SUMMARY", github+"-summary", "GITHUB_ACTIONS", "true")
			for i := 0; i < len(tt.env); i += 2 {
				env["DOKPLOY_"+tt.env[i]] = tt.env[i+1]
			}
			c := call{env: env}
			c.run(t.Context())
			all := c.stdout.String() + c.stderr.String()
			for _, file := range []string{github, github + "-summary"} {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Error(err)
				}
				all += string(text)
			}
			if c.code != tt.code {
				t.Errorf("exit %d, want %d", c.code, tt.code)
			}
			// A host is told the secrets in the inputs themselves.
			all = strings.ReplaceAll(all, "::add-mask::SECRET-in-the-query\n", "")
			if strings.Contains(all, "SECRET") {
				t.Error("a secret is shown")
			}
			if !strings.Contains(all, "debug: ") {
				t.Error("debug shows nothing")
			}
			if t.Failed() {
				t.Log(all)
			}
		})
	}
}
