package deploy

import (
	"fmt"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
)

// nameThem gives each target a unique name, and marks those that are the same
// service.
func (t *targets) nameThem() {
	var services []*dokploy.Service
	for i := range t.targets {
		x := &t.targets[i]
		if x.err != nil {
			continue
		}
		for j := range i {
			if y := t.targets[j]; y.err == nil && y.same < 0 && y.service.Kind == x.service.Kind && y.service.ID == x.service.ID {
				x.same = j
				break
			}
		}
		if x.same < 0 {
			services = append(services, x.service)
		}
	}
	names := distinctNames(services)
	for i := range t.targets {
		if x := &t.targets[i]; x.err == nil {
			x.name = names[x.service.ID]
		}
	}
}

// nameForms are the ways to name a service, shortest first. The last one is
// unique.
var nameForms = []func(*dokploy.Service) string{
	func(s *dokploy.Service) string { return text.OneLine(s.Name) },
	func(s *dokploy.Service) string { return text.OneLine(s.Path()) },
	func(s *dokploy.Service) string { return fmt.Sprintf("%s (%s)", text.OneLine(s.Name), s.Kind) },
	func(s *dokploy.Service) string { return fmt.Sprintf("%s (%s)", text.OneLine(s.Path()), s.Kind) },
	func(s *dokploy.Service) string {
		if name := text.OneLine(s.Name); name != "" {
			return fmt.Sprintf("%s (%s)", name, s.ID)
		}
		return s.ID
	},
}

// distinctNames names services so that no two names are equal: services of the
// same name get the first form that distinguishes them all.
func distinctNames(services []*dokploy.Service) map[string]string {
	sameName := map[string][]*dokploy.Service{}
	for _, s := range services {
		name := text.OneLine(s.Name)
		sameName[name] = append(sameName[name], s)
	}
	names := map[string]string{}
	taken := map[string]int{}
	last := nameForms[len(nameForms)-1]
	for name, group := range sameName {
		forms := nameForms
		if name == "" {
			forms = []func(*dokploy.Service) string{last}
		}
		for _, form := range forms {
			seen := map[string]bool{}
			for _, s := range group {
				names[s.ID] = form(s)
				seen[form(s)] = true
			}
			if len(seen) == len(group) {
				break
			}
		}
		for _, s := range group {
			taken[names[s.ID]]++
		}
	}
	for _, s := range services {
		if taken[names[s.ID]] > 1 { // a name may look like another one's path
			names[s.ID] = last(s)
		}
	}
	return names
}

// targets is the result of resolve.
type targets struct {
	version dokploy.Version
	targets []resolved
	// paths has the paths of services that project.all listed, by id, to name
	// what is being built ahead of us.
	paths map[string]string
	// rights are what the key may do; nil: not requested, or not shown.
	rights *dokploy.Rights
}

type resolved struct {
	service *dokploy.Service
	name    string // unique among the targets
	same    int    // index of an earlier target with the same service; -1: none
	err     error
}

func (t *targets) names() []string {
	var names []string
	for _, x := range t.targets {
		if x.same < 0 {
			names = append(names, x.name)
		}
	}
	return names
}
