package ci

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func summaryHost(path string) Host {
	return Detect(func(name string) (string, bool) {
		v, ok := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": path}[name]
		return v, ok
	})
}

func TestSummary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary.md")
	if err := os.WriteFile(path, []byte("# mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := summaryHost(path)
	p := New(h, io.Discard, []string{"sesame-open"})
	err := h.WriteSummary(p, []Row{
		{
			Target: "api", Status: "done", OK: true, Verified: "yes", Queued: "5s", Build: "10s", Total: "16s", URL: "https://api.example.com",
			Dashboard: "https://d.example.com/x?tab=deployments", Set: []string{"image: a:1 → a:2", "env: adds sesame-open"},
		},
		{
			Target: "web", Status: "error", Verified: "no", Reason: "it said sesame-open | <b>", URL: "javascript:alert(1)",
			Rollback: "none", Hint: "look *there*", Tail: []string{"``` ````", "\x1b[31mred\x1b[0m sesame-open"},
		},
		{Target: "cron", Status: "skipped", Skipped: true, Verified: "unknown", Reason: "not started, because web failed"},
	}, []Problem{{Input: "timeout", Text: "not a duration", Hint: "write 90s"}, {Text: "no input"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := "# mine\n\n### Dokploy deployment\n\n" +
		"| target | status | verified | queued | build | total | links |\n|---|---|---|---|---|---|---|\n" +
		"| api | ✅ done | yes | 5s | 10s | 16s | [site](https://api.example.com) · [dashboard](https://d.example.com/x?tab=deployments) |\n" +
		"| web | ❌ error | no |  |  |  |  |\n" +
		"| cron | ➖ skipped | unknown |  |  |  |  |\n" +
		"\n❌ **timeout**: not a duration\n\nHint: write 90s\n\n❌ no input\n" +
		"\n❌ **web**: it said &#42;&#42;&#42; &#124; &#60;b&#62;\n\nRollback: none\n\nHint: look &#42;there&#42;\n" +
		"\n<details><summary>last lines</summary>\n\n`````text\n``` ````\nred ***\n`````\n\n</details>\n" +
		"\n➖ **cron**: not started, because web failed\n" +
		"\nSet on **api** before the deployment:\n\n- image: a:1 → a:2\n- env: adds &#42;&#42;&#42;\n\n"
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSummaryCannotBeWritten(t *testing.T) {
	for name, path := range map[string]string{"a folder": t.TempDir(), "no folder": filepath.Join(t.TempDir(), "no", "file")} {
		h := summaryHost(path)
		if err := h.WriteSummary(New(h, io.Discard, nil), []Row{{Target: "api"}}, nil); err == nil || !strings.Contains(err.Error(), "GITHUB_STEP_SUMMARY") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (Host{}).WriteSummary(New(Host{}, io.Discard, nil), []Row{{Target: "api"}}, nil); err != nil {
		t.Errorf("no file is named: %v", err)
	}
}

func TestSummaryIsBounded(t *testing.T) {
	long := make([]string, 60)
	for i := range long {
		long[i] = strings.Repeat("|`<é", 500)
	}
	var rows []Row
	for range 40 {
		rows = append(rows, Row{Target: strings.Repeat("<x>", 3000), Status: "error", Reason: strings.Repeat("|", 5000), Hint: strings.Repeat("|", 5000), Set: long[:2], Tail: long})
	}
	if n := len(New(Host{}, io.Discard, nil).summary(rows, nil)); n > 1<<20 {
		t.Errorf("%d bytes: GitHub drops more than 1 MiB", n)
	}
}

var fences = regexp.MustCompile("(?m)^(`{3,})(text)?$")

// FuzzSummary checks that nothing a server says becomes Markdown or HTML: the
// table keeps its shape, and the only fence is ours.
func FuzzSummary(f *testing.F) {
	f.Add("a|b", "```\n</details>\n# x")
	f.Add("<script>", "`````text")
	f.Fuzz(func(t *testing.T, name, line string) {
		out := New(Host{}, io.Discard, nil).summary([]Row{{Target: name, Status: name, Reason: "x" + name, Tail: strings.Split(line, "\n")}}, nil)
		head, rest, ok := strings.Cut(out, "\n\n<details>")
		if !ok {
			t.Fatalf("no details in %q", out)
		}
		row := strings.Split(head, "\n")[5]
		if strings.Count(row, "|") != 8 || strings.ContainsAny(row, "<>`[]*_\\") {
			t.Errorf("row %q", row)
		}
		all := fences.FindAllStringSubmatch(rest, -1)
		longest := ""
		for _, m := range all {
			if len(m[1]) > len(longest) {
				longest = m[1]
			}
		}
		n := 0
		for _, m := range all {
			if m[1] == longest {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d fences of the longest kind in %q", n, rest)
		}
	})
}
