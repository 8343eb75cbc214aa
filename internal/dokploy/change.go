package dokploy

import (
	"context"
	"maps"
)

// Field is the name of a service's setting in the API.
type Field string

// The settings that can be changed.
const (
	FieldImage        Field = "dockerImage" // applications
	FieldEnv          Field = "env"
	FieldBuildArgs    Field = "buildArgs"    // applications
	FieldBuildSecrets Field = "buildSecrets" // applications, since 0.25.6
	FieldComposeFile  Field = "composeFile"  // compose services
	FieldSourceType   Field = "sourceType"   // compose services
)

// Get returns a setting of the service.
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

// Change is the settings to change on a service. All others stay as they are.
type Change map[Field]Secret

// Update changes a service by application.update or compose.update, which
// change only the fields that are sent (docs/dokploy.md, Changing a service).
// It needs the right "create services". For a compose service that does not
// exist the server answers as if it did, so read the service back.
func (c *Client) Update(ctx context.Context, s *Service, change Change) error {
	input := map[string]any{string(s.Kind) + "Id": s.ID}
	for field, value := range change {
		input[string(field)] = string(value)
	}
	_, err := c.mutate(ctx, string(s.Kind)+".update", input)
	return err
}

// SaveEnvironment sets the environment and, for applications, build arguments
// and build secrets. A plain member may do so. The call overwrites all of them
// together, so unchanged ones are sent as they are in s: read the service just
// before. Compose services have the call since 0.29.0 (docs/dokploy.md,
// Changing a service).
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

// SameBeside reports whether two readings of a service agree in everything that
// saveEnvironment overwrites besides the change.
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
