package upload

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A .zip is read with archive/zip and rebuilt: Dokploy receives the same kind
// of zip as for a directory, whatever tool made the original. Entries keep
// their names and order, folders included, because Dokploy uses both to strip
// the root folder.

// maxDirectory limits a zip's directory, in bytes, including extra fields and
// comments: enough for maxFiles entries with the longest names.
const maxDirectory = int64(maxFiles * (46 + maxName + 64))

const (
	sigLocal = "PK\x03\x04"
	sigEntry = "PK\x01\x02"
)

var (
	errBroken    = errors.New("is broken or truncated: create it again, and check that it arrives complete")
	errDirectory = fmt.Errorf("has a file list of more than %s; at most %d files and folders are accepted", megabytes(maxDirectory), maxFiles)
	errTooMany   = fmt.Errorf("contains more than %d files and folders; exclude something", maxFiles)
	errChanged   = errors.New("changed while it was being uploaded; make sure nothing writes to it")
)

// bounded reads a zip while its directory is parsed: archive/zip keeps every
// entry there is.
type bounded struct {
	io.ReaderAt
	read    int64
	entries int
	done    bool // from here on files are read
}

func (b *bounded) ReadAt(p []byte, at int64) (int, error) {
	n, err := b.ReaderAt.ReadAt(p, at)
	if b.done {
		return n, err
	}
	b.read += int64(n)
	b.entries += bytes.Count(p[:n], []byte(sigEntry))
	switch {
	case b.entries > maxFiles+maxFiles/2: // the last ones are read twice
		return 0, errTooMany
	case b.read > maxDirectory:
		return 0, errDirectory
	}
	return n, err
}

// maxEntryName is the longest name of an entry before . and .. and a root
// folder are removed, in bytes. Messages show no more of a name.
const maxEntryName = 4 * maxName

// shown returns an entry's name for a message.
func shown(e *zip.File) string { return e.Name[:min(len(e.Name), maxEntryName)] }

func isFolder(name string) bool { return strings.HasSuffix(name, "/") }

// ignored reports whether the server skips the entry.
func ignored(e *zip.File) bool { return strings.HasPrefix(e.Name, "__MACOSX") }

// fileOf describes an entry as it is sent, with what is needed to see that it
// is still the one that was checked.
func fileOf(e *zip.File) file {
	return file{name: e.Name, size: int64(e.UncompressedSize64), crc: e.CRC32} //nolint:gosec // at most maxUnpacked
}

func (s *Source) readArchive(name string) error {
	f, err := regular(os.OpenFile(s.path, os.O_RDONLY|nonblock, 0))
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", quote(name), cause(err))
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", quote(name), cause(err))
	}
	return s.checkArchive(f, name, info.Size())
}

func (s *Source) checkArchive(f io.ReaderAt, name string, size int64) error {
	s.archive, s.bytes = true, size
	switch {
	case size == 0:
		return fmt.Errorf("%s is empty", quote(name))
	case size > maxZip:
		return fmt.Errorf("%s is larger than %s, more than Dokploy accepts", quote(name), megabytes(maxZip))
	}
	entries, err := readDirectory(f, size)
	if err != nil {
		return fmt.Errorf("%s %w", quote(name), err)
	}
	const most = 1 << 40 // for one entry, so that no sum overflows
	var unpacked, packed int64
	for _, e := range entries {
		unpacked += int64(min(e.UncompressedSize64, most))
		packed += int64(min(e.CompressedSize64, most))
	}
	// archive/zip reads no further than the claimed size, so the claims can be
	// trusted.
	switch {
	case packed > size:
		return fmt.Errorf("%s %w", quote(name), errBroken)
	case unpacked > maxUnpacked:
		return fmt.Errorf("%s unpacks to %s, more than Dokploy accepts (%s)", quote(name), megabytes(unpacked), megabytes(maxUnpacked))
	case unpacked > bombSize && unpacked/bombRatio > size:
		return fmt.Errorf("%s unpacks to %s, more than %d times its size: it looks like a zip bomb; upload the directory instead", quote(name), megabytes(unpacked), bombRatio)
	}
	var p problems
	s.checkNames(entries, &p)
	buf := make([]byte, 64<<10)
	for _, e := range entries {
		if err := checkEntry(e, buf); err != nil {
			p.add(shown(e), "%w", err)
		}
	}
	if err := p.err(); err != nil {
		return err
	}
	if !beginsWith(f, entries) {
		return fmt.Errorf("%s %w", quote(name), errBroken)
	}
	if s.count == 0 {
		return fmt.Errorf("%s contains no files", quote(name))
	}
	for _, e := range kept(entries) {
		s.files = append(s.files, fileOf(e))
	}
	return nil
}

// kept returns the entries that are sent.
func kept(entries []*zip.File) []*zip.File {
	return slices.DeleteFunc(slices.Clone(entries), ignored)
}

// readDirectory reads the directory of a zip of that size.
func readDirectory(f io.ReaderAt, size int64) ([]*zip.File, error) {
	in := &bounded{ReaderAt: io.NewSectionReader(f, 0, size)}
	z, err := zip.NewReader(in, size)
	var unread *fs.PathError
	switch {
	case errors.As(err, &unread):
		return nil, fmt.Errorf("cannot be read: %w", unread.Err)
	case errors.Is(err, errTooMany), errors.Is(err, errDirectory):
		return nil, err
	case err != nil && !errors.Is(err, zip.ErrInsecurePath): // checkNames reports these
		if head := make([]byte, 4); !readsAt(f, head) || string(head) != sigLocal {
			return nil, errors.New("is not a zip; give a directory or a .zip")
		}
		return nil, errBroken
	case len(z.File) > maxFiles:
		return nil, fmt.Errorf("contains %d files and folders; at most %d are accepted", len(z.File), maxFiles)
	}
	in.done = true
	return z.File, nil
}

func readsAt(f io.ReaderAt, b []byte) bool {
	_, err := f.ReadAt(b, 0)
	return err == nil
}

// beginsWith reports whether the zip starts with the first of its files.
// Otherwise another zip may stand in front, which archive/zip skips.
func beginsWith(f io.ReaderAt, entries []*zip.File) bool {
	first := int64(math.MaxInt64)
	for _, e := range entries {
		at, err := e.DataOffset()
		if err != nil {
			return false
		}
		first = min(first, at)
	}
	if len(entries) == 0 {
		return true
	}
	h := make([]byte, 30)
	return readsAt(f, h) && string(h[:4]) == sigLocal &&
		first == 30+int64(binary.LittleEndian.Uint16(h[26:]))+int64(binary.LittleEndian.Uint16(h[28:]))
}

// checkNames determines where the server would put each entry.
func (s *Source) checkNames(entries []*zip.File, p *problems) {
	strip, stripped := rootFolder(entries)
	l := layout{files: map[string]bool{}, tops: map[string]bool{}}
	for _, e := range entries {
		if ignored(e) {
			continue
		}
		if fault := faultOf(e); fault != "" {
			p.add(shown(e), "%s", fault)
			continue
		}
		name := e.Name
		if stripped {
			name = strings.TrimPrefix(name, strip+"/")
		}
		l.place(e, path.Clean(name), p)
	}
	l.checkFolders(p)
	s.count, s.names = len(l.files), slices.Sorted(maps.Keys(l.files))
	for top, below := range l.tops {
		if len(l.tops) == 1 && below && !stripped {
			s.note("Dokploy does not strip the folder %s, which contains everything: the zip has no entry for the folder itself, or has another one beside it", quote(top))
		}
	}
	if stripped && strip != "." {
		s.note("Dokploy strips the folder %s, which contains everything", quote(strip))
	}
	if l.git.n > 0 {
		s.note("the zip contains .git, which may contain credentials: %s", l.git.String())
	}
	s.noteNames(l.executable, l.recent)
}

// layout is where the server puts the entries of a zip.
type layout struct {
	files   map[string]bool
	tops    map[string]bool // first parts of their names; true: of a folder
	folders []string        // those that must be folders

	executable, recent, git sample
}

// place puts an entry where the server would, under its cleaned name.
func (l *layout) place(e *zip.File, name string, p *problems) {
	switch {
	case name == "." && isFolder(e.Name):
		return
	case name == ".":
		p.add(shown(e), "is a file without a name; remove it from the zip")
		return
	case isFolder(e.Name):
		if p.name(name + "/") { // the server counts the folder
			l.folders = append(l.folders, name)
		}
		return
	case !p.name(name):
		return
	case l.files[name]:
		p.add(shown(e), "is in the zip twice; remove one")
	}
	l.files[name] = true
	top, _, below := strings.Cut(name, "/")
	l.tops[top] = below
	if modeOf(e)&0o111 != 0 {
		l.executable.add(name)
	}
	if strings.ContainsAny(name, newer) {
		l.recent.add(name)
	}
	if slices.Contains(strings.Split(name, "/"), ".git") {
		l.git.add(name)
	}
	l.folders = append(l.folders, path.Dir(name))
}

// checkFolders finds names that would have to be a file and a folder.
func (l *layout) checkFolders(p *problems) {
	slices.Sort(l.folders)
	for _, name := range slices.Compact(l.folders) {
		for ; name != "."; name = path.Dir(name) {
			if l.files[name] {
				p.add(name, "is both a file and a folder in the zip; remove one")
			}
		}
	}
}

// modeOf returns the Unix type and permissions of an entry.
func modeOf(e *zip.File) uint32 { return e.ExternalAttrs >> 16 }

// faultOf says what is wrong with an entry's own name or type; empty: nothing.
func faultOf(e *zip.File) string {
	switch kind := modeOf(e) & 0o170000; {
	case len(e.Name) > maxEntryName:
		return fmt.Sprintf("is a path of %d characters; Dokploy accepts %d", len(e.Name), maxName)
	case kind == 0o120000:
		return "is a link, which Dokploy refuses; make the zip with what it points to (zip without --symlinks), or upload the directory instead"
	case kind != 0 && kind != 0o100000 && kind != 0o040000:
		return "is a device, pipe or socket, which Dokploy refuses; remove it from the zip"
	case strings.HasPrefix(e.Name, "/") || len(e.Name) > 1 && e.Name[1] == ':':
		return "is an absolute path; make the zip with paths that begin in its root"
	case slices.Contains(strings.FieldsFunc(e.Name, func(r rune) bool { return r == '/' || r == '\\' }), ".."):
		return "leads out of its folder with \"..\"; make the zip with paths that begin in its root"
	case strings.Contains(e.Name, `\`):
		return "is named with backslashes; make the zip with a tool that writes / between folders (not Compress-Archive of Windows PowerShell 5)"
	}
	return ""
}

// rootFolder returns the folder that the server strips: the only entry in the
// root. It does not check that everything is inside it.
func rootFolder(entries []*zip.File) (string, bool) {
	var root []string
	for _, e := range entries {
		if n := strings.Count(e.Name, "/"); !ignored(e) && (n == 0 || n == 1 && isFolder(e.Name)) {
			root = append(root, e.Name)
		}
	}
	if len(root) != 1 {
		return "", false
	}
	return strings.CutSuffix(root[0], "/")
}

// checkEntry reads an entry to its end, in little memory.
func checkEntry(e *zip.File, buf []byte) error {
	switch {
	case e.Flags&(1|1<<6|1<<13) != 0:
		return errors.New("is encrypted; make the zip without a password")
	case e.Method != zip.Store && e.Method != zip.Deflate:
		return fmt.Errorf("is compressed with method %d; Dokploy reads 8 (deflate) and 0 (stored)", e.Method)
	case isFolder(e.Name) && e.UncompressedSize64 != 0:
		return errors.New("is a folder with content; make the zip with another tool")
	}
	sum := crc32.NewIEEE() // archive/zip takes a zero checksum for none
	err := copyEntry(sum, e, buf)
	var unread *fs.PathError
	switch {
	case errors.As(err, &unread):
		return fmt.Errorf("cannot be read: %w", unread.Err)
	case err != nil || sum.Sum32() != e.CRC32:
		return errBroken
	}
	return nil
}

func copyEntry(w io.Writer, e *zip.File, buf []byte) error {
	in, err := e.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.CopyBuffer(w, in, buf) //nolint:gosec // no more than the entry claims, which checkArchive judged
	return err
}

// writeArchive writes the entries of a .zip, which must still be the ones that
// were checked.
func (s *Source) writeArchive(w io.Writer) error {
	name := filepath.Base(s.path)
	f, err := regular(os.OpenFile(s.path, os.O_RDONLY|nonblock, 0))
	if err != nil {
		return fmt.Errorf("%s can no longer be read: %w", quote(name), cause(err))
	}
	defer f.Close() //nolint:errcheck // only read
	err = s.rewrite(w, f)
	if info, statErr := f.Stat(); statErr == nil && info.Size() != s.bytes {
		return changedSize(name, info.Size(), s.bytes)
	}
	var unread *fs.PathError
	switch {
	case errors.As(err, &unread):
		return fmt.Errorf("%s cannot be read completely: %w", quote(name), unread.Err)
	case err != nil: // WriteTo recognises an error of w
		return fmt.Errorf("%s %w", quote(name), errChanged)
	}
	return nil
}

func (s *Source) rewrite(w io.Writer, f io.ReaderAt) error {
	entries, err := readDirectory(f, s.bytes)
	if err != nil {
		return err
	}
	entries = kept(entries)
	if !slices.EqualFunc(entries, s.files, func(e *zip.File, f file) bool { return fileOf(e) == f }) {
		return errChanged
	}
	return s.writeZip(w, func(w io.Writer, i int, buf []byte) error { return copyEntry(w, entries[i], buf) })
}
