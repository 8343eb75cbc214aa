package ci

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var sample = Outputs{
	Status:       "done",
	DeploymentID: "a1,b2",
	Commit:       "3f2a91c7be01d4a5f60718293a4b5c6d7e8f9012",
	URL:          "https://api.example.com",
	DashboardURL: "https://dokploy.example.com/dashboard/project/p?tab=deployments",
	Duration:     241,
	Deployments:  `[{"target":"api","status":"done","error":""}]`,
}

const sampleDotenv = `DOKPLOY_STATUS=done
DOKPLOY_DEPLOYMENT_ID=a1,b2
DOKPLOY_BUILT_COMMIT=3f2a91c7be01d4a5f60718293a4b5c6d7e8f9012
DOKPLOY_DEPLOYED_URL=https://api.example.com
DOKPLOY_DASHBOARD_URL=https://dokploy.example.com/dashboard/project/p?tab=deployments
DOKPLOY_DURATION=241
DOKPLOY_DEPLOYMENTS=[{"target":"api","status":"done","error":""}]
`

// readOutputs reads GITHUB_OUTPUT as the runner does.
func readOutputs(t *testing.T, path string) map[string]string {
	t.Helper()
	lines := strings.Split(read(t, path), "\n")
	values := map[string]string{}
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		eq, here := strings.Index(line, "="), strings.Index(line, "<<")
		switch {
		case line == "":
		case eq >= 0 && (here < 0 || eq < here):
			values[line[:eq]] = line[eq+1:]
		case here > 0 && line[here+2:] != "":
			var value []string
			for i++; i < len(lines) && lines[i] != line[here+2:]; i++ {
				value = append(value, lines[i])
			}
			if i == len(lines) {
				t.Fatalf("%s: the value of %s has no end", path, line[:here])
			}
			values[line[:here]] = strings.Join(value, "\n")
		default:
			t.Fatalf("%s: the runner refuses %q", path, line)
		}
	}
	return values
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWriteOutputs(t *testing.T) {
	dir := t.TempDir()
	github, drone, dotenv := filepath.Join(dir, "github"), filepath.Join(dir, "drone"), filepath.Join(dir, "dotenv")
	if err := os.WriteFile(dotenv, []byte("BEFORE=1"), 0o644); err != nil { // no newline at its end
		t.Fatal(err)
	}
	if err := os.WriteFile(github, []byte("before=1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := Detect(lookup(map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": github, "DRONE_OUTPUT": drone}))
	warnings, err := h.WriteOutputs(sample, dotenv)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v, warnings %q", err, warnings)
	}
	want := map[string]string{
		"before": "1", "status": "done", "deployment-id": "a1,b2", "commit": sample.Commit, "url": sample.URL,
		"dashboard-url": sample.DashboardURL, "duration": "241", "deployments": sample.Deployments,
	}
	if diff := cmp.Diff(want, readOutputs(t, github)); diff != "" {
		t.Errorf("GITHUB_OUTPUT (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sampleDotenv, read(t, drone)); diff != "" {
		t.Errorf("DRONE_OUTPUT (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("BEFORE=1\n"+sampleDotenv, read(t, dotenv)); diff != "" {
		t.Errorf("output-file (-want +got):\n%s", diff)
	}
	// A second run's values come after the first one's.
	if _, err := h.WriteOutputs(Outputs{Status: "error"}, dotenv); err != nil {
		t.Fatal(err)
	}
	if got := readOutputs(t, github); got["status"] != "error" || got["url"] != "" || got["before"] != "1" {
		t.Errorf("after a second run: %q", got)
	}
	if got := read(t, dotenv); strings.Count(got, "\n") != 1+2*len(OutputTable) || strings.Contains(got, "\n\n") {
		t.Errorf("after a second run:\n%s", got)
	}
}

func TestSameFileOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	h := Detect(lookup(map[string]string{"DRONE": "true", "DRONE_OUTPUT": path}))
	if _, err := h.WriteOutputs(sample, filepath.Dir(path)+"/./out"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sampleDotenv, read(t, path)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A value from a server adds no output and no line.
func TestOutputsNotForged(t *testing.T) {
	const evil = "x\ninjected=1\r\n_GitHubActionsFileCommandDelimeter_\nstatus<<E\ndone\nE\n\x1b[31m\u0085$(id) `id` $CI_JOB_TOKEN #\xff"
	deployments, err := json.Marshal([]map[string]string{{"error": "$CI_JOB_TOKEN `id` #1 \\# é"}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	github, dotenv := filepath.Join(dir, "github"), filepath.Join(dir, "dotenv")
	h := Detect(lookup(map[string]string{"GITHUB_OUTPUT": github}))
	o := Outputs{Status: evil, DeploymentID: evil, URL: "https://x/$HOME`id` y", DashboardURL: evil, Deployments: string(deployments)}
	if _, err := h.WriteOutputs(o, dotenv); err != nil {
		t.Fatal(err)
	}
	got := readOutputs(t, github)
	if len(got) != len(OutputTable) || got["deployments"] != string(deployments) {
		t.Errorf("GITHUB_OUTPUT: %q", got)
	}
	values := map[string]string{}
	for line := range strings.Lines(read(t, dotenv)) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		values[k] = v
		if !strings.HasPrefix(k, "DOKPLOY_") || strings.ContainsAny(v, "\r\x1b\u0085") {
			t.Errorf("dotenv line %q", line)
		}
	}
	if len(values) != len(OutputTable) {
		t.Errorf("dotenv: %q", values)
	}
	if got := values["DOKPLOY_DEPLOYED_URL"]; got != "https://x/%24HOME%60id%60%20y" {
		t.Errorf("URL %q", got)
	}
	if strings.ContainsAny(values["DOKPLOY_DEPLOYMENTS"], "$`#") {
		t.Errorf("a reader may expand or cut %s", values["DOKPLOY_DEPLOYMENTS"])
	}
	var before, after any
	if json.Unmarshal(deployments, &before) != nil || json.Unmarshal([]byte(values["DOKPLOY_DEPLOYMENTS"]), &after) != nil || !cmp.Equal(before, after) {
		t.Errorf("JSON changed: %v became %v", before, after)
	}
}

func TestGitLabLimit(t *testing.T) {
	base := len(sampleDotenv) - len(sample.Deployments)
	gitlab := Detect(lookup(map[string]string{"GITLAB_CI": "true"}))
	for _, tt := range []struct {
		name        string
		host        Host
		before      int // bytes in the file
		deployments int // bytes
		left        bool
		warnings    int
	}{
		{"just fits", gitlab, 0, maxGitLab - base - 2, true, 0},
		{"one too many", gitlab, 0, maxGitLab - base - 1, false, 1},
		{"because of what is there", gitlab, 4000, 1200, false, 1},
		{"not even so", gitlab, 5100, 10, false, 2},
		{"another host", Detect(lookup(nil)), 0, 10000, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			if tt.before > 0 {
				if err := os.WriteFile(path, []byte("X="+strings.Repeat("x", tt.before-3)+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			o := sample
			o.Deployments = `["` + strings.Repeat("d", tt.deployments-4) + `"]`
			warnings, err := tt.host.WriteOutputs(o, path)
			if err != nil {
				t.Fatal(err)
			}
			text := read(t, path)
			if got := strings.Contains(text, "DOKPLOY_DEPLOYMENTS="+o.Deployments); got != tt.left || len(warnings) != tt.warnings {
				t.Errorf("deployments there: %v, warnings %q", got, warnings)
			}
			if tt.host.name == "GitLab CI" && tt.warnings < 2 && len(text) >= maxGitLab {
				t.Errorf("GitLab refuses %d bytes", len(text))
			}
			if !strings.Contains(text, "DOKPLOY_STATUS=done\n") {
				t.Error("the status is missing")
			}
		})
	}
}

// Each file is tried, whatever happened to the others, and nothing panics.
func TestOutputErrors(t *testing.T) {
	dir := t.TempDir()
	nowhere, good := filepath.Join(dir, "no", "where"), filepath.Join(dir, "good")
	h := Detect(lookup(map[string]string{"GITHUB_OUTPUT": nowhere, "DRONE_OUTPUT": dir}))
	_, err := h.WriteOutputs(sample, good)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"GITHUB_OUTPUT", nowhere, "DRONE_OUTPUT", dir} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
	if got := read(t, good); got != sampleDotenv {
		t.Errorf("output-file:\n%s", got)
	}
	if _, err := h.WriteOutputs(sample, filepath.Join(nowhere, "file")); err == nil || !strings.Contains(err.Error(), "output-file") {
		t.Errorf("output-file in a folder that is not there: %v", err)
	}
	if _, err := (Host{}).WriteOutputs(sample, ""); err != nil {
		t.Errorf("nowhere to write to: %v", err)
	}
}

func TestReadOnlyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		t.Fatal(err)
	}
	readOnly := path
	if os.Geteuid() == 0 {
		// Root can write everywhere except where the kernel itself refuses.
		readOnly = "/sys/kernel/uevent_seqnum"
	}
	if _, err := (Host{}).WriteOutputs(sample, readOnly); err == nil || !strings.Contains(err.Error(), readOnly) {
		t.Errorf("error %v", err)
	}
	if err := os.Chmod(path, 0o222); err != nil { // write-only
		t.Fatal(err)
	}
	if _, err := (Host{}).WriteOutputs(sample, path); err != nil {
		t.Error(err)
	}
}

func TestOutputTable(t *testing.T) {
	var names []string
	for _, o := range OutputTable {
		names = append(names, o.Name)
		if o.Meaning == "" {
			t.Errorf("%s has no meaning", o.Name)
		}
	}
	want := "[status deployment-id commit url dashboard-url duration deployments]"
	if got := fmt.Sprint(names); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
