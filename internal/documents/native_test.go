package documents

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestNativeGet: the composite action uses the binary that its commit names,
// and no other.
func TestNativeGet(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("needs bash")
	}
	const good = "#!/bin/sh\necho this is it\n"
	body := good
	releases := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1.2.3/dokploy-deploy-linux-arm64" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, body)
	}))
	defer releases.Close()
	script, err := fs.ReadFile(repository, "native/get")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("get", string(script))
	write("release.txt", releases.URL+"/v1.2.3\n")
	const sum = "f2ca1bb6c7e907d06dafe4687e579fce76b37e4e93b7605022da52e6ccc26fd2" // of another text
	get := func(arch string) (string, error) {
		cmd := exec.CommandContext(t.Context(), bash, filepath.Join(dir, "get"))
		cmd.Env = append(os.Environ(), "RUNNER_OS=Linux", "RUNNER_ARCH="+arch, "RUNNER_TEMP="+dir, "GITHUB_OUTPUT="+filepath.Join(dir, "output"), "DOKPLOY_DEPLOY_DOWNLOADS=")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}

	write("checksums.txt", sum+"  dokploy-deploy-linux-arm64\n")
	if out, err := get("ARM64"); err == nil || !strings.Contains(out, "is not the binary of this release") {
		t.Errorf("another binary was taken: %v %s", err, out)
	}
	if out, err := get("X64"); err == nil || !strings.Contains(out, "this release has no binary for linux/amd64") {
		t.Errorf("no binary: %v %s", err, out)
	}
	if out, err := get("S390X"); err == nil || !strings.Contains(out, "there is no binary for S390X") {
		t.Errorf("no such platform: %v %s", err, out)
	}
	write("checksums.txt", fmt.Sprintf("%x  dokploy-deploy-linux-arm64\n", sha256.Sum256([]byte(good))))
	if out, err := get("ARM64"); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	releases.Close() // the second time nothing is downloaded
	if out, err := get("ARM64"); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	output, err := os.ReadFile(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	binary := strings.TrimPrefix(strings.SplitN(string(output), "\n", 2)[0], "binary=")
	if out, err := exec.CommandContext(t.Context(), binary).CombinedOutput(); err != nil || string(out) != "this is it\n" {
		t.Errorf("%q: %v %s", binary, err, out)
	}
}
