//go:build unix

package upload

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func links(t *testing.T, dir string, links map[string]string) {
	t.Helper()
	for name, target := range links {
		if err := os.Symlink(strings.ReplaceAll(target, "DIR", dir), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLinks(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"a/b/c": "1", "a/d": "2", "secret": "3", ".dockerignore": "secret\na/b/e\n", "a/b/e": "4"})
	links(t, dir, map[string]string{"file": "a/d", "folder": "a/b", "a/up": "../file", "absolute": "DIR/a/d", "link": "folder/c"})
	s := open(t, dir)
	want := map[string]string{
		".dockerignore": "secret\na/b/e\n", "a/b/c": "1", "a/d": "2", "a/up": "2", "absolute": "2", "file": "2", "folder/c": "1", "link": "1",
	}
	if diff := cmp.Diff(want, sent(t, s)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{
		".dockerignore excludes a/b/e, folder/e, secret",
		"links are followed, and what they point to is sent in their place: a/up, absolute, file and 2 more",
	}, s.Notes()); diff != "" {
		t.Error(diff)
	}
	// A link to the whole directory works like the directory.
	other := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, other); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, sent(t, open(t, other))); diff != "" {
		t.Error(diff)
	}
}

func TestLinksRefused(t *testing.T) {
	for target, want := range map[string]string{
		"nowhere":     `"x" is a link to "nowhere", which does not exist; `,
		"x":           `"x" is a link to "x", which cannot be followed; `,
		"/etc/passwd": `"x" is a link to "/etc/passwd", outside what is uploaded; `,
		"..":          `"x" is a link to "..", outside what is uploaded; `,
		"secret":      `"x" is a link to "secret", which is not sent; `,
		".git":        `"x" is a link to ".git", which is not sent; `,
		".git/config": `"x" is a link to ".git/config", which is not sent; `,
		".":           `"x" points back to a folder that contains it; `,
		"a":           `"a/b/back" points back to a folder that contains it; `,
		"pipe":        `"x" is a link to "pipe", a device, pipe or socket; `,
	} {
		t.Run(target, func(t *testing.T) {
			dir := write(t, t.TempDir(), map[string]string{"a/b/c": "", "secret": "", ".git/config": "", ".dockerignore": "secret\n"})
			if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
				t.Fatal(err)
			}
			links(t, dir, map[string]string{"x": target})
			if target == "a" {
				links(t, dir, map[string]string{"a/b/back": ".."})
			}
			_, err := Open(dir)
			if err == nil || !strings.Contains("\n"+err.Error(), "\n"+want) {
				t.Errorf("%v; want %s…", err, want)
			}
			// If it is ignored, it is not a problem.
			write(t, dir, map[string]string{".dockerignore": "secret\npipe\nx\n**/back\n"})
			open(t, dir)
		})
	}
}

func TestSpecialFiles(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"a": ""})
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || err.Error() != `"pipe" is a device, pipe or socket; remove it, or exclude it with .dockerignore` {
		t.Error(err)
	}
	if _, err := Open(pipe); err == nil || !strings.Contains(err.Error(), "is neither a directory nor a file") {
		t.Error(err)
	}
}

// What replaces a file after it was looked at is not waited for.
func TestPipeInAFilesPlace(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"a": "", "b": "text"})
	zip := save(t, makeZip(t, item{name: "a"}))
	folder, archive := open(t, dir), open(t, zip)
	for _, path := range []string{filepath.Join(dir, "b"), zip} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for want, s := range map[string]*Source{`"b" can no longer be read: it is not a regular file`: folder, `"app.zip" can no longer be read: it is not a regular file`: archive} {
		if _, err := s.WriteTo(io.Discard); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestUnreadable(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"a": "", "b/c": ""})
	for _, name := range []string{"a", "b"} {
		if err := os.Chmod(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "b"), 0o755) })
	want := `"a" cannot be read: permission denied; exclude it with .dockerignore, or fix its permissions
"b" cannot be read: permission denied; exclude it with .dockerignore, or fix its permissions`
	_, err := Open(dir)
	if os.Geteuid() == 0 {
		// Root can read everything.
		if err != nil {
			t.Error(err)
		}
		return
	}
	if err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
}

func TestModes(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"bin/run": "#!/bin/sh", "a": ""})
	if err := os.Chmod(filepath.Join(dir, "bin", "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Dokploy drops file modes, and bin/run is executable here: run with sh, or chmod in the Dockerfile"}, open(t, dir).Notes()); diff != "" {
		t.Error(diff)
	}
}
