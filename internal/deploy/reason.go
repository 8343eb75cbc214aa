package deploy

import (
	"regexp"
	"strconv"
	"strings"
)

// Place is where a build broke, as BuildKit names it.
type Place struct {
	File string // as the build names it: Dockerfile
	Line int
}

var (
	// BuildKit names the instruction that failed before it shows it.
	buildkitPlace = regexp.MustCompile(`^([\w./-]*[Dd]ockerfile[\w.-]*):(\d+)$`)
	buildkitLine  = regexp.MustCompile(`^\s*\d+ \| >>> (.+)$`)
	exitCode      = regexp.MustCompile(`exit code: (\d+)\s*$`)
	escapes       = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`)
)

// explainLog looks in the last lines of a failed deployment's log for what
// broke. The verdict is never taken from there, only its explanation.
func explainLog(tail []string) (reason string, place Place) {
	var solve, daemon, fatal, last, instruction string
	for _, raw := range tail {
		line := strings.TrimSpace(escapes.ReplaceAllString(raw, ""))
		switch {
		case line == "":
		case strings.HasPrefix(line, "ERROR: failed to solve: "):
			solve = strings.TrimPrefix(line, "ERROR: failed to solve: ")
		case strings.HasPrefix(line, "Error response from daemon: "):
			daemon = strings.TrimPrefix(line, "Error response from daemon: ")
		case strings.HasPrefix(line, "fatal: "):
			fatal = strings.TrimPrefix(line, "fatal: ")
		}
		if m := buildkitPlace.FindStringSubmatch(line); m != nil {
			n, err := strconv.Atoi(m[2])
			if err == nil {
				place, instruction = Place{m[1], n}, ""
			}
		}
		if m := buildkitLine.FindStringSubmatch(line); m != nil && instruction == "" {
			instruction = m[1]
		}
		// Dokploy's own last words say nothing.
		if line != "" && !strings.Contains(line, "❌") && !strings.HasPrefix(line, "---") {
			last = line
		}
	}
	switch {
	case place.File != "" && instruction != "":
		reason = place.File + ":" + strconv.Itoa(place.Line) + ": " + instruction
		if m := exitCode.FindStringSubmatch(solve); m != nil {
			reason += " → exit code " + m[1]
		}
	case solve != "":
		reason = solve
	case daemon != "":
		reason = daemon
	case fatal != "":
		reason = "git: " + fatal
	default:
		reason = last
	}
	return cut(reason, 400), place
}

// lastWords is what Dokploy writes last into the log of a failed deployment.
const lastWords = "Error occurred ❌"

// wentOn tells a log that goes on after Dokploy's last words: on a remote
// server the connection broke, and the build goes on there (remote.md).
func wentOn(tail []string) bool {
	said := false
	for _, line := range tail {
		switch {
		case strings.HasPrefix(line, lastWords):
			said = true
		case said && strings.TrimSpace(line) != "":
			return true
		}
	}
	return false
}

// cut shortens a line to a number of bytes, on a character.
func cut(s string, limit int) string {
	s = cleanName(s)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}
