package dokploy

import (
	"context"
	"encoding/json"
)

// SwarmService is what docker inspect says of a service, as far as a rollout
// is judged by it. The rest, the environment above all, is not read.
type SwarmService struct {
	Image       string
	ForceUpdate uint64
	Mode        string // replicated, global, replicated-job, global-job
	Replicas    int    // of a replicated service; negative: not said
	Restart     string // any, on-failure, none; empty: not said
	// UpdateState is updating, completed, paused or rollback_…; empty on a
	// first deployment and after a stop, as is UpdateStartedAt.
	UpdateState     string
	UpdateStartedAt string
}

// Updating reports whether Swarm is replacing its tasks just now. A nil service is
// not.
func (s *SwarmService) Updating() bool {
	return s != nil && (s.UpdateState == "updating" || s.UpdateState == "rollback_started")
}

// SwarmService inspects a service by name or id; nil if there is none (or
// Docker could not say). It needs the right "access to Docker".
func (c *Client) SwarmService(ctx context.Context, nameOrID, serverID string) (*SwarmService, error) {
	var raw json.RawMessage
	if found, err := c.inspect(ctx, nameOrID, serverID, &raw); err != nil || !found {
		return nil, err
	}
	return parseService(raw), nil
}

// parseService reads the inspection of a service; nil for that of anything
// else: the name of an application can be that of an image, too.
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
