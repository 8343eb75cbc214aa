package dokploy

import (
	"context"
)

// Rights are what the key's owner may do besides deploying (docs/dokploy.md,
// Keys and rights).
type Rights struct {
	CreateServices bool // application.update, compose.update
	Docker         bool // docker.*
	Env            bool // saveEnvironment
	Deploy         bool
}

// Rights asks for the rights of the key's owner (≥ 0.29.0). On older servers,
// where one can only try, ok is false.
func (c *Client) Rights(ctx context.Context) (r Rights, ok bool, err error) {
	var w struct {
		Service *struct {
			Create bool `json:"create"`
		} `json:"service"`
		Docker struct {
			Read bool `json:"read"`
		} `json:"docker"`
		EnvVars struct {
			Write bool `json:"write"`
		} `json:"envVars"`
		Deployment struct {
			Create bool `json:"create"`
		} `json:"deployment"`
	}
	err = c.query(ctx, "user.getPermissions", nil, &w)
	switch {
	case err != nil && !Unsupported(err):
		return Rights{}, false, err
	case err != nil, w.Service == nil:
		return Rights{}, false, nil
	}
	return Rights{CreateServices: w.Service.Create, Docker: w.Docker.Read, Env: w.EnvVars.Write, Deploy: w.Deployment.Create}, true, nil
}
