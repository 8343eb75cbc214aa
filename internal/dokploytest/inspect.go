package dokploytest

import "strings"

// inspect plays docker inspect of anything: a container, an image, a service or
// a task, in that order. If there is none, or on any error, the body is empty.
func (s *Server) inspect(c *call) (any, *apiError) {
	host, ok, e := s.onHost(c)
	defer s.mu.Unlock()
	if e != nil {
		return nil, e
	}
	if !ok {
		return nothing{}, nil
	}
	name := c.text("containerId")
	for _, x := range s.allContainers(host) {
		if x.name == name || len(name) >= 6 && strings.HasPrefix(x.id, name) {
			return s.inspectContainer(x), nil
		}
	}
	for _, w := range s.swarm {
		// A build creates an image with the application's name
		// (docs/dokploy.md, What runs: applications).
		if w.name == name && w.owner.serverID == host && w.owner.Kind == "application" && w.spec.version.Image == name+":latest" {
			return s.inspectImage(w), nil
		}
	}
	for _, w := range s.swarm {
		if w.owner.serverID == host && (w.name == name || w.id == name) {
			return s.inspectService(w), nil
		}
	}
	for _, w := range s.swarm {
		for _, t := range w.tasks {
			if len(name) >= 12 && strings.HasPrefix(t.id, name) && w.owner.serverID == host {
				return s.inspectTask(t), nil
			}
		}
	}
	return nothing{}, nil
}

// containerEnv returns a version's environment as its containers have it.
func containerEnv(v Version) []string {
	return append(envLines(v.Env), "TOKEN=SECRET-inspect")
}

const digest = "@sha256:b38240a44e7164be400f85dde26b5d1e2ad879fb3d117b13fe3212b181d735cb"

// specJSON encodes a service's Spec or PreviousSpec.
func (w *swarmService) specJSON(sp *spec, force int) map[string]any {
	image := sp.image
	if w.stack() && !sp.rollout.NoImage {
		image += digest // docker stack deploy resolves the digest in the registry
	}
	action, order := w.failureAction(), "start-first"
	if w.stopFirst() {
		order = "stop-first"
	}
	condition := "any"
	if sp.rollout.NoRestart {
		condition = "none"
	}
	config := func(action string) map[string]any {
		return map[string]any{"Parallelism": 1, "FailureAction": action, "Monitor": monitor.Nanoseconds(), "MaxFailureRatio": 0, "Order": order}
	}
	labels := map[string]any{}
	if w.stack() {
		labels = map[string]any{"com.docker.stack.image": sp.image, "com.docker.stack.namespace": w.owner.AppName}
	}
	return map[string]any{
		"Name": w.name, "Labels": labels,
		"TaskTemplate": map[string]any{
			"ContainerSpec": map[string]any{
				"Image": image, "Env": containerEnv(sp.version), "StopGracePeriod": 10000000000, "DNSConfig": map[string]any{}, "Isolation": "default",
			},
			"Resources":     map[string]any{"Limits": map[string]any{}, "Reservations": map[string]any{}},
			"RestartPolicy": map[string]any{"Condition": condition, "Delay": restartDelay.Nanoseconds(), "MaxAttempts": 0},
			"Placement":     map[string]any{}, "Networks": []any{map[string]any{"Target": "bslg7050c80apxh465qkcrjh4"}},
			"ForceUpdate": force, "Runtime": "container",
		},
		"Mode":           map[string]any{"Replicated": map[string]any{"Replicas": w.replicas}},
		"UpdateConfig":   config(action),
		"RollbackConfig": config("pause"),
		"EndpointSpec":   map[string]any{"Mode": "vip"},
	}
}

func (s *Server) inspectService(w *swarmService) map[string]any {
	m := map[string]any{
		"ID": w.id, "Version": map[string]any{"Index": w.index}, "CreatedAt": s.dockerTime(w.created), "UpdatedAt": s.dockerTime(w.updated),
		"Spec": w.specJSON(w.spec, w.force),
		"Endpoint": map[string]any{
			"Spec": map[string]any{"Mode": "vip"}, "VirtualIPs": []any{map[string]any{"NetworkID": "bslg7050c80apxh465qkcrjh4", "Addr": "10.0.1.21/24"}},
		},
	}
	if w.previous != nil {
		m["PreviousSpec"] = w.specJSON(w.previous, w.oldForce)
	}
	if u := w.update; u != nil {
		status := map[string]any{"State": u.state, "StartedAt": s.dockerTime(u.started), "Message": u.message}
		if !u.completed.IsZero() {
			status["CompletedAt"] = s.dockerTime(u.completed)
		}
		m["UpdateStatus"] = status
	}
	return m
}

func (s *Server) inspectTask(t *task) map[string]any {
	status := map[string]any{"Timestamp": s.dockerTime(t.since), "State": strings.ToLower(t.state), "Message": strings.ToLower(t.state), "PortStatus": map[string]any{}}
	if t.c != nil {
		status["ContainerStatus"] = map[string]any{"ContainerID": t.c.id, "PID": 9060, "ExitCode": t.c.code}
	}
	if t.failure != "" {
		status["Err"] = strings.Trim(t.failure, `"`)
	}
	m := map[string]any{
		"ID": t.id, "Version": map[string]any{"Index": t.w.index}, "CreatedAt": s.dockerTime(t.created), "UpdatedAt": s.dockerTime(t.since),
		"Labels": map[string]any{}, "ServiceID": t.w.id, "Slot": t.slot, "Status": status, "DesiredState": t.desired,
		"NetworksAttachments": []any{}, "Volumes": nil,
		"Spec": map[string]any{
			"ContainerSpec": map[string]any{"Image": t.spec.image, "Env": containerEnv(t.spec.version), "Isolation": "default"},
			"Resources":     map[string]any{"Limits": map[string]any{}, "Reservations": map[string]any{}}, "Placement": map[string]any{},
			"Networks": []any{map[string]any{"Target": "bslg7050c80apxh465qkcrjh4"}}, "ForceUpdate": t.force,
		},
	}
	if t.placed {
		m["NodeID"] = "yjvmae4w76pxeuftzbxyacndn"
	}
	return m
}

func (s *Server) inspectImage(w *swarmService) map[string]any {
	return map[string]any{
		"Id": "sha256:7ffdb3b543dd9c9f78c845bfd8a92844444e7eeeb9f2be8b09edc7c18ff2e79a", "RepoTags": []any{w.name + ":latest"}, "RepoDigests": []any{},
		"Parent": "", "Comment": "buildkit.dockerfile.v0", "Created": s.dockerTime(w.updated), "DockerVersion": "", "Author": "",
		"Config":       map[string]any{"Env": []any{"PATH=/bin"}, "Cmd": []any{"/bin/sh"}, "WorkingDir": "", "Entrypoint": nil, "Labels": nil},
		"Architecture": "amd64", "Os": "linux", "Size": 4261502,
		"RootFS": map[string]any{"Type": "layers", "Layers": []any{}}, "Metadata": map[string]any{"LastTagTime": s.dockerTime(w.updated)},
	}
}

func (s *Server) inspectContainer(x *container) map[string]any {
	state := map[string]any{
		"Status": x.state, "Running": x.state == "running", "Paused": false, "Restarting": x.state == "restarting", "OOMKilled": false,
		"Dead": false, "Pid": 9060, "ExitCode": x.code, "Error": "", "StartedAt": s.dockerTime(x.started), "FinishedAt": s.dockerTime(x.finished),
	}
	if x.health != "" {
		log := []any{}
		if x.health == "unhealthy" {
			at := s.dockerTime(x.started)
			log = append(log, map[string]any{"Start": at, "End": at, "ExitCode": 1, "Output": x.spec.rollout.HealthOutput})
		}
		state["Health"] = map[string]any{"Status": x.health, "FailingStreak": len(log), "Log": log}
	}
	return map[string]any{
		"Id": x.id, "Created": s.dockerTime(x.created), "Path": "/bin/sh", "Args": []any{"-c", "exec app"}, "State": state,
		"Image": "sha256:7ffdb3b543dd9c9f78c845bfd8a92844444e7eeeb9f2be8b09edc7c18ff2e79a", "Name": "/" + x.name, "RestartCount": x.restarts,
		"Driver": "overlay2", "Platform": "linux", "HostConfig": map[string]any{}, "Mounts": []any{},
		"Config": map[string]any{
			"Hostname": x.id[:12], "Env": containerEnv(x.spec.version), "Cmd": []any{"/bin/sh"}, "Image": x.spec.image, "Labels": map[string]any{},
		},
		"NetworkSettings": map[string]any{"Networks": map[string]any{}},
	}
}
