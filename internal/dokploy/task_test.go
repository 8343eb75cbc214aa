package dokploy

import (
	"fmt"
	"testing"
	"time"
)

func TestTasks(t *testing.T) {
	c, got := answering(t, 200, `[{"containerId":"uyrkstw1d5157h6yb15cdeg27","name":"r2-app-v4mxb5.2","state":"shutdown","currentState":"Failed about a minute ago","node":"vm","error":"\"task: non-zero exit (1)\""},`+
		`{"containerId":"wg17kbw5odbd","name":"r2-app-v4mxb5.1","state":"running","node":"vm","error":"Error:"}]`)
	tasks, err := c.Tasks(t.Context(), "r2-app-v4mxb5", "srv")
	if err != nil {
		t.Fatal(err)
	}
	want := []Task{
		{ID: "uyrkstw1d5157h6yb15cdeg27", Service: "r2-app-v4mxb5", Slot: "2", Desired: "shutdown", State: "Failed", Error: "task: non-zero exit (1)", Age: time.Minute, Aged: true},
		{ID: "wg17kbw5odbd", Service: "r2-app-v4mxb5", Slot: "1", Desired: "running"},
	}
	if fmt.Sprint(tasks) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", tasks, want)
	}
	if q := (*got)[0].Query(); q.Get("serverId") != "srv" || q.Get("appName") != "r2-app-v4mxb5" {
		t.Errorf("asked %v", (*got)[0])
	}
}

func TestStackTasksShown(t *testing.T) {
	c, got := answering(t, 200, `[{"containerId":"","name":"st-1_web.1.8spx4mp5bz3b6kvelajfj34tg","node":"vm","state":"rejected","status":"Rejected 4 seconds ago (\"No such image: a (b)\")"},`+
		`{"containerId":"60f390601b53","name":"st-1_web.2.y1nz16kf6e32a7muw0ftay2dd","node":"vm","state":"running","status":"Running 12 seconds ago (Error:)"},`+
		`{"containerId":"1","name":"st-10_web.1.z","node":"vm","state":"running","status":"Running 12 seconds ago (Error:)"}]`)
	tasks, err := c.StackTasksShown(t.Context(), "st-1", "")
	if err != nil || len(tasks) != 2 {
		t.Fatalf("%v %v", tasks, err)
	}
	if a := tasks[0]; a.State != "Rejected" || a.Error != "No such image: a (b)" || a.Service != "st-1_web" || a.ID != "8spx4mp5bz3b6kvelajfj34tg" || a.Age != 4*time.Second {
		t.Errorf("%+v", a)
	}
	if b := tasks[1]; b.State != "Running" || b.Error != "" || b.Slot != "2" {
		t.Errorf("%+v", b)
	}
	if q := (*got)[0].Query(); q.Get("appType") != "stack" || q.Has("serverId") {
		t.Errorf("asked %v", (*got)[0])
	}
}
