package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const sha = "3f2a91c0de3f2a91c0de3f2a91c0de3f2a91c0de"

// pairs joins names and values to NAME=value.
func pairs(list ...string) []string {
	var out []string
	for i := 0; i < len(list); i += 2 {
		out = append(out, list[i]+"="+list[i+1])
	}
	return out
}

// TestFollow: what can be followed, and which inputs cannot be combined with
// it.
func TestFollow(t *testing.T) {
	run := Facts{Commit: sha, Head: sha}
	pull := Facts{Commit: sha, Head: sha, PullRequest: "12"}
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	const nothing = "cannot be combined with operation: follow, which starts nothing"
	tests := []struct {
		name     string
		facts    Facts
		vars     []string
		want     *Follow
		problems []string
		warnings []string
	}{
		{"the commit of the run", run, nil, &Follow{Commit: sha, StartTimeout: minutes(2)}, nil, nil},
		{
			"all of it", run, []string{"INPUT_COMMIT", "3F2A91C", "INPUT_PREVIEW", "#7", "INPUT_START-TIMEOUT", "5m", "INPUT_IF-NONE", "skip"},
			&Follow{Commit: "3f2a91c", Preview: 7, StartTimeout: minutes(5), SkipIfNone: true}, nil, []string{"preview: taken to mean 7"},
		},
		{"a commit of its own", run, []string{"DOKPLOY_COMMIT", strings.Repeat("a", 64)}, &Follow{Commit: strings.Repeat("a", 64), StartTimeout: minutes(2)}, nil, nil},
		{"the preview of the run", pull, []string{"PLUGIN_PREVIEW", "auto"}, &Follow{Commit: sha, Preview: 12, StartTimeout: minutes(2)}, nil, nil},
		{"the preview of the run, with a capital", pull, []string{"PLUGIN_PREVIEW", "Auto"}, &Follow{Commit: sha, Preview: 12, StartTimeout: minutes(2)}, nil, nil},
		{"if-none: fail", run, []string{"INPUT_IF_NONE", "fail"}, &Follow{Commit: sha, StartTimeout: minutes(2)}, nil, nil},
		{"rollback: false", run, []string{"INPUT_ROLLBACK", "false", "INPUT_WAIT", "true"}, &Follow{Commit: sha, StartTimeout: minutes(2)}, nil, nil},
		{
			"no commit", Facts{}, nil, nil,
			[]string{"commit: is required outside CI: give the hash of the commit whose deployment is meant, as git rev-parse HEAD prints it"}, nil,
		},
		{
			"no commit in CI", Facts{Checkout: "there"}, nil, nil,
			[]string{"commit: is not set, and this CI run does not say which commit it is for; give its hash"}, nil,
		},
		{
			"a preview for a comment", Facts{Commit: sha, PullRequest: "12", Checkout: "there"}, []string{"INPUT_PREVIEW", "auto"}, nil,
			[]string{"commit: is not set, and this CI run does not say which commit is the pull request's newest; give its hash"}, nil,
		},
		{
			"the head of a merged pull request", Facts{Commit: strings.Repeat("a", 40), Head: sha, PullRequest: "12"}, []string{"INPUT_PREVIEW", "auto"},
			&Follow{Commit: sha, Preview: 12, StartTimeout: minutes(2)}, nil, nil,
		},
		{
			"a branch", run, []string{"INPUT_COMMIT", "main"}, nil,
			[]string{`commit: "main" is not the hash of a commit, which is 7 to 64 hex digits; in CI leave it empty for the commit of the run`}, nil,
		},
		{
			"zeros", run, []string{"INPUT_COMMIT", strings.Repeat("0", 40)}, nil,
			[]string{`commit: "` + strings.Repeat("0", 40) + `" stands for no commit: Git hosts send it where a branch is new or was deleted`}, nil,
		},
		{"zeros, and not only", run, []string{"INPUT_COMMIT", "0000001"}, &Follow{Commit: "0000001", StartTimeout: minutes(2)}, nil, nil},
		{"too short", run, []string{"INPUT_COMMIT", "3f2a91"}, nil, []string{`commit: "3f2a91" is not the hash of a commit, which is 7 to 64 hex digits; in CI leave it empty for the commit of the run`}, nil},
		{
			"too long", run, []string{"INPUT_COMMIT", strings.Repeat("a", 65)}, nil,
			[]string{`commit: "` + strings.Repeat("a", 65) + `" is not the hash of a commit, which is 7 to 64 hex digits; in CI leave it empty for the commit of the run`}, nil,
		},
		{
			"auto on a branch", run, []string{"INPUT_PREVIEW", "auto"}, nil,
			[]string{"preview: auto is the pull request of the CI run, and this run is about none; give its number, or run the step for pull requests only"}, nil,
		},
		{
			"auto with an odd number", Facts{Commit: sha, PullRequest: "x"}, []string{"INPUT_PREVIEW", "auto"}, nil,
			[]string{`preview: auto is the pull request of the CI run, and "x" is no number of one; give it`}, nil,
		},
		{"no number", run, []string{"INPUT_PREVIEW", "main"}, nil, []string{`preview: "main" is neither auto nor the number of a pull request`}, nil},
		{"zero", run, []string{"INPUT_PREVIEW", "0"}, nil, []string{`preview: "0" is neither auto nor the number of a pull request`}, nil},
		{"with a plus", run, []string{"INPUT_PREVIEW", "+7"}, nil, []string{`preview: "+7" is neither auto nor the number of a pull request`}, nil},
		{"a hash sign alone", run, []string{"INPUT_PREVIEW", "#"}, nil, []string{`preview: "#" is neither auto nor the number of a pull request`}, nil},
		{
			"preview of a compose service", pull, []string{"INPUT_COMPOSE", "stack", "INPUT_PREVIEW", "auto"}, nil,
			[]string{"preview: is for applications, and compose names a service that has no previews: follow it in a step of its own"}, nil,
		},
		{"if-none: later", run, []string{"INPUT_IF-NONE", "later"}, nil, []string{`if-none: "later" is not one of fail, skip`}, nil},
		{"start-timeout: soon", run, []string{"INPUT_START-TIMEOUT", "soon"}, nil, []string{`start-timeout: "soon" is not a duration; write one such as 90s or 30m, or whole seconds`}, nil},
		{
			"start-timeout above timeout", run, []string{"INPUT_START-TIMEOUT", "1h", "INPUT_TIMEOUT", "10m"}, &Follow{Commit: sha, StartTimeout: time.Hour}, nil,
			[]string{"start-timeout: 1h is more than timeout (10m), which cuts it short"},
		},
		{
			"max-parallel", run, []string{"INPUT_MAX-PARALLEL", "2"}, &Follow{Commit: sha, StartTimeout: minutes(2)}, nil,
			[]string{"max-parallel: has no effect with operation: follow: all services are watched from the start"},
		},
		{
			"fail-fast, of one service", run, []string{"INPUT_FAIL-FAST", "true"}, &Follow{Commit: sha, StartTimeout: minutes(2)}, nil,
			[]string{"fail-fast: has no effect with operation: follow: all services are watched from the start"},
		},
		{"rollback: no", run, []string{"INPUT_ROLLBACK", "no"}, nil, []string{`rollback: "no" is neither true nor false; write false`}, nil},
		{"env-mode: replace", run, []string{"INPUT_ENV-MODE", "replace"}, nil, []string{"env-mode: " + nothing}, nil},
		{"env-mode: merge", run, []string{"INPUT_ENV-MODE", "merge"}, &Follow{Commit: sha, StartTimeout: minutes(2)}, nil, nil},
		{"image", run, []string{"INPUT_IMAGE", "a:1"}, nil, []string{"image: " + nothing}, nil},
		{"image, from elsewhere", run, []string{"DOKPLOY_IMAGE", "a:1"}, nil, []string{"image: " + nothing + ". The variable DOKPLOY_IMAGE is read as this input: if it is your own, unset it for this step"}, nil},
		{"env", run, []string{"INPUT_ENV", "A=1"}, nil, []string{"env: " + nothing}, nil},
		{"rollback", run, []string{"INPUT_ROLLBACK", "true"}, nil, []string{"rollback: " + nothing}, nil},
		{
			"title and description", run, []string{"INPUT_TITLE", "x", "INPUT_DESCRIPTION", "y"}, nil,
			[]string{"title: " + nothing, "description: " + nothing}, nil,
		},
		{"wait: false", run, []string{"INPUT_WAIT", "FALSE"}, nil, []string{"wait: false cannot be combined with operation: follow, which does nothing but wait"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := loadVars(tt.facts, pairs(append([]string{"INPUT_OPERATION", "follow"}, tt.vars...)...)...)
			if diff := cmp.Diff(tt.problems, problems(t, err)); diff != "" {
				t.Errorf("problems:\n%s", diff)
			}
			var warnings []string
			for _, w := range c.Warnings {
				warnings = append(warnings, w.Input+": "+w.Text)
			}
			if diff := cmp.Diff(tt.warnings, warnings); diff != "" {
				t.Errorf("warnings:\n%s", diff)
			}
			if tt.problems == nil {
				if diff := cmp.Diff(tt.want, c.Follow); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// TestFollowRefusesFiles: inputs that name files are refused before the files
// are read, whether they exist or not.
func TestFollowRefusesFiles(t *testing.T) {
	for _, input := range []string{"COMPOSE-FILE", "SOURCE"} {
		_, err := loadVars(Facts{Commit: sha}, pairs("INPUT_OPERATION", "follow", "INPUT_"+input, t.TempDir()+"/none")...)
		want := []string{strings.ToLower(input) + ": cannot be combined with operation: follow, which starts nothing"}
		if diff := cmp.Diff(want, problems(t, err)); diff != "" {
			t.Error(diff)
		}
	}
}

// TestWithoutFollow: inputs for follow have no meaning without it.
func TestWithoutFollow(t *testing.T) {
	for _, tt := range []struct {
		vars               []string
		problems, warnings []string
	}{
		{nil, nil, nil},
		{
			[]string{"INPUT_COMMIT", sha}, []string{"commit: is for operation: follow, which is not set; without it the step starts a deployment of its own"}, nil,
		},
		{
			[]string{"PLUGIN_PREVIEW", "7", "PLUGIN_START_TIMEOUT", "1m", "PLUGIN_IF_NONE", "skip"}, []string{
				"preview: is for operation: follow, which is not set; without it the step starts a deployment of its own",
				"start-timeout: is for operation: follow, which is not set; without it the step starts a deployment of its own",
				"if-none: is for operation: follow, which is not set; without it the step starts a deployment of its own",
			}, nil,
		},
		{
			[]string{"DOKPLOY_COMMIT", "main", "DOKPLOY_PREVIEW", "auto", "DOKPLOY_START_TIMEOUT", "x", "DOKPLOY_IF_NONE", "y"}, nil, []string{
				"commit: DOKPLOY_COMMIT is for operation: follow, and has no effect here",
				"preview: DOKPLOY_PREVIEW is for operation: follow, and has no effect here",
				"start-timeout: DOKPLOY_START_TIMEOUT is for operation: follow, and has no effect here",
				"if-none: DOKPLOY_IF_NONE is for operation: follow, and has no effect here",
			},
		},
		{[]string{"INPUT_COMMIT", sha, "INPUT_OPERATION", "folow"}, []string{`operation: "folow" is not one of deploy, redeploy, follow; write follow`}, nil},
		{
			[]string{"INPUT_COMMIT", "main", "INPUT_PREVIEW", "auto"}, []string{
				"commit: is for operation: follow, which is not set; without it the step starts a deployment of its own",
				"preview: is for operation: follow, which is not set; without it the step starts a deployment of its own",
			}, nil,
		},
		{[]string{"INPUT_PREVIEW", "auto", "INPUT_OPERATION", "folow"}, []string{`operation: "folow" is not one of deploy, redeploy, follow; write follow`}, nil},
	} {
		c, err := loadVars(Facts{Commit: sha}, pairs(tt.vars...)...)
		var warnings []string
		for _, w := range c.Warnings {
			warnings = append(warnings, w.Input+": "+w.Text)
		}
		if diff := cmp.Diff(tt.problems, problems(t, err)) + cmp.Diff(tt.warnings, warnings); diff != "" {
			t.Errorf("%v:\n%s", tt.vars, diff)
		}
		if c.Follow != nil {
			t.Errorf("%v: %+v", tt.vars, c.Follow)
		}
	}
}
