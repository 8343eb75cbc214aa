package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dokploy-deploy/internal/dotenv"
)

// TestJoinedLists: Woodpecker and Drone turn a list into one line, which would
// be a single variable or header.
func TestJoinedLists(t *testing.T) {
	const refused = "is a single line that looks like a list joined with commas"
	for _, tt := range []struct{ vars, want string }{
		{"PLUGIN_ENV=A=SECRET1,B=SECRET2", "env: " + refused},
		{"PLUGIN_ENV=A=1, B_2=x=y ,export C=", "env: " + refused},
		{`PLUGIN_ENV="A=1","B=2"`, "env: line 1"},
		{"PLUGIN_ENV=A=1", ""},
		{"PLUGIN_ENV=A=1,2", ""},
		{"PLUGIN_ENV=A=1,2,B=3", ""},
		{"PLUGIN_ENV=A=1,", ""},
		{"PLUGIN_ENV=A=1,-b=2", ""},
		{"PLUGIN_ENV=A=1,B=2\nC=3", ""},
		{`PLUGIN_ENV={"A":"1,B=2"}`, ""},
		{"INPUT_ENV=A=1,B=2", ""},
		{"DOKPLOY_ENV=A=1,B=2", ""},
		{"PLUGIN_BUILD_ARGS=A=SECRET1,B=SECRET2", "build-args: " + refused},
		{"PLUGIN_BUILD-SECRETS=A=SECRET1,B=SECRET2", "build-secrets: " + refused},
		{"PLUGIN_BUILD_ARGS=A=1,2", ""},
		{"INPUT_BUILD-ARGS=A=1,B=2", ""},
		{"PLUGIN_HEADERS=X-A: SECRET1,X-B: SECRET2", "headers: " + refused},
		{"PLUGIN_HEADERS=X-A: 1,X-B:2", ""},
		{"PLUGIN_HEADERS=X-A: Mon, 01 Jan 2024 00:00:00 GMT", ""},
		{"PLUGIN_HEADERS=X-A: 1, X-B", ""},
		{`PLUGIN_HEADERS={"X-A":"1, X-B: 2"}`, ""},
		{"INPUT_HEADERS=X-A: 1, X-B: 2", ""},
		{"PLUGIN_TITLE=A=1,B=2", ""},
	} {
		c, err := loadVars(Facts{}, tt.vars)
		got := problems(t, err)
		if tt.want == "" && err != nil || tt.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tt.want)) {
			t.Errorf("%q: %q, want %q", tt.vars, got, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: %v", tt.vars, err)
		}
		if strings.HasPrefix(tt.want, "headers") && !strings.Contains(strings.Join(c.Secrets(), " "), "SECRET2") {
			t.Errorf("%q: %q", tt.vars, c.Secrets())
		}
	}
}

// TestBuildVariables: build variables are lines like those of env, or a map; a
// build secret is a shell variable. No message shows a value, nor a name that
// may be part of one.
func TestBuildVariables(t *testing.T) {
	for _, tt := range []struct {
		vars, want, warning string
		args, secrets       string
	}{
		{vars: "INPUT_BUILD-ARGS=A=1\nB.C='x y'", args: "A=1\nB.C='x y'"},
		{vars: `PLUGIN_BUILD_ARGS={"B":"x y","A":1}`, args: "A=1\nB=x y"},
		{vars: `PLUGIN_BUILD_SECRETS={"B":"x y","A":1}`, secrets: "A=1\nB=x y"},
		{vars: "DOKPLOY_BUILD_SECRETS=NPM_TOKEN=\"a\nb\"", secrets: "NPM_TOKEN=\"a\nb\""},
		{vars: `DOKPLOY_BUILD_ARGS="A=1"`, want: `build-args: line 1 `},
		{vars: "DOKPLOY_BUILD_ARGS=hunter2", want: `build-args: line 1 has no "="`},
		{vars: "DOKPLOY_BUILD_ARGS=A=a #hunter2", args: "A=a #hunter2", warning: "build-args: the value of A ends before the first #"},
		{vars: "DOKPLOY_BUILD_SECRETS=A=hunter2\nA=hunter22", secrets: "A=hunter2\nA=hunter22", warning: "build-secrets: A is set more than once"},
		{vars: "DOKPLOY_BUILD_SECRETS=A=1\nhunter2.b=hunter2", want: "build-secrets: variable 2 has a name that would break the build"},
		{vars: "DOKPLOY_BUILD_SECRETS=1hunter2=hunter2\nhunter2-b=1", want: "build-secrets: variable 1, 2 has a name"},
		{vars: "DOKPLOY_BUILD_SECRETS=A=1\nhunter2=", secrets: "A=1\nhunter2=", warning: "build-secrets: variable 2 has no value, and Dokploy does not pass it to the build"},
		{vars: "DOKPLOY_BUILD_ARGS=A=" + strings.Repeat("x", 1<<20), want: "build-args: is larger than Dokploy accepts"},
		{vars: "DOKPLOY_BUILD_ARGS=A=$NAME\nB=${{ x }}", args: "A=$NAME\nB=${{ x }}"},
		{vars: "PLUGIN_BUILDARGS=A=hunter2", want: "build-args: the variable PLUGIN_BUILDARGS is not read; the correct name is PLUGIN_BUILD_ARGS (in `settings:`, build_args)"},
		{vars: "PLUGIN_BUILD_SECRET=A=hunter2", want: "build-secrets: the variable PLUGIN_BUILD_SECRET is not read"},
		{vars: "INPUT_BUILD_ARG=A=hunter2", warning: "build-args: the variable INPUT_BUILD_ARG is not read"},
	} {
		c, err := loadVars(Facts{}, tt.vars)
		got := problems(t, err)
		if tt.want == "" && err != nil || tt.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tt.want)) {
			t.Errorf("%.60q: %q, want %q", tt.vars, got, tt.want)
		}
		if err == nil && (c.BuildArgs != tt.args || c.BuildSecrets != tt.secrets || c.Env != "") {
			t.Errorf("%.60q: %q, %q", tt.vars, c.BuildArgs, c.BuildSecrets)
		}
		var warned []string
		for _, w := range c.Warnings {
			warned = append(warned, w.Input+": "+w.Text)
		}
		if all := strings.Join(warned, "\n"); (tt.warning == "") != (all == "") || !strings.HasPrefix(all, tt.warning) || strings.Contains(all+strings.Join(got, ""), "hunter2") {
			t.Errorf("%.60q: %q, %q, want %q", tt.vars, got, warned, tt.warning)
		}
	}
}

// TestSomebodysOtherVariable: if the host has its own prefix, a problem with
// the value of a DOKPLOY_ variable names that variable.
func TestSomebodysOtherVariable(t *testing.T) {
	for _, tt := range []struct{ vars, want string }{
		{"INPUT_TITLE=x DOKPLOY_LOGS=/var/log", "The variable DOKPLOY_LOGS is read as this input: if it is your own, unset it for this step"},
		{"PLUGIN_TITLE=x DOKPLOY_SOURCE=github", "The variable DOKPLOY_SOURCE is read as this input"},
		{"INPUT_TITLE=x DOKPLOY_DEBUG=1", "The variable DOKPLOY_DEBUG is read as this input"},
		{"INPUT_TITLE=x DOKPLOY_IMAGE=$IMAGE", "The variable DOKPLOY_IMAGE is read as this input"},
		{"DOKPLOY_LOGS=/var/log", ""}, // all variables have this prefix there
		{"INPUT_LOGS=loud", ""},
		{"INPUT_TITLE=x DOKPLOY_URL=hunter2", ""},
		{"INPUT_TITLE=x DOKPLOY_ENV=production", "or give the lines in INPUT_ENV"},
	} {
		_, err := loadVars(Facts{}, strings.Split(tt.vars, " ")...)
		got := problems(t, err)
		if len(got) != 1 || !strings.Contains(got[0], tt.want) || strings.Contains(got[0], "The variable") != (tt.want != "") || strings.Count(got[0], "The variable") > 1 {
			t.Errorf("%q: %q, want %q", tt.vars, got, tt.want)
		}
	}
}

// TestSomebodysOwnVariable: other programs use the name DOKPLOY_ENV, too.
func TestSomebodysOwnVariable(t *testing.T) {
	const hint = "The variable DOKPLOY_ENV is read as this input: if it is your own, unset it for this step, or give the lines in INPUT_ENV"
	for _, tt := range []struct {
		vars []string
		hint bool
		err  bool
	}{
		{[]string{"DOKPLOY_ENV=production"}, true, true},
		{[]string{`DOKPLOY_ENV="production"`}, true, true},
		{[]string{"DOKPLOY_ENV=production\nstaging"}, true, true},
		{[]string{"DOKPLOY_ENV=./.env"}, true, true},
		{[]string{"DOKPLOY_ENV=https://production.example.com/?a=b"}, true, true},
		{[]string{"DOKPLOY_ENV=A=1\nproduction"}, false, true},
		{[]string{"INPUT_ENV=production"}, false, true},
		{[]string{"PLUGIN_ENV=production"}, false, true},
		{[]string{"DOKPLOY_ENV=A=1"}, false, false},
		{[]string{"DOKPLOY_ENV="}, false, false},
		{[]string{"DOKPLOY_ENV=production", "INPUT_ENV=A=1"}, false, false},
		{[]string{"DOKPLOY_ENVIRONMENT=production"}, false, false},
	} {
		_, err := loadVars(Facts{}, tt.vars...)
		got := problems(t, err)
		if (err != nil) != tt.err || tt.err && (len(got) != 1 || !strings.HasPrefix(got[0], "env: ") || strings.Contains(got[0], hint) != tt.hint || strings.Contains(got[0], "production")) {
			t.Errorf("%q: %q", tt.vars, got)
		}
	}
}

// Woodpecker and Drone turn a map into JSON: Dokploy must read the same values.
func TestEnvOfMap(t *testing.T) {
	c, err := load("env", `{"B":"two words # no comment","A":"1","N":3,"T":true,"E":null,"Q":"it's","M":"a\nb"}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []dotenv.Var{
		{Name: "A", Value: "1"}, {Name: "B", Value: "two words # no comment"}, {Name: "E"}, {Name: "M", Value: "a\nb"},
		{Name: "N", Value: "3"}, {Name: "Q", Value: "it's"}, {Name: "T", Value: "true"},
	}
	if diff := cmp.Diff(want, dotenv.Parse(c.Env)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", c.Env, diff)
	}
	for _, bad := range []string{`{"A":["hunter2"]}`, `{"A B":"hunter2"}`, "{\"A\":\"hunter2'\\\"` #\"}"} {
		_, err := load("env", bad)
		got := problems(t, err)
		if len(got) != 1 || strings.Contains(got[0], "hunter2") {
			t.Errorf("%s: %q", bad, got)
		}
	}
}
