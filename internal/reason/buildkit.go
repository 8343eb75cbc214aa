package reason

import (
	"bytes"
	"slices"
	"strings"

	"dokploy-deploy/internal/text"
)

// build is what BuildKit shows of a failure before its final error: the last
// lines of the steps that failed,
//
//	------
//	 > [2/2] RUN npm ci:
//	0.066 npm error …
//	------
//
// and the instruction, marked in its file (not in older versions).
//
//	Dockerfile:2
//	--------------------
//	   1 |     FROM node:22
//	   2 | >>> RUN npm ci
//	--------------------
type build struct {
	state   buildState
	steps   []step // the newest few
	wrote   ring   // output of the newest failed step, from its progress
	at      Place  // a file and line that no rule has followed yet
	place   Place
	lines   []string // the marked lines
	skipped bool     // more lines are marked than are kept
}

type buildState int

const (
	outside    buildState = iota
	header                // after ------
	inStep                // after the name of a step
	afterPlace            // after Dockerfile:2
	inExcerpt             // after the first rule
)

type step struct {
	name string
	out  ring
}

const (
	sectionRule = "------"
	excerptRule = "--------------------"
	keptLines   = 40 // marked lines to keep of an excerpt
	keptSteps   = 4
)

// recent keeps the newest lines of BuildKit's progress, in memory that it
// reuses: with an older docker command they are the only place that shows what
// a step wrote.
type recent struct {
	lines [ringSize][]byte
	n     int
}

const recentLimit = 1000 // bytes per line

func (r *recent) add(raw []byte) {
	line := &r.lines[r.n%ringSize]
	*line = append((*line)[:0], raw[:min(len(raw), recentLimit)]...)
	r.n++
}

// of returns the lines written by the step of a line such as "#5 ERROR: …".
func (r *recent) of(raw []byte, mask func(string) string) (out ring) {
	number, _, _ := bytes.Cut(raw, []byte(" "))
	for i := max(0, r.n-ringSize); i < r.n; i++ {
		rest, ok := bytes.CutPrefix(r.lines[i%ringSize], append(number, ' '))
		if text, stamped := stamp(rest); ok && stamped {
			if line := plain(text); line != "" {
				out.add(mask(line))
			}
		}
	}
	return out
}

// stamp strips the seconds that BuildKit puts in front of a step's output.
func stamp(raw []byte) (text []byte, ok bool) {
	seconds, rest, ok := bytes.Cut(raw, []byte(" "))
	whole, fraction, dot := bytes.Cut(seconds, []byte("."))
	if _, n := number(string(whole)); !n || !dot || !ok {
		return nil, false
	}
	_, ok = number(string(fraction))
	return rest, ok
}

// output adds a line of what a failed step wrote last.
func (b *build) output(raw []byte, mask func(string) string) bool {
	if b.state != inStep {
		return false
	}
	rest, ok := stamp(raw)
	if !ok {
		return false
	}
	if text := plain(rest); text != "" {
		b.steps[len(b.steps)-1].out.add(bounded(mask(text)))
	}
	return true
}

// line adds a line, and reports whether it is part of the report.
func (b *build) line(text string, mask func(string) string) bool {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return true // compose doubles the line breaks
	}
	state := b.state
	b.state = outside
	switch {
	case trimmed == sectionRule:
		if state != inStep {
			b.state = header
		}
		return true
	case state == header && strings.HasPrefix(trimmed, "> ") && strings.HasSuffix(trimmed, ":"):
		name := strings.TrimSuffix(strings.TrimPrefix(trimmed, "> "), ":")
		b.steps = append(b.steps, step{name: bounded(mask(name))})
		if len(b.steps) > keptSteps {
			b.steps = b.steps[1:]
		}
		b.state = inStep
		return true
	case trimmed == excerptRule && state == afterPlace:
		b.place, b.lines, b.skipped = b.at, nil, false
		b.state = inExcerpt
		return true
	case trimmed == excerptRule && state == inExcerpt:
		return true
	case state == inExcerpt:
		if content, marked, ok := excerptLine(text); ok {
			if marked {
				b.mark(mask(content))
			}
			b.state = inExcerpt
			return true
		}
	}
	if file, n, ok := placeLine(trimmed); ok {
		b.at, b.state = Place{file, n}, afterPlace // if a rule follows
	}
	return false
}

// mark keeps a line of the instruction; of very many, the first and the last.
func (b *build) mark(content string) {
	if len(b.lines) == keptLines {
		b.lines = slices.Delete(b.lines, keptLines/2, keptLines/2+1)
		b.skipped = true
	}
	b.lines = append(b.lines, bounded(content))
}

// placeLine parses "docker/prod.Dockerfile:3".
func placeLine(text string) (file string, n int, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i <= 0 || i > 300 {
		return "", 0, false
	}
	n, ok = number(text[i+1:])
	return text[:i], n, ok && n > 0
}

// excerptLine parses "   2 | >>> RUN npm ci".
func excerptLine(text string) (content string, marked, ok bool) {
	n, rest, found := strings.Cut(text, "|")
	if _, isNumber := number(strings.TrimSpace(n)); !found || !isNumber {
		return "", false, false
	}
	content, marked = strings.CutPrefix(strings.TrimPrefix(rest, " "), ">>>")
	return content, marked, true
}

// reason combines the final error with what was shown before it.
func (b *build) reason(said string) Reason {
	r := Reason{Place: b.place, Instruction: fold(b.lines, b.skipped), Output: b.wrote.all()}
	if s := b.step(r.Instruction); s != nil {
		if s.out.n > 0 {
			r.Output = s.out.all()
		}
		// Instructions that the base image adds count as its FROM.
		if name := instruction(s.name); r.Instruction == "" || strings.HasPrefix(name, "ONBUILD ") {
			r.Instruction = shellCommand(name)
		}
	}
	if command, ended, ok := executed(said); ok {
		if r.Instruction == "" {
			r.Instruction = command
		}
		r.Exit, r.Cause = exitCode(ended)
		if r.Exit != 0 {
			r.Cause = fromOutput(r.Exit, r.Output)
		}
		return r
	}
	r.Cause = unwrap(said, r.Instruction)
	if cause, line, ok := parseError(r.Cause); ok {
		r.Cause, r.Instruction, r.Output = cause, "", nil // the cause quotes it
		if r.Place.Line == 0 {
			r.Step, r.Place.Line = Dockerfile, line
		}
	}
	return r
}

// step returns the step of an instruction, else the newest.
func (b *build) step(instr string) *step {
	for i := range b.steps {
		if name := instruction(b.steps[i].name); name != "" && alike(name, instr) {
			return &b.steps[i]
		}
	}
	if len(b.steps) == 0 {
		return nil
	}
	return &b.steps[len(b.steps)-1]
}

// alike reports whether two spellings of an instruction start alike: a step's
// name has its variables replaced.
func alike(a, b string) bool {
	a, b = text.OneLine(a), text.OneLine(b)
	n := min(len(a), len(b), 30)
	return n > 0 && a[:n] == b[:n]
}

// instruction returns a step's name without its number, "[build 2/3] RUN x";
// empty for BuildKit's own steps, "[internal] load build context".
func instruction(name string) string {
	rest, ok := strings.CutPrefix(name, "[")
	if !ok {
		return name
	}
	label, text, ok := strings.Cut(rest, "] ")
	if !ok || label == "internal" {
		return ""
	}
	return text
}

// fold joins the lines of an instruction, without comments and continuation
// marks. The lines of a script (RUN <<EOF) are joined as commands.
func fold(lines []string, skipped bool) string {
	var parts []string
	end := ""
	for i, line := range lines {
		line = strings.TrimSpace(line)
		switch {
		case end != "":
			if line == end {
				end = ""
				continue
			}
			if line != "" && len(parts) > 1 {
				parts[len(parts)-1] += ";"
			}
		case strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "# syntax"):
			continue
		default:
			line = strings.TrimSpace(strings.TrimSuffix(line, "\\"))
			end = heredoc(line)
		}
		if skipped && i == keptLines/2 {
			parts = append(parts, "…")
		}
		if line != "" {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, " ")
}

// heredoc returns the word that ends the script which a line starts.
func heredoc(line string) string {
	_, rest, ok := strings.Cut(line, "<<")
	if !ok {
		return ""
	}
	rest = strings.TrimLeft(rest, "-~")
	end, _, _ := strings.Cut(rest, " ")
	return strings.Trim(end, `"'`)
}
