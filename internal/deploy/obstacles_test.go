package deploy

import (
	"slices"
	"testing"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// TestObstacles: which of a service's settings explain that a push has started
// nothing.
func TestObstacles(t *testing.T) {
	on, off := dokploy.Push{AutoDeploy: true, Branch: "main"}, dokploy.Push{Branch: "main"}
	tags, watches := on, on
	tags.OnTag = true
	watches.WatchPaths = []string{"api/**", "go.mod"}
	old, current := dokploy.Version{Minor: 29, Patch: 13}, dokploy.Version{Minor: 30, Patch: 2}
	main, feature, tag := Pushed{Ref: "main", Message: "feat: x"}, Pushed{Ref: "feature"}, Pushed{Ref: "v1", Tag: true}
	skip := Pushed{Ref: "main", Message: "docs [skip ci]"}
	for _, tt := range []struct {
		name    string
		source  string
		push    dokploy.Push
		pushed  Pushed
		version dokploy.Version
		want    []verdict.Obstacle
	}{
		{"none", "git", on, main, current, nil},
		{"auto-deploy is off", "git", off, main, current, []verdict.Obstacle{{Kind: verdict.AutoDeployOff}}},
		{"auto-deploy is off, and the source is an image", "docker", off, feature, current, []verdict.Obstacle{{Kind: verdict.AutoDeployOff}}},
		{"another branch", "gitea", on, feature, current, []verdict.Obstacle{{Kind: verdict.OtherBranch, Text: "main", Other: "the branch feature"}}},
		{"another branch, and the source is an image", "docker", on, feature, current, nil},
		{"a branch that nobody has set", "git", dokploy.Push{AutoDeploy: true}, feature, current, nil},
		{"a run that does not say its branch", "git", on, Pushed{}, current, nil},
		{"a tag is another branch", "gitlab", on, Pushed{Ref: "main", Tag: true}, current, []verdict.Obstacle{{Kind: verdict.OtherBranch, Text: "main", Other: "the tag main"}}},
		{"a pull request", "github", on, Pushed{Ref: "feature", PullRequest: "12"}, current, []verdict.Obstacle{{Kind: verdict.OtherBranch, Text: "main", Other: "pull request 12 from the branch feature"}}},
		{"a pull request of a fork", "github", on, Pushed{PullRequest: "12"}, current, []verdict.Obstacle{{Kind: verdict.OtherBranch, Text: "main", Other: "pull request 12"}}},
		{"a pull request from the branch that is deployed", "github", on, Pushed{Ref: "main", PullRequest: "12"}, current, nil},
		{"by tag, and a branch was pushed", "github", tags, main, current, []verdict.Obstacle{{Kind: verdict.OnTagOnly, Other: "the branch main"}}},
		{"by tag, and one was pushed", "github", tags, tag, current, nil},
		{"by tag, and it may be one", "github", tags, Pushed{Ref: "v1", Either: true}, current, []verdict.Obstacle{{Kind: verdict.TagWanted}}},
		{"a branch or a tag", "github", on, Pushed{Ref: "v1", Either: true}, current, []verdict.Obstacle{{Kind: verdict.OtherBranch, Text: "main", Other: "the branch or tag v1"}}},
		{"the branch, or a tag of its name", "github", on, Pushed{Ref: "main", Either: true}, current, nil},
		{"only GitHub's app heeds that", "gitea", tags, main, current, nil},
		{"watch paths", "git", watches, main, current, []verdict.Obstacle{{Kind: verdict.WatchPaths, Text: "api/**, go.mod"}}},
		{"watch paths, of an older server", "git", watches, main, old, []verdict.Obstacle{{Kind: verdict.WatchPathsOfModified, Text: "api/**, go.mod"}}},
		{"watch paths, and the source is an image", "docker", watches, main, current, nil},
		{"a skip keyword", "github", on, skip, current, []verdict.Obstacle{{Kind: verdict.SkipKeyword, Text: "[skip ci]"}}},
		{"only GitHub's app heeds it", "gitea", on, skip, current, nil},
		{"only in lower case", "github", on, Pushed{Ref: "main", Message: "docs [Skip CI]"}, current, nil},
		{"several", "git", dokploy.Push{Branch: "main", WatchPaths: []string{"a"}}, feature, current, []verdict.Obstacle{
			{Kind: verdict.AutoDeployOff}, {Kind: verdict.OtherBranch, Text: "main", Other: "the branch feature"}, {Kind: verdict.WatchPaths, Text: "a"},
		}},
	} {
		got := obstacles(&dokploy.Service{SourceType: tt.source, Push: tt.push}, tt.pushed, dokploy.TraitsOf(tt.version))
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		for _, o := range got {
			if o.String() == "" {
				t.Errorf("%s: no words for %q", tt.name, o.Kind)
			}
		}
	}
}
