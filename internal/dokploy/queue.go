package dokploy

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Queue is the content of deployment.queueList at one moment, oldest job first.
type Queue struct {
	Jobs []Job
}

// Job is an entry of deployment.queueList (≥ 0.28.3). ProcessedOn is by the
// clock of Dokploy's process, like a row's times. So is QueuedAt, except for
// jobs that a server restored after a restart: theirs comes from its database.
type Job struct {
	ID   string
	Kind Kind
	// ServiceID is what is built: a service, or a preview, whose row is in no
	// list of its application (docs/dokploy.md, Previews).
	ServiceID   string
	PreviewOf   string // application of a preview, whose queue it is in; else empty
	Title       string
	Description string
	Remote      bool   // runs in the queue of a remote server
	ServerID    string // empty for remote jobs of a Git webhook (docs/dokploy.md, Remote servers)
	Active      bool   // false: waiting
	QueuedAt    time.Time
	ProcessedOn time.Time // zero while it waits
}

// Key identifies a job, also across a restart, after which ids start again at
// job-1 (docs/dokploy.md, The queue).
func (j *Job) Key() string {
	return j.ID + "@" + strconv.FormatInt(j.QueuedAt.UnixMilli(), 10)
}

// number returns the number in a job's id: 25 in "job-25" and in "25".
func (j *Job) number() int {
	digits := strings.TrimLeftFunc(j.ID, func(r rune) bool { return r < '0' || r > '9' })
	n, _ := strconv.Atoi(digits)
	return n
}

// Queue lists the waiting and active jobs of the whole server.
func (c *Client) Queue(ctx context.Context) (*Queue, error) {
	var wire listOf[struct {
		ID   json.RawMessage `json:"id"`
		Data struct {
			ApplicationID  string `json:"applicationId"`
			ComposeID      string `json:"composeId"`
			PreviewID      string `json:"previewDeploymentId"`
			TitleLog       string `json:"titleLog"`
			DescriptionLog string `json:"descriptionLog"`
			Server         bool   `json:"server"`
			ServerID       string `json:"serverId"`
		} `json:"data"`
		Timestamp   float64 `json:"timestamp"`
		ProcessedOn float64 `json:"processedOn"`
		State       string  `json:"state"`
	}]
	const procedure = "deployment.queueList"
	if err := c.query(ctx, procedure, nil, &wire); err != nil {
		return nil, err
	}
	if wire == nil {
		return nil, noList(procedure)
	}
	q := &Queue{}
	for _, w := range wire {
		switch w.State {
		case "completed", "failed":
			continue // BullMQ may list them (before 0.29.9)
		}
		j := Job{
			ID: strings.Trim(string(w.ID), `"`), Kind: Application, ServiceID: w.Data.ApplicationID,
			Title: w.Data.TitleLog, Description: w.Data.DescriptionLog,
			Remote: w.Data.Server, ServerID: w.Data.ServerID, Active: w.State == "active",
			QueuedAt: millis(w.Timestamp), ProcessedOn: millis(w.ProcessedOn),
		}
		if w.Data.ComposeID != "" {
			j.Kind, j.ServiceID = Compose, w.Data.ComposeID
		}
		if w.Data.PreviewID != "" {
			j.ServiceID, j.PreviewOf = w.Data.PreviewID, w.Data.ApplicationID
		}
		q.Jobs = append(q.Jobs, j)
	}
	// The server lists the newest first. Within a millisecond the ids decide.
	slices.SortStableFunc(q.Jobs, func(a, b Job) int {
		return cmp.Or(a.QueuedAt.Compare(b.QueuedAt), cmp.Compare(a.number(), b.number()))
	})
	return q, nil
}

// millis returns zero for times that are not of these centuries.
func millis(ms float64) time.Time {
	if ms <= 0 || ms > 1e13 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms))
}
