package ci

import (
	"regexp"
	"strings"
	"testing"
)

// unknown models hosts that are not recognised: what each of them acts on.
var unknown = map[string]*regexp.Regexp{
	"Azure Pipelines": regexp.MustCompile(`(?i)##(vso)?\[`),
	"TeamCity":        regexp.MustCompile(`(?i)##teamcity\[`),
}

// buildkiteFold matches what begins a fold in a Buildkite log, or opens the one
// before it.
var buildkiteFold = regexp.MustCompile(`^(?:(?:---|\+\+\+|~~~)(?:\s|$)|\^\^\^\s)`)

// actsSomewhere returns a host that acts on a line; empty: none is known.
func actsSomewhere(line string) string {
	for host, form := range unknown {
		if form.MatchString(line) {
			return host
		}
	}
	if _, ok := parseCommand(line); ok {
		return "a runner of GitHub's kind"
	}
	return ""
}

func TestDisarm(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"##vso[task.setvariable variable=x]y", `#\#vso[task.setvariable variable=x]y`},
		{"a ##VSO[task.complete] b ##vso[x]", `a #\#VSO[task.complete] b #\#vso[x]`},
		{"##teamcity[buildStatus status='FAILURE']", `#\#teamcity[buildStatus status='FAILURE']`},
		{"x##TeamCity[y]", `x#\#TeamCity[y]`},
		{"##[group]x", `#\#[group]x`},
		{"a ####[error]b", `a ###\#[error]b`},
		{"##vso##[x]", `##vso#\#[x]`},
		{"::set-env name=PATH::/tmp", `:\:set-env name=PATH::/tmp`},
		{" \t\u00a0::error::x", " \t\u00a0:\\:error::x"},
		{":::x::y", `:\::x::y`},
		{"::group::##[x]", `:\:group::#\#[x]`},
		// No host acts on these.
		{"## Heading [1]", "## Heading [1]"},
		{"#[derive(Debug)]", "#[derive(Debug)]"},
		{"##vso", "##vso"},
		{"##vsox[", "##vsox["},
		{"::1 localhost", "::1 localhost"},
		{"::::", "::::"},
		{"a ::error::x", "a ::error::x"},
		{"std::vector::push", "std::vector::push"},
		{`#\#[x] \::a::b`, `#\#[x] \::a::b`},
		{"", ""},
	} {
		got := string(disarm([]byte(tt.in)))
		if got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
		if host := actsSomewhere(got); host != "" {
			t.Errorf("%q acts on %s as %q", tt.in, host, got)
		}
		if (tt.in != tt.want) != (actsSomewhere(tt.in) != "") {
			t.Errorf("%q: the models and the test disagree", tt.in)
		}
	}
}

// Text is disarmed on hosts that are not recognised, even if it has colours,
// and left alone on those that are.
func TestDisarmedWhere(t *testing.T) {
	const line = "a ##vso[x]y ##teamcity[z]"
	for _, tt := range []struct {
		host Host
		want string
	}{
		{plainHost, `a #\#vso[x]y #\#teamcity[z]`},
		{Detect(lookup(map[string]string{"TF_BUILD": "True"})), `a #\#vso[x]y #\#teamcity[z]`},
		{Detect(lookup(map[string]string{"TEAMCITY_VERSION": "2025.07"})), `a #\#vso[x]y #\#teamcity[z]`},
		{gitlabHost, line},
		{Detect(lookup(map[string]string{"BUILDKITE": "true"})), `a #\#vso[x]y #\#teamcity[z]`},
		{actionsHost, line},
	} {
		out := show(tt.host, nil, func(p *Printer) { p.LogLine("", []byte(line)) })
		if !strings.Contains(out, tt.want+"\n") {
			t.Errorf("%s: %q", tt.host.name, out)
		}
	}
	got := show(plainHost, nil, func(p *Printer) {
		p.screen.colours = true
		p.LogLine("", []byte("\x1b[1m#\x1b[0m#vso[x]"))
		p.LogLine("", []byte(":\x1b[1m:a::b"))
		p.LogLine("", []byte("\x1b[1mbold\x1b[0m"))
	})
	if want := "#\\#vso[x]\n:\\:a::b\n\x1b[1mbold\x1b[0m\n"; got != want {
		t.Errorf("coloured: %q", got)
	}
	got = show(Detect(lookup(map[string]string{"BUILDKITE": "true"})), nil, func(p *Printer) {
		for _, line := range []string{"--- a", "+++ b", "~~~", "^^^ +++", "------", "a --- b"} {
			p.LogLine("", []byte(line))
		}
	})
	if want := "-\\-- a\n+\\++ b\n~\\~~\n^\\^^ +++\n------\na --- b\n"; got != want {
		t.Errorf("Buildkite: %q", got)
	}
	got = show(plainHost, nil, func(p *Printer) { p.LogLine("", []byte("--- a/file")) })
	if got != "--- a/file\n" {
		t.Errorf("a diff elsewhere: %q", got)
	}
	// A mark or a prefix comes first: the text is not at the beginning of the
	// line.
	got = show(plainHost, nil, func(p *Printer) {
		p.Note("", "::a::b\n::c::d")
		p.SetTargets([]string{"x", "##[y]"})
		p.LogLine("x", []byte("::a::b"))
		p.LogLine("##[y]", []byte("z"))
	})
	if want := "› ::a::b\n  :\\:c::d\nx     │ ::a::b\n#\\#[y] │ z\n"; got != want {
		t.Errorf("behind marks: %q", got)
	}
}
