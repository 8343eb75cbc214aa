package ci

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Row is one target in the step summary. Its texts may come from the server.
type Row struct {
	Target    string
	Status    string
	OK        bool
	Skipped   bool // was not started
	DryRun    bool // nothing was meant to be
	Verified  string
	Queued    string // empty: unknown, as are the other times
	Build     string
	Total     string
	URL       string
	Dashboard string
	Set       []string // what was set before the deployment, or would be
	Reason    string   // only of a failed target, like the fields below
	Rollback  string
	Hint      string
	Tail      []string // last lines of the log
}

// mark is the icon in front of the status.
func (r *Row) mark() string {
	switch {
	case r.Skipped:
		return "➖"
	case r.OK:
		return "✅"
	}
	return "❌"
}

// maxSummary keeps the summary below 1 MiB. GitHub drops larger ones whole.
const maxSummary = 700 << 10

// maxCell limits one text in the table, in bytes.
const maxCell = 2000

// WriteSummary appends a summary of the run to the file named by
// GITHUB_STEP_SUMMARY, if that is set. The printer masks free text.
func (h Host) WriteSummary(p *Printer, rows []Row, problems []Problem) error {
	path := h.get("GITHUB_STEP_SUMMARY")
	if path == "" || len(rows)+len(problems) == 0 {
		return nil
	}
	if err := appendFile(path, p.summary(rows, problems)); err != nil {
		return fmt.Errorf("summary not written to %s (GITHUB_STEP_SUMMARY): %w", path, err)
	}
	return nil
}

func (p *Printer) summary(rows []Row, problems []Problem) string {
	var b strings.Builder
	// Surrounded by blank lines: Markdown right after HTML, which another step
	// may have left, is not rendered.
	title := "Dokploy deployment"
	if slices.ContainsFunc(rows, func(r Row) bool { return r.DryRun }) {
		title = "Dokploy dry run: nothing was changed"
	}
	b.WriteString("\n### " + title + "\n")
	if len(rows) > 0 {
		b.WriteString("\n| target | status | verified | queued | build | total | links |\n|---|---|---|---|---|---|---|\n")
	}
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s %s | %s | %s | %s | %s | %s |\n", cell(r.Target), r.mark(), cell(r.Status), cell(r.Verified),
			cell(r.Queued), cell(r.Build), cell(r.Total), links(webLink("site", r.URL), webLink("dashboard", r.Dashboard)))
	}
	for _, x := range problems {
		what := cell(p.clean(x.Text))
		if x.Input != "" {
			what = "**" + cell(x.Input) + "**: " + what
		}
		b.WriteString("\n❌ " + what + "\n")
		p.summaryLine(&b, "Hint", x.Hint)
	}
	for _, r := range rows {
		if !r.OK && r.Reason != "" {
			fmt.Fprintf(&b, "\n%s **%s**: %s\n", r.mark(), cell(r.Target), cell(p.clean(r.Reason)))
			p.summaryLine(&b, "Rollback", r.Rollback)
			p.summaryLine(&b, "Hint", r.Hint)
			p.summaryTail(&b, r.Tail)
		}
	}
	for _, r := range rows {
		if b.Len() > maxSummary {
			break
		}
		switch {
		case len(r.Set) > 0 && r.DryRun:
			fmt.Fprintf(&b, "\nWould be set on **%s** before the deployment:\n\n", cell(r.Target))
		case len(r.Set) > 0:
			fmt.Fprintf(&b, "\nSet on **%s** before the deployment:\n\n", cell(r.Target))
		}
		for _, line := range r.Set {
			fmt.Fprintf(&b, "- %s\n", cell(p.clean(line)))
		}
	}
	return b.String() + "\n"
}

func (p *Printer) summaryLine(b *strings.Builder, what, text string) {
	if text != "" && b.Len() < maxSummary {
		fmt.Fprintf(b, "\n%s: %s\n", what, cell(p.clean(text)))
	}
}

func (p *Printer) summaryTail(b *strings.Builder, lines []string) {
	if len(lines) == 0 {
		return
	}
	tail := p.clean(strings.Join(lines, "\n"))
	fence := strings.Repeat("`", max(3, longestRun(tail, '`')+1))
	details := fmt.Sprintf("\n<details><summary>last lines</summary>\n\n%stext\n%s\n%s\n\n</details>\n", fence, tail, fence)
	if b.Len()+len(details) > maxSummary {
		details = "\n(the last lines are in the log of the step)\n"
	}
	b.WriteString(details)
}

// links joins the links that exist.
func links(all ...string) string {
	var some []string
	for _, l := range all {
		if l != "" {
			some = append(some, l)
		}
	}
	return strings.Join(some, " · ")
}

// cell prepares text for a table cell: one line, without characters that have a
// meaning in Markdown or HTML.
func cell(text string) string {
	var b strings.Builder
	for _, r := range oneLine(plainText(text)) {
		if b.Len() > maxCell {
			b.WriteRune('…')
			break
		}
		if r < 0x80 && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(` /.,:;-+()='"?%`, r) {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// webLink returns a Markdown link to a web address, and "" for anything else.
func webLink(text, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	safe := strings.NewReplacer("(", "%28", ")", "%29", "|", "%7C", "<", "%3C", ">", "%3E", " ", "%20", "`", "%60", "\\", "%5C").Replace(u.String())
	return "[" + text + "](" + safe + ")"
}

func longestRun(s string, c byte) (longest int) {
	n := 0
	for i := range len(s) {
		if s[i] != c {
			n = 0
			continue
		}
		n++
		longest = max(longest, n)
	}
	return longest
}
