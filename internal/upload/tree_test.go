package upload

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/patternmatcher"
)

// write creates the files of a directory; a name that ends in / is a folder.
func write(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(at, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t *testing.T, path string) *Source {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sent returns what is in the zip that is sent.
func sent(t *testing.T, s *Source) map[string]string {
	t.Helper()
	var b bytes.Buffer
	if n, err := s.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatalf("%d bytes of %d, %v", n, b.Len(), err)
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		got[f.Name] = string(content)
	}
	return got
}

func TestTree(t *testing.T) {
	for _, tt := range []struct {
		name   string
		files  map[string]string
		want   []string
		notes  []string
		ignore string
	}{
		{name: "files and folders",
			files: map[string]string{"Dockerfile": "FROM scratch", "src/a b.txt": "1", "src/b/c": "", "x": "2"},
			want:  []string{"Dockerfile", "src/a b.txt", "src/b/c", "x"}},
		{name: "one folder is not stripped, and has no entry",
			files: map[string]string{"app/x": "1"},
			want:  []string{"app/x"}},
		{name: "empty folders",
			files: map[string]string{"x": "1", "a/b/": "", "c/": ""},
			want:  []string{"x"},
			notes: []string{"empty folders are not sent: a/b, c"}},
		{name: ".git wherever it is",
			files: map[string]string{"x": "1", ".git/config": "AUTHORIZATION: basic x", "lib/.git": "gitdir: x", "lib/y": "", ".github/z": "", ".gitignore": ""},
			want:  []string{".github/z", ".gitignore", "lib/y", "x"},
			notes: []string{".git, lib/.git are not sent: credentials may be inside"}},
		{name: ".git cannot be excepted",
			files:  map[string]string{"x": "1", ".git/config": "AUTHORIZATION: basic x"},
			ignore: ".git\n!.git/config",
			want:   []string{".dockerignore", "x"},
			notes:  []string{".git is not sent: credentials may be inside"}},
		{name: "what a Mac leaves",
			files: map[string]string{"x": "1", "__MACOSX/x": "", "__MACOSX2": "", "a/__MACOSX": ""},
			want:  []string{"a/__MACOSX", "x"},
			notes: []string{"__MACOSX, __MACOSX2 are not sent: Dokploy ignores names that begin with __MACOSX"}},
		{name: "characters that are new",
			files: map[string]string{"app/[id]/page.tsx": "1"},
			want:  []string{"app/[id]/page.tsx"},
			notes: []string{`app/[id]/page.tsx is named with ":", "[" or "]", which Dokploy v0.29.3 and v0.29.4 may refuse`}},
		{name: "refused names that are ignored",
			files:  map[string]string{"x": "1", "node_modules/@types/a": ""},
			ignore: "# comment\n\n  /node_modules/  \n",
			want:   []string{".dockerignore", "x"},
			notes:  []string{".dockerignore excludes node_modules"}},
		{name: "everything but one folder",
			files:  map[string]string{"x": "1", "dist/a/b": "", "dist/c": "", "Dockerfile": "", "sub/Dockerfile": ""},
			ignore: "*\n!dist\ndist/c\n",
			want:   []string{".dockerignore", "Dockerfile", "dist/a/b"},
			notes:  []string{".dockerignore excludes dist/c, sub, x"}},
		{name: "the Dockerfile is sent",
			files:  map[string]string{"x": "1", "Dockerfile": ""},
			ignore: "Dockerfile\n.dockerignore\n",
			want:   []string{".dockerignore", "Dockerfile", "x"}},
		{name: "exceptions in an ignored folder",
			files:  map[string]string{"a/b/c.md": "", "a/b/d.txt": "", "a/e.md": "", "f.md": ""},
			ignore: "a\n!a/b/*.md\n",
			want:   []string{".dockerignore", "a/b/c.md", "f.md"},
			notes:  []string{".dockerignore excludes a/b/d.txt, a/e.md"}},
		{name: "an exception with **",
			files:  map[string]string{"a/b/c.md": "", "a/d.txt": ""},
			ignore: "a\n!**/*.md\n",
			want:   []string{".dockerignore", "a/b/c.md"},
			notes:  []string{".dockerignore excludes a/d.txt"}},
		{name: "the last pattern wins",
			files:  map[string]string{"a.md": "", "b.md": "", "c/a.md": ""},
			ignore: "*.md\n!a.md\n",
			want:   []string{".dockerignore", "a.md", "c/a.md"},
			notes:  []string{".dockerignore excludes b.md"}},
		{name: "** and ?",
			files:  map[string]string{"a/tmp/x": "", "tmp/y": "", "f1": "", "f22": ""},
			ignore: "\ufeff**/tmp\nf?\n",
			want:   []string{".dockerignore", "f22"},
			notes:  []string{".dockerignore excludes a/tmp, f1, tmp"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, t.TempDir(), tt.files)
			if tt.ignore != "" {
				tt.files[".dockerignore"] = tt.ignore
				write(t, dir, tt.files)
			}
			s := open(t, dir)
			want := map[string]string{}
			var size int64
			for _, name := range tt.want {
				want[name] = tt.files[name]
				size += int64(len(tt.files[name]))
			}
			if diff := cmp.Diff(want, sent(t, s)); diff != "" {
				t.Error(diff)
			}
			if s.Files() != len(want) || s.Bytes() != size {
				t.Errorf("%d files of %d bytes; want %d of %d", s.Files(), s.Bytes(), len(want), size)
			}
			if diff := cmp.Diff(tt.notes, s.Notes()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTreeRefused(t *testing.T) {
	deep := strings.Repeat(strings.Repeat("d", 99)+"/", 4) + "6bytes"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"empty", nil, "DIR is empty: it has no file to send"},
		{"empty folders", map[string]string{"a/b/": ""}, "DIR is empty: it has no file to send"},
		{"only .dockerignore", map[string]string{".dockerignore": ""}, "DIR is empty: it has no file to send"},
		{"only .git", map[string]string{".git/config": ""}, "DIR is empty: it has no file to send"},
		{"all ignored", map[string]string{".dockerignore": "*", "a": "", "b/c": ""}, "DIR has nothing to send: its .dockerignore excludes everything (a, b)"},
		{"names", map[string]string{"app/(auth)/a": "", "app/(auth)/b": "", "é+é": "", "fine": ""},
			`"app/(auth)" is named with "(" ")", which Dokploy refuses` + "\n" + `"é+é" is named with "é" "+", which Dokploy refuses` + "\n" + hint},
		{"a long path", map[string]string{deep: ""}, quote(deep) + " is a path of 406 characters; Dokploy accepts 405\n" + hint},
		{"a bad pattern", map[string]string{".dockerignore": "[", "a": ""}, ".dockerignore in DIR cannot be used: syntax error in pattern"},
		{"a folder as .dockerignore", map[string]string{".dockerignore/a": ""}, ".dockerignore in DIR cannot be used: it is not a file"},
		{"a huge .dockerignore", map[string]string{".dockerignore": strings.Repeat("#\n", 1<<19+1)}, ".dockerignore in DIR cannot be used: it is larger than 1 MB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, t.TempDir(), tt.files)
			_, err := Open(dir)
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(strings.ReplaceAll(tt.want, "DIR", quote(dir)), err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestManyProblems(t *testing.T) {
	files := map[string]string{}
	for i := range 22 {
		files[fmt.Sprintf("%02d@", i)] = ""
	}
	_, err := Open(write(t, t.TempDir(), files))
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != maxShown+2 || !strings.HasPrefix(lines[9], `"09@"`) || lines[10] != "and 12 more" || lines[11] != hint {
		t.Errorf("%q", lines)
	}
}

func TestTooMuch(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "big"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(large + 1); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"200 MB is a lot: Dokploy reads a whole upload into memory"}, open(t, dir).Notes()); diff != "" {
		t.Error(diff)
	}
	if err := f.Truncate(5 << 30); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "holds 5120 MB, more than Dokploy accepts (4095 MB)") {
		t.Error(err)
	}

	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	pm, err := patternmatcher.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	full := &tree{root: root, base: dir, ignore: pm, visited: maxVisited}
	if err := full.folder("", ".", patternmatcher.MatchInfo{}); err == nil || !strings.Contains(err.Error(), "more than 1000000") {
		t.Error(err)
	}

	full = &tree{root: root, base: dir, ignore: pm, files: make([]file, maxFiles+1)}
	if err := full.folder("", ".", patternmatcher.MatchInfo{}); err == nil || !strings.Contains(err.Error(), "contains more than 100000 files; ") {
		t.Error(err)
	}
	err = new(Source).take(&tree{files: make([]file, maxFiles+1)}, "app")
	if err == nil || err.Error() != `"app" contains 100001 files; at most 100000 are accepted; exclude something with .dockerignore` {
		t.Error(err)
	}

	for want, s := range map[string]*Source{
		"the zip is larger than 2048 MB, more than Dokploy accepts; exclude something with .dockerignore": {},
		"the zip is larger than 2048 MB, more than Dokploy accepts; exclude something":                    {archive: true},
	} {
		var b bytes.Buffer
		out := s.counter(&b)
		out.n = maxZip - 2
		if n, err := out.Write([]byte("ab")); n != 2 || err != nil {
			t.Error(n, err)
		}
		if n, err := out.Write([]byte("c")); n != 0 || err == nil || err.Error() != want || b.String() != "ab" {
			t.Error(n, err, b.String())
		}
	}
}

// The same content gives the same zip, whatever it was made from.
func TestDeterminism(t *testing.T) {
	// A new version of Go may compress differently; then this changes.
	const want = "e87c92acb81557aeb2c9bcc4f9cb85569138b1f2137ca70e13ed8bd31629a312"
	files := map[string]string{"b/c": strings.Repeat("hello ", 1000), "b-a": "1", "a": "", "Dockerfile": "FROM scratch\n"}
	for i := range 2 {
		dir := write(t, t.TempDir(), files)
		if i == 1 {
			if err := os.Chmod(filepath.Join(dir, "b-a"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(filepath.Join(dir, "a"), time.Unix(1, 0), time.Unix(1e9, 0)); err != nil {
				t.Fatal(err)
			}
		}
		s := open(t, dir)
		for range 2 {
			var b bytes.Buffer
			if _, err := s.WriteTo(&b); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%x", sha256.Sum256(b.Bytes())); got != want {
				t.Errorf("%s; want %s", got, want)
			}
			r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range r.File {
				names = append(names, f.Name)
				if f.Mode() != 0o644 || len(f.Extra) > 0 || !f.ModTime().Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)) {
					t.Errorf("%s: %s, %x, %s", f.Name, f.Mode(), f.Extra, f.ModTime())
				}
			}
			if diff := cmp.Diff([]string{"Dockerfile", "a", "b-a", "b/c"}, names); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestChangedWhileSent(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(path string) error
		want   string
	}{
		{"longer", func(path string) error { return os.WriteFile(path, []byte("123456"), 0o644) }, `"a/b" grew while it was being uploaded`},
		{"shorter", func(path string) error { return os.WriteFile(path, []byte("1"), 0o644) }, `"a/b" shrank while it was being uploaded (1 bytes instead of 5)`},
		{"gone", os.Remove, `"a/b" can no longer be read`},
		{"a folder", func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) }, `"a/b" can`},
		{"all gone", func(path string) error { return os.RemoveAll(filepath.Dir(filepath.Dir(path))) }, `the directory can no longer be read`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, filepath.Join(t.TempDir(), "x"), map[string]string{"a/b": "12345", "z": ""})
			s := open(t, dir)
			if err := tt.change(filepath.Join(dir, "a", "b")); err != nil {
				t.Fatal(err)
			}
			if _, err := s.WriteTo(io.Discard); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("%v; want %s…", err, tt.want)
			}
		})
	}
}

// full accepts n bytes.
type full struct{ n int }

var errFull = errors.New("full")

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.n {
		return 0, errFull
	}
	f.n -= len(b)
	return len(b), nil
}

func TestWriterFails(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"a": strings.Repeat("x", 1000), "b": ""})
	s := open(t, dir)
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.zip")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Source{s, open(t, path)} {
		for n := range b.Len() {
			if got, err := s.WriteTo(&full{n}); err != errFull || got > int64(n) { //nolint:errorlint // the error itself, not wrapped
				t.Fatalf("%d of %d bytes, %v", got, n, err)
			}
		}
	}
}

// Neither a large file nor its zip is held in memory.
func TestMemory(t *testing.T) {
	const size = 16 << 20
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "big"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "big.zip")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := open(t, dir).WriteTo(out); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, path).WriteTo(io.Discard); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > size/4 {
		t.Errorf("%d MB for a file of %d MB", used>>20, size>>20)
	}
}

func TestCheckName(t *testing.T) {
	for _, tt := range []struct{ name, at, fault string }{
		{"A-Z_a.z/0 9:[x]", "", ""},
		{"a/b\\c", "a/b\\c", `is named with "\\", which Dokploy refuses`},
		{"a\nb/c", "a\nb", `is named with "\n", which Dokploy refuses`},
		{"\xff\xfe/x", "\xff\xfe", `is named with "\xff" "\xfe", which Dokploy refuses`},
		{"a/日本/日", "a/日本", `is named with "日" "本", which Dokploy refuses`},
		{"x/" + strings.Repeat("a", 255), "", ""},
		{strings.Repeat("a/", 202) + "a", "", ""},
		{"x/" + strings.Repeat("a", 256) + "/y", "x/" + strings.Repeat("a", 256), "is a name of more than 255 characters, which no file system accepts"},
	} {
		if at, fault := checkName(tt.name); at != tt.at || fault != tt.fault {
			t.Errorf("%q: %q %q; want %q %q", tt.name, at, fault, tt.at, tt.fault)
		}
	}
	const accepted = " -./0123456789:ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz"
	var got []byte
	for c := range 256 {
		if accepts(byte(c)) {
			got = append(got, byte(c))
		}
	}
	if string(got) != accepted {
		t.Errorf("%q", got)
	}
}

func TestNeither(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"a.tar.gz": "x", "empty.zip": "", "text.zip": "hello, this is text", "cut.zip": "PK\x03\x04 and no more", "d.zip/x": ""})
	for name, want := range map[string]string{
		"a.tar.gz":  "PATH is neither a directory nor a .zip; give a directory or a .zip",
		"none":      "PATH does not exist; give a directory or a .zip",
		"empty.zip": "PATH is empty",
		"text.zip":  "PATH is not a zip; give a directory or a .zip",
		"cut.zip":   "PATH is broken or truncated: create it again, and check that it arrives complete",
	} {
		path := filepath.Join(dir, name)
		if _, err := Open(path); err == nil || err.Error() != strings.ReplaceAll(want, "PATH", quote(path)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", " "} {
		if _, err := Open(name); err == nil || err.Error() != "no path is given; give a directory or a .zip" {
			t.Error(err)
		}
	}
	open(t, filepath.Join(dir, "d.zip"))
	t.Chdir(filepath.Join(dir, "d.zip"))
	s := open(t, ".")
	t.Chdir(dir)
	if diff := cmp.Diff(map[string]string{"x": ""}, sent(t, s)); diff != "" {
		t.Error(diff)
	}
}
