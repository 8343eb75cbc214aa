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

	// What acts on these is modelled in disarm_test.go and by runner.
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

// The forms of commands that the runner of Gitea and Forgejo knows, which act is
// made of, too.
var actForms = []*regexp.Regexp{
	regexp.MustCompile(`^::([^ ]+)( (.+?))?::(.*)$`), regexp.MustCompile(`^##\[([^ ]+)( (.+?))?](.*)$`),
}

// actRunner is a model of that runner: the commands that it carries out.
func actRunner(output string) (commands []command) {
	token := ""
	for line := range strings.SplitSeq(output, "\n") {
		for _, form := range actForms {
			m := form.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			switch {
			case token == "":
				// With :: in its text, group::log is none of its commands: it is shown.
				name, _, _ := strings.Cut(m[1], "::")
				if commands = append(commands, command{name: name}); name == "stop-commands" {
					token = m[4]
				}
			case m[1] == token:
				token = ""
			}
			break
		}
	}
	return commands
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
	"--- a fold of Buildkite",
	"+++ and one that is open",
	"~~~ a dim one",
	"^^^ +++",
	"-\x1b[K-- in two pieces",
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
	p.Dashboard(text, text)
	p.Failure(Failure{
		Verdict: text, Reason: text, File: text, Line: 7, Quoted: []string{text, text}, QuotedOf: text,
		Rollback: text, Hint: text, Dashboard: "y" + text,
	})
	p.Error(Problem{text, "api-key", text, text})
	p.SetTargets(nil)
	p.Note("", text)
	p.LogLine("x"+text, []byte(text)) // opens the fold
	p.LogLine("x"+text, []byte(text))
	p.Note("x"+text, text) // stands outside
	p.LogLine("x"+text, []byte(text))
	p.Success(text, text, text, "z"+text)
	p.Failure(Failure{Verdict: "outside"})
}

// sections are the markers that GitLab folds by. Ours is the only one.
var sections = regexp.MustCompile("\x1b\\[0Ksection_(start|end):[0-9]+:" + sectionName + "([0-9]+)\r\x1b\\[0K")

var escapes = regexp.MustCompile("\x1b(\\[[0-9;]*m)?")

// harmless fails if an output holds something that a terminal, GitLab or a
// runner would act on, but for our own commands.
func harmless(t *testing.T, h Host, out string) {
	t.Helper()
	if h.fold() == section {
		var got []string
		for _, m := range sections.FindAllStringSubmatch(out, -1) {
			got = append(got, m[1]+m[2])
		}
		if diff := cmp.Diff([]string{"start1", "end1", "start2", "end2"}, got); diff != "" {
			t.Errorf("sections (-want +got):\n%s", diff)
		}
		out = sections.ReplaceAllString(out, "")
	}
	for _, e := range escapes.FindAllString(out, -1) {
		if e == "\x1b" || h.name == "" || h.name == "Jenkins" {
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
			if h.get("BUILDKITE") != "" && buildkiteFold.MatchString(line) {
				t.Errorf("%q folds on Buildkite", line)
			}
		}
	}
	if h.actions {
		commands, _ := runner(out)
		want := []string{"group", "endgroup", "group", "endgroup"}
		if h.annotations {
			want = append([]string{"warning", "error", "error"}, want...)
		}
		if diff := cmp.Diff(want, names(commands)); diff != "" {
			t.Errorf("commands (-want +got):\n%s\nin\n%s", diff, out)
		}
		if diff := cmp.Diff(want, names(actRunner(out))); diff != "" {
			t.Errorf("commands of Gitea's runner (-want +got):\n%s\nin\n%s", diff, out)
		}
	}
}

func TestNothingActs(t *testing.T) {
	for _, h := range allHosts {
		for _, line := range hostile {
			t.Run(fmt.Sprintf("%s/%q", h.name, line), func(t *testing.T) {
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
		for _, h := range allHosts {
			harmless(t, h, show(h, nil, func(p *Printer) { everything(p, string(line)) }))
		}
	})
}

// Commands are stopped around lines that could be one and around no other, each
// time under a new token, which is not shown.
func TestStopTokens(t *testing.T) {
	out := show(actionsHost, []string{"sesame!"}, func(p *Printer) {
		for range 3 {
			p.LogLine("", []byte("a line"))
			p.LogLine("", []byte("::error::x"))
			p.LogLine("", []byte("##[group]y"))
			p.Note("", "a note")
			p.Warn("", "a warning")
		}
		p.LogLine("", []byte("##[x]"))
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
	want := strings.Fields("add-mask" + strings.Repeat(" stop-commands resume warning", 3) + " stop-commands resume")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(tokens) != 4 {
		t.Errorf("tokens were used again: %v", tokens)
	}
	for token := range tokens {
		if strings.Contains(strings.Join(shown, "\n"), token) || len(token) < 20 {
			t.Errorf("token %s is shown or short", token)
		}
	}
	for _, line := range strings.Split(out, "\n") {
		if line == "› a note" || line == "::warning title=Dokploy::a warning" {
			continue
		}
		if _, token, ok := strings.Cut(line, "::stop-commands::"); ok && !tokens[token] {
			t.Errorf("%q", line)
		}
	}
	// Nothing could act, nothing is stopped.
	for _, print := range []func(*Printer){
		func(p *Printer) { p.Flush() },
		func(p *Printer) { p.LogLine("", []byte("std::vector ## [x] a ::error::")); p.Note("api", "##vso[x]") },
	} {
		if out := show(actionsHost, nil, print); strings.Contains(out, "stop-commands") {
			t.Errorf("stopped for nothing: %q", out)
		}
	}
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
		p.Success("api", "api deployed in 4m01s", "https://api.example.com")
		p.Success("api", "api deployed in 4m01s", "https://api.example.com/"+strings.Repeat("y", 30), "https://www.example.com/"+strings.Repeat("y", 30))
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
	// What the host shows itself is not there twice.
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

// Whatever is ours stands outside of the folds that hold the log.
func TestOwnLinesStandOutside(t *testing.T) {
	for _, h := range []Host{actionsHost, gitlabHost} {
		out := show(h, nil, func(p *Printer) {
			p.Note("api", "own")
			for _, own := range []func(){
				func() { p.Note("api", "own") },
				func() { p.Note("", "own") },
				func() { p.Warn("api", "own") },
				func() { p.Dashboard("api", "own") },
				func() { p.Success("api", "own") },
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

// A link is shown once, unless much stands below it.
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
				want = 1 // what is folded away is not in between
			}
			if got := strings.Count(out, link); got != want {
				t.Errorf("%d lines, %q: %d times, want %d", lines, h.name, got, want)
			}
		}
	}
}

// Lines of our own are coloured, their marks included; those of the server and
// what is quoted of them are as they were written.
func TestStyles(t *testing.T) {
	out := show(gitlabHost, []string{"sesame"}, func(p *Printer) {
		p.Header("head")
		p.SetTargets([]string{"api", "web"})
		p.Note("api", "\x1b[35mqueued\x1b[0m "+strings.Repeat("long ", 20))
		p.SetTargets(nil)
		p.Warn("", "sesame ##vso[x]")
		p.LogLine("", []byte("\x1b[35mviolet\x1b[0m"))
		p.Success("", "done")
		p.Failure(Failure{Verdict: "failed", Reason: "x", Quoted: []string{"\x1b[35mviolet"}, Hint: "do"})
		p.Error(Problem{Input: "url", Text: "wrong", Hint: "write another"})
	})
	want := "head\n\napi │ \x1b[2m› queued " + strings.TrimSpace(strings.Repeat("long ", 13)) + "\x1b[0m\n" +
		"api │ \x1b[2m  " + strings.TrimSpace(strings.Repeat("long ", 7)) + "\x1b[0m\n" +
		"\x1b[33m! *** ##vso[x]\x1b[0m\n\x1b[35mviolet\x1b[0m\n\x1b[32m✓ done\x1b[0m\n" +
		"\x1b[31m✗ failed: x\x1b[0m\n    \x1b[35mviolet\x1b[0m\n  hint: do\n\x1b[31merror: url: wrong\x1b[0m\nhint:  write another\n"
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
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
		{map[string]string{"GITLAB_CI": "true", "TERM": "dumb"}, false},
		{map[string]string{"JENKINS_URL": "http://x"}, false},
		{map[string]string{"FORCE_COLOR": "1"}, true},
		{map[string]string{"FORCE_COLOR": "0"}, false},
		{map[string]string{"FORCE_COLOR": "1", "NO_COLOR": "1"}, false},
		{map[string]string{"FORCE_COLOR": "1", "TERM": "dumb"}, false},
	} {
		out := show(Detect(lookup(tt.vars)), nil, func(p *Printer) { p.LogLine("", []byte("\x1b[36mcyan")); p.Success("", "done") })
		want := "cyan\n✓ done\n"
		if tt.want {
			want = "\x1b[36mcyan\x1b[0m\n\x1b[32m✓ done\x1b[0m\n"
		}
		if out != want {
			t.Errorf("%v: %q", tt.vars, out)
		}
	}
	for value, want := range map[string]int{"": 80, "120": 120, "400": 400, "10": 80, "wide": 80} {
		if got := screenOf(Detect(lookup(map[string]string{"COLUMNS": value})), io.Discard).columns; got != want {
			t.Errorf("COLUMNS=%s: %d columns, want %d", value, got, want)
		}
	}
	for _, name := range []string{t.TempDir() + "/out", os.DevNull} {
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if screenOf(plainHost, file) != (screen{columns: commonColumns}) {
			t.Errorf("%s is no terminal", name)
		}
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
				t.Errorf("%s: %q: %q, want %q", h.name, tt.in, got, tt.want)
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
				t.Errorf("%s: %q is shown in\n%s", h.name, s, out)
			}
		}
		if !strings.Contains(out, "a *** and a ***") {
			t.Errorf("%s: the text is gone:\n%s", h.name, out)
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
	if !strings.Contains(text, "hidden: a-value\x1b[0m\n") || !strings.Contains(text, "***, ***, ***, ***, ***") {
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
