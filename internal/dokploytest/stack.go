package dokploytest

import (
	"slices"
	"strings"
	"time"
)

// shipStackLocked plays docker stack deploy (docs/dokploy.md, What runs:
// stacks): unchanged services get no new task, and removed ones are deleted.
func (s *Server) shipStackLocked(v *Service, version Version) {
	v.shipped = version
	files := composeServices(version.ComposeFile, version.Env, true)
	for _, name := range s.swarmNames(v) {
		if !slices.ContainsFunc(files, func(f fileService) bool { return v.AppName+"_"+f.name == name }) {
			s.swarm[name].remove()
		}
	}
	for _, f := range files {
		w := s.swarm[v.AppName+"_"+f.name]
		sp := s.stackSpec(v, f, version)
		switch {
		case w == nil:
			s.newSwarmService(v, v.AppName+"_"+f.name, f.replicas, sp).begin()
		case w.spec.hash == sp.hash && w.replicas == f.replicas:
			// An update without changes: UpdateStatus is then null.
			w.update, w.wentBack = nil, false
			w.gen++ // cancels what an update in progress has scheduled
			w.touch()
		default:
			w.replicas = f.replicas
			w.change(sp, false)
		}
	}
}

func (s *Server) stackSpec(v *Service, f fileService, version Version) *spec {
	r := v.rollout(f.name, f.versionOf(version))
	r.NoRestart = r.NoRestart || f.noRestart
	if f.action != "" {
		r.FailureAction = f.action
	}
	if f.order != "" {
		r.Order = f.order
	}
	return &spec{version: version, image: f.image, rollout: r, hash: f.hash}
}

// swarmNames returns the names of a stack's services.
func (s *Server) swarmNames(v *Service) []string {
	var names []string
	for name, w := range s.swarm {
		if w.owner == v {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// remove deletes a service from Swarm. Its tasks are visible a moment longer.
func (w *swarmService) remove() {
	w.gen++
	for _, t := range w.tasks {
		t.desired = "remove"
	}
	w.s.afterLocked(500*time.Millisecond, func() {
		if w.s.swarm[w.name] == w {
			delete(w.s.swarm, w.name)
		}
	})
}

// stackTasks returns the tasks of a stack, as docker stack ps lists them.
func (s *Server) stackTasks(appName string) []*task {
	var names []string
	for name := range s.swarm {
		if strings.HasPrefix(name, appName+"_") && s.swarm[name].stack() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var out []*task
	for _, name := range names {
		out = append(out, s.swarm[name].list()...)
	}
	return out
}

// list returns the tasks of a service as docker service ps lists them: by slot,
// newest first.
func (w *swarmService) list() []*task {
	out := slices.Clone(w.tasks)
	slices.Reverse(out)
	slices.SortStableFunc(out, func(a, b *task) int { return a.slot - b.slot })
	return out
}
