// Standin is a Dokploy on an address of this machine, to try the program and
// its packaging against by hand or from another process:
//
//	go run ./internal/dokploytest/standin 127.0.0.1:3900 standin.env
//
// It prints DOKPLOY_URL and DOKPLOY_API_KEY, also into the file if one is
// named, and serves until it is ended. shop/api is deployed, shop/broken fails,
// the compose service shop/stack is deployed.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploytest"
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "standin:", err)
		os.Exit(1)
	}
}

func serve(args []string) error {
	address := "127.0.0.1:0"
	if len(args) > 0 {
		address = args[0]
	}
	server := dokploytest.New(dokploytest.Options{Latency: 10 * time.Millisecond})
	defer server.Close()
	shop(server)
	url, err := server.Listen(address)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("DOKPLOY_URL=%s\nDOKPLOY_API_KEY=%s\n", reachable(url), server.Key)
	if len(args) > 1 {
		// Whoever waits for the file finds it whole.
		if err := os.WriteFile(args[1]+".part", []byte(text), 0o600); err != nil {
			return err
		}
		if err := os.Rename(args[1]+".part", args[1]); err != nil {
			return err
		}
	}
	fmt.Print(text)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	<-stop
	return nil
}

func shop(server *dokploytest.Server) {
	api := dokploytest.Application{Name: "api", SourceType: "git",
		Domains: []dokploytest.Domain{{Host: "api.shop.example", HTTPS: true}},
		Build:   dokploytest.Build{Steps: dokploytest.Lines(300*time.Millisecond, "#1 [1/2] FROM node:22-alpine", "#2 [2/2] RUN npm ci", "#2 DONE 0.6s")}}
	server.AddApplication(api)
	broken := api
	broken.Name = "broken"
	broken.Build = dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(300*time.Millisecond,
		"#1 [1/2] FROM node:22-alpine", "Dockerfile:2", "ERROR: failed to solve: process \"/bin/sh -c npm ci\" did not complete successfully: exit code: 1")}
	server.AddApplication(broken)
	server.AddCompose(dokploytest.Compose{Name: "stack"})
}

// reachable names an address of this machine where url means all of them, so
// that containers find it too.
func reachable(url string) string {
	host, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return url
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return url
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			return "http://" + net.JoinHostPort(n.IP.String(), port)
		}
	}
	return "http://" + net.JoinHostPort("127.0.0.1", port)
}
