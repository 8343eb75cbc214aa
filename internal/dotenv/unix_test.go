//go:build unix

package dotenv

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
)

// Everything takes linear time at most, whatever the text.
func TestLongTexts(t *testing.T) {
	size := 1 << 20
	if dokploytest.RaceDetector() {
		size = 1 << 15
	}
	for _, piece := range []string{
		"A=1\n", "\n", " ", "A", "A\n", "export ", "export\n", "A=\n", "A:\n", "A='", "A='x\n", "A=\"x\n'", "A=`\\`x\n", `A="\"`, `\'`, "A='\\' \n\n", "'",
		"#", "=", "# c\n", "A=1 #\n", "\r", "\r\n", "A=\u2028", "\u2028'x", "A='\u2028'x", "A=x\u2028`\"'", "\uFEFF", "é", "\xff", "\x00",
	} {
		start := processorTime(t)
		long := strings.Repeat(piece, size/len(piece))
		Parse(long)
		Parse("A=" + long)
		Parse("A='" + long)
		text := strings.Repeat(piece, size/4/len(piece))
		_ = Check(text)
		Warnings(text)
		_, _ = Merge("A='\n"+text, "A=2\nB=3\nC='#'")
		_, _ = Merge("A=1\n", text)
		// It takes less than a second; quadratic time would be minutes.
		if took := processorTime(t) - start; took > 5*time.Second {
			t.Errorf("%q: %s", piece, took)
		}
	}
}

// processorTime returns the processor time that this process has used so far. A
// busy machine makes it wait, but does not make it work more.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
