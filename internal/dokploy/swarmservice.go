package dokploy

import (
	"context"
	"encoding/json"
)

// SwarmService is the part of docker inspect that a rollout is judged by.
// Nothing else is read, least of all the environment.
type SwarmService struct {
	Image       string
	ForceUpdate uint64
	Mode        string // replicated, global, replicated-job, global-job
	Replicas    int    // of a replicated service; negative: unknown
	Restart     string // any, on-failure, none; empty: unknown
	// UpdateState is updating, completed, paused or rollback_…. Like
	// UpdateStartedAt it is empty on a first deployment and after a stop.
	UpdateState     string
	UpdateStartedAt string
}

// Updating reports whether Swarm is replacing the service's tasks. For a nil
// service it is false.
func (s *SwarmService) Updating() bool {
	return s != nil && (s.UpdateState == "updating" || s.UpdateState == "rollback_started")
}

// SwarmService inspects a service by name or id; nil if there is none, or if
// Docker did not answer. It needs the right "access to Docker".
func (c *Client) SwarmService(ctx context.Context, nameOrID, serverID string) (*SwarmService, error) {
	var raw json.RawMessage
	if found, err := c.inspect(ctx, nameOrID, serverID, &raw); err != nil || !found {
		return nil, err
	}
	return parseService(raw), nil
}

// parseService decodes the inspection of a service; nil for anything else: an
// application's name may also be an image's.
func parseService(raw []byte) *SwarmService {
	type mode struct {
		Replicated    *struct{ Replicas *int }
		Global        *struct{}
		ReplicatedJob *struct{ TotalCompletions int }
		GlobalJob     *struct{}
	}
	var w struct {
		ID   string
		Spec struct {
			Mode         *mode
			TaskTemplate struct {
				ForceUpdate   uint64
				ContainerSpec struct{ Image string }
				RestartPolicy struct{ Condition string }
			}
		}
		UpdateStatus *struct{ State, StartedAt string }
	}
	if err := json.Unmarshal(raw, &w); err != nil || w.ID == "" || w.Spec.Mode == nil {
		return nil // not a service
	}
	t := w.Spec.TaskTemplate
	s := &SwarmService{
		Image: t.ContainerSpec.Image, ForceUpdate: t.ForceUpdate, Restart: t.RestartPolicy.Condition,
	}
	switch m := w.Spec.Mode; {
	case m.Global != nil:
		s.Mode = "global"
	case m.GlobalJob != nil:
		s.Mode = "global-job"
	case m.ReplicatedJob != nil:
		s.Mode, s.Replicas = "replicated-job", m.ReplicatedJob.TotalCompletions
	case m.Replicated != nil:
		s.Mode, s.Replicas = "replicated", -1
		if m.Replicated.Replicas != nil {
			s.Replicas = *m.Replicated.Replicas
		}
	}
	if u := w.UpdateStatus; u != nil {
		s.UpdateState, s.UpdateStartedAt = u.State, u.StartedAt
	}
	return s
}
