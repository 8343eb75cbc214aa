package dokploytest

import (
	"slices"
	"strings"
	"time"
)

// Version is what a deployment ships, so that going back to an old image,
// environment or compose file goes back to what it did.
type Version struct {
	N           int    // counts the deployments of the service; 0 ran before the first
	Image       string // of an application, or of one service of a compose file
	Env         string
	ComposeFile string

	// What its build was given: only a Dockerfile's is (docs/dokploy.md, Build
	// arguments and secrets).
	BuildArgs, BuildSecrets string
}

// Health is what a container's health check says.
type Health int

// The kinds of health check.
const (
	NoHealthCheck Health = iota
	Healthy              // starting, then healthy
	Unhealthy            // starting, then unhealthy; swarm then stops it
)

// Rollout is what the containers of one deployed version do (docs/dokploy.md,
// What runs: applications). The zero value starts after 1.1 s and runs.
type Rollout struct {
	// Crash: the container exits with ExitCode (1 if 0), CrashAfter after its
	// start, every time. A CrashAfter of 0 is at once.
	Crash      bool
	ExitCode   int
	CrashAfter time.Duration
	// Once: it ends by itself with exit code 0 after CrashAfter, as a one-shot
	// does.
	Once bool
	// Health is its health check; HealthAfter the time from its start until
	// that is known: 6 s if 0, 3.9 s for Unhealthy.
	Health      Health
	HealthAfter time.Duration
	// HealthOutput is what an Unhealthy check writes.
	HealthOutput string
	// Unplaced is swarm's reason why no node takes the task: it is never
	// placed.
	Unplaced string
	// NoImage: the node cannot pull the image, and swarm rejects the task. An
	// application's own pull or build is Build.Outcome's matter: with "done"
	// this is the build server without a registry (docs/dokploy.md, Remote servers).
	NoImage bool
	// StartAfter is the time from the task's birth to its container's start:
	// 600 ms if 0.
	StartAfter time.Duration
	// IgnoresSIGTERM: swarm kills the container some 14 s after it was told to
	// stop it, instead of 3 s; both stay visible so long.
	IgnoresSIGTERM bool
	// FailureAction of the update to this version: "rollback" (an
	// application's default), "pause" (a stack's) or "continue". Order is
	// "start-first" (the default with "rollback") or "stop-first" (else, as in
	// Docker).
	FailureAction, Order string
	// NoRestart is the restart condition none.
	NoRestart bool
	// Log is what the container writes when it starts; with Crash or Once the
	// last of several lines when it ends. "started <image>" if nil.
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

// SetRollout changes what the next deployments of the service do, once
// started; of a compose service, all its services.
func (v *Service) SetRollout(r Rollout) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.rollout = func(string, Version) Rollout { return r }
}

// SetRolloutFunc changes what a version of the service does once started.
func (v *Service) SetRolloutFunc(f func(Version) Rollout) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.rollout = func(_ string, version Version) Rollout { return f(version) }
}

// versionLocked is what a deployment that starts now ships.
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

// imageLocked is the image that a deployment of an application runs.
func (v *Service) imageLocked() string {
	if v.sourceType == "docker" {
		return v.image
	}
	return v.AppName + ":latest"
}

// shipLocked lets swarm or docker compose start a version: the deployment's
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

// Running is what serves now: the version of the newest container that runs
// and is not known to be unhealthy; the zero Version if there is none. For a
// compose service it is the last version that was shipped, unless swarm took a
// service of it back.
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
