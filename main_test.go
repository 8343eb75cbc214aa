//go:build !windows

// Windows has neither SIGPIPE nor SIGHUP.

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
)

// standIn starts a Dokploy on a port of this machine and returns the inputs for
// it.
func standIn(t *testing.T, o dokploytest.Options) (*dokploytest.Server, []string) {
	t.Helper()
	o.NoDocker = true
	srv := dokploytest.New(o)
	url, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	return srv, []string{"DOKPLOY_URL=" + url, "DOKPLOY_API_KEY=" + srv.Key}
}

// process is the program in its own process, with a pipe as output.
type process struct {
	*exec.Cmd
	out  *os.File
	file string // of the outputs
}

// begin starts the program; before is shell code that runs first. If blocked,
// the program cannot print anything.
func begin(t *testing.T, env []string, blocked bool, before string, more ...string) *process {
	t.Helper()
	program, err := exec.LookPath("dokploy-deploy") // the link to this binary that testscript made
	if err != nil {
		t.Fatal(err)
	}
	p := &process{file: filepath.Join(t.TempDir(), "outputs.env")}
	p.Cmd = exec.CommandContext(t.Context(), "/bin/sh", "-c", before+` exec "$0"`, program)
	p.Env = append(p.Env, env...)
	p.Env = append(p.Env, "DOKPLOY_APPLICATION=api", "DOKPLOY_OUTPUT_FILE="+p.file)
	for i := 0; i < len(more); i += 2 {
		p.Env = append(p.Env, more[i]+"="+more[i+1])
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	for blocked {
		_ = in.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := in.Write(make([]byte, 4<<10)); err != nil {
			break
		}
	}
	p.out, p.Stdout, p.Stderr = out, in, in
	// If the tests run under nohup, the program would ignore SIGHUP as they do.
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hangUp) })
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	t.Cleanup(func() { _ = out.Close() })
	return p
}

// end waits for the process, which must end with this code and have written its
// outputs.
func (p *process) end(t *testing.T, code int, status string) {
	t.Helper()
	_ = p.Wait()
	if got := p.ProcessState.ExitCode(); got != code {
		t.Errorf("%s, want exit %d", p.ProcessState, code)
	}
	p.wrote(t, status)
}

// wrote fails the test if the outputs have another status, or do not exist.
func (p *process) wrote(t *testing.T, status string) {
	t.Helper()
	text, err := os.ReadFile(p.file)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Split(string(text), "\n"), "DOKPLOY_STATUS="+status) {
		t.Errorf("want status %q:\n%s", status, text)
	}
}

// untilItBuilds waits until the build of the service has begun.
func untilItBuilds(t *testing.T, srv *dokploytest.Server) {
	t.Helper()
	for len(srv.Queue()) == 0 || !srv.Queue()[0].Active {
		if t.Context().Err() != nil {
			t.Fatal("it never begins")
		}
		time.Sleep(time.Millisecond)
	}
}

// numbered returns n numbered lines, and how long each of them takes.
func numbered(each time.Duration, n int) []dokploytest.Step {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("line %d", i))
	}
	return dokploytest.Lines(each, lines...)
}

// TestNobodyReads: what happens to the output does not change the result.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	const full = 8 << 20 // more than a pipe and the program hold
	for name, tt := range map[string]struct {
		build  dokploytest.Build
		read   bool // the reader reads the first piece and goes away; otherwise it is blocked
		inputs []string
		code   int
		status string
	}{
		"gone":                  {dokploytest.Build{Steps: numbered(20*time.Millisecond, 50)}, true, nil, 0, "done"},
		"gone, and it fails":    {dokploytest.Build{Steps: numbered(20*time.Millisecond, 50), Outcome: "error"}, true, nil, 1, "error"},
		"blocked":               {dokploytest.Build{LogWriter: dokploytest.BigLog(full), Steps: numbered(20*time.Millisecond, 50)}, false, nil, 0, "done"},
		"blocked, and it fails": {dokploytest.Build{LogWriter: dokploytest.BigLog(full), Outcome: "error"}, false, []string{"DOKPLOY_LOGS", "failure"}, 1, "error"},
		"blocked, and too long": {dokploytest.Build{LogWriter: dokploytest.BigLog(full), Steps: numbered(time.Hour, 1)}, false, []string{"DOKPLOY_TIMEOUT", "3s"}, 4, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, env := standIn(t, dokploytest.Options{DiscardLogs: true})
			srv.AddApplication(dokploytest.Application{Name: "api", Build: tt.build})
			p := begin(t, env, !tt.read, "", tt.inputs...)
			if tt.read {
				if _, err := p.out.Read(make([]byte, 100)); err != nil {
					t.Error(err)
				}
				_ = p.out.Close()
			}
			p.end(t, tt.code, tt.status)
		})
	}
}

// TestReaderComesBack: a reader that slept gets everything.
func TestReaderComesBack(t *testing.T) {
	t.Parallel()
	srv, env := standIn(t, dokploytest.Options{DiscardLogs: true})
	srv.AddApplication(dokploytest.Application{Name: "api", Build: dokploytest.Build{LogWriter: dokploytest.BigLog(8 << 20), Outcome: "error"}})
	p := begin(t, env, false, "")
	for { // once the outputs exist, nothing more is printed
		if info, err := os.Stat(p.file); err == nil && info.Size() > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	all, err := io.ReadAll(p.out)
	if err != nil {
		t.Error(err)
	}
	p.end(t, 1, "error")
	text := string(all)
	if strings.Contains(text, " of the log are not shown: ") {
		t.Error("lines are missing")
	}
	if verdict, first := strings.Index(text, "\n✗ api failed"), strings.Index(text, "\n#12 0.000 npm "); verdict < 0 || first < 0 || first > verdict {
		t.Errorf("the log or the verdict is missing:\n%s", text[max(0, len(text)-2000):])
	}
}

// TestInterruptWhileBlocked: the outputs of an interrupted run do not wait for
// whoever reads its output.
func TestInterruptWhileBlocked(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			srv, env := standIn(t, dokploytest.Options{DiscardLogs: true})
			srv.AddApplication(dokploytest.Application{Name: "api", Build: dokploytest.Build{LogWriter: dokploytest.BigLog(8 << 20), Steps: numbered(time.Hour, 1)}})
			p := begin(t, env, true, "")
			untilItBuilds(t, srv)
			_ = p.Process.Signal(signal)
			p.end(t, 128+int(signal), "interrupted")
		})
	}
}

// TestSignalsAtOnce: a run that is told to end more than once writes its
// outputs, too. The first signal decides the exit code; for two that come
// together, the kernel decides which one is the first.
func TestSignalsAtOnce(t *testing.T) {
	t.Parallel()
	for name, more := range map[string][]syscall.Signal{
		"a terminal that closes": {syscall.SIGHUP, syscall.SIGTERM, syscall.SIGHUP},
		"an impatient person":    {syscall.SIGINT, syscall.SIGINT, syscall.SIGINT},
		"a CI host":              {syscall.SIGINT, syscall.SIGTERM},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, env := standIn(t, dokploytest.Options{DiscardLogs: true})
			srv.AddApplication(dokploytest.Application{Name: "api", Build: dokploytest.Build{LogWriter: dokploytest.BigLog(8 << 20), Steps: numbered(time.Hour, 1)}})
			p := begin(t, env, true, "")
			untilItBuilds(t, srv)
			for _, sig := range more {
				_ = p.Process.Signal(sig)
				time.Sleep(time.Millisecond) // so that two of the same kind do not merge
			}
			_ = p.Wait()
			if code := p.ProcessState.ExitCode(); !slices.Contains(more, syscall.Signal(code-128)) {
				t.Errorf("%s", p.ProcessState)
			}
			p.wrote(t, "interrupted")
		})
	}
}

// TestHangUp: SIGHUP interrupts, and is ignored if it was ignored before.
func TestHangUp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before string
		code   int
		status string
	}{
		"a terminal that closes": {"", 129, "interrupted"},
		"under nohup":            {"trap '' HUP;", 0, "done"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, env := standIn(t, dokploytest.Options{})
			srv.AddApplication(dokploytest.Application{Name: "api", Build: dokploytest.Build{Steps: numbered(50*time.Millisecond, 40)}})
			p := begin(t, env, false, tt.before)
			untilItBuilds(t, srv)
			_ = p.Process.Signal(syscall.SIGHUP)
			_ = p.out.Close() // this closes the output, too
			p.end(t, tt.code, tt.status)
		})
	}
}
