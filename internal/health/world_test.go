package health

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// world is a network in memory: each dial of an address takes its next step,
// and the last step is repeated.
type world struct {
	mu    sync.Mutex
	steps map[string][]step
	dials map[string]int
}

type step func(ctx context.Context) (net.Conn, error)

func newWorld() *world { return &world{steps: map[string][]step{}, dials: map[string]int{}} }

func (w *world) at(addr string, steps ...step) *world {
	w.steps[addr] = steps
	return w
}

func (w *world) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	w.mu.Lock()
	steps := w.steps[addr]
	n := w.dials[addr]
	w.dials[addr]++
	w.mu.Unlock()
	if len(steps) == 0 {
		host, _, _ := net.SplitHostPort(addr)
		return nil, opError(&net.DNSError{Err: "no such host", Name: host, IsNotFound: true})
	}
	return steps[min(n, len(steps)-1)](ctx)
}

func (w *world) dialled(addr string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dials[addr]
}

func opError(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }

func fails(err error) step {
	return func(context.Context) (net.Conn, error) { return nil, opError(err) }
}

func errno(n syscall.Errno) step { return fails(os.NewSyscallError("connect", n)) }

// hangs never connects.
func hangs(ctx context.Context) (net.Conn, error) {
	<-ctx.Done()
	return nil, opError(ctx.Err())
}

// serves answers one connection with h, over TLS if conf is set.
func serves(conf *tls.Config, h http.HandlerFunc) step {
	return func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		if conf != nil {
			far = tls.Server(buffer(far), conf)
		}
		srv := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
		go srv.Serve(&oneConn{conn: far})
		return near, nil
	}
}

func answers(status int, body string) step { return serves(nil, reply(status, body)) }

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func redirects(status int, location string) step {
	return serves(nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location)
		w.WriteHeader(status)
	})
}

// says reads a request and answers with these bytes.
func says(text string) step {
	return func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			far.Read(make([]byte, 16<<10))
			io.WriteString(far, text)
			far.Close()
		}()
		return near, nil
	}
}

// buffered does not wait until the other side reads: in a handshake that fails
// both sides may write, and on a bare pipe that would never end.
type buffered struct {
	net.Conn
	mu     sync.Mutex
	out    chan []byte
	closed bool
}

func buffer(conn net.Conn) *buffered {
	b := &buffered{Conn: conn, out: make(chan []byte, 64)}
	go func() {
		for p := range b.out {
			b.Conn.Write(p)
		}
		b.Conn.Close()
	}()
	return b
}

func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, net.ErrClosed
	}
	b.out <- bytes.Clone(p)
	return len(p), nil
}

func (b *buffered) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.out)
	}
	return nil
}

// crypto/tls stops later writes with a deadline; what it wrote before must
// still arrive.
func (b *buffered) SetWriteDeadline(time.Time) error { return nil }
func (b *buffered) SetDeadline(t time.Time) error    { return b.SetReadDeadline(t) }

// oneConn is a listener with one connection.
type oneConn struct{ conn net.Conn }

func (l *oneConn) Accept() (net.Conn, error) {
	conn := l.conn
	if l.conn = nil; conn == nil {
		return nil, io.EOF
	}
	return conn, nil
}
func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// authority signs certificates. Its clock is that of the bubble that it was
// created in.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1e4 * time.Hour),
	}
	a.cert = a.make(template, template, &a.key.PublicKey)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) make(template, parent *x509.Certificate, pub *ecdsa.PublicKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

// signs creates a server certificate for a host.
func (a *authority) signs(host string, change func(*x509.Certificate)) *tls.Config {
	key := newKey(a.t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1e3 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	cert := a.make(template, a.cert, &key.PublicKey)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}}
}

// selfSigned is like Traefik's own certificate: for a name that nobody has.
func selfSigned(t *testing.T, commonName, host string) *tls.Config {
	a := newAuthority(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: commonName}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1e3 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert := a.make(template, template, &a.key.PublicKey)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: a.key}}}
}

func mustURL(t *testing.T, s string) *url.URL {
	u, err := ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
