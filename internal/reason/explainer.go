package reason

import (
	"bytes"
	"strings"
)

// Explainer reads a log line by line, in bounded memory, so that a cause is
// found however far above the end it stands. The zero value is ready.
type Explainer struct {
	// Mask hides what is secret. It is asked before anything is cut or folded.
	// nil: nothing is secret.
	Mask func(string) string

	build   build    // what BuildKit has shown of a failure
	recent  recent   // its newest lines of progress
	running string   // an error of BuildKit that goes on in the next lines
	target  string   // of it
	classic *classic // the classic builder; nil: it does not build
	pack    *pack    // buildpacks; nil: they do not build
	git     string   // the first error of git
	told    Reason   // what a tool or Dokploy told in so many words
	failed  string   // Dokploy's word on what failed: what follows is cleaning up
	opener  string   // an error that an explanation of several lines follows
	warning string   // of Railpack, about what its error may come from
	last    ring     // the newest lines that are none of these
	pulled  string   // the image that Dokploy pulls

	writer string // who has written the Dockerfile; empty: it is in the repository
}

// Line takes the next line, which is not kept.
func (e *Explainer) Line(raw []byte) {
	if isProgress(raw) {
		// What a step of BuildKit writes: most of all lines, and none of them
		// is the builder's own word.
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

// progress takes a line of BuildKit's about a step.
func (e *Explainer) progress(raw []byte) {
	switch _, said, _ := bytes.Cut(raw, []byte(" ")); {
	case bytes.HasPrefix(raw, []byte("#0 building with ")), bytes.HasPrefix(raw, []byte("#1 [")):
		e.begin() // another try
	case bytes.HasPrefix(said, []byte("ERROR: ")):
		e.build.wrote = e.recent.of(raw, e.mask)
	case len(said) > 0 && said[0] >= '0' && said[0] <= '9':
		if len(raw) > recentLimit {
			raw = []byte(e.mask(string(raw)))
		}
		e.recent.add(raw)
	}
}

// isProgress reports whether a line is one of BuildKit's about a step: "#12 …".
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

// begin forgets what an earlier stage of the deployment has said.
func (e *Explainer) begin() { *e = Explainer{Mask: e.Mask, writer: e.writer} }

// statement takes a line that is not part of BuildKit's report. While the
// classic builder builds it may be anything that a program writes.
func (e *Explainer) statement(text string) {
	switch {
	case text == "":
		return
	case speaks(text):
		if e.word(text) {
			return
		}
	case e.failed != "": // cleaning up
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

// mixed reports whether the output of programs is not marked as such: then a
// line may be anything.
func (e *Explainer) mixed() bool { return e.classic != nil || e.pack != nil }

// word takes a line that may mean something by itself; false if it does not.
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
		case nixpacksDone: // a static site of what it has built
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

// dokploy takes a word of Dokploy's own.
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

// solve takes BuildKit's final error. An older one has the whole script of an
// instruction in it, line breaks included.
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

// Reason is what the lines so far explain.
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
	case e.build.place.Line != 0: // and no error after it
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

// untagged is the name of an image without its tag.
func untagged(image string) string {
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i]
	}
	return image
}

// pulls is the image that an error is about, or the service of a compose file,
// where the error itself ("denied") does not name one.
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
