package dokploytest

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	gocmp "github.com/google/go-cmp/cmp"
)

const recordings = "../../testdata/recordings"

// versions are those of the servers whose recordings are in a folder.
var versions = map[string]string{"v0.30.2": "v0.30.2", "remote": "v0.30.2", "v0.25.11": "v0.25.11", "push": "v0.30.2"}

// recording is one exchange with a real server.
type recording struct {
	folder, name   string
	method, target string
	header         http.Header
	body           string
	status         int
	answer         http.Header
	answerBody     string
	path           string
	query          url.Values
	procedure      string
	params         map[string]any // of the query, the body or the tRPC input
	trpc           bool
	data           any // the answer's JSON, without tRPC's envelope
	isJSON         bool
}

func load(t testing.TB, file string) *recording {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := &recording{folder: filepath.Base(filepath.Dir(file)), name: strings.TrimSuffix(filepath.Base(file), ".http")}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for strings.HasPrefix(lines[0], "#") {
		lines = lines[1:]
	}
	split := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "HTTP/1.1 ") })
	if split < 0 {
		t.Fatalf("%s: no answer", file)
	}
	message := func(lines []string) (string, http.Header, string) {
		h := http.Header{}
		i := 1
		for ; i < len(lines) && lines[i] != ""; i++ {
			k, v, _ := strings.Cut(lines[i], ": ")
			h.Set(k, v)
		}
		return lines[0], h, strings.Join(lines[min(i+1, len(lines)):], "\n")
	}
	var first string
	first, r.header, r.body = message(lines[:split])
	r.method, r.target, _ = strings.Cut(strings.TrimSuffix(first, " HTTP/1.1"), " ")
	first, r.answer, r.answerBody = message(lines[split:])
	_, _ = fmt.Sscanf(first, "HTTP/1.1 %d", &r.status)
	p, q, _ := strings.Cut(r.target, "?")
	r.path = p
	r.query, _ = url.ParseQuery(q)
	r.procedure = strings.ReplaceAll(procedureName(p), "/", ".")
	r.trpc = strings.HasPrefix(p, "/api/trpc/")
	r.params = map[string]any{}
	for k, v := range r.query {
		r.params[k] = v[0]
	}
	var m map[string]any
	if json.Unmarshal([]byte(cmp.Or(r.query.Get("input"), r.body)), &m) == nil {
		if first, ok := m["0"].(map[string]any); ok && r.trpc { // a batch
			m = first
		}
		if inner, ok := m["json"].(map[string]any); ok && r.trpc {
			m = inner
		}
		maps.Copy(r.params, m)
	}
	if form, err := url.ParseQuery(r.body); err == nil && strings.Contains(r.header.Get("Content-Type"), "urlencoded") {
		r.params["applicationId"] = form.Get("applicationId")
	}
	r.isJSON = strings.Contains(r.answer.Get("Content-Type"), "json") && r.answer.Get("Content-Encoding") == "" && r.answerBody != ""
	if r.isJSON {
		if err := json.Unmarshal([]byte(r.answerBody), &r.data); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		r.data = unwrap(r.data)
	}
	return r
}

func unwrap(v any) any {
	m, _ := v.(map[string]any)
	m, _ = m["result"].(map[string]any)
	m, _ = m["data"].(map[string]any)
	if inner, ok := m["json"]; ok {
		return inner
	}
	return v
}

func loadAll(t testing.TB) []*recording {
	t.Helper()
	files, err := filepath.Glob(recordings + "/*/*.http")
	if err != nil || len(files) < 300 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	var all []*recording
	for _, f := range files {
		if versions[filepath.Base(filepath.Dir(f))] != "" {
			all = append(all, load(t, f))
		}
	}
	return all
}

// schema holds the JSON types that were recorded at each place: "null" in
// addition to another type says that the field can be null.
type schema map[string]map[string]bool

func (s schema) learn(at string, v any) {
	if s[at] == nil {
		s[at] = map[string]bool{}
	}
	s[at][kindOf(v)] = true
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			s.learn(at+"."+k, e)
		}
	case []any:
		for _, e := range v {
			s.learn(at+"[]", e)
		}
	}
}

// differences compares the shape of got with a recorded answer: the same keys,
// and everywhere a type that was recorded at that place.
func (s schema) differences(at string, recorded, got any) []string {
	if !s[at][kindOf(got)] {
		return []string{fmt.Sprintf("%s is %s, recorded: %v", at, kindOf(got), slices.Sorted(maps.Keys(s[at])))}
	}
	var out []string
	switch r := recorded.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return nil // null, as recorded elsewhere
		}
		for k := range r {
			if _, ok := g[k]; !ok {
				out = append(out, at+"."+k+" is missing")
			}
		}
		for k, e := range g {
			if _, ok := r[k]; !ok {
				out = append(out, at+"."+k+" is too much")
				continue
			}
			out = append(out, s.differences(at+"."+k, r[k], e)...)
		}
	case []any:
		g, ok := got.([]any)
		if !ok {
			return nil
		}
		if len(g) != len(r) {
			return []string{fmt.Sprintf("%s has %d entries, recorded: %d", at, len(g), len(r))}
		}
		for i := range r {
			out = append(out, s.differences(at+"[]", r[i], g[i])...)
		}
	}
	return out
}

// replaceable are fields in which the stand-in shows a secret (or an address)
// and the recorded services had none.
var replaceable = []string{".env", ".username", ".password", ".customGitUrl", ".customGitBranch", ".owner", ".repository", ".branch"}

func str(v any) string { s, _ := v.(string); return s }

func at(v any, path ...string) any {
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return v
}

func objects(v any) []map[string]any {
	list, _ := v.([]any)
	var out []map[string]any
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func timeOf(v any) time.Time {
	t, _ := time.Parse(time.RFC3339, str(v))
	return t
}

// world sets up the server with everything that the recorded one had.
func world(t *testing.T, s *Server, r *recording) {
	t.Helper()
	services := map[string]*Service{}
	add := func(kind string, m map[string]any) *Service {
		id := str(m[kind+"Id"])
		if v := services[id]; v != nil {
			return v
		}
		var domains []Domain
		for _, d := range objects(m["domains"]) {
			https, _ := d["https"].(bool)
			port, _ := d["port"].(float64)
			domains = append(domains, Domain{Host: str(d["host"]), HTTPS: https, Path: str(d["path"]), Port: int(port), ServiceName: str(d["serviceName"])})
		}
		project, environment := str(at(m, "environment", "project", "name")), str(at(m, "environment", "name"))
		var v *Service
		if kind == "compose" {
			v = s.AddCompose(Compose{
				ID: id, Project: project, Environment: environment, Name: str(m["name"]), AppName: str(m["appName"]),
				SourceType: str(m["sourceType"]), ServerID: str(m["serverId"]), Domains: domains,
			})
		} else {
			v = s.AddApplication(Application{
				ID: id, Project: project, Environment: environment, Name: str(m["name"]), AppName: str(m["appName"]),
				SourceType: str(m["sourceType"]), ServerID: str(m["serverId"]), BuildServerID: str(m["buildServerId"]), Domains: domains,
				Build: Build{Steps: []Step{{After: time.Hour}}},
			})
		}
		services[id] = v
		return v
	}
	addRows := func(rows []map[string]any) {
		for _, m := range rows {
			kind := "application"
			if m["composeId"] != nil {
				kind = "compose"
			}
			v := add(kind, map[string]any{kind + "Id": m[kind+"Id"], "buildServerId": m["buildServerId"]})
			s.AddRow(v, Row{
				ID: str(m["deploymentId"]), Title: str(m["title"]), Description: str(m["description"]), Status: str(m["status"]),
				LogPath: str(m["logPath"]), ErrorMessage: str(m["errorMessage"]), BuildServerID: str(m["buildServerId"]),
				CreatedAt: timeOf(m["createdAt"]), StartedAt: timeOf(m["startedAt"]), FinishedAt: timeOf(m["finishedAt"]),
			}, "")
		}
	}
	worldOfPreviews(s, r, services)
	other := map[string]string{"application": "compose", "compose": "application"}
	for _, kind := range []string{"application", "compose"} {
		id := str(r.params[kind+"Id"])
		if id == "" {
			continue
		}
		m, _ := r.data.(map[string]any)
		switch {
		case strings.HasSuffix(r.procedure, ".one") && r.status == 200:
			v := add(kind, m)
			v.status = str(m[kind+"Status"])
			addRows(objects(m["deployments"]))
		case strings.Contains(r.name, "with-compose-id") || strings.Contains(r.name, "-compose-id"):
			add(other[kind], map[string]any{other[kind] + "Id": id})
		case strings.Contains(r.name, "wrong-id") || strings.Contains(r.name, "deleted-app"):
		case r.status == 404 || len(id) != 21 || services[id] != nil:
		default:
			addRows(objects(r.data))
			add(kind, map[string]any{kind + "Id": id})
		}
	}
	if r.answer.Get("Content-Encoding") != "" { // the body was not kept; it was long enough
		for range 11 {
			s.AddRow(services[str(r.params["applicationId"])], Row{}, "")
		}
	}
	switch r.procedure {
	case "deployment.queueList":
		jobs := objects(r.data)
		slices.Reverse(jobs)
		for _, j := range jobs {
			kind := str(at(j, "data", "applicationType"))
			server := str(at(j, "data", "serverId"))
			if remote, _ := at(j, "data", "server").(bool); remote && server == "" {
				server = "server-of-the-webhook"
			}
			v := add(kind, map[string]any{kind + "Id": at(j, "data", kind+"Id"), "serverId": server})
			webhook := strings.HasPrefix(str(at(j, "data", "titleLog")), "webhook ")
			s.mu.Lock()
			s.enqueueLocked(v, str(at(j, "data", "type")), str(at(j, "data", "titleLog")), str(at(j, "data", "descriptionLog")), webhook)
			s.mu.Unlock()
		}
	case "project.all":
		for _, p := range objects(r.data) {
			for _, e := range objects(p["environments"]) {
				for _, kind := range []string{"application", "compose"} {
					key := map[string]string{"application": "applications", "compose": "compose"}[kind]
					for _, m := range objects(e[key]) {
						m["environment"] = map[string]any{"name": e["name"], "project": map[string]any{"name": p["name"]}}
						v := add(kind, m)
						delete(m, "environment")
						v.status = str(m[kind+"Status"])
					}
				}
			}
		}
	case "deployment.readLogs":
		id := str(r.params["deploymentId"])
		if r.status == 404 || strings.HasSuffix(r.name, "-preview") {
			break
		}
		row := Row{ID: id, Status: "done", LogPath: "/etc/dokploy/logs/x/x.log"}
		text := str(r.data)
		if text == "" && r.status == 200 {
			row.LogPath, row.ErrorMessage, row.Status = "", "An error have occurred", "error"
		}
		if n, ok := number(r.params["tail"]); ok && strings.Count(text, "\n") == int(n) {
			text = strings.Repeat("an older line\n", 150) + text
		}
		app := Application{ID: "the-service-of-the-log"}
		switch {
		case strings.Contains(r.answerBody, "ECONNREFUSED"), strings.HasSuffix(r.name, "-silent"):
			app.ServerID = "a-remote-server"
		case strings.HasPrefix(r.name, "build-"):
			app.BuildServerID, text = "a-build-server", "a log over there\n"
		case strings.HasPrefix(r.name, "big-"):
			text = strings.Repeat(strings.Repeat("x", 220)+"\n", 10000)
		}
		v := s.AddApplication(app)
		services[v.ID] = v
		s.AddRow(v, row, text)
		if app.ServerID != "" {
			s.SetSSH(app.ServerID, SSHRefused)
			if strings.HasSuffix(r.name, "-silent") {
				s.SetSSH(app.ServerID, SSHSilent)
			}
		}
		if strings.HasPrefix(r.name, "logdir-broken") {
			s.mu.Lock()
			clear(s.files) // the log's directory could not be written
			s.mu.Unlock()
		}
	}
	access := slices.Collect(maps.Keys(services))
	switch {
	case strings.HasPrefix(r.name, "member-"), strings.Contains(r.name, "prep-member-"), strings.HasSuffix(r.name, "-member"):
		if r.status != 200 || strings.Contains(r.name, "noaccess") {
			access = nil
		}
		s.SetKey(s.Key, Key{Member: true, Access: access})
	case strings.Contains(r.name, "ratelimit-default"):
		s.SetKey(s.Key, Key{Limit: 10})
	case strings.Contains(r.name, "remaining5"):
		s.SetKey(s.Key, Key{Remaining: 5})
	case strings.Contains(r.name, "key-expired"):
		s.SetKey(s.Key, Key{Expired: true})
	}
}

var sequence = regexp.MustCompile(`(?:ratelimit-default|remaining5)-(\d+|deploy|trpc)$`)

// send repeats the recorded request.
func (r *recording) send(t *testing.T, s *Server, c *client) (*http.Response, string) {
	t.Helper()
	var body io.Reader
	if r.method == http.MethodPost {
		body = strings.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(t.Context(), r.method, s.URL(), body)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.Opaque = "//dokploy.test" + r.target // unchanged, including double slashes
	req.Header = r.header.Clone()
	if req.Header.Get("Accept-Encoding") == "" {
		req.Header.Set("Accept-Encoding", "identity")
	}
	switch {
	case strings.Contains(r.name, "badkey"):
		req.Header.Set("X-Api-Key", "wrong")
	case req.Header.Get("X-Api-Key") != "":
		req.Header.Set("X-Api-Key", s.Key)
	case req.Header.Get("Authorization") != "":
		req.Header.Set("Authorization", "Bearer "+s.Key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// TestReplay sends every recorded request to the stand-in: status, content
// type, redirects and errors are the same, answers have the same shape, rows
// and logs the same content.
func TestReplay(t *testing.T) {
	all := loadAll(t)
	learned := map[string]schema{}
	for _, r := range all {
		if r.status == 200 && r.isJSON {
			key := versions[r.folder] + " " + r.procedure
			if learned[key] == nil {
				learned[key] = schema{}
			}
			learned[key].learn("", r.data)
		}
	}
	for _, r := range all {
		t.Run(r.folder+"/"+r.name, func(t *testing.T) {
			bubble(t, Options{Version: versions[r.folder]}, func(t *testing.T, s *Server, c *client) {
				world(t, s, r)
				if m := sequence.FindStringSubmatch(r.name); m != nil {
					before := 5
					_, _ = fmt.Sscanf(m[1], "%d", &before)
					if before > 0 && m[1] != "deploy" && m[1] != "trpc" {
						before--
					}
					for range before {
						c.do("GET", "/api/settings.getDokployVersion", "")
					}
				}
				resp, body := r.send(t, s, c)
				if resp.StatusCode != r.status {
					t.Errorf("status %d, recorded: %d\n%.300s", resp.StatusCode, r.status, body)
				}
				for _, name := range []string{"Content-Type", "Location", "Content-Encoding"} {
					if got, want := resp.Header.Get(name), r.answer.Get(name); got != want {
						t.Errorf("%s %q, recorded: %q", name, got, want)
					}
				}
				switch {
				case strings.HasPrefix(r.answer.Get("Content-Type"), "text/html"):
					if !strings.HasPrefix(body, "<!DOCTYPE html>") || len(body) < 10000 {
						t.Errorf("no page: %.100q", body)
					}
				case r.answer.Get("Content-Encoding") != "": // only the header was kept
				case !r.isJSON:
					if body != r.answerBody {
						t.Errorf("body %q, recorded: %q", body, r.answerBody)
					}
				default:
					r.compare(t, learned[versions[r.folder]+" "+r.procedure], body)
				}
			})
		})
	}
}

func (r *recording) compare(t *testing.T, s schema, body string) {
	t.Helper()
	var got any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %.200q", err, body)
	}
	exact := r.status != 200
	switch r.procedure {
	case "application.one", "compose.one", "project.all", "deployment.queueList", "compose.update", "previewDeployment.all", "previewDeployment.one":
	default:
		exact = true
	}
	if exact {
		var want any
		_ = json.Unmarshal([]byte(r.answerBody), &want)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("answer (-recorded +got):\n%s", diff)
		}
		return
	}
	got = unwrap(got)
	for _, d := range s.differences("", r.data, got) {
		field, _, _ := strings.Cut(d, " ")
		i := strings.LastIndex(field, ".")
		if i >= 0 && strings.Contains(d, " is string, recorded: [null]") && slices.Contains(replaceable, field[i:]) {
			continue
		}
		t.Error(d)
	}
	if r.procedure != "deployment.queueList" {
		return
	}
	want := objects(r.data)
	for i, j := range objects(got) {
		for _, key := range []string{"data", "name", "state"} {
			if diff := gocmp.Diff(want[i][key], j[key]); diff != "" {
				t.Errorf("job %d, %s (-recorded +got):\n%s", i, key, diff)
			}
		}
	}
}

// event is one line of a recorded stream.
type event struct {
	Ms    int    `json:"ms"`
	Event string `json:"event"`
	Data  string `json:"data"`
	Code  int    `json:"code"`
	Why   string `json:"reason"`
}

func loadStream(t *testing.T, file string) []event {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []event
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var e event
		if err := json.Unmarshal(sc.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

var quoted = regexp.MustCompile(`cannot open '([^']*)'`)

// TestReplayStreams opens the log stream as it was opened for each recording:
// the text is the same, or the close is.
func TestReplayStreams(t *testing.T) {
	files, err := filepath.Glob(recordings + "/*/*.ws.jsonl")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		folder, name := filepath.Base(filepath.Dir(file)), strings.TrimSuffix(filepath.Base(file), ".ws.jsonl")
		t.Run(folder+"/"+name, func(t *testing.T) {
			events := loadStream(t, file)
			bubble(t, Options{Version: versions[folder]}, func(t *testing.T, s *Server, c *client) {
				replayStream(t, s, c, name, events)
			})
		})
	}
}

func replayStream(t *testing.T, s *Server, c *client, name string, events []event) {
	t.Helper()
	var text string
	var frames []string
	var steps []Step
	closed := event{Code: -1}
	last := 0
	open := false // the client closed it
	for _, e := range events {
		switch e.Event {
		case "message":
			text += e.Data
			frames = append(frames, e.Data)
			steps = append(steps, Step{After: time.Duration(e.Ms-last) * time.Millisecond, Text: e.Data})
			last = e.Ms
		case "client-timeout-close":
			open = true
		case "close":
			if !open {
				closed = e
			}
		}
	}
	// The log is on the service's server, unless the recording says that there
	// is none.
	missing := strings.Contains(text, "cannot open") || strings.Contains(text, "SSH error") || strings.Contains(text, "Server not found")
	logPath := "/etc/dokploy/logs/app/app-2026-11-23:10:24:00.log"
	if m := quoted.FindStringSubmatch(text); m != nil {
		logPath = m[1]
	}
	server := ""
	switch {
	case strings.Contains(name, "unknown-server"):
		server = "nobody-knows-it"
	case strings.Contains(name, "server") && !strings.Contains(name, "no-server"), strings.Contains(name, "buildServerId"), strings.HasPrefix(name, "ssh-"), strings.Contains(name, "no-key"):
		server = "a-remote-server"
		s.AddServer(server)
	}
	app := s.AddApplication(Application{ServerID: server})
	if server == "nobody-knows-it" {
		s.mu.Lock()
		delete(s.servers, server)
		s.mu.Unlock()
	}
	switch {
	case strings.HasPrefix(name, "ssh-down"):
		s.SetSSH(server, SSHRefused)
	case strings.HasPrefix(name, "ssh-wrong-key"):
		s.SetSSH(server, SSHWrongKey)
	}
	var row Row
	if !missing {
		row = s.AddRow(app, Row{LogPath: logPath, Status: "running"}, "")
	}
	header := http.Header{"X-Api-Key": {s.Key}}
	query := url.Values{"logPath": {logPath}, "serverId": {server}}.Encode()
	path := "/listen-deployment"
	switch name {
	case "ws-nokey", "rem-git.ws-no-key", "rem-docker.ws-no-key", "rem-comp.ws-no-key":
		header = nil
	case "ws-badkey":
		header.Set("X-Api-Key", "wrong")
	case "ws-bearer":
		header = http.Header{"Authorization": {"Bearer " + s.Key}}
	case "ws-key-in-query":
		header = nil
		query += "&x-api-key=" + s.Key
	case "ws-ratelimited":
		s.SetKey(s.Key, Key{Limit: 2})
		c.do("GET", "/api/settings.getDokployVersion", "")
	case "ws-member-other-app": // the stream only checks the organisation
		s.SetKey(s.Key, Key{Member: true})
	case "ws-no-logpath":
		query = "serverId="
	case "ws-empty-logpath":
		query = "logPath="
	case "ws-dotdot":
		query = "logPath=/etc/dokploy/logs/../../passwd"
	case "ws-outside":
		query = "logPath=/etc/hostname"
	case "ws-unencoded":
		query = "logPath=" + logPath
	case "ws-other-path":
		path = "/listen-nothing"
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(s.URL(), "http")+path+"?"+query, &websocket.DialOptions{
		HTTPClient: c.http, HTTPHeader: header, CompressionMode: websocket.CompressionDisabled,
	})
	if name == "ws-other-path" {
		if err == nil || ctx.Err() == nil {
			t.Fatalf("a wrong path was answered: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if !missing {
		if name == "ssh-log-stream-cut.ws" {
			conn.CloseNow()
			s.Fault(Fault{Procedure: streamProcedure, Kind: StreamClosed, Bytes: len(text)})
			if conn, _, err = websocket.Dial(ctx, "ws"+strings.TrimPrefix(s.URL(), "http")+path+"?"+query, &websocket.DialOptions{HTTPClient: c.http, HTTPHeader: header}); err != nil {
				t.Fatal(err)
			}
			defer conn.CloseNow()
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for _, step := range steps {
				time.Sleep(step.After)
				s.AppendLog(row.ID, step.Text)
			}
			if closed.Code == 1006 {
				time.Sleep(time.Second)
				s.Restart(time.Minute)
			}
		}()
		defer func() { <-done }()
	}
	got, code, err := read(conn, time.Minute)
	if joined := strings.Join(got, ""); joined != text {
		t.Errorf("text %q, recorded: %q", joined, text)
	}
	if missing && len(got) != len(frames) {
		t.Errorf("%d frames, recorded: %d", len(got), len(frames))
	}
	switch want := websocket.StatusCode(closed.Code); {
	case closed.Code == -1 && err != nil:
		t.Errorf("it was closed (%v), recorded: it stays open", err)
	case closed.Code == 1006 && (err == nil || code != -1):
		t.Errorf("it ended with %v (%v), recorded: abnormally", code, err)
	case closed.Code > 0 && closed.Code != 1006 && code != want:
		t.Errorf("closed with %v (%v), recorded: %v", code, err, want)
	}
	if closed.Why != "" && !strings.Contains(fmt.Sprint(err), closed.Why) {
		t.Errorf("reason in %v, recorded: %q", err, closed.Why)
	}
}

// TestReplayIsStrict makes sure that a stand-in that answers differently is
// detected.
func TestReplayIsStrict(t *testing.T) {
	s := schema{}
	s.learn("", map[string]any{"a": "x", "b": nil, "c": []any{map[string]any{"d": 1.0}}})
	s.learn("", map[string]any{"a": nil, "b": nil, "c": []any{}})
	recorded := map[string]any{"a": "x", "b": nil, "c": []any{map[string]any{"d": 1.0}}}
	for _, tt := range []struct {
		name string
		got  map[string]any
		want int
	}{
		{"the same", map[string]any{"a": "y", "b": nil, "c": []any{map[string]any{"d": 2.0}}}, 0},
		{"null where null was recorded", map[string]any{"a": nil, "b": nil, "c": []any{map[string]any{"d": 2.0}}}, 0},
		{"null where none was", map[string]any{"a": "y", "b": nil, "c": nil}, 1},
		{"a string where only null was", map[string]any{"a": "y", "b": "z", "c": []any{map[string]any{"d": 2.0}}}, 1},
		{"missing", map[string]any{"a": "y", "c": []any{map[string]any{"d": 2.0}}}, 1},
		{"too much", map[string]any{"a": "y", "b": nil, "c": []any{map[string]any{"d": 2.0, "e": true}}}, 1},
		{"wrong type", map[string]any{"a": "y", "b": nil, "c": []any{map[string]any{"d": "2"}}}, 1},
		{"fewer", map[string]any{"a": "y", "b": nil, "c": []any{}}, 1},
	} {
		if got := s.differences("", recorded, tt.got); len(got) != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
