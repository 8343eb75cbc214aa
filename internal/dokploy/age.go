package dokploy

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var agePattern = regexp.MustCompile(`(?i)\b(less than a second|about a minute|about an hour|\d+ (?:second|minute|hour|day|week|month|year)s?)\b`)

// age parses Docker's words for an elapsed time and returns the least that they
// can mean: Docker rounds hours and truncates everything else.
func age(s string) (time.Duration, bool) {
	words := strings.ToLower(agePattern.FindString(s))
	switch words {
	case "":
		return 0, false
	case "less than a second":
		return 0, true
	case "about a minute":
		return time.Minute, true
	case "about an hour":
		return time.Hour, true
	}
	count, unit, _ := strings.Cut(words, " ")
	n, err := strconv.Atoi(count)
	if err != nil {
		return 0, false
	}
	const day = 24 * time.Hour
	d := time.Duration(min(n, 100_000)) // 273 years; more would overflow
	switch strings.TrimSuffix(unit, "s") {
	case "second":
		return d * time.Second, true
	case "minute":
		return d * time.Minute, true
	case "hour":
		return d*time.Hour - 30*time.Minute, true
	case "day":
		return d * day, true
	case "week":
		return min(d, 5000) * 7 * day, true
	case "month":
		return min(d, 1200) * 30 * day, true
	}
	return min(d, 100) * 365 * day, true
}
