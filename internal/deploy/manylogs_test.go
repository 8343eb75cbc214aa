package deploy

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// byTarget is a Reporter that keeps the log of each target separate.
type byTarget struct {
	recorder
	logsMu sync.Mutex
	logs   map[string][]string
}

func (r *byTarget) LogLine(target string, line []byte) {
	r.logsMu.Lock()
	defer r.logsMu.Unlock()
	r.logs[target] = append(r.logs[target], string(line))
}

// However many targets there are at once, each log is shown whole, and the
// request rate stays within its limit.
func TestManyLogsAtOnce(t *testing.T) {
	for _, n := range []int{32, 100} {
		for _, takes := range []time.Duration{1500 * time.Millisecond, 6 * time.Second} {
			for _, stream := range []string{"healthy", "silent", "refused"} {
				t.Run(fmt.Sprintf("%d targets, builds of %s, %s", n, takes, stream), func(t *testing.T) {
					inWorld(t, dokploytest.Options{Concurrency: n, Latency: 20 * time.Millisecond}, func(w *world) {
						rec := &byTarget{logs: map[string][]string{}}
						apps := map[string]*dokploytest.Service{}
						var targets []string
						for i := range n {
							name := fmt.Sprintf("app-%d", i)
							apps[name] = w.srv.AddApplication(dokploytest.Application{Name: name, Build: dokploytest.Build{
								Steps: dokploytest.Lines(takes/10, buildLines(name, 10)...),
							}})
							targets = append(targets, "application "+name)
						}
						switch stream {
						case "silent":
							w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamSilent, Times: -1})
						case "refused":
							w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamRefused, Status: 403, Times: -1})
						}
						w.set = func(o *Options) { o.MaxParallel, o.Reporter = n, rec }
						report := w.deploy(targets...)
						if report.ExitCode() != 0 {
							t.Fatalf("exit %d: %+v", report.ExitCode(), report.Results[0])
						}
						shown := 0
						for name, app := range apps {
							want := strings.Split(strings.TrimSuffix(w.srv.Log(w.lastRow(app).ID), "\n"), "\n")
							got := rec.logs[name]
							if len(got) == 0 {
								got = rec.logs["shop/production/"+name]
							}
							if slices.Equal(got, want) {
								shown++
							}
						}
						if shown != n {
							t.Errorf("%d of %d logs are shown whole\n%v", shown, n, rec.logs["app-0"])
						}
						for _, note := range rec.notes {
							if strings.HasPrefix(note, "! ") && !strings.Contains(note, "is read every") {
								t.Error(note)
							}
						}
						if most := inAnySecond(w.srv.Requests()); most >= 20 {
							t.Errorf("%d requests in a second, of which triggers count, too", most)
						}
					})
				})
			}
		}
	}
}

func buildLines(name string, n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf("#%d building %s", i, name))
	}
	return lines
}

// inAnySecond returns the largest number of requests, except triggers, within
// any second.
func inAnySecond(requests []dokploytest.Request) (most int) {
	requests = slices.DeleteFunc(slices.Clone(requests), func(r dokploytest.Request) bool { return r.Method == "POST" })
	slices.SortFunc(requests, func(a, b dokploytest.Request) int { return a.At.Compare(b.At) })
	from := 0
	for i, r := range requests {
		for r.At.Sub(requests[from].At) >= time.Second {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// If a row names its log later, the log is shown, and one that never does is
// not said to have an empty log.
func TestARowThatHasNoLogYet(t *testing.T) {
	for _, late := range []time.Duration{2 * time.Second, time.Hour} {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			var app *dokploytest.Service
			app = w.srv.AddApplication(dokploytest.Application{Build: dokploytest.Build{
				Outcome: "error", Steps: dokploytest.Lines(time.Second, buildLines("api", 5)...),
				LogWriter: func(io.Writer) { w.srv.HideLogPath(w.srv.Deployments(app)[0].ID, late) },
			}})
			r := w.want(w.deploy("application api"), verdict.Failed, 1)
			switch all := strings.Join(w.rec.log, "|"); {
			case late < time.Minute && !strings.Contains(all, "#0 building api|#1 building api|#2 building api|#3 building api|#4 building api|"):
				t.Errorf("shown: %s", all)
			case late > time.Minute && r.Reason.Kind != verdict.NoLog:
				t.Error(r.Why())
			}
		})
	}
}

// For a failure without a reason, the reason is what was seen of its log.
func TestAFailureThatSaysNothing(t *testing.T) {
	silent := dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamSilent, Times: -1}
	for name, c := range map[string]struct {
		version string
		build   dokploytest.Build
		stream  *dokploytest.Fault
		want    verdict.Reason
	}{
		"an empty log": {
			build: dokploytest.Build{Outcome: "error", Raw: true, Steps: []dokploytest.Step{{After: time.Second}}},
			want:  verdict.Reason{Kind: verdict.EmptyLog},
		},
		"a log that says nothing": {
			build: dokploytest.Build{Outcome: "error", Raw: true, Steps: dokploytest.Lines(time.Second, "", "")},
			want:  verdict.Reason{Kind: verdict.LogSilent},
		},
		"a log that cannot be had": {
			version: "v0.28.3", build: dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(time.Second, "a", "b")}, stream: &silent,
			want: verdict.Reason{Kind: verdict.UnreadLog, Text: "the log stream was opened but brings nothing, and this Dokploy has no other way to read it"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, dokploytest.Options{Version: c.version}, func(w *world) {
				w.srv.AddApplication(dokploytest.Application{Build: c.build})
				if c.stream != nil {
					w.srv.Fault(*c.stream)
				}
				if r := w.want(w.deploy("application api"), verdict.Failed, 1); r.Reason != c.want {
					t.Errorf("%s\n%s", r.Why(), w.story())
				}
			})
		})
	}
}
