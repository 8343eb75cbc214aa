package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/upload"
)

// A single file is counted as one file.
func TestSourceIsCounted(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct{ name, text, want string }{
		{"a", "x", "source: dist, 1 file, 1 byte"},
		{"b", "y", "source: dist, 2 files, 2 bytes"},
	} {
		if err := os.WriteFile(filepath.Join(dir, tt.name), []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		src, err := upload.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		got := sourceLines(&Changes{Source: src, SourcePath: "dist"}, &dokploy.Service{Kind: dokploy.Application, SourceType: "drop"})
		if !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
