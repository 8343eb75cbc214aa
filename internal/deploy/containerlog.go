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

// containerLog reads the log of what failed: of the named service of a stack or
// container of docker-compose, if any. If no look has shown containers yet, it
// takes one.
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
		// application.readLogs returns the first running container: after a
		// rollback that is the old one.
		text, err = v.client.ContainerLog(ctx, v.service, container.ID, containerTail)
	}
	if v.service.Kind == dokploy.Compose || err != nil && container.State == "running" {
		text, err = v.client.ReadContainerLogs(ctx, v.service.Kind, v.service.ID, container.ID, containerTail)
	}
	if err != nil || strings.TrimSpace(text) == "" {
		return containerLog{} // an older server has none; the reason is shown nevertheless
	}
	log := containerLog{name: container.Name}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\r\n"), "\n") {
		log.lines = append(log.lines, strings.ToValidUTF8(clockTime(strings.TrimRight(line, "\r")), ""))
	}
	return log
}

// concerned returns the containers that may have failed, newest first: new ones
// and, for docker-compose, those that were there before. If the judge named a
// service or container, only that one's count, and there may be none.
func (v *verifier) concerned(service, name string) []dokploy.Container {
	swarm := v.service.Kind != dokploy.Compose || v.service.ComposeType == "stack"
	return slices.DeleteFunc(slices.Clone(v.last.Containers), func(c dokploy.Container) bool {
		of, _, _, _ := c.Task()
		return service != "" && of != service || name != "" && c.Name != name || swarm && !isNew(c, v.prior.view)
	})
}

// culprit picks the container to look at: one that failed, else the newest.
// named says that the judge has named it.
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

// isNew reports whether a view contains neither a container nor its task.
func isNew(c dokploy.Container, before rollout.View) bool {
	return !before.Shows(c)
}

// checkSaid returns what the health check of an unhealthy container last wrote,
// in parentheses; empty if there is none, or if the key may not see it.
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

// clockTime truncates the time in front of each line to hours, minutes and
// seconds.
func clockTime(line string) string {
	stamp, text, ok := strings.Cut(line, " ")
	if t, err := time.Parse(time.RFC3339Nano, stamp); ok && err == nil {
		return t.UTC().Format("15:04:05Z ") + text
	}
	return line
}
