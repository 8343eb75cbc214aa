package dokploy

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

// ErrMayNotLook means that the key is valid, but its owner lacks the right
// "access to Docker" (docs/dokploy.md, Keys and rights).
var ErrMayNotLook = errors.New("the key is not allowed to look at Docker")

// mayLook turns the answers that mean ErrMayNotLook into it.
func mayLook(err error) error {
	if Denied(err) {
		return fmt.Errorf("%w: %w", ErrMayNotLook, err)
	}
	return err
}

// list reads a list; anything else in its place is a malformed answer.
func list[T any](ctx context.Context, c *Client, procedure string, params url.Values) ([]T, error) {
	for name, values := range params {
		if values[0] == "" {
			params.Del(name)
		}
	}
	var wire listOf[T]
	if err := c.query(ctx, procedure, params, &wire); err != nil {
		return nil, mayLook(err)
	}
	if wire == nil {
		return nil, noList(procedure)
	}
	return wire, nil
}
