package deploy

import (
	"context"
	"errors"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/wait"
)

// oldest is the first version that is worked with. Those before it forget the
// title and description of a deployment, so that nothing tells whose it is.
const oldest = "v0.25.0"

// cloudPatience is how long an outage is outlived to learn whether a server is
// Dokploy Cloud.
const cloudPatience = 3 * time.Second

// refuseCloud refuses Dokploy Cloud, whose queue and whose "done" mean something
// else (docs/dokploy.md, Dokploy Cloud). A server that does not say is none.
func refuseCloud(ctx context.Context, o *Options) error {
	cloud := false
	loop := wait.Loop{
		Backoff:  wait.NewBackoff(cloudPatience, cloudPatience),
		Tolerate: min(cloudPatience, o.beforeTrigger()),
		Fatal:    dokploy.Permanent,
	}
	_ = loop.Run(ctx, func(ctx context.Context) (_ wait.State, err error) {
		cloud, err = o.Client.IsCloud(ctx)
		return wait.Done, err
	})
	if !cloud {
		return nil
	}
	return badInput("url", "this is Dokploy Cloud, which does not show what becomes of a deployment: it calls cancelled ones done",
		"dokploy-deploy works with self-hosted servers; what Dokploy Cloud deploys is seen in its dashboard only")
}

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
	return badInput("url", what+": "+oldest+" (September 2025) or newer is needed",
		"update Dokploy in its dashboard under Settings → Web Server, then run the job again")
}
