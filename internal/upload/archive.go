package upload

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// A .zip is read the way adm-zip 0.5.16 does, which every Dokploy since v0.25
// has, and not with archive/zip, which takes more: data before the zip, other
// checksums in front of a file than in the directory, 64-bit descriptors. Numbers
// are at the offsets of APPNOTE.TXT 4.3.
var (
	sigLocal      = []byte("PK\x03\x04")
	sigDescriptor = []byte("PK\x07\x08")
	sigEntry      = []byte("PK\x01\x02")
	sigEnd        = []byte("PK\x05\x06")
	sigEnd64      = []byte("PK\x06\x06")
	sigLocator64  = []byte("PK\x06\x07")

	u16 = binary.LittleEndian.Uint16
	u32 = binary.LittleEndian.Uint32
)

var errBroken = errors.New("is broken or cut off: make it again, and see that it arrives whole")

// entry is one line of a zip's directory.
type entry struct {
	name          string // as it is in the zip
	flags, method uint16
	crc           uint32
	packed, size  int64
	mode          uint32 // of Unix, type and permissions
	at            int64  // of its local header
}

func (e *entry) folder() bool { return strings.HasSuffix(e.name, "/") }

// ignored: the server leaves these out.
func (e *entry) ignored() bool { return strings.HasPrefix(e.name, "__MACOSX") }

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
	s.bytes = size
	switch {
	case size == 0:
		return fmt.Errorf("%s is empty", quote(name))
	case size > maxZip:
		return fmt.Errorf("%s is larger than %s, more than Dokploy can take", quote(name), megabytes(maxZip))
	}
	entries, err := readDirectory(f, size)
	if err != nil {
		return fmt.Errorf("%s %w", quote(name), err)
	}
	var unpacked, packed int64
	for _, e := range entries {
		unpacked += e.size
		packed += e.packed
	}
	// None is read further than its claim, so that the claims can be trusted.
	switch {
	case packed > size:
		return fmt.Errorf("%s %w", quote(name), errBroken)
	case unpacked > maxUnpacked:
		return fmt.Errorf("%s unpacks to %s, more than Dokploy can take (%s)", quote(name), megabytes(unpacked), megabytes(maxUnpacked))
	case unpacked > bombSize && unpacked/bombRatio > size:
		return fmt.Errorf("%s unpacks to %s, more than %d times its size: it is taken for a zip bomb; upload the directory instead", quote(name), megabytes(unpacked), bombRatio)
	}
	var p problems
	s.checkNames(entries, &p)
	c := &checker{zip: f, size: size, buf: make([]byte, 64<<10)}
	for _, e := range entries {
		if err := c.check(&e); err != nil {
			p.add(e.name, "%w", err)
		}
	}
	if err := p.err(); err != nil {
		return err
	}
	if s.count == 0 {
		return fmt.Errorf("%s holds no files", quote(name))
	}
	return nil
}

// readDirectory reads the directory of a zip of that size.
func readDirectory(f io.ReaderAt, size int64) ([]entry, error) {
	tail := make([]byte, min(size, 56+20+22+0xffff))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return nil, fmt.Errorf("cannot be read: %w", cause(err))
	}
	end := bytes.LastIndex(tail[:max(0, len(tail)-22+len(sigEnd))], sigEnd)
	if end < max(0, len(tail)-22-0xffff) {
		head := make([]byte, 4)
		if _, err := f.ReadAt(head, 0); err != nil || !bytes.Equal(head, sigLocal) {
			return nil, errors.New("is not a zip; give a directory or a .zip")
		}
		return nil, errBroken
	}
	count, start := uint64(u16(tail[end+8:])), uint64(u32(tail[end+16:]))
	if end >= 56+20 && bytes.HasPrefix(tail[end-20:], sigLocator64) {
		end64 := tail[end-20-56:]
		if !bytes.HasPrefix(end64, sigEnd64) {
			return nil, errBroken
		}
		count, start = binary.LittleEndian.Uint64(end64[24:]), binary.LittleEndian.Uint64(end64[48:])
	}
	switch {
	case count > maxFiles:
		return nil, fmt.Errorf("holds %d files and folders; at most %d are taken", count, maxFiles)
	case start > uint64(size): //nolint:gosec // a size is not negative
		return nil, errBroken
	}
	r := bufio.NewReaderSize(io.NewSectionReader(f, int64(start), size-int64(start)), 64<<10) //nolint:gosec // start is at most size
	var entries []entry
	for range count {
		var h [46]byte
		if _, err := io.ReadFull(r, h[:]); err != nil || !bytes.HasPrefix(h[:], sigEntry) {
			return nil, errBroken
		}
		name := make([]byte, u16(h[28:]))
		if _, err := io.ReadFull(r, name); err != nil {
			return nil, errBroken
		}
		if _, err := r.Discard(int(u16(h[30:])) + int(u16(h[32:]))); err != nil {
			return nil, errBroken
		}
		entries = append(entries, entry{
			name:  string(name[:min(len(name), 4*maxName)]), // what is longer is refused anyway
			flags: u16(h[8:]), method: u16(h[10:]), crc: u32(h[16:]),
			packed: int64(u32(h[20:])), size: int64(u32(h[24:])), mode: u32(h[38:]) >> 16, at: int64(u32(h[42:])),
		})
	}
	// The number is cut to 16 bits by tools that do not know zip64.
	if next, _ := r.Peek(4); bytes.Equal(next, sigEntry) {
		return nil, fmt.Errorf("holds more entries than the %d that it claims; make it with another tool", count)
	}
	return entries, nil
}

// checkNames finds out where the server would put each entry.
func (s *Source) checkNames(entries []entry, p *problems) {
	strip, stripped := rootFolder(entries)
	var (
		executable, recent, git sample
		files                   = map[string]bool{}
		tops                    = map[string]bool{}
		folders                 []string
	)
	for _, e := range entries {
		if e.ignored() {
			continue
		}
		if fault := e.fault(); fault != "" {
			p.add(e.name, "%s", fault)
			continue
		}
		name := e.name
		if stripped {
			name = strings.TrimPrefix(name, strip+"/")
		}
		name = path.Clean(name)
		switch {
		case name == "." && e.folder():
			continue
		case name == ".":
			p.add(e.name, "is a file without a name; leave it out of the zip")
			continue
		case e.folder():
			if p.name(name + "/") { // the server counts it
				folders = append(folders, name)
			}
			continue
		case !p.name(name):
			continue
		case files[name]:
			p.add(e.name, "is in the zip twice; leave one out")
		}
		files[name] = true
		top, _, below := strings.Cut(name, "/")
		tops[top] = below
		if e.mode&0o111 != 0 {
			executable.add(name)
		}
		if strings.ContainsAny(name, newer) {
			recent.add(name)
		}
		if slices.Contains(strings.Split(name, "/"), ".git") {
			git.add(name)
		}
		folders = append(folders, path.Dir(name))
	}
	slices.Sort(folders)
	for _, name := range slices.Compact(folders) {
		for ; name != "."; name = path.Dir(name) {
			if files[name] {
				p.add(name, "is both a file and a folder in the zip; leave one out")
			}
		}
	}
	s.count, s.names = len(files), slices.Sorted(maps.Keys(files))
	for top, below := range tops {
		if len(tops) == 1 && below && !stripped {
			s.note("Dokploy does not strip the folder %s, in which everything is: the zip has no entry for the folder itself, or another one beside it", quote(top))
		}
	}
	if stripped && strip != "." {
		s.note("Dokploy strips the folder %s, in which everything is", quote(strip))
	}
	if git.n > 0 {
		s.note("the zip holds .git, in which credentials may be: %s", git.String())
	}
	s.noteNames(executable, recent)
}

// fault is what is wrong with an entry before anything else.
func (e *entry) fault() string {
	switch kind := e.mode & 0o170000; {
	case kind == 0o120000:
		return "is a link, which Dokploy refuses; make the zip with what it leads to (zip without --symlinks), or upload the directory instead"
	case kind != 0 && kind != 0o100000 && kind != 0o040000:
		return "is a device, pipe or socket, which Dokploy refuses; leave it out of the zip"
	case strings.HasPrefix(e.name, "/") || len(e.name) > 1 && e.name[1] == ':':
		return "is an absolute path; make the zip with paths that begin in its root"
	case slices.Contains(strings.FieldsFunc(e.name, func(r rune) bool { return r == '/' || r == '\\' }), ".."):
		return "leads out of its folder with \"..\"; make the zip with paths that begin in its root"
	case strings.Contains(e.name, `\`):
		return "is named with backslashes; make the zip with a tool that writes / between folders (not Compress-Archive of Windows PowerShell 5)"
	}
	return ""
}

// rootFolder is the folder that the server strips: the only entry in the root.
// It does not look whether something is in other folders.
func rootFolder(entries []entry) (string, bool) {
	var root []string
	for _, e := range entries {
		if n := strings.Count(e.name, "/"); !e.ignored() && (n == 0 || n == 1 && e.folder()) {
			root = append(root, e.name)
		}
	}
	if len(root) != 1 {
		return "", false
	}
	return strings.CutSuffix(root[0], "/")
}

// checker reads what is in a zip, as a whole and in little memory.
type checker struct {
	zip  io.ReaderAt
	size int64
	buf  []byte
	in   *bufio.Reader
	fl   io.ReadCloser
}

func (c *checker) check(e *entry) error {
	const max32 = 1<<32 - 1
	switch {
	case e.flags&(1|1<<6|1<<13) != 0:
		return errors.New("is encrypted; make the zip without a password")
	case e.method != 0 && e.method != 8:
		return fmt.Errorf("is compressed with method %d; Dokploy reads 8 (deflate) and 0 (stored)", e.method)
	case e.packed == max32 || e.size == max32 || e.at == max32:
		return errors.New("is stored with zip64, which Dokploy cannot read; make the zip without it")
	case e.folder() && e.size != 0:
		return errors.New("is a folder with content; make the zip with another tool")
	}
	var h [30]byte
	if _, err := c.zip.ReadAt(h[:], e.at); err != nil || !bytes.HasPrefix(h[:], sigLocal) {
		return errBroken
	}
	if e.folder() {
		return nil
	}
	start := e.at + 30 + int64(u16(h[26:])) + int64(u16(h[28:]))
	if start+e.packed > c.size {
		return errBroken
	}
	if e.packed > 0 {
		if e.flags&8 == 0 && u32(h[14:]) != e.crc {
			return errBroken
		}
		if e.flags&8 != 0 && !c.descriptor(e, start+e.packed) {
			return errors.New("has its checksum behind it in a form that Dokploy cannot read; make the zip as a file, not through a pipe")
		}
	}
	var unread *fs.PathError
	switch n, sum, err := c.sum(e, start); {
	case errors.As(err, &unread):
		return fmt.Errorf("cannot be read: %w", unread.Err)
	case err != nil || n != e.size || sum != e.crc:
		return errBroken
	}
	return nil
}

// descriptor checks what follows a file that was written as it streamed.
func (c *checker) descriptor(e *entry, at int64) bool {
	var b [16]byte
	if _, err := c.zip.ReadAt(b[:], at); err != nil {
		return false
	}
	d := b[:]
	switch {
	case bytes.HasPrefix(d, sigDescriptor):
		d = d[4:]
	case !bytes.HasPrefix(d[12:], []byte("PK")): // of what comes next
		return false
	}
	return u32(d) == e.crc && int64(u32(d[4:])) == e.packed && int64(u32(d[8:])) == e.size
}

// sum unpacks an entry, one byte further than its claim at most.
func (c *checker) sum(e *entry, start int64) (int64, uint32, error) {
	var r io.Reader = io.NewSectionReader(c.zip, start, e.packed)
	if e.method == 8 && e.packed > 0 {
		if c.fl == nil {
			c.in = bufio.NewReaderSize(r, 64<<10)
			c.fl = flate.NewReader(c.in)
		} else {
			c.in.Reset(r)
			if err := c.fl.(flate.Resetter).Reset(c.in, nil); err != nil {
				return 0, 0, err
			}
		}
		r = c.fl
	}
	h := crc32.NewIEEE()
	n, err := io.CopyBuffer(h, io.LimitReader(r, e.size+1), c.buf)
	return n, h.Sum32(), err
}
