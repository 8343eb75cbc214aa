package dokploytest

import (
	"runtime/debug"
	"slices"
)

// RaceDetector reports whether this binary was built with the race detector.
// Tests without goroutines, and of programs built without it, then do less:
// they all run without it too.
func RaceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
