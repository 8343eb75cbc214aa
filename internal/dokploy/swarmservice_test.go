package dokploy

import (
	"fmt"
	"strings"
	"testing"
)

func TestSwarmService(t *testing.T) {
	c, _ := answering(t, 200, `{"ID":"j4xx","Version":{"Index":2146},"Spec":{"Name":"app","TaskTemplate":{"ContainerSpec":{"Image":"a:2","Env":["SECRET=hunter2"]},`+
		`"RestartPolicy":{"Condition":"any"},"ForceUpdate":19},"Mode":{"Replicated":{"Replicas":3}}},"PreviousSpec":{"TaskTemplate":{"ForceUpdate":18}},`+
		`"UpdateStatus":{"State":"completed","StartedAt":"2026-11-23T09:25:11.4Z","Message":"update completed"}}`)
	s, err := c.SwarmService(t.Context(), "app", "")
	if err != nil {
		t.Fatal(err)
	}
	want := SwarmService{Image: "a:2", ForceUpdate: 19, Mode: "replicated", Replicas: 3, Restart: "any",
		UpdateState: "completed", UpdateStartedAt: "2026-11-23T09:25:11.4Z"}
	if *s != want {
		t.Errorf("got  %+v\nwant %+v", *s, want)
	}
	if strings.Contains(fmt.Sprintf("%+v", s), "hunter2") {
		t.Error("the environment is kept")
	}
	for _, body := range []string{"", `{"Id":"sha256:1","RepoTags":["app:latest"],"Config":{"Env":["SECRET=hunter2"]}}`, `{"ID":"t","ServiceID":"s","Spec":{"ForceUpdate":5}}`} {
		c, _ = answering(t, 200, body)
		if s, err := c.SwarmService(t.Context(), "app", ""); s != nil || err != nil {
			t.Errorf("%q is %+v, %v", body, s, err)
		}
	}
	c, _ = answering(t, 200, `SECRET=hunter2 {`)
	if _, err := c.SwarmService(t.Context(), "app", ""); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}
