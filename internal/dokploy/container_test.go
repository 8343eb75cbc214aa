package dokploy

import (
	"testing"
)

// The server lists all containers whose names begin alike.
func TestContainersOfOneService(t *testing.T) {
	c, _ := answering(t, 200, `[{"containerId":"1","name":"web.1.aaa","state":"running","status":"Up 3 seconds (health: starting)"},`+
		`{"containerId":"2","name":"web-2.1.bbb","state":"running"},{"containerId":"3","name":"web-db-1","state":"exited","status":"Exited (1) 2 hours ago"}]`)
	all, err := c.Containers(t.Context(), "web", "", "")
	if err != nil || len(all) != 1 || all[0].ID != "1" || all[0].Health() != "starting" {
		t.Errorf("%+v %v", all, err)
	}
	all, err = c.Containers(t.Context(), "web", "docker-compose", "")
	if err != nil || len(all) != 3 {
		t.Errorf("%+v %v", all, err)
	}
}

func TestExitCode(t *testing.T) {
	for status, want := range map[string]int{"Exited (0) 3 seconds ago": 0, "Exited (137) 1 second ago": 137, "Restarting (1) Less than a second ago": 1} {
		if got, ok := (Container{Status: status}).ExitCode(); !ok || got != want {
			t.Errorf("%q is %d %v", status, got, ok)
		}
	}
	for _, status := range []string{"", "Up 3 seconds", "Created"} {
		if _, ok := (Container{Status: status}).ExitCode(); ok {
			t.Errorf("%q has an exit code", status)
		}
	}
}
