//go:build e2e

// Package e2e owns the proof against a real Dokploy. It makes a project of its
// own, deploys to it with the real program, and removes it again:
//
//	DOKPLOY_URL=… DOKPLOY_API_KEY=… DOKPLOY_E2E_IMAGE=nginx:alpine go test -tags e2e -v ./e2e
//
// The key is an admin's without a rate limit. The image is one that the server
// can pull.
package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

type world struct {
	*testing.T
	url, key, image string
	program         string
	project         string // its name
	environment     string // its id
}

func need(t *testing.T, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set", name)
	}
	return v
}

// api calls a procedure: with input it changes something, without it reads.
func (w *world) api(procedure string, input, into any) {
	w.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if input != nil {
		raw, err := json.Marshal(input)
		if err != nil {
			w.Fatal(err)
		}
		method, body = http.MethodPost, bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, strings.TrimRight(w.url, "/")+"/api/"+procedure, body)
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("x-api-key", w.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.Fatalf("%s: %d %.300s %v", procedure, resp.StatusCode, answer, err)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			w.Fatalf("%s: %v", procedure, err)
		}
	}
}

func (w *world) application(name, image string) (id string) {
	w.Helper()
	var app struct{ ApplicationID string }
	w.api("application.create", map[string]string{"name": name, "environmentId": w.environment}, &app)
	w.api("application.update", map[string]string{"applicationId": app.ApplicationID, "sourceType": "docker", "dockerImage": image}, nil)
	return app.ApplicationID
}

func (w *world) compose(name, file string) (id string) {
	w.Helper()
	var stack struct{ ComposeID string }
	w.api("compose.create", map[string]string{"name": name, "environmentId": w.environment, "composeType": "docker-compose", "composeFile": file}, &stack)
	w.api("compose.update", map[string]string{"composeId": stack.ComposeID, "sourceType": "raw", "composeFile": file, "composePath": "./docker-compose.yml"}, nil)
	return stack.ComposeID
}

// each runs one part with its own name.
func (w *world) each(name string, test func(w *world)) {
	w.Run(name, func(t *testing.T) { sub := *w; sub.T = t; test(&sub) })
}

// want checks how a run ended.
func (w *world) want(o outcome, code int, status string) {
	w.Helper()
	if o.code != code || o.values["DOKPLOY_STATUS"] != status {
		w.Errorf("exit %d, status %q, want %d, %q", o.code, o.values["DOKPLOY_STATUS"], code, status)
	}
}

type outcome struct {
	code   int
	output string
	values map[string]string // of output-file
	after  time.Duration     // from finishedAt to the end of the process
}

// deploy runs the program; env is NAME=value of its inputs.
func (w *world) deploy(during func(*os.Process), env ...string) outcome {
	w.Helper()
	file := filepath.Join(w.TempDir(), "out.env")
	cmd := exec.CommandContext(context.Background(), w.program)
	cmd.Env = append([]string{"DOKPLOY_URL=" + w.url, "DOKPLOY_API_KEY=" + w.key, "DOKPLOY_OUTPUT_FILE=" + file, "DOKPLOY_DEBUG=true"}, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	if during != nil {
		during(cmd.Process)
	}
	_ = cmd.Wait()
	ended := time.Now()
	o := outcome{code: cmd.ProcessState.ExitCode(), output: out.String(), values: map[string]string{}}
	text, err := os.ReadFile(file)
	if err != nil {
		w.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		o.values[name] = value
	}
	w.Logf("exit %d\n%s", o.code, o.output)
	if id := o.values["DOKPLOY_DEPLOYMENT_ID"]; id != "" && !strings.Contains(id, ",") {
		if finished := w.finishedAt(o.values["DOKPLOY_DEPLOYMENTS"]); !finished.IsZero() {
			o.after = ended.Sub(finished)
			w.Logf("the process ended %s after finishedAt", o.after.Round(time.Millisecond))
		}
	}
	return o
}

func (w *world) finishedAt(deployments string) time.Time {
	w.Helper()
	var targets []struct{ Kind, ID, DeploymentID string }
	if err := json.Unmarshal([]byte(deployments), &targets); err != nil || len(targets) == 0 {
		w.Fatalf("deployments: %v %q", err, deployments)
	}
	procedure := "deployment.all?applicationId="
	if targets[0].Kind == "compose" {
		procedure = "deployment.allByCompose?composeId="
	}
	var rows []struct {
		DeploymentID string
		FinishedAt   *time.Time
	}
	w.api(procedure+targets[0].ID, nil, &rows)
	for _, r := range rows {
		if r.DeploymentID == targets[0].DeploymentID && r.FinishedAt != nil {
			return *r.FinishedAt
		}
	}
	return time.Time{}
}

func TestRealDokploy(t *testing.T) {
	w := &world{T: t, url: need(t, "DOKPLOY_URL"), key: need(t, "DOKPLOY_API_KEY"), image: need(t, "DOKPLOY_E2E_IMAGE")}
	w.program = filepath.Join(t.TempDir(), "dokploy-deploy")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", w.program, "dokploy-deploy").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	w.project = "dokploy-deploy-e2e-" + strings.ToLower(rand.Text()[:6])
	var made struct {
		Project     struct{ ProjectID string }
		Environment struct{ EnvironmentID string }
	}
	w.api("project.create", map[string]string{"name": w.project}, &made)
	w.environment = made.Environment.EnvironmentID
	t.Cleanup(func() { w.api("project.remove", map[string]string{"projectId": made.Project.ProjectID}, nil) })

	good := w.application("good", w.image)
	w.application("missing", "registry.invalid/no/such:image")
	w.compose("stack", fmt.Sprintf("services:\n  web:\n    image: %s\n", w.image))
	w.compose("broken", "services:\n  web:\n    image: registry.invalid/no/such:image\n")

	each := w.each
	want := (*world).want

	each("application by id", func(w *world) { want(w, w.deploy(nil, "DOKPLOY_APPLICATION="+good), 0, "done") })
	each("application by path", func(w *world) {
		want(w, w.deploy(nil, "DOKPLOY_APPLICATION="+w.project+"/production/good", "DOKPLOY_TITLE=by path"), 0, "done")
	})
	each("redeploy", func(w *world) {
		want(w, w.deploy(nil, "DOKPLOY_APPLICATION="+good, "DOKPLOY_OPERATION=redeploy"), 0, "done")
	})
	each("missing image", func(w *world) {
		want(w, w.deploy(nil, "DOKPLOY_APPLICATION="+w.project+"/missing"), 1, "error")
	})
	each("compose", func(w *world) { want(w, w.deploy(nil, "DOKPLOY_COMPOSE="+w.project+"/stack"), 0, "done") })
	each("broken compose", func(w *world) { want(w, w.deploy(nil, "DOKPLOY_COMPOSE="+w.project+"/broken"), 1, "error") })
	each("several at once", func(w *world) {
		o := w.deploy(nil, "DOKPLOY_APPLICATION="+w.project+"/good,"+w.project+"/missing", "DOKPLOY_COMPOSE="+w.project+"/stack")
		want(w, o, 1, "error")
		if ids := strings.Split(o.values["DOKPLOY_DEPLOYMENT_ID"], ","); len(ids) != 3 || slices.Contains(ids, "") {
			w.Errorf("deployment ids %v", ids)
		}
	})
	each("not followed", func(w *world) {
		want(w, w.deploy(nil, "DOKPLOY_APPLICATION="+good, "DOKPLOY_WAIT=false"), 0, "queued")
	})
	each("not there", func(w *world) {
		want(w, w.deploy(nil, "DOKPLOY_APPLICATION="+w.project+"/nobody"), 2, "invalid")
	})
	each("a wrong key", func(w *world) {
		want(w, w.deploy(nil, "DOKPLOY_APPLICATION="+good, "DOKPLOY_API_KEY=this-is-not-a-key"), 3, "refused")
	})
	each("interrupted", func(w *world) {
		o := w.deploy(func(p *os.Process) {
			time.Sleep(50 * time.Millisecond)
			_ = p.Signal(syscall.SIGTERM)
		}, "DOKPLOY_APPLICATION="+good)
		// It may have been faster than the signal.
		if o.code != 143 && o.code != 0 {
			w.Errorf("exit %d", o.code)
		}
	})
	prepareAndVerify(w)
}
