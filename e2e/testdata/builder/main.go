// Builder is what an image that a test uploads runs: in the build it writes
// LINES lines and takes SECONDS, as a container it waits, or ends after CRASH_AFTER
// seconds.
package main

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		if seconds, err := strconv.Atoi(os.Getenv("CRASH_AFTER")); err == nil {
			time.Sleep(time.Duration(seconds) * time.Second)
			fmt.Fprintln(os.Stderr, "boom")
			os.Exit(1)
		}
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
		<-stop
		return
	}
	lines, _ := strconv.Atoi(os.Getenv("LINES"))
	seconds, _ := strconv.Atoi(os.Getenv("SECONDS"))
	out := bufio.NewWriter(os.Stdout)
	for i := 1; i <= lines; i++ {
		fmt.Fprintf(out, "line %07d %s end\n", i, strings.Repeat(".", 83)) // cases.Line
	}
	out.Flush()
	for i := range seconds {
		fmt.Println("second", i+1)
		time.Sleep(time.Second)
	}
}
