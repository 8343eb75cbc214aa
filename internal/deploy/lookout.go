package deploy

import (
	"context"
	"errors"
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
)

// lookout reads what Docker runs of one service, as far as the key may see it.
type lookout struct {
	client  *dokploy.Client
	service *dokploy.Service
	// docker: the key may look at Docker. Assumed until it turns out not to be
	// so.
	docker bool
	// serviceID is Swarm's id of an application that Dokploy builds; empty: not
	// known yet.
	serviceID string
	// stack are a stack's Swarm services, from its file.
	stack []string
}

// patience is how long one look may take. On a remote server each call opens an
// SSH connection of its own, 0.4 s and more each.
func (l *lookout) patience() time.Duration {
	if l.service.ServerID != "" {
		return 20 * time.Second
	}
	return 10 * time.Second
}

// glances reports whether looking at Swarm's tasks alone makes sense: not if
// there should be none.
func (l *lookout) glances() bool {
	return l.docker && l.service.Kind == dokploy.Application && l.service.Replicas != 0
}

// view reads all that the judges need: the service first, so that a completed
// rollout is seen with its final tasks.
func (l *lookout) view(ctx context.Context) (rollout.View, error) {
	return l.reading(ctx, l.read)
}

// briefly reads only what a later view is compared with.
func (l *lookout) briefly(ctx context.Context) (rollout.View, error) {
	return l.reading(ctx, func(ctx context.Context) (rollout.View, error) {
		if !l.glances() {
			return l.read(ctx)
		}
		view, err := l.swarmView(ctx)
		if err == nil && view.StatesHidden() {
			view.Containers, err = l.containers(ctx)
		}
		return view, err
	})
}

// reading reads with the rights that the key has.
func (l *lookout) reading(ctx context.Context, read func(context.Context) (rollout.View, error)) (rollout.View, error) {
	view, err := read(ctx)
	if l.docker && errors.Is(err, dokploy.ErrMayNotLook) {
		l.docker = false // a member's key: containers only
		view, err = read(ctx)
	}
	view.At, view.Local = time.Now(), l.service.ServerID == ""
	return view, err
}

func (l *lookout) read(ctx context.Context) (rollout.View, error) {
	view, err := l.swarmView(ctx)
	if err == nil {
		view.Containers, err = l.containers(ctx)
	}
	return view, err
}

// swarmView reads what Swarm shows, without containers. If tasks were needed to
// find an application's service the view contains them, unless Swarm is just
// replacing them.
func (l *lookout) swarmView(ctx context.Context) (view rollout.View, err error) {
	s, c := l.service, l.client
	view.Docker = l.docker
	switch {
	case s.Kind == dokploy.Compose && s.ComposeType != "stack":
		return view, nil
	case s.Kind == dokploy.Compose && !l.docker:
		view.Tasks, err = c.StackTasksShown(ctx, s.AppName, s.ServerID)
	case s.Kind == dokploy.Compose:
		if view.Tasks, err = c.StackTasks(ctx, s.AppName, s.ServerID); err != nil {
			return view, err
		}
		names := slices.Concat(l.stack, view.ServiceNames())
		slices.Sort(names)
		view.Services, err = l.services(ctx, slices.Compact(names))
	case l.docker:
		var service *dokploy.SwarmService
		if service, view.Tasks, err = l.application(ctx); err != nil {
			return view, err
		}
		if service != nil {
			view.Services = map[string]*dokploy.SwarmService{s.AppName: service}
		}
		if view.Tasks == nil || service.Updating() {
			view.Tasks, err = l.tasks(ctx)
		}
	}
	return view, err
}

func (l *lookout) tasks(ctx context.Context) ([]dokploy.Task, error) {
	return l.client.Tasks(ctx, l.service.AppName, l.service.ServerID)
}

// glance reads an application's tasks alone, and its containers only if a
// health check may be running.
func (l *lookout) glance(ctx context.Context, before, last rollout.View) (rollout.View, error) {
	tasks, err := l.tasks(ctx)
	view := rollout.Glance(time.Now(), tasks)
	if err == nil && view.ChecksHealth(before, last) {
		view.Containers, err = l.containers(ctx)
	}
	return view, err
}

func (l *lookout) containers(ctx context.Context) ([]dokploy.Container, error) {
	appType := ""
	if l.service.Kind == dokploy.Compose && l.service.ComposeType != "stack" {
		appType = "docker-compose"
	}
	return l.client.Containers(ctx, l.service.AppName, appType, l.service.ServerID)
}

// application returns an application's Swarm service by name; nil: none can be
// seen. What Dokploy builds is also an image of that name: the service is then
// found through a task, and the tasks are returned too.
func (l *lookout) application(ctx context.Context) (service *dokploy.SwarmService, tasks []dokploy.Task, err error) {
	s, c := l.service, l.client
	byName := l.serviceID != "" || s.SourceType == "docker"
	if byName {
		service, err = c.SwarmService(ctx, firstOf(l.serviceID, s.AppName), s.ServerID)
		if err != nil || service != nil {
			return service, nil, err
		}
	}
	if tasks, err = l.tasks(ctx); err != nil {
		return nil, nil, err
	}
	if len(tasks) > 0 {
		id, err := c.ServiceOfTask(ctx, tasks[0].ID, s.ServerID)
		if err != nil {
			return nil, nil, err
		}
		if id != "" {
			l.serviceID = id
			if service, err = c.SwarmService(ctx, id, s.ServerID); err != nil || service != nil {
				return service, tasks, err
			}
		}
	}
	if !byName {
		service, err = c.SwarmService(ctx, s.AppName, s.ServerID)
	}
	return service, tasks, err
}

func (l *lookout) services(ctx context.Context, names []string) (map[string]*dokploy.SwarmService, error) {
	services := map[string]*dokploy.SwarmService{}
	for _, name := range names {
		s, err := l.client.SwarmService(ctx, name, l.service.ServerID)
		if err != nil {
			return nil, err
		}
		if s != nil {
			services[name] = s
		}
	}
	return services, nil
}
