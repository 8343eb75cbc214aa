package dokploy

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/coder/websocket"

	"dokploy-deploy/internal/buildlog"
	"dokploy-deploy/internal/text"
)

// LogSource says where a deployment's log is.
type LogSource struct {
	DeploymentID string
	Path         string // logPath of the row
	ServerID     string // the build server of the row or service, else the service's server (docs/dokploy.md, Remote servers)
	// NoREST: deployment.readLogs cannot read this log (a build server's).
	NoREST bool
}

// Log returns access to the log of one deployment.
func (c *Client) Log(source LogSource) buildlog.Way {
	way := buildlog.Way{
		Path:    source.Path,
		IsError: isStreamError,
		Turn:    func(ctx context.Context) (context.Context, error) { return c.ahead(ctx, http.MethodGet) },
		Open: func(ctx context.Context) (*websocket.Conn, error) {
			q := url.Values{"logPath": {source.Path}}
			if source.ServerID != "" {
				q.Set("serverId", source.ServerID)
			}
			return c.dialStream(ctx, "/listen-deployment", q)
		},
	}
	if !source.NoREST {
		way.Read = func(ctx context.Context, lines int) (string, error) {
			s, err := c.readLogs(ctx, source.DeploymentID, lines)
			return s, logError(err)
		}
	}
	return way
}

// readLogs reads the last lines of a deployment's log over REST, at most 10,000
// (≥ 0.29.5, docs/dokploy.md, The log over REST). More than 1 MiB of them fails
// with a 500.
func (c *Client) readLogs(ctx context.Context, deploymentID string, tail int) (string, error) {
	const procedure = "deployment.readLogs"
	var s *string
	if err := c.query(ctx, procedure, url.Values{"deploymentId": {deploymentID}, "tail": {strconv.Itoa(tail)}}, &s); err != nil {
		return "", err
	}
	if s == nil { // not even an empty log
		return "", &Error{Procedure: procedure, Status: 200, Message: "the answer cannot be read: it is null"}
	}
	return *s, nil
}

// logError translates an error of readLogs into those of package buildlog.
func logError(err error) error {
	var e *Error
	switch {
	case err == nil:
		return nil
	case Unsupported(err):
		return buildlog.ErrUnsupported
	case errors.As(err, &e) && e.Status == http.StatusInternalServerError && strings.Contains(e.Message, "maxBuffer"):
		return buildlog.ErrTooLarge
	}
	what, _ := Explain(err)
	return &buildlog.ReadError{What: text.OneLine(what), Denied: Denied(err)}
}

// streamErrors start the texts that Dokploy sends as ordinary frames when it
// cannot read the log (docs/dokploy.md, The log stream; Remote servers,
// listen-deployment.ts).
var streamErrors = [][]byte{
	[]byte("tail error: "), []byte("tail: cannot open "), []byte("tail: no files remaining"), []byte("SSH error: "),
	[]byte("Server not found"), []byte("This feature is not available in the cloud version."),
}

// isStreamError reports whether text is one of them, or may become one with its
// next frame.
func isStreamError(text []byte) bool {
	for _, e := range streamErrors {
		n := min(len(e), len(text))
		if n > 0 && bytes.Equal(e[:n], text[:n]) {
			return true
		}
	}
	return false
}
