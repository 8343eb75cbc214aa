package reason

import "strings"

// classic is what the classic builder shows. The output of programs is not
// marked as such, so a line counts by its position: the last one before
// Dokploy's word is the builder's error.
type classic struct {
	n, of       int
	instruction string
	out         ring // of the instruction; the newest line is the error
}

// stepLine parses "Step 3/5 : RUN npm ci".
func stepLine(text string) (n, of int, instruction string, ok bool) {
	rest, found := strings.CutPrefix(text, "Step ")
	count, instruction, found2 := strings.Cut(rest, " : ")
	a, b, found3 := strings.Cut(count, "/")
	if !found || !found2 || !found3 {
		return 0, 0, "", false
	}
	n, ok = number(a)
	of, ok2 := number(b)
	return n, of, instruction, ok && ok2
}

// firstStep returns a new build for its first line; nil for any other line.
func firstStep(text string) *classic {
	n, of, instruction, ok := stepLine(text)
	if !ok || n != 1 {
		return nil
	}
	return &classic{n: n, of: of, instruction: instruction}
}

func (c *classic) line(text string) {
	n, of, instruction, ok := stepLine(text)
	switch {
	// The next step, or the first of another build.
	case ok && of == c.of && n == c.n+1, ok && n == 1:
		*c = classic{n: n, of: of, instruction: instruction}
	case strings.HasPrefix(text, "---> "), strings.HasPrefix(text, "Removing intermediate container "):
	default:
		c.out.add(text)
	}
}

const nonZero = "' returned a non-zero code: "

// reason takes the newest line as the cause, unless the log is cut off.
func (c *classic) reason(brokeOff bool, mask func(string) string) Reason {
	r := Reason{Step: "Step " + decimal(c.n) + "/" + decimal(c.of), Instruction: mask(c.instruction)}
	lines := c.out.all()
	if len(lines) == 0 || brokeOff {
		r.Cause = "the log breaks off here"
		return r
	}
	for i := range lines {
		lines[i] = mask(lines[i])
	}
	said := lines[len(lines)-1]
	if i := strings.LastIndex(said, nonZero); i >= 0 {
		if code, ok := number(said[i+len(nonZero):]); ok && code > 0 {
			r.Exit, r.Output = code, lines[:len(lines)-1]
			r.Cause = fromOutput(code, r.Output)
			return r
		}
	}
	keyword, _, _ := strings.Cut(c.instruction, " ")
	said = strings.TrimPrefix(said, keyword+" failed: ") // COPY failed: …
	r.Cause = dockerError(said).Cause
	return r
}
