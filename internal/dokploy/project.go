package dokploy

import (
	"context"
	"fmt"
)

// Project is an element of project.all.
type Project struct {
	Name         string
	Environments []Environment
}

// Environment is a project's environment and its services.
type Environment struct {
	Name     string
	Services []ServiceRef
}

// ServiceRef is a service as project.all lists it.
type ServiceRef struct {
	Kind   Kind
	ID     string
	Name   string
	Status string // idle, running, done, error
}

// Projects lists everything that the key may see. On servers before v0.25.0 it
// fails with a [NoEnvironmentsError].
func (c *Client) Projects(ctx context.Context) ([]Project, error) {
	type environment struct {
		Name string `json:"name"`
		wireServices
	}
	var wire listOf[struct {
		Name         string              `json:"name"`
		Environments listOf[environment] `json:"environments"`
	}]
	if err := c.query(ctx, listProcedure, nil, &wire); err != nil {
		return nil, err
	}
	if wire == nil {
		return nil, noList(listProcedure)
	}
	projects := make([]Project, 0, len(wire))
	for _, w := range wire {
		p := Project{Name: listedName(w.Name)}
		if w.Environments == nil {
			return nil, &NoEnvironmentsError{}
		}
		for _, e := range w.Environments {
			p.Environments = append(p.Environments, Environment{Name: listedName(e.Name), Services: e.refs()})
		}
		projects = append(projects, p)
	}
	return projects, nil
}

// NoEnvironmentsError means that the server's projects have no environments: it
// is older than v0.25.0 (docs/dokploy.md, Versions).
type NoEnvironmentsError struct{}

func (*NoEnvironmentsError) Error() string {
	return "the projects of this Dokploy have no environments"
}

type wireRef struct {
	ApplicationID     string `json:"applicationId"`
	ComposeID         string `json:"composeId"`
	Name              string `json:"name"`
	ApplicationStatus string `json:"applicationStatus"`
	ComposeStatus     string `json:"composeStatus"`
}

type wireServices struct {
	Applications listOf[wireRef] `json:"applications"`
	Compose      listOf[wireRef] `json:"compose"`
}

func (w wireServices) refs() []ServiceRef {
	var refs []ServiceRef
	for _, a := range w.Applications {
		refs = append(refs, ServiceRef{Application, a.ApplicationID, listedName(a.Name), a.ApplicationStatus})
	}
	for _, s := range w.Compose {
		refs = append(refs, ServiceRef{Compose, s.ComposeID, listedName(s.Name), s.ComposeStatus})
	}
	return refs
}

// listedName returns a name for a list, which is sent back and shown. A name
// that is too long is dropped whole.
func listedName(s string) string {
	if len(s) > maxName {
		return fmt.Sprintf("(a name of %d bytes)", len(s))
	}
	return s
}
