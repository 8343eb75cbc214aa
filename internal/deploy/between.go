package deploy

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/distribution/reference"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
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

// keptForRollback returns the image that Swarm runs of an application, if it is
// one of those that Dokploy keeps for going back (docs/dokploy.md, Going back).
func keptForRollback(s *dokploy.SwarmService, appName string) string {
	if s == nil {
		return ""
	}
	image, _, _ := strings.Cut(s.Image, "@")
	number, ok := strings.CutPrefix(lastPart(image), appName+":v")
	if _, err := strconv.ParseUint(number, 10, 32); !ok || err != nil {
		return ""
	}
	return image
}

// lastPart returns an image's name and tag, without the registry and the path.
func lastPart(image string) string { return image[strings.LastIndexByte(image, '/')+1:] }

// versionOf returns lastPart of the image that Dokploy keeps of a deployment for going back;
// empty: it keeps none, or does not show it.
func (v *verifier) versionOf(ctx context.Context, deploymentID string) (image string, err error) {
	loop := v.down.loop(wait.NewBackoff(time.Second, 5*time.Second))
	err = loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		kept, err := v.client.Rollbacks(ctx, v.service.ID)
		if err != nil && !staysBlind(err) {
			return wait.Pending, err
		}
		for _, r := range kept {
			if r.DeploymentID == deploymentID {
				image = lastPart(r.Image)
			}
		}
		return wait.Done, nil
	})
	return image, err
}

// overtaken says by which deployment, where another one of the service has ended
// that may have brought what runs; empty: none has.
func (v *verifier) overtaken(ctx context.Context, d deployed) (by string, err error) {
	// Compose replaces one container after the other, and nobody looked before.
	inParts := v.service.Kind == dokploy.Compose && d.triggered.IsZero()
	loop := v.down.loop(wait.NewBackoff(time.Second, 5*time.Second))
	err = loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		rows, err := v.client.Rows(ctx, v.service)
		if err != nil {
			return wait.Pending, err
		}
		by = overtakenIn(rows, d, v.look.docker, inParts)
		return wait.Done, nil
	})
	return by, err
}

// overtakenIn looks for the newest deployment that has ended since this one and
// may have brought what runs: one that is done and, inParts, one that has failed
// on the way. Where only containers can be seen, one that ended between the look
// before and ours counts, too.
func overtakenIn(rows []dokploy.Deployment, d deployed, docker, inParts bool) string {
	beside, newest, at := false, d.row, d.row.FinishedAt
	for i := range rows {
		row := &rows[i]
		done, since := row.Status == dokploy.StatusDone, row.FinishedAt
		failed := inParts && !done && row.Terminal()
		if failed {
			since = row.StartedAt // a restart leaves no end
		}
		if row.ID == d.row.ID || !done && !failed {
			continue
		}
		if since.After(at) {
			newest, at = row, since
		}
		beside = beside || done && !docker && !d.earlier[row.ID]
	}
	switch {
	case newest != d.row:
		return fmt.Sprintf("a later deployment of the service has ended%s, and what is running may be of that one", ofCommit(newest))
	case beside:
		return "another deployment of the service came right before this one"
	}
	return ""
}

// ofCommit names the commit of a deployment, where it is known.
func ofCommit(row *dokploy.Deployment) string {
	if commit := track.CommitOf(row); commit != "" {
		return fmt.Sprintf(" (commit %.7s)", commit)
	}
	return ""
}

// stoppedInDokploy reports whether somebody stopped the service: it is idle, and
// a deployment leaves it as done. A restart that cancels a deployment leaves it
// idle too (docs/dokploy.md, Restarts).
func stoppedInDokploy(ctx context.Context, c *dokploy.Client, service *dokploy.Service, loopOf func(backoff.BackOff) wait.Loop) (idle bool, err error) {
	loop := loopOf(wait.NewBackoff(time.Second, 5*time.Second))
	err = loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		s, err := c.Now(ctx, service)
		if err != nil && !staysBlind(err) {
			return wait.Pending, err
		}
		idle = err == nil && s.Status == "idle"
		if idle && endsCancelled(s.Deployments) { //rule:idle-after-a-restart
			idle = false
		}
		return wait.Done, nil
	})
	return idle, err
}

// endsCancelled reports whether the row that started last was cancelled.
func endsCancelled(rows []dokploy.Deployment) bool {
	var last dokploy.Deployment
	for _, row := range rows {
		if row.StartedAt.After(last.StartedAt) {
			last = row
		}
	}
	return last.Status == dokploy.StatusCancelled
}
