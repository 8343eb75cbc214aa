package dokploy

import (
	"context"
	"net/http"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// Requests per second in the long run, and how many at once after a pause:
// fewer than 20 in any second.
const (
	perSecond = 8
	atOnce    = 8
)

// Share limits the rate of requests when several deployments are followed at a
// time. Call it before the first request.
func (c *Client) Share() { c.pace = rate.NewLimiter(perSecond, atOnce) }

// turnKey marks a context that has already waited for its turn.
type turnKey struct{}

// ahead waits for the turn of the next request with this context, so that its
// timeout starts when it is sent.
func (c *Client) ahead(ctx context.Context, method string) (context.Context, error) {
	if c.pace == nil || method != http.MethodGet {
		return ctx, nil
	}
	if had, ok := ctx.Value(turnKey{}).(*atomic.Bool); ok && had.Load() {
		return ctx, nil
	}
	if err := c.pace.Wait(ctx); err != nil {
		return ctx, err
	}
	had := &atomic.Bool{}
	had.Store(true)
	return context.WithValue(ctx, turnKey{}, had), nil
}

// turn makes a request that reads wait for its turn, unless it already has. A
// request that changes something counts, but is sent at once.
func turn(ctx context.Context, pace *rate.Limiter, method string) error {
	switch {
	case pace == nil:
		return nil
	case method != http.MethodGet:
		pace.Allow()
		return nil
	}
	if had, ok := ctx.Value(turnKey{}).(*atomic.Bool); ok && had.CompareAndSwap(true, false) {
		return nil
	}
	return pace.Wait(ctx)
}
