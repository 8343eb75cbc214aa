package deploy

import (
	"fmt"
	"slices"
	"strings"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dotenv"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
)

// setting is one setting of a service that a run may change before it deploys.
type setting struct {
	field  dokploy.Field
	input  string // the input that asks for it
	phrase string // what to call it in a message
	plural bool
	member bool // a plain member may set it
	// wish says what the inputs make of the setting of a service. Its errors
	// are about inputs.
	wish func(c *Changes, s *dokploy.Service, v dokploy.Version) (wish, error)
}

// wish is what a setting should become.
type wish struct {
	asked bool // false: it stays as it is
	value dokploy.Secret
	lines []string // for a person; without values of the environment
	warns []string // what does not arrive as given
}

// settings is the table of all of them, in the order in which they are shown.
// Planning, checking, sending, reading back and restoring all follow it.
var settings = []setting{
	{field: dokploy.FieldImage, input: "image", phrase: "the image", wish: wishImage},
	{field: dokploy.FieldEnv, input: "env", phrase: "the environment", member: true, wish: wishEnv},
	{field: dokploy.FieldBuildArgs, input: "build-args", phrase: "the build arguments", plural: true, member: true, wish: wishBuildArgs},
	{field: dokploy.FieldBuildSecrets, input: "build-secrets", phrase: "the build secrets", plural: true, member: true, wish: wishBuildSecrets},
	{field: dokploy.FieldComposeFile, input: "compose-file", phrase: "the compose file", wish: wishComposeFile},
	{field: dokploy.FieldSourceType, input: "compose-file", phrase: "the source type", wish: wishSourceType},
}

// change is a setting that a run changes.
type change struct {
	of   *setting
	to   dokploy.Secret
	from dokploy.Secret // what undoes it
}

// changes are those of one service, in the order of the table.
type changes []change

// image returns the change of the image; nil: it is not changed.
func (cs changes) image() *change {
	if i := slices.IndexFunc(cs, func(c change) bool { return c.of.field == dokploy.FieldImage }); i >= 0 {
		return &cs[i]
	}
	return nil
}

// apply returns what to send, undo what takes it back.
func (cs changes) apply() dokploy.Change {
	m := dokploy.Change{}
	for _, c := range cs {
		m[c.of.field] = c.to
	}
	return m
}

func (cs changes) undo() dokploy.Change {
	m := dokploy.Change{}
	for _, c := range cs {
		m[c.of.field] = c.from
	}
	return m
}

// names lists what is changed.
func (cs changes) names() string {
	var names []string
	for _, c := range cs {
		names = append(names, c.of.phrase)
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// verb returns the form that agrees with the names.
func (cs changes) verb(one, many string) string {
	if len(cs) == 1 {
		return cs[0].of.verb(one, many)
	}
	return many
}

// verb returns the form that agrees with the phrase.
func (x *setting) verb(one, many string) string {
	if x.plural {
		return many
	}
	return one
}

// needsRight returns the first change that a plain member may not make; nil:
// there is none.
func (cs changes) needsRight() *change {
	if i := slices.IndexFunc(cs, func(c change) bool { return !c.of.member }); i >= 0 {
		return &cs[i]
	}
	return nil
}

// driftedField returns a change that a service no longer has; nil: it has all.
func (cs changes) driftedField(now *dokploy.Service) *change {
	if i := slices.IndexFunc(cs, func(c change) bool { return now.Get(c.of.field) != c.to }); i >= 0 {
		return &cs[i]
	}
	return nil
}

// nothingApplied reports whether a service is as it would be if the changes
// were undone.
func (cs changes) nothingApplied(now *dokploy.Service) bool {
	return !slices.ContainsFunc(cs, func(c change) bool { return now.Get(c.of.field) != c.from })
}

// withImage returns the same changes, except that undoing them goes back to
// another image. failed is the image that was deployed.
func (cs changes) withImage(image, failed string) changes {
	cs = slices.Clone(cs)
	if c := cs.image(); c != nil {
		c.from = dokploy.Secret(image)
		return cs
	}
	i := slices.IndexFunc(settings, func(x setting) bool { return x.field == dokploy.FieldImage })
	return slices.Insert(cs, 0, change{of: &settings[i], to: dokploy.Secret(failed), from: dokploy.Secret(image)})
}

// plan is what a run changes on a service, compared with what the service has.
type plan struct {
	service *dokploy.Service // as it was read
	changes changes          // what is not yet as asked for
	lines   []string
	warns   []string // each with its input
	member  bool     // it was set through the members' call
	asked   bool     // some setting is asked for
}

// planFor compares what is asked for with what the service has. Its errors are
// about inputs.
func planFor(o *Options, s *dokploy.Service, version dokploy.Version) (*plan, error) {
	p := &plan{service: s}
	for i := range settings {
		x := &settings[i]
		w, err := x.wish(&o.Prepare, s, version)
		if err != nil {
			return nil, err
		}
		for _, line := range w.lines {
			p.lines = append(p.lines, x.input+": "+line)
		}
		for _, text := range w.warns {
			p.warns = append(p.warns, x.input+": "+text)
		}
		p.asked = p.asked || w.asked
		if has := s.Get(x.field); w.asked && w.value != has {
			p.changes = append(p.changes, change{x, w.value, has})
		}
	}
	p.lines = append(p.lines, sourceLines(&o.Prepare, s)...)
	return p, nil
}

func wishImage(c *Changes, s *dokploy.Service, _ dokploy.Version) (w wish, err error) {
	switch {
	case c.Image == "" || s.Kind != dokploy.Application:
		return w, nil
	case s.SourceType != "docker":
		return w, aboutInput("image", verdict.Reason{Kind: verdict.NotAnImage, Name: text.OneLine(s.Name), Text: text.OneLine(s.SourceType)})
	}
	line := c.Image + " (unchanged)"
	if c.Image != s.Image {
		line = firstOf(text.OneLine(s.Image), "none") + " → " + c.Image
	}
	return wish{asked: true, value: dokploy.Secret(c.Image), lines: []string{line}}, nil
}

func wishEnv(c *Changes, s *dokploy.Service, v dokploy.Version) (w wish, err error) {
	if c.Env == "" {
		return w, nil
	}
	if s.Kind == dokploy.Compose {
		var refused string
		if w.warns, refused = composeEnv(s.ComposeType, v, c.Env); refused != "" {
			return w, aboutInput("env", verdict.Reason{Kind: verdict.EnvUnfit, Name: text.OneLine(s.Name), Text: refused})
		}
		if s.NoEnvFile() {
			w.warns = append(w.warns, noEnvFileText(s.ComposeType))
		}
	}
	env := c.Env
	if !c.ReplaceEnv {
		if env, err = dotenv.Merge(string(s.Env), c.Env); err != nil {
			return w, aboutInput("env", verdict.Reason{Kind: verdict.EnvUnmergeable, Name: text.OneLine(s.Name), Text: err.Error()})
		}
	}
	w.asked, w.value, w.lines = true, dokploy.Secret(env), []string{variablesText(string(s.Env), env)}
	return w, nil
}

func wishBuildArgs(c *Changes, s *dokploy.Service, v dokploy.Version) (wish, error) {
	w, err := wishBuild("build-args", "build arguments", c.BuildArgs, s.BuildArgs, c, s)
	if w.asked {
		w.warns = shellWarnings(c.BuildArgs, v, false)
	}
	return w, err
}

func wishBuildSecrets(c *Changes, s *dokploy.Service, v dokploy.Version) (wish, error) {
	if c.BuildSecrets != "" && s.Kind == dokploy.Application && s.NoBuildSecrets {
		return wish{}, aboutInput("build-secrets", verdict.Reason{Kind: verdict.NoBuildSecrets})
	}
	w, err := wishBuild("build-secrets", "build secrets", c.BuildSecrets, s.BuildSecrets, c, s)
	if w.asked {
		w.warns = shellWarnings(c.BuildSecrets, v, true)
	}
	return w, err
}

// wishBuild merges lines into a build's variables. Dokploy passes them only to
// Dockerfile builds (docs/dokploy.md, Build arguments and secrets).
func wishBuild(input, what, lines string, has dokploy.Secret, c *Changes, s *dokploy.Service) (wish, error) {
	name := text.OneLine(s.Name)
	refuse := func(why string) (wish, error) {
		return wish{}, aboutInput(input, verdict.Reason{Kind: verdict.BuiltWithout, Text: why})
	}
	switch {
	case lines == "" || s.Kind != dokploy.Application:
		return wish{}, nil
	case s.SourceType == "docker" && c.Source == nil:
		return refuse(fmt.Sprintf("%s runs an image, so nothing is built with %s", name, what))
	case s.Build.Type != "dockerfile":
		return refuse(fmt.Sprintf("%s is built by %s, and Dokploy passes %s to Dockerfile builds only", name, firstOf(text.OneLine(s.Build.Type), "something else"), what))
	}
	merged, err := dotenv.Merge(string(has), lines)
	if err != nil {
		bad := aboutInput(input, verdict.Reason{Kind: verdict.BuildUnmergeable, Name: what + " of " + name, Text: err.Error()})
		bad.Hint = verdict.Hint("fix the " + what + " in Dokploy")
		return wish{}, bad
	}
	return wish{asked: true, value: dokploy.Secret(merged), lines: []string{variablesText(string(has), merged)}}, nil
}

// shellWarnings names the variables whose values Dokploy changes when it
// composes the build command (docs/dokploy.md, Build arguments and secrets).
func shellWarnings(lines string, v dokploy.Version, secrets bool) (warns []string) {
	if dokploy.TraitsOf(v).BuildValuesAsWritten {
		return nil
	}
	for _, x := range dotenv.Parse(lines) {
		switch {
		case strings.Contains(x.Value, "'") && strings.Contains(x.Value, "!"):
			warns = append(warns, fmt.Sprintf("the build gets a backslash before each ! in %s, because its value also contains a '; encode it, for example as base64", x.Name))
		case secrets && strings.HasPrefix(x.Value, "~") && !strings.ContainsAny(x.Value, "\"'\\ \t\r\n"):
			warns = append(warns, fmt.Sprintf("the build may get a home directory instead of the ~ at the start of %s; encode it, for example as base64", x.Name))
		}
	}
	return warns
}

func wishComposeFile(c *Changes, s *dokploy.Service, _ dokploy.Version) (w wish, err error) {
	if c.ComposeFile == "" || s.Kind != dokploy.Compose {
		return w, nil
	}
	line := text.OneLine(c.ComposePath)
	switch {
	case s.SourceType != rawSource:
		line += fmt.Sprintf(" becomes the compose file; the source changes from %s to raw", text.OneLine(s.SourceType))
	case c.ComposeFile != string(s.ComposeFile):
		line += fmt.Sprintf(" (%s, was %d)", count(lineCount(c.ComposeFile), "line"), lineCount(string(s.ComposeFile)))
	default:
		line += " (unchanged)"
	}
	return wish{asked: true, value: dokploy.Secret(c.ComposeFile), lines: []string{line}}, nil
}

// rawSource is the source of a compose service whose file Dokploy itself
// stores.
const rawSource = "raw"

// wishSourceType belongs to the compose file, whose line mentions it.
func wishSourceType(c *Changes, s *dokploy.Service, _ dokploy.Version) (wish, error) {
	return wish{asked: c.ComposeFile != "" && s.Kind == dokploy.Compose, value: rawSource}, nil
}

// sourceLines describes what is uploaded.
func sourceLines(c *Changes, s *dokploy.Service) []string {
	src := c.Source
	if src == nil || s.Kind != dokploy.Application {
		return nil
	}
	lines := []string{fmt.Sprintf("source: %s, %s, %s", text.OneLine(c.SourcePath), count(src.Files(), "file"), size(src.Bytes()))}
	if s.SourceType != "drop" {
		lines = append(lines, fmt.Sprintf("source: the application's source changes from %s to an upload", text.OneLine(s.SourceType)))
	}
	for _, note := range src.Notes() {
		lines = append(lines, "source: "+note)
	}
	return lines
}

// variablesText says what changes in a text of variables, by name only.
func variablesText(old, now string) string {
	added, changed, removed := dotenv.Diff(old, now)
	var parts []string
	for _, x := range []struct {
		verb  string
		names []string
	}{{"adds", added}, {"changes", changed}, {"removes", removed}} {
		if len(x.names) > 0 {
			parts = append(parts, x.verb+" "+nameList(x.names))
		}
	}
	kept := len(dotenv.Parse(now)) - len(added) - len(changed)
	switch {
	case len(parts) == 0 && old == now:
		return fmt.Sprintf("%s (unchanged)", count(kept, "variable"))
	case len(parts) == 0:
		return fmt.Sprintf("only the text changes, not the values (%s)", count(kept, "variable"))
	case kept > 0:
		parts = append(parts, count(kept, "other")+" unchanged")
	}
	return strings.Join(parts, "; ")
}
