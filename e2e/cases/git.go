package cases

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"time"
)

// gitlab is a GitLab job for {commit} of the repository.
var gitlab = []string{"GITLAB_CI=true", "CI_PROJECT_URL={repository}", "CI_COMMIT_SHA={commit}", "CI_COMMIT_REF_NAME={branch}", "CI_COMMIT_BRANCH={branch}"}

// commit adds a commit and sets {commit} to its hash and {short} to its
// beginning.
func commit(r *Run) {
	hash := r.Commit(r)
	r.Set("commit", hash)
	r.Set("short", hash[:7])
}

// movedOn adds another commit after {commit}: {next}, {nextShort}.
func movedOn(r *Run) {
	commit(r)
	next := r.Commit(r)
	r.Set("next", next)
	r.Set("nextShort", next[:7])
}

// builtCommit compares everything that reports the commit with the one that a
// name stands for.
func builtCommit(name string) func(*Run, *Outcome) {
	return func(r *Run, o *Outcome) {
		r.Helper()
		row, want := r.Row(o), r.Text("{"+name+"}")
		if got := o.Values["DOKPLOY_BUILT_COMMIT"]; got != want || o.Targets[0].Commit != want {
			r.Errorf("commit %q, of the target %q, want %q", got, o.Targets[0].Commit, want)
		}
		if row.Description != "Commit: "+want {
			r.Errorf("%+v", row)
		}
	}
}

// once: in addition, nobody else has deployed it.
func once(after func(*Run, *Outcome)) func(*Run, *Outcome) {
	return func(r *Run, o *Outcome) {
		r.Helper()
		after(r, o)
		if rows := r.Rows(o.Targets[0].ID); len(rows) != 1 {
			r.Errorf("%d deployments: %+v", len(rows), rows)
		}
	}
}

// none: nothing was deployed.
func none(name string) func(*Run, *Outcome) {
	return func(r *Run, _ *Outcome) {
		r.Helper()
		if rows := r.Rows(r.ID(name)); len(rows) > 0 {
			r.Errorf("%+v", rows)
		}
	}
}

const otherCommit = "! Dokploy built {nextShort}, not {short}: the branch has moved on"

// fromGit are cases with services with a Git source that the program deploys.
var fromGit = []Case{
	{
		Name: "the commit of an application", Needs: NeedsGit, Services: []Service{{Name: "app", Git: true}}, Before: commit, CI: gitlab,
		Inputs: []string{"application={app}", "verify=require"}, Status: "done", Says: []string{"{short}"}, Not: []string{"Dokploy built"}, After: once(builtCommit("commit")),
	},
	{
		Name: "the commit of a compose service", Needs: NeedsGit, Services: []Service{{Name: "stack", Git: true, Compose: true}}, Before: commit, CI: gitlab,
		Inputs: []string{"compose={stack}", "verify=require"}, Status: "done", Says: []string{"{short}"}, Not: []string{"Dokploy built"}, After: once(builtCommit("commit")),
	},
	{
		Name: "the branch of an application has moved on", Needs: NeedsGit, Services: []Service{{Name: "app", Git: true}}, Before: movedOn, CI: gitlab,
		Inputs: []string{"application={app}"}, Status: "done", Says: []string{otherCommit}, After: builtCommit("next"),
	},
	{
		Name: "the branch of a compose service has moved on", Needs: NeedsGit, Services: []Service{{Name: "stack", Git: true, Compose: true}}, Before: movedOn, CI: gitlab,
		Inputs: []string{"compose={stack}"}, Status: "done", Says: []string{otherCommit}, After: builtCommit("next"),
	},
	{
		Name: "a commit of another repository says nothing", Needs: NeedsGit, Services: []Service{{Name: "app", Git: true}}, Before: movedOn,
		CI:     []string{"GITLAB_CI=true", "CI_PROJECT_URL=https://git.example.net/acme/other", "CI_COMMIT_SHA={commit}", "CI_COMMIT_REF_NAME={branch}"},
		Inputs: []string{"application={app}"}, Status: "done", Not: []string{"Dokploy built"}, After: builtCommit("next"),
	},
}

// Push is a push that a Git host reports to Dokploy.
type Push struct {
	Host   string // gitea, gitlab
	Branch string // {branch} if empty
	File   string // the file that changed
}

// Push has the Git host call a service's webhook about {commit}, which must be
// answered with that status.
func (r *Run) Push(id string, p Push, status int) {
	r.Helper()
	hash, ref := r.Text("{commit}"), "refs/heads/"+r.Text(cmp.Or(p.Branch, "{branch}"))
	path := "/api/deploy/"
	if r.kinds[id] == "compose" {
		path += "compose/"
	}
	change := map[string]any{"id": hash, "message": "feat: pushed", "added": []string{}, "modified": []string{cmp.Or(p.File, "Dockerfile")}, "removed": []string{}}
	push := map[string]any{"ref": ref, "before": strings.Repeat("0", 40), "after": hash, "commits": []any{change}}
	header := http.Header{"Content-Type": {"application/json"}}
	switch p.Host {
	case "gitea": // gitea sends GitHub's header, too
		push["head_commit"] = change
		header.Set("X-Gitea-Event", "push")
		header.Set("X-Github-Event", "push")
	case "gitlab":
		push["checkout_sha"] = hash
		header.Set("X-Gitlab-Event", "Push Hook")
	default:
		r.Fatalf("no host %q", p.Host)
	}
	body, err := json.Marshal(push)
	if err != nil {
		r.Fatal(err)
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.url+path+r.Settings(id).RefreshToken, bytes.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	req.Header = header
	client := http.Client{Timeout: time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != status {
		r.Fatalf("the webhook answers %d, want %d", resp.StatusCode, status)
	}
}

// pushed: the Git host reports a commit before the program starts.
func pushed(name string, p Push, status int) func(*Run) {
	return func(r *Run) {
		r.Helper()
		commit(r)
		r.Push(r.ID(name), p, status)
	}
}

// late: ... and only after it has looked.
func late(name string, p Push) func(*Run, *os.Process) {
	return func(r *Run, _ *os.Process) {
		r.Helper()
		r.AwaitSaid("Dokploy shows no deployment of it yet")
		r.Push(r.ID(name), p, http.StatusOK)
	}
}

// fitsNot is Dokploy's answer to a push that does not match a service.
const fitsNot = http.StatusMovedPermanently

// followed are cases with deployments that Dokploy starts by itself.
var followed = []Case{
	{
		Name: "Gitea's push to an application", Needs: NeedsGit, Services: []Service{{Name: "app", Git: true}}, Before: pushed("app", Push{Host: "gitea"}, http.StatusOK),
		Inputs: []string{"application={app}", "operation=follow", "commit={commit}", "verify=require"}, Status: "done", Not: []string{"debug: POST"}, After: once(builtCommit("commit")),
	},
	{
		Name: "GitLab's push to an application", Needs: NeedsGit, Services: []Service{{Name: "app", Git: true}}, Before: pushed("app", Push{Host: "gitlab"}, http.StatusOK), CI: gitlab,
		Inputs: []string{"application={app}", "operation=follow"}, Status: "done", Not: []string{"debug: POST"}, After: once(builtCommit("commit")),
	},
	{
		Name: "Gitea's push to a compose service", Needs: NeedsGit, Services: []Service{{Name: "stack", Git: true, Compose: true}},
		Before: pushed("stack", Push{Host: "gitea"}, http.StatusOK), CI: gitlab,
		Inputs: []string{"compose={stack}", "operation=follow"}, Status: "done", Not: []string{"debug: POST"}, After: once(builtCommit("commit")),
	},
	{
		Name: "GitLab's push to a compose service", Needs: NeedsGit, Services: []Service{{Name: "stack", Git: true, Compose: true}},
		Before: pushed("stack", Push{Host: "gitlab"}, http.StatusOK),
		Inputs: []string{"compose={stack}", "operation=follow", "commit={commit}"}, Status: "done", Not: []string{"debug: POST"}, After: once(builtCommit("commit")),
	},
	{
		Name: "a push in a busy queue", Needs: NeedsGit, Services: []Service{{Name: "slow", Built: true}, {Name: "app", Git: true}},
		Before: func(r *Run) {
			longBuild(r, 8)
			pushed("app", Push{Host: "gitea"}, http.StatusOK)(r)
		},
		Inputs: []string{"application={app}", "operation=follow", "commit={commit}"}, Status: "done", Says: []string{"queued, next in line"}, Not: []string{"debug: POST"},
		After: once(builtCommit("commit")),
	},
	{
		Name: "a late push to an application", Needs: NeedsGit, Services: []Service{{Name: "app", Git: true}}, Before: commit, CI: gitlab,
		Inputs: []string{"application={app}", "operation=follow"}, During: late("app", Push{Host: "gitlab"}),
		Status: "done", Not: []string{"debug: POST"}, After: once(builtCommit("commit")),
	},
	{
		Name: "a late push to a compose service", Needs: NeedsGit, Services: []Service{{Name: "stack", Git: true, Compose: true}}, Before: commit, CI: gitlab,
		Inputs: []string{"compose={stack}", "operation=follow"}, During: late("stack", Push{Host: "gitea"}),
		Status: "done", Not: []string{"debug: POST"}, After: once(builtCommit("commit")),
	},
	{
		Name: "a push to another branch", Needs: NeedsGit, Services: []Service{{Name: "app", Git: true}},
		Before: pushed("app", Push{Host: "gitea", Branch: "another"}, fitsNot),
		CI:     []string{"GITLAB_CI=true", "CI_PROJECT_URL={repository}", "CI_COMMIT_SHA={commit}", "CI_COMMIT_REF_NAME=another", "CI_COMMIT_BRANCH=another"},
		Inputs: []string{"application={app}", "operation=follow", "start-timeout=5s"}, Code: 1, Status: "lost",
		Says: []string{"the service is deployed from the branch {branch}, and this run is for the branch another"}, Not: []string{"debug: POST"}, After: none("app"),
	},
	{
		Name: "a push beside the watch paths", Needs: NeedsGit, Services: []Service{{Name: "app", Git: true, Watch: []string{"src/**"}}},
		Before: pushed("app", Push{Host: "gitlab", File: "docs/README.md"}, fitsNot), CI: gitlab,
		Inputs: []string{"application={app}", "operation=follow", "start-timeout=5s"}, Code: 1, Status: "lost",
		Says: []string{"src/**"}, Not: []string{"debug: POST"}, After: none("app"),
	},
	{
		Name: "a push beside the watch paths may be skipped", Needs: NeedsGit, Services: []Service{{Name: "stack", Git: true, Compose: true, Watch: []string{"src/**"}}},
		Before: pushed("stack", Push{Host: "gitea", File: "docs/README.md"}, fitsNot), CI: gitlab,
		Inputs: []string{"compose={stack}", "operation=follow", "start-timeout=5s", "if-none=skip"}, Status: "skipped",
		Says: []string{"src/**"}, Not: []string{"debug: POST"}, After: none("stack"),
	},
}
