package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingCheckedOut: the hint comes only if the file should have come from
// a checkout and there is none.
func TestNothingCheckedOut(t *testing.T) {
	const do = "add the step checkout before this one"
	root := t.TempDir()
	for _, path := range []string{"empty/", "files/README", "files/sub/", "checkout/.git/HEAD", "checkout/sub/README", "worktree/.git"} {
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "/") {
			if err := os.MkdirAll(full, 0o755); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(full, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		folder, input, path string
		want                string // the hint's text; empty: no hint
	}{
		{"empty", "compose-file", "compose.yml", "the working directory is empty, so nothing seems to be checked out: " + do},
		{"empty", "compose-file", "./deploy/compose.yml", "the working directory is empty"},
		{"empty", "compose-file", filepath.Join(root, "empty", "compose.yml"), "the working directory is empty"},
		{"empty", "source", ".", "the working directory is empty"},
		{"empty", "source", "./dist", "the working directory is empty"},
		{"empty", "ca-cert", "ca.pem", "the working directory is empty"},
		{"files", "compose-file", "compose.yml", "the working directory has no .git"},
		{"files", "source", "dist", "the working directory has no .git"},
		{"files", "source", "sub", "the working directory has no .git"},
		{"files", "ca-cert", "ca.pem", "the working directory has no .git"},
		{"files", "compose-file", "README", ""}, // it exists
		{"files", "compose-file", "../compose.yml", ""},
		{"files", "compose-file", "/etc/dokploy/compose.yml", ""},
		{"files", "compose-file", "services: {web: {image: a}}", ""},
		{"files", "ca-cert", "one\ntwo", ""},
		{"checkout", "compose-file", "compose.yml", ""},
		{"checkout/sub", "compose-file", "compose.yml", ""},
		{"checkout", "source", "dist", ""},
		{"worktree", "ca-cert", "ca.pem", ""},
	} {
		t.Run(tt.folder+" "+tt.input+" "+tt.path, func(t *testing.T) {
			t.Chdir(filepath.Join(root, tt.folder))
			vars := []string{"DOKPLOY_APPLICATION=a", "DOKPLOY_COMPOSE=b", "DOKPLOY_" + strings.ToUpper(strings.ReplaceAll(tt.input, "-", "_")) + "=" + tt.path}
			for _, facts := range []Facts{{Checkout: do}, {}} {
				_, err := loadVars(facts, vars...)
				got := problems(t, err)
				want := tt.want
				if facts.Checkout == "" {
					want = ""
				}
				if len(got) != 1 || !strings.HasPrefix(got[0], tt.input+": ") || want != "" && !strings.Contains(got[0], want) || want == "" && strings.Contains(got[0], "working directory") {
					t.Errorf("%+v: %q, want %q", facts, got, want)
				}
			}
		})
	}
}

// TestTextForPath: a text that was meant for a file is not shown.
func TestTextForPath(t *testing.T) {
	for _, input := range []string{"compose-file", "source"} {
		for _, text := range []string{
			"services:\n  web:\n    environment: {A: hunter2}", "services: {web: {environment: {A: hunter2}}}", "version: '3' # hunter2", "# hunter2", `{"services": {"web": {"hunter2": 1}}}`,
			"--- # hunter2", "x-a: hunter2", "a.yml\nhunter2.yml", "name: hunter2",
		} {
			_, err := load("application", "a", "compose", "b", input, text)
			got := problems(t, err)
			if len(got) != 1 || !strings.HasPrefix(got[0], input+": is text, not a path; write it to a file and give the path of a ") || strings.Contains(got[0], "hunter2") {
				t.Errorf("%s=%q: %q", input, text, got)
			}
		}
		for _, path := range []string{"services/compose.yml", "services.yml", "name", "C:/x/compose.yml", "a: b", "docker compose.yml", "./# x"} {
			_, err := load("application", "a", "compose", "b", input, path)
			if got := problems(t, err); len(got) != 1 || strings.Contains(got[0], "is a text") {
				t.Errorf("%s=%q: %q", input, path, got)
			}
		}
	}
}

// TestTimesWithinTimeout: a given time that can never be reached is refused;
// for one that is only cut short there is a warning.
func TestTimesWithinTimeout(t *testing.T) {
	const never, late = "stable-for: ", "health-timeout: "
	for _, tt := range []struct {
		inputs        string
		problem, warn string
	}{
		{"timeout=10s;stable-for=10s", never + "10s is not less than timeout (10s)", ""},
		{"timeout=10s;stable-for=1h", never + "1h is not less than timeout (10s)", ""},
		{"stable-for=30m", never + "30m is not less than timeout (30m)", ""},
		{"timeout=10s;stable-for=9s", "", ""},
		{"timeout=3s", "", ""}, // the default is no reason to refuse
		{"timeout=3s;stable-for=1h;verify=off", "", ""},
		{"timeout=3s;stable-for=1h;wait=false", "", ""},
		{"timeout=soon;stable-for=1h", "timeout: ", ""},
		{"timeout=1m;health-timeout=61s", "", late + "61s is more than timeout (1m), which cuts it short"},
		{"timeout=1m;health-timeout=1m;health-url=auto", "", ""},
		{"timeout=1m", "", ""},
		{"health-timeout=31m", "", late + "31m is more than timeout (30m)"},
	} {
		var inputs []string
		for input := range strings.SplitSeq(tt.inputs, ";") {
			name, value, _ := strings.Cut(input, "=")
			inputs = append(inputs, name, value)
		}
		c, err := load(inputs...)
		got := problems(t, err)
		if tt.problem == "" && err != nil || tt.problem != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tt.problem)) {
			t.Errorf("%s: %q, want %q", tt.inputs, got, tt.problem)
		}
		if tt.warn == "" && len(c.Warnings) > 0 || tt.warn != "" && (len(c.Warnings) != 1 || !strings.HasPrefix(c.Warnings[0].Input+": "+c.Warnings[0].Text, tt.warn)) {
			t.Errorf("%s: %q, want %q", tt.inputs, c.Warnings, tt.warn)
		}
	}
}
