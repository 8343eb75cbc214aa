package deploy

import (
	"context"
	"maps"
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// baseline is what was there of a service before its trigger: none of it is
// what the trigger makes.
type baseline struct {
	rows    map[string]bool // ids of the deployments
	ended   map[string]bool // those of them that had ended when they were first listed
	at      time.Time       // our clock, when they were last listed
	lastEnd time.Time       // server's clock, when the last of them ended
	typical time.Duration   // how long an earlier one took; zero: not known
}

// with is the baseline and rows that were there before the trigger, too. Whether
// they had ended is as it was at first: what ends after that may still be rolled
// out after the look at what runs before.
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

// ids are those of the deployments.
func (b baseline) ids() []string { return slices.Collect(maps.Keys(b.rows)) }

// takeBaseline lists the deployments that are there before the trigger.
func takeBaseline(ctx context.Context, t target) (baseline, error) {
	rows := t.service.Deployments
	if rows == nil {
		err := before(ctx, t.o, func(ctx context.Context) (err error) {
			rows, err = t.client.Deployments(ctx, t.service.Kind, t.service.ID)
			return err
		})
		if err != nil {
			return baseline{}, err
		}
	}
	b := baseline{ended: map[string]bool{}, typical: typicalDuration(rows)}.with(rows)
	for _, row := range rows {
		b.ended[row.ID] = row.Terminal()
	}
	return b, nil
}

// staleBaseline is how old the baseline may be when the trigger is sent.
const staleBaseline = 300 * time.Millisecond

// fresh is the baseline at the moment of the trigger: it keeps what began since
// from being taken for what this trigger makes. It is asked for when nothing of
// this run can be there; without an answer the older one does.
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
