package ci

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestAllocations(t *testing.T) {
	p := New(actionsHost, io.Discard, []string{"a-long-secret-key"})
	p.SetTargets([]string{"api", "web"})
	line := []byte("#12 4.321 \x1b[32madded\x1b[0m 1042 packages in 12s ✅")
	if n := testing.AllocsPerRun(1000, func() { p.LogLine("api", line) }); n > 1 {
		t.Errorf("%v allocations a line", n)
	}
}

// environment returns n values like those of a service's environment.
func environment(n int) []string {
	var values []string
	for i := range n {
		values = append(values, fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i), byte(i >> 8)}))[:8+i%24])
	}
	return values
}

func BenchmarkLogLine(b *testing.B) { benchmarkLogLine(b, 0) }

// BenchmarkLogLineHiding does the same with a large environment to hide.
func BenchmarkLogLineHiding(b *testing.B) { benchmarkLogLine(b, 300) }

func benchmarkLogLine(b *testing.B, hidden int) {
	for name, line := range map[string]string{
		"plain":    "#12 4.321 npm warn deprecated inflight@1.0.6: This module is not supported, and leaks memory.",
		"coloured": "#12 4.321 \x1b[32m✓\x1b[0m 1042 modules transformed, \x1b[1m\x1b[33m3 warnings\x1b[39m\x1b[22m in 12s ✅",
		"long":     strings.Repeat("0123456789abcdef", 4096),
	} {
		b.Run(name, func(b *testing.B) {
			p := New(actionsHost, io.Discard, []string{"cF9xTkQ2vLr8sWm4hYz1", "b6c1a2d3e4f5.access", "Bearer abc.def.ghi"})
			p.SetTargets([]string{"api", "web"})
			p.Hide(environment(hidden)...)
			text := []byte(line)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				p.LogLine("api", text)
			}
		})
	}
}
