package dokploy

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// recorded returns the body of a recorded answer (testdata/recordings/push).
func recorded(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile("../../testdata/recordings/push/" + name + ".http")
	if err != nil {
		t.Fatal(err)
	}
	_, answer, _ := strings.Cut(string(raw), "\nHTTP/1.1 200 OK\n")
	_, body, ok := strings.Cut(answer, "\n\n")
	if !ok {
		t.Fatalf("%s has no body", name)
	}
	return body
}

// TestPush: which pushes deploy a service, by its source.
func TestPush(t *testing.T) {
	tests := []struct {
		name, one string
		want      Push
		previews  *PreviewSettings
	}{
		{
			"github, recorded", recorded(t, "application.one-with-preview"),
			Push{AutoDeploy: true, Branch: "main", Owner: "acme", Repository: "push"}, &PreviewSettings{Limit: 3, WritersOnly: true},
		},
		{
			"github, by tag", `{"applicationId":"a","sourceType":"github","autoDeploy":false,"triggerType":"tag","owner":"acme","repository":"api","branch":"main","watchPaths":["src/**"],
			  "isPreviewDeploymentsActive":false,"previewLimit":1,"previewLabels":["x"]}`,
			Push{OnTag: true, Branch: "main", Owner: "acme", Repository: "api", WatchPaths: []string{"src/**"}}, nil,
		},
		{
			"github, previews", `{"applicationId":"a","sourceType":"github","isPreviewDeploymentsActive":true,"previewLimit":null,"previewLabels":["preview"],"previewRequireCollaboratorPermissions":false}`,
			Push{AutoDeploy: true}, &PreviewSettings{Limit: 3, Labels: []string{"preview"}},
		},
		{
			"git", `{"applicationId":"a","sourceType":"git","autoDeploy":true,"customGitBranch":"dev","branch":"main","owner":"other","isPreviewDeploymentsActive":true}`,
			Push{AutoDeploy: true, Branch: "dev"}, nil,
		},
		{
			"gitlab", `{"applicationId":"a","sourceType":"gitlab","gitlabBranch":"dev","gitlabOwner":"acme","gitlabRepository":"api","branch":"main","watchPaths":[]}`,
			Push{AutoDeploy: true, Branch: "dev", Owner: "acme", Repository: "api"}, nil,
		},
		{
			"gitea", `{"applicationId":"a","sourceType":"gitea","giteaBranch":"dev","giteaOwner":"acme","giteaRepository":"api"}`,
			Push{AutoDeploy: true, Branch: "dev", Owner: "acme", Repository: "api"}, nil,
		},
		{
			"bitbucket", `{"applicationId":"a","sourceType":"bitbucket","bitbucketBranch":"dev","bitbucketOwner":"acme","bitbucketRepository":"My Api","bitbucketRepositorySlug":"my-api"}`,
			Push{AutoDeploy: true, Branch: "dev", Owner: "acme", Repository: "my-api"}, nil,
		},
		{"docker", `{"applicationId":"a","sourceType":"docker","branch":"main","watchPaths":null,"triggerType":null}`, Push{AutoDeploy: true}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := serving(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.one) })
			s, err := c.Service(t.Context(), Application, "a")
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Push.WatchPaths) == 0 {
				s.Push.WatchPaths = nil
			}
			if diff := cmp.Diff(tt.want, s.Push); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.previews, s.Previews); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPushOfCompose: a compose service has the same settings, but no previews.
func TestPushOfCompose(t *testing.T) {
	c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"composeId":"c","sourceType":"github","autoDeploy":true,"triggerType":"push","owner":"acme","repository":"api","branch":"main","isPreviewDeploymentsActive":true}`)
	})
	s, err := c.Service(t.Context(), Compose, "c")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Push{AutoDeploy: true, Owner: "acme", Repository: "api", Branch: "main"}, s.Push); diff != "" || s.Previews != nil {
		t.Error(diff, s.Previews)
	}
}

// TestPreviews reads what a real server answered.
func TestPreviews(t *testing.T) {
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/previewDeployment.all" || r.URL.Query().Get("applicationId") != "a" {
			t.Errorf("%s", r.URL)
		}
		_, _ = io.WriteString(w, recorded(t, "previewDeployment.all"))
	})
	got, err := c.Previews(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time { v, _ := time.Parse(time.RFC3339Nano, s); return v }
	want := []Preview{{
		ID: "t_XAY9_kq7miG6zalv-dz", Number: 7, AppName: "preview-gh-ro3fl7-owxalo", Status: "done",
		Domains: []Domain{{Host: "preview-gh-ro3fl7-owxalo.preview.example.com", Path: "/", Enabled: true}},
		Deployments: []Deployment{{
			ID: "gGgRapoJmNnvYumPvKe9G", Title: "Preview Deployment", Description: "Hash: a2e6ea554860208a936e2f311cf46b284f34d3e0", Status: "done",
			LogPath:   "/etc/dokploy/logs/preview-gh-ro3fl7-owxalo/preview-gh-ro3fl7-owxalo-2026-11-28:09:34:27.log",
			StartedAt: at("2026-11-28T09:34:27.358Z"), FinishedAt: at("2026-11-28T09:34:36.146Z"),
		}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPreviewOf: a request about a preview by name does not use its
// application's name.
func TestPreviewOf(t *testing.T) {
	c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"applicationId":"a","name":"api","appName":"api-1","sourceType":"github","serverId":"s","buildServerId":"b","env":"A=1","buildArgs":"B=1","buildSecrets":"C=1",
		  "previewEnv":"A=2","previewBuildArgs":"B=2","previewBuildSecrets":"C=2","domains":[{"host":"api.example.com"}]}`)
	})
	s, err := c.Service(t.Context(), Application, "a")
	if err != nil {
		t.Fatal(err)
	}
	p := Preview{AppName: "preview-api-1-x", Status: "running", Domains: []Domain{{Host: "p.example.com", HTTPS: true, Enabled: true}}}
	of := p.Of(s)
	if of.ID != "a" || of.Name != "api" || of.ServerID != "s" || of.AppName != "preview-api-1-x" || of.BuildServerID != "" || of.Status != "running" || of.URL() != "https://p.example.com" {
		t.Errorf("%+v", of)
	}
	if of.Env != "A=2" || of.BuildArgs != "B=2" || of.BuildSecrets != "C=2" {
		t.Error("its environment is the application's")
	}
	if s.AppName != "api-1" || s.URL() != "http://api.example.com" || s.Env != "A=1" {
		t.Errorf("the application was changed: %+v", s)
	}
}

// TestPreviewsOdd: what is not a list is not taken for an empty list.
func TestPreviewsOdd(t *testing.T) {
	for body, want := range map[string]int{
		`[]`: 0, `null`: -1, `{}`: -1, `[{"previewDeploymentId":"p","pullRequestNumber":"x"}]`: 0, `[{"pullRequestNumber":"1"}]`: 0,
		`[{"previewDeploymentId":"p","pullRequestNumber":"1","deployments":null,"domain":null}]`: 1,
	} {
		c := serving(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		got, err := c.Previews(t.Context(), "a")
		if (err != nil) != (want < 0) || err == nil && len(got) != want {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
}
