package deploy

import (
	"fmt"
	"strings"

	"github.com/distribution/reference"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
	"dokploy-deploy/internal/text"
)

// ran is what is known of what ran before the deployment of this run. What was
// set before need not be it: an earlier run may have failed after setting it.
type ran struct {
	// image is swarm's, of an application; empty: it was not seen.
	image string
	// earlier is the newest deployment before this run's; nil: there is none.
	earlier *dokploy.Deployment
	// nothing: there was none, and nothing was seen to run.
	nothing bool
	// unread: Dokploy does not show the earlier ones.
	unread bool
}

// imageThatRan is what swarm was running of an application when it was looked
// at before the deployment; empty where that was not seen, or where swarm was
// in the middle of something else.
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
// list tells, and else why not.
func (x ran) asSet() (bool, string) {
	switch {
	case x.unread:
		return false, "Dokploy does not show the earlier deployments"
	case x.nothing:
		return false, "nothing ran before"
	case x.earlier != nil && x.earlier.Status != dokploy.StatusDone:
		return false, fmt.Sprintf("the deployment before this one ended as %q, so what was set for it may never have run", text.OneLine(x.earlier.Status))
	}
	return true, ""
}

// imageBack is the image to go back to. set is what the application had before
// this run, failed what this run has deployed.
func imageBack(x ran, set, failed string) (image, why string) {
	image = x.image
	if image == "" {
		if ok, why := x.asSet(); !ok {
			return "", "which image ran before is not known: " + why
		}
		image = set
	}
	if sameImage(image, set) {
		image = set // as it was written
	}
	switch {
	case image == "":
		return "", "nothing ran before"
	case sameImage(image, failed):
		return "", fmt.Sprintf("the previous version ran %s as well, and the same tag brings the failed version again", text.OneLine(image))
	}
	return image, ""
}

// sameImage reports whether two references name the same image: as Docker reads
// them, and without a digest that only one of them has.
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
	if (digestA == "") != (digestB == "") {
		a, b = plainA, plainB
	}
	x := whole(a)
	return x != "" && x == whole(b)
}
