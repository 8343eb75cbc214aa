package dokploytest

import (
	"slices"
	"strings"
	"time"
)

// rollback is what Dokploy keeps of a deployment to go back to
// (docs/dokploy.md, Going back).
type rollback struct {
	id      string
	row     *row
	number  int
	created time.Time
	spec    *spec
	context map[string]any // contains the registry's password
}

// keepRollbackLocked gives a new row of an application a rollbackId, if the
// application is set up for it. A failed deployment has one too.
func (s *Server) keepRollbackLocked(v *Service, r *row, version Version) {
	if v.Kind != "application" || !v.rollbackActive || s.d.rollbackToHub && v.registry == "" {
		return
	}
	rb := &rollback{id: s.newID(), row: r, number: len(v.rollbacks) + 1, created: s.now()}
	rb.spec = &spec{version: version, rollout: v.rollout("", version), image: v.AppName + ":v" + itoa(rb.number)}
	rb.context = s.serviceJSON(v, true)
	for _, name := range []string{
		"deployments", "bitbucket", "github", "gitlab", "gitea", "hasGitProviderAccess", "unauthorizedProvider",
	} {
		delete(rb.context, name)
	}
	rb.context["applicationStatus"] = "running"
	if s.d.rollbackToHub {
		rb.context["rollbackRegistry"] = map[string]any{
			"registryId": v.registry, "registryName": "rollbacks", "imagePrefix": "rollbacks", "username": "ci",
			"password": "SECRET-registry-password", "registryUrl": registryHost, "createdAt": stamp(v.created), "registryType": "cloud",
			"organizationId": s.org,
		}
	}
	v.rollbacks = append(v.rollbacks, rb)
	r.RollbackID = rb.id
}

const registryHost = "registry.example.com:5000"

func (rb *rollback) json() map[string]any {
	return map[string]any{
		"rollbackId": rb.id, "deploymentId": rb.row.ID, "version": rb.number, "image": rb.spec.image, "createdAt": stamp(rb.created),
		"fullContext": rb.context,
	}
}

func (v *Service) rollbackOf(id string) *rollback {
	i := slices.IndexFunc(v.rollbacks, func(rb *rollback) bool { return rb.id == id })
	if i < 0 {
		return nil
	}
	return v.rollbacks[i]
}

// rollBack sets the Swarm service back to the image and environment of a
// deployment. It creates no row, and Dokploy keeps its new settings.
func (s *Server) rollBack(c *call) (any, *apiError) {
	if !s.wait(400 * time.Millisecond) {
		return nil, &apiError{dropped: true}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.services {
		rb := v.rollbackOf(c.text("rollbackId"))
		if rb == nil || !s.mayUse(c.key, v.ID) || !slices.Contains(s.rows, rb.row) {
			continue
		}
		s.advanceLocked()
		sp := *rb.spec
		if s.d.rollbackToHub {
			sp.image = registryHost + "/rollbacks/" + sp.image
		}
		s.shipApplicationLocked(v, &sp, true)
		return nothing{}, nil
	}
	return nil, badRequest("Error input: Rolling back")
}

var deploymentTypes = []string{"application", "compose", "server", "schedule", "previewDeployment", "backup", "volumeBackup"}

// allByType lists a service's rows with their rollbacks, secrets included.
func (s *Server) allByType(c *call) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, kind := c.text("id"), c.text("type")
	if !s.mayUse(c.key, id) {
		return nil, noAccess
	}
	out := []any{}
	v := s.findLocked(kind, id)
	if kind == "previewDeployment" {
		v = s.findPreviewLocked(id)
	}
	if v == nil {
		return out, nil
	}
	for _, r := range s.rowsOfLocked(v) {
		m := s.rowJSON(r)
		m["rollback"] = nil
		if rb := v.rollbackOf(r.RollbackID); rb != nil {
			m["rollback"] = rb.json()
		}
		out = append(out, m)
	}
	return out, nil
}

// envLines returns the variables as a container gets them: the last value of a
// name, at the position of the first (docs/dokploy.md, Changing a service).
// Quotes are not processed here.
func envLines(text string) []string {
	var names []string
	values := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		name = strings.TrimSpace(name)
		if _, again := values[name]; !again {
			names = append(names, name)
		}
		value, _, _ = strings.Cut(strings.TrimSpace(value), "#")
		values[name] = strings.Trim(value, `"'`)
	}
	out := make([]string, 0, len(names))
	for _, name := range names {
		out = append(out, name+"="+values[name])
	}
	return out
}
