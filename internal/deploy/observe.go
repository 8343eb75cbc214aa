package deploy

import (
	"context"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/track"
)

// observation is one look while it is asked for.
type observation struct {
	shown track.Observation
	err   error // the first request's that failed
}

func (w *watcher) newObservation() *observation {
	s := &observation{shown: track.Observation{Start: time.Now()}}
	w.stamp(s)
	return s
}

// stamp says of which moment the observation is, and what was wrong until then.
func (w *watcher) stamp(s *observation) {
	w.verifier.down.count()
	s.shown.At, s.shown.Outages, s.shown.BackAt, s.shown.FaultAt = time.Now(), w.verifier.down.outages, w.verifier.down.backAt, w.t.client.LastFault()
}

// observe asks for one thing that a look needs. One that cannot be had is noted:
// the tracker decides what that means.
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
		s.shown.Rows, err = w.t.client.Deployments(ctx, w.t.service.Kind, w.t.service.ID)
		s.shown.Gone = dokploy.NotFound(err)
	case track.Service:
		s.shown.Service, err = w.t.client.Service(ctx, w.t.service.Kind, w.t.service.ID)
	case track.Running:
		var projects []dokploy.Project
		projects, err = w.t.client.Projects(ctx)
		s.shown.Running = running(projects)
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

// running are the services that are being deployed, as far as they show.
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
