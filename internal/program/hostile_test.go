package program

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dokploy-deploy/internal/config"
	"dokploy-deploy/internal/dokploytest"
)

// The program against servers that are malicious or unusually broken: it ends,
// says what came, stays within its memory, and its verdict is always the truth.

// memoryLimit is how much memory the program may use, whatever a server sends.
const memoryLimit = 100 << 20

// memoryFile names the file to which a child writes how much memory it used.
const memoryFile = "HOSTILE_MEMORY_FILE"

// init turns this test binary into the program, in its own process whose memory
// and environment can be examined.
func init() {
	file := os.Getenv(memoryFile)
	if file == "" {
		return
	}
	code := Program{Stdout: os.Stdout, Stderr: os.Stderr}.Run(context.Background(), nil, config.ReadEnvironment(os.Environ()))
	_ = os.WriteFile(file, []byte(strconv.FormatInt(peakMemory(os.Getpid()), 10)), 0o600)
	os.Exit(code)
}

// children limits how many processes run at a time: those that need the
// processor need it within the time that they are given.
var children = make(chan struct{}, 6)

// child is one call of the program in its own process.
type child struct {
	code   int
	stdout string
	stderr string
	peak   int64 // bytes; 0: this system does not report it
}

func runChild(t *testing.T, env map[string]string) child {
	t.Helper()
	file := filepath.Join(t.TempDir(), "memory")
	children <- struct{}{}
	defer func() { <-children }()
	// It must end by itself, long before this.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = []string{memoryFile + "=" + file, "COLUMNS=10000", "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("it does not end\n%.4000s", &stdout)
	}
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	c := child{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("it did not end by itself: %v, exit %d\n%.4000s\n%.4000s", err, c.code, c.stdout, c.stderr)
	}
	if c.peak, err = strconv.ParseInt(string(text), 10, 64); err != nil {
		t.Fatal(err)
	}
	t.Logf("exit %d, %.1f MB at most", c.code, float64(c.peak)/1e6)
	if c.peak > memoryLimit && !dokploytest.RaceDetector() {
		t.Errorf("%.1f MB of memory", float64(c.peak)/1e6)
	}
	return c
}

// largeAnswer skips a test that only has large answers: it is about memory,
// which cannot be measured with the race detector.
func largeAnswer(t *testing.T) {
	t.Helper()
	if dokploytest.RaceDetector() {
		t.Skip("the race detector takes memory of its own; go test without -race runs it")
	}
}

// seconds returns n seconds, or more if the program is slow.
func seconds(n int) string {
	if dokploytest.RaceDetector() {
		n *= 5
	}
	return strconv.Itoa(n) + "s"
}

// front is in front of a stand-in and answers some of the requests itself.
type front struct {
	srv *dokploytest.Server
	app *dokploytest.Service
	env map[string]string

	spoilt atomic.Int64 // requests
}

// until returns a build that ends once n requests were spoilt.
func (f *front) until(t *testing.T, n int64) dokploytest.Build {
	return dokploytest.Build{LogWriter: func(w io.Writer) {
		_, _ = io.WriteString(w, "built\n")
		for f.spoilt.Load() < n && t.Context().Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(500 * time.Millisecond)
	}}
}

// newFront intercepts the requests for which spoil returns a function. The
// function gets the connection, and the request is over when it returns.
func newFront(t *testing.T, build dokploytest.Build, spoil func(f *front, procedure string) func(net.Conn, *http.Request)) *front {
	t.Helper()
	f := &front{}
	f.srv, f.env = standIn(t, dokploytest.Options{DiscardLogs: true})
	f.app = f.srv.AddApplication(dokploytest.Application{Name: "api", Build: build})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		procedure := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/"), "api/")
		answer := spoil(f, procedure)
		if answer == nil {
			f.srv.ServeHTTP(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		f.spoilt.Add(1)
		answer(conn, r)
	}))
	t.Cleanup(func() { front.CloseClientConnections(); front.Close() })
	f.env = with(f.env, "DOKPLOY_URL", front.URL, "DOKPLOY_APPLICATION", "api", "DOKPLOY_UNREACHABLE_TIMEOUT", "30s", "DOKPLOY_TIMEOUT", "2m")
	return f
}

const okJSON = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

// raw sends text and then closes the connection.
func raw(text string) func(net.Conn, *http.Request) {
	return func(conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, text) }
}

// flood sends a head, and then the same text again and again until total bytes
// were sent (0: forever) or the other side has had enough.
func flood(head, more string, total int) func(net.Conn, *http.Request) {
	block := []byte(strings.Repeat(more, 1+(64<<10)/len(more)))
	return func(conn net.Conn, _ *http.Request) {
		if _, err := io.WriteString(conn, head); err != nil {
			return
		}
		for n := 0; total == 0 || n < total; n += len(block) {
			if _, err := conn.Write(block); err != nil {
				return
			}
		}
	}
}

// stay sends text and keeps the connection open.
func stay(text string) func(net.Conn, *http.Request) {
	return func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, text)
		_, _ = io.Copy(io.Discard, conn)
	}
}

// zeros returns compressed zeros: parts that are unpacked as one.
func zeros(total int) []byte {
	const part = 16 << 20
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, part))
	_ = z.Close()
	return bytes.Repeat(b.Bytes(), total/part)
}

// TestHostileAnswers: before a trigger, an unusable server ends the run with
// exit 3; while a deployment is followed, it counts as an outage.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	bomb := zeros(1 << 30)
	var twice bytes.Buffer
	z := gzip.NewWriter(&twice)
	_, _ = z.Write(bomb)
	_ = z.Close()
	chunk := strings.Repeat("x", 1024)
	// While a deployment is followed, all of them count as the same thing, an
	// outage.
	followed := []string{"a text of 200 MB", "100,000 lists deep", "a length too long", "10 MB of head", "a byte at a time", "null"}
	transient := []string{
		"a length too long", "a length of 8 EB", "10 MB of head", "100,000 headers", "a head without end", "continue without end", "a trailer without end",
		"no answer", "an answer without end", "a byte at a time", "another protocol", "nothing", "a text with orders",
	}
	// Nothing large: these do not need their own process.
	small := []string{
		"a length too long", "a length too short", "a length of 8 EB", "no answer", "an answer without end", "a byte at a time", "a circle", "a place of 200 kB",
		"another protocol", "nothing", "an object, not a list", "a list of numbers", "null", "a switch to nothing", "a text with orders",
	}
	start := func(t *testing.T, name string, env map[string]string) child {
		if !slices.Contains(small, name) {
			return runChild(t, env)
		}
		c := call{env: env}
		c.run(t.Context())
		return child{code: c.code, stdout: c.stdout.String(), stderr: c.stderr.String()}
	}
	for name, tt := range map[string]struct {
		answer func(net.Conn, *http.Request)
		want   string // %s: the procedure
	}{
		"a text of 200 MB":         {flood(okJSON+"Content-Length: 209715202\r\n\r\n\"", "x", 200<<20), "%s: the answer is larger than "},
		"a list without end":       {flood(okJSON+"\r\n[{}", `,{"deploymentId":"x","projectId":"y"}`, 0), "%s: the answer is larger than "},
		"chunks without end":       {flood(okJSON+"Transfer-Encoding: chunked\r\n\r\n", "400\r\n"+chunk+"\r\n", 0), "%s: the answer is larger than "},
		"a page without end":       {flood("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!DOCTYPE html>", "<p>", 0), "%s: the answer is larger than "},
		"an error without end":     {flood("HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<!DOCTYPE html>", "<p>", 0), "expected Dokploy's API, but got an HTML page (%s: 404)"},
		"many objects":             {raw(okJSON + "\r\n[{}" + strings.Repeat(",{}", 1<<20) + "]"), "%s: the answer has more than "},
		"100,000 lists deep":       {raw(okJSON + "\r\n" + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)), "expected Dokploy's API, but got something other than JSON (%s: 200)"},
		"100,000 objects deep":     {raw(okJSON + "\r\n" + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)), "expected Dokploy's API, but got something other than JSON (%s: 200)"},
		"a length too long":        {raw(okJSON + "Content-Length: 100\r\n\r\n[]"), "the connection was closed in the middle of the answer to %s (2 bytes received)"},
		"a length too short":       {raw(okJSON + "Content-Length: 3\r\n\r\n[{}]\r\nmore"), "expected Dokploy's API, but got something other than JSON (%s: 200)"},
		"a length of 8 EB":         {stay(okJSON + "Content-Length: 9223372036854775807\r\n\r\n["), "the answer to %s did not end in time (1 bytes received)"},
		"10 MB of head":            {flood("HTTP/1.1 200 OK\r\nA: ", "x", 10<<20), "the answer to %s has more than 256 kB of headers"},
		"100,000 headers":          {raw(okJSON + strings.Repeat("A: b\r\n", 100_000) + "\r\n[]"), "the answer to %s has more than 256 kB of headers"},
		"a head without end":       {flood("HTTP/1.1 ", "2", 0), "the answer to %s has more than 256 kB of headers"},
		"continue without end":     {flood("", "HTTP/1.1 100 Continue\r\n\r\n", 0), "the answer to %s has more than 256 kB of headers"},
		"a trailer without end":    {flood(okJSON+"Transfer-Encoding: chunked\r\nTrailer: A\r\n\r\n2\r\n[]\r\n0\r\nA: ", "x", 0), "the answer to %s cannot be read: "},
		"a bomb of 1 GB":           {raw(okJSON + "Content-Encoding: gzip\r\nContent-Length: " + strconv.Itoa(len(bomb)) + "\r\n\r\n" + string(bomb)), "%s: the answer is larger than "},
		"a bomb in a bomb":         {raw(okJSON + "Content-Encoding: gzip, gzip\r\nContent-Length: " + strconv.Itoa(twice.Len()) + "\r\n\r\n" + twice.String()), "expected Dokploy's API, but got something other than JSON (%s: 200)"},
		"no answer":                {stay(""), "no answer in time"},
		"an answer without end":    {stay(okJSON + "\r\n[]"), "the answer to %s did not end in time (2 bytes received)"},
		"a byte at a time":         {drip, "the answer to %s did not end in time ("},
		"a circle":                 {raw("HTTP/1.1 308 Permanent Redirect\r\nLocation: ?a=b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), "the server keeps redirecting, finally to "},
		"a redirect without end":   {flood("HTTP/1.1 308 Permanent Redirect\r\nLocation: http://elsewhere.test/\r\n\r\n", "x", 0), "the server redirects to http://elsewhere.test/ (308); the key is not sent there"},
		"a place of 200 kB":        {raw("HTTP/1.1 302 Found\r\nLocation: /" + strings.Repeat("x", 200<<10) + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), "the server redirects "},
		"an error of 10 MB":        {flood("HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\r\n{\"message\":\"", "no ", 10<<20), `: {"message":"no no no `},
		"another protocol":         {raw("220 mail.test ESMTP\r\n"), "the answer to %s is not HTTP: malformed HTTP "},
		"nothing":                  {raw(""), "the connection was closed early"},
		"an object, not a list":    {raw(okJSON + "\r\n{}"), "%s: the answer cannot be read: it is an object, expected a list"},
		"a list of numbers":        {raw(okJSON + "\r\n[1,2]"), "%s: the answer cannot be read: "},
		"null":                     {raw(okJSON + "\r\nnull"), "Dokploy answered 200 to %s: the answer is not a list"},
		"a switch to nothing":      {stay("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), "Dokploy answered 101 to %s"},
		"a text with orders":       {raw("HTTP/1.1 500 x\r\nContent-Type: application/json\r\n\r\n{\"message\":\"\\u001b]0;x\\u0007\\n::error::x\\u009b2J\"}"), "::error::x"},
		"a number of 10 MB":        {flood(okJSON+"Content-Length: 10485760\r\n\r\n", "1", 10<<20), "%s: "},
		"a list of 15 MB":          {raw(okJSON + "\r\n[{\"projectId\":\"p\",\"name\":\"" + strings.Repeat("n", 15<<20) + "\"}]"), ""},
		"many services":            {raw(okJSON + "\r\n[{\"environments\":[{\"applications\":[{}" + strings.Repeat(`,{"applicationId":"`+strings.Repeat("n", 250)+`"}`, 59_000) + "]}]}]"), "%s: the answer cannot be read: a list has more than 25000 elements"},
		"many services in two":     {raw(okJSON + "\r\n[{\"environments\":[{\"applications\":[{}" + strings.Repeat(`,{"applicationId":"`+strings.Repeat("n", 250)+`"}`, 24_900) + "],\"compose\":[{}" + strings.Repeat(`,{"composeId":"`+strings.Repeat("n", 250)+`"}`, 24_900) + "]}]}]"), ""},
		"a service that is a name": {raw(okJSON + "\r\n[{\"environments\":[{\"applications\":[{\"applicationId\":\"y\",\"name\":\"" + strings.Repeat("n", 7<<20) + "\"}]}]}]"), ""},
		"one name of 7 MB":         {raw(okJSON + "\r\n[{\"" + strings.Repeat("n", 7<<20) + "\":1}]"), ""},
		"names that are the same":  {raw(okJSON + "\r\n[{" + strings.Repeat(`"name":"x",`, 600_000) + `"name":1}]`), "%s: the answer cannot be read: name is a number, expected text"},
	} {
		t.Run(name, func(t *testing.T) {
			if !slices.Contains(small, name) && !slices.Contains(followed, name) {
				largeAnswer(t)
			}
			t.Parallel()
			t.Run("before", func(t *testing.T) {
				t.Parallel()
				f := newFront(t, dokploytest.Build{}, func(_ *front, procedure string) func(net.Conn, *http.Request) {
					if procedure == "project.all" {
						return tt.answer
					}
					return nil
				})
				// What waiting may fix is waited for; everything else ends at
				// once.
				patience := "30s"
				if slices.Contains(transient, name) {
					patience = seconds(2)
				}
				run := func() child { return start(t, name, with(f.env, "DOKPLOY_UNREACHABLE_TIMEOUT", patience)) }
				c := run()
				if tt.want != cutOff {
					c = uncut(c, run)
				}
				code := 3
				if tt.want == "" {
					code = 2 // an empty list: there is no such service
				}
				checkOutput(t, c, code, strings.ReplaceAll(tt.want, "%s", "project.all"))
				if n := f.srv.TriggerCount(f.app); n != 0 {
					t.Errorf("%d triggers", n)
				}
			})
			if !slices.Contains(followed, name) {
				return
			}
			t.Run("followed", func(t *testing.T) {
				t.Parallel()
				f := newFront(t, dokploytest.Build{Steps: dokploytest.Lines(time.Hour, "never")}, func(f *front, procedure string) func(net.Conn, *http.Request) {
					if procedure == "deployment.all" && f.srv.TriggerCount(f.app) > 0 {
						return tt.answer
					}
					return nil
				})
				c := start(t, name, with(f.env, "DOKPLOY_UNREACHABLE_TIMEOUT", seconds(3)))
				checkOutput(t, c, 3, strings.ReplaceAll(tt.want, "%s", "deployment.all"))
				if n := f.srv.TriggerCount(f.app); n != 1 {
					t.Errorf("%d triggers", n)
				}
			})
		})
	}
}

// TestHugeButRight: valid answers that are far too large are used as far as
// possible. The deployment's result is the true one.
func TestHugeButRight(t *testing.T) {
	largeAnswer(t)
	t.Parallel()
	list := func(n int, element func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteByte(",["[min(1, max(0, 1-i))])
			b.WriteString(element(i))
		}
		return b.String() + "]"
	}
	rows := list(20_000, func(i int) string {
		return fmt.Sprintf(`{"deploymentId":"row-%d","title":"%0250d","status":"done","startedAt":"2026-01-01T00:00:00Z","finishedAt":"2026-01-01T00:01:00Z"}`, i, i)
	})
	for name, tt := range map[string]struct {
		procedure string
		body      func(f *front) string
		want      string
	}{
		"an environment": {"application.one", func(f *front) string {
			var env strings.Builder
			for i := range 19_000 {
				fmt.Fprintf(&env, `KEY_%d=the value no %d, a secret\n`, i, i)
			}
			return fmt.Sprintf(`{"applicationId":%q,"name":"api","env":"%s"}`, f.app.ID, env.String())
		}, ""},
		"rows of a service": {"application.one", func(f *front) string {
			return fmt.Sprintf(`{"applicationId":%q,"name":"api","deployments":%s}`, f.app.ID, rows)
		}, ""},
		"domains": {"application.one", func(f *front) string {
			return fmt.Sprintf(`{"applicationId":%q,"name":"api","domains":%s}`, f.app.ID, list(20_000, func(i int) string {
				return fmt.Sprintf(`{"host":"h%d.test","https":true,"path":"/"}`, i)
			}))
		}, ""},
		"jobs": {"deployment.queueList", func(*front) string {
			return list(15_000, func(i int) string {
				return fmt.Sprintf(`{"id":"job-%d","data":{"applicationId":"other-%d","titleLog":"%0200d"},"timestamp":1,"state":"waiting"}`, i, i, i)
			})
		}, ""},
		"a log of empty lines": {"deployment.readLogs", func(*front) string { return `"` + strings.Repeat(`\n`, 4<<20-10) + `"` }, "it is read every 2s"},
		"a log of one line":    {"deployment.readLogs", func(*front) string { return `"` + strings.Repeat(`x`, 7<<20) + `\n"` }, " more bytes of this line left out]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, dokploytest.Build{}, func(f *front, procedure string) func(net.Conn, *http.Request) {
				switch {
				case procedure == tt.procedure:
					return raw(okJSON + "\r\n" + tt.body(f))
				case procedure == "listen-deployment" && tt.procedure == "deployment.readLogs":
					return raw("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
				}
				return nil
			})
			enough := int64(1)
			if tt.procedure == "deployment.readLogs" {
				enough = 4 + 2 // refused streams, and two reads
			}
			f.app.SetBuild(f.until(t, enough))
			c := runChild(t, f.env)
			if c.code != 0 || !strings.Contains(c.stdout, "✓ api deployed") || !regexp.MustCompile(tt.want).MatchString(c.stdout) {
				t.Errorf("exit %d, want 0 and %q:\n%.4000s", c.code, tt.want, c.stdout)
			}
			if n := f.srv.TriggerCount(f.app); n != 1 {
				t.Errorf("%d triggers", n)
			}
		})
	}
}

// drip sends a byte a second.
func drip(conn net.Conn, _ *http.Request) {
	if _, err := io.WriteString(conn, okJSON+"\r\n["); err != nil {
		return
	}
	for {
		if _, err := conn.Write([]byte(" ")); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

// cutOff is the message about an outage whose last look had no time left.
const cutOff = "no answer in time"

// uncut repeats a run that was cut off: the last look has a second, which is
// not enough on a busy machine, and then the message leaves out what came
// before.
func uncut(c child, run func() child) child {
	for again := 0; again < 4 && strings.Contains(c.stdout, cutOff); again++ {
		c = run()
	}
	return c
}

// checkOutput checks what a person is told.
func checkOutput(t *testing.T, c child, code int, want string) {
	t.Helper()
	if c.code != code || !strings.Contains(c.stdout, want) {
		t.Errorf("exit %d, want %d and %q:\n%.4000s", c.code, code, want, c.stdout)
	}
	if len(c.stdout) > 64<<10 {
		t.Errorf("%d bytes are printed", len(c.stdout))
	}
	if strings.Contains(c.stdout+c.stderr, "goroutine ") || strings.ContainsAny(c.stdout, "\x1b\x07\u009b") {
		t.Errorf("a panic, or an escape:\n%.4000s%.4000s", c.stdout, c.stderr)
	}
}

// TestHostileTrigger: a trigger with a spoilt answer counts once, and its
// deployment is followed to its end.
func TestHostileTrigger(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(net.Conn, *http.Request){
		"200 MB":         flood(okJSON+"\r\n\"", "x", 200<<20),
		"half":           raw(okJSON + "Content-Length: 100\r\n\r\n{"),
		"a head too big": flood("HTTP/1.1 200 OK\r\nA: ", "x", 10<<20),
		"no HTTP":        raw("+OK\r\n"),
		"never ends":     stay(okJSON + "\r\n{"),
		"a wrong type":   raw(okJSON + "\r\n[{\"success\":[]}]"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, dokploytest.Build{Steps: dokploytest.Lines(300*time.Millisecond, "a", "b")}, func(f *front, procedure string) func(net.Conn, *http.Request) {
				if procedure != "application.deploy" {
					return nil
				}
				return func(conn net.Conn, r *http.Request) {
					f.srv.ServeHTTP(httptest.NewRecorder(), r)
					answer(conn, r)
				}
			})
			c := runChild(t, f.env)
			checkOutput(t, c, 0, "✓ api deployed")
			if n := f.srv.TriggerCount(f.app); n != 1 {
				t.Errorf("%d triggers", n)
			}
		})
	}
}

// frame returns the head of a WebSocket frame from a server.
func frame(first byte, length uint64) string {
	b := []byte{first}
	switch {
	case length < 126:
		b = append(b, byte(length))
	case length < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(length))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), length)
	}
	return string(b)
}

const (
	textWhole = 0x81 // a whole message
	textBegin = 0x01 // the first part of a message
	textMore  = 0x00
	ping      = 0x89
	closing   = 0x88
)

// TestHostileStreams: whatever comes over the log's stream, the verdict is the
// one in the row.
func TestHostileStreams(t *testing.T) {
	t.Parallel()
	gb := 1 << 30
	if dokploytest.RaceDetector() {
		gb >>= 4
	}
	log := "a line\n"
	// The line is cut; or the stream broke in the middle of it, and then the
	// log is read again, or its end is reported as missing.
	const endless = ` more bytes of this line left out\]|✅ Pulling image completed\.|the end of the log may be missing`
	for name, tt := range map[string]struct {
		stream func(net.Conn, *http.Request)
		want   string // a pattern
	}{
		"a frame of 1 GB, said only":        {stay(frame(textWhole, uint64(gb)) + log), ""},
		"a frame of 1 GB":                   {flood(frame(textWhole, uint64(gb)), "x", gb), endless},
		"a frame of 8 EB":                   {stay(frame(textWhole, 1<<63-1) + log), ""},
		"a frame of a negative length":      {stay("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), ""},
		"a line of 1 GB":                    {flood("", frame(textWhole, 64<<10)+strings.Repeat("y", 64<<10), gb), endless},
		"a message of parts without end":    {flood(frame(textBegin, 7)+log, frame(textMore, 1)+"z", 0), ""},
		"parts of nothing without end":      {flood(frame(textBegin, 7)+log, frame(textMore, 0), 0), ""},
		"pings without end":                 {flood(frame(textWhole, 7)+log, frame(ping, 125)+strings.Repeat("p", 125), 0), ""},
		"an error of the stream, endless":   {flood("", frame(textWhole, 32<<10)+"SSH error: "+strings.Repeat("e", 32<<10-11), 16<<20), ""},
		"carriage returns without end":      {flood("", frame(textWhole, 4)+"\r\r\ry", 8<<20), ""},
		"a ping of 64 kB":                   {stay(frame(ping, 64<<10) + strings.Repeat("p", 64<<10)), ""},
		"a part of nothing that begun":      {stay(frame(textMore, 5) + "hello"), ""},
		"bits that have no meaning":         {stay(frame(0xf1, 5) + "hello"), ""},
		"another kind of frame":             {stay(frame(0x8b, 5) + "hello"), ""},
		"a close of nonsense":               {stay(frame(closing, 1) + "x"), ""},
		"no frames at all":                  {flood("", "HTTP/1.1 200 OK\r\n\r\n", 1<<20), ""},
		"silence":                           {stay(""), ""},
		"a handshake with 10 MB of headers": {nil, ""},
		"a handshake without end":           {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, dokploytest.Build{}, func(_ *front, procedure string) func(net.Conn, *http.Request) {
				switch {
				case procedure != "listen-deployment":
					return nil
				case name == "a handshake with 10 MB of headers":
					return flood("HTTP/1.1 101 Switching Protocols\r\nA: ", "x", 10<<20)
				case name == "a handshake without end":
					return flood("HTTP/1.1 403 Forbidden\r\n\r\n", "x", 0)
				}
				return func(conn net.Conn, r *http.Request) {
					sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
					_, _ = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
					go func() { _, _ = io.Copy(io.Discard, conn) }() // reads the pongs
					tt.stream(conn, r)
				}
			})
			f.app.SetBuild(f.until(t, 1))
			c := runChild(t, f.env)
			if c.code != 0 || !strings.Contains(c.stdout, "✓ api deployed") || !regexp.MustCompile(tt.want).MatchString(c.stdout) {
				t.Errorf("exit %d, want 0 and %q:\n%.4000s", c.code, tt.want, c.stdout)
			}
			if strings.Contains(c.stderr, "goroutine ") {
				t.Errorf("a panic:\n%.4000s", c.stderr)
			}
		})
	}
}
