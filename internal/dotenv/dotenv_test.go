package dotenv

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dokploy-deploy/internal/dokploytest"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		want       []Var
	}{
		{"plain", "A=1\nB = 2\n  C=3\nexport D=4\nE: 5", []Var{{"A", "1"}, {"B", "2"}, {"C", "3"}, {"D", "4"}, {"E", "5"}}},
		{"comment", "# A=1\nA=a#b\nB='a#b' # c\nC= # c", []Var{{"A", "a"}, {"B", "a#b"}, {"C", ""}}},
		{"several lines", "A=\"1\nB=2\"\nC='\r\n'", []Var{{"A", "1\nB=2"}, {"C", "\n"}}},
		{"value on the next line", "A=\n\"1\"\nB=\nC=2", []Var{{"A", "1"}, {"B", ""}, {"C", "2"}}},
		{"colon takes the next line", "A:\nB=1", []Var{{"A", "B=1"}}},
		{"escapes", `A="1\n2"` + "\n" + `B='1\n2'` + "\n" + `C="\"1\""`, []Var{{"A", "1\n2"}, {"B", `1\n2`}, {"C", `\"1\"`}}},
		{"quote not closed", "A='1\nB=2", []Var{{"A", "'1"}, {"B", "2"}}},
		{"last one at the first place", "A=1\nB=2\nA=3", []Var{{"A", "3"}, {"B", "2"}}},
		{"dropped", "A\n=1\nÉ=1\nA B=1\n__proto__=1", []Var{{"A", "1"}}},
		{"not UTF-8", "A=\xff\xc3\nB\xff=1", []Var{{"A", "\xff\xc3"}}},
		{"references", "A=${B}\nC=${{project.D}}$1", []Var{{"A", "${B}"}, {"C", "${{project.D}}$1"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Parse(tt.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func needsQuotes(name string) string {
	return " no KEY=VALUE; if the value of " + name + " has several lines, it needs quotes around it: " + name + "='…'"
}

func TestCheck(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"good", "\uFEFF# note\r\n\r\nA=hush\r\nexport B: 'hu\nsh'\rC=\n", ""},
		{"empty", "", "contains no variable; each line is KEY=VALUE"},
		{"only a comment", "# A=hush\n\n", "contains no variable; each line is KEY=VALUE"},
		{"no =", "hush\nA=1", `line 1 has no "="; each line is KEY=VALUE`},
		{"no = below a variable", "A=hush\r\n\r\nhush\n", "line 3 is" + needsQuotes("A")},
		{"bad name", "É=hush", `line 1 does not begin with a name (letters, digits, "_", "." and "-") and "="; each line is KEY=VALUE`},
		{"dropped name", "__proto__=hush", "line 1 sets __proto__, which the server drops; choose another name"},
		{"quote", "B='hu\nsh'\nA=\"hush\n", "line 3 begins a value with a quote that is never closed"},
		{"escaped quote", `A="hush\" hush`, "line 1 begins a value with a quote that is never closed"},
		{"quote closed too late", "A='hush\nB='hush'\n", "line 1 begins a value with a quote that is never closed"},
		{"value on the next line", "A=\n'hush'", "line 1 ends before the value; each line is KEY=VALUE"},
		{"colon at the end", "A=1\nB:\nC=hush", "line 2 ends before the value; each line is KEY=VALUE"},
		{"NUL and not UTF-8", "A=hush\x00\nB=hush\xff", "line 1 contains a NUL character\nline 2 is not UTF-8 text"},
		{"a key without quotes", "Z=1\nA=-----BEGIN X-----\nhush\nhu/sh==\nhush==\n-----END X-----\nB=2", "lines 3 to 6 are" + needsQuotes("A")},
		{"two of them", "A=-----BEGIN X-----\nhush=\n-----END X-----\nexport B=-----BEGIN X-----\nhush==\n-----END X-----", "lines 2 to 3 are" + needsQuotes("A") + "\nlines 5 to 6 are" + needsQuotes("B")},
		{"a key with headers", "A=-----BEGIN X-----\nhush: hush\n\nhush\n-----END X-----\n", "lines 2 to 5 are" + needsQuotes("A")},
		{"a key without its end", "A=-----BEGIN\nB=1\nhush", "line 3 is" + needsQuotes("B")},
		{"a key on one line", "A=-----BEGIN X-----hush-----END X-----\nB=1\nC='-----BEGIN X-----\nhush\n-----END X-----'", ""},
		{"a key below its name", "A=\n-----BEGIN X-----\nhush/hush\n-----END X-----", "lines 2 to 4 are" + needsQuotes("A")},
		{"JSON without quotes", "A={\n  \"hush\": \"hush=hush\",\n  \"hush\": {}\n}\nB=1", "lines 2 to 4 are" + needsQuotes("A")},
		{"a list without quotes", "A=[\n1,\n2\n]", "lines 2 to 4 are" + needsQuotes("A")},
		{"two of these", "A={\n}\nB={\n}\nC=1", "line 2 is" + needsQuotes("A") + "\nline 4 is" + needsQuotes("B")},
		// The last line of base64 looks like a variable, and is not named in
		// the error.
		{"base64 without quotes", "A=hush\nhu/sh\nhush==\nhush\nB=1", "line 2 is" + needsQuotes("A") + "\n" + `line 4 has no "="; each line is KEY=VALUE`},
		{"below a quoted value", "A='hush'\nhush", `line 2 has no "="; each line is KEY=VALUE`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := Check(tt.text); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	const (
		comment = "the value of A ends before the first #, which begins a comment; put the value in quotes if the # belongs to it"
		quotes  = "the value of A keeps its quotes, because the closing one is not at its end; put quotes of the other kind around all of it"
		slashes = "the value of A keeps the backslashes before its quotes; put quotes of the other kind around it, without backslashes"
		breaks  = `the value of A has \n or \r after a backslash, which still becomes a line break; put it in single quotes`
		twice   = "A is set more than once; the last one counts"
	)
	tests := []struct {
		name, text string
		want       []string
	}{
		{"none", "# c\nA='hu#sh' # c\nB=it's\nC=\"a\\nb\"\nD='it's'\n\n# c", nil},
		{"#", "A=hu#sh", []string{comment}},
		{"blank and #", "A= #hush", []string{comment}},
		{"more behind quotes", "A='hu' sh", []string{quotes}},
		{"# behind broken quotes", "A='hu' sh#sh", []string{comment, quotes}},
		{"backslashes", `A="{\"hush\":1}"`, []string{slashes}},
		{"backslashes, other quotes", `A='{\"hush\":1}'`, nil},
		{"no line break", `A="hush\\new"`, []string{breaks}},
		{"twice", "A=hu#sh\nB=1\nA=hush", []string{twice}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Warnings(tt.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	tests := []struct{ name, old, lines, want string }{
		{"in place", "# note\n\nA=1\nB='2' # two\n", "B=3\n", "# note\n\nA=1\nB=3\n"},
		{"new", "A=1\n", "B=2", "A=1\nB=2\n"},
		{"new, no last line break", "A=1", "B=2\n", "A=1\nB=2"},
		{"into nothing", "", "A=1\nB=2\n", "A=1\nB=2"},
		{"into a BOM", "\uFEFF", "A=1", "\uFEFFA=1"},
		{"behind a BOM", "\uFEFFA=1\n", "A=2", "\uFEFFA=2\n"},
		{"CRLF", "A=1\r\nB=2\r\n", "B='x\ny'\nC=3\n", "A=1\r\nB='x\r\ny'\r\nC=3\r\n"},
		{"LF at that place", "A=1\nB=2\nC=3\r\n", "B='x\r\ny'", "A=1\nB='x\ny'\nC=3\r\n"},
		{"CR alone", "A=1\rB=2\rC=3", "B=4", "A=1\rB=4\rC=3"},
		{"as it is given", "A=1\n", "  export A = \"2\" # why", "export A = \"2\" # why\n"},
		{"its own indentation", "  A=1\n\tB=2\n", "A=3", "  A=3\n\tB=2\n"},
		{"export and colon", "export A=1\nB: 2\n", "A=3\nB=4", "A=3\nB=4\n"},
		{"value of several lines", "A=\"1\n2\" # c\nB=3\n", "A=4", "A=4\nB=3\n"},
		{"value on the next line", "A=\n'1'\nB=3\n", "A=4", "A=4\nB=3\n"},
		{"empty value", "A=\n# c\nB=1", "A=2", "A=2\n# c\nB=1"},
		{"the last one counts", "A=1\nB=2\nA=3\n", "A=4", "A=1\nB=2\nA=4\n"},
		{"the last given one counts", "A=1\n", "A=2\nA=3", "A=3\n"},
		{"not in comments or values", "# A=1\nB='\nA=1\n'\n", "A=2", "# A=1\nB='\nA=1\n'\nA=2\n"},
		{"comments are not taken over", "A=1\n", "# c\n\nA=2\n# d\n", "A=2\n"},
		{"the same value stays as it is", "A = '1' # c\n", "A=1", "A = '1' # c\n"},
		{"references", "A=$1\n", "A=${{project.B}}$0\\1", "A=${{project.B}}$0\\1\n"},
		{"damage elsewhere", "A='1\nB=2\nnonsense\n", "B=3", "A='1\nB=3\nnonsense\n"},
		{"damage at the end", "A=1\nB='2\n", "C='#3'\nA=2\n", "C='#3'\nA=2\nB='2\n"},
		{"colon at the end", "A:", "B=1", "B=1\nA:"},
		{"not before a quote", "A=1\n'x'\n", "A=", "'x'\nA=\n"},
		{"each at its place", "'x'\nB=\"1", "C=\"#\"\nA=", "C=\"#\"\n'x'\nB=\"1\nA="},
		{"before all", "A=1\n'x'\nB=\"1", "A=\nC=\"#\"", "A=\nC=\"#\"\n'x'\nB=\"1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Merge(tt.old, tt.lines)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			holds(t, tt.old, tt.lines)
		})
	}
}

func TestMergeSaysWhatIsInTheWay(t *testing.T) {
	tests := []struct{ name, old, lines, want string }{
		{"stored quote", "'x'\r\n\r\nA='hush\r\nC:", "B=", "B cannot be set: line 3 of the stored text begins a value with a quote that is never closed; fix that line first"},
		{"the line before anything is set", "'x'\nA='hush\nC:", "D=1\nB:\n", "B cannot be set: line 2 of the stored text begins a value with a quote that is never closed; fix that line first"},
		{"given quote", "A=1\n'\nC:", "A='hush", "A cannot be set: the given value begins with a quote that is never closed"},
		{"given colon", "B=1", "A:\n", "A cannot be set: wherever it is put in the stored text, the server would read other variables differently"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Merge(tt.old, tt.lines)
			if err == nil {
				t.Fatalf("made %q", got)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" || got != "" {
				t.Errorf("made %q: %s", got, diff)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	added, changed, removed := Diff("A=1\nB=2\nC=3\nD=4\n", "E=5\nD=5\nB='2' # same\n# A=1\nC=4")
	got := [][]string{added, changed, removed}
	if diff := cmp.Diff([][]string{{"E"}, {"D", "C"}, {"A"}}, got); diff != "" {
		t.Error(diff)
	}
}

// holds checks what Merge promises, whether it merges or refuses.
func holds(t *testing.T, old, lines string) {
	t.Helper()
	got, err := Merge(old, lines)
	if err != nil {
		if Check(old) == nil && Check(lines) == nil {
			t.Fatalf("%q and %q are good and refused: %v", old, lines, err)
		}
		return
	}
	given := values(lines)
	want := values(old)
	maps.Copy(want, given)
	if diff := cmp.Diff(want, values(got)); diff != "" {
		t.Fatalf("%q and %q make %q: -want +got\n%s", old, lines, got, diff)
	}
	if again, err := Merge(got, lines); err != nil || again != got {
		t.Fatalf("%q and %q make %q, and once more %q, %v", old, lines, got, again, err)
	}
	// Everything except the assignments of the given names is still there, in
	// order.
	pos, left := 0, got
	for _, a := range append(slices.Collect(scan(old)), assignment{start: len(old)}) {
		if _, ok := given[a.name]; !ok && a.start < len(old) {
			continue
		}
		piece := strings.TrimFunc(old[pos:a.start], isSpace)
		_, behind, ok := strings.Cut(left, piece)
		if !ok {
			t.Fatalf("%q and %q make %q: %q is gone", old, lines, got, piece)
		}
		pos, left = a.end, behind
	}
}

func TestMergeHolds(t *testing.T) {
	n := 20_000
	if dokploytest.RaceDetector() {
		n = 1000
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range n {
		holds(t, wild(rnd)+wild(rnd), wild(rnd))
	}
}

func FuzzMerge(f *testing.F) {
	f.Add("# note\r\n\r\nA='1\r\n2' # c\r\nexport B: \"x\\n\"\r\n", "A=2\nC=`#`\n")
	f.Add("\uFEFFA:\nB='x\n\"\u2028A\n=", "B=\nA='#\"'")
	f.Add("A=1\n'x'\nB=\"1", "A=\nC=\"#\"")
	f.Fuzz(func(t *testing.T, old, lines string) {
		holds(t, old, lines)
		_ = Check(old)
		_ = Warnings(old)
	})
}
