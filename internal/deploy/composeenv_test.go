package deploy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// TestComposeEnv: what happens to each value, by what runs it and which Dokploy
// writes it. The unknown version is a row of its own.
func TestComposeEnv(t *testing.T) {
	const (
		raw     = ": Dokploy v0.29.9 writes values into .env verbatim"
		unknown = ": this Dokploy does not tell its version, and before v0.30.0 it writes values into .env verbatim"
		breaks  = ", so compose would misread the file"
		first   = "env_file passes only the first line of A, "
		others  = "the other lines are read as separate variables"
		noFile  = "and Docker refuses this file, because a later line is not NAME=value"
		all     = "; use ${A} in the stack's file to get all of it"
		quotes  = " puts values in quotes, and a stack that reads them through env_file keeps the quotes; use ${NAME} in the stack's file, or update Dokploy"
	)
	for _, tt := range []struct {
		kind     string
		versions string // separated by spaces; "?": unknown
		lines    string
		refused  string
		warnings []string
	}{
		// docker-compose, values in quotes.
		{"docker-compose", "v0.30.0 v0.30.1 v0.30.2 v0.31.0 v1.0.0", "A=\"a\nb\"\nB=x$y\nC='x #y'\nD='\"'\nE=' x '", "", nil},
		// docker-compose, raw values.
		{"docker-compose", "v0.29.9", "A=1\nB=\nC='two words'\nD='#x'\nE=x#y\nF='{\"a\": 1}'", "", nil},
		{"docker-compose", "v0.29.9", `A="a\nb"`, "line breaks in A" + raw + breaks, nil},
		{"docker-compose", "v0.29.9", "A='a\nb'", "line breaks in A" + raw + breaks, nil},
		{"docker-compose", "v0.29.9", "A=\"a\r\nb\"\nB=1\nC=`x\ny`", "line breaks in A, C" + raw + breaks, nil},
		{"docker-compose", "v0.29.9", `A='a\nb'`, "", nil}, // a backslash and an n
		{"docker-compose", "v0.29.9", `A='"x'`, "an unclosed quote at the start of A" + raw + breaks, nil},
		{"docker-compose", "v0.29.9", `A='"x\"'`, "an unclosed quote at the start of A" + raw + breaks, nil},
		{"docker-compose", "v0.29.9", `A='"x"'`, "", []string{"quotes around A, which compose removes" + raw}},
		{"docker-compose", "v0.29.9", "A=pa$$word", "", []string{"a $ in A, which compose may take for a variable" + raw}},
		{"docker-compose", "v0.29.9", "A=${OTHER}\nB=1\nC=$x", "", []string{"a $ in A, C, which compose may take for a variable" + raw}},
		{"docker-compose", "v0.29.9", "A=${{project.X}}/${{B}}", "", nil}, // Dokploy's own syntax
		{"docker-compose", "v0.29.9", "A=${{project.X}}$y", "", []string{"a $ in A, which compose may take for a variable" + raw}},
		{"docker-compose", "v0.29.9", "A='x #y'", "", []string{"a # in A, where compose cuts the value off" + raw}},
		{"docker-compose", "v0.29.9", "A=x #y", "", nil}, // Dokploy cuts it, and warns about it itself
		{"docker-compose", "v0.29.9", "A='x$y #z'", "", []string{
			"a $ in A, which compose may take for a variable" + raw, "a # in A, where compose cuts the value off" + raw,
		}},
		{"docker-compose", "v0.29.9", "A=' x '", "", []string{"spaces around A, which compose drops" + raw}},
		{"docker-compose", "v0.29.9", "A=x$y\nA=x", "", nil}, // the last one counts
		{"docker-compose", "?", "A=\"a\nb\"\nB=x$y", "", []string{
			"line breaks in A" + unknown + breaks, "a $ in B, which compose may take for a variable" + unknown,
		}},
		{"docker-compose", "?", "A='x #y'", "", []string{"a # in A, where compose cuts the value off" + unknown}},
		// Stacks.
		{"stack", "v0.25.0 v0.29.14 v0.30.2 v1.0.0 ?", "A=x$y\nB='x #y'\nC='\"x\"'\nD=' x '", "", nil},
		{"stack", "v0.25.0 v0.29.14 v0.30.2 v1.0.0 ?", `A="a\nb"`, "", []string{first + others + all}},
		{"stack", "v0.30.2", "A='a\nB=x y'", "", []string{first + others + all}},
		{"stack", "v0.30.2", "A='a\n\n# not one\n  b'", "", []string{first + others + all}},
		{"stack", "v0.30.2", "A='-----BEGIN X-----\nMIIB==\n-----END X-----\n'", "", []string{first + noFile + all}},
		{"stack", "v0.30.2", "A='a\n=b'", "", []string{first + noFile + all}},
		{"stack", "v0.30.2", "A='a\nb'\nB=1\nC=\"c\nd\"", "", []string{first + others + all, strings.NewReplacer("of A,", "of C,", "{A}", "{C}").Replace(first + others + all)}},
		{"stack", "v0.30.0", "A=1\nB=2", "", []string{"Dokploy v0.30.0" + quotes}},
		{"stack", "v0.30.1", "A='a\nb'", "", []string{"Dokploy v0.30.1" + quotes, first + others + all}},
		// Neither of the two: nothing happens.
		{"", "v0.29.9 v0.30.1 ?", "A='a\nb$'", "", nil},
		{"stack", "v0.30.1", "", "", nil},
	} {
		for version := range strings.FieldsSeq(tt.versions) {
			t.Run(tt.kind+" "+version+" "+tt.lines, func(t *testing.T) {
				v, ok := dokploy.ParseVersion(version)
				if ok != (version != "?") {
					t.Fatal("no version")
				}
				warnings, refused := composeEnv(tt.kind, v, tt.lines)
				if !slices.Equal(tt.warnings, warnings) {
					t.Errorf("got  %q\nwant %q", warnings, tt.warnings)
				}
				if refused != tt.refused {
					t.Errorf("got  %s\nwant %s", refused, tt.refused)
				}
			})
		}
	}
}

// TestComposeEnvManyNames: a warning names no more variables than fit on a
// line.
func TestComposeEnvManyNames(t *testing.T) {
	var lines []string
	for i := range 3 * maxNames {
		lines = append(lines, fmt.Sprintf("V%d=$x", i))
	}
	warnings, refused := composeEnv("docker-compose", dokploy.Version{}, strings.Join(lines, "\n"))
	if refused != "" || len(warnings) != 1 || !strings.Contains(warnings[0], ", V19, and 40 more, which") {
		t.Errorf("%s, %q", refused, warnings)
	}
}

// TestComposeEnvRefused: before anything is changed, for all targets.
func TestComposeEnvRefused(t *testing.T) {
	for _, dry := range []bool{false, true} {
		inWorld(t, dokploytest.Options{Version: "v0.29.9"}, func(w *world) {
			w.srv.AddApplication(dokploytest.Application{})
			w.srv.AddCompose(dokploytest.Compose{Name: "web"})
			w.set = func(o *Options) { o.Prepare, o.DryRun = Changes{Env: "CERT=\"SECRET-first\nSECRET-second\""}, dry }
			report := w.deploy("application api", "compose web")
			r := &report.Results[1]
			if report.ExitCode() != verdict.ExitInvalid || r.ConcernedInput() != "env" || !strings.HasPrefix(r.Why(), "web: line breaks in CERT: ") || strings.Contains(r.Why()+r.Advice(), "SECRET") {
				t.Errorf("%q of %q: %s", r.Status, r.ConcernedInput(), r.Why())
			}
			if n := w.changes(); n > 0 || w.srv.Calls("application.deploy") > 0 {
				t.Errorf("%d changes were sent\n%s", n, w.story())
			}
		})
	}
}

// TestComposeEnvWarned: there is one warning, and it is deployed. What the
// service had before is not checked.
func TestComposeEnvWarned(t *testing.T) {
	for _, version := range []string{"v0.30.2", "canary"} {
		inWorld(t, dokploytest.Options{Version: version}, func(w *world) {
			stack := w.srv.AddCompose(dokploytest.Compose{Name: "web", ComposeType: "stack", Env: "OLD='SECRET-a\nSECRET-b'"})
			w.set = changing(Changes{Env: "CERT='SECRET-first\nSECRET-second'"})
			w.want(w.deploy("compose web"), verdict.Done, 0)
			if w.rec.count("! env: env_file passes only the first line of CERT") != 1 || w.rec.count("of OLD") > 0 || w.rec.said("SECRET") {
				t.Error(w.story())
			}
			w.triggers(stack, 1)
		})
	}
}

// TestComposeWithoutEnvFile: if Dokploy writes no .env, what is set does not
// arrive.
func TestComposeWithoutEnvFile(t *testing.T) {
	for kind, want := range map[string]string{
		"docker-compose": "so Dokploy writes no .env: docker compose gets none of the variables that env sets",
		"stack":          "so Dokploy writes no .env: the stack gets what env sets only through ${NAME} in its file",
	} {
		for _, off := range []bool{true, false} {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				v := w.srv.AddCompose(dokploytest.Compose{Name: "web", ComposeType: kind})
				v.SetCreateEnvFile(!off)
				w.set = changing(Changes{Env: "A=1"})
				w.want(w.deploy("compose web"), verdict.Done, 0)
				if (w.rec.count("! env: ") == 1 && w.rec.said(want)) != off {
					t.Errorf("%s, off: %v\n%s", kind, off, w.story())
				}
			})
		}
	}
}
