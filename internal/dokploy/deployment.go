package dokploy

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"dokploy-deploy/internal/text"
)

// The statuses of a deployment row.
const (
	// StatusQueued is the status of a row that is created when the deployment
	// is queued, as newer servers and forks do. It has no startedAt.
	StatusQueued    = "queued"
	StatusRunning   = "running"
	StatusDone      = "done"
	StatusError     = "error"
	StatusCancelled = "cancelled" // since 0.25.4
)

// Deployment is a deployment row. All times are by the server's clock.
type Deployment struct {
	ID            string
	Title         string
	Description   string
	Status        string
	LogPath       string    // empty: it could not even be started (docs/dokploy.md, Deployment rows)
	StartedAt     time.Time // zero: it has not started
	FinishedAt    time.Time // zero: it has not finished, or a restart cancelled it
	ErrorMessage  string
	BuildServerID string
}

// Terminal reports whether the deployment has ended.
func (d *Deployment) Terminal() bool {
	return d.Status == StatusDone || d.Status == StatusError || d.Status == StatusCancelled
}

// Deployments lists the rows that Dokploy keeps of a service, at most 11
// (docs/dokploy.md, Deployment rows). For an unknown service the list is empty
// since 0.28.7; before, the error is NotFound.
func (c *Client) Deployments(ctx context.Context, kind Kind, id string) ([]Deployment, error) {
	procedure := "deployment.all"
	if kind == Compose {
		procedure = "deployment.allByCompose"
	}
	// null or an object here is a malformed answer, not an empty list.
	var wire listOf[wireDeployment]
	if err := c.query(ctx, procedure, url.Values{string(kind) + "Id": {id}}, &wire); err != nil {
		return nil, err
	}
	if wire == nil {
		return nil, noList(procedure)
	}
	return rows(wire), nil
}

// Deploy calls application.deploy, compose.deploy or redeploy, once. An error
// whose request may have arrived (a TransportError with Made, or an Error with
// status 500 or above) leaves open whether Dokploy has it.
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

// parseTime parses the server's times; zero for anything that is not a time.
func parseTime(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s)
	return t
}
