package dokploytest

// statements are the resources and actions of Dokploy's access control, in
// packages/server/src/lib/access-control.ts, and which of them a plain member
// has. For a service, a member also needs access to it.
var statements = []struct {
	resource string
	actions  []string
	member   []string
}{
	{"organization", []string{"update", "delete"}, nil},
	{"member", []string{"read", "create", "update", "delete"}, nil},
	{"invitation", []string{"create", "cancel"}, nil},
	{"team", []string{"create", "update", "delete"}, nil},
	{"ac", []string{"create", "read", "update", "delete"}, []string{"read"}},
	{"project", []string{"create", "delete"}, nil},
	{"service", []string{"create", "read", "delete"}, []string{"read"}},
	{"environment", []string{"create", "read", "delete"}, []string{"read"}},
	{"docker", []string{"read"}, nil},
	{"sshKeys", []string{"read", "create", "delete"}, nil},
	{"gitProviders", []string{"read", "create", "delete"}, nil},
	{"traefikFiles", []string{"read", "write"}, nil},
	{"api", []string{"read"}, []string{"read"}}, // by the flag that every key's owner needs
	{"volume", []string{"read", "create", "delete"}, []string{"read", "create", "delete"}},
	{"deployment", []string{"read", "create", "cancel"}, []string{"read", "create", "cancel"}},
	{"envVars", []string{"read", "write"}, []string{"read", "write"}},
	{"projectEnvVars", []string{"read", "write"}, []string{"read", "write"}},
	{"environmentEnvVars", []string{"read", "write"}, []string{"read", "write"}},
	{"server", []string{"read", "create", "delete"}, nil},
	{"registry", []string{"read", "create", "delete"}, nil},
	{"certificate", []string{"read", "create", "update", "delete"}, nil},
	{"backup", []string{"read", "create", "update", "delete", "restore"}, []string{"read", "create", "update", "delete", "restore"}},
	{"volumeBackup", []string{"read", "create", "update", "delete", "restore"}, []string{"read", "create", "update", "delete", "restore"}},
	{"schedule", []string{"read", "create", "update", "delete"}, []string{"read", "create", "update", "delete"}},
	{"domain", []string{"read", "create", "delete"}, []string{"read", "create", "delete"}},
	{"destination", []string{"read", "create", "delete"}, nil},
	{"notification", []string{"read", "create", "update", "delete"}, nil},
	{"tag", []string{"read", "create", "update", "delete"}, []string{"read"}},
	{"logs", []string{"read"}, []string{"read"}},
	{"monitoring", []string{"read"}, []string{"read"}},
	{"auditLog", []string{"read"}, nil},
	{"vaultProvider", []string{"read", "create", "update", "delete"}, []string{"read"}},
	{"dnsProvider", []string{"read", "create", "update", "delete"}, nil},
}

// permissionsOf plays user.getPermissions (≥ 0.28.7): what the key's owner may
// do apart from access to services.
func (s *Server) permissionsOf(c *call) (any, *apiError) {
	out := map[string]any{}
	for _, st := range statements {
		if !s.d.providerSecrets && (st.resource == "vaultProvider" || st.resource == "dnsProvider") {
			continue
		}
		may := map[string]bool{}
		for _, action := range st.actions {
			may[action] = !c.key.Member
		}
		for _, action := range st.member {
			may[action] = true
		}
		switch st.resource {
		case "docker":
			may["read"] = may["read"] || c.key.Docker
		case "envVars":
			may["write"] = !c.key.Member || !c.key.NoEnvVars
		case "service":
			may["create"] = may["create"] || c.key.CreateServices
		}
		out[st.resource] = may
	}
	return out, nil
}

// user plays user.get: the membership of the key's owner. The flags are for
// plain members; an owner's are false and mean nothing.
func (s *Server) user(c *call) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	role, id := "owner", "dI62ICcJ1rUKZ4ZXUMddi7rC4yL4hp7Y"
	services, projects, environments := []string{}, []string{}, []string{}
	if c.key.Member {
		role, id = "member", "nMmSJv8LV0XGQYbcmaK1-"
		services = append(services, c.key.Access...)
	}
	for _, p := range s.projects {
		projects = append(projects, p.id)
		for _, e := range p.envs {
			environments = append(environments, e.id)
		}
	}
	created := stamp(s.born)
	return map[string]any{
		"id": "member-" + id[:6], "organizationId": s.org, "userId": id, "role": role, "createdAt": created, "teamId": nil, "isDefault": true,
		"canCreateProjects": false, "canAccessToSSHKeys": false, "canCreateServices": c.key.Member && c.key.CreateServices,
		"canDeleteProjects": false, "canDeleteServices": false, "canAccessToDocker": c.key.Member && c.key.Docker, "canAccessToAPI": c.key.Member,
		"canAccessToGitProviders": false, "canAccessToTraefikFiles": false, "canDeleteEnvironments": false, "canCreateEnvironments": false,
		"accessedProjects": projects, "accessedEnvironments": environments, "accessedServices": services, "accessedGitProviders": []string{},
		"accessedServers": []string{},
		"user": map[string]any{
			"id": id, "firstName": "", "lastName": "", "email": "ci@example.test", "image": nil, "allowImpersonation": false,
			"twoFactorEnabled": false, "stripeCustomerId": nil, "stripeSubscriptionId": nil, "serversQuantity": 0, "isEnterpriseCloud": false,
			"sendInvoiceNotifications": false,
			"apiKeys": []any{map[string]any{
				"id": "85miZ1jMDK69RtVHmkHWer2bqSlX7evy", "name": "ci", "prefix": nil, "enabled": true, "expiresAt": nil, "createdAt": created,
			}},
		},
	}, nil
}
