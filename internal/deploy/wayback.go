package deploy

import (
	"fmt"
	"strings"

	"github.com/distribution/reference"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
)

// failure is what is known about a failed deployment, as far as going back
// depends on it.
type failure struct {
	status    verdict.Status
	notOurs   string // why the failure is not this run's to undo; empty: it is
	mayGoOn   bool   // it may still be going on, or there is no time left
	ended     bool   // its row has ended
	unchanged bool   // nothing was replaced, as far as was seen
	swarmBack bool   // Swarm itself rolled back
	service   *dokploy.Service
	asked     string   // the image that the inputs ask for
	changes   changes  // what this run set
	swarm     string   // image that Swarm ran of an application before; empty: not seen
	before    *history // nil: not read
}

// history is what Dokploy shows of earlier deployments.
type history struct {
	ran  ran
	kept *dokploy.Rollback // the version that it can restore itself; nil: none
}

// way is how to go back.
type way struct {
	kind  wayKind
	why   string // why there is no way
	hint  verdict.Hint
	image string // image to go back to instead of the one that was set before; empty: the latter
}

type wayKind int

const (
	noWay         wayKind = iota // nothing to undo
	notTried                     // it would be wrong
	impossible                   // there is no way
	lookAtHistory                // it depends on earlier deployments
	restore                      // only what this run set: the previous version is still running
	redeploy                     // restore it and deploy that
	dokployOwn                   // restore it and let Dokploy restore the previous version
)

// wayBack is the table of "Rolling back" in docs/verifying.md, row by row. The
// first row that fits decides.
func wayBack(f failure) way {
	switch {
	case f.status == verdict.Done || f.status == verdict.Queued || f.status == verdict.Interrupted: //rule:back-from-nothing
		return way{kind: noWay}
	case f.notOurs != "": //rule:back-not-ours
		return way{kind: notTried, why: f.notOurs}
	case f.mayGoOn && (f.status == verdict.Refused || f.status == verdict.Invalid): //rule:back-refused
		return way{kind: noWay}
	case f.mayGoOn: //rule:back-may-go-on
		return way{kind: notTried, why: "the deployment may still be going on"}
	case !f.ended && len(f.changes) == 0: //rule:back-nothing-changed
		return way{kind: noWay}
	case !f.replaced(), f.swarmBack: //rule:back-restore-alone
		return f.restoreAlone()
	case f.before == nil:
		return way{kind: lookAtHistory}
	case f.before.kept != nil && !f.fixed(): //rule:back-by-dokploy
		return way{kind: dokployOwn}
	case !f.fixed() && len(f.changes) == 0: //rule:back-nothing-kept
		return f.nothingKept()
	case f.built(): //rule:back-built-again
		return way{kind: redeploy} // from the current source, which is reported
	}
	w := f.deployWhatRan()
	if w.kind == impossible { //rule:back-impossible-says-so
		w.why += "; the failed version is still in place"
		w.hint = verdict.SetVersion
	}
	return w
}

// replaced reports whether another version than before may be running now.
func (f *failure) replaced() bool {
	switch {
	case !f.ended || f.unchanged: //rule:replaced-nothing
		return false
	case f.service.Kind == dokploy.Compose: //rule:compose-replaced-some
		return true
	}
	return f.status == verdict.Unhealthy || f.status == verdict.Timeout
}

// built reports whether Dokploy builds the service from source.
func (f *failure) built() bool {
	return f.service.Kind == dokploy.Application && f.service.SourceType != "docker"
}

// fixed reports whether restoring the settings restores the version: an image
// does, and so does a compose service's file. Building the current source does
// not, whatever its environment.
func (f *failure) fixed() bool {
	return !f.built() && (len(f.changes) > 0 || f.service.Kind == dokploy.Application && f.asked != "")
}

// restoreAlone is the way if the previous version is still running.
func (f *failure) restoreAlone() way {
	w := way{kind: restore}
	if c := f.changes.image(); c != nil && f.swarm != "" && !sameImage(f.swarm, string(c.from)) { //rule:restore-what-ran
		w.image = f.swarm
	}
	return w
}

// nothingKept is the result if nothing was set and nothing is kept.
func (f *failure) nothingKept() way {
	w := way{kind: impossible, why: "this run changed no settings that could be restored"}
	if f.service.Kind == dokploy.Application {
		w.why += ", and Dokploy keeps no previous version of this application"
		w.hint = verdict.KeepVersions
	}
	return w
}

// deployWhatRan is the way if restoring the settings restores what ran, as far
// as that is known.
func (f *failure) deployWhatRan() way {
	x := f.before.ran
	image := f.changes.image()
	others := len(f.changes) > 1 || len(f.changes) == 1 && image == nil
	if others {
		if ok, why := x.asSet(); !ok { //rule:back-others-not-known
			return way{kind: impossible, why: "the previous version is not known: " + why}
		}
	}
	if f.service.Kind == dokploy.Compose {
		return way{kind: redeploy}
	}
	set, failed := f.service.Image, f.service.Image
	if image != nil {
		set, failed = string(image.from), string(image.to)
	}
	switch {
	case f.asked == "" && x.image != "" && !sameImage(x.image, set): //rule:back-image-not-ours
		// This run was not asked to change the image.
		return way{kind: impossible, why: fmt.Sprintf("%s was running before, but %s is set, which this run did not change", text.OneLine(x.image), text.OneLine(set))}
	case others && sameImage(firstOf(x.image, set), failed): //rule:back-same-image-others-differ
		return way{kind: redeploy} // the image is the same, other settings are not
	}
	back, why := imageBack(x, set, failed)
	if why != "" {
		return way{kind: impossible, why: why}
	}
	return way{kind: redeploy, image: back}
}

// ran is what is known about what ran before this run's deployment. That need
// not be what was set: an earlier run may have failed after setting it.
type ran struct {
	// image is Swarm's, for an application; empty: not seen.
	image string
	// earlier is the newest deployment before this run's; nil: none.
	earlier *dokploy.Deployment
	// nothing: there was none, and nothing was seen running.
	nothing bool
	// unread: Dokploy does not show earlier ones.
	unread bool
}

// imageThatRan returns the image of an application that Swarm was running at
// the look before the deployment; empty if it was not seen, or if Swarm was
// busy with something else.
func imageThatRan(before rollout.View, appName string) string {
	s := before.Services[appName]
	if s == nil {
		return ""
	}
	switch s.UpdateState {
	case "", "completed", "rollback_completed":
		return s.Image
	}
	return ""
}

// asSet reports whether what was set before is what ran, as far as Dokploy's
// list shows, and if not, why.
func (x ran) asSet() (bool, string) {
	switch {
	case x.unread: //rule:before-unread
		return false, "Dokploy does not show the earlier deployments"
	case x.nothing: //rule:before-nothing
		return false, "nothing was running before"
	case x.earlier != nil && x.earlier.Status != dokploy.StatusDone: //rule:before-failed
		return false, fmt.Sprintf("the deployment before this one ended as %q, so what was set for it may never have run", text.OneLine(x.earlier.Status))
	}
	return true, ""
}

// imageBack returns the image to go back to. set is what the application had
// before this run, failed what this run deployed.
func imageBack(x ran, set, failed string) (image, why string) {
	image = x.image
	if image == "" {
		if ok, why := x.asSet(); !ok { //rule:back-image-not-known
			return "", "the previous image is not known: " + why
		}
		image = set
	}
	if sameImage(image, set) { //rule:back-as-written
		image = set // as it was written
	}
	switch {
	case image == "": //rule:back-no-image
		return "", "nothing was running before"
	case sameImage(image, failed): //rule:back-same-tag
		return "", fmt.Sprintf("the previous version also ran %s, and deploying the same tag brings back the failed version", text.OneLine(image))
	}
	return image, ""
}

// sameImage reports whether two references name the same image: normalised as
// Docker does, and without a digest if only one of them has it.
func sameImage(a, b string) bool {
	if a == b {
		return true
	}
	whole := func(s string) string {
		ref, err := reference.ParseDockerRef(s)
		if err != nil {
			return ""
		}
		return ref.String()
	}
	plainA, digestA, _ := strings.Cut(a, "@")
	plainB, digestB, _ := strings.Cut(b, "@")
	if (digestA == "") != (digestB == "") { //rule:one-digest
		a, b = plainA, plainB
	}
	x := whole(a)
	return x != "" && x == whole(b)
}
