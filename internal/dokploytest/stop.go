package dokploytest

// Stop plays application.stop or compose.stop in the dashboard: the service
// becomes idle. An application's Swarm service is set to 0 replicas and its
// UpdateStatus is null; a stack is removed; docker compose stops its containers
// and keeps them.
func (v *Service) Stop() {
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advanceLocked()
	v.status = "idle"
	for _, c := range s.compose {
		if c.v == v && !c.gone && (c.state == "running" || c.state == "restarting") {
			code := 0
			if c.spec.rollout.IgnoresSIGTERM {
				code = 137
			}
			c.life++
			c.exit(s, code, nil)
		}
	}
	for _, w := range s.swarm {
		switch {
		case w.owner != v:
		case w.stack():
			w.remove()
		default:
			w.scale(0)
		}
	}
}

// Scale plays docker service scale on the host, of which Dokploy knows nothing.
func (v *Service) Scale(name string, replicas int) {
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advanceLocked()
	if name != "" {
		name = "_" + name
	}
	if w := s.swarm[v.AppName+name]; w != nil {
		w.scale(replicas)
	}
}

func (w *swarmService) scale(replicas int) {
	w.replicas, w.update = replicas, nil
	w.gen++
	w.touch()
	for _, t := range w.tasks {
		if t.slot > replicas {
			t.shut()
		}
	}
}

// SetReplicas sets the replicas in Dokploy, for the next deployment.
func (v *Service) SetReplicas(n int) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.replicas = n
}
