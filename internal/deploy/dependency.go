package deploy

import (
	"context"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// explainDependency handles a deployment that docker-compose ended because a
// service that others depend on failed: it adds what that service wrote.
func explainDependency(ctx context.Context, t target, v *verifier, e end) end {
	if e.outcome.Status != verdict.Failed || t.service.Kind != dokploy.Compose || t.service.ComposeType == "stack" {
		return e
	}
	container, service := failedDependency(e.outcome.Reason.Text)
	if container == "" && service == "" {
		return e
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	containers, err := v.look.containers(ctx)
	if err != nil {
		return e
	}
	i := slices.IndexFunc(containers, func(c dokploy.Container) bool {
		return c.Name == container || service != "" && strings.HasPrefix(c.Name, t.service.AppName+"-"+service+"-")
	})
	if i < 0 {
		return e
	}
	v.last.Containers = containers
	broken := containers[i]
	if broken.Health() == "unhealthy" {
		e.outcome.Reason.Text += v.checkSaid(ctx, "", broken.Name)
	}
	return e.showing(v.containerLog(ctx, "", broken.Name))
}

// failedDependency parses docker-compose's error about such a service, which
// names its container or the service; both are empty for other errors.
func failedDependency(cause string) (container, service string) {
	if rest, ok := strings.CutPrefix(cause, "dependency failed to start: container "); ok {
		container, _, _ = strings.Cut(rest, " ")
		return container, ""
	}
	if rest, ok := strings.CutPrefix(cause, `service "`); ok {
		service, rest, _ = strings.Cut(rest, `"`)
		if strings.HasPrefix(rest, " didn't complete successfully") {
			return "", service
		}
	}
	return "", ""
}
