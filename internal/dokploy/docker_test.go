package dokploy

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// answering is a client of a server that gives one answer, and the requests
// that it got.
func answering(t *testing.T, status int, body string) (*Client, *[]*url.URL) {
	var got []*url.URL
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{URL: u}), &got
}

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

// The server lists all whose names begin alike.
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

func TestMayNotLook(t *testing.T) {
	c, _ := answering(t, 401, `{"message":"unauthorized to access resource \"docker\"","code":"UNAUTHORIZED","data":{"code":"UNAUTHORIZED","httpStatus":401}}`)
	_, err := c.Tasks(t.Context(), "a", "")
	_, err2 := c.SwarmService(t.Context(), "a", "")
	if !errors.Is(err, ErrMayNotLook) || !errors.Is(err2, ErrMayNotLook) {
		t.Errorf("%v, %v", err, err2)
	}
	c, _ = answering(t, 401, `{"message":"Unauthorized"}`)
	if _, err := c.Tasks(t.Context(), "a", ""); err == nil || errors.Is(err, ErrMayNotLook) {
		t.Errorf("%v: this key is no key", err)
	}
	for _, body := range []string{"null", `{"a":1}`, "<html>"} {
		c, _ = answering(t, 200, body)
		if tasks, err := c.Tasks(t.Context(), "a", ""); err == nil {
			t.Errorf("%s is %v", body, tasks)
		}
	}
}

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

func TestReadContainerLogsAsksForFewer(t *testing.T) {
	var tails []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		tails = append(tails, r.URL.Path+"?"+r.URL.Query().Get("composeId")+r.URL.Query().Get("containerId")+r.URL.Query().Get("tail"))
		if len(tails) < 3 {
			w.WriteHeader(500)
			_, _ = w.Write([]byte(`{"message":"Command execution failed: stdout maxBuffer length exceeded","code":"INTERNAL_SERVER_ERROR"}`))
			return
		}
		_, _ = w.Write([]byte(`"boom\n"`))
	}))
	defer server.Close()
	u, _ := url.Parse(server.URL)
	s, err := New(Options{URL: u}).ReadContainerLogs(t.Context(), Compose, "c1-", "x-", 100)
	if err != nil || s != "boom\n" {
		t.Errorf("%q %v", s, err)
	}
	if got := strings.Join(tails, " "); got != "/api/compose.readLogs?c1-x-100 /api/compose.readLogs?c1-x-50 /api/compose.readLogs?c1-x-25" {
		t.Error(got)
	}
}

func TestAge(t *testing.T) {
	for words, want := range map[string]time.Duration{
		"Up Less than a second": 0, "Up 1 second": time.Second, "Exited (1) 59 seconds ago": 59 * time.Second,
		"Up About a minute (healthy)": time.Minute, "Running about an hour ago": time.Hour, "Up 2 hours": 90 * time.Minute,
		"Up 3 days": 72 * time.Hour, "Up 2 weeks": 14 * 24 * time.Hour, "Up 5 months": 150 * 24 * time.Hour, "Up 2 years": 730 * 24 * time.Hour,
	} {
		if got, ok := age(words); !ok || got != want {
			t.Errorf("%q is %s %v, want %s", words, got, ok, want)
		}
	}
	if _, ok := age("Created"); ok {
		t.Error("Created has an age")
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
