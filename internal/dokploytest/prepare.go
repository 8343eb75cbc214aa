package dokploytest

import "net/http"

// columns returns the text settings of a service by their name in the API.
func (v *Service) columns() map[string]*string {
	if v.Kind == "compose" {
		return map[string]*string{"env": &v.envText, "composeFile": &v.composeFile, "sourceType": &v.sourceType, "composeType": &v.composeType}
	}
	return map[string]*string{
		"dockerImage": &v.image, "env": &v.envText, "buildArgs": &v.buildArgs, "buildSecrets": &v.buildSecrets,
		"sourceType": &v.sourceType, "dropBuildPath": &v.dropBuildPath, "buildServerId": &v.buildServerID,
		"username": &v.username, "password": &v.password, "registryUrl": &v.registryURL, "rollbackRegistryId": &v.registry,
	}
}

// column returns one setting as the API shows it: null is not "".
func (v *Service) column(name string) any {
	if v.null[name] {
		return nil
	}
	return *v.columns()[name]
}

// store writes what was sent, verbatim (docs/dokploy.md, Changing a service).
func (v *Service) store(in map[string]any) {
	columns := v.columns()
	for name, value := range in {
		switch name {
		case "createEnvFile":
			v.noEnvFile = value == false
		case "rollbackActive":
			v.rollbackActive = value == true
		case "replicas":
			v.replicas, _ = value.(int)
		default:
			into, ok := columns[name]
			if !ok {
				continue
			}
			*into, _ = value.(string)
			v.null[name] = value == nil
		}
	}
}

// The fields of the calls that change a service. Before 0.28.7 any member of
// the organisation could call them; since then "create services" is needed,
// except for the environment (docs/dokploy.md, Keys and rights).
var (
	updateApplicationFields = []field{
		{name: "applicationId"},
		{name: "dockerImage", optional: true, null: true}, {name: "env", optional: true, null: true},
		{name: "buildArgs", optional: true, null: true}, {name: "buildSecrets", optional: true, null: true, since: func(d dialect) bool { return d.buildSecrets }},
		{name: "createEnvFile", optional: true, boolean: true, since: func(d dialect) bool { return d.createEnvFile }},
		{name: "buildServerId", optional: true, null: true, since: func(d dialect) bool { return d.buildServers }},
		{name: "sourceType", optional: true}, {name: "dropBuildPath", optional: true, null: true},
		{name: "username", optional: true, null: true}, {name: "password", optional: true, null: true}, {name: "registryUrl", optional: true, null: true},
		{name: "replicas", optional: true, number: true},
		{name: "rollbackActive", optional: true, boolean: true},
		{name: "rollbackRegistryId", optional: true, null: true, since: func(d dialect) bool { return d.rollbackToHub }},
	}
	updateComposeFields = []field{
		{name: "composeId"}, {name: "env", optional: true, null: true}, {name: "composeFile", optional: true}, {name: "sourceType", optional: true},
		{name: "composeType", optional: true},
	}
	saveEnvironmentFields = []field{
		{name: "applicationId"}, {name: "env", null: true}, {name: "buildArgs", null: true},
		{name: "buildSecrets", null: true, since: func(d dialect) bool { return d.buildSecrets }},
		{name: "createEnvFile", null: true, boolean: true, since: func(d dialect) bool { return d.createEnvFile }},
	}
	saveComposeEnvironmentFields = []field{
		{name: "composeId"}, {name: "env", null: true},
		{name: "createEnvFile", optional: true, boolean: true, since: func(d dialect) bool { return d.composeEnvFile }},
	}
	saveDockerProviderFields = []field{
		{name: "applicationId"}, {name: "dockerImage", null: true}, {name: "username", null: true}, {name: "password", null: true},
		{name: "registryUrl", null: true},
	}
)

// mayWrite checks what a key's owner needs in order to change a service: first
// the right, then access to the service.
func (s *Server) mayWrite(k *keyState, id string, creates bool) *apiError {
	switch {
	case creates && s.d.permissions && k.Member && !k.CreateServices:
		return lacks("service")
	case !creates && s.d.permissions && k.Member && k.NoEnvVars:
		return lacks("envVars")
	case !s.mayUse(k, id):
		return noAccess
	}
	return nil
}

// lacks is the answer to a member without a right.
func lacks(resource string) *apiError {
	return &apiError{status: http.StatusUnauthorized, code: "UNAUTHORIZED", message: `unauthorized to access resource "` + resource + `"`}
}

func badRequest(message string) *apiError {
	return &apiError{status: http.StatusBadRequest, code: "BAD_REQUEST", message: message}
}

// internal is tRPC's answer when Dokploy throws an error of its own.
func internal(message string) *apiError {
	return &apiError{status: http.StatusInternalServerError, code: "INTERNAL_SERVER_ERROR", message: message}
}

func update(kind string) func(*Server, *call) (any, *apiError) {
	return func(s *Server, c *call) (any, *apiError) {
		s.mu.Lock()
		defer s.mu.Unlock()
		id := c.text(kind + "Id")
		if e := s.mayWrite(c.key, id, true); e != nil {
			return nil, e
		}
		v := s.findLocked(kind, id)
		switch {
		case len(c.in) == 1:
			return nil, internal("No values to set")
		case v == nil && kind == "compose":
			return nothing{}, nil // sic
		case v == nil:
			return nil, badRequest("Error updating application")
		}
		v.store(c.in)
		if kind == "application" {
			return true, nil
		}
		m := s.serviceJSON(v, false) // the environment included (docs/dokploy.md, Changing a service)
		delete(m, "domains")
		return m, nil
	}
}

// save overwrites all settings that a procedure is about: what the caller did
// not read before is lost (docs/dokploy.md, Changing a service).
func save(kind string, creates bool, then func(*Service)) func(*Server, *call) (any, *apiError) {
	return func(s *Server, c *call) (any, *apiError) {
		s.mu.Lock()
		defer s.mu.Unlock()
		id := c.text(kind + "Id")
		if e := s.mayWrite(c.key, id, creates); e != nil {
			return nil, e
		}
		v := s.findLocked(kind, id)
		switch {
		case v == nil && kind == "compose":
			return nil, badRequest("Error adding environment variables")
		case v == nil:
			return nil, badRequest("Error updating application")
		}
		v.store(c.in)
		if then != nil {
			then(v)
		}
		return true, nil
	}
}

// loadServices lists the services in the compose file as the last job wrote it
// to disk; with type=fetch, in the one that is set.
func (s *Server) loadServices(c *call) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, e := s.serviceOfLocked(c, "compose")
	if e != nil {
		return nil, e
	}
	if c.text("type") == "fetch" {
		v.fileOnDisk = v.composeFile
	}
	names := []string{}
	for _, f := range composeServices(v.fileOnDisk, "", v.composeType == "stack") {
		names = append(names, f.name)
	}
	if len(names) == 0 {
		return nil, notFound("Services")
	}
	return names, nil
}

// get reads a setting, put writes it.
func (v *Service) get(p *string) string {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	return *p
}

func (v *Service) put(name, text string) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.store(map[string]any{name: text})
}

// Image returns the Docker image that is set on an application.
func (v *Service) Image() string { return v.get(&v.image) }

// Env returns the service's environment.
func (v *Service) Env() string { return v.get(&v.envText) }

// BuildArgs returns the application's build arguments.
func (v *Service) BuildArgs() string { return v.get(&v.buildArgs) }

// BuildSecrets returns the application's build secrets.
func (v *Service) BuildSecrets() string { return v.get(&v.buildSecrets) }

// ComposeFile returns the file of a compose service.
func (v *Service) ComposeFile() string { return v.get(&v.composeFile) }

// SourceType returns where the service's code, image or file comes from.
func (v *Service) SourceType() string { return v.get(&v.sourceType) }

// DropBuildPath returns the build path of an application's uploaded source.
func (v *Service) DropBuildPath() string { return v.get(&v.dropBuildPath) }

// Password returns an application's registry password, which must never be
// printed.
func (v *Service) Password() string { return v.get(&v.password) }

// CreateEnvFile reports whether the build writes the environment to a file.
func (v *Service) CreateEnvFile() bool {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	return !v.noEnvFile
}

// SetImage sets the image, as somebody else would.
func (v *Service) SetImage(image string) { v.put("dockerImage", image) }

// SetEnv sets the environment, as somebody else would.
func (v *Service) SetEnv(env string) { v.put("env", env) }

// SetBuildArgs sets the build arguments, as somebody else would.
func (v *Service) SetBuildArgs(args string) { v.put("buildArgs", args) }

// SetBuildSecrets sets the build secrets, as somebody else would.
func (v *Service) SetBuildSecrets(secrets string) { v.put("buildSecrets", secrets) }

// SetComposeFile sets the compose file, as somebody else would.
func (v *Service) SetComposeFile(file string) { v.put("composeFile", file) }

// SetSourceType changes the stored source type.
func (v *Service) SetSourceType(source string) { v.put("sourceType", source) }

// SetCreateEnvFile sets createEnvFile, as somebody else would.
func (v *Service) SetCreateEnvFile(on bool) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.noEnvFile = !on
}

// OnCall makes f run after every call of a procedure that was carried out,
// before its answer is sent. That is where another pipeline may act between a
// write and reading it back.
func (s *Server) OnCall(procedure string, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks[procedure] = append(s.hooks[procedure], f)
}

// carriedOut runs a procedure's hooks.
func (s *Server) carriedOut(procedure string) {
	s.mu.Lock()
	hooks := s.hooks[procedure]
	s.mu.Unlock()
	for _, f := range hooks {
		f()
	}
}
