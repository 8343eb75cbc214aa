package ci

import (
	"bytes"
	"regexp"
	"unicode"
)

// mayBeCommand reports whether a runner of GitHub's kind may take a line for a
// workflow command: it starts with ::, or contains ##[. The runners' own rules
// are stricter, and differ.
func mayBeCommand(line []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeftFunc(line, unicode.IsSpace), []byte("::")) || bytes.Contains(line, []byte("##["))
}

// disarm keeps a line from acting on a host that was not recognised.
func (p *Printer) disarm(line []byte) []byte {
	if p.host.name != "" {
		return line
	}
	line = disarm(line)
	if p.host.get("BUILDKITE") != "" && headings.Match(line) {
		line = behindFirst(line)
	}
	return line
}

// headings matches the markers that start or open a fold on Buildkite.
var headings = regexp.MustCompile(`^\s*(---|\+\+\+|~~~|\^\^\^)(\s|$)`)

// behindFirst inserts a backslash after the first character that is not a
// space.
func behindFirst(line []byte) []byte {
	n := len(line) - len(bytes.TrimLeftFunc(line, unicode.IsSpace)) + 1
	return append(append(append([]byte{}, line[:n]...), '\\'), line[n:]...)
}

// disarm inserts a backslash after the first character of every marker that
// some host acts on. Azure Pipelines and TeamCity act on ##vso[, ##[ and
// ##teamcity[ anywhere in a line; runners of GitHub's kind act on ##[…] and on
// a line that starts with ::name::. No other byte changes. A line without a
// marker is returned as it is.
func disarm(line []byte) []byte {
	var at []int // offsets to insert a backslash at
	if trimmed := bytes.TrimLeftFunc(line, unicode.IsSpace); isCommand(trimmed) {
		at = append(at, len(line)-len(trimmed)+1)
	}
	for i := 0; ; i += 2 {
		n := bytes.Index(line[i:], []byte("##"))
		if n < 0 {
			break
		}
		for i += n; bytes.HasPrefix(line[i:], []byte("###")); {
			i++
		}
		if isServiceMessage(line[i+2:]) {
			at = append(at, i+1)
		}
	}
	if at == nil {
		return line
	}
	var out []byte
	from := 0
	for _, i := range at {
		out = append(append(out, line[from:i]...), '\\')
		from = i
	}
	return append(out, line[from:]...)
}

// isCommand reports whether a line has the form ::name…::.
func isCommand(line []byte) bool {
	return bytes.HasPrefix(line, []byte("::")) && bytes.Index(line[2:], []byte("::")) > 0
}

// isServiceMessage reports whether a host acts on ## followed by rest.
func isServiceMessage(rest []byte) bool {
	for _, name := range []string{"[", "vso[", "teamcity["} {
		if len(rest) >= len(name) && bytes.EqualFold(rest[:len(name)], []byte(name)) {
			return true
		}
	}
	return false
}
