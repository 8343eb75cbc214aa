package rollout

import (
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
	c.first = earlier(c.first, v.At)
	var all []dokploy.Container
	for _, container := range v.Containers {
		if !oneOff.MatchString(container.Name) && !c.untouched(container, v.At) {
			all = append(all, container)
		}
	}
	if len(all) > 0 {
		c.seen = v.At
	}
	verdict := Verdict{Wanted: len(all)}
	if len(all) == 0 && c.none { //rule:compose-set-to-none
		return Verdict{State: Unseen, Final: true, Reason: "every service of the compose file is " + noReplicas}
	}
	if len(all) == 0 {
		verdict.Reason = "Docker shows no container for it yet"
		if v.At.Sub(earlier(c.seen, c.first)) >= blindFor { //rule:no-container-for-long
			verdict.State, verdict.Final, verdict.Reason = Unseen, true, "Docker shows no container for it"
		}
		return verdict
	}
	steady, over, fresh, ran := 0, 0, 0, 0
	vague, waits := "", ""
	var bad []string
	fail := func(container dokploy.Container, unhealthy bool, why string) {
		if bad = append(bad, why); len(bad) == 1 {
			verdict.Container, verdict.Unhealthy = container.Name, unhealthy
		}
	}
	next := map[string]life{}
	for _, container := range all {
		if c.isNew(container, v.At) {
			fresh++
			if container.State == "exited" {
				ran++
			}
		}
		switch code, known := container.ExitCode(); {
		case container.State == "restarting", container.State == "dead": //rule:compose-restarts
			why := fmt.Sprintf("crash loop: %s is %s", container.Name, container.State)
			if known {
				why += fmt.Sprintf(" (exit code %d)", code)
			}
			fail(container, false, why)
		case container.State == "exited" && !known: //rule:compose-exit-not-shown
			vague = container.Name + " has ended, and this version of Dokploy does not show how"
			over++
		case container.State == "exited" && code != 0: //rule:compose-exit-code
			fail(container, false, fmt.Sprintf("%s ended with exit code %d", container.Name, code))
		case container.State == "exited":
			over++
		case container.State == "running":
			l, again := c.up(container, v.At)
			next[container.ID] = l
			switch health := container.Health(); {
			case again: //rule:compose-restarted-between
				fail(container, false, fmt.Sprintf("crash loop: %s has restarted", container.Name))
			case health == "unhealthy": //rule:compose-unhealthy
				fail(container, true, "unhealthy: the health check of "+container.Name+" fails")
			case health == "starting": //rule:compose-health-starting
				waits = "the health of " + container.Name + " is not known yet"
				l.since = v.At
				next[container.ID] = l
			case l.steady(v.At, c.stable):
				steady++
			}
			if container.Status == "" { //rule:compose-status-hidden
				vague = "its containers are running, but this version of Dokploy does not show whether they restart"
			}
			verdict.Ready++
		default:
			waits = fmt.Sprintf("%s is %s", container.Name, container.State)
		}
	}
	c.life = next
	verdict.Wanted = len(all) - over
	switch {
	case len(bad) > 0 || c.failed: //rule:compose-stays-failed
		c.failed = true
		verdict.State, verdict.Final, verdict.Reason = Failed, true, together(bad)
		if len(bad) == 0 {
			verdict.Reason = "it has failed"
		}
	case waits != "": //rule:compose-waits
		verdict.Reason = waits
	case steady+over < len(all): //rule:compose-not-for-long-enough
		verdict.Reason = fmt.Sprintf("%d of %d have been running for %s", steady, len(all)-over, c.stable)
	case vague != "": //rule:compose-vague
		verdict.State, verdict.Final, verdict.Reason = Unseen, true, vague
	case steady == 0 && v.At.Sub(c.first) < c.stable: //rule:compose-all-ended-just-now
		verdict.Reason = "every container has ended"
	case steady == 0: //rule:compose-all-ended
		verdict.State, verdict.Final = Unseen, true
		verdict.Reason = "every container has ended with exit code 0; whether that was intended is not known"
	case c.unseen && fresh > 0: //rule:compose-before-unseen
		verdict.State, verdict.Final = Unseen, true
		verdict.Reason = fmt.Sprintf("%d of %d containers were started after the deployment began, but what was running before could not be seen, so whether they are new is not known", fresh, len(all))
	case fresh == 0: //rule:compose-nothing-new
		verdict.State, verdict.Final, verdict.Gone = Unchanged, true, c.gone(v)
	default:
		verdict.State, verdict.Final, verdict.New, verdict.Ran = Running, true, fresh-ran, ran
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

// untouched reports whether a container had ended before the deployment and was
// not started by it: compose leaves containers of other profiles alone.
func (c *compose) untouched(container dokploy.Container, at time.Time) bool {
	b, ok := c.before[container.ID]
	if !ok || container.State != "exited" || b.State != "exited" { //rule:compose-touched
		return false
	}
	was, ok1 := b.Age()
	is, ok2 := container.Age()
	return ok1 && ok2 && is >= was && is >= at.Sub(c.prior)-time.Second
}
