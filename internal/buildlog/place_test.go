package buildlog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// written is a log as a file.
type written [][]byte

func (w *written) add(lines ...string) {
	for _, line := range lines {
		*w = append(*w, []byte(line))
	}
}

// tail returns the last n lines, and whether these are all lines.
func (w written) tail(n int) (lines [][]byte, whole bool) {
	return w[max(0, len(w)-n):], len(w) < n
}

func numbered(from, to int) (lines []string) {
	for i := from; i < to; i++ {
		lines = append(lines, fmt.Sprintf("#7 %d.%d of a build", i, i*7919%10))
	}
	return lines
}

func repeated(line string, n int) (lines []string) {
	for range n {
		lines = append(lines, line)
	}
	return lines
}

func TestPlace(t *testing.T) {
	for name, c := range map[string]struct {
		before  []string // delivered
		more    []string // written since
		emptied bool     // the file was emptied between
		asked   int
		how     fitting
	}{
		"nothing yet":                        {nil, numbered(0, 20), false, 100, fits},
		"nothing yet, of a longer one":       {nil, numbered(0, 200), false, 100, apart},
		"nothing new":                        {numbered(0, 50), nil, false, 20, fits},
		"some new, all are read":             {numbered(0, 50), numbered(50, 60), false, 100, fits},
		"some new, the end is read":          {numbered(0, 500), numbered(500, 560), false, 100, fits},
		"one line twice":                     {numbered(0, 500), append(numbered(499, 500), "x"), false, 100, fits},
		"alike, but all are read":            {repeated("x", 500), repeated("x", 300), false, 1000, fits},
		"alike":                              {repeated("x", 500), repeated("x", 300), false, 100, unsure},
		"blocks that repeat":                 {append(numbered(0, 90), append(numbered(0, 40), numbered(0, 40)...)...), numbered(0, 40), false, 80, unsure},
		"a block that came before":           {append(numbered(0, 90), numbered(0, 40)...), numbered(40, 60), false, 100, fits},
		"alike at the end, told by the rest": {append(numbered(0, 50), repeated("", 70)...), repeated("", 20), false, 130, fits},
		"more than is read":                  {numbered(0, 50), numbered(50, 300), false, 100, apart},
		"more than is read, a blank line in": {append(numbered(0, 50), ""), append(append(numbered(50, 300), ""), numbered(300, 399)...), false, 100, unsure},
		"hardly anything known again":        {numbered(0, 50), numbered(50, 147), false, 100, unsure},
		"a few lines in all":                 {numbered(0, 3), numbered(3, 50), false, 50, unsure},
		"emptied, and shorter":               {numbered(0, 50), numbered(1000, 1010), true, 100, rewritten},
		"emptied, and longer":                {numbered(0, 50), numbered(1000, 1080), true, 100, rewritten},
		"emptied, and much longer":           {numbered(0, 50), numbered(1000, 1300), true, 100, apart},
		"emptied to nothing but a beginning": {numbered(0, 50), numbered(0, 1), true, 100, rewritten},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace()
			var file written
			file.add(c.before...)
			for _, line := range file {
				p.add(line)
			}
			if c.emptied {
				file = nil
			}
			file.add(c.more...)
			lines, whole := file.tail(c.asked)
			from, how := p.fit(lines, whole)
			if how != c.how {
				t.Fatalf("%d, want %d; from %d", how, c.how, from)
			}
			if how == fits && len(lines)-from != len(c.more) {
				t.Errorf("%d new lines, want %d", len(lines)-from, len(c.more))
			}
			if how == unsure && len(lines)-from > len(c.more) {
				t.Errorf("%d new lines of %d: some would come twice", len(lines)-from, len(c.more))
			}
			if (how == apart || how == rewritten) && from != 0 {
				t.Errorf("from %d", from)
			}
		})
	}
}

// A line in which Dokploy broke a character, and one with tail's own message in
// it, leave the place where it is.
func TestPlaceOutlivesALineThatDiffers(t *testing.T) {
	for _, asked := range []int{100, 1000} {
		p := newPlace()
		var file written
		file.add(numbered(0, 300)...)
		file.add("ünïcödé ✅ here")
		file.add(numbered(300, 370)...)
		for i, line := range file {
			switch i {
			case 200:
				line = []byte("tail error: tail: something\n" + string(line))
			case 300:
				line = []byte("ünïc\uFFFD\uFFFDdé \uFFFD\uFFFD\uFFFD here")
			}
			p.add(line)
		}
		file.add("new")
		lines, whole := file.tail(asked)
		if from, how := p.fit(lines, whole); how != fits || len(lines)-from != 1 {
			t.Errorf("%d asked: %d, %d new lines", asked, how, len(lines)-from)
		}
	}
}

// However a log grows between reads of its end, no line is delivered twice or
// out of order, and if one is left out, there is doubt about it.
func TestPlaceInAnyLog(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		alphabet := []int{1, 2, 3, 50, 1 << 30}[r.IntN(5)]
		p := newPlace()
		var file written
		given := 0
		for range 30 {
			for range r.IntN(1 + r.IntN(60)) {
				file.add(fmt.Sprint(r.IntN(alphabet)))
			}
			lines, whole := file.tail(1 + r.IntN(80))
			from, how := p.fit(lines, whole)
			if how == rewritten || (how == fits || how == unsure) && len(file)-given < len(lines)-from {
				t.Fatalf("seed %d: %d, %d lines of %d new ones", seed, how, len(lines)-from, len(file)-given)
			}
			if how == fits && alphabet > 100 && len(file)-given != len(lines)-from {
				t.Fatalf("seed %d: %d lines of %d new ones", seed, len(lines)-from, len(file)-given)
			}
			if how != fits {
				break // the caller says so
			}
			if len(file)-given != len(lines)-from {
				// Only if many lines happen to look like the place.
				if from < enough {
					t.Fatalf("seed %d: believed for %d lines", seed, from)
				}
				break
			}
			for _, line := range lines[from:] {
				p.add(line)
			}
			given = len(file)
		}
	}
}

// The same if Dokploy broke a character in each line.
func TestPlaceOfALogFullOfBrokenCharacters(t *testing.T) {
	for _, asked := range []int{100, 1000} {
		p := newPlace()
		var file written
		for i := range 300 {
			file.add(fmt.Sprintf("✅ %d é", i))
			p.add(fmt.Appendf(nil, "\uFFFD\uFFFD\uFFFD %d \uFFFD\uFFFD", i))
		}
		file.add("new")
		lines, whole := file.tail(asked)
		if from, how := p.fit(lines, whole); how != fits || len(lines)-from != 1 {
			t.Errorf("%d asked: %d, %d new lines", asked, how, len(lines)-from)
		}
	}
}

func TestPlaceRemembersTheNewest(t *testing.T) {
	p := newPlace()
	var file written
	file.add(numbered(0, 3*maxRemembered+17)...)
	for _, line := range file[:3*maxRemembered+5] {
		p.add(line)
	}
	lines, whole := file.tail(maxTail)
	if from, how := p.fit(lines, whole); how != fits || len(lines)-from != 12 {
		t.Errorf("%d, %d new lines, want 12", how, len(lines)-from)
	}
	if len(p.ring) != maxRemembered {
		t.Errorf("%d lines are remembered", len(p.ring))
	}
	if same, known := p.same(p.lines, file[p.lines-1]); !same || !known {
		t.Error("the newest line is not known again")
	}
	if _, known := p.same(1, file[0]); known {
		t.Error("the first line is still known")
	}
}

func TestASCII(t *testing.T) {
	for n := range 40 {
		text := bytes.Repeat([]byte("x"), n)
		if !ascii(text) {
			t.Errorf("%d bytes are not ASCII", n)
		}
		for i := range text {
			text[i] = 0x80
			if ascii(text) {
				t.Errorf("%q is ASCII", text)
			}
			text[i] = 'x'
		}
	}
}
