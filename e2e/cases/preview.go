package cases

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"math/big"
	"os"
	"strconv"
	"strings"
)

// Pull is a pull request that GitHub reports to Dokploy.
type Pull struct {
	Number int
	Action string // opened if empty
	Commit string // {commit} if empty
	Base   string // {branch} if empty
}

// Preview is a preview as Dokploy lists it.
type Preview struct {
	PreviewDeploymentID, PullRequestNumber string
	Domain                                 struct{ Host string }
	Deployments                            []Row
}

// Previews returns the previews of an application.
func (r *Run) Previews(name string) (all []Preview) {
	r.Helper()
	r.API("previewDeployment.all?applicationId="+r.ID(name), nil, &all)
	return all
}

// pull adds a commit and sets {number} to that of a pull request for it: a
// number that no test had before, since Dokploy identifies the pull request by
// the number alone.
func pull(r *Run) {
	r.Helper()
	commit(r)
	r.Set("number", strconv.Itoa(pullNumber(r)))
}

func pullNumber(r *Run) int {
	r.Helper()
	n, err := rand.Int(rand.Reader, big.NewInt(1<<30))
	if err != nil {
		r.Fatal(err)
	}
	return int(n.Int64()) + 1
}

// tell has GitHub report the pull request {number}.
func (r *Run) tell(p Pull) {
	r.Helper()
	if p.Number == 0 {
		n, err := strconv.Atoi(r.Text("{number}"))
		if err != nil {
			r.Fatal(err)
		}
		p.Number = n
	}
	p.Action, p.Commit, p.Base = cmp.Or(p.Action, "opened"), cmp.Or(p.Commit, r.Text("{commit}")), cmp.Or(p.Base, r.Text("{branch}"))
	r.PullRequest(r.TB, p)
}

// pulled: GitHub reports it before the program starts.
func pulled(r *Run) {
	r.Helper()
	pull(r)
	r.tell(Pull{})
}

// onGitHub is a run of GitHub Actions for the pull request {number}, into {base}.
var onGitHub = []string{
	"GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME=pull_request", "GITHUB_EVENT_PATH={dir}/event.json", "GITHUB_REPOSITORY=acme/app",
	"GITHUB_SHA=0123456789abcdef0123456789abcdef01234567", "GITHUB_REF=refs/pull/{number}/merge",
}

// event writes what GitHub tells its runs about the pull request.
func event(r *Run, base string) {
	r.Helper()
	n, err := strconv.Atoi(r.Text("{number}"))
	if err != nil {
		r.Fatal(err)
	}
	repository := map[string]any{"full_name": "acme/app"}
	text, err := json.Marshal(map[string]any{"number": n, "pull_request": map[string]any{
		"number": n, "title": "feat: pulled", "state": "open", "author_association": "MEMBER",
		"head": map[string]any{"sha": r.Text("{commit}"), "repo": repository}, "base": map[string]any{"ref": base, "repo": repository},
	}})
	if err != nil {
		r.Fatal(err)
	}
	r.write("event.json", string(text))
}

// previewed: what was followed is the preview's deployment of the commit, and the
// application itself was not deployed.
func previewed(r *Run, o *Outcome) {
	r.Helper()
	if rows := r.Rows(r.ID("app")); len(rows) > 0 {
		r.Errorf("the application has %+v", rows)
	}
	for _, p := range r.Previews("app") {
		if p.PullRequestNumber != r.Text("{number}") || len(p.Deployments) != 1 {
			continue
		}
		row := p.Deployments[0]
		if row.DeploymentID != o.Targets[0].DeploymentID || row.Status != "done" || row.Description != r.Text("Hash: {commit}") {
			r.Errorf("%+v, followed %+v", row, o.Targets[0])
		}
		if got := o.Values["DOKPLOY_DEPLOYED_URL"]; got != "http://"+p.Domain.Host || !strings.HasSuffix(got, ".preview.example.com") {
			r.Errorf("url %q, of the preview %q", got, p.Domain.Host)
		}
		if got := o.Targets[0]; got.Commit != "" {
			r.Errorf("commit %q, which Dokploy does not say", got.Commit)
		}
		return
	}
	r.Errorf("no preview with one deployment: %+v", r.Previews("app"))
}

// noPreviews: Dokploy has created none for the pull request.
func noPreviews(r *Run, _ *Outcome) {
	r.Helper()
	for _, p := range r.Previews("app") {
		if p.PullRequestNumber == r.Text("{number}") {
			r.Errorf("%+v", p)
		}
	}
}

// withPreviews is an application with previews switched on.
var withPreviews = []Service{{Name: "app", Git: true, Previews: 3}}

// previews are cases with previews of pull requests that Dokploy deploys by
// itself.
var previews = []Case{
	{
		Name: "the preview of a pull request", Needs: NeedsGitHub, Services: withPreviews, Before: pulled,
		Inputs: []string{"application={app}", "operation=follow", "commit={commit}", "preview={number}", "verify=require"}, Status: "done",
		Says: []string{"app (pull request {number}) is deployed"}, Not: []string{"debug: POST"}, After: previewed,
	},
	{
		Name: "the preview of a late pull request", Needs: NeedsGitHub, Services: withPreviews, CI: onGitHub,
		Before: func(r *Run) {
			pull(r)
			event(r, r.Text("{branch}"))
		},
		Inputs: []string{"application={app}", "operation=follow", "preview=auto", "verify=require"},
		During: func(r *Run, _ *os.Process) {
			r.AwaitSaid("Dokploy shows no preview yet")
			r.tell(Pull{})
		},
		Status: "done", Not: []string{"debug: POST"}, After: previewed,
	},
	{
		Name: "a preview in a busy queue, with a member's key", Needs: NeedsGitHub, Services: append([]Service{{Name: "slow", Built: true}}, withPreviews...),
		Before: func(r *Run) {
			r.Set("key", r.Key(r, Key{Services: []string{r.ID("app")}}))
			longBuild(r, 8)
			pulled(r)
		},
		Inputs: []string{"application={app}", "api-key={key}", "operation=follow", "commit={commit}", "preview={number}"}, Status: "done",
		Says: []string{"queued, next in line"}, Not: []string{"debug: POST"}, After: previewed,
	},
	{
		Name: "a pull request that is closed while its preview waits", Needs: NeedsGitHub, Services: append([]Service{{Name: "slow", Built: true}}, withPreviews...),
		Before: func(r *Run) {
			longBuild(r, 12)
			pulled(r)
		},
		Inputs: []string{"application={app}", "operation=follow", "commit={commit}", "preview={number}"},
		During: func(r *Run, _ *os.Process) {
			r.AwaitSaid("queued, next in line")
			r.tell(Pull{Action: "closed"})
		},
		Code: 1, Status: "lost", Says: []string{"the preview of pull request {number} is gone from Dokploy"}, Not: []string{"debug: POST"}, After: noPreviews,
	},
	{
		Name: "a pull request for another branch", Needs: NeedsGitHub, Services: withPreviews, CI: onGitHub,
		Before: func(r *Run) {
			pull(r)
			event(r, "another")
			r.tell(Pull{Base: "another"})
		},
		Inputs: []string{"application={app}", "operation=follow", "preview=auto", "start-timeout=5s"}, Code: 1, Status: "lost",
		Says: []string{"the application is deployed from the branch {branch}, and the pull request is for another"}, Not: []string{"debug: POST"}, After: noPreviews,
	},
	{
		Name: "a preview beyond the limit may be skipped", Needs: NeedsGitHub, Services: []Service{{Name: "app", Git: true, Previews: 1}},
		Before: func(r *Run) {
			commit(r)
			r.tell(Pull{Number: pullNumber(r)})
			r.Await("a preview", func() bool { return len(r.Previews("app")) == 1 })
			r.Set("number", strconv.Itoa(pullNumber(r)))
			r.tell(Pull{})
		},
		Inputs: []string{"application={app}", "operation=follow", "commit={commit}", "preview={number}", "start-timeout=5s", "if-none=skip"}, Status: "skipped",
		Says: []string{"the application already has 1 preview, and its limit is 1"}, Not: []string{"debug: POST"}, After: noPreviews,
	},
}
