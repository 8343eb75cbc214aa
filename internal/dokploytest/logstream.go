package dokploytest

import (
	"bufio"
	"crypto/sha1" // RFC 6455 requires it
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
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

// switching returns the answer to the upgrade.
func switching(r *http.Request) string {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n"
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

const (
	opText  = 0x1
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xA
)

// wsConn is the server's end of a WebSocket (RFC 6455). It does not use a
// library, so that it can cut, drop and fall silent.
type wsConn struct {
	s       *Server
	conn    net.Conn
	read    *bufio.Reader
	writing chan struct{} // held by the writer; a channel, so that synctest sees the waiting
	gone    chan struct{} // closed when the client is gone
	silent  chan struct{} // closed: not even a pong is sent
}

func (s *Server) upgrade(w *statusWriter, r *http.Request) *wsConn {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.noted(http.StatusSwitchingProtocols)
	_, err = io.WriteString(conn, switching(r))
	if err != nil {
		_ = conn.Close()
		return nil
	}
	return &wsConn{
		s: s, conn: conn, read: rw.Reader, writing: make(chan struct{}, 1), gone: make(chan struct{}), silent: make(chan struct{}),
	}
}

func (c *wsConn) mute() { close(c.silent) }

// frame sends one unmasked frame.
func (c *wsConn) frame(op byte, payload []byte) error {
	var head [10]byte
	head[0] = 0x80 | op
	n := 2
	switch {
	case len(payload) < 126:
		head[1] = byte(len(payload))
	case len(payload) <= 0xFFFF:
		head[1] = 126
		binary.BigEndian.PutUint16(head[2:], uint16(len(payload)))
		n = 4
	default:
		head[1] = 127
		binary.BigEndian.PutUint64(head[2:], uint64(len(payload)))
		n = 10
	}
	select {
	case c.writing <- struct{}{}:
	case <-c.gone:
		return net.ErrClosed
	}
	defer func() { <-c.writing }()
	if len(payload) < 1024 {
		_, err := c.conn.Write(append(head[:n:n], payload...))
		return err
	}
	if _, err := c.conn.Write(head[:n]); err != nil {
		return err
	}
	_, err := c.conn.Write(payload)
	return err
}

// readLoop reads what the client sends: it answers pings and the close frame.
func (c *wsConn) readLoop() {
	defer close(c.gone)
	for {
		op, payload, err := c.readFrame()
		if err != nil {
			return
		}
		select {
		case <-c.silent:
			continue
		default:
		}
		switch op {
		case opPing:
			_ = c.frame(opPong, payload)
		case opClose:
			_ = c.frame(opClose, payload[:min(2, len(payload))])
			return
		}
	}
}

func (c *wsConn) readFrame() (op byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(c.read, head[:]); err != nil {
		return 0, nil, err
	}
	size := uint64(head[1] & 0x7F)
	var more [8]byte
	switch size {
	case 126:
		_, err = io.ReadFull(c.read, more[6:])
		size = binary.BigEndian.Uint64(more[:])
	case 127:
		_, err = io.ReadFull(c.read, more[:])
		size = binary.BigEndian.Uint64(more[:])
	}
	if err != nil || size > 1<<20 || head[1]&0x80 == 0 {
		return 0, nil, errors.Join(err, errors.New("bad frame"))
	}
	var mask [4]byte
	if _, err := io.ReadFull(c.read, mask[:]); err != nil {
		return 0, nil, err
	}
	payload = make([]byte, size)
	if _, err := io.ReadFull(c.read, payload); err != nil {
		return 0, nil, err
	}
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return head[0] & 0x0F, payload, nil
}

// texts sends frames, then closes without a code.
func (c *wsConn) texts(frames ...string) {
	for _, f := range frames {
		if c.frame(opText, []byte(f)) != nil {
			return
		}
	}
	c.close(0, "")
}

// close sends a close frame, without a code if that is 0, and waits for the
// client's.
func (c *wsConn) close(code uint16, reason string) {
	var payload []byte
	if code != 0 {
		payload = append(binary.BigEndian.AppendUint16(nil, code), reason...)
	}
	if c.frame(opClose, payload) != nil {
		return
	}
	c.s.pause(c, 5*time.Second)
}

func (c *wsConn) waitGone() {
	select {
	case <-c.gone:
	case <-c.s.closed:
	}
}

// drop ends the connection without a close frame, which the client sees as
// 1006.
func (c *wsConn) drop() {
	conn := c.conn
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*trackedConn); ok {
		t.drop()
	}
}

// end closes the connection.
func (c *wsConn) end() { _ = c.conn.Close() }
