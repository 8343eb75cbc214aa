package program

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dokploy-deploy/internal/ci"
	"dokploy-deploy/internal/deploy"
	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// These benchmarks measure what a user waits for and pays for. They assert
// nothing: on a busy machine a figure is not a verdict.

// BenchmarkStart measures the time from the start of Run to its first request.
func BenchmarkStart(b *testing.B) {
	srv, env := standIn(b, dokploytest.Options{})
	env = with(env, "DOKPLOY_APPLICATION", "nothing-of-that-name")
	var total time.Duration
	n := 0
	for b.Loop() {
		start := time.Now()
		before := len(srv.Requests())
		c := call{env: env}
		c.run(b.Context())
		total += srv.Requests()[before].At.Sub(start)
		n++
	}
	b.ReportMetric(float64(total.Microseconds())/float64(n), "µs-to-first-request")
}

// BenchmarkVerdict measures the time from finishedAt, when Dokploy itself
// knows, to the end of Run.
func BenchmarkVerdict(b *testing.B) {
	for _, bench := range []struct {
		name   string
		stream bool
	}{{"stream", true}, {"no-stream", false}} {
		b.Run(bench.name, func(b *testing.B) {
			srv, env := standIn(b, dokploytest.Options{Version: "v0.28.3"}) // this version has no log over REST to help
			if !bench.stream {
				srv.Fault(dokploytest.Fault{Procedure: "listen-deployment", Kind: dokploytest.StreamRefused, Status: 403, Times: -1})
			}
			n := 0
			app := srv.AddApplication(dokploytest.Application{Name: "api", SourceType: "git", BuildFunc: func(int) dokploytest.Build {
				n++ // spread over the pauses between looks
				return dokploytest.Build{
					Steps:       []dokploytest.Step{{Text: "#1\n"}, {After: 3*time.Second + time.Duration(n*137%1000)*time.Millisecond, Text: "#2\n"}},
					FinishAfter: time.Duration(2+n*7%47) * time.Millisecond, // as recorded: 2 to 48 ms
				}
			}})
			env = with(env, "DOKPLOY_APPLICATION", "api")
			var late []time.Duration
			for b.Loop() {
				c := call{env: env}
				c.run(b.Context())
				ended := time.Now()
				if c.code != 0 {
					b.Fatalf("exit %d\n%s", c.code, &c.stdout)
				}
				late = append(late, ended.Sub(srv.Deployments(app)[0].FinishedAt))
			}
			slices.Sort(late)
			b.ReportMetric(float64(late[len(late)/2].Milliseconds()), "ms-after-finishedAt")
			b.ReportMetric(float64(late[len(late)-1].Milliseconds()), "ms-at-worst")
		})
	}
}

// BenchmarkRequests counts the requests for a build of 41 s, including the
// handshake of the log stream. Its seconds are those of a synctest bubble.
func BenchmarkRequests(b *testing.B) {
	n := 0
	for b.Loop() {
		testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{
			Name: "41s", F: func(t *testing.T) { n = requestsFor41s(t) },
		}})
	}
	b.ReportMetric(float64(n), "requests/deployment")
}

func requestsFor41s(t *testing.T) (n int) {
	synctest.Test(t, func(t *testing.T) {
		srv := dokploytest.New(dokploytest.Options{Latency: 30 * time.Millisecond})
		srv.Start()
		defer srv.Close()
		var steps []string
		for i := range 40 {
			steps = append(steps, fmt.Sprintf("#7 %d.0 slow build line %d of 40", i, i))
		}
		srv.AddApplication(dokploytest.Application{Name: "api", SourceType: "git", Build: dokploytest.Build{Steps: dokploytest.Lines(1020*time.Millisecond, steps...)}})
		u, err := url.Parse(srv.URL())
		if err != nil {
			t.Fatal(err)
		}
		printer := ci.New(ci.Host{}, io.Discard, nil)
		client := dokploy.New(dokploy.Options{URL: u, Key: srv.Key, Dial: srv.Dial})
		report := deploy.Run(t.Context(), deploy.Options{
			Client: client, Reporter: printer, Targets: []deploy.Target{{Kind: dokploy.Application, Ref: "api"}}, Operation: "deploy",
			Wait: true, Timeout: time.Hour, Unreachable: time.Minute, Logs: deploy.LogLive,
		})
		if report.Status() != verdict.Done {
			t.Fatal(report.Results[0])
		}
		_ = printer.Close()
		client.CloseIdle()
		n = len(srv.Requests())
	})
	return n
}

// BenchmarkLog measures the path of a log from the stream to the output, in one
// process with the server that sends it.
func BenchmarkLog(b *testing.B) {
	const size = 10 << 20
	srv, env := standIn(b, dokploytest.Options{DiscardLogs: true})
	srv.AddApplication(dokploytest.Application{Name: "api", Build: dokploytest.Build{LogWriter: dokploytest.BigLog(size)}})
	env = with(env, "DOKPLOY_APPLICATION", "api")
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if code := (Program{Stdout: io.Discard, Stderr: io.Discard}).Run(b.Context(), nil, env); code != 0 {
			b.Fatalf("exit %d", code)
		}
	}
}

// BenchmarkProcess streams 100 MB through the real program: CPU time and peak
// memory of the whole process.
func BenchmarkProcess(b *testing.B) {
	const size = 100 << 20
	bin := buildProgram(b)
	info, err := os.Stat(bin)
	if err != nil {
		b.Fatal(err)
	}
	srv, env := standIn(b, dokploytest.Options{DiscardLogs: true})
	srv.AddApplication(dokploytest.Application{Name: "api", Build: dokploytest.Build{LogWriter: dokploytest.BigLog(size)}})
	var cpu time.Duration
	var peak int64
	n := 0
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), bin)
		for k, v := range with(env, "DOKPLOY_APPLICATION", "api") {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		stop := watchMemory(cmd.Process.Pid, &peak)
		err := cmd.Wait()
		stop()
		if err != nil {
			b.Fatal(err)
		}
		cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		n++
	}
	b.ReportMetric(float64(size)*float64(n)/(1<<20)/cpu.Seconds(), "MB/s-of-CPU")
	b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
	b.ReportMetric(float64(info.Size())/1e6, "MB-binary")
}

// watchMemory records the peak memory of a process until stop is called.
func watchMemory(pid int, peak *int64) (stop func()) {
	ended, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-ended:
				return
			case <-time.After(2 * time.Millisecond):
				*peak = max(*peak, peakMemory(pid))
			}
		}
	}()
	return func() { close(ended); <-watched }
}
