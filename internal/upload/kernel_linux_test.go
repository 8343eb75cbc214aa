package upload

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
)

// Files of the kernel have no true size, and some of them never end: they are
// refused before anything is read.
func TestKernelFiles(t *testing.T) {
	for _, dir := range []string{"/proc", "/proc/self", "/sys", "/sys/kernel", "/dev/pts"} {
		if _, err := os.Stat(dir); err != nil {
			t.Logf("%s is not here", dir)
			continue
		}
		if _, err := Open(dir); err == nil || !strings.HasPrefix(err.Error(), `"`+dir+`" is a kernel file system, `) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := regular(f, nil); err == nil || !strings.Contains(err.Error(), "belongs to a kernel file system") {
		t.Error(err)
	}
	dir := write(t, t.TempDir(), map[string]string{"a": "text"})
	f, err = os.Open(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if ofKernel(f) {
		t.Error("a file of ours is one of the kernel's")
	}
}

// Below a directory, such a file system is named, but nothing in it.
func TestKernelFilesBelow(t *testing.T) {
	if _, err := os.Stat("/sys/fs/cgroup"); err != nil {
		t.Skip("no /sys here")
	}
	root, err := os.OpenRoot("/")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	tr := &tree{root: root, base: "/"}
	if err := tr.readIgnore(nil); err != nil {
		t.Skip(err) // somebody has a .dockerignore there
	}
	for _, name := range []string{"proc", "sys"} {
		if err := tr.folder(name, name, patternmatcher.MatchInfo{}); err != nil {
			t.Error(err)
		}
	}
	want := `"proc" is a kernel file system, such as /proc or /sys, whose files cannot be sent; exclude it with .dockerignore
"sys" is a kernel file system, such as /proc or /sys, whose files cannot be sent; exclude it with .dockerignore`
	if err := tr.problems.err(); err == nil || err.Error() != want {
		t.Error(err)
	}
}
