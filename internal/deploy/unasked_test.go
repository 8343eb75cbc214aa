package deploy

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// answering makes connections that answer each request in the same way; host is
// the host of the connection.
func answering(answer func(host string) string, conf *tls.Config) func(context.Context, string, string) (net.Conn, error) {
	return func(_ context.Context, _, addr string) (net.Conn, error) {
		near, far := net.Pipe()
		host, _, _ := net.SplitHostPort(addr)
		go func() {
			defer far.Close()
			conn := far
			if conf != nil {
				conn = tls.Server(far, conf)
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.WriteString(conn, answer(host))
			}
		}()
		return near, nil
	}
}

// always answers with a status and one header.
func always(status, header string) func(string) string {
	return func(string) string {
		return "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\nConnection: close\r\n" + header + "\r\n\r\n"
	}
}

// untrusted returns a certificate that nobody trusts.
func untrusted(t *testing.T) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"x.example.com"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// A redirect to another host that ends well is healthy, and is reported.
func TestAHealthURLThatLeadsElsewhere(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{})
		w.set = func(o *Options) {
			o.Health = w.health(&pages{}, "http://x.example.com/up")
			o.Health.Dial = answering(func(host string) string {
				if host == "x.example.com" {
					return always("302 Found", "Location: http://login.example.com/")(host)
				}
				return always("200 OK", "X: y")(host)
			}, nil)
		}
		w.want(w.deploy("application api"), verdict.Done, 0)
		if !w.rec.said("http://x.example.com/up answered 200 (after a redirect to http://login.example.com/)") || !w.rec.said("looks like a login page") {
			w.Errorf("%s", w.story())
		}
	})
	inWorld(t, dokploytest.Options{}, func(w *world) {
		w.srv.AddApplication(dokploytest.Application{})
		w.set = func(o *Options) {
			o.Health = w.health(&pages{}, "http://x.example.com?token=t")
			o.Health.Dial = answering(always("200 OK", "X: y"), nil)
		}
		w.want(w.deploy("application api"), verdict.Done, 0)
		if w.rec.said("after a redirect") {
			w.Errorf("%s", w.story())
		}
	})
}

// A health URL that could not be checked is no verdict on the application: the
// step ends as unhealthy, and nothing is rolled back. A bad answer of the
// application still is a verdict.
func TestAHealthURLThatCouldNotBeAskedRollsNothingBack(t *testing.T) {
	const back = "HTTP/1.1 302 Found\r\nLocation: http://login.example.com/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	redirect := func(to func(string) string) func(string) string {
		return func(host string) string {
			if host == "x.example.com" {
				return back
			}
			return to(host)
		}
	}
	for name, tt := range map[string]struct {
		url     string
		answer  func(string) string
		conf    func(*testing.T) *tls.Config
		unknown bool // the name is unknown to DNS
		unasked bool
	}{
		"a challenge":                 {answer: always("403 Forbidden", "Cf-Mitigated: challenge"), unasked: true},
		"a login that refuses":        {answer: redirect(always("403 Forbidden", "X: y")), unasked: true},
		"521":                         {answer: always("521 x", "X: y"), unasked: true},
		"a name that nobody knows":    {unknown: true, unasked: true},
		"a certificate":               {url: "https://x.example.com/", answer: always("200 OK", "X: y"), conf: untrusted, unasked: true},
		"502":                         {answer: always("502 Bad Gateway", "X: y")},
		"503":                         {answer: always("503 Service Unavailable", "X: y")},
		"504":                         {answer: always("504 Gateway Timeout", "X: y")},
		"403 of the application":      {answer: always("403 Forbidden", "X: y")},
		"404":                         {answer: always("404 Not Found", "X: y")},
		"302 to a path of it, then 5": {answer: func(string) string { return strings.Replace(back, "login.example.com", "x.example.com", 1) }},
	} {
		for _, kind := range []string{"image", "git"} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				inWorld(t, dokploytest.Options{}, func(w *world) {
					a := dokploytest.Application{RolloutFunc: byImage}
					changes := Changes{Image: newImage}
					if kind == "git" {
						a.SourceType, a.RollbackActive, changes = "git", true, Changes{}
					}
					app := w.srv.AddApplication(a)
					if kind == "git" {
						w.set = verifying(VerifyAuto)
						w.want(w.deploy("application api"), verdict.Done, 0)
					}
					address := tt.url
					if address == "" {
						address = "http://x.example.com/"
					}
					w.set = func(o *Options) {
						goingBack(changes)(o)
						o.Health = w.health(&pages{}, address)
						o.Health.Timeout = 30 * time.Second
						if tt.unknown {
							o.Health.Dial = func(context.Context, string, string) (net.Conn, error) {
								return nil, &net.DNSError{Err: "no such host", Name: "x.example.com", IsNotFound: true}
							}
							return
						}
						var conf *tls.Config
						if tt.conf != nil {
							conf = tt.conf(t)
						}
						o.Health.Dial = answering(tt.answer, conf)
					}
					triggers, rollbacks := w.srv.TriggerCount(app), w.srv.Calls("rollback.rollback")
					r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
					if r.Verified != verdict.VerifiedYes || r.Reason.Unasked() != tt.unasked {
						w.Errorf("verified %q: %s", r.Verified, r.Error())
					}
					wentBack := w.srv.TriggerCount(app) > triggers+1 || w.srv.Calls("rollback.rollback") > rollbacks
					if wentBack == tt.unasked || strings.Contains(r.WentBack, "not tried") != tt.unasked {
						w.Errorf("went back: %v (%s)\n%s", wentBack, r.WentBack, w.story())
					}
					if tt.unasked && kind == "image" && app.Image() != newImage {
						w.Errorf("the image is %s", app.Image())
					}
					if (len(r.Tail) > 0) == tt.unasked {
						w.Errorf("the container's log: %q", r.Tail)
					}
				})
			})
		}
	}
}

// What is seen in front of the application during a rollback is not a failure
// of what was restored.
func TestAHealthURLThatCannotBeAskedWhileGoingBack(t *testing.T) {
	for _, kind := range []string{"image", "git"} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, dokploytest.Options{}, func(w *world) {
				a := dokploytest.Application{}
				changes := Changes{Image: newImage}
				if kind == "git" {
					a.SourceType, a.RollbackActive, changes = "git", true, Changes{}
				}
				app := w.srv.AddApplication(a)
				w.set = verifying(VerifyAuto)
				w.want(w.deploy("application api"), verdict.Done, 0)
				w.set = func(o *Options) {
					goingBack(changes)(o)
					o.Health = w.health(&pages{}, "http://x.example.com/")
					o.Health.Dial = answering(func(string) string {
						if w.srv.TriggerCount(app)+w.srv.Calls("rollback.rollback") > 2 {
							return always("403 Forbidden", "Cf-Mitigated: challenge")("")
						}
						return always("502 Bad Gateway", "X: y")("")
					}, nil)
				}
				r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
				if r.Reason.Unasked() || !strings.Contains(r.Why(), "502") || strings.Contains(r.WentBack, "failed as well") || !strings.Contains(r.WentBack, "could not be asked") {
					w.Error(r.Error())
				}
			})
		})
	}
}
