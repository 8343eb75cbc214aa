package track

import (
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// An upload whose answer was lost is not reported as not taken because of a
// similar deployment whose row is already listed: only a deployment that is
// still to come may have taken its place.
func TestBeforeUpload(t *testing.T) {
	began := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	manual := dokploy.Job{ID: "1", ServiceID: "api", Title: UploadTitle, QueuedAt: began}
	active := manual
	active.Active, active.ProcessedOn = true, began
	marked := active
	marked.Description = "[dd-another00001]"
	elsewhere := manual
	elsewhere.ServiceID = "web"
	row := dokploy.Deployment{ID: "a", Title: UploadTitle, StartedAt: began.Add(20 * time.Millisecond)}
	old := row
	old.StartedAt = began.Add(-time.Minute)
	others := row
	others.Title = "by hand"

	for name, tt := range map[string]struct {
		jobs       []dokploy.Job
		rows       []dokploy.Deployment
		keys, like int
	}{
		"none":                           {},
		"waits":                          {jobs: []dokploy.Job{manual}, keys: 1, like: 1},
		"waits, and an old row":          {jobs: []dokploy.Job{manual}, rows: []dokploy.Deployment{row}, keys: 1, like: 1},
		"active, its row is to come":     {jobs: []dokploy.Job{active}, rows: []dokploy.Deployment{old}, keys: 1, like: 1},
		"active, and another's row":      {jobs: []dokploy.Job{active}, rows: []dokploy.Deployment{others}, keys: 1, like: 1},
		"active, and its row is listed":  {jobs: []dokploy.Job{active}, rows: []dokploy.Deployment{row}, keys: 1},
		"active, and does not look like": {jobs: []dokploy.Job{marked}, keys: 1},
		"another service's":              {jobs: []dokploy.Job{elsewhere}},
	} {
		b := BeforeUpload("api", &dokploy.Queue{Jobs: tt.jobs}, tt.rows)
		if len(b.Rows) != len(tt.rows) || len(b.Jobs) != tt.keys || b.Lookalikes != tt.like {
			t.Errorf("%s: %+v", name, b)
		}
	}
	if b := BeforeUpload("api", nil, []dokploy.Deployment{row}); len(b.Rows) != 1 || len(b.Jobs) != 0 || b.Lookalikes != 0 {
		t.Errorf("hidden queue: %+v", b)
	}
}
