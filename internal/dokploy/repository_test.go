package dokploy

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestSameRepository(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"https://github.com/acme/api", "https://github.com/acme/api.git", true},
		{"https://github.com/acme/api", "https://github.com/Acme/API/", true},
		{"https://github.com/acme/api", "https://x-access-token:SECRET@github.com/acme/api.git", true},
		{"https://github.com/acme/api", "git@github.com:acme/api.git", true},
		{"https://github.com/acme/api", "github.com:acme/api", true},
		{"https://github.com/acme/api", "ssh://git@github.com/acme/api.git", true},
		{"https://github.com/acme/api", "ssh://git@ssh.github.com:443/acme/api.git", true},
		{"https://git.example.com:8443/acme/api", "ssh://git@git.example.com:2222/acme/api.git", true},
		{"https://gitlab.com/a/b/c", "git@gitlab.com:a/b/c.git", true},
		{"https://gitlab.com/a/b/c", "git@gitlab.com:/a/b/c.git", true},
		{"git://GIT.example.com/acme/api", "http://git.example.com/acme/api", true},
		{"https://github.com/acme/api", "https://github.com/acme/web", false},
		{"https://github.com/acme/api", "https://github.com/other/api", false},
		{"https://github.com/acme/api", "https://gitlab.com/acme/api", false},
		{"https://gitlab.com/a/b/c", "https://gitlab.com/b/c", false},
		{"https://github.com/acme/api", "https://github.com/acme/api-git", false},
		{"https://example.com/api.git", "https://example.com/api.git", false}, // without an owner
		{"", "", false},
		{"api", "api", false},
		{"/srv/git/api.git", "/srv/git/api.git", false},
		{"file:///srv/git/api.git", "file:///srv/git/api.git", false},
		{"https://%zz/acme/api", "https://%zz/acme/api", false},
		{"acme/api", "acme/api", false},
	} {
		if got := SameRepository(tt.a, tt.b); got != tt.same {
			t.Errorf("%s, %s: %v", tt.a, tt.b, got)
		}
		if got := SameRepository(tt.b, tt.a); got != tt.same {
			t.Errorf("%s, %s: %v", tt.b, tt.a, got)
		}
	}
}

func TestRepositoryOfAService(t *testing.T) {
	for one, want := range map[string]string{
		`{"applicationId":"a","sourceType":"github","owner":"acme","repository":"api","branch":"main"}`:                                                                                          "https://github.com/acme/api main",
		`{"applicationId":"a","sourceType":"github","owner":null,"repository":"api","branch":"main"}`:                                                                                            " main",
		`{"composeId":"a","sourceType":"gitlab","gitlabPathNamespace":"g/sub/api","gitlabRepository":"api","gitlabOwner":"g","gitlabBranch":"prod","gitlab":{"gitlabUrl":"https://gitlab.com"}}`: "https://gitlab.com/g/sub/api prod",
		`{"applicationId":"a","sourceType":"gitlab","gitlabPathNamespace":"g/api","gitlabBranch":"main","gitlab":{"gitlabUrl":"https://git.example.com/gitlab/"}}`:                               "https://git.example.com/gitlab/g/api main",
		`{"applicationId":"a","sourceType":"gitlab","gitlabOwner":"g","gitlabRepository":"api","gitlabBranch":"main","gitlab":{"gitlabUrl":"https://gitlab.com"}}`:                               "https://gitlab.com/g/api main",
		`{"applicationId":"a","sourceType":"gitlab","gitlabOwner":"g","gitlabRepository":"api","gitlabBranch":"main"}`:                                                                           " main",
		`{"applicationId":"a","sourceType":"gitea","giteaOwner":"acme","giteaRepository":"api","giteaBranch":"main","gitea":{"giteaUrl":"https://codeberg.org"}}`:                                "https://codeberg.org/acme/api main",
		`{"applicationId":"a","sourceType":"bitbucket","bitbucketOwner":"acme","bitbucketRepository":"My API","bitbucketRepositorySlug":"my-api","bitbucketBranch":"m"}`:                         "https://bitbucket.org/acme/my-api m",
		`{"composeId":"a","sourceType":"git","customGitUrl":"git@git.example.com:acme/api.git","customGitBranch":"main","owner":"x","repository":"y","branch":"z"}`:                              "git@git.example.com:acme/api.git main",
		`{"applicationId":"a","sourceType":"docker","owner":"acme","repository":"api","branch":"main"}`:                                                                                          " ",
	} {
		kind := Application
		if strings.Contains(one, "composeId") {
			kind = Compose
		}
		c := serving(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, one) })
		s, err := c.Service(t.Context(), kind, "x")
		if err != nil {
			t.Fatal(err)
		}
		if got := string(s.Repository) + " " + s.Push.Branch; got != want || s.HasGit() != (s.SourceType != "docker") {
			t.Errorf("%s: %q, want %q", one, got, want)
		}
	}
}

func TestCommitOfARow(t *testing.T) {
	sha := strings.Repeat("0123456789", 4)
	for _, tt := range []struct {
		description, status, want string
	}{
		{"Commit: " + sha, StatusDone, sha},
		{"Commit: " + sha, StatusError, sha},
		{"Commit: " + sha + "\n", StatusDone, sha},
		{"Commit: " + strings.Repeat("ab", 32), StatusDone, strings.Repeat("ab", 32)},
		{"Commit: " + sha, StatusRunning, ""},
		{"Hash: " + sha, StatusDone, ""},
		{"Commit: ", StatusDone, ""},
		{"Commit: 0123456", StatusDone, ""},
		{"Commit: " + sha + " [dd-1234]", StatusDone, ""}, // our description
		{"Commit: " + strings.ToUpper(strings.Repeat("ab", 20)), StatusDone, ""},
		{"", StatusDone, ""},
	} {
		d := Deployment{Description: tt.description, Status: tt.status}
		if got := d.Commit(); got != tt.want {
			t.Errorf("%q, %s: %q", tt.description, tt.status, got)
		}
	}
}
