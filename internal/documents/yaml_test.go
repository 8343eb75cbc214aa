package documents

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// node walks through YAML; the test fails at a step that does not exist.
type node struct {
	t *testing.T
	v any
}

func documents(t *testing.T, file string) []node {
	t.Helper()
	text, err := fs.ReadFile(repository, file)
	if err != nil {
		t.Fatal(err)
	}
	var out []node
	if filepath.Ext(file) == ".md" { // the front matter
		text, _, _ = bytes.Cut(text, []byte("\n---\n"))
	}
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var v any
		if err := dec.Decode(&v); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, node{t, v})
	}
}

func (n node) at(path ...any) node {
	n.t.Helper()
	for _, p := range path {
		ok := false
		switch p := p.(type) {
		case string:
			var m map[string]any
			if m, ok = n.v.(map[string]any); ok {
				n.v, ok = m[p]
			}
		case int:
			var l []any
			if l, ok = n.v.([]any); ok && p < len(l) {
				n.v = l[p]
			}
		}
		if !ok {
			n.t.Fatalf("there is no %v", path)
		}
	}
	return n
}

func (n node) keys() []string {
	m, _ := n.v.(map[string]any)
	return slices.Sorted(maps.Keys(m))
}

func (n node) list() []string {
	var out []string
	l, _ := n.v.([]any)
	for _, v := range l {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// each calls f with every map in the document.
func (n node) each(f func(map[string]any)) {
	switch v := n.v.(type) {
	case map[string]any:
		f(v)
		for _, w := range v {
			node{n.t, w}.each(f)
		}
	case []any:
		for _, w := range v {
			node{n.t, w}.each(f)
		}
	}
}

func strs(n node) map[string]string {
	env := map[string]string{}
	for _, k := range n.keys() {
		env[k] = fmt.Sprint(n.at(k).v)
	}
	return env
}
