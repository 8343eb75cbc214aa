package dokploy

import (
	"context"
	"net/http"

	"golang.org/x/time/rate"
)

// Requests a second in the long run, and at once after a pause: fewer than 20
// in any second.
const (
	perSecond = 8
	atOnce    = 8
)

// Share says that several deployments are followed at a time: their looks
// share one pace, so that they do not add up to a storm. Call it before the
// first request.
func (c *Client) Share() { c.pace = rate.NewLimiter(perSecond, atOnce) }

// turn lets a request that reads wait for its turn. One that changes something
// counts, but goes at once.
func turn(ctx context.Context, pace *rate.Limiter, method string) error {
	switch {
	case pace == nil:
		return nil
	case method != http.MethodGet:
		pace.Allow()
		return nil
	}
	return pace.Wait(ctx)
}
