package main

import (
	"os"
	"path/filepath"
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
	rules, switched, err := rulesOf("f.go", text)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rules {
		got = append(got, r.name+": "+strings.TrimSpace(strings.Split(switched, "\n")[r.line-1]))
	}
	want := []string{
		`larger: case ruleAway != "larger" && ((a > 1) || (b > 1 || b < 0)): //rule:larger`,
		`both: b == 1)): //rule:both`,
		`sum: if c := a + b; ruleAway != "sum" && ((c > 9)) { //rule:sum`,
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
	rules, switched, err := rulesOf("f.go", text)
	if err != nil || len(rules) != 2 || rules[0].name != "one" || rules[1].name != "two" || rules[1].line != 7 || rules[1].file != "f.go" {
		t.Fatalf("%v, %v", rules, err)
	}
	want := strings.Replace(text, "table = []rule{", `table = rowsLeft([]string{"one", "two"}, []rule{`, 1)
	want = strings.Replace(want, "// last\n}", "// last\n})", 1)
	if diff := cmp.Diff(want, switched); diff != "" {
		t.Error(diff)
	}
}

// Every rule of the program can be switched off, by its own name.
func TestTheRulesThatThereAre(t *testing.T) {
	var all []rule
	for _, g := range guarded {
		rules, _, err := rulesIn(filepath.Join("..", "..", g.dir))
		if err != nil || len(rules) == 0 {
			t.Errorf("%s: %d rules, %v", g.dir, len(rules), err)
		}
		all = append(all, rules...)
	}
	if err := unique(all); err != nil {
		t.Error(err)
	}
}

// The names of the quick tests are those of existing tests.
func TestTheQuickTestsAreThere(t *testing.T) {
	files, err := filepath.Glob("../deploy/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for name := range strings.SplitSeq(strings.Trim(ofItsRules, "^()"), "|") {
		if !strings.Contains(all.String(), "\nfunc "+name) {
			t.Errorf("internal/deploy has no %s", name)
		}
	}
}

func TestRulesThatAreNone(t *testing.T) {
	for name, text := range map[string]string{
		"a switch with a value": "package p\n\nfunc f(a int) {\n\tswitch a {\n\tcase 1: //rule:x\n\t}\n}\n",
		"a default":             "package p\n\nfunc f(a int) {\n\tswitch {\n\tdefault: //rule:x\n\t}\n}\n",
		"a statement":           "package p\n\nfunc f() {\n\tf() //rule:x\n}\n",
	} {
		if rules, _, err := rulesOf("f.go", text); err == nil {
			t.Errorf("%s: %v", name, rules)
		}
	}
	if err := unique([]rule{{name: "x", file: "a.go", line: 1}, {name: "y"}, {name: "x", file: "b.go", line: 2}}); err == nil {
		t.Error("two rules of one name")
	}
}

func TestNamed(t *testing.T) {
	rules := []rule{{name: "a"}, {name: "b"}, {name: "c"}}
	if got, err := named(rules, []string{"c", "a"}); err != nil || len(got) != 2 || got[0].name != "c" || got[1].name != "a" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := named(rules, []string{"a", "d"}); err == nil {
		t.Errorf("%v", got)
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
