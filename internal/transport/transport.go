// Package transport creates the HTTP transports for Dokploy and for a health
// URL: TLS as the inputs say, this machine's proxy, and HTTP/1.1.
package transport

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"

	"dokploy-deploy/internal/neterr"
)

// New creates a transport that trusts the given authorities besides the
// system's, or every certificate. It sets no timeouts.
func New(authorities []*x509.Certificate, skipVerify bool) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: neterr.OnProxyConnectResponse,
		Protocols:              http1(),
		TLSClientConfig:        tlsConfig(authorities, skipVerify),
	}
}

// http1 keeps every request on HTTP/1.1, on purpose: net/http's HTTP/2 resends
// requests by rules of its own, which must not happen to a trigger, and
// upgrading to a WebSocket needs HTTP/1.1. A few small requests gain nothing
// from HTTP/2.
func http1() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}

func tlsConfig(authorities []*x509.Certificate, skipVerify bool) *tls.Config {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: skipVerify} //nolint:gosec // the user's explicit choice, warned about
	if len(authorities) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		for _, cert := range authorities {
			pool.AddCert(cert)
		}
		conf.RootCAs = pool
	}
	return conf
}
