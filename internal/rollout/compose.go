package rollout

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// compose judges what docker-compose started, by its containers alone. A
// container keeps its id if nothing about it changed, and when it restarts.
type compose struct {
	stable time.Duration
	before map[string]dokploy.Container
	prior  time.Time // when Before was looked at
	unseen bool      // there was no look before: only a container's age tells whether it is new
	none   bool      // its file sets every service to 0 replicas

	first, seen time.Time
	life        map[string]life
	failed      bool
}

// life is what is known about how long a container has been running.
type life struct {
	since time.Time     // running without a break, as our looks show
	age   time.Duration // as Docker says
	aged  bool
}

// steady reports whether the container has been running for d, both by our
// looks and by Docker's word: a restart between two looks shows only in the
// latter.
func (l life) steady(at time.Time, d time.Duration) bool {
	return at.Sub(l.since) >= d && (!l.aged || l.age >= d)
}

// NewCompose judges a docker-compose service. none says that its file sets
// every service to 0 replicas.
func NewCompose(before Before, none bool, stableFor time.Duration) Judge {
	c := &compose{stable: stableFor, none: none, before: map[string]dokploy.Container{}, prior: before.At, unseen: before.Unseen, life: map[string]life{}}
	for _, b := range before.Containers {
		c.before[b.ID] = b
	}
	return c
}

// oneOff matches the names that "docker compose run" gives containers.
var oneOff = regexp.MustCompile(`[-_]run[-_]?[0-9a-f]{12}$`)

func (c *compose) Look(v View) Verdict {
	c.first = cmp.Or(c.first, v.At)
	if containers := c.ofService(v); len(containers) > 0 {
		c.seen = v.At
		return c.judge(c.count(containers, v.At), v)
	}
	switch {
	case c.none: //rule:compose-set-to-none
		return Verdict{}.unseen("every service of the compose file is " + noReplicas)
	case v.Local && c.seen.IsZero() && v.At.Sub(c.first) >= c.stable: //rule:no-container-on-this-host
		return Verdict{}.unseen("Docker shows no container for it")
	case v.At.Sub(cmp.Or(c.seen, c.first)) >= blindFor: //rule:no-container-for-long
		return Verdict{}.unseen("Docker shows no container for it")
	}
	return Verdict{}.pending("Docker shows no container for it yet")
}

// ofService returns the containers that count: those that the deployment may
// have started.
func (c *compose) ofService(v View) []dokploy.Container {
	return slices.DeleteFunc(slices.Clone(v.Containers), func(container dokploy.Container) bool {
		return oneOff.MatchString(container.Name) || c.leftOver(container, v.At)
	})
}

// tally is what one look shows of the containers.
type tally struct {
	all         int
	running     int
	steady      int      // running for long enough
	ended       int      // with exit code 0, or it is not shown how
	fresh       int      // that were not there before
	freshEnded  int      // of those, the ones that have ended
	failures    []string // why, one for each that failed
	failed      string   // the name of the first
	checkFailed bool     // of the first, a health check
	pending     string   // what has to be waited for; empty: nothing
	unknown     string   // what this version of Dokploy does not show; empty: nothing
}

func (t *tally) fail(container dokploy.Container, why string) {
	if t.failures = append(t.failures, why); len(t.failures) == 1 {
		t.failed = container.Name
	}
}

// count takes one look at the containers.
func (c *compose) count(containers []dokploy.Container, at time.Time) tally {
	t := tally{all: len(containers)}
	next := map[string]life{}
	for _, container := range containers {
		if c.isNew(container, at) {
			t.fresh++
			if container.State == "exited" {
				t.freshEnded++
			}
		}
		switch code, known := container.ExitCode(); {
		case container.State == "restarting", container.State == "dead": //rule:compose-restarts
			why := fmt.Sprintf("crash loop: %s is %s", container.Name, container.State)
			if known {
				why += fmt.Sprintf(" (exit code %d)", code)
			}
			t.fail(container, why)
		case container.State == "exited" && !known: //rule:compose-exit-not-shown
			t.unknown = container.Name + " has ended, and this version of Dokploy does not show how"
			t.ended++
		case container.State == "exited" && code != 0: //rule:compose-exit-code
			t.fail(container, fmt.Sprintf("%s ended with exit code %d", container.Name, code))
		case container.State == "exited":
			t.ended++
		case container.State == "running":
			next[container.ID] = c.countRunning(&t, container, at)
		default:
			t.pending = fmt.Sprintf("%s is %s", container.Name, container.State)
		}
	}
	c.life = next
	return t
}

// countRunning counts a running container, and returns its life so far.
func (c *compose) countRunning(t *tally, container dokploy.Container, at time.Time) life {
	t.running++
	l, restarted := c.up(container, at)
	switch health := container.Health(); {
	case restarted: //rule:compose-restarted-between
		t.fail(container, fmt.Sprintf("crash loop: %s has restarted", container.Name))
	case health == "unhealthy": //rule:compose-unhealthy
		if len(t.failures) == 0 {
			t.checkFailed = true
		}
		t.fail(container, "unhealthy: the health check of "+container.Name+" fails")
	case health == "starting": //rule:compose-health-starting
		t.pending = "the health of " + container.Name + " is not known yet"
		l.since = at
	case l.steady(at, c.stable):
		t.steady++
	}
	if container.Status == "" { //rule:compose-status-hidden
		t.unknown = "its containers are running, but this version of Dokploy does not show whether they restart"
	}
	return l
}

// judge returns the verdict on a look that showed containers.
func (c *compose) judge(t tally, v View) Verdict {
	verdict := Verdict{Ready: t.running, Wanted: t.all - t.ended}
	switch {
	case len(t.failures) > 0 || c.failed: //rule:compose-stays-failed
		c.failed = true
		verdict.State, verdict.Final, verdict.Reason = Failed, true, together(t.failures)
		verdict.Container, verdict.Unhealthy = t.failed, t.checkFailed
		if len(t.failures) == 0 {
			verdict.Reason = "it has failed"
		}
	case t.pending != "": //rule:compose-waits
		return verdict.pending(t.pending)
	case t.steady+t.ended < t.all: //rule:compose-not-for-long-enough
		return verdict.pending(fmt.Sprintf("%d of %d have been running for %s", t.steady, verdict.Wanted, c.stable))
	case t.unknown != "": //rule:compose-vague
		return verdict.unseen(t.unknown)
	case t.steady == 0 && v.At.Sub(c.first) < c.stable: //rule:compose-all-ended-just-now
		return verdict.pending("every container has ended")
	case t.steady == 0: //rule:compose-all-ended
		return verdict.unseen("every container has ended with exit code 0; whether that was intended is not known")
	case c.unseen && t.fresh > 0: //rule:compose-before-unseen
		return verdict.unseen(fmt.Sprintf("%d of %d containers were started after the deployment began, but what was running before could not be seen, so whether they are new is not known", t.fresh, t.all))
	case t.fresh == 0: //rule:compose-nothing-new
		verdict.State, verdict.Final, verdict.Gone = Unchanged, true, c.gone(v)
	default:
		verdict.State, verdict.Final, verdict.New, verdict.Ran = Running, true, t.fresh-t.freshEnded, t.freshEnded
	}
	return verdict
}

// isNew reports whether a container was not there before. A container that was
// merely restarted keeps its id, image and environment. If the look before
// showed nothing, or there was none, its age decides: Docker may not have
// answered.
func (c *compose) isNew(container dokploy.Container, at time.Time) bool {
	if len(c.before) > 0 { //rule:compose-new-by-id
		_, known := c.before[container.ID]
		return !known
	}
	age, aged := container.Age()
	return !aged || c.prior.IsZero() || age <= at.Sub(c.prior)+ageSlack
}

// gone counts the containers that were there before and no longer are.
func (c *compose) gone(v View) (n int) {
	for id, b := range c.before {
		if !oneOff.MatchString(b.Name) && !slices.ContainsFunc(v.Containers, func(container dokploy.Container) bool { return container.ID == id }) {
			n++
		}
	}
	return n
}

// up records since when a container has been running, and reports whether it
// restarted between two looks, which makes Docker's word start over.
func (c *compose) up(container dokploy.Container, at time.Time) (life, bool) {
	l, known := c.life[container.ID]
	if !known {
		l.since = at
	}
	age, aged := container.Age()
	again := l.aged && aged && age < l.age
	l.age, l.aged = age, aged
	return l, again
}

// leftOver reports whether a container had ended before the deployment and was
// not started by it: compose leaves containers of other profiles alone.
func (c *compose) leftOver(container dokploy.Container, at time.Time) bool {
	b, ok := c.before[container.ID]
	if !ok || container.State != "exited" || b.State != "exited" { //rule:compose-touched
		return false
	}
	was, ok1 := b.Age()
	is, ok2 := container.Age()
	return ok1 && ok2 && is >= was && is >= at.Sub(c.prior)-time.Second
}
