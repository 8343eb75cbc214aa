package deploy

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// dates are Date headers as whoever stands in between may write them.
var dates = map[string]func(now time.Time) string{
	"none":         func(time.Time) string { return "" },
	"constant":     func(time.Time) string { return "Tue, 03 Nov 2026 10:00:00 GMT" },
	"5 s behind":   func(now time.Time) string { return now.Add(-5 * time.Second).UTC().Format(http.TimeFormat) },
	"5 s ahead":    func(now time.Time) string { return now.Add(5 * time.Second).UTC().Format(http.TimeFormat) },
	"a day behind": func(now time.Time) string { return now.Add(-24 * time.Hour).UTC().Format(http.TimeFormat) },
	"a day ahead":  func(now time.Time) string { return now.Add(24 * time.Hour).UTC().Format(http.TimeFormat) },
}

// inEachDate runs a test with each of them, and with the server's own.
func inEachDate(t *testing.T, o dokploytest.Options, test func(w *world)) {
	t.Helper()
	inWorld(t, o, test)
	for name, date := range dates {
		t.Run(name, func(t *testing.T) {
			o.Date = date
			inWorld(t, o, test)
		})
	}
}

// Between two builds of another service a push deploys ours, and fails fast;
// then this run's does, and is done as fast.
func TestOursBehindAPushAndOthers(t *testing.T) {
	inEachDate(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", BuildFunc: func(n int) dokploytest.Build {
			b := takes(50 * time.Millisecond)
			if n == 1 {
				b.Outcome = "error"
			}
			return b
		}})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(9 * time.Second)})
		w.srv.Enqueue(other, "another's", "")
		w.srv.Webhook(app)
		w.srv.Enqueue(other, "another's", "")
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		w.triggers(app, 1)
		if id := w.lastRow(app).ID; r.DeploymentID != id {
			w.Errorf("deployment %s, want %s", r.DeploymentID, id)
		}
	})
}

// What comes right behind ours is not taken, either.
func TestOursBeforeAPush(t *testing.T) {
	inEachDate(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", BuildFunc: func(n int) dokploytest.Build {
			b := takes(50 * time.Millisecond)
			if n == 2 {
				b.Outcome = "error"
			}
			return b
		}})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(9 * time.Second)})
		w.srv.Enqueue(other, "another's", "")
		time.AfterFunc(3*time.Second, func() { w.srv.Webhook(app) })
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		if rows := w.srv.Deployments(app); r.DeploymentID != rows[len(rows)-1].ID {
			w.Errorf("deployment %s of %v", r.DeploymentID, rows)
		}
	})
}

// An only deployment that is over before the first look is ours.
func TestAnOnlyFastDeployment(t *testing.T) {
	for _, source := range []string{"git", "docker"} {
		t.Run(source, func(t *testing.T) {
			inEachDate(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{SourceType: source, Build: takes(20 * time.Millisecond)})
				r := w.want(w.deploy("application api"), verdict.Done, 0)
				w.triggers(app, 1)
				if id := w.lastRow(app).ID; r.DeploymentID != id {
					w.Errorf("deployment %s, want %s", r.DeploymentID, id)
				}
			})
		})
	}
}

// What a push deploys after a look that saw ours in the queue no more is not
// ours: ours left no row.
func TestAPushAfterOursWasRemoved(t *testing.T) {
	inEachDate(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: takes(20 * time.Millisecond)})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(7500 * time.Millisecond)})
		w.srv.Enqueue(other, "another's", "")
		time.AfterFunc(5*time.Second, func() { w.srv.CleanQueue(app) })
		time.AfterFunc(6500*time.Millisecond, func() { w.srv.Webhook(app) })
		r := w.deploy("application api").Results[0]
		switch triggers := w.srv.TriggerCount(app); {
		case r.Status == verdict.Lost && triggers == 1 && strings.Contains(r.Why(), "cannot be told apart"):
		case r.Status == verdict.Done && triggers == 2 && r.DeploymentID == w.lastRow(app).ID: // the push's was seen building
		default:
			w.Errorf("%s (%s), %d triggers\n%s", r.Status, r.Why(), triggers, w.story())
		}
	})
}

// How long another has been building is by the clock of Dokploy alone.
func TestTheTimeOfAnotherBuildIsDokploys(t *testing.T) {
	inEachDate(t, dokploytest.Options{ClockSkew: -26 * time.Hour}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{Build: takes(time.Second)})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(5 * time.Minute)})
		w.srv.Enqueue(other, "another's", "")
		time.Sleep(time.Minute)
		w.want(w.deploy("application api"), verdict.Done, 0)
		if !w.rec.said("queued, next in line; building now: shop/production/web, for 1m00s") || !w.rec.said("building now: shop/production/web, for 1m30s") {
			w.Error(w.story())
		}
	})
}

func at(seconds float64) time.Time {
	return time.Unix(1_800_000_000, 0).Add(time.Duration(seconds * 1e9))
}

func TestStand(t *testing.T) {
	job := func(id, service string, on float64) dokploy.Job {
		j := dokploy.Job{ID: id, ServiceID: service, QueuedAt: at(0)}
		if on >= 0 {
			j.Active, j.ProcessedOn = true, at(on)
		}
		return j
	}
	remote := func(j dokploy.Job, server string) dokploy.Job {
		j.Remote, j.ServerID = true, server
		return j
	}
	ours := job("job-9", "api", -1)
	for _, c := range []struct {
		name   string
		queue  []dokploy.Job
		last   string // the active jobs at the look before
		bullMQ bool
		want   clue
	}{
		{"nothing else", []dokploy.Job{ours}, "", false, clue{at(7), 0, true}},
		{"still nothing else", []dokploy.Job{ours}, "", false, clue{at(7), 0, true}},
		{"one of its service builds", []dokploy.Job{job("job-1", "api", 3), ours}, "", false, clue{at(3), 1, false}},
		{"and one waits", []dokploy.Job{job("job-1", "api", 3), job("job-2", "api", -1), ours}, "", false, clue{at(3), 2, false}},
		{"what waits behind it does not count", []dokploy.Job{job("job-1", "api", 3), ours, job("job-10", "api", -1)}, "", false, clue{at(3), 1, false}},
		{"another builds: there may be a free place", []dokploy.Job{job("job-1", "web", 5), job("job-2", "api", -1), ours}, "", false, clue{at(7), 1, true}},
		{"another builds, as at the look before", []dokploy.Job{job("job-1", "web", 5), job("job-2", "api", -1), ours}, "job-1@1800000000000", false, clue{at(7), 1, false}},
		{"another one than at the look before", []dokploy.Job{job("job-1", "web", 5), ours}, "job-0@1800000000000", false, clue{at(7), 0, true}},
		{"BullMQ builds one at a time", []dokploy.Job{remote(job("1", "web", 5), ""), ours}, "", true, clue{at(7), 0, false}},
		{"another server's line is another", []dokploy.Job{remote(job("job-1", "web", 5), "server-1"), ours}, "", false, clue{at(7), 0, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := stand(&dokploy.Queue{Jobs: c.queue}, &ours, standing{builds: c.last}, at(7), c.bullMQ)
			if got.clue != c.want {
				t.Errorf("%+v, want %+v", got.clue, c.want)
			}
		})
	}
}

func TestByOrder(t *testing.T) {
	row := func(id string, start float64, status string) dokploy.Deployment {
		return dokploy.Deployment{ID: id, StartedAt: at(start), Status: status, Description: "Commit: 1"}
	}
	a, b, c := row("a", 10, "done"), row("b", 11, "error"), row("c", 12, "done")
	for _, x := range []struct {
		name    string
		stood   standing
		latest  time.Time
		rows    []dokploy.Deployment
		before  string // was there while ours waited
		foreign string
		later   string // came after the first look that missed ours
		remote  bool
		want    string // "": none yet, "?": cannot be told
	}{
		{name: "the first", stood: standing{clue: clue{at(9), 0, false}}, rows: []dokploy.Deployment{a, b}, want: "a"},
		{name: "the second", stood: standing{clue: clue{at(9), 1, false}}, rows: []dokploy.Deployment{a, b, c}, want: "b"},
		{name: "not there yet", stood: standing{clue: clue{at(9), 1, false}}, rows: []dokploy.Deployment{a}},
		{name: "not from then on", stood: standing{clue: clue{at(10.5), 0, false}}, rows: []dokploy.Deployment{a, b}, want: "b"},
		{name: "exactly that many", stood: standing{clue: clue{at(9), 1, true}}, rows: []dokploy.Deployment{a, b}, want: "b"},
		{name: "more than that", stood: standing{clue: clue{at(9), 0, true}}, rows: []dokploy.Deployment{a, b}, want: "?"},
		{name: "one was there while ours waited", stood: standing{clue: clue{at(9), 0, true}}, rows: []dokploy.Deployment{a, b}, before: "a", want: "b"},
		{name: "it shows another's text", stood: standing{clue: clue{at(9), 0, false}}, rows: []dokploy.Deployment{a, b}, foreign: "a", want: "?"},
		{name: "it came after ours was gone", stood: standing{clue: clue{at(9), 1, false}}, rows: []dokploy.Deployment{a, b}, later: "b", want: "?"},
		{name: "it began while ours waited", stood: standing{clue: clue{at(9), 1, false}, active: 1}, latest: at(11.5), rows: []dokploy.Deployment{a, b}, want: "?"},
		{name: "a restart", stood: standing{clue: clue{at(9), 1, false}, active: 1}, rows: []dokploy.Deployment{row("a", 10, "cancelled"), b}, want: "?"},
		{name: "no time", stood: standing{}, rows: []dokploy.Deployment{a}, want: "?"},
		{name: "a remote server", stood: standing{clue: clue{at(9), 0, false}}, rows: []dokploy.Deployment{a}, remote: true, want: "a"},
		{name: "a push to it", stood: standing{clue: clue{at(9), 0, false}}, rows: []dokploy.Deployment{a, b}, remote: true, want: "?"},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := &run{service: &dokploy.Service{}, known: map[string]bool{}}
			if x.remote {
				r.service.ServerID = "server-1"
			}
			r.stood, r.latest = x.stood, x.latest
			f := &finder{run: r, all: x.rows, shown: idsOf(x.rows), before: map[string]bool{x.before: true}, foreign: map[string]bool{x.foreign: true}}
			delete(f.shown, x.later)
			got, err := f.byOrder()
			id := ""
			switch {
			case err != nil:
				id = "?"
			case got != nil:
				id = got.ID
			}
			if id != x.want {
				t.Errorf("%q (%v), want %q", id, err, x.want)
			}
		})
	}
}

// A row that is made when a deployment is queued is one that waits, whatever the
// version says.
func TestARowOfWhatWaits(t *testing.T) {
	for _, version := range []string{"v0.30.2", "v0.28.8", "canary"} {
		for _, source := range []string{"git", "docker"} {
			t.Run(version+" "+source, func(t *testing.T) {
				inWorld(t, dokploytest.Options{Version: version, QueuedRows: true}, func(w *world) {
					app := w.srv.AddApplication(dokploytest.Application{SourceType: source, Build: takes(100 * time.Millisecond)})
					other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
					w.srv.Enqueue(other, "another's", "")
					w.srv.Enqueue(app, "another's", "")
					r := w.want(w.deploy("application api"), verdict.Done, 0)
					w.triggers(app, 1)
					if rows := w.srv.Deployments(app); r.DeploymentID != rows[0].ID {
						w.Errorf("deployment %s of %v", r.DeploymentID, rows)
					}
					if w.rec.said("does not know") || w.rec.said("may be this run's") {
						w.Error(w.story())
					}
				})
			})
		}
	}
}

// The same where the queue cannot be read: the row alone tells.
func TestARowOfWhatWaitsWithoutAQueue(t *testing.T) {
	inWorld(t, dokploytest.Options{QueuedRows: true}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", Build: takes(100 * time.Millisecond)})
		other := w.srv.AddApplication(dokploytest.Application{Name: "web", Build: takes(20 * time.Second)})
		w.srv.Fault(dokploytest.Fault{Procedure: "deployment.queueList", Kind: dokploytest.Custom, Status: 404, Body: `{"message":"Not found","code":"NOT_FOUND"}`, Times: -1})
		w.srv.Enqueue(other, "another's", "")
		r := w.want(w.deploy("application api"), verdict.Done, 0)
		if id := w.lastRow(app).ID; r.DeploymentID != id || w.rec.count("queued") != 1 || w.rec.count("started") != 1 {
			w.Errorf("deployment %s, want %s\n%s", r.DeploymentID, id, w.story())
		}
	})
}

// Ours begins after all that Dokploy had written while it waited.
func TestLatest(t *testing.T) {
	ours := dokploy.Job{ID: "job-3", ServiceID: "api", QueuedAt: at(1)}
	r := &run{service: &dokploy.Service{ID: "api"}}
	for _, x := range []struct {
		on, want float64
	}{{0, 1}, {4, 4}, {2, 4}} {
		r.remember(&dokploy.Queue{Jobs: []dokploy.Job{{ID: "job-1", ServiceID: "web", Active: true, ProcessedOn: at(x.on)}, ours}}, &ours)
		if !r.latest.Equal(at(x.want)) {
			t.Errorf("%v, want %v", r.latest, at(x.want))
		}
	}
	if !r.queuedAt.Equal(at(1)) {
		t.Errorf("queued at %v", r.queuedAt)
	}
	// First seen after a restart, its time may be that of a database.
	r = &run{service: &dokploy.Service{ID: "api"}, trail: trail{outages: 1}}
	r.remember(&dokploy.Queue{Jobs: []dokploy.Job{ours}}, &ours)
	if !r.latest.IsZero() || !r.queuedAt.IsZero() || !r.clock.now().IsZero() {
		t.Errorf("%v, %v, %v", r.latest, r.queuedAt, r.clock)
	}
}

// What is listed while ours waits is not ours if it still waits at the next
// look. It is worth a request only where a row may lose its text.
func TestWhatIsListedWhileOursWaits(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{SourceType: "git"})
		u, _ := url.Parse(w.srv.URL())
		client := dokploy.New(dokploy.Options{URL: u, Key: w.key, Dial: w.srv.Dial})
		defer client.CloseIdle()
		row := w.srv.AddRow(app, dokploytest.Row{Description: "Commit: 1"}, "")
		f := &finder{run: &run{client: client, o: &Options{Operation: "deploy"}, service: &dokploy.Service{Kind: dokploy.Application, ID: app.ID, SourceType: "git"}}}
		f.listWhileWaiting(w.ctx)
		if len(f.before) != 0 {
			w.Errorf("%v, though ours may have begun since", f.before)
		}
		f.listWhileWaiting(w.ctx)
		if !f.before[row.ID] {
			w.Errorf("%v lacks %s", f.before, row.ID)
		}
		f.service.SourceType = "docker"
		f.listWhileWaiting(w.ctx)
		if n := w.srv.Calls("deployment.all"); n != 2 {
			w.Errorf("%d lists", n)
		}
	})
}

// Rows of what waits do not hide that newer ones may have pushed ours out.
func TestPushedOut(t *testing.T) {
	f := &finder{run: &run{o: &Options{Operation: "deploy"}, service: &dokploy.Service{}, known: map[string]bool{}}, foreign: map[string]bool{}}
	var rows []dokploy.Deployment
	for i := range keptRows {
		rows = append(rows, dokploy.Deployment{ID: string(rune('a' + i)), Status: "done", StartedAt: at(float64(10 + i))})
	}
	f.sort(append(rows, dokploy.Deployment{ID: "q", Status: dokploy.StatusQueued}))
	if !f.pushedOut(at(9)) || f.pushedOut(at(11)) {
		t.Errorf("%v, %v", f.pushedOut(at(9)), f.pushedOut(at(11)))
	}
}
