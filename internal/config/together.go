package config

import (
	"fmt"
	"strings"

	"dokploy-deploy/internal/dotenv"
)

// together checks inputs that depend on each other.
func (l *loader) together() {
	c := l.config
	l.kinds()
	l.building()
	if !c.Wait && l.valid("wait") {
		l.withoutWait()
	}
	l.healthURL()
	l.times()
	l.failFast()
	if l.isSet("env-mode") && !l.isSet("env") && c.EnvMode == "replace" && c.Follow == nil {
		l.problem("env-mode", "replace without env would empty the environment; give the lines in env")
	}
	l.note("env", dotenv.Warnings(c.Env)...)
	l.note("build-args", dotenv.Warnings(c.BuildArgs)...)
	l.note("build-secrets", dotenv.Warnings(c.BuildSecrets)...)
}

func (l *loader) isSet(input string) bool { return l.given(input) != "" }

// needs says that an input which is set needs another one.
func (l *loader) needs(input, other, text string) {
	if l.isSet(input) && l.valid(input) && l.valid(other) {
		l.problem(input, text)
	}
}

// kinds checks inputs that are for one kind of service, or for one service.
func (l *loader) kinds() {
	applications, composes := len(l.config.Applications), len(l.config.Composes)
	if applications == 0 {
		l.needs("image", "application", "is for an application, but none is given: a compose service's images are set in its compose file")
		const dockerfile = "is for an application that is built from a Dockerfile, but none is given: a compose service's %s are set in its compose file"
		l.needs("build-args", "application", fmt.Sprintf(dockerfile, "build arguments"))
		l.needs("build-secrets", "application", fmt.Sprintf(dockerfile, "build secrets"))
	}
	one := func(input, kind, what string, n int) {
		switch {
		case !l.isSet(input) || !l.valid(input) || !l.valid(kind):
		case n == 0:
			l.problem(input, fmt.Sprintf("is for %s, but none is given", what))
		case n > 1:
			l.problem(input, fmt.Sprintf("is for one service, but %s has %d: deploy them in separate steps", kind, n))
		}
	}
	one("source", "application", "an application", applications)
	one("compose-file", "compose", "a compose service", composes)
}

// building checks inputs that say how a service is built: not all of them go
// together.
func (l *loader) building() {
	for _, input := range []string{"build-args", "build-secrets", "source"} {
		if l.isSet(input) && l.isSet("image") {
			l.problem(input, "cannot be combined with image: one builds, the other does not")
		}
	}
	if l.isSet("source") && l.config.Operation == "redeploy" {
		l.problem("source", "cannot be combined with operation: redeploy; the upload itself starts the deployment")
	}
	if l.config.Source != nil && (l.isSet("title") || l.isSet("description")) {
		l.note("title", "title and description are not shown: Dokploy gives an upload its own title")
	}
}

// withoutWait refuses what needs the end of the deployment.
func (l *loader) withoutWait() {
	const text = "needs wait: true; without it the step ends before anything can be seen"
	for _, input := range []string{"health-url", "rollback"} {
		if v := l.given(input); v != "" && !strings.EqualFold(v, "false") {
			l.problem(input, text)
		}
	}
	if l.config.Verify == "require" {
		l.problem("verify", "require "+text)
	}
}

// healthURL checks the address to ask, and what is for it.
func (l *loader) healthURL() {
	if !l.isSet("health-url") {
		for _, input := range []string{"health-contains", "health-headers"} {
			l.needs(input, "health-url", "is for health-url, which is not set: give the address to request, or auto")
		}
		const unused = "has no effect without health-url: no address is requested"
		if l.isSet("health-status") && l.valid("health-status") {
			l.note("health-status", unused)
		}
		if l.isSet("health-timeout") && l.valid("health-timeout") && l.config.HealthTimeout <= l.config.Timeout { // else that is said
			l.note("health-timeout", unused)
		}
	}
	c := l.config
	if h := c.HealthURL; h != nil && h.URL != nil && c.URL != nil && strings.EqualFold(h.URL.Host, c.URL.Host) && isWebhook(h.URL.String()) {
		l.problem("health-url", errWebhook.Error())
	}
}

// failFast warns where fail-fast cannot have an effect.
func (l *loader) failFast() {
	c := l.config
	switch n := len(c.Applications) + len(c.Composes); {
	case c.Follow != nil: // said already
	case !c.FailFast || !l.valid("application") || !l.valid("compose"):
	case n == 1:
		l.note("fail-fast", "has no effect, since there is only one target")
	case l.valid("max-parallel") && n <= c.MaxParallel:
		l.note("fail-fast", fmt.Sprintf("has no effect, since all %d targets are started at once; set max-parallel to less than that, or to 1 for one at a time", n))
	}
}

// times checks durations that must fit within another one. Defaults are not
// checked: they are long enough for most, and no reason to refuse a short
// timeout.
func (l *loader) times() {
	c := l.config
	if !l.valid("timeout") || c.Timeout == 0 {
		return
	}
	if l.isSet("stable-for") && l.valid("stable-for") && c.StableFor >= c.Timeout && c.Wait && c.Verify != "off" {
		l.problem("stable-for", fmt.Sprintf("%s is not less than timeout (%s), within which the containers must keep running that long; shorten it, or give a longer timeout", l.given("stable-for"), l.value("timeout")))
	}
	if l.isSet("health-timeout") && l.valid("health-timeout") && c.HealthTimeout > c.Timeout {
		l.note("health-timeout", fmt.Sprintf("%s is more than timeout (%s), which cuts it short", l.given("health-timeout"), l.value("timeout")))
	}
}
