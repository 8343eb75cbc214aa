package config

import (
	"strings"
	"testing"
)

// TestJoinedLists: what Woodpecker and Drone make of a list is one line, and
// would be one variable or header.
func TestJoinedLists(t *testing.T) {
	const refused = "is one line that reads as a list joined with commas"
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

// TestSomebodysOwnVariable: DOKPLOY_ENV is a name that others use, too.
func TestSomebodysOwnVariable(t *testing.T) {
	const hint = "The variable DOKPLOY_ENV is read as this input: if it is one of your own, unset it for this step, or give the lines in INPUT_ENV"
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
