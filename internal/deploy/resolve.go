package deploy

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// idForm matches Dokploy's ids (docs/dokploy.md, Names, links, domains).
var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{21}$`)

// resolveAtOnce limits how many services are read at a time: hundreds would
// wait for their turn until they time out.
const resolveAtOnce = 8

// resolve finds the service of each target. The error is one that concerns all
// of them: the server, or the key.
func resolve(ctx context.Context, o *Options) (*targets, error) {
	list := &projectList{}
	version, err := meetServer(ctx, o, list)
	if err != nil {
		return nil, err
	}
	found := &targets{version: version, targets: make([]resolved, len(o.Targets)), paths: map[string]string{}}
	slots := make(chan struct{}, resolveAtOnce)
	var wg sync.WaitGroup
	for i, t := range o.Targets {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			x := &found.targets[i]
			x.same = -1
			x.service, x.err = resolveOne(ctx, o, t, list)
		})
	}
	wg.Wait()
	if err := tooOld(version, list.err); err != nil {
		return nil, err
	}
	o.Reporter.Header(fmt.Sprintf("%s → %s (Dokploy %s)", o.Program, o.URL, version))
	for _, p := range list.projects {
		for _, e := range p.Environments {
			for _, s := range e.Services {
				found.paths[s.ID] = path(p, e, s)
			}
		}
	}
	found.nameThem()
	return found, nil
}

// projectList is the list of all projects. It is asked for once at most, and only
// if something needs it.
type projectList struct {
	once     sync.Once
	projects []dokploy.Project
	err      error
}

func (l *projectList) read(ctx context.Context, o *Options) ([]dokploy.Project, error) {
	l.once.Do(func() { l.projects, l.err = ask(ctx, o, o.Client.Projects) })
	return l.projects, l.err
}

// meetServer asks for the version and refuses a server that is not supported. The
// first real question goes along with that.
func meetServer(ctx context.Context, o *Options, list *projectList) (version dokploy.Version, err error) {
	var versionErr, cloudErr error
	var wg sync.WaitGroup
	wg.Go(func() { cloudErr = refuseCloud(ctx, o) })
	wg.Go(func() { version, versionErr = ask(ctx, o, o.Client.Version) })
	listed := slices.ContainsFunc(o.Targets, func(t Target) bool { return !idForm.MatchString(t.Ref) })
	if listed {
		wg.Go(func() { _, _ = list.read(ctx, o) })
	}
	wg.Wait()
	// A server that does not say its version counts as current, unless it does
	// not answer at all.
	if versionErr != nil && !answers(ctx, o, listed, list.err) {
		return version, versionErr
	}
	return version, cmp.Or(cloudErr, tooOld(version, list.err))
}

// answers reports whether Dokploy answers what is needed: the list of projects
// or, if only ids are given, a service.
func answers(ctx context.Context, o *Options, listed bool, listErr error) bool {
	err := listErr
	if !listed {
		_, err = o.Client.Service(ctx, o.Targets[0].Kind, o.Targets[0].Ref)
	}
	return err == nil || dokploy.Refused(err) || dokploy.NotFound(err)
}

// resolveOne finds the service that a target names, by its id or in the list.
func resolveOne(ctx context.Context, o *Options, t Target, list *projectList) (*dokploy.Service, error) {
	var idErr error
	if idForm.MatchString(t.Ref) {
		// An id needs no list of all services.
		s, err := readService(ctx, o, t.Kind, t.Ref)
		if err == nil {
			return s, nil
		}
		// A member gets a 401 for something that is not an id (docs/dokploy.md,
		// The API): it may still be a name.
		if !dokploy.NotFound(err) && !dokploy.Refused(err) {
			return nil, err
		}
		idErr = err
	}
	projects, err := list.read(ctx, o)
	if err != nil {
		return nil, cmp.Or(idErr, err)
	}
	matches, all := match(projects, t)
	switch len(matches) {
	case 0:
		if idErr != nil && dokploy.Refused(idErr) {
			return nil, idErr
		}
		return nil, notFound(t, all, projects)
	case 1:
		return readService(ctx, o, t.Kind, matches[0].ref.ID)
	default:
		var lines []string
		for _, m := range matches {
			lines = append(lines, fmt.Sprintf("%s (id %s)", m.path, m.ref.ID))
		}
		return nil, aboutInput("", verdict.Reason{Kind: verdict.SeveralCalled, N: len(matches), Name: strconv.Quote(t.Ref), Text: strings.Join(lines, ", ")})
	}
}

func readService(ctx context.Context, o *Options, kind dokploy.Kind, id string) (*dokploy.Service, error) {
	return ask(ctx, o, func(ctx context.Context) (*dokploy.Service, error) { return o.Client.Service(ctx, kind, id) })
}
