package verdict

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sources returns the Go files below a folder, without the tests.
func sources(t *testing.T, root string) (*token.FileSet, []*ast.File) {
	t.Helper()
	set := token.NewFileSet()
	var files []*ast.File
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(set, path, nil, 0)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return set, files
}

// words reports whether an expression is, or contains, the text of an outcome.
func words(e ast.Expr) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && len(call.Args) == 0 {
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Why", "Advice", "Headline"}, sel.Sel.Name) {
				found = true
			}
		}
		return !found
	})
	return found
}

func isEmptyText(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	return ok && lit.Value == `""`
}

// reads returns the places in a file that compare or take apart the text of an
// outcome. A check for an empty text is allowed.
func reads(f *ast.File) (at []token.Pos) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			sel, ok := n.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && (pkg.Name == "strings" || pkg.Name == "slices" || strings.HasSuffix(sel.Sel.Name, "MatchString")) && slices.ContainsFunc(n.Args, words) {
				at = append(at, n.Pos())
			}
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && (words(n.X) && !isEmptyText(n.Y) || words(n.Y) && !isEmptyText(n.X)) {
				at = append(at, n.Pos())
			}
		case *ast.SwitchStmt:
			if n.Tag != nil && words(n.Tag) {
				at = append(at, n.Pos())
			}
		case *ast.IndexExpr:
			if words(n.Index) {
				at = append(at, n.Pos())
			}
		}
		return true
	})
	return at
}

// TestNobodyReadsWords: what the program needs to know about an outcome is in
// its kinds.
func TestNobodyReadsWords(t *testing.T) {
	set, files := sources(t, "..")
	if len(files) < 100 {
		t.Fatalf("%d files", len(files))
	}
	for _, f := range files {
		for _, at := range reads(f) {
			t.Errorf("%s reads the words of an outcome", set.Position(at))
		}
	}
}

func TestReads(t *testing.T) {
	for body, want := range map[string]int{
		`_ = strings.Contains(r.Why(), " was set")`:  1,
		`_ = strings.HasPrefix("x: "+r.Why(), "x")`:  1,
		`_ = r.Headline() == "failed"`:               1,
		`_ = setText.MatchString(r.Why())`:           1,
		`switch r.Advice() { case "": }`:             1,
		`said[r.Why()] = true`:                       1,
		`if r.Why() == "" { show(r.Why()) }`:         0,
		`_ = r.Reason.Kind == RowVanished`:           0,
		`lines = append(lines, "hint: "+r.Advice())`: 0,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc x() {\n"+body+"\n}", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(reads(f)); got != want {
			t.Errorf("%s: %d, want %d", body, got, want)
		}
	}
}

// TestImports: the texts need nothing that sends requests, waits or decides.
func TestImports(t *testing.T) {
	set, files := sources(t, ".")
	for _, f := range files {
		for _, spec := range f.Imports {
			switch path := strings.Trim(spec.Path.Value, `"`); path {
			case "encoding/json", "slices", "strconv", "strings", "time", "dokploy-deploy/internal/reason", "dokploy-deploy/internal/text":
			default:
				t.Errorf("%s imports %s", set.Position(spec.Pos()), path)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "After"}, sel.Sel.Name) {
					t.Errorf("%s reads the clock", set.Position(n.Pos()))
				}
			}
			return true
		})
	}
}
