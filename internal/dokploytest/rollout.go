package dokploytest

import (
	"slices"
	"strings"
	"time"
)

// Version is what a deployment deploys. Going back to an old image, environment
// or compose file goes back to its behaviour.
type Version struct {
	N           int    // counts the service's deployments; 0 ran before the first
	Image       string // of an application, or of one service of a compose file
	Env         string
	ComposeFile string

	// What its build received: only Dockerfile builds do (docs/dokploy.md,
	// Build arguments and secrets).
	BuildArgs, BuildSecrets string
}

// Health is the result of a container's health check.
type Health int

// The kinds of health check.
const (
	NoHealthCheck Health = iota
	Healthy              // starting, then healthy
	Unhealthy            // starting, then unhealthy; Swarm then stops it
)

// Rollout is what the containers of one version do (docs/dokploy.md, What runs:
// applications). The zero value starts after 1.1 s and keeps running.
type Rollout struct {
	// Crash: the container exits with ExitCode (1 if 0), CrashAfter after each
	// start. A CrashAfter of 0 is immediate.
	Crash      bool
	ExitCode   int
	CrashAfter time.Duration
	// Once: it exits by itself with code 0 after CrashAfter, like a one-shot
	// task.
	Once bool
	// Health is its health check, HealthAfter the time from its start until the
	// result is known: 6 s if 0, 3.9 s for Unhealthy.
	Health      Health
	HealthAfter time.Duration
	// HealthOutput is what an Unhealthy check writes.
	HealthOutput string
	// Unplaced is Swarm's reason why no node takes the task, which is never
	// placed.
	Unplaced string
	// NoImage: the node cannot pull the image, and Swarm rejects the task. An
	// application's own pull or build is up to Build.Outcome; with "done" this
	// plays a build server without a registry (docs/dokploy.md, Remote
	// servers).
	NoImage bool
	// StartAfter is the time from the task's creation to its container's start:
	// 600 ms if 0.
	StartAfter time.Duration
	// IgnoresSIGTERM: Swarm kills the container some 14 s after it was told to
	// stop it, instead of 3 s; both containers are visible until then.
	IgnoresSIGTERM bool
	// FailureAction is that of the update to this version: "rollback" (default
	// for applications), "pause" (for stacks) or "continue". Order is
	// "start-first" (default with "rollback") or "stop-first" (otherwise, as in
	// Docker).
	FailureAction, Order string
	// NoRestart sets the restart condition to none.
	NoRestart bool
	// Log is what the container writes when it starts; with Crash or Once, its
	// last line comes at the end if there are several. "started <image>" if
	// nil.
	Log []string
}

func (r *Rollout) ends() bool { return r.Crash || r.Once }

func (r *Rollout) exitCode() int {
	switch {
	case r.Once:
		return 0
	case r.ExitCode == 0:
		return 1
	}
	return r.ExitCode
}

func (r *Rollout) log(image string) []string {
	if r.Log == nil {
		return []string{"started " + image}
	}
	return r.Log
}

func (r *Rollout) healthAfter() time.Duration {
	switch {
	case r.HealthAfter > 0:
		return r.HealthAfter
	case r.Health == Unhealthy:
		return 3900 * time.Millisecond
	}
	return 6 * time.Second
}

// SetRollout sets what the next deployments of the service do once started; for
// a compose service, all its services.
func (v *Service) SetRollout(r Rollout) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.rollout = func(string, Version) Rollout { return r }
}

// SetRolloutFunc sets what each version of the service does once started.
func (v *Service) SetRolloutFunc(f func(Version) Rollout) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.rollout = func(_ string, version Version) Rollout { return f(version) }
}

// versionLocked returns what a deployment that starts now would deploy.
func (v *Service) versionLocked(n int) Version {
	if v.Kind == "compose" {
		return Version{N: n, Env: v.envText, ComposeFile: v.composeFile}
	}
	version := Version{N: n, Image: v.imageLocked(), Env: v.envText}
	if v.sourceType != "docker" && v.howBuilt["buildType"] == "dockerfile" {
		version.BuildArgs, version.BuildSecrets = v.buildArgs, v.buildSecrets
	}
	return version
}

// imageLocked returns the image that a deployment of an application would run.
func (v *Service) imageLocked() string {
	if v.sourceType == "docker" {
		return v.image
	}
	return v.AppName + ":latest"
}

// shipLocked makes Swarm or docker compose start a version: the deployment's
// row is done.
func (v *Service) shipLocked(version Version) {
	s := v.s
	s.advanceLocked()
	switch {
	case v.Kind == "application":
		s.shipApplicationLocked(v, &spec{version: version, image: version.Image, rollout: v.rollout("", version)}, true)
	case v.composeType == "stack":
		s.shipStackLocked(v, version)
	default:
		s.shipComposeLocked(v, version)
	}
}

// Running returns what is serving now: the version of the newest container that
// is running and not known to be unhealthy; the zero Version if there is none.
// For a compose service it is the version that was last deployed, unless Swarm
// rolled back one of its services.
func (v *Service) Running() Version {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.s.advanceLocked()
	if v.Kind == "compose" {
		return v.runningComposeLocked()
	}
	w := v.s.swarm[v.AppName]
	if w == nil {
		return Version{}
	}
	for _, t := range slices.Backward(w.tasks) {
		if t.serves() && t.desired == "running" {
			return t.spec.version
		}
	}
	for _, t := range slices.Backward(w.tasks) {
		if t.serves() {
			return t.spec.version
		}
	}
	return Version{}
}

func (v *Service) runningComposeLocked() Version {
	for _, w := range v.s.swarm {
		if w.owner == v && strings.HasPrefix(w.name, v.AppName+"_") && w.wentBack {
			return w.spec.version
		}
	}
	return v.shipped
}
