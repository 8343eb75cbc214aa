package deploy

import (
	"net/url"
	"testing"
)

// TestHealthURLOfDomain: a path is that of the first domain, in the place of its own.
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
	for path, want := range map[string]string{"": "auto takes the first domain, and there is none", "/healthz": "a path is asked of the first domain, and there is none"} {
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
