package upload

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const ignoreFile = ".dockerignore"

// tree is a directory that is being read.
type tree struct {
	root     *os.Root
	base     string // its path, with links resolved
	ignore   *patternmatcher.PatternMatcher
	reading  []string // the folders from the root to here, to detect loops
	visited  int
	files    []file
	problems problems

	ignored, git, mac, links, empty, executable, recent sample
}

func (s *Source) readTree(name string, keep []string) error {
	base, err := filepath.EvalSymlinks(s.path)
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", quote(name), cause(err))
	}
	s.path = base
	t := &tree{base: base}
	if t.root, err = os.OpenRoot(base); err != nil {
		return fmt.Errorf("%s cannot be read: %w", quote(name), cause(err))
	}
	defer t.root.Close() //nolint:errcheck // only read
	if err := t.readIgnore(keep); err != nil {
		return fmt.Errorf("%s in %s cannot be used: %w", ignoreFile, quote(name), cause(err))
	}
	if err := t.folder("", ".", patternmatcher.MatchInfo{}); err != nil {
		return fmt.Errorf("%s %w", quote(name), err)
	}
	return s.take(t, name)
}

// take judges what was found, and makes it the source.
func (s *Source) take(t *tree, name string) error {
	if err := t.problems.err(); err != nil {
		return err
	}
	slices.SortFunc(t.files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	for _, f := range t.files {
		s.bytes += f.size
		s.names = append(s.names, f.name)
	}
	switch n := len(t.files); {
	case t.ignored.n > 0 && (n == 0 || n == 1 && t.files[0].name == ignoreFile):
		return fmt.Errorf("%s has nothing to send: its %s excludes everything (%s)", quote(name), ignoreFile, t.ignored.String())
	case n == 0 || n == 1 && t.files[0].name == ignoreFile:
		return fmt.Errorf("%s is empty: it has no file to send", quote(name))
	case n > maxFiles: // the last one may exceed it
		return fmt.Errorf("%s contains %d files; at most %d are accepted; exclude something with %s", quote(name), n, maxFiles, ignoreFile)
	case s.bytes > maxUnpacked:
		return fmt.Errorf("%s holds %s, more than Dokploy accepts (%s); exclude something with %s", quote(name), megabytes(s.bytes), megabytes(maxUnpacked), ignoreFile)
	}
	s.files, s.count = t.files, len(t.files)
	if t.git.n > 0 {
		s.note("%s not sent: credentials may be inside", t.git.are())
	}
	if t.ignored.n > 0 {
		s.note("%s excludes %s", ignoreFile, t.ignored.String())
	}
	if t.mac.n > 0 {
		s.note("%s not sent: Dokploy ignores names that begin with __MACOSX", t.mac.are())
	}
	if t.links.n > 0 {
		s.note("links are followed, and what they point to is sent in their place: %s", t.links.String())
	}
	if t.empty.n > 0 {
		s.note("empty folders are not sent: %s", t.empty.String())
	}
	s.noteNames(t.executable, t.recent)
	return nil
}

// readIgnore reads .dockerignore as docker does: the file itself, the
// Dockerfile and the files in keep are sent whatever it says.
func (t *tree) readIgnore(keep []string) error {
	var patterns []string
	switch info, err := t.root.Stat(ignoreFile); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is not a file")
	case info.Size() > 1<<20:
		return errors.New("it is larger than 1 MB")
	default:
		f, err := regular(t.root.OpenFile(ignoreFile, os.O_RDONLY|nonblock, 0))
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // only read
		if patterns, err = ignorefile.ReadAll(io.LimitReader(f, 1<<20)); err != nil {
			return err
		}
		patterns = append(patterns, "!"+ignoreFile, "!Dockerfile")
		for _, name := range keep {
			patterns = append(patterns, "!"+literal.Replace(name))
		}
	}
	var err error
	t.ignore, err = patternmatcher.New(patterns)
	return err
}

// literal escapes a name so that a pattern matches just that name.
var literal = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`)

// folder reads the folder that is sent as name and stands at real.
func (t *tree) folder(name, real string, above patternmatcher.MatchInfo) error {
	if slices.Contains(t.reading, real) {
		t.problems.add(name, "points back to a folder that contains it; links must not form a loop")
		return nil
	}
	if len(name) > maxName { // an undetected loop ends here
		t.problems.name(name)
		return nil
	}
	t.reading = append(t.reading, real)
	defer func() { t.reading = t.reading[:len(t.reading)-1] }()
	entries, err := t.list(real)
	switch {
	case errors.Is(err, errOfKernel) && name == "":
		return err
	case errors.Is(err, errOfKernel):
		t.problems.add(name, "%w; exclude it with %s", err, ignoreFile)
		return nil
	case err != nil:
		t.problems.add(path.Join(name, "."), "cannot be read: %w; exclude it with %s, or fix its permissions", cause(err), ignoreFile)
		return nil
	}
	if len(entries) == 0 && name != "" {
		t.empty.add(name)
	}
	for _, e := range entries {
		if t.visited++; t.visited > maxVisited {
			return fmt.Errorf("contains more than %d files and folders; give a smaller directory", maxVisited)
		}
		if len(t.files) > maxFiles {
			return fmt.Errorf("contains more than %d files; exclude something with %s", maxFiles, ignoreFile)
		}
		if err := t.entry(path.Join(name, e.Name()), path.Join(real, e.Name()), e.Type(), above); err != nil {
			return err
		}
	}
	return nil
}

var errOfKernel = errors.New("is a kernel file system, such as /proc or /sys, whose files cannot be sent")

func (t *tree) list(real string) ([]os.DirEntry, error) {
	f, err := t.root.OpenFile(real, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	if ofKernel(f) {
		return nil, errOfKernel
	}
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, err
}

func (t *tree) entry(name, real string, kind fs.FileMode, above patternmatcher.MatchInfo) error {
	ignored, here, err := t.ignore.MatchesUsingParentResults(name, above)
	if err == nil && !ignored && name != real {
		ignored, err = t.ignores(real) // a link does not get around .dockerignore
	}
	switch {
	case err != nil:
		return fmt.Errorf("has a %s that cannot be used: %w", ignoreFile, err)
	case ignored && (!kind.IsDir() || !t.exceptsBelow(name)):
		t.ignored.add(name)
	case strings.EqualFold(path.Base(name), ".git"):
		// actions/checkout leaves a token in .git/config.
		t.git.add(name)
	case strings.HasPrefix(name, "__MACOSX"):
		t.mac.add(name)
	case kind.IsDir():
		return t.folder(name, real, here)
	case kind&fs.ModeSymlink != 0:
		return t.link(name, real, here)
	case !kind.IsRegular():
		t.problems.add(name, "is a device, pipe or socket; remove it, or exclude it with %s", ignoreFile)
	default:
		t.file(name, real)
	}
	return nil
}

// exceptsBelow reports whether an ignored folder may hold something that is not
// ignored.
func (t *tree) exceptsBelow(name string) bool {
	return slices.ContainsFunc(t.ignore.Patterns(), func(p *patternmatcher.Pattern) bool {
		s := filepath.ToSlash(p.String())
		return p.Exclusion() && (strings.ContainsAny(s, `*?[\`) || strings.HasPrefix(s, name+"/"))
	})
}

func (t *tree) ignores(real string) (bool, error) {
	ignored, _, err := t.ignore.MatchesUsingParentResults(real, patternmatcher.MatchInfo{})
	return ignored, err
}

func (t *tree) link(name, real string, here patternmatcher.MatchInfo) error {
	text, _ := t.root.Readlink(real)
	target, err := filepath.EvalSymlinks(filepath.Join(t.base, real))
	if err != nil {
		why := "cannot be followed"
		if errors.Is(err, fs.ErrNotExist) {
			why = "does not exist"
		}
		t.problems.add(name, "is a link to %s, which %s; remove it, or exclude it with %s", quote(text), why, ignoreFile)
		return nil
	}
	target, err = filepath.Rel(t.base, target)
	if err != nil || !filepath.IsLocal(target) {
		t.problems.add(name, "is a link to %s, outside what is uploaded; put a copy in its place, or exclude it with %s", quote(text), ignoreFile)
		return nil
	}
	target = filepath.ToSlash(target)
	ignored, err := t.ignores(target)
	if err != nil {
		return fmt.Errorf("has a %s that cannot be used: %w", ignoreFile, err)
	}
	if ignored || slices.ContainsFunc(strings.Split(target, "/"), func(part string) bool { return strings.EqualFold(part, ".git") }) {
		t.problems.add(name, "is a link to %s, which is not sent; put a copy in its place, or exclude it with %s", quote(text), ignoreFile)
		return nil
	}
	info, err := t.root.Stat(target)
	switch {
	case err != nil:
		t.problems.add(name, "is a link to %s, which cannot be read: %w", quote(text), cause(err))
		return nil
	case !info.IsDir() && !info.Mode().IsRegular():
		t.problems.add(name, "is a link to %s, a device, pipe or socket; remove it, or exclude it with %s", quote(text), ignoreFile)
		return nil
	}
	t.links.add(name)
	if info.IsDir() {
		return t.folder(name, target, here)
	}
	t.file(name, target)
	return nil
}

func (t *tree) file(name, real string) {
	if !t.problems.name(name) {
		return
	}
	f, err := regular(t.root.OpenFile(real, os.O_RDONLY|nonblock, 0))
	if err != nil {
		t.problems.add(name, "cannot be read: %w; exclude it with %s, or fix its permissions", cause(err), ignoreFile)
		return
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		t.problems.add(name, "cannot be read: %w", cause(err))
		return
	}
	t.files = append(t.files, file{name: name, from: real, size: info.Size()})
	if info.Mode()&0o111 != 0 {
		t.executable.add(name)
	}
	if strings.ContainsAny(name, newer) {
		t.recent.add(name)
	}
}
