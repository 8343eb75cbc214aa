package dokploy

import (
	"context"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Container is one of Docker's containers on one host.
type Container struct {
	ID     string
	Name   string
	State  string // created, running, exited, restarting, dead, paused, removing
	Status string // "Up 3 seconds (health: starting)"; empty before 0.27
}

// Health is starting, healthy, unhealthy, or empty: no health check, or not
// known.
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

// ExitCode is that of a container that ended; false if it is not known.
func (c Container) ExitCode() (int, bool) {
	m := statusCode.FindStringSubmatch(c.Status)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}

// Age is how long the container has been in its state, at least; false if it
// is not known.
func (c Container) Age() (time.Duration, bool) { return age(c.Status) }

// Task is the task that the container is of, in its full length, by the
// container's name; false for a container that is not swarm's.
func (c Container) Task() (service, slot, id string, ok bool) {
	parts := strings.Split(c.Name, ".")
	if len(parts) < 3 {
		return "", "", "", false
	}
	n := len(parts)
	return strings.Join(parts[:n-2], "."), parts[n-2], parts[n-1], true
}

// Containers lists the containers of a service on its host, ended ones
// included; a plain member may. appType is empty for what swarm runs
// (applications, and stacks), docker-compose for the other. The server gives
// all whose names begin alike: those of other services are left out.
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
