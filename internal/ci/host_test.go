package ci

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const envDir = "../../testdata/env"

// env reads testdata/env/<name>.env. A value in double quotes is a Go string.
// The event file, if there is one, is next to it.
func env(t testing.TB, name string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(envDir, name+".env"))
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{}
	for line := range strings.Lines(string(text)) {
		k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok {
			t.Fatalf("%s: %q is no variable", name, line)
		}
		if strings.HasPrefix(v, `"`) {
			if v, err = strconv.Unquote(v); err != nil {
				t.Fatalf("%s: %s: %v", name, k, err)
			}
		}
		vars[k] = v
	}
	if event := filepath.Join(envDir, name+".event.json"); vars["GITHUB_EVENT_PATH"] != "" {
		vars["GITHUB_EVENT_PATH"] = event
	}
	return vars
}

func lookup(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

const (
	sha = "3f2a91c7be01d4a5f60718293a4b5c6d7e8f9012"
	// GITHUB_SHA is the merge that GitHub made to test a pull request.
	pullRequestHead = "8c0de1f2a3b4c5d6e7f8091a2b3c4d5e6f708192"
)

func TestHosts(t *testing.T) {
	const message, title = "Fix the cart total\n\nIt was rounded twice.", "Fix the cart total"
	for _, tt := range []struct {
		env, name   string
		commit      Commit
		title       string
		description string
	}{
		{"github", "GitHub Actions",
			Commit{sha, message, "alice", "", "https://github.com/acme/shop/actions/runs/9876543210", "main"},
			title, "3f2a91c by alice · https://github.com/acme/shop/actions/runs/9876543210"},
		{"github-pull-request", "GitHub Actions",
			Commit{pullRequestHead, "Round the cart total once", "alice", "12", "https://github.com/acme/shop/actions/runs/9876543210", "12/merge"},
			"Round the cart total once", "8c0de1f by alice · #12 · https://github.com/acme/shop/actions/runs/9876543210"},
		{"forgejo", "Forgejo Actions",
			Commit{sha, message, "alice", "", "https://code.example.org/acme/shop/actions/runs/36", "main"},
			title, "3f2a91c by alice · https://code.example.org/acme/shop/actions/runs/36"},
		{"gitea", "Gitea Actions",
			Commit{sha, message, "alice", "", "https://gitea.example.org/acme/shop/actions/runs/44", "main"},
			title, "3f2a91c by alice · https://gitea.example.org/acme/shop/actions/runs/44"},
		{"gitlab", "GitLab CI",
			Commit{sha, title, "Alice Ng", "", "https://gitlab.example.com/acme/shop/-/jobs/771144", ""},
			title, "3f2a91c by Alice Ng · https://gitlab.example.com/acme/shop/-/jobs/771144"},
		{"gitlab-merge-request", "GitLab CI",
			Commit{sha, title, "Alice Ng", "12", "https://gitlab.example.com/acme/shop/-/jobs/771144", ""},
			title, "3f2a91c by Alice Ng · #12 · https://gitlab.example.com/acme/shop/-/jobs/771144"},
		{"woodpecker", "Woodpecker",
			Commit{sha, message, "alice", "", "https://ci.example.com/repos/7/pipeline/8", "main"},
			title, "3f2a91c by alice · https://ci.example.com/repos/7/pipeline/8"},
		{"woodpecker-pull-request", "Woodpecker",
			Commit{sha, message, "alice", "12", "https://ci.example.com/repos/7/pipeline/8", "pull/12/head"},
			title, "3f2a91c by alice · #12 · https://ci.example.com/repos/7/pipeline/8"},
		{"drone", "Drone",
			Commit{sha, message, "alice", "", "https://drone.example.com/acme/shop/42", "main"},
			title, "3f2a91c by alice · https://drone.example.com/acme/shop/42"},
		{"drone-pull-request", "Drone",
			Commit{sha, message, "alice", "12", "https://drone.example.com/acme/shop/42", "main"},
			title, "3f2a91c by alice · #12 · https://drone.example.com/acme/shop/42"},
		{"bitbucket", "Bitbucket Pipelines",
			Commit{sha, "", "", "12", "http://bitbucket.org/acme/shop/pipelines/results/42", "main"},
			"main", "3f2a91c · #12 · http://bitbucket.org/acme/shop/pipelines/results/42"},
		{"circleci", "CircleCI",
			Commit{sha, "", "alice", "12", "https://circleci.com/gh/acme/shop/42", "round-once"},
			"round-once", "3f2a91c by alice · #12 · https://circleci.com/gh/acme/shop/42"},
		{"jenkins", "Jenkins",
			Commit{sha, "Round the cart total once", "alice", "12", "https://jenkins.example.com/job/shop/job/PR-12/42/", "PR-12"},
			"Round the cart total once", "3f2a91c by alice · #12 · https://jenkins.example.com/job/shop/job/PR-12/42/"},
		{"shell", "", Commit{}, "", ""},
	} {
		t.Run(tt.env, func(t *testing.T) {
			h := Detect(lookup(env(t, tt.env)))
			if h.name != tt.name {
				t.Errorf("name %q, want %q", h.name, tt.name)
			}
			c := h.Commit()
			if diff := cmp.Diff(tt.commit, c); diff != "" {
				t.Errorf("commit (-want +got):\n%s", diff)
			}
			if c.Title() != tt.title {
				t.Errorf("title %q, want %q", c.Title(), tt.title)
			}
			if c.Description() != tt.description {
				t.Errorf("description %q, want %q", c.Description(), tt.description)
			}
		})
	}
}

func TestDetectOrder(t *testing.T) {
	for _, tt := range []struct {
		vars map[string]string
		want string
	}{
		{nil, ""},
		{map[string]string{"CI": "true"}, ""},
		{map[string]string{"GITHUB_ACTIONS": "false"}, ""},
		{map[string]string{"DRONE": "1"}, ""},
		{map[string]string{"GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true"}, "Gitea Actions"},
		{map[string]string{"GITHUB_ACTIONS": "true", "JENKINS_URL": "http://x"}, "GitHub Actions"},
		{map[string]string{"CI": "woodpecker", "DRONE": "true"}, "Woodpecker"},
		{map[string]string{"DRONE": "true", "CIRCLECI": "true"}, "Drone"},
		{map[string]string{"BITBUCKET_BUILD_NUMBER": "7", "CIRCLECI": "true"}, "Bitbucket Pipelines"},
	} {
		if got := Detect(lookup(tt.vars)).name; got != tt.want {
			t.Errorf("%v: %q, want %q", tt.vars, got, tt.want)
		}
	}
	if c := (Host{}).Commit(); c != (Commit{}) {
		t.Errorf("the zero Host builds %v", c)
	}
}

func TestTitleAndDescription(t *testing.T) {
	long := strings.Repeat("ä", 250)
	for _, tt := range []struct {
		commit             Commit
		title, description string
	}{
		{Commit{Message: "\n\n  subject\twith \x1b[31mcolour\x1b[0m  \r\nbody"}, "subject with  [31mcolour [0m", ""},
		{Commit{Message: long}, strings.Repeat("ä", 199) + "…", ""},
		{Commit{Message: strings.Repeat("ä", 200)}, strings.Repeat("ä", 200), ""},
		{Commit{Message: "bad \xff byte"}, "bad \uFFFD byte", ""},
		{Commit{SHA: "abc"}, "", "abc"},
		{Commit{Author: "bob"}, "", "by bob"},
		{Commit{RunURL: "https://x/1"}, "", "https://x/1"},
		{Commit{SHA: "äääää", Author: "a\nb"}, "", "äää by a b"},
	} {
		if got := tt.commit.Title(); got != tt.title {
			t.Errorf("%+v: title %q, want %q", tt.commit, got, tt.title)
		}
		if got := tt.commit.Description(); got != tt.description {
			t.Errorf("%+v: description %q, want %q", tt.commit, got, tt.description)
		}
	}
}
