package program

import (
	"strings"
	"testing"

	"dokploy-deploy/internal/dokploytest"
)

// TestDryRunHoweverSpelled: whatever asks for a dry run is read or refused, and
// never deploys.
func TestDryRunHoweverSpelled(t *testing.T) {
	t.Parallel()
	srv, env := standIn(t, dokploytest.Options{})
	srv.AddApplication(dokploytest.Application{Name: "api", SourceType: "git"})
	plugin := map[string]string{"PLUGIN_URL": env["DOKPLOY_URL"], "PLUGIN_API-KEY": env["DOKPLOY_API_KEY"], "PLUGIN_APPLICATION": "api"}
	shell := with(env, "DOKPLOY_APPLICATION", "api")
	for _, tt := range []struct {
		name   string
		env    map[string]string
		code   int
		output string
	}{
		{"a plugin's hyphen", with(plugin, "PLUGIN_DRY-RUN", "true"), 0, "this was a dry run"},
		{"a plugin's underscore", with(plugin, "PLUGIN_DRY_RUN", "true"), 0, "this was a dry run"},
		{"no separator", with(shell, "DOKPLOY_DRYRUN", "true"), 2, "the variable DOKPLOY_DRYRUN is not read"},
		{"no separator in with", with(shell, "INPUT_DRYRUN", "true"), 2, "the variable INPUT_DRYRUN is not read"},
		{"an outer action's", with(shell, "INPUT_DRYRUN", "false", "INPUT_DRY-RUN", "true"), 0, "! dry-run: the variable INPUT_DRYRUN is not read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := call{env: tt.env}
			c.run(t.Context())
			if c.code != tt.code || !strings.Contains(c.stdout.String(), tt.output) {
				t.Errorf("exit %d, want %d and %q:\n%s", c.code, tt.code, tt.output, &c.stdout)
			}
			if n := srv.Calls("application.deploy"); n > 0 {
				t.Fatalf("%d deployments", n)
			}
		})
	}
}
