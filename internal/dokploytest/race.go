package dokploytest

import (
	"runtime/debug"
	"slices"
)

// RaceDetector reports whether this binary has the race detector. Tests without
// goroutines, and those of programs that are built without it, try less then:
// they all run without it, too.
func RaceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
