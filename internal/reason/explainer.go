package reason

import (
	"bytes"
	"strings"
)

// Explainer reads a log line by line, in bounded memory, so that it finds a
// cause however far above the end. The zero value is ready to use.
type Explainer struct {
	// Mask masks secrets. It is called before anything is cut or folded. Nil:
	// nothing is secret.
	Mask func(string) string

	build   build    // what BuildKit has shown of a failure
	recent  recent   // its newest lines of progress
	running string   // an error of BuildKit that continues on the next lines
	target  string   // of that error
	classic *classic // the classic builder; nil: it is not building
	pack    *pack    // buildpacks; nil: they are not building
	git     string   // the first error of git
	told    Reason   // what a tool or Dokploy said explicitly
	failed  string   // what failed, in Dokploy's words; everything after it is cleanup
	opener  string   // an error that is followed by an explanation
	warning string   // of Railpack, about a possible cause
	last    ring     // the newest lines that are none of these
	pulled  string   // the image that Dokploy pulls

	writer string // who generated the Dockerfile; empty: it is in the repository
}

// Line adds the next line. It does not keep the slice.
func (e *Explainer) Line(raw []byte) {
	if isProgress(raw) {
		// Output of a BuildKit step: most lines are that, and none of them is
		// the builder's own.
		if !e.mixed() {
			e.progress(raw)
			return
		}
	}
	if e.build.output(raw, e.mask) {
		return
	}
	text := plain(raw)
	if len(text) > lineLimit {
		text = bounded(e.mask(text))
	}
	if e.mixed() || !e.build.line(text, e.mask) {
		e.statement(strings.TrimSpace(text))
	}
}

// progress handles a BuildKit line about a step.
func (e *Explainer) progress(raw []byte) {
	switch _, said, _ := bytes.Cut(raw, []byte(" ")); {
	case bytes.HasPrefix(raw, []byte("#0 building with ")), bytes.HasPrefix(raw, []byte("#1 [")):
		e.begin() // another attempt
	case bytes.HasPrefix(said, []byte("ERROR: ")):
		e.build.wrote = e.recent.of(raw, e.mask)
	case len(said) > 0 && said[0] >= '0' && said[0] <= '9':
		if len(raw) > recentLimit {
			raw = []byte(e.mask(string(raw)))
		}
		e.recent.add(raw)
	}
}

// isProgress reports whether a line is BuildKit's, about a step: "#12 …".
func isProgress(raw []byte) bool {
	i := 1
	for i < len(raw) && i < 8 && raw[i] >= '0' && raw[i] <= '9' {
		i++
	}
	return i > 1 && i < len(raw) && raw[0] == '#' && raw[i] == ' '
}

func (e *Explainer) mask(s string) string {
	if e.Mask == nil {
		return s
	}
	return e.Mask(s)
}

// begin forgets everything from an earlier stage of the deployment.
func (e *Explainer) begin() { *e = Explainer{Mask: e.Mask, writer: e.writer} }

// statement handles a line that is not part of BuildKit's report. While the
// classic builder is building, it may be any program's output.
func (e *Explainer) statement(text string) {
	switch {
	case text == "":
		return
	case speaks(text):
		if e.word(text) {
			return
		}
	case e.failed != "": // cleanup
		return
	case e.running != "":
		e.solve(e.running + " " + text)
		return
	}
	switch {
	case e.classic != nil:
		e.classic.line(text)
	case e.pack != nil:
		e.pack.line(text)
	default:
		e.last.add(text)
	}
}

// mixed reports whether the output of programs is not marked as such, so that a
// line may be anything.
func (e *Explainer) mixed() bool { return e.classic != nil || e.pack != nil }

// word handles a line that may mean something by itself; false if it does not.
func (e *Explainer) word(text string) bool {
	if text == initializing || succeeded(text) || !e.mixed() && begins(text) {
		e.begin()
		if image, ok := word(text, "Pulling "); ok {
			e.pulled = image
		}
		switch text {
		case initializing:
			e.writer = ""
		case startingNixpacks:
			e.writer = "Nixpacks'"
		case nixpacksDone: // a static site from what it built
			e.writer = "Dokploy's"
		}
		return true
	}
	if own, kind := dokployWord(text, e.mixed()); kind != notDokploy {
		e.dokploy(own, kind)
		return true
	}
	if e.failed != "" {
		return true
	}
	if e.running != "" {
		e.solve(e.running + " " + text)
		return true
	}
	if e.mixed() {
		return false
	}
	if c := firstStep(text); c != nil {
		e.begin()
		e.classic = c
		return true
	}
	if phase := packPhase(text); phase != "" {
		e.begin()
		e.pack = &pack{phase: phase}
		return true
	}
	if target, said, ok := solveError(text); ok {
		e.target = target
		e.solve(said)
		return true
	}
	if e.git == "" && gitError(text) {
		e.git = text
	}
	switch {
	case strings.HasPrefix(text, "⚠ Failed to "):
		e.warning = text
	case e.opener == "" && opensExplanation(text):
		e.opener = text
	}
	return false
}

// dokploy handles a message of Dokploy's own.
func (e *Explainer) dokploy(own string, kind dokployKind) {
	switch kind {
	case dokployReason:
		e.told = ownReason(e.mask(own))
	case dokployFailed:
		if e.failed == "" {
			e.failed = own
		}
	}
}

// solve handles BuildKit's final error. In older versions it contains the whole
// script of an instruction, with its line breaks.
func (e *Explainer) solve(said string) {
	if e.running = ""; runsOn(said) {
		e.running = bounded(e.mask(said))
		return
	}
	e.told = e.build.reason(e.mask(said))
	e.told.Target = e.target
	if e.writer != "" {
		e.told = e.told.WrittenBy(e.writer)
	}
	e.build = build{}
}

// Reason returns what the lines so far explain.
func (e *Explainer) Reason() Reason {
	r := e.reason()
	r.Hint = adviceOn(r)
	return r
}

func (e *Explainer) reason() Reason {
	switch {
	case e.told.Cause != "" || e.told.Exit != 0:
		return e.told
	case e.classic != nil:
		return e.classic.reason(e.failed == "", e.mask)
	case e.pack != nil:
		return e.pack.reason(e.failed == "", e.mask)
	case e.build.place.Line != 0: // and no error followed it
		return e.build.reason("")
	case e.git != "":
		return Reason{Cause: gitCause(e.mask(e.git))}
	case e.opener != "":
		r := dockerError(e.mask(e.opener))
		if _, warning, ok := strings.Cut(e.mask(e.warning), " "); ok {
			r.Cause = strings.TrimSuffix(r.Cause, ".") + " (" + strings.TrimSpace(warning) + ")"
		}
		return r
	}
	for i := range e.last.size() {
		if line := e.last.newest(i); !noise(line) {
			if len(e.build.steps) > 0 {
				return e.build.reason(e.mask(line))
			}
			r := dockerError(e.mask(line))
			r.Target = e.pulls(r.Cause)
			return r
		}
	}
	return Reason{Cause: e.failed}
}

// untagged returns an image's name without its tag.
func untagged(image string) string {
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i]
	}
	return image
}

// pulls returns the image that an error is about, or the service of a compose
// file, if the error itself ("denied") names none.
func (e *Explainer) pulls(cause string) string {
	if strings.Contains(cause, "manifest for ") {
		return ""
	}
	if e.pulled != "" {
		if strings.Contains(cause, untagged(e.pulled)) {
			return ""
		}
		return e.mask(e.pulled)
	}
	for i := range e.last.size() {
		if service, said, ok := strings.Cut(e.mask(e.last.newest(i)), " Error "); ok && said == cause && !strings.Contains(service, " ") {
			return service
		}
	}
	return ""
}
