package ci

import (
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
)

// event holds the fields that are used of the event file of the GitHub family.
// Each kind of event fills some of them.
type event struct {
	HeadCommit  commit `json:"head_commit"` // push
	PullRequest struct {
		Number         int    `json:"number"`
		Title          string `json:"title"`
		Merged         bool   `json:"merged"`
		MergeCommitSHA string `json:"merge_commit_sha"`
		State          string `json:"state"`
		Association    string `json:"author_association"`
		Labels         *[]struct {
			Name string `json:"name"`
		} `json:"labels"`
		Head struct {
			SHA  string     `json:"sha"`
			Ref  string     `json:"ref"`
			Repo repository `json:"repo"`
		} `json:"head"`
		Base struct {
			Ref  string     `json:"ref"`
			Repo repository `json:"repo"`
		} `json:"base"`
	} `json:"pull_request"` // also of events about its reviews
	WorkflowRun struct {
		suite
		DisplayTitle   string     `json:"display_title"`
		HeadRepository repository `json:"head_repository"`
	} `json:"workflow_run"`
	Repository repository `json:"repository"`
	CheckSuite suite      `json:"check_suite"`
	CheckRun   struct {
		HeadSHA    string `json:"head_sha"`
		CheckSuite suite  `json:"check_suite"`
	} `json:"check_run"`
	MergeGroup struct {
		HeadSHA    string `json:"head_sha"`
		HeadRef    string `json:"head_ref"`
		HeadCommit commit `json:"head_commit"`
	} `json:"merge_group"`
	Release struct {
		Name    string `json:"name"`
		TagName string `json:"tag_name"`
	} `json:"release"`
	Issue struct {
		Number      int       `json:"number"`
		Title       string    `json:"title"`
		PullRequest *struct{} `json:"pull_request"` // set if the issue is a pull request
	} `json:"issue"`
	Discussion struct {
		Number int    `json:"number"`
		Title  string `json:"title"`
	} `json:"discussion"`
	Deployment struct {
		SHA string `json:"sha"`
	} `json:"deployment"` // also of deployment_status
	SHA    string `json:"sha"` // status
	Commit struct {
		Commit commit `json:"commit"`
	} `json:"commit"` // status
}

type repository struct {
	FullName string `json:"full_name"`
}

type commit struct {
	Message string `json:"message"`
}

// suite is a run of checks or of another workflow, with a commit of its own.
type suite struct {
	HeadSHA      string `json:"head_sha"`
	HeadBranch   string `json:"head_branch"` // empty: of a fork
	HeadCommit   commit `json:"head_commit"`
	PullRequests []struct {
		Number int `json:"number"`
	} `json:"pull_requests"`
}

func (s suite) pullRequest() string {
	if len(s.PullRequests) != 1 {
		return "" // there are several: none of them stands out
	}
	return number(s.PullRequests[0].Number)
}

// about returns the commit, title and pull request that an event of that name
// is about. GITHUB_SHA is often another commit: a pull request's merge commit,
// or the head of the default branch. Fields that the event does not have stay
// empty.
func (e event) about(name string) Commit {
	switch name {
	case "push":
		return Commit{Message: e.HeadCommit.Message}
	case "workflow_run":
		run := e.WorkflowRun
		return Commit{SHA: run.HeadSHA, Message: firstOf(run.HeadCommit.Message, run.DisplayTitle), PullRequest: run.pullRequest()}
	case "check_suite":
		return Commit{SHA: e.CheckSuite.HeadSHA, Message: e.CheckSuite.HeadCommit.Message, PullRequest: e.CheckSuite.pullRequest()}
	case "check_run":
		run := e.CheckRun
		return Commit{SHA: run.HeadSHA, Message: run.CheckSuite.HeadCommit.Message, PullRequest: run.CheckSuite.pullRequest()}
	case "merge_group":
		group := e.MergeGroup
		return Commit{SHA: group.HeadSHA, Message: group.HeadCommit.Message, PullRequest: queuedPullRequest(group.HeadRef)}
	case "release":
		return Commit{Message: firstOf(e.Release.Name, e.Release.TagName)}
	case "issue_comment", "issues":
		c := Commit{Message: withNumber(e.Issue.Title, e.Issue.Number)}
		if e.Issue.PullRequest != nil {
			c.PullRequest = number(e.Issue.Number)
		}
		return c
	case "discussion", "discussion_comment":
		return Commit{Message: withNumber(e.Discussion.Title, e.Discussion.Number)}
	case "deployment", "deployment_status":
		return Commit{SHA: e.Deployment.SHA}
	case "status":
		return Commit{SHA: e.SHA, Message: e.Commit.Commit.Message}
	case "workflow_dispatch", "schedule", "repository_dispatch":
		// Gitea gives each scheduled run the push that created the schedule.
		return Commit{}
	}
	pr := e.PullRequest
	c := Commit{SHA: pr.Head.SHA, Message: pr.Title, PullRequest: number(pr.Number)}
	switch {
	case pr.Merged && pr.MergeCommitSHA != "":
		c.SHA = pr.MergeCommitSHA
	case c == Commit{} && name == "": // the runner did not name the event
		c.Message = e.HeadCommit.Message
	}
	return c
}

func number(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func withNumber(title string, n int) string {
	if title == "" || n <= 0 {
		return title
	}
	return firstLine(title) + " (#" + number(n) + ")"
}

// queuedPullRequest returns the number in the name of a merge queue's branch,
// refs/heads/gh-readonly-queue/main/pr-12-0123abc.
func queuedPullRequest(ref string) string {
	_, rest, ok := strings.Cut(ref[strings.LastIndexByte(ref, '/')+1:], "pr-")
	if !ok {
		return ""
	}
	digits, _, _ := strings.Cut(rest, "-")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return ""
	}
	return number(n)
}

const maxEvent = 10 << 20 // bytes

// readEvent reads the event that started a workflow. Errors are ignored: it
// returns whatever could be read.
func readEvent(path string) (e event) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() > maxEvent {
		return e
	}
	f, err := os.Open(path)
	if err != nil {
		return e
	}
	defer f.Close() //nolint:errcheck // only read
	// If one field has an unexpected type, the others are filled anyway.
	_ = json.NewDecoder(io.LimitReader(f, maxEvent)).Decode(&e)
	return e
}
