package deploy

import (
	"context"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/wait"
)

// retry sends requests that come before the trigger: it tolerates a short
// outage, and stops on errors that waiting cannot fix.
func retry(ctx context.Context, o *Options, look func(context.Context) error) error {
	loop := wait.Loop{
		Backoff:  wait.NewBackoff(o.beforeTrigger(), o.beforeTrigger()),
		Tolerate: o.beforeTrigger(),
		Fatal:    dokploy.Permanent,
	}
	return loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		if err := look(ctx); err != nil {
			return wait.Pending, err
		}
		return wait.Done, nil
	})
}

// ask asks a question of the time before the trigger, as [retry] does.
func ask[T any](ctx context.Context, o *Options, question func(context.Context) (T, error)) (answer T, err error) {
	err = retry(ctx, o, func(ctx context.Context) (err error) {
		answer, err = question(ctx)
		return err
	})
	return answer, err
}
