package rollout_test

import (
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
)

// A service of a stack that the file sets to no replicas is not waited for,
// even if it had containers before.
func TestAServiceOfAStackThatIsSetToNone(t *testing.T) {
	before := stackView(-1, map[string]*dokploy.SwarmService{"st_web": swarm(0, "", ""), "st_db": swarm(0, "", "")},
		stackTask("st_web", oldID, "Running", time.Hour), stackTask("st_db", third, "Running", time.Hour))
	none := swarm(0, "completed", "b")
	none.Mode, none.Replicas = "replicated", 0
	web := swarm(0, "completed", "b")
	now := stackView(0, map[string]*dokploy.SwarmService{"st_web": web, "st_db": none}, stackTask("st_web", newID, "Running", 0),
		dokploy.Task{ID: third, Service: "st_db", Slot: "1", Desired: "shutdown", State: "Shutdown", Age: time.Second, Aged: true})
	v, _ := looks(rollout.NewStack([]string{"st_db", "st_web"}, rollout.Before{View: before}, stableFor), now, 0, 60)
	if v.State != rollout.Running || v.Ready != 1 || v.Wanted != 1 {
		t.Errorf("%+v", v)
	}
}
