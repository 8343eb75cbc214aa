package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// rule is a named row of a table, or a named condition.
type rule struct {
	name  string
	file  string
	line  int
	tests []tests // its tests, in order
}

const marker = "//rule:"

// switchFile is added to each package that contains rules: one build of its
// tests can then run without any one of them.
const switchFile = `package %s

import "os"

// ruleAway is the name of the rule that is taken away.
var ruleAway = os.Getenv("` + awayVariable + `")

// rowsLeft drops the row of that name.
func rowsLeft[T any](names []string, rows []T) (left []T) {
	for i, row := range rows {
		if names[i] == "" || names[i] != ruleAway {
			left = append(left, row)
		}
	}
	return left
}
`

const awayVariable = "RULE_TAKEN_AWAY"

// rulesIn finds the rules in the Go files of a folder, except tests. replaced
// maps its files to how the compiler should see them.
func rulesIn(dir string) (rules []rule, replaced map[string]string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, nil, err
	}
	replaced = map[string]string{filepath.Join(dir, "rule_taken_away.go"): fmt.Sprintf(switchFile, filepath.Base(dir))}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, err
		}
		found, switched, err := rulesOf(file, string(text))
		if err != nil {
			return nil, nil, err
		}
		if len(found) > 0 {
			replaced[file] = switched
		}
		rules = append(rules, found...)
	}
	return rules, replaced, nil
}

// rulesOf finds the rules of one file. switched is the file with a switch for
// each of them.
func rulesOf(file, text string) (rules []rule, switched string, err error) {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, text, parser.ParseComments)
	if err != nil {
		return nil, "", err
	}
	conditions := conditionsOf(fset, tree)
	rules, edits := rowsOf(fset, tree)
	for _, group := range tree.Comments {
		for _, c := range group.List {
			name, ok := strings.CutPrefix(c.Text, marker)
			if !ok {
				continue
			}
			line := fset.Position(c.Pos()).Line
			parts, ok := conditions[line]
			if !ok {
				return nil, "", fmt.Errorf("%s:%d: no case or if ends its condition in this line", file, line)
			}
			rules = append(rules, rule{name: name, line: line})
			edits = append(edits, switchedOff(fset, parts, name)...)
		}
	}
	for i := range rules {
		rules[i].file = file
	}
	return rules, edited(text, edits), nil
}

// edit replaces a part of a file.
type edit struct {
	from, to int
	text     string
}

func edited(text string, edits []edit) string {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.WriteString(text[at:e.from])
		b.WriteString(e.text)
		at = e.to
	}
	b.WriteString(text[at:])
	return b.String()
}

// switchedOff makes a condition false if its rule is taken away. In a case with
// several parts, each part is a condition.
func switchedOff(fset *token.FileSet, parts []ast.Expr, name string) []edit {
	offset := func(p token.Pos) int { return fset.Position(p).Offset }
	first, last := offset(parts[0].Pos()), offset(parts[len(parts)-1].End())
	edits := []edit{{first, first, "ruleAway != " + strconv.Quote(name) + " && (("}}
	for i := range parts[1:] {
		edits = append(edits, edit{offset(parts[i].End()), offset(parts[i+1].Pos()), ") || ("})
	}
	return append(edits, edit{last, last, "))"})
}

// rowsOf finds the rows of tables: the elements of a list of rules or kinds
// that start with their name.
func rowsOf(fset *token.FileSet, tree *ast.File) (rules []rule, edits []edit) {
	ast.Inspect(tree, func(n ast.Node) bool {
		list, ok := n.(*ast.CompositeLit)
		if !ok || !isTable(list.Type) {
			return true
		}
		names := make([]string, len(list.Elts))
		for i, e := range list.Elts {
			row, ok := e.(*ast.CompositeLit)
			if !ok || len(row.Elts) == 0 {
				continue
			}
			if name, ok := row.Elts[0].(*ast.BasicLit); ok && name.Kind == token.STRING {
				names[i] = strings.Trim(name.Value, `"`)
				rules = append(rules, rule{name: names[i], line: fset.Position(row.Pos()).Line})
			}
		}
		from, to := fset.Position(list.Pos()).Offset, fset.Position(list.End()).Offset
		edits = append(edits, edit{from, from, fmt.Sprintf("rowsLeft(%#v, ", names)}, edit{to, to, ")"})
		return true
	})
	return rules, edits
}

// isTable reports whether a type is a list of rules or kinds.
func isTable(t ast.Expr) bool {
	list, ok := t.(*ast.ArrayType)
	if !ok || list.Len != nil {
		return false
	}
	element, ok := list.Elt.(*ast.Ident)
	return ok && (element.Name == "rule" || element.Name == "kind")
}

// conditionsOf finds the conditions of cases and ifs, by the line on which they
// end. Cases of a switch with a value do not count: they compare, and are no
// conditions.
func conditionsOf(fset *token.FileSet, tree *ast.File) map[int][]ast.Expr {
	found := map[int][]ast.Expr{}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			found[fset.Position(n.Body.Lbrace).Line] = []ast.Expr{n.Cond}
		case *ast.SwitchStmt:
			for _, s := range n.Body.List {
				if c, ok := s.(*ast.CaseClause); ok && n.Tag == nil && len(c.List) > 0 {
					found[fset.Position(c.Colon).Line] = c.List
				}
			}
		}
		return true
	})
	return found
}
