package dokploy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ErrMayNotLook is a good key whose owner has no right "access to Docker"
// (docs/dokploy.md, Keys and rights).
var ErrMayNotLook = errors.New("the key is not allowed to look at Docker")

// mayLook marks the answers that mean ErrMayNotLook.
func mayLook(err error) error {
	if Denied(err) {
		return fmt.Errorf("%w: %w", ErrMayNotLook, err)
	}
	return err
}

// Task is one of swarm's tasks of a service (docs/dokploy.md, What runs: applications).
type Task struct {
	ID      string // only its first 12 characters before 0.27
	Service string // its name in swarm
	Slot    string // or the node's id, of a global service
	Desired string // ready, running, shutdown, remove
	State   string // Pending … Running, Complete, Failed, Rejected, Shutdown; empty before 0.27
	Error   string
	Age     time.Duration // of State, at least
	Aged    bool          // Age is known
}

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

var agePattern = regexp.MustCompile(`(?i)\b(less than a second|about a minute|about an hour|\d+ (?:second|minute|hour|day|week|month|year)s?)\b`)

// age reads Docker's words for a time that has passed, and gives the least
// that they mean: Docker rounds hours, and cuts all else.
func age(s string) (time.Duration, bool) {
	words := strings.ToLower(agePattern.FindString(s))
	switch words {
	case "":
		return 0, false
	case "less than a second":
		return 0, true
	case "about a minute":
		return time.Minute, true
	case "about an hour":
		return time.Hour, true
	}
	count, unit, _ := strings.Cut(words, " ")
	n, err := strconv.Atoi(count)
	if err != nil {
		return 0, false
	}
	const day = 24 * time.Hour
	d := time.Duration(min(n, 100_000)) // 273 years: more would not fit
	switch strings.TrimSuffix(unit, "s") {
	case "second":
		return d * time.Second, true
	case "minute":
		return d * time.Minute, true
	case "hour":
		return d*time.Hour - 30*time.Minute, true
	case "day":
		return d * day, true
	case "week":
		return min(d, 5000) * 7 * day, true
	case "month":
		return min(d, 1200) * 30 * day, true
	}
	return min(d, 100) * 365 * day, true
}

// SwarmService is what docker inspect says of a service, as far as a rollout
// is judged by it. The rest, the environment above all, is not read.
type SwarmService struct {
	Image       string
	ForceUpdate uint64
	Mode        string // replicated, global, replicated-job, global-job
	Replicas    int    // of a replicated service; negative: not said
	Restart     string // any, on-failure, none; empty: not said
	// UpdateState is updating, completed, paused or rollback_…; empty on a
	// first deployment and after a stop, as is UpdateStartedAt.
	UpdateState     string
	UpdateStartedAt string
}

// Updating reports whether Swarm is replacing its tasks just now. A nil service is
// not.
func (s *SwarmService) Updating() bool {
	return s != nil && (s.UpdateState == "updating" || s.UpdateState == "rollback_started")
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

// shown is a task as a member sees a stack's: the containers' list, of which
// appType=stack makes one of tasks that should run.
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

// taskError takes off the quotes of a real error; none reads "" or "Error:".
func taskError(s string) string {
	s = strings.TrimSpace(s)
	if s == "Error:" {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(s, `"`), `"`)
}

// list reads a list; anything else in its place is an odd answer.
func list[T any](ctx context.Context, c *Client, procedure string, params url.Values) ([]T, error) {
	for name, values := range params {
		if values[0] == "" {
			params.Del(name)
		}
	}
	var wire listOf[T]
	if err := c.query(ctx, procedure, params, &wire); err != nil {
		return nil, mayLook(err)
	}
	if wire == nil {
		return nil, noList(procedure)
	}
	return wire, nil
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

// Tasks lists swarm's tasks of an application, the newest of a slot first. An
// empty list is unknown, not none. It needs the right "access to Docker".
func (c *Client) Tasks(ctx context.Context, appName, serverID string) ([]Task, error) {
	return c.tasks(ctx, "docker.getServiceContainersByAppName", appName, serverID)
}

// StackTasks lists the tasks of a stack's services, as Tasks does.
func (c *Client) StackTasks(ctx context.Context, stack, serverID string) ([]Task, error) {
	return c.tasks(ctx, "docker.getStackContainersByAppName", stack, serverID)
}

// StackTasksShown lists the tasks of a stack that should run now: all that a
// plain member is shown. A crash loop comes and goes in it.
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

// SwarmService inspects a service by name or id; nil if there is none (or
// Docker could not say). It needs the right "access to Docker".
func (c *Client) SwarmService(ctx context.Context, nameOrID, serverID string) (*SwarmService, error) {
	const procedure = "docker.getConfig"
	params := url.Values{"containerId": {nameOrID}}
	if serverID != "" {
		params.Set("serverId", serverID)
	}
	var raw rawAnswer
	if err := c.query(ctx, procedure, params, &raw); err != nil {
		if empty(err) {
			return nil, nil //nolint:nilnil // an empty body is the answer "none"
		}
		return nil, mayLook(err)
	}
	return parseService(raw)
}

// empty reports whether an answer has no body.
func empty(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusOK && e.Message == emptyAnswer
}

// ServiceOfTask is the id of the service that a task is of; empty if there is
// no such task. The name of an application that Dokploy builds is that of its
// image, too, and inspecting it gives the image (docs/dokploy.md, What runs: applications).
func (c *Client) ServiceOfTask(ctx context.Context, taskID, serverID string) (string, error) {
	params := url.Values{"containerId": {taskID}}
	if serverID != "" {
		params.Set("serverId", serverID)
	}
	var task struct{ ServiceID string }
	err := c.query(ctx, "docker.getConfig", params, &task)
	if empty(err) {
		return "", nil
	}
	return task.ServiceID, mayLook(err)
}

// ForceOfTask is the ForceUpdate that a task was made with; false if there is no
// such task. Each deployment of an application counts it up.
func (c *Client) ForceOfTask(ctx context.Context, taskID, serverID string) (uint64, bool, error) {
	params := url.Values{"containerId": {taskID}}
	if serverID != "" {
		params.Set("serverId", serverID)
	}
	var task struct {
		ServiceID string
		Spec      struct{ ForceUpdate uint64 }
	}
	err := c.query(ctx, "docker.getConfig", params, &task)
	if empty(err) {
		return 0, false, nil
	}
	return task.Spec.ForceUpdate, task.ServiceID != "", mayLook(err)
}

// MadeAt is when a container or a task on Dokploy's own host was made, by
// Docker's clock; zero: there is no such thing.
func (c *Client) MadeAt(ctx context.Context, id string) (time.Time, error) {
	var made struct{ Created, CreatedAt string }
	err := c.query(ctx, "docker.getConfig", url.Values{"containerId": {id}}, &made)
	if empty(err) {
		return time.Time{}, nil
	}
	return parseTime(cmp.Or(made.Created, made.CreatedAt)), mayLook(err)
}

// rawAnswer keeps an answer for parseService only.
type rawAnswer []byte

func (r *rawAnswer) UnmarshalJSON(b []byte) error {
	*r = bytes.Clone(b)
	return nil
}

// parseService reads the inspection of a service; nil for that of anything
// else: the name of an application can be that of an image, too.
func parseService(raw []byte) (*SwarmService, error) {
	type mode struct {
		Replicated    *struct{ Replicas *int }
		Global        *struct{}
		ReplicatedJob *struct{ TotalCompletions int }
		GlobalJob     *struct{}
	}
	var w struct {
		ID   string
		Spec struct {
			Mode         *mode
			TaskTemplate struct {
				ForceUpdate   uint64
				ContainerSpec struct{ Image string }
				RestartPolicy struct{ Condition string }
			}
		}
		UpdateStatus *struct{ State, StartedAt string }
	}
	if err := json.Unmarshal(raw, &w); err != nil || w.ID == "" || w.Spec.Mode == nil {
		return nil, nil //nolint:nilerr,nilnil // not a service
	}
	t := w.Spec.TaskTemplate
	s := &SwarmService{
		Image: t.ContainerSpec.Image, ForceUpdate: t.ForceUpdate, Restart: t.RestartPolicy.Condition,
	}
	switch m := w.Spec.Mode; {
	case m.Global != nil:
		s.Mode = "global"
	case m.GlobalJob != nil:
		s.Mode = "global-job"
	case m.ReplicatedJob != nil:
		s.Mode, s.Replicas = "replicated-job", m.ReplicatedJob.TotalCompletions
	case m.Replicated != nil:
		s.Mode, s.Replicas = "replicated", -1
		if m.Replicated.Replicas != nil {
			s.Replicas = *m.Replicated.Replicas
		}
	}
	if u := w.UpdateStatus; u != nil {
		s.UpdateState, s.UpdateStartedAt = u.State, u.StartedAt
	}
	return s, nil
}

// ComposeServices lists the services that a compose file names.
func (c *Client) ComposeServices(ctx context.Context, composeID string) ([]string, error) {
	return list[string](ctx, c, "compose.loadServices", url.Values{"composeId": {composeID}})
}

// ReadContainerLogs reads the last lines that a service's containers wrote
// (≥ 0.29), one container's of a compose service. Where they are more than
// Dokploy can carry, it asks for fewer (docs/dokploy.md, The log over REST).
func (c *Client) ReadContainerLogs(ctx context.Context, kind Kind, id, containerID string, tail int) (string, error) {
	for {
		params := url.Values{string(kind) + "Id": {id}, "tail": {strconv.Itoa(tail)}}
		if containerID != "" {
			params.Set("containerId", containerID)
		}
		var s string
		err := c.query(ctx, string(kind)+".readLogs", params, &s)
		var e *Error
		if errors.As(err, &e) && e.Status == http.StatusInternalServerError && strings.Contains(e.Message, "maxBuffer") && tail > 1 {
			tail /= 2
			continue
		}
		return s, err
	}
}
