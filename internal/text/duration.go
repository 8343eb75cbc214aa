package text

import (
	"fmt"
	"time"
)

// Duration formats a duration for people: 30ms, 0.4s, 48s, 3m05s, 1h02m.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "?"
	case d == 0:
		return "0s"
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%dms", max(1, d.Milliseconds()))
	case d < 950*time.Millisecond:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute-500*time.Millisecond:
		return fmt.Sprintf("%ds", int(d.Seconds()+0.5))
	case d < time.Hour-500*time.Millisecond:
		s := int(d.Seconds() + 0.5)
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	m := int(d.Minutes() + 0.5)
	return fmt.Sprintf("%dh%02dm", m/60, m%60)
}
