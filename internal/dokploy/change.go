package dokploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
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

// Rights are what the key's owner may do beside deploying (docs/dokploy.md, Keys and rights).
type Rights struct {
	CreateServices bool // application.update, compose.update
	Docker         bool // docker.*
	Env            bool // saveEnvironment
	Deploy         bool
}

// Rights asks for them (≥ 0.29.0). On older servers, where only trying tells,
// ok is false.
func (c *Client) Rights(ctx context.Context) (r Rights, ok bool, err error) {
	var w struct {
		Service *struct {
			Create bool `json:"create"`
		} `json:"service"`
		Docker struct {
			Read bool `json:"read"`
		} `json:"docker"`
		EnvVars struct {
			Write bool `json:"write"`
		} `json:"envVars"`
		Deployment struct {
			Create bool `json:"create"`
		} `json:"deployment"`
	}
	err = c.query(ctx, "user.getPermissions", nil, &w)
	switch {
	case err != nil && !Unsupported(err):
		return Rights{}, false, err
	case err != nil, w.Service == nil:
		return Rights{}, false, nil
	}
	return Rights{CreateServices: w.Service.Create, Docker: w.Docker.Read, Env: w.EnvVars.Write, Deploy: w.Deployment.Create}, true, nil
}

// Upload sends a zip as the application's new source; that starts a
// deployment titled "Manual deployment" by itself (docs/dokploy.md, Uploads). It
// is sent once, as it streams: write writes the zip, and may be called once
// only. Errors are those of Deploy, and a StalledError where nothing of it got
// through for the time stall. A zip that Dokploy cannot read has switched the
// source all the same, and the old code is gone.
func (c *Client) Upload(ctx context.Context, s *Service, name string, stall time.Duration, write func(io.Writer) error) error {
	const procedure = "application.dropDeployment"
	body, feed := io.Pipe()
	form := multipart.NewWriter(feed)
	written := make(chan error, 1)
	go func() {
		err := func() error {
			if err := form.WriteField("applicationId", s.ID); err != nil {
				return err
			}
			// Left out it would be set to "" (docs/dokploy.md, Uploads).
			if s.DropBuildPath != "" {
				if err := form.WriteField("dropBuildPath", s.DropBuildPath); err != nil {
					return err
				}
			}
			part, err := form.CreateFormFile("zip", name)
			if err != nil {
				return err
			}
			if err := write(part); err != nil {
				return &sourceError{err}
			}
			return form.Close()
		}()
		_ = feed.CloseWithError(err) // nil: the end
		written <- err
	}()
	// /api/application.dropDeployment is a 500: it wants JSON.
	err := c.stream(ctx, procedure, body, stall, form.FormDataContentType())
	_ = body.CloseWithError(errors.New("the upload has ended"))
	var broken *sourceError
	if werr := <-written; errors.As(werr, &broken) && !errors.Is(broken.err, io.ErrClosedPipe) {
		var e *Error
		if !errors.As(err, &e) {
			return &TransportError{Procedure: procedure, Made: true, Err: broken}
		}
	}
	return err
}

// sourceError is a failure of what is uploaded, not of the way.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// BrokenSource reports whether an upload failed because what was to be uploaded
// could not be read completely. The server has got a part of it, and does not
// take that for a request.
func BrokenSource(err error) bool {
	var e *sourceError
	return errors.As(err, &e)
}

// StalledError says that nothing of an upload got through for so long.
type StalledError struct{ For time.Duration }

func (e *StalledError) Error() string {
	return fmt.Sprintf("the upload made no progress for %s", e.For)
}

// pieceSize is how much of an upload is sent at a time: that much must get
// through for it not to count as stalled.
const pieceSize = 4 << 10

// pacedBody watches how long what was read of a body takes to be sent.
type pacedBody struct {
	io.ReadCloser
	stalled *time.Timer
	limit   time.Duration
}

// Read is called when what it gave before is sent.
func (b *pacedBody) Read(p []byte) (int, error) {
	b.stalled.Stop()
	n, err := b.ReadCloser.Read(p[:min(len(p), pieceSize)])
	b.stalled.Reset(b.limit)
	return n, err
}

// answerTimeout bounds the time from the last byte of an upload to its
// answer: the server unpacks it before it answers.
const answerTimeout = 5 * time.Minute

// stream posts a body of unknown length, which cannot be sent again. It ends
// with a StalledError where what is read of the body is not sent within stall.
func (c *Client) stream(ctx context.Context, procedure string, body io.ReadCloser, stall time.Duration, contentType string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var made atomic.Bool
	patience := time.AfterFunc(requestTimeout, func() { cancel(context.DeadlineExceeded) })
	defer patience.Stop()
	stalled := time.AfterFunc(stall, func() { cancel(&StalledError{stall}) })
	stalled.Stop() // until there is something to send
	defer stalled.Stop()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			made.Store(true)
			patience.Stop() // the upload itself has all the time it needs
		},
		WroteRequest: func(httptrace.WroteRequestInfo) {
			stalled.Stop()
			patience.Reset(answerTimeout)
		},
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint("/api/trpc/"+procedure, nil), &pacedBody{body, stalled, stall})
	if err != nil {
		return &TransportError{Procedure: procedure, Err: err}
	}
	for name, values := range c.header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", contentType)
	resp, err := c.http.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return &TransportError{Procedure: procedure, Made: made.Load(), Err: cleanURLError(err)}
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, header: resp.Header}
	defer a.release()
	if err := c.read(ctx, a, resp.Body, maxErrorBody); err != nil {
		return &TransportError{Procedure: procedure, Made: true, Err: err}
	}
	a.odd = oddBody(a)
	return answerError(procedure, a)
}

// Rollback is what Dokploy keeps of an earlier deployment, to go back to.
type Rollback struct {
	ID           string
	DeploymentID string
	Status       string // of that deployment
	StartedAt    time.Time
}

// Rollbacks lists them, the newest deployment first (≥ 0.23,
// docs/dokploy.md, Going back). Failed deployments have one, too. The answer carries
// a registry's password, which is not read.
func (c *Client) Rollbacks(ctx context.Context, applicationID string) ([]Rollback, error) {
	var wire listOf[struct {
		wireDeployment
		Rollback *struct {
			RollbackID string `json:"rollbackId"`
		} `json:"rollback"`
	}]
	const procedure = "deployment.allByType"
	if err := c.query(ctx, procedure, url.Values{"id": {applicationID}, "type": {"application"}}, &wire); err != nil {
		return nil, err
	}
	if wire == nil {
		return nil, noList(procedure)
	}
	var list []Rollback
	for _, w := range wire {
		if w.Rollback == nil || w.Rollback.RollbackID == "" {
			continue
		}
		d := w.deployment()
		list = append(list, Rollback{ID: w.Rollback.RollbackID, DeploymentID: d.ID, Status: d.Status, StartedAt: d.StartedAt})
	}
	return list, nil
}

// GoBack lets Dokploy put an earlier version back in swarm. That makes no
// deployment row, and what Dokploy itself keeps of the service stays as it is
// (docs/dokploy.md, Going back).
func (c *Client) GoBack(ctx context.Context, rollbackID string) error {
	_, err := c.mutate(ctx, "rollback.rollback", map[string]string{"rollbackId": rollbackID})
	return err
}
