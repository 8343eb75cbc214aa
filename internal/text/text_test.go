package text

import (
	"strings"
	"testing"
)

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a": "a", "  a\r\n\tb \u00a0c\n": "a b c", "a\x00b": "a\x00b",
	} {
		if got := OneLine(in); got != want {
			t.Errorf("%q: %q; want %q", in, got, want)
		}
	}
	if long := strings.Repeat("a", 1<<20); OneLine(long) != long {
		t.Error("a long text is cut, before it was masked")
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"a\"\n":                  `"a\"\n"`,
		strings.Repeat("ä", 200): `"` + strings.Repeat("ä", 200) + `"`,
		strings.Repeat("ä", 201): "a value of 201 characters",
		"\xff":                   `"\xff"`,
	} {
		if got := Quote(in, "value"); got != want {
			t.Errorf("%q: %q; want %q", in, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, tt := range []struct {
		in          string
		limit, tail int
		want        string
	}{
		{"0123456789", 10, 4, "0123456789"},
		{"0123456789a", 10, 4, "012345 … 789a"},
		{"0123456789a", 10, 5, "01234 … 6789a"},
		{"ääääääää", 9, 3, "äää … ä"}, // no half characters at the end
		{"ääääääää", 9, 2, "äää … ä"}, // nor before the gap
	} {
		if got := Shorten(tt.in, tt.limit, tt.tail); got != tt.want {
			t.Errorf("%q, %d, %d: %q; want %q", tt.in, tt.limit, tt.tail, got, tt.want)
		}
	}
}

func TestMiddle(t *testing.T) {
	for in, want := range map[string]string{
		"a  b\nc":                            "a b c",
		"0123456789abcdefghij":               "0123456789abcdefghij",
		"0123456789 abcdefghijklmnopqrstuvw": "0123456789 abc … tuvw",
		"ääääääääääääääääääääääääääääää": "ääääääääääääää … ääää",
	} {
		got := Middle(in, 21)
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for in, want := range map[string]string{"äääää": "äääää", "ääääää": "ääää…", "abc def": "abc…"} {
		if got := Cut(in, 5); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	if got, want := Printable("ä b\n\x1b[1m\u202e\u00a0\xff"), "ä b??[1m??\uFFFD"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
