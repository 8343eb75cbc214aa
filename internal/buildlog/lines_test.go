package buildlog

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// split feeds text in pieces of n bytes and returns the lines, including the
// last one if it has no newline.
func split(text string, n int) []string {
	var lines []string
	s := lineSplitter{emit: func(line []byte) { lines = append(lines, string(line)) }}
	for p := []byte(text); len(p) > 0; {
		k := min(n, len(p))
		piece := bytes.Clone(p[:k])
		s.write(piece)
		for i := range piece {
			piece[i] = 'X' // the splitter must not keep its input
		}
		p = p[k:]
	}
	s.flush()
	return lines
}

func TestLineSplitter(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"plain":                  {"a\nb\n", []string{"a", "b"}},
		"blank lines":            {"\n\na\n", []string{"", "", "a"}},
		"no newline at the end":  {"a\nb", []string{"a", "b"}},
		"windows line ends":      {"a\r\nb\r\n\r\n", []string{"a", "b", ""}},
		"progress":               {"10%\r50%\r100%\ndone\n", []string{"100%", "done"}},
		"progress and crlf":      {"10%\r100%\r\nnext\r\n", []string{"100%", "next"}},
		"progress as git has it": {"Counting:  20% (1/5)        \rCounting: 100% (5/5), done.        \n", []string{"Counting: 100% (5/5), done.        "}},
		"utf-8":                  {"✅ Docker build completed.\n", []string{"✅ Docker build completed."}},
		"nul and odd bytes":      {"a\x00b\xff\n", []string{"a\x00b\xff"}},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; n <= len(tt.text)+1; n++ {
				if diff := cmp.Diff(tt.want, split(tt.text, n)); diff != "" {
					t.Fatalf("in pieces of %d bytes:\n%s", n, diff)
				}
			}
		})
	}
}

func TestLineSplitterKeepsALongLineWhole(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, n := range []int{1, 1000, 65536, 200_000} {
		if diff := cmp.Diff([]string{"a", long, "b"}, split("a\n"+long+"\nb\n", n)); diff != "" {
			t.Fatalf("in pieces of %d bytes: a line of 100 KB is not one line", n)
		}
	}
}

func TestLineSplitterBoundsMemory(t *testing.T) {
	var lines []string
	s := lineSplitter{emit: func(line []byte) { lines = append(lines, string(line)) }}
	piece := bytes.Repeat([]byte("y"), 64<<10)
	for range 160 { // 10 MiB without a newline
		s.write(piece)
		if cap(s.part) > 2*maxLine {
			t.Fatalf("%d bytes are kept for one line", cap(s.part))
		}
	}
	s.write([]byte("\nnext\n"))
	if len(lines) != 2 || lines[1] != "next" {
		t.Fatalf("%d lines", len(lines))
	}
	if want := "[9437184 more bytes of this line left out]"; !strings.HasSuffix(lines[0], want) {
		t.Fatalf("the line ends in %q, want %q", lines[0][len(lines[0])-60:], want)
	}
	// The same in one piece.
	lines = nil
	s.write(append(bytes.Repeat([]byte("y"), 2<<20), "\nnext\n"...))
	if len(lines) != 2 || lines[1] != "next" || !strings.HasSuffix(lines[0], "y [1048576 more bytes of this line left out]") {
		t.Fatalf("%d lines", len(lines))
	}
	// Progress without a newline is overwritten, not kept.
	for range 10_000 {
		s.write([]byte("50% of something rather long that goes on and on\r"))
	}
	if len(s.part) > 100 {
		t.Fatalf("%d bytes of overwritten progress are kept", len(s.part))
	}
}

func FuzzLineSplitter(f *testing.F) {
	f.Add("a\r\nb\rc\n\r\r\n", 1)
	f.Add("10%\r100%\n✅ x", 3)
	f.Fuzz(func(t *testing.T, text string, n int) {
		if n < 1 || n > 1<<16 || len(text) > 1<<16 {
			return
		}
		// However the text is cut, the lines are the same.
		if diff := cmp.Diff(split(text, len(text)+1), split(text, n)); diff != "" {
			t.Fatalf("in pieces of %d bytes:\n%s", n, diff)
		}
		want := strings.Count(text, "\n")
		if text != "" && !strings.HasSuffix(text, "\n") {
			want++
		}
		if got := len(split(text, n)); got != want {
			t.Fatalf("%d lines, want %d", got, want)
		}
	})
}

func TestIsEnd(t *testing.T) {
	// As in the recordings and the builders of v0.30.2.
	for _, line := range []string{
		"✅ Docker build completed.", "✅ Pulling image completed.", "✅ Nixpacks build completed.", "✅ Railpack build completed.",
		"✅ Heroku build completed.", "✅ Paketo build completed.", "✅ Image Pushed", "Docker Compose Deployed: ✅",
		"Error occurred ❌, check the logs for details.",
		// Broken at the border of Dokploy's reads.
		"\uFFFD\uFFFD Docker build completed.", "Docker Compose Deployed: \uFFFD\uFFFD\uFFFD", "Error occurred \uFFFD, check the logs for details.",
	} {
		if !isEnd([]byte(line)) {
			t.Errorf("%q is no end", line)
		}
	}
	for _, line := range []string{"", "✅", "Cloning Repo Custom http://x: ✅", "✅ Registry Login Success", "#8 DONE 0.0s", "error occurred", "Error occurred in it", "Docker Compose Deployed: no", "\uFFFD\uFFFD\uFFFD\uFFFD it is completed.", "\uFFFDcompleted."} {
		if isEnd([]byte(line)) {
			t.Errorf("%q is an end", line)
		}
	}
}

func BenchmarkLineSplitter(b *testing.B) {
	line := []byte("#7 12.27 slow build line 13 of 40 with about as many bytes as usual\n")
	frame := bytes.Repeat(line, 900)
	n := 0
	s := lineSplitter{emit: func([]byte) { n++ }}
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		s.write(frame)
	}
}
