package program

import (
	"fmt"
	"os"
	"strings"
)

// peakMemory returns the largest resident set of a running process so far, in
// bytes. (What wait4 reports for a child starts with its parent's.)
func peakMemory(pid int) (peak int64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &peak); err == nil {
			return peak << 10
		}
	}
	return 0
}
