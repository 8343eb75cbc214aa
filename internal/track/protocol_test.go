package track

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The rules of this package are those of docs/protocol.md: each is named in one
// of its tables, and each name there belongs to a rule.
func TestTheProtocolNamesTheRules(t *testing.T) {
	text, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	rules, documented := ruleNames(t), rulesColumns(string(text))
	if len(rules) < 50 {
		t.Errorf("only %d rules were found", len(rules))
	}
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		if n := rules[name]; n > 1 {
			t.Errorf("%d rules are called %s", n, name)
		}
		if documented[name] == 0 {
			t.Errorf("docs/protocol.md does not name %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(documented)) {
		if rules[name] == 0 {
			t.Errorf("docs/protocol.md names %s, which is no rule", name)
		}
		if n := documented[name]; n > 1 {
			t.Errorf("docs/protocol.md names %s %d times", name, n)
		}
	}
}

var quoted = regexp.MustCompile("`([a-z0-9-]+)`")

// rulesColumns returns the names in the last column of tables that end with
// "rules", and the name of the rule that checks the doubts.
func rulesColumns(text string) map[string]int {
	names, in := map[string]int{}, false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case !strings.HasPrefix(line, "|"):
			in = false
			if _, after, ok := strings.Cut(line, "The rule "); ok {
				names[quoted.FindStringSubmatch(after)[1]]++
			}
		case strings.HasSuffix(line, "| rules |"):
			in = true
		case in:
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for _, m := range quoted.FindAllStringSubmatch(cells[len(cells)-1], -1) {
				names[m[1]]++
			}
		}
	}
	return names
}

// ruleNames returns the names of the tables' rows and of the named conditions
// in the source of this package.
func ruleNames(t *testing.T) map[string]int {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range tree.Comments {
			for _, c := range group.List {
				if name, ok := strings.CutPrefix(c.Text, "//rule:"); ok {
					names[name]++
				}
			}
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			row, ok := n.(*ast.CompositeLit)
			if !ok || row.Type != nil || len(row.Elts) == 0 {
				return true
			}
			if name, ok := row.Elts[0].(*ast.BasicLit); ok && name.Kind == token.STRING {
				names[strings.Trim(name.Value, `"`)]++
			}
			return true
		})
	}
	return names
}
