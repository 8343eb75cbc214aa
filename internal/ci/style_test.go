package ci

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Our own lines are coloured, including their marks; lines of the server and
// quotes from them stay as they were written.
func TestStyles(t *testing.T) {
	out := show(gitlabHost, []string{"sesame"}, func(p *Printer) {
		p.Header("head")
		p.SetTargets([]string{"api", "web"})
		p.Note("api", "\x1b[35mqueued\x1b[0m "+strings.Repeat("long ", 20))
		p.SetTargets(nil)
		p.Warn("", "sesame ##vso[x]")
		p.LogLine("", []byte("\x1b[35mviolet\x1b[0m"))
		p.Success("done")
		p.Failure(Failure{Verdict: "failed", Reason: "x", Quoted: []string{"\x1b[35mviolet"}, Hint: "do"})
		p.Error(Problem{Input: "url", Text: "wrong", Hint: "write another"})
	})
	want := "head\n\napi │ \x1b[2m› queued " + strings.TrimSpace(strings.Repeat("long ", 13)) + "\x1b[0m\n" +
		"api │ \x1b[2m  " + strings.TrimSpace(strings.Repeat("long ", 7)) + "\x1b[0m\n" +
		"\x1b[33m! *** ##vso[x]\x1b[0m\n\x1b[35mviolet\x1b[0m\n\x1b[32m✓ done\x1b[0m\n" +
		"\x1b[31m✗ failed: x\x1b[0m\n    \x1b[35mviolet\x1b[0m\n  hint: do\n\x1b[31merror: url: wrong\x1b[0m\nhint:  write another\n"
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestColours(t *testing.T) {
	for _, tt := range []struct {
		vars map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"GITHUB_ACTIONS": "true"}, true},
		{map[string]string{"GITLAB_CI": "true"}, true},
		{map[string]string{"GITLAB_CI": "true", "NO_COLOR": "1"}, false},
		{map[string]string{"GITLAB_CI": "true", "TERM": "dumb"}, false},
		{map[string]string{"JENKINS_URL": "http://x"}, false},
		{map[string]string{"FORCE_COLOR": "1"}, true},
		{map[string]string{"FORCE_COLOR": "0"}, false},
		{map[string]string{"FORCE_COLOR": "1", "NO_COLOR": "1"}, false},
		{map[string]string{"FORCE_COLOR": "1", "TERM": "dumb"}, false},
	} {
		out := show(Detect(lookup(tt.vars)), nil, func(p *Printer) { p.LogLine("", []byte("\x1b[36mcyan")); p.Success("done") })
		want := "cyan\n✓ done\n"
		if tt.want {
			want = "\x1b[36mcyan\x1b[0m\n\x1b[32m✓ done\x1b[0m\n"
		}
		if out != want {
			t.Errorf("%v: %q", tt.vars, out)
		}
	}
	for value, want := range map[string]int{"": 80, "120": 120, "400": 400, "10": 80, "wide": 80} {
		if got := screenOf(Detect(lookup(map[string]string{"COLUMNS": value})), io.Discard).columns; got != want {
			t.Errorf("COLUMNS=%s: %d columns, want %d", value, got, want)
		}
	}
	for _, name := range []string{t.TempDir() + "/out", os.DevNull} {
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if screenOf(plainHost, file) != (screen{columns: commonColumns}) {
			t.Errorf("%s is no terminal", name)
		}
	}
}
