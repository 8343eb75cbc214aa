package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// targets reads application or compose.
func (l *loader) targets(input string) []string {
	return parse(l, input, func(v string) ([]string, error) {
		list, notes, err := parseTargets(v, input, l.config.URL)
		l.note(input, notes...)
		return list, err
	})
}

// parseTargets parses a list of services of one kind and drops duplicates. base
// is the instance, if its address could be parsed.
func parseTargets(v, kind string, base *url.URL) (list, notes []string, err error) {
	for t := range entriesOf(v) {
		switch control := strings.ContainsFunc(t, unicode.IsControl); {
		case control && hook.MatchString(t): // so that its token is not shown
			return nil, nil, errWebhook
		case control:
			return nil, nil, fmt.Errorf("%s contains a control character; separate several targets with newlines or commas", quote(t))
		}
		t, note, err := parseTarget(t, kind, base)
		if err != nil {
			return nil, nil, err
		}
		if note != "" {
			notes = append(notes, note)
		}
		if !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list, notes, nil
}

// page matches the path of a project page in the dashboard. The groups are the
// kind and the id if it is the page of a service.
var page = regexp.MustCompile(`/dashboard/project/[^/?#]+(?:/environment/[^/?#]+)?(?:/services/([a-z-]+)/([^/?#]+))?`)

// parseTarget reads one entry of the input application or compose. A link to
// the service's page in the dashboard becomes its id.
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

// sameHost checks that a link, cut at its page's path, belongs to the instance
// at base. If only one of the two has a port they still match: the same host
// may be reached through a proxy and directly.
func sameHost(link string, base *url.URL) error {
	if link == "" || base == nil { // a bare path, or nothing to compare with
		return nil
	}
	if !strings.Contains(link, "://") {
		link = "https://" + link
	}
	u, err := url.Parse(link)
	if err != nil || u.User != nil || u.Host == "" {
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
