package dokploy

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestJSONWalk compares the walk through JSON with encoding/json.
func TestJSONWalk(t *testing.T) {
	for _, text := range []string{
		`[]`, ` [ ] `, `[1]`, `[ 1 , "a,]" , {"b":[1,2]} , [] , null,true, -1.5e3 ]`, `{}`, `{"a":1}`,
		`{ "a" : "}\"" , "b\"c":[ {} ], "d":{"e":null} }`, `["\\"]`, `["\\\""]`, `[[[]],{}]`,
	} {
		walk(t, []byte(text))
	}
}

// walk compares them for one valid JSON text.
func walk(t *testing.T, text []byte) {
	t.Helper()
	trimmed := []byte(strings.TrimSpace(string(text)))
	compact := func(b []byte) string {
		var v any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatalf("%q in %q: %v", b, text, err)
		}
		out, _ := json.Marshal(v)
		return string(out)
	}
	switch kindOf(trimmed) {
	case "array":
		var want []json.RawMessage
		_ = json.Unmarshal(trimmed, &want)
		var got []json.RawMessage
		for e := range elements(trimmed) {
			got = append(got, e)
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %d elements, want %d", text, len(got), len(want))
		}
		for i := range got {
			if compact(got[i]) != compact(want[i]) {
				t.Fatalf("%q: %q, want %q", text, got[i], want[i])
			}
		}
	case "object":
		var want map[string]json.RawMessage
		_ = json.Unmarshal(trimmed, &want)
		got := map[string]json.RawMessage{}
		for n, v := range members(trimmed) {
			var name string
			if err := json.Unmarshal(n, &name); err != nil {
				t.Fatalf("%q: name %q", text, n)
			}
			got[name] = v
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %d members, want %d", text, len(got), len(want))
		}
		for name := range want {
			if compact(got[name]) != compact(want[name]) {
				t.Fatalf("%q: %s is %q, want %q", text, name, got[name], want[name])
			}
		}
	}
}

func TestUnwrap(t *testing.T) {
	for text, want := range map[string]string{
		`{"result":{"data":{"json":[1],"meta":{}}}}`: `[1]`,
		`{"result":{"data":{"json":[1]}}}`:           `[1]`,
		`{"result":{"data":{"json":1,"other":2}}}`:   `{"json":1,"other":2}`,
		"\n{\"result\":{\"data\":[2]}}\n":            `[2]`,
		`{"result":{"data":null}}`:                   `null`,
		`{"result":{}}`:                              `{"result":{}}`,
		`{"result":3}`:                               `{"result":3}`,
		`{"result":{"data":`:                         `{"result":{"data":`,
		`{"name":"x"}`:                               `{"name":"x"}`,
		`[]`:                                         `[]`,
		``:                                           ``,
	} {
		if got := string(unwrap([]byte(text))); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
