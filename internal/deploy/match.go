package deploy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

type candidate struct {
	ref  dokploy.ServiceRef
	path string
}

func path(p dokploy.Project, e dokploy.Environment, s dokploy.ServiceRef) string {
	return p.Name + "/" + e.Name + "/" + s.Name
}

// match finds the services that a reference may mean, and lists all of its
// kind. An id takes precedence over a name. Names may contain slashes, and may
// differ only in case.
func match(projects []dokploy.Project, t Target) (matches, all []candidate) {
	var byID, exact, folded []candidate
	for _, p := range projects {
		for _, e := range p.Environments {
			for _, s := range e.Services {
				if s.Kind != t.Kind || s.ID == "" {
					continue
				}
				c := candidate{s, path(p, e, s)}
				all = append(all, c)
				names := []string{s.Name, p.Name + "/" + s.Name, c.path}
				switch {
				case s.ID == t.Ref:
					byID = append(byID, c)
				case slices.Contains(names, t.Ref):
					exact = append(exact, c)
				case slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(strings.TrimSpace(n), t.Ref) }):
					folded = append(folded, c)
				}
			}
		}
	}
	for _, m := range [][]candidate{byID, exact, folded} {
		if len(m) > 0 {
			return m, all
		}
	}
	return nil, all
}

// maxListed limits how many services an error lists.
const maxListed = 30

// notFound says what there is instead.
func notFound(t Target, all []candidate, projects []dokploy.Project) error {
	why := verdict.Reason{Kind: verdict.NoSuchTarget, Name: strconv.Quote(t.Ref)}
	if others, _ := match(projects, Target{Kind: other(t.Kind), Ref: t.Ref}); len(others) > 0 {
		why.Kind, why.Text = verdict.IsCompose, others[0].path
		if t.Kind == dokploy.Compose {
			why.Kind = verdict.IsApplication
		}
		return aboutInput("", why)
	}
	var paths []string
	for _, c := range all {
		paths = append(paths, c.path)
	}
	slices.Sort(paths)
	switch more := len(paths) - maxListed; {
	case len(paths) == 0:
		why.Kind, why.Text = verdict.NoneVisible, string(t.Kind)
	case more > 0:
		why.Text = fmt.Sprintf("%s and %d more", strings.Join(paths[:maxListed], ", "), more)
	default:
		why.Text = strings.Join(paths, ", ")
	}
	return aboutInput("", why)
}

func other(k dokploy.Kind) dokploy.Kind {
	if k == dokploy.Application {
		return dokploy.Compose
	}
	return dokploy.Application
}
