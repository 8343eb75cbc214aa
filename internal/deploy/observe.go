package deploy

import (
	"context"
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
)

// observation is a look in progress.
type observation struct {
	shown track.Observation
	err   error // of the first request that failed
}

func (w *watcher) newObservation() *observation {
	s := &observation{shown: track.Observation{Start: time.Now()}}
	w.stamp(s)
	return s
}

// stamp records the time of the observation, and the faults until then.
func (w *watcher) stamp(s *observation) {
	w.verifier.down.count()
	s.shown.At, s.shown.Outages, s.shown.BackAt, s.shown.FaultAt = time.Now(), w.verifier.down.outages, w.verifier.down.backAt, w.t.client.LastFault()
}

// observe requests one thing that a look needs. If it cannot be read, that is
// recorded: the tracker decides what it means.
func (w *watcher) observe(ctx context.Context, n track.Need, s *observation) {
	var err error
	switch n {
	case track.Queue:
		s.shown.Queue, err = w.t.client.Queue(ctx)
		s.shown.NoQueue = dokploy.Unsupported(err) || dokploy.Denied(err)
		if err != nil {
			w.unread, _ = dokploy.Explain(err)
		}
	case track.Rows:
		s.shown.Rows, s.shown.Previews, err = w.rows(ctx)
		s.shown.Gone = dokploy.NotFound(err)
	case track.Service:
		s.shown.Service, err = w.t.client.Now(ctx, w.t.service)
	case track.Running:
		var projects []dokploy.Project
		projects, err = w.t.client.Projects(ctx)
		s.shown.Running = slices.Concat(running(projects), w.previewsRunning())
	}
	s.shown.Asked |= n
	if err != nil {
		s.shown.Failed |= n
		if s.err == nil {
			s.err = err
		}
	}
	w.stamp(s)
}

// running returns the services that are deploying, as far as the list shows.
func running(projects []dokploy.Project) (ids []string) {
	for _, p := range projects {
		for _, e := range p.Environments {
			for _, s := range e.Services {
				if s.Status == dokploy.StatusRunning {
					ids = append(ids, s.ID)
				}
			}
		}
	}
	return ids
}

// rows returns the service's rows. A preview's rows come with those of all
// previews of its application.
func (w *watcher) rows(ctx context.Context) (rows []dokploy.Deployment, all []dokploy.Preview, err error) {
	if w.t.service.PullRequest == 0 {
		rows, err = w.t.client.Deployments(ctx, w.t.service.Kind, w.t.service.ID)
		return rows, nil, err
	}
	if all, err = w.t.client.Previews(ctx, w.t.service.ID); err == nil {
		w.previews = all
	}
	return nil, all, err
}

// previewsRunning returns the previews that are deploying. No list of services
// contains them.
func (w *watcher) previewsRunning() (ids []string) {
	for _, p := range w.previews {
		if p.Status == dokploy.StatusRunning {
			ids = append(ids, p.ID)
		}
	}
	return ids
}
