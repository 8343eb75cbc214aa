package ci

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
)

// secret67 has a length that Dokploy's keys have, and characters that the two
// base64 alphabets encode differently.
const secret67 = "ci_kJ8?x>Qm~vL2>r8sW?4hYz1~b6c1>a2d3?e4f5g6h7>i8j9?k0l1m2n3o4p5q6r7"

// parts returns the first piece of n bytes of the secret that the text shows.
func parts(text, secret string, n int) string {
	for i := 0; i+n <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+n]) {
			return secret[i : i+n]
		}
	}
	return ""
}

// decoded returns the bytes of each run of base64 in the text, at each
// alignment.
func decoded(text string) string {
	var all strings.Builder
	for _, run := range strings.FieldsFunc(text, func(r rune) bool { return r > 0x7f || !isBase64(byte(r)) }) {
		run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
		for skip := range min(4, len(run)) {
			for end := len(run); end > max(skip, len(run)-4); end-- {
				if b, err := base64.RawStdEncoding.DecodeString(run[skip:end]); err == nil {
					all.Write(b)
					all.WriteByte('\n')
				}
			}
		}
	}
	return all.String()
}

func TestMaskBase64(t *testing.T) {
	secrets := []string{secret67, "hunter22", "äöüß?>~é"}
	for _, secret := range secrets {
		for before := range 7 {
			for after := range 4 {
				inside := "QQQQ:Q"[:before] + secret + "QQQQ"[:after]
				for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
					text := e.EncodeToString([]byte(inside))
					out := show(plainHost, secrets, func(p *Printer) { p.LogLine("", []byte("#12 0.3 auth="+text+" end")) })
					if got := parts(decoded(out), secret, 2); got != "" {
						t.Errorf("%q in %q as %s: %q is shown in %s", secret, inside, text, got, out)
					}
					if !strings.HasPrefix(out, "#12 0.3 auth=") || !strings.HasSuffix(out, " end\n") {
						t.Errorf("more than the secret is hidden: %s", out)
					}
				}
			}
		}
	}
}

// The characters at both ends that hold some bits of the secret are hidden too,
// and no others.
func TestMaskBase64Ends(t *testing.T) {
	for inside, want := range map[string]string{
		"hunter22":         "***",
		"hunter22zzz":      "***6eno=",
		"zhunter22zzz":     "e***enp6",
		"zzhunter22":       "en***",
		"zzhunter22zzz":    "en***p6eg==",
		"user:hunter22":    "dXNlcj***",
		"zzzhunter22zzzzz": "enp6***6enp6eg==",
	} {
		text := base64.StdEncoding.EncodeToString([]byte(inside))
		if got := New(plainHost, &strings.Builder{}, []string{"hunter22"}).Text(text); got != want {
			t.Errorf("%s as %s: %s, want %s", inside, text, got, want)
		}
	}
}

// base64 and openssl break their output into lines.
func TestMaskBase64InLines(t *testing.T) {
	for width := 20; width <= 80; width++ {
		for before := range 3 {
			text := base64.StdEncoding.EncodeToString([]byte("ab"[:before] + secret67 + "z"))
			out := show(plainHost, []string{secret67}, func(p *Printer) {
				for len(text) > 0 {
					n := min(width, len(text))
					p.LogLine("", []byte("#8 0.25 "+text[:n]))
					text = text[n:]
				}
			})
			// At most seven characters of a line may be left over.
			if got := parts(decoded(out), secret67, 6); got != "" {
				t.Errorf("%d columns, %d before: %q is shown in\n%s", width, before, got, out)
			}
		}
	}
}

// Words and hashes that are not secrets stay whole next to many secrets.
func TestMaskTearsNoWords(t *testing.T) {
	text := "Successfully built 3f2a91c0d1b2 from /usr/lib/node_modules/.bin: status=done host=localhost " +
		"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 dGhpcyBpcyBwdWJsaWM="
	got := show(plainHost, append(environment(300), secret67, "four"), func(p *Printer) { p.LogLine("", []byte(text)) })
	if got != text+"\n" {
		t.Error(got)
	}
}

func TestMaskSpellings(t *testing.T) {
	for _, tt := range []struct{ secret, text, want string }{
		{"a/b c'd(e)", "x a%2fb%20c%27d%28e%29 y", "x *** y"},
		{"a/b c'd(e)", "x a%2Fb%20c'd(e) y", "x *** y"}, // encodeURIComponent
		{"a/b c'd", "https://h/a/b%20c%27d/z", "https://h/***/z"},
		{"two  blanks\tand a tab", "error: two blanks and a tab.", "error: ***."}, // white space collapsed
		{"es\acaped\x00\u0085!", "[escaped!]", "[***]"},                           // what is left of it
		{`q"uo\te`, `failed: "q\"uo\\te"`, `failed: "***"`},
	} {
		if got := show(plainHost, []string{tt.secret}, func(p *Printer) { p.Note("", tt.text) }); got != "› "+tt.want+"\n" {
			t.Errorf("%q in %q: %q", tt.secret, tt.text, got)
		}
	}
}

// A secret anywhere in a long text is masked before the text is cut.
func TestMaskBeforeShortening(t *testing.T) {
	for _, h := range []Host{actionsHost, gitlabHost, plainHost} {
		for at := maxText*3/4 - 80; at < maxText*3/4+10; at += 7 {
			for _, end := range []int{10, maxText / 4, maxText/4 - 30, 5000} {
				text := strings.Repeat("x", at) + secret67 + strings.Repeat("y", end)
				coloured := strings.Repeat("x", at) + secret67[:20] + "\x1b[31m" + secret67[20:] + strings.Repeat("y", end)
				out := show(h, []string{secret67}, func(p *Printer) {
					p.Warn("", text)
					p.Failure(Failure{Verdict: text, Reason: text, Quoted: []string{text, coloured}, Rollback: text, Hint: text})
					p.Error(Problem{text, "url", text, text})
					fmt.Fprint(ourText{p}, p.Text(text), p.summary([]Row{{Reason: text, Rollback: text, Hint: text, Set: []string{text}, Tail: []string{text, coloured}}}, []Problem{{Text: text, Hint: text}}))
				})
				out = strings.ReplaceAll(out, "::add-mask::"+secret67, "")
				if got := parts(out, secret67, 4); got != "" {
					t.Fatalf("%s, at %d: %q is shown", h.name, at, got)
				}
				for line := range strings.Lines(out) {
					if n := strings.Count(line, "x") + strings.Count(line, "y"); n > 2*maxText+100 {
						t.Errorf("%d bytes of one text are shown", n)
					}
				}
			}
		}
	}
}

// Lines of the log are shown whole up to 1 MiB. At that point, anything that
// may be the beginning of a secret is removed.
func TestMaskAtTheEndOfALine(t *testing.T) {
	const note = " [4321 more bytes of this line left out]"
	secret := secret67 + "é"
	for _, keep := range []int{0, 1, 2, 3, 4, 5, 30, len(secret) - 2, len(secret) - 1, len(secret)} {
		text := strings.Repeat("x", maxLine-keep) + secret[:keep]
		if len(text) != maxLine {
			t.Fatal(len(text))
		}
		out := show(plainHost, []string{secret}, func(p *Printer) { p.LogLine("", []byte(text+note)) })
		line, ok := strings.CutSuffix(out, note+"\n")
		if line = strings.TrimLeft(line, "x"); !ok || line != "" && (line != "***" || keep < len(secret)) {
			t.Errorf("%d bytes of the secret before the end: …%q", keep, line)
		}
		encoded := strings.Repeat("!", maxLine-keep) + base64.StdEncoding.EncodeToString([]byte(secret))[:keep]
		out = show(plainHost, []string{secret}, func(p *Printer) { p.LogLine("", []byte(encoded+note)) })
		line, _ = strings.CutSuffix(out, note+"\n")
		if line = strings.TrimLeft(line, "!"); line != "" && line != "***" {
			t.Errorf("%d characters of its base64: …%q", keep, line)
		}
	}
	whole := strings.Repeat("x", maxLine-5) + "ci_kJ" // not a secret that was cut: the line itself ends here
	if out := show(plainHost, []string{secret}, func(p *Printer) { p.LogLine("", []byte(whole)) }); out != whole+"\n" {
		t.Errorf("a line of 1 MiB is not whole: …%q", out[len(out)-50:])
	}
	long := strings.Repeat("x", maxLine-30) + secret + "tail"
	for _, out := range []string{
		show(plainHost, []string{secret}, func(p *Printer) { p.LogLine("", []byte(long)) }),
		show(plainHost, []string{secret}, func(p *Printer) { p.Note("", long) }),
		New(plainHost, &strings.Builder{}, []string{secret}).Text(long),
	} {
		if got := parts(out, secret, 4); got != "" || !strings.Contains(out, "left out]") {
			t.Errorf("%q is shown: …%q", got, out[len(out)-200:])
		}
	}
}

// Text that is masked here and cut elsewhere is masked whole, and not cut here.
func TestMaskOfATextToBeCut(t *testing.T) {
	p := New(plainHost, &strings.Builder{}, []string{secret67})
	long := strings.Repeat("x", 3*maxText)
	if got := p.Mask(long + secret67[:9] + "\x1b[31m" + secret67[9:] + "\n" + long); got != long+"***\n"+long {
		t.Errorf("%d bytes: …%q", len(got), got[max(0, len(got)-100):])
	}
}

func TestBegins(t *testing.T) {
	for _, tt := range []struct {
		text, secret string
		want         int
	}{
		{"", "abc", 0}, {"xab", "abc", 2}, {"xabc", "abc", 0}, {"abcab", "abc", 2}, {"aaaa", "aab", 2}, {"aaaa", "aaaa", 3}, {"abababa", "ababac", 5},
		{"xaabaa", "aabaaab", 5}, {"a", "b", 0}, {"a", "a", 0},
	} {
		if got := begins([]byte(tt.text), tt.secret); got != tt.want {
			t.Errorf("%q ends with %d bytes of %q, want %d", tt.text, got, tt.secret, tt.want)
		}
	}
}

// Repetitive texts and secrets take only linear time: otherwise this test takes
// minutes.
func TestMaskRepetitions(t *testing.T) {
	secret := strings.Repeat("AAAAAAAAA", 20_000)
	p := New(plainHost, &strings.Builder{}, []string{secret, secret[:1000] + "B" + secret})
	for _, text := range []string{strings.Repeat("QUFB", 1<<18), strings.Repeat("QUFB", 1<<18) + "x"} {
		if got := p.Text(text); len(got) > 200 {
			t.Errorf("%d bytes are left", len(got))
		}
	}
}

// In outputs that others keep, in the summary's structure and in titles of
// annotations, only free text is masked.
func TestMaskFreeTextOnly(t *testing.T) {
	secrets := []string{"target", "status", "Deployment", "failed", "done", "queued", "links", "last lines"}
	p := New(plainHost, &strings.Builder{}, secrets)
	got := p.summary([]Row{{Target: "done", Status: "queued", Reason: "status is done", Tail: []string{"failed"}, URL: "https://failed.example.com"}}, nil)
	for _, want := range []string{"### Dokploy deployment\n", "| target | status | verified |", "| done | ❌ queued |", "**done**: &#42;&#42;&#42; is &#42;&#42;&#42;\n", "<summary>last lines</summary>", "text\n***\n", "(https://failed.example.com)"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	out := show(actionsHost, secrets, func(p *Printer) { p.Failure(Failure{Verdict: "api failed", Reason: "status x"}) })
	if !strings.Contains(out, "::error title=Dokploy%3A api ***::*** x\n") {
		t.Error(out)
	}
}

// Encoders of JSON and URLs differ in what they escape, and may be nested.
func TestMaskEscaped(t *testing.T) {
	const secret = `p/a+s"s\w<d>é=ж-😀9`
	for name, written := range map[string]string{
		"PHP":               `p\/a+s\"s\\w<d>\u00e9=\u0436-\ud83d\ude009`,
		"Python":            `p/a+s\"s\\w<d>\u00e9=\u0436-\ud83d\ude009`,
		".NET":              `p/a\u002Bs\u0022s\\w\u003Cd\u003E\u00E9=\u0436-\uD83D\uDE009`,
		"Gson":              `p/a+s\"s\\w\u003cd\u003eé\u003dж-😀9`,
		"JSON in JSON":      `p/a+s\\\"s\\\\w<d>é=ж-😀9`,
		"PHP in PHP":        `p\\\/a+s\\\"s\\\\w<d>\\u00e9=\\u0436-\\ud83d\\ude009`,
		"user of a URL":     `p%2Fa+s%22s%5Cw%3Cd%3E%C3%A9=%D0%B6-%F0%9F%98%809`,
		"encodeURI":         `p/a+s%22s%5Cw%3Cd%3E%C3%A9=%D0%B6-%F0%9F%98%809`,
		"quote of Python":   `p/a%2Bs%22s%5Cw%3Cd%3E%C3%A9%3D%D0%B6-%F0%9F%98%809`,
		"URL in URL":        `p%252Fa%252Bs%2522s%255Cw%253Cd%253E%25C3%25A9%253D%25D0%25B6-%25F0%259F%2598%25809`,
		"URL in PHP's JSON": `p\/a%2Bs%22s%5Cw%3Cd%3E%C3%A9%3D%D0%B6-%F0%9F%98%809`,
	} {
		out := show(plainHost, []string{secret}, func(p *Printer) { p.LogLine("", []byte(`C:\user 5% {"key":"`+written+`"} 100%`)) })
		want := `C:\user 5% {"key":"***"} 100%` + "\n"
		if out != want {
			t.Errorf("%s: %s is shown as %s", name, written, out)
		}
	}
}

func TestMaskEscapedBase64(t *testing.T) {
	const secret = "?>?>?>?>hunter22"
	text := strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte("?>?"+secret)), "/", `\/`) // PHP's JSON
	if got := string(newMasker([]string{secret}).mask([]byte(text))); got != `Pz4\/***` {
		t.Errorf("%s is shown as %s", text, got)
	}
}

// Text that is not a secret stays as it is, even if it looks like an escape.
func TestNoEscape(t *testing.T) {
	for _, text := range []string{`\`, `%`, `%4`, `%zz`, `\u12`, `\ud83d`, `\ud83d\u0041`, `\x41`, `100%`, `a\`, `%41\u0042`, `\\\\`} {
		if got := string(newMasker([]string{"hunter22"}).mask([]byte(text))); got != text {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestMasks(t *testing.T) {
	secrets := []string{
		`k3y"with<odd>/chars`, "k3y", "multi\nline secret\r\n\n", "overlap-one", "one-overlap", "lap-o", "abab", " ", "",
	}
	for _, tt := range []struct{ in, want string }{
		{"nothing here", "nothing here"},
		{"k3y k3yk3y", "*** ******"},
		{`raw k3y"with<odd>/chars.`, "raw ***."},
		{`json "k3y\"with<odd>/chars"`, `json "***"`},
		{`go json "k3y\"with\u003codd\u003e/chars"`, `go json "***"`},
		{"url ?k=k3y%22with%3Codd%3E%2Fchars&", "url ?k=***&"},
		{"multi and line secret", "*** and ***"},
		{"line+secret line%20secret", "*** ***"},
		{"an overlap-one-overlap is covered", "an *** is covered"},
		{"overlap-one. ababab.", "***. ***."},
		{"k\x1b[31m3\x1b[0my", "***"},
		{"\x1b[31mk3\x07y\x1b[0m", "***"},
	} {
		for _, h := range []Host{gitlabHost, plainHost} {
			if got := show(h, secrets, func(p *Printer) { p.LogLine("", []byte(tt.in)) }); got != tt.want+"\n" {
				t.Errorf("%s: %q: %q, want %q", h.name, tt.in, got, tt.want)
			}
		}
	}
	if got := New(plainHost, io.Discard, secrets).Text("k\x1b[1m3y"); got != "***" {
		t.Errorf("Text: %s", got)
	}
}

// No way of printing shows a secret, and GitHub gets the masks first.
func TestMasksEverywhere(t *testing.T) {
	const text = "a top%secret and a second\nthird: line"
	secrets := []string{"top%secret", "second\nthird: line"}
	for _, h := range []Host{actionsHost, gitlabHost, plainHost} {
		out := show(h, secrets, func(p *Printer) { everything(p, text) })
		if h.actions {
			var rest string
			for _, mask := range []string{"::add-mask::top%25secret\n", "::add-mask::second\n", "::add-mask::third: line\n"} {
				var ok bool
				if rest, ok = strings.CutPrefix(out, mask); !ok {
					t.Fatalf("%q does not begin with %q", out[:min(len(out), 60)], mask)
				}
				out = rest
			}
		}
		for _, s := range []string{"top%", "secret", "second", "third", "top%25"} {
			if strings.Contains(out, s) {
				t.Errorf("%s: %q is shown in\n%s", h.name, s, out)
			}
		}
		if !strings.Contains(out, "a *** and a ***") {
			t.Errorf("%s: the text is gone:\n%s", h.name, out)
		}
	}
}

func TestHide(t *testing.T) {
	var out strings.Builder
	p := New(actionsHost, &out, []string{"the-key"})
	p.Note("", "before it is hidden: a-value")
	p.Hide("a-value", "another value")
	p.Hide(environment(500)...)
	p.LogLine("", []byte("a-value, another value, \x1b[31mano\x1b[0mther value, the-key, "+environment(500)[321]))
	p.Warn("", "a%2Dvalue and another%20value and another+value")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if strings.Contains(text, "add-mask::a-value") || !strings.Contains(text, "add-mask::the-key") {
		t.Errorf("the host is told of the wrong values:\n%s", text)
	}
	if !strings.Contains(text, "hidden: a-value\x1b[0m\n") || !strings.Contains(text, "***, ***, ***, ***, ***") {
		t.Error(text)
	}
	if got := p.Text("x another value y"); got != "x *** y" {
		t.Error(got)
	}
}
