package dokploytest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// timeline is what looks at a rollout have shown, recorded or simulated.
type timeline struct {
	tasks      map[string][]string // of new ones: desired and real state, each change
	containers map[string][]string // of new tasks, or new ones of docker compose
	order      []string            // of the new tasks and containers
	updates    []string
	updatedAt  []time.Duration
	old        map[string]bool
	end        time.Duration
}

func newTimeline() *timeline {
	return &timeline{tasks: map[string][]string{}, containers: map[string][]string{}, old: map[string]bool{}}
}

func (tl *timeline) add(m map[string][]string, id, what string) {
	if tl.old[id] {
		return
	}
	if m[id] == nil && !slices.Contains(tl.order, id) {
		tl.order = append(tl.order, id)
	}
	if n := len(m[id]); n == 0 || m[id][n-1] != what {
		m[id] = append(m[id], what)
	}
}

// list adds an answer: a list of tasks or of containers.
func (tl *timeline) list(entries []map[string]any, before bool) {
	for _, m := range entries {
		id, name := str(m["containerId"]), str(m["name"])
		state, _, _ := strings.Cut(str(m["currentState"]), " ")
		if parts := strings.Split(name, "."); len(parts) == 3 {
			id = parts[2]
		}
		switch {
		case before:
			tl.old[id] = true
		case m["currentState"] != nil:
			switch state {
			case "Pending", "Assigned", "Accepted", "Preparing":
				state = "coming"
			case "Failed", "Rejected":
				state += " " + str(m["error"])
			}
			tl.add(tl.tasks, id, str(m["state"])+" "+state)
		case m["status"] != nil:
			status := str(m["status"])
			if i, j := strings.Index(status, "("), strings.Index(status, ")"); i >= 0 && j > i {
				state = " " + status[i:j+1]
			}
			tl.add(tl.containers, id, str(m["state"])+state)
		}
	}
}

func (tl *timeline) update(at time.Duration, status map[string]any, started string) {
	if status == nil || str(status["StartedAt"]) == started {
		return
	}
	state := str(status["State"])
	if n := len(tl.updates); n == 0 || tl.updates[n-1] != state {
		tl.updates, tl.updatedAt = append(tl.updates, state), append(tl.updatedAt, at)
	}
}

// recordedTimeline reads a recording (testdata/recordings/rollout).
func recordedTimeline(t *testing.T, name string) *timeline {
	raw, err := os.ReadFile(recordings + "/rollout/" + name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	tl := newTimeline()
	keys := map[string][]string{}
	started := ""
	scan := bufio.NewScanner(bytes.NewReader(raw))
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		var l struct {
			MS   int
			Src  string
			Keys []string
			V    json.RawMessage
		}
		if err := json.Unmarshal(scan.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		if l.Keys != nil {
			keys[l.Src] = l.Keys
		}
		at := time.Duration(l.MS) * time.Millisecond
		tl.end = max(tl.end, at)
		var entries []map[string]any
		var rows [][]any
		if json.Unmarshal(l.V, &rows) == nil && keys[l.Src] != nil {
			for _, row := range rows {
				m := map[string]any{}
				for i, k := range keys[l.Src] {
					m[k] = row[i]
				}
				entries = append(entries, m)
			}
		}
		before := strings.HasPrefix(l.Src, "before.")
		switch {
		case strings.Contains(l.Src, "getConfig("):
			var m map[string]any
			_ = json.Unmarshal(l.V, &m)
			status, _ := m["UpdateStatus"].(map[string]any)
			if before {
				started = str(status["StartedAt"])
			} else {
				tl.update(at, status, started)
			}
		case l.Src == "before.truth":
			for _, line := range strings.Split(string(l.V), `"`) { // of a stack
				if id, _, ok := strings.Cut(line, " "); ok && len(id) == 25 {
					tl.old[id] = true
				}
			}
			if i := bytes.Index(l.V, []byte(`StartedAt\":\"`)); i >= 0 {
				started, _, _ = strings.Cut(string(l.V[i+len(`StartedAt\":\"`):]), `\`)
			}
		case strings.Contains(l.Src, "(stack)"):
		default:
			tl.list(entries, before)
		}
	}
	return tl
}

// simulatedTimeline looks at a deployment of the stand-in every 20 ms.
func simulatedTimeline(t *testing.T, s *Server, v *Service, end time.Duration) *timeline {
	tl := newTimeline()
	ask := func(procedure, param, name string) any {
		out, e := procedures[procedure].run(s, &call{in: map[string]any{param: name}, ctx: t.Context()})
		if e != nil {
			t.Fatal(e.message)
		}
		return out
	}
	look := func(at time.Duration, before bool) {
		service := v.AppName
		procedure := "docker.getServiceContainersByAppName"
		if v.composeType == "stack" {
			procedure, service = "docker.getStackContainersByAppName", v.AppName+"_web"
		}
		if v.composeType != "docker-compose" {
			tl.list(objects(ask(procedure, "appName", v.AppName)), before)
		}
		tl.list(objects(ask("docker.getContainersByAppNameMatch", "appName", v.AppName)), before)
		if m, ok := ask("docker.getConfig", "containerId", service).(map[string]any); ok {
			status, _ := m["UpdateStatus"].(map[string]any)
			if before {
				tl.old["update "+str(status["StartedAt"])] = true
			} else if !tl.old["update "+str(status["StartedAt"])] {
				tl.update(at, status, "")
			}
		}
	}
	look(0, true)
	start := time.Now()
	s.Enqueue(v, "t", "")
	for time.Since(start) < end {
		look(time.Since(start), false)
		time.Sleep(20 * time.Millisecond)
	}
	return tl
}

// within reports whether all recorded states occur in this order.
func within(recorded, simulated []string) bool {
	i := 0
	for _, s := range simulated {
		if i < len(recorded) && recorded[i] == s {
			i++
		}
	}
	return i == len(recorded)
}

// TestTimelines compares the simulated rollouts with recorded ones: the same
// new tasks and containers, which go through the states that were seen in the
// same order, and the same states of the update at about the same time.
func TestTimelines(t *testing.T) {
	crash := func(after time.Duration) Rollout { return Rollout{Crash: true, CrashAfter: after} }
	app := func(r Rollout) Application { return Application{Rollout: r, Image: "r2-app:v1"} }
	const image = "services:\n  web:\n    image: 127.0.0.1:5000/r2-app:"
	for name, tt := range map[string]struct {
		app     *Application
		compose *Compose
		file    string
	}{
		"app-03-v2-over-v1":                {app: new(app(Rollout{}))},
		"app-04-crash0-over-v2":            {app: new(app(crash(0)))},
		"app-06-crash3-over-v2":            {app: new(app(crash(3 * time.Second)))},
		"app-08-crash8-over-v3":            {app: new(app(crash(8 * time.Second)))},
		"app-12-hcok-over-v2":              {app: new(app(Rollout{Health: Healthy}))},
		"app-14-hcfail-over-v2":            {app: new(app(Rollout{Health: Unhealthy}))},
		"app-23-crash0-stopfirst-rollback": {app: new(app(Rollout{Crash: true, Order: "stop-first", FailureAction: "rollback"}))},
		"app-25-crash0-pause":              {app: new(app(Rollout{Crash: true, FailureAction: "pause"}))},
		"app-27-crash0-continue":           {app: new(app(Rollout{Crash: true, FailureAction: "continue"}))},
		"crash-01-first-ever-deploy":       {app: &Application{NeverDeployed: true, Rollout: crash(0)}},
		"crash-06-crash8-restart-none":     {app: new(app(Rollout{Crash: true, CrashAfter: 8 * time.Second, NoRestart: true}))},
		"docker-ok-01-redeploy":            {app: &Application{RolloutFunc: func(Version) Rollout { return Rollout{IgnoresSIGTERM: true} }}},
		"port-02-v2-pending":               {app: new(app(Rollout{Unplaced: `"no suitable node (host-mode port already in use on 1 node)"`}))},
		"two-02-v2-over-v1":                {app: &Application{Replicas: 2}},
		"two-03-crash0-over-v2":            {app: &Application{Replicas: 2, Rollout: crash(0)}},
		"compose-03-v2":                    {compose: &Compose{}, file: image + "v2\n"},
		"compose-04-crash-restart-always":  {compose: &Compose{Rollout: crash(3 * time.Second)}, file: image + "crash3\n    restart: always\n"},
		"compose-05-crash0-norestart":      {compose: &Compose{Rollout: crash(0)}, file: image + "crash0\n"},
		"compose-07-hcfail":                {compose: &Compose{Rollout: Rollout{Health: Unhealthy}}, file: image + "hcfail\n"},
		"compose-08-hcok":                  {compose: &Compose{Rollout: Rollout{Health: Healthy}}, file: image + "hcok\n"},
		"compose-09-oneshot+web": {
			compose: &Compose{Rollouts: map[string]Rollout{"migrate": {Once: true, CrashAfter: time.Second}}},
			file:    image + "v2\n  migrate:\n    image: 127.0.0.1:5000/r2-app:exit0\n",
		},
		"stack-01-first":       {compose: &Compose{ComposeType: "stack", NeverDeployed: true}, file: image + "v1\n"},
		"stack-03-v2":          {compose: &Compose{ComposeType: "stack"}, file: image + "v2\n"},
		"stack-04-crash3":      {compose: &Compose{ComposeType: "stack", Rollout: crash(3 * time.Second)}, file: image + "crash3\n"},
		"stack-08-hcfail":      {compose: &Compose{ComposeType: "stack", Rollout: Rollout{Health: Unhealthy}}, file: image + "hcfail\n"},
		"stack-10-nosuchimage": {compose: &Compose{ComposeType: "stack", Rollout: Rollout{NoImage: true}}, file: image + "nope\n"},
		"stack-06-crash3-rollback": {
			compose: &Compose{ComposeType: "stack", Rollout: crash(3 * time.Second)},
			file:    image + "crash3\n    deploy:\n      update_config:\n        failure_action: rollback\n        order: start-first\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := recordedTimeline(t, name)
			if len(want.order) == 0 || len(want.updates) == 0 && tt.app != nil && !tt.app.NeverDeployed {
				t.Fatalf("nothing recorded: %+v", want)
			}
			bubble(t, Options{}, func(t *testing.T, s *Server, _ *client) {
				var v *Service
				if tt.app != nil {
					v = s.AddApplication(*tt.app)
				} else {
					v = s.AddCompose(*tt.compose)
					v.SetComposeFile(tt.file)
				}
				got := simulatedTimeline(t, s, v, want.end+1500*time.Millisecond)
				want.compare(t, got)
			})
		})
	}
}

func (tl *timeline) compare(t *testing.T, got *timeline) {
	t.Helper()
	for i, id := range tl.order {
		if i >= len(got.order) {
			// The last try of a loop may come a moment later.
			if i < len(tl.order)-1 || len(got.order) < 3 {
				t.Errorf("%d new tasks or containers, recorded: %d", len(got.order), len(tl.order))
			}
			break
		}
		mine := got.order[i]
		if want := tl.tasks[id]; len(want) > 0 && !within(want, got.tasks[mine]) {
			t.Errorf("task %d: %q, recorded: %q", i, got.tasks[mine], want)
		}
		want := slices.DeleteFunc(slices.Clone(tl.containers[id]), func(s string) bool { return s == "created" })
		if !within(want, got.containers[mine]) {
			t.Errorf("container %d: %q, recorded: %q", i, got.containers[mine], want)
		}
	}
	if len(got.order) > len(tl.order)+1 {
		t.Errorf("%d new tasks or containers, recorded: %d", len(got.order), len(tl.order))
	}
	if n := len(tl.updates); len(got.updates) < n || !slices.Equal(got.updates[:n], tl.updates) {
		t.Errorf("updates %q at %v, recorded: %q at %v", got.updates, got.updatedAt, tl.updates, tl.updatedAt)
		return
	}
	for i := range tl.updates {
		if d := got.updatedAt[i] - tl.updatedAt[i]; d.Abs() > 2000*time.Millisecond {
			t.Errorf("%s after %s, recorded: %s", tl.updates[i], got.updatedAt[i], tl.updatedAt[i])
		}
	}
}
