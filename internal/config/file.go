package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// filePatience is how long reading a file may take. Pipes are read to their
// end, so that <(…) and /dev/stdin work; a pipe without a writer would never
// end.
const filePatience = 10 * time.Second

// readFile reads the file that an input names. It returns at most limit+1
// bytes, so the caller can tell that the file is longer.
func readFile(path string, limit int64) ([]byte, error) {
	return readWithin(filePatience, path, limit)
}

func readWithin(patience time.Duration, path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	if err := readable(path, info.Mode()); err != nil {
		return nil, err
	}
	type result struct {
		raw []byte
		err error
	}
	read := make(chan result, 1)
	go func() { // opening a pipe blocks until there is a writer
		raw, err := readAll(path, limit+1)
		read <- result{raw, err}
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case r := <-read:
		return r.raw, r.err
	case <-late.C:
	}
	if info.Mode()&fs.ModeNamedPipe != 0 {
		return nil, fmt.Errorf("%s is a pipe that was not closed within %s; check that something writes to it and closes it, or give a file", quote(path), patience)
	}
	return nil, fmt.Errorf("%s could not be read within %s", quote(path), patience)
}

func readAll(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close() //nolint:errcheck // only read
	// The path may name another file by now.
	if info, err := f.Stat(); err == nil {
		if err := readable(path, info.Mode()); err != nil {
			return nil, err
		}
	}
	raw, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return raw, nil
}

// errMissing is [fs.ErrNotExist] as a person would say it.
var errMissing = missing{}

type missing struct{}

func (missing) Error() string        { return "does not exist" }
func (missing) Is(target error) bool { return target == fs.ErrNotExist }

// unreadable says what is wrong with a file, without the name of the system
// call.
func unreadable(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s %w", quote(path), errMissing)
	}
	var of *fs.PathError
	if errors.As(err, &of) {
		err = of.Err
	}
	return fmt.Errorf("%s cannot be read: %w", quote(path), err)
}

// readable refuses files without an end and empty files.
func readable(path string, mode fs.FileMode) error {
	switch {
	case mode.IsRegular(), mode&fs.ModeType == fs.ModeNamedPipe:
		return nil
	case mode.IsDir():
		return fmt.Errorf("%s is a directory; give a file in it", quote(path))
	case mode&fs.ModeSocket != 0:
		return fmt.Errorf("%s is a socket; give a file", quote(path))
	case mode&fs.ModeDevice != 0:
		return fmt.Errorf("%s is a device; give a file", quote(path))
	}
	return fmt.Errorf("%s is not a file", quote(path))
}
