package dokploy

import (
	"context"
	"maps"
)

// Field is a setting of a service, by its name in the API.
type Field string

// The fields that can be changed.
const (
	FieldImage        Field = "dockerImage" // applications
	FieldEnv          Field = "env"
	FieldBuildArgs    Field = "buildArgs"    // applications
	FieldBuildSecrets Field = "buildSecrets" // applications, since 0.25.6
	FieldComposeFile  Field = "composeFile"  // compose services
	FieldSourceType   Field = "sourceType"   // compose services
)

// Get is a setting as the service has it.
func (s *Service) Get(f Field) Secret {
	switch f {
	case FieldImage:
		return Secret(s.Image)
	case FieldEnv:
		return s.Env
	case FieldBuildArgs:
		return s.BuildArgs
	case FieldBuildSecrets:
		return s.BuildSecrets
	case FieldComposeFile:
		return s.ComposeFile
	case FieldSourceType:
		return Secret(s.SourceType)
	}
	panic("dokploy: no field " + string(f))
}

// Change is what to set of a service. What is not in it is left as it is.
type Change map[Field]Secret

// Update changes a service by application.update or compose.update, which
// touch only what is sent (docs/dokploy.md, Changing a service). It needs the right "create services".
// Compose services that do not exist are answered as if they did: read back.
func (c *Client) Update(ctx context.Context, s *Service, change Change) error {
	input := map[string]any{string(s.Kind) + "Id": s.ID}
	for field, value := range change {
		input[string(field)] = string(value)
	}
	_, err := c.mutate(ctx, string(s.Kind)+".update", input)
	return err
}

// SaveEnvironment sets the environment, and of applications build arguments and
// secrets, as a plain member may. It overwrites all of them together, so what is
// not changed is sent as s has it: read the service just before. Compose services have it since 0.29.0 (docs/dokploy.md, Changing a service).
func (c *Client) SaveEnvironment(ctx context.Context, s *Service, change Change) error {
	input := map[string]any{"env": string(s.Env)}
	for name, value := range s.beside {
		input[name] = value
	}
	for field, value := range change {
		input[string(field)] = string(value)
	}
	input[string(s.Kind)+"Id"] = s.ID
	_, err := c.mutate(ctx, string(s.Kind)+".saveEnvironment", input)
	return err
}

// SameBeside reports whether what saveEnvironment overwrites along with a change
// is the same in two readings of a service.
func (s *Service) SameBeside(other *Service, change Change) bool {
	beside := func(s *Service) map[string]any {
		m := map[string]any{string(FieldEnv): string(s.Env)}
		maps.Copy(m, s.beside)
		for field := range change {
			delete(m, string(field))
		}
		return m
	}
	return maps.Equal(beside(s), beside(other))
}
