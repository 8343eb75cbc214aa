package text

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"", []string{""}},
		{"ten column", []string{"ten column"}},
		{"ten columns", []string{"ten", "columns"}},
		{"ä ö ü ä ö ü", []string{"ä ö ü ä ö", "ü"}},
		{"a   b   c   d", []string{"a   b   c", "d"}},
		{"short https://example.com/long end", []string{"short", "https://example.com/long", "end"}},
		{"https://example.com/long", []string{"https://example.com/long"}},
		{"https://example.com/long ", []string{"https://example.com/long"}},
		{" https://example.com/long", []string{" https://example.com/long"}},
		{"  indented by two", []string{"  indented", "by two"}},
		{"               ", []string{""}},
	} {
		if diff := cmp.Diff(tt.want, Wrap(tt.text, 10)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}
