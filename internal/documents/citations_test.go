package documents

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCitations: every heading of docs/dokploy.md that a comment cites exists.
func TestCitations(t *testing.T) {
	page, err := fs.ReadFile(repository, "docs/dokploy.md")
	if err != nil {
		t.Fatal(err)
	}
	headings := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(string(page), -1) {
		headings[m[1]] = true
	}
	var (
		broken = regexp.MustCompile(`\n\s*// ?`)
		cited  = regexp.MustCompile(`docs/dokploy\.md, ([^).:\n]*(?:: [a-z-]+)?)`)
		count  = 0
	)
	err = fs.WalkDir(repository, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || filepath.Base(path) == "citations_test.go" {
			return err
		}
		text, err := fs.ReadFile(repository, path)
		for _, m := range cited.FindAllStringSubmatch(broken.ReplaceAllString(string(text), " "), -1) {
			count++
			for part := range strings.SplitSeq(m[1], "; ") {
				if !known(headings, strings.TrimSpace(part)) {
					t.Errorf("%s cites %q, which is no heading of docs/dokploy.md", path, part)
				}
			}
		}
		return err
	})
	if err != nil || count < 100 {
		t.Errorf("%d citations, %v", count, err)
	}
}

// known reports whether a text is a heading, or begins with one that a comma
// and more text follow.
func known(headings map[string]bool, text string) bool {
	for {
		if headings[text] {
			return true
		}
		i := strings.LastIndex(text, ", ")
		if i < 0 {
			return false
		}
		text = text[:i]
	}
}
