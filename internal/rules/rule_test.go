package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRulesOf(t *testing.T) {
	const text = `package p

func f(a, b int) int {
	switch {
	case a > 1, b > 1 || b < 0: //rule:larger
		return 1
	case a == 1 &&
		b == 1: //rule:both
		return 2
	}
	if c := a + b; c > 9 { //rule:sum
		return 3
	}
	return 0
}
`
	rules, err := rulesOf("f.go", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rules {
		var line string
		for i, l := range strings.Split(string(r.without), "\n") {
			if i+1 == r.line {
				line = strings.TrimSpace(l)
			}
		}
		got = append(got, r.name+": "+line)
	}
	want := []string{
		"larger: case false && ((a > 1) || (b > 1 || b < 0)): //rule:larger",
		"both: b == 1)): //rule:both",
		"sum: if c := a + b; false && ((c > 9)) { //rule:sum",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRowsOf(t *testing.T) {
	const text = `package p

type rule struct { name string; try func() }

var table = []rule{
	{"one", f},
	{"two", g}, // last
}

var others = []string{"three"}
`
	rules, err := rulesOf("f.go", []byte(text))
	if err != nil || len(rules) != 2 {
		t.Fatalf("%v, %v", rules, err)
	}
	for i, want := range []string{"\t\n\t{\"two\", g}, // last\n", "\t{\"one\", f},\n\t // last\n"} {
		without := string(rules[i].without)
		if rules[i].name != []string{"one", "two"}[i] || rules[i].file != "f.go" || !strings.Contains(without, "[]rule{\n"+want+"}\n") {
			t.Errorf("%s:%d %s:\n%s", rules[i].file, rules[i].line, rules[i].name, without)
		}
	}
}

func TestRulesThatAreNone(t *testing.T) {
	for name, text := range map[string]string{
		"a switch with a value": "package p\n\nfunc f(a int) {\n\tswitch a {\n\tcase 1: //rule:x\n\t}\n}\n",
		"a default":             "package p\n\nfunc f(a int) {\n\tswitch {\n\tdefault: //rule:x\n\t}\n}\n",
		"a statement":           "package p\n\nfunc f() {\n\tf() //rule:x\n}\n",
	} {
		if rules, err := rulesOf("f.go", []byte(text)); err == nil {
			t.Errorf("%s: %v", name, rules)
		}
	}
	if err := unique([]rule{{name: "x", file: "a.go", line: 1}, {name: "y"}, {name: "x", file: "b.go", line: 2}}); err == nil {
		t.Error("two rules of one name")
	}
}

func TestOfTheDay(t *testing.T) {
	rules := func() []rule { return []rule{{name: "a"}, {name: "b"}, {name: "c"}, {name: "d"}, {name: "e"}} }
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	chosen := map[string]bool{}
	for range 30 {
		got := ofTheDay(rules(), 2, day)
		if len(got) != 2 || got[0].name == got[1].name {
			t.Fatalf("%v", got)
		}
		chosen[got[0].name] = true
		day = day.AddDate(0, 0, 1)
	}
	if len(chosen) != 5 {
		t.Errorf("in 30 days %v were first", chosen)
	}
	if got := ofTheDay(rules(), 9, day); len(got) != 5 {
		t.Errorf("%d of 5", len(got))
	}
}
