//go:build unix

package config

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const aComposeFile = "services:\n  web:\n    image: acme/web\n"

// pipe returns a named pipe that write writes to; nil: nobody does.
func pipe(t *testing.T, write func(*os.File)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if write == nil {
			return
		}
		if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
			defer f.Close()
			write(f)
		}
	}()
	t.Cleanup(func() { // releases whoever still waits at the other end
		if f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0); err == nil {
			_ = f.Close()
		}
		<-done
	})
	return path
}

// A pipe that ends works like a file: <(…) and /dev/stdin are pipes.
func TestPipesAreRead(t *testing.T) {
	ca := certificate(t, "one")
	for input, text := range map[string]string{"compose-file": aComposeFile, "ca-cert": ca} {
		t.Run(input, func(t *testing.T) {
			write := func(f *os.File) {
				for _, half := range []string{text[:20], text[20:]} {
					_, _ = f.WriteString(half)
					time.Sleep(10 * time.Millisecond)
				}
			}
			out, in, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			go func() { write(in); _ = in.Close() }()
			substitution := fmt.Sprintf("/dev/fd/%d", out.Fd())
			for _, path := range []string{pipe(t, write), substitution} {
				c, err := load("application", "", "compose", "stack", input, path)
				if err != nil {
					t.Fatal(err)
				}
				if input == "compose-file" && c.ComposeFile.Text != text || input == "ca-cert" && len(c.CACerts) != 1 {
					t.Errorf("%s: %+v, %d certificates", path, c.ComposeFile, len(c.CACerts))
				}
			}
		})
	}
}

// A pipe that never ends blocks nothing.
func TestPipesWithoutAnEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		write func(f *os.File, never <-chan struct{})
		want  string
	}{
		"nobody writes": {nil, "is a pipe that was not closed within 200ms; "},
		"it stays open": {func(f *os.File, never <-chan struct{}) { _, _ = f.WriteString(aComposeFile); <-never }, "is a pipe that was not closed within 200ms; "},
		"it never stops": {func(f *os.File, _ <-chan struct{}) {
			for err := error(nil); err == nil; _, err = f.WriteString("# more\n") {
			}
		}, ""},
		"it comes to end": {func(*os.File, <-chan struct{}) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			never := make(chan struct{})
			var write func(*os.File)
			if tt.write != nil {
				write = func(f *os.File) { tt.write(f, never) }
			}
			path := pipe(t, write)
			t.Cleanup(func() { close(never) })
			patience := time.Hour
			if tt.want != "" {
				patience = 200 * time.Millisecond
			}
			raw, err := readWithin(patience, path, 100_000)
			switch {
			case tt.want == "" && (err != nil || len(raw) > 100_001):
				t.Errorf("%d bytes, %v", len(raw), err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestNotFiles(t *testing.T) {
	dir, err := os.MkdirTemp("", "s") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "socket")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, input := range []string{"compose-file", "ca-cert"} {
		for path, want := range map[string]string{
			socket: "is a socket; give a file", "/dev/zero": "is a device; give a file", "/dev/null": "is a device; give a file", "/dev": "is a directory; give a file in it",
		} {
			_, err := load("application", "", "compose", "stack", input, path)
			if got, want := problems(t, err), fmt.Sprintf("%s: %q %s", input, path, want); len(got) != 1 || got[0] != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
	_, err = load("output-file", socket)
	if got := problems(t, err); len(got) != 1 || !strings.Contains(got[0], "is a socket; give a file") {
		t.Errorf("output-file: %q", got)
	}
	for _, path := range []string{"/dev/null", "/dev/stdout", pipe(t, nil)} {
		if _, err := load("output-file", path); err != nil {
			t.Errorf("output-file %s: %v", path, err)
		}
	}
}
