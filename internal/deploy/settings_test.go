package deploy

import (
	"testing"

	"dokploy-deploy/internal/dokploy"
)

// What holds for every row of the table: what is set is read back, and is set
// back to what it was.
func TestSettingsAreOneTable(t *testing.T) {
	services := []*dokploy.Service{
		{Kind: dokploy.Application, SourceType: "docker", Image: "x:1", Env: "A=1"},
		{Kind: dokploy.Application, SourceType: "git", Build: dokploy.Build{Type: "dockerfile"}, Env: "A=1", BuildArgs: "B=1", BuildSecrets: "C=1"},
		{Kind: dokploy.Compose, SourceType: "git", Env: "A=1", ComposeFile: "services: {}"},
	}
	all := Changes{Image: "x:2", Env: "A=2", ComposeFile: "services: {web: {image: a}}", BuildArgs: "B=2", BuildSecrets: "C=2"}
	seen := map[dokploy.Field]bool{}
	for _, s := range services {
		o := &Options{Prepare: all}
		if s.SourceType == "docker" {
			o.Prepare.BuildArgs, o.Prepare.BuildSecrets = "", ""
		} else {
			o.Prepare.Image = ""
		}
		p, err := planFor(o, s, dokploy.Version{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range p.changes {
			seen[c.of.field] = true
			if c.from != s.Get(c.of.field) || c.to == c.from {
				t.Errorf("%s: from %q to %q", c.of.phrase, string(c.from), string(c.to))
			}
			if x := (changes{c}).driftedField(s); x == nil || x.of.phrase != c.of.phrase {
				t.Errorf("%s: what was not set does not stand out", c.of.phrase)
			}
		}
		if !p.changes.nothingApplied(s) || len(p.changes.apply()) != len(p.changes) || len(p.changes.undo()) != len(p.changes) {
			t.Errorf("%s: %s", s.Kind, p.changes.names())
		}
	}
	for i := range settings {
		if x := &settings[i]; !seen[x.field] || x.input == "" || x.phrase == "" {
			t.Errorf("row %d (%s) is not planned", i, x.field)
		}
	}
	none, err := planFor(&Options{}, services[0], dokploy.Version{})
	if err != nil || len(none.changes)+len(none.lines)+len(none.warns) > 0 {
		t.Errorf("%+v, %v", none, err)
	}
}

func TestNamesOfChanges(t *testing.T) {
	row := func(phrase string, plural bool) change {
		return change{of: &setting{phrase: phrase, plural: plural}}
	}
	image, env, args := row("the image", false), row("the environment", false), row("the build arguments", true)
	for want, cs := range map[string]changes{
		"the image was":                                           {image},
		"the build arguments were":                                {args},
		"the image and the environment were":                      {image, env},
		"the image, the environment and the build arguments were": {image, env, args},
	} {
		if got := cs.names() + cs.verb(" was", " were"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
