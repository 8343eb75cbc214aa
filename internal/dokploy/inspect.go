package dokploy

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// ServiceOfTask is the id of the service that a task is of; empty if there is
// no such task. The name of an application that Dokploy builds is that of its
// image, too, and inspecting it gives the image (docs/dokploy.md, What runs: applications).
func (c *Client) ServiceOfTask(ctx context.Context, taskID, serverID string) (string, error) {
	params := url.Values{"containerId": {taskID}}
	if serverID != "" {
		params.Set("serverId", serverID)
	}
	var task struct{ ServiceID string }
	err := c.query(ctx, "docker.getConfig", params, &task)
	if empty(err) {
		return "", nil
	}
	return task.ServiceID, mayLook(err)
}

// ForceOfTask is the ForceUpdate that a task was made with; false if there is no
// such task. Each deployment of an application counts it up.
func (c *Client) ForceOfTask(ctx context.Context, taskID, serverID string) (uint64, bool, error) {
	params := url.Values{"containerId": {taskID}}
	if serverID != "" {
		params.Set("serverId", serverID)
	}
	var task struct {
		ServiceID string
		Spec      struct{ ForceUpdate uint64 }
	}
	err := c.query(ctx, "docker.getConfig", params, &task)
	if empty(err) {
		return 0, false, nil
	}
	return task.Spec.ForceUpdate, task.ServiceID != "", mayLook(err)
}

// MadeAt is when a container or a task on Dokploy's own host was made, by
// Docker's clock; zero: there is no such thing.
func (c *Client) MadeAt(ctx context.Context, id string) (time.Time, error) {
	var made struct{ Created, CreatedAt string }
	err := c.query(ctx, "docker.getConfig", url.Values{"containerId": {id}}, &made)
	if empty(err) {
		return time.Time{}, nil
	}
	return parseTime(cmp.Or(made.Created, made.CreatedAt)), mayLook(err)
}

// empty reports whether an answer has no body.
func empty(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusOK && e.Message == emptyAnswer
}
