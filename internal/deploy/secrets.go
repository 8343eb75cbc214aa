package deploy

import (
	"net/url"
	"slices"
	"strings"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dotenv"
)

// minSecret is the length from which a value of an environment is hidden: a
// shorter one would tear up the output, and protect nothing that can be
// protected.
const minSecret = 4

// plainWords are values that say how a program runs. To hide them would tear
// up every log.
var plainWords = strings.Fields(`
	true false none null auto enabled disabled default
	trace debug info notice warn warning error fatal silent verbose
	production development staging preview test testing local localhost prod stage
	http https json text utf8 utf-8 postgres postgresql mysql mariadb mongo mongodb redis sqlite
	node bash root admin user 127.0.0.1 0.0.0.0`)

// secretValues are the values of an environment's text, as they are read and
// as they are written. Left out are plain words, port numbers, and what stands
// in one of the texts that are shown anyway: an address, the name of a service.
func secretValues(env string, shown ...string) []string {
	var values []string
	add := func(v string) {
		for line := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == '\n' || r == '\r' }) {
			line = strings.TrimSpace(line)
			if len(line) < minSecret || slices.Contains(plainWords, strings.ToLower(line)) ||
				len(line) <= 5 && strings.Trim(line, "0123456789") == "" ||
				slices.ContainsFunc(shown, func(s string) bool { return strings.Contains(s, line) }) {
				continue
			}
			values = append(values, line)
			// A password inside an address is shown by itself at times.
			if u, err := url.Parse(line); err == nil && u.User != nil {
				if password, ok := u.User.Password(); ok && len(password) >= minSecret {
					values = append(values, password)
				}
			}
		}
	}
	for _, v := range dotenv.Parse(env) {
		add(v.Value)
	}
	for line := range strings.Lines(env) {
		if _, raw, ok := strings.Cut(line, "="); ok {
			add(strings.Trim(strings.TrimSpace(raw), "\"'`"))
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// hide keeps the environment of a service out of all that is shown.
func (o *Options) hide(env dokploy.Secret, names ...string) {
	if env != "" {
		o.Reporter.Hide(secretValues(string(env), append(names, o.shown()...)...)...)
	}
}

// shown are the texts that a run shows whatever they hold.
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
