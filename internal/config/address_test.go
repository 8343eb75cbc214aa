package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const serviceID = "76Zw95kt_ww6O-cVKEooA"

// TestPages: any page of the dashboard gives the address of the instance.
func TestPages(t *testing.T) {
	for _, tt := range []struct{ in, want, note string }{
		{"https://h/dashboard/project/p1/environment/e1/services/application/a1?tab=deployments", "https://h", "a page"},
		{"https://h/dashboard/home", "https://h", "a page"},
		{"https://h/dashboard", "https://h", "a page"},
		{"https://h/dashboard/", "https://h", "a page"},
		{"https://h:3000/dashboard/project/p1#top", "https://h:3000", "a page"},
		{"https://h/sub/path/dashboard/settings/server?x=https://i/dashboard", "https://h/sub/path", "a page"},
		{"https://h/sub/api/project.all", "https://h/sub", "a page"},
		{"https://h/api/trpc/project.all?batch=1&input=%7B%7D", "https://h", "a page"},
		{"https://h/api/health", "https://h", "a page"},
		{"https://h/swagger", "https://h", "a page"},
		{"https://h/sub/register?token=hunter2", "https://h/sub", "a page"},
		{"https://h/accept-invitation/hunter2", "https://h", "a page"},
		{"http://[::1]:3000/dashboard/x", "http://[::1]:3000", "a page"},
		{"https://h/?token=hunter2", "https://h", "a query"},
		{"https://h?token=hunter2", "https://h", "a query"},
		{"https://h?", "https://h", "a query"},
		{"https://h/#hunter2", "https://h", "a query"},
		{"https://h/sub/?a=b@c", "https://h/sub", "a query"},
		{"https://h/api?x", "https://h", "a query"},

		{"https://h/api", "https://h", ""},
		{"https://h/sub/api/", "https://h/sub", ""},
		{"https://h/mydashboard", "https://h/mydashboard", ""},
		{"https://h/dashboard2/x", "https://h/dashboard2/x", ""},
		{"https://h/dash/board", "https://h/dash/board", ""},
		{"https://h/apis/v1", "https://h/apis/v1", ""},
		{"https://h/swagger/x", "https://h/swagger/x", ""},
		{"http://10.0.0.1:3000", "http://10.0.0.1:3000", ""},
		{"http://[fe80::1%25eth0]:3000/", "http://[fe80::1%25eth0]:3000", ""},
		{"https://h/$5", "https://h/$5", ""},
	} {
		c, err := load("url", tt.in)
		if err != nil || c.URL.String() != tt.want {
			t.Errorf("%s: %v, %v; want %s", tt.in, c.URL, err, tt.want)
			continue
		}
		if tt.note == "" && len(c.Warnings) > 0 || tt.note != "" && (len(c.Warnings) != 1 || c.Warnings[0].Input != "url" ||
			!strings.Contains(c.Warnings[0].Text, tt.note) || !strings.HasSuffix(c.Warnings[0].Text, " "+tt.want) || strings.Contains(c.Warnings[0].Text, "hunter2")) {
			t.Errorf("%s: %q", tt.in, c.Warnings)
		}
	}
}

// TestLinks: the link of a service's page counts as its id, for the instance
// and the kind that it belongs to.
func TestLinks(t *testing.T) {
	const path = "/dashboard/project/p1/environment/e1/services/"
	const link = "https://dokploy.example.com" + path
	for _, tt := range []struct{ url, application, compose, want string }{
		{"https://dokploy.example.com", link + "application/" + serviceID + "?tab=deployments", "", ""},
		{"https://dokploy.example.com", link + "application/" + serviceID + "/#x", "", ""},
		{"https://dokploy.example.com", "https://dokploy.example.com/dashboard/project/p1/services/application/" + serviceID, "", ""}, // before 0.25
		{"https://dokploy.example.com", "", link + "compose/" + serviceID, ""},
		{"https://dokploy.example.com", link + "application/" + serviceID, link + "compose/" + serviceID, ""},
		{"https://dokploy.example.com", path + "application/" + serviceID, "", ""},
		{"https://dokploy.example.com", "dokploy.example.com" + path + "application/" + serviceID, "", ""},
		{"https://DOKPLOY.example.com", link + "application/" + serviceID, "", ""},
		{"https://dokploy.example.com:443/", link + "application/" + serviceID, "", ""},
		{"http://dokploy.example.com", link + "application/" + serviceID, "", ""},
		{"http://dokploy.example.com:3000", link + "application/" + serviceID, "", ""}, // bypasses the proxy
		{"https://dokploy.example.com/sub", "https://dokploy.example.com/sub" + path + "application/" + serviceID, "", ""},
		{link + "application/" + serviceID, link + "application/" + serviceID, "", ""},
		{"http://[::1]:3000", "http://[::1]:3000" + path + "application/" + serviceID, "", ""},

		{"https://dokploy.example.com", "https://other.example.com" + path + "application/" + serviceID, "", "application: contains the link of a page at other.example.com, but url is https://dokploy.example.com; correct the input url"},
		{"https://dokploy.example.com", "", "https://other.example.com" + path + "compose/" + serviceID, "compose: contains the link of a page at other.example.com"},
		{"http://127.0.0.1:3000", "http://127.0.0.1:4000" + path + "application/" + serviceID, "", "application: contains the link of a page at 127.0.0.1:4000"},
		{"https://dokploy.example.com", "https://bob:hunter2@dokploy.example.com" + path + "application/" + serviceID, "", "application: contains a link that is not a URL"},
		{"https://dokploy.example.com", "[api](" + link + "application/" + serviceID + ")", "", "application: contains a link that is not a URL"},
		{"https://dokploy.example.com", link + "compose/" + serviceID, "", "application: contains the link of a service of the other kind; put it in the input compose"},
		{"https://dokploy.example.com", "", link + "application/" + serviceID, "compose: contains the link of a service of the other kind; put it in the input application"},
		{"https://dokploy.example.com", link + "postgres/" + serviceID, "", `application: contains the link of a service that is neither an application nor a compose service ("postgres")`},
		{"https://dokploy.example.com", "https://dokploy.example.com/dashboard/project/p1/environment/e1", "", "application: contains the link of a page that is not a service's"},
		{"https://dokploy.example.com", "https://dokploy.example.com/dashboard/project/p1", "", "application: contains the link of a page that is not a service's"},
		{"https://dokploy.example.com", "https://api.example.com/?token=hunter2", "", "application: contains an address that is not a service's page"},
		{"https://dokploy.example.com", "https://github.com/acme/api", "", "application: contains an address that is not a service's page"},
	} {
		c, err := load("url", tt.url, "application", tt.application, "compose", tt.compose)
		got := problems(t, err)
		if tt.want != "" {
			if len(got) != 1 || !strings.HasPrefix(got[0], tt.want) || strings.Contains(got[0], "hunter2") {
				t.Errorf("%s %s%s: %q, want %q", tt.url, tt.application, tt.compose, got, tt.want)
			}
			continue
		}
		for input, list := range map[string][]string{tt.application: c.Applications, tt.compose: c.Composes} {
			if input != "" && !slices.Equal(list, []string{serviceID}) {
				t.Errorf("%s %s: %q, %v", tt.url, input, list, err)
			}
		}
		if !slices.ContainsFunc(c.Warnings, func(p Problem) bool { return p.Input != "url" && strings.Contains(p.Text, serviceID) }) {
			t.Errorf("%s%s: %q", tt.application, tt.compose, c.Warnings)
		}
	}
	// A name may have almost any form, and the same service may be named twice.
	for in, want := range map[string][]string{
		"shop/dashboard/api, a.b/c, x:y, dashboard/project": {"shop/dashboard/api", "a.b/c", "x:y", "dashboard/project"},
		"shop/api/deploy":                                   {"shop/api/deploy"},
		"my.shop/api/deploy, shop/api/deploy/web":           {"my.shop/api/deploy", "shop/api/deploy/web"},
		"- '" + link + "application/" + serviceID + "'":     {serviceID},
		serviceID + "," + link + "application/" + serviceID: {serviceID},
	} {
		if c, err := load("url", "https://dokploy.example.com", "application", in); err != nil || !slices.Equal(c.Applications, want) {
			t.Errorf("%q: %q, %v", in, c.Applications, err)
		}
	}
}

// TestWebhooks: a webhook's link is refused with an error that says what it is,
// and its token is hidden in whichever input it was given.
func TestWebhooks(t *testing.T) {
	const token = "SECRET-k3Jd9"
	for _, link := range []string{
		"https://h/api/deploy/" + token, "https://h/api/deploy/compose/" + token, "https://h/sub/api/deploy/" + token + "/", "https://h/api/deploy/" + token + "?x=1",
		"h.example.com/api/deploy/" + token, "HTTPS://H/API/DEPLOY/" + token, "https://h//api//deploy//" + token, "/api/deploy/" + token, "'https://h/api/deploy/" + token + "'",
		"https://h/api/deploy/github", "https://h/api/deploy/gitlab", "https://h/api/deploy",
		"https://h/api/deploy/%53ECRET-k3Jd9",
	} {
		for _, input := range []string{"url", "application", "compose", "api-key", "health-url"} {
			if input == "health-url" && !strings.HasPrefix(strings.Trim(link, "'"), "https://h/api/") {
				continue // another program's, or not an address
			}
			c, err := load(input, link)
			got := problems(t, err)
			if len(got) != 1 || !strings.HasPrefix(got[0], input+": is a webhook link") {
				t.Errorf("%s=%s: %q", input, link, got)
			}
			shown := strings.Join(got, " ")
			for _, w := range c.Warnings {
				shown += w.Text
			}
			if strings.Contains(shown, "SECRET") || strings.Contains(shown, "%53") {
				t.Errorf("%s=%s: %q, %q", input, link, got, c.Warnings)
			}
			if strings.Contains(link, token) && !slices.Contains(c.Secrets(), token) {
				t.Errorf("%s=%s: %q is not among the secrets: %q", input, link, token, c.Secrets())
			}
			for _, no := range []string{"github", "gitlab", "compose"} {
				if slices.Contains(c.Secrets(), no) {
					t.Errorf("%s=%s: %q is hidden", input, link, no)
				}
			}
		}
	}
	for _, input := range []string{"image", "source", "compose-file", "ca-cert", "output-file", "logs", "timeout", "health-status"} {
		c, err := load("compose", "x", input, "https://h/api/deploy/"+token)
		if got := problems(t, err); len(got) != 1 || strings.Contains(got[0], token) || !slices.Contains(c.Secrets(), token) {
			t.Errorf("%s: %q, %q", input, got, c.Secrets())
		}
	}
	if c, err := load("title", "see https://h/api/deploy/status"); err != nil || slices.Contains(c.Secrets(), "status") {
		t.Errorf("a word is hidden: %v, %q", err, c.Secrets())
	}
	if c, err := load("health-url", "https://other.example.com/api/deploy/status"); err != nil || slices.Contains(c.Secrets(), "status") {
		t.Errorf("a word is hidden: %v, %q", err, c.Secrets())
	}
	for _, input := range []string{"title", "description", "env", "headers"} {
		value := map[string]string{"env": "A=", "headers": "A: "}[input] + "https://h/api/deploy/" + token
		if c, err := load(input, value); err != nil || !slices.Contains(c.Secrets(), token) {
			t.Errorf("%s: %v, %q", input, err, c.Secrets())
		}
	}
}

// TestAddressesWithPasswords: a password in an address is hidden, whichever
// input has the address.
func TestAddressesWithPasswords(t *testing.T) {
	for _, input := range []string{
		"url", "application", "compose", "image", "source", "compose-file", "ca-cert", "output-file", "operation", "logs", "timeout", "health-url", "health-status",
	} {
		for _, address := range []string{"https://bob:hunt%20er2@example.com/acme/app.git", "bob:hunt%20er2@registry.example.com/app:1"} {
			c, err := load("application", "x", input, address)
			if err == nil && input != "application" && input != "compose" {
				t.Errorf("%s=%s is accepted", input, address)
			}
			for _, want := range []string{"hunt%20er2", "hunt er2"} {
				if !slices.Contains(c.Secrets(), want) {
					t.Errorf("%s=%s: %q is not among the secrets: %q", input, address, want, c.Secrets())
				}
			}
		}
	}
	if c, err := load("image", "ghcr.io/acme/api:1.4@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"); err != nil || len(c.Secrets()) > 1 {
		t.Errorf("%v, %q", err, c.Secrets())
	}
}

func TestIsHost(t *testing.T) {
	for _, s := range []string{"localhost", "localhost:3000", "h:3000", "dokploy.example.com", "a-b.example.com:443", "10.0.0.1", "10.0.0.1:3000", "::1", "[::1]", "[::1]:3000", "xn--a.xn--p1ai", "my_host.lan"} {
		if !isHost(s) {
			t.Errorf("%q is no host", s)
		}
	}
	for _, s := range []string{"", "h", "key-123", "SECRET", "eyJhbGciOi.eyJzdWIiOjF9.c2lnbmF0dXJlX3NlY3JldA", "h:", "h:0", "h:65536", "h:pass", "bob:hunter2", ".", "a.", ".a", "a..b", "-a.b", "a.b c", "a.b/c", "1.2", "[::1", "a.b:c:d", "K3y.example:1x"} {
		if isHost(s) {
			t.Errorf("%q is a host", s)
		}
	}
}

func TestHealthURLs(t *testing.T) {
	for _, tt := range []struct{ in, url, path, want string }{
		{"auto", "", "", ""},
		{`"Auto"`, "", "", ""},
		{"auto/", "", "/", ""},
		{"auto/healthz?full=1", "", "/healthz?full=1", ""},
		{"AUTO/healthz#x", "", "/healthz", ""},
		{"/healthz", "", "/healthz", ""},
		{"/a,b@c:1", "", "/a,b@c:1", ""},
		{"/", "", "/", ""},
		{"https://app.example.com/healthz", "https://app.example.com/healthz", "", ""},
		{"https://h/a,b?c=d,https://e", "https://h/a,b?c=d,https://e", "", ""},
		{"https://h/files/a,b.json", "https://h/files/a,b.json", "", ""},
		{"https://h/a,/b", "https://h/a,/b", "", ""},
		{"http://[::1]:8080/", "http://[::1]:8080/", "", ""},
		{"https://automatic.example.com", "https://automatic.example.com", "", ""},
		{"https://h/$5", "https://h/$5", "", ""},
		{"https://other.example.com/api/deploy/status", "https://other.example.com/api/deploy/status", "", ""},

		{"https://a.example.com,https://b.example.com", "", "", "contains several addresses, but takes only one: deploy the services in separate steps"},
		{"https://a.example.com\nhttps://b.example.com", "", "", "contains several addresses"},
		{"https://a.example.com, b.example.com", "", "", "contains several addresses"},
		{"https://a/?x=1 https://b/", "", "", "contains several addresses"},
		{"a.example.com,b.example.com", "", "", "contains several addresses"},
		{"auto,auto/x", "", "", "contains several addresses"},
		{"/a,/b", "", "", "contains several addresses"},
		{"/a\n/b", "", "", "contains several addresses"},
		{"https://a.example.com/x y", "", "", "contains a space"},
		{"/x y", "", "", "contains a path that no address can have"},
		{"/%zz", "", "", "contains a path that no address can have"},
		{"auto/\x01", "", "", "contains a path that no address can have"},
		{"//app.example.com/x", "", "", "has no scheme"},
		{"app.example.com/x", "", "", "has no scheme; write https://app.example.com/x"},
		{"automatic", "", "", "or /automatic for this path of the service's first domain"},
		{"healthz", "", "", `"healthz" is neither an address nor a path; write the address to request, such as https://app.example.com/healthz, or /healthz`},
		{"localhost", "", "", "has no scheme; write https://localhost"},
		{"https://$HOST/hunter2", "", "", "has an unexpanded variable where its host or port should be"},
		{"https://${HOST}/hunter2", "", "", "has an unexpanded variable where its host or port should be"},
		{"https://h:$PORT/", "", "", "has an unexpanded variable where its host or port should be"},
		{"http://::1/healthz", "", "", "has an IPv6 address without brackets around it"},
		{"http//app.example.com/hunter2", "", "", `begins with "http//", and not with "http://"; write http://app.example.com`},
		{"https:/app.example.com", "", "", "write https://app.example.com"},
		{"htps://app.example.com?token=hunter2", "", "", `begins with "htps://", which is not a scheme; write https://app.example.com`},
		{"ftp://app.example.com", "", "", `"ftp://" is not http or https`},
		{"https:/bob:hunter2@h", "", "", "contains a user name or password"},
	} {
		c, err := load("health-url", tt.in)
		got := problems(t, err)
		if tt.want != "" {
			if len(got) != 1 || !strings.HasPrefix(got[0], "health-url: ") || !strings.Contains(got[0], tt.want) || strings.Contains(got[0], "hunter2") {
				t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tt.in, err)
			continue
		}
		u := ""
		if c.HealthURL.URL != nil {
			u = c.HealthURL.URL.String()
		}
		if diff := cmp.Diff([]string{tt.url, tt.path}, []string{u, c.HealthURL.Path}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.in, diff)
		}
	}
}
