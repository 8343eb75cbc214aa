package ci

import (
	"bytes"
	"unicode"
)

// disarm keeps a line from acting on a host that is not recognised: Azure
// Pipelines and TeamCity carry out what stands behind ##vso[, ##[ and
// ##teamcity[ anywhere in a line, runners of GitHub's kind ##[…] and a line
// that begins with ::name::. The first character of such a text gets a
// backslash behind it; no other byte changes, and a line without one is given
// back as it is.
func disarm(line []byte) []byte {
	var at []int // where a backslash goes
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

// isServiceMessage reports whether what follows ## makes a host act.
func isServiceMessage(rest []byte) bool {
	for _, name := range []string{"[", "vso[", "teamcity["} {
		if len(rest) >= len(name) && bytes.EqualFold(rest[:len(name)], []byte(name)) {
			return true
		}
	}
	return false
}
