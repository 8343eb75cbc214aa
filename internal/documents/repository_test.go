package documents

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// ours returns the name of this repository.
func ours(t *testing.T) string {
	t.Helper()
	name, err := fs.ReadFile(repository, ".ci/repository")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(name))
}

// repositoryForm matches how documents and packages name a repository of this
// program, whatever its name, or its image.
var repositoryForm = regexp.MustCompile(`(ghcr\.io/|//github\.com/|githubusercontent\.com/|uses: |_FQDN/|--repo )([\w$.{}-]+/[\w$.{}-]+)`)

// named checks that files name only one repository of this program: with its
// spelling, and in lower case for an image. The repositories of others are
// known.
func named(t *testing.T, files fs.FS, want string) (mentions int) {
	t.Helper()
	others := []string{"actions/", "marketplace/", "docker/", "acme/", "actions-", "sigstore/", "$"}
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(path, ".git") && path != ".github" || path == "testdata" || path == "dist" || path == "internal" || path == "e2e") {
			return fs.SkipDir
		}
		if d.IsDir() || !slices.Contains([]string{".yml", ".md", ""}, filepath.Ext(path)) || strings.HasPrefix(path, ".") {
			return nil
		}
		text, err := fs.ReadFile(files, path)
		for _, m := range repositoryForm.FindAllStringSubmatch(string(text), -1) {
			if slices.ContainsFunc(others, func(o string) bool { return strings.HasPrefix(m[2], o) }) {
				continue
			}
			mentions++
			expected := want
			if m[1] == "ghcr.io/" && want != "OWNER/dokploy-deploy" {
				expected = strings.ToLower(want)
			}
			if m[2] != expected {
				t.Errorf("%s names %s in %q, want %s", path, m[2], m[0], expected)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return mentions
}

// TestRepositoryName: the name of this repository is in one place, any name
// works, and where it was written before it can be written again.
func TestRepositoryName(t *testing.T) {
	if named(t, repository, ours(t)) < 20 {
		t.Error("the documents do not name this repository")
	}
	bash, err := exec.LookPath("bash")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("needs bash and GNU sed")
	}
	dir := t.TempDir()
	for _, name := range []string{".ci", "docs", "templates", "examples"} {
		sub, err := fs.Sub(repository, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(dir, name), sub); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"README.md", "docs.md", "SECURITY.md", "CONTRIBUTING.md", "action.yml"} {
		text, err := fs.ReadFile(repository, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), bash, append([]string{filepath.Join(dir, ".ci", "release")}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, name := range []string{".ci/engines", ".ci/try"} {
		if text := read(name); strings.Contains(text, ours(t)) {
			t.Errorf("%s names %s, and is not written again when the repository gets another name", name, ours(t))
		}
	}
	for _, name := range []string{"Acme-Inc/My.Deploy", "acme-inc/my.deploy", "Some1/else", "Acme-Inc/Deploy_2"} {
		run("name", name)
		if named(t, os.DirFS(dir), name) < 20 {
			t.Errorf("%s: it is hardly named", name)
		}
		if strings.Contains(read("README.md"), "OWNER") {
			t.Errorf("%s: the README still says OWNER", name)
		}
		owner, repo, _ := strings.Cut(name, "/")
		for _, want := range []string{"\nauthor: " + owner + "\n", "/" + name + "/pkgs/container/" + strings.ToLower(repo) + "\n"} {
			if !strings.Contains(read("docs.md"), want) {
				t.Errorf("%q is missing in docs.md", want)
			}
		}
	}
	for range 2 { // a second release changes nothing more
		run("released")
		text := read("README.md")
		if strings.Contains(text, "released yet") || strings.Count(text, "badge.svg") != 1 || strings.Count(text, "/Acme-Inc/Deploy_2/releases/latest") != 1 {
			t.Errorf("the README of a release begins with\n%.1200s", text)
		}
	}
}
