package documents

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestComponent: every input of the component is used, and none is used that
// does not exist.
func TestComponent(t *testing.T) {
	text, err := fs.ReadFile(repository, "templates/deploy.yml")
	if err != nil {
		t.Fatal(err)
	}
	docs := documents(t, "templates/deploy.yml")
	if len(docs) != 2 {
		t.Fatalf("%d documents", len(docs))
	}
	_, jobs, _ := strings.Cut(string(text), "\n---\n")
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$\[\[ inputs\.([a-z-]+) \]\]`).FindAllStringSubmatch(jobs, -1) {
		used[m[1]] = true
	}
	if diff := cmp.Diff(docs[0].at("spec", "inputs").keys(), slices.Sorted(maps.Keys(used))); diff != "" {
		t.Errorf("inputs, and what is used of them:\n%s", diff)
	}
	job := docs[1].at("$[[ inputs.job-name ]]")
	file := job.at("artifacts", "reports", "dotenv").v
	if file != job.at("variables", "INPUT_OUTPUT_FILE").v || job.at("artifacts", "when").v != "always" || job.at("environment", "url").v != "$DOKPLOY_DEPLOYED_URL" {
		t.Error("the outputs do not reach the report or the environment")
	}
	// Without rules GitLab would run the job for every branch and tag.
	rules := docs[0].at("spec", "inputs", "job-rules")
	if job.at("rules").v != "$[[ inputs.job-rules ]]" || rules.at("type").v != "array" {
		t.Error("the job does not have the rules of its input")
	}
	if diff := cmp.Diff(documents(t, "examples/gitlab.yml")[0].at("deploy", "rules").v, rules.at("default").v); diff != "" {
		t.Errorf("the rules of the job in examples/gitlab.yml, and of the component:\n%s", diff)
	}
	if keys := docs[1].keys(); len(keys) != 1 {
		t.Errorf("a component sets nothing but its job: %q", keys)
	}
}

// TestActionsAndWorkflows: everything that runs is pinned to a commit, and no
// expression becomes part of a script.
func TestActionsAndWorkflows(t *testing.T) {
	files, err := fs.Glob(repository, ".github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	pinned := regexp.MustCompile(`^\s*(?:- )?uses: (?:\./\S*|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$`)
	for _, file := range append(files, "action.yml", "native/action.yml") {
		text, err := fs.ReadFile(repository, file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if strings.Contains(line, "uses: ") && !pinned.MatchString(line) {
				t.Errorf("%s:%d: not pinned: %s", file, i+1, line)
			}
		}
		doc := documents(t, file)[0]
		doc.each(func(m map[string]any) {
			if script, ok := m["run"].(string); ok && strings.Contains(script, "${{") {
				t.Errorf("%s: an expression in a script: %s", file, script)
			}
		})
		if strings.HasPrefix(file, ".github") {
			if permissions, ok := doc.at("permissions").v.(map[string]any); !ok || len(permissions) != 0 {
				t.Errorf("%s: permissions are given to the whole workflow", file)
			}
		}
	}
}

// TestImage: the rules for an image that GitHub, GitLab and the plugin hosts
// run.
func TestImage(t *testing.T) {
	text, err := fs.ReadFile(repository, "Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	last := string(text[bytes.LastIndex(text, []byte("\nFROM ")):])
	for _, no := range []string{"\nUSER ", "\nWORKDIR "} {
		if strings.Contains(last, no) {
			t.Errorf("the image sets%s", strings.ReplaceAll(no, "\n", " "))
		}
	}
	if !strings.Contains(last, "\nENTRYPOINT [\"/bin/dokploy-deploy\"]\n") {
		t.Error("the entry point is not in exec form: a shell would drop names with hyphens")
	}
}

// TestListing: the Marketplace cuts descriptions of 125 characters and more,
// and knows only these names of icons and colours.
func TestListing(t *testing.T) {
	action := documents(t, "action.yml")[0]
	if n := len(fmt.Sprint(action.at("description").v)); n >= 125 {
		t.Errorf("the description has %d characters", n)
	}
	if action.at("branding", "icon").v != "upload-cloud" || action.at("branding", "color").v != "blue" {
		t.Error("look whether the Marketplace knows that icon and colour")
	}
}

// TestPluginIndex: docs.md has what Woodpecker's plugin index shows.
func TestPluginIndex(t *testing.T) {
	head := documents(t, "docs.md")[0]
	want := []string{"author", "containerImage", "containerImageUrl", "description", "icon", "name", "tags", "url"}
	if diff := cmp.Diff(want, head.keys()); diff != "" {
		t.Error(diff)
	}
}
