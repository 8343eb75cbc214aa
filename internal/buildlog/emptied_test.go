package buildlog_test

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
)

// A log that another deployment empties is shown, with a message.
func TestALogThatIsEmptied(t *testing.T) {
	for _, stream := range []string{"works", "403", "stops in the middle, pings"} {
		t.Run(stream, func(t *testing.T) {
			b := dokploytest.Build{Steps: dokploytest.Lines(time.Second, logLines(40)...)}
			inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: b}, func(w *logWorld) {
				if f, ok := streamsThatBringNothing[stream]; ok {
					f.Procedure, f.Times = "listen-deployment", -1
					w.srv.Fault(f)
				}
				time.AfterFunc(20*time.Second, func() { w.srv.EmptyLog(w.srv.Deployments(w.app)[0].ID) })
				w.follow(nil, 42*time.Second)
				if said := strings.Join(w.lost, "\n"); !strings.Contains(said, "the log was emptied and started over") {
					t.Errorf("told %q", w.lost)
				}
				seen := map[string]int{}
				for _, line := range w.lines {
					if seen[line]++; seen[line] > 1 {
						t.Errorf("%q comes twice", line)
					}
				}
				if len(w.lines) < 30 || seen["✅ Pulling image completed."] != 1 {
					t.Errorf("%d lines", len(w.lines))
				}
			})
		})
	}
}

// tail's message about that may come in the middle of a frame, and of a line.
func TestALogThatIsEmptiedInTheMiddleOfAFrame(t *testing.T) {
	for _, block := range []int{1, 100, 200, 333} {
		b := dokploytest.Build{Steps: dokploytest.Lines(time.Second, logLines(40)...)}
		b.Steps[19].Text = strings.TrimSuffix(b.Steps[19].Text, "\n")
		inLogWorld(t, dokploytest.Options{}, dokploytest.Application{Build: b}, func(w *logWorld) {
			w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamBuffered, Bytes: block, Times: -1})
			time.AfterFunc(20*time.Second, func() { w.srv.EmptyLog(w.srv.Deployments(w.app)[0].ID) })
			w.follow(nil, 42*time.Second)
			seen := map[string]int{}
			for _, line := range w.lines {
				if seen[line]++; seen[line] > 1 || strings.Contains(line, "tail error") {
					t.Errorf("blocks of %d: %q is shown, %d times", block, line, seen[line])
				}
			}
			if !strings.Contains(strings.Join(w.lost, "\n"), "the log was emptied") || seen["#7 line 39"] != 1 {
				t.Errorf("blocks of %d: %d lines, told %q", block, len(w.lines), w.lost)
			}
		})
	}
}

// A log that is emptied while no stream reads it, and is longer than before
// when one does.
func TestALogThatIsEmptiedBetweenTwoStreams(t *testing.T) {
	b := dokploytest.Build{Steps: append(dokploytest.Lines(time.Second, logLines(10)...), dokploytest.Lines(100*time.Millisecond, logLines(60)[10:]...)...)}
	inLogWorld(t, dokploytest.Options{Version: "v0.28.3"}, dokploytest.Application{Build: b}, func(w *logWorld) {
		time.AfterFunc(9500*time.Millisecond, func() {
			w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamRefused, Status: 502, Times: 4})
			id := w.srv.Deployments(w.app)[0].ID
			w.srv.EmptyLog(id)
		})
		w.srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamCut, Bytes: 100})
		w.follow(nil, 20*time.Second)
		if w.lines[len(w.lines)-1] != "✅ Pulling image completed." || len(w.lines) < 50 {
			t.Errorf("%d lines, told %q", len(w.lines), w.lost)
		}
	})
}
