package deploy

import (
	"errors"

	"dokploy-deploy/internal/dokploy"
)

// oldest is the first version that is worked with. Those before it forget the
// title and description of a deployment, so that nothing tells whose it is.
const oldest = "v0.25.0"

// tooOld refuses a server before [oldest], by the version that it has told or
// by what listing its projects failed with. A version that cannot be read is no
// reason.
func tooOld(version dokploy.Version, listErr error) error {
	var noEnvironments *dokploy.NoEnvironmentsError
	if !version.Less(0, 25, 0) && !errors.As(listErr, &noEnvironments) {
		return nil
	}
	what := "this Dokploy (" + version.String() + ") is too old"
	if !version.Less(0, 25, 0) {
		what = "the projects of this Dokploy (" + version.String() + ") have no environments, so it is too old"
	}
	return &inputError{
		input: "url",
		what:  what + ": " + oldest + " (September 2025) or newer is needed",
		hint:  "update Dokploy in its dashboard under Settings → Web Server, then run the job again",
	}
}
