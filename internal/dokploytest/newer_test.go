package dokploytest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestNewerServers: rows for waiting deployments, ids in the answer and a queue
// that survives a restart, separately and together, with every kind of service.
func TestNewerServers(t *testing.T) {
	slow := Build{Steps: []Step{{After: 20 * time.Second, Text: "built\n"}}}
	kinds := map[string]func(s *Server) *Service{
		"application": func(s *Server) *Service { return s.AddApplication(Application{Build: slow}) },
		"compose":     func(s *Server) *Service { return s.AddCompose(Compose{Build: slow}) },
		"stack":       func(s *Server) *Service { return s.AddCompose(Compose{ComposeType: "stack", Build: slow}) },
		"remote":      func(s *Server) *Service { return s.AddApplication(Application{ServerID: "server-1", Build: slow}) },
		"preview": func(s *Server) *Service {
			v := s.AddApplication(Application{SourceType: "github", Name: "api", Previews: &Previews{Build: slow}})
			s.PullRequest(PullRequest{Number: 7})
			time.Sleep(time.Minute)
			return s.Previews(v)[0]
		},
	}
	for kind, add := range kinds {
		for bits := range 8 {
			o := Options{QueuedRows: bits&1 != 0, AnswersID: bits&2 != 0, KeepsQueue: bits&4 != 0, ReturnsAfter: time.Second}
			t.Run(fmt.Sprintf("%s, rows %v, ids %v, kept %v", kind, o.QueuedRows, o.AnswersID, o.KeepsQueue), func(t *testing.T) {
				bubble(t, o, func(t *testing.T, s *Server, c *client) {
					v := add(s)
					old := len(s.Deployments(v))
					start := func(text string) string {
						if v.parent != nil {
							c.do("POST", "/api/previewDeployment.redeploy", `{"previewDeploymentId":"`+v.ID+`","title":"`+text+`","description":"`+text+`"}`)
							return ""
						}
						status, body := c.do("POST", "/api/"+v.Kind+".deploy", `{"`+v.Kind+`Id":"`+v.ID+`","title":"`+text+`","description":"`+text+`"}`)
						if status != 200 {
							t.Fatalf("%d %s", status, body)
						}
						var m struct{ DeploymentID string }
						_ = json.Unmarshal([]byte(body), &m)
						if (m.DeploymentID != "") != o.AnswersID {
							t.Errorf("answer %s", body)
						}
						return m.DeploymentID
					}
					first := start("first")
					time.Sleep(2 * time.Second)
					second := start("second")
					time.Sleep(time.Second)
					rows := s.Deployments(v)
					if want := old + 1 + bits&1; len(rows) != want {
						t.Fatalf("%d rows, not %d", len(rows), want)
					}
					if o.QueuedRows && (rows[0].Status != "queued" || !rows[0].StartedAt.IsZero() || rows[0].Title != "second" || second != "" && rows[0].ID != second) {
						t.Errorf("the one that waits: %+v", rows[0])
					}
					if at := rows[bits&1]; at.Status != "running" || first != "" && at.ID != first {
						t.Errorf("the one that runs: %+v, answered %s", at, first)
					}
					s.Restart(3 * time.Second)
					time.Sleep(2 * time.Minute)
					var story []string
					for _, r := range s.Deployments(v) {
						story = append(story, r.Title+" "+r.Status)
						if r.Title == "second" && second != "" && r.ID != second {
							t.Errorf("the second one is %s, answered: %s", r.ID, second)
						}
					}
					story = story[:len(story)-old]
					want := "first cancelled"
					switch {
					case o.KeepsQueue && o.QueuedRows:
						want = "first done, second done, first cancelled" // the row of the second one is the older one
					case o.KeepsQueue:
						want = "second done, first done, first cancelled"
					case o.QueuedRows:
						want = "second cancelled, first cancelled"
					}
					if got := strings.Join(story, ", "); got != want {
						t.Errorf("after a restart: %s; want: %s", got, want)
					}
				})
			})
		}
	}
}
