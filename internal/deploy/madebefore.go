package deploy

import (
	"context"
	"errors"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
)

// madeBefore replaces a look before the deployment that nobody took: what runs
// of a compose service and was created before its row began. On Dokploy's own
// host both times are from the same machine (docs/dokploy.md, What runs:
// applications). ok is false if that cannot be told.
func (v *verifier) madeBefore(ctx context.Context, began time.Time) (before rollout.Before, ok bool) {
	s := v.service
	if began.IsZero() || s.Kind != dokploy.Compose || s.ServerID != "" || !v.look.docker {
		return before, false
	}
	ctx, cancel := context.WithTimeout(ctx, 2*v.look.patience())
	defer cancel()
	view, err := v.look.view(ctx)
	if err != nil || !v.look.docker {
		return before, false
	}
	older := func(id string) bool {
		var made time.Time
		if err == nil {
			made, err = v.client.MadeAt(ctx, id)
		}
		if errors.Is(err, dokploy.ErrMayNotLook) {
			v.look.docker = false
		}
		ok = err == nil && !made.IsZero()
		return ok && made.Before(began)
	}
	if s.ComposeType == "stack" {
		// Without times: the age of a task says nothing about this deployment.
		for _, t := range view.Tasks {
			if older(t.ID) {
				before.Tasks = append(before.Tasks, t)
			}
			if !ok {
				return rollout.Before{}, false
			}
		}
		before.Docker = true
		return before, true
	}
	for _, c := range view.Containers {
		if older(c.ID) {
			before.Containers = append(before.Containers, c)
			before.At = view.At
		}
		if !ok {
			return rollout.Before{}, false
		}
	}
	return before, true
}
