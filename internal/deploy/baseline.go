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
	usual   time.Duration   // how long an earlier one took; zero: not known
}

// add takes rows as having been there before the trigger. Whether they had
// ended is as it was at first: what ends after that may still be rolled out
// after the look at what runs before.
func (b *baseline) add(rows []dokploy.Deployment) {
	if b.rows == nil {
		b.rows = map[string]bool{}
	}
	for _, row := range rows {
		b.rows[row.ID] = true
		if row.FinishedAt.After(b.lastEnd) {
			b.lastEnd = row.FinishedAt
		}
	}
	b.at = time.Now()
}

// ids are those of the deployments.
func (b *baseline) ids() []string { return slices.Collect(maps.Keys(b.rows)) }

// takeBaseline lists the deployments that are there before the trigger.
func (r *run) takeBaseline(ctx context.Context) error {
	rows := r.t.service.Deployments
	if rows == nil {
		err := before(ctx, r.t.o, func(ctx context.Context) (err error) {
			rows, err = r.t.client.Deployments(ctx, r.t.service.Kind, r.t.service.ID)
			return err
		})
		if err != nil {
			return err
		}
	}
	r.base.add(rows)
	r.base.ended = map[string]bool{}
	for _, row := range rows {
		r.base.ended[row.ID] = row.Terminal()
	}
	r.base.usual = usual(rows)
	return nil
}

// staleBaseline is how old the baseline may be when the trigger is sent.
const staleBaseline = 300 * time.Millisecond

// refreshBaseline keeps what began since the baseline from being taken for
// what this trigger makes. It is asked for when nothing of this run can be
// there; without an answer the older one does.
func (r *run) refreshBaseline(ctx context.Context) {
	if time.Since(r.base.at) < staleBaseline {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if rows, err := r.t.client.Deployments(ctx, r.t.service.Kind, r.t.service.ID); err == nil {
		r.base.add(rows)
	}
}
