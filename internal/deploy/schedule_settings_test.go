package deploy

import (
	"fmt"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// settingsFrom is the first seed in which build arguments are set.
const settingsFrom = 600_000_000_000_000

const (
	oldArgs = "VERSION=1"
	newArgs = "VERSION=2"
)

// buildArguments makes this choice.
func (s *schedule) buildArguments(c chooser) {
	if s.kind == "application" && s.source == "git" && c.one(3) {
		s.prepare = "build-args"
	}
}

// builtFromDockerfile returns the application that has them.
func (s *schedule) builtFromDockerfile(a dokploytest.Application) dokploytest.Application {
	if s.prepare == "build-args" {
		a.HowBuilt, a.BuildArgs = fromDockerfile, oldArgs
	}
	return a
}

// commit: the commit is that of the row that was followed, and exists if
// nothing was in the way. A row that somebody removes at its end may disappear
// before its text comes.
func (j *judgement) commit() {
	d := j.truth.ofRow(j.r.DeploymentID)
	if j.follow != nil {
		j.builtCommit()
		return
	}
	told := j.git() && j.operation == "deploy" && !j.upload && j.prepare != "compose-file" // which makes it raw
	switch got := j.r.Commit; {
	case got != "" && (!told || d == nil || got != fmt.Sprintf("%040d", d.n)):
		j.bad("the commit is said to be %s", got)
	case got == "" && told && j.modern(0, 25, 7) && j.r.Status == verdict.Done && len(j.hurts) == 0 && j.own.odd == "" && !j.truth.removed[j.r.DeploymentID]:
		j.bad("done without a commit")
	}
}
