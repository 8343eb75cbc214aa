package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Inputs that only make sense with another input, or without it.
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

// For an input that suggests that an address is requested, a message says that
// none is.
func TestHealthInputsWithoutHealthURL(t *testing.T) {
	const none = "has no effect without health-url: no address is requested"
	for _, tt := range []struct {
		inputs []string
		want   []Problem
	}{
		{[]string{"health-status", "200"}, []Problem{{"health-status", none}}},
		{[]string{"health-timeout", "30m"}, []Problem{{"health-timeout", none}}},
		{[]string{"health-status", "200", "health-timeout", "1m"}, []Problem{{"health-status", none}, {"health-timeout", none}}},
		{[]string{"health-status", "200", "health-timeout", "1m", "health-url", "auto"}, nil},
		{nil, nil},
	} {
		c, err := load(tt.inputs...)
		if diff := cmp.Diff(tt.want, c.Warnings); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", tt.inputs, err, diff)
		}
	}
}

// Fail-fast is reported to have no effect if there is nothing left to skip.
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
