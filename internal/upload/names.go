package upload

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What the server accepts: /^[\w/. :[\]-]{1,500}$/ for the whole path, which
// starts with /etc/dokploy/applications/<at most 63>/code/ (readValidDirectory
// of v0.30.2). v0.29.3 was the first to check, without : [ ]; v0.29.4 added the
// colon, v0.29.5 the brackets.
const (
	maxName = 500 - len("/etc/dokploy/applications/") - 63 - len("/code/")
	maxPart = 255 // of any Linux file system
	newer   = ":[]"
	hint    = "names may contain A-Z a-z 0-9 _ - . : [ ] and spaces, nothing else (Dokploy v0.29.3 and newer): " +
		"rename it, exclude it with .dockerignore, or put it into a .tar that the Dockerfile unpacks (ADD)"
)

func accepts(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_-. /"+newer, c) >= 0
}

// checkName returns the start of name up to the first part that the server does
// not accept, and why. Both are empty if the name is fine.
func checkName(name string) (at, fault string) {
	end := -1
	for part := range strings.SplitSeq(name, "/") {
		end += 1 + len(part)
		if len(part) > maxPart {
			return name[:end], fmt.Sprintf("is a name of more than %d characters, which no file system accepts", maxPart)
		}
		var refused []string
		for i := 0; i < len(part); {
			_, n := utf8.DecodeRuneInString(part[i:])
			if c := strconv.Quote(part[i : i+n]); !accepts(part[i]) && !slices.Contains(refused, c) {
				refused = append(refused, c)
			}
			i += n
		}
		if len(refused) > 0 {
			return name[:end], fmt.Sprintf("is named with %s, which Dokploy refuses", strings.Join(refused, " "))
		}
	}
	if len(name) > maxName {
		return name, fmt.Sprintf("is a path of %d characters; Dokploy accepts %d", len(name), maxName)
	}
	return "", ""
}

// maxShown is how many problems are reported.
const maxShown = 10

// problems collects what is wrong, one problem per path.
type problems struct {
	errs  []error
	seen  map[string]bool
	hint  bool
	count int
}

func (p *problems) add(path, format string, args ...any) {
	if p.seen[path] {
		return
	}
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	p.seen[path] = true
	if p.count++; p.count <= maxShown {
		p.errs = append(p.errs, fmt.Errorf("%s "+format, append([]any{quote(path)}, args...)...))
	}
}

// name checks a name, and reports whether it may be sent.
func (p *problems) name(name string) bool {
	at, fault := checkName(name)
	if fault != "" {
		p.hint = true
		p.add(at, "%s", fault)
	}
	return fault == ""
}

func (p *problems) err() error {
	errs := p.errs
	if more := p.count - maxShown; more > 0 {
		errs = append(errs, fmt.Errorf("and %d more", more))
	}
	if p.hint {
		errs = append(errs, errors.New(hint))
	}
	return errors.Join(errs...)
}

// sample counts names and keeps the first three.
type sample struct {
	n     int
	names []string
}

func (s *sample) add(name string) {
	if s.n++; s.n <= 3 {
		if q := quote(name); q != `"`+name+`"` {
			name = q
		}
		s.names = append(s.names, name)
	}
}

func (s *sample) String() string {
	text := strings.Join(s.names, ", ")
	if more := s.n - len(s.names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// are starts a sentence about the names.
func (s *sample) are() string {
	if s.n == 1 {
		return s.String() + " is"
	}
	return s.String() + " are"
}

// quote quotes a name whole: a part of it could not be masked.
func quote(s string) string { return strconv.Quote(s) }

// cause returns an error without the name of the call and the path.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", n>>20) }
