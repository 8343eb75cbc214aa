package reason

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/headlines.txt anew; read each one that changes")

// TestHeadlines explains whole logs, as builders, git, Docker and Dokploy wrote
// them.
func TestHeadlines(t *testing.T) {
	logs, err := filepath.Glob("testdata/*.log")
	if err != nil || len(logs) < 100 {
		t.Fatalf("%d logs, %v", len(logs), err)
	}
	var b strings.Builder
	for _, log := range logs {
		raw, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		r := explain(strings.Split(string(raw), "\n"))
		fmt.Fprintf(&b, "%s\n", strings.TrimSuffix(filepath.Base(log), ".log"))
		for _, line := range []struct{ name, text string }{
			{"", r.String()}, {"place: ", r.Place.String()}, {"hint: ", r.Hint}, {"| ", strings.Join(r.Output, "\n    | ")},
		} {
			if line.text != "" {
				fmt.Fprintf(&b, "    %s%s\n", line.name, line.text)
			}
		}
	}
	const golden = "testdata/headlines.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// log returns a short log.
func log(lines ...string) []string { return append([]string{initializing}, lines...) }

const section = sectionRule + "\n > [2/2] RUN x:\n0.1 its output\n" + sectionRule + "\n"

// explain finds the reason in the lines of a log.
func explain(lines []string) Reason {
	var e Explainer
	for _, line := range lines {
		e.Line([]byte(line))
	}
	return e.Reason()
}

func TestExplain(t *testing.T) {
	excerpt := "Dockerfile:2\n" + excerptRule + "\n   1 |     FROM a\n   2 | >>> RUN x\n" + excerptRule + "\n"
	const solve = `failed to solve: process "/bin/sh -c x" did not complete successfully: exit code: 3`
	for name, tt := range map[string]struct {
		log  string
		want string
	}{
		"nothing":                      {"Initializing deployment\n\nError occurred ❌, check the logs for details.\n", ""},
		"an empty log":                 {"", ""},
		"BuildKit alone":               {section + excerpt + "ERROR: " + solve, "Dockerfile:2: RUN x → exit code 3"},
		"behind failed to build":       {section + excerpt + "ERROR: failed to build: " + solve, "Dockerfile:2: RUN x → exit code 3"},
		"behind a target":              {section + excerpt + "target web: " + solve, "web: Dockerfile:2: RUN x → exit code 3"},
		"behind both":                  {section + excerpt + "ERROR: failed to build: target web: " + solve, "web: Dockerfile:2: RUN x → exit code 3"},
		"Windows line ends":            {strings.ReplaceAll(section+excerpt+"ERROR: "+solve, "\n", "\r\n"), "Dockerfile:2: RUN x → exit code 3"},
		"doubled line ends":            {strings.ReplaceAll(section+excerpt+solve, "\n", "\n\n"), "Dockerfile:2: RUN x → exit code 3"},
		"in colours":                   {section + excerpt + "\x1b[31mERROR: \x1b[0m" + solve + "\x1b[0m", "Dockerfile:2: RUN x → exit code 3"},
		"only the error":               {"ERROR: " + solve, "x → exit code 3"},
		"a script, and only the error": {`ERROR: failed to solve: process "/bin/sh -c set -e\nls\x1b[31m /x\n" did not complete successfully: exit code: 2`, "set -e; ls /x → exit code 2"},
		"a cancelled exit":             {excerpt + "ERROR: " + solve + ": context canceled", "Dockerfile:2: RUN x → exit code 3"},
		"out of memory, as BuildKit":   {excerpt + `ERROR: failed to solve: process "/bin/sh -c x" did not complete successfully: cannot allocate memory`, "Dockerfile:2: RUN x: cannot allocate memory"},
		"an instruction, and no error": {excerpt + "❌ Docker build failed", "Dockerfile:2: RUN x"},
		"the second of two tries":      {section + excerpt + "ERROR: " + solve + "\n#0 building with \"default\" instance using docker driver\nERROR: failed to solve: node:99: not found", "node:99: not found"},
		"the second try of compose":    {section + excerpt + solve + "\n#1 [internal] load build definition from Dockerfile\nError response from daemon: no such network", "no such network"},
		"the second try, by the classic builder": {
			section + excerpt + "ERROR: " + solve + "\nStep 1/2 : FROM a\nStep 2/2 : RUN y\nThe command '/bin/sh -c y' returned a non-zero code: 9\n❌ Docker build failed", "Step 2/2: RUN y → exit code 9",
		},
		"a buildpack, with friends in its output": {
			"Starting heroku build...\n===> DETECTING\nx\n===> BUILDING\n" + excerpt + "ERROR: failed to solve: no\nStep 1/2 : FROM a\n✅ done\n❌ tests failed\nERROR: failed to build: exit status 2\n" +
				"ERROR: failed to build: executing lifecycle: failed with status code: 51\n❌ Heroku build failed", "buildpacks, building → exit code 2",
		},
		"a buildpack, broken off": {"===> BUILDING\nx\n\nError occurred ❌, check the logs for details.", "buildpacks, building: the log breaks off here"},
		"docker 20.10, of several lines": {
			"#5 0.1 one\n#5 ERROR: executor failed running [/bin/sh -c set -e\n" + "first\n]: exit code: 9\n------\n > [2/2] RUN <<EOF (set -e...):\n------\nexecutor failed running [/bin/sh -c set -e\nfirst\n]: exit code: 9\n❌ Docker build failed",
			"RUN <<EOF (set -e...) → exit code 9",
		},
		"a stage before that went well": {excerpt + "ERROR: " + solve + "\n✅ Nixpacks build completed.\nError response from daemon: no such path\n❌ Copying dist to /x failed", "no such path"},
		"a step after a broken excerpt": {"Dockerfile:2\nsomething else\nERROR: " + solve, "x → exit code 3"},
		"an old script of several lines": {
			"ERROR: failed to solve: executor failed running [/bin/sh -c set -e\nfirst\nsecond\n]: exit code: 9\n❌ Docker build failed", "set -e first second → exit code 9",
		},
		"what follows Dokploy's word":    {"/bin/sh: 9: railpack: not found\n❌ Railpack prepare failed\nERROR: no builder \"x\" found", "/bin/sh: 9: railpack: not found"},
		"nothing but cleaning up":        {"✅ Railpack build completed.\nrailpack-app-x1-Ab removed\n\nError occurred ❌, check the logs for details.", ""},
		"what follows it in other words": {"/bin/sh: 9: railpack: not found\n❌ Railpack prepare failed\nno builder \"x\" found", "/bin/sh: 9: railpack: not found"},
		"Nixpacks without BuildKit":      {"Starting nixpacks build...\nCannot connect to the Docker daemon\nError: Docker build failed\n❌ Nixpacks build failed", "Cannot connect to the Docker daemon"},
		"comments in an instruction": {
			"Dockerfile:1\n" + excerptRule + "\n   1 | >>> RUN a; \\\n   2 | >>>   # why\n   3 | >>>   b\n" + excerptRule + "\nERROR: " + solve, "Dockerfile:1: RUN a; b → exit code 3",
		},
		"only Dokploy's word": {"Building app-x1\n❌ Docker build failed\n\nError occurred ❌, check the logs for details.", "Docker build failed"},
		"Dokploy's reason":    {"Error: ❌ Gitlab Provider not found", "Gitlab Provider not found"},
		"Nixpacks' own end": {
			"Starting nixpacks build...\n" + section + excerpt + "ERROR: failed to build: " + solve + "\nError: Docker build failed\n❌ Nixpacks build failed", "Nixpacks' Dockerfile:2: RUN x → exit code 3",
		},
		"the same in the next deployment": {
			"Starting nixpacks build...\n❌ Nixpacks build failed\nInitializing deployment\n" + excerpt + "ERROR: " + solve, "Dockerfile:2: RUN x → exit code 3",
		},
		"a deployment after one of the classic builder": {
			"Step 1/2 : FROM a\nthe server restarts\nInitializing deployment\n" + section + excerpt + "ERROR: " + solve, "Dockerfile:2: RUN x → exit code 3",
		},
		"a static site of Nixpacks": {
			"Starting nixpacks build...\n✅ Nixpacks build completed.\nBuilding app-x1\n" + excerpt + "ERROR: " + solve, "Dokploy's Dockerfile:2: RUN x → exit code 3",
		},
		"the classic builder, with friends in its output": {
			"Step 1/2 : FROM a\n ---> 0123\nStep 2/2 : RUN x\n ---> Running in 0123\nERROR: failed to solve: no\nDockerfile:9\n✅ done\n❌ tests failed\nStep 9/9 : RUN y\nfatal: no\n" +
				"The command '/bin/sh -c x' returned a non-zero code: 4\n❌ Docker build failed", "Step 2/2: RUN x → exit code 4",
		},
		"the classic builder, broken off": {"Step 1/2 : FROM a\nStep 2/2 : RUN x\nline 1\n\nError occurred ❌, check the logs for details.", "Step 2/2: RUN x: the log breaks off here"},
		"a full disk": {
			excerpt + "ERROR: failed to solve: failed to prepare extraction: write /var/lib/docker/x: no space left on device", "Dockerfile:2: RUN x: write /var/lib/docker/x: no space left on device",
		},
		"an image of Docker Hub": {
			"Dockerfile:1\n" + excerptRule + "\n   1 | >>> FROM node:99\n" + excerptRule + "\nERROR: failed to build: failed to solve: node:99: failed to resolve source metadata for docker.io/library/node:99: docker.io/library/node:99: not found",
			"Dockerfile:1: FROM node:99: not found",
		},
		"another line of a file in a folder": {
			"docker/prod.Dockerfile:7\n" + excerptRule + "\n   7 | >>> RUN x\n" + excerptRule + "\nERROR: " + solve, "docker/prod.Dockerfile:7: RUN x → exit code 3",
		},
		"a script with a dash": {
			"Dockerfile:1\n" + excerptRule + "\n   1 | >>> RUN <<-'END'\n   2 | >>> \ta\n   3 | >>> \tb\n   4 | >>> \tEND\n" + excerptRule + "\nERROR: " + solve, "Dockerfile:1: RUN <<-'END' a; b → exit code 3",
		},
		"a shift is no script": {
			"Dockerfile:1\n" + excerptRule + "\n   1 | >>> RUN echo $((1 << 2)) \\\n   2 | >>>   && x\n" + excerptRule + "\nERROR: " + solve, "Dockerfile:1: RUN echo $((1 << 2)) && x → exit code 3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := explain(log(strings.Split(tt.log, "\n")...)).String(); got != tt.want {
				t.Errorf("%q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestOutput: the output of the step that failed is quoted, and nothing else.
func TestOutput(t *testing.T) {
	const solve = `ERROR: failed to solve: process "/bin/sh -c x" did not complete successfully: exit code: 3`
	for log, want := range map[string]string{
		"#4 0.1 other\n#5 0.1 mine\n#4 0.2 other\n#5 12.25  too\n#5 ERROR: process\n" + solve:             "mine| too",
		"#5 0.1 mine\n#5 ERROR: process\n------\n > [2/2] RUN x:\n0.1 its\n0.2 own\n------\n" + solve:     "its|own",
		"#5 0.1 mine\n#5 ERROR: process\n------\n > [2/2] RUN x:\n------\n" + solve:                       "mine",
		"------\n > [1/1] RUN other:\n0.1 no\n------\n------\n > [2/2] RUN x:\n0.1 yes\n------\n" + solve: "yes",
		"#5 ERROR: not found\n------\n > [2/2] COPY a /:\n------\nERROR: failed to solve: not found":      "",
		"------\n > [2/2] RUN x:\n0.1 yes\nno stamp\n0.2 no\n" + solve:                                    "yes",
	} {
		if got := strings.Join(explain(strings.Split(log, "\n")).Output, "|"); got != want {
			t.Errorf("%q: %q, want %q", log, got, want)
		}
	}
}

// TestFarAbove: a cause is found even if thousands of lines follow.
func TestFarAbove(t *testing.T) {
	lines := []string{"Dockerfile:2", excerptRule, "   1 |     FROM a", "   2 | >>> RUN <<EOF"}
	for i := range 5000 {
		lines = append(lines, fmt.Sprintf("%4d | >>> command %d", i+3, i))
	}
	lines = append(lines, "5003 | >>> EOF", excerptRule, `ERROR: failed to solve: process "`+strings.Repeat("command; ", 20_000)+`" did not complete successfully: exit code: 5`, "❌ Docker build failed")
	for i := range 5000 {
		lines = append(lines, fmt.Sprintf("cleaning up %d", i))
	}
	var e Explainer
	for _, line := range lines {
		e.Line([]byte(line))
		if len(e.build.lines) > keptLines {
			t.Fatalf("%d lines are kept", len(e.build.lines))
		}
	}
	got := e.Reason().String()
	if !strings.HasPrefix(got, "Dockerfile:2: RUN <<EOF command 0; command 1;") || !strings.HasSuffix(got, "command 4999 → exit code 5") {
		t.Errorf("%q", got)
	}
}

// TestMaskFirst: a secret is hidden before anything is folded or cut.
func TestMaskFirst(t *testing.T) {
	secret := strings.Repeat("ab  cd", 200)
	e := Explainer{Mask: func(s string) string { return strings.ReplaceAll(s, secret, "***") }}
	for _, line := range []string{
		"Dockerfile:2", excerptRule, "   2 | >>> RUN " + secret, excerptRule,
		"ERROR: failed to solve: " + strings.Repeat("x", lineLimit/2-100) + secret + strings.Repeat("y", lineLimit) + ": not found",
	} {
		e.Line([]byte(line))
	}
	r := e.Reason()
	if text := r.Instruction + r.Cause; strings.Contains(text, "ab") || strings.Count(text, "***") != 2 {
		t.Errorf("%q", text)
	}
}

func TestSays(t *testing.T) {
	r := Reason{Place: Place{"Dockerfile", 2}, Instruction: "COPY x /", Cause: `"/x": not found`}
	for line, want := range map[string]bool{
		"":                          true,
		"║ App Name: x   ║":         true,
		"--------------------":      true,
		"❌ Docker build failed":     true,
		"railpack-x removed":        true,
		"#5 [2/2] COPY x /":         true,
		"Dockerfile:2":              true,
		"ERROR: failed to solve: x": true,
		`it said: "/x": not found`:  true,
		"   2 | >>> COPY x /":       true,
		"remote: Counting objects: 100% (4/4), done.        ":                    true,
		"src/cart.ts(14,7): error TS2322":                                        false,
		"the old container was removed":                                          false,
		"remote: Invalid username or token":                                      false,
		"\x1b[33m1 warning found (use docker --debug to expand):\x1b[0m":         true,
		"\x1b[0m - InvalidDefaultArgInFrom: Default value … is invalid (line 2)": true,
		"- it failed (line 2)":                                                   false,
	} {
		if got := r.Says(line); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

// BuildKit's own housekeeping is not quoted either for an error without a
// place.
func TestSaysOfHousekeeping(t *testing.T) {
	r := Reason{Cause: "the Dockerfile cannot be empty"}
	for line, want := range map[string]bool{
		"#0 building with \"current\" instance using remote driver": true,
		"#1 [internal] load build definition from Dockerfile":       true,
		"#1 DONE 0.1s":          true,
		"#5 0.403 error TS2322": false,
		"#5 ERROR: no space":    false,
	} {
		if got := r.Says(line); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
	if (Reason{}).Says("#1 DONE 0.1s") {
		t.Error("where no cause is known, how far it came is worth quoting")
	}
}

func TestHints(t *testing.T) {
	for hint, reasons := range map[string][]Reason{
		"a program was " + noMemory: {
			{Exit: 1, Output: []string{"compiling", "Killed"}},
			{Exit: 2, Output: []string{"make: *** [Makefile:3: all] Error 137"}},
			{Exit: 1, Output: []string{"Next.js build worker exited with code: null and signal: SIGKILL"}},
			{Exit: 1, Output: []string{"github.com/acme/x: /usr/local/go/compile: signal: killed"}},
		},
		"exit code 137 means " + noMemory: {{Exit: 137}},
		noMemory:                          {{Cause: "cannot allocate memory"}},
		"":                                {{Exit: 1, Output: []string{"Killed Bill", "3 failed"}}, {Cause: "the build was cancelled"}, {}},
		diskFull:                          {{Exit: 1, Cause: noSpace}, {Cause: "failed to register layer: write /x: no space left on device"}},
		noPlatform: {
			{Exit: 255, Output: []string{"exec /bin/sh: exec format error"}},
			{Cause: "no matching manifest for linux/arm64/v8 in the manifest list entries"},
		},
		limited:    {{Cause: "toomanyrequests: You have reached your pull rate limit."}, {Instruction: "FROM a", Cause: "unexpected status code: 429 Too Many Requests"}},
		appKilled:  {{Cause: "Swarm paused the update: task: non-zero exit (137)"}, {Cause: "x-web-1 ended with exit code 137"}},
		portTaken:  {{Cause: "Swarm never placed it: no suitable node (host-mode port already in use on 1 node)"}, {Cause: "failed to bind host port 0.0.0.0:80/tcp: address already in use"}},
		notUpdated: {{Cause: "(HTTP code 409) unexpected - rpc error: code = AlreadyExists desc = name conflicts with an existing object: service app-srkcpu already exists"}},
		noDocker:   {{Cause: "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"}},
		notCopied:  {{Instruction: "COPY dist /srv", Cause: `"/dist": not found`}, {Instruction: "COPY --chown=1 dist /srv", Cause: `"/dist": not found`}},
		noImage:    {{Instruction: "FROM a:9", Cause: "not found"}, {Cause: "No such image: a:9"}, {Instruction: "COPY --from=a:9 /x /y", Cause: "not found"}, {Instruction: "# syntax=a:9", Cause: "not found"}},
		noDockerfile: {
			{Cause: "/bin/sh: 5: cannot create /etc/dokploy/applications/x/code/no/such/.env: Directory nonexistent"},
			{Cause: "bash: line 5: /etc/dokploy/applications/x/code/no/such/.env: No such file or directory"},
		},
		noStageFile: {
			{Instruction: "COPY --from=build /dist /srv", Cause: `"/dist": not found`},
			{Instruction: "COPY --chown=1 --from=a:9 /dist /srv", Cause: `"/dist": not found`},
		},
		noStageNamed: {
			{Instruction: "COPY --from=biuld /dist /srv", Cause: "pull access denied, repository does not exist or may require authorization"},
			{Instruction: "COPY --link --from=biuld /dist /srv", Cause: `Head "https://registry-1.docker.io/": no such host`},
		},
		notFound127: {{Exit: 127}},
		gitRefused:  {{Cause: "git: Authentication failed for 'https://git.example.com/a.git/'"}, {Cause: "git: git@git.example.com: Permission denied (publickey)."}},
		noNetwork:   {{Cause: "git: unable to access 'https://git.invalid/': Could not resolve host: git.invalid"}, {Cause: "dial tcp 10.0.0.1:443: i/o timeout"}},
	} {
		for _, r := range reasons {
			if got := Advice(r.Cause); r.Exit == 0 && r.Instruction == "" && got != hint {
				t.Errorf("advice on %q: %q", r.Cause, got)
			}
			if got := adviceOn(r); got != hint {
				t.Errorf("%+v: %q, want %q", r, got, hint)
			}
		}
	}
}

// FuzzExplain: any text may be a log: the reason is one short line of text.
func FuzzExplain(f *testing.F) {
	logs, _ := filepath.Glob("testdata/*.log")
	for _, log := range logs {
		raw, err := os.ReadFile(log)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := explain(strings.Split(string(raw), "\n"))
		for _, text := range append(r.Output, r.String(), r.Hint) {
			switch {
			case !utf8.ValidString(text):
				t.Errorf("not UTF-8: %q", text)
			case slices.ContainsFunc([]byte(text), control):
				t.Errorf("control characters: %q", text)
			case len(text) > 3*lineLimit:
				t.Errorf("%d bytes", len(text))
			}
		}
		if n := utf8.RuneCountInString(r.String()); n > headlineLimit+3 {
			t.Errorf("a headline of %d characters", n)
		}
		if len(r.Output) > outputMax || r.Place.Line < 0 || r.Exit < 0 {
			t.Errorf("%+v", r)
		}
	})
}

// BenchmarkLine reads the output of a BuildKit step, and lines that nothing
// marks.
func BenchmarkLine(b *testing.B) {
	for name, line := range map[string]string{
		"buildkit": "#12 34.567 compiling module github.com/example/project/internal/something v1.2.3 of a larger one",
		"plain":    "[builder] compiling module github.com/example/project/internal/something v1.2.3 of a larger one",
		"colours":  "\x1b[36mcompiling\x1b[0m module github.com/example/project/internal/something v1.2.3 of a \x1b[1mlarger\x1b[0m one",
	} {
		b.Run(name, func(b *testing.B) {
			var e Explainer
			raw := []byte(line)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				e.Line(raw)
			}
		})
	}
}
