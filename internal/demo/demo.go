// Package demo has the deployments that the demo and the README show, against
// a stand-in Dokploy.
package demo

import (
	"time"

	"dokploy-deploy/internal/dokploytest"
)

// Deployment is one of them.
type Deployment struct {
	Name   string // the argument of the demo; empty: the first one
	Inputs []string
	api    dokploytest.Application
}

// Deployments are all of them.
var Deployments = []Deployment{
	{Name: "", api: built(false)},
	{Name: "fail", api: built(true)},
	{
		Name:   "crash",
		Inputs: []string{"DOKPLOY_IMAGE=ghcr.io/acme/api:1.4.2", "DOKPLOY_ENV=FEATURE_PRICES=on", "DOKPLOY_ROLLBACK=true"},
		api:    crashes(),
	},
}

// Server is a Dokploy with a shop whose web application is being built, so that
// the deployment of its api waits for a moment.
func (d Deployment) Server() *dokploytest.Server {
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
	server.Enqueue(web, "feat: a new front page", "")
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
