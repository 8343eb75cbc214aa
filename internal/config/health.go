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

// bare is a path without the slash in front of it.
var bare = regexp.MustCompile(`^(?:\./)?([A-Za-z][A-Za-z0-9_./-]{0,60})$`)

// parseHealthURL parses an address, auto, auto/path or /path.
func parseHealthURL(v string) (*HealthURL, error) {
	const want = "write the address to request, such as https://app.example.com/healthz, or auto"
	if several(v) {
		return nil, errors.New("contains several addresses, but takes only one: deploy the services in separate steps")
	}
	path, isAuto := v, strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "//")
	if len(v) >= 4 && strings.EqualFold(v[:4], "auto") {
		path, isAuto = v[4:], v[4:] == "" || v[4] == '/' || v[4] == '#'
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
	if text := noAddress(v); text != "" {
		return nil, errors.New(text)
	}
	u, err := health.ParseURL(v)
	if err != nil {
		return nil, err
	}
	return &HealthURL{URL: u}, nil
}

// noAddress says what is wrong with a value that has neither a scheme nor a host;
// empty: it has one of them. The query is not shown.
func noAddress(v string) string {
	if strings.ContainsAny(v, "@ \t\n") || strings.Contains(v, "://") || strings.HasPrefix(v, "//") {
		return ""
	}
	const want = "write the address to request, such as https://app.example.com/"
	given := upTo(v, "?#")
	path := bare.FindStringSubmatch(given)
	switch {
	case len(given) < len(v) && strings.EqualFold(given, "auto"):
		return "has a query right after auto; write auto/?…, or auto/path?…"
	case strings.EqualFold(upTo(v, ":"), "auto"):
		return "has a port after auto, but auto is the service's first domain as it is; write the whole address, such as https://app.example.com:8443/healthz"
	case given == "":
		return "has neither a host nor a path; " + want + "healthz, or auto/path"
	case isHost(upTo(given, "/")):
		return ""
	case path == nil:
		return quote(given) + " is neither an address nor a path; " + want + "healthz, or /path for a path of the service's first domain"
	}
	return fmt.Sprintf("%s is neither an address nor a path; %s%s, or /%s for this path of the service's first domain", quote(given), want, path[1], path[1])
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
