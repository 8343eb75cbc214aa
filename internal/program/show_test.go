package program

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// The summary leaves the cell empty if nobody looked, as after a failed build;
// what was looked for and not seen is unknown.
func TestSummaryVerified(t *testing.T) {
	report := &verdict.Report{Results: []verdict.Result{
		{Outcome: verdict.Outcome{Status: verdict.Failed}},
		{Outcome: verdict.Outcome{Status: verdict.Done}, Verified: verdict.VerifiedUnknown},
		{Outcome: verdict.Outcome{Status: verdict.Done}, Verified: verdict.VerifiedYes},
	}}
	for i, want := range []string{"", "unknown", "yes"} {
		if got := summary(report)[i].Verified; got != want {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
	}
}

// TestSummaryOfADryRun: nobody takes it for a deployment at first sight.
func TestSummaryOfADryRun(t *testing.T) {
	t.Parallel()
	srv, env := standIn(t, dokploytest.Options{})
	srv.AddApplication(dokploytest.Application{Name: "api", Image: "ghcr.io/acme/api:1"})
	for _, tt := range []struct{ image, verify, want, set string }{
		{"ghcr.io/acme/api:2", "off", "✅ can be deployed", "\nWould be set on **api** before the deployment:\n\n- image: ghcr.io/acme/api:1 → ghcr.io/acme/api:2\n"},
		{"ghcr.io/acme/api:1", "off", "✅ can be deployed", ""},
		{"ghcr.io/acme/api:2", "require", "❌ unhealthy", "Would be set on **api**"},
	} {
		file := filepath.Join(t.TempDir(), "summary.md")
		c := call{env: with(env, "DOKPLOY_APPLICATION", "api", "DOKPLOY_IMAGE", tt.image, "DOKPLOY_VERIFY", tt.verify, "DOKPLOY_DRY_RUN", "true", "GITHUB_STEP_SUMMARY", file)}
		c.run(t.Context())
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := string(text)
		if !strings.HasPrefix(got, "\n### Dokploy dry run: nothing was changed\n") || !strings.Contains(got, "\n| api | "+tt.want+" | ") ||
			!strings.Contains(got, tt.set) || tt.set == "" && strings.Contains(got, "set on") || strings.Contains(got, "done") {
			t.Errorf("%+v:\n%s", tt, got)
		}
	}
}
