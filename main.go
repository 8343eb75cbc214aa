// Dokploy-deploy is a step of a CI job that deploys a service of a Dokploy
// server, follows exactly that deployment, shows its log and exits with the
// real result. Inputs come from the environment; dokploy-deploy --help lists
// them.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	// Certificates for images that have none.
	_ "golang.org/x/crypto/x509roots/fallback"

	"dokploy-deploy/internal/config"
	"dokploy-deploy/internal/program"
)

// version is set when a release is built.
var version = ""

// lastWords is how long an interrupted run may take to say what goes on in
// Dokploy and to write its outputs.
const lastWords = 1800 * time.Millisecond

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	// If nobody reads the output, writes fail and the run goes on.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, interrupts(signal.Ignored)...)
	go func() {
		sig := program.Interrupt{Signal: (<-signals).(syscall.Signal)}
		cancel(sig)
		// Further signals change nothing: CI hosts and closing terminals send
		// several, and the outputs would be lost.
		time.Sleep(lastWords)
		os.Exit(sig.Code())
	}()
	// net/http logs data that servers send unasked, without any masking.
	log.SetOutput(io.Discard)
	p := program.Program{Version: version, Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(p.Run(ctx, os.Args[1:], config.ReadEnvironment(os.Environ())))
}

// interrupts returns the signals that interrupt a run. A SIGHUP that is
// ignored, as under nohup, stays ignored.
func interrupts(ignored func(os.Signal) bool) []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}
