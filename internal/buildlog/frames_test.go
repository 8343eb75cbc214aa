package buildlog

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// FuzzLogFrames: however text is split into frames, and frames into pieces,
// each line is delivered once, in order, unless the stream's own errors are
// among them.
func FuzzLogFrames(f *testing.F) {
	f.Add("a\nb\r\nc\n", 3, false)
	f.Add("10%\r100%\nlast", 1, true)
	f.Add("SSH error: x\ny\n", 4, false)
	f.Add("tail error: tail: x: file truncated\nmore\n", 9, true)
	f.Fuzz(func(t *testing.T, text string, n int, pieces bool) {
		if n < 1 || n > 1<<12 || len(text) > 1<<14 {
			return
		}
		var frames [][]byte
		for p := []byte(text); len(p) > 0; {
			k := min(n, len(p))
			frames = append(frames, p[:k])
			p = p[k:]
		}
		var got []string
		l := &Log{events: Events{Line: func(line []byte) { got = append(got, string(line)) }, Wake: func() {}, Lost: func(string) {}}, place: newPlace(), warned: map[string]bool{}}
		l.way.IsError = func(text []byte) bool {
			begins := func(e string) bool { return strings.HasPrefix(e, string(text)) || strings.HasPrefix(string(text), e) }
			return len(text) > 0 && (begins("tail error: ") || begins("SSH error: "))
		}
		l.afterEnd = time.NewTimer(time.Hour)
		defer l.afterEnd.Stop()
		l.stream.init(l)
		in := intake{stream: &l.stream}
		for _, frame := range frames {
			if pieces && len(frame) > 1 {
				in.take(piece{frame[:1], true})
				in.take(piece{frame[1:], false})
				continue
			}
			in.take(piece{frame, true})
		}
		in.show()
		l.stream.split.flush()
		want := split(text, len(text)+1)
		if strings.Contains(text, "tail error: tail: ") {
			return // tail's own errors are left out
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}
