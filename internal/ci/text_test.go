package ci

import (
	"bytes"
	"testing"
)

func TestText(t *testing.T) {
	for _, tt := range []struct{ in, colour, plain string }{
		{"plain\ttext é 漢 ✅", "plain\ttext é 漢 ✅", "plain\ttext é 漢 ✅"},
		{"\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m", "red"},
		{"\x1b[1;38;5;9mred", "\x1b[1;38;5;9mred\x1b[0m", "red"},
		{"\x1b[mred\x1b[m", "\x1b[mred\x1b[m", "red"},
		{"a\x1b[2Kb\x1b[?25lc\x1b[1 qd\x1b[>4;1me", "abcde", "abcde"},
		{"a\x1b[31", "a", "a"},
		{"a\x1b[3\xffb", "a\uFFFDb", "a\uFFFDb"},
		{"a\x1b[3éb", "aéb", "aéb"},
		{"a\x1b", "a", "a"},
		{"a\x1b\x1b[31mb", "a\x1b[31mb\x1b[0m", "ab"},
		{"a\x1b(Bb\x1b7c\x1bcd", "abcd", "abcd"},
		{"\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\ \x1b]0;t\x07x", "link x", "link x"},
		{"\x1bPq#0\x1b\\a\x1b_b\u009cc\x1b^d\x07e\x1bXf\x07g", "aceg", "aceg"},
		{"\x1b]0;no end \x1b]0;again", "0;no end 0;again", "0;no end 0;again"},
		{"\u009b31mC1 \u0085\u009dx\u009c", "31mC1 x", "31mC1 x"},
		{"\x9b31m raw \xe9 \xff", "\uFFFD31m raw \uFFFD \uFFFD", "\uFFFD31m raw \uFFFD \uFFFD"},
		{"\x00a\x07b\x08c\x7fd\x0be", "abcde", "abcde"},
		{"10%\r20%\nx", "10% 20% x", "10% 20% x"},
	} {
		if got, _ := appendText(nil, []byte(tt.in), true); string(got) != tt.colour {
			t.Errorf("%q in colour: %q, want %q", tt.in, got, tt.colour)
		}
		if got, coloured := appendText(nil, []byte(tt.in), false); string(got) != tt.plain || coloured {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.plain)
		}
	}
}

// Unterminated sequences take only linear time: otherwise this test takes
// minutes.
func TestManyUnterminated(t *testing.T) {
	text, _ := appendText(nil, bytes.Repeat([]byte("\x1b]"), 1<<20), true)
	if len(text) > 0 {
		t.Errorf("%d bytes are left", len(text))
	}
}
