package dokploytest

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// containerStreamProcedure is the name under which requests list the stream of
// a container's log.
const containerStreamProcedure = "docker-container-logs"

var containerIDForm = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// containerStream plays docker container logs --timestamps --follow of one
// container, through a terminal: lines end in \r
// , and the stream stays open after the container has ended
// (docker-container-logs.ts).
func (s *Server) containerStream(c *wsConn, r *http.Request) {
	q := r.URL.Query()
	id, serverID, serviceID := q.Get("containerId"), q.Get("serverId"), q.Get("serviceId")
	s.mu.Lock()
	key := s.verifyLocked(r.Header.Get("X-Api-Key"))
	// Before 0.30 any member of the organisation was allowed to.
	allowed := key != nil && (!s.d.providerSecrets || !key.Member || serviceID != "" && s.mayUse(key, serviceID) || serviceID == "" && key.Docker)
	broken := s.sshLocked(serverID)
	s.mu.Unlock()
	tail, err := strconv.Atoi(q.Get("tail"))
	switch {
	case id == "":
		c.close(4000, "containerId no provided")
		return
	case s.d.checksPath && !containerIDForm.MatchString(id):
		c.close(4000, "Invalid container ID format")
		return
	case s.d.queueList && (err != nil || tail < 0 || tail > 10000):
		c.close(4000, "Invalid tail parameter")
		return
	case key == nil:
		c.close(0, "")
		return
	case !allowed:
		c.close(4003, "Not authorized")
		return
	case broken != nil:
		if s.pause(c, broken.after) {
			c.texts("SSH error: " + broken.stream)
		}
		return
	}
	s.mu.Lock()
	s.advanceLocked()
	text := "Error response from daemon: No such container: " + id + "\r\n"
	for _, x := range s.allContainers(serverID) {
		if !strings.HasPrefix(x.id, id) && x.name != id {
			continue
		}
		text = ""
		for _, l := range x.logs[max(0, len(x.logs)-tail):] {
			text += s.dockerTime(l.at) + " " + l.text + "\r\n"
		}
		break
	}
	s.mu.Unlock()
	if text != "" && c.frame(opText, []byte(text)) != nil {
		return
	}
	c.waitGone()
}
