package config

import (
	"strings"
	"testing"
)

func TestYAMLLine(t *testing.T) {
	for text, want := range map[string]string{
		"services:\n  web:\n    image: x\n   ports: 3\n":                               "is not YAML: line 4: did not find expected key",
		"services:\n  web:\n    image: x\n\n    # c\n   ports:\n     - 80\n  db: {}\n": "is not YAML: line 6: did not find expected key",
		"services:\r\n  web:\r\n    image: x\r\n   ports: 3\r\n":                       "is not YAML: line 4: did not find expected key",
		"services:\n  web:\n    imagee: [nope\n":                                       "is not YAML: line 3: did not find expected ',' or ']'",
		"services:\n  web:\n    ports: [80,\n      81\n    image: y\n  z: {}\n":        "is not YAML: line 3: did not find expected ',' or ']'",
		"services:\n  web: {image: x\n  db:\n    image: z\n":                           "is not YAML: line 2: did not find expected ',' or '}'",
		"services:\n  web:\n    command: \"unclosed\n  db:\n    image: y\n":            "is not YAML: line 3: found unexpected end of stream",
		"services:\n  web:\n    image: x\n  }\n":                                       "is not YAML: line 4: did not find expected key",
		"services:\n  web:\n    image: 'x'y\n  c: {}\n":                                "is not YAML: line 3: did not find expected key",
		"services:\n  web:\n    environment:\n      - A=1\n      B: 2\n  c: {}\n":      "is not YAML: line 5: did not find expected '-' indicator",
		"services:\n\tweb: x\n":                                                        "is not YAML: line 2: found character that cannot start any token",
		"services:\n  web:\n    a: b: c\n":                                             "is not YAML: line 3: mapping values are not allowed in this context",
		"services:\n  web:\n    image: *nope\n":                                        "is not YAML: line 3: unknown anchor 'nope' referenced",
		"services:\n  web:\n    image: x\nservice\nx: y":                               "is not YAML: line 4: could not find expected ':'",
		"[":              "is not YAML: line 1: did not find expected node content",
		"services: \x01": "is not YAML: line 1: control characters are not allowed",
	} {
		if err := checkCompose(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
	}
}

// TestYAMLLineLarge: the search is given up in the largest file that is
// allowed.
func TestYAMLLineLarge(t *testing.T) {
	if got := yamlLine("services: [\n" + strings.Repeat("  a,\n", 150_000)); got != 150_001 {
		t.Errorf("line %d", got)
	}
}
