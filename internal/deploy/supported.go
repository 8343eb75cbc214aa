package deploy

import (
	"context"
	"errors"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// oldest is the first supported version. Older ones drop a deployment's title
// and description, so nothing tells whose it is.
const oldest = "v0.25.0"

// cloudPatience is how long an outage is tolerated while finding out whether a
// server is Dokploy Cloud.
const cloudPatience = 3 * time.Second

// refuseCloud refuses Dokploy Cloud, whose queue and whose "done" mean
// something else (docs/dokploy.md, Dokploy Cloud). A server that does not say
// is self-hosted.
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
	return aboutInput("url", verdict.Reason{Kind: verdict.IsCloud})
}

// tooOld refuses a server older than [oldest], judging by its version, or by
// the error of listing its projects. A version that cannot be read is no
// reason.
func tooOld(version dokploy.Version, listErr error) error {
	var noEnvironments *dokploy.NoEnvironmentsError
	if !version.Less(0, 25, 0) && !errors.As(listErr, &noEnvironments) {
		return nil
	}
	why := verdict.Reason{Kind: verdict.TooOld, Name: version.String(), Text: oldest}
	if !version.Less(0, 25, 0) {
		why.Kind = verdict.NoEnvironments
	}
	return aboutInput("url", why)
}
