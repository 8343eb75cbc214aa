package documents

import (
	"io/fs"
	"strings"
	"testing"
)

// TestHouse: CONTRIBUTING.md says what each package owns.
func TestHouse(t *testing.T) {
	page, err := fs.ReadFile(repository, "CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	packages, err := fs.ReadDir(repository, "internal")
	if err != nil || len(packages) < 10 {
		t.Fatal(packages, err)
	}
	for _, p := range packages {
		if row := "\n| `internal/" + p.Name() + "` | "; !strings.Contains(string(page), row) {
			t.Errorf("CONTRIBUTING.md does not say what internal/%s owns", p.Name())
		}
	}
}
