package deploy

import (
	"os"
	"strings"
	"testing"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// documentedRows returns the rows of a table in docs/verifying.md: the first
// cell of each, below a line that begins with heading.
func documentedRows(t *testing.T, heading string) []string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/verifying.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(raw), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("docs/verifying.md has no table below %q", heading)
	}
	var rows []string
	for line := range strings.SplitSeq(table, "\n") {
		cells := strings.Split(line, " | ")
		switch {
		case !strings.HasPrefix(line, "|") && len(rows) > 0:
			return rows[1:] // without the header rows
		case strings.HasPrefix(line, "| "):
			rows = append(rows, strings.TrimPrefix(cells[0], "| "))
		}
	}
	return rows
}

// The way back follows the documented table: each row has cases, and each case
// a row.
func TestWayBackIsTheTable(t *testing.T) {
	docker := &dokploy.Service{Kind: dokploy.Application, SourceType: "docker", Image: "x:2"}
	git := &dokploy.Service{Kind: dokploy.Application, SourceType: "git"}
	compose := &dokploy.Service{Kind: dokploy.Compose, SourceType: rawSource}
	set := func(fields ...dokploy.Field) (cs changes) {
		values := map[dokploy.Field][2]dokploy.Secret{dokploy.FieldImage: {"x:2", "x:1"}, dokploy.FieldEnv: {"A=2", "A=1"}, dokploy.FieldComposeFile: {"new", "old"}}
		for i := range settings {
			for _, f := range fields {
				if settings[i].field == f {
					cs = append(cs, change{&settings[i], values[f][0], values[f][1]})
				}
			}
		}
		return cs
	}
	const image, env, file = dokploy.FieldImage, dokploy.FieldEnv, dokploy.FieldComposeFile
	done := ran{earlier: &dokploy.Deployment{Status: "done"}}
	failed := ran{earlier: &dokploy.Deployment{Status: "error"}}
	before := func(x ran) *history { return &history{ran: x} }
	kept := &history{kept: &dokploy.Rollback{ID: "r"}}

	tests := map[string][]struct {
		name string
		f    failure
		kind wayKind
		why  string
		img  string
	}{
		"nothing was deployed or replaced, or the build or pull failed": {
			{"refused before the trigger", failure{status: verdict.Failed, service: docker, changes: set(image)}, restore, "", ""},
			{"the pull failed", failure{status: verdict.Failed, ended: true, service: docker, changes: set(image)}, restore, "", ""},
			{"another image ran", failure{status: verdict.Failed, ended: true, service: docker, changes: set(image), swarm: "x:0"}, restore, "", "x:0"},
			{"swarm's digest", failure{status: verdict.Failed, ended: true, service: docker, changes: set(image), swarm: "x:1@sha256:" + strings.Repeat("a", 64)}, restore, "", ""},
			{"the environment alone", failure{status: verdict.Failed, ended: true, service: docker, changes: set(env), swarm: "x:0"}, restore, "", ""},
			{"nothing set, the build failed", failure{status: verdict.Failed, ended: true, service: git}, restore, "", ""},
			{"nothing of a compose service was replaced", failure{status: verdict.Failed, ended: true, unchanged: true, service: compose, changes: set(file)}, restore, "", ""},
			{"nothing was set or deployed", failure{status: verdict.Unreachable, service: docker}, noWay, "", ""},
		},
		"Swarm rolled back by itself (Dokploy's default within the first seconds)": {
			{"with an image", failure{status: verdict.Unhealthy, ended: true, swarmBack: true, service: docker, changes: set(image)}, restore, "", ""},
			{"with nothing", failure{status: verdict.Unhealthy, ended: true, swarmBack: true, service: git}, restore, "", ""},
		},
		"it was deployed and does not run or answer, and this run had set image, environment or compose file": {
			{"nobody has looked", failure{status: verdict.Unhealthy, ended: true, service: docker, changes: set(image)}, lookAtHistory, "", ""},
			{"an image", failure{status: verdict.Unhealthy, ended: true, service: docker, asked: "x:2", changes: set(image), before: before(done)}, redeploy, "", "x:1"},
			{"while it was verified", failure{status: verdict.Timeout, ended: true, service: docker, asked: "x:2", changes: set(image), before: before(done)}, redeploy, "", "x:1"},
			{"another image ran", failure{status: verdict.Unhealthy, ended: true, service: docker, asked: "x:2", changes: set(image), before: before(ran{image: "x:0"})}, redeploy, "", "x:0"},
			{"an environment", failure{status: verdict.Unhealthy, ended: true, service: docker, changes: set(env), before: before(done)}, redeploy, "", ""},
			{"an environment under the same tag", failure{status: verdict.Unhealthy, ended: true, service: docker, asked: "x:2", changes: set(env), before: before(done)}, redeploy, "", ""},
			{"a compose file", failure{status: verdict.Unhealthy, ended: true, service: compose, changes: set(file), before: before(done)}, redeploy, "", ""},
			{"a compose service that failed half-way", failure{status: verdict.Failed, ended: true, service: compose, changes: set(file), before: before(done)}, redeploy, "", ""},
		},
		"the same for an application that Dokploy builds": {
			{"Dokploy keeps a version", failure{status: verdict.Unhealthy, ended: true, service: git, before: kept}, dokployOwn, "", ""},
			{"and something was set", failure{status: verdict.Unhealthy, ended: true, service: git, changes: set(env), before: kept}, dokployOwn, "", ""},
			{"it keeps none", failure{status: verdict.Unhealthy, ended: true, service: git, changes: set(env), before: &history{}}, redeploy, "", ""},
			{"whatever ran", failure{status: verdict.Unhealthy, ended: true, service: git, changes: set(env), before: before(failed)}, redeploy, "", ""},
			{"an image that this run has not set", failure{status: verdict.Unhealthy, ended: true, service: docker, before: kept}, dokployOwn, "", ""},
		},
		"the previous version had the same image tag, and nothing else was set": {
			{"set once more", failure{status: verdict.Unhealthy, ended: true, service: docker, asked: "x:2", before: before(ran{image: "x:2"})}, impossible, "the same tag", ""},
			{"as far as Dokploy tells", failure{status: verdict.Unhealthy, ended: true, service: docker, asked: "x:2", before: before(done)}, impossible, "the same tag", ""},
		},
		"what ran before is not known, or nothing ran": {
			{"the deployment before failed", failure{status: verdict.Unhealthy, ended: true, service: docker, asked: "x:2", changes: set(image), before: before(failed)}, impossible, `ended as "error"`, ""},
			{"what was set for it", failure{status: verdict.Unhealthy, ended: true, service: compose, changes: set(file), before: before(failed)}, impossible, "the previous version is not known", ""},
			{"it is not shown", failure{status: verdict.Unhealthy, ended: true, service: docker, changes: set(env), before: before(ran{unread: true})}, impossible, "does not show the earlier deployments", ""},
			{"nothing ran", failure{status: verdict.Unhealthy, ended: true, service: docker, asked: "x:2", changes: set(image), before: before(ran{nothing: true})}, impossible, "nothing was running before", ""},
			{"another image ran than is set", failure{status: verdict.Unhealthy, ended: true, service: docker, changes: set(env), before: before(ran{image: "x:9"})}, impossible, "which this run did not change", ""},
		},
		"the health URL could not be asked, someone stopped the service, another deployment came after this one": {
			{"another deployment", failure{status: verdict.Unhealthy, ended: true, notOurs: "another", service: docker, changes: set(image)}, notTried, "another", ""},
			{"it may go on", failure{status: verdict.Timeout, mayGoOn: true, service: docker, changes: set(image)}, notTried, "may still be going on", ""},
			{"it may go on, but the key is refused", failure{status: verdict.Refused, mayGoOn: true, service: docker, changes: set(image)}, noWay, "", ""},
		},
		"there is nothing to go back to": {
			{"an application", failure{status: verdict.Unhealthy, ended: true, service: git, before: &history{}}, impossible, "Dokploy keeps no previous version", ""},
			{"a compose service", failure{status: verdict.Unhealthy, ended: true, service: compose, before: &history{}}, impossible, "no settings that could be restored", ""},
		},
	}
	rows := documentedRows(t, "With `rollback: true`, when the deployment failed:\n")
	if len(rows) != len(tests) {
		t.Errorf("%d rows, %d with cases", len(rows), len(tests))
	}
	for _, row := range rows {
		if len(tests[row]) == 0 {
			t.Errorf("no case for %q", row)
		}
		for _, tt := range tests[row] {
			w := wayBack(tt.f)
			if w.kind != tt.kind || w.image != tt.img || (w.why == "") != (tt.why == "") || !strings.Contains(w.why, tt.why) {
				t.Errorf("%s: %s: %+v", row, tt.name, w)
			}
		}
	}
	for _, status := range []verdict.Status{verdict.Done, verdict.Queued, verdict.Interrupted} {
		if w := wayBack(failure{status: status, ended: true, service: docker, changes: set(image)}); w.kind != noWay {
			t.Errorf("%s: %+v", status, w)
		}
	}
}
