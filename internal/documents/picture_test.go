package documents

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dokploy-deploy/internal/text"
)

// TestPicture compares the README's picture with what the program shows: the
// demo's deployment that crashes, as a terminal and as a step summary. After a
// change:
//
//	go test ./internal/documents -run TestPicture -update
func TestPicture(t *testing.T) {
	d := deploys(t, "crash", fmt.Sprint(terminalColumns))
	for name, c := range map[string]colours{"light": light, "dark": dark} {
		file := filepath.Join(root, "docs", "images", "crash-"+name+".svg")
		want := picture(d, c)
		got, err := os.ReadFile(file)
		if err != nil && !*update {
			t.Fatal(err)
		}
		if *update && words(want) != words(string(got)) {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(words(want), words(string(got))); diff != "" {
			t.Errorf("%s is not what the program shows (go test ./internal/documents -run TestPicture -update):\n%s", file, diff)
		}
	}
}

var drawn = regexp.MustCompile(`>([^<]*)</text>`)

// words returns the texts in a picture, line by line.
func words(svg string) string {
	var b strings.Builder
	for _, m := range drawn.FindAllStringSubmatch(svg, -1) {
		b.WriteString(html.UnescapeString(m[1]) + "\n")
	}
	return lasting(b.String())
}

// colours are those of GitHub's pages.
type colours struct{ page, panel, border, text, dim, red, green, yellow, link string }

var (
	light = colours{"#ffffff", "#f6f8fa", "#d1d9e0", "#1f2328", "#59636e", "#cf222e", "#1a7f37", "#9a6700", "#0969da"}
	dark  = colours{"#0d1117", "#151b23", "#3d444d", "#f0f6fc", "#9198a1", "#ff7b72", "#3fb950", "#d29922", "#4493f8"}
)

// Sizes in pixels. The letters of the terminal have the same width in any font.
const (
	terminalColumns = 68
	columnWidth     = 723 // hundredths
	lineHeight      = 17
	padding         = 16
	summaryWidth    = 450
	summaryColumns  = 66
)

// drawing collects an SVG.
type drawing struct {
	strings.Builder
	c colours
}

// picture draws both panels side by side.
func picture(d deployed, c colours) string {
	lines := terminalLines(d.output)
	left := terminalColumns*columnWidth/100 + 2*padding
	p := &drawing{c: c}
	height := max(p.terminal(lines, c), p.summary(d.summary, left+padding))
	width := left + padding + summaryWidth + 2*padding
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`+"\n", width, height, width, height)
	b.WriteString("<title>A deployment that crashes: the output and the step summary of dokploy-deploy</title>\n")
	b.WriteString(`<style>
text { white-space: pre; }
.t { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.s { font: 12px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, "DejaVu Sans", sans-serif; }
.b { font-weight: 600; }
</style>
`)
	for _, x := range []struct{ at, width int }{{0, left}, {left + padding, summaryWidth + 2*padding}} {
		fmt.Fprintf(&b, `<rect x="%d.5" y="0.5" width="%d" height="%d" rx="6" fill="%s" stroke="%s"/>`+"\n", x.at, x.width-1, height-1, c.panel, c.border)
	}
	b.WriteString(p.String() + "</svg>\n")
	return b.String()
}

// terminalLines returns the lines of an output as a terminal breaks them.
// Coloured lines are not wider than the terminal.
func terminalLines(output string) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(output, "\n"), "\n") {
		for part := range slices.Chunk([]rune(line), terminalColumns) {
			if strings.Contains(line, "\x1b") {
				part = []rune(line)
			}
			lines = append(lines, string(part))
			if strings.Contains(line, "\x1b") {
				break
			}
		}
		if line == "" {
			lines = append(lines, "")
		}
	}
	return lines
}

var styled = regexp.MustCompile("^\x1b\\[([0-9]+)m(.*)\x1b\\[0m$")

// terminal draws an output and returns where it ends.
func (p *drawing) terminal(lines []string, c colours) (bottom int) {
	y := padding + 12
	for _, line := range lines {
		fill := c.text
		if m := styled.FindStringSubmatch(line); m != nil {
			fill, line = map[string]string{"2": c.dim, "31": c.red, "32": c.green, "33": c.yellow}[m[1]], m[2]
		}
		p.text(padding, y, "t", fill, line)
		y += lineHeight
	}
	return y - 12 + padding
}

func (p *drawing) text(x, y int, class, fill, text string) {
	if strings.TrimSpace(text) != "" {
		fmt.Fprintf(p, `<text x="%d" y="%d" class="%s" fill="%s" xml:space="preserve">%s</text>`+"\n", x, y, class, fill, html.EscapeString(text))
	}
}

func (p *drawing) rule(x, y, width int) {
	fmt.Fprintf(p, `<path d="M%d %d.5h%d" stroke="%s"/>`+"\n", x, y, width, p.c.border)
}

var links = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)

// summary draws the Markdown of the step summary, as far as the summary uses
// Markdown, and returns where it ends.
func (p *drawing) summary(markdown string, left int) (bottom int) {
	x, y := left+padding, padding+14
	inside := false // inside a fence
	rows := 0
	for line := range strings.SplitSeq(strings.TrimSpace(markdown), "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = !inside
			y += 4
		case inside:
			p.text(x+8, y, "t", p.c.text, line)
			y += lineHeight
		case strings.HasPrefix(line, "### "):
			p.text(x, y, "s b", p.c.text, line[4:])
			p.rule(x, y+8, summaryWidth)
			y += 30
		case strings.HasPrefix(line, "|---"), line == "":
		case strings.HasPrefix(line, "|"):
			p.row(x, y, line, rows == 0)
			rows++
			y += 25
			if rows == 2 {
				y += 4
			}
		case strings.HasPrefix(line, "<details>"):
			p.text(x, y, "s", p.c.text, "▾ "+between(line, "<summary>", "</summary>"))
			y += lineHeight
		case strings.HasPrefix(line, "</details>"):
			y += 6
		default:
			y = p.paragraph(x, y, line)
		}
	}
	return y - 12 + padding/2
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

// shares are the widths of the table's columns.
var shares = []int{48, 92, 62, 60, 46, 44, 98}

func (p *drawing) row(x, y int, line string, head bool) {
	class := "s"
	if head {
		class += " b"
	}
	for i, cell := range strings.Split(strings.Trim(line, "| "), "|") {
		cell = html.UnescapeString(strings.TrimSpace(cell))
		fill := p.c.text
		if links.MatchString(cell) {
			cell, fill = links.ReplaceAllString(cell, "$1"), p.c.link
		}
		p.text(x, y, class, fill, cell)
		x += shares[i]
	}
	p.rule(x-sum(shares), y+8, summaryWidth)
}

func sum(all []int) (n int) {
	for _, x := range all {
		n += x
	}
	return n
}

// paragraph draws a paragraph, with its bold beginning as ordinary text, and
// returns where the next one begins.
func (p *drawing) paragraph(x, y int, line string) int {
	line = html.UnescapeString(strings.ReplaceAll(line, "**", ""))
	indent, gap := 0, 6
	if rest, ok := strings.CutPrefix(line, "- "); ok {
		line, indent, gap = "• "+rest, 10, 0
	}
	for _, part := range text.Wrap(line, summaryColumns) {
		p.text(x+indent, y, "s", p.c.text, part)
		y += lineHeight
	}
	return y + gap
}
