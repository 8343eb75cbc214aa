package dokploy

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// inspect reads what docker inspect says about a service, task or container;
// false if there is none of that name or id, or if Docker did not answer. It
// needs the right "access to Docker".
func (c *Client) inspect(ctx context.Context, nameOrID, serverID string, into any) (bool, error) {
	params := url.Values{"containerId": {nameOrID}}
	if serverID != "" {
		params.Set("serverId", serverID)
	}
	err := c.query(ctx, "docker.getConfig", params, into)
	if noBody(err) {
		return false, nil
	}
	return err == nil, mayLook(err)
}

// noBody reports whether an answer has no body.
func noBody(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusOK && e.Message == emptyAnswer
}

// ServiceOfTask returns the id of the Swarm service that a task belongs to;
// empty if there is no such task. An application that Dokploy builds has the
// same name as its image, and inspecting that name returns the image
// (docs/dokploy.md, What runs: applications).
func (c *Client) ServiceOfTask(ctx context.Context, taskID, serverID string) (string, error) {
	var task struct{ ServiceID string }
	_, err := c.inspect(ctx, taskID, serverID, &task)
	return task.ServiceID, err
}

// ForceOfTask returns the ForceUpdate that a task was created with; false if
// there is no such task. Each deployment of an application increments it.
func (c *Client) ForceOfTask(ctx context.Context, taskID, serverID string) (uint64, bool, error) {
	var task struct {
		ServiceID string
		Spec      struct{ ForceUpdate uint64 }
	}
	_, err := c.inspect(ctx, taskID, serverID, &task)
	return task.Spec.ForceUpdate, task.ServiceID != "", err
}

// MadeAt returns when a container or task on Dokploy's own host was created, by
// Docker's clock; zero: there is no such thing.
func (c *Client) MadeAt(ctx context.Context, id string) (time.Time, error) {
	var made struct{ Created, CreatedAt string }
	_, err := c.inspect(ctx, id, "", &made)
	return parseTime(cmp.Or(made.Created, made.CreatedAt)), err
}
