package ci

import (
	"errors"
	"fmt"
	"io"
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

// reader is the other end of a pipe: it takes what is written while it reads.
type reader struct {
	mu      sync.Mutex
	text    strings.Builder
	pause   time.Duration // before each piece is taken
	blocked chan struct{} // nil: it reads
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
	time.Sleep(pause)
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

// flood prints so many bytes of numbered lines.
func flood(p *Printer, from, size int) (next int) {
	for n := 0; n < size; from++ {
		line := fmt.Sprintf("line %d %s", from, strings.Repeat("x", 80))
		p.LogLine("api", []byte(line))
		n += len(line)
	}
	return from
}

var notShown = regexp.MustCompile(`^! (\d+) lines? of the log (?:is|are) not shown: `)

// whole sees that all numbered lines are there, in order, but for those that a
// line says are missing, and counts these lines and what they count.
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

// unstyled are lines without their colours.
func unstyled(lines []string) []string {
	return strings.Split(escapes.ReplaceAllString(strings.Join(lines, "\n"), ""), "\n")
}

// A reader that stops for some time holds nobody up, and the host's commands
// and our own lines all arrive.
func TestReaderStops(t *testing.T) {
	for _, h := range []Host{plainHost, actionsHost, gitlabHost} {
		t.Run(h.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &reader{}
				p := New(h, r, []string{"sesame"})
				p.SetTargets([]string{"api"})
				n := flood(p, 0, 10_000)
				r.block()
				start := time.Now()
				n = flood(p, n, 3*outletLimit)
				p.Note("api", "a note")
				n = flood(p, n, 1000)
				p.Warn("api", "a warning")
				if took := time.Since(start); took > stalledAfter+flushAfter {
					t.Errorf("printing took %s", took)
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
					if got := strings.Join(names(commands), " "); got != "add-mask group endgroup warning group endgroup error" {
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
				if gaps != 1 || missing*80 < outletLimit || missing*80 > 5*outletLimit/2 {
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

// A slow reader that reads gets all of it, whether it is told live or at once.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{pause: 50 * time.Millisecond} // 320 KB a second
		p := New(plainHost, r, nil)
		n := flood(p, 0, 2*outletLimit)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if gaps, missing := whole(t, strings.Split(r.String(), "\n"), n); gaps != 0 {
			t.Errorf("%d lines are missing", missing)
		}
	})
}

// A reader that hardly reads is told once in a while what is missing, not all
// the time.
func TestGapsAreFew(t *testing.T) {
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

// Where nobody reads any more, the end does not wait without end.
func TestReaderIsGone(t *testing.T) {
	for name, tt := range map[string]struct {
		pause       time.Duration
		interrupted bool
		most        time.Duration
	}{
		"blocked":                       {time.Hour, false, lastPatience},
		"blocked, and interrupted":      {time.Hour, true, interruptedPatience},
		"hardly reads":                  {4 * time.Second, false, lastWait},
		"hardly reads, and interrupted": {500 * time.Millisecond, true, interruptedPatience},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &reader{pause: tt.pause}
				p := New(plainHost, r, nil)
				flood(p, 0, 2*outletLimit)
				if tt.interrupted {
					p.Hurry()
				}
				start := time.Now()
				flood(p, 0, 2*outletLimit)
				if took := time.Since(start); took > stalledAfter+flushAfter {
					t.Errorf("printing took %s", took)
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

// A log that waits for a slow reader goes on at once when the run is interrupted.
func TestHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{pause: 900 * time.Millisecond}
		p := New(plainHost, r, nil)
		n := flood(p, 0, outletLimit)
		time.AfterFunc(3*time.Second, p.Hurry)
		start := time.Now()
		flood(p, n, outletLimit)
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("it took %s", took)
		}
		_ = p.Close()
		time.Sleep(time.Second)
	})
}

// balky takes little at a time and says EAGAIN in between, as a pipe does that
// somebody made non-blocking.
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
