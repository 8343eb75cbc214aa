package program

import (
	"fmt"
	"os"
	"strings"
)

// peakMemory is the largest resident set of a running process so far, in bytes.
// (What wait4 says of a child starts with that of its parent.)
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
