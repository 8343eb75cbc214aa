package config

import (
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlLine is where a text stops being YAML, from 1. The parser names the line
// on which the mapping or list began that it was in, and of some errors none.
//
// It gives up as soon as it has read the line that is wrong, or the end of the
// text. Before that, the wrong line is the one behind the longest beginning of
// the text that is YAML by itself: what was opened and never closed, a quote or
// a bracket, counts from where it was opened.
func yamlLine(text string) int {
	r := &lineReader{lines: strings.SplitAfter(text, "\n")}
	if yaml.NewDecoder(r).Decode(new(yaml.Node)) == nil {
		return 0
	}
	line := r.read
	for parsed := 0; line > 1 && parsed < maxParsed; line-- {
		beginning := strings.Join(r.lines[:line-1], "")
		if parsed += len(beginning); yaml.Unmarshal([]byte(beginning), new(yaml.Node)) == nil {
			return line
		}
	}
	if line > 1 { // not found in time
		return r.read
	}
	return line
}

// maxParsed bounds the search, in bytes.
const maxParsed = 4 << 20

// lineReader gives a line at a time, and counts them.
type lineReader struct {
	lines []string
	read  int
	rest  string
}

func (r *lineReader) Read(p []byte) (int, error) {
	if r.rest == "" {
		if r.read == len(r.lines) || r.lines[r.read] == "" {
			return 0, io.EOF
		}
		r.rest = r.lines[r.read]
		r.read++
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

var parserLine = regexp.MustCompile(`^line \d+: `)

// yamlError is what is wrong with a text that is no YAML, and where.
func yamlError(text string, err error) (line int, what string) {
	what = strings.TrimPrefix(oneLine(err.Error()), "yaml: ")
	return yamlLine(text), parserLine.ReplaceAllString(what, "")
}
