package dokploytest

import (

	// RFC 6455 requires it

	"io"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode/utf8"
)

// maxFrame is the largest frame of the log: one read from tail's pipe.
const maxFrame = 64 << 10

// stream answers the upgrade to a WebSocket (docs/dokploy.md, The log stream; Remote servers).
func (s *Server) stream(w *statusWriter, r *http.Request, p string) {
	s.mu.Lock()
	if s.isClosed {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	s.wg.Add(1) // net/http does not track hijacked connections
	s.mu.Unlock()
	defer s.wg.Done()
	switch p {
	case "/" + containerStreamProcedure:
		if c := s.upgrade(w, r); c != nil {
			defer c.end()
			s.start(c.readLoop)
			s.containerStream(c, r)
		}
	case "/" + streamProcedure:
		s.deploymentStream(w, r)
	default:
		s.hang(w) // a wrong path gets no answer
	}
}

// deploymentStream streams the log of a deployment.
func (s *Server) deploymentStream(w *statusWriter, r *http.Request) {
	fault := s.takeFault(streamProcedure)
	if fault == nil {
		fault = &Fault{}
	}
	switch fault.Kind {
	case StreamRefused:
		fault.answer(s).write(w, r, s)
		return
	case StreamHang, Hang:
		s.hangAfter(w, r, fault.Bytes)
		return
	case "", StreamClosed, StreamCut, StreamFrames, StreamSilent, StreamStalls, StreamBuffered:
	case Lost:
		panic(http.ErrAbortHandler)
	default:
		s.spoil(w, r, fault, func() answer { return answer{} })
		return
	}
	c := s.upgrade(w, r)
	if c == nil {
		return
	}
	defer c.end()
	if fault.Kind == StreamSilent && !fault.Pong {
		c.mute()
	}
	s.start(c.readLoop)
	if file := s.openLog(c, r, fault); file != nil {
		s.follow(c, file, fault)
	}
}

// openLog returns the log that a stream asks for; nil: the stream was told why it
// cannot have it.
func (s *Server) openLog(c *wsConn, r *http.Request, fault *Fault) *logFile {
	q := r.URL.Query()
	logPath, serverID := q.Get("logPath"), q.Get("serverId")
	s.mu.Lock()
	key := s.verifyLocked(r.Header.Get("X-Api-Key"))
	server := s.servers[serverID]
	broken := s.sshLocked(serverID)
	file := s.files[fileKey(serverID, logPath)]
	s.mu.Unlock()
	switch {
	case fault.Kind == StreamSilent:
		c.waitGone()
		return nil
	case logPath == "":
		c.close(4000, "logPath no provided")
		return nil
	case s.d.checksPath && !strings.HasPrefix(path.Clean(logPath), "/etc/dokploy/"):
		c.close(4000, "Invalid log path")
		return nil
	case key == nil || fault.Kind == StreamClosed && fault.Bytes == 0:
		c.close(0, "")
		return nil
	case fault.Kind == StreamFrames:
		c.texts(fault.Frames...)
		return nil
	case serverID != "" && server == nil:
		c.texts("Server not found")
		return nil
	case broken != nil:
		if s.pause(c, broken.after) {
			c.texts("SSH error: " + broken.stream)
		}
		return nil
	}
	first := 20 * time.Millisecond
	if serverID != "" {
		first = 400 * time.Millisecond // opening an SSH connection
	}
	if !s.pause(c, first) {
		return nil
	}
	if file == nil {
		prefix := ""
		if serverID == "" {
			prefix = "tail error: "
		}
		c.texts(prefix + "tail: cannot open '" + logPath + "' for reading: No such file or directory\ntail: no files remaining\n")
	}
	return file
}

// pause waits for d; false if the stream or the server ended first.
func (s *Server) pause(c *wsConn, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.gone:
	case <-s.closed:
	}
	return false
}

// follow sends a log from its first line and then what is written to it,
// forever: nothing marks the end of a deployment.
func (s *Server) follow(c *wsConn, file *logFile, fault *Fault) {
	reader := file.follow()
	defer reader.stop()
	limit := maxFrame
	if s.opts.FrameSize > 0 {
		limit = min(limit, s.opts.FrameSize)
	}
	left := fault.Bytes
	var held []byte // of StreamBuffered
	for {
		if fault.Kind == StreamCut || fault.Kind == StreamClosed {
			if left <= 0 {
				if fault.NoResume {
					s.Fault(Fault{Procedure: streamProcedure, Kind: StreamRefused, Times: -1})
				}
				if fault.Kind == StreamClosed {
					c.close(0, "")
				} else {
					c.drop()
				}
				return
			}
			limit = min(limit, left)
		}
		if fault.Kind == StreamStalls {
			if left <= 0 {
				if !fault.Pong {
					c.mute()
				}
				c.waitGone()
				return
			}
			limit = min(limit, left)
		}
		chunk, truncated, wake := reader.next(limit)
		if truncated {
			chunk = []byte("tail error: tail: " + file.path + ": file truncated\n")
		}
		if len(chunk) == 0 {
			select {
			case <-wake:
			case <-c.gone:
				return
			case <-s.closed:
				return
			}
			continue
		}
		left -= len(chunk)
		if fault.Kind == StreamBuffered {
			held = append(held, chunk...)
			if len(held) < fault.Bytes {
				continue
			}
			chunk, held = held, nil
		}
		if !s.opts.RawFrames {
			chunk = utf8Text(chunk)
		}
		if c.frame(opText, chunk) != nil {
			return
		}
	}
}

// utf8Text decodes bytes as Node does: every piece of a broken character
// becomes U+FFFD.
func utf8Text(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	out := make([]byte, 0, len(b)+8)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			out = append(out, "\uFFFD"...)
			n = brokenLen(b)
		} else {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out
}

// brokenLen returns how many bytes at the start of b are an incomplete
// character.
func brokenLen(b []byte) int {
	need := 0
	switch {
	case b[0] >= 0xC2 && b[0] <= 0xDF:
		need = 1
	case b[0]&0xF0 == 0xE0:
		need = 2
	case b[0] >= 0xF0 && b[0] <= 0xF4:
		need = 3
	}
	n := 1
	for n <= need && n < len(b) && b[n]&0xC0 == 0x80 {
		n++
	}
	return n
}

// hangAfter sends the first n bytes of the proper answer to the upgrade, and
// then hangs.
func (s *Server) hangAfter(w *statusWriter, r *http.Request, n int) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	if text := switching(r); n > 0 {
		_, _ = io.WriteString(conn, text[:min(n, len(text)-1)])
	}
	_, _ = io.Copy(io.Discard, conn) // until the client or the server ends it
}

// hang takes over the connection and never answers.
func (s *Server) hang(w *statusWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	_, _ = io.Copy(io.Discard, conn) // until the client or the server ends it
}
