package documents

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"dokploy-deploy/internal/ci"
	"dokploy-deploy/internal/config"
	"dokploy-deploy/internal/program"
)

var update = flag.Bool("update", false, "write the generated parts of the documents and packages")

// TestDocs compares everything that users read or run with the tables in the
// code. After a change of a table:
//
//	go test ./internal/documents -run TestDocs -update
func TestDocs(t *testing.T) {
	for _, doc := range []struct {
		file, name, text string
		comment          string // a comment in the file's format, with %s for the marker, and what follows it
	}{
		{"README.md", "inputs", inputTables(bothSpellings), "<!-- %s -->\n"},
		{"README.md", "failure", excerpt(deploys(t, "fail", "80").output), "<!-- %s -->\n"},
		{"README.md", "bylines", "`" + strings.Join(config.ByLines(), "`, `") + "`", "<!-- %s -->"},
		{"README.md", "outputs", outputTable(func(o ci.Output) string { return o.Name }), "<!-- %s -->\n"},
		{"README.md", "github", example("github.yml"), "<!-- %s -->\n"},
		{"README.md", "gitlab", example("gitlab.yml"), "<!-- %s -->\n"},
		{"README.md", "woodpecker", example("woodpecker.yml"), "<!-- %s -->\n"},
		{"docs/follow.md", "gitlab-follow", example("gitlab-follow.yml"), "<!-- %s -->\n"},
		{"docs/follow.md", "woodpecker-follow", example("woodpecker-follow.yml"), "<!-- %s -->\n"},
		{"docs/follow.md", "github-preview", example("github-preview.yml"), "<!-- %s -->\n"},
		{"action.yml", "inputs", actionInputs(), "# %s\n"},
		{"action.yml", "outputs", actionOutputs(""), "# %s\n"},
		{"native/action.yml", "inputs", actionInputs(), "# %s\n"},
		{"native/action.yml", "outputs", actionOutputs("deploy"), "# %s\n"},
		{"native/action.yml", "env", variables(8, "${{ inputs.%s }}", config.Settings), "# %s\n"},
		{"templates/deploy.yml", "inputs", componentInputs(), "# %s\n"},
		{"templates/deploy.yml", "env", variables(4, "$[[ inputs.%s ]]", componentSettings()), "# %s\n"},
		{"templates/deploy.yml", "unset", unset(), "# %s\n"},
		{"docs.md", "settings", inputTables(underscoredCode), "<!-- %s -->\n"},
		{"docs.md", "outputs", outputTable(ci.Output.DotenvName), "<!-- %s -->\n"},
		{"docs.md", "woodpecker", example("woodpecker.yml"), "<!-- %s -->\n"},
	} {
		t.Run(doc.file+" "+doc.name, func(t *testing.T) {
			text, err := fs.ReadFile(repository, doc.file)
			if err != nil {
				t.Fatal(err)
			}
			begin, end := fmt.Sprintf(doc.comment, doc.name), strings.TrimSpace(fmt.Sprintf(doc.comment, "/"+doc.name))
			head, rest, ok1 := strings.Cut(string(text), begin)
			got, tail, ok2 := strings.Cut(rest, end)
			if !ok1 || !ok2 {
				t.Fatalf("%s has no %q … %q", doc.file, begin, end)
			}
			if diff := cmp.Diff(lasting(doc.text), lasting(got)); diff != "" {
				if *update {
					if err := os.WriteFile(filepath.Join(root, doc.file), []byte(head+begin+doc.text+end+tail), 0o644); err != nil {
						t.Fatal(err)
					}
					return
				}
				t.Errorf("%s is not what the code says (go test ./internal/documents -run TestDocs -update):\n%s", doc.file, diff)
			}
		})
	}
}

func underscored(name string) string { return strings.ReplaceAll(name, "-", "_") }

// underscoredCode returns the spelling of a name on the hosts that a table is
// for.
func underscoredCode(name string) string { return "`" + underscored(name) + "`" }

// bothSpellings returns the name, and its spelling in settings of Woodpecker
// and Drone.
func bothSpellings(name string) string {
	if u := underscored(name); u != name {
		return "`" + name + "`<br>`" + u + "`"
	}
	return "`" + name + "`"
}

// inputTables returns the inputs, one table for each group.
func inputTables(spell func(string) string) string {
	var b strings.Builder
	for _, g := range config.Groups {
		fmt.Fprintf(&b, "\n### %s\n\n| input | required | default | meaning |\n|---|---|---|---|\n", g.Title)
		for _, s := range g.Settings() {
			required, def := "", ""
			switch {
			case s.Required:
				required = "yes"
			case s.Name == "application", s.Name == "compose":
				required = "one of the two"
			}
			if s.Default != "" {
				def = "`" + s.Default + "`"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", spell(s.Name), required, def, spelled(s.Meaning, spell))
		}
	}
	return b.String() + "\n"
}

// spelled returns a text for a table, with the names of inputs as a host spells
// them.
func spelled(meaning string, spell func(string) string) string {
	for _, s := range config.Settings {
		if name := spell(s.Name); !strings.Contains(name, "<br>") {
			meaning = strings.ReplaceAll(meaning, "`"+s.Name+"`", name)
			meaning = strings.ReplaceAll(meaning, "`"+s.Name+": ", strings.TrimSuffix(name, "`")+": ")
		}
	}
	return strings.ReplaceAll(meaning, "|", "\\|")
}

func outputTable(spell func(ci.Output) string) string {
	var b strings.Builder
	fmt.Fprint(&b, "\n| output | value |\n|---|---|\n")
	for _, o := range ci.OutputTable {
		fmt.Fprintf(&b, "| `%s` | %s |\n", spell(o), strings.ReplaceAll(o.Meaning, "|", "\\|"))
	}
	return b.String() + "\n"
}

// described returns the description of an input for places without a column for
// its default.
func described(s config.Setting) string {
	meaning := s.Meaning
	if s.Default != "" {
		meaning += " Default: `" + s.Default + "`."
	}
	return quote(meaning)
}

// actionInputs leaves the defaults to the program: an input that the user did
// not set reaches it as an empty value, which means the same on every host.
func actionInputs() string {
	var b strings.Builder
	for _, g := range config.Groups {
		fmt.Fprintf(&b, "  # %s\n", g.Title)
		for _, s := range g.Settings() {
			fmt.Fprintf(&b, "  %s:\n    description: %s\n    required: %v\n", s.Name, described(s), s.Required)
		}
	}
	return b.String() + "  "
}

// actionOutputs passes on the outputs of a step; a docker action has no steps.
func actionOutputs(step string) string {
	var b strings.Builder
	for _, o := range ci.OutputTable {
		fmt.Fprintf(&b, "  %s:\n    description: %s\n", o.Name, quote(o.Meaning))
		if step != "" {
			fmt.Fprintf(&b, "    value: ${{ steps.%s.outputs.%s }}\n", step, o.Name)
		}
	}
	return b.String() + "  "
}

// variables passes inputs to the program if the host does not. There may be a
// shell in between, and shells drop names with hyphens.
func variables(indent int, value string, settings []config.Setting) string {
	blanks := strings.Repeat(" ", indent)
	var b strings.Builder
	for _, s := range settings {
		fmt.Fprintf(&b, "%sINPUT_%s: "+value+"\n", blanks, strings.ToUpper(underscored(s.Name)), s.Name)
	}
	return b.String() + blanks
}

// unset keeps a shell's variables from becoming inputs.
func unset() string {
	names := ""
	for _, s := range config.Settings {
		names += " DOKPLOY_" + strings.ToUpper(underscored(s.Name))
	}
	return "    - unset" + names + "\n    "
}

// componentSettings returns all inputs except the file that the component reads
// itself.
func componentSettings() []config.Setting {
	return slices.DeleteFunc(slices.Clone(config.Settings), func(s config.Setting) bool { return s.Name == "output-file" })
}

// componentInputs returns the component's inputs. All of them are strings,
// because a job's variables are. GitLab shows inputs to everybody who sees the
// pipeline, so the key comes from a masked variable.
func componentInputs() string {
	var b strings.Builder
	for _, g := range config.Groups {
		fmt.Fprintf(&b, "    # %s\n", g.Title)
		for _, s := range g.Settings() {
			if s.Name == "output-file" {
				continue
			}
			fmt.Fprintf(&b, "    %s:\n      description: %s\n", s.Name, described(s))
			switch {
			case s.Name == "api-key":
				fmt.Fprint(&b, "      default: $DOKPLOY_API_KEY\n")
			case !s.Required:
				fmt.Fprint(&b, "      default: ''\n")
			}
		}
	}
	return b.String() + "    "
}

// example returns a file of examples, as Markdown.
func example(name string) string {
	text, err := fs.ReadFile(repository, "examples/"+name)
	if err != nil {
		return err.Error()
	}
	return "\n```yaml\n" + string(text) + "```\n\n"
}

// quote writes a YAML string.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// TestOutputsAreNoInputs: a later job inherits the outputs as variables, and
// must not read one as an input: it would send its key to what was deployed.
func TestOutputsAreNoInputs(t *testing.T) {
	for _, o := range ci.OutputTable {
		for _, s := range config.Settings {
			if slices.Contains(config.Spellings(s.Name), o.DotenvName()) {
				t.Errorf("the output %s is %s in dotenv form, which is the input %s", o.Name, o.DotenvName(), s.Name)
			}
		}
	}
}

// TestExitCodesAreDocumented: --help and the README agree.
func TestExitCodesAreDocumented(t *testing.T) {
	readme, err := fs.ReadFile(repository, "README.md")
	if err != nil {
		t.Fatal(err)
	}
	var help bytes.Buffer
	program.Usage(&help)
	for _, code := range []string{"0", "1", "2", "3", "4", "129, 130, 143"} {
		if !strings.Contains(string(readme), "\n| "+code+" | ") {
			t.Errorf("README.md does not explain exit code %s", code)
		}
		if !strings.Contains(help.String(), "\n  "+code+" ") {
			t.Errorf("--help does not explain exit code %s", code)
		}
	}
	for line := range strings.SplitSeq(help.String(), "\n") {
		if utf8.RuneCountInString(line) > config.UsageColumns || strings.ContainsAny(line, "`*[") {
			t.Errorf("--help is too wide, or has Markdown in it: %s", line)
		}
	}
	for _, s := range config.Settings {
		if !strings.Contains(help.String(), "\n  "+s.Name) {
			t.Errorf("--help does not explain %s", s.Name)
		}
	}
}

// TestUnderscores: no input has a hyphen in what users of Woodpecker and Drone
// read.
func TestUnderscores(t *testing.T) {
	for _, file := range []string{"docs.md", "examples/woodpecker.yml", "examples/drone.yml"} {
		text, err := fs.ReadFile(repository, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range config.Settings {
			for _, form := range []string{"`%s`", "`%s:", " %s:"} {
				if name := fmt.Sprintf(form, s.Name); strings.Contains(s.Name, "-") && strings.Contains(string(text), name) {
					t.Errorf("%s has %s", file, name)
				}
			}
		}
	}
}

var (
	codeBlock = regexp.MustCompile("(?s)```.*?```")
	markup    = regexp.MustCompile(`(?s)<!--.*?-->|<picture>.*?</picture>`)
	tableLine = regexp.MustCompile(`(?m)^\|.*$`)
)

// TestReadmeIsShort: whoever comes for the first time can read it in five
// minutes. What needs more words has a page in docs.
func TestReadmeIsShort(t *testing.T) {
	raw, err := fs.ReadFile(repository, "README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, re := range []*regexp.Regexp{codeBlock, markup, tableLine} {
		text = re.ReplaceAllString(text, "")
	}
	if n := len(strings.Fields(text)); n > 1300 {
		t.Errorf("%d words outside of tables and code", n)
	}
}

var markdownLink = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

// TestLinks: the targets of a document's links exist.
func TestLinks(t *testing.T) {
	pages, err := fs.Glob(repository, "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "README.md", "SECURITY.md", "CONTRIBUTING.md") {
		text, err := fs.ReadFile(repository, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range markdownLink.FindAllStringSubmatch(string(text), -1) {
			if _, err := fs.Stat(repository, path.Join(path.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
	}
}
