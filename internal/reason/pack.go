package reason

import "strings"

// pack is what Cloud Native Buildpacks show. Each phase has a header. Output of
// buildpacks, and of the programs they run, is marked at most with the phase's
// name. The last two errors are the phase's and then pack's own, which gives
// only a code.
//
//	===> BUILDING
//	[builder] npm error Missing script: "build"
//	[builder] ERROR: failed to build: exit status 1
//	ERROR: failed to build: executing lifecycle: failed with status code: 51
type pack struct {
	phase string
	out   ring
}

// packPhase returns the phase that a header starts; empty for any other line.
func packPhase(text string) string {
	if name, ok := strings.CutPrefix(text, "===> "); ok && name == strings.ToUpper(name) {
		return strings.ToLower(name)
	}
	return ""
}

func (p *pack) line(text string) {
	if phase := packPhase(text); phase != "" {
		*p = pack{phase: phase}
		return
	}
	if label, said, ok := strings.Cut(text, "] "); ok && strings.HasPrefix(label, "[") && !strings.Contains(label, " ") {
		text = said
	}
	if text = strings.TrimSpace(text); text != "" {
		p.out.add(text)
	}
}

const (
	packError    = "ERROR: "
	notDetected  = "No buildpack groups passed detection."
	exitStatus   = "exit status "
	lifecycleEnd = "failed with status code: "
)

// reason takes the phase's error as the cause, and its other lines as the
// output.
func (p *pack) reason(brokeOff bool, mask func(string) string) Reason {
	r := Reason{Step: "buildpacks, " + p.phase}
	if brokeOff {
		r.Cause = "the log breaks off here"
		return r
	}
	for i := range p.out.size() {
		line := mask(p.out.newest(i))
		said, isError := strings.CutPrefix(line, packError)
		switch {
		case isError && r.Cause == "" && strings.Contains(said, lifecycleEnd):
		case isError && (r.Cause == "" || said == notDetected):
			r.Cause = said
		case r.Cause != "" && len(r.Output) < outputMax:
			r.Output = append([]string{line}, r.Output...)
		}
	}
	if r.Cause == "" { // pack's own
		r.Cause, r.Output = dockerError(mask(p.out.newest(0))).Cause, nil
		return r
	}
	if digits, ok := strings.CutPrefix(r.Cause, "failed to build: "+exitStatus); ok {
		if code, ok := number(digits); ok && code > 0 {
			r.Exit, r.Cause = code, fromOutput(code, r.Output)
		}
	}
	return r
}
