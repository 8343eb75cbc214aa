package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// replayed returns the lines that a spool shows, with its messages about
// missing ones in between.
func replayed(s *spool) (lines []string) {
	s.replay(func(line []byte) { lines = append(lines, string(line)) }, func(text string) { lines = append(lines, "! "+text) })
	return lines
}

func TestSpool(t *testing.T) {
	wide := strings.Repeat("w", 4000)
	for name, c := range map[string]struct {
		unusable bool // there is no temporary folder
		full     int  // the disk is full after so many lines; 0: never
		lines    int
		missing  string
		shown    int // at least
	}{
		"a file":                           {lines: 5000, shown: 5000},
		"no folder, a short log":           {unusable: true, lines: 2000, shown: 2000},
		"no folder, a long log":            {unusable: true, lines: 5000, shown: 2000, missing: " lines of the log are missing here: no temporary file could be written ("},
		"full in the middle":               {full: 1000, lines: 2500, shown: 2500},
		"full in the middle, a long log":   {full: 1000, lines: 6000, shown: 3000, missing: " lines of the log are missing here: no temporary file could be written ("},
		"full before the first is written": {full: 1, lines: 1000, shown: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			t.Setenv("TMP", os.TempDir())
			if c.unusable {
				t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "no", "such"))
				t.Setenv("TMP", os.Getenv("TMPDIR"))
			}
			s := newSpool()
			defer s.close()
			var want []string
			for i := range c.lines {
				if i == c.full && i > 0 {
					// Writing to a closed file fails as on a full disk; its
					// contents can still be read.
					s.write()
					writable := s.file
					name := filepath.Join(t.TempDir(), "copy")
					text := make([]byte, s.size)
					if _, err := writable.ReadAt(text, 0); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(name, text, 0o600); err != nil {
						t.Fatal(err)
					}
					readOnly, err := os.Open(name)
					if err != nil {
						t.Fatal(err)
					}
					s.file = readOnly
					defer writable.Close()
				}
				line := fmt.Sprintf("%d %s", i, wide)
				want = append(want, line)
				s.add([]byte(line))
			}
			got := replayed(s)
			at := slices.IndexFunc(got, func(line string) bool { return strings.HasPrefix(line, "! ") })
			if c.missing == "" {
				if !slices.Equal(got, want) {
					t.Fatalf("%d lines, want %d", len(got), len(want))
				}
				return
			}
			var n int
			if at < 0 || !strings.Contains(got[at], c.missing) || strings.Contains(got[at], "nil") {
				t.Fatalf("nothing is said of what is missing: %d lines", len(got))
			}
			if _, err := fmt.Sscanf(got[at], "! %d lines", &n); err != nil {
				t.Fatal(err)
			}
			if shown := len(got) - 1; shown+n != c.lines || shown < c.shown {
				t.Errorf("%d shown and %d missing of %d", shown, n, c.lines)
			}
			// In order, and the newest.
			if rest := got[at+1:]; !slices.Equal(rest, want[len(want)-len(rest):]) || !slices.Equal(got[:at], want[:at]) {
				t.Error("the lines are not those that were written")
			}
			if s.bytes > inMemory {
				t.Errorf("%d bytes are kept in memory", s.bytes)
			}
		})
	}
}

// A file that cannot be read again is reported, too.
func TestSpoolThatCannotBeRead(t *testing.T) {
	s := newSpool()
	defer s.close()
	for i := range 10 {
		s.add(fmt.Append(nil, i))
	}
	s.write()
	_ = s.file.Close()
	got := replayed(s)
	if len(got) != 1 || !strings.Contains(got[0], "10 lines of the log are missing here") {
		t.Errorf("%q", got)
	}
}

func TestLogOfAFailureWithoutATemporaryFolder(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "no", "such"))
	t.Setenv("TMP", os.Getenv("TMPDIR"))
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Build: dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(0, lines(2000)...)}})
		w.set = func(o *Options) { o.Logs = LogFailure }
		w.want(w.deploy("application api"), verdict.Failed, 1)
		if len(w.rec.log) < 2000 {
			w.Errorf("%d lines are shown", len(w.rec.log))
		}
	})
}
