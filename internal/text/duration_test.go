package text

import (
	"strings"
	"testing"
	"time"
)

func TestShortDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Microsecond: "1ms", 49 * time.Millisecond: "49ms", 100 * time.Millisecond: "0.1s",
		940 * time.Millisecond: "0.9s", 960 * time.Millisecond: "1s",
	} {
		if got := Duration(d); got != want || strings.Contains(got, "0.0") {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
