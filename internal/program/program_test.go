package program

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// Parallel tests wait for the stand-in nearly all the time, so there may be
// more of them than processors.
func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "16")
	os.Exit(m.Run())
}

// call is one call of the program, in this process.
type call struct {
	env    map[string]string
	stdout bytes.Buffer
	stderr bytes.Buffer
	code   int
}

func (c *call) run(ctx context.Context, args ...string) {
	c.code = Program{Stdout: &c.stdout, Stderr: &c.stderr}.Run(ctx, args, c.env)
}

// standIn starts a Dokploy on a port of this machine that does not show
// containers: verifying that they run takes ten seconds and more
// (environments_test.go).
func standIn(t testing.TB, o dokploytest.Options) (*dokploytest.Server, map[string]string) {
	t.Helper()
	o.NoDocker = true
	return listening(t, o)
}

func listening(t testing.TB, o dokploytest.Options) (*dokploytest.Server, map[string]string) {
	t.Helper()
	srv := dokploytest.New(o)
	url, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	return srv, map[string]string{"DOKPLOY_URL": url, "DOKPLOY_API_KEY": srv.Key, "COLUMNS": "10000"}
}

func with(env map[string]string, more ...string) map[string]string {
	env = maps.Clone(env)
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

// dotenv reads the file given as output-file.
func dotenv(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(text), "\n"), "\n") {
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Fatalf("no dotenv line: %q", line)
		}
		out[name] = value
	}
	return out
}

func TestProgram(t *testing.T) {
	t.Parallel()
	srv, env := standIn(t, dokploytest.Options{})
	app := srv.AddApplication(dokploytest.Application{Name: "api", SourceType: "git",
		Domains: []dokploytest.Domain{{Host: "api.example.com", HTTPS: true}},
		Build:   dokploytest.Build{Steps: dokploytest.Lines(20*time.Millisecond, "#1 building", "#2 still building")}})
	srv.AddApplication(dokploytest.Application{Name: "web", SourceType: "git",
		Build: dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(0, "fatal: Remote branch nope not found in upstream origin")}})
	dir := t.TempDir()

	t.Run("done", func(t *testing.T) {
		file, github := filepath.Join(dir, "done.env"), filepath.Join(dir, "github")
		c := call{env: with(env, "DOKPLOY_APPLICATION", "shop/api", "DOKPLOY_OUTPUT_FILE", file, "GITHUB_OUTPUT", github)}
		c.run(t.Context())
		if c.code != 0 {
			t.Fatalf("exit %d\n%s", c.code, &c.stdout)
		}
		for _, want := range []string{"#1 building\n#2 still building\n✅ Docker build completed.\n", "✓ api deployed in ", "https://api.example.com"} {
			if !strings.Contains(c.stdout.String(), want) {
				t.Errorf("the output lacks %q:\n%s", want, &c.stdout)
			}
		}
		out := dotenv(t, file)
		if out["DOKPLOY_STATUS"] != "done" || out["DOKPLOY_DEPLOYMENT_ID"] != srv.Deployments(app)[0].ID || out["DOKPLOY_DEPLOYED_URL"] != "https://api.example.com" {
			t.Errorf("outputs %v", out)
		}
		var targets []verdict.Output
		if err := json.Unmarshal([]byte(out["DOKPLOY_DEPLOYMENTS"]), &targets); err != nil || len(targets) != 1 || targets[0].ID != app.ID || targets[0].Verified != "unknown" {
			t.Errorf("deployments %v: %+v", err, targets)
		}
		if text, err := os.ReadFile(github); err != nil || !strings.HasPrefix(string(text), "status<<") {
			t.Errorf("GITHUB_OUTPUT: %v, %q", err, text)
		}
	})
	t.Run("the build breaks", func(t *testing.T) {
		file := filepath.Join(dir, "broken.env")
		c := call{env: with(env, "PLUGIN_APPLICATION", "web", "PLUGIN_OUTPUT_FILE", file)}
		c.run(t.Context())
		if c.code != 1 || dotenv(t, file)["DOKPLOY_STATUS"] != "error" {
			t.Fatalf("exit %d\n%s", c.code, &c.stdout)
		}
		if want := "✗ web failed"; !strings.Contains(c.stdout.String(), want) || !strings.Contains(c.stdout.String(), "git: Remote branch nope not found") {
			t.Errorf("the output does not say why:\n%s", &c.stdout)
		}
	})
	t.Run("two targets", func(t *testing.T) {
		file := filepath.Join(dir, "two.env")
		c := call{env: with(env, "INPUT_APPLICATION", "api\nweb", "INPUT_OUTPUT-FILE", file)}
		c.run(t.Context())
		out := dotenv(t, file)
		if c.code != 1 || out["DOKPLOY_STATUS"] != "error" || strings.Count(out["DOKPLOY_DEPLOYMENT_ID"], ",") != 1 {
			t.Errorf("exit %d, outputs %v", c.code, out)
		}
		if !strings.Contains(c.stdout.String(), "api │ #1 building") {
			t.Errorf("lines do not say whose they are:\n%s", &c.stdout)
		}
	})
	t.Run("not there", func(t *testing.T) {
		before := srv.Calls("application.deploy")
		c := call{env: with(env, "DOKPLOY_APPLICATION", "apy")}
		c.run(t.Context())
		if c.code != 2 || srv.Calls("application.deploy") != before {
			t.Errorf("exit %d", c.code)
		}
		for _, want := range []string{`there is no "apy"`, "shop/production/api, shop/production/web"} {
			if !strings.Contains(c.stdout.String(), want) {
				t.Errorf("the output lacks %q:\n%s", want, &c.stdout)
			}
		}
	})
	t.Run("a refused key", func(t *testing.T) {
		c := call{env: with(env, "DOKPLOY_APPLICATION", "api", "DOKPLOY_API_KEY", "wrong-wrong-wrong-wrong")}
		c.run(t.Context())
		if c.code != 3 || !strings.Contains(c.stdout.String(), "error: api-key: Dokploy refuses the key (401)") || !strings.Contains(c.stdout.String(), "10 requests a day") {
			t.Errorf("exit %d\n%s", c.code, &c.stdout)
		}
		if n := strings.Count(c.stdout.String(), "refuses the key"); n != 1 {
			t.Errorf("said %d times", n)
		}
	})
	t.Run("an interrupt", func(t *testing.T) {
		app.SetBuild(dokploytest.Build{Steps: dokploytest.Lines(time.Minute, "never")})
		file := filepath.Join(dir, "interrupted.env")
		c := call{env: with(env, "DOKPLOY_APPLICATION", "api", "DOKPLOY_OUTPUT_FILE", file)}
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			for srv.TriggerCount(app) < 3 || len(srv.Queue()) == 0 {
				time.Sleep(time.Millisecond)
			}
			cancel(Interrupt{syscall.SIGTERM})
		}()
		c.run(ctx)
		if c.code != 143 || dotenv(t, file)["DOKPLOY_STATUS"] != "interrupted" {
			t.Errorf("exit %d\n%s", c.code, &c.stdout)
		}
		if !strings.Contains(c.stdout.String(), "continues there") {
			t.Errorf("it does not say what goes on:\n%s", &c.stdout)
		}
	})
}

func TestBadInputsSendNothing(t *testing.T) {
	var mu sync.Mutex
	requests := 0
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { mu.Lock(); requests++; mu.Unlock() }))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "out.env")
	c := call{env: map[string]string{
		"DOKPLOY_URL": srv.URL, "DOKPLOY_API_KEY": "k-123456789", "DOKPLOY_OUTPUT_FILE": file,
		"DOKPLOY_TIMEOUT": "soon", "DOKPLOY_WAIT": "perhaps", "DOKPLOY_LOGS": "loud", "DOKPLOY_IMAGE": "x y", "DOKPLOY_VERIFY": "maybe",
		"DOKPLOY_ENV": "SECRET-no-assignment", "DOKPLOY_SOURCE": "no/such/folder", "DOKPLOY_COMPOSE_FILE": "no-such.yml", "DOKPLOY_ENV_MODE": "add",
		"DOKPLOY_HEALTH_URL": "https://u:SECRET-password@h", "DOKPLOY_HEALTH_STATUS": "2xx",
	}}
	c.run(t.Context())
	if c.code != 2 || requests != 0 {
		t.Errorf("exit %d, %d requests", c.code, requests)
	}
	for _, input := range []string{"application", "timeout", "wait", "logs", "image", "verify", "env", "env-mode", "source", "compose-file", "health-url", "health-status"} {
		if !strings.Contains(c.stdout.String(), "error: "+input+": ") {
			t.Errorf("nothing is said of %s:\n%s", input, &c.stdout)
		}
	}
	if got := dotenv(t, file)["DOKPLOY_STATUS"]; got != "invalid" {
		t.Errorf("status %q", got)
	}
	if strings.Contains(c.stdout.String()+c.stderr.String(), "SECRET") {
		t.Errorf("a secret is shown:\n%s", &c.stdout)
	}
}

// TestNothingSecretIsShown deploys with all output switched on, and searches
// for the key, header values and what the API shows of a service.
func TestNothingSecretIsShown(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"v0.30.2", "v0.25.11"} {
		for _, outcome := range []string{"done", "error"} {
			t.Run(version+" "+outcome, func(t *testing.T) {
				t.Parallel()
				srv, env := standIn(t, dokploytest.Options{Version: version})
				echo := "the build echoes " + srv.Key + " and hush-hush-token"
				srv.AddApplication(dokploytest.Application{Name: "api", Build: dokploytest.Build{Outcome: outcome, Steps: dokploytest.Lines(0, echo), ErrorMessage: echo}})
				github := filepath.Join(t.TempDir(), "github")
				c := call{env: with(env, "DOKPLOY_APPLICATION", "api", "DOKPLOY_DEBUG", "true", "DOKPLOY_HEADERS", "CF-Access-Client-Secret: hush-hush-token", "GITHUB_OUTPUT", github)}
				c.run(t.Context())
				outputs, err := os.ReadFile(github)
				if err != nil {
					t.Fatal(err)
				}
				all := c.stdout.String() + c.stderr.String() + string(outputs)
				for _, secret := range []string{srv.Key, "hush-hush-token", "SECRET-"} {
					if strings.Contains(all, secret) {
						t.Errorf("%q is shown:\n%s", secret, all)
					}
				}
				if !strings.Contains(c.stdout.String(), "debug: POST /api/application.deploy 200 ") {
					t.Errorf("debug shows no requests:\n%s", &c.stdout)
				}
			})
		}
	}
}

func TestErrorsInPlainWords(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/login"):
			http.Redirect(w, r, "https://acme.cloudflareaccess.com/login?token=x", http.StatusFound)
		case strings.HasPrefix(r.URL.Path, "/cf"):
			w.Header().Set("Server", "cloudflare")
			w.Header().Set("Cf-Mitigated", "challenge")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "<!DOCTYPE html><title>Just a moment...</title>")
		default:
			_, _ = io.WriteString(w, "<!DOCTYPE html><title>Some other page</title>")
		}
	}))
	defer plain.Close()
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	for name, tt := range map[string]struct{ url, want string }{
		"another site":            {plain.URL, "this is not a Dokploy API, or a proxy is in the way"},
		"a login page":            {plain.URL + "/login", "a login page is in front of Dokploy"},
		"a challenge":             {plain.URL + "/cf", "Cloudflare blocked the request (403)"},
		"an unknown certificate":  {tls.URL, "signed by an authority that is not trusted here"},
		"TLS where there is none": {strings.Replace(plain.URL, "http:", "https:", 1), "the server speaks plain HTTP where TLS was tried"},
	} {
		t.Run(name, func(t *testing.T) {
			c := call{env: map[string]string{"DOKPLOY_URL": tt.url, "DOKPLOY_API_KEY": "k-123456789", "DOKPLOY_APPLICATION": "api"}}
			c.run(t.Context())
			if c.code != 3 || !strings.Contains(c.stdout.String(), tt.want) {
				t.Errorf("exit %d, want 3 and %q:\n%s", c.code, tt.want, &c.stdout)
			}
		})
	}
}

func TestFlags(t *testing.T) {
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"--help": {0, "Exit codes:"}, "--version": {0, "dokploy-deploy "}, "--url=x": {2, "takes its inputs from the environment"},
	} {
		c := call{}
		c.run(t.Context(), args)
		if c.code != want.code || !strings.Contains(c.stdout.String()+c.stderr.String(), want.text) {
			t.Errorf("%s: exit %d, %s%s", args, c.code, &c.stdout, &c.stderr)
		}
	}
}

// TestHeadersGoToDokployOnly: the key and the extra headers are sent with every
// request, including the log stream's, but not to where a redirect leads.
func TestHeadersGoToDokployOnly(t *testing.T) {
	t.Parallel()
	srv, env := standIn(t, dokploytest.Options{})
	srv.AddApplication(dokploytest.Application{Name: "api", Build: dokploytest.Build{Steps: dokploytest.Lines(200*time.Millisecond, "a line")}})
	var mu sync.Mutex
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { mu.Lock(); elsewhere++; mu.Unlock() }))
	defer other.Close()
	for _, procedure := range []string{"deployment.queueList", "deployment.all"} {
		srv.Fault(dokploytest.Fault{Procedure: procedure, Kind: dokploytest.Redirect, Status: 302, Location: other.URL + "/login"})
	}
	c := call{env: with(env, "DOKPLOY_APPLICATION", "api", "DOKPLOY_HEADERS", "CF-Access-Client-Id: some-id\nCF-Access-Client-Secret: a-secret, with a comma")}
	c.run(t.Context())
	if c.code != 0 {
		t.Fatalf("exit %d\n%s", c.code, &c.stdout)
	}
	streams := 0
	for _, r := range srv.Requests() {
		if r.Header.Get("X-Api-Key") != srv.Key || r.Header.Get("Cf-Access-Client-Id") != "some-id" || r.Header.Get("Cf-Access-Client-Secret") != "a-secret, with a comma" {
			t.Errorf("%s %s has the headers %v", r.Method, r.Path, r.Header)
		}
		if r.Procedure == "listen-deployment" {
			streams++
		}
	}
	if streams == 0 {
		t.Error("no log stream: this shows nothing of it")
	}
	mu.Lock()
	defer mu.Unlock()
	if elsewhere != 0 {
		t.Errorf("%d requests went where a redirect led", elsewhere)
	}
}
