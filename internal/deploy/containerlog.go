package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
	"dokploy-deploy/internal/text"
)

// containerTail is how many lines of a failed container's log are shown.
const containerTail = 20

// containerLog reads that of what failed: of a service of a stack or a container
// of docker-compose, if they are named. Where no look has shown any yet, one is taken.
func (v *verifier) containerLog(ctx context.Context, service, name string) containerLog {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if len(v.last.Containers) == 0 {
		v.last.Containers, _ = v.look.containers(ctx)
	}
	container, found := culprit(v.concerned(service, name), v.prior.view, name != "")
	if !found {
		return containerLog{}
	}
	var (
		text string
		err  error
	)
	if v.service.Kind == dokploy.Application {
		// application.readLogs gives the first container that runs: after a
		// rollback that is the old one.
		text, err = v.client.ContainerLog(ctx, v.service, container.ID, containerTail)
	}
	if v.service.Kind == dokploy.Compose || err != nil && container.State == "running" {
		text, err = v.client.ReadContainerLogs(ctx, v.service.Kind, v.service.ID, container.ID, containerTail)
	}
	if err != nil || strings.TrimSpace(text) == "" {
		return containerLog{} // an older server has none; the reason is said all the same
	}
	log := containerLog{name: container.Name}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\r\n"), "\n") {
		log.lines = append(log.lines, strings.ToValidUTF8(clockTime(strings.TrimRight(line, "\r")), ""))
	}
	return log
}

// concerned are the containers that a failure may be of, the newest first: what
// is new, and of docker-compose what was there before, too. Where the judge has
// named a service or a container only its own are, and it may have none here.
func (v *verifier) concerned(service, name string) []dokploy.Container {
	swarm := v.service.Kind != dokploy.Compose || v.service.ComposeType == "stack"
	return slices.DeleteFunc(slices.Clone(v.last.Containers), func(c dokploy.Container) bool {
		of, _, _, _ := c.Task()
		return service != "" && of != service || name != "" && c.Name != name || swarm && !isNew(c, v.prior.view)
	})
}

// culprit is the container to look at: one that has failed, else the newest.
// named: the judge has named it.
func culprit(containers []dokploy.Container, before rollout.View, named bool) (dokploy.Container, bool) {
	for _, c := range containers {
		if code, ended := c.ExitCode(); ended && code != 0 || c.Health() == "unhealthy" || c.State == "restarting" || c.State == "dead" {
			return c, true
		}
	}
	for _, c := range containers {
		if named || isNew(c, before) {
			return c, true
		}
	}
	return dokploy.Container{}, false
}

// isNew reports whether a view shows neither a container nor its task.
func isNew(c dokploy.Container, before rollout.View) bool {
	return !before.Shows(c)
}

// checkSaid is what the health check of an unhealthy container wrote last, in
// parentheses; empty where there is none, or the key may not see it.
func (v *verifier) checkSaid(ctx context.Context, service, name string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	containers := v.concerned(service, name) // the newest may not have been checked yet
	for _, c := range containers[:min(len(containers), 3)] {
		check, err := v.client.FailedHealthCheck(ctx, c.ID, v.service.ServerID)
		switch {
		case err != nil:
			return ""
		case check == nil:
			continue
		}
		said := fmt.Sprintf("exit code %d", check.ExitCode)
		if output := text.OneLine(v.screen.mask(check.Output)); output != "" {
			said += ": " + output
		}
		return " (" + said + ")"
	}
	return ""
}

// clockTime cuts the time that Docker puts before each line to hours, minutes
// and seconds.
func clockTime(line string) string {
	stamp, text, ok := strings.Cut(line, " ")
	if t, err := time.Parse(time.RFC3339Nano, stamp); ok && err == nil {
		return t.UTC().Format("15:04:05Z ") + text
	}
	return line
}
