package ci

import "testing"

// Each host has its own way to say which repository a run is for.
func TestRepository(t *testing.T) {
	for _, tt := range []struct {
		env, variable, value, want string
	}{
		{env: "github", want: "https://github.com/acme/shop"},
		{env: "github-pull-request", want: "https://github.com/acme/shop"},
		{env: "forgejo", want: "https://code.example.org/acme/shop"},
		{env: "gitea", want: "https://gitea.example.org/acme/shop"},
		{env: "bitbucket", want: "http://bitbucket.org/acme/shop"},
		{env: "gitlab", variable: "CI_PROJECT_URL", value: "https://gitlab.example.org/group/sub/shop", want: "https://gitlab.example.org/group/sub/shop"},
		{env: "woodpecker", variable: "CI_REPO_URL", value: "https://codeberg.org/acme/shop", want: "https://codeberg.org/acme/shop"},
		{env: "woodpecker", variable: "CI_REPO_LINK", value: "https://codeberg.org/acme/shop", want: "https://codeberg.org/acme/shop"}, // before 1.0
		{env: "drone", variable: "DRONE_REPO_LINK", value: "https://github.com/acme/shop", want: "https://github.com/acme/shop"},
		{env: "circleci", variable: "CIRCLE_REPOSITORY_URL", value: "git@github.com:acme/shop.git", want: "git@github.com:acme/shop.git"},
		{env: "jenkins", variable: "GIT_URL", value: "https://git.example.org/acme/shop.git", want: "https://git.example.org/acme/shop.git"},
		{env: "github", variable: "GITHUB_SERVER_URL", value: "", want: ""},
		{env: "shell", variable: "GIT_URL", value: "https://git.example.org/acme/shop.git", want: ""},
	} {
		vars := env(t, tt.env)
		if tt.variable != "" {
			vars[tt.variable] = tt.value
		}
		if got := Detect(lookup(vars)).Repository(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.env, got, tt.want)
		}
	}
}
