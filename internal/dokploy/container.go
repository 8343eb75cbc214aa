package dokploy

import (
	"context"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Container is a Docker container on one host.
type Container struct {
	ID     string
	Name   string
	State  string // created, running, exited, restarting, dead, paused, removing
	Status string // "Up 3 seconds (health: starting)"; empty before 0.27
}

// Health is starting, healthy, unhealthy, or empty: no health check, or
// unknown.
func (c Container) Health() string {
	for _, h := range []string{"unhealthy", "healthy"} {
		if strings.HasSuffix(c.Status, "("+h+")") {
			return h
		}
	}
	if strings.HasSuffix(c.Status, "(health: starting)") {
		return "starting"
	}
	return ""
}

var statusCode = regexp.MustCompile(`^(?:Exited|Restarting) \((-?\d+)\)`)

// ExitCode returns the exit code of a container that has ended; false if it is
// unknown.
func (c Container) ExitCode() (int, bool) {
	m := statusCode.FindStringSubmatch(c.Status)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}

// Age returns how long the container has been in its state, at least; false if
// that is unknown.
func (c Container) Age() (time.Duration, bool) { return age(c.Status) }

// Task returns the Swarm task that the container belongs to, with its full id,
// from the container's name; false for a container that is not Swarm's.
func (c Container) Task() (service, slot, id string, ok bool) {
	parts := strings.Split(c.Name, ".")
	if len(parts) < 3 {
		return "", "", "", false
	}
	n := len(parts)
	return strings.Join(parts[:n-2], "."), parts[n-2], parts[n-1], true
}

// Containers lists the containers of a service on its host, including ended
// ones. A plain member may call it. appType is "docker-compose" for
// docker-compose services, and empty for what Swarm runs (applications and
// stacks). The server returns all containers whose names start alike; those of
// other services are dropped.
func (c *Client) Containers(ctx context.Context, appName, appType, serverID string) ([]Container, error) {
	wire, err := list[wireTask](ctx, c, "docker.getContainersByAppNameMatch", url.Values{
		"appName": {appName}, "appType": {appType}, "serverId": {serverID},
	})
	if err != nil {
		return nil, err
	}
	var containers []Container
	for _, w := range wire {
		service, _, _, swarm := Container{Name: w.Name}.Task()
		if appType == "" && (!swarm || service != appName && !strings.HasPrefix(service, appName+"_")) {
			continue
		}
		containers = append(containers, Container{ID: w.ContainerID, Name: w.Name, State: w.State, Status: w.Status})
	}
	return containers, nil
}
