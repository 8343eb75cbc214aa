package dokploytest

import (
	"slices"
	"strings"
	"time"
)

// occurrence is something that happens in Swarm or a container at a given time.
type occurrence struct {
	at  time.Time
	run func()
}

// afterLocked schedules f for d from now, in simulated time.
func (s *Server) afterLocked(d time.Duration, f func()) {
	e := occurrence{s.simulated.Add(d), f}
	i := len(s.events)
	for i > 0 && s.events[i-1].at.After(e.at) {
		i--
	}
	s.events = slices.Insert(s.events, i, e)
}

// advanceLocked runs everything that has become due. Containers need no
// goroutine: they are simulated when somebody looks.
func (s *Server) advanceLocked() {
	now := time.Now()
	for len(s.events) > 0 && !s.events[0].at.After(now) {
		e := s.events[0]
		s.events = s.events[1:]
		s.simulated = e.at
		e.run()
	}
	s.simulated = now
}

// dockerTime formats a simulated time as Docker does, by the server's clock.
func (s *Server) dockerTime(t time.Time) string {
	if t.IsZero() {
		return "0001-01-01T00:00:00Z"
	}
	return t.Add(s.opts.ClockSkew).UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// dockerID creates a Swarm id of 25 letters and digits or, with hex, a
// container id of 64.
func (s *Server) dockerID(hex bool) string {
	letters, n := "abcdefghijklmnopqrstuvwxyz0123456789", 25
	if hex {
		letters, n = "0123456789abcdef", 64
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[s.dockerRnd.IntN(len(letters))]
	}
	return string(b)
}

// human formats an elapsed time in Docker's words.
func human(d time.Duration) string {
	count := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return itoa(n) + " " + unit + "s"
	}
	seconds, minutes, hours := int(d.Seconds()), int(d.Minutes()), int(d.Hours()+0.5)
	switch {
	case seconds < 1:
		return "Less than a second"
	case seconds < 60:
		return count(seconds, "second")
	case minutes == 1:
		return "About a minute"
	case minutes < 60:
		return count(minutes, "minute")
	case hours == 1:
		return "About an hour"
	case hours < 48:
		return count(hours, "hour")
	case hours < 24*7*2:
		return count(hours/24, "day")
	case hours < 24*30*2:
		return count(hours/24/7, "week")
	case hours < 24*365*2:
		return count(hours/24/30, "month")
	}
	return count(int(d.Hours())/24/365, "year")
}

// ago formats an elapsed time as Swarm's lists do, in lower case.
func (s *Server) ago(t time.Time) string { return strings.ToLower(human(s.simulated.Sub(t))) + " ago" }
