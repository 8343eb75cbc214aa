package deploy

import (
	"context"
	"fmt"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// target is a service and what to do with it. The stages of its deployment read
// it and none changes it: what they learn they hand on.
type target struct {
	o       *Options
	client  *dokploy.Client
	screen  *screen
	service *dokploy.Service // as last read
	ref     string           // as the user named it
	name    string           // as shown in messages
	version dokploy.Version  // as the server says it, for messages
	traits  dokploy.Traits
	paths   map[string]string // of services, by id
	rights  *dokploy.Rights   // nil: unknown
}

// target returns the i-th target that was found, with a screen of its own.
func (t *targets) target(o *Options, i int) target {
	x := t.targets[i]
	return target{
		o: o, client: o.Client, screen: newScreen(o, x.name), service: x.service, ref: o.Targets[i].Ref, name: x.name,
		version: t.version, traits: dokploy.TraitsOf(t.version), paths: t.paths, rights: t.rights,
	}
}

// again returns the same service with other options and a screen of its own.
func (t target) again(ctx context.Context, o *Options) target {
	if s, err := t.readAgain(ctx); err == nil {
		t.service = s
	}
	t.o, t.screen = o, newScreen(o, t.name)
	return t
}

// result returns a verdict without an outcome.
func (t target) result() verdict.Result {
	r := verdict.Result{Target: t.ref, Name: t.name, Queued: -1, Build: -1}
	r.ID, r.Service, r.Kind = t.service.ID, t.service.Name, string(t.service.Kind)
	r.URLs, r.DashboardURL = t.service.URLs(), t.client.DashboardURL(t.service)
	return r
}

func (t target) note(format string, args ...any) { t.screen.note(fmt.Sprintf(format, args...)) }

func (t target) warn(format string, args ...any) { t.screen.warn(fmt.Sprintf(format, args...)) }

// readAgain reads the service again, and masks what others have set in the
// meantime.
func (t target) readAgain(ctx context.Context) (*dokploy.Service, error) {
	s, err := readService(ctx, t.o, t.service.Kind, t.service.ID)
	if err == nil {
		t.o.hideService(s)
	}
	return s, err
}
