package deploy

import (
	"fmt"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
)

// ranFor says what is running, and how much of it is new.
func ranFor(v rollout.Verdict, stable time.Duration) string {
	kind, rest := "new containers", ""
	switch {
	case v.New == 0 && v.Ready > 0:
		kind, rest = "containers", ", none of them new"
	case v.New < v.Ready:
		kind, rest = "containers", fmt.Sprintf(", %d of them new", v.New)
	}
	if v.Ran > 0 {
		rest += fmt.Sprintf("; %d new %s %s ended with exit code 0", v.Ran, number(v.Ran == 1, "one", "ones"), have(v.Ran))
	}
	return fmt.Sprintf("%s: %s %s been running for %s%s", kind, countOf(v.Ready, v.Wanted, ""), have(v.Ready), text.Duration(stable), rest)
}

// countOf formats "2 of 2 containers", or "2 containers" if their intended
// number is unknown.
func countOf(n, of int, noun string) string {
	text := fmt.Sprint(n)
	if of > 0 {
		text = fmt.Sprintf("%d of %d", n, of)
	}
	switch {
	case noun == "":
		return text
	case max(n, of) != 1:
		noun += "s"
	}
	return text + " " + noun
}

// progress says what a look showed before the end.
func progress(v rollout.Verdict, kind dokploy.Kind) string {
	switch {
	case v.State == rollout.Failed:
		return v.Reason
	case v.State == rollout.Undecided && v.Wanted > 0 && kind == dokploy.Compose:
		return fmt.Sprintf("containers: %d of %d running", v.Ready, v.Wanted) // which ones are new is said at the end
	case v.State == rollout.Undecided && v.Wanted > 0:
		return fmt.Sprintf("new containers: %d of %d running", v.Ready, v.Wanted)
	}
	return ""
}

// shownProgress is what has been said of the looks so far.
type shownProgress struct {
	text   string
	failed bool
}

// next returns what to say of a look; empty: nothing new. A failure is told when
// it is seen; how it ends is said at the end.
func (p *shownProgress) next(v rollout.Verdict, kind dokploy.Kind) string {
	text := progress(v, kind)
	if text == "" || text == p.text || p.failed && v.Final {
		return ""
	}
	*p = shownProgress{text, v.State == rollout.Failed}
	return text
}

// unchanged is the end of a verification that finds everything as it was. back:
// what was deployed is the previous version.
func unchanged(v rollout.Verdict, mode VerifyMode, back, stack bool) finding {
	what := "nothing was replaced: " + countOf(v.Ready, v.Wanted, "container") + " " + are(v.Ready) + " running unchanged"
	if v.Gone > 0 {
		what += fmt.Sprintf(" (%d %s removed)", v.Gone, was(v.Gone))
	}
	hint := `Docker replaces only what changed in the compose file or in the environment it uses. For a new image, use a pinned tag (image: app:1.2.3) or pull_policy: always`
	if stack {
		hint = "Docker replaces only what changed in the compose file or in the environment it uses. For a new image, use a pinned tag (image: app:1.2.3); a stack does not read pull_policy"
	}
	f := finding{verified: verdict.VerifiedUnchanged}
	switch {
	case back:
		f.note = what
	case mode == VerifyRequire:
		f.outcome = verdict.Reason{Kind: verdict.NothingReplaced, Text: what}.Outcome()
		f.outcome.Hint = verdict.Hint(hint)
	default:
		f.note, f.warning = what+"; "+hint, true
	}
	return f
}
