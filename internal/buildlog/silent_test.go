package buildlog_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
)

// streamsThatBringNothing are all the ways in which a stream seems to work, but
// brings nothing.
var streamsThatBringNothing = map[string]dokploytest.Fault{
	"silent":                        {Kind: dokploytest.StreamSilent},
	"silent, but answers pings":     {Kind: dokploytest.StreamSilent, Pong: true},
	"a handshake that hangs":        {Kind: dokploytest.StreamHang},
	"half a handshake":              {Kind: dokploytest.StreamHang, Bytes: 40},
	"a handshake but its last byte": {Kind: dokploytest.StreamHang, Bytes: 1 << 20},
	"a proxy that buffers":          {Kind: dokploytest.StreamBuffered, Bytes: 1 << 20, Pong: true},
	"a page":                        {Kind: dokploytest.Page},
	"403":                           {Kind: dokploytest.StreamRefused, Status: 403},
	"404":                           {Kind: dokploytest.StreamRefused, Status: 404},
	"502":                           {Kind: dokploytest.StreamRefused, Status: 502},
	"stops in the middle":           {Kind: dokploytest.StreamStalls, Bytes: 130},
	"stops in the middle, pings":    {Kind: dokploytest.StreamStalls, Bytes: 130, Pong: true},
	"an error as text":              {Kind: dokploytest.StreamFrames, Frames: []string{"SSH error: connect ECONNREFUSED 10.0.0.5:22"}},
	"connections that break":        {Kind: dokploytest.Lost},
}

// lasting returns a build of this length that writes a line now and then.
func lasting(d time.Duration) dokploytest.Build {
	var lines []string
	for i := range 15 {
		lines = append(lines, fmt.Sprintf("#7 line %d ✅ of a build of %s", i, d))
	}
	return dokploytest.Build{Steps: dokploytest.Lines(d/15, lines...)}
}

func TestEveryLineWhateverTheStreamDoes(t *testing.T) {
	for name, fault := range streamsThatBringNothing {
		for _, d := range []time.Duration{time.Second, 3 * time.Second, 75 * time.Second} {
			t.Run(fmt.Sprintf("%s, %s", name, d), func(t *testing.T) {
				inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: lasting(d)}, func(w *logWorld) {
					f := fault
					f.Procedure, f.Times = "listen-deployment", -1
					w.srv.Fault(f)
					w.follow(nil, d)
					w.want()
					if w.outcome.Missing != "" || w.outcome.Empty {
						t.Errorf("%+v", w.outcome)
					}
					if d > time.Minute && w.firstLine > 8*time.Second {
						t.Errorf("the first line comes after %s", w.firstLine)
					}
					if said := strings.Join(w.lost, "\n"); strings.Contains(said, "missing") || strings.Contains(said, "cannot be shown") {
						t.Errorf("told: %q", w.lost)
					}
				})
			})
		}
	}
}

// A stream that dies or falls silent at any byte, in any state of the build.
func TestAStreamThatStopsAtAnyByte(t *testing.T) {
	for _, kind := range []dokploytest.FaultKind{dokploytest.StreamStalls, dokploytest.StreamCut, dokploytest.StreamClosed} {
		for _, times := range []int{1, -1} {
			for at := 0; at < 560; at += 3 {
				inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: lasting(6 * time.Second)}, func(w *logWorld) {
					w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: kind, Bytes: at, Times: times, Pong: at%2 == 0})
					w.follow(nil, 6*time.Second)
					w.want()
				})
				if t.Failed() {
					t.Fatalf("%s after %d bytes, %d times", kind, at, times)
				}
			}
		}
	}
}

// The handshake, too.
func TestAHandshakeThatStopsAtAnyByte(t *testing.T) {
	for at := 0; at < 140; at += 5 {
		inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: lasting(6 * time.Second)}, func(w *logWorld) {
			w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamHang, Bytes: at, Times: 2})
			w.follow(nil, 6*time.Second)
			w.want()
		})
	}
}

// A stream that hung is live again once it works again.
func TestAStreamThatHungIsTakenUpAgain(t *testing.T) {
	b := dokploytest.Build{Steps: dokploytest.Lines(time.Second, logLines(120)...)}
	inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: b}, func(w *logWorld) {
		w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamStalls, Bytes: 300, Pong: true})
		w.follow(nil, 125*time.Second)
		w.want()
		if n := w.srv.Calls("deployment.readLogs"); n < 2 || n > 6 || len(w.lost) > 0 {
			t.Errorf("%d reads, told %q", n, w.lost)
		}
	})
}

func logLines(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf("#7 line %d", i))
	}
	return lines
}

// A quiet build causes few requests.
func TestAQuietBuildIsAskedAboutRarely(t *testing.T) {
	b := dokploytest.Build{Steps: dokploytest.Lines(10*time.Minute, "a", "b")}
	inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: b}, func(w *logWorld) {
		w.follow(nil, 21*time.Minute)
		w.want()
		if n := w.srv.Calls("deployment.readLogs"); n == 0 || n > 26 {
			t.Errorf("%d reads in 20 minutes", n)
		}
	})
}

// A log that cannot be read is reported with both reasons, and is not called
// empty.
func TestWhatCannotBeHadIsSaid(t *testing.T) {
	denied := dokploytest.Fault{Kind: dokploytest.Custom, Status: 401, Body: `{"message":"You don't have access to this deployment.","code":"UNAUTHORIZED"}`}
	for name, c := range map[string]struct {
		version string
		noREST  bool
		read    dokploytest.Fault
		says    string
	}{
		"an old server":            {version: "v0.28.3", says: "this Dokploy has no other way to read it"},
		"a build server":           {noREST: true, says: "a build server's log cannot be read any other way"},
		"a key that may not":       {read: denied, says: "access"},
		"it fails":                 {read: dokploytest.Fault{Kind: dokploytest.ServerError, Body: "spawn ENOMEM"}, says: "ENOMEM"},
		"a gateway in between":     {read: dokploytest.Fault{Kind: dokploytest.Gateway}, says: "502"},
		"a file that is not there": {read: dokploytest.Fault{Kind: dokploytest.Custom, Status: 200, Body: `"\n"`}, says: "finds no log"},
		"it answers null":          {read: dokploytest.Fault{Kind: dokploytest.Custom, Status: 200, Body: `null`}, says: "deployment.readLogs"},
		"a line of a megabyte":     {read: dokploytest.Fault{Kind: dokploytest.ServerError, Body: "Command execution failed: stdout maxBuffer length exceeded"}, says: "longer than Dokploy can read"},
	} {
		for stream, says := range map[string]string{
			"silent": "the log stream was opened but brings nothing", "silent, but answers pings": "the log stream was opened but brings nothing",
			"a handshake that hangs": "the log stream gets no answer", "403": "the log stream was answered with 403",
			"an error as text": "SSH error: connect ECONNREFUSED 10.0.0.5:22", "connections that break": "the log stream cannot be opened: ",
		} {
			for _, d := range []time.Duration{time.Second, 75 * time.Second} {
				t.Run(fmt.Sprintf("%s, %s, %s", name, stream, d), func(t *testing.T) {
					inLogWorld(t, dokploytest.Options{Version: c.version}, dokploytest.Application{Build: lasting(d)}, func(w *logWorld) {
						f := streamsThatBringNothing[stream]
						f.Procedure, f.Times = "listen-deployment", -1
						w.srv.Fault(f)
						if c.read.Kind != "" {
							c.read.Procedure, c.read.Times = "deployment.readLogs", -1
							w.srv.Fault(c.read)
						}
						w.follow(func(s *dokploy.LogSource) { s.NoREST = c.noREST }, d)
						all := strings.Join(w.lost, "\n")
						if len(w.lines) > 0 || w.outcome.Empty || !strings.Contains(w.outcome.Missing, c.says) || !strings.Contains(all, c.says) || !strings.Contains(all, says) {
							t.Errorf("%d lines, %+v, told %q", len(w.lines), w.outcome, w.lost)
						}
						if len(w.lost) != 1 {
							t.Errorf("told: %q", w.lost)
						}
					})
				})
			}
		}
	}
}

func TestALogThatIsEmpty(t *testing.T) {
	inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: dokploytest.Build{Raw: true, Steps: []dokploytest.Step{{After: 2 * time.Second}}}}, func(w *logWorld) {
		w.follow(nil, 2*time.Second)
		if !w.outcome.Empty || w.outcome.Missing != "" || len(w.lost) > 0 || len(w.lines) > 0 {
			t.Errorf("%+v, told %q, %q", w.outcome, w.lost, w.lines)
		}
	})
}

// If REST is not available, the end of the log shows that the log is complete.
func TestTheEndOfALogIsBelieved(t *testing.T) {
	for _, version := range []string{"v0.28.3", "v0.30.2"} {
		for _, ends := range []bool{true, false} {
			b := dokploytest.Build{Raw: !ends, Steps: dokploytest.Lines(time.Second, "a", "b", "c")}
			inLogWorld(t, dokploytest.Options{Version: version}, dokploytest.Application{Build: b}, func(w *logWorld) {
				w.srv.Fault(dokploytest.Fault{Procedure: "deployment.readLogs", Kind: dokploytest.ServerError, Body: "no", Times: -1})
				w.follow(nil, 3*time.Second)
				w.want()
				if (w.outcome.Missing == "") != ends || (len(w.lost) == 0) != ends {
					t.Errorf("ends: %v; %+v, told %q", ends, w.outcome, w.lost)
				}
			})
		}
	}
}

// The log of a cancelled deployment has no visible end: what a connection that
// starts anew brings is all there is.
func TestTheLogOfACancelledDeployment(t *testing.T) {
	for _, stalls := range []bool{false, true} {
		b := dokploytest.Build{Raw: true, Steps: dokploytest.Lines(time.Second, "a", "b", "c")}
		inLogWorld(t, dokploytest.Options{Version: "v0.28.3"}, dokploytest.Application{Build: b}, func(w *logWorld) {
			if stalls {
				w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamStalls, Bytes: 3, Pong: true})
			}
			w.cancelled = true
			w.follow(nil, 3*time.Second)
			w.want()
			if w.outcome.Missing != "" || len(w.lost) > 0 {
				t.Errorf("%+v, told %q", w.outcome, w.lost)
			}
		})
	}
}

// If the log cannot be read, the verdict does not wait for it.
func TestTheVerdictDoesNotWaitForALogThatIsRefused(t *testing.T) {
	for _, d := range []time.Duration{500 * time.Millisecond, time.Second, 3 * time.Second, 30 * time.Second} {
		inLogWorld(t, dokploytest.Options{Version: "v0.28.3"}, dokploytest.Application{Build: lasting(d)}, func(w *logWorld) {
			w.srv.Fault(refused)
			w.follow(nil, d)
			if took := time.Since(w.began) - d; took > time.Second || len(w.lost) != 1 {
				t.Errorf("a build of %s: the end takes %s, told %q", d, took, w.lost)
			}
		})
	}
}

// A stream that may have stopped is not trusted.
func TestAStreamThatMayHaveStoppedIsSpokenOf(t *testing.T) {
	inLogWorld(t, dokploytest.Options{Version: "v0.28.3"}, dokploytest.Application{Build: lasting(3 * time.Second)}, func(w *logWorld) {
		w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamStalls, Bytes: 150, Times: -1})
		w.follow(nil, 3*time.Second)
		if len(w.lines) == 0 || w.outcome.Missing == "" || len(w.lost) != 1 || !strings.Contains(w.lost[0], "the end of the log may be missing") {
			t.Errorf("%d lines, %+v, told %q", len(w.lines), w.outcome, w.lost)
		}
	})
}

// refused is a stream that cannot be opened.
var refused = dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamRefused, Status: 403, Times: -1}

func TestLongLogsOverREST(t *testing.T) {
	at := func(d time.Duration, lines ...string) dokploytest.Step {
		return dokploytest.Step{After: d, Text: strings.Join(lines, "\n") + "\n"}
	}
	long := strings.Repeat("y", 700)
	for name, c := range map[string]struct {
		steps []dokploytest.Step
		whole bool
		lines int    // at least so many are shown
		says  string // if not all are shown
	}{
		"9,000 lines at once": {steps: []dokploytest.Step{at(0, logLines(9000)...)}, whole: true},
		"9,990 lines at once": {steps: []dokploytest.Step{at(0, logLines(9990)...)}, whole: true},
		"30,000 lines, some at a time": {
			steps: func() (steps []dokploytest.Step) {
				all := logLines(30_000)
				for i := range 30 {
					steps = append(steps, at(time.Second, all[1000*i:1000*i+1000]...))
				}
				return steps
			}(), whole: true,
		},
		"12,000 lines at once":               {steps: []dokploytest.Step{at(0, logLines(12_000)...)}, lines: 10_000, says: "the beginning of the log is missing: it is longer than the 10000 lines"},
		"3,000 long lines at once":           {steps: []dokploytest.Step{at(0, strings.Fields(strings.Repeat(long+" ", 3000))...)}, lines: 1200, says: "the beginning of the log is missing"},
		"20,000 lines between two reads":     {steps: []dokploytest.Step{at(0, "first"), at(20*time.Second, logLines(20_000)...)}, lines: 10_000, says: "more came between two reads than the 10000"},
		"24,000 equal lines, some at a time": {steps: equal(24_000, 1000), lines: 10_000, says: "those that came between two reads cannot be counted"},
		"9,000 equal lines, some at a time":  {steps: equal(9_000, 1000), whole: true},
		"24,000 equal lines at once":         {steps: equal(24_000, 24_000), lines: 9_990, says: "the beginning of the log is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			var d time.Duration
			for _, s := range c.steps {
				d += s.After
			}
			inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: dokploytest.Build{Steps: c.steps}}, func(w *logWorld) {
				w.srv.Fault(refused)
				w.follow(nil, d+5*time.Second)
				said := strings.Join(w.lost, "\n")
				if c.whole {
					w.want()
				} else if !strings.Contains(said, c.says) || len(w.lines) < c.lines {
					t.Errorf("%d lines; told %q", len(w.lines), w.lost)
				}
				if c.whole && (strings.Contains(said, "missing") || strings.Contains(said, "left out")) {
					t.Errorf("told %q", w.lost)
				}
				text := "\n" + w.srv.Log(w.srv.Deployments(w.app)[0].ID)
				if n := strings.Count(text, "\n") - 1; len(w.lines) > n {
					t.Errorf("%d lines of %d: some come twice", len(w.lines), n)
				}
			})
		})
	}
}

// equal returns so many identical lines.
func equal(n, atATime int) (steps []dokploytest.Step) {
	for range n / atATime {
		steps = append(steps, dokploytest.Step{After: time.Second, Text: strings.Repeat("x\n", atATime)})
	}
	return steps
}

// However many requests share the pace, the time of one counts from its turn.
func TestARequestsTimeCountsFromItsTurn(t *testing.T) {
	inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: lasting(time.Second)}, func(w *logWorld) {
		w.client.Share()
		var wg sync.WaitGroup
		start := time.Now()
		for range 400 {
			wg.Go(func() {
				if _, err := w.client.Projects(w.t.Context()); err != nil {
					t.Errorf("after %s: %v", time.Since(start), err)
				}
			})
		}
		time.Sleep(time.Millisecond)
		w.follow(nil, 2*time.Second) // the list, the stream
		wg.Wait()
		w.want()
		if took := time.Since(start); took < 45*time.Second || len(w.lost) > 0 {
			t.Errorf("took %s, told %q", took, w.lost)
		}
	})
}

// A line that looks like the end, in the middle of a log, is no reason to trust
// a stream that stops right after it.
func TestAStreamThatStopsBehindALineLikeTheEnd(t *testing.T) {
	const mark = "✅ Docker build completed.\n"
	for _, version := range []string{"v0.28.3", "v0.30.2"} {
		b := dokploytest.Build{Steps: []dokploytest.Step{{Text: "building\n" + mark}, {After: 3 * time.Second, Text: "pushing\n✅ Image Pushed\n"}}}
		inLogWorld(t, dokploytest.Options{Version: version}, dokploytest.Application{Build: b}, func(w *logWorld) {
			w.srv.Fault(dokploytest.Fault{
				Procedure: "listen-deployment", Kind: dokploytest.StreamStalls, Bytes: len("Initializing deployment\nbuilding\n" + mark), Pong: true,
			})
			w.follow(nil, 3*time.Second)
			w.want()
			if w.outcome.Missing != "" || len(w.lost) > 0 {
				t.Errorf("%+v, told %q", w.outcome, w.lost)
			}
		})
	}
}

// If REST cannot help, a stream that brings nothing is opened again.
func TestASilentStreamIsOpenedAgain(t *testing.T) {
	for _, d := range []time.Duration{3 * time.Second, 90 * time.Second} {
		inLogWorld(t, dokploytest.Options{Version: "v0.28.3"}, dokploytest.Application{Build: lasting(d)}, func(w *logWorld) {
			w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamSilent, Pong: true})
			w.follow(nil, d)
			w.want()
			if w.outcome.Missing != "" || w.firstLine > 35*time.Second {
				t.Errorf("%+v, the first line after %s, told %q", w.outcome, w.firstLine, w.lost)
			}
		})
	}
}

// If a deployment is still running, the last line may not be complete.
func TestHalfALineIsSpokenOf(t *testing.T) {
	b := dokploytest.Build{Raw: true, Steps: []dokploytest.Step{{Text: "one\nAre you sure? [y/N] "}, {After: time.Hour}}}
	inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: b}, func(w *logWorld) {
		w.stopOnly = true
		w.follow(nil, 3*time.Second)
		if strings.Join(w.lines, "|") != "one|Are you sure? [y/N] " || len(w.lost) != 1 || !strings.Contains(w.lost[0], "may be incomplete") {
			t.Errorf("%q, told %q", w.lines, w.lost)
		}
	})
}
