// Package upload owns what is uploaded as an application's source: a directory
// or a .zip. Dokploy switches the source and deletes the old code before it
// looks at the upload, so everything it would reject is found here, before
// anything is sent. The package knows the server's rules, not its API.
package upload

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Sources beyond these limits are refused.
const (
	maxFiles    = 100_000
	maxVisited  = 1_000_000 // in a directory, ignored or not
	maxZip      = 2 << 30   // the server holds it in memory, more than once
	maxUnpacked = 1<<32 - 2 // adm-zip misreads zip64 sizes, which start one byte above
	// A zip that unpacks to more than bombSize and more than bombRatio times
	// its own size counts as a bomb.
	bombSize  = 256 << 20
	bombRatio = 200
)

// large is the size from which a note is shown: the server may have less
// memory.
const large = 200 << 20

// Source is a directory or .zip in which nothing was found that Dokploy
// rejects.
type Source struct {
	name    string // as given
	path    string // absolute; of a directory: with links resolved
	archive bool
	files   []file   // as sent
	names   []string // where Dokploy puts them, sorted
	count   int      // number of names
	bytes   int64
	notes   []string
}

// file is a file to send, or a folder of a .zip.
type file struct {
	name string // in the zip that is sent; of a folder: ending in a slash
	from string // path below the directory; differs from name behind a link
	size int64
	crc  uint32 // of an entry of a .zip
}

// Open reads a directory or a .zip. Its error says what is wrong and what to
// do, each problem on its own line.
func Open(name string) (*Source, error) { return openSource(name, nil) }

// openSource leaves out nothing of keep, whatever .dockerignore says.
func openSource(name string, keep []string) (*Source, error) {
	const want = "give a directory or a .zip"
	if strings.TrimSpace(name) == "" {
		return nil, errors.New("no path is given; " + want)
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s does not exist; %s", quote(name), want)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", quote(name), cause(err))
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is neither a directory nor a file; %s", quote(name), want)
	case !info.IsDir() && !strings.EqualFold(filepath.Ext(name), ".zip"):
		return nil, fmt.Errorf("%s is neither a directory nor a .zip; %s", quote(name), want)
	}
	s := &Source{name: name}
	if s.path, err = filepath.Abs(name); err != nil {
		return nil, err
	}
	if info.IsDir() {
		err = s.readTree(name, keep)
	} else {
		err = s.readArchive(name)
	}
	if err != nil {
		return nil, err
	}
	if s.bytes > large {
		s.note("%s is a lot: Dokploy reads a whole upload into memory", megabytes(s.bytes))
	}
	return s, nil
}

// Keep returns the source with these files, if they exist, whatever its
// .dockerignore says.
func (s *Source) Keep(names ...string) (*Source, error) {
	lacks := func(s *Source, name string) bool { file, _ := s.find(name); return !file }
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !lacks(s, name) })
	if s.archive || len(names) == 0 {
		return s, nil
	}
	kept, err := openSource(s.name, names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !lacks(kept, name) {
			kept.note("%s is sent although %s excludes it: the application's settings name it", name, ignoreFile)
		}
	}
	return kept, nil
}

// Lacks says why nothing is sent under this path, as a file or, unless onlyFile
// is set, as a folder with files. It returns "" if something is.
func (s *Source) Lacks(name string, onlyFile bool) string {
	file, folder := s.find(name)
	switch {
	case file, folder && !onlyFile:
		return ""
	case folder:
		return "is a folder"
	case !s.archive:
		if _, err := os.Stat(filepath.Join(s.path, filepath.FromSlash(name))); err == nil {
			return fmt.Sprintf("is not sent: %s excludes it, or it contains no files", ignoreFile)
		}
	}
	return "is not in " + quote(s.name)
}

// find reports whether a file is sent as name, and whether there are files
// below it.
func (s *Source) find(name string) (file, folder bool) {
	if name == "." {
		return false, true
	}
	_, file = slices.BinarySearch(s.names, name)
	i, _ := slices.BinarySearch(s.names, name+"/")
	return file, i < len(s.names) && strings.HasPrefix(s.names[i], name+"/")
}

// Files returns how many files are sent.
func (s *Source) Files() int { return s.count }

// Bytes returns their size before compression; of a .zip, its own size.
func (s *Source) Bytes() int64 { return s.bytes }

// Notes returns remarks on what is sent, one line each.
func (s *Source) Notes() []string { return s.notes }

func (s *Source) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// noteNames adds remarks on names and modes.
func (s *Source) noteNames(executable, recent sample) {
	if executable.n > 0 {
		s.note("Dokploy drops file modes, and %s executable here: run with sh, or chmod in the Dockerfile", executable.are())
	}
	if recent.n > 0 {
		s.note("%s named with \":\", \"[\" or \"]\", which Dokploy v0.29.3 and v0.29.4 may refuse", recent.are())
	}
}

// WriteTo writes the zip as a stream, with the same bytes for the same content.
// It returns errors of w as they are; any other error names the broken file.
func (s *Source) WriteTo(w io.Writer) (int64, error) {
	out := s.counter(w)
	var err error
	if s.archive {
		err = s.writeArchive(out)
	} else {
		err = s.writeTree(out)
	}
	if out.err != nil {
		err = out.err
	}
	return out.n, err
}

// writeZip writes the zip that is sent. fill writes the content of the i-th
// file; buf is a buffer for it.
func (s *Source) writeZip(w io.Writer, fill func(w io.Writer, i int, buf []byte) error) error {
	out := bufio.NewWriterSize(w, 64<<10)
	z := zip.NewWriter(out)
	buf := make([]byte, 64<<10)
	for i, f := range s.files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		h.SetMode(0o644)
		if isFolder(f.name) {
			h.SetMode(fs.ModeDir | 0o755)
		}
		// 1980-01-01, the first day of a zip's calendar.
		h.ModifiedDate = 1<<5 | 1 //nolint:staticcheck // Modified adds a field to each header
		entry, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if err := fill(entry, i, buf); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return out.Flush()
}

// writeTree writes no folders: the server would strip a single one in the root,
// and remote servers do not receive them.
func (s *Source) writeTree(w io.Writer) error {
	root, err := os.OpenRoot(s.path)
	if err != nil {
		return fmt.Errorf("the directory can no longer be read: %w", cause(err))
	}
	defer root.Close() //nolint:errcheck // only read
	return s.writeZip(w, func(w io.Writer, i int, buf []byte) error { return copyFile(w, root, s.files[i], buf) })
}

// copyFile copies a file that must still have the size it was checked with.
func copyFile(w io.Writer, root *os.Root, f file, buf []byte) error {
	in, err := regular(root.OpenFile(f.from, os.O_RDONLY|nonblock, 0))
	if err != nil {
		return fmt.Errorf("%s can no longer be read: %w", quote(f.name), cause(err))
	}
	defer in.Close() //nolint:errcheck // only read
	n, err := io.CopyBuffer(w, io.LimitReader(in, f.size+1), buf)
	switch {
	case err != nil:
		return fmt.Errorf("%s cannot be read completely: %w", quote(f.name), cause(err))
	case n != f.size:
		return changedSize(f.name, n, f.size)
	}
	return nil
}

// changedSize is the error for a file whose size has changed.
func changedSize(name string, now, before int64) error {
	if now > before {
		return fmt.Errorf("%s grew while it was being uploaded; make sure nothing writes to it", quote(name))
	}
	return fmt.Errorf("%s shrank while it was being uploaded (%d bytes instead of %d); make sure nothing writes to it", quote(name), now, before)
}

// regular returns a file that was opened without blocking, if it is a regular
// one: something else may have replaced it.
func regular(f *os.File, err error) (*os.File, error) {
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err == nil && ofKernel(f) {
		err = errors.New("it belongs to a kernel file system, such as /proc or /sys")
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// counter counts what is written, and keeps the writer's error apart from those
// of the files read.
type counter struct {
	w   io.Writer
	n   int64
	err error
	way string // how to make too large a zip smaller
}

func (s *Source) counter(w io.Writer) *counter {
	if s.archive {
		return &counter{w: w, way: "exclude something"}
	}
	return &counter{w: w, way: "exclude something with " + ignoreFile}
}

func (c *counter) Write(b []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if c.n+int64(len(b)) > maxZip {
		c.err = fmt.Errorf("the zip is larger than %s, more than Dokploy accepts; %s", megabytes(maxZip), c.way)
		return 0, c.err
	}
	n, err := c.w.Write(b)
	c.n += int64(n)
	c.err = err
	return n, err
}
