// Demo deploys to a Dokploy that lives in this process, with the real program:
//
//	go run ./demo        a deployment that waits in the queue, builds and runs
//	go run ./demo fail   one whose build breaks
//	go run ./demo crash  an image that Dokploy calls done and that does not run
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
	"strings"
	"time"

	"dokploy-deploy/internal/dokploytest"
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
	what := strings.Join(args, " ")
	if what != "" && what != "fail" && what != "crash" {
		return 2, errors.New("the only arguments are: fail, crash")
	}
	// The program gets the interrupt of the terminal itself; the demo waits
	// for what it says.
	signal.Ignore(os.Interrupt)

	dir, err := os.MkdirTemp("", "dokploy-deploy-demo-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "dokploy-deploy")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	fmt.Println("building dokploy-deploy …")
	if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, "dokploy-deploy").CombinedOutput(); err != nil {
		return 1, fmt.Errorf("go build: %w\n%s", err, out)
	}

	server, url, err := start(what)
	if err != nil {
		return 1, err
	}
	defer server.Close()

	outputs := filepath.Join(dir, "outputs.env")
	env := []string{
		"DOKPLOY_URL=" + url,
		"DOKPLOY_API_KEY=" + server.Key,
		"DOKPLOY_APPLICATION=shop/api",
		"DOKPLOY_OUTPUT_FILE=" + outputs,
	}
	if what == "crash" {
		env = append(env, "DOKPLOY_IMAGE=ghcr.io/acme/api:1.4.2", "DOKPLOY_ENV=FEATURE_PRICES=on", "DOKPLOY_ROLLBACK=true")
	}
	fmt.Println()
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
	fmt.Printf("\n$ echo $?\n%d\n$ cat outputs.env\n", cmd.ProcessState.ExitCode())
	text, err := os.ReadFile(outputs)
	if err != nil {
		return 1, err
	}
	fmt.Print(string(text))
	return cmd.ProcessState.ExitCode(), nil
}

// bare is the environment without what would make inputs or a CI host of it.
func bare(env []string) []string {
	var out []string
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		switch {
		case strings.HasPrefix(name, "DOKPLOY_"), strings.HasPrefix(name, "INPUT_"), strings.HasPrefix(name, "PLUGIN_"):
		case name == "GITHUB_ACTIONS", name == "GITHUB_OUTPUT", name == "GITLAB_CI", name == "DRONE", name == "CI", name == "DRONE_OUTPUT":
		default:
			out = append(out, e)
		}
	}
	return out
}

// start makes a shop whose web application is being built, so that the
// deployment of its api waits for a moment.
func start(what string) (*dokploytest.Server, string, error) {
	server := dokploytest.New(dokploytest.Options{Latency: 20 * time.Millisecond})
	web := server.AddApplication(dokploytest.Application{
		Name: "web", SourceType: "git",
		Build: dokploytest.Build{Steps: dokploytest.Lines(time.Second, "#1 …", "#2 …", "#3 …", "#4 …", "#5 …")},
	})
	app := dokploytest.Application{
		Name: "api", SourceType: "git", Build: build(what == "fail"),
		Domains: []dokploytest.Domain{{Host: "api.shop.example", HTTPS: true}},
	}
	if what == "crash" {
		app.SourceType, app.Image, app.Build = "docker", "ghcr.io/acme/api:1.4.1", dokploytest.Build{Steps: dokploytest.Lines(700*time.Millisecond,
			"Pulling ghcr.io/acme/api:1.4.2", "1.4.2: Pulling from acme/api", "Status: Downloaded newer image for ghcr.io/acme/api:1.4.2")}
		app.Env = "# set by hand\nDATABASE_URL=postgres://api:hunter2hunter2@db/shop\n"
		app.RolloutFunc = func(v dokploytest.Version) dokploytest.Rollout {
			return dokploytest.Rollout{
				Crash: v.N > 0, CrashAfter: 2 * time.Second,
				Log: []string{"api 1.4.2 starting", "connecting to postgres://api:hunter2hunter2@db/shop", `Error: relation "prices" does not exist`},
			}
		}
	}
	api := server.AddApplication(app)
	for i := range 4 {
		at := time.Now().Add(-time.Duration(i+1) * 26 * time.Hour)
		server.AddRow(api, dokploytest.Row{Status: "done", Title: "an earlier one", CreatedAt: at, StartedAt: at, FinishedAt: at.Add(9 * time.Second)}, "")
	}
	url, err := server.Listen("127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	server.Enqueue(web, "feat: a new front page", "")
	return server, url, nil
}

func build(fail bool) dokploytest.Build {
	head := []string{
		"Cloning Repo Custom https://git.shop.example/acme/api.git to /etc/dokploy/applications/api/code: ✅",
		"remote: Counting objects:  20% (1/5)\rremote: Counting objects: 100% (5/5), done.",
		"Building api",
		"#1 [internal] load build definition from Dockerfile",
		"#1 DONE 0.0s",
		"#4 [1/4] FROM docker.io/library/node:22-alpine",
		"#4 CACHED",
		"#5 [2/4] COPY package.json package-lock.json ./",
		"#5 DONE 0.1s",
		"#6 [3/4] RUN npm ci",
		"#6 1.204 added 212 packages in 1s",
		"#6 DONE 1.3s",
		"#7 [4/4] RUN npm run build",
		"#7 0.411 > api@1.4.2 build",
		"#7 0.411 > tsc --project tsconfig.json",
	}
	if fail {
		return dokploytest.Build{Outcome: "error", CommitTitle: "feat: prices in cents", Steps: dokploytest.Lines(450*time.Millisecond, append(head,
			"#7 2.310 src/cart.ts(14,7): error TS2322: Type 'string' is not assignable to type 'number'.",
			"#7 ERROR: process \"/bin/sh -c npm run build\" did not complete successfully: exit code: 2",
			"------",
			" > [4/4] RUN npm run build:",
			"0.411 > api@1.4.2 build",
			"0.411 > tsc --project tsconfig.json",
			"2.310 src/cart.ts(14,7): error TS2322: Type 'string' is not assignable to type 'number'.",
			"------",
			"Dockerfile:12",
			"--------------------",
			"  10 |     COPY . .",
			"  11 |     ",
			"  12 | >>> RUN npm run build",
			"--------------------",
			"ERROR: failed to build: failed to solve: process \"/bin/sh -c npm run build\" did not complete successfully: exit code: 2",
			"❌ Docker build failed",
		)...)}
	}
	return dokploytest.Build{CommitTitle: "feat: prices in cents", Steps: dokploytest.Lines(550*time.Millisecond, append(head,
		"#7 DONE 2.4s",
		"#8 exporting to image",
		"#8 writing image sha256:dc205fdc5f1156e3d5cf3aa8d7e4e8816f4ebef632d2042a15c8c1eefcb2bf06 done",
		"#8 DONE 0.1s",
	)...)}
}
