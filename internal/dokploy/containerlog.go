package dokploy

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"dokploy-deploy/internal/buildlog"
	"dokploy-deploy/internal/text"
)

const (
	// containerQuiet is the silence after which a container's log counts as
	// complete: the stream stays open, even for a container that has ended
	// (docker-container-logs.ts, v0.30.2).
	containerQuiet = 700 * time.Millisecond
	// containerLogLimit limits how much of it is read, in bytes.
	containerLogLimit = 256 << 10
)

// ContainerLog reads the last lines that a container wrote, even one that has
// ended, over the stream that the service's page uses. A member may. Each line
// starts with its time.
func (c *Client) ContainerLog(ctx context.Context, s *Service, containerID string, tail int) (string, error) {
	q := url.Values{
		"containerId": {containerID}, "tail": {strconv.Itoa(tail)}, "since": {"all"}, "runType": {"native"}, "serviceId": {s.ID},
	}
	if s.ServerID != "" {
		q.Set("serverId", s.ServerID)
	}
	conn, err := c.dialStream(ctx, "/docker-container-logs", q)
	if err != nil {
		return "", err
	}
	defer conn.CloseNow() //nolint:errcheck // it is over either way
	conn.SetReadLimit(containerLogLimit)
	var log bytes.Buffer
	wait := 5 * time.Second // for the first line
	for log.Len() < containerLogLimit {
		// When its context ends, so does the connection: this is the last read.
		readCtx, cancel := context.WithTimeout(ctx, wait)
		_, frame, err := conn.Read(readCtx)
		cancel()
		if err != nil {
			break
		}
		log.Write(frame)
		wait = containerQuiet
	}
	if log.Len() >= containerLogLimit {
		// The last line may be cut: a part of a secret could not be masked.
		log.Truncate(bytes.LastIndexByte(log.Bytes(), '\n') + 1)
	}
	switch said := log.String(); {
	case said == "":
		return "", errors.New("the container's log is not shown")
	case isStreamError([]byte(said)), strings.HasPrefix(said, "Error response from daemon"):
		return "", errors.New(text.OneLine(said))
	default:
		return said, nil
	}
}

// dialStream opens one of Dokploy's WebSockets. With a wrong path it hangs
// without an answer (docs/dokploy.md, The log stream).
func (c *Client) dialStream(ctx context.Context, path string, q url.Values) (*websocket.Conn, error) {
	ctx, err := c.ahead(ctx, http.MethodGet)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for _, values := range q {
		if err := longName(path[1:], values[0]); err != nil {
			return nil, err
		}
	}
	u := strings.Replace(c.endpoint(path, q), "http", "ws", 1)
	conn, resp, err := websocket.Dial(ctx, u, &websocket.DialOptions{ //nolint:bodyclose // Dial closes it
		HTTPClient: c.http, HTTPHeader: c.header.Clone(), CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return nil, buildlog.Refused(resp.StatusCode)
		}
		return nil, cleanURLError(err)
	}
	return conn, nil
}

// ReadContainerLogs reads the last lines that a service's containers wrote (≥
// 0.29); of a compose service, one container's. If they are more than Dokploy
// can return, it asks for fewer (docs/dokploy.md, The log over REST).
func (c *Client) ReadContainerLogs(ctx context.Context, kind Kind, id, containerID string, tail int) (string, error) {
	for {
		params := url.Values{string(kind) + "Id": {id}, "tail": {strconv.Itoa(tail)}}
		if containerID != "" {
			params.Set("containerId", containerID)
		}
		var s string
		err := c.query(ctx, string(kind)+".readLogs", params, &s)
		var e *Error
		if errors.As(err, &e) && e.Status == http.StatusInternalServerError && strings.Contains(e.Message, "maxBuffer") && tail > 1 {
			tail /= 2
			continue
		}
		return s, err
	}
}
