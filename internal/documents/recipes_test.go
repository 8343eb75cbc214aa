package documents

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"go.yaml.in/yaml/v3"

	"dokploy-deploy/internal/dokploytest"
)

// recipe is one of the README's recipes: its title, and its steps.
type recipe struct {
	title string
	text  string
	steps []node
}

var recipeForm = regexp.MustCompile("(?s)\n### ([^\n]*)\n.*?```yaml\n(.*?)```")

func recipes(t *testing.T) []recipe {
	t.Helper()
	text, err := fs.ReadFile(repository, "README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(text), "\n## Recipes\n")
	part, _, _ = strings.Cut(part, "\n## ")
	var all []recipe
	for _, m := range recipeForm.FindAllStringSubmatch(part, -1) {
		var v any
		if err := yaml.Unmarshal([]byte(m[2]), &v); err != nil {
			t.Fatalf("%s: %v", m[1], err)
		}
		if job, ok := v.(map[string]any); ok { // a job: its steps
			v = node{t, job}.at("deploy", "steps").v
		}
		r := recipe{title: m[1], text: m[2]}
		list, ok := v.([]any)
		if !ok {
			t.Fatalf("%s: neither steps nor a job", m[1])
		}
		for i := range list {
			r.steps = append(r.steps, node{t, v}.at(i))
		}
		all = append(all, r)
	}
	return all
}

// github is what GitHub substitutes for the expressions in a recipe.
var github = map[string]string{
	"secrets.CF_ACCESS_CLIENT_ID":              "client.access",
	"secrets.CF_ACCESS_CLIENT_SECRET":          "client-secret-of-access",
	"steps.build.outputs.digest":               "sha256:dc205fdc5f1156e3d5cf3aa8d7e4e8816f4ebef632d2042a15c8c1eefcb2bf06",
	"github.sha":                               "3f2a91c0d5c17a8f2f1e5d0b9c4a7e6d8b1f0a2c",
	"github.event_name == 'pull_request'":      "true",
	"steps.deploy.outputs.url":                 "https://api.example.com",
	"steps.deploy.outputs.status == 'timeout'": "false",
}

var expression = regexp.MustCompile(`\$\{\{ (.*?) \}\}`)

// recipeCase checks what a recipe must have done to the shop.
type recipeCase func(t *testing.T, shop *shop)

// shop is a stand-in with the services that the recipes name.
type shop struct {
	*dokploytest.Server
	api, web, site, shop, stack *dokploytest.Service
	output                      string
	asked                       atomic.Int32 // requests to the services themselves
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{Server: dokploytest.New(dokploytest.Options{NoDocker: true})}
	version := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.asked.Add(1); r.URL.Path == "/version" {
			_, _ = io.WriteString(w, `{"commit":"`+github["github.sha"]+`"}`)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(version.Close)
	application := func(name, source string, how map[string]string) *dokploytest.Service {
		return s.AddApplication(dokploytest.Application{
			Project: "shop", Environment: "production", Name: name, SourceType: source, Image: "ghcr.io/acme/" + name + ":1", Env: "OLD=1\n",
			HowBuilt: how,
			Domains:  []dokploytest.Domain{{Host: strings.TrimPrefix(version.URL, "http://")}},
		})
	}
	s.api, s.web, s.site = application("api", "docker", nil), application("web", "docker", nil), application("site", "drop", nil)
	s.shop = application("shop", "git", map[string]string{"buildType": "dockerfile"})
	s.stack = s.AddCompose(dokploytest.Compose{Project: "shop", Environment: "production", Name: "stack"})
	return s
}

func deploysTheAPI(t *testing.T, s *shop) {
	if s.TriggerCount(s.api) != 1 {
		t.Error("the api was not deployed")
	}
}

var recipeCases = map[string]recipeCase{
	"Build, push and deploy an image": func(t *testing.T, s *shop) {
		if want := "ghcr.io/acme/api@" + github["steps.build.outputs.digest"]; s.api.Image() != want {
			t.Errorf("the image is %s", s.api.Image())
		}
	},
	"Several services, in order": func(t *testing.T, s *shop) {
		if s.TriggerCount(s.api) != 1 || s.TriggerCount(s.web) != 1 || strings.Index(s.output, "✓ api") > strings.Index(s.output, "✓ web") {
			t.Error("not both, or not in order")
		}
	},
	"Environment and build arguments": func(t *testing.T, s *shop) {
		if strings.TrimSpace(s.shop.Env()) != "OLD=1\nFEATURE_PRICES=on" || strings.TrimSpace(s.shop.BuildArgs()) != "RELEASE="+github["github.sha"] {
			t.Errorf("the environment is %q, the build arguments are %q", s.shop.Env(), s.shop.BuildArgs())
		}
	},
	"Health check with the commit, and rollback": func(t *testing.T, s *shop) {
		if s.asked.Load() == 0 || !strings.Contains(s.output, "✓ api deployed") {
			t.Error("the health address was not asked, or not healthy")
		}
	},
	"Upload a compose file": func(t *testing.T, s *shop) {
		if s.TriggerCount(s.stack) != 1 {
			t.Error("the stack was not deployed")
		}
	},
	"Upload a folder built in the job": func(t *testing.T, s *shop) {
		if s.Calls("application.dropDeployment") != 1 {
			t.Error("nothing was uploaded")
		}
	},
	"Dry run on pull requests": func(t *testing.T, s *shop) {
		if s.TriggerCount(s.api) != 0 || !strings.Contains(s.output, "this was a dry run") {
			t.Error("it was no dry run")
		}
	},
	"Behind Cloudflare Access": func(t *testing.T, s *shop) {
		secret := github["secrets.CF_ACCESS_CLIENT_SECRET"]
		if s.TriggerCount(s.api) != 1 || strings.Contains(strings.ReplaceAll(s.output, "::add-mask::"+secret, ""), secret) {
			t.Error("not deployed, or the secret is shown")
		}
	},
	"Use the outputs":                   deploysTheAPI,
	"One deployment at a time":          deploysTheAPI,
	"A GitHub deployment with its link": deploysTheAPI,
}

// TestRecipes runs each recipe of the README against a stand-in, as GitHub
// would: with nothing but what its steps say.
func TestRecipes(t *testing.T) {
	t.Parallel()
	all := recipes(t)
	if n := len(recipeCases) + len(followRecipes); len(all) != n {
		t.Errorf("%d recipes, %d of them are tested", len(all), n)
	}
	for _, r := range all {
		t.Run(r.title, func(t *testing.T) {
			t.Parallel()
			check, ok := recipeCases[r.title]
			follow, follows := followRecipes[r.title]
			if !ok && !follows {
				t.Fatal("it is not tested")
			}
			if n := strings.Count(r.text, "\n"); n < 6 || n > 10 {
				t.Errorf("%d lines", n)
			}
			if follows {
				follow.follows(t, githubRun(t, r.steps[0]), r.text)
				return
			}
			s := newShop(t)
			address, err := s.Listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			dir := t.TempDir()
			for name, text := range map[string]string{"deploy/compose.yml": "services:\n  app:\n    image: nginx:1\n", "dist/index.html": "<p>built</p>\n"} {
				path := filepath.Join(dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			ran := 0
			for _, step := range r.steps {
				m, _ := step.v.(map[string]any)
				if uses, _ := m["uses"].(string); uses != ours(t)+"@v1" {
					continue
				}
				ran++
				s.step(t, step, address, dir)
			}
			if ran != 1 {
				t.Fatalf("%d steps deploy", ran)
			}
			check(t, s)
		})
	}
}

// step runs a step with our action.
func (s *shop) step(t *testing.T, step node, address, dir string) {
	t.Helper()
	with := settings(t, "INPUT_", step.at("with"), true)
	cmd := exec.CommandContext(t.Context(), "dokploy-deploy")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "GITHUB_ACTIONS=true", "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}
	for name, value := range with {
		value = expression.ReplaceAllStringFunc(value, func(e string) string {
			e = expression.FindStringSubmatch(e)[1]
			if e == "secrets.DOKPLOY_API_KEY" {
				return s.Key
			}
			v, ok := github[e]
			if !ok {
				t.Errorf("what is ${{ %s }}?", e)
			}
			return v
		})
		cmd.Env = append(cmd.Env, name+"="+strings.ReplaceAll(value, "https://dokploy.example.com", address))
	}
	out, err := cmd.CombinedOutput()
	s.output = string(out)
	if err != nil {
		t.Fatal(fmt.Errorf("%w\n%s", err, out))
	}
}
