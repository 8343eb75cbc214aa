package config

import (
	"slices"
	"strings"
	"testing"
)

func TestEdits(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"url", "url", 0}, {"url", "uri", 1}, {"url", "ulr", 1}, {"url", "urls", 1}, {"url", "rl", 1}, {"url", "", 3},
		{"timeout", "tiemout", 1}, {"timeout", "tmieuot", 2}, {"application", "aplicaton", 2}, {"application", "apllication", 1}, {"abcd", "badc", 2}, {"ca", "abc", 3},
	} {
		if got := edits(tt.a, tt.b); got != tt.want {
			t.Errorf("%s, %s: %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := edits(tt.b, tt.a); got != tt.want {
			t.Errorf("%s, %s: %d, want %d", tt.b, tt.a, got, tt.want)
		}
	}
}

// TestNamesThatNobodyReads: nobody else uses settings of plugins; other
// variables may belong to another program.
func TestNamesThatNobodyReads(t *testing.T) {
	const isError, isWarning, unknown = "error", "warning", "unknown"
	for _, tt := range []struct{ name, input, want string }{
		{"PLUGIN_ULR", "url", isError},
		{"PLUGIN_URLS", "url", isError},
		{"PLUGIN_LOG", "logs", isError},
		{"PLUGIN_IMAGES", "image", isError},
		{"PLUGIN_WIAT", "wait", isError},
		{"PLUGIN_DRYRUNN", "dry-run", isError},
		{"PLUGIN_DRY-RNU", "dry-run", isError},
		{"PLUGIN_TIMOUT", "timeout", isError},
		{"PLUGIN_TIEMOUTS", "timeout", isError},
		{"PLUGIN_APLICATON", "application", isError},
		{"PLUGIN_HELTH_URL", "health-url", isError},
		{"PLUGIN_API_KYE", "api-key", isError},
		{"PLUGIN_APPLICATIONS", "application", isError},
		{"PLUGIN_HEADER", "headers", isError},
		{"INPUT_APPLICATIOM", "application", isWarning},
		{"INPUT_HELTH-URL", "health-url", isWarning},
		{"INPUT_DRY-RUNS", "dry-run", isWarning},
		{"DOKPLOY_TIMEOUTS", "timeout", isWarning},
		{"DOKPLOY_URI", "url", isWarning},
		{"DOKPLOY_ROLBACK", "rollback", isWarning},
		{"PLUGIN_REPO", "PLUGIN_REPO", unknown},
		{"PLUGIN_TAGS", "PLUGIN_TAGS", unknown},
		{"PLUGIN_WAIST_", "wait", isError},
		{"PLUGIN_WAISTS", "PLUGIN_WAISTS", unknown}, // two edits in a short name
		{"PLUGIN_TIMER", "PLUGIN_TIMER", unknown},
		{"PLUGIN_APPLY", "PLUGIN_APPLY", unknown},
		{"PLUGIN_" + strings.Repeat("X", 1000), "PLUGIN_" + strings.Repeat("X", 1000), unknown},
		{"PLUGIN_ÜRL", "PLUGIN_ÜRL", unknown},
		{"PLUGIN_ARTIFACT_FILE", "", ""},
		{"INPUT_TIMER", "", ""},
		{"INPUT_FETCH-DEPTH", "", ""},
		{"DOKPLOY_HOST", "", ""},
		{"DOKPLOY_DEPLOYED_URL", "", ""},
		{"APPLICATIOM", "", ""},
		{"MY_PLUGIN_TIMOUT", "", ""},
	} {
		c, err := loadVars(Facts{}, tt.name+"=SECRET")
		got := problems(t, err)
		warned := slices.ContainsFunc(c.Warnings, func(p Problem) bool {
			return p.Input == tt.input && strings.Contains(p.Input+p.Text, tt.name+map[string]string{isWarning: " is not read; the correct name is ", unknown: "is not read: there is no such input"}[tt.want])
		})
		switch {
		case tt.want == isError && (len(got) != 1 || !strings.HasPrefix(got[0], tt.input+": the variable "+tt.name+" is not read; the correct name is PLUGIN_") || len(c.Warnings) > 0),
			(tt.want == isWarning || tt.want == unknown) && (len(got) > 0 || len(c.Warnings) != 1 || !warned),
			tt.want == "" && (len(got) > 0 || len(c.Warnings) > 0):
			t.Errorf("%s: %q, %q; want %s", tt.name, got, c.Warnings, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Error(err)
		}
	}
	for _, s := range Settings { // a correct name is not a near miss of another
		for _, name := range Spellings(s.Name) {
			_, rest := cutPrefix(name)
			if input, like := nearest(rest); input != s.Name || like != same {
				t.Errorf("%s is taken for %s", name, input)
			}
		}
	}
}
