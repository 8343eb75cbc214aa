package dokploytest

import (
	"bufio"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

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

// switching returns the answer to the upgrade.
func switching(r *http.Request) string {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n"
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
