package dokploy

import (
	"context"
	"net/url"
	"time"
)

// Rollback is what Dokploy keeps of an earlier deployment in order to go back.
type Rollback struct {
	ID           string
	DeploymentID string
	Status       string // of that deployment
	StartedAt    time.Time
	Image        string // without a registry's address
}

// Rollbacks lists them, newest deployment first (≥ 0.23, docs/dokploy.md, Going
// back). Failed deployments have one too. The answer contains a registry's
// password, which is not read.
func (c *Client) Rollbacks(ctx context.Context, applicationID string) ([]Rollback, error) {
	var wire listOf[struct {
		wireDeployment
		Rollback *struct {
			RollbackID string `json:"rollbackId"`
			Image      string `json:"image"`
		} `json:"rollback"`
	}]
	const procedure = "deployment.allByType"
	if err := c.query(ctx, procedure, url.Values{"id": {applicationID}, "type": {"application"}}, &wire); err != nil {
		return nil, err
	}
	if wire == nil {
		return nil, noList(procedure)
	}
	var list []Rollback
	for _, w := range wire {
		if w.Rollback == nil || w.Rollback.RollbackID == "" {
			continue
		}
		d := w.deployment()
		list = append(list, Rollback{ID: w.Rollback.RollbackID, DeploymentID: d.ID, Status: d.Status, StartedAt: d.StartedAt, Image: w.Rollback.Image})
	}
	return list, nil
}

// GoBack makes Dokploy restore an earlier version in Swarm. It creates no
// deployment row and leaves Dokploy's settings of the service as they are
// (docs/dokploy.md, Going back).
func (c *Client) GoBack(ctx context.Context, rollbackID string) error {
	_, err := c.mutate(ctx, "rollback.rollback", map[string]string{"rollbackId": rollbackID})
	return err
}
