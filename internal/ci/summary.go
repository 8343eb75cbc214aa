package ci

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// Row is one target in the step summary. Its texts may come from a server.
type Row struct {
	Target    string
	Status    string
	OK        bool
	Queued    string // empty: not known, and so are the other times
	Build     string
	Verified  string
	Took      string
	URL       string
	Dashboard string
	Reason    string
	Tail      []string // last lines of the log, of a failed deployment
}

// maxSummary keeps the summary below the 1 MiB from which GitHub drops it whole.
const maxSummary = 700 << 10

// maxCell bounds one text in the table, in bytes.
const maxCell = 2000

// WriteSummary appends a summary of the run to the file that
// GITHUB_STEP_SUMMARY names, where that is set. The printer masks its free text.
func (h Host) WriteSummary(p *Printer, rows []Row) error {
	path := h.get("GITHUB_STEP_SUMMARY")
	if path == "" || len(rows) == 0 {
		return nil
	}
	if err := appendFile(path, p.summary(rows)); err != nil {
		return fmt.Errorf("summary not written to %s (GITHUB_STEP_SUMMARY): %w", path, err)
	}
	return nil
}

func (p *Printer) summary(rows []Row) string {
	var b strings.Builder
	fmt.Fprint(&b, "### Dokploy deployment\n\n| target | status | queued | build | verified | in all | links |\n|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		mark := "❌"
		if r.OK {
			mark = "✅"
		}
		links := webLink("deployments", r.Dashboard) + " " + webLink("public address", r.URL)
		fmt.Fprintf(&b, "| %s | %s %s | %s | %s | %s | %s | %s |\n", cell(r.Target), mark, cell(r.Status),
			cell(r.Queued), cell(r.Build), cell(r.Verified), cell(r.Took), strings.TrimSpace(links))
	}
	for _, r := range rows {
		if r.OK || r.Reason == "" {
			continue
		}
		fmt.Fprintf(&b, "\n**%s**: %s\n", cell(r.Target), cell(p.clean(r.Reason)))
		if len(r.Tail) == 0 {
			continue
		}
		tail := p.clean(strings.Join(r.Tail, "\n"))
		fence := strings.Repeat("`", max(3, longestRun(tail, '`')+1))
		details := fmt.Sprintf("\n<details><summary>last lines</summary>\n\n%stext\n%s\n%s\n\n</details>\n", fence, tail, fence)
		if b.Len()+len(details) > maxSummary {
			details = "\n(the last lines are in the log of the step)\n"
		}
		b.WriteString(details)
	}
	return b.String()
}

// cell makes text fit for a cell of a table: on one line, and without a
// character that means something in Markdown or HTML.
func cell(text string) string {
	var b strings.Builder
	for _, r := range oneLine(plainText(text)) {
		if b.Len() > maxCell {
			b.WriteRune('…')
			break
		}
		if r < 0x80 && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" /.,:-+()=", r) {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// webLink is a Markdown link to a web address; nothing for anything else.
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
