package dokploy

import (
	"io"
	"net/http"
	"testing"
)

// TestQueueOfPreviews: a preview's job is not its application's.
func TestQueueOfPreviews(t *testing.T) {
	c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `[{"id":"job-2","data":{"applicationId":"a","applicationType":"application-preview","previewDeploymentId":"p"},"state":"waiting","timestamp":2},
		  {"id":"job-1","data":{"applicationId":"a","applicationType":"application"},"state":"active","timestamp":1}]`)
	})
	q, err := c.Queue(t.Context())
	if err != nil || len(q.Jobs) != 2 || q.Jobs[0].PreviewOf != "" || q.Jobs[0].ServiceID != "a" || q.Jobs[1].PreviewOf != "a" || q.Jobs[1].ServiceID != "p" {
		t.Errorf("%+v, %v", q, err)
	}
}
