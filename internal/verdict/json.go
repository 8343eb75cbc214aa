package verdict

import (
	"encoding/json"
	"strings"
	"time"
)

// Output is one target in the output "deployments".
type Output struct {
	Target        string   `json:"target"`
	Kind          string   `json:"kind"`
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	DeploymentID  string   `json:"deploymentId"`
	Status        Status   `json:"status"`
	URL           string   `json:"url"`
	DashboardURL  string   `json:"dashboardUrl"`
	QueuedSeconds *int     `json:"queuedSeconds"` // null: not known
	BuildSeconds  *int     `json:"buildSeconds"`  // null: not known
	Commit        string   `json:"commit"`        // empty: not known
	Verified      Verified `json:"verified"`      // yes, no, unchanged, unknown
	Error         string   `json:"error"`         // empty on success
}

// JSON returns the output "deployments". fit prepares its free text; keys,
// statuses, ids, names and addresses stay as they are.
func (r *Report) JSON(fit func(string) string) string {
	out := make([]Output, 0, len(r.Results))
	for i := range r.Results {
		res := &r.Results[i]
		o := Output{
			Target: res.Target, Kind: res.Kind, ID: res.ID, Name: res.Service, DeploymentID: res.DeploymentID, Status: res.Status,
			URL: res.URL(), DashboardURL: res.DashboardURL, Error: fit(res.Error()), Verified: VerifiedUnknown,
			QueuedSeconds: seconds(res.Queued), BuildSeconds: seconds(res.Build), Commit: res.Commit,
		}
		if res.Verified != "" {
			o.Verified = res.Verified
		}
		out = append(out, o)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // keeps URLs readable
	if err := enc.Encode(out); err != nil {
		return "[]"
	}
	return strings.TrimSpace(b.String())
}

// Commit returns the output "commit": that of the first target that has one.
func (r *Report) Commit() string {
	for _, res := range r.Results {
		if res.Commit != "" {
			return res.Commit
		}
	}
	return ""
}

// DeploymentIDs returns the output "deployment-id", in the order of the inputs.
func (r *Report) DeploymentIDs() string {
	var ids []string
	for _, res := range r.Results {
		if res.DeploymentID != "" {
			ids = append(ids, res.DeploymentID)
		}
	}
	return strings.Join(ids, ",")
}

func seconds(d time.Duration) *int {
	if d < 0 {
		return nil
	}
	s := int(d.Round(time.Second).Seconds())
	return &s
}
