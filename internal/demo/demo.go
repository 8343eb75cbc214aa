// Package demo has the deployments that the demo and the README show, against
// a stand-in Dokploy.
package demo

import (
	"fmt"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploytest"
)

// Deployment is one of them.
type Deployment struct {
	Name   string   // the argument of the demo; empty: the first one
	Says   string   // what it shows
	Before []string // what a stranger has to know
	Inputs []string
	After  []string // what it was good for
	api    dokploytest.Application
	pushed time.Duration // after so long Dokploy is told of a push; 0: never
}

// pushed is the commit that one of them follows.
const pushed = "3f2a91c7be01d4a5f60718293a4b5c6d7e8f9012"

// Deployments are all of them.
var Deployments = []Deployment{
	{Name: "", Says: "a deployment that waits in the queue, builds and runs", api: built(false)},
	{Name: "fail", Says: "one whose build breaks", api: built(true)},
	{
		Name:   "crash",
		Says:   "an image that Dokploy calls done and that does not run",
		Inputs: []string{"DOKPLOY_IMAGE=ghcr.io/acme/api:1.4.2", "DOKPLOY_ENV=FEATURE_PRICES=on", "DOKPLOY_ROLLBACK=true"},
		api:    crashes(),
	},
	{
		Name: "follow",
		Says: "one that Dokploy starts itself when a commit is pushed",
		Before: []string{
			"Dokploy deploys this application by itself whenever somebody pushes to main.",
			"After a push two things happen at once: the Git host calls Dokploy's webhook,",
			"and starts a CI job. Here the job is the faster one. It starts no deployment:",
			"it waits for the one of its commit, and follows that.",
		},
		Inputs: []string{"DOKPLOY_OPERATION=follow", "DOKPLOY_COMMIT=" + pushed},
		After:  []string{"End-to-end tests can now run against DOKPLOY_DEPLOYED_URL: that commit is there."},
		api:    built(false),
		pushed: 4 * time.Second,
	},
}

// Usage lists them.
func Usage() string {
	var b strings.Builder
	for _, d := range Deployments {
		fmt.Fprintf(&b, "%-22s  %s\n", strings.TrimSpace("go run ./demo "+d.Name), d.Says)
	}
	return b.String()
}

// Server is a Dokploy with a shop whose web application is being built, so that
// the deployment of its api waits for a moment. What happens beside the program
// is said.
func (d Deployment) Server(say func(string)) *dokploytest.Server {
	server := dokploytest.New(dokploytest.Options{Latency: 20 * time.Millisecond})
	web := server.AddApplication(dokploytest.Application{
		Name: "web", SourceType: "git",
		Build: dokploytest.Build{Steps: dokploytest.Lines(time.Second, "#1 …", "#2 …", "#3 …", "#4 …", "#5 …")},
	})
	api := server.AddApplication(d.api)
	for i := range 4 {
		at := time.Now().Add(-time.Duration(i+1) * 26 * time.Hour)
		server.AddRow(api, dokploytest.Row{Status: "done", Title: "an earlier one", CreatedAt: at, StartedAt: at, FinishedAt: at.Add(9 * time.Second)}, "")
	}
	if d.pushed == 0 {
		server.Enqueue(web, "feat: a new front page", "")
		return server
	}
	time.AfterFunc(d.pushed, func() {
		server.Enqueue(web, "feat: a new front page", "")
		_, answer := server.Deliver(api, dokploytest.Delivery{Form: "gitea", Commit: pushed, Message: "feat: prices in cents"})
		say("The Git host calls Dokploy's webhook, which answers: " + answer)
	})
	return server
}

var domains = []dokploytest.Domain{{Host: "api.shop.example", HTTPS: true}}

func built(fails bool) dokploytest.Application {
	return dokploytest.Application{Name: "api", SourceType: "git", Build: build(fails), Domains: domains}
}

func crashes() dokploytest.Application {
	return dokploytest.Application{
		Name: "api", SourceType: "docker", Image: "ghcr.io/acme/api:1.4.1", Domains: domains,
		Env: "# set by hand\nDATABASE_URL=postgres://api:hunter2hunter2@db/shop\n",
		Build: dokploytest.Build{Steps: dokploytest.Lines(700*time.Millisecond,
			"Pulling ghcr.io/acme/api:1.4.2", "1.4.2: Pulling from acme/api", "Status: Downloaded newer image for ghcr.io/acme/api:1.4.2")},
		RolloutFunc: func(v dokploytest.Version) dokploytest.Rollout {
			return dokploytest.Rollout{
				Crash: v.N > 0, CrashAfter: 2 * time.Second,
				Log: []string{"api 1.4.2 starting", "connecting to postgres://api:hunter2hunter2@db/shop", `Error: relation "prices" does not exist`},
			}
		},
	}
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
