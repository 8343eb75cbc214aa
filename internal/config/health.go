package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"dokploy-deploy/internal/health"
)

// HealthURL is the address to request.
type HealthURL struct {
	URL  *url.URL // nil: the service's first domain ("auto")
	Path string   // with auto: replaces the path and query of the domain; empty: keeps them
}

// word is what can be neither a host nor a path.
var word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,40}$`)

// parseHealthURL parses an address, auto, auto/path or /path.
func parseHealthURL(v string) (*HealthURL, error) {
	const want = "write the address to request, such as https://app.example.com/healthz, or auto"
	if several(v) {
		return nil, errors.New("contains several addresses, but takes only one: deploy the services in separate steps")
	}
	path, isAuto := v, strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "//")
	if len(v) >= 4 && strings.EqualFold(v[:4], "auto") {
		path, isAuto = v[4:], v[4:] == "" || strings.HasPrefix(v[4:], "/")
	}
	if isAuto {
		path = upTo(path, "#")
		if path == "" {
			return &HealthURL{}, nil
		}
		if _, err := health.ParseURL("https://domain" + path); err != nil {
			return nil, errors.New("contains a path that no address can have; write auto, auto/path or /path")
		}
		return &HealthURL{Path: path}, nil
	}
	if word.MatchString(v) && !isHost(v) {
		return nil, fmt.Errorf("%s is neither an address nor a path; write the address to request, such as https://app.example.com/%s, or /%s for this path of the service's first domain", quote(v), v, v)
	}
	// Package health judges what has a valid scheme or none.
	if m := anotherScheme.MatchString(v) || brokenScheme.MatchString(v); m && !strings.ContainsFunc(v, unicode.IsSpace) && !strings.Contains(v, "@") {
		if text := badScheme(v, want); text != "" {
			return nil, errors.New(text)
		}
	}
	if anotherScheme.MatchString(v) && !strings.Contains(v, "@") {
		if text := badHost(v); text != "" {
			return nil, errors.New(text + "; " + want)
		}
	}
	u, err := health.ParseURL(v)
	if err != nil {
		return nil, err
	}
	return &HealthURL{URL: u}, nil
}

// several reports whether a value holds more than one address. A comma in a
// path or query separates only if another address follows.
func several(v string) bool {
	pieces := strings.FieldsFunc(upTo(v, "?"), func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	if fields := strings.Fields(v); len(fields) > 1 {
		pieces = fields
	}
	if len(pieces) < 2 {
		return false
	}
	blank, bare := strings.ContainsFunc(v, unicode.IsSpace), !strings.Contains(pieces[0], "://")
	for _, piece := range pieces[1:] {
		piece = strings.ToLower(strings.Trim(piece, `,;"'`))
		switch {
		case strings.HasPrefix(piece, "http://"), strings.HasPrefix(piece, "https://"), piece == "auto", strings.HasPrefix(piece, "auto/"),
			(blank || bare) && (strings.HasPrefix(piece, "/") || isHost(upTo(piece, "/"))):
			return true
		}
	}
	return false
}
