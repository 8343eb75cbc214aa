package config

import (
	"fmt"
	"maps"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMisspelt: a name that is right except for its separators stops the run;
// variables of other programs do not.
func TestMisspelt(t *testing.T) {
	for _, tt := range []struct {
		env  string // NAME=value, separated by spaces
		want string // the problem
	}{
		{"DOKPLOY_DRYRUN=true", "dry-run: the variable DOKPLOY_DRYRUN is not read; the correct name is DOKPLOY_DRY_RUN"},
		{"INPUT_DRYRUN=true", "dry-run: the variable INPUT_DRYRUN is not read; the correct name is INPUT_DRY_RUN (in `with:`, dry-run)"},
		{"PLUGIN_DRYRUN=true", "dry-run: the variable PLUGIN_DRYRUN is not read; the correct name is PLUGIN_DRY_RUN (in `settings:`, dry_run)"},
		{"INPUT_HEALTHURL=x", "health-url: the variable INPUT_HEALTHURL is not read; the correct name is INPUT_HEALTH_URL (in `with:`, health-url)"},
		{"DOKPLOY_DRY-RUN=true", "dry-run: the variable DOKPLOY_DRY-RUN is not read; the correct name is DOKPLOY_DRY_RUN"},
		{"DOKPLOY__DRY__RUN=true", "dry-run: the variable DOKPLOY__DRY__RUN is not read; the correct name is DOKPLOY_DRY_RUN"},
		{"DOKPLOY-DRY-RUN=true", "dry-run: the variable DOKPLOY-DRY-RUN is not read; the correct name is DOKPLOY_DRY_RUN"},
		{"INPUT_DRY.RUN=true", "dry-run: the variable INPUT_DRY.RUN is not read; the correct name is INPUT_DRY_RUN (in `with:`, dry-run)"},
		{"INPUT_DRY_RUN_=true", "dry-run: the variable INPUT_DRY_RUN_ is not read; the correct name is INPUT_DRY_RUN (in `with:`, dry-run)"},
		{"INPUT_CA_-CERT=x", "ca-cert: the variable INPUT_CA_-CERT is not read; the correct name is INPUT_CA_CERT (in `with:`, ca-cert)"},
		{"DOKPLOY_dry_run=true", "dry-run: the variable DOKPLOY_dry_run is not read; the correct name is DOKPLOY_DRY_RUN"},
		{"DOKPLOY_TIME_OUT=1m", "timeout: the variable DOKPLOY_TIME_OUT is not read; the correct name is DOKPLOY_TIMEOUT"},
		{"DOKPLOY_ROLL_BACK=true INPUT_TIMEOUT=1m", "rollback: the variable DOKPLOY_ROLL_BACK is not read; the correct name is DOKPLOY_ROLLBACK"},
		// The same input with another prefix is not what was meant.
		{"DOKPLOY_DRYRUN=true DOKPLOY_DRY_RUN=false", "dry-run: the variable DOKPLOY_DRYRUN is not read; the correct name is DOKPLOY_DRY_RUN"},
		{"DOKPLOY_DRYRUN=true INPUT_DRY_RUN= ", "dry-run: the variable DOKPLOY_DRYRUN is not read; the correct name is DOKPLOY_DRY_RUN"},

		{"DOKPLOY_DRYRUN=", ""},
		{"INPUT_DRY-RUN=true", ""},
		{"INPUT_DRY_RUN=true", ""},
		{"PLUGIN_DRY-RUN=true", ""},
		{"PLUGIN_DRY_RUN=true", ""},
	} {
		t.Run(tt.env, func(t *testing.T) {
			env := Environment{"DOKPLOY_URL": "https://h", "DOKPLOY_API_KEY": "key-123", "DOKPLOY_APPLICATION": "api"}
			maps.Copy(env, ReadEnvironment(strings.Split(tt.env, " ")))
			c, err := Load(env, Facts{})
			want := problems(t, err)
			switch {
			case tt.want == "" && err != nil, tt.want != "" && (len(want) != 1 || want[0] != tt.want+": rename it, or unset it if it is not meant for dokploy-deploy"):
				t.Errorf("got  %q\nwant %q", want, tt.want)
			case len(c.Warnings) > 0:
				t.Errorf("warnings %q", c.Warnings)
			}
		})
	}
}

// TestMisspeltOfAnother: if the right INPUT_ variable is set too, a misspelt
// one may be an outer action's input.
func TestMisspeltOfAnother(t *testing.T) {
	for _, name := range []string{"INPUT_DRYRUN", "DOKPLOY_DRYRUN", "PLUGIN_DRYRUN"} {
		for _, right := range []string{"INPUT_DRY-RUN", "INPUT_DRY_RUN"} {
			c, err := Load(Environment{"DOKPLOY_URL": "https://h", "DOKPLOY_API_KEY": "key-123", "DOKPLOY_APPLICATION": "api", name: "true", right: "false"}, Facts{})
			if err != nil || len(c.Warnings) != 1 || c.Warnings[0].Input != "dry-run" || !strings.Contains(c.Warnings[0].Text, name+" is not read") || c.DryRun {
				t.Errorf("%s beside %s: %v, %+v", name, right, err, c.Warnings)
			}
		}
	}
}

// TestMisspeltRequired: there is a single problem, and it shows nothing of the
// value.
func TestMisspeltRequired(t *testing.T) {
	_, err := Load(Environment{"DOKPLOY_URL": "https://h", "DOKPLOY_APIKEY": "key-123", "DOKPLOY_APPLICATION": "api"}, Facts{})
	got := problems(t, err)
	if len(got) != 1 || !strings.HasPrefix(got[0], "api-key: the variable DOKPLOY_APIKEY is not read") || strings.Contains(got[0], "key-123") {
		t.Errorf("%q", got)
	}
}

// TestOthersVariables: no error and no warning for variables of other programs.
func TestOthersVariables(t *testing.T) {
	env := Environment{"DOKPLOY_URL": "https://h", "DOKPLOY_API_KEY": "key-123", "DOKPLOY_APPLICATION": "api"}
	for name := range strings.FieldsSeq(`
		DOKPLOY_STATUS DOKPLOY_DEPLOYMENT_ID DOKPLOY_DEPLOYED_URL DOKPLOY_BUILT_COMMIT DOKPLOY_DASHBOARD_URL DOKPLOY_DURATION DOKPLOY_DEPLOYMENTS
		DOKPLOY_URL_OUT DOKPLOY_DEPLOY_URL DOKPLOY_VERSION DOKPLOY_CLOUD DOKPLOY_DEPLOY_BINARY DOKPLOY_HOST DOKPLOY_TOKEN DOKPLOYURL DOKPLOY
		PLUGIN_ARTIFACT_FILE PLUGIN_METADATA_FILE PLUGINS PLUGIN_ PLUGIN__
		INPUT_ARGS INPUT_ENTRYPOINT INPUT_TOKEN INPUT_NODE-VERSION INPUT_FETCH-DEPTH INPUT_REPOSITORY INPUT_ INPUT INPUTRC INPUT_METHOD
		dokploy_dry_run MY_DOKPLOY_DRYRUN DRYRUN DRY_RUN CI_ENVIRONMENT_URL TF_VAR_dokploy_url`) {
		env[name] = "x"
	}
	c, err := Load(env, Facts{})
	if err != nil || len(c.Warnings) > 0 {
		t.Errorf("%v\n%q", err, c.Warnings)
	}
}

// TestEverySpelling: each input is read from all of its variables on every kind
// of host; the first one that is not empty counts.
func TestEverySpelling(t *testing.T) {
	for _, s := range Settings {
		upper := strings.ToUpper(s.Name)
		under := strings.ReplaceAll(upper, "-", "_")
		order := []string{"INPUT_" + upper, "INPUT_" + under, "PLUGIN_" + under, "PLUGIN_" + upper, "DOKPLOY_" + under}
		env := Environment{}
		for i, name := range order {
			env[name] = fmt.Sprint("value ", i)
			if upper == under { // INPUT_URL and similar names match two of these
				env[name] = name
			}
		}
		l := &loader{env: env}
		given := func() string {
			v, _ := l.lookup(s)
			return v.text
		}
		for _, name := range order {
			want := env[name]
			if want == "" {
				continue
			}
			if got := given(); got != want {
				t.Errorf("%s: %q, and not %q from %s", s.Name, got, want, name)
			}
			env[name] = ""
		}
		if got := given(); got != "" {
			t.Errorf("%s: %q, and nothing is set", s.Name, got)
		}
	}
}

func TestReadEnvironment(t *testing.T) {
	got := ReadEnvironment([]string{"A=1", "B=x=y", "C=", "=C:=C:\\", "broken", "A=2", "INPUT_API-KEY=k"})
	if diff := cmp.Diff(Environment{"A": "1", "B": "x=y", "C": "", "INPUT_API-KEY": "k"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if v, ok := got.Lookup("C"); v != "" || !ok {
		t.Error("an empty variable is set")
	}
	if _, ok := got.Lookup("c"); ok && runtime.GOOS != "windows" {
		t.Error("case counts")
	}
}
