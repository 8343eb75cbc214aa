//go:build e2e && !windows

package e2e

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/e2e/cases"
)

// TestRealDokploy runs the cases against a real Dokploy, in its own project, which
// it removes again:
//
//	DOKPLOY_URL=… DOKPLOY_API_KEY=… DOKPLOY_E2E_IMAGE=nginx:alpine go test -tags e2e -v -timeout 60m -run 'Real|OpenAPI' ./e2e
//
// The key is an admin's, without a rate limit. The server must be able to pull the
// image, and the image must keep running. The other variables are optional; without
// them some cases are skipped, and say so:
//
//	DOKPLOY_E2E_CRASH_IMAGE   an image that ends with an error at once
//	DOKPLOY_E2E_REGISTRY      id of a registry in Dokploy, for its own rollback
//	DOKPLOY_E2E_GIT           a Git repository that accepts pushes and that Dokploy can
//	                          clone (https://host/owner/name.git): it gets a branch
//	DOKPLOY_E2E_GITHUB        id of a GitHub provider in Dokploy that can clone it: GitHub's
//	                          webhooks are sent for it, signed with its secret, and its API must
//	                          answer as GitHub's would about invented pull requests
//	DOKPLOY_E2E_RESTART       a command that restarts Dokploy, and ends when it is back
//	DOKPLOY_E2E_SERVER        id of a remote server in Dokploy, and
//	DOKPLOY_E2E_CUT_SSH       … a command that resets its SSH connections and refuses new ones,
//	DOKPLOY_E2E_MEND_SSH      … and one that lets them through again
//	DOKPLOY_E2E_MEMBER_KEY    a plain member's key, if the server does not allow creating one
//	DOKPLOY_E2E_GOARCH        the server's architecture, if it differs
func TestRealDokploy(t *testing.T) {
	program := program(t)
	w := newReal(t)
	w.Concurrency(t, 1) // whatever it is now
	for _, c := range cases.All {
		t.Run(c.Name, func(t *testing.T) { cases.Do(t, w, program, c) })
	}
}

// real is a real Dokploy as a world.
type real struct {
	url, key, image string
	all             *testing.T // the test of all cases
	name            string     // of the project
	project         string     // its id
	environment     string
	organization    string
	source          []byte // a zip of what is built
	tree            string // the work tree of the Git repository; empty: not yet
}

func need(t *testing.T, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set", name)
	}
	return v
}

func newReal(t *testing.T) *real {
	t.Helper()
	w := &real{all: t, url: strings.TrimRight(need(t, "DOKPLOY_URL"), "/"), key: need(t, "DOKPLOY_API_KEY"), image: need(t, "DOKPLOY_E2E_IMAGE")}
	w.source = builder(t)
	w.name = "dokploy-deploy-e2e-" + strings.ToLower(rand.Text()[:6])
	var made struct {
		Project     struct{ ProjectID, OrganizationID string }
		Environment struct{ EnvironmentID string }
	}
	w.api(t, "project.create", map[string]string{"name": w.name}, &made)
	w.project, w.environment, w.organization = made.Project.ProjectID, made.Environment.EnvironmentID, made.Project.OrganizationID
	t.Cleanup(func() { w.api(t, "project.remove", map[string]string{"projectId": w.project}, nil) })
	return w
}

func (w *real) api(t testing.TB, procedure string, input, into any) {
	t.Helper()
	cases.Call(t, w.url, http.Header{"X-Api-Key": {w.key}}, "/api/"+procedure, input, into)
}

func (w *real) Address() (url, key string) { return w.url, w.key }
func (w *real) Project() string            { return w.name }
func (w *real) Images() cases.Images {
	return cases.Images{Good: w.image, Missing: "registry.invalid/no/such:image", Crash: os.Getenv("DOKPLOY_E2E_CRASH_IMAGE")}
}

func (w *real) Lacks(need string) string {
	name := map[string]string{
		cases.NeedsCrash: "DOKPLOY_E2E_CRASH_IMAGE", cases.NeedsRegistry: "DOKPLOY_E2E_REGISTRY", cases.NeedsRestart: "DOKPLOY_E2E_RESTART",
		cases.NeedsRemote: "DOKPLOY_E2E_CUT_SSH", cases.NeedsGit: "DOKPLOY_E2E_GIT",
		cases.NeedsGitHub: "DOKPLOY_E2E_GITHUB",
	}[need]
	if name != "" && os.Getenv(name) == "" {
		return name + " is not set"
	}
	return ""
}

func (w *real) Make(t testing.TB, s cases.Service) string {
	t.Helper()
	if s.File != "" || s.Compose {
		kind := "docker-compose"
		if s.Stack {
			kind = "stack"
		}
		var made struct{ ComposeID string }
		w.api(t, "compose.create", map[string]string{"name": s.Name, "environmentId": w.environment, "composeType": kind, "composeFile": s.File}, &made)
		set := map[string]any{"composeId": made.ComposeID, "sourceType": "raw", "composeFile": s.File, "composePath": "./docker-compose.yml"}
		if s.Git {
			w.fromGit(t, set, s)
		}
		w.api(t, "compose.update", set, nil)
		t.Cleanup(func() {
			w.api(t, "compose.delete", map[string]any{"composeId": made.ComposeID, "deleteVolumes": true}, nil)
		})
		return made.ComposeID
	}
	var made struct{ ApplicationID string }
	create := map[string]string{"name": s.Name, "environmentId": w.environment}
	if s.Remote {
		create["serverId"] = os.Getenv("DOKPLOY_E2E_SERVER")
	}
	w.api(t, "application.create", create, &made)
	id := made.ApplicationID
	t.Cleanup(func() {
		w.settle(t, id)
		w.api(t, "application.delete", map[string]string{"applicationId": id}, nil)
	})
	set := map[string]any{"applicationId": id, "sourceType": "docker", "dockerImage": s.Image}
	if s.Built {
		set = map[string]any{"applicationId": id, "sourceType": "drop", "buildType": "dockerfile", "dockerfile": "Dockerfile", "cleanCache": true}
	}
	if s.Git {
		set = map[string]any{"applicationId": id, "buildType": "dockerfile", "dockerfile": "Dockerfile", "customGitBuildPath": "/"}
		w.fromGit(t, set, s)
	}
	if s.Previews > 0 {
		w.fromGitHub(t, set, id, s)
	}
	if s.Rollback {
		set["rollbackActive"], set["rollbackRegistryId"] = true, os.Getenv("DOKPLOY_E2E_REGISTRY")
	}
	w.api(t, "application.update", set, nil)
	if s.Built {
		w.upload(t, id)
		if status := w.settle(t, id); status != "done" {
			t.Fatalf("what was uploaded ends as %q", status)
		}
	}
	return id
}

// fromGit sets the source of a service.
func (w *real) fromGit(t testing.TB, set map[string]any, s cases.Service) {
	t.Helper()
	if w.tree == "" {
		w.Commit(t)
	}
	set["sourceType"], set["watchPaths"] = "git", s.Watch
	set["customGitUrl"], set["customGitBranch"] = w.Repository()
}

// fromGitHub sets the same source, for GitHub's app.
func (w *real) fromGitHub(t testing.TB, set map[string]any, id string, s cases.Service) {
	t.Helper()
	_, branch := w.Repository()
	owner, repository := w.ofGitHub(t)
	w.api(t, "application.saveGithubProvider", map[string]any{
		"applicationId": id, "githubId": os.Getenv("DOKPLOY_E2E_GITHUB"), "owner": owner, "repository": repository, "branch": branch,
		"buildPath": "/", "watchPaths": s.Watch, "triggerType": "push", "enableSubmodules": false,
	}, nil)
	set["sourceType"] = "github"
	set["isPreviewDeploymentsActive"], set["previewLimit"], set["previewRequireCollaboratorPermissions"] = true, s.Previews, false
	set["previewWildcard"], set["previewPort"] = "*.preview.example.com", 80
}

// ofGitHub returns the repository by GitHub's names.
func (w *real) ofGitHub(t testing.TB) (owner, repository string) {
	t.Helper()
	address, _ := w.Repository()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	owner, repository, ok := strings.Cut(strings.Trim(strings.TrimSuffix(at.Path, ".git"), "/"), "/")
	if !ok {
		t.Fatalf("%s has no owner", address)
	}
	return owner, repository
}

// PullRequest sends what GitHub would.
func (w *real) PullRequest(t testing.TB, p cases.Pull) {
	t.Helper()
	if p.Action != "closed" {
		t.Cleanup(func() {
			w.PullRequest(t, cases.Pull{Number: p.Number, Action: "closed", Commit: p.Commit, Base: p.Base})
		})
	}
	var provider struct{ GithubInstallationID, GithubWebhookSecret string }
	w.api(t, "github.one?githubId="+os.Getenv("DOKPLOY_E2E_GITHUB"), nil, &provider)
	owner, repository := w.ofGitHub(t)
	_, branch := w.Repository()
	body, err := json.Marshal(map[string]any{
		"action": p.Action, "number": p.Number, "installation": map[string]any{"id": provider.GithubInstallationID},
		"repository": map[string]any{"name": repository, "owner": map[string]any{"login": owner}},
		"pull_request": map[string]any{
			"id": p.Number, "number": p.Number, "title": "feat: pulled", "html_url": "https://git.example.com/pull/" + strconv.Itoa(p.Number),
			"user": map[string]any{"login": "ann"}, "labels": []any{},
			"head": map[string]any{"ref": branch, "sha": p.Commit}, "base": map[string]any{"ref": p.Base},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(provider.GithubWebhookSecret))
	mac.Write(body)
	req, err := http.NewRequest(http.MethodPost, w.url+"/api/deploy/github", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{
		"Content-Type": {"application/json"}, "X-Github-Event": {"pull_request"}, "X-Hub-Signature-256": {fmt.Sprintf("sha256=%x", mac.Sum(nil))},
	}
	cases.Send(t, req, nil)
}

func (w *real) Repository() (url, branch string) { return os.Getenv("DOKPLOY_E2E_GIT"), w.name }

// Commit pushes a commit that changes what both kinds of services run.
func (w *real) Commit(t testing.TB) string {
	t.Helper()
	url, branch := w.Repository()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", w.tree, "-c", "user.name=e2e", "-c", "user.email=e2e@example.com"}, args...)...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %s: %v", args[0], err)
		}
		return strings.TrimSpace(string(out))
	}
	if w.tree == "" {
		w.tree = filepath.Join(dir, "tree")
		if err := os.MkdirAll(w.tree, 0o700); err != nil {
			t.Fatal(err)
		}
		git("init", "-q")
		w.all.Cleanup(func() { git("push", "-q", url, "--delete", branch) })
	}
	n := rand.Text()
	for name, text := range map[string]string{
		"Dockerfile":         "FROM " + w.image + "\nENV N=" + n + "\n",
		"docker-compose.yml": strings.ReplaceAll(cases.GoodFile, "{image}", w.image) + "    environment:\n      N: " + n + "\n",
	} {
		if err := os.WriteFile(filepath.Join(w.tree, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("add", ".")
	git("commit", "-q", "-m", "e2e: "+n)
	git("push", "-q", url, "HEAD:refs/heads/"+branch)
	return git("rev-parse", "HEAD")
}

// Front publishes the port of what is built on the server itself.
func (w *real) Front(t testing.TB, id string) string {
	t.Helper()
	at, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	n, err := rand.Int(rand.Reader, big.NewInt(10000))
	if err != nil {
		t.Fatal(err)
	}
	port := 20000 + int(n.Int64()) // below the range that systems hand out
	w.api(t, "port.create", map[string]any{
		"applicationId": id, "publishedPort": port, "targetPort": 8080, "protocol": "tcp", "publishMode": "host",
	}, nil)
	return "http://" + net.JoinHostPort(at.Hostname(), strconv.Itoa(port))
}

// settle waits until no deployment of an application is running, or one is left
// as running forever: it has no job.
func (w *real) settle(t testing.TB, id string) (status string) {
	t.Helper()
	worked := time.Now()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		var rows []cases.Row
		w.api(t, "deployment.all?applicationId="+id, nil, &rows)
		if len(rows) == 0 {
			return ""
		}
		if status = rows[0].Status; status != "running" {
			return status
		}
		var jobs []struct {
			Data struct{ ApplicationID string }
		}
		w.api(t, "deployment.queueList", nil, &jobs)
		for _, j := range jobs {
			if j.Data.ApplicationID == id {
				worked = time.Now()
			}
		}
		if time.Since(worked) > 10*time.Second {
			t.Log("Dokploy has left a deployment running forever")
			return status
		}
	}
	t.Log("a deployment does not end")
	return status
}

// upload sets the source of an application, which deploys it.
func (w *real) upload(t testing.TB, id string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("zip", "source.zip")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(w.source)
	_ = form.WriteField("applicationId", id)
	_ = form.Close()
	req, err := http.NewRequest(http.MethodPost, w.url+"/api/trpc/application.dropDeployment", &body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", w.key)
	req.Header.Set("Content-Type", form.FormDataContentType())
	cases.Send(t, req, nil)
	for range 100 {
		var rows []cases.Row
		if w.api(t, "deployment.all?applicationId="+id, nil, &rows); len(rows) > 0 {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatal("the upload was not deployed")
}

// builder returns the source of what is built: a program and a Dockerfile
// without a base image.
func builder(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "builder")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w", "-o", file, "./testdata/builder")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+cmp.Or(os.Getenv("DOKPLOY_E2E_GOARCH"), runtime.GOARCH))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	binary, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// Dokploy's unzip drops the mode of a file, a tar in it keeps it.
	var layer bytes.Buffer
	tw := tar.NewWriter(&layer)
	if err := tw.WriteHeader(&tar.Header{Name: "builder", Mode: 0o755, Size: int64(len(binary))}); err != nil {
		t.Fatal(err)
	}
	_, _ = tw.Write(binary)
	_ = tw.Close()
	const dockerfile = "FROM scratch\nARG LINES=0\nARG SECONDS=0\nARG RELEASE=none\nADD builder.tar /\nRUN --mount=type=secret,id=TOKEN [\"/builder\"]\nENTRYPOINT [\"/builder\", \"wait\"]\n"
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, text := range map[string][]byte{"builder.tar": layer.Bytes(), "Dockerfile": []byte(dockerfile)} {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (w *real) Work(t testing.TB, id string, work cases.Work) {
	t.Helper()
	args := "LINES=" + strconv.Itoa(work.Lines) + "\nSECONDS=" + strconv.Itoa(work.Seconds)
	w.api(t, "application.update", map[string]string{"applicationId": id, "buildArgs": args}, nil)
}

// Crash: an image with a shell exits, one without does not even start.
func (w *real) Crash(t testing.TB, id string) {
	t.Helper()
	var a struct{ SourceType string }
	if w.api(t, "application.one?applicationId="+id, nil, &a); a.SourceType == "drop" {
		w.api(t, "application.update", map[string]string{"applicationId": id, "env": "CRASH_AFTER=8"}, nil) // see testdata/builder
		return
	}
	w.api(t, "application.update", map[string]string{"applicationId": id, "command": "exit 1"}, nil)
}

func (w *real) Concurrency(t testing.TB, n int) {
	t.Helper()
	var before struct{ BuildsConcurrency int }
	w.api(t, "settings.getWebServerSettings", nil, &before)
	w.api(t, "settings.updateBuildsConcurrency", map[string]int{"buildsConcurrency": n}, nil)
	t.Cleanup(func() {
		w.api(t, "settings.updateBuildsConcurrency", map[string]int{"buildsConcurrency": before.BuildsConcurrency}, nil)
	})
}

func (w *real) Restart(t testing.TB) { command(t, "DOKPLOY_E2E_RESTART") }

func (w *real) CutSSH(t testing.TB) {
	command(t, "DOKPLOY_E2E_CUT_SSH")
	t.Cleanup(func() { command(t, "DOKPLOY_E2E_MEND_SSH") })
}

// command runs the command in a variable.
func command(t testing.TB, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", os.Getenv(name))
	if err := cmd.Run(); err != nil { // without pipes: its children may keep them open
		t.Fatalf("%s: %v", name, err)
	}
}

func (w *real) Key(t testing.TB, k cases.Key) string {
	t.Helper()
	if k.Services != nil {
		return w.memberKey(t, k.Services)
	}
	input := map[string]any{
		"name": "e2e", "metadata": map[string]string{"organizationId": w.organization},
		"rateLimitEnabled": true, "rateLimitTimeWindow": 86400000, "rateLimitMax": k.Limit,
	}
	var made struct{ ID, Key string }
	w.api(t, "user.createApiKey", input, &made)
	t.Cleanup(func() { w.api(t, "user.deleteApiKey", map[string]string{"apiKeyId": made.ID}, nil) })
	return made.Key
}

// memberKey creates a plain member with access to these services, signs in as
// that member, and creates a key.
func (w *real) memberKey(t testing.TB, services []string) string {
	t.Helper()
	if key := os.Getenv("DOKPLOY_E2E_MEMBER_KEY"); key != "" {
		t.Log("the member's key is the given one")
		return key
	}
	email, password := w.name+"-"+strings.ToLower(rand.Text()[:6])+"@example.com", rand.Text()
	w.api(t, "user.createUserWithCredentials", map[string]string{"email": email, "password": password, "role": "member"}, nil)
	var all []struct {
		UserID string
		User   struct{ Email string }
	}
	w.api(t, "user.all", nil, &all)
	id := ""
	for _, u := range all {
		if u.User.Email == email {
			id = u.UserID
		}
	}
	t.Cleanup(func() { w.api(t, "user.remove", map[string]string{"userId": id}, nil) })
	rights := map[string]any{
		"id": id, "accessedProjects": []string{w.project}, "accessedEnvironments": []string{w.environment}, "accessedServices": services,
		"accessedGitProviders": []string{}, "accessedServers": []string{}, "canAccessToAPI": true,
	}
	for _, name := range strings.Fields("CreateProjects CreateServices DeleteProjects DeleteServices AccessToDocker AccessToTraefikFiles " +
		"AccessToSSHKeys AccessToGitProviders DeleteEnvironments CreateEnvironments") {
		rights["can"+name] = false
	}
	w.api(t, "user.assignPermissions", rights, nil)

	// A key belongs to whoever creates it: a session is needed, and its cookie.
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Jar: jar, Timeout: time.Minute}
	var post func(path, body string, tries int) string
	post = func(path, body string, tries int) string {
		req, err := http.NewRequest(http.MethodPost, w.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", w.url)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if resp.StatusCode == http.StatusTooManyRequests && tries > 0 {
			time.Sleep(5 * time.Second) // three sign-ins in 10 s are allowed
			return post(path, body, tries-1)
		}
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %v: give a member's key in DOKPLOY_E2E_MEMBER_KEY", path, resp.StatusCode, err)
		}
		return string(text)
	}
	post("/api/auth/sign-in/email", `{"email":"`+email+`","password":"`+password+`"}`, 5)
	text := post("/api/trpc/user.createApiKey",
		`{"json":{"name":"e2e","metadata":{"organizationId":"`+w.organization+`"},"rateLimitEnabled":false}}`, 5)
	_, key, _ := strings.Cut(text, `"key":"`)
	if key, _, _ = strings.Cut(key, `"`); key == "" {
		t.Fatal("no key was made")
	}
	return key
}
