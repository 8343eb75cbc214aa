package ci

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// actionsHost and plainHost are what most tests run on.
var (
	actionsHost = Detect(lookup(map[string]string{"GITHUB_ACTIONS": "true"}))
	gitlabHost  = Detect(lookup(map[string]string{"GITLAB_CI": "true"}))
	plainHost   = Host{}
)

// command is a workflow command that a runner carried out.
type command struct{ name, properties, data string }

// runner is a model of GitHub's runner: what it carries out of the output of a
// step, and what it shows. It knows no list of commands: anything that has the
// form of one counts.
func runner(output string) (commands []command, shown []string) {
	output = strings.ReplaceAll(output, "\r\n", "\n")
	output = strings.ReplaceAll(output, "\r", "\n")
	token := "" // commands are stopped until it comes
	for _, line := range strings.Split(output, "\n") {
		c, ok := parseCommand(line)
		switch {
		case ok && token == "":
			commands = append(commands, c)
			if strings.EqualFold(c.name, "stop-commands") {
				token = c.data
			}
		case ok && strings.EqualFold(c.name, token):
			commands = append(commands, command{name: "resume"})
			token = ""
		default:
			shown = append(shown, line)
		}
	}
	return commands, shown
}

func parseCommand(line string) (command, bool) {
	if s := strings.TrimSpace(line); strings.HasPrefix(s, "::") {
		if info, data, ok := strings.Cut(s[2:], "::"); ok && info != "" {
			name, properties, _ := strings.Cut(info, " ")
			unescape := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%")
			return command{name, properties, unescape.Replace(data)}, true
		}
	}
	if _, s, ok := strings.Cut(line, "##["); ok {
		if info, data, ok := strings.Cut(s, "]"); ok && info != "" {
			name, properties, _ := strings.Cut(info, " ")
			return command{name, properties, data}, true
		}
	}
	return command{}, false
}

// names are the names of commands, those of stopping and resuming left out.
func names(commands []command) []string {
	var names []string
	for _, c := range commands {
		if c.name != "stop-commands" && c.name != "resume" {
			names = append(names, c.name)
		}
	}
	return names
}

// show prints with a new printer and gives back what came out.
func show(h Host, secrets []string, print func(*Printer)) string {
	var b bytes.Buffer
	p := New(h, &b, secrets)
	print(p)
	if err := p.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

// hostile are lines that act on some host when they are printed as they are.
var hostile = []string{
	"::set-output name=x::y",
	"::add-mask::e",
	"::stop-commands::endtoken",
	"::error file=a.go,line=1::forged",
	"   \t::warning::after blanks",
	"\u00a0\u2003::warning::after other blanks",
	"##[set-env name=PATH]/tmp",
	"text before ##[group]forged",
	"progress\r::error::after a return",
	"progress\r##[error]after a return",
	"two\n::error::lines",
	"\x1b[0K::error::after an escape",
	":\x1b[K:error::in two pieces",
	"#\x1b[K#[error]in two pieces",
	":\x00:error::in two pieces",
	"\u009b0K::error::after C1",
	"\x1b]0;title\x07::error::after a title",
	"\x1b[0Ksection_start:1700000000:forged[collapsed=true]\r\x1b[0Kheader",
	"\x1b[0Ksection_end:1700000000:forged\r\x1b[0K",
	"\x1b[8mha:////4AAAA\x1b[0mconsole note",
	"##vso[task.setvariable variable=PATH]/tmp",
	"text ##VSO[task.complete result=Succeeded]",
	"##teamcity[buildStatus status='SUCCESS']",
	"#\x1b[K#teamcity[x]",
	"progress\r##vso[task.uploadfile]x",
	"##\u009b[vso[x]",
	"::" + strings.Repeat("A", 26) + "::",
	"##[endgroup]",
	"::endgroup::",
}

func TestModelOfRunner(t *testing.T) {
	commands, shown := runner("a\n::group::b\r\n::stop-commands::T\n::error::x\n##[error]x\nc\r::t::\n  ::warning title=x::50%25\nd ##[Debug x]e")
	want := []command{{"group", "", "b"}, {"stop-commands", "", "T"}, {name: "resume"}, {"warning", "title=x", "50%"}, {"Debug", "x", "e"}}
	if diff := cmp.Diff(want, commands, cmp.AllowUnexported(command{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "::error::x", "##[error]x", "c"}, shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	acting := 0
	for _, line := range hostile {
		if commands, _ := runner(line); len(commands) > 0 {
			acting++
		}
	}
	if acting < 10 {
		t.Errorf("only %d of the hostile lines act on the model", acting)
	}
}

// everything prints a text in every way there is.
func everything(p *Printer, text string) {
	p.Header(text)
	p.SetTargets([]string{text, "y" + text})
	p.LogLine("y"+text, []byte("line"))
	p.LogLine(text, []byte(text))
	p.Note(text, text)
	p.Warn(text, text)
	p.LogLine("", []byte(text))
	p.Success(text, text)
	p.Failure(text, text, 7, []string{text, text})
	p.Error("api-key", text, text)
	p.SetTargets(nil)
	p.Note("", text)
	p.LogLine("x"+text, []byte(text)) // opens the fold
	p.LogLine("x"+text, []byte(text))
	p.Failure("api", "", 0, []string{"outside"})
}

// sections are the markers that GitLab folds by. Ours is the only one.
var sections = regexp.MustCompile("\x1b\\[0Ksection_(start|end):[0-9]+:" + sectionName + "\r\x1b\\[0K")

var escapes = regexp.MustCompile("\x1b(\\[[0-9;]*m)?")

// harmless fails if an output holds something that a terminal, GitLab or a
// runner would act on, but for our own commands.
func harmless(t *testing.T, h Host, out string) {
	t.Helper()
	if h.fold() == section {
		var got []string
		for _, m := range sections.FindAllStringSubmatch(out, -1) {
			got = append(got, m[1])
		}
		if diff := cmp.Diff([]string{"start", "end"}, got); diff != "" {
			t.Errorf("sections (-want +got):\n%s", diff)
		}
		out = sections.ReplaceAllString(out, "")
	}
	for _, e := range escapes.FindAllString(out, -1) {
		if e == "\x1b" || h.Name() == "" {
			t.Errorf("escape sequence at %q", e)
		}
	}
	if !utf8.ValidString(out) {
		t.Error("not UTF-8")
	}
	for _, r := range out {
		if r != '\n' && r != '\t' && r != 0x1b && (r < ' ' || r >= 0x7f && r < 0xa0) {
			t.Errorf("control character %U", r)
		}
	}
	if h.name == "" {
		for line := range strings.SplitSeq(out, "\n") {
			if host := actsSomewhere(line); host != "" {
				t.Errorf("%q acts on %s", line, host)
			}
		}
	}
	if h.actions {
		commands, _ := runner(out)
		if diff := cmp.Diff([]string{"warning", "error", "error", "group", "endgroup", "error"}, names(commands)); diff != "" {
			t.Errorf("commands (-want +got):\n%s\nin\n%s", diff, out)
		}
	}
}

func TestNothingActs(t *testing.T) {
	for _, h := range []Host{actionsHost, gitlabHost, plainHost} {
		for _, line := range hostile {
			t.Run(fmt.Sprintf("%s/%q", h.Name(), line), func(t *testing.T) {
				harmless(t, h, show(h, nil, func(p *Printer) { everything(p, line) }))
			})
		}
	}
}

func FuzzNothingActs(f *testing.F) {
	for _, line := range hostile {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if oneLine(string(line)) == "" {
			return // empty reasons are not printed
		}
		for _, h := range []Host{actionsHost, gitlabHost, plainHost} {
			harmless(t, h, show(h, nil, func(p *Printer) { everything(p, string(line)) }))
		}
	})
}

// Server text never reads a token, and each token is new.
func TestStopTokens(t *testing.T) {
	out := show(actionsHost, []string{"sesame!"}, func(p *Printer) {
		for range 3 {
			p.LogLine("", []byte("a line"))
			p.Note("", "a note")
			p.Warn("", "a warning")
		}
	})
	commands, shown := runner(out)
	var got []string
	tokens := map[string]bool{}
	for _, c := range commands {
		got = append(got, c.name)
		if c.name == "stop-commands" {
			tokens[c.data] = true
		}
	}
	want := strings.Fields("add-mask" + strings.Repeat(" stop-commands resume warning", 3))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(tokens) != 3 {
		t.Errorf("tokens were used again: %v", tokens)
	}
	for token := range tokens {
		if strings.Contains(strings.Join(shown, "\n"), token) || len(token) < 20 {
			t.Errorf("token %s is shown or short", token)
		}
	}
	// Nothing to print, nothing to stop.
	if out := show(actionsHost, nil, func(p *Printer) { p.Flush() }); out != "" {
		t.Errorf("printed %q", out)
	}
}

func TestPrinted(t *testing.T) {
	script := func(p *Printer) {
		p.Header("dokploy-deploy 1.0.0 → https://dokploy.example.com\n\nshop/api")
		p.Note("api", "queued\n2nd in line")
		p.LogLine("api", []byte("#1 [internal] load\r\n"))
		p.LogLine("api", nil)
		p.Warn("api", "50% is not shown")
		p.Success("api", "api deployed in 4m01s")
		p.Failure("api", "Dockerfile", 12, []string{"api failed after 41s: the build broke", "Dockerfile:12", "  src/cart.ts"})
		p.Error("api-key", "Dokploy refuses the key (401)", "it may be wrong,\nexpired or disabled")
		p.Error("", "no input", "")
	}
	const plain = `dokploy-deploy 1.0.0 → https://dokploy.example.com

shop/api
› queued
  2nd in line
#1 [internal] load

! 50% is not shown
✓ api deployed in 4m01s
✗ api failed after 41s: the build broke
  Dockerfile:12
    src/cart.ts
error: api-key: Dokploy refuses the key (401)
hint:  it may be wrong,
       expired or disabled
error: no input
`
	if diff := cmp.Diff(plain, show(plainHost, nil, script)); diff != "" {
		t.Errorf("plain (-want +got):\n%s", diff)
	}
	commands, shown := runner(show(actionsHost, nil, script))
	if diff := cmp.Diff(plain, strings.Join(shown, "\n")); diff != "" {
		t.Errorf("GitHub shows (-want +got):\n%s", diff)
	}
	var issued []command
	for _, c := range commands {
		if c.name != "stop-commands" && c.name != "resume" {
			issued = append(issued, c)
		}
	}
	want := []command{
		{"group", "", "log of api"},
		{"warning", "", "api: 50% is not shown"},
		{"endgroup", "", ""},
		{"error", "file=Dockerfile,line=12,title=Deployment of api failed", "api failed after 41s: the build broke"},
		{"error", "title=api-key", "Dokploy refuses the key (401)\nit may be wrong,\nexpired or disabled"},
		{"error", "", "no input"},
	}
	if diff := cmp.Diff(want, issued, cmp.AllowUnexported(command{})); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
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

func TestText(t *testing.T) {
	for _, tt := range []struct{ in, colour, plain string }{
		{"plain\ttext é 漢 ✅", "plain\ttext é 漢 ✅", "plain\ttext é 漢 ✅"},
		{"\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m", "red"},
		{"\x1b[1;38;5;9mred", "\x1b[1;38;5;9mred\x1b[0m", "red"},
		{"\x1b[mred\x1b[m", "\x1b[mred\x1b[m", "red"},
		{"a\x1b[2Kb\x1b[?25lc\x1b[1 qd\x1b[>4;1me", "abcde", "abcde"},
		{"a\x1b[31", "a", "a"},
		{"a\x1b[3\xffb", "a\uFFFDb", "a\uFFFDb"},
		{"a\x1b[3éb", "aéb", "aéb"},
		{"a\x1b", "a", "a"},
		{"a\x1b\x1b[31mb", "a\x1b[31mb\x1b[0m", "ab"},
		{"a\x1b(Bb\x1b7c\x1bcd", "abcd", "abcd"},
		{"\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\ \x1b]0;t\x07x", "link x", "link x"},
		{"\x1bPq#0\x1b\\a\x1b_b\u009cc\x1b^d\x07e\x1bXf\x07g", "aceg", "aceg"},
		{"\x1b]0;no end \x1b]0;again", "0;no end 0;again", "0;no end 0;again"},
		{"\u009b31mC1 \u0085\u009dx\u009c", "31mC1 x", "31mC1 x"},
		{"\x9b31m raw \xe9 \xff", "\uFFFD31m raw \uFFFD \uFFFD", "\uFFFD31m raw \uFFFD \uFFFD"},
		{"\x00a\x07b\x08c\x7fd\x0be", "abcde", "abcde"},
		{"10%\r20%\nx", "10% 20% x", "10% 20% x"},
	} {
		if got, _ := appendText(nil, []byte(tt.in), true); string(got) != tt.colour {
			t.Errorf("%q in colour: %q, want %q", tt.in, got, tt.colour)
		}
		if got, coloured := appendText(nil, []byte(tt.in), false); string(got) != tt.plain || coloured {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.plain)
		}
	}
}

// Sequences without an end take no more than linear time: otherwise this takes
// minutes.
func TestManyUnterminated(t *testing.T) {
	text, _ := appendText(nil, bytes.Repeat([]byte("\x1b]"), 1<<20), true)
	if len(text) > 0 {
		t.Errorf("%d bytes are left", len(text))
	}
}

func TestColours(t *testing.T) {
	for _, tt := range []struct {
		vars map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"GITHUB_ACTIONS": "true"}, true},
		{map[string]string{"GITLAB_CI": "true"}, true},
		{map[string]string{"GITLAB_CI": "true", "NO_COLOR": "1"}, false},
		{map[string]string{"JENKINS_URL": "http://x"}, false},
	} {
		out := show(Detect(lookup(tt.vars)), nil, func(p *Printer) { p.LogLine("", []byte("\x1b[31mred")) })
		if got := strings.Contains(out, "\x1b[31mred\x1b[0m\n"); got != tt.want {
			t.Errorf("%v: %q", tt.vars, out)
		}
	}
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if colours(plainHost, file) {
		t.Error("a file is no terminal")
	}
}

func TestMasks(t *testing.T) {
	secrets := []string{
		`k3y"with<odd>/chars`, "k3y", "multi\nline secret\r\n\n", "overlap-one", "one-overlap", "lap-o", "abab", " ", "",
	}
	for _, tt := range []struct{ in, want string }{
		{"nothing here", "nothing here"},
		{"k3y k3yk3y", "*** ******"},
		{`raw k3y"with<odd>/chars.`, "raw ***."},
		{`json "k3y\"with<odd>/chars"`, `json "***"`},
		{`go json "k3y\"with\u003codd\u003e/chars"`, `go json "***"`},
		{"url ?k=k3y%22with%3Codd%3E%2Fchars&", "url ?k=***&"},
		{"multi and line secret", "*** and ***"},
		{"line+secret line%20secret", "*** ***"},
		{"an overlap-one-overlap is covered", "an *** is covered"},
		{"overlap-one. ababab.", "***. ***."},
		{"k\x1b[31m3\x1b[0my", "***"},
		{"\x1b[31mk3\x07y\x1b[0m", "***"},
	} {
		for _, h := range []Host{gitlabHost, plainHost} {
			if got := show(h, secrets, func(p *Printer) { p.LogLine("", []byte(tt.in)) }); got != tt.want+"\n" {
				t.Errorf("%s: %q: %q, want %q", h.Name(), tt.in, got, tt.want)
			}
		}
	}
	if got := New(plainHost, io.Discard, secrets).Text("k\x1b[1m3y"); got != "***" {
		t.Errorf("Text: %s", got)
	}
}

// No way of printing shows a secret, and GitHub hears of them first.
func TestMasksEverywhere(t *testing.T) {
	const text = "a top%secret and a second\nthird: line"
	secrets := []string{"top%secret", "second\nthird: line"}
	for _, h := range []Host{actionsHost, gitlabHost, plainHost} {
		out := show(h, secrets, func(p *Printer) { everything(p, text) })
		if h.actions {
			var rest string
			for _, mask := range []string{"::add-mask::top%25secret\n", "::add-mask::second\n", "::add-mask::third: line\n"} {
				var ok bool
				if rest, ok = strings.CutPrefix(out, mask); !ok {
					t.Fatalf("%q does not begin with %q", out[:min(len(out), 60)], mask)
				}
				out = rest
			}
		}
		for _, s := range []string{"top%", "secret", "second", "third", "top%25"} {
			if strings.Contains(out, s) {
				t.Errorf("%s: %q is shown in\n%s", h.Name(), s, out)
			}
		}
		if !strings.Contains(out, "a *** and a ***") {
			t.Errorf("%s: the text is gone:\n%s", h.Name(), out)
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
		expect("3\n› 4\n")
		p.LogLine("", []byte("5"))
		p.Flush()
		expect("5\n")
		big := strings.Repeat("x", flushSize)
		p.LogLine("", []byte(big))
		synctest.Wait()
		w.all = []string{strings.Join(w.all, "")} // no piece is as long
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

// Lines of several goroutines are whole, none is lost, those of one stay in
// order, and commands are never issued while they are stopped.
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
				line = fmt.Appendf(line[:0], "%d ::error::x sesame", i) // used again
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
		target, text, ok := strings.Cut(line, " │ ")
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

func TestAllocations(t *testing.T) {
	p := New(actionsHost, io.Discard, []string{"a-long-secret-key"})
	p.SetTargets([]string{"api", "web"})
	line := []byte("#12 4.321 \x1b[32madded\x1b[0m 1042 packages in 12s ✅")
	if n := testing.AllocsPerRun(1000, func() { p.LogLine("api", line) }); n > 1 {
		t.Errorf("%v allocations a line", n)
	}
}

// environment are so many values as a service's environment has.
func environment(n int) []string {
	var values []string
	for i := range n {
		values = append(values, fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i), byte(i >> 8)}))[:8+i%24])
	}
	return values
}

func TestHide(t *testing.T) {
	var out strings.Builder
	p := New(actionsHost, &out, []string{"the-key"})
	p.Note("", "before it is hidden: a-value")
	p.Hide("a-value", "another value")
	p.Hide(environment(500)...)
	p.LogLine("", []byte("a-value, another value, \x1b[31mano\x1b[0mther value, the-key, "+environment(500)[321]))
	p.Warn("", "a%2Dvalue and another%20value and another+value")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if strings.Contains(text, "add-mask::a-value") || !strings.Contains(text, "add-mask::the-key") {
		t.Errorf("the host is told of the wrong values:\n%s", text)
	}
	if !strings.Contains(text, "hidden: a-value\n") || !strings.Contains(text, "***, ***, ***, ***, ***") {
		t.Error(text)
	}
	if got := p.Text("x another value y"); got != "x *** y" {
		t.Error(got)
	}
}

func BenchmarkLogLine(b *testing.B) { benchmarkLogLine(b, 0) }

// BenchmarkLogLineHiding is the same with a large environment to be hidden.
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
