package dokploy

import (
	"context"
	"slices"
)

// HealthCheck is one run of a container's health check.
type HealthCheck struct {
	ExitCode int
	Output   string
}

// FailedHealthCheck is the newest one of a container that failed, as long as
// Docker keeps it; nil if it shows none. It needs the right "access to Docker".
func (c *Client) FailedHealthCheck(ctx context.Context, containerID, serverID string) (*HealthCheck, error) {
	// The rest, the environment above all, is not read.
	var container struct {
		State struct {
			Health struct{ Log listOf[HealthCheck] }
		}
	}
	if _, err := c.inspect(ctx, containerID, serverID, &container); err != nil {
		return nil, err
	}
	for _, check := range slices.Backward(container.State.Health.Log) {
		if check.ExitCode != 0 {
			return &check, nil
		}
	}
	return nil, nil //nolint:nilnil // there is none
}
