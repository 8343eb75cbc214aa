package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

const wantURL = "write the address of the Dokploy instance, such as https://dokploy.example.com"

// errWebhook reports a webhook link where something else is expected.
var errWebhook = errors.New("is a webhook link, which starts deployments but does not tell how they end: give the address of the instance in url, a key in api-key, " +
	"and the service's id, name or page link in application or compose")

var (
	// hook matches the path of a webhook. After it comes a token, or the name
	// of a Git host whose app sends its pushes there.
	hook = regexp.MustCompile(`(?i)/+api/+deploy(?:/+(?:compose/+)?([^/?#\s,"'<>]*)|$|[?#\s,"'])`)
	// addressed matches the start of something that cannot be a name: a scheme,
	// a host with a dot or a port, or a leading slash.
	addressed = regexp.MustCompile(`^(?i)([a-z][a-z0-9+.-]*:/|[^/\s]*[.:][^/\s]*/|/)`)
)

// isWebhook reports whether v contains a webhook link.
func isWebhook(v string) bool {
	m := hook.FindStringSubmatch(v)
	return m != nil && addressed.MatchString(v) && (m[1] != "" || strings.Contains(v, "://"))
}

// webhookTokens returns the tokens of the webhook links in text.
func webhookTokens(text string) []string {
	var tokens []string
	for _, m := range hook.FindAllStringSubmatch(text, -1) {
		switch token := m[1]; token {
		case "", "compose", "github", "gitlab":
		default:
			tokens = append(tokens, token)
			if plain, err := url.PathUnescape(token); err == nil && plain != token {
				tokens = append(tokens, plain)
			}
		}
	}
	return tokens
}

// isRandom reports whether s looks like a token rather than a word: it has
// digits or capitals, or is long.
func isRandom(s string) bool {
	return len(s) >= 16 || strings.ContainsAny(s, "0123456789") || strings.ToLower(s) != s
}

// hostLabels matches a host name with a dot. Keys never have one.
var hostLabels = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)+([a-z]{2,24}|xn--[a-z0-9-]+)$`)

// isHost reports whether s is certainly a host, with or without a port. It may
// then be shown: it is neither a key nor a password.
func isHost(s string) bool {
	host, port, hasPort := strings.Cut(s, ":")
	if strings.HasPrefix(s, "[") || strings.Count(s, ":") > 1 {
		var err error
		if host, port, err = net.SplitHostPort(s); err != nil {
			if host, hasPort = s, false; strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
				host = s[1 : len(s)-1]
			}
		} else {
			hasPort = true
		}
	}
	if hasPort && !isPort(port) {
		return false
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return len(s) < 254 && (host == "localhost" || hostLabels.MatchString(host) || hasPort && hostLabels.MatchString(host+".lan"))
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// upTo returns the part of s before the first of chars.
func upTo(s, chars string) string {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i]
	}
	return s
}

var (
	brokenScheme  = regexp.MustCompile(`^(?i)(https?)(?:[:;.,]?[/\\]+|:)(.*)$`)
	anotherScheme = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$`)
)

// badScheme says what is wrong with the start of an address. It returns "" for
// http and https. It shows nothing but the host.
func badScheme(v, want string) string {
	write := func(scheme, rest string) string {
		host := upTo(strings.TrimLeft(rest, `/\`), `/\?#`)
		if !isHost(host) || strings.Contains(v, "@") {
			return "write " + scheme + "://, followed by the host"
		}
		return "write " + scheme + "://" + host
	}
	if m := anotherScheme.FindStringSubmatch(v); m != nil {
		scheme := strings.ToLower(m[1])
		toHTTP, toHTTPS := edits(scheme, "http"), edits(scheme, "https")
		switch {
		case min(toHTTP, toHTTPS) == 0 && !strings.HasPrefix(m[2], "/") && m[2] != "":
			return ""
		case min(toHTTP, toHTTPS) == 0 && strings.Trim(m[2], "/") == "":
			return "has no host; " + want
		case min(toHTTP, toHTTPS) == 0:
			return "has no host between the slashes; " + write(scheme, m[2])
		case scheme[0] == 'h' && min(toHTTP, toHTTPS) <= 2 && toHTTP < toHTTPS:
			return fmt.Sprintf("begins with %s, which is not a scheme; %s", strconv.Quote(m[1]+"://"), write("http", m[2]))
		case scheme[0] == 'h' && min(toHTTP, toHTTPS) <= 2:
			return fmt.Sprintf("begins with %s, which is not a scheme; %s", strconv.Quote(m[1]+"://"), write("https", m[2]))
		case len(scheme) > 10:
			return "is not http or https; " + want
		}
		return fmt.Sprintf("%s is not http or https; %s", strconv.Quote(m[1]+"://"), want)
	}
	if m := brokenScheme.FindStringSubmatch(v); m != nil && !isHost(upTo(v, "/?#")) {
		scheme := strings.ToLower(m[1])
		return fmt.Sprintf("begins with %s, and not with %s; %s", strconv.Quote(strings.TrimSuffix(v, m[2])), strconv.Quote(scheme+"://"), write(scheme, m[2]))
	}
	host := upTo(strings.TrimLeft(v, "/"), "/?#")
	if strings.Contains(v, "@") || !isHost(host) {
		return "is not an address that begins with https:// or http://; " + want
	}
	return "has no scheme; write https://" + host
}

// rootPages matches the pages of Dokploy outside /dashboard and /api.
var rootPages = regexp.MustCompile(`/(swagger|register|invitation|reset-password|send-reset-password|confirm-email|accept-invitation(/[^/]*)?)$`)

// severalURLs matches an address with another one behind it.
var severalURLs = regexp.MustCompile(`(?i)[,;\s]https?://`)

// badHost says what is wrong with the host or port of an address that has a
// scheme, where its parser would say less. The host is not shown.
func badHost(v string) string {
	_, rest, _ := strings.Cut(v, "://")
	host := upTo(rest, `/\?#`)
	switch _, err := netip.ParseAddr(host); {
	case strings.HasPrefix(host, "["):
	case strings.ContainsAny(host, "$%{}"):
		return "has an unexpanded variable where its host or port should be"
	case strings.Count(host, ":") > 1 && err == nil:
		return "has an IPv6 address without brackets around it, as in http://[2001:db8::1]:3000"
	}
	return ""
}

// instanceAt returns the address of the instance for the address of any of its
// pages. The note says what was dropped, except for the parts that everybody
// drops. Errors show only the scheme and the host: the rest may hold a token.
func instanceAt(v string) (base *url.URL, note string, err error) {
	switch {
	case isWebhook(v):
		return nil, "", errWebhook
	case severalURLs.MatchString(upTo(v, "?#")):
		return nil, "", errors.New("contains several addresses, but takes only one: deploy to each instance in a step of its own")
	case strings.ContainsFunc(v, unicode.IsSpace):
		return nil, "", errors.New("contains a space or a line break; " + wantURL)
	}
	// A password may contain characters that end a host, so an @ counts
	// anywhere in the host and the path.
	_, rest, _ := strings.Cut(v, "://")
	if strings.Contains(upTo(v, "?#"), "@") || strings.Contains(upTo(rest, "/"), "@") {
		return nil, "", errors.New("contains a user name or password; send credentials with the input headers (Authorization: Basic …) instead")
	}
	if text := badScheme(v, wantURL); text != "" {
		return nil, "", errors.New(text)
	}
	address := upTo(v, "?#")
	u, err := parseAddress(address)
	if err != nil {
		return nil, "", err
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	cut := withoutPage(path)
	plain, _ := url.PathUnescape(cut) // it was unescaped before it was cut
	base = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: plain}
	if base.EscapedPath() != cut {
		base.RawPath = cut
	}
	switch {
	case path != cut && path != cut+"/api":
		note = "is the address of a page; the instance is assumed to be at " + base.String()
	case address != v:
		note = "has a query or fragment, which is dropped; the instance is assumed to be at " + base.String()
	}
	return base, note, nil
}

// parseAddress parses the address of a host and a path. Its errors quote nothing.
func parseAddress(address string) (*url.URL, error) {
	if text := badHost(address); text != "" {
		return nil, errors.New(text + "; " + wantURL)
	}
	u, err := url.Parse(address)
	if err != nil { // the error quotes the address
		var escape url.EscapeError
		switch {
		case errors.As(err, &escape):
			return nil, errors.New("is not a URL (it has a % that begins no escape); " + wantURL)
		case strings.Contains(err.Error(), "invalid port"):
			return nil, errors.New("has no valid port; " + wantURL)
		}
		return nil, errors.New("is not a URL; " + wantURL)
	}
	switch {
	case u.Hostname() == "":
		return nil, errors.New("has no host; " + wantURL)
	case (u.Port() != "" || strings.HasSuffix(u.Host, ":")) && !isPort(u.Port()):
		return nil, errors.New("has no valid port; " + wantURL)
	}
	return u, nil
}

// withoutPage cuts the path of a page off, and leaves that of the instance.
func withoutPage(path string) string {
	for _, page := range []string{"/dashboard/", "/api/"} {
		if i := strings.Index(path+"/", page); i >= 0 {
			path = path[:i]
		}
	}
	return strings.TrimRight(rootPages.ReplaceAllString(path, ""), "/")
}

// looksLikeAddress reports whether a value of url or api-key is an address. In
// doubt it is a key.
func looksLikeAddress(v string) bool {
	return strings.Contains(v, "://") || isWebhook(v) || isHost(upTo(strings.TrimLeft(v, "/"), "/?#")) || brokenScheme.MatchString(v)
}

// swapped reports whether the values of url and api-key were swapped.
func swapped(url, key string) bool {
	return url != "" && looksLikeAddress(key) && !looksLikeAddress(url)
}

// parseURL parses the input url.
func (l *loader) parseURL(v string) (*url.URL, error) {
	if swapped(v, l.given("api-key")) {
		return nil, errors.New("is not an address, but api-key is: the two are swapped")
	}
	base, note, err := instanceAt(v)
	l.note("url", note)
	return base, err
}
