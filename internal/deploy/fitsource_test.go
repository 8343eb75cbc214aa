package deploy

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/upload"
	"dokploy-deploy/internal/verdict"
)

// TestSourceFitsTheApplication: what the application's build settings name is
// sent, whatever .dockerignore says, or its absence is reported before anything
// is sent.
func TestSourceFitsTheApplication(t *testing.T) {
	const ignored = "is not sent: .dockerignore excludes it, or it contains no files"
	for _, tt := range []struct {
		name    string
		files   string // of the directory
		ignore  string // lines of .dockerignore
		path    string // dropBuildPath
		build   map[string]string
		sent    string // names of the files; empty: refused
		refused string // with DIR for the directory
	}{
		{"an ignored Dockerfile", "docker/prod.Dockerfile docker/x a", "docker", "", map[string]string{"buildType": "dockerfile", "dockerfile": "docker/prod.Dockerfile"},
			".dockerignore a docker/prod.Dockerfile", ""},
		{"by a pattern", "docker/prod.Dockerfile a", "**/*.Dockerfile", "", map[string]string{"buildType": "dockerfile", "dockerfile": "./docker/prod.Dockerfile"},
			".dockerignore a docker/prod.Dockerfile", ""},
		{"with its own .dockerignore", "docker/prod.Dockerfile docker/prod.Dockerfile.dockerignore docker/x a", "docker", "", map[string]string{"buildType": "dockerfile", "dockerfile": "docker/prod.Dockerfile", "dockerContextPath": "."},
			".dockerignore a docker/prod.Dockerfile docker/prod.Dockerfile.dockerignore", ""},
		{"below the build path", "svc/Dockerfile svc/x a", "svc/Dockerfile", "/svc", map[string]string{"buildType": "dockerfile", "dockerfile": "Dockerfile"},
			".dockerignore a svc/Dockerfile svc/x", ""},
		{"the context's .dockerignore", "Dockerfile svc/.dockerignore svc/x", "**/.dockerignore", "", map[string]string{"buildType": "dockerfile", "dockerContextPath": "svc"},
			".dockerignore Dockerfile svc/.dockerignore svc/x", ""},
		{"a name that looks like a pattern", "d/[1].Dockerfile d/1.Dockerfile a", "d", "", map[string]string{"buildType": "dockerfile", "dockerfile": "d/[1].Dockerfile"},
			".dockerignore a d/[1].Dockerfile", ""},
		{"everything else ignored", "docker/prod.Dockerfile a", "*", "", map[string]string{"buildType": "dockerfile", "dockerfile": "docker/prod.Dockerfile"},
			"", "excludes everything"}, // by the directory itself
		{"no Dockerfile", "a", "", "", map[string]string{"buildType": "dockerfile", "dockerfile": "docker/prod.Dockerfile"},
			"", "docker/prod.Dockerfile, the Dockerfile of api, is not in DIR"},
		{"no Dockerfile of the usual name", "a docker/Dockerfile", "", "", map[string]string{"buildType": "dockerfile", "dockerfile": ""},
			"", "Dockerfile, the Dockerfile of api, is not in DIR"},
		{"another case", "dockerfile", "", "", map[string]string{"buildType": "dockerfile"},
			"", "Dockerfile, the Dockerfile of api, is not in DIR"},
		{"a folder", "docker/Dockerfile/x", "", "", map[string]string{"buildType": "dockerfile", "dockerfile": "docker/Dockerfile"},
			"", "docker/Dockerfile, the Dockerfile of api, is a folder"},
		{"not at the build path", "Dockerfile", "", "svc", map[string]string{"buildType": "dockerfile"},
			"", "svc/Dockerfile, the Dockerfile of api, is not in DIR"},
		{"no context", "Dockerfile", "", "", map[string]string{"buildType": "dockerfile", "dockerContextPath": "svc/"},
			"", "svc, the Docker context path of api, is not in DIR"},
		{"an ignored context", "Dockerfile svc/x", "svc", "", map[string]string{"buildType": "dockerfile", "dockerContextPath": "svc"},
			"", "svc, the Docker context path of api, " + ignored},
		{"outside of the source", "a", "", "", map[string]string{"buildType": "dockerfile", "dockerfile": "../../Dockerfile"}, "a", ""},
		{"static", "dist/index.html a", "dist", "", map[string]string{"buildType": "static", "publishDirectory": "dist"},
			"", "dist, the publish directory of api, " + ignored},
		{"static below a path", "web/dist/index.html a", "", "web", map[string]string{"buildType": "static", "publishDirectory": "/dist/", "dockerfile": "Dockerfile"}, "a web/dist/index.html", ""},
		{"a pattern to publish", "a", "", "", map[string]string{"buildType": "static", "publishDirectory": "dist/*"}, "a", ""},
		{"static, all of it", "index.html", "", "", map[string]string{"buildType": "static", "publishDirectory": ""}, "index.html", ""},
		{"nixpacks needs no Dockerfile", "a", "", "", map[string]string{"buildType": "nixpacks", "dockerfile": "Dockerfile", "publishDirectory": "dist"}, "a", ""},
		{"nixpacks at a build path", "a", "", "svc", map[string]string{"buildType": "nixpacks"}, "", "svc, the build path of api, is not in DIR"},
		{"not said", "a", "", "svc", map[string]string{"buildType": "", "dockerfile": "Dockerfile"}, "a", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			files := strings.Fields(tt.files)
			if tt.ignore != "" {
				files = append(files, ".dockerignore")
			}
			for _, name := range files {
				text := "x"
				if name == ".dockerignore" {
					text = tt.ignore
				}
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			src, err := upload.Open(dir)
			if err != nil {
				if tt.refused == "" || !strings.Contains(err.Error(), tt.refused) {
					t.Fatal(err)
				}
				return
			}
			inWorld(t, dokploytest.Options{}, func(w *world) {
				app := w.srv.AddApplication(dokploytest.Application{SourceType: "git", HowBuilt: tt.build, DropBuildPath: tt.path})
				w.set = changing(Changes{Source: src, SourcePath: dir})
				report := w.deploy("application api")
				r := &report.Results[0]
				if tt.refused != "" {
					want := strings.ReplaceAll(tt.refused, "DIR", `"`+dir+`"`)
					if r.Status != verdict.Invalid || r.ConcernedInput() != "source" || r.Why() != want || len(app.Uploads()) > 0 || w.changes() > 0 || app.SourceType() != "git" {
						t.Errorf("%s of %q: %s\nwant %s", r.Status, r.ConcernedInput(), r.Why(), want)
					}
					return
				}
				w.want(report, verdict.Done, 0)
				var names []string
				for _, u := range app.Uploads() {
					names = append(names, u.Names...)
				}
				slices.Sort(names)
				if n := w.rec.count("is sent although .dockerignore excludes it: the application's settings name it"); (n > 0) != (tt.ignore != "") {
					t.Errorf("%d files were said to be kept\n%s", n, w.story())
				}
				if got := strings.Join(names, " "); got != tt.sent {
					t.Errorf("sent %s\nwant %s", got, tt.sent)
				}
			})
		})
	}
}

// TestZipFitsTheApplication: a zip is checked in the places where Dokploy puts
// its files.
func TestZipFitsTheApplication(t *testing.T) {
	file := filepath.Join(t.TempDir(), "app.zip")
	if err := os.WriteFile(file, zipped(t, "app/", "app/svc/Dockerfile", "app/a"), 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := upload.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"svc":     "",
		"app/svc": `app/svc/Dockerfile, the Dockerfile of api, is not in "` + file + `"`,
	} {
		inWorld(t, dokploytest.Options{}, func(w *world) {
			w.srv.AddApplication(dokploytest.Application{SourceType: "drop", HowBuilt: map[string]string{"buildType": "dockerfile"}, DropBuildPath: path})
			w.set = changing(Changes{Source: src, SourcePath: file})
			r := w.deploy("application api").Results[0]
			if (r.Status == verdict.Done) != (want == "") || r.Why() != want {
				t.Errorf("%s: %s %s", path, r.Status, r.Why())
			}
		})
	}
}

func zipped(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		if _, err := z.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
