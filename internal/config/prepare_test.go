package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dokploy-deploy/internal/dotenv"
)

func TestImages(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0", 64)
	for _, good := range []string{
		"nginx", "nginx:1.27", "acme/api:v1", "ghcr.io/acme/api:1.4.2", "localhost:5000/api", "127.0.0.1:5000/a/b/c:x",
		"ghcr.io/acme/api" + digest, "ghcr.io/acme/api:1.4.2" + digest,
	} {
		if c, err := load("image", good); err != nil || c.Image != good {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"api :1", "https://ghcr.io/acme/api", "ghcr.io/Acme/api", "api:", ":1", "api:1:2", "api@sha256:123", "a\nb", "api;rm", "api:é",
		"-api", "api:$TAG", strings.Repeat("a", 300),
	} {
		_, err := load("image", bad)
		got := problems(t, err)
		if len(got) != 1 || !strings.HasPrefix(got[0], "image: ") || !strings.Contains(got[0], "is not the name of an image") {
			t.Errorf("%q: %q", bad, got)
		}
	}
}

func TestComposeFiles(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct{ name, text, problem string }{
		{"plain", "services:\n  web:\n    image: nginx\n", ""},
		{"windows", "services:\r\n  web:\r\n    image: nginx\r\n", ""},
		{"references, tags, anchors", "x-a: &a {restart: always}\nservices:\n  web:\n    <<: *a\n    image: ${{project.IMAGE}}\n    ports: !reset []\n", ""},
		{"a service that is an alias", "x-w: &w {image: nginx}\nservices:\n  web: *w\n", ""},
		{"json", `{"services": {"web": {"image": "nginx"}}}`, ""},
		{"bom", "\ufeffservices:\n  web: {image: nginx}\n", ""},
		{"empty", "", "is empty"},
		{"blank", " \n\n", "is empty"},
		{"comments", "# nothing\n", "contains only comments"},
		{"binary", "services:\x00", "is not text"},
		{"latin1", "services: {w: {image: \"\xe9\"}}", "is not text"},
		{"broken", "services:\n  web: [\n", "is not YAML: line"},
		{"tab", "services:\n\tweb: {}\n", "is not YAML: line 2"},
		{"list", "- services\n", "it is not a mapping with services"},
		{"text", "hello\n", "it is not a mapping with services"},
		{"none", "version: '3'\n", "it has no services"},
		{"null", "services:\n", "it has no services"},
		{"list of services", "services:\n  - web\n", "it has no services"},
		{"no mapping", "services:\n  web: nginx\n", `line 2: the service "web" is not a mapping`},
		{"twice", "services:\n  web: {image: a}\n  web: {image: b}\n", `line 3: the key "web" appears twice`},
		{"several", "services: {w: {image: a}}\n---\nservices: {}\n", "more than one YAML document"},
		{"large", "services: {w: {image: a}}\n#" + strings.Repeat("x", 1<<20), "is larger than Dokploy accepts"},
		{"large once escaped", "services: {w: {image: a}}\n#" + strings.Repeat("\x01", 300<<10), "is larger than Dokploy accepts"},
		{"deep", strings.Repeat("[", 20000), "is not YAML"},
		{"aliases", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nservices: {w: {image: a}}\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(dir, "compose.yml")
			if err := os.WriteFile(path, []byte(tt.text), 0o644); err != nil {
				t.Fatal(err)
			}
			c, err := load("application", "", "compose", "shop", "compose-file", path)
			got := problems(t, err)
			if tt.problem == "" {
				if err != nil || c.ComposeFile.Text != tt.text || c.ComposeFile.Path != path {
					t.Errorf("%q, %+v", got, c.ComposeFile)
				}
				return
			}
			if len(got) != 1 || !strings.HasPrefix(got[0], "compose-file: ") || !strings.Contains(got[0], tt.problem) {
				t.Errorf("%q, want %q", got, tt.problem)
			}
		})
	}
	for path, want := range map[string]string{dir: "is a directory", filepath.Join(dir, "none.yml"): "no such file"} {
		_, err := load("application", "", "compose", "shop", "compose-file", path)
		if got := problems(t, err); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%q: %q", path, got)
		}
	}
}

// What only makes sense with another input, or without it.
func TestInputsTogether(t *testing.T) {
	dir := t.TempDir()
	compose, source := filepath.Join(dir, "compose.yml"), filepath.Join(dir, "app")
	if err := os.Mkdir(source, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{compose: "services: {w: {image: a}}\n", filepath.Join(source, "Dockerfile"): "FROM scratch\n"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		inputs []string
		want   []string
	}{
		{[]string{"image", "a", "application", "x,y", "compose", "z"}, nil},
		{[]string{"env", "A=1", "application", "x,y", "compose", "z"}, nil},
		{[]string{"image", "a", "application", "", "compose", "z"}, []string{"image: is for an application, but none is given: a compose service's images are set in its compose file"}},
		{[]string{"compose-file", compose}, []string{"compose-file: is for a compose service, but none is given"}},
		{[]string{"compose-file", compose, "compose", "a,b"}, []string{"compose-file: is for one service, but compose has 2: deploy them in separate steps"}},
		{[]string{"source", source, "application", "", "compose", "z"}, []string{"source: is for an application, but none is given"}},
		{[]string{"source", source, "application", "a,b,c"}, []string{"source: is for one service, but application has 3: deploy them in separate steps"}},
		{[]string{"source", source, "image", "a"}, []string{"source: cannot be combined with image: one builds, the other does not"}},
		{[]string{"source", source, "operation", "redeploy"}, []string{"source: cannot be combined with operation: redeploy; the upload itself starts the deployment"}},
		{[]string{"build-args", "A=1", "build-secrets", "B=1", "application", "x,y", "compose", "z", "env-mode", "merge"}, nil},
		{[]string{"build-args", "A=1", "source", source, "operation", "deploy"}, nil},
		{[]string{"build-args", "A=1", "operation", "redeploy"}, nil},
		{[]string{"build-args", "A=1", "application", "", "compose", "z"}, []string{"build-args: is for an application that is built from a Dockerfile, but none is given: a compose service's build arguments are set in its compose file"}},
		{[]string{"build-secrets", "A=1", "application", "", "compose", "z"}, []string{"build-secrets: is for an application that is built from a Dockerfile, but none is given: a compose service's build secrets are set in its compose file"}},
		{[]string{"build-args", "A=1", "build-secrets", "B=1", "image", "a"}, []string{
			"build-args: cannot be combined with image: one builds, the other does not",
			"build-secrets: cannot be combined with image: one builds, the other does not",
		}},
		{[]string{"build-args", "A=1", "env-mode", "replace"}, []string{"env-mode: replace without env would empty the environment; give the lines in env"}},
		{[]string{"wait", "false", "verify", "auto", "rollback", "false"}, nil},
		{[]string{"wait", "false", "verify", "require", "rollback", "true", "health-url", "auto"}, []string{
			"verify: require needs wait: true; without it the step ends before anything can be seen",
			"health-url: needs wait: true; without it the step ends before anything can be seen",
			"rollback: needs wait: true; without it the step ends before anything can be seen",
		}},
		{[]string{"env-mode", "replace"}, []string{"env-mode: replace without env would empty the environment; give the lines in env"}},
	} {
		_, err := load(tt.inputs...)
		if diff := cmp.Diff(tt.want, problems(t, err)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.inputs, diff)
		}
	}
}

func TestInputWarnings(t *testing.T) {
	c, err := load("env", "A=x #y\nB='x #y'")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) != 1 || c.Warnings[0].Input != "env" || !strings.Contains(c.Warnings[0].Text, "A") || strings.Contains(c.Warnings[0].Text, "y") {
		t.Errorf("%q", c.Warnings)
	}
}

// Fail-fast is said to have no effect where nothing is left to be skipped.
func TestFailFastWithoutEffect(t *testing.T) {
	const one, all = "has no effect, since there is only one target", "has no effect, since all 2 targets are started at once; set max-parallel to less than that, or to 1 for one at a time"
	for _, tt := range []struct {
		inputs []string
		want   string
	}{
		{[]string{"fail-fast", "true"}, one},
		{[]string{"fail-fast", "TRUE", "application", "", "compose", "x", "max-parallel", "1"}, one},
		{[]string{"fail-fast", "true", "application", "a", "compose", "x"}, all},
		{[]string{"fail-fast", "true", "application", "a,b", "max-parallel", "2"}, all},
		{[]string{"fail-fast", "true", "application", "a,b", "max-parallel", "1"}, ""},
		{[]string{"fail-fast", "true", "application", "a,b,c,d", "compose", "x"}, ""},
		{[]string{"fail-fast", "false"}, ""},
		{[]string{"application", "a,b"}, ""},
	} {
		c, err := load(tt.inputs...)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case tt.want == "" && len(c.Warnings) > 0, tt.want != "" && (len(c.Warnings) != 1 || c.Warnings[0] != Problem{"fail-fast", tt.want}):
			t.Errorf("%q: %q", tt.inputs, c.Warnings)
		}
	}
	if _, err := load("fail-fast", "yes"); err == nil {
		t.Error("yes is taken")
	}
}

// Woodpecker and Drone make JSON of a map: Dokploy must read the same values.
func TestEnvOfMap(t *testing.T) {
	c, err := load("env", `{"B":"two words # no comment","A":"1","N":3,"T":true,"E":null,"Q":"it's","M":"a\nb"}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []dotenv.Var{
		{Name: "A", Value: "1"}, {Name: "B", Value: "two words # no comment"}, {Name: "E"}, {Name: "M", Value: "a\nb"},
		{Name: "N", Value: "3"}, {Name: "Q", Value: "it's"}, {Name: "T", Value: "true"},
	}
	if diff := cmp.Diff(want, dotenv.Parse(c.Env)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", c.Env, diff)
	}
	for _, bad := range []string{`{"A":["hunter2"]}`, `{"A B":"hunter2"}`, "{\"A\":\"hunter2'\\\"` #\"}"} {
		_, err := load("env", bad)
		got := problems(t, err)
		if len(got) != 1 || strings.Contains(got[0], "hunter2") {
			t.Errorf("%s: %q", bad, got)
		}
	}
}
