package config

import (
	"strings"
	"testing"
)

func TestImages(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0", 64)
	for _, good := range []string{
		"nginx", "nginx:1.27", "acme/api:v1", "ghcr.io/acme/api:1.4.2", "localhost:5000/api", "127.0.0.1:5000/a/b/c:x",
		"ghcr.io/acme/api" + digest, "ghcr.io/acme/api:1.4.2" + digest,
	} {
		if c, err := load("image", good); err != nil || c.Image != good {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"api :1", "https://ghcr.io/acme/api", "ghcr.io/Acme/api", "api:", ":1", "api:1:2", "api@sha256:123", "a\nb", "api;rm", "api:é",
		"-api", "api:$TAG", strings.Repeat("a", 300),
	} {
		_, err := load("image", bad)
		got := problems(t, err)
		if len(got) != 1 || !strings.HasPrefix(got[0], "image: ") || !strings.Contains(got[0], "is not the name of an image") {
			t.Errorf("%q: %q", bad, got)
		}
	}
}
