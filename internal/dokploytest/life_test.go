package dokploytest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	gocmp "github.com/google/go-cmp/cmp"
)

// client is the simplest client possible.
type client struct {
	t    *testing.T
	s    *Server
	key  string
	http *http.Client
}

func newClient(t *testing.T, s *Server) *client {
	t.Helper()
	tr := &http.Transport{DialContext: s.Dial, IdleConnTimeout: time.Second}
	t.Cleanup(tr.CloseIdleConnections)
	return &client{t: t, s: s, key: s.Key, http: &http.Client{
		Transport:     tr,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// bubble runs f against an in-memory server inside a synctest bubble.
func bubble(t *testing.T, o Options, f func(t *testing.T, s *Server, c *client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := New(o)
		s.Start()
		c := newClient(t, s)
		f(t, s, c)
		c.http.CloseIdleConnections()
		s.Close()
	})
}

func (c *client) do(method, path, body string) (int, string) {
	c.t.Helper()
	status, text, err := c.try(context.Background(), method, path, body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return status, text
}

func (c *client) try(ctx context.Context, method, path, body string) (int, string, error) {
	var r io.Reader
	if method == http.MethodPost {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.s.URL()+path, r)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("X-Api-Key", c.key)
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func (c *client) get(procedure string, query url.Values, into any) {
	c.t.Helper()
	status, body := c.do("GET", "/api/"+procedure+"?"+query.Encode(), "")
	if status != 200 {
		c.t.Fatalf("%s: %d %s", procedure, status, body)
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		c.t.Fatalf("%s: %v in %s", procedure, err, body)
	}
}

func (c *client) deploy(v *Service, title string) {
	c.t.Helper()
	body, _ := json.Marshal(map[string]string{v.Kind + "Id": v.ID, "title": title, "description": "of " + title})
	if status, text := c.do("POST", "/api/"+v.Kind+".deploy", string(body)); status != 200 {
		c.t.Fatalf("deploy: %d %s", status, text)
	}
}

// open opens the log stream of a row.
func (c *client) open(logPath, serverID string) *websocket.Conn {
	c.t.Helper()
	q := url.Values{"logPath": {logPath}}
	if serverID != "" {
		q.Set("serverId", serverID)
	}
	conn, resp, err := websocket.Dial(context.Background(), "ws"+strings.TrimPrefix(c.s.URL(), "http")+"/listen-deployment?"+q.Encode(), &websocket.DialOptions{
		HTTPClient: c.http, HTTPHeader: http.Header{"X-Api-Key": {c.key}}, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		c.t.Fatalf("stream: %v (%v)", err, resp)
	}
	return conn
}

// read reads frames until the stream ends or is silent for a while.
func read(conn *websocket.Conn, quiet time.Duration) (frames []string, code websocket.StatusCode, err error) {
	conn.SetReadLimit(-1)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), quiet)
		_, data, err := conn.Read(ctx)
		silent := ctx.Err() != nil
		cancel()
		if err != nil {
			if silent {
				return frames, 0, nil
			}
			return frames, websocket.CloseStatus(err), err
		}
		frames = append(frames, string(data))
	}
}

func TestDeploymentLife(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		app := s.AddApplication(Application{SourceType: "git", Build: Build{
			Steps: Lines(time.Second, "one", "two"), CommitTitle: "feat: x", CommitSHA: "abc",
		}})
		c.deploy(app, "mine")
		time.Sleep(20 * time.Millisecond)
		if rows := s.Deployments(app); len(rows) != 0 || app.Status() != "running" {
			t.Fatalf("before its row: %v, %s", rows, app.Status())
		}
		time.Sleep(30 * time.Millisecond)
		rows := s.Deployments(app)
		if len(rows) != 1 || rows[0].Status != "running" || rows[0].Title != "mine" || rows[0].Description != "of mine" {
			t.Fatalf("rows: %+v", rows)
		}
		conn := c.open(rows[0].LogPath, "")
		frames, _, err := read(conn, time.Minute)
		conn.CloseNow()
		if err != nil {
			t.Fatalf("the stream ended: %v", err)
		}
		want := "Initializing deployment\none\ntwo\n✅ Docker build completed.\n"
		if got := strings.Join(frames, ""); got != want || len(frames) < 3 {
			t.Errorf("frames %q, want %q", frames, want)
		}
		r := s.Deployments(app)[0]
		if r.Status != "done" || r.Title != "feat: x" || r.Description != "Commit: abc" || app.Status() != "done" {
			t.Errorf("row %+v, status %s", r, app.Status())
		}
		if got := r.FinishedAt.Sub(r.StartedAt); got != 2*time.Second+14*time.Millisecond {
			t.Errorf("took %v", got)
		}
		if len(s.Queue()) != 0 {
			t.Errorf("queue: %v", s.Queue())
		}
	})
}

func titles(rows []Row) (out []string) {
	for _, r := range rows {
		out = append(out, r.Title+" "+r.Status)
	}
	return out
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func slow(d time.Duration) Build { return Build{Steps: []Step{{After: d, Text: "x\n"}}} }

func TestQueueOrder(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{Name: "a", Build: slow(10 * time.Second)})
		b := s.AddCompose(Compose{Name: "b", Build: slow(10 * time.Second)})
		c.deploy(a, "a1")
		time.Sleep(time.Second)
		c.deploy(a, "a2")
		time.Sleep(time.Second)
		c.deploy(b, "b1")
		var jobs []struct {
			ID          string `json:"id"`
			State       string `json:"state"`
			ProcessedOn *int64 `json:"processedOn"`
			Timestamp   int64  `json:"timestamp"`
			Data        struct {
				TitleLog string `json:"titleLog"`
			} `json:"data"`
		}
		c.get("deployment.queueList", nil, &jobs)
		var got []string
		for _, j := range jobs {
			got = append(got, j.ID+" "+j.Data.TitleLog+" "+j.State)
			if (j.ProcessedOn != nil) != (j.State == "active") {
				t.Errorf("processedOn of %s: %v", j.ID, j.ProcessedOn)
			}
		}
		same(t, "newest first", got, []string{"job-3 b1 waiting", "job-2 a2 waiting", "job-1 a1 active"})
		if rows := s.Deployments(b); len(rows) != 0 || b.Status() != "idle" {
			t.Errorf("a waiting job shows: %v, %s", rows, b.Status())
		}
		time.Sleep(12 * time.Second)
		same(t, "rows", titles(s.Deployments(a)), []string{"a2 running", "a1 done"})
		time.Sleep(time.Minute)
		first, second := s.Deployments(a)[0], s.Deployments(b)[0]
		if second.StartedAt.Before(first.FinishedAt) {
			t.Errorf("b1 started %v, a2 finished %v", second.StartedAt, first.FinishedAt)
		}
		if s.TriggerCount(a) != 2 || s.TriggerCount(b) != 1 || s.Calls("application.deploy") != 2 {
			t.Error("triggers are counted wrong")
		}
	})
}

func TestConcurrencyAndServers(t *testing.T) {
	bubble(t, Options{Concurrency: 2}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{Name: "a", Build: slow(time.Minute)})
		b := s.AddApplication(Application{Name: "b", Build: slow(time.Minute)})
		d := s.AddApplication(Application{Name: "d", Build: slow(time.Minute)})
		r := s.AddApplication(Application{Name: "r", ServerID: "far", Build: slow(time.Minute)})
		for _, v := range []*Service{a, a, b, d, r} {
			s.Enqueue(v, v.Name, "")
		}
		active := func() (out []bool) {
			for _, j := range s.Queue() {
				out = append(out, j.Active)
			}
			return out
		}
		same(t, "two local ones, of two services, and the remote one", active(), []bool{true, false, true, false, true})
		s.Webhook(r)
		same(t, "a webhook takes a local slot", active(), []bool{true, false, true, false, true, false})
		s.SetConcurrency(3)
		same(t, "a third", active(), []bool{true, false, true, true, true, false})
		s.SetConcurrency(4)
		same(t, "the webhook beside the same service", active(), []bool{true, false, true, true, true, true})
		s.CleanQueue(a)
		same(t, "waiting ones dropped", active(), []bool{true, true, true, true, true})
	})
}

func TestRemote(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		app := s.AddApplication(Application{SourceType: "git", ServerID: "far", Build: Build{Steps: Lines(time.Second, "x"), CommitTitle: "feat: y"}})
		s.Enqueue(app, "first", "")
		s.Webhook(app)
		time.Sleep(1700 * time.Millisecond)
		rows := s.Deployments(app)
		same(t, "ended, the title still the old one", titles(rows), []string{"chore: pushed to api done", "first done"})
		if rows[0].LogPath != rows[1].LogPath || len(s.Queue()) != 2 {
			t.Errorf("one log for both, jobs still there: %v, %v", rows, s.Queue())
		}
		time.Sleep(time.Second)
		same(t, "overwritten", titles(s.Deployments(app)), []string{"feat: y done", "feat: y done"})
		if len(s.Queue()) != 0 {
			t.Errorf("queue %v", s.Queue())
		}
		if log := s.Log(rows[0].ID); strings.Count(log, "Initializing deployment\nBuilding on Build Server\n") != 2 {
			t.Errorf("log %q", log)
		}
		s.SetSSH("far", SSHRefused)
		s.Enqueue(app, "refused", "")
		time.Sleep(time.Second)
		if r := s.Deployments(app)[0]; r.Status != "error" || r.LogPath != "" || !strings.HasPrefix(r.ErrorMessage, "An error have occurred: SSH connection error: connect ECONNREFUSED") {
			t.Errorf("refused: %+v", r)
		}
		s.SetSSH("far", SSHSilent)
		s.Enqueue(app, "silent", "")
		time.Sleep(19 * time.Second)
		if len(s.Deployments(app)) != 3 || len(s.Queue()) != 1 || !s.Queue()[0].Active {
			t.Error("no row for 20 s, the job active")
		}
		time.Sleep(2 * time.Second)
		if r := s.Deployments(app)[0]; r.Title != "silent" || r.Status != "error" {
			t.Errorf("silent: %+v", r)
		}
		s.SetSSH("far", SSHRefused)
		for range 7 {
			s.AddRow(app, Row{StartedAt: time.Now().Add(-time.Hour)}, "")
		}
		s.Enqueue(app, "no row", "")
		time.Sleep(time.Minute)
		if got := s.Deployments(app); len(got) != 11 || got[0].Title != "silent" || app.Status() != "running" || len(s.Queue()) != 0 {
			t.Errorf("11 rows: %d, %s, %s", len(got), got[0].Title, app.Status())
		}
	})
}

func TestSpecialBuilds(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		app := s.AddApplication(Application{Build: Build{NoRow: true}})
		s.Enqueue(app, "no row", "")
		time.Sleep(time.Second)
		if len(s.Deployments(app)) != 0 || len(s.Queue()) != 0 || app.Status() != "running" {
			t.Errorf("no row: %v %v %s", s.Deployments(app), s.Queue(), app.Status())
		}
		app.SetBuild(Build{NoLogPath: true, ErrorMessage: "An error have occurred: x", SilentStart: time.Minute})
		s.Enqueue(app, "not started", "")
		time.Sleep(59 * time.Second)
		if len(s.Deployments(app)) != 0 || !s.Queue()[0].Active {
			t.Error("a silent start shows a row")
		}
		time.Sleep(2 * time.Second)
		if r := s.Deployments(app)[0]; r.Status != "error" || r.LogPath != "" || r.ErrorMessage != "An error have occurred: x" || app.Status() != "error" {
			t.Errorf("not started: %+v", r)
		}
		app.SetBuild(Build{Steps: Lines(time.Second, "one", "two", "three"), StayRunning: true, LeaveAt: 2})
		s.Enqueue(app, "forgotten", "")
		time.Sleep(2500 * time.Millisecond)
		if len(s.Queue()) != 0 {
			t.Error("the job is still there")
		}
		time.Sleep(time.Hour)
		r := s.Deployments(app)[0]
		if r.Status != "running" || !r.FinishedAt.IsZero() || !strings.Contains(s.Log(r.ID), "three\n") {
			t.Errorf("forgotten: %+v, log %q", r, s.Log(r.ID))
		}
		app.SetBuildFunc(func(n int) Build {
			if n != 4 {
				t.Errorf("deployment %d, want the 4th", n)
			}
			return Build{Outcome: "error", AfterEnd: []Step{{After: time.Second, Text: "goes on\n"}}}
		})
		s.Enqueue(app, "fails", "")
		time.Sleep(time.Minute)
		r = s.Deployments(app)[0]
		if r.Status != "error" || r.ErrorMessage != "" || !strings.HasSuffix(s.Log(r.ID), "\nError occurred ❌, check the logs for details.\ngoes on\n") {
			t.Errorf("fails: %+v, log %q", r, s.Log(r.ID))
		}
		s.SetRowStatus(r.ID, "weird")
		if got := s.Deployments(app)[0]; got.Status != "weird" || !got.FinishedAt.IsZero() {
			t.Errorf("status %+v", got)
		}
		s.RemoveRow(r.ID)
		if got := s.Deployments(app)[0]; got.ID == r.ID {
			t.Error("the row is still there")
		}
	})
}

func TestTitles(t *testing.T) {
	for _, tt := range []struct {
		version, source, operation string
		build                      Build
		want, description          string
	}{
		{"v0.30.2", "git", "deploy", Build{CommitTitle: "feat"}, "feat", "Commit: 509b8da0280c757bbbfa4c78df0f15cf5151d1b4"},
		{"v0.30.2", "git", "deploy", Build{CommitTitle: "feat", Outcome: "error"}, "feat", "Commit: 509b8da0280c757bbbfa4c78df0f15cf5151d1b4"},
		{"v0.30.2", "git", "deploy", Build{CloneFailed: true, Outcome: "error"}, "mine", "of mine"},
		{"v0.30.2", "git", "redeploy", Build{CommitTitle: "feat"}, "mine", "of mine"},
		{"v0.30.2", "docker", "deploy", Build{}, "mine", "of mine"},
		{"v0.25.6", "git", "deploy", Build{CommitTitle: "feat"}, "mine", "of mine"},
	} {
		t.Run(tt.version+" "+tt.source+" "+tt.operation+" "+tt.build.Outcome, func(t *testing.T) {
			bubble(t, Options{Version: tt.version}, func(t *testing.T, s *Server, c *client) {
				app := s.AddApplication(Application{SourceType: tt.source, Build: tt.build})
				body := `{"applicationId":"` + app.ID + `","title":"mine","description":"of mine"}`
				if status, text := c.do("POST", "/api/application."+tt.operation, body); status != 200 || text != "" {
					t.Fatalf("%d %q", status, text)
				}
				time.Sleep(time.Second)
				if r := s.Deployments(app)[0]; r.Title != tt.want || r.Description != tt.description {
					t.Errorf("title %q, description %q", r.Title, r.Description)
				}
			})
		})
	}
}

func TestRestartMemoryQueue(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{Name: "a", Build: Build{Steps: Lines(time.Second, "1", "2", "3", "4", "5")}})
		b := s.AddApplication(Application{Name: "b"})
		c.deploy(a, "a1")
		c.deploy(b, "b1")
		time.Sleep(2 * time.Second)
		row := s.Deployments(a)[0]
		conn := c.open(row.LogPath, "")
		defer conn.CloseNow()
		go func() {
			time.Sleep(500 * time.Millisecond)
			s.Restart(20 * time.Second)
		}()
		if _, code, err := read(conn, time.Minute); err == nil || code != -1 {
			t.Errorf("the stream ended with %v, %v; want 1006", code, err)
		}
		time.Sleep(19 * time.Second)
		if _, _, err := c.try(t.Context(), "GET", "/api/health", ""); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("while it is down: %v", err)
		}
		time.Sleep(2 * time.Second)
		if status, _ := c.do("GET", "/api/health", ""); status != 200 {
			t.Errorf("health %d", status)
		}
		got := s.Deployments(a)[0]
		if got.Status != "cancelled" || !got.FinishedAt.IsZero() || a.Status() != "idle" {
			t.Errorf("row %+v, service %s", got, a.Status())
		}
		if !strings.HasSuffix(s.Log(got.ID), "5\n✅ Pulling image completed.\n") {
			t.Errorf("the orphan did not write to its end: %q", s.Log(got.ID))
		}
		if len(s.Queue()) != 0 || b.Status() != "idle" || len(s.Deployments(b)) != 0 {
			t.Error("the waiting job is not lost")
		}
		c.deploy(b, "b2")
		if q := s.Queue(); len(q) != 1 || q[0].ID != "job-1" {
			t.Errorf("queue %v", q)
		}
		time.Sleep(time.Hour)
		same(t, "rows of a", titles(s.Deployments(a)), []string{"a1 cancelled"})
	})
}

func TestRestartBullMQ(t *testing.T) {
	bubble(t, Options{Version: "v0.29.5"}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{Name: "a", Build: slow(10 * time.Second)})
		b := s.AddApplication(Application{Name: "b"})
		c.deploy(a, "a1")
		c.deploy(b, "b1")
		time.Sleep(2 * time.Second)
		s.Restart(5 * time.Second)
		time.Sleep(6 * time.Second)
		same(t, "cancelled", titles(s.Deployments(a)), []string{"a1 cancelled"})
		if a.Status() != "running" || len(s.Deployments(b)) != 0 || len(s.Queue()) != 2 {
			t.Errorf("a is %s, b has %v, queue %v", a.Status(), s.Deployments(b), s.Queue())
		}
		time.Sleep(3 * time.Second)
		same(t, "what waited has run", titles(s.Deployments(b)), []string{"b1 done"})
		time.Sleep(20 * time.Second)
		same(t, "not yet", titles(s.Deployments(a)), []string{"a1 cancelled"})
		time.Sleep(25 * time.Second)
		same(t, "again", titles(s.Deployments(a)), []string{"a1 running", "a1 cancelled"})
		time.Sleep(10 * time.Second)
		same(t, "done", titles(s.Deployments(a)), []string{"a1 done", "a1 cancelled"})
		if a.Status() != "done" || len(s.Queue()) != 0 {
			t.Errorf("a is %s, queue %v", a.Status(), s.Queue())
		}

		c.deploy(a, "a2")
		time.Sleep(time.Second)
		s.Restart(time.Second)
		time.Sleep(50 * time.Second)
		same(t, "its second run", titles(s.Deployments(a))[:2], []string{"a2 running", "a2 cancelled"})
		s.Restart(time.Second)
		time.Sleep(10 * time.Minute)
		same(t, "no third run", titles(s.Deployments(a))[:2], []string{"a2 cancelled", "a2 cancelled"})
		if a.Status() != "running" || len(s.Queue()) != 0 {
			t.Errorf("a is %s, queue %v", a.Status(), s.Queue())
		}
	})
}

func TestRestartBeforeCancelled(t *testing.T) {
	bubble(t, Options{Version: "v0.25.3"}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{Build: slow(10 * time.Second)})
		c.deploy(a, "x")
		time.Sleep(time.Second)
		s.Restart(time.Second)
		time.Sleep(time.Hour)
		same(t, "rows", titles(s.Deployments(a)), []string{"x done", "x running"})
	})
}

func TestRedisDown(t *testing.T) {
	bubble(t, Options{Version: "v0.25.11"}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{})
		s.RedisDown(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, _, err := c.try(ctx, "POST", "/api/application.deploy", `{"applicationId":"`+a.ID+`","title":"x"}`)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("it was answered: %v", err)
		}
		if status, _ := c.do("GET", "/api/settings.getDokployVersion", ""); status != 200 {
			t.Errorf("reads answer %d", status)
		}
		time.Sleep(55 * time.Second)
		if len(s.Deployments(a)) != 0 {
			t.Error("it ran before Redis was back for 17 s")
		}
		time.Sleep(5 * time.Second)
		same(t, "rows", titles(s.Deployments(a)), []string{"x done"})
	})
}

func TestTrim(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{})
		for i := range 14 {
			s.Enqueue(a, string(rune('a'+i)), "")
			time.Sleep(2 * time.Second)
		}
		rows := s.Deployments(a)
		if len(rows) != 11 || rows[0].Title != "n" || rows[10].Title != "d" {
			t.Errorf("rows %v", titles(rows))
		}
		s.mu.Lock()
		files := len(s.files)
		s.mu.Unlock()
		if files != 11 {
			t.Errorf("%d log files", files)
		}
		var wire struct {
			Deployments []struct {
				Title string `json:"title"`
			} `json:"deployments"`
		}
		c.get("application.one", url.Values{"applicationId": {a.ID}}, &wire)
		if len(wire.Deployments) != 11 || wire.Deployments[0].Title == "n" {
			t.Errorf("application.one: %v", wire.Deployments)
		}
	})
}

func TestSameSecond(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{})
		s.Enqueue(a, "1", "")
		time.Sleep(100 * time.Millisecond)
		conn := c.open(s.Deployments(a)[0].LogPath, "")
		defer conn.CloseNow()
		s.Enqueue(a, "2", "")
		time.Sleep(time.Second)
		rows := s.Deployments(a)
		if len(rows) != 2 || rows[0].LogPath != rows[1].LogPath || rows[0].Title != "2" {
			t.Errorf("rows %+v", rows)
		}
		frames, _, err := read(conn, time.Minute)
		if got := strings.Join(frames, ""); err != nil || !strings.Contains(got, "file truncated\nInitializing deployment\n") {
			t.Errorf("stream of a file that is written anew: %q, %v", got, err)
		}
	})
}

func TestKeyLimits(t *testing.T) {
	call := func(c *client, path string) int {
		status, _ := c.do("GET", path, "")
		return status
	}
	const rest, trpc = "/api/settings.getDokployVersion", "/api/trpc/settings.getDokployVersion"
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		c.key = s.AddKey(Key{Limit: 10})
		for i, want := range []int{200, 200, 200, 200, 200, 401, 401} {
			if got := call(c, rest); got != want {
				t.Errorf("call %d: %d", i+1, got)
			}
		}
		time.Sleep(23 * time.Hour)
		if got := call(c, rest); got != 401 {
			t.Errorf("after 23 h: %d", got)
		}
		time.Sleep(2 * time.Hour)
		if got := call(c, rest); got != 200 {
			t.Errorf("after 25 h: %d", got)
		}
		// Steady polling keeps the counter full: accepted requests move the
		// window.
		c.key = s.AddKey(Key{Limit: 10, Window: 4 * time.Second})
		var got []int
		for range 16 {
			got = append(got, call(c, trpc))
			time.Sleep(time.Second)
		}
		same(t, "one verification a second", got, []int{200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 401, 401, 401, 401, 200, 200})
		for _, k := range []Key{{Expired: true}, {Disabled: true}} {
			c.key = s.AddKey(k)
			if got := call(c, rest); got != 401 {
				t.Errorf("%+v: %d", k, got)
			}
		}
	})
}

func TestDocumented(t *testing.T) {
	bubble(t, Options{Documented: true}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{})
		for _, tt := range []struct {
			method, path, body string
			status             int
			want               string
		}{
			{"GET", "/api/settings.getDokployVersion", "", 200, `{"result":{"data":"v0.30.2"}}`},
			{"GET", "/api/deployment.all?input=" + url.QueryEscape(`{"applicationId":"`+a.ID+`"}`), "", 200, `{"result":{"data":[]}}`},
			{"GET", "/api/deployment.all?applicationId=" + a.ID, "", 400, `{"error":{"code":"BAD_REQUEST","data":{"code":"BAD_REQUEST","httpStatus":400,"path":"deployment.all","zodError":{"fieldErrors":{"applicationId":["Invalid input: expected string, received undefined"]},"formErrors":[]}},"message":"Input validation failed"}}`},
			{"POST", "/api/application.deploy", `{"applicationId":"` + a.ID + `"}`, 200, `{"result":{"data":null}}`},
			{"POST", "/api/application.deploy", `{"applicationId":"nope"}`, 404, `{"error":{"code":"NOT_FOUND","data":{"code":"NOT_FOUND","httpStatus":404,"path":"application.deploy","zodError":null},"message":"Application not found"}}`},
		} {
			if status, body := c.do(tt.method, tt.path, tt.body); status != tt.status || body != tt.want {
				t.Errorf("%s %s: %d %s", tt.method, tt.path, status, body)
			}
		}
	})
}

func TestOldProjects(t *testing.T) {
	bubble(t, Options{Version: "v0.25.6"}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{})
		b := s.AddCompose(Compose{})
		var projects []struct {
			Environments []struct {
				Applications []json.RawMessage `json:"applications"`
				Compose      []json.RawMessage `json:"compose"`
			} `json:"environments"`
		}
		c.get("project.all", nil, &projects)
		if len(projects) != 1 || len(projects[0].Environments) != 1 || len(projects[0].Environments[0].Compose) != 1 ||
			!strings.Contains(string(projects[0].Environments[0].Applications[0]), "SECRET-env") {
			t.Errorf("projects %+v", projects)
		}
		c.deploy(a, "x")
		if status, body := c.do("POST", "/api/compose.deploy", `{"composeId":"`+b.ID+`"}`); status != 200 || body != "" {
			t.Errorf("compose.deploy: %d %q", status, body)
		}
	})
	bubble(t, Options{Version: "v0.28.0"}, func(t *testing.T, s *Server, c *client) {
		if status, body := c.do("GET", "/api/deployment.queueList", ""); status != 404 || !strings.HasPrefix(body, `{"code":"NOT_FOUND","data"`) {
			t.Errorf("queueList: %d %s", status, body)
		}
	})
}

func TestClockSkew(t *testing.T) {
	bubble(t, Options{ClockSkew: -3 * time.Hour}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{})
		want := time.Now().Add(-3 * time.Hour)
		s.Enqueue(a, "x", "")
		resp, err := c.http.Get(s.URL() + "/api/health")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got, _ := http.ParseTime(resp.Header.Get("Date")); got.Unix() != want.Unix() {
			t.Errorf("Date %v, want %v", got, want)
		}
		time.Sleep(time.Minute)
		if r := s.Deployments(a)[0]; r.StartedAt.Sub(want) > time.Second {
			t.Errorf("startedAt %v, want about %v", r.StartedAt, want)
		}
	})
}

// TestRowColumns: rows have gained columns over the versions (docs/dokploy.md,
// Versions).
func TestRowColumns(t *testing.T) {
	for version, want := range map[string]int{"v0.25.0": 19, "v0.25.11": 19, "v0.30.2": 20} {
		bubble(t, Options{Version: version}, func(t *testing.T, s *Server, c *client) {
			a := s.AddApplication(Application{})
			s.Enqueue(a, "x", "")
			time.Sleep(time.Minute)
			var rows []map[string]any
			c.get("deployment.all", url.Values{"applicationId": {a.ID}}, &rows)
			if len(rows) != 1 || len(rows[0]) != want {
				t.Errorf("%s: %d columns, want %d: %v", version, len(rows[0]), want, rows)
			}
		})
	}
}

// TestRestartWhileDown: only the last of two restarts brings the server back.
func TestRestartWhileDown(t *testing.T) {
	bubble(t, Options{Version: "v0.29.5"}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{Build: slow(time.Minute)})
		c.deploy(a, "x")
		time.Sleep(time.Second)
		s.Restart(10 * time.Second)
		time.Sleep(5 * time.Second)
		s.Restart(10 * time.Second)
		time.Sleep(6 * time.Second)
		if _, _, err := c.try(t.Context(), "GET", "/api/health", ""); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("after the first one: %v", err)
		}
		time.Sleep(5 * time.Second)
		same(t, "rows", titles(s.Deployments(a)), []string{"x cancelled"})
		time.Sleep(10 * time.Minute)
		same(t, "one more run", titles(s.Deployments(a)), []string{"x done", "x cancelled"})
	})
}

// TestRequestLostInRestart: what a process has not carried out is lost with it.
func TestRequestLostInRestart(t *testing.T) {
	bubble(t, Options{Latency: time.Second}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{})
		go func() {
			time.Sleep(500 * time.Millisecond)
			s.Restart(time.Second)
		}()
		_, _, err := c.try(t.Context(), "POST", "/api/application.deploy", `{"applicationId":"`+a.ID+`"}`)
		if err == nil {
			t.Error("it was answered")
		}
		time.Sleep(time.Minute)
		if s.TriggerCount(a) != 0 || len(s.Deployments(a)) != 0 || s.Calls("application.deploy") != 1 {
			t.Errorf("it was carried out: %v", s.Deployments(a))
		}
	})
}

// TestWebhook: the address that a Git host calls.
func TestWebhook(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{SourceType: "git"})
		var one struct {
			RefreshToken string `json:"refreshToken"`
		}
		c.get("application.one", url.Values{"applicationId": {a.ID}}, &one)
		if status, body := c.do("POST", "/api/deploy/"+one.RefreshToken, "{}"); status != 301 || body != `{"message":"Branch Not Match"}` || len(s.Queue()) != 0 {
			t.Errorf("without a Git host's words: %d %s", status, body)
		}
		if status, text := s.Deliver(a, Delivery{Form: "gitea"}); status != 200 || text != "Application deployed successfully" {
			t.Errorf("%d %s", status, text)
		}
		if q := s.Queue(); len(q) != 1 || !strings.HasPrefix(q[0].Description, "Hash: ") || s.TriggerCount(a) != 0 {
			t.Errorf("queue %v", q)
		}
	})
}

// TestUpdate: only the fields that are sent are changed.
func TestUpdate(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		a := s.AddApplication(Application{Image: "x:1", Env: "A=1"})
		if status, body := c.do("POST", "/api/application.update", `{"applicationId":"`+a.ID+`","dockerImage":"x:2"}`); status != 200 || body != "true" {
			t.Errorf("%d %s", status, body)
		}
		if a.Image() != "x:2" || a.Env() != "A=1" {
			t.Errorf("%s, %s", a.Image(), a.Env())
		}
		b := s.AddCompose(Compose{})
		if status, body := c.do("POST", "/api/compose.update", `{"composeId":"`+b.ID+`","env":"B=2"}`); status != 200 || !strings.Contains(body, `"env":"B=2"`) {
			t.Errorf("%d %s", status, body)
		}
		c.key = s.AddKey(Key{Member: true, Access: []string{a.ID}})
		if status, _ := c.do("POST", "/api/application.update", `{"applicationId":"`+a.ID+`","dockerImage":"x:3"}`); status != 401 || a.Image() != "x:2" {
			t.Errorf("a member: %d, %s", status, a.Image())
		}
	})
}
