package program

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
)

func TestCertificates(t *testing.T) {
	t.Parallel()
	srv := dokploytest.New(dokploytest.Options{NoDocker: true})
	url, cert, err := srv.ListenTLS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	srv.AddApplication(dokploytest.Application{Name: "api", Build: dokploytest.Build{Steps: dokploytest.Lines(0, "over TLS")}})
	env := map[string]string{"DOKPLOY_URL": url, "DOKPLOY_API_KEY": srv.Key, "DOKPLOY_APPLICATION": "api"}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		env    map[string]string
		code   int
		output string
	}{
		"not trusted":          {env, 3, "pass the authority's certificate in the input ca-cert"},
		"ca-cert as text":      {with(env, "DOKPLOY_CA_CERT", string(cert)), 0, "over TLS"},
		"ca-cert as a path":    {with(env, "DOKPLOY_CA_CERT", file), 0, "over TLS"},
		"tls-skip-verify":      {with(env, "DOKPLOY_TLS_SKIP_VERIFY", "true"), 0, "over TLS"},
		"... and it is warned": {with(env, "DOKPLOY_TLS_SKIP_VERIFY", "true"), 0, "! tls-skip-verify is on"},
	} {
		t.Run(name, func(t *testing.T) {
			c := call{env: tt.env}
			c.run(t.Context())
			if c.code != tt.code || !strings.Contains(c.stdout.String(), tt.output) {
				t.Errorf("exit %d, want %d and %q:\n%s", c.code, tt.code, tt.output, &c.stdout)
			}
		})
	}
}

// authority creates a certificate authority, and a certificate for this machine
// that it signed.
func authority(t *testing.T) (ca string, signed tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "An authority of " + t.Name()}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "api"}, NotAfter: root.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	var der [2][]byte
	for i, template := range []*x509.Certificate{root, leaf} {
		if der[i], err = x509.CreateCertificate(rand.Reader, template, root, key.Public(), key); err != nil {
			t.Fatal(err)
		}
	}
	ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der[0]}))
	return ca, tls.Certificate{Certificate: der[1:], PrivateKey: key}
}

// TestHealthURLOverTLS: ca-cert and tls-skip-verify apply to the health URL as
// they do to Dokploy, which is used without TLS here.
func TestHealthURLOverTLS(t *testing.T) {
	t.Parallel()
	ca, cert := authority(t)
	another, _ := authority(t)
	const untrusted = "the certificate is signed by an authority that is not trusted here"
	for name, tt := range map[string]struct {
		env  []string
		code int
		want []string
	}{
		"neither":           {nil, 1, []string{"✗ api was deployed, but its health URL could not be asked", untrusted}},
		"another authority": {[]string{"DOKPLOY_CA_CERT", another}, 1, []string{"✗ api was deployed, but its health URL could not be asked", untrusted}},
		"ca-cert":           {[]string{"DOKPLOY_CA_CERT", ca}, 0, []string{"answered 204", "✓ api deployed in "}},
		"tls-skip-verify":   {[]string{"DOKPLOY_TLS_SKIP_VERIFY", "true"}, 0, []string{"! tls-skip-verify is on", "answered 204", "✓ api deployed in "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, env := standIn(t, dokploytest.Options{})
			srv.AddApplication(dokploytest.Application{Name: "api"})
			var answered atomic.Int64
			health := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answered.Add(1)
				if r.URL.Path != "/up" || r.Header.Get("X-Api-Key") != "" {
					t.Errorf("%s is asked for, with %v", r.URL, r.Header)
				}
				w.WriteHeader(http.StatusNoContent)
			}))
			health.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
			health.Config.ErrorLog = log.New(io.Discard, "", 0)
			health.StartTLS()
			defer health.Close()
			timeout := "1m" // a successful run ends earlier, however busy the machine is
			if tt.code != 0 {
				timeout = seconds(3)
			}
			c := call{env: with(with(env, "DOKPLOY_APPLICATION", "api", "DOKPLOY_HEALTH_URL", health.URL+"/up", "DOKPLOY_HEALTH_TIMEOUT", timeout), tt.env...)}
			c.run(t.Context())
			if c.code != tt.code || (answered.Load() > 0) != (tt.code == 0) {
				t.Errorf("exit %d, want %d; %d answers\n%s", c.code, tt.code, answered.Load(), &c.stdout)
			}
			for _, want := range tt.want {
				if !strings.Contains(c.stdout.String(), want) {
					t.Errorf("the output lacks %q:\n%s", want, &c.stdout)
				}
			}
		})
	}
}
