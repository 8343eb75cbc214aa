package program

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
)

// either accepts plain HTTP and TLS on one port.
type either struct {
	net.Listener
	conf *tls.Config
}

func (l either) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &eitherConn{Conn: conn, conf: l.conf}, nil
}

// eitherConn looks at its first byte when it is first used.
type eitherConn struct {
	net.Conn
	conf *tls.Config
	once sync.Once
	tls  bool
}

type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (c peeked) Read(p []byte) (int, error) { return c.r.Read(p) }

func (c *eitherConn) begin() {
	c.once.Do(func() {
		r := bufio.NewReader(c.Conn)
		conn := net.Conn(peeked{c.Conn, r})
		if first, err := r.Peek(1); err == nil && first[0] == 0x16 {
			conn, c.tls = tls.Server(conn, c.conf), true
		}
		c.Conn = conn
	})
}

func (c *eitherConn) Read(p []byte) (int, error) { c.begin(); return c.Conn.Read(p) }

// TestRedirectToTLS: a server that redirects from http to https is used as if
// the input had https; each request is carried out once.
func TestRedirectToTLS(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 307, 308} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			srv, env := standIn(t, dokploytest.Options{})
			app := srv.AddApplication(dokploytest.Application{Name: "api", Build: dokploytest.Build{Steps: dokploytest.Lines(200*time.Millisecond, "over TLS", "to its end")}})
			certified := httptest.NewTLSServer(nil)
			defer certified.Close()
			var plain atomic.Int64
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			type connKey struct{}
			server := &http.Server{
				ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Context().Value(connKey{}).(*eitherConn).tls {
						srv.ServeHTTP(w, r)
						return
					}
					plain.Add(1)
					http.Redirect(w, r, "https://"+r.Host+r.URL.RequestURI(), status)
				}),
			}
			go func() { _ = server.Serve(either{ln, &tls.Config{Certificates: certified.TLS.Certificates}}) }()
			defer server.Close()
			ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw})
			c := call{env: with(env, "DOKPLOY_URL", "http://"+ln.Addr().String(), "DOKPLOY_APPLICATION", "api", "DOKPLOY_CA_CERT", string(ca))}
			c.run(t.Context())
			if c.code != 0 || srv.TriggerCount(app) != 1 || !strings.Contains(c.stdout.String(), "over TLS\nto its end\n") {
				t.Errorf("exit %d, %d triggers\n%s", c.code, srv.TriggerCount(app), &c.stdout)
			}
			requests := srv.Requests()
			for _, r := range requests {
				if r.Header.Get("X-Api-Key") != srv.Key {
					t.Errorf("%s %s without the key", r.Method, r.Path)
				}
			}
			// After a permanent redirect, the new address is used from then on.
			// The first three requests are sent at the same time.
			if forGood := status == 301 || status == 308; forGood && plain.Load() > 3 || plain.Load() == 0 {
				t.Errorf("%d of %d requests in the clear", plain.Load(), len(requests))
			}
		})
	}
}

// TestProxy: the proxy in the environment is used, including for the log's
// stream, and gets no key if TLS goes through it.
func TestProxy(t *testing.T) {
	t.Parallel()
	type seen struct {
		mu       sync.Mutex
		connects []http.Header
		requests []string
	}
	// proxyTo maps every host name to one address.
	proxyTo := func(t *testing.T, addr string) (string, *seen) {
		s := &seen{}
		forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Host, r.Out.Host = addr, r.In.Host
			r.Out.Header.Set("Via", "1.1 proxy")
		}}
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			if r.Method == http.MethodConnect {
				s.connects = append(s.connects, r.Header.Clone())
			} else {
				s.requests = append(s.requests, r.URL.Path)
			}
			s.mu.Unlock()
			if r.Method != http.MethodConnect {
				forward.ServeHTTP(w, r)
				return
			}
			to, err := net.Dial("tcp", addr)
			if err != nil {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			defer to.Close()
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			go func() { _, _ = io.Copy(to, conn); to.Close() }()
			_, _ = io.Copy(conn, to)
		}))
		t.Cleanup(func() { proxy.CloseClientConnections(); proxy.Close() })
		return proxy.URL, s
	}
	build := dokploytest.Build{Steps: dokploytest.Lines(300*time.Millisecond, "through", "the proxy")}
	t.Run("HTTP_PROXY", func(t *testing.T) {
		t.Parallel()
		srv, env := standIn(t, dokploytest.Options{})
		srv.AddApplication(dokploytest.Application{Name: "api", Build: build})
		proxy, s := proxyTo(t, strings.TrimPrefix(env["DOKPLOY_URL"], "http://"))
		c := runChild(t, with(env, "DOKPLOY_URL", "http://dokploy.test:3000", "DOKPLOY_APPLICATION", "api", "HTTP_PROXY", proxy))
		checkOutput(t, c, 0, "through\nthe proxy\n")
		for _, r := range srv.Requests() {
			if r.Header.Get("Via") == "" {
				t.Errorf("past the proxy: %s", r.Path)
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		// At the end, one may be given up on its way through the proxy.
		if len(s.requests) < len(srv.Requests()) || len(s.connects) != 0 || !slices.Contains(s.requests, "/listen-deployment") {
			t.Errorf("through the proxy: %v", s.requests)
		}
	})
	t.Run("HTTPS_PROXY", func(t *testing.T) {
		t.Parallel()
		srv := dokploytest.New(dokploytest.Options{NoDocker: true})
		addr, _, err := srv.ListenTLS("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(srv.Close)
		srv.AddApplication(dokploytest.Application{Name: "api", Build: build})
		proxy, s := proxyTo(t, strings.TrimPrefix(addr, "https://"))
		c := runChild(t, map[string]string{
			"DOKPLOY_URL": "https://dokploy.test", "DOKPLOY_API_KEY": srv.Key, "DOKPLOY_APPLICATION": "api", "DOKPLOY_TLS_SKIP_VERIFY": "true",
			"DOKPLOY_HEADERS": "X-Extra: some-secret", "HTTPS_PROXY": proxy,
		})
		checkOutput(t, c, 0, "through\nthe proxy\n")
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.connects) == 0 || len(s.requests) != 0 {
			t.Errorf("%d CONNECTs, requests %v", len(s.connects), s.requests)
		}
		for _, h := range s.connects {
			if h.Get("X-Api-Key") != "" || h.Get("X-Extra") != "" {
				t.Errorf("the proxy gets %v", h)
			}
		}
	})
	t.Run("NO_PROXY", func(t *testing.T) {
		t.Parallel()
		proxy, s := proxyTo(t, "127.0.0.1:1")
		c := runChild(t, map[string]string{
			"DOKPLOY_URL": "http://dokploy.invalid", "DOKPLOY_API_KEY": "k-123456789", "DOKPLOY_APPLICATION": "api", "DOKPLOY_UNREACHABLE_TIMEOUT": "1s",
			"HTTP_PROXY": proxy, "NO_PROXY": "dokploy.invalid",
		})
		checkOutput(t, c, 3, "error: url: ")
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.requests)+len(s.connects) != 0 {
			t.Errorf("the proxy is asked: %v", s.requests)
		}
	})
	t.Run("a proxy that says no", func(t *testing.T) {
		t.Parallel()
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }))
		defer proxy.Close()
		run := func() child {
			return runChild(t, map[string]string{
				"DOKPLOY_URL": "https://dokploy.test", "DOKPLOY_API_KEY": "k-123456789", "DOKPLOY_APPLICATION": "api", "DOKPLOY_UNREACHABLE_TIMEOUT": seconds(3), "HTTPS_PROXY": proxy.URL,
			})
		}
		c := uncut(run(), run)
		checkOutput(t, c, 3, "does not let the request through: it answered 407 Proxy Authentication Required")
	})
	t.Run("no proxy there", func(t *testing.T) {
		t.Parallel()
		run := func() child {
			return runChild(t, map[string]string{
				"DOKPLOY_URL": "https://dokploy.test", "DOKPLOY_API_KEY": "k-123456789", "DOKPLOY_APPLICATION": "api", "DOKPLOY_UNREACHABLE_TIMEOUT": "1s",
				"HTTPS_PROXY": "http://user:hush-hush@127.0.0.1:1",
			})
		}
		c := uncut(run(), run)
		checkOutput(t, c, 3, "the proxy cannot be used: the connection was refused")
		if strings.Contains(c.stdout+c.stderr, "hush-hush") {
			t.Errorf("the proxy's password is shown:\n%s", c.stdout)
		}
	})
}
