package config

import (
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlLine returns the line, from 1, on which text stops being YAML. The
// parser's error names the line on which the enclosing mapping or list began,
// or none at all.
//
// The parser fails as soon as it has read the bad line, or at the end of text.
// Among the lines read so far, the bad one follows the longest prefix that is
// YAML by itself: a quote or bracket that is never closed counts from where it
// was opened.
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

// maxParsed bounds the work of the search, in bytes parsed.
const maxParsed = 4 << 20

// lineReader returns one line per Read, and counts them.
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

// yamlError returns what is wrong with text that is not YAML, and on which
// line.
func yamlError(text string, err error) (line int, what string) {
	what = strings.TrimPrefix(oneLine(err.Error()), "yaml: ")
	return yamlLine(text), parserLine.ReplaceAllString(what, "")
}
