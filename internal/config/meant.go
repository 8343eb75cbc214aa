package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What people write for the values of an input, where only one of them can be
// meant. An error then says which one to write.

var (
	yes = []string{"yes", "y", "on", "1", "t", "enable", "enabled", "always"}
	no  = []string{"no", "n", "off", "0", "f", "disable", "disabled", "never", "none"}
)

// meantBool is the boolean that a value was meant to be; empty: not known.
func meantBool(v string) string {
	v = strings.ToLower(v)
	switch {
	case slices.Contains(yes, v):
		return "true"
	case slices.Contains(no, v):
		return "false"
	}
	return meantWord(v, []string{"true", "false"})
}

// meantWord is the one of some words that a value was meant to be: but for its
// case or a slip; empty: not known.
func meantWord(v string, words []string) string {
	v = strings.ToLower(v)
	for _, word := range words {
		if slips := edits(v, word); slips == 0 || slips == 1 && len(word) >= 4 {
			return word
		}
	}
	if slices.Contains(words, "off") && (v == "false" || slices.Contains(no, v)) {
		return "off" // which some YAML readers make false of
	}
	return ""
}

var (
	// spelledDuration is what people write for a duration: 5 minutes, 1h 30, PT5M.
	spelledDuration = regexp.MustCompile(`^(?:pt)?((?:\d+(?:\.\d+)?\s*[a-z]*(?:,\s)?\s*(?:and\s+)?)+)$`)
	numberAndUnit   = regexp.MustCompile(`(\d+(?:\.\d+)?)\s*([a-z]*)`)
	units           = map[string]time.Duration{
		"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
		"m": time.Minute, "mn": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
		"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
		"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	}
)

// meantDuration is the duration that a value was meant to be; zero: not known. A
// number without a unit counts in the next smaller one, and alone in seconds.
func meantDuration(v string) time.Duration {
	m := spelledDuration.FindStringSubmatch(strings.ToLower(v))
	if m == nil {
		return 0
	}
	var sum time.Duration
	bare := time.Second
	for _, part := range numberAndUnit.FindAllStringSubmatch(m[1], -1) {
		unit, known := units[part[2]]
		switch {
		case part[2] == "":
			unit = bare
		case !known:
			return 0
		}
		n, err := strconv.ParseFloat(part[1], 64)
		if err != nil || n > float64(maxDuration/time.Second) {
			return 0
		}
		sum += time.Duration(n * float64(unit))
		if bare = time.Second; unit == time.Hour {
			bare = time.Minute
		}
	}
	return sum
}

// shortDuration is a duration as a person writes one: 1h30m.
func shortDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
