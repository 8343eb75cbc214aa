package dokploytest

import (
	"testing"
	"time"
)

// TestUpdateOverUpdate: an update that begins before the last one's task runs
// succeeds. Seen on a real v0.30.2 (e2e, "another deployment comes right
// behind"): once the older task runs, it has no effect on the newer one.
func TestUpdateOverUpdate(t *testing.T) {
	for _, gap := range []time.Duration{0, 300 * time.Millisecond, 700 * time.Millisecond, time.Second, 3 * time.Second} {
		bubble(t, Options{}, func(t *testing.T, s *Server, _ *client) {
			v := s.AddApplication(Application{})
			s.Enqueue(v, "first", "")
			time.Sleep(gap)
			s.Enqueue(v, "second", "")
			time.Sleep(30 * time.Second)
			if got := v.Running(); got.N != 2 {
				t.Errorf("%s: version %d runs", gap, got.N)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if u := s.swarm[v.AppName].update; u == nil || u.state != "completed" {
				t.Errorf("%s: the update is %+v", gap, u)
			}
		})
	}
}
