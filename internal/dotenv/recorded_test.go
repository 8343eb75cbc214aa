package dotenv

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "ask npm's dotenv, which the environment variable DOTENV_MODULE names the folder of, and record its answers")

// A recording holds the answers of npm's dotenv 16.4.5.
type recording struct {
	Parse []parseCase
	Merge []mergeCase
}

type parseCase struct {
	Text string
	Vars [][2]string // Object.entries of the answer
}

type mergeCase struct {
	Old, Lines string
	Want       map[string]string // the answer for Old, overridden by the one for Lines
}

const recorded = "testdata/recorded.json"

// So many cases (asked) are compared with dotenv itself; the first of them
// (kept…) are recorded.
const (
	asked     = 30_000
	keptParse = 2_000
	keptMerge = 800
)

func TestRecorded(t *testing.T) {
	if *update {
		record(t)
	}
	text, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	var r recording
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Parse) < keptParse || len(r.Merge) < keptMerge {
		t.Fatalf("%d and %d cases are recorded", len(r.Parse), len(r.Merge))
	}
	compare(t, r)
}

// compare compares the package with the answers of dotenv.
func compare(t *testing.T, r recording) {
	t.Helper()
	for _, c := range r.Parse {
		if diff := cmp.Diff(byName(c.Vars), values(c.Text)); diff != "" {
			t.Fatalf("%q: -dotenv +Parse\n%s", c.Text, diff)
		}
		var got [][2]string
		for _, v := range Parse(c.Text) {
			got = append(got, [2]string{v.Name, v.Value})
		}
		if diff := cmp.Diff(inOrder(c.Vars), inOrder(got)); diff != "" {
			t.Fatalf("%q: the order differs: -dotenv +Parse\n%s", c.Text, diff)
		}
	}
	failed := 0
	for _, c := range r.Merge {
		got, err := Merge(c.Old, c.Lines)
		if err != nil {
			failed++
			continue
		}
		if diff := cmp.Diff(c.Want, values(got)); diff != "" {
			t.Fatalf("%q and %q make %q: -dotenv +Merge\n%s", c.Old, c.Lines, got, diff)
		}
	}
	t.Logf("%d texts and %d merges agree; %d more merges are refused", len(r.Parse), len(r.Merge)-failed, failed)
	if failed > len(r.Merge)/20 {
		t.Errorf("%d of %d merges are refused", failed, len(r.Merge))
	}
}

func byName(vars [][2]string) map[string]string {
	m := map[string]string{}
	for _, v := range vars {
		m[v[0]] = v[1]
	}
	return m
}

// inOrder drops the names that JavaScript lists before all others.
func inOrder(vars [][2]string) []string {
	index := regexp.MustCompile(`^(0|[1-9][0-9]*)$`)
	var names []string
	for _, v := range vars {
		if !index.MatchString(v[0]) {
			names = append(names, v[0])
		}
	}
	return names
}

// record compares many cases with dotenv itself, and writes some of them to the
// file.
func record(t *testing.T) {
	module := os.Getenv("DOTENV_MODULE")
	if module == "" {
		t.Fatal("-update needs DOTENV_MODULE, the folder of npm's dotenv 16.4.5 (…/node_modules/dotenv)")
	}
	rnd := rand.New(rand.NewPCG(16, 45))
	var texts, pairs []string
	for range asked {
		texts = append(texts, wild(rnd))
		old, lines := wild(rnd), wild(rnd)
		merged, err := Merge(old, lines)
		if err != nil {
			merged = ""
		}
		pairs = append(pairs, old, lines, merged)
	}
	var live recording
	for i, vars := range ask(t, module, texts) {
		live.Parse = append(live.Parse, parseCase{texts[i], vars})
	}
	answers := ask(t, module, pairs)
	for i := 0; i < len(pairs); i += 3 {
		want := byName(answers[i])
		maps.Copy(want, byName(answers[i+1]))
		live.Merge = append(live.Merge, mergeCase{pairs[i], pairs[i+1], want})
		live.Parse = append(live.Parse, parseCase{pairs[i+2], answers[i+2]})
		if diff := cmp.Diff(want, byName(answers[i+2])); pairs[i+2] != "" && diff != "" {
			t.Fatalf("%q and %q make %q: -want +dotenv\n%s", pairs[i], pairs[i+1], pairs[i+2], diff)
		}
	}
	compare(t, live)

	live.Parse, live.Merge = live.Parse[:keptParse], live.Merge[:keptMerge]
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteString("{\"Parse\":[\n")
	for i, c := range live.Parse {
		line(t, &b, enc, c, i < keptParse-1)
	}
	b.WriteString("],\"Merge\":[\n")
	for i, c := range live.Merge {
		line(t, &b, enc, c, i < keptMerge-1)
	}
	b.WriteString("]}\n")
	if err := os.WriteFile(recorded, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func line(t *testing.T, b *bytes.Buffer, enc *json.Encoder, v any, more bool) {
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	if more {
		b.Truncate(b.Len() - 1)
		b.WriteString(",\n")
	}
}

func ask(t *testing.T, module string, texts []string) (answers [][][2]string) {
	const script = `
const dotenv = require(process.env.DOTENV_MODULE)
const version = require(process.env.DOTENV_MODULE + '/package.json').version
if (version !== '16.4.5') throw new Error('dotenv ' + version + ' is not 16.4.5')
const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'))
process.stdout.write(JSON.stringify(texts.map(t => Object.entries(dotenv.parse(t)))))`
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "-e", script)
	cmd.Env = append(os.Environ(), "DOTENV_MODULE="+module)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(output, &answers); err != nil || len(answers) != len(texts) {
		t.Fatalf("%d answers to %d texts: %v", len(answers), len(texts), err)
	}
	return answers
}

var (
	// letters are the characters that dotenv's expression distinguishes, and
	// similar ones.
	letters = strings.Split("'|\"|`|#|=|:|\\|\n|\r|\r\n| |\t|\v|\f|\x00|\u0085|\u00a0|\ufeff|\u2028|\u2029|\u3000|\u200b|é|😀|\\n|\\r|\\'|\\\"|\\`|$|{|}|,|-|.|_|A|b|7|n|export|export ", "|")
	names   = strings.Split("A|B|C|A.b|_|-|7|export|n|__proto__|constructor|É", "|")
	pieces  = strings.Split("'x'|\"x\"|`x`|'it\\'s'|\"a\\nb\"|\"a\nb\"|'a\r\nB=2\nc'|`\n#\n`|x # c|x#c|#c|# A=1|${A}|${{project.X}}|\"|'|`|x|x y|\"x\" y|'x' # c|\"x\"#c|\n'x'|\n\n# c|\"{\\\"a\\\":1}\"", "|")
	breaks  = strings.Split("\n|\n|\n|\r\n|\r\n|\r|\n\n|\u2028|\n# c\n|\n  |", "|")
	signs   = strings.Split("=|=|=|=| = |: |:|:\n|\n=|= ", "|")
)

func pick(rnd *rand.Rand, list []string) string { return list[rnd.IntN(len(list))] }

// wild returns a random text: letters, or lines that are mostly assignments.
func wild(rnd *rand.Rand) string {
	var b strings.Builder
	if rnd.IntN(20) == 0 {
		b.WriteString(bom)
	}
	noise := func(odds int) {
		for rnd.IntN(odds) == 0 {
			b.WriteString(pick(rnd, letters))
		}
	}
	if rnd.IntN(3) == 0 {
		for range rnd.IntN(30) {
			b.WriteString(pick(rnd, letters))
		}
		return b.String()
	}
	for range rnd.IntN(5) {
		noise(10)
		if rnd.IntN(8) == 0 {
			b.WriteString("export ")
		}
		b.WriteString(pick(rnd, names))
		noise(15)
		b.WriteString(pick(rnd, signs))
		noise(8)
		b.WriteString(pick(rnd, pieces))
		noise(6)
		b.WriteString(pick(rnd, breaks))
	}
	return b.String()
}
