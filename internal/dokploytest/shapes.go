package dokploytest

import (
	"cmp"
	"embed"
	"encoding/json"
	"time"
)

// The fields of applications and compose services, as recorded. Fields that
// differ between services are set on top of them.
//
//go:embed shapes/*.json
var shapeFiles embed.FS

// shape returns a fresh copy of one of shapes/*.json.
func shape(name string) map[string]any {
	text, err := shapeFiles.ReadFile("shapes/" + name + ".json")
	if err != nil {
		panic(err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		panic(err)
	}
	return m
}

// stamp formats a time as Dokploy does; null for none.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// orNull turns "" into null.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (s *Server) rowJSON(r *row) map[string]any {
	m := map[string]any{
		"deploymentId": r.ID, "title": r.Title, "description": r.Description, "status": r.Status, "logPath": r.LogPath,
		"pid": nil, "applicationId": nil, "composeId": nil,
		"serverId":            nil, // always (docs/dokploy.md, Remote servers)
		"isPreviewDeployment": false, "previewDeploymentId": nil,
		"createdAt": stamp(r.CreatedAt), "startedAt": stamp(r.StartedAt), "finishedAt": stamp(r.FinishedAt),
		"errorMessage": orNull(r.ErrorMessage), "scheduleId": nil, "backupId": nil, "rollbackId": orNull(r.RollbackID), "volumeBackupId": nil,
	}
	if r.service.parent == nil {
		m[r.service.Kind+"Id"] = r.service.ID
	} else { // and nothing else names its application (docs/dokploy.md, Previews)
		m["previewDeploymentId"] = r.service.ID
	}
	m["buildServerId"] = orNull(r.BuildServerID)
	if !s.d.buildServers {
		delete(m, "buildServerId")
	}
	return m
}

func (s *Server) jobJSON(j *job) map[string]any {
	v := j.service
	data := map[string]any{
		v.Kind + "Id": v.ID, "titleLog": j.title, "descriptionLog": j.description, "type": j.operation, "applicationType": v.Kind,
		"server": v.serverID != "",
	}
	if j.noDescription {
		delete(data, "descriptionLog")
	}
	if v.parent != nil {
		data["applicationId"], data["previewDeploymentId"], data["applicationType"] = v.parent.ID, v.ID, "application-preview"
	}
	v = v.group()
	if v.serverID != "" && !j.webhook && s.d.memoryQueue {
		data["serverId"] = v.serverID // a webhook's job has none (docs/dokploy.md, Remote servers)
	}
	m := map[string]any{
		"id": j.id, "name": "deployments", "data": data, "timestamp": j.queued.UnixMilli(), "state": "waiting",
		"servicePath": map[string]any{
			"href":  "/dashboard/project/" + v.env.project.id + "/environment/" + v.env.id + "/services/" + v.Kind + "/" + v.ID,
			"label": title(v.Kind),
		},
	}
	if j.active {
		m["state"] = "active"
		m["processedOn"] = j.processed.UnixMilli()
	}
	return m
}

func (s *Server) projectColumns(p *project) map[string]any {
	return map[string]any{
		"projectId": p.id, "name": p.name, "description": "e2e", "createdAt": stamp(p.created), "organizationId": s.org, "env": "",
	}
}

func (s *Server) environmentColumns(e *environment) map[string]any {
	m := map[string]any{
		"environmentId": e.id, "name": e.name, "description": e.name + " environment", "createdAt": stamp(e.created), "env": "",
		"projectId": e.project.id,
	}
	if s.d.newOpenAPI {
		m["isDefault"] = e == e.project.envs[0]
	}
	return m
}

// projectJSON returns an entry of project.all; nil if the key may see nothing
// of it.
func (s *Server) projectJSON(p *project, k *keyState) map[string]any {
	m := s.projectColumns(p)
	fill := func(m map[string]any, in func(*Service) bool) bool {
		for _, kind := range []string{"mariadb", "mongo", "mysql", "postgres", "redis"} {
			m[kind] = []any{}
		}
		if s.d.trimmedList {
			m["libsql"] = []any{}
		}
		applications, composes := []any{}, []any{}
		for _, v := range s.services {
			if !in(v) || !s.mayUse(k, v.ID) {
				continue
			}
			entry := map[string]any{v.Kind + "Id": v.ID, "name": v.Name, v.Kind + "Status": v.status}
			if !s.d.trimmedList {
				entry = s.serviceJSON(v, false)
			}
			if v.Kind == "compose" {
				composes = append(composes, entry)
			} else {
				applications = append(applications, entry)
			}
		}
		m["applications"], m["compose"] = applications, composes
		return len(applications)+len(composes) > 0
	}
	some := false
	envs := []any{}
	for _, e := range p.envs {
		me := s.environmentColumns(e)
		if s.d.trimmedList {
			me = map[string]any{"environmentId": e.id, "name": e.name, "isDefault": e == p.envs[0]}
		}
		if fill(me, func(v *Service) bool { return v.env == e }) || !k.Member || !s.d.permissions {
			envs, some = append(envs, me), true
		}
	}
	m["environments"] = envs
	if s.d.trimmedList {
		m["projectTags"] = []any{}
	}
	if !some && k.Member && s.d.permissions {
		return nil
	}
	return m
}

// serviceJSON returns application.one or compose.one. Without relations, but
// with domains, it is what project.all contained before 0.28.3. It contains
// what must never be printed: env, password, refreshToken.
func (s *Server) serviceJSON(v *Service, relations bool) map[string]any {
	generation := "v0.30"
	if !s.d.newOpenAPI {
		generation = "v0.25"
	}
	m := shape(v.Kind + "." + generation)
	if !relations {
		for _, name := range []string{
			"mounts", "redirects", "security", "ports", "gitlab", "github", "bitbucket", "gitea", "previewDeployments", "registry",
			"buildRegistry", "rollbackRegistry", "hasGitProviderAccess", "unauthorizedProvider", "backups",
		} {
			delete(m, name)
		}
	}
	m[v.Kind+"Id"], m[v.Kind+"Status"] = v.ID, v.status
	m["name"], m["appName"], m["sourceType"], m["createdAt"] = v.Name, v.AppName, v.sourceType, stamp(v.created)
	m["env"], m["refreshToken"], m["serverId"] = v.column("env"), v.refreshToken, orNull(v.serverID)
	v.pushColumns(m)
	switch v.Kind {
	case "compose":
		m["composeFile"], m["composeType"] = v.composeFile, v.composeType
		if s.d.composeEnvFile {
			m["createEnvFile"] = !v.noEnvFile
		}
	default:
		s.applicationColumns(v, m)
		if s.d.newOpenAPI {
			m["buildServerId"] = orNull(v.buildServerID)
		}
	}
	m["domains"] = s.domainsJSON(v)
	m["environmentId"] = v.env.id
	if !relations {
		return m
	}
	e := s.environmentColumns(v.env)
	e["project"] = s.projectColumns(v.env.project)
	m["environment"] = e
	// In no order (docs/dokploy.md, Deployment rows), at least not newest
	// first.
	deployments := []any{}
	for i, r := range s.rowsOfLocked(v) {
		if i%2 == 0 {
			deployments = append(deployments, s.rowJSON(r))
		} else {
			deployments = append([]any{s.rowJSON(r)}, deployments...)
		}
	}
	m["deployments"] = deployments
	if v.Kind == "application" {
		previews := []any{}
		for _, preview := range v.previews {
			previews = append(previews, s.previewJSON(preview))
		}
		m["previewDeployments"] = previews
	}
	m["server"] = nil
	if r := s.servers[v.serverID]; r != nil {
		server := shape("server")
		server["serverId"], server["name"], server["appName"], server["description"] = r.id, "remote-deploy", "server-"+clean(r.id[:min(6, len(r.id))]), "e2e"
		server["organizationId"], server["createdAt"], server["serverType"], server["sshKeyId"] = s.org, stamp(r.created), "deploy", "SECRET-ssh-key-id"
		m["server"] = server
	}
	return m
}

// applicationColumns sets the application's settings that this version has.
func (s *Server) applicationColumns(v *Service, m map[string]any) {
	for _, name := range []string{"username", "password", "dockerImage", "registryUrl", "buildArgs", "dropBuildPath"} {
		m[name] = v.column(name)
	}
	for name, text := range v.howBuilt {
		m[name] = orNull(text)
	}
	if set := v.previewSettings; set != nil {
		m["isPreviewDeploymentsActive"], m["previewLimit"], m["previewRequireCollaboratorPermissions"] = true, cmp.Or(set.Limit, 3), !set.AnyAuthor
		m["previewWildcard"], m["previewHttps"], m["previewPath"] = cmp.Or(set.Wildcard, "*.preview.example.com"), set.HTTPS, cmp.Or(set.Path, "/")
		m["previewEnv"] = orNull(set.Env)
		m["previewLabels"] = nil
		if set.Labels != nil {
			m["previewLabels"] = set.Labels
		}
	}
	m["replicas"] = v.replicas
	m["rollbackActive"] = v.rollbackActive
	delete(m, "buildSecrets")
	if s.d.buildSecrets {
		m["buildSecrets"] = v.column("buildSecrets")
	}
	delete(m, "createEnvFile")
	if s.d.createEnvFile {
		m["createEnvFile"] = !v.noEnvFile
	}
	if s.d.rollbackToHub && v.registry != "" {
		m["rollbackRegistryId"] = v.registry
	}
}

func (s *Server) domainsJSON(v *Service) []any {
	out := []any{}
	for i, d := range v.domains {
		m := map[string]any{
			"domainId": v.domainIDs[i], "host": d.Host, "https": d.HTTPS, "port": cmp.Or(d.Port, 3000), "path": cmp.Or(d.Path, "/"),
			"serviceName": orNull(d.ServiceName), "domainType": v.Kind, "uniqueConfigKey": v.domainBase + i + 1,
			"createdAt": stamp(v.created), "applicationId": nil, "composeId": nil, "customCertResolver": nil,
			"previewDeploymentId": nil, "certificateType": "none", "internalPath": "/", "stripPath": false,
		}
		if d.HTTPS {
			m["certificateType"] = "letsencrypt"
		}
		if v.parent == nil {
			m[v.Kind+"Id"] = v.ID
		} else {
			m["previewDeploymentId"], m["domainType"] = v.ID, "preview"
		}
		if s.d.domainSwitch {
			m["customEntrypoint"], m["middlewares"], m["forwardAuthEnabled"], m["enabled"] = nil, []any{}, false, !d.Disabled
		}
		out = append(out, m)
	}
	return out
}
