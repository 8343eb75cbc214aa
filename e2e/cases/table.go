package cases

import (
	"os"
	"slices"
	"strings"
	"syscall"
)

// GoodFile is a compose file whose service runs.
const GoodFile = "services:\n  web:\n    image: {image}\n"

const (
	missingFile = "services:\n  web:\n    image: {missing}\n"
	crashFile   = "services:\n  web:\n    image: {crash}\n    restart: always\n"
)

var app = []Service{{Name: "app"}}

// All are the cases.
var All = slices.Concat(plain, prepared, built, ordered, fromGit, followed, previews, hard)

// plain are deployments of what exists.
var plain = []Case{
	{
		Name: "application by id", Services: app, Inputs: []string{"application={app}", "stable-for="},
		Status: "done", Says: []string{"✓ app deployed in "},
	},
	{
		Name: "application by path", Services: app, Inputs: []string{"application={project}/production/app", "title=by path"},
		Status: "done", After: func(r *Run, o *Outcome) {
			if row := r.Row(o); row.Title != "by path" || row.Status != "done" {
				r.Errorf("%+v", row)
			}
		},
	},
	{
		Name: "redeploy", Services: []Service{{Name: "app", Deployed: true}},
		Inputs: []string{"application={app}", "operation=redeploy"}, Status: "done", Says: []string{"/api/application.redeploy 200"},
	},
	{
		Name: "missing image", Services: []Service{{Name: "app", Image: "{missing}"}}, Inputs: []string{"application={project}/app"},
		Code: 1, Status: "error", Says: []string{"✗ app failed", "registry.invalid"},
	},
	{
		Name: "compose", Services: []Service{{Name: "stack", File: GoodFile}}, Inputs: []string{"compose={project}/stack"},
		Status: "done", Says: []string{"Docker Compose Deployed: ✅"},
	},
	{
		Name: "broken compose", Services: []Service{{Name: "stack", File: missingFile}}, Inputs: []string{"compose={stack}"},
		Code: 1, Status: "error", Says: []string{"✗ stack failed"},
	},
	{
		Name: "stack", Services: []Service{{Name: "stack", File: GoodFile, Stack: true}}, Inputs: []string{"compose={stack}", "verify=require"},
		Status: "done",
	},
	{
		Name:     "several at once",
		Services: []Service{{Name: "app"}, {Name: "bad", Image: "{missing}"}, {Name: "stack", File: GoodFile}},
		Inputs:   []string{"application={project}/app,{project}/bad", "compose={project}/stack"},
		Code:     1, Status: "error",
		After: func(r *Run, o *Outcome) {
			var status []string
			for _, t := range o.Targets {
				status = append(status, t.Status)
			}
			if !slices.Equal(status, []string{"done", "error", "done"}) {
				r.Errorf("status %v", status)
			}
			if ids := strings.Split(o.Values["DOKPLOY_DEPLOYMENT_ID"], ","); len(ids) != 3 || slices.Contains(ids, "") {
				r.Errorf("deployment ids %v", ids)
			}
		},
	},
	{
		Name: "not followed", Services: app, Inputs: []string{"application={app}", "wait=false"}, Status: "queued",
		After: func(r *Run, _ *Outcome) { r.AwaitEnd(r.ID("app")) },
	},
	{
		Name: "not there", Inputs: []string{"application={project}/nobody"}, Code: 2, Status: "invalid", Says: []string{"nobody"},
	},
	{
		Name: "a wrong key", Services: app, Inputs: []string{"application={app}", "api-key=this-is-not-a-key"},
		Code: 3, Status: "refused", Says: []string{"Dokploy refuses the key (401)"},
	},
	{
		Name: "interrupted", Services: []Service{{Name: "slow", Built: true}},
		Before: func(r *Run) { r.Work(r, r.ID("slow"), Work{Seconds: 5}) },
		Inputs: []string{"application={slow}"},
		During: func(r *Run, p *os.Process) {
			r.AwaitSaid("second 1")
			_ = p.Signal(syscall.SIGTERM)
		},
		Code: 143, Status: "interrupted", Says: []string{"continues there"},
		After: func(r *Run, o *Outcome) {
			r.AwaitEnd(r.ID("slow"))
			if row := r.Row(o); row.Status != "done" {
				r.Errorf("%+v", row)
			}
		},
	},
}

// prepared are the cases with changes before the deployment and checks after
// it.
var prepared = []Case{
	{
		Name: "image and environment are set", Services: []Service{{Name: "app", Image: "{missing}"}},
		Before: func(r *Run) {
			r.API("application.update", map[string]string{"applicationId": r.ID("app"), "env": "# by hand\nA=1\n\nB='two # words'\n"}, nil)
		},
		Inputs: []string{"application={app}", "image={image}", "env=A=three-of-them\nC=4", "verify=require"},
		Status: "done", Says: []string{"image: {missing} → {image}", "env: adds C; changes A; 1 other unchanged"}, Not: []string{"three-of-them"},
		After: func(r *Run, o *Outcome) {
			want := "# by hand\nA=three-of-them\n\nB='two # words'\nC=4\n"
			if got := r.Settings(r.ID("app")); got.DockerImage != r.Text("{image}") || got.Env != want {
				r.Errorf("image %q, environment %q, want %q", got.DockerImage, got.Env, want)
			}
			if o.Targets[0].Verified != "yes" {
				r.Errorf("verified %q", o.Targets[0].Verified)
			}
		},
	},
	{
		Name: "what stands is not sent again", Services: app, Inputs: []string{"application={app}", "image={image}", "env=C=4"},
		Before: func(r *Run) {
			r.API("application.update", map[string]string{"applicationId": r.ID("app"), "env": "C=4"}, nil)
		},
		Status: "done", Not: []string{"application.update", "saveEnvironment"},
	},
	{
		Name: "a stack does not get all of a value", Services: []Service{{Name: "stack", File: GoodFile, Stack: true}},
		Inputs: []string{"compose={stack}", "env=CERT='one-of-them\ntwo-of-them'\nA=x$y #", "verify=off"},
		Status: "done", Says: []string{"! env: env_file passes only the first line of CERT"}, Not: []string{"of-them"},
		After: func(r *Run, _ *Outcome) {
			if got := r.Settings(r.ID("stack")); !strings.Contains(got.Env, "CERT='one-of-them\ntwo-of-them'") {
				r.Errorf("environment %q", got.Env)
			}
		},
	},
	{
		Name: "a source without the Dockerfile", Services: []Service{{Name: "app", Built: true}}, Files: map[string]string{"source/dockerfile": "FROM {image}\n"},
		Inputs: []string{"application={app}", "source={dir}/source"}, Code: 2, Status: "invalid", Says: []string{"error: source: Dockerfile, the Dockerfile of app, is not in "},
		Not: []string{"debug: POST"},
	},
	{
		Name: "dry-run", Services: app, Inputs: []string{"application={app}", "image={missing}", "env=Z=1", "dry-run=true"},
		Status: "done", Says: []string{"image: {image} → {missing}", "env: adds Z"}, Not: []string{"debug: POST"},
		After: func(r *Run, _ *Outcome) {
			if got := r.Settings(r.ID("app")); got.DockerImage != r.Text("{image}") || strings.Contains(got.Env, "Z=") || len(r.Rows(r.ID("app"))) > 0 {
				r.Errorf("something was changed: %+v", got)
			}
		},
	},
	{
		Name: "a missing image goes back", Services: []Service{{Name: "app", Deployed: true}},
		Inputs: []string{"application={app}", "image={missing}", "rollback=true"},
		Code:   1, Status: "error", Says: []string{"nothing was replaced"},
		After: func(r *Run, _ *Outcome) {
			if got := r.Settings(r.ID("app")); got.DockerImage != r.Text("{image}") {
				r.Errorf("image %q", got.DockerImage)
			}
		},
	},
	{
		Name: "a crash is told", Services: []Service{{Name: "app", Deployed: true}},
		Before: func(r *Run) { r.Crash(r, r.ID("app")) },
		Inputs: []string{"application={app}"}, Code: 1, Status: "unhealthy", Says: []string{"✗ app was deployed but is not running"},
	},
	{
		Name: "a first deployment that crashes", Services: app, Before: func(r *Run) { r.Crash(r, r.ID("app")) },
		Inputs: []string{"application={app}"}, Code: 1, Status: "unhealthy", Says: []string{"✗ app was deployed but is not running"},
	},
	{
		Name: "a crash goes back", Services: []Service{{Name: "app", Deployed: true}}, Needs: NeedsCrash,
		Inputs: []string{"application={app}", "image={crash}", "rollback=true"},
		Code:   1, Status: "unhealthy", Says: []string{"rollback: "},
		After: func(r *Run, _ *Outcome) {
			if got := r.Settings(r.ID("app")); got.DockerImage != r.Text("{image}") {
				r.Errorf("image %q", got.DockerImage)
			}
		},
	},
	{
		Name: "going back means what ran", Services: []Service{{Name: "app", Deployed: true}}, Needs: NeedsCrash,
		Before: func(r *Run) { // as a failed earlier run leaves it
			r.API("application.update", map[string]string{"applicationId": r.ID("app"), "dockerImage": r.Text("{missing}")}, nil)
		},
		Inputs: []string{"application={app}", "image={crash}", "rollback=true"},
		Code:   1, Status: "unhealthy", Says: []string{"rollback: ", "restored to what was running before ({image})"},
		After: func(r *Run, _ *Outcome) {
			if got := r.Settings(r.ID("app")); got.DockerImage != r.Text("{image}") {
				r.Errorf("image %q", got.DockerImage)
			}
		},
	},
	{
		Name: "nothing of a compose service is replaced", Services: []Service{{Name: "stack", File: GoodFile, Deployed: true}},
		Inputs: []string{"compose={stack}"}, Status: "done", Says: []string{"! nothing was replaced: ", "pull_policy: always"},
		After: func(r *Run, o *Outcome) {
			if o.Targets[0].Verified != "unchanged" {
				r.Errorf("verified %q", o.Targets[0].Verified)
			}
		},
	},
	{
		Name: "nothing of a stack is replaced, and that is required", Services: []Service{{Name: "stack", File: GoodFile, Stack: true, Deployed: true}},
		Inputs: []string{"compose={stack}", "verify=require"}, Code: 1, Status: "unhealthy", Says: []string{"✗ stack was deployed but is unchanged", "a pinned tag"},
		After: func(r *Run, o *Outcome) {
			if o.Targets[0].Verified != "unchanged" {
				r.Errorf("verified %q", o.Targets[0].Verified)
			}
		},
	},
	{
		Name: "a compose service that crashes", Services: []Service{{Name: "stack", File: crashFile}}, Needs: NeedsCrash,
		Inputs: []string{"compose={stack}"}, Code: 1, Status: "unhealthy", Says: []string{"✗ stack was deployed but is not running"},
	},
	{
		Name: "a stack that crashes", Services: []Service{{Name: "stack", File: crashFile, Stack: true}}, Needs: NeedsCrash,
		Inputs: []string{"compose={stack}"}, Code: 1, Status: "unhealthy", Says: []string{"✗ stack was deployed but is not running"},
	},
	{
		Name: "an address that answers", Services: app, Inputs: []string{"application={app}", "health-url={url}/api/health"}, Status: "done",
	},
	{
		Name: "an address that does not", Services: app,
		Inputs: []string{"application={app}", "health-url={url}/no-such-page", "health-timeout=5"},
		Code:   1, Status: "unhealthy", Says: []string{"404"},
	},
	{
		Name: "a compose file is set", Services: []Service{{Name: "stack", File: missingFile}}, Files: map[string]string{"compose.yml": GoodFile},
		Inputs: []string{"compose={stack}", "compose-file={dir}/compose.yml", "verify=require"}, Status: "done",
		After: func(r *Run, _ *Outcome) {
			if got := r.Settings(r.ID("stack")); got.ComposeFile != r.Text(GoodFile) || got.SourceType != "raw" {
				r.Errorf("%+v", got)
			}
		},
	},
	{
		Name: "a compose file goes back", Services: []Service{{Name: "stack", File: GoodFile, Deployed: true}},
		Files:  map[string]string{"compose.yml": missingFile},
		Inputs: []string{"compose={stack}", "compose-file={dir}/compose.yml", "rollback=true"},
		Code:   1, Status: "error", Says: []string{"it was deployed again and is running"},
		After: func(r *Run, _ *Outcome) {
			if got := r.Settings(r.ID("stack")); got.ComposeFile != r.Text(GoodFile) {
				r.Errorf("%+v", got)
			}
		},
	},
	{
		Name: "a source is uploaded", Services: []Service{{Name: "app", Built: true}},
		Files:  map[string]string{"source/Dockerfile": "FROM {image}\nENV UPLOADED=1\n"},
		Inputs: []string{"application={app}", "source={dir}/source", "verify=require"}, Status: "done", Not: []string{"application.deploy"},
		After: func(r *Run, o *Outcome) {
			if row := r.Row(o); row.Title != "Manual deployment" || row.Status != "done" {
				r.Errorf("%+v", row)
			}
		},
	},
	{
		// A current BuildKit names the line, too: "Dockerfile:2: RUN …".
		Name: "a build that breaks", Services: []Service{{Name: "broken", Built: true}},
		Files:  map[string]string{"source/Dockerfile": "FROM {image}\nRUN set -e; \\\n    echo \"3 passed, 1 failed\"; \\\n    exit 7\n"},
		Inputs: []string{"application={broken}", "source={dir}/source", "logs=off"}, Code: 1, Status: "error",
		Says: []string{"✗ broken failed", `RUN set -e; echo "3 passed, 1 failed"; exit 7 → exit code 7`, "\n    3 passed, 1 failed\n"},
	},
	{
		Name: "a build whose image is missing", Services: []Service{{Name: "imageless", Built: true}},
		Files:  map[string]string{"source/Dockerfile": "FROM {missing}\n"},
		Inputs: []string{"application={imageless}", "source={dir}/source", "logs=off"}, Code: 1, Status: "error",
		Says: []string{"✗ imageless failed", "FROM {missing}: ", "no such host"},
	},
	{
		Name: "an image for what is built", Services: []Service{{Name: "app", Built: true}}, Inputs: []string{"application={app}", "image={image}"},
		Code: 2, Status: "invalid", Says: []string{"built from source"},
	},
	{
		Name: "what was built before is put back", Services: []Service{{Name: "app", Built: true, Rollback: true, Deployed: true}}, Needs: NeedsRegistry,
		Before: func(r *Run) { r.Crash(r, r.ID("app")) },
		Inputs: []string{"application={app}", "rollback=true", "stable-for=10s"}, Code: 1, Status: "unhealthy",
		Says: []string{"rollback: ", "/api/rollback.rollback 200"},
	},
}
