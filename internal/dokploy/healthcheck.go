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

// FailedHealthCheck returns the newest run that failed, as long as Docker keeps
// it; nil if there is none. It needs the right "access to Docker".
func (c *Client) FailedHealthCheck(ctx context.Context, containerID, serverID string) (*HealthCheck, error) {
	// Nothing else is read, least of all the environment.
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
