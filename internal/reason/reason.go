// Package reason finds in the log of a failed deployment what broke: where, in
// which instruction, and why. It knows the builders that Dokploy runs, git, and
// the messages of Docker and Dokploy. It only explains a verdict; the verdict
// itself is never taken from a log.
package reason

import (
	"strconv"
	"strings"

	"dokploy-deploy/internal/text"
)

// Place is a line of a file in the repository. Builders name the file without
// its folders, and some name only the line: File is then empty.
type Place struct {
	File string
	Line int
}

func (p Place) String() string {
	if p.File == "" || p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line)
}

// Reason is why a deployment failed, as far as its log says. The zero value
// means that the log does not say.
type Reason struct {
	Target      string // which of several builds failed
	Place       Place
	Step        string   // if no file is named: Step 3/5, a phase of a buildpack, or what the line belongs to
	Instruction string   // the failed instruction: RUN npm ci
	Exit        int      // exit code of the instruction; 0: unknown
	Cause       string   // the actual cause, unless the exit code is all there is
	Hint        string   // what to do; empty: obvious from the cause
	Output      []string // last lines that the instruction wrote
}

// What a line belongs to if its file is not named: values of Step.
const (
	Dockerfile  = "Dockerfile"
	ComposeFile = "compose file"
)

const (
	instructionLimit = 200 // characters of an instruction in a headline
	headlineLimit    = 400 // characters of a headline
)

// WrittenBy returns the reason for a file that somebody else ("Nixpacks'")
// generated: its place is in no repository.
func (r Reason) WrittenBy(who string) Reason {
	if r.Place.File != "" {
		r.Step, r.Place = who+" "+r.Place.String(), Place{}
	}
	return r
}

// String returns the headline: one line, empty if the log does not say why.
func (r Reason) String() string {
	head := r.Place.String()
	if r.Place.File == "" {
		head = r.Step
		if r.Place.Line != 0 {
			head += " line " + strconv.Itoa(r.Place.Line)
		}
	}
	head = joined(r.Target, head)
	head = joined(head, text.Middle(r.Instruction, instructionLimit))
	switch code := "exit code " + strconv.Itoa(r.Exit); {
	case r.Exit == 0:
		return text.Middle(joined(head, r.Cause), headlineLimit)
	case head == "":
		head = code
	default:
		head += " → " + code
	}
	if r.Cause != "" {
		head += " (" + r.Cause + ")"
	}
	return text.Middle(head, headlineLimit)
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ": " + b
}

// Says reports whether a line of the log adds nothing to the reason, and need
// not be quoted beside it.
func (r Reason) Says(line string) bool {
	text := strings.TrimSpace(plain([]byte(line)))
	if _, kind := dokployWord(text, false); kind != notDokploy || drawn(text) || begins(text) || succeeded(text) || buildxRemoved(text) || gitProgress(text) || nameOnly(text) ||
		checkWarning(text) || r.Cause != "" && (housekeeping(text) || composeProgress(text)) {
		return true
	}
	if r.Place.Line != 0 || r.Instruction != "" {
		_, _, isPlace := placeLine(text)
		_, _, isSolve := solveError(text)
		_, _, isExcerpt := excerptLine(text)
		if isPlace || isSolve || isExcerpt || isProgress([]byte(text)) || strings.HasPrefix(text, "> ") {
			return true
		}
	}
	cause := strings.TrimPrefix(r.Cause, gitSays)
	return cause != "" && strings.Contains(text, cause)
}
