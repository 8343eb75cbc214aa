package cases

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// API calls a procedure as somebody else: with input it changes something,
// without input it reads.
func (r *Run) API(procedure string, input, into any) {
	r.Helper()
	Call(r, r.url, http.Header{"X-Api-Key": {r.key}}, "/api/"+procedure, input, into)
}

// Call posts input to a path, or reads the path if there is no input.
func Call(t testing.TB, base string, header http.Header, path string, input, into any) {
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if input != nil {
		raw, err := json.Marshal(input)
		if err != nil {
			t.Fatal(err)
		}
		method, body = http.MethodPost, bytes.NewReader(raw)
	}
	// Also after the test, to clean up: not with its context.
	req, err := http.NewRequest(method, strings.TrimRight(base, "/")+path, body) //nolint:noctx // see above
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	Send(t, req, into)
}

// Send sends a request that must be answered with 200.
func Send(t testing.TB, req *http.Request, into any) {
	t.Helper()
	client := http.Client{Timeout: 2 * time.Minute}
	resp, err := client.Do(req) //nolint:gosec // the given server
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %.300s %v", req.URL.Path, resp.StatusCode, answer, err)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			t.Fatalf("%s: %v", req.URL.Path, err)
		}
	}
}

// Settings are what Dokploy keeps of a service.
type Settings struct{ AppName, DockerImage, Env, BuildArgs, BuildSecrets, ComposeFile, SourceType, RefreshToken string }

// Row is a deployment as Dokploy keeps it.
type Row struct {
	DeploymentID, Title, Description, Status string
	FinishedAt                               *time.Time
}

// Settings reads what Dokploy keeps of a service.
func (r *Run) Settings(id string) (s Settings) {
	r.Helper()
	kind := r.kinds[id]
	r.API(kind+".one?"+kind+"Id="+id, nil, &s)
	return s
}

// Rows returns the deployments of a service, the newest first.
func (r *Run) Rows(id string) (rows []Row) {
	r.Helper()
	if r.kinds[id] == "compose" {
		r.API("deployment.allByCompose?composeId="+id, nil, &rows)
	} else {
		r.API("deployment.all?applicationId="+id, nil, &rows)
	}
	return rows
}

// Row returns the deployment of the program's only target.
func (r *Run) Row(o *Outcome) (row Row) {
	r.Helper()
	if len(o.Targets) != 1 || o.Targets[0].DeploymentID == "" {
		r.Fatalf("no deployment: %+v", o.Targets)
	}
	for _, row := range r.Rows(o.Targets[0].ID) {
		if row.DeploymentID == o.Targets[0].DeploymentID {
			return row
		}
	}
	r.Fatalf("Dokploy has no deployment %s", o.Targets[0].DeploymentID)
	return row
}

// Titled counts the deployments of a service with a title.
func (r *Run) Titled(id, title string) (n int) {
	r.Helper()
	for _, row := range r.Rows(id) {
		if row.Title == title {
			n++
		}
	}
	return n
}
