package config

import (
	"fmt"
	"io"
	"strings"

	"dokploy-deploy/internal/text"
)

// UsageColumns is the width of the --help text.
const UsageColumns = 79

// Usage writes the inputs for --help.
func Usage(w io.Writer) {
	var b strings.Builder
	b.WriteString(`Inputs come from the environment. api-key, for example, is the first of these
that is not empty:
  INPUT_API-KEY, INPUT_API_KEY    GitHub, Forgejo and Gitea actions
  PLUGIN_API_KEY, PLUGIN_API-KEY  Woodpecker, Drone, Harness
  DOKPLOY_API_KEY                 GitLab, Bitbucket, CircleCI, Jenkins, a shell
`)
	UsageText(&b, "Lists are separated by newlines or commas ("+strings.Join(ByLines(), ", ")+": newlines only), durations look "+
		"like 90s or 30m, or whole seconds. Quotes around a value are dropped with a warning, but not where they may belong to it.", 0)
	for _, g := range Groups {
		fmt.Fprintf(&b, "\n%s:\n", g.Title)
		for _, s := range g.Settings() {
			b.WriteString("  " + s.Name)
			switch {
			case s.Required:
				b.WriteString(" (required)")
			case s.Default != "":
				fmt.Fprintf(&b, " (default: %s)", s.Default)
			}
			b.WriteString("\n")
			UsageText(&b, s.Meaning, 8)
		}
	}
	_, _ = io.WriteString(w, b.String())
}

// ByLines returns the inputs whose entries are separated by newlines only.
func ByLines() []string {
	var names []string
	for _, s := range Settings {
		if s.Form == Variables || s.Form == Headers {
			names = append(names, s.Name)
		}
	}
	return names
}

// UsageText writes a paragraph of Markdown as plain text for --help.
func UsageText(b *strings.Builder, markdown string, indent int) {
	blanks := strings.Repeat(" ", indent)
	for _, line := range text.Wrap(strings.ReplaceAll(markdown, "`", ""), UsageColumns-indent) {
		b.WriteString(blanks + line + "\n")
	}
}
