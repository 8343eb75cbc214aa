package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dokploy-deploy/internal/ci"
	"dokploy-deploy/internal/config"
)

var update = flag.Bool("update", false, "write the generated parts of README.md and action.yml")

// TestDocs holds what users read against the tables in the code. After a
// change of a table: go test . -update
func TestDocs(t *testing.T) {
	for _, doc := range []struct {
		file, name, text string
		comment          string // of the file's format, with %s for the marker
	}{
		{"README.md", "inputs", inputTable(), "<!-- %s -->"},
		{"README.md", "outputs", outputTable(), "<!-- %s -->"},
		{"action.yml", "inputs", actionInputs(), "# %s"},
		{"action.yml", "outputs", actionOutputs(), "# %s"},
	} {
		t.Run(doc.file+" "+doc.name, func(t *testing.T) {
			text, err := os.ReadFile(doc.file)
			if err != nil {
				t.Fatal(err)
			}
			begin, end := fmt.Sprintf(doc.comment+"\n", doc.name), fmt.Sprintf(doc.comment, "/"+doc.name)
			head, rest, ok1 := strings.Cut(string(text), begin)
			got, tail, ok2 := strings.Cut(rest, end)
			if !ok1 || !ok2 {
				t.Fatalf("%s has no %q … %q", doc.file, begin, end)
			}
			if diff := cmp.Diff(doc.text, got); diff != "" {
				if *update {
					if err := os.WriteFile(doc.file, []byte(head+begin+doc.text+end+tail), 0o644); err != nil {
						t.Fatal(err)
					}
					return
				}
				t.Errorf("%s is not what the table in the code says (go test . -update):\n%s", doc.file, diff)
			}
		})
	}
}

func inputTable() string {
	var b strings.Builder
	fmt.Fprint(&b, "\n| input | default | meaning |\n|---|---|---|\n")
	for _, s := range config.Settings {
		def := ""
		switch {
		case s.Required:
			def = "required"
		case s.Default != "":
			def = "`" + s.Default + "`"
		}
		meaning := strings.ReplaceAll(s.Meaning, "|", "\\|")
		if !s.Available {
			meaning = "*Not in this version yet.* " + meaning
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Name, def, meaning)
	}
	return b.String() + "\n"
}

func outputTable() string {
	var b strings.Builder
	fmt.Fprint(&b, "\n| output | value |\n|---|---|\n")
	for _, o := range ci.OutputTable {
		fmt.Fprintf(&b, "| `%s` | %s |\n", o.Name, strings.ReplaceAll(o.Meaning, "|", "\\|"))
	}
	return b.String() + "\n"
}

// actionInputs leaves the defaults to the program: an input that the user did
// not set reaches it empty, which means the same on every host.
func actionInputs() string {
	var b strings.Builder
	for _, s := range config.Settings {
		meaning := s.Meaning
		if s.Default != "" {
			meaning += " Default: `" + s.Default + "`."
		}
		if !s.Available {
			meaning = "Not in this version yet. " + meaning
		}
		fmt.Fprintf(&b, "  %s:\n    description: %s\n    required: %v\n", s.Name, quote(meaning), s.Required)
	}
	return b.String() + "  "
}

func actionOutputs() string {
	var b strings.Builder
	for _, o := range ci.OutputTable {
		fmt.Fprintf(&b, "  %s:\n    description: %s\n", o.Name, quote(o.Meaning))
	}
	return b.String() + "  "
}

// quote writes a YAML string.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// TestExitCodesAreDocumented keeps --help and the README together.
func TestExitCodesAreDocumented(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var help bytes.Buffer
	usage(&help)
	for _, code := range []string{"0", "1", "2", "3", "4", "130, 143"} {
		if !strings.Contains(string(readme), "\n| "+code+" | ") {
			t.Errorf("README.md does not explain exit code %s", code)
		}
		if !strings.Contains(help.String(), "\n  "+code+" ") {
			t.Errorf("--help does not explain exit code %s", code)
		}
	}
	for _, s := range config.Settings {
		if !strings.Contains(help.String(), "\n  "+s.Name) {
			t.Errorf("--help does not explain %s", s.Name)
		}
	}
}
