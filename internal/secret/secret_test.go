package secret

import (
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var code = regexp.MustCompile("`([^`]+)`")

// documented returns the rows of a table in docs/secrets.md: a text, and the
// parts of it that are hidden.
func documented(t *testing.T, section string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/secrets.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "\n## "+section+"\n")
	if !ok {
		t.Fatalf("docs/secrets.md has no section %s", section)
	}
	after, _, _ = strings.Cut(after, "\n## ")
	rows := map[string][]string{}
	for line := range strings.Lines(after) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		example := code.FindStringSubmatch(cells[0])
		if example == nil || len(cells) != 2 {
			continue
		}
		hidden := []string{}
		for _, m := range code.FindAllStringSubmatch(cells[1], -1) {
			hidden = append(hidden, m[1])
		}
		if (len(hidden) == 0) != (strings.TrimSpace(cells[1]) == "nothing") {
			t.Fatalf("not understood: %s", line)
		}
		slices.Sort(hidden)
		rows[example[1]] = hidden
	}
	return rows
}

// The code does what each example in docs/secrets.md says.
func TestDocumented(t *testing.T) {
	headers, variables := documented(t, "Headers"), documented(t, "Environment")
	if len(headers) < 10 || len(variables) < 50 {
		t.Fatalf("%d headers, %d variables", len(headers), len(variables))
	}
	for line, want := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if diff := cmp.Diff(want, Header(name, value)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
	for line, want := range variables {
		if diff := cmp.Diff(want, Environment("BEFORE=1\n"+line+"\nAFTER=2")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
}

func TestKey(t *testing.T) {
	if diff := cmp.Diff([]string{"first line", "second"}, Key("first line\n  second\r\nabc\n")); diff != "" {
		t.Error(diff)
	}
}

func TestPlain(t *testing.T) {
	for v, want := range map[string]bool{
		"https": true, "HTTP": true, "True": true, "a": true, "dokploys": true, "https://": true, "https:": true, "git+ssh": true, "git+ssh://": true,
		"1": true, "-1.5": true, "12345678": true,
		"": false, "aBc": false, "abC": false, "a1": false, "hunter2": false, "ninechars": false, "123456789": false, "no-cache": false,
		"text/html": false, "a b": false, "é": false, "1.2.3": false, "a+": false, "://": false, "longerscheme://": false,
	} {
		if got := Plain(v); got != want {
			t.Errorf("%q: %v", v, got)
		}
	}
}

func TestDeclared(t *testing.T) {
	got := Declared("MODE=build\nNPM=npm_4f7a\nURL=https://bob:hunter2@npm.example.com/\nSHORT=a1\nTWO=\"first one\nsecond+one\"\n")
	want := []string{"first one", "https://bob:hunter2@npm.example.com/", "hunter2", "npm_4f7a", "second+one"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCredentials(t *testing.T) {
	got := Credentials("hunter2", "", "short", "password", "one\nsecond line\n-----END RSA PRIVATE KEY-----")
	if diff := cmp.Diff([]string{"hunter2", "second line"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Values with several lines, as dotenv reads them and as they are written.
func TestLines(t *testing.T) {
	const pem = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEpAIBAAKC\nAQEA7v==\nQw==\n-----END RSA PRIVATE KEY-----"
	for text, want := range map[string][]string{
		`A="` + pem + `"`: {"AQEA7v==", "MIIEpAIBAAKC"},
		"CREDENTIALS='{\n  \"type\": \"account\",\n  \"id\": \"x\"\n}'": {`"id": "x"`, `"type": "account",`},
		"SECRET=abc#def":  {"abc#def"},             // dotenv ends the value at the #, others do not
		"SECRET=pa$$word": {"pa$$word", "pa$word"}, // compose
	} {
		if want == nil {
			want = []string{}
		}
		if diff := cmp.Diff(want, Environment(text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestWords(t *testing.T) {
	for name, want := range map[string]string{
		"DB_PASSWORD2": "DB PASSWORD", "dbPassword": "DB PASSWORD", "db-pass.word": "DB PASS WORD", "APIKey": "API KEY",
		"MONKEY": "MONKEY", "S3_KEY": "S KEY", "K8sToken": "K S TOKEN", "": "", "__": "", "ÄPassword": "Ä PASSWORD",
	} {
		if got := strings.Join(words(name), " "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// The output of a password generator is secret, whatever its variable is
// called.
func TestRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, alphabet := range map[string]string{
		"base62": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
		"base64": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
		"base36": "abcdefghijklmnopqrstuvwxyz0123456789",
		"signs":  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!$%&()*+,-./:;<=>?@[]^_{|}~",
	} {
		missed, n := 0, 5000
		for range n {
			b := make([]byte, 32)
			for i := range b {
				b[i] = alphabet[r.IntN(len(alphabet))]
			}
			value := string(b)
			if !hasDigit(value) || entropy(value) <= bitsRandom {
				n--
				continue
			}
			if got := Environment("X='" + value + "'"); !slices.Contains(got, value) {
				missed++
			}
		}
		if missed > 0 {
			t.Errorf("%s: %d of %d are not secret", name, missed, n)
		}
	}
}
