package deploy

import (
	"cmp"
	"fmt"
	slashes "path"
	"strings"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
)

// need is a path that an application's settings name, below its source.
type need struct {
	path string
	what string
	file bool // not a folder
}

// needs returns the paths without which the application's build cannot start.
// Paths outside the source and patterns are not checked.
func needs(s *dokploy.Service) []need {
	var list []need
	add := func(what string, file bool, parts ...string) {
		if p, ok := inSource(parts...); ok {
			list = append(list, need{p, what, file})
		}
	}
	context := cmp.Or(s.Build.ContextPath, s.DropBuildPath)
	switch s.Build.Type {
	case "": // not set
	case "dockerfile":
		add("Dockerfile", true, s.DropBuildPath, cmp.Or(s.Build.Dockerfile, "Dockerfile"))
		if s.Build.ContextPath != "" {
			add("Docker context path", false, context)
		}
	case "static": // a Dockerfile that Dokploy writes
		add("build path", false, context)
		if p := s.Build.PublishPath; p != "" && !strings.ContainsAny(p, "*?[") {
			add("publish directory", false, context, s.Build.PublishPath)
		}
	default:
		add("build path", false, s.DropBuildPath)
	}
	return list
}

// inSource joins the parts of a path as Dokploy does.
func inSource(parts ...string) (string, bool) {
	const root = "source"
	p := slashes.Join(append([]string{root}, parts...)...)
	if p == root {
		return ".", true
	}
	p, ok := strings.CutPrefix(p, root+"/")
	return p, ok
}

// kept returns the files that Docker reads whatever .dockerignore says.
func kept(s *dokploy.Service) []string {
	var names []string
	if s.Build.Type != "dockerfile" {
		return nil
	}
	for _, n := range needs(s) {
		if n.file {
			names = append(names, n.path, n.path+".dockerignore")
		} else {
			names = append(names, slashes.Join(n.path, ".dockerignore"))
		}
	}
	return names
}

// fitSource makes the source include what the application needs, and reports
// what is missing.
func (c *Changes) fitSource(s *dokploy.Service) error {
	if c.Source == nil || s.Kind != dokploy.Application {
		return nil
	}
	src, err := c.Source.Keep(kept(s)...)
	if err != nil {
		return aboutInput("source", verdict.Reason{Kind: verdict.SourceUnfit, Text: strings.ReplaceAll(err.Error(), "\n", "; ")})
	}
	c.Source = src
	for _, n := range needs(s) {
		if why := src.Lacks(n.path, n.file); why != "" {
			what := fmt.Sprintf("%s, the %s of %s, %s", text.OneLine(n.path), n.what, text.OneLine(s.Name), why)
			return aboutInput("source", verdict.Reason{Kind: verdict.SourceLacks, Text: what})
		}
	}
	return nil
}
