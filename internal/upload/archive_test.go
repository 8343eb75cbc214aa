package upload

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	sigDescriptor = "PK\x07\x08"
	sigEnd        = "PK\x05\x06"
	sigLocator64  = "PK\x06\x07"
)

// item is an entry of a zip for a test.
type item struct {
	name, content string
	mode          fs.FileMode // 0: the zip has none
	stored        bool
}

func makeZip(t testing.TB, items ...item) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, i := range items {
		h := &zip.FileHeader{Name: i.name, Method: zip.Deflate}
		if i.stored {
			h.Method = zip.Store
		}
		if i.mode != 0 {
			h.SetMode(i.mode)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(i.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zipOf returns the zip that is sent.
func zipOf(t *testing.T, s *Source) []byte {
	t.Helper()
	var b bytes.Buffer
	if n, err := s.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatalf("%d bytes of %d, %v", n, b.Len(), err)
	}
	return b.Bytes()
}

type entry struct{ Name, Content string }

// entriesOf reads a zip that must be one of ours.
func entriesOf(t *testing.T, b []byte) (entries []entry) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		mode, method := fs.FileMode(0o644), zip.Deflate
		if isFolder(f.Name) {
			mode, method = fs.ModeDir|0o755, zip.Store
		}
		if f.Mode() != mode || f.Method != method || len(f.Extra) > 0 || f.Comment != "" || !f.ModTime().Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s: %s, method %d, %x, %q, %s", f.Name, f.Mode(), f.Method, f.Extra, f.Comment, f.ModTime())
		}
		entries = append(entries, entry{f.Name, string(content)})
	}
	return entries
}

func save(t testing.TB, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.zip")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// check checks a zip that is not a file.
func check(b []byte) error {
	return new(Source).checkArchive(bytes.NewReader(b), "app.zip", int64(len(b)))
}

func TestArchive(t *testing.T) {
	for _, tt := range []struct {
		name  string
		items []item
		files int
		notes []string
	}{
		{"files and folders", []item{{name: "Dockerfile", content: "FROM scratch"}, {name: "a/"}, {name: "a/b", content: "x", stored: true}, {name: "c/d"}}, 3, nil},
		{"a root folder with an entry", []item{{name: "app/"}, {name: "app/x"}, {name: "__MACOSX/"}, {name: "__MACOSX/app/._é"}}, 1,
			[]string{`Dokploy strips the folder "app", which contains everything`}},
		{"a root folder without an entry", []item{{name: "app/x"}, {name: "app/y"}}, 2,
			[]string{`Dokploy does not strip the folder "app", which contains everything: the zip has no entry for the folder itself, or has another one beside it`}},
		{"a root folder beside an empty one", []item{{name: "app/"}, {name: "app/x"}, {name: "empty/"}}, 1,
			[]string{`Dokploy does not strip the folder "app", which contains everything: the zip has no entry for the folder itself, or has another one beside it`}},
		{"stripping makes it shorter", []item{{name: strings.Repeat("r", 200) + "/"}, {name: strings.Repeat("r", 200) + "/" + strings.Repeat("a/", 120) + "a"}}, 1,
			[]string{fmt.Sprintf("Dokploy strips the folder %s, which contains everything", quote(strings.Repeat("r", 200)))}},
		{"./ before all", []item{{name: "./"}, {name: "./a"}, {name: "./b/"}, {name: "./b/c"}}, 2, nil},
		{"notes", []item{{name: "run", mode: 0o755}, {name: "ab:c", mode: 0o644}, {name: ".git/config"}}, 3,
			[]string{
				"the zip contains .git, which may contain credentials: .git/config",
				"Dokploy drops file modes, and run is executable here: run with sh, or chmod in the Dockerfile",
				`ab:c is named with ":", "[" or "]", which Dokploy v0.29.3 and v0.29.4 may refuse`,
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := makeZip(t, tt.items...)
			s := open(t, save(t, b))
			var want []entry
			for _, i := range tt.items {
				if !strings.HasPrefix(i.name, "__MACOSX") {
					want = append(want, entry{i.name, i.content})
				}
			}
			first := zipOf(t, s)
			if diff := cmp.Diff(want, entriesOf(t, first)); diff != "" {
				t.Error(diff)
			}
			if !bytes.Equal(first, zipOf(t, s)) {
				t.Error("the second time another zip is sent")
			}
			if s.Files() != tt.files || s.Bytes() != int64(len(b)) {
				t.Errorf("%d files of %d bytes; want %d of %d", s.Files(), s.Bytes(), tt.files, len(b))
			}
			if diff := cmp.Diff(tt.notes, s.Notes()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestArchiveRefused(t *testing.T) {
	const (
		outside   = "make the zip with paths that begin in its root"
		special   = "is a device, pipe or socket, which Dokploy refuses; remove it from the zip"
		backslash = "is named with backslashes; make the zip with a tool that writes / between folders (not Compress-Archive of Windows PowerShell 5)"
	)
	for _, tt := range []struct {
		items []item
		want  string // PATH: of the zip
	}{
		{nil, "PATH contains no files"},
		{[]item{{name: "a/"}, {name: "__MACOSX/b"}}, "PATH contains no files"},
		{[]item{{name: "a", content: "b", mode: fs.ModeSymlink | 0o777}}, `"a" is a link, which Dokploy refuses; make the zip with what it points to (zip without --symlinks), or upload the directory instead`},
		{[]item{{name: "a", mode: fs.ModeDevice}}, `"a" ` + special},
		{[]item{{name: "a", mode: fs.ModeDevice | fs.ModeCharDevice}}, `"a" ` + special},
		{[]item{{name: "a", mode: fs.ModeNamedPipe}}, `"a" ` + special},
		{[]item{{name: "a", mode: fs.ModeSocket}}, `"a" ` + special},
		{[]item{{name: "/etc/passwd"}}, `"/etc/passwd" is an absolute path; ` + outside},
		{[]item{{name: "C:/x"}}, `"C:/x" is an absolute path; ` + outside},
		{[]item{{name: `C:\x`}}, `"C:\\x" is an absolute path; ` + outside},
		{[]item{{name: "a/../../b"}}, `"a/../../b" leads out of its folder with ".."; ` + outside},
		{[]item{{name: `..\b`}}, `"..\\b" leads out of its folder with ".."; ` + outside},
		{[]item{{name: ".."}}, `".." leads out of its folder with ".."; ` + outside},
		{[]item{{name: `a\b`}}, `"a\\b" ` + backslash},
		{[]item{{name: `a\`}, {name: `a\b`}}, `"a\\" ` + backslash + "\n" + `"a\\b" ` + backslash},
		{[]item{{name: "."}, {name: "b"}}, `"." is a file without a name; remove it from the zip`},
		{[]item{{name: ""}, {name: "b"}}, `"" is a file without a name; remove it from the zip`},
		{[]item{{name: "a@/b"}, {name: "a@/c"}, {name: "d\x00"}, {name: "\x81.txt"}}, `"a@" is named with "@", which Dokploy refuses` + "\n" +
			`"d\x00" is named with "\x00", which Dokploy refuses` + "\n" + `"\x81.txt" is named with "\x81", which Dokploy refuses` + "\n" + hint},
		{[]item{{name: strings.Repeat("a/", 203)}, {name: "b"}}, quote(strings.Repeat("a/", 203)) + ` is a path of 406 characters; Dokploy accepts 405` + "\n" + hint},
		{[]item{{name: strings.Repeat("./", 900) + "a"}, {name: strings.Repeat("@", 60000)}}, quote(strings.Repeat("./", 810)) + " is a path of 1801 characters; Dokploy accepts 405\n" +
			quote(strings.Repeat("@", 1620)) + " is a path of 60000 characters; Dokploy accepts 405"},
		{[]item{{name: "a"}, {name: "b"}, {name: "a"}}, `"a" is in the zip twice; remove one`},
		{[]item{{name: "a/b"}, {name: "./a//b"}, {name: "x"}}, `"./a//b" is in the zip twice; remove one`},
		{[]item{{name: "r/"}, {name: "r/a"}, {name: "a"}}, ""}, // two in the root: none is stripped
		{[]item{{name: "r/"}, {name: "r/a/x"}, {name: "a/x"}}, `"a/x" is in the zip twice; remove one`},
		{[]item{{name: "a"}, {name: "a/b/c"}}, `"a" is both a file and a folder in the zip; remove one`},
		{[]item{{name: "a"}, {name: "a/"}, {name: "b"}}, `"a" is both a file and a folder in the zip; remove one`},
	} {
		path := save(t, makeZip(t, tt.items...))
		got := ""
		if _, err := Open(path); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(strings.ReplaceAll(tt.want, "PATH", quote(path)), got); diff != "" {
			t.Errorf("%+v: %s", tt.items, diff)
		}
	}
}

// offsets are those of the only entry of a zip.
type offsets struct{ data, descriptor, directory, end int }

// TestArchiveDamaged changes bytes of a good zip with one file, "a".
func TestArchiveDamaged(t *testing.T) {
	put16, put32 := binary.LittleEndian.PutUint16, binary.LittleEndian.PutUint32
	const broken = `"a" is broken or truncated: create it again, and check that it arrives complete`
	for _, tt := range []struct {
		name   string
		change func(b []byte, at offsets) []byte
		want   string
	}{
		{"nothing", func(b []byte, _ offsets) []byte { return b }, ""},
		{"encrypted", func(b []byte, at offsets) []byte { b[at.directory+8] |= 1; return b }, `"a" is encrypted; make the zip without a password`},
		{"method", func(b []byte, at offsets) []byte { put16(b[at.directory+10:], 93); return b }, `"a" is compressed with method 93; Dokploy reads 8 (deflate) and 0 (stored)`},
		{"zip64 without its sizes", func(b []byte, at offsets) []byte { put32(b[at.directory+42:], 1<<32-1); return b }, broken},
		{"checksum", func(b []byte, at offsets) []byte { b[at.directory+16]++; b[at.descriptor+4]++; return b }, broken},
		{"larger than it says", func(b []byte, at offsets) []byte {
			put32(b[at.directory+24:], 1)
			put32(b[at.descriptor+12:], 1)
			return b
		}, broken},
		{"smaller than it says", func(b []byte, at offsets) []byte {
			put32(b[at.directory+24:], 9999)
			put32(b[at.descriptor+12:], 9999)
			return b
		}, broken},
		{"content", func(b []byte, at offsets) []byte { b[at.data+3] ^= 0xff; return b }, broken},
		{"local header", func(b []byte, _ offsets) []byte { b[0] = 'X'; return b }, broken},
		{"local header elsewhere", func(b []byte, at offsets) []byte { put32(b[at.directory+42:], 7); return b }, broken},
		{"local checksum", func(b []byte, at offsets) []byte { b[at.directory+8] &^= 8; return b }, ""},
		{"checksum of zero", func(b []byte, at offsets) []byte {
			b[at.directory+8] &^= 8
			put32(b[at.directory+16:], 0)
			return b
		}, broken},
		{"no descriptor", func(b []byte, at offsets) []byte { b[at.descriptor] = 0; return b }, broken},
		{"another checksum in the descriptor", func(b []byte, at offsets) []byte { b[at.descriptor+4]++; return b }, broken},
		{"another size in the descriptor", func(b []byte, at offsets) []byte { b[at.descriptor+8]++; return b }, ""},
		{"64-bit descriptor", func(b []byte, at offsets) []byte {
			// As Info-ZIP writes to a pipe.
			d := append([]byte{}, b[:at.descriptor+12]...)
			d = append(d, 0, 0, 0, 0)
			d = append(d, b[at.descriptor+12:at.descriptor+16]...)
			d = append(append(d, 0, 0, 0, 0), b[at.descriptor+16:]...)
			put32(d[at.end+8+16:], uint32(at.directory+8))
			return d
		}, ""},
		{"descriptor without signature", func(b []byte, at offsets) []byte {
			b = append(b[:at.descriptor], b[at.descriptor+4:]...)
			put32(b[at.end-4+16:], uint32(at.directory-4))
			return b
		}, ""},
		{"directory", func(b []byte, at offsets) []byte { b[at.directory] = 'X'; return b }, broken},
		{"directory elsewhere", func(b []byte, at offsets) []byte { put32(b[at.end+16:], uint32(len(b)+1)); return b }, broken},
		{"a long name", func(b []byte, at offsets) []byte { put16(b[at.directory+28:], 0xffff); return b }, broken},
		{"a long comment", func(b []byte, at offsets) []byte { put16(b[at.directory+32:], 0xffff); return b }, broken},
		{"more entries", func(b []byte, at offsets) []byte {
			put16(b[at.end+8:], 2)
			put16(b[at.end+10:], 2)
			return b
		}, broken},
		{"fewer entries", func(b []byte, at offsets) []byte {
			put16(b[at.end+8:], 0)
			put16(b[at.end+10:], 0)
			return b
		}, broken},
		{"another zip before it", func(b []byte, _ offsets) []byte { return append(makeZip(t, item{name: "b"}), b...) }, broken},
		{"data before it", func(b []byte, _ offsets) []byte { return append([]byte("#!/bin/sh\n"), b...) }, broken},
		{"data behind it", func(b []byte, _ offsets) []byte { return append(b, "junk"...) }, ""},
		{"much behind it", func(b []byte, _ offsets) []byte { return append(b, make([]byte, 0xffff+1)...) }, ""},
		{"too much behind it", func(b []byte, _ offsets) []byte { return append(b, make([]byte, 65<<10)...) }, broken},
		{"no end", func(b []byte, at offsets) []byte { return b[:at.end] }, broken},
		{"no zip64 end where none is needed", func(b []byte, at offsets) []byte {
			return append(append(append([]byte{}, b[:at.end]...), append([]byte(sigLocator64), make([]byte, 16)...)...), b[at.end:]...)
		}, ""},
		{"a claim of 4 GiB", func(b []byte, at offsets) []byte { put32(b[at.directory+24:], 1<<32-2); return b },
			`"a" unpacks to 4095 MB, more than 200 times its size: it looks like a zip bomb; upload the directory instead`},
		{"a claim that is high", func(b []byte, at offsets) []byte { put32(b[at.directory+24:], bombSize+1); return b },
			`"a" unpacks to 256 MB, more than 200 times its size: it looks like a zip bomb; upload the directory instead`},
		{"a claim that is wrong", func(b []byte, at offsets) []byte { put32(b[at.directory+24:], bombSize); return b }, broken},
		{"overlaps", func(b []byte, at offsets) []byte { put32(b[at.directory+20:], uint32(len(b)+1)); return b }, broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Repeat("hello, ", 50) + "world"
			b := makeZip(t, item{name: "a", content: text})
			at := offsets{
				data: 31, descriptor: bytes.Index(b, []byte(sigDescriptor)),
				directory: bytes.Index(b, []byte(sigEntry)), end: bytes.Index(b, []byte(sigEnd)),
			}
			path := save(t, tt.change(b, at))
			got := ""
			if s, err := Open(path); err != nil {
				got = strings.ReplaceAll(err.Error(), quote(path), `"a"`)
			} else if diff := cmp.Diff([]entry{{"a", text}}, entriesOf(t, zipOf(t, s))); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A zip that is cut off at any point is not a zip.
func TestArchiveCut(t *testing.T) {
	b := makeZip(t, item{name: "a", content: "hello"}, item{name: "b/"}, item{name: "b/c", content: "hello", stored: true})
	for n := range b {
		if err := check(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are accepted", n, len(b))
		}
	}
}

// A folder that hides content.
func TestArchiveFolders(t *testing.T) {
	b := makeZip(t, item{name: "a"}, item{name: "bX", content: "x"})
	for {
		i := bytes.Index(b, []byte("bX"))
		if i < 0 {
			break
		}
		b[i+1] = '/'
	}
	if _, err := Open(save(t, b)); err == nil || err.Error() != `"b/" is a folder with content; make the zip with another tool` {
		t.Error(err)
	}
}

func TestArchiveTooMuch(t *testing.T) {
	// Sizes that claim more than 32 bits can hold.
	several := makeZip(t, item{name: "a"}, item{name: "b"})
	for at := 0; ; at += 4 {
		i := bytes.Index(several[at:], []byte(sigEntry))
		if i < 0 {
			break
		}
		at += i
		binary.LittleEndian.PutUint32(several[at+24:], 3<<30)
	}
	if _, err := Open(save(t, several)); err == nil || !strings.Contains(err.Error(), "unpacks to 6144 MB, more than Dokploy accepts (4095 MB)") {
		t.Error(err)
	}

	// The number of entries, which is in the zip64 end.
	items := make([]item, 1<<16)
	for i := range items {
		items[i] = item{name: fmt.Sprint(i), stored: true}
	}
	many := makeZip(t, items...)
	if s := open(t, save(t, many)); s.Files() != 1<<16 {
		t.Errorf("%d files", s.Files())
	}
	for i := range maxFiles + 1 - len(items) {
		items = append(items, item{name: fmt.Sprintf("more %d", i), stored: true})
	}
	if _, err := Open(save(t, makeZip(t, items...))); err == nil || !strings.Contains(err.Error(), "contains 100001 files and folders; at most 100000 are accepted") {
		t.Error(err)
	}

	// So many that they are not even listed, whatever number the zip claims.
	for i := range maxFiles {
		items = append(items, item{name: fmt.Sprintf("x%d", i), stored: true})
	}
	many = makeZip(t, items...)
	binary.LittleEndian.PutUint64(many[len(many)-22-20-56+32:], uint64(len(items)-3<<16))
	if _, err := Open(save(t, many)); err == nil || !strings.HasSuffix(err.Error(), `" contains more than 100000 files and folders; exclude something`) {
		t.Error(err)
	}

	// A list of entries longer than the longest that is accepted.
	var long bytes.Buffer
	z := zip.NewWriter(&long)
	for i := range maxDirectory/0xffff + 1 {
		if _, err := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i), Comment: strings.Repeat("c", 0xffff)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(save(t, long.Bytes())); err == nil || !strings.Contains(err.Error(), `" has a file list of more than 49 MB; at most 100000 files and folders are accepted`) {
		t.Error(err)
	}

	f, err := os.Create(filepath.Join(t.TempDir(), "big.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(maxZip + 1); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(f.Name()); err == nil || !strings.Contains(err.Error(), "is larger than 2048 MB") {
		t.Error(err)
	}
}

// Sizes and offsets of 64 bits, valid and impossible ones.
func TestArchiveZip64(t *testing.T) {
	const text = "hello, world"
	for _, tt := range []struct {
		name                 string
		unpacked, packed, at uint64
		want                 string // PATH: of the zip
	}{
		{"right", uint64(len(text)), uint64(len(text)), 0, ""},
		{"a bomb", 4 << 30, uint64(len(text)), 0, "PATH unpacks to 4096 MB, more than Dokploy accepts (4095 MB)"},
		{"a size that only zip64 can say", 1<<32 - 1, uint64(len(text)), 0, "PATH unpacks to 4095 MB, more than Dokploy accepts (4095 MB)"},
		{"unpacks to more than there is", 1 << 63, uint64(len(text)), 0, "PATH unpacks to 1048576 MB, more than Dokploy accepts (4095 MB)"},
		{"sizes below zero", 1<<64 - 1, 1<<64 - 1, 0, "PATH is broken or truncated: create it again, and check that it arrives complete"},
		{"an offset below zero", uint64(len(text)), uint64(len(text)), 1<<64 - 100, `"a" is broken or truncated: create it again, and check that it arrives complete`},
		{"an offset behind the end", uint64(len(text)), uint64(len(text)), 1 << 40, `"a" is broken or truncated: create it again, and check that it arrives complete`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			extra := []byte{1, 0, 24, 0}
			for _, n := range []uint64{tt.unpacked, tt.packed, tt.at} {
				extra = binary.LittleEndian.AppendUint64(extra, n)
			}
			var b bytes.Buffer
			z := zip.NewWriter(&b)
			w, err := z.CreateHeader(&zip.FileHeader{Name: "a", Extra: extra})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			at := bytes.Index(b.Bytes(), []byte(sigEntry))
			for _, field := range []int{20, 24, 42} {
				binary.LittleEndian.PutUint32(b.Bytes()[at+field:], 1<<32-1)
			}
			path := save(t, b.Bytes())
			got := ""
			if s, err := Open(path); err != nil {
				got = err.Error()
			} else if diff := cmp.Diff([]entry{{"a", text}}, entriesOf(t, zipOf(t, s))); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(strings.ReplaceAll(tt.want, "PATH", quote(path)), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The limit for the list of entries does not limit their contents.
func TestArchiveLarge(t *testing.T) {
	if _, err := Open(save(t, makeZip(t, item{name: "a", content: strings.Repeat(sigEntry, int(maxDirectory)/4+1), stored: true}))); err != nil {
		t.Error(err)
	}
}

// Names are checked here, whatever archive/zip is told to do.
func TestArchiveNamesOfGo(t *testing.T) {
	t.Setenv("GODEBUG", "zipinsecurepath=0")
	if _, err := Open(save(t, makeZip(t, item{name: "../a"}))); err == nil || !strings.HasPrefix(err.Error(), `"../a" leads out of its folder with "..";`) {
		t.Error(err)
	}
}

// What is sent is the same, whichever tool made the zip.
func TestArchiveIsWrittenAnew(t *testing.T) {
	one := open(t, save(t, makeZip(t, item{name: "r/"}, item{name: "r/a", content: "hello"}, item{name: "r/b/", mode: fs.ModeDir | 0o700})))
	two := open(t, save(t, makeZip(t, item{name: "r/"}, item{name: "__MACOSX/r/a"}, item{name: "r/a", content: "hello", stored: true, mode: 0o755}, item{name: "r/b/"})))
	if !bytes.Equal(zipOf(t, one), zipOf(t, two)) {
		t.Error("two zips with the same files are sent as different ones")
	}
}

func TestArchiveChanged(t *testing.T) {
	b := makeZip(t, item{name: "a", content: "hello"})
	damaged := bytes.Clone(b)
	damaged[31+3] ^= 0xff
	renamed, rewritten := makeZip(t, item{name: "b", content: "hello"}), makeZip(t, item{name: "a", content: "world"})
	if len(renamed) != len(b) || len(rewritten) != len(b) {
		t.Fatal("not of one size")
	}
	path := save(t, b)
	s := open(t, path)
	for _, tt := range []struct {
		content []byte
		want    string
	}{
		{b[:20], `"app.zip" shrank while it was being uploaded`},
		{append(bytes.Clone(b), 0), `"app.zip" grew while it was being uploaded`},
		{damaged, `"app.zip" changed while it was being uploaded; make sure nothing writes to it`},
		{rewritten, `"app.zip" changed while it was being uploaded; make sure nothing writes to it`},
		{renamed, `"app.zip" changed while it was being uploaded; make sure nothing writes to it`},
		{nil, `"app.zip" can no longer be read`},
	} {
		if err := os.WriteFile(path, tt.content, 0o644); err != nil {
			t.Fatal(err)
		}
		if tt.content == nil {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.WriteTo(new(bytes.Buffer)); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%v; want %s…", err, tt.want)
		}
	}
}

// What is sent for a directory is accepted as a .zip, and stays the same.
func TestTreeIsAnArchive(t *testing.T) {
	s := open(t, write(t, t.TempDir(), map[string]string{"a": "", "b/c": "hello", "d/[e]": strings.Repeat("x", 1<<20)}))
	b := zipOf(t, s)
	got := open(t, save(t, b))
	if got.Files() != 3 {
		t.Errorf("%d files", got.Files())
	}
	if !bytes.Equal(zipOf(t, got), b) {
		t.Error("a zip of ours is sent as another one")
	}
}

func FuzzOpenZip(f *testing.F) {
	f.Add(makeZip(f))
	f.Add(makeZip(f, item{name: "a", content: "hello"}, item{name: "b/"}, item{name: "b/c", content: "hello", stored: true}))
	f.Add(makeZip(f, item{name: "r/"}, item{name: "r/x", mode: 0o755}, item{name: "__MACOSX/r"}, item{name: "r/.git"}))
	f.Add(makeZip(f, item{name: "../a"}, item{name: `a\b`}, item{name: "a@"}, item{name: "l", mode: fs.ModeSymlink}))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Source
		err := s.checkArchive(bytes.NewReader(b), "fuzz.zip", int64(len(b)))
		if err != nil {
			if lines := strings.Split(err.Error(), "\n"); err.Error() == "" || len(lines) > maxShown+2 {
				t.Errorf("%q", lines)
			}
			return
		}
		if s.Files() == 0 || s.Bytes() != int64(len(b)) {
			t.Errorf("%d files of %d bytes", s.Files(), s.Bytes())
		}
		var sent bytes.Buffer
		if err := s.rewrite(&sent, bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
		var again Source
		if err := again.checkArchive(bytes.NewReader(sent.Bytes()), "sent.zip", int64(sent.Len())); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s.names, again.names); diff != "" {
			t.Error(diff)
		}
	})
}
