package dokploytest

import (
	"bufio"
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// recordedService is a service with its settings at the time when a webhook was
// recorded.
type recordedService struct {
	Kind, Name, SourceType, TriggerType   string
	AutoDeploy                            bool
	WatchPaths                            []string
	Branch, Repository, Owner             string
	CustomGitBranch                       string
	GiteaBranch, GitlabBranch             string
	BitbucketBranch                       string
	DockerImage, ComposeType              string
	IsPreviewDeploymentsActive            bool
	PreviewLimit                          int
	PreviewLabels                         []string
	PreviewRequireCollaboratorPermissions bool
	PreviewWildcard                       string
}

func (r recordedService) push() Push {
	return Push{
		AutoDeployOff: !r.AutoDeploy, Owner: r.Owner, Repository: r.Repository, TriggerType: r.TriggerType, WatchPaths: r.WatchPaths,
		Branch: cmp.Or(r.Branch, r.CustomGitBranch, r.GiteaBranch, r.GitlabBranch, r.BitbucketBranch),
	}
}

func (r recordedService) add(s *Server) *Service {
	if r.Kind == "compose" {
		return s.AddCompose(Compose{Name: r.Name, SourceType: r.SourceType, ComposeType: r.ComposeType, Push: r.push()})
	}
	a := Application{Name: cmp.Or(r.Name, "gh"), SourceType: r.SourceType, Image: r.DockerImage, Push: r.push()}
	if r.IsPreviewDeploymentsActive {
		a.Previews = &Previews{Limit: r.PreviewLimit, Labels: r.PreviewLabels, AnyAuthor: !r.PreviewRequireCollaboratorPermissions, Wildcard: r.PreviewWildcard}
	}
	return s.AddApplication(a)
}

// lines reads a recording with one JSON value per line.
func lines[T any](t *testing.T, file string) []T {
	t.Helper()
	f, err := os.Open(recordings + "/push/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []T
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var v T
		if err := json.Unmarshal(sc.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// queuedJobs returns the jobs as the API shows them, without ids, the oldest
// first, and without the one that blocks the queue.
func queuedJobs(c *client, names map[string]string, named bool) []map[string]any {
	var q []struct{ Data map[string]any }
	c.get("deployment.queueList", nil, &q)
	slices.Reverse(q)
	var out []map[string]any
	for _, j := range q {
		id := str(j.Data["applicationId"]) + str(j.Data["composeId"])
		if names[id] == "" {
			continue
		}
		for k := range j.Data {
			if strings.HasSuffix(k, "Id") {
				delete(j.Data, k)
			}
		}
		if named {
			j.Data["name"] = names[id]
		}
		out = append(out, j.Data)
	}
	return out
}

// holdQueue has a long build block the queue, so that new jobs wait.
func holdQueue(s *Server) {
	s.Enqueue(s.AddApplication(Application{Name: "blocker", Build: Build{Steps: []Step{{After: time.Hour}}}}), "blocker", "")
	time.Sleep(time.Second)
}

// worldOfPreviews adds what the recorded answers about previews mention.
func worldOfPreviews(s *Server, r *recording, services map[string]*Service) {
	var previews []map[string]any
	switch r.procedure {
	case "previewDeployment.all":
		previews = objects(r.data)
	case "previewDeployment.one":
		if m, ok := r.data.(map[string]any); ok {
			previews = []map[string]any{m}
		}
	case "deployment.allByType":
		if rows := objects(r.data); len(rows) > 0 {
			previews = []map[string]any{{"previewDeploymentId": r.params["id"], "deployments": r.data}}
		}
	case "application.one":
		previews = objects(at(r.data, "previewDeployments"))
	case "deployment.readLogs":
		if strings.HasSuffix(r.name, "-preview") {
			previews = []map[string]any{{"deployments": []any{map[string]any{"deploymentId": r.params["deploymentId"], "status": "done", "log": r.data}}}}
		}
	}
	for _, m := range slices.Backward(previews) {
		id := str(m["applicationId"])
		v := services[id]
		if v == nil {
			v = s.AddApplication(Application{ID: id, Name: "gh", SourceType: "github", Push: Push{Repository: "push"}, Previews: &Previews{}})
			services[v.ID] = v
		}
		s.mu.Lock()
		preview := s.addPreviewLocked(v, hookPull{Title: str(m["pullRequestTitle"])})
		preview.ID = str(m["previewDeploymentId"])
		preview.pull.touched = timeOf(m["createdAt"])
		s.mu.Unlock()
		for _, row := range objects(m["deployments"]) {
			s.AddRow(preview, Row{
				ID: str(row["deploymentId"]), Title: str(row["title"]), Description: str(row["description"]), Status: str(row["status"]),
				LogPath: str(row["logPath"]), CreatedAt: timeOf(row["createdAt"]), StartedAt: timeOf(row["startedAt"]), FinishedAt: timeOf(row["finishedAt"]),
			}, str(row["log"]))
		}
	}
}

// TestReplayWebhooks repeats the recorded calls of webhooks: answers and jobs
// are the same.
func TestReplayWebhooks(t *testing.T) {
	type webhook struct {
		Name, Path string
		Headers    map[string]string
		Body       json.RawMessage
		Services   []recordedService
		Status     int
		Answer     any
		Jobs       []map[string]any
	}
	all := lines[webhook](t, "webhooks.jsonl")
	if len(all) < 100 {
		t.Fatalf("%d recordings", len(all))
	}
	for _, r := range all {
		t.Run(r.Name, func(t *testing.T) {
			bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
				holdQueue(s)
				names := map[string]string{}
				path := r.Path
				for _, service := range r.Services {
					v := service.add(s)
					names[v.ID] = v.Name
					path = strings.Replace(path, "<REFRESH_TOKEN>", v.refreshToken, 1)
				}
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+path, strings.NewReader(string(r.Body)))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/json")
				for k, v := range r.Headers {
					req.Header.Set(k, v)
				}
				resp, err := c.http.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				var answer any
				if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
					t.Fatal(err)
				}
				if diff := gocmp.Diff(r.Answer, answer); diff != "" || resp.StatusCode != r.Status {
					t.Errorf("status %d, recorded: %d; answer (-recorded +got):\n%s", resp.StatusCode, r.Status, diff)
				}
				if at := resp.Header.Get("Location"); at != "" {
					t.Errorf("Location %s, which no webhook has", at)
				}
				jobs := queuedJobs(c, names, true)
				slices.SortFunc(jobs, func(a, b map[string]any) int { return cmp.Compare(str(a["name"]), str(b["name"])) })
				if diff := gocmp.Diff(r.Jobs, jobs); diff != "" && len(r.Jobs)+len(jobs) > 0 {
					t.Errorf("jobs (-recorded +got):\n%s", diff)
				}
			})
		})
	}
}

// TestReplayPulls repeats the recorded events of pull requests: answers, jobs
// and the previews that exist afterwards are the same.
func TestReplayPulls(t *testing.T) {
	type event struct {
		Name          string
		Body          json.RawMessage
		Service       recordedService
		Before, After []string
		Status        int
		Answer        any
		Jobs          []map[string]any
	}
	all := lines[event](t, "pulls.jsonl")
	if len(all) < 20 {
		t.Fatalf("%d recordings", len(all))
	}
	for _, r := range all {
		t.Run(r.Name, func(t *testing.T) {
			bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
				holdQueue(s)
				s.Stranger("stranger")
				s.Stranger("nobody")
				v := r.Service.add(s)
				if v.previewSettings == nil { // existing previews stay when previews are switched off
					v.previewSettings = &Previews{}
				}
				for _, n := range slices.Backward(r.Before) {
					number, _ := strconv.Atoi(n)
					s.mu.Lock()
					s.addPreviewLocked(v, hookPull{ID: 9000 + number, Number: number})
					s.mu.Unlock()
					time.Sleep(time.Second)
				}
				if !r.Service.IsPreviewDeploymentsActive {
					v.previewSettings = nil
				}
				if r.Name == "pr-closed" { // its build was running
					number, _ := strconv.Atoi(r.Before[0])
					s.PullRequest(PullRequest{Number: number, Repository: "push", Commit: "a2e6ea554860208a936e2f311cf46b284f34d3e0"})
				}
				var body map[string]any
				_ = json.Unmarshal(r.Body, &body)
				status, text := s.post("/api/deploy/github", http.Header{"X-Github-Event": {"pull_request"}, "X-Hub-Signature-256": {"x"}}, body)
				if want := str(at(r.Answer, "message")); status != r.Status || text != want {
					t.Errorf("%d %s, recorded: %d %s", status, text, r.Status, want)
				}
				if diff := gocmp.Diff(r.Jobs, queuedJobs(c, map[string]string{v.ID: v.Name}, false)); diff != "" && len(r.Jobs) > 0 {
					t.Errorf("jobs (-recorded +got):\n%s", diff)
				}
				var previews []struct{ PullRequestNumber string }
				c.get("previewDeployment.all", url.Values{"applicationId": {v.ID}}, &previews)
				var after []string
				for _, p := range previews {
					after = append(after, p.PullRequestNumber)
				}
				slices.Sort(after)
				want := slices.Sorted(slices.Values(r.After))
				if !slices.Equal(after, want) {
					t.Errorf("previews %v, recorded: %v", after, want)
				}
			})
		})
	}
}

// TestPushedRows: the row of a push keeps the hash until it ends, then shows
// the commit that the branch had when it was cloned; if nothing is cloned, it
// keeps the hash (recordings/push/*.timeline.jsonl).
func TestPushedRows(t *testing.T) {
	const first, second = "17bed70cd943d1ff24feda831cea12994e39a9ab", "79bce2eb5309f72951b21f73d20424ee042c5ef7"
	for _, tt := range []struct {
		recording   string
		add         func(s *Server) *Service
		send        func(s *Server, v *Service)
		description string
	}{
		{"gitea-push-application", func(s *Server) *Service { return s.AddApplication(Application{SourceType: "git"}) }, func(s *Server, v *Service) {
			s.Deliver(v, Delivery{Form: "gitea", Commit: second})
		}, "Commit: " + second},
		{"gitlab-push-compose", func(s *Server) *Service { return s.AddCompose(Compose{SourceType: "git"}) }, func(s *Server, v *Service) {
			s.Deliver(v, Delivery{Form: "gitlab", Commit: second})
		}, "Commit: " + second},
		{"moved-on", func(s *Server) *Service { return s.AddApplication(Application{SourceType: "git"}) }, func(s *Server, v *Service) {
			holdQueue(s)
			s.Deliver(v, Delivery{Form: "gitea", Commit: first})
			v.push.WatchPaths = []string{"none"} // so that the second commit starts nothing
			s.Deliver(v, Delivery{Form: "gitea", Commit: second})
		}, "Commit: " + second},
		{"nohash-application", func(s *Server) *Service { return s.AddApplication(Application{SourceType: "git"}) }, func(s *Server, v *Service) {
			s.mu.Lock()
			v.head = commit{second, "feat: the second"}
			s.mu.Unlock()
			s.Deliver(v, Delivery{Form: "gitea", NoHash: true})
		}, "Commit: " + second},
		{"clone-fails-gitea", func(s *Server) *Service {
			return s.AddApplication(Application{SourceType: "gitea", Build: Build{CloneFailed: true, Outcome: "error"}})
		}, func(s *Server, v *Service) { s.Deliver(v, Delivery{Form: "gitea", Commit: second}) }, "Hash: " + second},
		{"raw-compose", func(s *Server) *Service { return s.AddCompose(Compose{}) }, func(s *Server, v *Service) {
			s.Deliver(v, Delivery{Form: "gitea", Commit: second})
		}, "Hash: " + second},
		{"docker-application", func(s *Server) *Service { return s.AddApplication(Application{}) }, func(s *Server, v *Service) {
			s.Deliver(v, Delivery{Form: "gitea", Commit: second})
		}, "Hash: " + second},
	} {
		t.Run(tt.recording, func(t *testing.T) {
			type look struct {
				Queue, Rows []map[string]any
			}
			recorded := lines[look](t, tt.recording+".timeline.jsonl")
			last := recorded[len(recorded)-1].Rows[0]
			if str(last["description"]) != tt.description {
				t.Fatalf("recorded: %v, the table says %s", last["description"], tt.description)
			}
			bubble(t, Options{}, func(t *testing.T, s *Server, _ *client) {
				v := tt.add(s)
				tt.send(s, v)
				time.Sleep(90 * time.Millisecond)
				if rows := s.Deployments(v); tt.recording != "moved-on" && (len(rows) != 1 || strings.HasPrefix(rows[0].Description, "Commit: ")) {
					t.Errorf("while it runs: %v", rows)
				}
				time.Sleep(2 * time.Hour)
				rows := s.Deployments(v)
				if len(rows) != 1 || rows[0].Description != tt.description || rows[0].Status != str(last["status"]) && tt.recording != "docker-application" {
					t.Errorf("rows %v, recorded: %v", rows, last)
				}
			})
		})
	}
}

// TestPreview: what a preview shows, and that it shares a queue with its
// application.
func TestPreview(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		fiveSeconds := Build{Steps: []Step{{After: 5 * time.Second, Text: "built\n"}}}
		v := s.AddApplication(Application{SourceType: "github", Name: "api", Previews: &Previews{HTTPS: true, Build: fiveSeconds}, Build: fiveSeconds})
		s.SetConcurrency(4)
		s.Enqueue(v, "by hand", "mark-1")
		s.PullRequest(PullRequest{Number: 7, Action: "opened", Commit: "a2e6ea554860208a936e2f311cf46b284f34d3e0"})
		s.DeliverGitHub("acme", "api", Delivery{Commit: "79bce2eb5309f72951b21f73d20424ee042c5ef7"})
		time.Sleep(time.Second)
		if q := s.Queue(); len(q) != 3 || !q[0].Active || q[1].Active || q[2].Active {
			t.Errorf("the queue: %+v", q)
		}
		time.Sleep(5 * time.Second)
		previews := s.Previews(v)
		if len(previews) != 1 || len(s.Deployments(previews[0])) != 1 || len(s.Deployments(v)) != 1 {
			t.Fatalf("previews %v, rows %v", previews, s.Deployments(v))
		}
		time.Sleep(20 * time.Second)
		row := s.Deployments(previews[0])[0]
		if row.Title != "Preview Deployment" || row.Description != "Hash: a2e6ea554860208a936e2f311cf46b284f34d3e0" || row.Status != "done" {
			t.Errorf("row %+v", row)
		}
		var tasks []map[string]any
		c.get("docker.getServiceContainersByAppName", url.Values{"appName": {previews[0].AppName}}, &tasks)
		if len(tasks) != 1 {
			t.Errorf("tasks %v", tasks)
		}
		s.PullRequest(PullRequest{Number: 7})
		s.PullRequest(PullRequest{Number: 8, Action: "opened"})
		time.Sleep(time.Second)
		s.PullRequest(PullRequest{Number: 7, Action: "closed"})
		s.PullRequest(PullRequest{Number: 8, Action: "closed"})
		if q := s.Queue(); len(q) != 2 || !q[0].Active {
			t.Errorf("the queue once they are closed: %+v", q)
		}
		time.Sleep(time.Minute)
		c.get("docker.getServiceContainersByAppName", url.Values{"appName": {previews[0].AppName}}, &tasks)
		if len(s.Previews(v)) != 0 || len(s.Queue()) != 0 || len(tasks) != 0 || s.Log(row.ID) != "" {
			t.Errorf("left: %v, %v, %v", s.Previews(v), s.Queue(), tasks)
		}
		synctest.Wait()
	})
}

// TestWatched: watch paths as micromatch 4.0.8 reads them, which was run for
// each.
func TestWatched(t *testing.T) {
	for _, tt := range []struct {
		paths string
		file  string
		want  bool
	}{
		{"", "a", true}, {"src/**", "src/a", true}, {"src/**", "src/a/b/c.go", true}, {"src/**", "docs/a", false}, {"src/*", "src/a/b", false},
		{"src/*", "src/a", true}, {"**/*.go", "a.go", true}, {"**/*.go", "x/y/a.go", true}, {"**", "x/y", true}, {"*", "x/y", false}, {"a?c", "abc", true},
		{"src/**/x", "src/x", true}, {"src/**/x", "src/a/b/x", true}, {"*", ".env", false}, {"src/**", "src/.env", false}, {"!docs/**", "src/a", true},
		{"!docs/**", "docs/a", false}, {"src", "src/a", false}, {"./src/**", "src/a", true}, {"a.c", "abc", false},
		{"src/", "src/a", false}, {"/src/**", "src/a", false}, {"src/**", "src", true}, {"src/a*", "src/a", true}, {"src/*.go", "src/.x.go", false}, {"**/a", "a", true},
	} {
		var paths []string
		if tt.paths != "" {
			paths = []string{tt.paths}
		}
		if got := watched(paths, []string{tt.file}); got != tt.want {
			t.Errorf("%s in %s: %v", tt.file, tt.paths, got)
		}
	}
}

// TestPreviewElsewhere: a restart closes a preview's row and leaves its status;
// the log of a remote preview is not available over REST.
func TestPreviewElsewhere(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		v := s.AddApplication(Application{SourceType: "github", ServerID: "a-remote-server", Previews: &Previews{Build: Build{Steps: Lines(time.Second, "one", "two", "three")}}})
		s.PullRequest(PullRequest{Number: 7})
		time.Sleep(10 * time.Second)
		preview := s.Previews(v)[0]
		row := s.Deployments(preview)[0]
		var log string
		c.get("deployment.readLogs", url.Values{"deploymentId": {row.ID}}, &log)
		if log != "\n" || !strings.Contains(s.Log(row.ID), "three") || strings.Contains(s.Log(row.ID), "Building on Build Server") {
			t.Errorf("over REST: %q; the log: %q", log, s.Log(row.ID))
		}
		s.PullRequest(PullRequest{Number: 7})
		time.Sleep(2 * time.Second)
		s.Restart(time.Second)
		time.Sleep(10 * time.Second)
		if row := s.Deployments(preview)[0]; row.Status != "cancelled" || preview.Status() != "running" || v.Status() == "running" {
			t.Errorf("after a restart: %+v, %s", row, preview.Status())
		}
	})
}

// TestPushByVersion: which parts of a push older versions consider (from the
// source).
func TestPushByVersion(t *testing.T) {
	for _, tt := range []struct {
		version            string
		added, description string
		labeled            bool
		previews           int
	}{
		{"v0.30.2", "Application deployed successfully", "", true, 1},
		{"v0.30.1", "Application deployed successfully", "", true, 2},
		{"v0.29.13", "Watch Paths Not Match", "", true, 2},
		{"v0.28.5", "Watch Paths Not Match", "", false, 2},
		{"v0.25.6", "Watch Paths Not Match", "Hash: ", false, 2},
	} {
		t.Run(tt.version, func(t *testing.T) {
			bubble(t, Options{Version: tt.version}, func(t *testing.T, s *Server, _ *client) {
				v := s.AddApplication(Application{SourceType: "git", Push: Push{WatchPaths: []string{"src/**"}}})
				if _, text := s.Deliver(v, Delivery{Form: "gitea", Added: []string{"src/new"}}); text != tt.added {
					t.Errorf("added files: %s", text)
				}
				v.SetPush(Push{})
				s.Deliver(v, Delivery{Form: "gitea", NoHash: true})
				if q := s.Queue(); q[len(q)-1].Description != tt.description {
					t.Errorf("without a hash: %+v", q)
				}
				p := s.AddApplication(Application{SourceType: "github", Name: "api", Previews: &Previews{Limit: 1}})
				s.PullRequest(PullRequest{Number: 7, Action: "labeled"})
				if made := len(s.Previews(p)) > 0; made != tt.labeled {
					t.Errorf("a label makes a preview: %v", made)
				}
				time.Sleep(time.Minute)
				for _, n := range []int{7, 8, 9} {
					s.PullRequest(PullRequest{Number: n})
					time.Sleep(time.Minute)
				}
				before := len(s.Deployments(s.Previews(p)[0]))
				s.PullRequest(PullRequest{Number: 7})
				time.Sleep(time.Minute)
				if n := len(s.Previews(p)); n != tt.previews {
					t.Errorf("%d previews, the limit is 1", n)
				}
				if built := len(s.Deployments(s.Previews(p)[0])) > before; built != (tt.previews == 1) {
					t.Errorf("with its limit reached one that is there is built: %v", built)
				}
			})
		})
	}
}

// TestBothReasons: which of two reasons is given if neither branch nor files
// match, as real servers do it.
func TestBothReasons(t *testing.T) {
	for source, want := range map[string]string{
		"git": "Branch Not Match", "bitbucket": "Branch Not Match", "github": "Watch Paths Not Match", "gitlab": "Watch Paths Not Match", "gitea": "Watch Paths Not Match",
	} {
		bubble(t, Options{}, func(t *testing.T, s *Server, _ *client) {
			push := Push{WatchPaths: []string{"src/**"}, Branch: "release"}
			form := map[string]string{"git": "gitea"}[source]
			for _, v := range []*Service{s.AddApplication(Application{SourceType: source, Push: push}), s.AddCompose(Compose{SourceType: source, Push: push})} {
				if _, text := s.Deliver(v, Delivery{Form: cmp.Or(form, source), Modified: []string{"docs/a"}}); text != want {
					t.Errorf("%s, %s: %s", source, v.Kind, text)
				}
			}
		})
	}
}

// TestPreviewOrder: the preview that was deployed last is listed first, as a
// deployment updates createdAt.
func TestPreviewOrder(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		v := s.AddApplication(Application{SourceType: "github", Previews: &Previews{}})
		for i, want := range []string{"7", "8", "7"} {
			number, _ := strconv.Atoi(want)
			s.PullRequest(PullRequest{Number: number})
			time.Sleep(time.Minute)
			var previews []struct {
				PullRequestNumber string
				CreatedAt         time.Time
			}
			c.get("previewDeployment.all", url.Values{"applicationId": {v.ID}}, &previews)
			if previews[0].PullRequestNumber != want || len(previews) != min(i+1, 2) || time.Since(previews[0].CreatedAt) > time.Minute {
				t.Errorf("after a push to %s: %v", want, previews)
			}
		}
	})
}
