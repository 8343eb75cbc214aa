package dokploy

import (
	"net/url"
)

// Domain is one of a service's public addresses. The port that Dokploy stores
// with it is the container's, so it is not here (docs/dokploy.md, Names, links,
// domains).
type Domain struct {
	Host    string
	HTTPS   bool
	Path    string
	Enabled bool // always true before 0.30.0
}

// URL returns the domain's public address.
func (d Domain) URL() string {
	u := url.URL{Scheme: "http", Host: d.Host, Path: d.Path}
	if d.HTTPS {
		u.Scheme = "https"
	}
	if u.Path == "/" {
		u.Path = ""
	}
	return u.String()
}

// URL returns the first public address of the service; empty if it has none.
func (s *Service) URL() string {
	if urls := s.URLs(); len(urls) > 0 {
		return urls[0]
	}
	return ""
}

// URLs returns all public addresses of the service, without duplicates.
func (s *Service) URLs() []string {
	var urls []string
	seen := map[string]bool{}
	for _, d := range s.Domains {
		if u := d.URL(); d.Enabled && d.Host != "" && !seen[u] {
			seen[u] = true
			urls = append(urls, u)
		}
	}
	return urls
}

type wireDomain struct {
	Host    string `json:"host"`
	HTTPS   bool   `json:"https"`
	Path    string `json:"path"`
	Enabled *bool  `json:"enabled"`
}

func (d *wireDomain) domain() Domain {
	return Domain{Host: d.Host, HTTPS: d.HTTPS, Path: d.Path, Enabled: d.Enabled == nil || *d.Enabled}
}
