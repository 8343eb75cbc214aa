package deploy

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The files of this package use each other in one direction, none is longer
// than 400 lines, and no type embeds another to reach its fields.
func TestFilesPointOneWay(t *testing.T) {
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	fset := token.NewFileSet()
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")); n > 400 {
			t.Errorf("%s has %d lines", path, n)
		}
		f, err := parser.ParseFile(fset, path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.StructType); ok && slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool { return len(f.Names) == 0 }) {
				t.Errorf("%s: a type is embedded", fset.Position(s.Pos()))
			}
			return true
		})
	}
	uses := usesOf(fset, files)
	if len(uses) < 40 {
		t.Fatalf("only %d files use others", len(uses))
	}
	if circle := circleIn(uses); circle != nil {
		t.Errorf("files use each other in a circle: %s", strings.Join(circle, " → "))
	}
}

// usesOf returns, for each file, the files that it uses something of. Imports
// do not count.
func usesOf(fset *token.FileSet, files []*ast.File) map[string][]string {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: nothing{}, Error: func(error) {}}
	pkg, _ := conf.Check("deploy", fset, files, info)
	uses := map[string][]string{}
	for id, object := range info.Uses {
		if object.Pkg() != pkg {
			continue
		}
		from, to := fset.Position(id.Pos()).Filename, fset.Position(object.Pos()).Filename
		if from != to && !slices.Contains(uses[from], to) {
			uses[from] = append(uses[from], to)
		}
	}
	return uses
}

type nothing struct{}

func (nothing) Import(string) (*types.Package, error) { return nil, errors.New("not imported") }

// circleIn returns a circle of uses; nil: there is none.
func circleIn(uses map[string][]string) []string {
	done := map[string]bool{}
	var visit func(file string, way []string) []string
	visit = func(file string, way []string) []string {
		if i := slices.Index(way, file); i >= 0 {
			return append(way[i:], file)
		}
		if done[file] {
			return nil
		}
		way = append(way, file)
		for _, next := range uses[file] {
			if circle := visit(next, way); circle != nil {
				return circle
			}
		}
		done[file] = true
		return nil
	}
	for file := range uses {
		if circle := visit(file, nil); circle != nil {
			return circle
		}
	}
	return nil
}
