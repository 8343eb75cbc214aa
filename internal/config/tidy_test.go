package config

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// loadVars reads variables, each NAME=value, in addition to the required
// inputs.
func loadVars(facts Facts, vars ...string) (*Config, error) {
	env := Environment{"DOKPLOY_URL": "https://h", "DOKPLOY_API_KEY": "key-123", "DOKPLOY_APPLICATION": "api"}
	maps.Copy(env, ReadEnvironment(vars))
	return Load(env, facts)
}

func TestTidy(t *testing.T) {
	const quotes, dash, unseen = "the quotes around", "the dash before", "the invisible character U+"
	for _, tt := range []struct {
		form     Form
		in, want string
		dropped  string // how each message begins, separated by commas
	}{
		{Plain, `"api"`, "api", quotes},
		{Plain, `'api'`, "api", quotes},
		{Plain, `" api "`, "api", quotes},
		{Plain, `""`, "", quotes},
		{Plain, `"it's"`, "it's", quotes},
		{Plain, `'"api"'`, `"api"`, quotes}, // only one pair
		{Plain, "\"-----BEGIN\nEND-----\"", "-----BEGIN\nEND-----", quotes},
		{Plain, `"a,b"`, "a,b", quotes},
		{List, `"a,b"`, "a\nb", quotes},
		{List, `"a", 'b',c`, "a\nb\nc", quotes},
		{List, "\"a\"\n\"b\"", "a\nb", quotes},
		{List, "- a\n- b/c", "a\nb/c", dash},
		{List, "a\n  -   b", "a\nb", dash},
		{List, "- \"a\"\n- 'b'", "a\nb", quotes + "," + dash},
		{List, `"- a"`, "a", quotes + "," + dash},
		{List, `"a"`, "a", quotes},
		{Plain, "\ufeffapi", "api", unseen},
		{Plain, " api\u200b ", "api", unseen},
		{Plain, "\ufeff\"api\"", "api", unseen + "," + quotes},
		{Plain, "\"\u2060api\"", "api", unseen + "," + quotes},
		{Plain, "\ufeff", "", unseen},
		{List, "\ufeffa\nb", "a\nb", unseen},
		{List, "a,\u200bb", "a\nb", unseen},
		{List, "- \u200ba", "a", unseen + "," + dash},
		{Headers, "\ufeffA: b", "A: b", unseen},

		// Nothing to drop.
		{Plain, `a"b"`, "", ""},
		{Plain, `"a"b"`, "", ""},
		{Plain, `"a" "b"`, "", ""},
		{Plain, `"a`, "", ""},
		{Plain, `a"`, "", ""},
		{Plain, `"a'`, "", ""},
		{Plain, `"`, "", ""},
		{Plain, "`a`", "", ""},
		{Plain, "“a”", "", ""},
		{Plain, "- a", "", ""},
		{Plain, "https://h:3000/a'b'", "", ""},
		{List, "a , b\n\n,c", "", ""},
		{List, "-a,b-,a-b,a - b,-", "", ""},
		{List, `it's, that's`, "", ""},
		{List, `shop/"a"`, "", ""},
		{Headers, `"A: b"`, "", ""},
		{Variables, `"A=b"`, "", ""},
		{Variables, "- A=b", "", ""},
		{Text, `"Fix it"`, "", ""},
		{Text, "- a", "", ""},
		{Plain, "a\u200db", "", ""},
		{List, "a\u200db,c", "", ""},
		{Variables, "\ufeffA=b", "", ""}, // Dokploy's parser treats it as a space
		{Text, "\u200bFix it", "", ""},
	} {
		if tt.dropped == "" {
			tt.want = tt.in
		}
		got, dropped := tidy(tt.form, tt.in)
		if got != tt.want {
			t.Errorf("%d %q: %q, want %q", tt.form, tt.in, got, tt.want)
		}
		var want []string
		if tt.dropped != "" {
			want = strings.Split(tt.dropped, ",")
		}
		if !slices.EqualFunc(dropped, want, strings.HasPrefix) {
			t.Errorf("%d %q: dropped %q, want %q", tt.form, tt.in, dropped, want)
		}
	}
}

// TestFormsOfSettings: the user's own texts are taken as they are written.
func TestFormsOfSettings(t *testing.T) {
	want := map[string]Form{
		"application": List, "compose": List, "health-status": List, "env": Variables, "headers": Headers, "title": Text, "description": Text,
		"build-args": Variables, "build-secrets": Variables, "health-headers": Headers, "health-contains": Text,
	}
	for _, s := range Settings {
		if s.Form != want[s.Name] {
			t.Errorf("%s has the form %d, not %d", s.Name, s.Form, want[s.Name])
		}
	}
}

// TestQuotes: what was dropped is reported, and the first value that is not
// empty counts.
func TestQuotes(t *testing.T) {
	c, err := loadVars(Facts{}, `DOKPLOY_URL="https://h"`, `DOKPLOY_API_KEY='key-123'`, `INPUT_APPLICATION=""`, "DOKPLOY_APPLICATION=- \"a\"\n- b, 'c'",
		`DOKPLOY_WAIT="true"`, `DOKPLOY_HEALTH_STATUS='200','301-302'`, `DOKPLOY_TITLE="Fix it"`, `DOKPLOY_ENV=A="b"`, `DOKPLOY_HEADERS=X-A: "b"`)
	if err != nil {
		t.Fatal(err)
	}
	if c.URL.String() != "https://h" || c.APIKey != "key-123" || !slices.Equal(c.Applications, []string{"a", "b", "c"}) || !c.Wait || len(c.HealthStatus) != 2 ||
		c.Title != `"Fix it"` || c.Env != `A="b"` || c.Headers.Get("X-A") != `"b"` {
		t.Errorf("%+v", c)
	}
	var warned []string
	for _, w := range c.Warnings {
		warned = append(warned, w.Input)
	}
	if diff := cmp.Diff([]string{"url", "api-key", "application", "application", "wait", "health-status", "health-status"}, warned); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNotExpanded(t *testing.T) {
	for _, v := range []string{
		"$NAME", "${NAME}", "$name", "$_x1", "${NAME:-default}", "${NAME##*/}", "$$NAME", "$${NAME}", "$(NAME)", "$(cat key)", "$env:NAME", "%NAME%", `<+secrets.getValue("key")>`,
		"<< pipeline.parameters.key >>", "${{ secrets.KEY }}", "a-${{ x }}", "${{", "$[[ inputs.key ]]",
	} {
		if notExpanded(v) == "" {
			t.Errorf("%q is taken for a value", v)
		}
	}
	for _, v := range []string{
		"", "$", "$5", "$1a", "5$", "US$", "a$NAME", "$NAME.x", "$NAME/x", "$A$B", "${", "${}", "${5}", "${A}${B}", "$()", "{{ x }}", "%", "100%", "%5%", "a%NAME%", "<b>", "<<a", "$ A", "#{x}", "p4$$word", "$[x]", "${ {x}}",
	} {
		if text := notExpanded(v); text != "" {
			t.Errorf("%q %s", v, text)
		}
	}
}

// TestUnexpandedInputs: each input reports this itself, and nothing else.
func TestUnexpandedInputs(t *testing.T) {
	for _, tt := range []struct{ vars, want string }{
		{"DOKPLOY_URL=$DOKPLOY_HOST", "url: $DOKPLOY_HOST is a variable that was not expanded"},
		{`DOKPLOY_URL="${DOKPLOY_HOST}"`, "url: ${DOKPLOY_HOST} is a variable that was not expanded"},
		{"DOKPLOY_URL=https://${{ vars.HOST }}", "url: contains an expression that was not evaluated"},
		{"DOKPLOY_API_KEY=$DOKPLOY_API_KEY", "api-key: is a variable that was not expanded"},
		{"DOKPLOY_API_KEY=${{ secrets.KEY }}", "api-key: contains an expression that was not evaluated"},
		{"DOKPLOY_APPLICATION=a,$APP", "application: $APP is a variable that was not expanded"},
		{"DOKPLOY_IMAGE=${IMAGE}", "image: ${IMAGE} is a variable"},
		{"DOKPLOY_IMAGE=ghcr.io/a/b:${{ github.sha }}", "image: contains an expression"},
		{"DOKPLOY_WAIT=$WAIT", "wait: $WAIT is a variable"},
		{"DOKPLOY_HEALTH_URL=%URL%", "health-url: is a variable"},
		{"DOKPLOY_SOURCE=$(pwd)", "source: is a variable"},
		{"DOKPLOY_CA_CERT=$CA", "ca-cert: $CA is a variable"},
		{"DOKPLOY_HEADERS=X-A: $HUNTER2", "headers: the value of X-A is a variable"},
		{"DOKPLOY_HEADERS=Authorization: Bearer $HUNTER2", "headers: the value of Authorization is a variable"},
		{"DOKPLOY_HEADERS=Authorization: Bearer ${{ secrets.T }}", "headers: the value of Authorization contains an expression"},
		{"DOKPLOY_HEADERS=$HEADERS", "headers: line 1 is a variable"},
		{`DOKPLOY_HEADERS={"X-A":"${B}"}`, "headers: the value of X-A is a variable"},
		{"DOKPLOY_ENV=A=$B", ""},
		{"DOKPLOY_ENV=A=${{project.B}}", ""},
		{"DOKPLOY_TITLE=$NAME", ""},
		{"DOKPLOY_DESCRIPTION=${{ x }}", ""},
		{"DOKPLOY_HEADERS=X-A: costs $FIVE", ""},
		{"DOKPLOY_HEADERS=X-A: $5", ""},
		{"DOKPLOY_APPLICATION=$5,a$NAME", ""},
	} {
		_, err := loadVars(Facts{}, tt.vars)
		got := problems(t, err)
		if tt.want == "" && err != nil || tt.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tt.want)) {
			t.Errorf("%s: %q, want %q", tt.vars, got, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "HUNTER2") {
			t.Errorf("%s: %v", tt.vars, err)
		}
	}
}

func TestKeys(t *testing.T) {
	const secret = "SECRETabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456"
	for _, tt := range []struct{ url, key, want string }{
		{"https://h", "***", "api-key: consists only of asterisks"},
		{"https://h", `"********"`, "api-key: consists only of asterisks"},
		{"https://h", "••••••", "api-key: consists only of asterisks"},
		{"https://h", "[MASKED]", "api-key: is what a log shows in place of a key"},
		{"https://h", "https://dokploy.example.com/" + secret, "api-key: is an address; give the key"},
		{"https://h", "dokploy.example.com", "api-key: is an address; give the key"},
		{"https://h", "Bearer " + secret, "api-key: contains a space"},
		{"https://h", "DOKPLOY_API_KEY=" + secret, "api-key: begins with the name of a variable or header: give only what comes after it"},
		{"https://h", "api-key=" + secret, "api-key: begins with the name"},
		{"https://h", "x-api-key: " + secret, "api-key: begins with the name"},
		{"https://h", "export API_KEY=" + secret, "api-key: begins with the name"},
		{secret, "https://dokploy.example.com", "url: is not an address, but api-key is: the two are swapped|api-key: is an address, but url is not: the two are swapped"},
		{secret, "dokploy.example.com", "url: is not an address, but api-key is: the two are swapped|api-key: is an address, but url is not: the two are swapped"},
		{secret, "http://10.0.0.1:3000/", "url: is not an address, but api-key is: the two are swapped|api-key: is an address, but url is not: the two are swapped"},
		{secret, "https://h/api/deploy/" + secret, "url: is not an address, but api-key is|api-key: is a webhook link"},
		{secret, secret, "url: is not an address that begins with"},
		{secret, "key-123", "url: is not an address that begins with"},
		{secret + "://h", "key-123", "url: is not http or https"},
		{"https://h", secret, ""},
		{"https://h", "ci_key-" + secret, ""},
		{"https://h", "my_api_key_" + secret, ""},
		{"https://h", "a*b", ""},
		{"https://h", "$5" + secret, ""},
	} {
		c, err := loadVars(Facts{}, "DOKPLOY_URL="+tt.url, "DOKPLOY_API_KEY="+tt.key)
		got := problems(t, err)
		var want []string
		if tt.want != "" {
			want = strings.Split(tt.want, "|")
		}
		if !slices.EqualFunc(got, want, strings.HasPrefix) {
			t.Errorf("%s, %s: %q, want %q", tt.url, tt.key, got, want)
		}
		if err == nil {
			continue
		}
		if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s, %s: %v", tt.url, tt.key, err)
		}
		if strings.Contains(tt.url+tt.key, secret) && !strings.HasPrefix(tt.key, "https://dok") && !strings.Contains(tt.url, "://h") && !strings.Contains(strings.Join(c.Secrets(), " "), secret) {
			t.Errorf("%s, %s: not among the secrets: %q", tt.url, tt.key, c.Secrets())
		}
	}
}

// TestWordsStayWords: a word given instead of an address hides nothing.
func TestWordsStayWords(t *testing.T) {
	for _, url := range []string{"dokploy", "h", "production", "dokploy-staging"} {
		if c, err := loadVars(Facts{}, "DOKPLOY_URL="+url); err == nil || !slices.Equal(c.Secrets(), []string{"key-123"}) {
			t.Errorf("%s: %v, %q", url, err, c.Secrets())
		}
	}
	if c, err := loadVars(Facts{}, "DOKPLOY_URL=dokploy", "DOKPLOY_API_KEY=dokploy.example.com"); err == nil || len(c.Secrets()) > 0 {
		t.Errorf("swapped: %v, %q", err, c.Secrets())
	}
	if c, err := loadVars(Facts{}, "DOKPLOY_API_KEY=k3y-${{ x }}"); err == nil || !slices.Equal(c.Secrets(), []string{"k3y-${{ x }}"}) {
		t.Errorf("half a key: %v, %q", err, c.Secrets())
	}
	for _, key := range []string{"********", "$DOKPLOY_API_KEY", "https://dokploy.example.com"} {
		if c, err := loadVars(Facts{}, "DOKPLOY_API_KEY="+key); err == nil || len(c.Secrets()) > 0 {
			t.Errorf("%s: %v, %q", key, err, c.Secrets())
		}
	}
}

// TestKeyThatTheHostKeepsBack: for an empty key the error says why it is empty,
// for any other input it does not.
func TestKeyThatTheHostKeepsBack(t *testing.T) {
	facts := Facts{NoSecrets: "the pull request comes from a fork"}
	for _, tt := range []struct{ vars, want string }{
		{"DOKPLOY_API_KEY=", "api-key: is required but not set (looked for INPUT_API-KEY, INPUT_API_KEY, PLUGIN_API_KEY, PLUGIN_API-KEY, DOKPLOY_API_KEY): the pull request comes from a fork"},
		{`DOKPLOY_API_KEY=""`, "api-key: is required but not set (looked for INPUT_API-KEY, INPUT_API_KEY, PLUGIN_API_KEY, PLUGIN_API-KEY, DOKPLOY_API_KEY): the pull request comes from a fork"},
		{"DOKPLOY_URL=", "url: is required but not set (looked for INPUT_URL, PLUGIN_URL, DOKPLOY_URL)"},
	} {
		_, err := loadVars(facts, tt.vars)
		if diff := cmp.Diff([]string{tt.want}, problems(t, err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.vars, diff)
		}
	}
	if _, err := loadVars(facts); err != nil {
		t.Error(err)
	}
}
