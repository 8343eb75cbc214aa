// Builder is what an image that a test uploads runs: during the build it writes
// LINES lines and takes SECONDS, and keeps what it was given. As a container it
// answers with that at port 8080, or exits after CRASH_AFTER seconds.
package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"dokploy-deploy/e2e/cases"
)

const file = "/given"

func serve() {
	given, _ := os.ReadFile(file)
	server := http.Server{Addr: ":8080", ReadHeaderTimeout: 10 * time.Second, Handler: cases.Front(func() (string, string) {
		return string(given), os.Getenv("PROBE")
	})}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
}

func main() {
	if len(os.Args) > 1 {
		if seconds, err := strconv.Atoi(os.Getenv("CRASH_AFTER")); err == nil {
			time.Sleep(time.Duration(seconds) * time.Second)
			fmt.Fprintln(os.Stderr, "boom")
			os.Exit(1)
		}
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
		go serve()
		<-stop
		return
	}
	token, _ := os.ReadFile("/run/secrets/TOKEN")
	if err := os.WriteFile(file, []byte(cases.Given(os.Getenv("RELEASE"), string(token))), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines, _ := strconv.Atoi(os.Getenv("LINES"))
	seconds, _ := strconv.Atoi(os.Getenv("SECONDS"))
	out := bufio.NewWriter(os.Stdout)
	for i := 1; i <= lines; i++ {
		fmt.Fprintln(out, cases.Line(i))
	}
	out.Flush()
	for i := range seconds {
		fmt.Println("second", i+1)
		time.Sleep(time.Second)
	}
}
