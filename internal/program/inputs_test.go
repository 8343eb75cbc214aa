package program

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"dokploy-deploy/internal/ci"
	"dokploy-deploy/internal/config"
	"dokploy-deploy/internal/dokploytest"
)

// TestWhatPeoplePutIn: an input with only one possible meaning deploys, with a
// message about what was guessed; tested with the whole program.
func TestWhatPeoplePutIn(t *testing.T) {
	t.Parallel()
	srv, env := standIn(t, dokploytest.Options{Version: "v0.30.2"})
	app := srv.AddApplication(dokploytest.Application{Name: "api"})
	page := env["DOKPLOY_URL"] + "/dashboard/project/p1/environment/e1/services/application/" + app.ID + "?tab=deployments"
	c := call{env: with(env, "DOKPLOY_URL", page, "DOKPLOY_API_KEY", `"`+srv.Key+`"`, "DOKPLOY_APPLICATION", "- '"+page+"'", "DOKPLOY_WAIT", "'false'", "PLUGIN_TAGS", "x")}
	c.run(t.Context())
	if c.code != 0 {
		t.Errorf("exit %d:\n%s", c.code, &c.stdout)
	}
	for _, want := range []string{
		"url: is the address of a page; the instance is assumed to be at " + env["DOKPLOY_URL"], "api-key: the quotes around the value",
		"application: the dash before an entry", "application: the link of a page was given; using the id in it", "wait: the quotes", "PLUGIN_TAGS: is not read",
	} {
		if !strings.Contains(c.stdout.String(), want) {
			t.Errorf("%q is missing:\n%s", want, &c.stdout)
		}
	}
}

// TestHealthPath: both forms check the first domain of the service.
func TestHealthPath(t *testing.T) {
	t.Parallel()
	srv, env := standIn(t, dokploytest.Options{Version: "v0.30.2"})
	srv.AddApplication(dokploytest.Application{Name: "api", Domains: []dokploytest.Domain{{Host: "api.shop.example", HTTPS: true}}})
	for _, path := range []string{"auto/healthz?full=1", "/healthz?full=1"} {
		c := call{env: with(env, "DOKPLOY_APPLICATION", "api", "DOKPLOY_HEALTH_URL", path, "DOKPLOY_DRY_RUN", "true")}
		c.run(t.Context())
		if c.code != 0 || !strings.Contains(c.stdout.String(), "health: would request https://api.shop.example/healthz\n") {
			t.Errorf("%s: exit %d:\n%s", path, c.code, &c.stdout)
		}
	}
}

// TestWhatCannotBeRight: wrong input is reported at once, with what was
// guessed, and nothing is sent.
func TestWhatCannotBeRight(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	defer srv.Close()
	const secret = "SECRETabcdefghijklmnopqrstuvwxyz0123456789"
	dir := t.TempDir()
	event := filepath.Join(dir, "event.json")
	if err := os.WriteFile(event, []byte(`{"pull_request":{"head":{"repo":{"full_name":"bob/shop"}},"base":{"repo":{"full_name":"acme/shop"}}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		env  []string
		want []string
	}{
		"swapped": {[]string{"DOKPLOY_URL", secret, "DOKPLOY_API_KEY", srv.URL}, []string{"url: is not an address, but api-key is: the two are swapped", "api-key: is an address, but url is not: the two are swapped"}},
		"webhooks": {[]string{"DOKPLOY_URL", srv.URL + "/api/deploy/" + secret, "DOKPLOY_APPLICATION", srv.URL + "/api/deploy/" + secret},
			[]string{"url: is a webhook link", "application: is a webhook link"}},
		"a name that is nearly right": {[]string{"PLUGIN_DRY_RUNN", secret, "PLUGIN_ENV", "A=" + secret + ",B=1", "INPUT_APPLICATIOM", "x"},
			[]string{"! application: the variable INPUT_APPLICATIOM is not read", "error: dry-run: the variable PLUGIN_DRY_RUNN is not read", "error: env: is a single line that looks like a list"}},
		"a fork": {[]string{"DOKPLOY_API_KEY", "", "GITHUB_ACTIONS", "true", "GITHUB_EVENT_NAME", "pull_request", "GITHUB_EVENT_PATH", event}, []string{"the pull request comes from a fork"}},
		"not expanded": {[]string{"DOKPLOY_API_KEY", "$KEY", "DOKPLOY_IMAGE", "${IMAGE}", "DOKPLOY_HEADERS", "A: ${{ secrets.A }}"},
			[]string{"api-key: is a variable that was not expanded", "image: ${IMAGE} is a variable that was not expanded", "headers: the value of A contains an expression"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := call{env: with(with(map[string]string{"DOKPLOY_URL": srv.URL, "DOKPLOY_API_KEY": "k-123456789", "DOKPLOY_APPLICATION": "api"}, tt.env...), "DOKPLOY_OUTPUT_FILE", filepath.Join(dir, name))}
			c.run(t.Context())
			if c.code != 2 || requests.Load() != 0 {
				t.Errorf("exit %d, %d requests", c.code, requests.Load())
			}
			outputs, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			text := c.stdout.String()
			if c.env["GITHUB_ACTIONS"] != "" { // the runner is told what to hide
				text = strings.ReplaceAll(text, "::add-mask::"+secret, "")
			}
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing:\n%s", want, text)
				}
			}
			if strings.Contains(text+c.stderr.String()+string(outputs), "SECRET") {
				t.Errorf("a secret is shown:\n%s", text)
			}
		})
	}
}

// TestNothingCheckedOut: the message says how files get there on this host.
func TestNothingCheckedOut(t *testing.T) {
	t.Chdir(t.TempDir())
	for host, want := range map[string]string{"GITHUB_ACTIONS": "actions/checkout", "GITLAB_CI": "GIT_STRATEGY", "CIRCLECI": "`checkout`"} {
		c := call{env: map[string]string{"DOKPLOY_URL": "https://h", "DOKPLOY_API_KEY": "k-123456789", "DOKPLOY_COMPOSE": "x", "DOKPLOY_COMPOSE_FILE": "compose.yml", "COLUMNS": "1000", host: "true"}}
		c.run(t.Context())
		if c.code != 2 || !strings.Contains(c.stdout.String(), "the working directory is empty, so nothing seems to be checked out: ") || !strings.Contains(c.stdout.String(), want) {
			t.Errorf("%s: exit %d:\n%s", host, c.code, &c.stdout)
		}
	}
}

// TestOutputsAreNobodysInputs: a later job that inherits the outputs of this
// one as variables gets no messages about them.
func TestOutputsAreNobodysInputs(t *testing.T) {
	env := config.Environment{"INPUT_URL": "https://h", "INPUT_API_KEY": "key-123", "INPUT_APPLICATION": "api"}
	for _, o := range ci.OutputTable {
		env[o.DotenvName()] = "x"
	}
	if c, err := config.Load(env, config.Facts{}); err != nil || len(c.Warnings) > 0 {
		t.Errorf("%v, %q", err, c.Warnings)
	}
}

// TestHealthText: the text and the headers reach the address; inputs that they
// require, and impossible ones, are reported before anything is sent.
func TestHealthText(t *testing.T) {
	t.Parallel()
	const token = "SECRETabcdefghijklmnopqrstuvwxyz0123456789"
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "api.internal" && r.Header.Get("Authorization") == "Bearer "+token && r.Header.Get("X-Api-Key") == "mine-12345678" {
			_, _ = w.Write([]byte("built from 3f2a91c\nat api.internal with " + token))
		}
	}))
	defer app.Close()
	srv, env := standIn(t, dokploytest.Options{Version: "v0.30.2"})
	srv.AddApplication(dokploytest.Application{Name: "api"})
	asks := func(more ...string) (int, string) {
		c := call{env: with(with(env, "DOKPLOY_APPLICATION", "api", "DOKPLOY_VERIFY", "off", "DOKPLOY_HEALTH_URL", app.URL, "DOKPLOY_HEALTH_TIMEOUT", "1s",
			"DOKPLOY_HEALTH_HEADERS", "Host: api.internal\nAuthorization: Bearer "+token+"\nX-Api-Key: mine-12345678"), more...)}
		c.run(t.Context())
		if out := c.stdout.String(); strings.Contains(out, token) || strings.Contains(out, "mine-12345678") {
			t.Errorf("a secret is shown:\n%s", out)
		}
		return c.code, c.stdout.String()
	}
	for name, tt := range map[string]struct {
		more []string
		code int
		want string
	}{
		"it is there":         {[]string{"DOKPLOY_HEALTH_CONTAINS", "3f2a91c"}, 0, "answered 200 with the expected text"},
		"it is not":           {[]string{"DOKPLOY_HEALTH_CONTAINS", "abcdef0"}, 1, `answers 200 OK without "abcdef0"; the answer is "built from 3f2a91c at api.internal with ***"`},
		"quotes belong to it": {[]string{"DOKPLOY_HEALTH_CONTAINS", `"3f2a91c"`}, 1, `without ""3f2a91c""`},
		"a header joined":     {[]string{"DOKPLOY_HEALTH_HEADERS", "", "PLUGIN_HEALTH_HEADERS", "A: " + token + ",B: c"}, 2, "health-headers: is a single line that looks like a list joined with commas"},
		"of the connection":   {[]string{"DOKPLOY_HEALTH_HEADERS", "Connection: " + token}, 2, "health-headers: Connection cannot be set: it belongs to the connection"},
		"not expanded":        {[]string{"DOKPLOY_HEALTH_HEADERS", "X-A: ${{ secrets.X }}"}, 2, "health-headers: the value of X-A contains an expression that was not evaluated"},
		"no address":          {[]string{"DOKPLOY_HEALTH_URL", "", "DOKPLOY_HEALTH_CONTAINS", "x"}, 2, "health-contains: is for health-url, which is not set"},
		"no address, headers": {[]string{"DOKPLOY_HEALTH_URL", ""}, 2, "health-headers: is for health-url, which is not set"},
		"dry-run":             {[]string{"DOKPLOY_DRY_RUN", "true", "DOKPLOY_HEALTH_CONTAINS", "3f2a91c"}, 0, `until it contains "3f2a91c", with the headers Authorization and Host and X-Api-Key`},
	} {
		if code, out := asks(tt.more...); code != tt.code || !strings.Contains(out, tt.want) {
			t.Errorf("%s: exit %d, want %d and %q:\n%s", name, code, tt.code, tt.want, out)
		}
	}
}

// TestWarningsHaveTitles: a run's page lists the titles of all annotations, and
// each says what it is about.
func TestWarningsHaveTitles(t *testing.T) {
	t.Parallel()
	srv, env := standIn(t, dokploytest.Options{})
	srv.AddApplication(dokploytest.Application{Name: "api"})
	c := call{env: with(env, "GITHUB_ACTIONS", "true", "DOKPLOY_APPLICATION", `"api",none`, "DOKPLOY_HEALTH_STATUS", "200", "DOKPLOY_TLS_SKIP_VERIFY", "true",
		"PLUGIN_TAGS", "x", "GITHUB_OUTPUT", filepath.Join(t.TempDir(), "none", "x"), "GITHUB_STEP_SUMMARY", filepath.Join(t.TempDir(), "none", "x"))}
	c.run(t.Context())
	for _, want := range []string{
		"check the input application::application: the quotes", "check the input health-status::health-status: has no effect", "check the input tls-skip-verify::tls-skip-verify is on",
		"check the variable PLUGIN_TAGS::PLUGIN_TAGS: is not read", "api was skipped::api was skipped: not started", "the outputs::", "the summary::",
	} {
		if !strings.Contains(c.stdout.String(), "::warning title=Dokploy%3A "+want) {
			t.Errorf("%q is missing:\n%s", want, &c.stdout)
		}
	}
	if strings.Contains(c.stdout.String(), "title=Dokploy::") {
		t.Errorf("a title says nothing:\n%s", &c.stdout)
	}
}
