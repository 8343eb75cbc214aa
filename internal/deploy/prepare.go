package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dotenv"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/upload"
)

// Changes are what a run sets of its targets before it deploys them. The image
// is for every application, the environment for every target, the other two
// are for the only service of their kind.
type Changes struct {
	Image       string
	Env         string // dotenv lines
	ReplaceEnv  bool   // Env is the whole environment
	ComposeFile string // its text
	ComposePath string // where it was read
	Source      *upload.Source
	SourcePath  string // of it
}

// set reports whether something is changed by application.update and its like.
func (c *Changes) set() bool { return c.Image != "" || c.Env != "" || c.ComposeFile != "" }

// plan is what a run changes of one service, against what the service has.
type plan struct {
	service *dokploy.Service // as it was read
	change  dokploy.Change   // what is to be sent
	back    dokploy.Change   // what undoes it
	want    dokploy.Service  // what is read back then
	lines   []string         // for a person; no value of the environment
	warns   []string         // what does not arrive as it is given
	needs   []string         // the inputs that ask for the right "create services"
	member  bool             // the environment was set as a plain member may
}

// planFor compares what is asked for with what the service has. Its errors are
// about inputs.
func planFor(o *Options, s *dokploy.Service, version dokploy.Version) (*plan, error) {
	p := &plan{service: s, want: *s}
	c := &o.Prepare
	say := func(format string, args ...any) { p.lines = append(p.lines, fmt.Sprintf(format, args...)) }
	if c.Image != "" && s.Kind == dokploy.Application {
		if s.SourceType != "docker" {
			return nil, &inputError{
				input: "image",
				what:  fmt.Sprintf("%s is built from a source (%s), it does not run an image that can be set", text.OneLine(s.Name), text.OneLine(s.SourceType)),
				hint:  "leave image empty, or set the application's provider to Docker in Dokploy",
			}
		}
		p.want.Image = c.Image
		if c.Image == s.Image {
			say("image: %s, as it is", c.Image)
		} else {
			say("image: %s → %s", firstOf(text.OneLine(s.Image), "none"), c.Image)
			p.change.Image, p.back.Image = &c.Image, &s.Image
			p.needs = append(p.needs, "image")
		}
	}
	if c.Env != "" {
		if s.Kind == dokploy.Compose {
			var refused string
			if p.warns, refused = composeEnv(s.ComposeType, version, c.Env); refused != "" {
				return nil, &inputError{
					input: "env", what: text.OneLine(s.Name) + ": " + refused,
					hint: "update Dokploy to v0.30.0 or newer, or give the value in a form without that, such as base64",
				}
			}
			if s.NoEnvFile() {
				p.warns = append(p.warns, noEnvFileText(s.ComposeType))
			}
		}
		env, err := newEnv(c, string(s.Env))
		if err != nil {
			return nil, &inputError{
				input: "env", what: fmt.Sprintf("cannot be merged into the environment of %s: %v", text.OneLine(s.Name), err),
				hint: "mend the environment in Dokploy, or set env-mode to replace and give all of it",
			}
		}
		p.want.Env = dokploy.Secret(env)
		say("env: %s", envText(string(s.Env), env))
		if p.want.Env != s.Env {
			p.change.Env, p.back.Env = &p.want.Env, &s.Env
		}
	}
	if c.ComposeFile != "" && s.Kind == dokploy.Compose {
		raw := "raw"
		p.want.ComposeFile, p.want.SourceType = dokploy.Secret(c.ComposeFile), raw
		if s.SourceType != raw {
			say("compose-file: %s becomes the file; the source, until now %s, becomes raw", text.OneLine(c.ComposePath), text.OneLine(s.SourceType))
			p.change.SourceType, p.back.SourceType = &raw, &s.SourceType
		}
		switch {
		case p.want.ComposeFile != s.ComposeFile:
			p.change.ComposeFile, p.back.ComposeFile = &p.want.ComposeFile, &s.ComposeFile
			if s.SourceType == raw {
				say("compose-file: %s (%d lines, until now %d)", text.OneLine(c.ComposePath), lineCount(c.ComposeFile), lineCount(string(s.ComposeFile)))
			}
		case s.SourceType == raw:
			say("compose-file: %s, as it is", text.OneLine(c.ComposePath))
		}
		if p.change.ComposeFile != nil || p.change.SourceType != nil {
			p.needs = append(p.needs, "compose-file")
		}
	}
	if src := c.Source; src != nil && s.Kind == dokploy.Application {
		say("source: %s, %d files, %s", text.OneLine(c.SourcePath), src.Files(), size(src.Bytes()))
		if s.SourceType != "drop" {
			say("source: the application's source, until now %s, becomes an upload", text.OneLine(s.SourceType))
		}
		for _, note := range src.Notes() {
			say("source: %s", note)
		}
	}
	return p, nil
}

func newEnv(c *Changes, old string) (string, error) {
	if c.ReplaceEnv {
		return c.Env, nil
	}
	return dotenv.Merge(old, c.Env)
}

// maxNames bounds the variables that a line names.
const maxNames = 20

// envText says what changes, by names alone.
func envText(old, env string) string {
	added, changed, removed := dotenv.Diff(old, env)
	var parts []string
	for _, x := range []struct {
		verb  string
		names []string
	}{{"adds", added}, {"changes", changed}, {"removes", removed}} {
		if len(x.names) > 0 {
			parts = append(parts, x.verb+" "+nameList(x.names))
		}
	}
	kept := len(dotenv.Parse(env)) - len(added) - len(changed)
	switch {
	case len(parts) == 0 && old == env:
		return fmt.Sprintf("%s, as they are", count(kept, "variable"))
	case len(parts) == 0:
		return fmt.Sprintf("%s keep their values; only the text changes", count(kept, "variable"))
	case kept > 0:
		parts = append(parts, count(kept, "other")+" as before")
	}
	return strings.Join(parts, "; ")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func lineCount(text string) int {
	return strings.Count(strings.TrimRight(text, "\n"), "\n") + 1
}

// size writes a number of bytes as a person reads it.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%d kB", (n+500)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// changed names what a change holds, for a person.
func changed(c dokploy.Change) string {
	var parts []string
	if c.Image != nil {
		parts = append(parts, "the image")
	}
	if c.Env != nil {
		parts = append(parts, "the environment")
	}
	if c.ComposeFile != nil {
		parts = append(parts, "the compose file")
	}
	if c.SourceType != nil {
		parts = append(parts, "the source type")
	}
	return strings.Join(parts, " and ")
}

// mayPrepare refuses, before anything is sent, what the key has no right to.
// Where the server does not tell, only trying does.
func mayPrepare(rights *dokploy.Rights, p *plan) error {
	if rights == nil || rights.CreateServices || len(p.needs) == 0 {
		return nil
	}
	return missingRight(p.needs[0], nil)
}

// rightError is a key that is good, but may not do what an input asks for.
type rightError struct {
	input, what, hint string
	err               error
}

func (e *rightError) Error() string { return e.what }
func (e *rightError) Unwrap() error { return e.err }

func missingRight(input string, err error) error {
	return &rightError{
		input: input, err: err,
		what: `Dokploy does not let this key change that: its owner has no right "create services"`,
		hint: `give the member "create services" in Settings → Users, or use an admin's key; a plain member may set the environment only`,
	}
}

// prepare sets what the inputs ask for, and reads it back: what another
// pipeline set meanwhile is not deployed.
func (r *run) prepare(ctx context.Context) error {
	if r.o.Prepare.set() {
		// What was read when the target was found may be old by now.
		s, err := r.readAgain(ctx)
		if err != nil {
			return err
		}
		r.service = s
	}
	p, err := planFor(r.o, r.service, r.version)
	if err != nil {
		return err
	}
	r.showPlan(p)
	if p.change.Empty() {
		return nil
	}
	r.state = nothingStarted
	if err := r.apply(ctx, p, p.change); err != nil {
		if !certain(err) {
			r.undo = p // as far as it was set, it goes back
			r.state = fmt.Sprintf("whether %s was set is not known; %s", changed(p.change), nothingStarted)
		}
		return err
	}
	r.undo = p
	r.state = fmt.Sprintf("%s was set; %s", changed(p.change), nothingStarted)
	var now *dokploy.Service
	if now, err = r.readAgain(ctx); err != nil {
		return err
	}
	if what := differs(p, now); what != "" {
		return &verdictError{
			Failed,
			fmt.Sprintf("%s was set, but Dokploy has another one now: another pipeline or person has changed it in between; nothing was deployed", what),
			"let one pipeline at a time deploy this service, then run the job again",
		}
	}
	r.service = now
	return nil
}

func (r *run) showPlan(p *plan) {
	for _, line := range p.lines {
		r.note("%s", line)
	}
	for _, text := range p.warns {
		r.warn("env: %s", text)
	}
}

// certain reports whether an error leaves no doubt: Dokploy has refused.
func certain(err error) bool {
	var right *rightError
	return errors.As(err, &right) || dokploy.Permanent(err) && !errors.Is(err, context.Canceled)
}

// differs names what is not as it was set; empty: all is.
func differs(p *plan, now *dokploy.Service) string {
	switch {
	case now.Image != p.want.Image && p.change.Image != nil:
		return "the image"
	case now.Env != p.want.Env && p.change.Env != nil:
		return "the environment"
	case now.ComposeFile != p.want.ComposeFile && p.change.ComposeFile != nil:
		return "the compose file"
	case now.SourceType != p.want.SourceType && p.change.SourceType != nil:
		return "the source"
	case p.member && !p.service.SameBeside(now):
		return "what stands beside the environment (build arguments and secrets)"
	}
	return ""
}

// apply sends a change. The environment alone a plain member may set, too.
func (r *run) apply(ctx context.Context, p *plan, change dokploy.Change) error {
	onlyEnv := change.Env != nil && change == dokploy.Change{Env: change.Env}
	if onlyEnv && r.rights != nil && !r.rights.CreateServices {
		return r.saveEnv(ctx, p, *change.Env)
	}
	err := before(ctx, r.o, func(ctx context.Context) error { return r.client.Update(ctx, p.service, change) })
	switch {
	case err == nil || !dokploy.Denied(err):
		return err
	case onlyEnv:
		return r.saveEnv(ctx, p, *change.Env)
	}
	return missingRight(p.needs[0], err)
}

func (r *run) saveEnv(ctx context.Context, p *plan, env dokploy.Secret) error {
	p.member = true
	return before(ctx, r.o, func(ctx context.Context) error { return r.client.SaveEnvironment(ctx, p.service, env) })
}

// askRights asks once what the key may do; nil where the server does not tell.
func askRights(ctx context.Context, o *Options) (*dokploy.Rights, error) {
	var (
		rights dokploy.Rights
		told   bool
	)
	err := before(ctx, o, func(ctx context.Context) (err error) {
		rights, told, err = o.Client.Rights(ctx)
		if dokploy.Denied(err) {
			return nil
		}
		return err
	})
	if err != nil || !told {
		return nil, err
	}
	return &rights, nil
}
