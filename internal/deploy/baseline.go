package deploy

import (
	"context"
	"maps"
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// baseline is what a service had before the trigger. None of it belongs to the
// trigger.
type baseline struct {
	rows    map[string]bool // ids of the deployments
	ended   map[string]bool // those that had ended when they were first listed
	at      time.Time       // when they were last listed, by our clock
	lastEnd time.Time       // when the last of them ended, by the server's clock
	typical time.Duration   // how long an earlier one took; zero: unknown
}

// with returns the baseline with further rows that were there before the
// trigger. Which ones had ended stays as it was first seen: a deployment that
// ends later may still be rolling out after the look at what runs before.
func (b baseline) with(rows []dokploy.Deployment) baseline {
	all := make(map[string]bool, len(b.rows)+len(rows))
	maps.Copy(all, b.rows)
	for _, row := range rows {
		all[row.ID] = true
		if row.FinishedAt.After(b.lastEnd) {
			b.lastEnd = row.FinishedAt
		}
	}
	b.rows, b.at = all, time.Now()
	return b
}

// ids returns the ids of the deployments.
func (b baseline) ids() []string { return slices.Collect(maps.Keys(b.rows)) }

// takeBaseline lists the deployments that exist before the trigger.
func takeBaseline(ctx context.Context, t target) (baseline, error) {
	rows := t.service.Deployments
	if rows == nil {
		var err error
		rows, err = ask(ctx, t.o, func(ctx context.Context) ([]dokploy.Deployment, error) {
			return t.client.Deployments(ctx, t.service.Kind, t.service.ID)
		})
		if err != nil {
			return baseline{}, err
		}
	}
	return newBaseline(rows), nil
}

func newBaseline(rows []dokploy.Deployment) baseline {
	b := baseline{ended: map[string]bool{}, typical: typicalDuration(rows)}.with(rows)
	for _, row := range rows {
		b.ended[row.ID] = row.Terminal()
	}
	return b
}

// staleBaseline is how old the baseline may be when the trigger is sent.
const staleBaseline = 300 * time.Millisecond

// fresh returns the baseline at the moment of the trigger, so that a deployment
// that started since is not taken for this one's. It is called while nothing of
// this run can exist yet. Without an answer the older baseline is used.
func (b baseline) fresh(ctx context.Context, t target) baseline {
	if time.Since(b.at) < staleBaseline {
		return b
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	rows, err := t.client.Deployments(ctx, t.service.Kind, t.service.ID)
	if err != nil {
		return b
	}
	return b.with(rows)
}
