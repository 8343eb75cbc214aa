package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dokploy-deploy/internal/ci"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// readersFrom is the first seed in which somebody reads the output, though not
// always. These choices have their own numbers: those of all others stay the
// same.
const readersFrom = 200_000_000_000_000

// outputReader reads what the program's real printer shows. Whatever it does,
// the run must end as it would without it.
type outputReader struct {
	does  string // reads, slow, blocks, breaks
	at    time.Duration
	lasts time.Duration // of blocks
	full  bool          // the printer has no room from the beginning

	mu            sync.Mutex
	begun         time.Time
	over          chan struct{} // closed after the end
	ended, closed time.Time     // when the end of the output began, and was over
	text          strings.Builder
}

// forGood is longer than any run.
const forGood = 48 * time.Hour

func readerOf(seed uint64) *outputReader {
	if seed < readersFrom {
		return nil
	}
	c := chooser{rand.New(rand.NewPCG(seed, 0x4ead))}
	r := &outputReader{
		does:  pickOf(c, "reads", "slow", "blocks", "blocks", "blocks", "breaks"),
		at:    pickOf(c, 0, c.span(time.Minute), c.span(time.Minute)),
		lasts: pickOf(c, time.Second, 20*time.Second, 5*time.Minute, forGood, forGood),
	}
	r.full = r.does == "blocks" && c.one(3)
	if r.full {
		r.at = 0
	}
	return r
}

func (r *outputReader) String() string {
	if r == nil {
		return "none"
	}
	return fmt.Sprintf("%s after %s, for %s; full: %v", r.does, r.at, r.lasts, r.full)
}

// most returns how long the end of the output may take.
func (r *outputReader) most() time.Duration {
	if r.does == "slow" {
		return 11 * time.Minute
	}
	return time.Minute
}

var errReaderGone = errors.New("broken pipe")

// Write is the pipe to the reader.
func (r *outputReader) Write(p []byte) (int, error) {
	now := time.Since(r.begun)
	switch {
	case r.does == "slow":
		time.Sleep(300 * time.Millisecond)
	case r.does == "breaks" && now >= r.at:
		return 0, errReaderGone
	case r.does == "blocks" && now >= r.at && now < r.at+r.lasts:
		select {
		case <-time.After(r.at + r.lasts - now):
		case <-r.over:
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

// reporter returns the printer as main has it, together with the recorder; end
// ends the output as main does, and then the reader is gone.
func (r *outputReader) reporter(rec *recorder) (reporter Reporter, end func()) {
	if r == nil {
		return rec, func() {}
	}
	r.begun, r.over = time.Now(), make(chan struct{})
	p := ci.New(ci.Host{}, r, nil)
	for range 5 << 20 >> 10 {
		if r.full {
			p.LogLine("", longLine)
		}
	}
	return both{rec, p}, func() {
		r.ended = time.Now()
		_ = p.Close()
		r.closed = time.Now()
		close(r.over)
	}
}

var longLine = []byte(strings.Repeat("x", 1<<10))

// both reports to two reporters.
type both struct {
	*recorder
	shown *ci.Printer
}

func (b both) Header(text string) { b.recorder.Header(text); b.shown.Header(text) }
func (b both) Dashboard(target, link string) {
	b.recorder.Dashboard(target, link)
	b.shown.Dashboard(target, link)
}
func (b both) SetTargets(names []string) { b.recorder.SetTargets(names); b.shown.SetTargets(names) }
func (b both) Note(target, text string)  { b.recorder.Note(target, text); b.shown.Note(target, text) }
func (b both) Warn(target, text string)  { b.recorder.Warn(target, text); b.shown.Warn(target, text) }
func (b both) Hide(values ...string)     { b.recorder.Hide(values...); b.shown.Hide(values...) }
func (b both) LogLine(target string, l []byte) {
	b.recorder.LogLine(target, l)
	b.shown.LogLine(target, l)
}

// printed compares the output with what the program reported: a reader that
// reads at the end got all of it, in order, or the count of what is missing.
func (j *judgement) printed() {
	r := j.reader
	if r == nil {
		return
	}
	if took := r.closed.Sub(r.ended); took > r.most() {
		j.bad("the end of the output took %s", took)
	}
	if r.does == "breaks" || r.does == "blocks" && r.at+r.lasts > r.ended.Sub(r.begun) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := strings.Split(r.text.String(), "\n")
	gap := strings.Contains(r.text.String(), " of the log are not shown: ")
	if gap && !r.full {
		j.bad("the output lacks lines, and there was room for them")
	}
	for _, want := range j.rec.log {
		at := -1
		for i, line := range lines {
			if line == strings.TrimRight(want, "\r") {
				at = i
				break
			}
		}
		if at < 0 && !gap {
			j.bad("the output lacks %q, or it is not in its place", want)
			return
		}
		lines = lines[at+1:]
	}
}

// TestSchedulesWithReaders runs the first of these, whatever the flags say.
func TestSchedulesWithReaders(t *testing.T) {
	for i := range uint64(60) {
		holds(t, readersFrom+i)
	}
}

// Without a reader, with one that has gone and with one that reads, a run ends
// in the same way: with every outcome, and with the time and signals that end
// it.
func TestTheReaderChangesNothing(t *testing.T) {
	readers := map[string]func() *outputReader{
		"blocks":          func() *outputReader { return &outputReader{does: "blocks", lasts: forGood} },
		"blocks and full": func() *outputReader { return &outputReader{does: "blocks", lasts: forGood, full: true} },
		"slow":            func() *outputReader { return &outputReader{does: "slow"} },
		"breaks":          func() *outputReader { return &outputReader{does: "breaks"} },
	}
	for name, reader := range readers {
		for outcome, tt := range map[string]struct {
			build  dokploytest.Build
			status verdict.Status
			code   int
			set    func(*Options)
		}{
			"done":             {takes(10 * time.Second), verdict.Done, verdict.ExitOK, nil},
			"failed":           {dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(time.Second, "one", "two", "three")}, verdict.Failed, verdict.ExitFailed, nil},
			"failed, log":      {dokploytest.Build{Outcome: "error", LogWriter: manyLines}, verdict.Failed, verdict.ExitFailed, func(o *Options) { o.Logs = LogFailure }},
			"done, much log":   {dokploytest.Build{LogWriter: manyLines, Steps: dokploytest.Lines(time.Second, "1", "2", "3", "4", "5", "6", "7", "8", "9")}, verdict.Done, verdict.ExitOK, nil},
			"too long":         {takes(time.Hour), verdict.Timeout, verdict.ExitTimeout, func(o *Options) { o.Timeout = time.Minute }},
			"too long, floods": {dokploytest.Build{LogWriter: manyLines, Steps: dokploytest.Lines(time.Hour, "1")}, verdict.Timeout, verdict.ExitTimeout, func(o *Options) { o.Timeout = time.Minute }},
		} {
			t.Run(name+"/"+outcome, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := &world{T: t, srv: dokploytest.New(dokploytest.Options{}), rec: &recorder{}, ctx: t.Context()}
					w.srv.Start()
					w.key = w.srv.Key
					defer w.srv.Close()
					w.srv.AddApplication(dokploytest.Application{Build: tt.build})
					reads := reader()
					reporter, end := reads.reporter(w.rec)
					var timeout time.Duration
					w.set = func(o *Options) {
						o.Reporter = reporter
						if tt.set != nil {
							tt.set(o)
						}
						timeout = o.Timeout
					}
					r := w.want(w.deploy("application api"), tt.status, tt.code)
					if r.Took > timeout+4*time.Second || tt.status != verdict.Timeout && r.Took > 40*time.Second {
						t.Errorf("it took %s", r.Took)
					}
					start := time.Now()
					end()
					if took := time.Since(start); took > reads.most() {
						t.Errorf("the end of the output took %s", took)
					}
					time.Sleep(time.Second) // lets a slow write end
				})
			})
		}
	}
}

// slowly reads 64 KB a second.
type slowly struct{ strings.Builder }

func (s *slowly) Write(p []byte) (int, error) {
	time.Sleep(time.Duration(len(p)) * time.Second / (64 << 10))
	return s.Builder.Write(p)
}

// Neither the verdict nor the rollback nor the outputs wait for a reader that
// is slower than the log: they come as they do without one.
func TestASlowReaderDelaysNothing(t *testing.T) {
	build := func(outcome string, steps ...dokploytest.Step) dokploytest.Build {
		return dokploytest.Build{LogWriter: dokploytest.BigLog(8 << 20), Steps: steps, Outcome: outcome}
	}
	for name, tt := range map[string]struct {
		build  dokploytest.Build
		n      int // of targets
		status verdict.Status
		set    func(*Options)
	}{
		"live, done":             {build("done"), 1, verdict.Done, nil},
		"live, failed":           {build("error"), 1, verdict.Failed, nil},
		"live, two targets":      {build("error"), 2, verdict.Failed, nil},
		"live, timeout":          {build("", dokploytest.Lines(time.Hour, "1")...), 1, verdict.Timeout, func(o *Options) { o.Timeout = time.Minute }},
		"on failure":             {build("error"), 1, verdict.Failed, func(o *Options) { o.Logs = LogFailure }},
		"on failure, one by one": {build("error"), 2, verdict.Failed, func(o *Options) { o.Logs, o.MaxParallel = LogFailure, 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			took := func(w io.Writer) (took time.Duration) {
				inWorld(t, dokploytest.Options{}, func(world *world) {
					var targets []string
					var apps []*dokploytest.Service
					for i := range tt.n {
						name := fmt.Sprintf("app-%d", i)
						apps = append(apps, world.srv.AddApplication(dokploytest.Application{Name: name, Build: tt.build}))
						targets = append(targets, "application "+name)
					}
					p := ci.New(ci.Host{}, w, nil)
					world.set = func(o *Options) {
						goingBack(Changes{Image: newImage})(o)
						o.Reporter = p
						if tt.set != nil {
							tt.set(o)
						}
					}
					start := time.Now()
					report := world.deploy(targets...)
					took = time.Since(start)
					if report.Status() != tt.status {
						t.Errorf("%s", report.Status())
					}
					for _, app := range apps {
						if tt.status == verdict.Failed && app.Image() != oldImage {
							t.Errorf("the image is %s", app.Image())
						}
					}
					p.Note("", "the end")
					if err := p.Close(); err != nil {
						t.Error(err)
					}
				})
				return took
			}
			usual := took(io.Discard)
			slow := &slowly{}
			// The pauses between looks vary by some seconds, the reader takes minutes.
			if got := took(slow); got > usual+10*time.Second {
				t.Errorf("it took %s, and %s without a reader", got, usual)
			}
			shown := slow.String()
			if gap, end := strings.Contains(shown, "of the log are not shown"), strings.HasSuffix(shown, "› the end\n"); gap && tt.n == 1 || !end {
				t.Errorf("lines are missing: %v; the end is there: %v", gap, end)
			}
		})
	}
}

// Whatever an interrupted run is doing, it ends within 2 s, and its last words
// are read.
func TestAnInterruptWithASlowReader(t *testing.T) {
	for at := time.Duration(0); at <= 72*time.Second; at += 9 * time.Second {
		t.Run(at.String(), func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage, Build: dokploytest.Build{
					LogWriter: dokploytest.BigLog(8 << 20), Steps: dokploytest.Lines(time.Second, buildLines("api", 10)...),
				}})
				slow := &slowly{}
				p := ci.New(ci.Host{}, slow, nil)
				w.set = func(o *Options) {
					goingBack(Changes{Image: "ghcr.io/acme/api:crash8"})(o)
					o.Reporter = p
				}
				ctx, cancel := context.WithCancelCause(w.Context())
				defer cancel(nil)
				w.ctx = ctx
				defer context.AfterFunc(ctx, p.Hurry)()
				interrupted := time.Now().Add(at)
				time.AfterFunc(at, func() { cancel(ErrInterrupted) })
				report := w.deploy("application api")
				took := time.Since(interrupted)
				if took < 0 {
					t.Logf("it had ended: %s", report.Results[0].Error())
				} else if report.Status() != verdict.Interrupted || took > lastAnswer {
					t.Errorf("%s, after %s", report.Results[0].Error(), took)
				}
				p.Note("", "the end")
				if err := p.Close(); err != nil {
					t.Error(err)
				}
				if took := time.Since(interrupted); took > 2*time.Second {
					t.Errorf("it took %s", took)
				}
				if shown := slow.String(); !strings.HasSuffix(shown, "› the end\n") {
					t.Errorf("it ends with %q", shown[max(0, len(shown)-200):])
				}
			})
		})
	}
}

// manyLines writes more than the printer keeps for a reader that blocks.
func manyLines(w io.Writer) {
	for range 6 << 20 >> 10 {
		_, _ = w.Write(append(longLine[:len(longLine):len(longLine)], '\n'))
	}
}
