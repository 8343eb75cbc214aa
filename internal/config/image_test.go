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
	for bad, why := range map[string]string{
		"api :1": "it contains a space", "a\nb": "a line break", "api:1,api:2": "a comma", "https://ghcr.io/acme/api": "leave out the scheme", "ghcr.io/Acme/api": "must be lowercase",
		"api:": "is the variable for the tag set?", "api@": "is the variable for the digest set?", "api:1@": "is the variable for the digest set?", digest[1:]: "it is only a digest",
		"api@sha256:123": "is not a digest", "api@1.4.2": "is not a digest", "api:$TAG": "a variable that was not expanded", "api:${TAG}": "a variable that was not expanded", "api:{{tag}}": "a variable that was not expanded",
		":1": "", "api:1:2": "", "api;rm": "", "api:é": "", "-api": "", strings.Repeat("a", 300): "must not be more than 255",
	} {
		_, err := load("image", bad)
		got := problems(t, err)
		if len(got) != 1 || !strings.HasPrefix(got[0], "image: ") || !strings.Contains(got[0], "is not the name of an image") || !strings.Contains(got[0], why) {
			t.Errorf("%q: %q, want %q", bad, got, why)
		}
	}
}
