package deploy

import (
	"net/url"
	"strings"
	"testing"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// TestHealthURLOfDomain: a path replaces the first domain's own path.
func TestHealthURLOfDomain(t *testing.T) {
	for _, tt := range []struct{ path, domain, want string }{
		{"", "https://api.example.com", "https://api.example.com"},
		{"", "https://api.example.com/v1", "https://api.example.com/v1"},
		{"/healthz", "https://api.example.com", "https://api.example.com/healthz"},
		{"/healthz?full=1", "http://api.example.com:8080/", "http://api.example.com:8080/healthz?full=1"},
		{"/healthz", "https://api.example.com/v1", "https://api.example.com/healthz"},
		{"/", "https://api.example.com/v1", "https://api.example.com/"},
		{"/a%2Fb", "https://api.example.com", "https://api.example.com/a%2Fb"},
	} {
		o := &Options{Health: &Health{Path: tt.path}}
		u, err := o.healthURL(tt.domain)
		if err != nil || u.String() != tt.want {
			t.Errorf("%s of %s: %v, %v; want %s", tt.path, tt.domain, u, err, tt.want)
		}
	}
	for path, want := range map[string]string{"": "auto uses the service's first domain, but it has none", "/healthz": "a path is added to the service's first domain, but it has none"} {
		o := &Options{Health: &Health{Path: path}}
		if _, err := o.healthURL(""); err == nil || err.Error() != want {
			t.Errorf("%q: %v", path, err)
		}
	}
	given := &url.URL{Scheme: "https", Host: "h"}
	if u, err := (&Options{Health: &Health{URL: given}}).healthURL("https://api.example.com"); err != nil || u != given {
		t.Errorf("%v, %v", u, err)
	}
}

// The text that an address must contain may be one that only the new version
// returns: after a rollback it is not required.
func TestTheTextOfTheFailedVersion(t *testing.T) {
	inWorld(t, dokploytest.Options{}, func(w *world) {
		app := w.srv.AddApplication(dokploytest.Application{RolloutFunc: byImage})
		w.set = func(o *Options) {
			goingBack(Changes{Image: newImage})(o)
			o.Health = w.health(&pages{}, "http://x.example.com/")
			o.Health.Contains = "3f2a91c"
			o.Health.Dial = answering(func(string) string {
				return "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nversion"
			}, nil)
		}
		r := w.want(w.deploy("application api"), verdict.Unhealthy, 1)
		if r.Reason.Kind != verdict.BadHealth || !strings.Contains(r.Error(), `answers 200 OK without "3f2a91c"; the answer is "version"`) {
			w.Error(r.Error())
		}
		if app.Image() != oldImage || !strings.HasSuffix(r.WentBack, "it was deployed again and is running") {
			w.Errorf("%s: %s\n%s", app.Image(), r.WentBack, w.story())
		}
	})
}
