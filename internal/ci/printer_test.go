package ci

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Most tests run on actionsHost and plainHost.
var (
	actionsHost = Detect(lookup(map[string]string{"GITHUB_ACTIONS": "true"}))
	gitlabHost  = Detect(lookup(map[string]string{"GITLAB_CI": "true"}))
	plainHost   = Host{}

	// disarm_test.go and runner model what these hosts act on.
	allHosts = []Host{
		actionsHost, gitlabHost, plainHost,
		Detect(lookup(map[string]string{"GITEA_ACTIONS": "true", "GITHUB_ACTIONS": "true"})),
		Detect(lookup(map[string]string{"FORGEJO_ACTIONS": "true", "GITHUB_ACTIONS": "true"})),
		Detect(lookup(map[string]string{"CI": "woodpecker"})),
		Detect(lookup(map[string]string{"JENKINS_URL": "https://jenkins.example.com"})),
		Detect(lookup(map[string]string{"TF_BUILD": "True"})),
		Detect(lookup(map[string]string{"BUILDKITE": "true"})),
	}
)

// show prints with a new printer and returns the output.
func show(h Host, secrets []string, print func(*Printer)) string {
	var b bytes.Buffer
	p := New(h, &b, secrets)
	print(p)
	if err := p.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func TestPrinted(t *testing.T) {
	script := func(p *Printer) {
		p.Header("dokploy-deploy 1.0.0 → https://dokploy.example.com")
		p.Dashboard("api", "https://dokploy.example.com/dashboard/project/"+strings.Repeat("x", 60))
		p.Note("api", "queued\n2nd in line")
		p.LogLine("api", []byte("#1 [internal] load\r\n"))
		p.LogLine("api", nil)
		p.Warn("api", "50% is not shown, and whatever else there is to say goes on the next line, behind the mark")
		p.LogLine("api", []byte("#2 more of it, as long as it may be: a line of the server is as it was written, however long it is"))
		p.Success("api deployed in 4m01s", "https://api.example.com")
		p.Success("api deployed in 4m01s", "https://api.example.com/"+strings.Repeat("y", 30), "https://www.example.com/"+strings.Repeat("y", 30))
		p.Failure(Failure{
			Verdict: "api failed after 41s", Reason: "the build broke", File: "Dockerfile", Line: 12,
			Quoted: []string{"  src/cart.ts " + strings.Repeat("z", 80)}, QuotedOf: "the container x", Rollback: "done",
			Hint:      "the previous version is still running, and this goes on and on until it is over",
			Dashboard: "https://dokploy.example.com/dashboard/project/" + strings.Repeat("x", 60),
		})
		p.Failure(Failure{Verdict: "web failed after 1s", Reason: "x", Dashboard: "https://dokploy.example.com/web"})
		p.Error(Problem{"the key is refused", "api-key", "Dokploy refuses the key (401)", "it may be wrong,\nexpired or disabled"})
		p.Error(Problem{Text: "no input"})
	}
	const head = `dokploy-deploy 1.0.0 → https://dokploy.example.com
dashboard: https://dokploy.example.com/dashboard/project/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx

› queued
  2nd in line
#1 [internal] load

`
	const more = `#2 more of it, as long as it may be: a line of the server is as it was written, however long it is
✓ api deployed in 4m01s   https://api.example.com
✓ api deployed in 4m01s
  https://api.example.com/yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
  https://www.example.com/yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
`
	const quoted = `  last lines of the container x:
      src/cart.ts zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz
  rollback: done
  hint: the previous version is still running, and this goes on and on until it
        is over
`
	const hint = `hint:  it may be wrong,
       expired or disabled
`
	const plain = head + `! 50% is not shown, and whatever else there is to say goes on the next line,
  behind the mark
` + more + "✗ api failed after 41s: the build broke\n" + quoted +
		"✗ web failed after 1s: x\n  dashboard: https://dokploy.example.com/web\n" +
		"error: api-key: Dokploy refuses the key (401)\n" + hint + "error: no input\n"
	if diff := cmp.Diff(plain, show(plainHost, nil, script)); diff != "" {
		t.Errorf("plain (-want +got):\n%s", diff)
	}
	// What the host itself shows does not appear twice.
	commands, shown := runner(show(actionsHost, nil, script))
	actions := head + more + "✗ api failed after 41s\n" + quoted + "✗ web failed after 1s\n  dashboard: https://dokploy.example.com/web\n" + hint
	if diff := cmp.Diff(actions, escapes.ReplaceAllString(strings.Join(shown, "\n"), "")); diff != "" {
		t.Errorf("GitHub shows (-want +got):\n%s", diff)
	}
	want := []command{
		{"group", "", "log of api"},
		{"endgroup", "", ""},
		{"warning", "title=Dokploy%3A api", "50% is not shown, and whatever else there is to say goes on the next line, behind the mark"},
		{"group", "", "log of api, continued"},
		{"endgroup", "", ""},
		{"error", "file=Dockerfile,line=12,title=Dokploy%3A api failed after 41s", "the build broke"},
		{"error", "title=Dokploy%3A web failed after 1s", "x"},
		{"error", "title=Dokploy%3A the key is refused", "api-key: Dokploy refuses the key (401)"},
		{"error", "title=Dokploy", "no input"},
	}
	if diff := cmp.Diff(want, commands, cmp.AllowUnexported(command{})); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

// A debug line does not end a fold, and is outside if there is none.
func TestDebugEndsNoFold(t *testing.T) {
	for _, h := range []Host{actionsHost, gitlabHost, plainHost} {
		all := show(h, []string{"sesame"}, func(p *Printer) {
			p.Debug("GET /api/one 200 3ms")
			for i := range 3 {
				p.LogLine("api", fmt.Appendf(nil, "::warning::%d", i))
				p.Debug("GET /api/deployment.all?key=sesame 200 3ms")
			}
			p.Note("api", "a note")
			p.Debug("GET /api/last 200 3ms")
		})
		folds := strings.Count(all, "::group::") + strings.Count(all, "section_start")
		if want := 1; folds != want && h.fold() != noFold || strings.Count(all, "› debug: GET /api/deployment.all?key=*** 200 3ms") != 3 {
			t.Errorf("%s: %d folds:\n%s", h.name, folds, all)
		}
		if n := strings.Count(all, "stop-commands"); h.actions && n != 1 {
			t.Errorf("commands were stopped %d times:\n%s", n, all)
		}
		end := strings.Index(all, "::endgroup::") + strings.Index(all, "section_end") + 1
		if first, last := strings.Index(all, "/api/one"), strings.Index(all, "/api/last"); h.fold() != noFold && (first > strings.Index(all, "log of api") || last < end) {
			t.Errorf("%s: in the fold:\n%s", h.name, all)
		}
	}
}

// Our own lines are outside the folds that hold the log.
func TestOwnLinesStandOutside(t *testing.T) {
	for _, h := range []Host{actionsHost, gitlabHost} {
		out := show(h, nil, func(p *Printer) {
			p.Note("api", "own")
			for _, own := range []func(){
				func() { p.Note("api", "own") },
				func() { p.Note("", "own") },
				func() { p.Warn("api", "own") },
				func() { p.Dashboard("api", "own") },
				func() { p.Success("own") },
				func() { p.Failure(Failure{Verdict: "own", Reason: "own", Quoted: []string{"own"}}) },
				func() { p.Error(Problem{Text: "own", Hint: "own"}) },
			} {
				p.LogLine("api", []byte("the server's"))
				own()
			}
		})
		open, own, folds := false, 0, 0
		for line := range strings.Lines(out) {
			switch {
			case strings.Contains(line, "::group::"), strings.Contains(line, "section_start"):
				open, folds = true, folds+1
			case strings.Contains(line, "::endgroup::"), strings.Contains(line, "section_end"):
				open = false
			case strings.Contains(line, "own"):
				own++
				if open {
					t.Errorf("%s: inside a fold: %q", h.name, line)
				}
			case !open && strings.TrimSpace(line) != "":
				t.Errorf("%s: outside of any fold: %q", h.name, line)
			}
		}
		if own < 9 || folds != 7 {
			t.Errorf("%s: %d lines, %d folds", h.name, own, folds)
		}
	}
}

// A link is shown once, unless there is a lot of text below it.
func TestLinksOnce(t *testing.T) {
	const link = "https://dokploy.example.com/x"
	for lines, want := range map[int]int{0: 1, 30: 1, 60: 2} {
		for _, h := range []Host{plainHost, actionsHost} {
			out := show(h, nil, func(p *Printer) {
				p.Dashboard("api", link)
				for range lines {
					p.LogLine("api", []byte("x"))
				}
				p.Failure(Failure{Verdict: "api failed", Reason: "x", Dashboard: link})
			})
			want := want
			if h.actions {
				want = 1 // folded text does not count
			}
			if got := strings.Count(out, link); got != want {
				t.Errorf("%d lines, %q: %d times, want %d", lines, h.name, got, want)
			}
		}
	}
}

func TestPrefixes(t *testing.T) {
	print := func(p *Printer) {
		p.Note("api", "queued")
		p.LogLine("wörker", []byte("text"))
		p.Note("", "about all")
		p.LogLine("x", []byte("unknown"))
	}
	got := show(plainHost, []string{"sesame"}, func(p *Printer) {
		p.SetTargets([]string{"api", "wörker", "api"})
		print(p)
		p.SetTargets([]string{"a\nb", "sesame"})
		p.Note("a\nb", "1")
		p.Note("sesame", "2")
	})
	want := "api    │ › queued\nwörker │ text\n› about all\nx      │ unknown\na b    │ › 1\n*** │ › 2\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, targets := range [][]string{nil, {"api"}, {"api", "api"}} {
		got := show(plainHost, nil, func(p *Printer) { p.SetTargets(targets); print(p) })
		if strings.Contains(got, "│") {
			t.Errorf("%q: prefixes in\n%s", targets, got)
		}
	}
}

// writes counts and keeps single writes.
type writes struct {
	mu  sync.Mutex
	all []string
	err error
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	w.all = append(w.all, string(p))
	return len(p), nil
}

func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &writes{}
		p := New(plainHost, w, nil)
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			if diff := cmp.Diff(want, w.all); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}
			w.all = nil
		}
		for range 2 { // the timer works more than once
			p.LogLine("", []byte("1"))
			time.Sleep(flushAfter - 1)
			p.LogLine("", []byte("2"))
			expect()
			time.Sleep(time.Nanosecond)
			expect("1\n2\n")
			time.Sleep(time.Hour)
			expect()
		}
		p.LogLine("", []byte("3"))
		p.Note("", "4") // our own lines do not wait
		expect("3\n", "› 4\n")
		p.LogLine("", []byte("5"))
		p.Flush()
		expect("5\n")
		big := strings.Repeat("x", flushSize)
		p.LogLine("", []byte(big))
		synctest.Wait()
		w.all = []string{strings.Join(w.all, "")} // no single write is that long
		expect(big + "\n")
		p.LogLine("", []byte("6"))
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		expect("6\n")
	})
}

func TestWriteError(t *testing.T) {
	broken := errors.New("broken pipe")
	p := New(actionsHost, &writes{err: broken}, []string{"sesame"})
	everything(p, "text")
	if err := p.Close(); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// Lines of several goroutines are whole, none is lost, those of one goroutine
// stay in order, and commands are never issued while they are stopped.
func TestConcurrent(t *testing.T) {
	const goroutines, lines = 8, 500
	w := &writes{}
	p := New(actionsHost, w, []string{"sesame"})
	var targets []string
	for g := range goroutines {
		targets = append(targets, fmt.Sprintf("target%d", g))
	}
	p.SetTargets(targets)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			line := make([]byte, 0, 100)
			for i := range lines {
				line = fmt.Appendf(line[:0], "%d ::error::x sesame", i) // reuses the buffer
				p.LogLine(targets[g], line)
				if i%100 == 50 {
					p.Note(targets[g], "a note")
					p.Warn(targets[g], "a warning")
				}
			}
		})
	}
	wg.Wait()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for _, text := range w.all {
		if !strings.HasSuffix(text, "\n") {
			t.Fatalf("torn write %q", text)
		}
	}
	commands, shown := runner(strings.Join(w.all, ""))
	if got := len(names(commands)); got != 1+goroutines*lines/100 {
		t.Errorf("%d commands", got)
	}
	next := map[string]int{}
	for _, line := range shown {
		target, text, ok := strings.Cut(escapes.ReplaceAllString(line, ""), " │ ")
		if !ok || strings.HasPrefix(text, "› ") || strings.HasPrefix(text, "! ") {
			continue
		}
		if want := fmt.Sprintf("%d ::error::x ***", next[target]); text != want {
			t.Fatalf("%s: %q, want %q", target, text, want)
		}
		next[target]++
	}
	for _, target := range targets {
		if next[target] != lines {
			t.Errorf("%s: %d lines", target, next[target])
		}
	}
}
