package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// rule is a named row of a table, or a named condition of the program.
type rule struct {
	name    string
	file    string
	line    int
	without []byte     // the file without the row, or with the condition false
	tests   [][]string // what guards it: arguments of go test, one run after the other
}

const marker = "//rule:"

// rulesIn finds the rules in the Go files of a folder, tests excepted.
func rulesIn(dir string) ([]rule, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var rules []rule
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		found, err := rulesOf(file, text)
		if err != nil {
			return nil, err
		}
		rules = append(rules, found...)
	}
	return rules, nil
}

// rulesOf finds the rules of one file.
func rulesOf(file string, text []byte) ([]rule, error) {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	conditions := conditionsOf(fset, tree)
	rules := rowsOf(fset, tree, text)
	for i := range rules {
		rules[i].file = file
	}
	for _, group := range tree.Comments {
		for _, c := range group.List {
			name, ok := strings.CutPrefix(c.Text, marker)
			if !ok {
				continue
			}
			line := fset.Position(c.Pos()).Line
			cond, ok := conditions[line]
			if !ok {
				return nil, fmt.Errorf("%s:%d: no case or if ends its condition in this line", file, line)
			}
			from, to := fset.Position(cond.from).Offset, fset.Position(cond.to).Offset
			without := string(text[:from]) + "false && (" + cond.joined(fset, text) + ")" + string(text[to:])
			rules = append(rules, rule{name: name, file: file, line: line, without: []byte(without)})
		}
	}
	return rules, nil
}

// rowsOf finds the rows of tables: the elements of a list of rules or kinds that
// begin with their name.
func rowsOf(fset *token.FileSet, tree *ast.File, text []byte) (rules []rule) {
	ast.Inspect(tree, func(n ast.Node) bool {
		list, ok := n.(*ast.CompositeLit)
		if !ok || !isTable(list.Type) {
			return true
		}
		for _, e := range list.Elts {
			row, ok := e.(*ast.CompositeLit)
			if !ok || len(row.Elts) == 0 {
				continue
			}
			name, ok := row.Elts[0].(*ast.BasicLit)
			if !ok || name.Kind != token.STRING {
				continue
			}
			at := fset.Position(row.Pos())
			from, to := at.Offset, fset.Position(row.End()).Offset
			// The comma behind it goes, too.
			without := string(text[:from]) + strings.TrimPrefix(string(text[to:]), ",")
			rules = append(rules, rule{name: strings.Trim(name.Value, `"`), line: at.Line, without: []byte(without)})
		}
		return true
	})
	return rules
}

// isTable reports whether a type is a list of rules or kinds.
func isTable(t ast.Expr) bool {
	list, ok := t.(*ast.ArrayType)
	if !ok {
		return false
	}
	element, ok := list.Elt.(*ast.Ident)
	return ok && (element.Name == "rule" || element.Name == "kind")
}

// condition is what a case or an if asks.
type condition struct {
	from, to token.Pos
	parts    []ast.Expr // of a case, each is enough
}

// joined is the condition as one expression.
func (c condition) joined(fset *token.FileSet, text []byte) string {
	var parts []string
	for _, p := range c.parts {
		parts = append(parts, "("+string(text[fset.Position(p.Pos()).Offset:fset.Position(p.End()).Offset])+")")
	}
	return strings.Join(parts, " || ")
}

// conditionsOf finds them by the line in which they end. Cases of a switch with
// a value are none: they do not ask, they compare.
func conditionsOf(fset *token.FileSet, tree *ast.File) map[int]condition {
	found := map[int]condition{}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			found[fset.Position(n.Body.Lbrace).Line] = condition{n.Cond.Pos(), n.Cond.End(), []ast.Expr{n.Cond}}
		case *ast.SwitchStmt:
			for _, s := range n.Body.List {
				if c, ok := s.(*ast.CaseClause); ok && n.Tag == nil && len(c.List) > 0 {
					found[fset.Position(c.Colon).Line] = condition{c.List[0].Pos(), c.List[len(c.List)-1].End(), c.List}
				}
			}
		}
		return true
	})
	return found
}
