package config

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

// FuzzGiven: whatever surrounds a secret, no message shows it, and nothing
// panics. If there is nothing to guess about, the value is taken as it is.
func FuzzGiven(f *testing.F) {
	const secret = "S3cretK3yOfDokpl0y"
	for kind := range uint8(16) {
		for _, around := range [][2]string{{"", ""}, {"https://h/", "?x"}, {"\"", "\""}, {"- a,", "\n"}, {"$", "}"}, {"${{", "}}"}, {"bob:", "@h"}, {"a.b/", ",c=d"}, {"/dashboard/project/p/", "/services/application/x"}} {
			f.Add(kind, around[0], around[1])
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, before, behind string) {
		around := before + secret + behind
		env := Environment{"DOKPLOY_URL": "https://h", "DOKPLOY_API_KEY": "key-123", "DOKPLOY_APPLICATION": "api", "DOKPLOY_TITLE": before, "PLUGIN_" + before: "x", "INPUT_" + behind: "x"}
		switch kind % 16 {
		case 0:
			env["DOKPLOY_API_KEY"] = around
		case 1:
			env["PLUGIN_HEADERS"] = "X-A: " + around
		case 2:
			env["PLUGIN_ENV"] = "A=" + around
		case 3:
			env["DOKPLOY_ENV"] = secret
		case 4: // swapped
			env["DOKPLOY_URL"], env["DOKPLOY_API_KEY"] = secret, before
		case 5:
			env["DOKPLOY_URL"] = "https://" + before + "/api/deploy/" + secret + "?" + behind
		case 6:
			env["DOKPLOY_APPLICATION"] = "https://" + before + "/api/deploy/compose/" + secret + "/" + behind
		case 7:
			env["DOKPLOY_URL"] = "https://bob:" + secret + "@" + behind
		case 8:
			env["DOKPLOY_URL"] = "https://h/" + strings.TrimRight(before, "@") + "?" + around
		case 9:
			env["DOKPLOY_COMPOSE"], env["DOKPLOY_COMPOSE_FILE"] = "x", "services:\n"+around
		case 10:
			env["DOKPLOY_HEALTH_URL"] = "https://h/?" + around
		case 11:
			env["DOKPLOY_API_KEY"] = "https://h/api/deploy/" + around
		case 12: // the key in the wrong place
			env["DOKPLOY_API_KEY"], env["DOKPLOY_IMAGE"], env["DOKPLOY_LOGS"] = secret, around, around
		case 13:
			env["PLUGIN_BUILD_ARGS"] = "A=" + around
		case 14:
			env["PLUGIN_BUILD_SECRETS"] = "A=" + around
		case 15:
			env["DOKPLOY_BUILD_SECRETS"] = around + "="
		}
		c, err := Load(env, Facts{NoSecrets: "why", Checkout: "do"})
		var said []Problem
		if err != nil {
			for _, line := range problems(t, err) {
				said = append(said, Problem{"", line})
			}
		}
		for _, p := range append(said, c.Warnings...) {
			// What the fuzzer adds by itself is not a secret.
			if strings.Contains(p.Input+p.Text, secret) && !strings.Contains(before+behind, secret) {
				t.Errorf("%d %q %q: %q", kind%16, before, behind, p)
			}
		}

		// The same text as the name of a service, if it can only be a name.
		name := strings.TrimSpace(before)
		if name == "" || strings.ContainsAny(name, "\"',$%<{\r\n") || strings.HasPrefix(name, "- ") || strings.Contains(name, "://") || strings.Contains(name, "/dashboard/project/") ||
			hook.MatchString(name) || strings.ContainsFunc(name, unicode.IsControl) || strings.ContainsFunc(name, invisible) {
			return
		}
		c, err = load("application", name, "title", name)
		if err != nil || !slices.Equal(c.Applications, []string{name}) || c.Title != name || len(c.Warnings) > 0 {
			t.Errorf("%q became %q, %q; %q, %v", name, c.Applications, c.Title, c.Warnings, err)
		}
	})
}

// FuzzTidy: the value comes back unchanged, or something is reported.
func FuzzTidy(f *testing.F) {
	for _, s := range []string{`"a"`, "- a\n- b", `'a', "b"`, "a,b", `"`, "-", "- ", `""`, "\ufeffa", "a,\u200bb"} {
		f.Add(uint8(0), s)
		f.Add(uint8(1), s)
	}
	f.Fuzz(func(t *testing.T, form uint8, s string) {
		s = strings.TrimSpace(s)
		got, dropped := tidy(Form(form%5), s)
		around := strings.ContainsAny(s, `"'`) || strings.Contains(s, "- ") || strings.ContainsFunc(s, invisible)
		if got != s && (len(dropped) == 0 || !around) || len(got) > len(s) {
			t.Errorf("%q became %q: %q", s, got, dropped)
		}
		if got == s && len(dropped) > 0 {
			t.Errorf("%q is what it was: %q", s, dropped)
		}
	})
}
