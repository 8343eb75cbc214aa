package ci

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// hostile holds lines that some host acts on if they are printed as they are.
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

// everything prints a text in every possible way.
func everything(p *Printer, text string) {
	p.Header(text)
	p.SetTargets([]string{text, "y" + text})
	p.LogLine("y"+text, []byte("line"))
	p.LogLine(text, []byte(text))
	p.Note(text, text)
	p.Warn(text, text)
	p.LogLine("", []byte(text))
	p.Success(text)
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
	p.Note("x"+text, text) // outside the fold
	p.LogLine("x"+text, []byte(text))
	p.Success(text, text, "z"+text)
	p.Failure(Failure{Verdict: "outside"})
}

// sections matches the markers of folds in GitLab. Ours is the only fold.
var sections = regexp.MustCompile("\x1b\\[0Ksection_(start|end):[0-9]+:" + sectionName + "([0-9]+)\r\x1b\\[0K")

var escapes = regexp.MustCompile("\x1b(\\[[0-9;]*m)?")

// harmless fails if the output holds something that a terminal, GitLab or a
// runner would act on, other than our own commands.
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

// Commands are stopped around lines that could be commands and around no
// others, each time with a new token, which is not shown.
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
	// Nothing here could be a command, so nothing is stopped.
	for _, print := range []func(*Printer){
		func(p *Printer) { p.Flush() },
		func(p *Printer) { p.LogLine("", []byte("std::vector ## [x] a ::error::")); p.Note("api", "##vso[x]") },
	} {
		if out := show(actionsHost, nil, print); strings.Contains(out, "stop-commands") {
			t.Errorf("stopped for nothing: %q", out)
		}
	}
}
