package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// composeText matches the start of a compose file.
var composeText = regexp.MustCompile(`^\s*(services|version|name|include|volumes|networks|configs|secrets|x-[\w-]+)\s*:|^\s*[{#]|^---`)

// noPath refuses a value that is text instead of a path. The text may hold
// secrets, so it is not shown.
func noPath(v, what string) error {
	if strings.ContainsAny(v, "\r\n") || composeText.MatchString(v) {
		return errors.New("is text, not a path; write it to a file and give the path of " + what)
	}
	if anotherScheme.MatchString(v) {
		return errors.New("is an address, not a path; give the path of " + what)
	}
	return nil
}

// checkout says that a file may be missing because nothing was checked out. It
// returns "" if something was, or if the path points elsewhere.
func (l *loader) checkout(path string) string {
	folder, err := os.Getwd()
	if err != nil || noPath(path, "") != nil || l.facts.Checkout == "" || !filepath.IsLocal(path) && !within(folder, path) || !lacksFiles(path) {
		return ""
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return ""
	}
	where := "is empty"
	if len(entries) > 0 {
		where = "has no .git"
	}
	for above := folder; ; above = filepath.Dir(above) {
		if _, err := os.Lstat(filepath.Join(above, ".git")); err == nil {
			return ""
		}
		if above == filepath.Dir(above) {
			break
		}
	}
	return "the working directory " + where + ", so nothing seems to be checked out: " + l.facts.Checkout
}

// within reports whether an absolute path is inside a folder.
func within(folder, path string) bool {
	rest, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rest)
}

// lacksFiles reports whether the path does not exist or is an empty folder.
func lacksFiles(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	if !info.IsDir() {
		return false
	}
	entries, err := os.ReadDir(path)
	return err == nil && len(entries) == 0
}

// parseFile is [parse] for an input that may name a file of the repository.
func parseFile[T any](l *loader, input string, f func(string) (T, error)) T {
	return parse(l, input, func(v string) (T, error) {
		t, err := f(v)
		if err != nil {
			if hint := l.checkout(v); hint != "" {
				err = errors.New(err.Error() + "; " + hint)
			}
		}
		return t, err
	})
}
