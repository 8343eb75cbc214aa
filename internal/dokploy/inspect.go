package dokploy

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// inspect reads what docker inspect says of a service, task or container; false if
// there is none of this name or id (or Docker could not say). It needs the right
// "access to Docker".
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

// ServiceOfTask is the id of the service that a task is of; empty if there is
// no such task. The name of an application that Dokploy builds is that of its
// image, too, and inspecting it gives the image (docs/dokploy.md, What runs: applications).
func (c *Client) ServiceOfTask(ctx context.Context, taskID, serverID string) (string, error) {
	var task struct{ ServiceID string }
	_, err := c.inspect(ctx, taskID, serverID, &task)
	return task.ServiceID, err
}

// ForceOfTask is the ForceUpdate that a task was made with; false if there is no
// such task. Each deployment of an application counts it up.
func (c *Client) ForceOfTask(ctx context.Context, taskID, serverID string) (uint64, bool, error) {
	var task struct {
		ServiceID string
		Spec      struct{ ForceUpdate uint64 }
	}
	_, err := c.inspect(ctx, taskID, serverID, &task)
	return task.Spec.ForceUpdate, task.ServiceID != "", err
}

// MadeAt is when a container or a task on Dokploy's own host was made, by
// Docker's clock; zero: there is no such thing.
func (c *Client) MadeAt(ctx context.Context, id string) (time.Time, error) {
	var made struct{ Created, CreatedAt string }
	_, err := c.inspect(ctx, id, "", &made)
	return parseTime(cmp.Or(made.Created, made.CreatedAt)), err
}
