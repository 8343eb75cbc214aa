package ci

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoSecrets: only runs of forks and of Dependabot.
func TestNoSecrets(t *testing.T) {
	const (
		fork    = `{"pull_request":{"head":{"repo":{"full_name":"bob/shop"}},"base":{"repo":{"full_name":"acme/shop"}}}}`
		own     = `{"pull_request":{"head":{"repo":{"full_name":"Acme/shop"}},"base":{"repo":{"full_name":"acme/shop"}}}}`
		noBase  = `{"pull_request":{"head":{"repo":{"full_name":"bob/shop"}}}}`
		deleted = `{"pull_request":{"head":{"repo":null},"base":{"repo":{"full_name":"acme/shop"}}}}`
	)
	for _, tt := range []struct {
		name, env, event string
		want             string
	}{
		{"fork", "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request", fork, "comes from a fork"},
		{"fork, reviewed", "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request_review", fork, "comes from a fork"},
		{"fork, by the repository", "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request GITHUB_REPOSITORY=acme/shop", noBase, "comes from a fork"},
		{"fork on Forgejo", "FORGEJO_ACTIONS=true GITHUB_EVENT_NAME=pull_request", fork, "comes from a fork"},
		{"target", "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request_target", fork, ""},
		{"own branch", "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request", own, ""},
		{"deleted", "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request", deleted, ""},
		{"no event", "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request GITHUB_REPOSITORY=acme/shop", "", ""},
		{"push", "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=push GITHUB_REPOSITORY=acme/shop", `{"head_commit":{"message":"x"}}`, ""},
		{"dependabot", "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request GITHUB_ACTOR=dependabot[bot]", own, "started by Dependabot"},
		{"dependabot's push", "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=push GITHUB_ACTOR=dependabot[bot]", "{}", "started by Dependabot"},
		{"renovate", "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request GITHUB_ACTOR=renovate[bot]", own, ""},
		{"GitLab's fork", "GITLAB_CI=true CI_MERGE_REQUEST_SOURCE_PROJECT_PATH=bob/shop CI_MERGE_REQUEST_PROJECT_PATH=acme/shop", "", "comes from a fork"},
		{"GitLab's own", "GITLAB_CI=true CI_MERGE_REQUEST_SOURCE_PROJECT_PATH=acme/shop CI_MERGE_REQUEST_PROJECT_PATH=acme/shop", "", ""},
		{"GitLab", "GITLAB_CI=true", "", ""},
		{"GitLab, unprotected", "GITLAB_CI=true CI_COMMIT_REF_PROTECTED=false", "", "this branch or tag is not protected"},
		{"GitLab, protected", "GITLAB_CI=true CI_COMMIT_REF_PROTECTED=true", "", ""},
		{"Woodpecker's pull request", "CI=woodpecker CI_PIPELINE_EVENT=pull_request DRONE_BUILD_EVENT=pull_request", "", "Woodpecker passes a secret to it only if"},
		{"Woodpecker, closed", "CI=woodpecker CI_PIPELINE_EVENT=pull_request_closed", "", "Woodpecker passes a secret to it only if"},
		{"Woodpecker", "CI=woodpecker CI_PIPELINE_EVENT=push DRONE_BUILD_EVENT=push", "", ""},
		{"Drone's pull request", "DRONE=true DRONE_BUILD_EVENT=pull_request", "", "Drone passes a secret to it only if"},
		{"Drone", "DRONE=true DRONE_BUILD_EVENT=push", "", ""},
		{"CircleCI's fork", "CIRCLECI=true CIRCLE_PR_REPONAME=shop", "", "comes from a fork"},
		{"CircleCI", "CIRCLECI=true", "", ""},
		{"shell", "GITHUB_ACTOR=dependabot[bot]", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := map[string]string{}
			for pair := range strings.FieldsSeq(tt.env) {
				name, value, _ := strings.Cut(pair, "=")
				env[name] = value
			}
			if tt.event != "" {
				env["GITHUB_EVENT_PATH"] = filepath.Join(t.TempDir(), "event.json")
				if err := os.WriteFile(env["GITHUB_EVENT_PATH"], []byte(tt.event), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			host := Detect(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
			if got := host.NoSecrets(); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestCheckout: each host has its own term, a shell has none.
func TestCheckout(t *testing.T) {
	seen := map[string]string{}
	for _, h := range hosts {
		text := Host{hostTraits: h}.Checkout()
		if text == "" || seen[text] != "" && !h.actions {
			t.Errorf("%s: %q, as %s", h.name, text, seen[text])
		}
		seen[text] = h.name
	}
	if text := (Host{}).Checkout(); text != "" {
		t.Errorf("a shell: %q", text)
	}
}
