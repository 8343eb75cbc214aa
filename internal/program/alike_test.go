package program

import (
	"strings"
	"testing"

	"dokploy-deploy/internal/dokploytest"
)

// Failures of two services with the same name count as two, in the lines, the
// verdicts and the annotations.
func TestServicesOfOneName(t *testing.T) {
	t.Parallel()
	broken := dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(0, "Error response from daemon: manifest unknown")}
	for _, c := range []struct {
		name  string
		names []string
		build func(*dokploytest.Server) []string
	}{
		{"an application and a compose service", []string{"web (application)", "web (compose)"}, func(s *dokploytest.Server) []string {
			s.AddApplication(dokploytest.Application{Name: "web", Build: broken})
			s.AddCompose(dokploytest.Compose{Name: "web", Build: broken})
			return []string{"INPUT_APPLICATION", "web", "INPUT_COMPOSE", "web"}
		}},
		{"two applications", []string{"web (first-application-id12)", "web (other-application-id34)"}, func(s *dokploytest.Server) []string {
			s.AddApplication(dokploytest.Application{Name: "web", ID: "first-application-id12", Build: broken})
			s.AddApplication(dokploytest.Application{Name: "web", ID: "other-application-id34", Build: broken})
			return []string{"INPUT_APPLICATION", "first-application-id12, other-application-id34"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv, env := standIn(t, dokploytest.Options{})
			p := call{env: with(with(env, c.build(srv)...), "GITHUB_ACTIONS", "true", "INPUT_LOGS", "off")}
			p.run(t.Context())
			for _, name := range c.names {
				for _, want := range []string{"✗ " + name + " failed", "::error title=Dokploy%3A " + name + " failed", "\n" + name + " "} {
					if n := strings.Count(p.stdout.String(), want); p.code != 1 || n == 0 || n > 1 && !strings.HasSuffix(want, " ") {
						t.Errorf("exit %d, %q %d times\n%s", p.code, want, n, &p.stdout)
					}
				}
			}
		})
	}
}
