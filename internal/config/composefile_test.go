package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
	for path, want := range map[string]string{dir: "is a directory", filepath.Join(dir, "none.yml"): `none.yml" does not exist`, strings.Repeat("n", 5000): "a value of 5000 characters", "https://h/compose.yml": "is an address, not a path; give the path of a compose file"} {
		_, err := load("application", "", "compose", "shop", "compose-file", path)
		if got := problems(t, err); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%q: %q", path, got)
		}
	}
}
