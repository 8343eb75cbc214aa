package dokploy

import (
	"context"
	"net/url"
	"strings"
	"time"
)

// Task is a Swarm task of a service (docs/dokploy.md, What runs: applications).
type Task struct {
	ID      string // only its first 12 characters before 0.27
	Service string // the service's name in Swarm
	Slot    string // or the node's id, for a global service
	Desired string // ready, running, shutdown, remove
	State   string // Pending … Running, Complete, Failed, Rejected, Shutdown; empty before 0.27
	Error   string
	Age     time.Duration // of State, at least
	Aged    bool          // Age is known
}

type wireTask struct {
	ContainerID  string `json:"containerId"`
	Name         string `json:"name"`
	State        string `json:"state"`
	CurrentState string `json:"currentState"`
	Status       string `json:"status"`
	Error        string `json:"error"`
}

func (w wireTask) task() Task {
	t := Task{ID: w.ContainerID, Desired: strings.ToLower(w.State), Error: taskError(w.Error)}
	t.Service, t.Slot = w.Name, ""
	if i := strings.LastIndex(w.Name, "."); i >= 0 {
		t.Service, t.Slot = w.Name[:i], w.Name[i+1:]
	}
	t.State, _, _ = strings.Cut(w.CurrentState, " ")
	t.Age, t.Aged = age(w.CurrentState)
	return t
}

// shown converts a container in a stack's list, as members see it, to a task.
// With appType=stack the server lists tasks that should run as containers.
func (w wireTask) shown() (Task, bool) {
	status, failure, _ := strings.Cut(w.Status, " (")
	t := Task{Desired: "running", Error: taskError(strings.TrimSuffix(failure, ")"))}
	var ok bool
	t.Service, t.Slot, t.ID, ok = Container{Name: w.Name}.Task()
	t.State, _, _ = strings.Cut(status, " ")
	if t.State == "" && w.State != "" {
		t.State = strings.ToUpper(w.State[:1]) + w.State[1:]
	}
	t.Age, t.Aged = age(status)
	return t, ok
}

// taskError strips the quotes of an error; without one the text is "" or
// "Error:".
func taskError(s string) string {
	s = strings.TrimSpace(s)
	if s == "Error:" {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(s, `"`), `"`)
}

func (c *Client) tasks(ctx context.Context, procedure, appName, serverID string) ([]Task, error) {
	wire, err := list[wireTask](ctx, c, procedure, url.Values{"appName": {appName}, "serverId": {serverID}})
	if err != nil {
		return nil, err
	}
	tasks := make([]Task, 0, len(wire))
	for _, w := range wire {
		tasks = append(tasks, w.task())
	}
	return tasks, nil
}

// Tasks lists the Swarm tasks of an application, the newest of each slot first.
// An empty list means unknown, not none. It needs the right "access to Docker".
func (c *Client) Tasks(ctx context.Context, appName, serverID string) ([]Task, error) {
	return c.tasks(ctx, "docker.getServiceContainersByAppName", appName, serverID)
}

// StackTasks lists the tasks of a stack's services, like Tasks.
func (c *Client) StackTasks(ctx context.Context, stack, serverID string) ([]Task, error) {
	return c.tasks(ctx, "docker.getStackContainersByAppName", stack, serverID)
}

// StackTasksShown lists the tasks of a stack that should run now, which is all
// that a plain member sees. A crash loop appears and disappears in it.
func (c *Client) StackTasksShown(ctx context.Context, stack, serverID string) ([]Task, error) {
	wire, err := list[wireTask](ctx, c, "docker.getContainersByAppNameMatch", url.Values{
		"appName": {stack}, "appType": {"stack"}, "serverId": {serverID},
	})
	if err != nil {
		return nil, err
	}
	var tasks []Task
	for _, w := range wire {
		if t, ok := w.shown(); ok && strings.HasPrefix(t.Service, stack+"_") {
			tasks = append(tasks, t)
		}
	}
	return tasks, nil
}

// ComposeServices lists the services in a compose file.
func (c *Client) ComposeServices(ctx context.Context, composeID string) ([]string, error) {
	return list[string](ctx, c, "compose.loadServices", url.Values{"composeId": {composeID}})
}
