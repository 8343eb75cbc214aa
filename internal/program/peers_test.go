package program

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
)

// peer is a way to deploy: this program, or one of those in testdata/peers at
// the root.
type peer struct {
	name string
	args []string
}

// peers returns those that this machine can run.
func peers(b testing.TB) []peer {
	bin := buildProgram(b)
	list := []peer{{"dokploy-deploy", []string{bin}}}
	for _, p := range []peer{
		{"curl and jq", []string{"sh", "../../testdata/peers/curl.sh"}},
		{"node", []string{"node", "../../testdata/peers/action.mjs"}},
	} {
		needs := append([]string{p.args[0]}, map[string][]string{"sh": {"curl", "jq"}}[p.args[0]]...)
		there := true
		for _, program := range needs {
			if _, err := exec.LookPath(program); err != nil {
				b.Logf("%s is not here, so %q is left out", program, p.name)
				there = false
			}
		}
		if there {
			list = append(list, p)
		}
	}
	return list
}

// buildProgram builds the program as a release does, from what was compiled for
// it.
func buildProgram(b testing.TB) string {
	b.Helper()
	bin := filepath.Join(b.TempDir(), "dokploy-deploy")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.version=", "-o", bin, "../..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// counted forwards connections and counts their bytes, both ways.
func counted(b testing.TB, to string) (url string, sum *atomic.Int64) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = ln.Close() })
	sum = &atomic.Int64{}
	pass := func(to, from net.Conn) {
		n, _ := io.Copy(to, from)
		sum.Add(n)
		_ = to.Close()
	}
	go func() {
		for {
			near, err := ln.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", strings.TrimPrefix(to, "http://"))
			if err != nil {
				_ = near.Close()
				continue
			}
			go pass(far, near)
			go pass(near, far)
		}
	}()
	return "http://" + ln.Addr().String(), sum
}

// run runs a peer on one application and returns its exit code and when it
// ended.
func (p peer) run(b testing.TB, url, key, id string) (int, time.Time) {
	cmd := exec.CommandContext(b.Context(), p.args[0], p.args[1:]...)
	cmd.Env = append(os.Environ(), "URL="+url, "KEY="+key, "ID="+id,
		"DOKPLOY_URL="+url, "DOKPLOY_API_KEY="+key, "DOKPLOY_APPLICATION="+id, "DOKPLOY_VERIFY=off")
	out, err := cmd.CombinedOutput()
	ended := time.Now()
	if err != nil && cmd.ProcessState.ExitCode() < 0 {
		b.Fatalf("%s: %v\n%s", p.name, err, out)
	}
	return cmd.ProcessState.ExitCode(), ended
}

// BenchmarkPeers compares this program with the ways in which people deploy
// today, in our own minimal versions, against the same server: a build of some
// 20 s whose log only this program follows.
func BenchmarkPeers(b *testing.B) {
	for _, p := range peers(b) {
		b.Run(p.name, func(b *testing.B) {
			srv, _ := standIn(b, dokploytest.Options{Latency: 20 * time.Millisecond})
			n := 0
			app := srv.AddApplication(dokploytest.Application{Name: "api", SourceType: "git", BuildFunc: func(int) dokploytest.Build {
				n++
				return dokploytest.Build{Steps: dokploytest.Lines(time.Second+time.Duration(n*37%50)*time.Millisecond, make([]string, 20)...)}
			}})
			url, sum := counted(b, srv.URL())
			var delay time.Duration
			before, runs := len(srv.Requests()), 0
			for b.Loop() {
				_, ended := p.run(b, url, srv.Key, app.ID)
				delay += ended.Sub(srv.Deployments(app)[0].FinishedAt)
				runs++
			}
			b.ReportMetric(float64(delay.Milliseconds())/float64(runs), "ms-after-the-end")
			b.ReportMetric(float64(len(srv.Requests())-before)/float64(runs), "requests")
			b.ReportMetric(float64(sum.Load())/float64(runs)/1000, "kB")
		})
	}
}

// BenchmarkTargets deploys many applications in one run and reports peak
// memory, and the most requests that the server got in any one second.
func BenchmarkTargets(b *testing.B) {
	bin := buildProgram(b)
	for name, count := range map[string]int{"50": 50, "500": 500} {
		b.Run(name, func(b *testing.B) {
			var peak, most int64
			for b.Loop() {
				srv, env := standIn(b, dokploytest.Options{Concurrency: 8, Latency: 20 * time.Millisecond})
				var ids []string
				for i := range count {
					ids = append(ids, srv.AddApplication(dokploytest.Application{
						Name: "app-" + strings.Repeat("x", i%7), Build: dokploytest.Build{Steps: dokploytest.Lines(100*time.Millisecond, "one", "two", "three")},
					}).ID)
				}
				cmd := exec.CommandContext(b.Context(), bin)
				for k, v := range with(env, "DOKPLOY_APPLICATION", strings.Join(ids, ","), "DOKPLOY_MAX_PARALLEL", "32") {
					cmd.Env = append(cmd.Env, k+"="+v)
				}
				var out bytes.Buffer
				cmd.Stdout = &out
				if err := cmd.Start(); err != nil {
					b.Fatal(err)
				}
				stop := watchMemory(cmd.Process.Pid, &peak)
				err := cmd.Wait()
				stop()
				if err != nil {
					b.Fatalf("%v\n%.3000s", err, out.Bytes()[max(0, out.Len()-3000):])
				}
				most = max(most, busiest(srv.Requests()))
				srv.Close()
			}
			b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
			b.ReportMetric(float64(most), "requests-in-the-busiest-second")
		})
	}
}

// busiest returns the largest number of requests within any second.
func busiest(requests []dokploytest.Request) (most int64) {
	from := 0
	for i, r := range requests {
		for r.At.Sub(requests[from].At) >= time.Second {
			from++
		}
		most = max(most, int64(i-from+1))
	}
	return most
}
