package deploy

import (
	"slices"
	"strings"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/secret"
	"dokploy-deploy/internal/verdict"
)

// hideInput masks what is secret in the inputs that set variables.
func (o *Options) hideInput() {
	c := &o.Prepare
	o.hide(slices.Concat(secret.Environment(c.Env), secret.Environment(c.BuildArgs), secret.Declared(c.BuildSecrets)))
}

// hideService masks what is secret in a service's settings.
func (o *Options) hideService(s *dokploy.Service) {
	var values []string
	for _, env := range []dokploy.Secret{s.Env, s.SharedEnv, s.BuildArgs} {
		values = append(values, secret.Environment(string(env))...)
	}
	values = append(values, secret.Declared(string(s.BuildSecrets))...)
	values = append(values, secret.Addresses(string(s.GitURL))...)
	for _, c := range s.Credentials {
		values = append(values, secret.Credentials(string(c))...)
	}
	o.hide(values)
}

// hide masks values, except those that are part of a name or address that is
// shown anyway.
func (o *Options) hide(values []string) {
	shown := append(o.shown(), o.names...)
	values = slices.DeleteFunc(values, func(v string) bool {
		return slices.ContainsFunc(shown, func(s string) bool { return strings.Contains(s, v) })
	})
	slices.Sort(values)
	if values = slices.Compact(values); len(values) > 0 {
		o.Reporter.Hide(values...)
	}
}

// shown returns the texts that a run shows whatever they contain.
func (o *Options) shown() []string {
	texts := []string{o.URL, o.Program, o.Prepare.Image, o.Prepare.ComposePath}
	if o.Health != nil && o.Health.URL != nil {
		texts = append(texts, o.Health.URL.Host)
	}
	for _, t := range o.Targets {
		texts = append(texts, t.Ref)
	}
	return texts
}

// shownOf returns the names and addresses of a target that was found.
func shownOf(r *verdict.Result, s *dokploy.Service) []string {
	return []string{r.Name, r.DashboardURL, r.URL(), s.Path(), s.AppName, s.Image}
}
