package ci

import (
	"io"
	"testing"
)

func TestLogIsAbove(t *testing.T) {
	line := func(target string) func(*Printer) { return func(p *Printer) { p.LogLine(target, []byte("x")) } }
	note := func(target string) func(*Printer) { return func(p *Printer) { p.Note(target, "x") } }
	warn := func(target string) func(*Printer) { return func(p *Printer) { p.Warn(target, "x") } }
	failed := func(p *Printer) { p.Failure(Failure{Verdict: "x"}) }
	done := func(p *Printer) { p.Success("x") }
	both := func(p *Printer) { p.SetTargets([]string{"a", "b"}) }
	one := func(p *Printer) { p.SetTargets([]string{"a"}) }
	hosts := map[string]Host{
		"a terminal": plainHost, "GitLab": gitlabHost, "Jenkins": Detect(lookup(map[string]string{"JENKINS_URL": "http://j"})), "GitHub": actionsHost,
	}
	for name, c := range map[string]struct {
		does   []func(*Printer)
		above  bool
		folded bool // false on hosts that fold it away
	}{
		"nothing":                       {},
		"no log":                        {does: []func(*Printer){one, note("a")}},
		"its log":                       {does: []func(*Printer){one, note("a"), line("a"), line("a")}, above: true, folded: true},
		"its log, then notes about it":  {does: []func(*Printer){one, line("a"), note("a"), warn("a"), note("")}, above: true, folded: true},
		"its log among others'":         {does: []func(*Printer){both, line("b"), line("a")}, above: true},
		"another's log after it":        {does: []func(*Printer){both, line("a"), line("b")}},
		"another's log, then it again":  {does: []func(*Printer){both, line("a"), line("b"), line("a")}, above: true},
		"a note about another after it": {does: []func(*Printer){both, line("a"), note("b")}},
		"another's success after it":    {does: []func(*Printer){both, line("a"), done}},
		"another's failure after it":    {does: []func(*Printer){both, line("a"), failed}},
		"its own failure, said before":  {does: []func(*Printer){one, line("a"), failed}},
	} {
		for host, h := range hosts {
			t.Run(name+", "+host, func(t *testing.T) {
				p := New(h, io.Discard, nil)
				for _, do := range c.does {
					do(p)
				}
				want := c.above && (!c.folded || host != "GitHub")
				if got := p.LogIsAbove("a"); got != want {
					t.Errorf("%v, want %v", got, want)
				}
				if p.LogIsAbove("") {
					t.Error("nobody's log is above")
				}
			})
		}
	}
}
