package rollout

import (
	"fmt"
	"regexp"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// compose judges what docker-compose started, by its containers alone: they
// keep their ids where nothing changed, and when they restart.
type compose struct {
	stable time.Duration
	before map[string]dokploy.Container
	prior  time.Time // when before was looked

	first, seen time.Time
	life        map[string]life
	failed      bool
}

// life is what is known of one container.
type life struct {
	since time.Time     // up on end
	age   time.Duration // as it says itself
	aged  bool
}

// steady tells whether it is up for so long: by our looks and by its own word,
// since a restart between two looks shows only there.
func (l life) steady(at time.Time, d time.Duration) bool {
	return at.Sub(l.since) >= d && (!l.aged || l.age >= d)
}

// NewCompose judges a docker-compose service.
func NewCompose(before View, stableFor time.Duration) Judge {
	c := &compose{stable: stableFor, before: map[string]dokploy.Container{}, prior: before.At, life: map[string]life{}}
	for _, b := range before.Containers {
		c.before[b.ID] = b
	}
	return c
}

// oneOff is what "docker compose run" names its containers.
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
	if len(all) == 0 {
		verdict.Reason = "Docker shows no container of it yet"
		if v.At.Sub(earlier(c.seen, c.first)) >= blindFor {
			verdict.State, verdict.Final, verdict.Reason = Unseen, true, "Docker shows no container of it"
		}
		return verdict
	}
	steady, over := 0, 0
	vague, waits, bad := "", "", ""
	next := map[string]life{}
	for _, container := range all {
		switch code, known := container.ExitCode(); {
		case container.State == "restarting", container.State == "dead":
			bad = fmt.Sprintf("crash loop: %s is %s", container.Name, container.State)
			if known {
				bad += fmt.Sprintf(" (exit code %d)", code)
			}
		case container.State == "exited" && !known:
			vague = container.Name + " has ended, and this version of Dokploy does not show how"
			over++
		case container.State == "exited" && code != 0:
			bad = fmt.Sprintf("%s ended with exit code %d", container.Name, code)
		case container.State == "exited":
			over++
		case container.State == "running":
			l, again := c.up(container, v.At)
			next[container.ID] = l
			switch health := container.Health(); {
			case again:
				bad = fmt.Sprintf("crash loop: %s has restarted", container.Name)
			case health == "unhealthy":
				bad = "unhealthy: the health check of " + container.Name + " fails"
			case health == "starting":
				waits = "the health of " + container.Name + " is not known yet"
				l.since = v.At
				next[container.ID] = l
			case l.steady(v.At, c.stable):
				steady++
			}
			if container.Status == "" {
				vague = "its containers run, but this version of Dokploy does not show whether they restart"
			}
			verdict.Ready++
		default:
			waits = fmt.Sprintf("%s is %s", container.Name, container.State)
		}
	}
	c.life = next
	verdict.Wanted = len(all) - over
	switch {
	case bad != "" || c.failed:
		c.failed = true
		verdict.State, verdict.Final, verdict.Reason = Failed, true, bad
		if bad == "" {
			verdict.Reason = "it has failed"
		}
	case waits != "":
		verdict.Reason = waits
	case steady+over < len(all):
		verdict.Reason = fmt.Sprintf("%d of %d have run for %s", steady, len(all)-over, c.stable)
	case vague != "":
		verdict.State, verdict.Final, verdict.Reason = Unseen, true, vague
	case steady == 0 && v.At.Sub(c.first) < c.stable:
		verdict.Reason = "every container has ended"
	case steady == 0:
		verdict.State, verdict.Final = Unseen, true
		verdict.Reason = "every container has ended with exit code 0; whether it should cannot be told"
	default:
		verdict.State, verdict.Final = Running, true
	}
	return verdict
}

// up keeps since when a container is up, and tells whether it has restarted
// between two looks: then what it says of itself begins again.
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

// untouched tells whether a container had ended before the deployment and was
// not started by it: compose leaves those of other profiles lie.
func (c *compose) untouched(container dokploy.Container, at time.Time) bool {
	b, ok := c.before[container.ID]
	if !ok || container.State != "exited" || b.State != "exited" {
		return false
	}
	was, ok1 := b.Age()
	is, ok2 := container.Age()
	return ok1 && ok2 && is >= was && is >= at.Sub(c.prior)-time.Second
}
