package reason

import "strings"

// pack is what Cloud Native Buildpacks said: each line of theirs begins with
// the phase that wrote it, and the last word of pack itself says no more than
// an exit code.
//
//	[builder] npm error Missing script: "build"
//	[builder] ERROR: failed to build: exit status 1
//	ERROR: failed to build: executing lifecycle: failed with status code: 51
type pack struct {
	phase, cause string
	failed       bool
	out          ring // of the phase
}

func (p *pack) line(text string) bool {
	if strings.Contains(text, "executing lifecycle: failed with status code: ") || strings.Contains(text, "executing lifecycle. This may be the result of using an untrusted builder: failed with status code: ") {
		p.failed = p.cause != ""
		return p.failed
	}
	rest, ok := strings.CutPrefix(text, "[")
	if !ok {
		return false
	}
	phase, said, ok := strings.Cut(rest, "] ")
	if !ok || phase != strings.ToLower(phase) || strings.ContainsAny(phase, " /:.") {
		return false
	}
	if phase != p.phase {
		*p = pack{phase: phase}
	}
	said = strings.TrimSpace(said)
	if cause, isError := strings.CutPrefix(said, "ERROR: "); isError {
		p.cause = cause
		return true
	}
	if said != "" {
		p.out.add(said)
	}
	return true
}

func (p *pack) reason(mask func(string) string) Reason {
	r := Reason{Step: p.phase, Cause: mask(p.cause)}
	for _, line := range p.out.all() {
		r.Output = append(r.Output, mask(line))
	}
	return r
}
