package ci

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPushed: what a run is for says whether its commit is that of a tag, or was
// merged into the branch.
func TestPushed(t *testing.T) {
	event := func(text string) string {
		file := filepath.Join(t.TempDir(), "event.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, tt := range map[string]struct {
		vars        map[string]string
		tag, merged bool
	}{
		"GitHub, a branch":    {map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REF_TYPE": "branch", "CI_COMMIT_TAG": "v1"}, false, false},
		"GitHub, a tag":       {map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REF_TYPE": "tag"}, true, false},
		"GitHub, merged":      {map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": event(`{"pull_request":{"merged":true}}`)}, false, true},
		"GitHub, not merged":  {map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": event(`{"pull_request":{"merged":false}}`)}, false, false},
		"GitLab, a tag":       {map[string]string{"GITLAB_CI": "true", "CI_COMMIT_TAG": "v1"}, true, false},
		"GitLab, a branch":    {map[string]string{"GITLAB_CI": "true", "CI_COMMIT_TAG": ""}, false, false},
		"Drone, a tag":        {map[string]string{"DRONE": "true", "DRONE_TAG": "v1"}, true, false},
		"a shell with a name": {map[string]string{"TAG_NAME": "v1"}, false, false},
	} {
		h := Detect(lookup(tt.vars))
		if h.Tag() != tt.tag || h.Merged() != tt.merged {
			t.Errorf("%s: tag %v, merged %v", name, h.Tag(), h.Merged())
		}
	}
}
