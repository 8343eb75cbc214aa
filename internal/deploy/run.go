package deploy

import (
	"context"
	"time"

	"dokploy-deploy/internal/verdict"
)

// run takes a target to its verdict, which it passes to settled, and rolls back
// a bad one if that was asked for.
func run(ctx context.Context, t target, settled func(verdict.Result)) verdict.Result {
	defer t.screen.close()
	t.o.Reporter.Dashboard(t.name, t.client.DashboardURL(t.service))
	if t.o.DryRun {
		look := dryRun
		if t.o.Follow != nil {
			look = dryFollow
		}
		result := look(ctx, t)
		settled(result)
		return result
	}
	a := deployAndVerify(ctx, t)
	a.endedAt = time.Now()
	if a.commit == "" {
		a.commit = learnCommit(ctx, a.applied.target, a.ending.row)
	}
	result := a.result()
	settled(result)
	if t.o.Rollback {
		result.Outcome, result.WentBack = rollBack(ctx, a)
	}
	return result
}
