package dokploy

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"dokploy-deploy/internal/text"
)

// Statuses of a deployment row.
const (
	// StatusQueued is that of a row which is made when a deployment is queued,
	// as newer servers and forks do; it has no startedAt.
	StatusQueued    = "queued"
	StatusRunning   = "running"
	StatusDone      = "done"
	StatusError     = "error"
	StatusCancelled = "cancelled" // since 0.25.4
)

// Deployment is a deployment row. All times are of the server's clock.
type Deployment struct {
	ID            string
	Title         string
	Description   string
	Status        string
	LogPath       string    // empty: could not even be started (docs/dokploy.md, Deployment rows)
	StartedAt     time.Time // zero: it has not begun
	FinishedAt    time.Time // zero: not finished, or cancelled by a restart
	ErrorMessage  string
	BuildServerID string
}

// Terminal reports whether the status ends a deployment.
func (d *Deployment) Terminal() bool {
	return d.Status == StatusDone || d.Status == StatusError || d.Status == StatusCancelled
}

// Deployments lists the kept rows of a service, at most 11 (docs/dokploy.md, Deployment rows). An
// unknown service is an empty list since 0.28.7, and NotFound before.
func (c *Client) Deployments(ctx context.Context, kind Kind, id string) ([]Deployment, error) {
	procedure := "deployment.all"
	if kind == Compose {
		procedure = "deployment.allByCompose"
	}
	// A null or an object in its place is an odd answer, not an empty list.
	var wire listOf[wireDeployment]
	if err := c.query(ctx, procedure, url.Values{string(kind) + "Id": {id}}, &wire); err != nil {
		return nil, err
	}
	if wire == nil {
		return nil, noList(procedure)
	}
	return rows(wire), nil
}

// Deploy triggers application.deploy, compose.deploy or redeploy. It is sent
// once: an error whose request may have arrived (a TransportError that was
// Made, or an Error of status 500 and above) leaves open whether Dokploy has it.
func (c *Client) Deploy(ctx context.Context, kind Kind, operation, id, title, description string) error {
	input := map[string]string{string(kind) + "Id": id, "title": title, "description": description}
	procedure := string(kind) + "." + operation
	a, err := c.mutate(ctx, procedure, input)
	if err != nil {
		return err
	}
	var said struct {
		Success *bool  `json:"success"`
		Message string `json:"message"`
	}
	if json.Unmarshal(unwrap(a.body), &said) == nil && said.Success != nil && !*said.Success {
		return &Error{Procedure: procedure, Status: a.status, Message: text.OneLine(said.Message)}
	}
	return nil
}

type wireDeployment struct {
	DeploymentID  string `json:"deploymentId"`
	Title         string `json:"title"`
	Description   string `json:"description"`
	Status        string `json:"status"`
	LogPath       string `json:"logPath"`
	StartedAt     string `json:"startedAt"`
	FinishedAt    string `json:"finishedAt"`
	ErrorMessage  string `json:"errorMessage"`
	BuildServerID string `json:"buildServerId"`
}

func rows(wire listOf[wireDeployment]) []Deployment {
	out := make([]Deployment, 0, len(wire))
	for _, w := range wire {
		if w.DeploymentID == "" {
			continue
		}
		out = append(out, w.deployment())
	}
	return out
}

func (w *wireDeployment) deployment() Deployment {
	return Deployment{
		ID: w.DeploymentID, Title: w.Title, Description: w.Description, Status: w.Status, LogPath: w.LogPath,
		StartedAt: parseTime(w.StartedAt), FinishedAt: parseTime(w.FinishedAt),
		ErrorMessage: w.ErrorMessage, BuildServerID: w.BuildServerID,
	}
}

// parseTime reads the server's times; zero for what is none.
func parseTime(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s)
	return t
}
