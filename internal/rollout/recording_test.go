package rollout_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
)

const recordings = "../../testdata/recordings/rollout"

// t0 is when the deploy call of a recording was sent.
var t0 = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// recording is one rollout, as the client read the answers.
type recording struct {
	name    string
	app     string
	before  rollout.View // with everything that can be known
	done    time.Duration
	end     time.Duration // of the recording
	status  string        // of the row
	changes []change
	truths  []truth
	names   []string // of a stack's services
}

// change is the new value of one source.
type change struct {
	at         time.Duration
	tasks      []dokploy.Task // owner's
	shown      []dokploy.Task // of a stack, as a member sees them
	service    *dokploy.SwarmService
	named      string // that service
	containers []dokploy.Container
}

// truth is what the host itself reported.
type truth struct {
	at      time.Duration
	lines   []string          // of docker ps or docker service ps
	updates map[string]string // UpdateStatus.State, by service
}

type line struct {
	MS   int
	Src  string
	Keys []string
	V    json.RawMessage
}

// reader passes recorded answers through the client.
type reader struct {
	body   []byte
	client *dokploy.Client
}

func newReader(t *testing.T) *reader {
	r := &reader{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(r.body)
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	r.client = dokploy.New(dokploy.Options{URL: u})
	t.Cleanup(r.client.CloseIdle)
	return r
}

// must returns a function that returns the value, or ends the test if there is
// an error.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// inspected rebuilds the answer of docker.getConfig from what was kept of it.
func inspected(t *testing.T, name string, v []byte) []byte {
	if bytes.HasPrefix(v, []byte(`"`)) {
		return nil // an empty body
	}
	var kept struct {
		ID           string
		Version      any
		Image        string
		ForceUpdate  int
		UpdateStatus any
		Mode         any
	}
	if err := json.Unmarshal(v, &kept); err != nil {
		t.Fatal(err)
	}
	if kept.Mode == nil { // not kept for stacks, which have one replica
		kept.Mode = map[string]any{"Replicated": map[string]any{"Replicas": 1}}
	}
	raw, err := json.Marshal(map[string]any{
		"ID": "id" + kept.ID, "Version": kept.Version, "UpdateStatus": kept.UpdateStatus,
		"Spec": map[string]any{"Name": name, "Mode": kept.Mode, "TaskTemplate": map[string]any{
			"ForceUpdate": kept.ForceUpdate, "ContainerSpec": map[string]any{"Image": kept.Image, "Env": []string{"SECRET=x"}},
		}},
	})
	return must(raw, err)(t)
}

var (
	serviceLine = regexp.MustCompile(`(?m)^  (\w+):$`)
	taskLine    = regexp.MustCompile(`^(\S+) (\S+)\.(\S+) \S+ want=(\w+) (\w+)( [^"]*)(.*)$`)
	appNames    = regexp.MustCompile(`"([a-z0-9]+(?:-[a-z]+)?-\w{6})[._-]`)
)

// load reads a recording.
func (r *reader) load(t *testing.T, file string) *recording {
	raw := must(os.ReadFile(file))(t)
	rec := &recording{name: strings.TrimSuffix(filepath.Base(file), ".jsonl")}
	rec.name = strings.TrimSuffix(rec.name, ".timeline")
	if m := appNames.FindSubmatch(raw); m != nil {
		rec.app = string(m[1])
	} else {
		t.Fatalf("%s names no service", file)
	}
	rec.before = rollout.View{At: t0.Add(-500 * time.Millisecond), Docker: true, Services: map[string]*dokploy.SwarmService{}}
	keys := map[string][]string{}
	scan := bufio.NewScanner(bytes.NewReader(raw))
	scan.Buffer(nil, 1<<20)
	web := rec.app + "_web"
	ctx := t.Context()
	for scan.Scan() {
		var l line
		if err := json.Unmarshal(scan.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if l.Keys != nil {
			keys[l.Src] = l.Keys
		}
		c := change{at: time.Duration(l.MS) * time.Millisecond}
		rec.end = max(rec.end, c.at)
		if names := keys[l.Src]; names != nil {
			l.V = objects(t, names, l.V)
		}
		r.body = l.V
		switch l.Src {
		case "note":
			continue
		case "composeFile":
			var file string
			if err := json.Unmarshal(l.V, &file); err != nil {
				t.Fatal(err)
			}
			for _, m := range serviceLine.FindAllStringSubmatch(file, -1) {
				rec.names = append(rec.names, rec.app+"_"+m[1])
			}
			continue
		case "before.getServiceContainersByAppName":
			rec.before.Tasks = must(r.client.Tasks(ctx, rec.app, ""))(t)
			continue
		case "before.getConfig(service)":
			r.body = inspected(t, rec.app, l.V)
			rec.before.Services[rec.app] = must(r.client.SwarmService(ctx, rec.app, ""))(t)
			continue
		case "before.getContainersByAppNameMatch":
			if strings.HasPrefix(rec.name, "compose") {
				rec.before.Containers = must(r.client.Containers(ctx, rec.app, "docker-compose", ""))(t)
			}
			continue
		case "before.truth":
			rec.beforeTruth(l.V)
			continue
		case "truth":
			rec.truths = append(rec.truths, readTruth(c.at, rec.app, l.V))
			continue
		case "deployment.all", "deployment.allByCompose":
			var rows [][]any
			if err := json.Unmarshal(l.V, &rows); err != nil {
				t.Fatal(err)
			}
			if status := rows[0][2].(string); status == "done" || status == "error" {
				rec.done, rec.status = c.at, status
			}
			continue
		case "owner.getServiceContainersByAppName":
			c.tasks = must(r.client.Tasks(ctx, rec.app, ""))(t)
		case "owner.getStackContainersByAppName":
			c.tasks = must(r.client.StackTasks(ctx, rec.app, ""))(t)
		case "member.getContainersByAppNameMatch(stack)":
			c.shown = must(r.client.StackTasksShown(ctx, rec.app, ""))(t)
			if c.shown == nil {
				c.shown = []dokploy.Task{}
			}
		case "owner.getConfig(service)":
			r.body = inspected(t, rec.app, l.V)
			c.service, c.named = must(r.client.SwarmService(ctx, rec.app, ""))(t), rec.app
		case "owner.getConfig(stack_web)":
			r.body = inspected(t, web, l.V)
			c.service, c.named = must(r.client.SwarmService(ctx, web, ""))(t), web
		case "member.getContainersByAppNameMatch", "owner.getContainersByAppNameMatch(no appType)":
			c.containers = must(r.client.Containers(ctx, rec.app, "", ""))(t)
		case "member.getContainersByAppNameMatch(docker-compose)":
			c.containers = must(r.client.Containers(ctx, rec.app, "docker-compose", ""))(t)
		default:
			t.Fatalf("%s: source %q", file, l.Src)
		}
		if c.containers == nil && strings.Contains(l.Src, "NameMatch") && c.shown == nil {
			c.containers = []dokploy.Container{}
		}
		rec.changes = append(rec.changes, c)
	}
	if rec.status == "" || len(rec.changes) == 0 || len(rec.truths) == 0 {
		t.Fatalf("%s: the row ended %q, %d changes, %d truths", file, rec.status, len(rec.changes), len(rec.truths))
	}
	rec.beforeContainers()
	return rec
}

func objects(t *testing.T, names []string, v []byte) []byte {
	var rows [][]any
	if err := json.Unmarshal(v, &rows); err != nil {
		t.Fatal(err)
	}
	list := make([]map[string]any, 0, len(rows))
	for _, row := range rows {
		object := map[string]any{}
		for i, name := range names {
			object[name] = row[i]
		}
		list = append(list, object)
	}
	raw, err := json.Marshal(list)
	return must(raw, err)(t)
}

// beforeTruth sets what was running of a stack before: its tasks were not
// requested.
func (rec *recording) beforeTruth(v []byte) {
	t := readTruth(0, rec.app, v)
	if !strings.HasPrefix(rec.name, "stack") {
		return
	}
	for _, l := range t.lines {
		m := taskLine.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		age, aged := dokploy.Container{Status: m[6]}.Age()
		rec.before.Tasks = append(rec.before.Tasks, dokploy.Task{
			ID: m[1], Service: m[2], Slot: m[3], Desired: strings.ToLower(m[4]), State: m[5], Error: strings.Trim(m[7], `"`), Age: age, Aged: aged,
		})
	}
	for name, at := range t.updates {
		state, started, _ := strings.Cut(at, " ")
		rec.before.Services[name] = &dokploy.SwarmService{Mode: "replicated", Replicas: 1, UpdateState: state, UpdateStartedAt: started}
	}
}

// beforeContainers finds the containers in the first look that belong to tasks
// from before.
func (rec *recording) beforeContainers() {
	if rec.before.Containers != nil {
		return
	}
	for _, c := range rec.changes {
		if c.containers == nil {
			continue
		}
		for _, container := range c.containers {
			_, _, id, _ := container.Task()
			for _, task := range rec.before.Tasks {
				if task.ID == id {
					rec.before.Containers = append(rec.before.Containers, older(container, -c.at))
				}
			}
		}
		return
	}
}

func readTruth(at time.Duration, app string, v []byte) truth {
	t := truth{at: at, updates: map[string]string{}}
	var swarm struct {
		PS      []string `json:"ps"`
		Inspect string   `json:"inspect"`
		US      []string `json:"us"`
	}
	if json.Unmarshal(v, &t.lines) == nil {
		return t
	}
	if json.Unmarshal(v, &swarm) != nil {
		return t
	}
	t.lines = swarm.PS
	set := func(name, status string) {
		var u struct{ State, StartedAt string }
		if json.Unmarshal([]byte(status), &u) == nil && u.State != "" {
			t.updates[name] = u.State + " " + u.StartedAt
		} else {
			t.updates[name] = ""
		}
	}
	if swarm.Inspect != "" {
		status, _, _ := strings.Cut(swarm.Inspect, "|")
		set(app, status)
	}
	for _, u := range swarm.US {
		name, status, _ := strings.Cut(u, " ")
		set(name, status)
	}
	return t
}

// older returns the container aged by a duration: the recording does not list
// the mere passing of time.
func older(c dokploy.Container, by time.Duration) dokploy.Container {
	age, ok := c.Age()
	if !ok {
		return c
	}
	c.Status = agePattern.ReplaceAllString(c.Status, human(max(0, age+by)))
	return c
}

var agePattern = regexp.MustCompile(`Less than a second|About a minute|About an hour|\d+ (second|minute|hour)s?`)

// human rounds as Docker does.
func human(d time.Duration) string {
	switch s, m := int(d.Seconds()), int(d.Minutes()); {
	case s < 1:
		return "Less than a second"
	case s == 1:
		return "1 second"
	case s < 60:
		return fmt.Sprintf("%d seconds", s)
	case m == 1:
		return "About a minute"
	default:
		return fmt.Sprintf("%d minutes", m)
	}
}

// rights says what a key is shown, and by which server.
type rights struct {
	name   string
	docker bool
	old    bool // as v0.25 shows it
}

// at returns the view at a time of the recording.
func (rec *recording) at(when time.Duration, who rights) rollout.View {
	v := rollout.View{At: t0.Add(when), Docker: who.docker, Services: map[string]*dokploy.SwarmService{}}
	var tasks, containers change // the newest of each
	for _, c := range rec.changes {
		if c.at > when {
			break
		}
		if who.docker && c.tasks != nil || !who.docker && c.shown != nil {
			tasks = c
		}
		if c.service != nil && who.docker {
			v.Services[c.named] = c.service
		}
		if c.containers != nil {
			containers = c
		}
	}
	list := tasks.tasks
	if !who.docker {
		list = tasks.shown
	}
	for _, t := range list {
		t.Age += when - tasks.at
		v.Tasks = append(v.Tasks, t)
	}
	for _, container := range containers.containers {
		v.Containers = append(v.Containers, older(container, when-containers.at))
	}
	if who.docker && strings.HasPrefix(rec.name, "stack") {
		// Only web was inspected of a stack's services.
		for _, name := range v.ServiceNames() {
			if v.Services[name] == nil {
				v.Services[name] = &dokploy.SwarmService{Mode: "replicated", Replicas: 1}
			}
		}
	}
	return who.cut(v)
}

// cut removes what the key or the server does not show.
func (who rights) cut(v rollout.View) rollout.View {
	v.Docker = who.docker
	var tasks []dokploy.Task
	for _, t := range v.Tasks {
		if who.old {
			t.ID, t.State, t.Error, t.Age, t.Aged = t.ID[:12], "", "", 0, false
		}
		tasks = append(tasks, t)
	}
	v.Tasks = tasks
	if !who.docker {
		v.Services = nil
	}
	var containers []dokploy.Container
	for _, c := range v.Containers {
		if who.old {
			c.Status = ""
		}
		containers = append(containers, c)
	}
	v.Containers = containers
	return v
}

// first returns the view before the deployment.
func (rec *recording) first(who rights) rollout.View {
	v := who.cut(rec.before)
	if !who.docker {
		var tasks []dokploy.Task
		for _, t := range v.Tasks {
			if strings.HasPrefix(rec.name, "stack") && t.Desired == "running" {
				tasks = append(tasks, t)
			}
		}
		v.Tasks = tasks
	}
	return v
}
