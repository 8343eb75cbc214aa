package deploy

import (
	"context"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/distribution/reference"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/wait"
)

// What others may have done to the service while it was verified.

// otherImage returns the image that Swarm runs, if that can be seen and is not
// the one that was asked for.
func otherImage(asked string, s *dokploy.SwarmService) string {
	if asked == "" || s == nil || s.Image == "" {
		return ""
	}
	_, err1 := reference.ParseDockerRef(asked)
	_, err2 := reference.ParseDockerRef(s.Image)
	if err1 != nil || err2 != nil || sameImage(asked, s.Image) {
		return ""
	}
	return s.Image
}

// superseded reports whether a later deployment of the service has ended.
func (v *verifier) superseded(ctx context.Context, d deployed) (over bool, err error) {
	loop := v.down.loop(wait.NewBackoff(time.Second, 5*time.Second))
	err = loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		rows, err := v.client.Rows(ctx, v.service)
		if err != nil {
			return wait.Pending, err
		}
		over = supersededIn(rows, d, v.look.docker)
		return wait.Done, nil
	})
	return over, err
}

// supersededIn reports whether one of the rows is a later deployment that has
// ended: what was seen may be its containers. If only containers can be seen, a
// deployment that ended between the look before and ours counts too.
func supersededIn(rows []dokploy.Deployment, d deployed, docker bool) bool {
	return slices.ContainsFunc(rows, func(row dokploy.Deployment) bool {
		return row.ID != d.row.ID && row.Status == dokploy.StatusDone &&
			(row.FinishedAt.After(d.row.FinishedAt) || !docker && !d.earlier[row.ID])
	})
}

// stoppedInDokploy reports whether the service is idle. A deployment leaves it
// as done.
func stoppedInDokploy(ctx context.Context, c *dokploy.Client, service *dokploy.Service, loopOf func(backoff.BackOff) wait.Loop) (idle bool, err error) {
	loop := loopOf(wait.NewBackoff(time.Second, 5*time.Second))
	err = loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		s, err := c.Now(ctx, service)
		if err != nil && !staysBlind(err) {
			return wait.Pending, err
		}
		idle = err == nil && s.Status == "idle"
		return wait.Done, nil
	})
	return idle, err
}
