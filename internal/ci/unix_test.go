//go:build unix

package ci

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func mkfifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // releases whoever still waits for a reader
		if f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0); err == nil {
			_ = f.Close()
		}
	})
	return path
}

// A pipe that is read gets the outputs; one that is not read blocks nothing,
// and the other files are written.
func TestOutputsIntoPipes(t *testing.T) {
	t.Parallel()
	read := mkfifo(t)
	got := make(chan string)
	go func() {
		f, err := os.Open(read)
		if err != nil {
			t.Error(err)
		}
		defer f.Close()
		text, _ := io.ReadAll(f)
		got <- string(text)
	}()
	unread, full, file := mkfifo(t), mkfifo(t), filepath.Join(t.TempDir(), "outputs.env")
	fd, err := syscall.Open(full, syscall.O_RDWR|syscall.O_NONBLOCK, 0) // opens it as a reader that never reads
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	for err == nil {
		_, err = syscall.Write(fd, make([]byte, 4096))
	}
	for _, pipe := range []string{unread, full} {
		h := Detect(lookup(map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": pipe, "DRONE_OUTPUT": pipe, "GITHUB_STEP_SUMMARY": pipe}))
		_, err := h.WriteOutputs(Outputs{Status: "done", Deployments: "[]"}, file)
		if err == nil || !strings.Contains(err.Error(), "outputs not written (GITHUB_OUTPUT): "+pipe+" is not a regular file") || !strings.Contains(err.Error(), "DRONE_OUTPUT") || strings.Contains(err.Error(), "output-file") {
			t.Errorf("%v", err)
		}
		if err := h.WriteSummary(New(h, io.Discard, nil), []Row{{Target: "api"}}, nil); err == nil || !strings.Contains(err.Error(), "is anything reading it?") {
			t.Errorf("summary: %v", err)
		}
	}
	if text, err := os.ReadFile(file); err != nil || strings.Count(string(text), "DOKPLOY_STATUS=done\n") != 2 {
		t.Errorf("%v, %q", err, text)
	}
	if _, err := Detect(lookup(nil)).WriteOutputs(Outputs{Status: "done"}, read); err != nil {
		t.Error(err)
	}
	if text := <-got; !strings.Contains(text, "DOKPLOY_STATUS=done\n") {
		t.Errorf("%q", text)
	}
}
