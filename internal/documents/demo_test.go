package documents

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"dokploy-deploy/internal/config"
	"dokploy-deploy/internal/demo"
	"dokploy-deploy/internal/program"
)

// deployed is the output of one of the demo's deployments.
type deployed struct {
	output  string // with its colours
	summary string
}

// deploys runs one of the demo's deployments in virtual time, with this many
// columns.
func deploys(t *testing.T, name, columns string) (shown deployed) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		for _, d := range demo.Deployments {
			if d.Name != name {
				continue
			}
			server := d.Server(func(string) {})
			server.Start()
			defer server.Close()
			summary := filepath.Join(t.TempDir(), "summary.md")
			env := config.Environment{
				"DOKPLOY_URL": server.URL(), "DOKPLOY_API_KEY": server.Key, "DOKPLOY_APPLICATION": "shop/api",
				"GITHUB_STEP_SUMMARY": summary, "FORCE_COLOR": "1", "COLUMNS": columns,
			}
			for _, input := range d.Inputs {
				name, value, _ := strings.Cut(input, "=")
				env[name] = value
			}
			var out bytes.Buffer
			p := program.Program{Version: "v1.0.0", Stdout: &out, Stderr: &out, Dial: server.Dial}
			p.Run(t.Context(), nil, env)
			text, err := os.ReadFile(summary)
			if err != nil {
				t.Fatal(err)
			}
			shown = deployed{short(out.String(), server.URL()), short(string(text), server.URL())}
		}
	})
	return shown
}

var ids = regexp.MustCompile(`(/project/)[\w-]{21}/environment/[\w-]{21}(/services/application/)[\w-]{21}`)

// short replaces the address of a stand-in, and leaves out what nobody wants to
// read.
func short(text, url string) string {
	text = strings.ReplaceAll(text, url, "https://dokploy.example.com")
	return ids.ReplaceAllString(text, "$1…$2…")
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// tail is how many lines at the end of a log say what broke.
const tail = 12

// excerpt returns an output without colours, and without the middle of each run
// of lines that the server wrote.
func excerpt(output string) string {
	var kept, theirs []string
	flush := func() {
		if n := len(theirs); n > 2+tail {
			theirs = append(append(theirs[:2:2], "…"), theirs[n-tail:]...)
		}
		kept, theirs = append(kept, theirs...), nil
	}
	header, verdict := true, false
	for line := range strings.SplitSeq(strings.TrimRight(output, "\n"), "\n") {
		coloured := strings.HasPrefix(line, "\x1b[2m") || strings.HasPrefix(line, "\x1b[3")
		line = sgr.ReplaceAllString(line, "")
		verdict = verdict || coloured && (strings.HasPrefix(line, "✓") || strings.HasPrefix(line, "✗"))
		if header || coloured || verdict {
			flush()
			kept = append(kept, line)
		} else {
			theirs = append(theirs, line)
		}
		header = header && line != ""
	}
	flush()
	return "\n```text\n" + strings.Join(kept, "\n") + "\n```\n\n"
}

// What is seen on the way, and how long it takes, differs from run to run.
var (
	passing  = regexp.MustCompile(`(?m)^› (?:new containers: \d+ of \d+ running|(?:Swarm is rolling back|task:) .*(?:\n  \S.*)?)\n`)
	duration = regexp.MustCompile(`\b\d+s\b`)
	clock    = regexp.MustCompile(`\b\d\d:\d\d:\d\dZ`)
)

// lasting returns what is the same in each run.
func lasting(text string) string {
	text = duration.ReplaceAllString(passing.ReplaceAllString(text, ""), "<time>")
	return clock.ReplaceAllString(text, "<clock>")
}
