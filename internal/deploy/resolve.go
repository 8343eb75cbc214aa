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
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// targets is what resolve found.
type targets struct {
	version dokploy.Version
	targets []resolved
	// paths names services that project.all listed by their id, to say what
	// is being built ahead of us.
	paths map[string]string
	// rights are what the key may do; nil: not asked, or not told.
	rights *dokploy.Rights
}

type resolved struct {
	service *dokploy.Service
	name    string // unique among the targets
	same    int    // index of an earlier target that is the same service; -1: none
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

// idForm is the form of Dokploy's ids (docs/dokploy.md, Names, links, domains).
var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{21}$`)

// before runs a look of the time before the trigger: a short outage is
// outlived, what waiting cannot fix ends it.
func before(ctx context.Context, o *Options, look func(context.Context) error) error {
	loop := wait.Loop{
		Backoff:  wait.NewBackoff(o.beforeTrigger(), o.beforeTrigger()),
		Tolerate: o.beforeTrigger(),
		Fatal:    dokploy.Permanent,
	}
	return loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		if err := look(ctx); err != nil {
			return wait.Pending, err
		}
		return wait.Done, nil
	})
}

// resolveAtOnce bounds the services that are read at a time: hundreds would
// wait for their turn until they time out.
const resolveAtOnce = 8

// resolve finds the service of each target. The error is one that concerns
// all of them: the server, or the key.
func resolve(ctx context.Context, o *Options) (*targets, error) {
	found := &targets{targets: make([]resolved, len(o.Targets)), paths: map[string]string{}}
	var (
		projects []dokploy.Project
		listErr  error
		once     sync.Once
	)
	list := func() error {
		once.Do(func() {
			listErr = before(ctx, o, func(ctx context.Context) (err error) {
				projects, err = o.Client.Projects(ctx)
				return err
			})
		})
		return listErr
	}

	// The version and the first real question go side by side.
	var versionErr, cloudErr error
	var wg sync.WaitGroup
	wg.Go(func() { cloudErr = refuseCloud(ctx, o) })
	wg.Go(func() {
		versionErr = before(ctx, o, func(ctx context.Context) (err error) {
			found.version, err = o.Client.Version(ctx)
			return err
		})
	})
	listed := slices.ContainsFunc(o.Targets, func(t Target) bool { return !idForm.MatchString(t.Ref) })
	if listed {
		wg.Go(func() { _ = list() })
	}
	wg.Wait()
	// A server that does not tell its version is taken for a current one, unless
	// it does not answer anything.
	if versionErr != nil && !answers(ctx, o, listed, listErr) {
		return nil, versionErr
	}
	if err := cmp.Or(cloudErr, tooOld(found.version, listErr)); err != nil {
		return nil, err
	}

	slots := make(chan struct{}, resolveAtOnce)
	for i, t := range o.Targets {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			x := &found.targets[i]
			x.same = -1
			x.service, x.err = resolveOne(ctx, o, t, list, func() []dokploy.Project { return projects })
		})
	}
	wg.Wait()
	if err := tooOld(found.version, listErr); err != nil {
		return nil, err
	}
	o.Reporter.Header(fmt.Sprintf("%s → %s (Dokploy %s)", o.Program, o.URL, found.version))

	for _, p := range projects {
		for _, e := range p.Environments {
			for _, s := range e.Services {
				found.paths[s.ID] = path(p, e, s)
			}
		}
	}
	found.nameThem()
	return found, nil
}

// answers reports whether Dokploy answers what is needed: the list of projects,
// or a service, if that is only asked for by its id.
func answers(ctx context.Context, o *Options, listed bool, listErr error) bool {
	err := listErr
	if !listed {
		_, err = o.Client.Service(ctx, o.Targets[0].Kind, o.Targets[0].Ref)
	}
	return err == nil || dokploy.Refused(err) || dokploy.NotFound(err)
}

// nameThem gives each target a name that no other has, and marks those that
// are one service.
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

// nameForms are what a service may be called, the shortest first. The last one
// no other has.
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

// distinctNames calls services so that no two are called the same: those of one
// name by the first form that tells them all apart.
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

func resolveOne(ctx context.Context, o *Options, t Target, list func() error, projects func() []dokploy.Project) (*dokploy.Service, error) {
	var idErr error
	if idForm.MatchString(t.Ref) {
		// An id needs no list of everything.
		s, err := readService(ctx, o, t.Kind, t.Ref)
		if err == nil {
			return s, nil
		}
		// A member gets a 401 for an id that is none (docs/dokploy.md, The API): it may
		// still be a name.
		if !dokploy.NotFound(err) && !dokploy.Refused(err) {
			return nil, err
		}
		idErr = err
	}
	if err := list(); err != nil {
		if idErr != nil {
			return nil, idErr
		}
		return nil, err
	}
	matches, all := match(projects(), t)
	switch len(matches) {
	case 0:
		if idErr != nil && dokploy.Refused(idErr) {
			return nil, idErr
		}
		return nil, notFound(t, all, projects())
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

func readService(ctx context.Context, o *Options, kind dokploy.Kind, id string) (s *dokploy.Service, err error) {
	err = before(ctx, o, func(ctx context.Context) error {
		s, err = o.Client.Service(ctx, kind, id)
		return err
	})
	return s, err
}

type candidate struct {
	ref  dokploy.ServiceRef
	path string
}

func path(p dokploy.Project, e dokploy.Environment, s dokploy.ServiceRef) string {
	return p.Name + "/" + e.Name + "/" + s.Name
}

// match finds the services that a reference may mean, and lists all of its
// kind. An id beats a name; names may hold slashes and differ in case only.
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

// maxListed bounds the services that an error lists.
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
