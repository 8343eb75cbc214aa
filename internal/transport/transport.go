// Package transport makes the connections to Dokploy and to a health URL: what
// the inputs say about TLS, the proxy of this machine, and HTTP/1.1.
package transport

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"

	"dokploy-deploy/internal/neterr"
)

// New makes a transport that trusts these authorities beside the system's, or
// every certificate. Its timeouts are for the caller to set.
func New(authorities []*x509.Certificate, skipVerify bool) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: neterr.OnProxyConnectResponse,
		Protocols:              http1(),
		TLSClientConfig:        tlsConfig(authorities, skipVerify),
	}
}

// http1 keeps every request on HTTP/1.1, on purpose: net/http's HTTP/2 sends
// requests again by rules of its own, which a trigger must never be, and the
// upgrade to a WebSocket needs HTTP/1.1. A few small requests gain nothing from
// HTTP/2.
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
