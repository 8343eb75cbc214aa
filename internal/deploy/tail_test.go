package deploy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The tail keeps its lines whole, so that secrets in them can be masked, and
// uses little memory.
func TestTail(t *testing.T) {
	var kept tail
	if got := kept.lines(); len(got) > 0 {
		t.Errorf("%q", got)
	}
	add := func(lines ...string) {
		for _, l := range lines {
			kept.add([]byte(l))
		}
	}
	add("first", "second")
	if diff := cmp.Diff([]string{"first", "second"}, kept.lines()); diff != "" {
		t.Error(diff)
	}
	add(strings.Split(strings.Repeat("line ", 100), " ")...)
	if got := kept.lines(); len(got) != tailLines || got[tailLines-2] != "line" {
		t.Errorf("%d lines, %q", len(got), got[tailLines-2])
	}
	long := strings.Repeat("x", tailBytes/2-10)
	add(long, long, "last")
	if diff := cmp.Diff([]string{long, long, "last"}, kept.lines()[len(kept.lines())-3:]); diff != "" {
		t.Error("long lines are not whole")
	}
	huge := strings.Repeat("y", tailBytes+1)
	add(huge)
	if got := kept.lines(); len(got) != 1 || got[0] != huge {
		t.Errorf("%d lines", len(got))
	}
	add("a", "b")
	if diff := cmp.Diff([]string{"a", "b"}, kept.lines()); diff != "" {
		t.Error("a line that is too long stays")
	}
	memory := 0
	for i := range 1000 {
		add(strings.Repeat("z", i*i%tailBytes))
	}
	for _, slot := range kept.ring {
		memory += cap(slot)
	}
	if memory > 4*tailBytes {
		t.Errorf("%d bytes are kept", memory)
	}
}
