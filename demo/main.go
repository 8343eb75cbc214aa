// Demo deploys to a Dokploy that lives in this process, with the real program:
//
//	go run ./demo         a deployment that waits in the queue, builds and runs
//	go run ./demo fail    one whose build breaks
//	go run ./demo crash   an image that Dokploy calls done and that does not run
//	go run ./demo follow  one that Dokploy starts itself when a commit is pushed
//
// Nothing needs to be installed but Go, and nothing leaves this machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	demos "dokploy-deploy/internal/demo"
)

func main() {
	code, err := demo(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		code = 1
	}
	os.Exit(code)
}

func demo(args []string) (int, error) {
	if len(args) == 1 && slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		fmt.Print(demos.Usage())
		return 0, nil
	}
	which := slices.IndexFunc(demos.Deployments, func(d demos.Deployment) bool { return d.Name == strings.Join(args, " ") })
	if which < 0 {
		fmt.Fprintf(os.Stderr, "demo: there is no demo %q\n\n%s", strings.Join(args, " "), demos.Usage())
		return 2, nil
	}
	deployment := demos.Deployments[which]
	// The program gets the interrupt of the terminal itself; the demo waits
	// for what it says.
	signal.Ignore(os.Interrupt)

	dir, err := os.MkdirTemp("", "dokploy-deploy-demo-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	program, err := build(dir)
	if err != nil {
		return 1, err
	}
	server := deployment.Server(say)
	url, err := server.Listen("127.0.0.1:0")
	if err != nil {
		return 1, err
	}
	defer server.Close()

	return play(deployment, program, dir, url, server.Key)
}

// build builds the program in a folder.
func build(dir string) (program string, err error) {
	program = filepath.Join(dir, "dokploy-deploy")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	fmt.Println("building dokploy-deploy …")
	if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, "dokploy-deploy").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
}

// play runs the program against a server, and shows what goes in and what comes
// out.
func play(deployment demos.Deployment, program, dir, url, key string) (code int, err error) {
	outputs, summary := filepath.Join(dir, "outputs.env"), filepath.Join(dir, "summary.md")
	env := append([]string{
		"DOKPLOY_URL=" + url,
		"DOKPLOY_API_KEY=" + key,
		"DOKPLOY_APPLICATION=shop/api",
		"DOKPLOY_OUTPUT_FILE=" + outputs,
		"GITHUB_STEP_SUMMARY=" + summary,
	}, deployment.Inputs...)
	fmt.Println()
	for _, line := range deployment.Before {
		say(line)
	}
	if len(deployment.Before) > 0 {
		fmt.Println()
	}
	for _, e := range env {
		if strings.HasPrefix(e, "DOKPLOY_API_KEY=") {
			e = "DOKPLOY_API_KEY=…"
		}
		fmt.Println("$ export " + e)
	}
	fmt.Print("$ dokploy-deploy\n\n")
	cmd := exec.CommandContext(context.Background(), program)
	cmd.Env = append(bare(os.Environ()), env...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 1, err
	}
	fmt.Printf("\n$ echo $?\n%d\n", cmd.ProcessState.ExitCode())
	for _, file := range []string{outputs, summary} {
		text, err := os.ReadFile(file)
		if err != nil {
			return 1, err
		}
		fmt.Printf("\n$ cat %s\n%s", filepath.Base(file), text)
	}
	for _, line := range deployment.After {
		fmt.Println()
		say(line)
	}
	return cmd.ProcessState.ExitCode(), nil
}

// say prints a line that is not the program's.
func say(line string) { fmt.Println("# " + line) }

// bare is the environment without what would make inputs or a CI host of it.
func bare(env []string) []string {
	var out []string
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		switch {
		case strings.HasPrefix(name, "DOKPLOY_"), strings.HasPrefix(name, "INPUT_"), strings.HasPrefix(name, "PLUGIN_"):
		case name == "GITHUB_ACTIONS", name == "GITHUB_OUTPUT", name == "GITLAB_CI", name == "DRONE", name == "CI", name == "DRONE_OUTPUT", name == "GITHUB_STEP_SUMMARY":
		default:
			out = append(out, e)
		}
	}
	return out
}
