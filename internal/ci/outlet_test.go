package ci

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// reader is the other end of a pipe: it only accepts what is written while it
// is reading.
type reader struct {
	mu      sync.Mutex
	text    strings.Builder
	pause   time.Duration // before reading a piece, less before reading part of one
	blocked chan struct{} // nil: it is reading
	err     error
}

func (r *reader) Write(p []byte) (int, error) {
	r.mu.Lock()
	blocked := r.blocked
	r.mu.Unlock()
	if blocked != nil {
		<-blocked
	}
	r.mu.Lock()
	pause := r.pause
	r.mu.Unlock()
	time.Sleep(pause * time.Duration(len(p)) / pieceSize)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	r.text.Write(p)
	return len(p), nil
}

func (r *reader) block() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blocked = make(chan struct{})
}

func (r *reader) goOn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.blocked)
	r.blocked = nil
}

func (r *reader) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// flood prints numbered lines with a total of size bytes.
func flood(p *Printer, from, size int) (next int) {
	for n := 0; n < size; from++ {
		line := fmt.Sprintf("line %d %s", from, strings.Repeat("x", 80))
		p.LogLine("api", []byte(line))
		n += len(line)
	}
	return from
}

var notShown = regexp.MustCompile(`^! (\d+) lines? of the log (?:is|are) not shown: `)

// whole checks that all numbered lines are there, in order, except for those
// that a line reports as missing. It returns the number of such reports and the
// number of lines they count.
func whole(t *testing.T, shown []string, lines int) (gaps, missing int) {
	t.Helper()
	next := 0
	for _, text := range unstyled(shown) {
		if m := notShown.FindStringSubmatch(text); m != nil {
			n, _ := strconv.Atoi(m[1])
			gaps, missing, next = gaps+1, missing+n, next+n
		}
		if n := -1; strings.HasPrefix(text, "line ") {
			if _, err := fmt.Sscanf(text, "line %d ", &n); err != nil || n != next {
				t.Fatalf("%.40q where line %d should be", text, next)
			}
			next++
		}
	}
	if next != lines {
		t.Errorf("the output ends with line %d of %d", next, lines)
	}
	return gaps, missing
}

// unstyled returns lines without their colours.
func unstyled(lines []string) []string {
	return strings.Split(escapes.ReplaceAllString(strings.Join(lines, "\n"), ""), "\n")
}

// noFolder takes away the folder for temporary files.
func noFolder(t *testing.T) {
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, filepath.Join(t.TempDir(), "is-not-there"))
	}
}

// A reader that stops for some time blocks nobody, and all of the host's
// commands and our own lines arrive. Lines of the server arrive if a temporary
// file can keep them, otherwise those that memory has room for.
func TestReaderStops(t *testing.T) {
	for _, h := range []Host{plainHost, actionsHost, gitlabHost} {
		for _, folder := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, folder: %v", h.name, folder), func(t *testing.T) {
				if !folder {
					noFolder(t)
				}
				synctest.Test(t, func(t *testing.T) {
					r := &reader{}
					p := New(h, r, []string{"sesame"})
					p.SetTargets([]string{"api"})
					n := flood(p, 0, 10_000)
					r.block()
					start := time.Now()
					n = flood(p, n, 3*inMemoryLimit)
					p.Note("api", "a note")
					n = flood(p, n, 1000)
					p.Warn("api", "a warning")
					if took := time.Since(start); took > slowAfter {
						t.Errorf("printing took %s", took)
					}
					if waits := p.out.waiting.inMemory; waits > inMemoryLimit+flushSize || folder && waits > inMemoryMost+3*flushSize {
						t.Errorf("%d bytes are in memory", waits)
					}
					time.Sleep(time.Minute)
					r.goOn()
					time.Sleep(time.Minute)
					n = flood(p, n, 10_000)
					r.block()
					n = flood(p, n, 100) // there is room for these
					p.Failure(Failure{Verdict: "api failed", Reason: "the reason"})
					r.goOn()
					if err := p.Close(); err != nil {
						t.Error(err)
					}
					shown := strings.Split(r.String(), "\n")
					if h.actions {
						var commands []command
						commands, shown = runner(r.String())
						want := "add-mask group endgroup group endgroup warning group endgroup error"
						if !folder {
							want = "add-mask group endgroup warning group endgroup error" // no room for the second
						}
						if got := strings.Join(names(commands), " "); got != want {
							t.Errorf("commands: %s", got)
						}
						if last := commands[len(commands)-1].name; last != "error" && last != "resume" {
							t.Errorf("the host's commands are off at the end: %s", last)
						}
					}
					if n := len(sections.FindAllString(r.String(), -1)); h.fold() == section && n%2 != 0 {
						t.Error("a section has no end")
					}
					gaps, missing := whole(t, shown, n)
					switch {
					case folder && gaps != 0,
						!folder && (gaps != 2 || missing*80 < inMemoryLimit || missing*80 > 5*inMemoryLimit/2):
						t.Errorf("%d lines are said to be missing, in %d places", missing, gaps)
					}
					own := []string{"› a note", "! a warning", "✗ api failed: the reason"}
					if h.actions {
						own = []string{"› a note", "✗ api failed"}
					}
					for _, want := range own {
						if !slices.Contains(unstyled(shown), want) {
							t.Errorf("%q is missing", want)
						}
					}
				})
			})
		}
	}
}

// A slow reader gets everything, and whoever prints does not wait for it.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{pause: 250 * time.Millisecond} // 64 KB a second
		p := New(plainHost, r, nil)
		start := time.Now()
		n := flood(p, 0, 20<<20)
		p.Failure(Failure{Verdict: "api failed", Reason: "the reason"})
		if took := time.Since(start); took != 0 {
			t.Errorf("printing took %s", took)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		shown := strings.Split(r.String(), "\n")
		if gaps, missing := whole(t, shown, n); gaps != 0 {
			t.Errorf("%d lines are missing", missing)
		}
		if last := unstyled(shown)[n:]; !slices.Equal(last, []string{"✗ api failed: the reason", ""}) {
			t.Errorf("the end: %q", last)
		}
	})
}

// A reader that hardly reads is told now and then what is missing, not all the
// time.
func TestGapsAreFew(t *testing.T) {
	noFolder(t)
	synctest.Test(t, func(t *testing.T) {
		r := &reader{pause: 1500 * time.Millisecond}
		p := New(plainHost, r, nil)
		n := 0
		for range 600 {
			n = flood(p, n, 4*pieceSize)
			time.Sleep(1500 * time.Millisecond)
		}
		r.mu.Lock()
		r.pause = 0
		r.mu.Unlock()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if gaps, missing := whole(t, strings.Split(r.String(), "\n"), n); gaps < 1 || gaps > 5 {
			t.Errorf("%d lines are said to be missing, in %d places", missing, gaps)
		}
	})
}

// If nobody reads any more, the end does not wait forever.
func TestReaderIsGone(t *testing.T) {
	for name, tt := range map[string]struct {
		pause       time.Duration
		interrupted bool
		most        time.Duration
	}{
		"blocked":                       {time.Hour, false, lastPatience},
		"blocked, and interrupted":      {time.Hour, true, 2 * interruptedPatience},
		"hardly reads, and interrupted": {700 * time.Millisecond, true, 2 * interruptedPatience},
	} {
		for _, folder := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, folder: %v", name, folder), func(t *testing.T) {
				if !folder {
					noFolder(t)
				}
				synctest.Test(t, func(t *testing.T) {
					r := &reader{pause: tt.pause}
					p := New(plainHost, r, nil)
					flood(p, 0, 2*inMemoryLimit)
					if tt.interrupted {
						p.Hurry()
					}
					start := time.Now()
					flood(p, 0, 2*inMemoryLimit)
					if took := time.Since(start); took > slowAfter {
						t.Errorf("printing took %s", took)
					}
					for i := range 2000 {
						p.Note("", fmt.Sprintf("note %d", i)) // more than the reader takes in this time
					}
					start = time.Now()
					if err := p.Close(); !errors.Is(err, errUnread) {
						t.Errorf("error %v", err)
					}
					if took := time.Since(start); took != tt.most {
						t.Errorf("the end took %s, want %s", took, tt.most)
					}
					p.Note("", "after the end")
					if n := p.out.size.Load(); n != 0 {
						t.Errorf("%d bytes are kept", n)
					}
					time.Sleep(2 * time.Hour) // lets the last write end
				})
			})
		}
	}
}

// If there is no time for a log, what a person needs comes without it: our own
// lines, the count of missing lines and, after a run that was not interrupted,
// the log's last lines.
func TestNoTimeForTheLog(t *testing.T) {
	for name, tt := range map[string]struct {
		pause       time.Duration
		interrupted time.Duration // after the end began; 0: not interrupted
		least, most time.Duration
		lastLines   bool
	}{
		"hardly reads":                         {2 * time.Second, 0, logWait, logWait + lastWait, true},
		"slow, and interrupted":                {250 * time.Millisecond, time.Nanosecond, interruptedPatience, 2 * interruptedPatience, false},
		"slow, and interrupted while it waits": {250 * time.Millisecond, time.Minute, time.Minute + interruptedPatience, time.Minute + 2*interruptedPatience, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &reader{pause: tt.pause}
				p := New(plainHost, r, nil)
				n := flood(p, 0, 3<<20)
				p.Note("api", "rolling back")
				n = flood(p, n, 17<<20)
				p.Failure(Failure{Verdict: "api failed", Reason: "the reason"})
				if tt.interrupted > 0 {
					time.AfterFunc(tt.interrupted, p.Hurry)
				}
				start := time.Now()
				if err := p.Close(); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took < tt.least || took > tt.most {
					t.Errorf("the end took %s", took)
				}
				shown := unstyled(strings.Split(r.String(), "\n"))
				if gaps, missing := whole(t, shown, n); gaps < 1 || gaps > 2 || missing < n/2 {
					t.Errorf("%d of %d lines are said to be missing, in %d places", missing, n, gaps)
				}
				for _, own := range []string{"› rolling back", "✗ api failed: the reason"} {
					if !slices.Contains(shown, own) {
						t.Errorf("%q is missing", own)
					}
				}
				if got := strings.HasPrefix(shown[len(shown)-3], fmt.Sprintf("line %d ", n-1)); got != tt.lastLines {
					t.Errorf("the last line of the log: %v", got)
				}
			})
		})
	}
}

// What the temporary file does not accept is kept in memory, and what it does
// not give back is reported as missing.
func TestTheFileFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{}
		p := New(plainHost, r, nil)
		r.block()
		n := flood(p, 0, 2<<20)
		if p.out.waiting.inFile == 0 {
			t.Fatal("nothing is in the file")
		}
		_ = p.out.waiting.file.Close()
		n = flood(p, n, 1<<20)
		r.goOn()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		gaps, missing := whole(t, strings.Split(r.String(), "\n"), n)
		if gaps == 0 || missing > (2<<20)/80 {
			t.Errorf("%d lines are said to be missing, in %d places", missing, gaps)
		}
		if n := p.out.size.Load(); n != 0 {
			t.Errorf("%d bytes are left", n)
		}
	})
}

// balky accepts little at a time and returns EAGAIN in between, like a pipe
// that somebody made non-blocking.
type balky struct {
	strings.Builder
	n int
}

func (b *balky) Write(p []byte) (int, error) {
	b.n++
	if b.n%3 == 0 {
		return 0, &nested{syscall.EAGAIN}
	}
	if len(p) > 100 {
		n, _ := b.Builder.Write(p[:100])
		return n, &nested{syscall.EAGAIN}
	}
	return b.Builder.Write(p)
}

type nested struct{ err error }

func (n *nested) Error() string { return n.err.Error() }
func (n *nested) Unwrap() error { return n.err }

func TestNonBlockingPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out balky
		p := New(plainHost, &out, nil)
		n := flood(p, 0, 20_000)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if gaps, _ := whole(t, strings.Split(out.String(), "\n"), n); gaps != 0 {
			t.Error("lines are missing")
		}
	})
}

// short breaks the contract of io.Writer.
type short struct{ n int }

func (s *short) Write([]byte) (int, error) { s.n++; return 0, nil }

func TestShortWrite(t *testing.T) {
	var out short
	p := New(plainHost, &out, nil)
	p.Note("", "a note")
	p.Note("", "another")
	if err := p.Close(); !errors.Is(err, io.ErrShortWrite) || out.n != 1 {
		t.Errorf("error %v after %d writes", err, out.n)
	}
}
