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

// errWebhook is the link of a webhook where something else is expected.
var errWebhook = errors.New("is a webhook link, which starts deployments but does not tell how they end: give the address of the instance in url, a key in api-key, " +
	"and the service's id, name or page link in application or compose")

var (
	// hook is the path of a webhook. What comes behind it is a token, or the
	// name of a Git host that sends all its pushes there.
	hook = regexp.MustCompile(`(?i)/+api/+deploy(?:/+(?:compose/+)?([^/?#\s,"'<>]*)|$|[?#\s,"'])`)
	// addressed is the beginning of what cannot be a name: a scheme, a host
	// with a dot or port, or nothing at all.
	addressed = regexp.MustCompile(`^(?i)([a-z][a-z0-9+.-]*:/|[^/\s]*[.:][^/\s]*/|/)`)
)

// isWebhook reports whether a value is the link of a webhook.
func isWebhook(v string) bool {
	m := hook.FindStringSubmatch(v)
	return m != nil && addressed.MatchString(v) && (m[1] != "" || strings.Contains(v, "://"))
}

// webhookTokens are the tokens in the links of webhooks in a text.
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

// isRandom reports whether a text is no word: it has digits or capitals in it,
// or is long.
func isRandom(s string) bool {
	return len(s) >= 16 || strings.ContainsAny(s, "0123456789") || strings.ToLower(s) != s
}

// hostLabels is a name that has a dot in it, as keys never do.
var hostLabels = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)+([a-z]{2,24}|xn--[a-z0-9-]+)$`)

// isHost reports whether a text is a host, with or without a port, beyond
// doubt: it may be shown, since it is no key and no password.
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

// upTo cuts a text at the first of some characters.
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

// badScheme says what is wrong with the beginning of an address; empty if it
// has a scheme that is http or https. Nothing but the host is shown.
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

// rootPages are the pages of Dokploy that stand neither under /dashboard nor
// under /api.
var rootPages = regexp.MustCompile(`/(swagger|register|invitation|reset-password|send-reset-password|confirm-email|accept-invitation(/[^/]*)?)$`)

// parseURL makes the address of any page of an instance the address of the
// instance. The note says what was dropped, if it is more than what everybody
// drops. Problems show no more than scheme and host: the rest may hold a token.
func parseURL(v string) (base *url.URL, note string, err error) {
	switch {
	case isWebhook(v):
		return nil, "", errWebhook
	case strings.ContainsFunc(v, unicode.IsSpace):
		return nil, "", errors.New("contains a space or a line break; " + wantURL)
	}
	// A password may hold what ends a host, so an @ counts wherever a host
	// or path may be.
	_, rest, _ := strings.Cut(v, "://")
	if strings.Contains(upTo(v, "?#"), "@") || strings.Contains(upTo(rest, "/"), "@") {
		return nil, "", errors.New("contains a user name or password; send credentials with the input headers (Authorization: Basic …) instead")
	}
	if text := badScheme(v, wantURL); text != "" {
		return nil, "", errors.New(text)
	}
	address := upTo(v, "?#")
	u, err := url.Parse(address)
	if err != nil { // it quotes the address
		var escape url.EscapeError
		switch {
		case errors.As(err, &escape):
			return nil, "", errors.New("is not a URL (it has a % that begins no escape); " + wantURL)
		case strings.Contains(err.Error(), "invalid port"):
			return nil, "", errors.New("has no valid port; " + wantURL)
		}
		return nil, "", errors.New("is not a URL; " + wantURL)
	}
	if u.Hostname() == "" {
		return nil, "", errors.New("has no host; " + wantURL)
	}
	if (u.Port() != "" || strings.HasSuffix(u.Host, ":")) && !isPort(u.Port()) {
		return nil, "", errors.New("has no valid port; " + wantURL)
	}
	if !strings.HasPrefix(u.Host, "[") && strings.ContainsAny(u.Host, "$%{}") {
		return nil, "", errors.New("has an unexpanded variable where its host should be; " + wantURL)
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	cut := path
	for _, page := range []string{"/dashboard/", "/api/"} {
		if i := strings.Index(cut+"/", page); i >= 0 {
			cut = cut[:i]
		}
	}
	cut = strings.TrimRight(rootPages.ReplaceAllString(cut, ""), "/")
	plain, _ := url.PathUnescape(cut) // it was one before it was cut
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

// page is the path of a page of a project in the dashboard; with a service if
// it is one of a service.
var page = regexp.MustCompile(`/dashboard/project/[^/?#]+(?:/environment/[^/?#]+)?(?:/services/([a-z-]+)/([^/?#]+))?`)

// parseTarget reads how a service is named in the input of a kind. A link of
// its page in the dashboard is taken as the id in it.
func parseTarget(v, kind string, base *url.URL) (target, note string, err error) {
	other := map[string]string{"application": "compose", "compose": "application"}[kind]
	if isWebhook(v) {
		return "", "", errWebhook
	}
	m := page.FindStringSubmatch(v)
	if m == nil {
		if !anotherScheme.MatchString(v) {
			return v, "", nil
		}
		return "", "", errors.New("contains an address that is not a service's page in the dashboard; give the service's id, name, project/name or project/environment/name, or the link of its page")
	}
	host, _, _ := strings.Cut(v, m[0])
	if err := sameHost(host, base); err != nil {
		return "", "", err
	}
	switch m[1] {
	case kind:
		return m[2], fmt.Sprintf("the link of a page was given; using the id in it, %s", quote(m[2])), nil
	case other:
		return "", "", fmt.Errorf("contains the link of a service of the other kind; put it in the input %s", other)
	case "":
		return "", "", errors.New("contains the link of a page that is not a service's; open the service in the dashboard, and use the link of that page")
	}
	return "", "", fmt.Errorf("contains the link of a service that is neither an application nor a compose service (%s); only those can be deployed", quote(m[1]))
}

// sameHost sees that a link, up to the path of its page, is one of the
// instance at base. Of a host that is reached behind a proxy and beside it only
// one may have a port.
func sameHost(link string, base *url.URL) error {
	if link == "" || base == nil { // only a path, or nothing to compare with
		return nil
	}
	if !strings.Contains(link, "://") {
		link = "https://" + link
	}
	u, err := url.Parse(link)
	if err != nil || u.User != nil {
		return errors.New("contains a link that is not a URL; give the service's id, name, project/name or project/environment/name")
	}
	ports := map[string]string{"http": "80", "https": "443"}
	port := func(u *url.URL) string {
		if u.Port() == ports[strings.ToLower(u.Scheme)] {
			return ""
		}
		return u.Port()
	}
	a, b := port(u), port(base)
	if strings.EqualFold(u.Hostname(), base.Hostname()) && (a == b || a == "" || b == "") {
		return nil
	}
	where := "another host"
	if isHost(strings.ToLower(u.Host)) {
		where = u.Host
	}
	return fmt.Errorf("contains the link of a page at %s, but url is %s; correct the input url, or use a link from there", where, base)
}

// looksLikeAddress reports whether a value of the inputs url and api-key is an
// address, and no key: in doubt it is a key.
func looksLikeAddress(v string) bool {
	return strings.Contains(v, "://") || isWebhook(v) || isHost(upTo(strings.TrimLeft(v, "/"), "/?#")) || brokenScheme.MatchString(v)
}

// swapped reports whether the values of url and api-key stand in each other's
// place.
func swapped(url, key string) bool {
	return url != "" && looksLikeAddress(key) && !looksLikeAddress(url)
}
